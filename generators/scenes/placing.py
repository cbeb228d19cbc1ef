"""Where things stand in a scene: poses that reach a wanted size, and no two plates on one spot."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from seedbed.generators.scenes.camera import Pose
from seedbed.geometry import Bbox
from seedbed.streams import chance, uniform

Range = tuple[float, float]

MAX_TAPER = 1.6
"""A plate 520 mm wide tapers so at 60 degrees from a metre away: nobody stands nearer."""

MIN_FACING = 0.38
"""The cosine of the steepest sight of a plane, 68 degrees: beyond, nobody reads a plate."""


@dataclass(frozen=True)
class Camera:
    """What all objects of a scene share: the lens and how the camera is held."""

    width: int
    height: int
    focal_px: float
    pitch_deg: float
    roll_deg: float


def draw_angle(rng: np.random.Generator, bounds: Range) -> float:
    """An angle within `bounds`, likelier near the middle: Beta(2, 2) stretched over them."""
    return float(bounds[0] + (bounds[1] - bounds[0]) * rng.beta(2.0, 2.0))


def draw_camera(
    rng: np.random.Generator,
    size: tuple[int, int],
    field_of_view_deg: Range,
    pitch_deg: Range,
    roll_deg: Range,
) -> Camera:
    """A camera for a frame of `size` (width, height); the field of view is horizontal.

    Cameras mostly look down a little and are mostly held level: pitch is above 0 in six of
    seven scenes, where the bounds allow, and small ones are likelier; roll is within 3
    degrees or so in three of four.
    """
    half_angle = math.radians(uniform(rng, field_of_view_deg)) / 2
    downwards = chance(rng, 6 / 7)
    steepness = float(rng.beta(1.3, 3.0))
    pitch = (max(pitch_deg[1], 0.0) if downwards else min(pitch_deg[0], 0.0)) * steepness
    level = chance(rng, 0.75)
    tilt = float(rng.normal(0, 1.5)) if level else draw_angle(rng, roll_deg)
    return Camera(
        width=size[0],
        height=size[1],
        focal_px=size[0] / 2 / math.tan(half_angle),
        pitch_deg=min(max(pitch, pitch_deg[0]), pitch_deg[1]),
        roll_deg=min(max(tilt, roll_deg[0]), roll_deg[1]),
    )


def sight_row(
    camera: Camera, camera_height_mm: float, height_mm: float, depth_mm: float, x_px: float
) -> float:
    """The row where a point `height_mm` above the ground appears, at a depth and a column.

    With the ground's normal in camera axes, (0, cos pitch, sin pitch) but for the roll, a
    point at depth d on the ray (x, y, 1) lies d (y cos pitch + sin pitch) below the camera.
    """
    pitch, roll = math.radians(camera.pitch_deg), math.radians(camera.roll_deg)
    drop = (camera_height_mm - height_mm) / depth_mm
    down = camera.focal_px * (drop - math.sin(pitch)) / math.cos(pitch)
    across = x_px - camera.width / 2
    return camera.height / 2 + (down + math.sin(roll) * across) / math.cos(roll)


def pitch_for_row(
    camera: Camera,
    camera_height_mm: float,
    height_mm: float,
    depth_mm: float,
    at_px: tuple[float, float],
) -> float | None:
    """The pitch in degrees at which such a point appears at `at_px`; see `sight_row`.

    None where no pitch does it: nearer than it is below the camera.
    """
    roll = math.radians(camera.roll_deg)
    across, down = at_px[0] - camera.width / 2, at_px[1] - camera.height / 2
    row = math.atan((down * math.cos(roll) - across * math.sin(roll)) / camera.focal_px)
    sine = (camera_height_mm - height_mm) / depth_mm * math.cos(row)
    return math.degrees(math.asin(sine) - row) if abs(sine) < 1 else None


def depth_below_mm(camera: Camera, pose: Pose) -> float:
    """How far below the camera a posed object's origin lies, in millimetres; see `sight_row`."""
    pitch, roll = math.radians(camera.pitch_deg), math.radians(camera.roll_deg)
    across, down = (
        (at - middle) / pose.focal_px
        for at, middle in zip(pose.centre_px, pose.principal_px, strict=True)
    )
    row = down * math.cos(roll) - across * math.sin(roll)
    return pose.depth_mm * (row * math.cos(pitch) + math.sin(pitch))


def horizon_row(camera: Camera) -> float:
    """The row where the ground vanishes in the frame's middle column, pixels."""
    pitch = math.radians(camera.pitch_deg)
    return camera.height / 2 - camera.focal_px * math.tan(pitch)


def draw_camera_height_mm(rng: np.random.Generator, bounds_m: Range) -> float:
    """How high the camera is held, within `bounds_m`: at eye level three times in four.

    Else lower, as by somebody crouching or from a dashboard, or higher, as from a lorry, a
    window or a mast.
    """
    low, high = bounds_m
    kind = float(rng.random())
    share = float(rng.random())
    if kind < 0.76:
        height = 1.15 + 0.6 * share
    elif kind < 0.88:
        height = low + (1.15 - low) * share
    else:
        height = 1.75 + (high - 1.75) * share
    return 1000.0 * min(max(height, low), high)


def flat_box(pose: Pose, extent_mm: Bbox) -> Bbox:
    """The box in pixels around a rectangle (x, y, width, height) on the object's plane."""
    (a, b, c), (d, e, f), (g, h, i) = pose.homography().tolist()
    x, y, width, height = extent_mm
    across: list[float] = []
    down: list[float] = []
    for u, v in ((x, y), (x + width, y), (x + width, y + height), (x, y + height)):
        w = g * u + h * v + i
        across.append((a * u + b * v + c) / w)
        down.append((d * u + e * v + f) / w)
    left, top = min(across), min(down)
    return left, top, max(across) - left, max(down) - top


def centred(size_mm: tuple[float, float]) -> Bbox:
    """A rectangle of `size_mm` around the object's origin."""
    return (-size_mm[0] / 2, -size_mm[1] / 2, *size_mm)


def pose_of_width(
    camera: Camera,
    size_mm: tuple[float, float],
    width_px: float,
    centre_px: tuple[float, float],
    angles_deg: tuple[float, float, float],
) -> Pose | None:
    """The pose (yaw, pitch, roll) at which a plane of `size_mm` is `width_px` wide in the frame.

    The projected width falls as 1 / depth but for perspective, so a few rounds settle it.
    Returns None where the camera would have to come so near that one end of the plane
    looks more than `MAX_TAPER` times as tall as the other, or where the line of sight
    meets the plane at less than `MIN_FACING`.
    """
    yaw, pitch, roll = angles_deg
    focal, middle = camera.focal_px, (camera.width / 2, camera.height / 2)
    pose = Pose(
        centre_px=centre_px,
        depth_mm=focal * size_mm[0] / width_px,
        focal_px=focal,
        principal_px=middle,
        yaw_deg=yaw,
        pitch_deg=pitch,
        roll_deg=roll,
    )
    ray_x, ray_y = (centre_px[0] - middle[0]) / focal, (centre_px[1] - middle[1]) / focal
    (a, b, ahead_x), (c, d, ahead_y), (e, f, ahead_z) = pose.rotation_rows()
    facing = (ahead_x * ray_x + ahead_y * ray_y + ahead_z) / math.hypot(ray_x, ray_y, 1.0)
    if facing < MIN_FACING:
        return None
    half_x, half_y = size_mm[0] / 2, size_mm[1] / 2
    corners = [
        (a * x + b * y, c * x + d * y, e * x + f * y)
        for x, y in ((-half_x, -half_y), (half_x, -half_y), (half_x, half_y), (-half_x, half_y))
    ]
    nearest_mm = max(size_mm)
    depth = pose.depth_mm
    for _ in range(4):
        across = [focal * (x + depth * ray_x) / (z + depth) for x, _, z in corners]
        depth = max(nearest_mm, depth * (max(across) - min(across)) / width_px)
    seen = [
        ((x + depth * ray_x) / (z + depth), (y + depth * ray_y) / (z + depth))
        for x, y, z in corners
    ]
    left = math.dist(seen[0], seen[3])
    right = math.dist(seen[1], seen[2])
    tapered = max(left, right) > MAX_TAPER * min(left, right)
    return (
        None
        if tapered or depth == nearest_mm
        else Pose(centre_px, depth, focal, middle, yaw, pitch, roll)
    )


def overlap(a: Bbox, b: Bbox) -> float:
    """The share of box `a` that box `b` covers, 0 to 1."""
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / (a[2] * a[3])


def grown(box: Bbox, margin_px: float) -> Bbox:
    """`box` with `margin_px` added on every side."""
    return (
        box[0] - margin_px,
        box[1] - margin_px,
        box[2] + 2 * margin_px,
        box[3] + 2 * margin_px,
    )
