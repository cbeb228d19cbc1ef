"""Strips of the frame squeezed and stretched, across and down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from seedbed.augmenters.picture import Range, within
from seedbed.augmenters.picture_warp import BendingAugmenter
from seedbed.geometry import Points
from seedbed.sample import Picture


def _shift(
    position: NDArray[np.float64], lines: tuple[float, ...], share: float, extent: int
) -> NDArray[np.float64]:
    cell = extent / (len(lines) + 1)
    shifts = np.array([0.0, *lines, 0.0]) * share * cell
    return np.asarray(np.interp(position, np.arange(len(lines) + 2) * cell, shifts))


@dataclass(frozen=True)
class GridDistortionParams:
    """What was drawn for one picture."""

    columns: tuple[float, ...]
    rows: tuple[float, ...]
    share: float = 1.0


class GridDistortion(BendingAugmenter[GridDistortionParams]):
    """Moves the lines of a `steps` by `steps` grid by up to `limit` of a cell.

    Between the lines it is linear, across and down on their own, so that it can be inverted
    exactly. Labels follow as `BendingAugmenter` says: corners to a thousandth of a pixel,
    quads to 1 px under `quads: exact`; loosely, a point inside a quad may be off by up to
    `limit` of a cell.
    """

    params_type: ClassVar[type[GridDistortionParams]] = GridDistortionParams

    steps: int = Field(default=5, ge=2, le=50)
    limit: Annotated[Range, within(0, 0.45)] = (0.05, 0.25)

    def draw(self, sample: Picture, rng: np.random.Generator) -> GridDistortionParams:
        """Draw the shift of every inner line, in shares of a cell, eased for quads."""
        limit = rng.uniform(self.limit[0], self.limit[1])
        columns, rows = rng.uniform(-limit, limit, size=(2, self.steps - 1)).tolist()
        return self.eased(sample, GridDistortionParams(tuple(columns), tuple(rows)))

    def source(
        self, points: Points, params: GridDistortionParams, width: int, height: int
    ) -> Points:
        """Each axis by its own broken line; the frame's edges stay."""
        return np.stack(
            [
                points[:, 0] + _shift(points[:, 0], params.columns, params.share, width),
                points[:, 1] + _shift(points[:, 1], params.rows, params.share, height),
            ],
            axis=1,
        )
