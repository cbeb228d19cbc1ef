"""Nearer or farther: everything larger or smaller about the centre."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from seedbed.augmenters.picture import Range, within
from seedbed.augmenters.picture_warp import Fill, HomographyAugmenter, about
from seedbed.geometry import Homography
from seedbed.sample import Picture
from seedbed.streams import log_uniform


@dataclass(frozen=True)
class ScaleParams:
    """What was drawn for one picture."""

    factor: float


class Scale(HomographyAugmenter[ScaleParams]):
    """Scales the picture about its centre by `factor`.

    `fill: zoom` would undo any shrinking.
    """

    params_type: ClassVar[type[ScaleParams]] = ScaleParams

    factor: Annotated[Range, within(0.1, 8)] = (0.8, 1.25)
    fill: Fill = "edge"

    def draw(self, sample: Picture, rng: np.random.Generator) -> ScaleParams:
        """Draw the factor, evenly in its logarithm."""
        return ScaleParams(log_uniform(rng, self.factor))

    def matrix(self, params: ScaleParams, width: int, height: int) -> Homography:
        """The same factor both ways, about the centre."""
        return about(np.diag([params.factor, params.factor, 1.0]), width / 2, height / 2)
