"""A sensor read line by line while the camera moves or shakes."""

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
class RollingShutterParams:
    """What was drawn for one picture."""

    skew: float
    wobble_px: float
    period_px: float
    phase: float
    share: float = 1.0


class RollingShutter(BendingAugmenter[RollingShutterParams]):
    """Shifts each line sideways: by `skew` of the height from top to bottom, and a wave.

    The skew is a shear, and exact for quads; the wave of `wobble_px` bends them. Labels
    follow as `BendingAugmenter` says: corners to a thousandth of a pixel, quads to 1 px
    under `quads: exact`; loosely, a point inside a quad may be off by up to twice
    `wobble_px`. The picture is widened so that no side is empty.
    """

    params_type: ClassVar[type[RollingShutterParams]] = RollingShutterParams

    skew: Annotated[Range, within(-0.5, 0.5)] = (-0.08, 0.08)
    wobble_px: Annotated[Range, within(0, 20)] = (0, 1.5)
    period_px: Annotated[Range, within(20, 4096)] = (120, 600)

    def draw(self, sample: Picture, rng: np.random.Generator) -> RollingShutterParams:
        """Draw the skew and the wave, the latter weakened where a quad would bend."""
        drawn = RollingShutterParams(
            uniform(rng, self.skew),
            uniform(rng, self.wobble_px),
            uniform(rng, self.period_px),
            uniform(rng, (0, 2 * np.pi)),
        )
        return self.eased(sample, drawn)

    def source(
        self, points: Points, params: RollingShutterParams, width: int, height: int
    ) -> Points:
        """Every line from its own place, inside a frame narrowed by the greatest shift."""
        wobble = params.share * params.wobble_px
        reach = abs(params.skew) * height / 2 + wobble
        narrowed = max(0.1, 1 - 2 * reach / width)
        x, y = points[:, 0], points[:, 1]
        shift = params.skew * (y - height / 2)
        shift = shift + wobble * np.sin(2 * np.pi * y / params.period_px + params.phase)
        return np.stack([width / 2 + (x - width / 2) * narrowed - shift, y], axis=1)
