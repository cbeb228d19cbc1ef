"""Cuts a plate out of a picture by its quad, upright and of one size; rescales pictures."""

from __future__ import annotations

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


def rectify(image: Image, quad: Points, width: int, height: int) -> Image:
    """The part of `image` in `quad`, shape (4, 2), as a picture of `height` x `width` pixels.

    What lies outside the picture repeats its edge. Without averaging, a plate much larger
    than the cut would lose strokes between the samples.
    """
    quad_width, quad_height = side_lengths(quad)
    shrink = min(quad_width / width, quad_height / height)
    if shrink > SHARPEST_SHRINK:
        left, top = np.maximum(np.floor(quad.min(axis=0)).astype(int) - 2, 0)
        right, bottom = np.ceil(quad.max(axis=0)).astype(int) + 2
        part = image[top:bottom, left:right]
        if part.size:
            size = max(1, round(part.shape[1] / shrink)), max(1, round(part.shape[0] / shrink))
            ratio = np.array([size[0] / part.shape[1], size[1] / part.shape[0]])
            image = np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8)
            quad = (quad - [left, top]) * ratio
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
