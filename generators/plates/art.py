"""Draws the printed pictures of American plates: skies, silhouettes, bands, pale emblems.

Each design comes from its own number alone, so a layout that asks for forty of them has
the same forty every time. Colours and shapes are made up after the kinds of design that
Wikipedia, 'United States license plate designs and serial formats', shows.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from seedbed.streams import chance, choose, stream, uniform

Rgb = tuple[float, float, float]

SKIES = (
    (("#5c98cc", "#b4d4e8", "#eef2f2"), 3.0),
    (("#3c6cac", "#a0b8d4", "#f2e6d0", "#f0c490"), 2.0),
    (("#e8a868", "#f4dcb0", "#f2eee2"), 1.5),
    (("#7868a8", "#d0b0c4", "#f2d8b8"), 1.0),
    (("#c8d8e8", "#f0f2f2"), 2.0),
    (("#f0c850", "#f4e8b8", "#f2f0e6"), 1.0),
    (("#48a8a8", "#b4dcd8", "#eef2ea"), 1.0),
    (("#c84a54", "#ecc0bc", "#f2efec"), 1.0),
    (("#8cc09c", "#d4e8d0", "#f0f2ea"), 1.0),
    (("#f4f2ee", "#f0ecdc", "#e4d4b4"), 1.0),
    (("#f2f4f4", "#d0e0ee", "#5c98cc"), 1.5),
    (("#f2f0ea", "#f0d0a8", "#e08858"), 1.0),
    (("#f2f2f0", "#f2f2f0"), 3.0),
    (("#14284c", "#24508c", "#3c6ca4"), 0.5),
    (("#173c30", "#2c6450", "#3c7458"), 0.4),
    (("#2c2028", "#5c2c3c", "#8c4848"), 0.4),
)
"""Stops from the top down, and weights."""
LANDS = ("#7aa26a", "#9a8ab8", "#7a90b0", "#c09058", "#b07a70", "#6a9c98", "#a8a060", "#8c8c94")
STRONG = ("#b8303c", "#1e4c94", "#1f5c44", "#d8a830", "#d86a2c", "#5a3c7c", "#26282e", "#2c8c94")
DARK_INKS = ("#1e2f62", "#22262e", "#1f4c38", "#7c2430", "#3a2c4c", "#26303c")
LIGHT_INKS = ("#f2f2ee", "#ecd27a", "#f4f0dc")
EMBLEMS = (
    "capitol", "cardinal", "fir", "flyer", "horse", "lighthouse", "magnolia", "outline-a",
    "outline-b", "outline-c", "palmetto", "peach", "pelican", "sail", "state-seal", "wheat",
)  # fmt: skip
FURTHEST_FROM_WHITE = 118.0
"""The darkest luma that a picture under dark characters has, of 255."""


def _rgb(colour: str) -> Rgb:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _hex(rgb: Rgb) -> str:
    red, green, blue = (round(min(max(channel, 0.0), 255.0)) for channel in rgb)
    return f"#{red:02x}{green:02x}{blue:02x}"


def _mixed(first: str, second: str, share: float) -> str:
    red, green, blue = (a + (b - a) * share for a, b in zip(_rgb(first), _rgb(second), strict=True))
    return _hex((red, green, blue))


def _luma(colour: str) -> float:
    red, green, blue = _rgb(colour)
    return 0.299 * red + 0.587 * green + 0.114 * blue


def _shifted(rng: np.random.Generator, colour: str) -> str:
    red, green, blue = (channel + uniform(rng, (-12.0, 12.0)) for channel in _rgb(colour))
    return _hex((red, green, blue))


def _silhouette(
    rng: np.random.Generator, width: float, height: float, base: float, rise: float
) -> dict[str, Any]:
    """A polygon along the plate's foot: peaks, hills, houses, trees or waves."""
    kind = choose(rng, ("peaks", "peaks", "hills", "hills", "houses", "trees", "slope"))
    points: list[tuple[float, float]] = [(0.0, height)]
    if kind == "houses":
        x = 0.0
        while x < width:
            wide = uniform(rng, (7.0, 26.0))
            top = base - rise * uniform(rng, (0.0, 1.0)) ** 2
            points += [(x, top), (min(x + wide, width), top)]
            x += wide
    elif kind == "trees":
        step = uniform(rng, (9.0, 20.0))
        for index in range(int(width / step) + 1):
            x = index * step
            top = base - rise * uniform(rng, (0.5, 1.0))
            points += [(x, base), (min(x + step / 2, width), top)]
        points.append((width, base))
    elif kind == "slope":
        points += [(0.0, base - rise * uniform(rng, (-0.5, 0.5))), (width, base - rise)]
    else:
        count = int(rng.integers(7, 13)) if kind == "peaks" else int(rng.integers(4, 8))
        for index in range(count):
            up = index % 2 if kind == "peaks" else 0.5
            shift = uniform(rng, (-0.3, 0.3)) if 0 < index < count - 1 else 0.0
            x = width * (index + shift) / (count - 1)
            points.append((x, base - rise * (up + uniform(rng, (-0.35, 0.35)))))
    points.append((width, height))
    return {"kind": "polygon", "points": points, "smooth": kind == "hills"}


def _band(
    rng: np.random.Generator, width: float, height: float, at_top: bool, colour: str
) -> dict[str, Any]:
    """A strip along the top or the foot, straight, curved or slanting."""
    deep = uniform(rng, (0.12, 0.26)) * height
    inner, outer = (deep, 0.0) if at_top else (height - deep, height)
    if chance(rng, 0.5):
        return {"kind": "rect", "box": (0.0, min(inner, outer), width, deep), "colour": colour}
    bend = [uniform(rng, (-0.07, 0.07)) * height for _ in range(5)]
    edge = [(width * (1 - i / 4), inner + bend[i]) for i in range(5)]
    return {
        "kind": "polygon",
        "points": [(0.0, outer), (width, outer), *edge],
        "colour": colour,
    }


def _picture(
    rng: np.random.Generator, width: float, height: float, dark: bool
) -> list[dict[str, Any]]:
    """Something pale in the middle, at one side or over the whole plate."""
    size = uniform(rng, (0.45, 0.85)) * height
    x = width * choose(rng, (0.5, 0.5, 0.5, 0.18, 0.82, uniform(rng, (0.2, 0.8))))
    y = height * uniform(rng, (0.46, 0.56))
    tint = choose(rng, STRONG)
    pale = _mixed(tint, "#1c1c24" if dark else "#ffffff", uniform(rng, (0.45, 0.8)))
    kind = choose(rng, ("emblem", "emblem", "emblem", "sun", "star", "rings", "patch"))
    box = (x - size / 2, y - size / 2, size, size)
    if kind == "emblem":
        # Emblems carry their own colours, which light characters would drown in.
        fade = 0.15 if dark else uniform(rng, (0.35, 0.75))
        box = (x - 0.4 * size, y - size / 2, 0.8 * size, size) if dark is False else (8, 8, 26, 26)
        return [{"kind": "emblem", "name": choose(rng, EMBLEMS), "box": box, "fade": fade}]
    if kind == "sun":
        return [
            {"kind": "star", "centre": (x, y), "diameter": 1.5 * size, "tips": 16, "inner": 0.6,
             "colour": pale},
            {"kind": "disc", "box": (x - size / 4, y - size / 4, size / 2, size / 2),
             "colour": _mixed(pale, "#1c1c24" if dark else "#ffffff", 0.4)},
        ]  # fmt: skip
    if kind == "star":
        return [{"kind": "star", "centre": (x, y), "diameter": 1.2 * size, "colour": pale}]
    if kind == "rings":
        inner = (x - 0.3 * size, y - 0.3 * size, 0.6 * size, 0.6 * size)
        return [
            {"kind": "disc", "box": box, "width": 0.07 * size, "colour": pale},
            {"kind": "disc", "box": inner, "colour": pale},
        ]
    turn = np.linspace(0, 2 * np.pi, 9)[:-1]
    reach = [size * uniform(rng, (0.35, 0.75)) for _ in turn]
    points = [
        (x + float(np.cos(t)) * r, y + 0.8 * float(np.sin(t)) * r)
        for t, r in zip(turn, reach, strict=True)
    ]
    return [{"kind": "polygon", "points": points, "smooth": chance(rng, 0.6), "colour": pale}]


def _title(
    rng: np.random.Generator, width: float, height: float, top: str, capitals: str, script: str
) -> dict[str, Any]:
    drawn = chance(rng, 0.5)
    light, dark = ("#f6f6f2", "#f4e8c0"), ("#1e2f62", "#a8242e", "#1f4c38", "#26282e")
    font = choose(rng, ("font:yellowtail", "font:satisfy")) if drawn else choose(
        rng, ("font:overpass", "font:overpass:800", "font:roboto-slab", "font:roboto-condensed")
    )  # fmt: skip
    return {
        "kind": "text",
        "pattern": script if drawn else capitals,
        "at": (width / 2, uniform(rng, (0.13, 0.15)) * height),
        "height": uniform(rng, (0.13, 0.17) if drawn else (0.1, 0.13)) * height,
        "colour": choose(rng, light if _luma(top) < 150 else dark),
        "font": font,
        "stretch": uniform(rng, (1.05, 1.45)),
        "max_width": 0.56 * width,
    }


def art_variant(
    number: int, size_mm: tuple[float, float], capitals: str, script: str
) -> dict[str, Any]:
    """The design of that number, as a variant's values without its weight.

    `size_mm` is the plate's width and height. `capitals` and `script` are the patterns of
    the state's name in capitals and as a script.
    """
    rng = stream(number, "plate-art")
    width, height = size_mm
    sky = [
        _shifted(rng, stop) for stop in choose(rng, [s for s, _ in SKIES], [w for _, w in SKIES])
    ]
    dark = _luma(sky[len(sky) // 2]) < 110
    marks: list[dict[str, Any]] = [
        {"kind": "gradient", "box": (0.0, 0.0, width, height), "stops": sky}
    ]
    if chance(rng, 0.12):
        marks[0]["direction"] = "right"
    top = sky[0]
    pictured = chance(rng, 0.5)
    if pictured and chance(rng, 0.5):
        marks += _picture(rng, width, height, dark)
        pictured = False
    layers = int(choose(rng, (0, 1, 1, 2, 2, 3)))
    base = uniform(rng, (0.5, 0.75)) if layers > 1 else uniform(rng, (0.55, 0.9))
    land = choose(rng, LANDS)
    for layer in range(layers):
        if chance(rng, 0.4):
            land = choose(rng, LANDS)
        share = uniform(rng, (0.3, 0.75)) * (1 - 0.25 * layer / layers)
        colour = _mixed(_shifted(rng, land), "#1a2028" if dark else sky[-1], share)
        while not dark and _luma(colour) < FURTHEST_FROM_WHITE:
            colour = _mixed(colour, "#ffffff", 0.2)
        rise = uniform(rng, (0.06, 0.3)) * height * (1 - 0.5 * layer / layers)
        shape = _silhouette(rng, width, height, base * height, rise)
        marks.append({**shape, "colour": colour})
        base = min(base + uniform(rng, (0.1, 0.22)), 0.94)
    if pictured:
        marks += _picture(rng, width, height, dark)
    if chance(rng, 0.3):
        top = choose(rng, STRONG)
        marks.append(_band(rng, width, height, True, top))
    if chance(rng, 0.35):
        marks.append(_band(rng, width, height, False, _mixed(choose(rng, STRONG), "#f0f0ee", 0.3)))
    marks.append(_title(rng, width, height, top, capitals, script))
    inks = LIGHT_INKS if dark else DARK_INKS
    return {
        "name": f"art-{number}",
        "ground": sky[len(sky) // 2],
        "ink": [choose(rng, inks), choose(rng, inks)],
        "border": _mixed(sky[-1], "#808890", uniform(rng, (0.1, 0.7))),
        "marks": marks,
    }
