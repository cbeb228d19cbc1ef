"""Draws plate layouts that no country has, so that a reader does not know only listed ones.

Size, colours, border, character measures, grammar, typefaces and marks are all drawn from
one seed; the result is an ordinary `PlateLayout`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from seedbed.generators.plates.layout import RANDOM, PlateLayout, make_layout
from seedbed.streams import chance, choose, log_uniform, stream, uniform

SIZES_MM = (
    ((520.0, 110.0), 5.0),
    ((520.0, 120.0), 1.0),
    ((460.0, 110.0), 0.6),
    ((440.0, 140.0), 0.8),
    ((400.0, 130.0), 1.2),
    ((372.0, 135.0), 0.6),
    ((335.0, 155.0), 0.8),
    ((330.0, 165.0), 0.8),
    ((305.0, 152.0), 4.0),
    ((340.0, 220.0), 0.8),
    ((300.0, 200.0), 0.6),
)
"""Outlines in use around the world (Wikipedia, 'Vehicle registration plate') and weights."""

COLOURS = (
    (("#f4f4f0", "#151517"), 8.0),
    (("#f2f4f6", "#1c2f6e"), 2.0),
    (("#f4f4ee", "#1d6b43"), 1.5),
    (("#f4f2ee", "#b3202c"), 1.2),
    (("#f5c518", "#151517"), 2.5),
    (("#e8e2c8", "#20242c"), 1.0),
    (("#b4b8ba", "#1c1c1e"), 1.5),
    (("#1b1c20", "#f0efe8"), 1.2),
    (("#163a80", "#f4f4f4"), 1.0),
    (("#1f6a44", "#f4f4f4"), 0.8),
    (("#a8202a", "#f6f2ee"), 0.8),
    (("#cfe0ee", "#1a2440"), 0.8),
    (("#e9d9a8", "#5a1f24"), 0.5),
)
"""Ground and ink, and weights."""
LOW_CONTRAST_RATE = 0.2
"""How often ground and ink are two greys, or a tint of one, that lie close together."""
LOW_CONTRAST_STEPS = (55, 110)
"""How far apart such greys are, of 255; below the lower one even a clean plate is hard to read."""
UNUSUAL_RATE = 0.15
"""How often cells, gaps and strokes are each drawn below their usual range, and how often above."""
MIXED_RATE = 0.2
"""How often letters and digits stand in any order over the whole plate."""

FONTS = (
    "stroke:din1451",
    "stroke:fe",
    "stroke:mandatory",
    "stroke:brazil",
    "stroke:brazil-round",
    "stroke:us",
    "stroke:din1451-narrow",
    "stroke:czsk",
    "stroke:us-narrow",
    "stroke:us-round",
    "stroke:us-straight",
    "font:barlow-condensed",
    "font:barlow-semi-condensed",
    "font:roboto-condensed",
    "font:saira-condensed",
    "font:overpass",
    "font:fjalla-one",
    "font:share-tech",
    "font:archivo-narrow",
    "font:roboto-slab",
    "font:roboto-slab:700",
)
_STRIP_COLOURS = ("#0a3f98", "#123a6a", "#a8202c", "#1c6b46", "#d8a018", "#2a2c30", "#5a8fc0")
_NAME_LETTERS = "ABCDEFGHIKLMNOPRSTUVZ"


def _word(rng: np.random.Generator, shortest: int, longest: int) -> str:
    length = int(rng.integers(shortest, longest + 1))
    return "".join(choose(rng, _NAME_LETTERS) for _ in range(length))


def _grey(rng: np.random.Generator, level: float, tint: float) -> str:
    channels = (level * (1 + float(rng.normal(0, tint))) for _ in range(3))
    red, green, blue = (round(min(max(channel, 0.0), 255.0)) for channel in channels)
    return f"#{red:02x}{green:02x}{blue:02x}"


def _colours(rng: np.random.Generator) -> tuple[str, str]:
    """Ground and ink: of those in use, or two close greys, either of them the lighter."""
    usual = choose(rng, [c for c, _ in COLOURS], [weight for _, weight in COLOURS])
    close = chance(rng, LOW_CONTRAST_RATE)
    darker = log_uniform(rng, (18.0, 150.0))
    lighter = darker + uniform(rng, LOW_CONTRAST_STEPS)
    tint = uniform(rng, (0.0, 0.06))
    levels = (darker, lighter) if chance(rng, 0.4) else (lighter, darker)
    ground, ink = (_grey(rng, level, tint) for level in levels)
    return (ground, ink) if close else usual


def _measure(
    rng: np.random.Generator,
    usual: tuple[float, float],
    lowest: float,
    highest: float,
) -> float:
    """A share that mostly lies in the usual range, and sometimes far below or above it."""
    where = float(rng.random())
    if where < UNUSUAL_RATE:
        return uniform(rng, (lowest, usual[0]))
    if where > 1 - UNUSUAL_RATE:
        return uniform(rng, (usual[1], highest))
    return uniform(rng, usual)


def _pattern_line(rng: np.random.Generator, characters: int, blocks: int, mixed: bool) -> str:
    cuts = sorted(
        int(cut) for cut in rng.choice(np.arange(1, characters), size=blocks - 1, replace=False)
    )
    parts: list[str] = []
    for start, stop in zip([0, *cuts], [*cuts, characters], strict=True):
        if mixed or chance(rng, 0.25):
            parts.append("".join(choose(rng, "A9") for _ in range(stop - start)))
        else:
            parts.append(choose(rng, "A9") * (stop - start))
    return choose(rng, (" ", " ", "-", "·", "<mark>")).join(parts)


def _separator_mark(rng: np.random.Generator, height_mm: float) -> list[dict[str, Any]]:
    size = uniform(rng, (0.25, 0.55)) * height_mm
    colour = choose(rng, ("#c8322c", "#2a8a50", "#2458a8", "#d8a428", "#707478", "#c0c4c6"))
    top = uniform(rng, (0.0, 1.0)) * (height_mm - size)
    kind = choose(rng, ("disc", "shield", "star", "rect"))
    if kind == "shield":
        return [{"kind": "emblem", "name": "shield-sk", "box": (-size / 2, top, size, 1.2 * size)}]
    if kind == "star":
        return [
            {"kind": "star", "centre": (0.0, top + size / 2), "diameter": size, "colour": colour}
        ]
    box = (-size / 2, top, size, size)
    first = {"kind": kind, "box": box, "colour": colour, "over": chance(rng, 0.5)}
    if chance(rng, 0.4):
        second = {**first, "box": (-size / 2, height_mm - size - top / 2, size, size)}
        return [first, {**second, "colour": "#2a8a50"}]
    return [first]


def _side_band(
    rng: np.random.Generator, width: float, height: float
) -> tuple[list[dict[str, Any]], float]:
    band = uniform(rng, (0.3, 0.42)) * min(height, 130.0)
    colour = choose(rng, ("#0a47a0", "#0a47a0", "#12307a", "#1c6b46", "#a8202c"))
    on_right = chance(rng, 0.1)
    left = width - band if on_right else 0.0
    middle = left + band / 2
    marks: list[dict[str, Any]] = [
        {"kind": "rect", "box": (left, 0.0, band, height), "colour": colour}
    ]
    if chance(rng, 0.6):
        ring = 0.75 * band
        marks.append(
            {"kind": "emblem", "name": "eu-stars", "box": (middle - ring / 2, 12.0, ring, ring)}
        )
    if chance(rng, 0.85):
        marks.append(
            {
                "kind": "text",
                "text": _word(rng, 1, 3),
                "at": (middle, height * uniform(rng, (0.68, 0.82))),
                "height": 0.42 * band,
                "max_width": 0.8 * band,
                "colour": "#f4f4f4",
            }
        )
    return marks, -band if on_right else band


def _caption(rng: np.random.Generator, ink: str, width: float, y: float) -> dict[str, Any]:
    word = _word(rng, 4, 10)
    if chance(rng, 0.3):
        word += " " + _word(rng, 3, 8)
    if chance(rng, 0.3):
        word = word.capitalize()
    return {
        "kind": "text",
        "text": word,
        "at": (width / 2, y),
        "height": uniform(rng, (9.0, 20.0)),
        "colour": choose(rng, (ink, ink, "#b3202c", "#20408c")),
        "slant": choose(rng, (0.0, 0.0, 0.25)),
        "max_width": 0.6 * width,
        "font": choose(rng, ("font:roboto-condensed", "font:overpass", "font:fjalla-one")),
    }


def _level(colour: str) -> float:
    """The luma of a colour such as "#808080" (Rec. 601), 0 to 255."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return 0.299 * red + 0.587 * green + 0.114 * blue


def _decorate(
    rng: np.random.Generator, ink: str, ground: str, width: float, height: float
) -> list[dict[str, Any]]:
    marks: list[dict[str, Any]] = []
    if chance(rng, 0.3) and ground > "#c":
        marks.append(
            {
                "kind": "gradient",
                "box": (0.0, 0.0, width, height),
                "stops": (ground, ground, choose(rng, ("#cfe2f2", "#f0dcc0", "#d8ead2"))),
                "direction": choose(rng, ("down", "right")),
            }
        )
    contrast = _level(ground) - _level(ink)
    if chance(rng, 0.25) and abs(contrast) > LOW_CONTRAST_STEPS[1]:
        # The patch is as far from the ink as the ground is.
        tints = ("#c9b8dc", "#b8d6c0", "#e8d49c", "#bcd4e8")
        if contrast < 0:
            tints = ("#2a3a5c", "#2c4a3c", "#5c2a30", "#3c3c44")
        points = [
            (width * share, height * uniform(rng, (0.55, 0.95))) for share in (0.0, 0.3, 0.6, 1.0)
        ]
        marks.append(
            {
                "kind": "polygon",
                "points": (*points, (width, height), (0.0, height)),
                "colour": choose(rng, tints),
            }
        )
    if chance(rng, 0.4):
        strip = uniform(rng, (0.06, 0.2)) * height
        top = choose(rng, (0.0, height - strip))
        colour = choose(rng, _STRIP_COLOURS)
        marks.append({"kind": "rect", "box": (0.0, top, width, strip), "colour": colour})
    return marks


def random_layout(seed: int) -> PlateLayout:
    """A layout drawn from `seed`, the same one each time."""
    rng = stream(seed, "random-layout")
    width, height = choose(rng, [s for s, _ in SIZES_MM], [weight for _, weight in SIZES_MM])
    width *= uniform(rng, (0.97, 1.03))
    ground, ink = _colours(rng)
    tall = width / height < 2.6
    line_count = 2 if (width / height < 1.9) or (tall and chance(rng, 0.25)) else 1

    marks = _decorate(rng, ink, ground, width, height)
    left, right = 0.03 * width, 0.97 * width
    if not tall and chance(rng, 0.55):
        band_marks, band = _side_band(rng, width, height)
        marks += band_marks
        left, right = (left + band, right) if band > 0 else (left, right + band)
    top, bottom = 0.12 * height, 0.88 * height
    if tall and line_count == 1:
        if chance(rng, 0.85):
            marks.append(_caption(rng, ink, width, 0.12 * height))
            top = 0.24 * height
        if chance(rng, 0.6):
            marks.append(_caption(rng, ink, width, 0.9 * height))
            bottom = 0.8 * height
        if chance(rng, 0.3):
            for x in (0.02 * width, 0.86 * width):
                box = (x, 0.03 * height, 0.12 * width, 0.13 * height)
                colour = choose(rng, ("#e8c53a", "#d8642c", "#3a78b8", "#f2f2f2"))
                marks.append({"kind": "rect", "box": box, "colour": colour})

    room = (bottom - top) / line_count
    line_gap = 0.1 * room if line_count > 1 else 0.0
    char_height = (room - line_gap) * uniform(rng, (0.86, 1.0))
    letter_width = char_height * _measure(rng, (0.42, 0.68), 0.34, 0.85)
    gap = letter_width * _measure(rng, (0.12, 0.32), 0.03, 0.6)
    stroke = char_height * _measure(rng, (0.11, 0.19), 0.075, 0.24)
    separators: dict[str, dict[str, Any]] = {
        "gap": {"width_mm": letter_width * uniform(rng, (0.4, 1.0))},
        "dash": {
            "kind": "dash",
            "printed": "-",
            "width_mm": letter_width * uniform(rng, (0.7, 1.1)),
            "length_mm": letter_width * uniform(rng, (0.3, 0.55)),
            "thickness_mm": char_height * uniform(rng, (0.09, 0.16)),
        },
        "dot": {
            "kind": "dot",
            "printed": "·",
            "width_mm": letter_width * uniform(rng, (0.5, 0.8)),
            "thickness_mm": char_height * uniform(rng, (0.12, 0.2)),
        },
        "mark": {"width_mm": letter_width * 1.2, "marks": _separator_mark(rng, char_height)},
    }
    pattern_lines = []
    mixed = chance(rng, MIXED_RATE)
    for _ in range(line_count):
        per_line = int(rng.integers(5, 9)) if line_count == 1 else int(rng.integers(2, 6))
        blocks = int(rng.integers(1, min(4, per_line)))
        pattern_lines.append(_pattern_line(rng, per_line, blocks, mixed))
    # A text that is still too wide narrows: the cells shrink until it surely fits.
    longest = max(
        sum(1 + gap / letter_width if c in "A9" else 1.2 for c in line.replace("<mark>", "-"))
        for line in pattern_lines
    )
    fitting = min(1.0, (right - left) / (longest * letter_width * 0.9))
    letter_width, gap = letter_width * fitting, gap * fitting
    for separator in separators.values():
        separator["width_mm"] *= fitting

    border: dict[str, Any] | None = None
    if chance(rng, 0.6):
        border = {
            "width_mm": uniform(rng, (1.5, 5.0)),
            "inset_mm": uniform(rng, (0.0, 4.0)),
            "raised": chance(rng, 0.8),
        }
    bolts: tuple[tuple[float, float], ...] = ()
    if tall:
        bolts = tuple((x * width, y * height) for x in (0.22, 0.78) for y in (0.07, 0.93))
    values: dict[str, Any] = {
        "title": "A plate of no country",
        "region": "xx",
        "source": "drawn from a seed, within the range of plates around the world",
        "relief": "embossed" if chance(rng, 0.7) else "flat",
        "size_mm": (width, height),
        "corner_radius_mm": uniform(rng, (0.0, 14.0)),
        "border": border,
        "bolts_mm": bolts,
        "characters": {
            "height_mm": char_height,
            "letter_width_mm": letter_width,
            "digit_width_mm": letter_width * choose(rng, (1.0, 1.0, 0.94)),
            "stroke_mm": min(stroke, 0.3 * letter_width),
            "gap_mm": gap,
        },
        "lines": [
            {
                "top_mm": top + index * room + (room - char_height) / 2,
                "area_mm": (left, right),
                "narrowest": 0.4,
            }
            for index in range(line_count)
        ],
        "separators": separators,
        "patterns": {"|".join(pattern_lines): 1.0},
        "free_rate": 0.1,
        "worn_ink_rate": 0.2,
        "rubbed_rate": 0.1,
        "fonts": {choose(rng, FONTS): 1.0},
        "variants": [{"name": "only", "ground": ground, "ink": ink}],
        "marks": marks,
    }
    return make_layout(values, RANDOM, f"random layout {seed}")
