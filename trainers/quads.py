"""Plates as heatmaps and back: targets for a locator, and quads from what it answers.

After CenterNet (Zhou, Wang and Kraehenbuehl 2019, "Objects as Points"): a plate is a peak in
a map of centres, and at the peak eight numbers lead to its corners. Four more maps have
their peaks at the corners themselves, and the corners that were led to are moved to the
nearest of those peaks: the centre knows which corners belong together, the peak knows where
each one is. Corners run clockwise from the text's top left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from seedbed.geometry import Bbox, Points, bounding_box

Floats: TypeAlias = NDArray[np.float32]

STRIDE = 4
"""Pixels of the picture to one cell of the maps."""

MAPS = 13
"""Channels of a locator's answer: centre, four corners, and x and y from centre to each."""

OFFSET_UNIT_PX = 32.0
"""Pixels that an offset of 1 stands for: keeps what the network must answer near 1."""

CENTRE_SPREAD = (0.1, 0.2)
"""Standard deviation of a centre's bump, as shares of the plate's width and height."""

CORNER_SPREAD = 0.1
"""Standard deviation of a corner's bump, as a share of the plate's height."""

LEAST_SPREAD_CELLS = 0.6
"""A narrower bump would fall between the cells."""

MIN_OFFSET_WEIGHT = 0.4
"""Cells whose centre bump is at least this high learn where the corners are."""

LEAST_PEAK = 0.25
"""Corners are moved to peaks of their own maps that are at least this high."""

MOST_OVERLAP = 0.3
"""IoU of two quads over which they are one plate, found twice."""


@dataclass(frozen=True)
class FoundPlate:
    """A quad of shape (4, 2) in pixels and how sure the locator is, 0 to 1."""

    quad: Points
    score: float
    looks: tuple[Points, ...] = ()
    """The quads of the single closer looks whose mean `quad` is; none where it is one look's."""

    @property
    def bbox(self) -> Bbox:
        """The box around the quad."""
        return bounding_box(self.quad)


@dataclass(frozen=True)
class Targets:
    """What a locator should answer for a picture of `rows` x `columns` cells.

    `heat` has shape (5, rows, columns), 0 to 1, and 1 in the cell of a peak; `heat_weight`
    (rows, columns) is 0 where nothing is asked; `offsets` (8, rows, columns) lead from a
    cell's centre to the corners in `OFFSET_UNIT_PX`; `offset_weight` (rows, columns) is
    what an error of one unit there counts, larger for small plates.
    """

    heat: Floats
    heat_weight: Floats
    offsets: Floats
    offset_weight: Floats


def side_lengths(quad: Points) -> tuple[float, float]:
    """Width and height of a quad: the mean lengths of its opposite sides, in pixels."""
    sides = np.linalg.norm(np.roll(quad, -1, axis=0) - quad, axis=1)
    return float(sides[0] + sides[2]) / 2, float(sides[1] + sides[3]) / 2


def _bump(
    rows: int, columns: int, centre: Points, along: Points, spread_x: float, spread_y: float
) -> Floats:
    """A Gaussian around `centre` (in cells) whose long axis lies along the unit vector `along`."""
    dx = np.arange(columns, dtype=np.float32)[None, :] + 0.5 - np.float32(centre[0])
    dy = np.arange(rows, dtype=np.float32)[:, None] + 0.5 - np.float32(centre[1])
    u = (dx * np.float32(along[0]) + dy * np.float32(along[1])) / np.float32(spread_x)
    v = (dy * np.float32(along[0]) - dx * np.float32(along[1])) / np.float32(spread_y)
    return np.asarray(np.exp(-(u * u + v * v) / 2), dtype=np.float32)


def centred_inside(quad: Points, height: int, width: int) -> bool:
    """Whether a plate's centre lies in a picture of `height` x `width` pixels."""
    x, y = quad.mean(axis=0)
    return bool(0 <= x < width and 0 <= y < height)


def asked_cells(
    plates: Sequence[Points], ignored: Sequence[Points], height: int, width: int
) -> Floats:
    """The weights of a heatmap's cells before there are plates on it: 0 in what is ignored."""
    asked = np.ones((height // STRIDE, width // STRIDE), dtype=np.float32)
    outside = [quad for quad in plates if not centred_inside(quad, height, width)]
    for quad in [*ignored, *outside]:
        corners = np.round(quad / STRIDE * 16 - 8).astype(np.int32)
        cv2.fillConvexPoly(asked, np.clip(corners, -(2**20), 2**20), 0.0, shift=4)
    return asked


def make_targets(
    plates: Sequence[Points], ignored: Sequence[Points], height: int, width: int
) -> Targets:
    """The targets of a picture of `height` x `width` pixels, both multiples of `STRIDE`.

    `plates` and `ignored` are quads of shape (4, 2) in pixels. Inside an ignored one nothing
    is asked. A plate whose centre lies outside the picture counts as ignored.
    """
    rows, columns = height // STRIDE, width // STRIDE
    heat = np.zeros((5, rows, columns), dtype=np.float32)
    heat_weight = asked_cells(plates, ignored, height, width)
    offsets = np.zeros((8, rows, columns), dtype=np.float32)
    offset_weight = np.zeros((rows, columns), dtype=np.float32)
    cell_x = (np.arange(columns, dtype=np.float32) + 0.5) * STRIDE
    cell_y = (np.arange(rows, dtype=np.float32) + 0.5) * STRIDE
    for quad in plates:
        if not centred_inside(quad, height, width):
            continue
        plate_width, plate_height = side_lengths(quad)
        along = quad[1] + quad[2] - quad[0] - quad[3]
        along = along / max(float(np.linalg.norm(along)), 1e-9)
        centre = quad.mean(axis=0) / STRIDE
        bump = _bump(
            rows,
            columns,
            centre,
            along,
            max(CENTRE_SPREAD[0] * plate_width / STRIDE, LEAST_SPREAD_CELLS),
            max(CENTRE_SPREAD[1] * plate_height / STRIDE, LEAST_SPREAD_CELLS),
        )
        row, column = int(centre[1]), int(centre[0])
        bump[row, column] = 1.0
        heat_weight[bump > 0.1] = 1.0
        nearest = (bump >= MIN_OFFSET_WEIGHT) & (bump > heat[0])
        heat[0] = np.maximum(heat[0], bump)
        weight = np.float32(OFFSET_UNIT_PX / max(plate_width, 8.0))
        offset_weight[nearest] = bump[nearest] * weight
        spread = max(CORNER_SPREAD * plate_height / STRIDE, LEAST_SPREAD_CELLS)
        for number, corner in enumerate(quad):
            offsets[2 * number][nearest] = np.broadcast_to(
                (np.float32(corner[0]) - cell_x[None, :]) / OFFSET_UNIT_PX, (rows, columns)
            )[nearest]
            offsets[2 * number + 1][nearest] = np.broadcast_to(
                (np.float32(corner[1]) - cell_y[:, None]) / OFFSET_UNIT_PX, (rows, columns)
            )[nearest]
            if 0 <= corner[0] < width and 0 <= corner[1] < height:
                peak = _bump(rows, columns, corner / STRIDE, along, spread, spread)
                peak[int(corner[1] / STRIDE), int(corner[0] / STRIDE)] = 1.0
                heat[1 + number] = np.maximum(heat[1 + number], peak)
    return Targets(heat, heat_weight, offsets, offset_weight)


def decode_quads(
    maps: Floats, threshold: float, most: int = 50, snap_threshold: float = LEAST_PEAK
) -> list[FoundPlate]:
    """The plates in a locator's answer, best first, before non-maximum suppression.

    `maps` has shape (`MAPS`, rows, columns): five heatmaps after the sigmoid, then offsets.
    Corners are moved to a peak of their own map of at least `snap_threshold` nearby.
    """
    centres = np.ascontiguousarray(maps[0])
    highest = cv2.dilate(centres, np.ones((3, 3), dtype=np.uint8))
    rows, columns = np.nonzero((centres >= highest) & (centres >= threshold))
    order = np.argsort(-centres[rows, columns], kind="stable")[:most]
    found = []
    for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        cell = np.array([column + 0.5, row + 0.5]) * STRIDE
        quad = cell + maps[5:, row, column].astype(np.float64).reshape(4, 2) * OFFSET_UNIT_PX
        snapped = _snapped(quad, maps[1:5], snap_threshold)
        found.append(FoundPlate(snapped, float(centres[row, column])))
    return found


def _snapped(quad: Points, peaks: Floats, threshold: float) -> Points:
    """`quad` with each corner moved to the highest peak of its map within reach."""
    rows, columns = peaks.shape[1:]
    _, height = side_lengths(quad)
    reach = float(np.clip(0.25 * height / STRIDE, 1.0, 6.0))
    moved = quad.copy()
    for number, corner in enumerate(quad / STRIDE):
        left, right = int(corner[0] - reach), int(corner[0] + reach) + 1
        top, bottom = int(corner[1] - reach), int(corner[1] + reach) + 1
        left, top = max(left, 0), max(top, 0)
        window = peaks[number, top : min(bottom, rows), left : min(right, columns)]
        if window.size == 0:
            continue
        row, column = divmod(int(window.argmax()), window.shape[1])
        if window[row, column] < threshold:
            continue
        row, column = row + top, column + left
        # The mean of the peak and its neighbours, each as heavy as it is high.
        top, left = max(row - 1, 0), max(column - 1, 0)
        near = peaks[number, top : row + 2, left : column + 2].astype(np.float64)
        total = near.sum()
        x = (near.sum(axis=0) * (np.arange(near.shape[1]) + left + 0.5)).sum() / total
        y = (near.sum(axis=1) * (np.arange(near.shape[0]) + top + 0.5)).sum() / total
        moved[number] = np.array([x, y]) * STRIDE
    return moved


def box_iou(one: Bbox, other: Bbox) -> float:
    """Intersection over union of two boxes `(x, y, width, height)`, 0 to 1."""
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / (one[2] * one[3] + other[2] * other[3] - shared)


def quad_iou(one: Points, other: Points) -> float:
    """Intersection over union of two convex quads, 0 to 1."""
    first, second = one.astype(np.float32), other.astype(np.float32)
    areas = abs(cv2.contourArea(first)), abs(cv2.contourArea(second))
    if min(areas) <= 0:
        return 0.0
    shared, _ = cv2.intersectConvexConvex(cv2.convexHull(first), cv2.convexHull(second))
    return float(shared / max(areas[0] + areas[1] - shared, 1e-9))


def suppress(found: Sequence[FoundPlate], most_overlap: float = MOST_OVERLAP) -> list[FoundPlate]:
    """Non-maximum suppression: plates best first, without those that overlap a better one.

    Two overlap where the IoU of their quads is over `most_overlap`, or the centre of the
    smaller one lies in the better one.
    """
    kept: list[FoundPlate] = []
    for plate in sorted(found, key=lambda one: -one.score):
        if any(_same(plate, better, most_overlap) for better in kept):
            continue
        kept.append(plate)
    return kept


def _same(plate: FoundPlate, better: FoundPlate, most_overlap: float) -> bool:
    if box_iou(plate.bbox, better.bbox) == 0.0:
        return False
    if quad_iou(plate.quad, better.quad) > most_overlap:
        return True
    x, y = plate.quad.mean(axis=0)
    outline = cv2.convexHull(better.quad.astype(np.float32))
    return cv2.pointPolygonTest(outline, (float(x), float(y)), False) >= 0
