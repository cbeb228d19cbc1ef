"""Seen from the side, without depth: upright lines lean, or level ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from seedbed.augmenters.picture import Range, within
from seedbed.augmenters.picture_warp import HomographyAugmenter, about
from seedbed.geometry import Homography
from seedbed.sample import Picture
from seedbed.streams import uniform


@dataclass(frozen=True)
class ShearParams:
    """What was drawn for one picture."""

    x_deg: float
    y_deg: float


class Shear(HomographyAugmenter[ShearParams]):
    """Leans upright lines by `x_deg` and level ones by `y_deg`, about the centre."""

    params_type: ClassVar[type[ShearParams]] = ShearParams

    x_deg: Annotated[Range, within(-60, 60)] = (-10, 10)
    y_deg: Annotated[Range, within(-60, 60)] = (-4, 4)

    def draw(self, sample: Picture, rng: np.random.Generator) -> ShearParams:
        """Draw both angles."""
        return ShearParams(uniform(rng, self.x_deg), uniform(rng, self.y_deg))

    def matrix(self, params: ShearParams, width: int, height: int) -> Homography:
        """First the lean of upright lines, then that of level ones."""
        along, down = np.tan(np.radians([params.x_deg, params.y_deg]))
        leaning = np.array([[1.0, along, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
        falling = np.array([[1.0, 0.0, 0.0], [down, 1.0, 0.0], [0.0, 0.0, 1.0]])
        return about(falling @ leaning, width / 2, height / 2)
