"""The parts of a vehicle as shapes in millimetres: shell, lamps, grille, glass, wheels.

Each function queues its shapes on a `Brush`; nothing is painted until the brush paints.
Parts smaller than a pixel are left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np

from seedbed.generators.scenes.vehicle_brush import RAW, SIDE, SKIN, SPAN, Brush, Colour, Knot, Skin
from seedbed.generators.scenes.vehicle_lettering import (
    ADVANCE,
    CAP_HEIGHT,
    STROKES,
    line_width_mm,
)
from seedbed.generators.scenes.vehicle_params import VehicleParams

Pair = tuple[float, float]

BLACK: Colour = (17, 17, 19)
RUBBER: Colour = (30, 30, 32)
GAP: Colour = (14, 14, 16)
GLASS: Colour = (24, 28, 31)
CHROME: Colour = (196, 200, 204)
RED: Colour = (150, 14, 20)
DARK_RED: Colour = (96, 8, 14)
CLEAR: Colour = (206, 204, 206)
AMBER: Colour = (214, 112, 24)


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """`share` of `b` in `a`."""
    return (
        a[0] + (b[0] - a[0]) * share,
        a[1] + (b[1] - a[1]) * share,
        a[2] + (b[2] - a[2]) * share,
    )


def scaled(colour: Colour, factor: float) -> Colour:
    """A colour made darker or lighter."""
    return (colour[0] * factor, colour[1] * factor, colour[2] * factor)


@lru_cache(maxsize=16)
def _circle(count: int) -> tuple[Pair, ...]:
    angles = [2 * math.pi * i / count for i in range(count)]
    return tuple((math.cos(a), math.sin(a)) for a in angles)


def ellipse(x: float, h: float, rx: float, rh: float, count: int = 18) -> list[Pair]:
    """An ellipse's outline."""
    return [(x + rx * c, h + rh * s) for c, s in _circle(count)]


def box(x0: float, h0: float, x1: float, h1: float, radius: float = 0.0) -> list[Pair]:
    """A rectangle's outline, its corners cut twice where `radius` is positive."""
    if radius <= 0:
        return [(x0, h0), (x1, h0), (x1, h1), (x0, h1)]
    r, q = radius, radius * 0.3
    return [
        (x0 + r, h0),
        (x1 - r, h0),
        (x1 - q, h0 + q),
        (x1, h0 + r),
        (x1, h1 - r),
        (x1 - q, h1 - q),
        (x1 - r, h1),
        (x0 + r, h1),
        (x0 + q, h1 - q),
        (x0, h1 - r),
        (x0, h0 + r),
        (x0 + q, h0 + q),
    ]


def flip(points: Sequence[Pair], side: float) -> list[Pair]:
    """Points mirrored to the left for side -1."""
    return [(x * side, h) for x, h in points]


SPANS = (-1.0, -0.985, -0.95, -0.88, -0.75, -0.5, 0.0, 0.5, 0.75, 0.88, 0.95, 0.985, 1.0)


def band(skin: Skin, low: float, high: float, share: float = 1.0) -> list[Pair]:
    """A strip of the near face from one height to another, in shares of the half width."""
    between = [k.h for k in skin.knots if low < k.h < high]
    points = [(u * share, low) for u in SPANS]
    points += [(share, h) for h in between]
    points += [(u * share, high) for u in reversed(SPANS)]
    points += [(-share, h) for h in reversed(between)]
    return points


def make_skin(p: VehicleParams) -> Skin:
    """The skin of a four-wheeled vehicle or trailer."""
    half = p.width_mm / 2
    rear = p.facing == "rear"
    boxy = p.kind in ("truck", "bus", "trailer") or (p.kind == "van" and rear)
    c, bt, belt, gt = p.clearance_mm, p.bumper_top_mm, p.belt_mm, p.glass_top_mm
    corner, shelf = p.corner_mm, p.shelf_mm
    roof = p.roof_share
    rows: list[tuple[float, float, float, float]] = []
    if rear:
        rows = [
            (c, 95, 0.93, corner),
            (c + 70, 25, 0.98, corner),
            (bt - 90, 0, 1.0, corner),
            (bt - 20, 4, 1.0, corner),
            (bt, shelf, 0.995, corner),
        ]
        # The lid bulges: it leans back more towards the window.
        rise = belt - bt
        bulge = 8 if boxy else 50
        for share, lean in ((0.3, 0.0), (0.6, 0.12), (0.85, 0.5), (1.0, 1.0)):
            rows.append(
                (
                    bt + rise * share,
                    shelf + bulge * lean,
                    0.995 - 0.03 * share,
                    corner * (1 - 0.2 * share),
                )
            )
        foot = shelf + bulge
        if p.deck_mm > 0 and p.kind == "pickup":
            rows.append((belt + 2, foot + 70, 0.96, 20))
            rows.append((belt + 6, foot + p.deck_mm, 0.93, 20))
            foot += p.deck_mm
        elif p.deck_mm > 0:
            rows.append((belt + 18, foot + 60, 0.94, corner * 0.7))
            rows.append((belt + 45, foot + p.deck_mm, 0.90, corner * 0.5))
            foot += p.deck_mm
    else:
        nose = bt + (belt - bt) * 0.42
        rows = [
            (c, 120, 0.90, corner),
            (c + 60, 40, 0.96, corner),
            (bt - 90, 4, 0.99, corner),
            (bt - 20, 0, 1.0, corner),
            (bt, shelf * 0.6, 1.0, corner),
            (bt + (nose - bt) * 0.5, shelf, 0.99, corner),
            (nose, shelf + 25, 0.985, corner),
        ]
        foot = shelf + 25
        if p.deck_mm > 0:
            rows.append((nose + 30, foot + 70, 0.975, corner))
            rows.append((nose + (belt - nose) * 0.5, foot + p.deck_mm * 0.38, 0.96, corner * 0.95))
            rows.append((belt, foot + p.deck_mm, 0.93, corner * 0.9))
            foot += p.deck_mm
        else:
            rows.append((belt, foot + 20, 0.99, corner))
            foot += 20
    belt_row = rows[-1]
    for share in (0.33, 0.67, 1.0):
        wide = belt_row[2] + (roof + 0.02 - belt_row[2]) * share
        rows.append(
            (
                belt_row[0] + (gt - belt_row[0]) * share,
                foot + p.lean_mm * share,
                wide,
                corner * (0.55 - 0.15 * share),
            )
        )
    top = p.height_mm
    rows.append((gt + (top - gt) * 0.6, foot + p.lean_mm + 70, roof, corner * 0.35))
    rows.append((top - 6, foot + p.lean_mm + 220, roof * 0.97, corner * 0.3))
    end = p.length_mm
    far_roof = end - (1900 if p.far_hood else 500)
    far_roof = max(far_roof, foot + p.lean_mm + 500)
    bed = p.kind == "pickup" and not rear
    if bed:
        far_roof = foot + p.lean_mm + (1300 if p.doors == 2 else 700)
    rows.append((top, far_roof, roof * 0.95, 10))
    # All of it stands 8 mm behind the plate.
    at_plate = float(np.interp(p.plate_height_mm, [r[0] for r in rows], [r[1] for r in rows])) - 8
    knots = [Knot(h, z - at_plate, w * half, k) for h, z, w, k in rows]
    if bed:
        far = [(far_roof, top), (far_roof + 90, belt), (end, belt - 10), (end, bt), (end - 60, c)]
    elif p.far_hood:
        far = [
            (far_roof, top),
            (end - 1150, 960.0),
            (end - 120, 760.0),
            (end, 560.0),
            (end - 60, c),
        ]
    else:
        far = [(far_roof, top), (end - 120, belt), (end, bt), (end - 60, c)]
    return Skin(knots, far)


def wheel_places(p: VehicleParams) -> tuple[float, float]:
    """The depths of the near and far axles, in millimetres."""
    near = {"truck": 1500.0, "bus": 2400.0, "trailer": p.length_mm * 0.42, "pickup": 1150.0}.get(
        p.kind, 720.0 + (120 if p.facing == "front" else 0)
    )
    far = p.length_mm - (850.0 if p.kind not in ("truck", "bus") else 1500.0)
    return near, max(far, near + (1500 if p.kind != "trailer" else 0))


def paint_shell(b: Brush, p: VehicleParams) -> None:
    """Tyres, underside, flanks, roof, deck, lid and bumper in plain colours."""
    skin, half = b.skin, p.width_mm / 2
    radius = p.wheel_radius_mm
    axles = wheel_places(p)
    trailer_like = p.kind in ("trailer",)
    tread = 200.0 if p.kind not in ("truck", "bus") else 300.0
    for depth in reversed(axles if not trailer_like else axles[:1]):
        for side in (-1, 1):
            outer = side * (half - 25)
            inner = outer - side * tread
            rim = [
                (x, radius + h, depth + z)
                for x in (outer, inner)
                for z, h in ellipse(0, 0, radius, radius, 14 if b.sees(8) else 10)
            ]
            b.hull(RAW, rim, RUBBER, outline=True)
    low = p.clearance_mm
    under = p.corner_mm + 140
    b.fill(
        RAW,
        [
            (-half * 0.86, low - 50, under + 300),
            (half * 0.86, low - 50, under + 300),
            (half * 0.86, low + 60, under),
            (half * 0.5, low + 60, 120),
            (-half * 0.5, low + 60, 120),
            (-half * 0.86, low + 60, under),
        ],
        (22, 22, 24),
        outline=True,
    )
    seen_sides = [s for s in (-1, 1) if s * b.eye[0] > half * 0.75]
    for side in seen_sides:
        _flank(b, p, side, axles if not trailer_like else axles[:1])
    _mirrors(b, p)
    eye_h, eye_z = float(b.eye[1]), float(b.eye[2])
    knots = skin.knots
    body = p.body

    def visible(low_knot: Knot, high_knot: Knot) -> bool:
        rise, run = high_knot.h - low_knot.h, high_knot.z - low_knot.z
        # The segment's outward side is towards -z and up.
        return (eye_h - low_knot.h) * run - (eye_z - low_knot.z) * rise > 0

    boundaries: list[tuple[float, float, Colour]] = []
    lower = p.bumper
    if p.bumper_style == "two-tone":
        lower = p.bumper
    base = p.clearance_mm
    boundaries.append((base, p.bumper_top_mm, lower))
    face = body
    boundaries.append((p.bumper_top_mm, p.belt_mm, face))
    for low_h, high_h, colour in reversed(boundaries + _upper(p)):
        parts = [(a, k) for a, k in pairwise(knots) if a.h < high_h - 0.5 and k.h > low_h + 0.5]
        shown = [visible(a, k) for a, k in parts]
        if not any(shown):
            continue
        first, last = shown.index(True), len(shown) - 1 - shown[::-1].index(True)
        b.fill(
            SPAN,
            band(skin, max(low_h, parts[first][0].h), min(high_h, parts[last][1].h)),
            colour,
            outline=True,
        )


def _upper(p: VehicleParams) -> list[tuple[float, float, Colour]]:
    body = p.body
    above = p.belt_mm
    rows: list[tuple[float, float, Colour]] = []
    if p.deck_mm > 0 and p.facing == "rear":
        deck_top = p.belt_mm + (6 if p.kind == "pickup" else 45)
        rows.append((p.belt_mm, deck_top, (38, 38, 40) if p.kind == "pickup" else body))
        above = deck_top
    rows.append((above, p.glass_top_mm, body))
    rows.append((p.glass_top_mm, p.height_mm - 6, body))
    rows.append((p.height_mm - 6, p.height_mm, body))
    return rows


def _flank(b: Brush, p: VehicleParams, side: int, axles: Sequence[float]) -> None:
    skin = b.skin
    edge = [(k.h, k.z + k.corner) for k in skin.knots]
    near = [(float(side), h, 0.0) for h, _ in edge]
    far = [(float(side), h, z) for z, h in skin.far]
    b.fill_mixed([(SPAN, near), (SIDE, far)], p.body, outline=True)
    s = float(side)
    low, radius = p.clearance_mm, p.wheel_radius_mm
    near_edge = skin.depth(low) + p.corner_mm
    end = p.length_mm - 60
    if p.kind not in ("truck", "trailer"):
        sill = [
            (s, low, near_edge + 20),
            (s, low, end),
            (s, low + 90, end),
            (s, low + 90, near_edge),
        ]
        b.fill(SIDE, sill, mix(p.trim, p.body, 0.25))
    for depth in axles:
        arch = [
            (s, max(radius + h, low - 10), depth + z)
            for z, h in ellipse(0, 0, radius * 1.19, radius * 1.2, 20)
        ]
        b.fill(SIDE, arch, (16, 16, 17))
        tyre = [(s, radius + h, depth + z) for z, h in ellipse(0, 0, radius, radius, 20)]
        b.fill(SIDE, tyre, RUBBER, outline=True)
        if b.sees(radius * 0.15):
            _rim(b, p, s, depth)
    if p.kind in ("truck", "trailer"):
        return
    roof_near = skin.depth(p.glass_top_mm) + p.corner_mm * 0.4
    belt_near = (
        skin.depth(p.belt_mm + (45 if p.deck_mm and p.facing == "rear" else 0)) + p.corner_mm * 0.5
    )
    far_roof, far_belt = skin.far[0][0], skin.far[1][0]
    belt = p.belt_mm + (50 if p.deck_mm and p.facing == "rear" else 15)
    top = p.glass_top_mm - 5
    if p.kind == "van" and (p.facing == "rear" or not p.has_glass):
        cabin = max(far_belt - 1700, belt_near + 200)
        panes = [(cabin, far_belt - 250, cabin + 60, far_roof - 50)]
    else:
        start, stop = belt_near + 150, far_belt - 160
        high_start, high_stop = roof_near + 140, far_roof - 90
        if p.kind == "pickup" and p.facing == "front":
            stop = high_stop = min(stop, belt_near + 2000)
        count = 5 if p.kind == "bus" else 3 if p.kind in ("estate", "suv", "hatch") else 2
        panes = []
        for i in range(count):
            t0, t1 = i / count, (i + 1) / count
            panes.append(
                (
                    start + (stop - start) * t0 + 25,
                    start + (stop - start) * t1 - 25,
                    high_start + (high_stop - high_start) * t0 + 25,
                    high_start + (high_stop - high_start) * t1 - 25,
                )
            )
    for low0, low1, high0, high1 in panes:
        if high1 <= high0 or low1 <= low0:
            continue
        pane = [(s, belt, low0), (s, belt, low1), (s, top, high1), (s, top, high0)]
        b.fill(SIDE, pane, GLASS)
        if b.sees(16):
            b.sheen(
                SIDE, pane, 0.35, p.seed % 1013 + int(low0), scaled((190, 205, 220), b.skylight)
            )
        if b.sees(10) and p.kind != "bus":
            gap = [(s, belt, low1 + 25), (s, low + 110, low1 + 20)]
            b.line(SIDE, gap, GAP, 6, under=p.body)
    if b.sees(14) and p.kind != "bus":
        b.line(
            SIDE,
            [(s, belt - 260, near_edge + 60), (s, belt - 240, end - 200)],
            scaled(p.body, 0.72),
            16,
            under=p.body,
        )
        if len(panes) > 1:
            for pane_spot in panes[:2]:
                handle = pane_spot[1] - 120
                b.line(
                    SIDE,
                    [(s, belt - 70, handle - 90), (s, belt - 70, handle + 40)],
                    scaled(p.body, 0.55),
                    26,
                )


def _rim(b: Brush, p: VehicleParams, s: float, depth: float) -> None:
    radius = p.wheel_radius_mm
    inner = radius * 0.66
    metal: Colour = (150, 152, 155) if p.rim != "steel" else (58, 58, 60)
    disc = [(s, radius + h, depth + z) for z, h in ellipse(0, 0, inner, inner, 18)]
    b.fill(SIDE, disc, metal if p.rim == "dish" else (34, 34, 36))
    if p.rim == "spokes":
        count = 5 + p.seed % 6
        for k in range(count):
            angle = 2 * math.pi * k / count + (p.seed % 97) / 97
            ca, sa = math.cos(angle), math.sin(angle)
            across = inner * 0.12
            spoke = [
                (-across * 1.0, 0.1 * inner),
                (across, 0.1 * inner),
                (across * 1.3, inner),
                (-across * 1.3, inner),
            ]
            b.fill(
                SIDE,
                [(s, radius + u * sa + v * ca, depth + u * ca - v * sa) for u, v in spoke],
                metal,
            )
    ring = [(s, radius + h, depth + z) for z, h in ellipse(0, 0, inner, inner, 18)]
    b.line(SIDE, ring, metal, 18, under=RUBBER, closed=True)
    hub = [(s, radius + h, depth + z) for z, h in ellipse(0, 0, inner * 0.22, inner * 0.22, 10)]
    b.fill(SIDE, hub, scaled(metal, 0.8))


def _mirrors(b: Brush, p: VehicleParams) -> None:
    if p.kind == "trailer" or not b.sees(60):
        return
    depth = p.length_mm - 1500 if p.facing == "rear" else 350 + p.deck_mm * 1.25
    if p.kind in ("truck", "bus"):
        depth = p.length_mm - 300 if p.facing == "rear" else 120.0
        if p.facing == "rear":
            return
    h = min(p.belt_mm + 90, p.glass_top_mm - 60)
    reach, tall = (210.0, 75.0)
    if p.kind in ("van", "pickup"):
        tall = 130.0
    if p.kind in ("truck", "bus"):
        reach, tall, h = 230.0, 260.0, p.glass_top_mm - 300
    x0 = b.skin.half_width(h) - 10
    colour = p.body if p.bumper_style == "body" else p.trim
    for side in (-1, 1):
        shape = [
            (x0, h - tall * 0.5),
            (x0 + reach * 0.35, h - tall),
            (x0 + reach * 0.9, h - tall * 0.8),
            (x0 + reach, h),
            (x0 + reach * 0.85, h + tall * 0.8),
            (x0 + reach * 0.4, h + tall * 0.7),
            (x0, h),
        ]
        b.fill(RAW, [(side * x, y, depth) for x, y in shape], colour, outline=True)
        if p.facing == "rear" and b.sees(40):
            inner = [
                (x0 + reach * (0.4 + 0.5 * u), h + tall * 0.7 * v)
                for u, v in ((0, -1), (0.9, -0.8), (1, 0.5), (0.1, 0.6))
            ]
            b.fill(RAW, [(side * x, y, depth - 5) for x, y in inner], (96, 108, 118))


def text_at(
    b: Brush,
    text: str,
    x: float,
    h: float,
    height_mm: float,
    colour: Colour,
    under: Colour,
    weight: float = 0.16,
    mode: int = SKIN,
    spacing: float = 1.0,
    slant: float = 0.0,
    raised: bool = False,
) -> None:
    """Write `text` with its left end at `x` and its baseline at `h`; see `Lettering`."""
    wide = line_width_mm(text, height_mm) * spacing
    if not b.sees(height_mm / 3.5) or not b.shows(x, h, x + wide + height_mm, h + height_mm):
        return
    unit = height_mm / CAP_HEIGHT
    if not b.sees(height_mm / 6):
        b.line(
            mode,
            [(x, h + height_mm / 2), (x + wide, h + height_mm / 2)],
            mix(colour, under, 0.45),
            height_mm * 0.6,
            under,
        )
        return
    advance = ADVANCE * spacing * unit
    strokes = [
        [(x + i * advance + (u + slant * v) * unit, h + v * unit) for u, v in stroke]
        for i, letter in enumerate(text)
        for stroke in STROKES.get(letter, ())
    ]
    pen = height_mm * weight
    if raised and b.sees(height_mm / 10):
        aside, below = 0.28 * pen, 0.5 * pen
        shadow = [[(u + aside, v - below) for u, v in points] for points in strokes]
        b.strokes(mode, shadow, scaled(under, 0.42), pen)
    thin = min(1.0, max(pen * b.scale, 0.35))
    b.strokes(mode, strokes, mix(under, colour, thin) if thin < 1 else colour, pen)
    if raised and b.sees(pen / 2.2):
        edge = [[(u - 0.2 * pen, v + 0.22 * pen) for u, v in points] for points in strokes]
        b.strokes(mode, edge, mix(colour, (255, 255, 255), 0.6), 0.3 * pen)


def paint_glass(b: Brush, p: VehicleParams) -> None:
    """The window or windscreen with what is seen through it; its sheen comes later."""
    outline = glass_outline(p, 0.0)
    if outline is None:
        return
    rear = p.facing == "rear"
    half = p.width_mm / 2
    if not b.shows(-half, p.belt_mm - 60, half, p.glass_top_mm + 20):
        return
    b.fill(SPAN, outline, (12, 12, 13))
    inner = glass_outline(p, 16.0)
    if inner is None or not b.sees(16):
        return
    ground = (14, 16, 18) if p.tinted else GLASS
    b.fill(SPAN, inner, ground)
    low, high = min(h for _, h in inner), max(h for _, h in inner)
    tall = high - low
    if b.sees(60) and not p.tinted:
        seats: Colour = (44, 44, 46)
        for u in (-0.45, 0.45):
            x, top = u * p.width_mm / 2 * 0.8, low + tall * 0.62
            b.fill(SKIN, box(x - 115, top - 150, x + 115, top, 40), seats)
            b.fill(SKIN, box(x - 190, low + 4, x + 190, low + tall * 0.3, 10), scaled(seats, 0.8))
        if not rear:
            b.fill(
                SKIN,
                box(-p.width_mm * 0.37, low + 4, p.width_mm * 0.37, low + tall * 0.16),
                (30, 29, 28),
            )
            b.fill(SKIN, box(-110, high - 100, 110, high - 45, 20), (20, 20, 21))
        for i in range(p.occupants):
            x = (0.42, -0.42)[i] * p.width_mm / 2 * 0.85
            head, face = low + tall * 0.62, (98.0, 74.0, 62.0)
            coat = ((60, 60, 74), (120, 116, 110), (84, 40, 40))[(p.seed + i) % 3]
            b.fill(SKIN, box(x - 170, low + 6, x + 170, head - 90, 60), scaled(coat, 0.55))
            b.fill(
                SKIN,
                ellipse(x, head, 78, 100, 12),
                scaled(face, 0.75) if not rear else (26, 24, 24),
                convex=True,
            )
    if rear and b.sees(3) and p.kind != "bus":
        for i in range(1, 9):
            h = low + tall * i / 9
            b.line(SPAN, [(-0.6, h), (0.6, h)], (52, 44, 40), 2, under=ground)


def glass_outline(p: VehicleParams, inset: float) -> list[Pair] | None:
    """The near window's outline in shares of the half width, `inset` mm inside its rubber."""
    if not p.has_glass:
        return None
    deck = p.deck_mm > 0 and p.facing == "rear"
    low = p.belt_mm + (14 if not deck else (12 if p.kind == "pickup" else 50)) + inset
    high = p.glass_top_mm - 12 - inset
    if high - low < 60:
        return None
    side = 0.90 - inset / p.width_mm * 2
    if p.facing == "front":
        side += 0.03
    if p.kind in ("van", "bus") and p.facing == "rear":
        side = 0.84 - inset / p.width_mm * 2
    r = min(60.0, (high - low) * 0.25)
    q = r / p.width_mm * 2
    mid = (high + low) / 2
    return [
        (-side + q, low),
        (0.0, low - 8 if p.facing == "front" else low),
        (side - q, low),
        (side, low + r),
        (side, mid),
        (side * 0.985, high - r),
        (side * 0.985 - q, high),
        (0.0, high + 6),
        (q - side * 0.985, high),
        (-side * 0.985, high - r),
        (-side, mid),
        (-side, low + r),
    ]


def paint_badge(b: Brush, p: VehicleParams, x: float, h: float) -> None:
    """A generic badge: a chrome figure on dark or body colour."""
    r = p.badge_mm / 2
    if (
        p.badge == "none"
        or not b.sees(r)
        or not b.shows(x - 2 * r, h - 2 * r, x + 2 * r, h + 2 * r)
    ):
        return
    if p.badge == "oval":
        b.fill(SKIN, ellipse(x, h, r * 1.45, r * 0.62), CHROME, convex=True)
        b.fill(
            SKIN,
            ellipse(x, h, r * 1.3, r * 0.48),
            ((24, 44, 96) if p.seed % 2 else (150, 26, 30)),
            convex=True,
        )
        b.line(
            SKIN,
            [(x - r * 0.8, h - 2), (x, h + r * 0.15), (x + r * 0.8, h - 2)],
            CHROME,
            r * 0.14,
            under=BLACK,
        )
        return
    if p.badge == "diamond":
        ring = [(x, h - r * 1.2), (x + r * 0.85, h), (x, h + r * 1.2), (x - r * 0.85, h)]
        b.fill(SKIN, ring, CHROME)
        b.fill(
            SKIN, [(x + (u - x) * 0.55, h + (v - h) * 0.55) for u, v in ring], scaled(p.body, 0.6)
        )
        return
    if p.badge == "shield":
        shape = [
            (x - r * 0.8, h + r),
            (x + r * 0.8, h + r),
            (x + r * 0.75, h - r * 0.2),
            (x, h - r),
            (x - r * 0.75, h - r * 0.2),
        ]
        b.fill(SKIN, shape, CHROME)
        b.fill(SKIN, [(x + (u - x) * 0.7, h + (v - h) * 0.7) for u, v in shape], (34, 34, 38))
        return
    if p.badge == "cross":
        b.fill(SKIN, box(x - r * 1.4, h - r * 0.28, x + r * 1.4, h + r * 0.28), CHROME)
        b.fill(SKIN, box(x - r * 1.25, h - r * 0.16, x + r * 1.25, h + r * 0.16), (204, 164, 60))
        b.fill(SKIN, box(x - r * 0.4, h - r * 0.7, x + r * 0.4, h + r * 0.7), CHROME)
        return
    b.fill(SKIN, ellipse(x, h, r, r), CHROME, convex=True)
    b.fill(
        SKIN,
        ellipse(x, h, r * 0.82, r * 0.82),
        (34, 38, 52) if p.seed % 3 else scaled(p.body, 0.7),
        convex=True,
    )
    if p.badge == "star":
        points = []
        for k in range(6):
            angle, reach = math.pi * k / 3 + math.pi / 2, r * (0.85 if k % 2 == 0 else 0.2)
            points.append((x + reach * math.cos(angle), h + reach * math.sin(angle)))
        b.fill(SKIN, points, CHROME)
    else:
        b.line(
            SKIN,
            [(x - r * 0.5, h + r * 0.4), (x, h - r * 0.5), (x + r * 0.5, h + r * 0.4)],
            CHROME,
            r * 0.2,
            under=BLACK,
        )


def tail_lamp_outline(p: VehicleParams) -> list[Pair]:
    """The right-hand tail lamp's outline (x, h); x may pass the edge, where it wraps."""
    half = p.width_mm / 2
    w, t = p.lamp_width_mm, p.lamp_height_mm
    top = p.belt_mm - 35
    edge = half - 6
    kind = p.tail_lamp
    if p.kind in ("truck", "trailer"):
        mid = p.bumper_top_mm - 75 if p.kind == "trailer" else p.bumper_top_mm - 85
        return box(half - 60 - min(w, 380), mid - 55, half - 60, mid + 55, 10)
    if kind == "pillar":
        t = max(t, 330.0)
        if p.kind in ("hatch", "estate", "suv") and p.deck_mm == 0 and p.seed % 2:
            base = p.bumper_top_mm + 70
            top = min(p.belt_mm + t * 0.6, p.glass_top_mm - 60)
            return [
                (edge - w, base + 25),
                (edge + 20, base),
                (edge + 20, p.belt_mm),
                (half * 0.9, top),
                (half * 0.9 - w * 0.45, top - 20),
                (edge - w * 0.95, p.belt_mm - 40),
            ]
        return [(edge - w, top - t), (edge + 12, top - t), (edge + 12, top), (edge - w * 0.9, top)]
    top = min(top, p.bumper_top_mm + 90 + t + (p.belt_mm - p.bumper_top_mm - 90 - t) * 0.75)
    if kind == "round":
        return ellipse(edge - w * 0.62, top - t / 2, w * 0.56, w * 0.56, 20)
    if kind in ("slim", "bar"):
        return [
            (edge - w, top - t * 0.75),
            (edge - w * 0.3, top - t),
            (edge + 20, top - t * 1.05),
            (edge + 20, top + 5),
            (edge - w * 0.9, top - t * 0.1),
        ]
    if kind == "corner":
        s = (p.seed % 89) / 89
        return [
            (edge - w * (0.75 + 0.2 * s), top - t),
            (edge + 20, top - t * (1.0 - 0.1 * s)),
            (edge + 20, top - 5),
            (edge - w * 0.35, top + 8),
            (edge - w, top - 12 - 20 * s),
            (edge - w * (1.02 - 0.2 * s), top - t * 0.5),
        ]
    return [
        (edge - w, top - t * 0.9),
        (edge - w * 0.6, top - t),
        (edge + 20, top - t * 0.95),
        (edge + 20, top - 5),
        (edge - w * 0.5, top + 5),
        (edge - w, top - 10),
    ]


def paint_tail_lamps(b: Brush, p: VehicleParams) -> None:
    """Both tail lamps: red with clear and amber parts, and their ribs."""
    outline = tail_lamp_outline(p)
    xs, hs = [x for x, _ in outline], [h for _, h in outline]
    x0, x1, h0, h1 = min(xs), max(xs), min(hs), max(hs)
    cx, ch = (x0 + x1) / 2, (h0 + h1) / 2
    lit = p.lamp_lit
    red = mix(RED, (235, 30, 32), 0.8) if lit else mix(RED, (196, 26, 28), (p.seed % 7) / 7)
    half = p.width_mm / 2
    wide, tall = x1 - x0, h1 - h0

    def inside(u0: float, v0: float, u1: float, v1: float) -> list[Pair]:
        # A band across the outline, cut to it by its own slanted sides.
        return [(x0 + wide * u, h0 + tall * v) for u, v in ((u0, v0), (u1, v0), (u1, v1), (u0, v1))]

    if p.tail_lamp == "bar" and p.kind not in ("truck", "trailer"):
        b.fill(SKIN, box(-x0 - 4, h1 - tall * 0.75, x0 + 4, h1 - tall * 0.25), DARK_RED)
        if lit:
            b.line(SKIN, [(-x0, h1 - tall * 0.5), (x0, h1 - tall * 0.5)], (255, 70, 60), 16)
    for side in (-1.0, 1.0):
        if not b.shows_outline(outline, side):
            continue
        b.fill(SKIN, flip(outline, side), scaled(red, 0.62))
        if not b.sees(17):
            continue
        shrunk = [(cx + (x - cx) * 0.9, ch + (h - ch) * 0.88) for x, h in outline]
        b.fill(SKIN, flip(shrunk, side), red)
        core = [(cx + (x - cx) * 0.9, ch + (h - ch) * 0.88) for x, h in outline]
        if p.lamp_clear == "round" and tall > 90:
            r = min(wide, tall) * 0.3
            for k, v in enumerate((0.3, 0.7) if tall > wide else (0.5,)):
                spot = ellipse(cx - wide * 0.08, h0 + tall * v, r * 0.8, r * 0.8, 16)
                b.fill(SKIN, flip(spot, side), (210, 40, 40) if k else mix(CLEAR, red, 0.25))
        elif p.lamp_clear == "stripe":
            v = 0.3 + (p.seed % 31) / 90
            low, high = (v, v + 0.16) if tall > wide * 0.6 else (0.28, 0.46)
            stripe = _cut(core, h0 + tall * low, h0 + tall * high)
            b.fill(SKIN, flip(stripe, side), CLEAR)
            if p.seed % 3 == 0:
                b.fill(
                    SKIN, flip(_cut(core, h0 + tall * high, h0 + tall * (high + 0.16)), side), AMBER
                )
        elif p.lamp_clear == "half":
            b.fill(
                SKIN,
                flip(_cut(core, h0 + tall * 0.1, h0 + tall * 0.42), side),
                mix(CLEAR, red, 0.12),
            )
        if p.seed % 5 == 0 and wide > 180:
            b.fill(SKIN, flip(inside(0.55, 0.2, 0.85, 0.8), side), AMBER)
        if b.sees(7):
            for k in range(1, 6):
                v = h0 + tall * (0.06 + 0.155 * k)
                rib = _cut(core, v, v + 4)
                b.fill(SKIN, flip(rib, side), scaled(red, 0.72))
            upper = _cut(core, h1 - tall * 0.2, h1 - tall * 0.13)
            b.fill(SKIN, flip(upper, side), mix(red, (255, 190, 190), 0.35))
        b.line(SKIN, flip(outline, side), scaled(red, 0.3), 7, under=red, closed=True)
    if p.kind == "truck":
        b.fill(SKIN, box(-half + 470, h0 + 10, -half + 520, h1 - 10), AMBER)


def _cut(outline: Sequence[Pair], low: float, high: float) -> list[Pair]:
    """The part of a convex outline between two heights."""
    left: list[Pair] = []
    right: list[Pair] = []
    for h in (low, high):
        crossings = []
        for (xa, ha), (xb, hb) in zip(outline, [*outline[1:], outline[0]], strict=True):
            if (ha - h) * (hb - h) < 0:
                crossings.append(xa + (xb - xa) * (h - ha) / (hb - ha))
        if len(crossings) >= 2:
            left.append((min(crossings), h))
            right.append((max(crossings), h))
    if len(left) < 2:
        x = sum(x for x, _ in outline) / len(outline)
        return [(x, low), (x, low), (x, high), (x, high)]
    return [left[0], right[0], right[1], left[1]]


def head_lamp_outline(p: VehicleParams) -> list[Pair]:
    """The right-hand headlamp's outline (x, h)."""
    half = p.width_mm / 2
    base = p.bumper_top_mm + 15
    nose = p.bumper_top_mm + (p.belt_mm - p.bumper_top_mm) * 0.42
    tall = max(min(nose - base + 20, 230.0), 90.0)
    if p.kind in ("truck", "bus"):
        base, tall = p.bumper_top_mm - 190, 150.0
        return box(half - 520, base, half - 90, base + tall, 24)
    if p.head_lamp == "round":
        r = min(tall * 0.62, 105.0)
        return ellipse(half - 60 - r, base + tall * 0.55, r, r, 22)
    if p.head_lamp == "rect":
        return [
            (half - 440, base + 10),
            (half - 20, base + 10),
            (half + 12, base + tall - 20),
            (half - 430, base + tall),
        ]
    if p.head_lamp == "slim":
        return [
            (half - 480, base + tall * 0.45),
            (half - 250, base + tall * 0.38),
            (half + 12, base + tall * 0.62),
            (half + 12, base + tall * 0.98),
            (half - 200, base + tall * 0.92),
            (half - 470, base + tall * 0.72),
        ]
    if p.head_lamp == "tall":
        return [
            (half - 300, base),
            (half - 90, base - 10),
            (half + 10, base + tall),
            (half - 40, base + tall + 80),
            (half - 170, base + tall + 60),
            (half - 300, base + tall * 0.7),
        ]
    s = (p.seed % 83) / 83
    return [
        (half - 430 - 60 * s, base + tall * 0.35),
        (half - 260, base - 5),
        (half - 60, base + tall * 0.2),
        (half + 12, base + tall * 0.75),
        (half + 12, base + tall * (1.05 + 0.2 * s)),
        (half - 120, base + tall * 1.08),
        (half - 400, base + tall * 0.75),
    ]


def paint_head_lamps(b: Brush, p: VehicleParams) -> None:
    """Both headlamps: clear cover, reflectors and an amber corner."""
    outline = head_lamp_outline(p)
    xs, hs = [x for x, _ in outline], [h for _, h in outline]
    x0, x1, h0, h1 = min(xs), max(xs), min(hs), max(hs)
    cx, ch = sum(xs) / len(xs), sum(hs) / len(hs)
    wide, tall = x1 - x0, h1 - h0
    dark = p.seed % 3 == 0
    cover: Colour = (70, 74, 80) if dark else (168, 174, 180)
    for side in (-1.0, 1.0):
        if not b.shows_outline(outline, side):
            continue
        b.fill(SKIN, flip(outline, side), (40, 42, 44))
        shrunk = [(cx + (x - cx) * 0.93, ch + (h - ch) * 0.9) for x, h in outline]
        b.fill(SKIN, flip(shrunk, side), cover)
        if not b.sees(17):
            continue
        if p.head_lamp == "rect":
            b.fill(
                SKIN,
                flip(box(x1 - wide * 0.24, h0 + 8, x1 - 8, h1 - 22), side),
                AMBER if p.seed % 2 else (200, 190, 176),
            )
            b.fill(
                SKIN,
                flip(box(x0 + 14, h0 + tall * 0.5, x1 - wide * 0.27, h1 - 14), side),
                (210, 216, 220),
            )
        elif p.head_lamp != "round":
            indicator = [
                (cx + wide * 0.28 + (x - cx) * 0.22, ch + tall * 0.04 + (h - ch) * 0.5)
                for x, h in outline
            ]
            b.fill(SKIN, flip(indicator, side), (222, 132, 40) if p.seed % 4 else (150, 150, 152))
        r = min(tall * 0.33, wide * 0.3)
        spots = (
            [cx - wide * 0.02]
            if p.head_lamp in ("round", "tall")
            else [cx - wide * 0.2, cx + wide * 0.08]
        )
        for x in spots:
            y = ch if p.head_lamp != "tall" else ch - tall * 0.1
            b.fill(
                SKIN,
                flip(ellipse(x, y, r, r, 16), side),
                (58, 60, 64) if not dark else (28, 29, 31),
                convex=True,
            )
            b.fill(
                SKIN, flip(ellipse(x, y, r * 0.8, r * 0.8, 16), side), (206, 212, 216), convex=True
            )
            if b.sees(r * 0.3):
                b.fill(
                    SKIN,
                    flip(ellipse(x - r * 0.1, y - r * 0.12, r * 0.55, r * 0.5, 12), side),
                    (120, 126, 132),
                    convex=True,
                )
                b.fill(
                    SKIN,
                    flip(ellipse(x, y, r * 0.22, r * 0.22, 10), side),
                    (240, 243, 245),
                    convex=True,
                )
        b.line(SKIN, flip(shrunk, side), (226, 230, 232), 5, under=cover, closed=True)
        b.line(SKIN, flip(outline, side), (26, 27, 28), 8, under=cover, closed=True)


def paint_grille(
    b: Brush, p: VehicleParams, x0: float, h0: float, x1: float, h1: float, taper: float
) -> None:
    """A grille between two heights: surround, dark ground and its pattern."""
    style = p.grille
    if not b.shows(x0 - 40, h0 - 40, x1 + 40, h1 + 40):
        return
    shape = [(x0 + taper, h0), (x1 - taper, h0), (x1, h1), (x0, h1)]
    if style == "closed":
        b.fill(SKIN, box(x0, h1 - (h1 - h0) * 0.45, x1, h1, 8), scaled(p.body, 0.55))
        return
    if p.grille_chrome:
        cx, ch = (x0 + x1) / 2, (h0 + h1) / 2
        grown = [
            (cx + (x - cx) * (1 + 28 / (x1 - x0)), ch + (h - ch) * (1 + 26 / (h1 - h0)))
            for x, h in shape
        ]
        b.fill(SKIN, grown, CHROME)
    b.fill(SKIN, shape, (16, 16, 18))
    bar: Colour = CHROME if p.grille_chrome and p.seed % 2 else (46, 47, 50)
    tall, wide = h1 - h0, x1 - x0

    def ends(h: float) -> Pair:
        inset = taper * (1 - (h - h0) / tall)
        return x0 + inset + 6, x1 - inset - 6

    if style in ("bars", "slats") and b.sees(14):
        count = max(2, int(tall / (42 if style == "bars" else 24)))
        for k in range(1, count):
            h = h0 + tall * k / count
            left, right = ends(h)
            b.line(
                SKIN,
                [(left, h), ((left + right) / 2, h), (right, h)],
                bar,
                13 if style == "bars" else 7,
                under=BLACK,
            )
    elif style == "vertical" and b.sees(14):
        count = max(5, int(wide / 48))
        for k in range(1, count):
            u = k / count
            low, high = ends(h0 + 4), ends(h1 - 4)
            b.line(
                SKIN,
                [
                    (low[0] + (low[1] - low[0]) * u, h0 + 4),
                    (high[0] + (high[1] - high[0]) * u, h1 - 4),
                ],
                bar,
                15,
                under=BLACK,
            )
    elif style in ("honeycomb", "mesh") and b.sees(9):
        pitch = max(34.0 if style == "honeycomb" else 24.0, wide / 26)
        slope = 0.6 if style == "honeycomb" else 1.0
        count = int(wide / pitch)
        reach = tall / slope
        for k in range(-int(reach / pitch), count + 1):
            for lean in (1, -1):
                # Each slanted wire is cut where it leaves the grille's rectangle.
                start = x0 + k * pitch if lean > 0 else x1 - k * pitch
                t0 = max(0.0, (x0 - start) / (lean * reach) if lean > 0 else (start - x1) / reach)
                t1 = min(1.0, (x1 - start) / reach if lean > 0 else (start - x0) / reach)
                if t1 <= t0:
                    continue
                b.line(
                    SKIN,
                    [(start + lean * reach * t, h0 + tall * t) for t in (t0, t1)],
                    (40, 41, 44),
                    5,
                    under=BLACK,
                )
