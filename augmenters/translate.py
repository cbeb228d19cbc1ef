"""The camera pointed a little elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from seedbed.augmenters.picture import Range, within
from seedbed.augmenters.picture_warp import HomographyAugmenter
from seedbed.geometry import Homography
from seedbed.sample import Picture
from seedbed.streams import uniform


@dataclass(frozen=True)
class TranslateParams:
    """What was drawn for one picture."""

    x: float
    y: float


class Translate(HomographyAugmenter[TranslateParams]):
    """Moves the picture by shares of its width (`x`, to the right) and height (`y`, down)."""

    params_type: ClassVar[type[TranslateParams]] = TranslateParams

    x: Annotated[Range, within(-0.9, 0.9)] = (-0.1, 0.1)
    y: Annotated[Range, within(-0.9, 0.9)] = (-0.1, 0.1)

    def draw(self, sample: Picture, rng: np.random.Generator) -> TranslateParams:
        """Draw both shifts."""
        return TranslateParams(uniform(rng, self.x), uniform(rng, self.y))

    def matrix(self, params: TranslateParams, width: int, height: int) -> Homography:
        """A shift in pixels."""
        return np.array(
            [[1.0, 0.0, params.x * width], [0.0, 1.0, params.y * height], [0.0, 0.0, 1.0]]
        )
