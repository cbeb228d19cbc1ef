"""The same plane seen from elsewhere: its four corners move on their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import cv2
import numpy as np

from seedbed.augmenters.picture import Range, within
from seedbed.augmenters.picture_warp import HomographyAugmenter
from seedbed.geometry import Homography, rectangle
from seedbed.sample import Picture
from seedbed.streams import uniform


@dataclass(frozen=True)
class PerspectiveParams:
    """What was drawn for one picture."""

    corners: tuple[tuple[float, float], ...]


class Perspective(HomographyAugmenter[PerspectiveParams]):
    """Moves each corner of the frame by up to `shift` of its width and height."""

    params_type: ClassVar[type[PerspectiveParams]] = PerspectiveParams

    shift: Annotated[Range, within(0, 0.3)] = (0.01, 0.08)

    def draw(self, sample: Picture, rng: np.random.Generator) -> PerspectiveParams:
        """Draw the reach, then how far each corner moves, in shares of width and height."""
        reach = uniform(rng, self.shift)
        offsets = rng.uniform(-reach, reach, size=(4, 2)).tolist()
        return PerspectiveParams(tuple((x, y) for x, y in offsets))

    def matrix(self, params: PerspectiveParams, width: int, height: int) -> Homography:
        """The homography that takes the frame's corners to the drawn ones."""
        before = rectangle(0, 0, width, height)
        after = before + np.array(params.corners) * [width, height]
        return np.asarray(
            cv2.getPerspectiveTransform(before.astype(np.float32), after.astype(np.float32)),
            dtype=np.float64,
        )
