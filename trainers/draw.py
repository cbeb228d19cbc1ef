"""Draws what was found into pictures, and puts pictures with captions on one sheet."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from seedbed.geometry import Points

Image = NDArray[np.uint8]

FOUND = (255, 40, 200)
LABELLED = (40, 220, 60)
"""RGB of what was found and of what was labelled."""


def draw_plates(
    image: Image, found: Sequence[tuple[Points, str]], labelled: Sequence[Points] = ()
) -> Image:
    """A copy of `image` with the labelled quads and, over them, the found ones and their words."""
    drawn = image.copy()
    height, width = image.shape[:2]
    thick = max(1, round(max(height, width) / 500))
    for quad in labelled:
        cv2.polylines(drawn, [_fixed(quad)], True, LABELLED, thick, cv2.LINE_AA, shift=4)
    for quad, words in found:
        cv2.polylines(drawn, [_fixed(quad)], True, FOUND, thick, cv2.LINE_AA, shift=4)
        x, y = quad.min(axis=0)
        write(drawn, words, int(x), int(y) - 3, 0.5 * thick, FOUND, thick)
    return drawn


def write(
    image: Image,
    words: str,
    x: int,
    y: int,
    size: float = 0.4,
    colour: tuple[int, int, int] = (255, 255, 255),
    thick: int = 1,
) -> None:
    """Write words into `image`, dark-edged, so that they can be read on any ground."""
    place = (max(x, 0), max(y, int(14 * size) + 1))
    # The built-in font knows ASCII alone.
    plain = words.encode("ascii", "replace").decode()
    font = cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(image, plain, place, font, size, (0, 0, 0), thick + 2, cv2.LINE_AA)
    cv2.putText(image, plain, place, font, size, colour, thick, cv2.LINE_AA)


def contact_sheet(
    pictures: Sequence[Image], captions: Sequence[str], columns: int, cell: tuple[int, int]
) -> Image:
    """Pictures in rows of `columns`, each fitted into `cell` (width, height) over its caption."""
    width, height = cell
    rows = -(-max(len(pictures), 1) // columns)
    sheet = np.full((rows * (height + 18), columns * width, 3), 30, dtype=np.uint8)
    for number, (picture, caption) in enumerate(zip(pictures, captions, strict=True)):
        top, left = number // columns * (height + 18), number % columns * width
        shrink = min((width - 4) / picture.shape[1], height / picture.shape[0])
        size = max(1, int(picture.shape[1] * shrink)), max(1, int(picture.shape[0] * shrink))
        method = cv2.INTER_AREA if shrink < 1 else cv2.INTER_LINEAR
        sheet[top : top + size[1], left : left + size[0]] = cv2.resize(
            picture, size, interpolation=method
        )
        write(sheet, caption[: width // 7], left + 2, top + height + 13)
    return sheet


def _fixed(points: Points) -> NDArray[np.int32]:
    """Continuous pixels as cv2's fixed point with four fractional bits."""
    fixed: NDArray[np.int32] = np.round((np.clip(points, -1e5, 1e5) - 0.5) * 16).astype(np.int32)
    return fixed
