"""Cuts a plate out of a picture by its quad, upright and of one size; rescales pictures."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from seedbed.geometry import Points, apply_homography, pixel_centred, rectangle
from seedbed.trainers.quads import side_lengths

Image = NDArray[np.uint8]

SHARPEST_SHRINK = 1.5
"""Pixels of the picture to one of the cut from which the picture is averaged down first."""


def grown_quad(quad: Points, margin_x: float, margin_y: float) -> Points:
    """`quad` with margins on its own plane, as shares of its width and of its height."""
    unit = rectangle(0, 0, 1, 1)
    matrix = cv2.getPerspectiveTransform(unit.astype(np.float32), quad.astype(np.float32))
    outer = rectangle(-margin_x, -margin_y, 1 + 2 * margin_x, 1 + 2 * margin_y)
    return apply_homography(np.asarray(matrix, dtype=np.float64), outer)


@dataclass(frozen=True)
class AveragedPart:
    """The part of a picture from the pixel `low` (x, y) to `high`, averaged down to `size`.

    `size` is the width and the height, and `quad` where the quad then lies.
    """

    low: tuple[int, int]
    high: tuple[int, int]
    size: tuple[int, int]
    quad: Points


def averaged_part(
    shape: tuple[int, ...], quad: Points, width: int, height: int
) -> AveragedPart | None:
    """What is averaged down before `quad` is cut from a picture of `shape`; None for nothing."""
    quad_width, quad_height = side_lengths(quad)
    shrink = min(quad_width / width, quad_height / height)
    if shrink <= SHARPEST_SHRINK:
        return None
    left, top = np.maximum(np.floor(quad.min(axis=0)).astype(int) - 2, 0).tolist()
    right, bottom = np.minimum(np.ceil(quad.max(axis=0)).astype(int) + 2, shape[1::-1]).tolist()
    across, down = right - left, bottom - top
    if across <= 0 or down <= 0:
        return None
    size = max(1, round(across / shrink)), max(1, round(down / shrink))
    moved = (quad - [left, top]) * np.array([size[0] / across, size[1] / down])
    return AveragedPart((left, top), (right, bottom), size, moved)


def rectify(image: Image, quad: Points, width: int, height: int) -> Image:
    """The part of `image` in `quad`, shape (4, 2), as a picture of `height` x `width` pixels.

    What lies outside the picture repeats its edge. Without averaging, a plate much larger
    than the cut would lose strokes between the samples.
    """
    part = averaged_part(image.shape[:2], quad, width, height)
    if part is not None:
        (left, top), (right, bottom) = part.low, part.high
        seen = image[top:bottom, left:right]
        image = np.asarray(cv2.resize(seen, part.size, interpolation=cv2.INTER_AREA), np.uint8)
        quad = part.quad
    frame = rectangle(0, 0, width, height).astype(np.float32)
    matrix = cv2.getPerspectiveTransform(quad.astype(np.float32), frame)
    cut = cv2.warpPerspective(
        image,
        pixel_centred(np.asarray(matrix, dtype=np.float64)),
        (width, height),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(cut, dtype=np.uint8)


def rescaled(image: Image, scale: float, averaged_below: float) -> Image:
    """`image` at another scale, at least 1 pixel a side; itself where no pixel changes.

    Below the scale `averaged_below` pixels are averaged, above it they are interpolated.
    """
    height, width = image.shape[:2]
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if size == (width, height):
        return image
    method = cv2.INTER_AREA if scale < averaged_below else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size, interpolation=method), dtype=np.uint8)
