"""Points, quads, boxes and homographies in pixels: the arithmetic every label goes through.

Pixel coordinates follow the continuous convention: the centre of the first pixel is
(0.5, 0.5) and a picture spans [0, width] x [0, height]. `cv2` warps address pixel centres
with integers; `pixel_centred` converts a homography from the one to the other.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Points: TypeAlias = NDArray[np.float64]
"""Shape (n, 2), x then y."""
Homography: TypeAlias = NDArray[np.float64]
"""Shape (3, 3)."""
Bbox: TypeAlias = tuple[float, float, float, float]
"""`(x, y, width, height)` in pixels."""


_TO_CONTINUOUS = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5], [0.0, 0.0, 1.0]])
_FROM_CONTINUOUS = np.array([[1.0, 0.0, -0.5], [0.0, 1.0, -0.5], [0.0, 0.0, 1.0]])


def apply_homography(matrix: Homography, points: Points) -> Points:
    """Map points of shape (n, 2) through `matrix`; the result has the same shape."""
    if len(points) == 0:
        return np.empty((0, 2))
    import cv2

    # Four times as fast as numpy on a handful of points.
    mapped = cv2.perspectiveTransform(np.asarray(points, np.float64)[None], matrix)
    return np.asarray(mapped[0], np.float64)


def pixel_centred(matrix: Homography) -> Homography:
    """`matrix` between continuous pixel coordinates, rewritten for `cv2`'s pixel centres."""
    return np.asarray(_FROM_CONTINUOUS @ matrix @ _TO_CONTINUOUS)


def rectangle(x: float, y: float, width: float, height: float) -> Points:
    """The four corners clockwise from the top left, shape (4, 2)."""
    return np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]])


def bounding_box(points: Points) -> Bbox:
    """The smallest axis-aligned box around `points`; all zeros where there are none."""
    if len(points) == 0:
        return (0.0, 0.0, 0.0, 0.0)
    across, down = points.T.tolist()
    left, top = min(across), min(down)
    return (left, top, max(across) - left, max(down) - top)


def polygon_area(points: Points) -> float:
    """The unsigned area of a simple polygon (shoelace formula), in square pixels."""
    if len(points) < 3:
        return 0.0
    corners: list[list[float]] = points.tolist()
    doubled = 0.0
    for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1], strict=True):
        doubled += x0 * y1 - x1 * y0
    return abs(doubled) / 2


def clip_to_frame(points: Points, width: float, height: float) -> Points:
    """The part of a convex polygon inside [0, width] x [0, height], shape (m, 2), m may be 0.

    Sutherland and Hodgman, "Reentrant polygon clipping", CACM 1974.
    """
    for axis, limit, keep_below in (
        (0, 0.0, False),
        (0, width, True),
        (1, 0.0, False),
        (1, height, True),
    ):
        if len(points) == 0:
            return points
        sign = 1.0 if keep_below else -1.0
        inside = sign * (limit - points[:, axis]) >= 0
        if inside.all():
            continue
        clipped: list[Points] = []
        for current, following, current_in, following_in in zip(
            points, np.roll(points, -1, axis=0), inside, np.roll(inside, -1), strict=True
        ):
            if current_in:
                clipped.append(current)
            if current_in != following_in:
                share = (limit - current[axis]) / (following[axis] - current[axis])
                clipped.append(current + share * (following - current))
        points = np.array(clipped).reshape(-1, 2)
    return points
