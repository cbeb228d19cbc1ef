"""What is decided about a vehicle before it is painted, and how it is drawn at random.

Dimensions are typical of each class as makers' sheets give them (a hatchback is 1.65 to
1.8 m wide and 1.4 to 1.55 m high, ...), rounded. Colour shares follow the mean of the
world-wide colour popularity reports by DuPont (2010) and Axalta (2022), rounded, since
streets hold cars of both ages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np

from seedbed.generators.scenes.vehicle_lettering import made_up_name, number_like, trim_mark
from seedbed.streams import chance, choose, choose_weighted, fork_seed, uniform

Kind = Literal[
    "hatch", "saloon", "estate", "suv", "pickup", "van", "truck", "bus", "trailer", "motorcycle"
]
Facing = Literal["rear", "front"]
PlateMount = Literal["lid", "bumper", "recess"]
BumperStyle = Literal["body", "plastic", "chrome", "two-tone"]
TailLamp = Literal["corner", "wide", "pillar", "round", "split", "slim", "bar"]
HeadLamp = Literal["round", "rect", "swept", "slim", "tall"]
Grille = Literal["bars", "honeycomb", "mesh", "vertical", "slats", "closed"]
Badge = Literal["ring", "oval", "diamond", "shield", "star", "cross", "none"]
LetteringPlace = Literal["left", "right", "below-left", "below-right", "middle", "low"]
Rgb = tuple[int, int, int]

KIND_SHARES: Mapping[Kind, float] = {
    "hatch": 0.29,
    "saloon": 0.25,
    "estate": 0.10,
    "suv": 0.16,
    "pickup": 0.06,
    "van": 0.07,
    "truck": 0.02,
    "bus": 0.01,
    "trailer": 0.015,
    "motorcycle": 0.025,
}
"""How often each kind is drawn by default."""

COLOUR_SHARES: Mapping[str, float] = {
    "white": 0.24,
    "black": 0.21,
    "grey": 0.17,
    "silver": 0.17,
    "blue": 0.08,
    "red": 0.07,
    "green": 0.02,
    "beige": 0.025,
    "brown": 0.01,
    "yellow": 0.01,
    "orange": 0.01,
}
"""How often each body colour is drawn."""

_COLOURS: Mapping[str, tuple[Rgb, ...]] = {
    "white": ((222, 223, 222), (232, 231, 226), (212, 214, 216), (226, 220, 206)),
    "black": ((24, 24, 27), (32, 33, 36), (19, 20, 26), (38, 35, 36)),
    "grey": ((92, 95, 100), (112, 114, 117), (72, 76, 82), (96, 92, 88)),
    "silver": ((168, 171, 174), (182, 184, 186), (156, 160, 166), (176, 173, 166)),
    "blue": ((30, 52, 104), (44, 86, 148), (24, 34, 62), (92, 122, 158), (36, 84, 100)),
    "red": ((158, 24, 30), (184, 36, 34), (112, 22, 34), (134, 18, 22)),
    "green": ((34, 66, 50), (62, 88, 68), (98, 122, 84), (22, 46, 42)),
    "beige": ((190, 176, 146), (172, 160, 138), (202, 192, 170)),
    "brown": ((84, 62, 46), (68, 48, 40), (110, 86, 62)),
    "yellow": ((222, 178, 32), (232, 206, 60), (206, 216, 48)),
    "orange": ((206, 92, 30), (224, 118, 36)),
}

PLAIN_PLACE_RATE = 0.1
"""How often a plate is fixed flat on bodywork about as light as itself, without a recess."""

_METALLIC = ("silver", "grey", "blue", "black", "brown", "beige", "green", "red")


LOWEST_EDGE_MM = 300.0
"""No plate's lower edge hangs below this: directive 70/222/EEC, annex, for rear plates."""


@dataclass(frozen=True)
class Sticker:
    """A sheet stuck on: `x_mm`, `h_mm` its centre on the vehicle, with writing.

    An `oval` one is as wide and high, and means a country.
    """

    x_mm: float
    h_mm: float
    width_mm: float
    height_mm: float
    ground: Rgb
    ink: Rgb
    text: str
    oval: bool = False


@dataclass(frozen=True)
class Lettering:
    """A name, mark or advertisement in letters of its own on the lid, the tailgate or the nose.

    `spacing` and `slant` are shares of a letter's usual advance and of its height, `weight`
    the stroke's share of the height. Raised letters (`chrome`) throw a shadow.
    """

    place: LetteringPlace
    text: str
    height_mm: float
    spacing: float
    slant: float
    weight: float
    chrome: bool
    ink: Rgb


@dataclass(frozen=True)
class VehicleParams:
    """Everything about one vehicle. Heights are above the ground, in millimetres.

    The plate's centre stands at (`plate_x_mm`, `plate_height_mm`) from the middle of the
    vehicle at ground level. `belt_mm` is where the window begins, `deck_mm` the length of
    the boot lid or bonnet seen from this end, `lean_mm` how far the window's top lies
    behind its foot and `corner_mm` how far the outer edges of the face curve back.
    """

    kind: Kind
    facing: Facing
    plate_width_mm: float
    plate_height_of_sheet_mm: float
    plate_mount: PlateMount
    plate_x_mm: float
    plate_height_mm: float
    width_mm: float
    height_mm: float
    length_mm: float
    clearance_mm: float
    bumper_top_mm: float
    belt_mm: float
    glass_top_mm: float
    roof_share: float
    corner_mm: float
    shelf_mm: float
    deck_mm: float
    lean_mm: float
    far_hood: bool
    body: Rgb
    trim: Rgb
    bumper: Rgb
    bumper_style: BumperStyle
    gloss: float
    tail_lamp: TailLamp
    lamp_width_mm: float
    lamp_height_mm: float
    lamp_clear: Literal["none", "stripe", "half", "round"]
    lamp_lit: bool
    head_lamp: HeadLamp
    grille: Grille
    grille_width_mm: float
    grille_chrome: bool
    lower_intake: bool
    fog_lamps: bool
    badge: Badge
    badge_mm: float
    lettering: tuple[Lettering, ...]
    recess_style: Literal["body", "dark", "none"]
    recess_margin_mm: float
    plate_strip: Literal["chrome", "body", "black", "none"]
    bumper_strip: bool
    reflectors: bool
    exhausts: int
    tow_ball: bool
    tow_ball_mm: float
    sensors: bool
    wiper: bool
    third_brake_lamp: bool
    spoiler: bool
    roof_rails: bool
    antenna: bool
    has_glass: bool
    tinted: bool
    occupants: int
    bull_bar: bool
    bar_at: float | None
    plate_shade: float
    plate_shade_reach: float
    plate_lamp: float
    stickers: tuple[Sticker, ...]
    dirt: float
    dirt_colour: Rgb
    wheel_radius_mm: float
    rim: Literal["spokes", "dish", "steel"]
    doors: int
    seed: int


def _colour(rng: np.random.Generator, kind: str) -> tuple[str, Rgb]:
    shares: Mapping[str, float] = COLOUR_SHARES
    if kind in ("van", "truck", "bus"):
        shares = {**COLOUR_SHARES, "white": 1.2}
    if kind == "motorcycle":
        shares = {**COLOUR_SHARES, "black": 0.5, "red": 0.2}
    name = choose_weighted(rng, shares)
    base = choose(rng, _COLOURS[name])
    change = rng.normal(0, 5) + rng.normal(0, 1.5, 3)
    red, green, blue = (_level(c + d) for c, d in zip(base, change.tolist(), strict=True))
    return name, (red, green, blue)


def draw_vehicle(
    rng: np.random.Generator,
    plate_size_mm: tuple[float, float],
    kinds: Mapping[Kind, float] | None = None,
) -> VehicleParams:
    """Decide a vehicle that carries a plate of `plate_size_mm` (width, height).

    `kinds` weighs the kinds (default `KIND_SHARES`). Raises `ValueError` for a kind that
    is not one of `KIND_SHARES`.
    """
    shares = KIND_SHARES if kinds is None else kinds
    unknown = sorted(set(shares) - set(KIND_SHARES))
    if unknown:
        known = ", ".join(KIND_SHARES)
        raise ValueError(f"unknown vehicle kind {unknown[0]!r}; the kinds are {known}")
    kind = choose_weighted(rng, shares)
    plate_width, plate_height = plate_size_mm
    rear_share = {"trailer": 1.0, "motorcycle": 1.0, "truck": 0.7, "bus": 0.6}.get(kind, 0.62)
    facing: Facing = "rear" if chance(rng, rear_share) else "front"
    rear = facing == "rear"
    box = kind in ("van", "truck", "bus", "trailer")
    tall = {"suv": 130.0, "pickup": 200.0, "van": 60.0, "truck": 200.0, "bus": 120.0}.get(kind, 0.0)

    width = {
        "hatch": (1630, 1800),
        "saloon": (1690, 1860),
        "estate": (1690, 1830),
        "suv": (1760, 1960),
        "pickup": (1790, 2030),
        "van": (1750, 2050),
        "truck": (2300, 2550),
        "bus": (2450, 2550),
        "trailer": (1500, 2100),
        "motorcycle": (720, 860),
    }[kind]
    height = {
        "hatch": (1400, 1560),
        "saloon": (1380, 1480),
        "estate": (1410, 1520),
        "suv": (1600, 1850),
        "pickup": (1720, 1930),
        "van": (1850, 2600),
        "truck": (2900, 3900),
        "bus": (2900, 3300),
        "trailer": (900, 1900),
        "motorcycle": (1080, 1250),
    }[kind]
    length = {
        "hatch": (3500, 4350),
        "saloon": (4300, 4950),
        "estate": (4300, 4850),
        "suv": (4200, 4950),
        "pickup": (5100, 5900),
        "van": (4300, 6000),
        "truck": (6500, 11000),
        "bus": (9000, 12000),
        "trailer": (2000, 4200),
        "motorcycle": (1900, 2200),
    }[kind]
    width_mm, height_mm, length_mm = (
        uniform(rng, (float(a), float(b))) for a, b in (width, height, length)
    )
    clearance = uniform(rng, (200, 270)) + tall * 0.8
    if kind == "trailer":
        clearance = uniform(rng, (420, 520))
    bumper_top = uniform(rng, (550, 640)) + tall * 0.7
    belt = uniform(rng, (900, 985)) + tall * (1.0 if kind != "van" else 1.8)
    if kind == "pickup" and rear:
        belt = uniform(rng, (1030, 1140))
    if kind in ("truck", "bus"):
        belt = uniform(rng, (1350, 1550))
    if kind == "truck" and not rear:
        height_mm = uniform(rng, (2500, 3200))
    if kind == "trailer":
        bumper_top = clearance + plate_height + uniform(rng, (80, 130))
        height_mm = max(height_mm, bumper_top + 420)
        belt = height_mm - 160
    glass_top = height_mm - uniform(rng, (55, 95))
    if kind == "van" and height_mm > 2100:
        glass_top = min(glass_top, uniform(rng, (1750, 1950)))
    if kind in ("truck", "bus"):
        glass_top = min(glass_top, belt + uniform(rng, (800, 1150)))
    if kind == "trailer":
        glass_top = height_mm - 60

    roof_share = uniform(rng, (0.66, 0.76))
    if kind == "suv":
        roof_share = uniform(rng, (0.72, 0.82))
    if kind == "pickup":
        roof_share = uniform(rng, (0.72, 0.8))
    if box:
        roof_share = uniform(rng, (0.86, 0.93)) if kind == "van" else uniform(rng, (0.95, 0.98))
    corner = uniform(rng, (110, 230)) if rear else uniform(rng, (170, 330))
    if kind in ("pickup", "van"):
        corner *= 0.55
    if kind in ("truck", "bus", "trailer"):
        corner = uniform(rng, (10, 60))
    shelf = uniform(rng, (8, 70)) if rear else uniform(rng, (15, 50))
    glass_rise = glass_top - belt
    deck, lean = 0.0, 0.0
    if rear:
        if kind == "saloon":
            deck, lean = uniform(rng, (330, 560)), glass_rise * uniform(rng, (1.15, 1.7))
        elif kind == "pickup":
            deck, lean = uniform(rng, (1350, 2100)), glass_rise * uniform(rng, (0.1, 0.25))
        else:
            share = {"hatch": (0.4, 0.95), "estate": (0.5, 0.95), "suv": (0.3, 0.7)}
            lean = glass_rise * uniform(rng, share.get(kind, (0.02, 0.12)))
    elif kind in ("truck", "bus"):
        lean = glass_rise * uniform(rng, (0.05, 0.2))
    elif kind == "van":
        deck, lean = uniform(rng, (250, 750)), glass_rise * uniform(rng, (0.7, 1.1))
    else:
        deck, lean = uniform(rng, (800, 1150)), glass_rise * uniform(rng, (1.2, 1.8))
        if kind in ("suv", "pickup"):
            lean *= 0.75

    # Where the plate goes: lid or bumper behind, bumper in front.
    wide_american = plate_width < 330 and plate_height > 120
    mount: PlateMount = "bumper"
    if rear and kind in ("hatch", "saloon", "estate", "suv"):
        on_lid = {"hatch": 0.6, "saloon": 0.68, "estate": 0.8, "suv": 0.8}[kind]
        if wide_american:
            on_lid = min(on_lid + 0.12, 0.92)
        mount = choose(rng, ("lid", "recess")) if chance(rng, on_lid) else "bumper"
    elif rear and kind == "van":
        mount = "lid" if chance(rng, 0.6) else "bumper"
    elif rear and kind in ("bus", "trailer"):
        mount = "lid" if chance(rng, 0.4) else "bumper"
    half = plate_height / 2
    if mount == "bumper":
        floor, ceiling = clearance + half + 35, bumper_top - half - 30
        ceiling = max(ceiling, floor)
        at = uniform(rng, (floor + 0.25 * (ceiling - floor), ceiling))
        at = max(at, LOWEST_EDGE_MM + half)
        bumper_top = max(bumper_top, at + half + 30)
        if kind == "pickup" and rear:
            bumper_top = max(bumper_top, at + half + 25)
    else:
        floor, ceiling = bumper_top + half + 60, belt - half - 110
        if kind in ("bus", "trailer"):
            ceiling = min(ceiling, floor + 250)
        at = uniform(rng, (floor, max(ceiling, floor + 1)))
        belt = max(belt, at + half + 120)
    belt = max(belt, bumper_top + 2 * half + 200 if mount != "bumper" else bumper_top + 220)
    glass_top = max(glass_top, belt + 120)
    height_mm = max(height_mm, glass_top + 40)
    offset = 0.0
    if kind in ("truck", "trailer", "bus") and chance(rng, 0.5):
        # Between the lamps, which take up to 520 mm on either side.
        room = width_mm / 2 - (560 if kind != "trailer" else 460) - plate_width / 2
        if mount != "bumper":
            room = width_mm / 2 - plate_width / 2 - 120
        offset = choose(rng, (-1.0, 1.0)) * uniform(rng, (0.3, 1.0)) * max(room, 0.0)
    elif kind == "van" and rear and mount == "lid" and chance(rng, 0.6):
        offset = choose(rng, (-1.0, 1.0)) * (plate_width / 2 + uniform(rng, (45, 90)))
    elif kind == "suv" and rear and mount == "lid" and chance(rng, 0.12):
        offset = choose(rng, (-1.0, 1.0)) * uniform(rng, (180, 330))
    elif not rear and chance(rng, 0.03):
        offset = choose(rng, (-1.0, 1.0)) * uniform(rng, (200, 360))
    if kind == "motorcycle":
        mount, offset = "recess", 0.0
        at = uniform(rng, (560, 760))

    colour_name, body = _colour(rng, kind)
    plastic = int(rng.integers(32, 62))
    trim: Rgb = (plastic, plastic, plastic + 3)
    style_shares = {"body": 0.68, "two-tone": 0.18, "plastic": 0.12, "chrome": 0.02}
    if kind == "pickup":
        style_shares = {"body": 0.2, "two-tone": 0.1, "plastic": 0.25, "chrome": 0.45}
    elif box:
        style_shares = {"body": 0.2, "two-tone": 0.1, "plastic": 0.65, "chrome": 0.05}
    style = cast(BumperStyle, choose_weighted(rng, style_shares))
    bumper: Rgb = {"body": body, "two-tone": body, "plastic": trim, "chrome": (186, 190, 194)}[
        style
    ]
    metallic = colour_name in _METALLIC
    gloss = uniform(rng, (0.55, 1.15)) if metallic else uniform(rng, (0.3, 0.8))
    tail_shares: Mapping[str, Mapping[str, float]] = {
        "hatch": {"corner": 4, "wide": 2, "pillar": 4, "round": 0.5, "slim": 1, "bar": 0.5},
        "saloon": {"wide": 4, "split": 3, "corner": 2, "slim": 1.5, "bar": 1, "round": 0.4},
        "estate": {"corner": 4, "pillar": 2, "wide": 1.5, "slim": 1},
        "suv": {"corner": 3, "pillar": 3, "slim": 1.5, "split": 1, "bar": 0.5},
        "pickup": {"pillar": 1},
        "van": {"pillar": 1},
        "truck": {"wide": 1},
        "bus": {"round": 1, "pillar": 1},
        "trailer": {"wide": 1},
        "motorcycle": {"wide": 1, "round": 1},
    }
    tail = cast(TailLamp, choose_weighted(rng, tail_shares[kind]))
    lamp_width = {
        "corner": (190, 290),
        "wide": (330, 480),
        "pillar": (95, 170),
        "round": (120, 170),
        "split": (360, 520),
        "slim": (330, 500),
        "bar": (380, 480),
    }[tail]
    lamp_height = {
        "corner": (230, 340),
        "wide": (120, 190),
        "pillar": (380, 600),
        "round": (120, 170),
        "split": (120, 190),
        "slim": (70, 115),
        "bar": (70, 110),
    }[tail]
    head: HeadLamp = choose(
        rng, ("round", "rect", "swept", "slim", "tall"), (0.7, 1.6, 4.5, 2.2, 0.8)
    )
    if kind in ("truck", "bus"):
        head = choose(rng, ("rect", "round", "slim"))
    grille: Grille = choose(
        rng, ("bars", "honeycomb", "mesh", "vertical", "slats", "closed"), (4, 1.5, 2, 1, 2, 0.8)
    )
    stickers: list[Sticker] = []
    if chance(rng, 0.35) and kind != "motorcycle":
        for _ in range(int(rng.integers(1, 4))):
            stickers.append(_sticker(rng, rear, width_mm, belt, glass_top))
    if rear and kind not in ("motorcycle", "bus") and chance(rng, 0.13):
        # The oval of the 1968 convention on road traffic: 175 by 115 mm at least.
        size = uniform(rng, (0.6, 1.1))
        stickers.append(
            Sticker(
                x_mm=choose(rng, (-1.0, 1.0)) * uniform(rng, (0.3, 0.6)) * width_mm / 2,
                h_mm=bumper_top + (belt - bumper_top) * uniform(rng, (0.2, 0.75)),
                width_mm=175 * size,
                height_mm=115 * size,
                ground=(232, 232, 228),
                ink=(20, 20, 24),
                text=choose(rng, _COUNTRIES),
                oval=True,
            )
        )
    if kind in ("van", "truck", "bus", "trailer") and chance(rng, 0.55):
        text = number_like(rng) if chance(rng, 0.6) else made_up_name(rng)
        wide = min(uniform(rng, (500, 1000)), width_mm * 0.6)
        side = choose(rng, (-1.0, 1.0))
        top = belt - 70 if kind == "van" else height_mm * 0.75
        stickers.append(
            Sticker(
                x_mm=side * (width_mm / 2 - wide / 2 - 220) * 0.5,
                h_mm=top,
                width_mm=wide,
                height_mm=wide / max(len(text), 4) * 1.3,
                ground=body,
                ink=choose(rng, ((20, 40, 120), (150, 20, 20), (25, 25, 28), (20, 90, 50))),
                text=text,
            )
        )
    recess_style: Literal["body", "dark", "none"] = choose(
        rng, ("body", "dark", "none"), (6, 2.5, 1.5)
    )
    strip: Literal["chrome", "body", "black", "none"] = choose(
        rng, ("chrome", "body", "black", "none"), (2.2, 4, 1.5, 3)
    )
    # A light plate screwed flat on bodywork as light: only its rim tells the two apart.
    plain_place = chance(rng, PLAIN_PLACE_RATE)
    if plain_place:
        level = uniform(rng, (168, 242))
        warm = float(rng.normal(0, 4))
        body = (_level(level + warm), _level(level), _level(level - warm))
        if style in ("body", "two-tone"):
            bumper = body
    bare = plain_place or recess_style == "none"
    shaded = chance(rng, 0.12 if bare or not rear else 0.45 if recess_style == "dark" else 0.3)
    plate_shade = uniform(rng, (0.2, 0.75)) if shaded else 0.0
    plate_shade_reach = choose(rng, (uniform(rng, (0.25, 0.8)), uniform(rng, (1.2, 3.0))), (3, 1))
    plate_lamp = uniform(rng, (0.2, 1.0)) if chance(rng, 0.55) and rear else 0.0
    tow_rate = {"pickup": 0.45, "suv": 0.28, "estate": 0.28, "van": 0.2}.get(kind, 0.12)
    tow_ball = chance(rng, tow_rate) and rear
    # Most hang below the bumper; some stand before the plate's lower edge.
    tow_ball_mm = max(clearance + 110, 340.0)
    if chance(rng, 0.4) and at - plate_height / 2 < 620:
        tow_ball_mm = at - plate_height / 2 + plate_height * uniform(rng, (-0.3, 0.3))
    bar_at = uniform(rng, (-0.75, 0.75)) if chance(rng, 0.02) else None
    earth = choose(rng, ((128, 116, 98), (112, 106, 98), (134, 110, 84)))
    return VehicleParams(
        kind=kind,
        facing=facing,
        plate_width_mm=float(plate_width),
        plate_height_of_sheet_mm=float(plate_height),
        plate_mount=mount,
        plate_x_mm=offset,
        plate_height_mm=at,
        width_mm=width_mm,
        height_mm=height_mm,
        length_mm=length_mm,
        clearance_mm=clearance,
        bumper_top_mm=bumper_top,
        belt_mm=belt,
        glass_top_mm=glass_top,
        roof_share=roof_share,
        corner_mm=corner,
        shelf_mm=shelf,
        deck_mm=deck,
        lean_mm=lean,
        far_hood=(kind in ("hatch", "saloon", "estate", "suv", "pickup") and rear)
        or kind == "saloon",
        body=body,
        trim=trim,
        bumper=bumper,
        bumper_style=style,
        gloss=gloss,
        tail_lamp=tail,
        lamp_width_mm=uniform(rng, (float(lamp_width[0]), float(lamp_width[1]))),
        lamp_height_mm=uniform(rng, (float(lamp_height[0]), float(lamp_height[1]))),
        lamp_clear=choose(rng, ("none", "stripe", "half", "round"), (2.5, 4, 1.5, 1.5)),
        lamp_lit=chance(rng, 0.3),
        head_lamp=head,
        grille=grille,
        grille_width_mm=uniform(rng, (480, 900)),
        grille_chrome=chance(rng, 0.45),
        lower_intake=chance(rng, 0.8),
        fog_lamps=chance(rng, 0.5),
        badge=choose(
            rng,
            ("ring", "oval", "diamond", "shield", "star", "cross", "none"),
            (4, 2.5, 1, 1, 1, 1.2, 0.6),
        ),
        badge_mm=uniform(rng, (75, 125)),
        lettering=_draw_lettering(rng, kind, body) if rear else (),
        recess_style="none" if plain_place else recess_style,
        recess_margin_mm=uniform(rng, (24, 70)),
        plate_strip="none" if plain_place else strip,
        bumper_strip=chance(rng, 0.35),
        reflectors=chance(rng, 0.6),
        exhausts=int(choose(rng, (0, 1, 2), (5, 4, 1.4))),
        tow_ball=tow_ball,
        tow_ball_mm=tow_ball_mm,
        sensors=chance(rng, 0.35),
        wiper=chance(rng, 0.8 if kind != "saloon" else 0.05),
        third_brake_lamp=chance(rng, 0.75),
        spoiler=chance(rng, 0.4),
        roof_rails=kind in ("estate", "suv") and chance(rng, 0.5),
        antenna=chance(rng, 0.4) and kind not in ("trailer", "motorcycle", "truck"),
        has_glass=not (kind in ("truck", "trailer") and rear)
        and not (kind == "van" and rear and chance(rng, 0.35)),
        tinted=chance(rng, 0.35),
        occupants=int(choose(rng, (0, 1, 2), (6, 3, 1.5))),
        bull_bar=chance(rng, 0.15) and not rear and kind in ("suv", "pickup"),
        bar_at=bar_at,
        plate_shade=plate_shade,
        plate_shade_reach=plate_shade_reach,
        plate_lamp=plate_lamp,
        stickers=tuple(stickers),
        dirt=float(max(rng.beta(1.2, 4.5) - 0.05, 0.0)),
        dirt_colour=earth,
        wheel_radius_mm=uniform(rng, (285, 330)) + tall * 0.35,
        rim=choose(rng, ("spokes", "dish", "steel"), (5, 3, 1.5)),
        doors=int(choose(rng, (1, 2), (1, 3))),
        seed=fork_seed(rng),
    )


def _level(value: float) -> int:
    return int(min(max(value, 8), 244))


def _draw_lettering(rng: np.random.Generator, kind: str, body: Rgb) -> tuple[Lettering, ...]:
    """What makers and dealers write on a vehicle's rear.

    Rates as counted by eye on photographs of parked cars: seven in ten bear a name on the
    left, as many a mark on the right, every third a dealer's or engine's line below one, and
    large spaced letters across the tailgate are usual on pickups alone.
    """
    chrome = chance(rng, 0.75)
    grey = int(uniform(rng, (168, 226)))
    dark = int(uniform(rng, (14, 60)))
    ink: Rgb = (grey, grey, grey) if chrome and sum(body) < 690 else (dark, dark, dark + 2)
    if not chrome:
        ink = choose(rng, (ink, (232, 232, 230), (150, 30, 34), (40, 60, 110)), (4, 2, 1, 0.6))
    height = uniform(rng, (20, 42))
    spacing, weight = uniform(rng, (0.92, 1.25)), uniform(rng, (0.1, 0.17))
    slant = uniform(rng, (0.0, 0.3)) if chance(rng, 0.3) else 0.0
    wide = chance(rng, 0.5 if kind == "pickup" else 0.12 if kind in ("suv", "hatch") else 0.05)
    lines: list[Lettering] = []

    def write(place: LetteringPlace, text: str, share: float = 1.0, loose: float = 1.0) -> None:
        lines.append(
            Lettering(place, text, height * share, spacing * loose, slant, weight, chrome, ink)
        )

    if wide:
        write("middle", made_up_name(rng), uniform(rng, (1.0, 2.0)), uniform(rng, (1.2, 2.2)))
    elif chance(rng, 0.72):
        write("left", made_up_name(rng))
    if chance(rng, 0.72):
        write("right", trim_mark(rng) if chance(rng, 0.75) else made_up_name(rng))
    for place in ("below-left", "below-right"):
        if chance(rng, 0.17):
            text = f"{made_up_name(rng)} {choose(rng, _TRADES)}"
            write(place, trim_mark(rng) if chance(rng, 0.4) else text, uniform(rng, (0.4, 0.8)))
    if chance(rng, 0.05):
        write("low", f"{made_up_name(rng)} {choose(rng, _TRADES)}", uniform(rng, (0.6, 1.3)))
    return tuple(lines)


_COUNTRIES = ("D", "F", "GB", "SK", "CZ", "PL", "A", "CH", "NL", "I", "E", "H", "SLO", "BR", "S")
_TRADES = ("AUTO", "MOTORS", "CARS", "GARAGE", "TUNING", "SPORT", "4X4", "GROUP")


def _sticker(
    rng: np.random.Generator, rear: bool, width_mm: float, belt: float, glass_top: float
) -> Sticker:
    wide = uniform(rng, (60, 240))
    text = choose(rng, (number_like(rng), made_up_name(rng), "", trim_mark(rng)))
    ground = choose(
        rng,
        (
            (236, 236, 230),
            (230, 200, 40),
            (200, 40, 40),
            (40, 80, 160),
            (40, 130, 70),
            (22, 22, 24),
        ),
    )
    dark = sum(ground) < 330
    on_glass = not rear or chance(rng, 0.6)
    h = uniform(rng, (belt + 60, belt + 140)) if on_glass else belt - uniform(rng, (40, 60))
    if on_glass and chance(rng, 0.4):
        h = glass_top - 90
    return Sticker(
        x_mm=choose(rng, (-1.0, 1.0)) * uniform(rng, (0.3, 0.62)) * width_mm / 2,
        h_mm=h,
        width_mm=wide,
        height_mm=min(wide * uniform(rng, (0.3, 0.9)), 110.0),
        ground=ground,
        ink=(240, 240, 240) if dark else choose(rng, ((20, 20, 24), (30, 40, 120))),
        text=text,
    )
