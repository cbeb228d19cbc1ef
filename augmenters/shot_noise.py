"""Noise of counted photons: the fewer a pixel catches, the more it shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from seedbed.augmenters.picture import Image, PixelAugmenter, Range, within
from seedbed.augmenters.picture_labels import noised
from seedbed.augmenters.picture_noise import MID_LEVEL, photon_sigma, warm, with_shaped_noise
from seedbed.sample import Picture
from seedbed.streams import fork_seed, log_uniform


@dataclass(frozen=True)
class ShotNoiseParams:
    """What was drawn for one picture."""

    photons: float
    seed: int


class ShotNoise(PixelAugmenter[ShotNoiseParams]):
    """Adds Poisson noise, as where a white pixel catches `photons`; 4 grey levels at 1,000."""

    params_type: ClassVar[type[ShotNoiseParams]] = ShotNoiseParams

    photons: Annotated[Range, within(10, 1_000_000)] = (200, 5000)

    def prepare(self) -> None:
        """Draw the fields of noise, so that forked workers share them."""
        warm("white")

    def draw(self, sample: Picture, rng: np.random.Generator) -> ShotNoiseParams:
        """Draw the photons, evenly in the logarithm, and a seed for the noise."""
        return ShotNoiseParams(log_uniform(rng, self.photons), fork_seed(rng))

    def apply(self, sample: Picture, params: ShotNoiseParams) -> Picture:
        """The sample with noise, its labels judged by how much of it there is at mid grey."""
        return noised(super().apply(sample, params), float(photon_sigma(params.photons)[MID_LEVEL]))

    def paint(self, image: Image, params: ShotNoiseParams) -> Image:
        """The picture with noise."""
        return with_shaped_noise(image, "white", params.seed, photon_sigma(params.photons))
