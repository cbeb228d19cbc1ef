"""A surface that ripples: heat haze, wet glass, a creased print."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from pydantic import model_validator

from seedbed.augmenters.picture import Range, within
from seedbed.augmenters.picture_warp import BendingAugmenter
from seedbed.geometry import Points
from seedbed.sample import Picture
from seedbed.streams import uniform

WAVES = 5
"""Enough that the ripple looks random, few enough to be quick."""


@dataclass(frozen=True)
class ElasticDistortionParams:
    """What was drawn for one picture."""

    amplitude_px: float
    waves: tuple[tuple[float, float, float, float], ...]
    share: float = 1.0


class ElasticDistortion(BendingAugmenter[ElasticDistortionParams]):
    """Shifts points by a sum of random waves: `amplitude_px` is the root mean square.

    Written as waves rather than as smoothed noise, so that labels can be worked out at any
    point. Labels follow as `BendingAugmenter` says: corners to a thousandth of a pixel,
    quads to 1 px under `quads: exact`; loosely, a point inside a quad may be off by up to
    three times `amplitude_px`.
    """

    params_type: ClassVar[type[ElasticDistortionParams]] = ElasticDistortionParams

    amplitude_px: Annotated[Range, within(0, 40)] = (0.5, 2.5)
    wavelength_px: Annotated[Range, within(8, 4096)] = (60, 200)

    @model_validator(mode="after")
    def _does_not_fold(self) -> ElasticDistortion:
        if self.amplitude_px[1] > self.wavelength_px[0] / 15:
            raise ValueError(
                f"amplitude_px up to {self.amplitude_px[1]:g} would fold waves of "
                f"{self.wavelength_px[0]:g} pixels: keep it to a fifteenth of wavelength_px"
            )
        return self

    def draw(self, sample: Picture, rng: np.random.Generator) -> ElasticDistortionParams:
        """Draw the waves (length, direction and the phases of both shifts), eased for quads."""
        amplitude = uniform(rng, self.amplitude_px)
        waves = tuple(
            (
                uniform(rng, self.wavelength_px),
                uniform(rng, (0, np.pi)),
                uniform(rng, (0, 2 * np.pi)),
                uniform(rng, (0, 2 * np.pi)),
            )
            for _ in range(WAVES)
        )
        return self.eased(sample, ElasticDistortionParams(amplitude, waves))

    def source(
        self, points: Points, params: ElasticDistortionParams, width: int, height: int
    ) -> Points:
        """The sum of the waves, both ways."""
        length, angle, phase_x, phase_y = np.array(params.waves, dtype=points.dtype).T
        turns = np.stack([np.cos(angle), np.sin(angle)]) * (2 * np.pi / length)
        at = points @ turns
        # A shift of two parts, each with this root mean square, has `amplitude_px` as its own.
        each = params.share * params.amplitude_px / float(np.sqrt(len(params.waves)))
        shift = [np.sin(at + phase).sum(axis=1) for phase in (phase_x, phase_y)]
        return np.asarray(points + each * np.stack(shift, axis=1))
