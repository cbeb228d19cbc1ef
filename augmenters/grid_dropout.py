"""A regular grid of holes, as wire mesh or a perforated screen leaves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from seedbed.augmenters.picture import PictureAugmenter, Range, within
from seedbed.augmenters.picture_labels import hidden
from seedbed.sample import Picture
from seedbed.streams import uniform


@dataclass(frozen=True)
class GridDropoutParams:
    """What was drawn for one picture."""

    cell_px: float
    ratio: float
    x: float
    y: float
    level: int


class GridDropout(PictureAugmenter[GridDropoutParams]):
    """Covers a square of `ratio` of each cell's side, cells `cell_px` apart, in one grey.

    Hidden shares are recomputed.
    """

    params_type: ClassVar[type[GridDropoutParams]] = GridDropoutParams
    keeps_size: ClassVar[bool] = True

    cell_px: Annotated[Range, within(4, 2048)] = (40, 120)
    ratio: Annotated[Range, within(0, 0.9)] = (0.2, 0.4)
    level: Annotated[Range, within(0, 255)] = (0, 255)
    min_visible: float = Field(default=0.1, ge=0, le=1)

    def draw(self, sample: Picture, rng: np.random.Generator) -> GridDropoutParams:
        """Draw the grid, where it begins, and its grey."""
        return GridDropoutParams(
            uniform(rng, self.cell_px),
            uniform(rng, self.ratio),
            uniform(rng, (0, 1)),
            uniform(rng, (0, 1)),
            round(uniform(rng, self.level)),
        )

    def apply(self, sample: Picture, params: GridDropoutParams) -> Picture:
        """The sample behind the squares, hidden shares recomputed."""
        height, width = sample.image.shape[:2]
        columns = (np.arange(width) / params.cell_px + params.x) % 1 < params.ratio
        rows = (np.arange(height) / params.cell_px + params.y) % 1 < params.ratio
        mask = np.where(rows[:, None] & columns[None, :], 255, 0).astype(np.uint8)
        image = sample.image.copy()
        image[np.ix_(rows, columns)] = params.level
        return hidden(replace(sample, image=image), mask, self.min_visible)
