"""What procedural scenes are made of: sky, ground, markings, walls, leaves, fences, cars.

Every function paints one thing on a `Stage` in place. Sizes are metres, turned into pixels
by the stage's camera, so that bricks, windows and parked cars agree with each other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from seedbed.generators.plates.glyphs import render_text
from seedbed.generators.scenes.texture import (
    GROUND_HEIGHT_PX,
    GROUND_WIDTH_PX,
    Colour,
    Grey,
    Rgb,
    TileName,
    add_texture,
    crop,
    ground_tile,
    ink,
    ramp,
    tint,
)
from seedbed.geometry import Points

SHIFT = 4
"""Fractional bits of polygon corners: `cv2` draws anti-aliased shapes to a 16th of a pixel."""
NEAREST_M = 0.4
FARTHEST_M = 150.0


@dataclass
class Stage:
    """The picture being painted, uint8 RGB (height, width, 3), and how its camera sees ground.

    `horizon_px` and `ground_px` are rows: where the ground plane vanishes and where it meets
    what stands up. `focal_px` is the focal length, `camera_m` the camera's height.
    """

    canvas: Rgb
    rng: np.random.Generator
    horizon_px: float
    ground_px: int
    focal_px: float
    camera_m: float

    @property
    def width(self) -> int:
        """Of the canvas, pixels."""
        return int(self.canvas.shape[1])

    @property
    def height(self) -> int:
        """Of the canvas, pixels."""
        return int(self.canvas.shape[0])

    @property
    def metre(self) -> float:
        """Pixels a metre where the ground meets what stands up."""
        return max((self.ground_px - self.horizon_px) / self.camera_m, 2.0)

    def between(self, low: float, high: float) -> float:
        """A uniform number of the stage's own stream."""
        return low + (high - low) * float(self.rng.random())

    def place(self) -> tuple[float, float]:
        """Where in a tile to start."""
        return (float(self.rng.random()), float(self.rng.random()))


def shade(colour: Colour, factor: float, offset: float = 0.0) -> Colour:
    """`colour` times `factor` plus `offset`, each channel kept within 0 to 255."""
    red = int(colour[0] * factor + offset)
    green = int(colour[1] * factor + offset)
    blue = int(colour[2] * factor + offset)
    if 0 <= red <= 255 and 0 <= green <= 255 and 0 <= blue <= 255:
        return (red, green, blue)
    return (min(max(red, 0), 255), min(max(green, 0), 255), min(max(blue, 0), 255))


def fill(area: NDArray[np.uint8], colour: Colour) -> None:
    """Paint all of `area` in one colour: several times faster than numpy's broadcasting."""
    if area.size:
        cv2.rectangle(area, (0, 0), (area.shape[1], area.shape[0]), colour, -1)


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """`first` with `share` of `second`."""
    return (
        int(first[0] + (second[0] - first[0]) * share),
        int(first[1] + (second[1] - first[1]) * share),
        int(first[2] + (second[2] - first[2]) * share),
    )


def polygon(
    area: NDArray[np.uint8],
    points: Sequence[tuple[float, float]] | Points,
    colour: Sequence[int],
    convex: bool = False,
) -> None:
    """Fill an anti-aliased polygon of n (x, y) in continuous pixels; faster where `convex`."""
    if len(points) < 3:
        return
    scaled = (np.array(points, np.float64) - 0.5) * (1 << SHIFT)
    fixed = scaled.clip(-(2.0**20), 2.0**20).astype(np.int32)
    if convex:
        cv2.fillConvexPoly(area, fixed, colour, cv2.LINE_AA, SHIFT)
    else:
        cv2.fillPoly(area, [fixed], colour, cv2.LINE_AA, SHIFT)


def box(
    area: NDArray[np.uint8], left: float, top: float, right: float, bottom: float, colour: Colour
) -> None:
    """Fill an upright rectangle; pixels it only partly covers are rounded."""
    if right > left and bottom > top:
        cv2.rectangle(
            area,
            (round(left), round(top)),
            (max(round(right) - 1, round(left)), max(round(bottom) - 1, round(top))),
            colour,
            -1,
        )


# Sky and distance ---------------------------------------------------------------------


def sky(stage: Stage, bottom_px: int, top: Colour, low: Colour, cloud: float) -> None:
    """A sky from `top` to `low` down to row `bottom_px`, with a `cloud` share of 0 to 1."""
    bottom = min(bottom_px, stage.height)
    if bottom <= 0:
        return
    area = stage.canvas[:bottom]
    corner = mix(top, low, stage.between(0.0, 0.35))
    gradient = np.array(
        [[top, corner], [mix(top, low, 0.55), mix(corner, low, 0.6)], [low, low]], np.uint8
    )
    cv2.resize(gradient, (stage.width, bottom), dst=area, interpolation=cv2.INTER_LINEAR)
    if cloud <= 0.05:
        return
    scale = stage.between(1.2, 2.6) * stage.width / 640
    heap = crop("cloud", stage.width, bottom, stage.place(), scale)
    level = 200 - 150 * cloud
    levels = np.clip((np.arange(256) - level) * 2.2, 0, 255 * min(cloud + 0.25, 0.9))
    white = cv2.LUT(heap, levels.astype(np.uint8))
    lift = cv2.cvtColor(np.asarray(white, dtype=np.uint8), cv2.COLOR_GRAY2RGB)
    cv2.addWeighted(area, 1.0, lift, 0.55, 0.0, dst=area)
    if cloud > 0.5:
        add_texture(area, crop("patches", stage.width, bottom, stage.place(), 2 * scale), 0.16)


def treeline(
    stage: Stage, bottom_px: int, height_px: float, leaves: Colour, roughness: float
) -> None:
    """A far or near row of leaves whose top edge is noise; `roughness` 0 (hedge) to 1 (wood)."""
    width = stage.width
    high = int(height_px * (1 + 0.7 * roughness)) + 4
    top = bottom_px - high
    first, bottom = max(top, 0), min(bottom_px, stage.height)
    if bottom - first < 2:
        return
    scale = min(max(stage.metre / 110, 0.12), 2.2)
    # Crowns stand side by side, each round and of its own height.
    spread = max(height_px * stage.between(0.5, 1.1), 6.0)
    along = np.arange(width, dtype=np.float32) / spread + stage.between(0, 1)
    crown = along.astype(np.int32)
    heights = stage.rng.normal(1.0, 0.26 * roughness, int(crown[-1]) + 2).astype(np.float32)
    within = 2 * (along - crown) - 1
    rounding = 1 - 0.5 * roughness * (1 - np.sqrt(1 - within * within + 1e-6))
    fine = stage.rng.standard_normal(width, dtype=np.float32) * min(1.0 + 0.02 * height_px, 3.0)
    line = bottom_px - height_px * np.minimum(heights[crown] * rounding, 1 + 0.7 * roughness)
    line = line + fine * (0.4 + roughness)
    grey = crop("leaves", width, bottom - first, stage.place(), scale)
    block = tint(grey, leaf_ramp(leaves, stage.between(0.75, 1.25)))
    # Shade gathers at the foot of leaves.
    foot = np.linspace(0, 58, 8, dtype=np.uint8)[:, None]
    dark = cv2.resize(foot, (width, bottom - first), interpolation=cv2.INTER_LINEAR)
    cv2.subtract(block, cv2.cvtColor(dark, cv2.COLOR_GRAY2RGB), dst=block)
    rows = np.arange(first, bottom, dtype=np.int16)[:, None]
    mask = (rows >= line.astype(np.int16)[None, :]).view(np.uint8)
    cv2.copyTo(block, mask, stage.canvas[first:bottom])


def leaf_ramp(leaves: Colour, contrast: float) -> NDArray[np.uint8]:
    """Greys to leaf colours: gaps nearly black, then `leaves`, then sunlit and yellower."""
    sunny = mix(shade(leaves, 1.7, 18), (225, 225, 160), 0.28)
    return ramp(
        (int(128 - 90 / contrast) if contrast > 0.75 else 20, shade(leaves, 0.3)),
        (112, shade(leaves, 0.86)),
        (165, shade(leaves, 1.2)),
        (250, sunny),
    )


def tree(stage: Stage, x_px: float, base_px: float, height_m: float, leaves: Colour) -> None:
    """A tree: a trunk and a crown of leaves cut out by noise."""
    metre = stage.metre
    high, wide = height_m * metre, height_m * metre * stage.between(0.5, 0.85)
    bark = (int(stage.between(50, 95)), int(stage.between(45, 80)), int(stage.between(35, 65)))
    girth = max(0.035 * high, 1.0)
    top = base_px - 0.55 * high
    lean = stage.between(-0.05, 0.05) * high
    trunk = np.array(
        [[x_px - girth, base_px], [x_px + lean - 0.6 * girth, top],
         [x_px + lean + 0.6 * girth, top], [x_px + girth, base_px]]
    )  # fmt: skip
    polygon(stage.canvas, trunk, bark)
    left, right = int(x_px + lean - wide / 2), int(x_px + lean + wide / 2)
    crown_top, crown_bottom = int(base_px - high), int(base_px - 0.32 * high)
    shape = (crown_bottom - crown_top, right - left)
    if min(shape) < 4:
        return
    visible = (
        slice(max(crown_top, 0), max(min(crown_bottom, stage.height), 0)),
        slice(max(left, 0), max(min(right, stage.width), 0)),
    )
    area = stage.canvas[visible]
    if area.size == 0:
        return
    noise = crop("patches", 48, 48, stage.place(), 0.5).astype(np.float32)
    y, x = np.mgrid[-1:1:48j, -1:1:48j].astype(np.float32)
    solid = np.clip(200 + 0.9 * (noise - 128) - 190 * (x * x + y * y) ** 0.9, 0, 255)
    soft = cv2.resize(solid.astype(np.uint8), shape[::-1], interpolation=cv2.INTER_LINEAR)
    rows, columns = area.shape[:2]
    off_y, off_x = visible[0].start - crown_top, visible[1].start - left
    soft = soft[off_y : off_y + rows, off_x : off_x + columns]
    scale = min(max(metre / 90, 0.15), 2.0)
    grey = crop("leaves", columns, rows, stage.place(), scale)
    mask = (cv2.addWeighted(soft, 1.0, grey, 0.35, -44.0) > 90).view(np.uint8)
    block = tint(grey, leaf_ramp(leaves, stage.between(0.8, 1.2)))
    side = np.array([[0, 22], [28, 66]], np.uint8)
    if stage.rng.random() < 0.5:
        side = side[:, ::-1].copy()
    dark = cv2.resize(side, (columns, rows), interpolation=cv2.INTER_LINEAR)
    cv2.subtract(block, cv2.cvtColor(dark, cv2.COLOR_GRAY2RGB), dst=block)
    cv2.copyTo(block, mask, area)


def skyline(stage: Stage, base_px: int, haze: Colour) -> None:
    """Distant buildings: hazy blocks with rows of windows."""
    x = stage.between(-40, 60)
    unit = stage.width / 640
    while x < stage.width:
        wide, high = stage.between(30, 110) * unit, stage.between(12, 85) * unit
        wall = mix(shade((150, 140, 128), stage.between(0.6, 1.3)), haze, stage.between(0.25, 0.6))
        top = base_px - high
        box(stage.canvas, x, max(top, 0), x + wide, base_px, wall)
        if wide > 24 and high > 16 and top > 0:
            step_x, step_y = max(round(7 * unit), 3), max(round(9 * unit), 4)
            left, first = round(x) + 3, round(top) + 3
            block = stage.canvas[
                first : max(base_px - 3, 0), max(left, 0) : max(round(x + wide) - 3, 0)
            ]
            half_x, half_y = max(step_x // 2, 1), max(step_y // 2, 1)
            for row in range(half_y):
                for column in range(half_x):
                    block[row::step_y, column::step_x] = shade(wall, 0.62)
        x += wide + stage.between(-10, 70) * unit


# Ground -------------------------------------------------------------------------------


def on_ground(
    stage: Stage, corners_m: Sequence[tuple[float, float]], yaw_deg: float
) -> list[tuple[float, float]]:
    """Project a ground polygon of (across, along), metres, turned by `yaw_deg`, to pixels.

    The polygon is cut where it comes nearer than `NEAREST_M`; it may come back empty.
    """
    cos, sin = math.cos(math.radians(yaw_deg)), math.sin(math.radians(yaw_deg))
    turned = [(u * cos + v * sin, v * cos - u * sin) for u, v in corners_m]
    seen: list[tuple[float, float]] = []
    reach = stage.focal_px * stage.camera_m
    for (x, z), (next_x, next_z) in zip(turned, turned[1:] + turned[:1], strict=True):
        if z >= NEAREST_M:
            seen.append((stage.width / 2 + stage.focal_px * x / z, stage.horizon_px + reach / z))
        if (z >= NEAREST_M) != (next_z >= NEAREST_M):
            edge_x = x + (NEAREST_M - z) / (next_z - z) * (next_x - x)
            seen.append(
                (
                    stage.width / 2 + stage.focal_px * edge_x / NEAREST_M,
                    stage.horizon_px + reach / NEAREST_M,
                )
            )
    return seen if len(seen) >= 3 else []


def on_area(
    stage: Stage,
    area: Rgb,
    corners_m: Sequence[tuple[float, float]],
    yaw_deg: float,
    colour: Colour,
) -> None:
    """Fill a ground polygon, metres, on `area`, a view of the canvas from `ground_px` down."""
    seen = on_ground(stage, corners_m, yaw_deg)
    if not seen:
        return
    across, down = [x for x, _ in seen], [y for _, y in seen]
    if max(across) < 0 or min(across) > stage.width:
        return
    if max(down) < stage.ground_px or min(down) > stage.height:
        return
    polygon(area, [(x, y - stage.ground_px) for x, y in seen], colour, convex=True)


def strip(
    stage: Stage,
    area: Rgb,
    across: tuple[float, float],
    along: tuple[float, float],
    yaw_deg: float,
    colour: Colour,
) -> None:
    """Fill a ground rectangle, metres, on `area`, a view of the canvas from `ground_px` down."""
    (left, right), (near, far) = across, along
    corners = ((left, near), (right, near), (right, far), (left, far))
    on_area(stage, area, corners, yaw_deg, colour)


def ground(stage: Stage, colour: Colour) -> Rgb:
    """Lay the ground's flat colour and return its view, the canvas from `ground_px` down."""
    area = stage.canvas[stage.ground_px :]
    fill(area, colour)
    return area


def cast_shadow(stage: Stage, area: Rgb, strength: float) -> None:
    """The soft shadow of trees or of a building across a view of the canvas."""
    rows, width = area.shape[:2]
    small_w, small_h = max(width // 4, 8), max(rows // 4, 4)
    if stage.rng.random() < 0.55:
        noise = crop("patches", small_w, small_h * 2, stage.place(), stage.between(0.15, 0.5))
        flat = cv2.resize(noise, (small_w, small_h), interpolation=cv2.INTER_AREA)
        levels = np.clip((np.arange(256) - stage.between(105, 150)) * 2.6, 0, 110 * strength)
        dark = np.asarray(cv2.LUT(flat, levels.astype(np.uint8)), dtype=np.uint8)
        dark = np.asarray(cv2.blur(dark, (5, 3)), dtype=np.uint8)
    else:
        dark = np.zeros((small_h, small_w), np.uint8)
        left, right = stage.between(-0.4, 0.7) * small_w, stage.between(0.3, 1.4) * small_w
        lean = stage.between(-0.6, 0.6) * small_w
        corners = np.array(
            [[left, -2], [max(right, left + 9), -2],
             [right + lean, small_h * stage.between(0.3, 1.2)],
             [left + lean, small_h * stage.between(0.3, 1.2)]]
        )  # fmt: skip
        polygon(dark, corners, [int(110 * strength)])
        dark = np.asarray(cv2.GaussianBlur(dark, (5, 5), 0), dtype=np.uint8)
    spread = cv2.resize(dark, (width, rows), interpolation=cv2.INTER_LINEAR)
    factor = cv2.bitwise_not(np.asarray(spread, dtype=np.uint8))
    cv2.multiply(area, cv2.cvtColor(factor, cv2.COLOR_GRAY2RGB), dst=area, scale=1 / 255)


def grit(stage: Stage, area: Rgb, name: TileName, strength: float, stains: float) -> None:
    """Give `area`, the ground's view, its texture in perspective, broad patches and stains.

    Colour and markings are already there: they wear and darken with the ground.
    """
    rows, width = area.shape[:2]
    if rows < 2:
        return
    small_w, small_h = max(width // 8, 8), max(rows // 8, 4)
    squash = crop("patches", small_w, small_h * 3, stage.place(), 0.4)
    tone = cv2.resize(squash, (small_w, small_h), interpolation=cv2.INTER_LINEAR)
    near = np.array([[128 + stage.between(-15, 20)], [128]], np.uint8)
    fall = cv2.resize(near, (small_w, small_h), interpolation=cv2.INTER_LINEAR)
    tone = cv2.addWeighted(tone, 0.16, fall, 1.0, -0.16 * 128)
    for _ in range(int(stains * 4)):
        centre = (int(stage.between(0, small_w)), int(stage.between(0, small_h)))
        axes = (int(stage.between(1, 9)), max(int(stage.between(0.3, 1.8)), 1))
        cv2.ellipse(tone, centre, axes, 0, 0, 360, stage.between(98, 122), -1)
    tone = cv2.GaussianBlur(tone, (5, 3), 0)
    # Template rows count from the horizon; the frame's foot falls on the template's foot.
    reach = stage.height - stage.horizon_px
    first = int((stage.ground_px - stage.horizon_px) / reach * GROUND_HEIGHT_PX)
    first = min(max(first, 0), GROUND_HEIGHT_PX - 2)
    wide = int(GROUND_WIDTH_PX * stage.between(0.55, 0.95))
    left = int(stage.between(0, GROUND_WIDTH_PX - wide))
    laid = cv2.resize(
        ground_tile(name)[first:, left : left + wide], (width, rows), interpolation=cv2.INTER_LINEAR
    )
    if stage.rng.random() < 0.5:
        laid = cv2.flip(laid, 1)
    broad = cv2.resize(tone, (width, rows), interpolation=cv2.INTER_LINEAR)
    both = cv2.addWeighted(laid, strength, broad, 1.0, -128.0 * strength)
    add_texture(area, np.asarray(both, dtype=np.uint8), 1.0)


def worn_paint(stage: Stage, area: Rgb, painted: Rgb, wear: float, cover: float) -> None:
    """Blend `painted` over `area` at `cover`, leaving out a `wear` share in noisy patches."""
    rows, width = area.shape[:2]
    cv2.addWeighted(area, 1.0 - cover, painted, cover, 0.0, dst=painted)
    # A power of two: the tile is kept at that scale and need not be resized.
    worn = crop("patches", width, rows, stage.place(), 0.5)
    cv2.copyTo(painted, (worn > 58 + 60 * wear).view(np.uint8), area)


def cracks(stage: Stage, area: Rgb, colour: Colour, count: int, yaw_deg: float) -> None:
    """Dark crooked lines on the ground, some of them straight joints or tar seams."""
    if count == 0:
        return
    rng, steps = stage.rng, 12
    crooked = np.where(rng.random((count, 1)) < 0.75, 0.4, 0.015)
    angles = rng.uniform(0, np.pi, (count, 1)) + np.cumsum(
        crooked * rng.standard_normal((count, steps)), axis=1
    )
    length = rng.uniform(0.15, 0.6, (count, 1))
    u = rng.uniform(-6, 6, (count, 1)) + np.cumsum(length * np.cos(angles), axis=1)
    v = rng.uniform(1, 14, (count, 1)) + np.cumsum(length * np.sin(angles), axis=1)
    cos, sin = math.cos(math.radians(yaw_deg)), math.sin(math.radians(yaw_deg))
    z = np.maximum(v * cos - u * sin, 0.8)
    x = stage.width / 2 + stage.focal_px * (u * cos + v * sin) / z
    y = stage.horizon_px + stage.focal_px * stage.camera_m / z - stage.ground_px
    fixed = np.clip(np.stack([x, y], -1) * (1 << SHIFT), -(2**20), 2**20).astype(np.int32)
    dark = shade(colour, stage.between(0.5, 0.8))
    thick = 2 if stage.metre > 120 and rng.random() < 0.4 else 1
    cv2.polylines(area, list(fixed), False, dark, thick, cv2.LINE_AA, SHIFT)


# Things that stand up -----------------------------------------------------------------


def wall(
    stage: Stage,
    left: int,
    right: int,
    top: int,
    bottom: int,
    material: TileName,
    colour: Colour,
) -> Rgb:
    """A wall facing the camera; returns the view it was painted on (possibly empty)."""
    left, right = max(left, 0), min(right, stage.width)
    top, bottom = max(top, 0), min(bottom, stage.height)
    if right - left < 2 or bottom - top < 2:
        return stage.canvas[0:0, 0:0]
    area = stage.canvas[top:bottom, left:right]
    rows, columns = area.shape[:2]
    metre = stage.metre
    # A tile spans 1.8 m of brickwork (8 bricks of 225 mm) and about as much of the others.
    scale = metre * 1.8 / 512 * stage.between(0.9, 1.15)
    grey = crop(material, columns, rows, stage.place(), scale)
    if material in ("brick", "pavers"):
        mortar = mix((178, 170, 158), colour, stage.between(0.05, 0.6))
        contrast = stage.between(0.18, 0.4)
        area[:] = tint(
            grey,
            ramp(
                (40, shade(colour, 1 - contrast)), (100, colour),
                (150, shade(colour, 1 + contrast)), (205, mortar), (250, shade(mortar, 1.1)),
            ),
        )  # fmt: skip
    else:
        fill(area, colour)
    # Weather: broad blotches, darker towards the ground.
    small = (max(columns // 8, 4), max(rows // 8, 4))
    blotch = crop("cloud", small[0], small[1], stage.place(), 0.3)
    foot = np.interp(np.linspace(0, 1, small[1]), [0, 0.8, 1], [8, 0, -26])[:, None]
    weather = np.clip(128 + 0.3 * (blotch.astype(np.float32) - 128) + foot, 0, 255)
    spread = cv2.resize(weather.astype(np.uint8), (columns, rows), interpolation=cv2.INTER_LINEAR)
    if material not in ("brick", "pavers"):
        strength = stage.between(0.3, 0.8) * (1.0 if scale > 0.12 else 0.6)
        spread = cv2.addWeighted(spread, 1.0, grey, strength, -128.0 * strength)
    add_texture(area, np.asarray(spread, dtype=np.uint8), stage.between(0.5, 1.0))
    return area


def window(
    stage: Stage, left: float, top: float, right: float, bottom: float, frame: Colour
) -> None:
    """A window with a frame, a sill and a dim reflection of the sky."""
    wide, high = right - left, bottom - top
    if wide < 3 or high < 3 or right <= 0 or left >= stage.width or bottom <= 0:
        return
    edge = max(0.06 * wide, 1.0)
    box(stage.canvas, left, top, right, bottom, frame)
    glass = shade((96, 108, 120), stage.between(0.3, 1.25))
    bright = mix(glass, (205, 215, 225), stage.between(0.1, 0.55))
    inner = (round(left + edge), round(top + edge), round(right - edge), round(bottom - edge))
    x0, y0 = max(inner[0], 0), max(inner[1], 0)
    area = stage.canvas[y0 : max(inner[3], y0), x0 : max(inner[2], x0)]
    if area.size:
        corners = np.array([[bright, glass], [glass, shade(glass, 0.7)]], np.uint8)
        cv2.resize(corners, (area.shape[1], area.shape[0]), dst=area)
        if stage.rng.random() < 0.35:
            area[: max(int(area.shape[0] * stage.between(0.2, 1.0)), 1)] = shade(
                (215, 208, 195), stage.between(0.55, 1.0)
            )
    if wide > 14 and stage.rng.random() < 0.7:
        middle = (left + right) / 2
        box(stage.canvas, middle - edge / 2, top, middle + edge / 2, bottom, frame)
    box(stage.canvas, left - edge, bottom, right + edge, bottom + 1.5 * edge, shade(frame, 0.72))


def facade(
    stage: Stage, left: int, right: int, height_m: float, material: TileName, colour: Colour
) -> None:
    """A building front: a wall, a plinth, rows of windows, doors or roller shutters, a roof."""
    metre, base = stage.metre, stage.ground_px
    top = int(base - height_m * metre)
    wall(stage, left, right, top, base, material, colour)
    trim = shade((226, 222, 214), stage.between(0.35, 1.0))
    if stage.rng.random() < 0.6:
        plinth = shade(colour, stage.between(0.45, 0.8))
        box(stage.canvas, left, base - stage.between(0.3, 0.8) * metre, right, base, plinth)
    storey, pitch = stage.between(2.7, 3.4) * metre, stage.between(1.8, 3.4) * metre
    wide, high = pitch * stage.between(0.35, 0.6), storey * stage.between(0.4, 0.58)
    count = int((right - left) / pitch)
    inset = ((right - left) - count * pitch) / 2 + (pitch - wide) / 2
    for floor in range(min(int(height_m * metre / storey), 6)):
        low = base - floor * storey
        if low < 0:
            break
        for column in range(min(count, 14)):
            x = left + inset + column * pitch
            if x > stage.width or x + wide < 0:
                continue
            if floor == 0 and stage.rng.random() < 0.3:
                door(stage, x, low - 2.1 * metre, x + wide, low)
            else:
                sill = low - 0.32 * storey
                window(stage, x, sill - high, x + wide, sill, trim)
    if top > 2:
        eaves = shade((110, 84, 72), stage.between(0.5, 1.4))
        box(stage.canvas, left - 2, top - 0.25 * metre, right + 2, top + 1, eaves)


def side_buildings(stage: Stage, edge_m: float, yaw_deg: float, colours: Sequence[Colour]) -> None:
    """Houses along the road, seen at a slant: walls and windows that recede with it.

    `edge_m` is how far to the right of the camera they stand (negative: to the left).
    """

    def upright(near: float, far: float, low: float, high: float, colour: Colour) -> None:
        foot = on_ground(stage, ((edge_m, near), (edge_m, far), (edge_m, far)), yaw_deg)
        if len(foot) != 3:
            return
        corners = []
        for (x, y), rise in zip((foot[0], foot[1], foot[1], foot[0]), (low, low, high, high),
                                strict=True):  # fmt: skip
            corners.append((x, y - rise * (y - stage.horizon_px) / stage.camera_m))
        polygon(stage.canvas, corners, colour, convex=True)

    reach = math.radians(yaw_deg)
    start = max(stage.between(2.5, 9.0), 1.0 + abs(edge_m * math.sin(reach)))
    while start < 70:
        end = start + stage.between(6, 16)
        wall_colour = shade(colours[int(stage.rng.integers(len(colours)))], stage.between(0.5, 1.1))
        high = stage.between(3.2, 10)
        upright(start, end, 0, high, wall_colour)
        upright(start, end, high, high + 0.3, shade(wall_colour, 0.55))
        upright(start, end, 0, 0.5, shade(wall_colour, 0.7))
        glass = shade((90, 100, 112), stage.between(0.4, 1.3))
        pitch = stage.between(2.0, 3.4)
        for floor in range(min(int(high / 3.0), 3)):
            place = start + 0.4
            while place + 0.9 < end and start < 40:
                tone = shade(glass, stage.between(0.6, 1.3))
                upright(place, place + 0.5 * pitch, 3 * floor + 0.9, 3 * floor + 2.2, tone)
                place += pitch
        start = end + (0.0 if stage.rng.random() < 0.7 else stage.between(1, 6))


def door(stage: Stage, left: float, top: float, right: float, bottom: float) -> None:
    """A door, a garage door or a roller shutter: panels or slats in one colour."""
    colour = shade(
        (
            int(stage.between(60, 215)),
            int(stage.between(60, 205)),
            int(stage.between(55, 205)),
        ),
        stage.between(0.5, 1.0),
    )
    box(stage.canvas, left, top, right, bottom, colour)
    slats = max(int((bottom - top) / max(0.12 * stage.metre, 4)), 1)
    for slat in range(1, min(slats, 40)):
        y = round(top + (bottom - top) * slat / slats)
        cv2.line(stage.canvas, (round(left), y), (round(right), y), shade(colour, 0.78), 1)
    edge = max(0.05 * stage.metre, 1)
    box(stage.canvas, left - edge, top - edge, right + edge, top, shade(colour, 0.55))


def shop_front(stage: Stage, left: int, right: int, words: str) -> None:
    """A shop: a stall riser, wide panes with reflections, a sign board with `words`."""
    metre, base = stage.metre, stage.ground_px
    frame = shade((70, 68, 66), stage.between(0.4, 2.2))
    top = base - 3.0 * metre
    box(stage.canvas, left, top, right, base, frame)
    panes = max(int((right - left) / (stage.between(1.2, 2.6) * metre)), 1)
    step = (right - left) / panes
    for pane in range(panes):
        x = left + pane * step
        window(
            stage, x + 0.04 * step, top + 0.15 * metre, x + 0.96 * step, base - 0.4 * metre, frame
        )
        inside = stage.canvas[
            max(int(base - 1.6 * metre), 0) : max(int(base - 0.5 * metre), 0),
            max(int(x + 0.2 * step), 0) : max(int(x + 0.8 * step), 0),
        ]
        if inside.size:
            # Goods behind glass: mostly dim, a few in a strong colour.
            bright = stage.rng.integers(25, 150, (5, 8, 1))
            hue = stage.rng.normal(0, 1, (5, 8, 3)) * stage.rng.choice([6, 12, 45], (5, 8, 1))
            goods = np.clip(bright + hue, 0, 255).astype(np.uint8)
            cv2.resize(
                goods, (inside.shape[1], inside.shape[0]), dst=inside, interpolation=cv2.INTER_AREA
            )
    board = tuple(int(c) for c in stage.rng.integers(20, 235, 3))
    board_top = top - stage.between(0.5, 0.9) * metre
    box(stage.canvas, left, board_top, right, top, (board[0], board[1], board[2]))
    _write_board(stage, left, right, board_top, top, words, sum(board) < 380)
    if stage.rng.random() < 0.4:
        drop = 0.8 * metre
        tone = tuple(int(c) for c in stage.rng.integers(30, 220, 3))
        stripes = max(int((right - left) / max(0.25 * metre, 3)), 1)
        for stripe in range(0, min(stripes, 60), 2):
            x = left + (right - left) * stripe / stripes
            x_end = left + (right - left) * (stripe + 1) / stripes
            box(stage.canvas, x, top, x_end, top + drop, (tone[0], tone[1], tone[2]))


def _write_board(
    stage: Stage, left: int, right: int, top: float, bottom: float, words: str, dark: bool
) -> None:
    """Put `words` in the middle of a board, as far as it lies in the frame."""
    letters = int(0.55 * (bottom - top))
    if letters < 4:
        return
    mask = render_text(words, letters, _BOARD_TYPEFACE)
    x = left + max((right - left - mask.shape[1]) // 2, 2)
    y = int(top + 0.22 * (bottom - top))
    skip_x, skip_y = max(-x, 0), max(-y, 0)
    area = stage.canvas[y + skip_y : max(y + letters, 0), x + skip_x : max(x + mask.shape[1], 0)]
    if area.size:
        piece = mask[skip_y : skip_y + area.shape[0], skip_x : skip_x + area.shape[1]]
        ink(area, np.ascontiguousarray(piece), (245, 243, 236) if dark else (28, 28, 34))


_BOARD_TYPEFACE = "font:overpass:700"


def fence(stage: Stage, base_px: int, height_m: float, style: str, colour: Colour) -> None:
    """A fence across the frame: `bars`, `planks` or `mesh`."""
    metre = stage.metre
    top = int(base_px - height_m * metre)
    if top >= stage.height or base_px <= 0:
        return
    if style == "planks":
        wall(stage, 0, stage.width, top, base_px, "planks", colour)
        return
    if style == "mesh":
        area = stage.canvas[max(top, 0) : base_px]
        mesh = max(int(0.06 * metre), 3)
        thin = area.copy()
        thin[:, ::mesh] = colour
        thin[::mesh] = colour
        cv2.addWeighted(area, 0.55, thin, 0.45, 0.0, dst=area)
    else:
        step = max(0.13 * metre, 4.0)
        wide = max(0.022 * metre, 1.0)
        for x in np.arange(stage.between(0, step), stage.width, step):
            box(stage.canvas, x, top, x + wide, base_px, colour)
        for y in (top + 0.12 * metre, base_px - 0.15 * metre):
            box(stage.canvas, 0, y, stage.width, y + max(0.04 * metre, 1), shade(colour, 0.9))
    post = max(0.07 * metre, 2)
    for x in np.arange(stage.between(0, 2.4 * metre), stage.width, 2.4 * metre):
        box(stage.canvas, x, top - 0.05 * metre, x + post, base_px, shade(colour, 0.8))


def parked_car(stage: Stage, x_px: float, base_px: float, metre: float, side: bool) -> None:
    """A small distant car, `x_px` its middle: no plate can be read or seen on it."""
    paint: Colour = CAR_COLOURS[int(stage.rng.integers(len(CAR_COLOURS)))]
    paint = shade(paint, stage.between(0.75, 1.1))
    half = (2.15 if side else 0.88) * metre
    top, waist, sill = base_px - 1.46 * metre, base_px - 0.92 * metre, base_px - 0.22 * metre
    cabin = 0.62 if side else 0.78
    polygon(
        stage.canvas,
        ((x_px - half, base_px), (x_px + half, base_px),
         (x_px + 1.02 * half, base_px + 0.12 * metre),
         (x_px - 1.02 * half, base_px + 0.12 * metre)),
        (26, 26, 28), convex=True,
    )  # fmt: skip
    body = (
        (x_px - half, sill), (x_px - 0.98 * half, waist + 0.12 * metre),
        (x_px - cabin * half * 1.15, waist), (x_px - cabin * half * 0.72, top),
        (x_px + cabin * half * 0.66, top), (x_px + cabin * half * 1.1, waist),
        (x_px + 0.98 * half, waist + 0.14 * metre), (x_px + half, sill),
    )  # fmt: skip
    polygon(stage.canvas, body, paint)
    glass = (
        (x_px - cabin * half * 1.02, waist), (x_px - cabin * half * 0.66, top + 0.1 * metre),
        (x_px + cabin * half * 0.6, top + 0.1 * metre), (x_px + cabin * half * 0.98, waist),
    )  # fmt: skip
    polygon(stage.canvas, glass, shade((58, 66, 74), stage.between(0.5, 1.5)), convex=True)
    box(stage.canvas, x_px - half, sill, x_px + half, base_px - 0.1 * metre, shade(paint, 0.42))
    radius = max(int(0.31 * metre), 1)
    if side:
        box(stage.canvas, x_px - 1, top, x_px + 0.06 * metre, waist, shade(paint, 0.8))
    for end in (-0.62, 0.62) if side else (-0.8, 0.8):
        centre = (int(x_px + end * half), int(base_px - 0.3 * metre))
        if side:
            cv2.circle(stage.canvas, centre, radius, (24, 24, 26), -1, cv2.LINE_AA)
            cv2.circle(stage.canvas, centre, max(radius // 2, 1), (130, 132, 136), -1, cv2.LINE_AA)
        else:
            lamp = (150, 30, 28) if stage.rng.random() < 0.5 else (222, 222, 214)
            box(
                stage.canvas,
                centre[0] - 0.13 * metre, waist + 0.1 * metre,
                centre[0] + 0.13 * metre, waist + 0.3 * metre, lamp,
            )  # fmt: skip
            box(
                stage.canvas,
                centre[0] - 0.11 * metre, base_px - 0.3 * metre,
                centre[0] + 0.11 * metre, base_px + 0.04 * metre, (22, 22, 24),
            )  # fmt: skip


CAR_COLOURS: tuple[Colour, ...] = (
    (216, 217, 216), (168, 171, 174), (116, 119, 122), (52, 54, 57), (28, 29, 31),
    (128, 26, 28), (34, 52, 92), (70, 96, 130), (150, 136, 110), (40, 70, 56),
)  # fmt: skip
"""Common car paints: white, silver, greys, black, reds, blues, beige, green."""


def lamp_post(stage: Stage, x_px: float, base_px: float, height_m: float) -> None:
    """A thin grey post, now and then with an arm."""
    metre = stage.metre
    tone = shade((120, 122, 122), stage.between(0.4, 1.3))
    wide, top = max(0.06 * metre, 1.0), base_px - height_m * metre
    box(stage.canvas, x_px - wide, top, x_px + wide, base_px, tone)
    if stage.rng.random() < 0.5:
        reach = stage.between(-1.6, 1.6) * metre
        box(
            stage.canvas,
            min(x_px, x_px + reach),
            top,
            max(x_px, x_px + reach),
            top + 2 * wide,
            tone,
        )


def graffiti(stage: Stage, area: Rgb) -> None:
    """A few thick painted curves on a wall's view."""
    rows, columns = area.shape[:2]
    for _ in range(int(stage.between(1, 4))):
        count = int(stage.between(4, 8))
        x = np.cumsum(stage.rng.normal(0.08, 0.12, count)) + stage.between(0, 0.8)
        y = stage.between(0.2, 0.8) + stage.rng.normal(0, 0.15, count)
        knots = np.column_stack([x * columns, y * rows]).astype(np.float32)
        curve = cv2.resize(knots[:, None, :], (1, 6 * count), interpolation=cv2.INTER_CUBIC)
        colour = tuple(int(c) for c in stage.rng.integers(10, 240, 3))
        cv2.polylines(
            area,
            [np.clip(curve * 16, -(2**20), 2**20).astype(np.int32)],
            False,
            colour,
            max(int(stage.metre * stage.between(0.03, 0.1)), 1),
            cv2.LINE_AA,
            SHIFT,
        )


def garage_interior(stage: Stage, concrete: Colour, band: Colour) -> None:
    """A covered car park: a dark ceiling with rows of lamps, a back wall, pillars with bands."""
    base, metre = stage.ground_px, stage.metre
    ceiling_m = stage.between(1.2, 2.2)
    roof = int(max(stage.horizon_px - ceiling_m * metre, 0))
    dim = shade(concrete, stage.between(0.4, 0.75))
    fill(stage.canvas[:base], dim)
    if roof > 1:
        area = stage.canvas[:roof]
        add_texture(area, crop("concrete", stage.width, roof, stage.place(), 1.0), 0.5)
    wall(stage, 0, stage.width, roof, base, "concrete", shade(dim, stage.between(0.8, 1.3)))
    if stage.rng.random() < 0.7:
        low = base - stage.between(0.2, 1.0) * metre
        box(stage.canvas, 0, low - stage.between(0.2, 0.6) * metre, stage.width, low, band)
    turn = stage.between(-25, 25)
    for row in (-1, 0, 1):
        for ahead in (2.2, 3.6, 5.5, 8.0, 11.0, 15.0):
            centre = stage.between(-0.2, 0.2) + 3.2 * row
            x = centre + np.array([-0.12, 0.12, 0.12, -0.12])
            z = ahead + np.array([-0.6, -0.6, 0.6, 0.6])
            x = x + z * np.tan(np.radians(turn))
            seen = np.column_stack(
                [stage.width / 2 + stage.focal_px * x / z,
                 stage.horizon_px - stage.focal_px * ceiling_m / z]
            )  # fmt: skip
            if seen[:, 1].max() > 0 and seen[:, 1].max() < base:
                polygon(stage.canvas, seen, (250, 252, 246))
    bands = int(stage.between(1, 4))
    for near in sorted(stage.between(0.8, 1.5 + 2.5 * stage.rng.random()) for _ in range(5)):
        if stage.rng.random() < 0.35:
            continue
        left, wide = stage.between(-0.1, 1.0) * stage.width, stage.between(0.4, 0.8) * metre * near
        foot = stage.horizon_px + (base - stage.horizon_px) * near
        tone = shade(concrete, stage.between(0.6, 1.15))
        lit, end = left + 0.78 * wide, min(foot, stage.height)
        box(stage.canvas, left, 0, lit, end, tone)
        box(stage.canvas, lit, 0, left + wide, end, shade(tone, 0.7))
        metre_here = metre * near
        for step in range(bands):
            low = foot - (0.25 + 0.45 * step) * metre_here
            box(stage.canvas, left, low - 0.22 * metre_here, lit, low, band)
            box(stage.canvas, lit, low - 0.22 * metre_here, left + wide, low, shade(band, 0.7))


def clutter(stage: Stage) -> None:
    """Shapes and textures without meaning, some out of focus: what no scene type foresees."""
    canvas, rng = stage.canvas, stage.rng
    corners = (rng.integers(50, 190, (3, 4, 1)) + rng.integers(-25, 26, (3, 4, 3))).astype(np.uint8)
    cv2.resize(corners, (stage.width, stage.height), dst=canvas, interpolation=cv2.INTER_CUBIC)
    names: tuple[TileName, ...] = (
        "plaster", "concrete", "brick", "leaves", "gravel", "planks", "cladding", "patches",
    )  # fmt: skip
    for _ in range(int(stage.between(5, 18))):
        size = np.array([stage.width, stage.height]) * rng.uniform(0.04, 0.5)
        centre = rng.uniform(0, 1, 2) * [stage.width, stage.height]
        corner_count = int(rng.integers(3, 7))
        angles = np.sort(rng.uniform(0, 2 * np.pi, corner_count))
        shape = centre + size * np.column_stack([np.cos(angles), np.sin(angles)])
        level, tint_range = stage.between(20, 220), 60 if rng.random() < 0.2 else 18
        red, green, blue = (
            min(max(int(level + c), 0), 255) for c in rng.normal(0, tint_range, 3).tolist()
        )
        polygon(canvas, shape, (red, green, blue))
    for _ in range(int(stage.between(2, 6))):
        left, top = (
            int(stage.between(0, 0.8) * stage.width),
            int(stage.between(0, 0.8) * stage.height),
        )
        area = canvas[top : top + stage.height // 2, left : left + stage.width // 2]
        name = names[int(rng.integers(len(names)))]
        grey: Grey = crop(name, area.shape[1], area.shape[0], stage.place(), stage.between(0.3, 2))
        add_texture(area, grey, stage.between(0.2, 0.8))
