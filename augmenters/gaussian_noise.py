"""Noise that is the same in the dark and in the light."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from seedbed.augmenters.picture import Image, PixelAugmenter, Range, within
from seedbed.augmenters.picture_labels import noised
from seedbed.augmenters.picture_noise import noise_window, warm, with_noise
from seedbed.sample import Picture
from seedbed.streams import fork_seed, uniform


@dataclass(frozen=True)
class GaussianNoiseParams:
    """What was drawn for one picture."""

    sigma_levels: float
    seed: int


class GaussianNoise(PixelAugmenter[GaussianNoiseParams]):
    """Adds white noise of `sigma_levels` grey levels to every pixel and channel."""

    params_type: ClassVar[type[GaussianNoiseParams]] = GaussianNoiseParams

    sigma_levels: Annotated[Range, within(0, 80)] = (1, 10)

    def prepare(self) -> None:
        """Draw the fields of noise, so that forked workers share them."""
        warm("white")

    def draw(self, sample: Picture, rng: np.random.Generator) -> GaussianNoiseParams:
        """Draw how strong, and a seed for the noise."""
        return GaussianNoiseParams(uniform(rng, self.sigma_levels), fork_seed(rng))

    def apply(self, sample: Picture, params: GaussianNoiseParams) -> Picture:
        """The sample with noise, its labels judged by how much of it there is at mid grey."""
        return noised(super().apply(sample, params), params.sigma_levels)

    def paint(self, image: Image, params: GaussianNoiseParams) -> Image:
        """The picture with noise."""
        noise = noise_window("white", image.shape[0], image.shape[1], params.seed)
        return with_noise(image, noise, params.sigma_levels)
