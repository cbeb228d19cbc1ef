"""A lens that bends straight lines: barrel or pincushion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from seedbed.augmenters.picture import Range, within
from seedbed.augmenters.picture_warp import BendingAugmenter
from seedbed.geometry import Points
from seedbed.sample import Picture
from seedbed.streams import uniform


@dataclass(frozen=True)
class LensDistortionParams:
    """What was drawn for one picture."""

    k: float
    share: float = 1.0


class LensDistortion(BendingAugmenter[LensDistortionParams]):
    """Pulls the corners in (barrel, `k` over 0) or pushes them out (pincushion, under 0).

    The radial model with one coefficient (Brown, "Decentering distortion of lenses", 1966):
    a point at a share r of the half diagonal from the centre comes from r * (1 + k r^2),
    scaled so that no corner is empty. Labels follow as `BendingAugmenter` says: corners to
    a thousandth of a pixel, quads to 1 px under `quads: exact`; loosely, a point inside a
    quad 120 px wide in a frame of 640x480 may be off by up to 1.2 px at the default range,
    and by up to 6.4 px at `k` of 0.8.
    """

    params_type: ClassVar[type[LensDistortionParams]] = LensDistortionParams

    k: Annotated[Range, within(-0.4, 0.8)] = (-0.08, 0.15)

    def draw(self, sample: Picture, rng: np.random.Generator) -> LensDistortionParams:
        """Draw the coefficient, weakened where a quad would bend."""
        return self.eased(sample, LensDistortionParams(uniform(rng, self.k)))

    def source(
        self, points: Points, params: LensDistortionParams, width: int, height: int
    ) -> Points:
        """The radial model about the centre, held from 1.5 half diagonals outwards."""
        k = params.k * params.share
        centre = np.array([width / 2, height / 2], dtype=points.dtype)
        away = points - centre
        x, y = away[:, :1], away[:, 1:]
        squared = (x * x + y * y) / float(centre @ centre)
        factor = (1 + k * np.minimum(squared, 2.25)) / (1 + max(k, 0.0))
        return np.asarray(centre + away * factor)
