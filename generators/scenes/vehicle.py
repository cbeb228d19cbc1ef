"""Rears and fronts of vehicles around a licence plate, painted in perspective.

The aim is not a portrait of any make but what a plate detector has to tell plates from:
lamps, badges, grilles, seams, recesses, lettering and mirrored sky, in the right places
and sizes. Shapes are given in millimetres about the plate (sizes and mounting heights
typical of each class; EEC directive 70/222 allows a rear plate's lower edge no
lower than 0.3 m and its upper edge no higher than 1.2 m) and projected by the scene's
camera, so they are sharp at any distance.
"""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from seedbed.generators.scenes.camera import Pose
from seedbed.generators.scenes.light import Light
from seedbed.generators.scenes.vehicle_brush import (
    RAW,
    SEEN_PX,
    SKIN,
    SPAN,
    Brush,
    Colour,
    Knot,
    Skin,
    paint_ground_shadow,
)
from seedbed.generators.scenes.vehicle_lettering import line_width_mm
from seedbed.generators.scenes.vehicle_params import (
    COLOUR_SHARES,
    KIND_SHARES,
    Lettering,
    Sticker,
    VehicleParams,
    draw_vehicle,
)
from seedbed.generators.scenes.vehicle_parts import (
    AMBER,
    BLACK,
    CHROME,
    CLEAR,
    GAP,
    RED,
    RUBBER,
    Pair,
    band,
    box,
    ellipse,
    flip,
    glass_outline,
    head_lamp_outline,
    make_skin,
    mix,
    paint_badge,
    paint_glass,
    paint_grille,
    paint_head_lamps,
    paint_shell,
    paint_tail_lamps,
    scaled,
    tail_lamp_outline,
    text_at,
)
from seedbed.geometry import Points, apply_homography, pixel_centred, rectangle

__all__ = [
    "COLOUR_SHARES",
    "KIND_SHARES",
    "PLATE_CLEARANCE_MM",
    "Lettering",
    "Sticker",
    "VehicleParams",
    "draw_vehicle",
    "lookalikes_on",
    "paint_vehicle",
    "paint_vehicle_front",
    "vehicle_extent_mm",
]

PLATE_CLEARANCE_MM = 15.0
"""Nothing is painted nearer than this around the plate, but by `paint_vehicle_front`."""

_RIDER_HEIGHT_MM = 1620.0

_FACE_MM = 17.0
"""Where this is too small to be seen, a face is painted without its details."""


def vehicle_extent_mm(params: VehicleParams) -> tuple[float, float, float, float]:
    """(left, top, right, bottom) about the plate's centre, y down, mirrors included, in mm."""
    p = params
    reach = p.width_mm / 2 + (0.0 if p.kind in ("trailer", "motorcycle") else 200.0)
    top = max(p.height_mm, _RIDER_HEIGHT_MM if _ridden(p) else 0.0)
    return (
        -reach - p.plate_x_mm,
        p.plate_height_mm - top,
        reach - p.plate_x_mm,
        p.plate_height_mm,
    )


def lookalikes_on(params: VehicleParams, pose: Pose, width: int, height: int) -> int:
    """How many stickers and lines with digits `paint_vehicle` shows in a frame of that size.

    They look like plates and are none. What lies outside the frame, is too small to be
    painted, or gave way to the plate, does not count.
    """
    p, scale = params, pose.px_per_mm()
    if p.kind == "motorcycle":
        return 0
    places = []
    for sticker in p.stickers:
        on_glass = _on_glass(p, sticker)
        seen_mm = sticker.height_mm if on_glass else _FACE_MM
        if seen_mm * scale >= SEEN_PX and (on_glass or _has_room(p, sticker)):
            places.append((sticker.x_mm, sticker.h_mm))
    if _bears_lettering(p) and _FACE_MM * scale >= SEEN_PX:
        for line in p.lettering:
            # Smaller letters are painted as one grey stroke.
            if any(char.isdigit() for char in line.text) and line.height_mm / 6 * scale >= SEEN_PX:
                place = _line_place(p, line)
                if place is not None:
                    left, h, wide = place
                    places.append((left + wide / 2, h + line.height_mm / 2))
    if not places or pose.depth_mm <= 0:
        return 0
    plane = np.array([(x - p.plate_x_mm, p.plate_height_mm - h) for x, h in places])
    seen = apply_homography(pose.homography(), plane)
    return int(((seen >= 0) & (seen < (width, height))).all(axis=1).sum())


def paint_vehicle(
    frame: NDArray[np.uint8],
    params: VehicleParams,
    pose: Pose,
    light: Light,
    outlined: bool = True,
) -> Points:
    """Paint the vehicle and its ground shadow into `frame`, (H, W, 3) uint8 RGB, in place.

    `pose` places the plate's centre; the plate itself is left to the caller, and its place
    keeps one plain colour `PLATE_CLEARANCE_MM` beyond its edges. Returns the silhouette as a
    polygon (n, 2) in continuous pixels, without the shadow; shape (0, 2) where the vehicle
    is nowhere near the frame, or where it is not to be `outlined`, which saves time.
    """
    p = params
    skin = _motorcycle_skin(p) if p.kind == "motorcycle" else make_skin(p)
    b = Brush(frame, pose, light, skin, (p.plate_x_mm, p.plate_height_mm), p.seed)
    _ground(b, p)
    if p.kind == "motorcycle":
        _motorcycle(b, p)
    else:
        paint_shell(b, p)
        paint_glass(b, p)
        if b.sees(_FACE_MM):
            if p.facing == "rear":
                _rear_face(b, p)
            else:
                _front_face(b, p)
            _details(b, p)
        else:
            _far_face(b, p)
        _plate_place(b, p)
    b.shade(p.gloss, p.dirt, p.dirt_colour)
    pane = glass_outline(p, 18.0) if p.kind != "motorcycle" else None
    half = p.width_mm / 2
    if not b.shows(-half, p.belt_mm - 60, half, p.glass_top_mm + 20):
        pane = None
    if pane is not None:
        sky = scaled((200, 214, 228), min(b.skylight, 1.0))
        b.sheen(SPAN, pane, 0.2 + 0.75 * (p.seed % 61) / 61, p.seed, sky)
    if p.kind != "motorcycle" and b.sees(6):
        _lens_glare(b, p)
    if p.kind != "motorcycle" and pane is not None:
        _over_glass(b, p, pane)
    _lamp_glow(b, p)
    b.paint()
    return b.silhouette() if outlined else np.empty((0, 2))


def paint_vehicle_front(
    frame: NDArray[np.uint8], params: VehicleParams, pose: Pose, light: Light
) -> list[Points]:
    """Paint what falls on or stands before the plate, in place, after it was composited.

    That is the shade of its recess, the lamp above it, a tow ball, a bar or a bull bar.
    Returns the covering polygons, each (n, 2) in continuous pixels; mostly there are none.
    """
    p = params
    _paint_plate_light(frame, p, pose, light)
    if p.kind == "motorcycle" or not (p.tow_ball or p.bull_bar or p.bar_at is not None):
        return []
    b = Brush(frame, pose, light, make_skin(p), (p.plate_x_mm, p.plate_height_mm), p.seed)
    lit = min(light.ambient + 0.6 * light.key, 1.1)
    steels = ((96, 98, 102), (46, 46, 48), (152, 155, 160))
    steel = scaled(steels[p.seed % 3], lit)
    if p.tow_ball:
        h = p.tow_ball_mm
        neck = [(-24, h - 120, -20), (24, h - 120, -20), (20, h, -120), (-20, h, -120)]
        b.hull(RAW, neck, scaled(steel, 0.7), outline=True)
        b.hull(
            RAW, [(x, y, -120.0) for x, y in ellipse(0, h + 18, 27, 27, 14)], steel, outline=True
        )
        if b.sees(12):
            b.fill(
                RAW, [(x, y, -130.0) for x, y in ellipse(-7, h + 26, 9, 8, 8)], scaled(steel, 1.5)
            )
    tubes: list[tuple[tuple[float, float, float], tuple[float, float, float]]] = []
    if p.bull_bar:
        side = p.plate_width_mm / 2 + 70
        low, high = p.clearance_mm + 60, p.belt_mm - 60
        tubes = [
            ((-side, low, -90), (-side, high, -60)),
            ((side, low, -90), (side, high, -60)),
            ((-side, high, -60), (side, high, -60)),
            ((-side * 1.7, high - 130, -40), (side * 1.7, high - 130, -40)),
        ]
    if p.bar_at is not None:
        # A bumper's tube, a rack or a chain across the plate, or just above or below it.
        h = p.plate_height_mm + p.bar_at * p.plate_height_of_sheet_mm
        reach = p.width_mm / 2 * 0.8
        tubes.append(((-reach, h, -110), (reach, h, -110)))
    for (x0, h0, z0), (x1, h1, z1) in tubes:
        wide_x, wide_h = (22, 0) if x0 == x1 else (0, 18)
        for share, shade in ((1.0, 0.7), (0.45, 1.3)):
            quad = [
                (x0 + wide_x * share, h0 + wide_h * share, z0),
                (x1 + wide_x * share, h1 + wide_h * share, z1),
                (x1 - wide_x * share, h1 - wide_h * share, z1),
                (x0 - wide_x * share, h0 - wide_h * share, z0),
            ]
            b.fill(RAW, quad, scaled(steel, shade), outline=share == 1.0)
    b.paint()
    return b.outline_px


_PLAIN_LIGHT = 100
"""The level of the plate's light map, uint8, that leaves a pixel as it is."""


def _plate_light_map(p: VehicleParams, light: Light) -> NDArray[np.uint8] | None:
    """What the recess and its lamp do to the plate's light, (12, 24) uint8, or None: nothing."""
    dark = min(max(1.0 - (light.ambient + 0.7 * light.key), 0.0), 1.0)
    lamp = p.plate_lamp * dark if light.hour in ("night", "dusk") else 0.0
    if p.plate_shade <= 0 and lamp <= 0:
        return None
    rows = (np.arange(12) + 0.5)[:, None] / 12
    across = (np.arange(24) + 0.5)[None, :] / 24
    reach = max(p.plate_shade_reach, 0.05)
    edge = np.clip((reach - rows) / (0.25 * reach + 0.08), 0, 1)
    gain = 1 - p.plate_shade * edge * np.ones_like(across)
    if lamp > 0:
        # Two lamps a third of the way in, as most have; their light falls off downwards.
        for x in (0.3, 0.7):
            gain += 1.1 * lamp * np.exp(-(((across - x) / 0.22) ** 2) - (rows / 0.7) ** 2)
    return np.asarray(np.clip(gain * _PLAIN_LIGHT, 0, 255), np.uint8)


def _paint_plate_light(
    frame: NDArray[np.uint8], p: VehicleParams, pose: Pose, light: Light
) -> None:
    """Shade and light the plate's place, in `frame`."""
    levels = _plate_light_map(p, light)
    if levels is None or pose.px_per_mm() * p.plate_width_mm < 24:
        return
    rows, columns = levels.shape
    wide = p.plate_width_mm + 2 * PLATE_CLEARANCE_MM
    high = p.plate_height_of_sheet_mm + 2 * PLATE_CLEARANCE_MM
    to_mm = np.array([[wide / columns, 0, -wide / 2], [0, high / rows, -high / 2], [0.0, 0.0, 1.0]])
    to_frame = pose.homography() @ to_mm
    corners = apply_homography(to_frame, rectangle(0, 0, columns, rows))
    (low_x, low_y), (high_x, high_y) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    left, top = max(math.floor(low_x), 0), max(math.floor(low_y), 0)
    right = min(math.ceil(high_x), frame.shape[1])
    bottom = min(math.ceil(high_y), frame.shape[0])
    if right - left < 2 or bottom - top < 2:
        return
    shift = np.array([[1.0, 0.0, -left], [0.0, 1.0, -top], [0.0, 0.0, 1.0]])
    warped = cv2.warpPerspective(
        levels,
        pixel_centred(shift @ to_frame),
        (right - left, bottom - top),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=_PLAIN_LIGHT,
    )
    region = frame[top:bottom, left:right]
    gains = cv2.cvtColor(warped, cv2.COLOR_GRAY2RGB)
    cv2.multiply(region, gains, dst=region, scale=1 / _PLAIN_LIGHT)


def _ridden(p: VehicleParams) -> bool:
    return p.kind == "motorcycle" and p.seed % 2 == 0


def _ground(b: Brush, p: VehicleParams) -> None:
    half = p.width_mm / 2 * (0.97 if p.kind != "motorcycle" else 0.4)
    nearest = float(b.eye[2]) + 350.0

    def on_ground(points: list[tuple[float, float]]) -> Points:
        plan = np.array([(x, 0.0, max(z, nearest)) for x, z in points])
        return b.to_pixels(plan)

    base = [(-half, 30.0), (half, 30.0), (half, p.length_mm), (-half, p.length_mm)]
    footprint = on_ground(base)
    sun = b.sun
    key = b.light.key
    cast = footprint
    if sun[1] > 0.08 and key > 0.05:
        reach = min(p.height_mm / float(sun[1]), 2.2 * p.height_mm) * 0.85
        dx, dz = -float(sun[0]) * reach, -float(sun[2]) * reach
        moved = [(x * 0.85 + dx, z + dz) for x, z in base]
        cast = on_ground(base + moved)
        cast = np.asarray(cv2.convexHull(cast.astype(np.float32))[:, 0], dtype=np.float64)
    total = max(key + b.light.ambient, 0.05)
    dark_cast = 0.62 * min(key / total, 0.8) if sun[1] > 0.08 else 0.0
    softness = min(max(70.0 * b.scale, 1.0), 40.0)
    paint_ground_shadow(b.frame, footprint, cast, (0.68, dark_cast), softness)


def _plate_box(p: VehicleParams, margin: float, margin_h: float | None = None) -> list[Pair]:
    x, h = p.plate_x_mm, p.plate_height_mm
    wide = p.plate_width_mm / 2 + margin
    tall = p.plate_height_of_sheet_mm / 2 + (margin if margin_h is None else margin_h)
    return box(x - wide, h - tall, x + wide, h + tall)


def _panel_at_plate(p: VehicleParams) -> Colour:
    if p.kind in ("trailer", "truck") and p.facing == "rear" and p.plate_mount == "bumper":
        return p.trim
    return p.bumper if p.plate_height_mm < p.bumper_top_mm else p.body


def _plate_place(b: Brush, p: VehicleParams) -> None:
    """The recess, the strip with the lamps above it and the plain floor for the plate."""
    panel = _panel_at_plate(p)
    floor = panel
    x, h = p.plate_x_mm, p.plate_height_mm
    wide, tall = p.plate_width_mm / 2, p.plate_height_of_sheet_mm / 2
    m = p.recess_margin_mm
    recessed = p.recess_style != "none" and (p.facing == "rear" or p.recess_style == "dark")
    if p.facing == "rear" and p.plate_mount == "recess" and p.recess_style == "none":
        recessed = True
    if recessed and p.kind not in ("truck", "trailer"):
        dark = p.recess_style == "dark"
        floor = (36, 36, 38) if dark else scaled(panel, 0.78)
        flare = m * (0.4 + (p.seed % 53) / 53)
        outer = [
            (x - wide - m - flare * 0.3, h - tall - m * 0.8),
            (x + wide + m + flare * 0.3, h - tall - m * 0.8),
            (x + wide + m + flare, h + tall + m * 0.9),
            (x - wide - m - flare, h + tall + m * 0.9),
        ]
        b.fill(SKIN, outer, scaled(floor, 0.82))
        if b.sees(9):
            roof_h = h + tall + m * 0.9
            b.fill(
                SKIN,
                [
                    (x - wide - m, roof_h - m * 0.55),
                    (x + wide + m, roof_h - m * 0.55),
                    outer[2],
                    outer[3],
                ],
                scaled(floor, 0.5),
            )
            b.line(SKIN, [outer[0], outer[1]], mix(panel, (255, 255, 255), 0.28), 7, under=panel)
            b.line(
                SKIN, [outer[1], outer[2], outer[3], outer[0]], scaled(panel, 0.55), 6, under=panel
            )
    if (
        p.facing == "rear"
        and p.plate_strip != "none"
        and b.sees(25)
        and p.kind not in ("truck", "trailer")
    ):
        strip = {"chrome": CHROME, "body": panel, "black": (32, 32, 34)}[p.plate_strip]
        reach = wide + m * (0.6 + (p.seed % 41) / 20)
        low = h + tall + max(m * 0.55, 22.0)
        shape = [
            (x - reach, low),
            (x + reach, low),
            (x + reach - 14, low + 36),
            (x - reach + 14, low + 36),
        ]
        b.fill(SKIN, [(u, v - 9) for u, v in shape], scaled(floor, 0.42))
        b.fill(SKIN, shape, strip)
        b.line(SKIN, [shape[3], shape[2]], mix(strip, (255, 255, 255), 0.4), 5, under=strip)
        b.line(SKIN, [shape[0], shape[1]], scaled(strip, 0.45), 6, under=strip)
        if b.sees(16):
            for u in (-0.45, 0.45):
                lens = (236, 232, 206) if p.lamp_lit else (150, 150, 146)
                b.fill(SKIN, box(x + u * wide - 22, low - 8, x + u * wide + 22, low), lens)
    elif p.facing == "front" and b.sees(20) and p.seed % 3:
        b.fill(SKIN, _plate_box(p, 26, 22), scaled(p.trim, 0.9))
        floor = scaled(p.trim, 0.9)
    # Flat and just behind the plate, so that it surrounds the plate from every side.
    place = _plate_box(p, PLATE_CLEARANCE_MM + 4, PLATE_CLEARANCE_MM + 3)
    b.fill(RAW, [(u, v, 3.0) for u, v in place], floor, outline=True)


def _keeps_clear(p: VehicleParams, x: float, h: float, rx: float, rh: float) -> bool:
    """Whether a detail of that half size stays off the plate's place and its strip."""
    apart_x = abs(x - p.plate_x_mm) - rx - p.plate_width_mm / 2
    apart_h = abs(h - p.plate_height_mm) - rh - p.plate_height_of_sheet_mm / 2
    return apart_x > PLATE_CLEARANCE_MM + 15 or apart_h > PLATE_CLEARANCE_MM + p.recess_margin_mm


def _bumper(b: Brush, p: VehicleParams) -> None:
    skin = b.skin
    low, top = p.clearance_mm, p.bumper_top_mm
    tall = top - low
    colour = p.bumper
    if p.bumper_style == "two-tone":
        b.fill(SPAN, band(skin, top - tall * 0.3, top), p.trim)
    if p.bumper_style == "chrome":
        # Polished metal mirrors ground, horizon and sky one above the other.
        mirrored = ((0.0, 0.3, 104), (0.3, 0.44, 62), (0.44, 0.7, 206), (0.7, 1.0, 168))
        for start, stop, tone in mirrored:
            strip = band(skin, low + tall * start, low + tall * stop)
            b.fill(SPAN, strip, (tone, tone + 2, tone + 5))
        colour = (168, 170, 173)
    elif p.bumper_style == "body" or p.seed % 3 == 0:
        share = 0.16 + (p.seed % 29) / 110
        b.fill(SPAN, band(skin, low, low + tall * share), p.trim)
        if b.sees(8):
            h = low + tall * share
            b.line(
                SPAN,
                [(u, h) for u in (-1, -0.8, -0.5, 0, 0.5, 0.8, 1)],
                scaled(p.trim, 0.4),
                6,
                under=p.trim,
            )
    if p.bumper_strip:
        h = low + tall * 0.68
        b.fill(SPAN, band(skin, h - 22, h + 22, 0.995), (34, 34, 36))
        if b.sees(8):
            b.line(
                SPAN,
                [(u, h + 20) for u in (-0.99, -0.8, -0.5, 0, 0.5, 0.8, 0.99)],
                (84, 84, 86),
                5,
                under=RUBBER,
            )
    if b.sees(7):
        along = (-1.0, -0.92, -0.8, -0.5, 0.0, 0.5, 0.8, 0.92, 1.0)
        b.line(SPAN, [(u, top + 3) for u in along], GAP, 7, under=colour)
        b.line(
            SPAN, [(u, top - 8) for u in along], mix(colour, (255, 255, 255), 0.18), 5, under=colour
        )
        b.line(SPAN, [(u, top - tall * 0.42) for u in along], scaled(colour, 0.8), 8, under=colour)
    if p.sensors and b.sees(24):
        for u in (-0.72, -0.28, 0.28, 0.72):
            x, h = u * p.width_mm / 2, low + tall * 0.5
            if _keeps_clear(p, x, h, 14, 14):
                b.fill(SKIN, ellipse(x, h, 13, 13, 10), scaled(colour, 0.62), convex=True)
                b.line(
                    SKIN,
                    ellipse(x, h, 14, 14, 10),
                    scaled(colour, 0.35),
                    3,
                    under=colour,
                    closed=True,
                )
    if b.sees(70) and p.seed % 2:
        x, h = p.width_mm * 0.27 * (1 if p.seed % 4 < 2 else -1), low + tall * 0.36
        if _keeps_clear(p, x, h, 40, 40):
            b.line(
                SKIN,
                box(x - 36, h - 36, x + 36, h + 36),
                scaled(colour, 0.62),
                4,
                under=colour,
                closed=True,
            )


def _far_face(b: Brush, p: VehicleParams) -> None:
    """A face of a few dozen pixels: bumper, lamps, grille and badge only."""
    low, top = p.clearance_mm, p.bumper_top_mm
    if p.bumper_style != "chrome":
        b.fill(SPAN, band(b.skin, low, low + (top - low) * 0.25), p.trim)
    if p.facing == "rear":
        paint_tail_lamps(b, p)
        return
    inner = min(x for x, _ in head_lamp_outline(p))
    if p.grille != "closed":
        reach = min(p.grille_width_mm / 2, inner - 25)
        high = max(top + (p.belt_mm - top) * 0.42 - 20, top + 90)
        b.fill(SKIN, box(-reach, top + 22, reach, high), (26, 26, 28))
    paint_badge(b, p, 0, top + 80)
    paint_head_lamps(b, p)


def _rear_face(b: Brush, p: VehicleParams) -> None:
    half = p.width_mm / 2
    body = p.body
    if p.kind in ("truck", "trailer"):
        _cargo_rear(b, p)
        return
    _bumper(b, p)
    low, top = p.clearance_mm, p.bumper_top_mm
    edge: Colour = scaled(body, 0.5)
    if p.kind in ("van", "bus"):
        doors = p.doors if p.kind == "van" else 1
        if doors == 2 and b.sees(8):
            b.line(SKIN, [(0, top + 10), (0, p.height_mm - 60)], GAP, 9, under=body)
            b.line(SKIN, [(12, top + 10), (12, p.height_mm - 60)], scaled(body, 0.8), 9, under=body)
            for side in (-1.0, 1.0):
                for h in (top + 160, p.belt_mm + 60, p.glass_top_mm - 60):
                    b.fill(
                        SKIN,
                        box(side * (half - 70) - 28, h - 45, side * (half - 70) + 28, h + 45, 10),
                        edge,
                    )
        if doors == 2 and p.has_glass:
            b.fill(SKIN, box(-26, p.belt_mm, 26, p.glass_top_mm), body)
        if not p.has_glass and b.sees(10):
            for side in (-1.0, 1.0):
                panel = box(
                    side * half * 0.48 - half * 0.36,
                    p.belt_mm,
                    side * half * 0.48 + half * 0.36,
                    p.glass_top_mm,
                    50,
                )
                b.fill(SKIN, panel, scaled(body, 0.93))
                b.line(SKIN, panel, scaled(body, 0.74), 8, under=body, closed=True)
    if p.kind == "pickup" and b.sees(10):
        panel = box(-half * 0.72, top + 70, half * 0.72, p.belt_mm - 80, 30)
        b.fill(SKIN, panel, scaled(body, 0.95))
        b.line(SKIN, panel, scaled(body, 0.72), 8, under=body, closed=True)
        b.fill(SKIN, box(-110, p.belt_mm - 150, 110, p.belt_mm - 80, 12), (28, 28, 30))
        b.line(
            SPAN,
            [(-0.9, p.belt_mm - 4), (0.9, p.belt_mm - 4)],
            mix(body, BLACK, 0.6),
            22,
            under=body,
        )
    outline = tail_lamp_outline(p)
    lamp_inner = min(x for x, _ in outline)
    lid = {"pickup": half * 0.86, "van": half * 0.9, "bus": half * 0.9}.get(
        p.kind, min(max(lamp_inner, half * 0.62), half * 0.84)
    )
    if b.sees(6):
        seam = [
            (-lid, p.belt_mm),
            (-lid, top + 40),
            (-lid + 30, top + 12),
            (lid - 30, top + 12),
            (lid, top + 40),
            (lid, p.belt_mm),
        ]
        b.line(SKIN, seam, GAP, 7, under=body)
        b.line(
            SKIN, [(u, v - 6) for u, v in seam[1:5]], mix(body, (255, 255, 255), 0.2), 5, under=body
        )
        crease = p.belt_mm - (p.belt_mm - top) * (0.22 + (p.seed % 37) / 120)
        if p.kind not in ("van", "bus", "pickup"):
            ends = lid * 0.96
            b.line(
                SKIN,
                [(-ends, crease), (0, crease + 6), (ends, crease)],
                scaled(body, 0.72),
                9,
                under=body,
            )
            b.line(
                SKIN,
                [(-ends, crease + 11), (0, crease + 17), (ends, crease + 11)],
                mix(body, (255, 255, 255), 0.22),
                9,
                under=body,
            )
        if p.kind == "saloon":
            lip = p.belt_mm - 8
            b.line(
                SPAN,
                [(-0.8, lip), (0, lip + 6), (0.8, lip)],
                mix(body, (255, 255, 255), 0.25),
                12,
                under=body,
            )
            b.line(
                SPAN,
                [(-0.8, lip - 16), (0, lip - 10), (0.8, lip - 16)],
                scaled(body, 0.6),
                12,
                under=body,
            )
    paint_tail_lamps(b, p)
    if p.tail_lamp == "split" and b.sees(6):
        for side in (-1.0, 1.0):
            b.line(
                SKIN,
                [(side * lid, p.belt_mm), (side * lid, top + 40)],
                scaled(RED, 0.35),
                9,
                under=RED,
            )
    if p.reflectors:
        h = low + (top - low) * 0.32
        for side in (-1.0, 1.0):
            b.fill(
                SKIN, flip(box(half * 0.62, h - 18, half * 0.84, h + 18, 8), side), (168, 26, 28)
            )
    if p.third_brake_lamp and b.sees(25):
        h = p.glass_top_mm + 12 if p.kind != "saloon" else p.belt_mm + 75
        lamp = (255, 60, 50) if p.lamp_lit else (120, 20, 24)
        b.fill(SKIN, box(-150, h - 12, 150, h + 14, 6), lamp)
    if p.spoiler and p.kind in ("hatch", "suv", "estate") and b.sees(25):
        h = p.glass_top_mm
        b.line(SPAN, [(-0.95, h - 6), (-0.5, h - 12), (0.5, h - 12), (0.95, h - 6)], BLACK, 26)
    for k in range(p.exhausts):
        x = half * 0.55 * (1 if k else -1) * (1 if p.seed % 2 else -1)
        b.fill(SKIN, ellipse(x, low + 12, 46, 34, 14), (140, 142, 146), convex=True)
        if b.sees(15):
            b.fill(SKIN, ellipse(x, low + 12, 35, 25, 12), (20, 19, 18), convex=True)


def _cargo_rear(b: Brush, p: VehicleParams) -> None:
    """Box trucks and trailers: doors with locking bars, a beam with the lamps below."""
    skin, half = b.skin, p.width_mm / 2
    body, top = p.body, p.bumper_top_mm
    b.fill(
        SPAN, band(skin, p.clearance_mm, top), p.trim if p.kind == "truck" else scaled(p.trim, 1.1)
    )
    b.fill(
        SPAN,
        band(skin, p.clearance_mm, top - 180 if p.kind == "truck" else p.clearance_mm + 40),
        (26, 26, 28),
    )
    if p.kind == "truck":
        for side in (-1.0, 1.0):
            flap = [
                (side * half * 0.95, 130.0, 300.0),
                (side * half * 0.55, 130.0, 300.0),
                (side * half * 0.55, p.clearance_mm + 40, 300.0),
                (side * half * 0.95, p.clearance_mm + 40, 300.0),
            ]
            b.fill(RAW, flap, (24, 24, 25))
        b.fill(SPAN, band(skin, p.clearance_mm, p.clearance_mm + 130, 0.96), (64, 64, 66))
        if b.sees(30):
            count = 12
            for k in range(count):
                u0, u1 = -0.94 + 1.88 * k / count, -0.94 + 1.88 * (k + 1) / count
                if (
                    abs((u0 + u1) / 2 * half - p.plate_x_mm) < p.plate_width_mm / 2 + 130
                    and p.seed % 2
                ):
                    continue
                tape = (206, 200, 190) if k % 2 else (178, 30, 32)
                b.fill(SPAN, box(u0, p.clearance_mm + 90, u1, p.clearance_mm + 125), tape)
    paint_tail_lamps(b, p)
    if not b.sees(8):
        return
    frame: Colour = scaled(body, 0.7)
    high = p.height_mm - 40
    b.line(
        SPAN,
        [(-0.97, top + 20), (0.97, top + 20), (0.97, high), (-0.97, high)],
        frame,
        46,
        under=body,
        closed=True,
    )
    if p.kind == "truck":
        b.line(SKIN, [(0, top + 40), (0, high)], GAP, 14, under=body)
        for x in (-half * 0.62, -half * 0.2, half * 0.2, half * 0.62):
            b.line(SKIN, [(x, top + 30), (x, high)], (150, 152, 155), 30, under=body)
            b.line(SKIN, [(x + 20, top + 30), (x + 20, high)], scaled(body, 0.6), 14, under=body)
            b.fill(SKIN, box(x - 90, top + 420, x + 30, top + 470), (120, 122, 126))
        for side in (-1.0, 1.0):
            for hinge in range(4):
                h = top + 200 + (high - top - 300) * hinge / 3
                b.fill(
                    SKIN, flip(box(half - 130, h - 30, half - 20, h + 30), side), (130, 132, 135)
                )
    else:
        count = int(2 + p.seed % 4)
        for k in range(1, count):
            h = top + (high - top) * k / count
            b.line(SPAN, [(-0.97, h), (0.97, h)], scaled(body, 0.66), 20, under=body)
        for side in (-1.0, 1.0):
            x = side * half * 0.55
            h = p.clearance_mm + 70
            if _keeps_clear(p, x, h, 80, 70):
                b.fill(SKIN, [(x - 78, h - 60), (x + 78, h - 60), (x, h + 75)], (178, 30, 32))
                b.fill(SKIN, [(x - 36, h - 36), (x + 36, h - 36), (x, h + 30)], (110, 20, 24))


def _front_face(b: Brush, p: VehicleParams) -> None:
    half = p.width_mm / 2
    body, low, top = p.body, p.clearance_mm, p.bumper_top_mm
    nose = top + (p.belt_mm - top) * 0.42
    _bumper(b, p)
    if p.lower_intake:
        wide = half * (0.5 + (p.seed % 43) / 130)
        high = low + (top - low) * 0.52
        shape = [(-wide * 0.86, low + 40), (wide * 0.86, low + 40), (wide, high), (-wide, high)]
        b.fill(SKIN, shape, (18, 18, 20))
        if b.sees(14):
            for k in range(1, 4):
                h = low + 40 + (high - low - 40) * k / 4
                b.line(
                    SKIN,
                    [(-wide * 0.93, h), (0, h), (wide * 0.93, h)],
                    (48, 49, 52),
                    9,
                    under=BLACK,
                )
    if p.fog_lamps and b.sees(40):
        h = low + (top - low) * 0.36
        for side in (-1.0, 1.0):
            b.fill(SKIN, flip(box(half * 0.66, h - 62, half * 0.9, h + 50, 20), side), (26, 26, 28))
            b.fill(
                SKIN, flip(ellipse(half * 0.76, h, 42, 42, 14), side), (190, 194, 196), convex=True
            )
            if b.sees(12):
                b.fill(
                    SKIN,
                    flip(ellipse(half * 0.76, h + 4, 26, 26, 12), side),
                    (130, 134, 138),
                    convex=True,
                )
    outline = head_lamp_outline(p)
    inner = min(x for x, _ in outline)
    grille_half = min(p.grille_width_mm / 2, inner - 25)
    tall = (top + 22, max(nose - 20, top + 90))
    if p.kind in ("truck", "bus"):
        tall = (top + 60, top + 60 + (p.belt_mm - top) * 0.6)
        grille_half = min(half * 0.6, 700.0)
    if grille_half > 120:
        paint_grille(b, p, -grille_half, tall[0], grille_half, tall[1], 18 + p.seed % 60)
    paint_badge(b, p, 0, (tall[0] + tall[1]) / 2)
    paint_head_lamps(b, p)
    if b.sees(6) and p.deck_mm > 0:
        edge = nose - 4
        b.line(
            SPAN,
            [
                (-0.97, edge + 10),
                (-0.8, edge),
                (-0.4, edge),
                (0, edge + 4),
                (0.4, edge),
                (0.8, edge),
                (0.97, edge + 10),
            ],
            GAP,
            8,
            under=body,
        )
        for side in (-1.0, 1.0):
            b.line(
                SPAN,
                [(side * 0.42, nose + 14), (side * 0.62, p.belt_mm - 6)],
                scaled(body, 0.74),
                14,
                under=body,
            )
            b.line(
                SPAN,
                [(side * 0.445, nose + 14), (side * 0.645, p.belt_mm - 6)],
                mix(body, (255, 255, 255), 0.25),
                12,
                under=body,
            )
            b.line(SPAN, [(side * 0.9, nose + 24), (side * 0.93, p.belt_mm)], GAP, 7, under=body)


def _details(b: Brush, p: VehicleParams) -> None:
    """Badge, lettering, lock, stickers, rails and aerial."""
    half = p.width_mm / 2
    if _bears_lettering(p):
        plate_top = p.plate_height_mm + p.plate_height_of_sheet_mm / 2
        if p.plate_mount == "bumper":
            badge_h = p.belt_mm - (p.belt_mm - p.bumper_top_mm) * 0.32
        else:
            badge_h = max(plate_top + p.recess_margin_mm + 45 + p.badge_mm / 2, p.belt_mm - 110)
            badge_h = min(badge_h, p.belt_mm - 10)
        shift = 0.0 if p.doors == 1 or p.kind != "van" else -half * 0.25
        if _keeps_clear(p, shift, badge_h, p.badge_mm * 0.75, p.badge_mm * 0.6):
            paint_badge(b, p, shift, badge_h)
        for line in p.lettering:
            _write(b, p, line)
        if b.sees(30) and p.plate_mount == "bumper" and p.kind != "bus":
            h = badge_h - p.badge_mm - 25
            if _keeps_clear(p, 0, h, 20, 20):
                b.fill(SKIN, ellipse(0, h, 16, 16, 10), (50, 51, 53), convex=True)
    for sticker in p.stickers:
        if _has_room(p, sticker) and not (p.has_glass and _on_glass(p, sticker)):
            _sticker(b, sticker)
    if p.roof_rails and b.sees(30):
        h = p.height_mm
        for side in (-1.0, 1.0):
            x = side * half * p.roof_share * 0.88
            near = p.lean_mm + p.deck_mm + 350
            b.line(
                RAW,
                [(x, h - 15, near), (x, h + 38, near + 160), (x, h + 38, p.length_mm * 0.7)],
                (44, 44, 46),
                34,
            )
    if p.antenna and b.sees(8):
        z = p.lean_mm + p.deck_mm + (350 if p.facing == "rear" else 1400)
        b.line(RAW, [(0, p.height_mm, z), (0, p.height_mm + 260, z + 160)], (20, 20, 22), 6)


def _bears_lettering(p: VehicleParams) -> bool:
    return p.facing == "rear" and p.kind not in ("truck", "trailer")


def _on_glass(p: VehicleParams, sticker: Sticker) -> bool:
    return p.belt_mm + 20 < sticker.h_mm < p.glass_top_mm


def _has_room(p: VehicleParams, sticker: Sticker) -> bool:
    return _keeps_clear(p, sticker.x_mm, sticker.h_mm, sticker.width_mm / 2, sticker.height_mm / 2)


def _line_place(p: VehicleParams, line: Lettering) -> tuple[float, float, float] | None:
    """Left end, baseline and width of a line; None where there is no room beside the plate."""
    lid = min(p.width_mm / 2 * 0.66, min(x for x, _ in tail_lamp_outline(p)) - 25)
    wide = line_width_mm(line.text, line.height_mm) * line.spacing
    panel = p.belt_mm - p.bumper_top_mm
    h = p.belt_mm - 100 - p.seed % 50
    if line.place == "middle":
        x, h = -wide / 2, p.belt_mm - max(panel * 0.3, 110)
    elif line.place == "low":
        x, h = -wide / 2, p.clearance_mm + (p.bumper_top_mm - p.clearance_mm) * 0.7
    else:
        x = -lid if line.place.endswith("left") else lid - wide
    if line.place.startswith("below"):
        h -= line.height_mm + 40 + p.seed % 30 if p.seed % 3 else panel * 0.55
    if wide > 1.9 * lid or not _keeps_clear(
        p, x + wide / 2, h + line.height_mm / 2, wide / 2, line.height_mm / 2
    ):
        return None
    return x, h, wide


def _write(b: Brush, p: VehicleParams, line: Lettering) -> None:
    """Set a line of lettering where it belongs on the rear, if there is room beside the plate."""
    place = _line_place(p, line)
    if place is None:
        return
    x, h, _ = place
    under = p.bumper if line.place == "low" else p.body
    text_at(
        b, line.text, x, h, line.height_mm, line.ink, under, line.weight,
        spacing=line.spacing, slant=line.slant, raised=line.chrome,
    )  # fmt: skip


def _sticker(b: Brush, s: Sticker) -> None:
    x0, h0 = s.x_mm - s.width_mm / 2, s.h_mm - s.height_mm / 2
    if s.oval:
        rim, wide, tall = ellipse(s.x_mm, s.h_mm, 1, 1), s.width_mm / 2, s.height_mm / 2
        for share, colour in ((1.0, s.ground), (0.92, s.ink), (0.86, s.ground)):
            ring = [
                (s.x_mm + (u - s.x_mm) * wide * share, s.h_mm + (v - s.h_mm) * tall * share)
                for u, v in rim
            ]
            if share == 1.0 or b.sees(10):
                b.fill(SKIN, ring, colour)
    else:
        b.fill(SKIN, box(x0, h0, x0 + s.width_mm, h0 + s.height_mm), s.ground)
    if s.text:
        tall = min(s.height_mm * 0.62, s.width_mm * 0.9 / max(line_width_mm(s.text, 1.0), 0.1))
        wide = line_width_mm(s.text, tall)
        text_at(b, s.text, s.x_mm - wide / 2, s.h_mm - tall / 2, tall, s.ink, s.ground)


def _whole(colour: Colour) -> tuple[int, int, int]:
    return int(colour[0]), int(colour[1]), int(colour[2])


def _over_glass(b: Brush, p: VehicleParams, pane: list[Pair]) -> None:
    """Wipers and stickers, which lie over what the pane mirrors."""
    lit = min(b.light.ambient + 0.6 * b.light.key, 1.0)
    if b.sees(12):
        low = min(h for _, h in pane)
        if p.facing == "front":
            for x, reach in ((-0.62, 0.5), (-0.02, 0.52)):
                b.line(SPAN, [(x, low + 8), (x + reach, low + 26 + 20 * (p.seed % 3))], BLACK, 17)
        elif p.wiper and p.kind not in ("van", "bus"):
            side = 1 if p.seed % 2 else -1
            b.line(SPAN, [(0, low + 4), (0.1 * side, low + 50), (0.55 * side, low + 60)], BLACK, 18)
            b.line(SPAN, [(0.02 * side, low + 62), (0.6 * side, low + 52)], (30, 30, 32), 14)
    for sticker in p.stickers:
        if _on_glass(p, sticker) and b.sees(sticker.height_mm):
            dim = replace(
                sticker,
                ground=_whole(scaled(sticker.ground, lit * 0.85)),
                ink=_whole(scaled(sticker.ink, lit * 0.85)),
            )
            _sticker(b, dim)


def _lens_glare(b: Brush, p: VehicleParams) -> None:
    """What the lamps' clear covers mirror; `paint` adds it when the panels are lit."""
    outline = tail_lamp_outline(p) if p.facing == "rear" else head_lamp_outline(p)
    sky = scaled((214, 220, 226), min(b.skylight, 1.0))
    strength = 0.1 + 0.4 * (p.seed % 73) / 73
    for side in (-1.0, 1.0):
        if b.shows_outline(outline, side):
            b.sheen(SKIN, flip(outline, side), strength, p.seed + int(side), sky)


def _lamp_glow(b: Brush, p: VehicleParams) -> None:
    """The bloom of lit lamps; strongest in the dark."""
    if not p.lamp_lit:
        return
    dark = min(max(1.0 - (b.light.ambient + b.light.key), 0.0), 1.0)
    if p.kind == "motorcycle":
        h = p.plate_height_mm + p.plate_height_of_sheet_mm / 2 + 110
        b.glow(RAW, (0.0, h, 0.0), (255, 50, 40), 120 + 260 * dark)
        return
    rear = p.facing == "rear"
    outline = tail_lamp_outline(p) if rear else head_lamp_outline(p)
    x = sum(u for u, _ in outline) / len(outline) - (20 if rear else 40)
    h = sum(v for _, v in outline) / len(outline)
    for side in (-1.0, 1.0):
        if rear:
            b.glow(SKIN, (side * x, h), (255, 44, 36), 150 + 240 * dark)
        else:
            b.glow(SKIN, (side * x, h), (255, 246, 226), 190 + 520 * dark)


def _motorcycle_skin(p: VehicleParams) -> Skin:
    knots = [
        Knot(0.0, 10.0, 320.0, 260.0),
        Knot(p.plate_height_mm, 10.0, 320.0, 260.0),
        Knot(1000.0, 60.0, 300.0, 240.0),
        Knot(1700.0, 420.0, 260.0, 200.0),
    ]
    return Skin(knots, [(1500.0, 1000.0), (1500.0, 100.0)])


def _motorcycle(b: Brush, p: VehicleParams) -> None:
    """The rear of a motorcycle: tyre, mudguard, plate holder, lamps, seat, often a rider."""
    h, x = p.plate_height_mm, 0.0
    wide, tall = p.plate_width_mm / 2, p.plate_height_of_sheet_mm / 2
    s = (p.seed % 67) / 67
    bar_h = min(p.height_mm - 120, 1090.0)
    b.line(
        RAW,
        [(-380, bar_h, 900), (-240, bar_h + 40, 950), (240, bar_h + 40, 950), (380, bar_h, 900)],
        (26, 26, 28),
        34,
    )
    for side in (-1.0, 1.0):
        mirror = [(side * 330 + u, bar_h + 170 + v, 900.0) for u, v in ellipse(0, 0, 82, 52, 14)]
        b.fill(RAW, mirror, (30, 30, 32), outline=True)
        if b.sees(40):
            b.fill(
                RAW,
                [(side * 330 + u, bar_h + 170 + v, 895.0) for u, v in ellipse(0, 0, 70, 41, 14)],
                (120, 132, 142),
            )
        b.line(
            RAW, [(side * 300, bar_h + 120, 900), (side * 250, bar_h + 30, 930)], (26, 26, 28), 16
        )
    if _ridden(p):
        coat: Colour = ((34, 34, 38), (110, 26, 28), (60, 70, 96), (196, 190, 60))[p.seed % 4]
        arm = 360 + 60 * s
        torso = [
            (-190, 800, 420),
            (-235, 1100, 420),
            (-250, 1330, 440),
            (-110, 1400, 460),
            (110, 1400, 460),
            (250, 1330, 440),
            (235, 1100, 420),
            (190, 800, 420),
        ]
        for side in (-1.0, 1.0):
            limb = [
                (side * 215, 1340, 450),
                (side * arm, 1080, 600),
                (side * (arm - 60), 1040, 700),
                (side * 170, 1180, 440),
            ]
            b.fill(RAW, limb, scaled(coat, 0.85), outline=True)
            leg = [
                (side * 120, 830, 420),
                (side * 330, 760, 500),
                (side * 310, 420, 560),
                (side * 200, 420, 540),
            ]
            b.fill(RAW, leg, (44, 50, 68), outline=True)
        b.fill(RAW, torso, coat, outline=True)
        helmet: Colour = ((24, 24, 26), (220, 220, 218), (150, 24, 28), (40, 60, 120))[
            p.seed % 5 % 4
        ]
        b.fill(
            RAW, [(u, v, 470.0) for u, v in ellipse(0, 1490, 125, 132, 18)], helmet, outline=True
        )
    rim = [(u, 310 + v, 520 + w) for u in (-80, 80) for w, v in ellipse(0, 0, 310, 310, 14)]
    b.hull(RAW, rim, (24, 24, 25), outline=True)
    if b.sees(16):
        for side in (-1.0, 1.0):
            b.line(RAW, [(side * 115, 330, 520), (side * 120, 620, 420)], (120, 122, 126), 44)
    pipe = [(u, v, w) for w in (40.0, 560.0) for u, v in ellipse(200, 400 + 90 * s, 62, 62, 14)]
    b.hull(RAW, pipe, (126, 128, 132) if p.seed % 2 else (40, 40, 42), outline=True)
    b.fill(RAW, [(u, v, 38.0) for u, v in ellipse(200, 400 + 90 * s, 34, 34, 12)], (16, 15, 15))
    seat_low = h + tall + 70
    tail = [
        (-150, seat_low, 10),
        (150, seat_low, 10),
        (190, seat_low + 140, 60),
        (150, seat_low + 250, 160),
        (-150, seat_low + 250, 160),
        (-190, seat_low + 140, 60),
    ]
    b.fill(RAW, tail, p.body, outline=True)
    b.fill(
        RAW,
        [
            (-140, seat_low + 180, 90),
            (140, seat_low + 180, 90),
            (130, seat_low + 290, 300),
            (-130, seat_low + 290, 300),
        ],
        (26, 26, 28),
        outline=True,
    )
    lamp = (255, 60, 50) if p.lamp_lit else (168, 22, 26)
    if p.tail_lamp == "round":
        b.fill(
            RAW, [(u, v, 0.0) for u, v in ellipse(x, seat_low + 60, 62, 58, 16)], scaled(lamp, 0.6)
        )
        b.fill(RAW, [(u, v, -3.0) for u, v in ellipse(x, seat_low + 60, 52, 48, 16)], lamp)
    else:
        b.fill(
            RAW,
            [(u, v, 0.0) for u, v in box(x - 110, seat_low + 22, x + 110, seat_low + 96, 24)],
            scaled(lamp, 0.6),
        )
        b.fill(
            RAW,
            [(u, v, -3.0) for u, v in box(x - 98, seat_low + 30, x + 98, seat_low + 88, 20)],
            lamp,
        )
    for side in (-1.0, 1.0):
        b.line(
            RAW,
            [(side * 120, seat_low + 40, 20), (side * 190, seat_low + 40, 20)],
            (24, 24, 26),
            20,
        )
        b.fill(
            RAW,
            [(u, v, 10.0) for u, v in ellipse(side * 215, seat_low + 40, 36, 27, 12)],
            AMBER if p.seed % 3 else CLEAR,
        )
    guard = [
        (-95, h + tall + 70),
        (95, h + tall + 70),
        (max(wide * 0.6, 90), h + tall),
        (110, h - tall - 60),
        (-110, h - tall - 60),
        (-max(wide * 0.6, 90), h + tall),
    ]
    b.fill(RAW, [(u, v, 14.0) for u, v in guard], (28, 28, 30), outline=True)
    b.fill(
        RAW,
        [(u, v, 8.0) for u, v in _plate_box(p, PLATE_CLEARANCE_MM + 4, PLATE_CLEARANCE_MM + 3)],
        (30, 30, 32),
        outline=True,
    )
