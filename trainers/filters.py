"""Pictures of what a network has learned: its filters, its feature maps, and the penalties.

All are drawn with OpenCV as uint8 RGB arrays, so that a report needs no plotting library.
Blue is below zero, white is zero, red above.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from seedbed.errors import InputError

Picture = NDArray[np.uint8]
"""(height, width, 3) RGB."""

_COLOURS = (
    (31, 119, 180),
    (214, 39, 40),
    (44, 160, 44),
    (148, 103, 189),
    (255, 127, 14),
    (23, 190, 207),
)
_INK = (40, 40, 40)
_GRID = (225, 225, 225)
_GAP = 2
STRIP_SHAPE = 32
"""How many times longer than high a strip is drawn."""

_FONT = cv2.FONT_HERSHEY_SIMPLEX


def diverging(values: NDArray[np.floating], limit: float | None = None) -> Picture:
    """Numbers as blue (negative), white (0) and red (positive), full at +-`limit`.

    `values` has shape (height, width); the limit is the largest size among them by default.
    """
    numbers = np.asarray(values, np.float32)
    top = float(np.abs(numbers).max(initial=0.0)) if limit is None else limit
    strength = np.clip(numbers / top, -1.0, 1.0) if top > 0 else np.zeros_like(numbers)
    faded = 255.0 * (1.0 - np.abs(strength))
    red = np.where(strength < 0, faded, 255.0)
    blue = np.where(strength > 0, faded, 255.0)
    return np.stack((red, faded, blue), axis=-1).round().astype(np.uint8)


def filter_sheet(
    weight: NDArray[np.floating], cell: int = 48, columns: int = 16, most: int = 256
) -> Picture:
    """A layer's filters as a grid of cells of about `cell` pixels.

    `weight` has torch's shape: (filters, channels / groups, *window) with a window of one, two or
    three axes. Filters on three channels are shown in their colours, grey being zero; others as
    one cell a filter and channel, a row of cells for each filter. A window of three axes shows
    its moments side by side. At most `most` cells are drawn, the first ones. Raises `InputError`
    for any other shape.
    """
    numbers = np.asarray(weight, np.float32)
    if not 3 <= numbers.ndim <= 5:
        raise InputError(
            f"filters have shape (filters, channels, window of 1 to 3 axes), got {numbers.shape}."
        )
    if numbers.ndim == 3:
        numbers = numbers[:, :, None, :]
    if numbers.ndim == 5:
        # (filters, channels, time, height, width): moments beside each other.
        count, channels, time, height, width = numbers.shape
        numbers = numbers.transpose(0, 1, 3, 2, 4).reshape(count, channels, height, time * width)
    count, channels = numbers.shape[:2]
    limit = float(np.abs(numbers).max(initial=0.0)) or 1.0
    cells: list[Picture] = []
    if channels == 3 and weight.ndim == 4:
        for one in numbers[:most]:
            colour = 127.5 + 127.5 * one.transpose(1, 2, 0) / limit
            cells.append(colour.round().astype(np.uint8))
        return _grid([_enlarged(each, cell) for each in cells], columns)
    if channels > 1:
        columns = min(channels, columns)
        numbers = numbers[: max(1, most // columns), :columns]
    else:
        numbers = numbers[:most]
    cells = [diverging(one, limit) for row in numbers for one in row]
    return _grid([_enlarged(each, cell) for each in cells], columns)


def feature_map_sheet(
    maps: NDArray[np.floating], cell: int = 96, columns: int = 8, most: int = 64
) -> Picture:
    """One record's feature maps, each from black (its least) to white (its largest number).

    `maps` has shape (channels, height, width), or (channels, time), which is drawn as one
    strip a channel, four cells long, or (channels, time, height, width), of which the middle
    moment is drawn.
    Raises `InputError` for any other shape.
    """
    numbers = np.asarray(maps, np.float32)
    if numbers.ndim == 4:
        numbers = numbers[:, numbers.shape[1] // 2]
    if numbers.ndim == 2:
        high = max(1, numbers.shape[1] // STRIP_SHAPE)
        numbers = np.repeat(numbers[:, None, :], high, axis=1)
        columns, cell = 1, 4 * cell
    if numbers.ndim != 3:
        raise InputError(f"feature maps have shape (channels, height, width), got {maps.shape}.")
    cells = []
    for one in numbers[:most]:
        least, largest = float(one.min()), float(one.max())
        span = largest - least
        grey = (255.0 * (one - least) / span) if span > 0 else np.zeros_like(one)
        cells.append(_enlarged(np.repeat(grey.round().astype(np.uint8)[..., None], 3, 2), cell))
    return _grid(cells, columns)


def penalty_plot(l1: float, l2: float, reach: float = 2.0, width: int = 480) -> Picture:
    """The penalty on one weight from -`reach` to `reach`, and the force it pulls it with.

    Draws L1, L2 and, where both are above 0, the elastic sum, and their slopes beside them.
    """
    weights = np.linspace(-reach, reach, 401)
    curves: dict[str, NDArray[np.floating]] = {}
    slopes: dict[str, NDArray[np.floating]] = {}
    if l1 > 0:
        curves[f"L1 {l1:g}"] = l1 * np.abs(weights)
        slopes[f"L1 {l1:g}"] = l1 * np.sign(weights)
    if l2 > 0:
        curves[f"L2 {l2:g}"] = l2 * weights**2
        slopes[f"L2 {l2:g}"] = 2 * l2 * weights
    if l1 > 0 and l2 > 0:
        curves["elastic"] = l1 * np.abs(weights) + l2 * weights**2
        slopes["elastic"] = l1 * np.sign(weights) + 2 * l2 * weights
    if not curves:
        raise InputError("a penalty plot needs l1 or l2 above 0.")
    left = line_plot(curves, weights, "penalty", "weight", width)
    right = line_plot(slopes, weights, "slope", "weight", width)
    return np.hstack((left, right))


def line_plot(
    curves: Mapping[str, Sequence[float] | NDArray[np.floating]],
    across: Sequence[float] | NDArray[np.floating] | None = None,
    title: str = "",
    axis: str = "",
    width: int = 480,
) -> Picture:
    """Named curves over `across` (0, 1, 2 … by default) in a frame with round numbers.

    Points that are not finite are left out.
    """
    height = width * 5 // 8
    left, right, top, bottom = 64, 14, 26, 34
    picture: Picture = np.full((height, width, 3), 255, np.uint8)
    longest = max((len(curve) for curve in curves.values()), default=0)
    places = np.arange(longest, dtype=float) if across is None else np.asarray(across, float)
    heights = [np.asarray(curve, float) for curve in curves.values()]
    finite = [value for curve in heights for value in curve[np.isfinite(curve)]]
    if not finite or not len(places):
        cv2.putText(picture, f"{title}: nothing yet", (left, height // 2), _FONT, 0.45, _INK, 1)
        return picture
    ticks_x = _ticks(float(places.min()), float(places.max()))
    ticks_y = _ticks(min(finite), max(finite))
    low_x, high_x = min(float(places.min()), ticks_x[0]), max(float(places.max()), ticks_x[-1])
    low_y, high_y = min(min(finite), ticks_y[0]), max(max(finite), ticks_y[-1])

    def at(x: float, y: float) -> tuple[int, int]:
        across_share = (x - low_x) / ((high_x - low_x) or 1.0)
        up_share = (y - low_y) / ((high_y - low_y) or 1.0)
        return (
            round(left + across_share * (width - left - right)),
            round(height - bottom - up_share * (height - top - bottom)),
        )

    for tick in ticks_x:
        x, _ = at(tick, low_y)
        cv2.line(picture, (x, top), (x, height - bottom), _GRID, 1)
        cv2.putText(picture, f"{tick:g}", (x - 8, height - bottom + 14), _FONT, 0.35, _INK, 1)
    for tick in ticks_y:
        _, y = at(low_x, tick)
        cv2.line(picture, (left, y), (width - right, y), _GRID, 1)
        cv2.putText(picture, f"{tick:g}", (4, y + 4), _FONT, 0.35, _INK, 1)
    cv2.putText(picture, title, (left, 16), _FONT, 0.45, _INK, 1, cv2.LINE_AA)
    cv2.putText(picture, axis, (width // 2, height - 6), _FONT, 0.38, _INK, 1, cv2.LINE_AA)
    for index, (name, curve) in enumerate(zip(curves, heights, strict=True)):
        colour = _COLOURS[index % len(_COLOURS)]
        points = [
            at(float(x), float(y)) for x, y in zip(places, curve, strict=False) if math.isfinite(y)
        ]
        for start, end in pairwise(points):
            cv2.line(picture, start, end, colour, 2, cv2.LINE_AA)
        cv2.putText(
            picture, name, (left + 110 + 90 * index, 16), _FONT, 0.4, colour, 1, cv2.LINE_AA
        )
    return picture


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers from at most `low` to at least `high`, four to nine of them."""
    span = (high - low) or abs(high) or 1.0
    power = 10.0 ** math.floor(math.log10(span / 4))
    step = next(power * unit for unit in (1, 2, 5, 10) if span / (power * unit) <= 6)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [round(index * step, 12) for index in range(first, last + 1)]


def _enlarged(picture: Picture, cell: int) -> Picture:
    """A small picture in whole steps, its longer side about `cell`; a large one shrunk to it."""
    height, width = picture.shape[:2]
    scale = cell / max(height, width)
    scale = max(1, math.floor(scale)) if scale >= 1 else scale
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    how = cv2.INTER_NEAREST if scale >= 1 else cv2.INTER_AREA
    return np.asarray(cv2.resize(picture, size, interpolation=how), np.uint8)


def _grid(cells: list[Picture], columns: int) -> Picture:
    """Cells of one size side by side with gaps, on grey."""
    if not cells:
        raise InputError("there is nothing to draw: no filters and no maps.")
    height, width = cells[0].shape[:2]
    columns = min(columns, len(cells))
    rows = -(-len(cells) // columns)
    sheet = np.full(
        (rows * (height + _GAP) + _GAP, columns * (width + _GAP) + _GAP, 3), 160, np.uint8
    )
    for index, each in enumerate(cells):
        y = _GAP + index // columns * (height + _GAP)
        x = _GAP + index % columns * (width + _GAP)
        sheet[y : y + height, x : x + width] = each
    return sheet
