"""The grain of a camera at high sensitivity: photons, readout, Bayer filter, colour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from seedbed.augmenters.picture import Image, PixelAugmenter, Range, within
from seedbed.augmenters.picture_labels import noised
from seedbed.augmenters.picture_noise import (
    MID_LEVEL,
    noise_window,
    photon_sigma,
    warm,
    with_noise,
    with_shaped_noise,
)
from seedbed.sample import Picture
from seedbed.streams import fork_seed, log_uniform, uniform

MAX_LEVELS = 20.0
"""Cameras clip their shadows long before the noise there gets wider than this."""


@dataclass(frozen=True)
class IsoNoiseParams:
    """What was drawn for one picture."""

    photons: float
    read_electrons: float
    colour_levels: float
    seed: int


class IsoNoise(PixelAugmenter[IsoNoiseParams]):
    """Adds sensor noise that demosaicing widened, strongest in the dark, and blotches of colour."""

    params_type: ClassVar[type[IsoNoiseParams]] = IsoNoiseParams

    photons: Annotated[Range, within(10, 1_000_000)] = (600, 10_000)
    read_electrons: Annotated[Range, within(0, 200)] = (1, 4)
    colour_levels: Annotated[Range, within(0, 40)] = (0, 4)

    def prepare(self) -> None:
        """Draw the fields of noise, so that forked workers share them."""
        warm("sensor", "chroma")

    def draw(self, sample: Picture, rng: np.random.Generator) -> IsoNoiseParams:
        """Draw photons in a white pixel, readout noise, colour noise in levels, and a seed."""
        return IsoNoiseParams(
            log_uniform(rng, self.photons),
            uniform(rng, self.read_electrons),
            uniform(rng, self.colour_levels),
            fork_seed(rng),
        )

    def apply(self, sample: Picture, params: IsoNoiseParams) -> Picture:
        """The sample with noise, its labels judged by how much of it there is at mid grey."""
        grain = float(photon_sigma(params.photons, params.read_electrons)[MID_LEVEL])
        return noised(
            super().apply(sample, params),
            float(np.hypot(min(grain, MAX_LEVELS), params.colour_levels)),
        )

    def paint(self, image: Image, params: IsoNoiseParams) -> Image:
        """The picture with grain, and with blotches where they are over half a level."""
        sigma = photon_sigma(params.photons, params.read_electrons)
        grainy = with_shaped_noise(image, "sensor", params.seed, np.minimum(sigma, MAX_LEVELS))
        if params.colour_levels < 0.5:
            return grainy
        blotches = noise_window("chroma", image.shape[0], image.shape[1], params.seed ^ 1)
        return with_noise(grainy, blotches, params.colour_levels)
