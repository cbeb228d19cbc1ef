"""The camera held askew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from seedbed.augmenters.picture import AngleRange
from seedbed.augmenters.picture_warp import HomographyAugmenter, about
from seedbed.geometry import Homography
from seedbed.sample import Picture
from seedbed.streams import uniform


@dataclass(frozen=True)
class RotateParams:
    """What was drawn for one picture."""

    angle_deg: float


class Rotate(HomographyAugmenter[RotateParams]):
    """Turns the picture about its centre by `angle_deg`, clockwise."""

    params_type: ClassVar[type[RotateParams]] = RotateParams

    angle_deg: AngleRange = (-8, 8)

    def draw(self, sample: Picture, rng: np.random.Generator) -> RotateParams:
        """Draw the angle."""
        return RotateParams(uniform(rng, self.angle_deg))

    def matrix(self, params: RotateParams, width: int, height: int) -> Homography:
        """A rotation about the centre; y points down, so positive angles turn clockwise."""
        cos, sin = np.cos(np.radians(params.angle_deg)), np.sin(np.radians(params.angle_deg))
        turn = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
        return about(turn, width / 2, height / 2)
