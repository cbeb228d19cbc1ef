"""Smooth maps of light: drawn on an eighth of the frame, enlarged, and applied as bytes."""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from seedbed.augmenters.picture import Colour, Image

Map: TypeAlias = NDArray[np.float64]
"""Smooth values over the frame, shape (m, n) or (m, n, 3)."""

GRID_PX = 8
"""Pixels of the frame to one cell of a smooth map."""

UNIT = 128
"""The byte that stands for a gain of 1, so that gains up to 2 fit."""


def smooth_grid(height: int, width: int, cell_px: int = GRID_PX) -> tuple[Map, Map]:
    """Rows of shape (m, 1) and columns of shape (1, n): cell centres in shares of the frame."""
    m, n = max(2, height // cell_px), max(2, width // cell_px)
    rows = (np.arange(m, dtype=np.float64)[:, None] + 0.5) / m
    columns = (np.arange(n, dtype=np.float64)[None, :] + 0.5) / n
    return rows, columns


def to_frame(grid: Map, image: Image) -> Image:
    """A grid of levels, one or three channels, enlarged to the size of `image` with three."""
    size = (image.shape[1], image.shape[0])
    small = np.clip(np.round(grid), 0, 255).astype(np.uint8)
    large = cv2.resize(small, size, interpolation=cv2.INTER_LINEAR)
    if large.ndim == 2:
        large = cv2.merge([large, large, large])
    return np.asarray(large, dtype=np.uint8)


def multiplied(image: Image, gain: Map) -> Image:
    """`image` times a smooth gain of 0 to 2, shape (m, n) or (m, n, 3)."""
    return np.asarray(
        cv2.multiply(image, to_frame(gain * UNIT, image), scale=1 / UNIT), dtype=np.uint8
    )


def brightened(image: Image, added: Map) -> Image:
    """`image` plus smooth levels of 0 to 255, shape (m, n) or (m, n, 3)."""
    return np.asarray(cv2.add(image, to_frame(added, image)), dtype=np.uint8)


def veiled(image: Image, alpha: Map, colour: Colour) -> Image:
    """`image` behind a smooth veil of `alpha` 0 to 1, shape (m, n), and one colour."""
    shade = alpha[:, :, None] * np.array(colour, dtype=np.float64)
    return brightened(multiplied(image, 1 - alpha), shade)


def covered(image: Image, paint: Image, alpha: Image) -> Image:
    """`paint` over `image` where `alpha`, shape (height, width), says so, 0 to 255."""
    weight = cv2.merge([alpha, alpha, alpha])
    over = cv2.multiply(paint, weight, scale=1 / 255)
    under = cv2.multiply(image, cv2.bitwise_not(weight), scale=1 / 255)
    return np.asarray(cv2.add(over, under), dtype=np.uint8)
