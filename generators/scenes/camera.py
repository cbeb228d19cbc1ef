"""The pinhole camera that gives every plate, vehicle and sign of a scene its place.

Axes are x right, y down, z away from the camera, in millimetres. An object has its own
frame with its plate's centre (or its own) as the origin; `Pose` carries it into the
picture. A planar face at z = 0 maps by a homography, so labels follow exactly
(Hartley and Zisserman, "Multiple View Geometry", 2nd ed., section 8.1.1).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from seedbed.geometry import Homography, Points

Row: TypeAlias = tuple[float, float, float]
"""One row of a rotation."""


@lru_cache(maxsize=256)
def _rotation_rows(yaw_deg: float, pitch_deg: float, roll_deg: float) -> tuple[Row, Row, Row]:
    yaw, pitch, roll = math.radians(yaw_deg), math.radians(pitch_deg), math.radians(roll_deg)
    cy, sy, cp, sp = math.cos(yaw), math.sin(yaw), math.cos(pitch), math.sin(pitch)
    cr, sr = math.cos(roll), math.sin(roll)
    # About z (roll) times about x (pitch) times about y (yaw), multiplied out.
    return (
        (cr * cy - sr * sp * sy, -sr * cp, cr * sy + sr * sp * cy),
        (sr * cy + cr * sp * sy, cr * cp, sr * sy - cr * sp * cy),
        (-cp * sy, sp, cp * cy),
    )


@dataclass(frozen=True)
class Pose:
    """Where an object stands before the camera.

    `centre_px` is where the object's origin appears, `depth_mm` its distance along the
    optical axis, angles turn the object: yaw about the vertical, pitch about the
    horizontal, roll about the optical axis.
    """

    centre_px: tuple[float, float]
    depth_mm: float
    focal_px: float
    principal_px: tuple[float, float]
    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0

    def rotation_rows(self) -> tuple[Row, Row, Row]:
        """The rotation from object to camera axes, row by row."""
        return _rotation_rows(self.yaw_deg, self.pitch_deg, self.roll_deg)

    def rotation(self) -> NDArray[np.float64]:
        """The rotation from object to camera axes, shape (3, 3)."""
        return np.array(self.rotation_rows())

    def intrinsics(self) -> NDArray[np.float64]:
        """The camera matrix K, shape (3, 3), square pixels."""
        cx, cy = self.principal_px
        return np.array([[self.focal_px, 0, cx], [0, self.focal_px, cy], [0, 0, 1.0]])

    def translation(self) -> NDArray[np.float64]:
        """The object's origin in camera axes, shape (3,), millimetres."""
        (u, v), (cx, cy) = self.centre_px, self.principal_px
        share = self.depth_mm / self.focal_px
        return np.array([(u - cx) * share, (v - cy) * share, self.depth_mm])

    def homography(self) -> Homography:
        """From the object's plane z = 0, in millimetres, to continuous pixels."""
        (a, b, _), (c, d, _), (e, f, _) = self.rotation_rows()
        (u, v), (cx, cy) = self.centre_px, self.principal_px
        focal, depth = self.focal_px, self.depth_mm
        # K [r1 r2 t], multiplied out.
        return np.array(
            [
                [focal * a + cx * e, focal * b + cx * f, depth * u],
                [focal * c + cy * e, focal * d + cy * f, depth * v],
                [e, f, depth],
            ]
        )

    def project(self, points_mm: NDArray[np.float64]) -> Points:
        """Pixels of points of shape (n, 3); those behind the camera come 1 mm before it."""
        inside = points_mm @ self.rotation().T + self.translation()
        depth = np.maximum(inside[:, 2:3], 1.0)
        cx, cy = self.principal_px
        return np.asarray(inside[:, :2] / depth * self.focal_px + np.array([cx, cy]))

    def px_per_mm(self) -> float:
        """The scale at the object's origin, facing the camera."""
        return self.focal_px / self.depth_mm
