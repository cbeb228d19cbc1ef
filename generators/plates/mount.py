"""Frames and holders around a plate: what a dealer or an owner screws it into.

In Europe a plate mostly sits in a thin plastic holder whose lower lip carries a dealer's
name; in the United States a frame is laid over the plate and hides its outer
millimetres, often part of the state's name; in Brazil most plates are bare. The names are
invented from syllables. Measures were judged beside photographs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from seedbed.generators.plates.fonts import resize_ink
from seedbed.generators.plates.glyphs import TypefaceSet, default_typefaces
from seedbed.generators.scenes.light import Light
from seedbed.streams import chance, choose, uniform

Picture: TypeAlias = NDArray[np.uint8]
"""RGB, shape (height, width, 3)."""
Mask: TypeAlias = NDArray[np.uint8]
"""Shape (height, width)."""
Rgb: TypeAlias = tuple[int, int, int]
Sides: TypeAlias = tuple[float, float, float, float]
"""Left, top, right, bottom."""

BARE_US_RATE = 0.4
"""How often a plate in the United States has no frame at all."""
DEEP_FRAME_RATE = 0.3
"""How often a frame's lettered bar is so deep that it hides what is printed under it."""
TABS_RATE = 0.25
"""How often an American frame has tongues over the bolts."""
BRACKET_RATE = 0.08
"""How often what holds an American plate is a pair of brackets at its ends, not a frame."""
SHIFTED_RATE = 0.35
"""How often a plate sits to one side in its mount, so that one lap is wider."""
RIDGED_RATE = 0.5
"""How often a mount's sides have ridges, whose lines run along the outer characters."""
_BOLTS_APART_MM = 177.8
"""Between the bolts of an American plate (SAE J686)."""
_SHADOW_MM = 4.0
_SHIFT = 4
_UNIT = 1 << _SHIFT
_QUARTER = tuple((math.cos(math.pi / 2 * i / 4), math.sin(math.pi / 2 * i / 4)) for i in range(5))
_ONSETS = (
    "b",
    "br",
    "d",
    "dr",
    "f",
    "g",
    "gr",
    "h",
    "k",
    "kl",
    "l",
    "m",
    "n",
    "p",
    "pl",
    "r",
    "s",
    "st",
    "t",
    "tr",
    "v",
    "z",
)
_VOWELS = ("a", "e", "i", "o", "u", "au", "ei")
_CODAS = ("", "", "n", "r", "l", "s", "k", "m", "x", "nd")
_TRADES = {
    "us": ("MOTORS", "AUTO", "AUTO GROUP", "CARS", "TRUCKS", "AUTO MALL", "OF {town}"),
    "br": ("VEICULOS", "MOTORS", "AUTO"),
    "eu": ("AUTO", "AUTOHAUS", "MOTORS", "CARS", "AUTOSERVIS", "GARAGE", "AUTO CENTRUM"),
}
_TEXT_FONTS = (
    "font:barlow-semi-condensed:600",
    "font:overpass:700",
    "font:archivo-narrow:700",
    "font:saira-condensed:600",
    "font:roboto-slab:700",
    "font:fjalla-one",
)
_SCRIPT_FONTS = ("font:yellowtail", "font:satisfy")


@dataclass(frozen=True)
class LabelParams:
    """One line of lettering on a mount's band, and the band's own colour.

    `height_share` is of the band's height, `stretch` widens the letters, and `offset`
    moves the line from the middle, as a share of the room left over.
    """

    text: str
    typeface: str
    colour: Rgb
    band: Rgb
    height_share: float
    stretch: float
    offset: float


@dataclass(frozen=True)
class MountParams:
    """A holder or frame around a plate of `size_mm` (width, height).

    `rim_mm` is how far it reaches beyond the plate on each side, `lap_mm` how far over
    it; `radius_mm` rounds the outside. `tags` colours reflective bits at the corners.
    `tabs_mm` is the width and depth of the tongues that a frame puts over the plate's four
    bolts, beyond its lap. `ridges` are upright lines on both sides: the place from the
    outer edge (0) to the inner one (1), the width in millimetres, and the shade, a factor
    on the colour.
    """

    kind: Literal["holder", "frame", "trim", "bracket"]
    size_mm: tuple[float, float]
    rim_mm: Sides
    lap_mm: Sides
    radius_mm: float
    colour: Rgb
    chrome: bool
    top: LabelParams | None
    bottom: LabelParams | None
    tags: Rgb | None
    tabs_mm: tuple[float, float] | None = None
    ridges: tuple[tuple[float, float, float], ...] = ()


def _draw_ridges(
    rng: np.random.Generator, chrome: bool, rate: float = RIDGED_RATE
) -> tuple[tuple[float, float, float], ...]:
    """Grooves and edges that mirror light: bright and dark on chrome, pale on plastic."""
    if not chance(rng, rate):
        return ()
    shades = (0.3, 0.45, 0.65, 1.4) if chrome else (0.4, 2.5, 4.0, 7.0)
    return tuple(
        (uniform(rng, (0.05, 1.0)), uniform(rng, (0.7, 3.0)), choose(rng, shades))
        for _ in range(int(rng.integers(1, 4)))
    )


def _draw_side_laps(rng: np.random.Generator, lap: float, most: float) -> tuple[float, float]:
    """The laps at left and right of a plate that may sit to one side."""
    shift = uniform(rng, (-0.8, 0.8)) * lap if chance(rng, SHIFTED_RATE) else 0.0
    return min(lap + shift, most), min(lap - shift, most)


def _word(rng: np.random.Generator, syllables: int) -> str:
    parts = [choose(rng, _ONSETS) + choose(rng, _VOWELS) for _ in range(syllables)]
    return "".join(parts) + choose(rng, _CODAS)


def draw_dealer_text(rng: np.random.Generator, region: str) -> str:
    """An invented dealer's name, motto or telephone number, at most about 30 characters."""
    trades = _TRADES.get(region, _TRADES["eu"])
    name = _word(rng, int(rng.integers(1, 4))).upper()
    trade = choose(rng, trades).replace("{town}", _word(rng, 2).upper())
    form = float(rng.random())
    digits = "".join(str(d) for d in rng.integers(0, 10, size=3).tolist())
    if form < 0.45:
        text = f"{name} {trade}"
    elif form < 0.6:
        text = f"{trade} {name}" if not trade.startswith("OF ") else name
    elif form < 0.75:
        text = f"{name.title()} {trade.title()}"
    elif form < 0.87:
        text = f"WWW.{name}.COM" if region == "us" else f"www.{name.lower()}.eu"
    else:
        number = f"(555) 010-0{digits}" if region == "us" else f"tel. 0{digits[:2]}/555 0{digits}"
        text = number if region == "us" else f"{name} {number}"
    if region != "us" and len(text) < 20 and chance(rng, 0.5):
        text = f"{text}  {_word(rng, 2).title()} {int(rng.integers(1, 99))}"
    return text


def _label(
    rng: np.random.Generator, region: str, bands: tuple[tuple[Rgb, Rgb], ...]
) -> LabelParams:
    band, colour = choose(rng, bands)
    text = draw_dealer_text(rng, region)
    script = chance(rng, 0.12)
    return LabelParams(
        text=text.title() if script else text,
        typeface=choose(rng, _SCRIPT_FONTS if script else _TEXT_FONTS),
        colour=colour,
        band=band,
        height_share=uniform(rng, (0.55, 0.85)),
        stretch=uniform(rng, (1.0, 1.6)),
        offset=float(np.clip(rng.normal(0, 0.12), -0.3, 0.3)),
    )


def draw_mount(
    rng: np.random.Generator, region: str, size_mm: tuple[float, float]
) -> MountParams | None:
    """What a plate of `size_mm` in `region` is mounted in, or None where it is bare.

    `us` and `br` have their own habits; every other region gets European holders.
    """
    if region == "us":
        return _draw_frame(rng, size_mm)
    if region == "br":
        return _draw_trim(rng, size_mm)
    return _draw_holder(rng, size_mm)


def _draw_holder(rng: np.random.Generator, size_mm: tuple[float, float]) -> MountParams | None:
    bare = chance(rng, 0.15)
    grey = int(rng.integers(14, 42))
    black: Rgb = (grey, grey, grey + 2)
    chrome = chance(rng, 0.05)
    colour: Rgb = (178, 180, 184) if chrome else black
    rim = uniform(rng, (2.5, 7.0))
    lip = uniform(rng, (9.0, 22.0))
    lettered = chance(rng, 0.75)
    bands: tuple[tuple[Rgb, Rgb], ...] = (
        (colour, (40, 40, 44) if chrome else (226, 226, 224)),
        (colour, (30, 44, 110) if chrome else (226, 226, 224)),
        (colour, (60, 60, 62) if chrome else (170, 172, 174)),
        (black, (220, 196, 60)),
        ((24, 52, 120), (236, 236, 238)),
        ((222, 190, 40), (30, 30, 30)),
        ((214, 214, 212), (40, 44, 90)),
    )
    label = _label(rng, "eu", bands)
    lap = uniform(rng, (0.8, 2.6))
    lap_bottom = uniform(rng, (0.8, 3.5))
    laps = _draw_side_laps(rng, lap, 5.0)
    ridges = _draw_ridges(rng, chrome)
    side = uniform(rng, (6.0, 18.0)) if chance(rng, 0.08) else rim
    if bare:
        return None
    return MountParams(
        kind="holder",
        size_mm=size_mm,
        rim_mm=(side, rim, side, lip if lettered else rim * 1.2),
        lap_mm=(laps[0], lap, laps[1], lap_bottom),
        radius_mm=uniform(rng, (2.0, 9.0)),
        colour=colour,
        chrome=chrome,
        top=None,
        bottom=label if lettered else None,
        tags=None,
        ridges=ridges,
    )


def _draw_frame(rng: np.random.Generator, size_mm: tuple[float, float]) -> MountParams | None:
    bare = chance(rng, BARE_US_RATE)
    chrome = chance(rng, 0.4)
    tints: tuple[Rgb, ...] = ((18, 18, 20), (18, 18, 20), (30, 30, 34), (26, 44, 96), (120, 22, 28))
    tint = choose(rng, tints)
    colour: Rgb = (182, 184, 188) if chrome else tint
    ink: Rgb = (30, 30, 34) if chrome else (232, 232, 230)
    bands: tuple[tuple[Rgb, Rgb], ...] = (
        (colour, ink),
        (colour, ink),
        (colour, ink if chrome else (226, 190, 60)),
        ((20, 20, 22), (234, 234, 232)),
        ((228, 228, 226), (26, 40, 110)),
    )
    top, bottom = _label(rng, "us", bands), _label(rng, "us", bands)
    has_top, has_bottom = chance(rng, 0.55), chance(rng, 0.75)
    laps = _draw_side_laps(rng, uniform(rng, (2.0, 7.0)), 8.0)
    # A deep frame hides the state's name or the slogan, never the characters.
    deep_top, deep_bottom = chance(rng, DEEP_FRAME_RATE), chance(rng, DEEP_FRAME_RATE)
    top_range, bottom_range = (4.0, 10.0), (4.0, 10.0)
    if has_top:
        top_range = (17.0, 25.0) if deep_top else (9.0, 17.0)
    if has_bottom:
        bottom_range = (19.0, 26.0) if deep_bottom else (10.0, 19.0)
    lap_top, lap_bottom = uniform(rng, top_range), uniform(rng, bottom_range)
    tabbed = chance(rng, TABS_RATE)
    tabs = (uniform(rng, (18.0, 34.0)), uniform(rng, (12.0, 20.0)))
    # Half a motorcycle's plate is half as tall: a frame laps it in proportion.
    scale = min(1.0, size_mm[1] / 152.4)
    ridges = _draw_ridges(rng, chrome)
    bracketed = chance(rng, BRACKET_RATE)
    if bare:
        return None
    if bracketed:
        return _draw_bracket(rng, size_mm, colour, chrome)
    return MountParams(
        kind="frame",
        size_mm=size_mm,
        rim_mm=(
            uniform(rng, (2.0, 6.0)),
            uniform(rng, (2.0, 8.0)),
            uniform(rng, (2.0, 6.0)),
            uniform(rng, (2.0, 8.0)),
        ),
        lap_mm=(laps[0] * scale, lap_top * scale, laps[1] * scale, lap_bottom * scale),
        radius_mm=uniform(rng, (5.0, 16.0)),
        colour=colour,
        chrome=chrome,
        top=top if has_top else None,
        bottom=bottom if has_bottom else None,
        tags=None,
        tabs_mm=(tabs[0] * scale, tabs[1] * scale) if tabbed else None,
        ridges=ridges,
    )


def _draw_bracket(
    rng: np.random.Generator, size_mm: tuple[float, float], colour: Rgb, chrome: bool
) -> MountParams:
    """Upright ends at left and right, as old cars' bumpers have: nothing above or below."""
    ends = uniform(rng, (6.0, 24.0))
    laps = _draw_side_laps(rng, uniform(rng, (0.5, 5.0)), 8.0)
    thin = uniform(rng, (0.3, 2.5))
    return MountParams(
        kind="bracket",
        size_mm=size_mm,
        rim_mm=(ends, thin, ends * uniform(rng, (0.8, 1.2)), thin),
        lap_mm=(laps[0], 0.0, laps[1], 0.0),
        radius_mm=uniform(rng, (3.0, 12.0)),
        colour=colour,
        chrome=chrome,
        top=None,
        bottom=None,
        tags=None,
        ridges=_draw_ridges(rng, chrome, 0.9),
    )


def _draw_trim(rng: np.random.Generator, size_mm: tuple[float, float]) -> MountParams | None:
    bare = chance(rng, 0.72)
    chrome = chance(rng, 0.25)
    tagged = chance(rng, 0.3)
    rim = uniform(rng, (2.0, 6.0))
    lap = uniform(rng, (0.5, 3.0))
    radius = uniform(rng, (4.0, 12.0))
    laps = _draw_side_laps(rng, lap, 5.0)
    ridges = _draw_ridges(rng, chrome)
    if bare:
        return None
    return MountParams(
        kind="trim",
        size_mm=size_mm,
        rim_mm=(rim, rim, rim, rim),
        lap_mm=(laps[0], lap, laps[1], lap),
        radius_mm=radius,
        colour=(180, 182, 186) if chrome else (24, 24, 26),
        chrome=chrome,
        top=None,
        bottom=None,
        tags=(214, 26, 24) if tagged else None,
        ridges=ridges,
    )


def mount_margin_mm(params: MountParams | None) -> Sides:
    """How far the mount reaches beyond the plate: left, top, right, bottom; zeros for None."""
    return (0.0, 0.0, 0.0, 0.0) if params is None else params.rim_mm


def _rounded(box: Sides, radius: float) -> NDArray[np.int32]:
    """A rounded rectangle (left, top, right, bottom) as cv2's fixed-point polygon."""
    left, top, right, bottom = box
    radius = max(0.0, min(radius, (right - left) / 2, (bottom - top) / 2))
    points: list[tuple[float, float]] = []
    for x, y, turn in (
        (right - radius, bottom - radius, 0),
        (left + radius, bottom - radius, 1),
        (left + radius, top + radius, 2),
        (right - radius, top + radius, 3),
    ):
        for cos, sin in _QUARTER:
            dx, dy = ((cos, sin), (-sin, cos), (-cos, -sin), (sin, -cos))[turn]
            points.append((x + radius * dx, y + radius * dy))
    return np.array(
        [(round((x - 0.5) * _UNIT), round((y - 0.5) * _UNIT)) for x, y in points], np.int32
    )


def paint_mount(
    rgb: Picture,
    alpha: Mask,
    origin_px: tuple[float, float],
    px_per_mm: float,
    params: MountParams,
    light: Light,
    typefaces: TypefaceSet | None = None,
) -> Mask:
    """Paint a mount around and over a plate, on `rgb` and `alpha` in place.

    The canvas `rgb` (h, w, 3) and `alpha` (h, w) holds the shaded plate with its top left
    corner at `origin_px`, and at least `mount_margin_mm` around it. Returns the mount's
    coverage (h, w): where it lies over the plate it hides it. `typefaces` is the default
    set if None.
    """
    left, top = origin_px
    right = left + params.size_mm[0] * px_per_mm
    bottom = top + params.size_mm[1] * px_per_mm
    rim = [reach * px_per_mm for reach in params.rim_mm]
    lap = [reach * px_per_mm for reach in params.lap_mm]
    outer = (left - rim[0], top - rim[1], right + rim[2], bottom + rim[3])
    inner = (left + lap[0], top + lap[1], right - lap[2], bottom - lap[3])
    radius = params.radius_mm * px_per_mm
    outline = _rounded(outer, radius)
    opening = _rounded(inner, radius * 0.5)

    body = np.zeros(alpha.shape, np.uint8)
    cv2.fillPoly(body, [outline], 255, cv2.LINE_AA, _SHIFT)
    hole = np.zeros(alpha.shape, np.uint8)
    cv2.fillPoly(hole, [opening], 255, cv2.LINE_AA, _SHIFT)
    deepest = [inner[1], inner[3]]
    if params.tabs_mm is not None:
        half, tab_depth = (size / 2 * px_per_mm for size in params.tabs_mm)
        deepest = [max(inner[1], top + 2 * tab_depth), min(inner[3], bottom - 2 * tab_depth)]
        for side in (-1, 1):
            x = (left + right + side * _BOLTS_APART_MM * px_per_mm) / 2
            for low, high in ((outer[1], deepest[0]), (deepest[1], outer[3])):
                tab = _rounded((x - half, low, x + half, high), half * 0.5)
                cv2.fillPoly(hole, [tab], 0, cv2.LINE_AA, _SHIFT)
    # What shows in the opening beside the plate's rounded corners is the mount's back.
    cover = cv2.subtract(body, cv2.min(hole, alpha))

    paint = np.empty_like(rgb)
    gains = light.diffuse_gain()
    _paint_body(paint, params, outer, inner, gains, px_per_mm)
    _shade_edges(paint, params, outline, opening, gains, px_per_mm)
    _paint_ridges(paint, params, outer, inner, gains, px_per_mm)
    fonts = typefaces or default_typefaces()
    across = (outer[0] + radius * 0.5, outer[2] - radius * 0.5)
    for label, low, high in (
        (params.top, outer[1], inner[1]),
        (params.bottom, inner[3], outer[3]),
    ):
        if label is not None:
            _paint_label(paint, label, (across[0], low, across[1], high), gains, fonts)

    # Only a band around the opening's edge changes: the plate's middle is left alone.
    height, width = alpha.shape
    depth = _SHADOW_MM * px_per_mm + 2
    first_row = min(max(math.ceil(deepest[0] + depth), 0), height)
    last_row = max(min(math.floor(deepest[1] - depth), height), first_row)
    first_column = min(max(math.ceil(inner[0] + depth), 0), width)
    last_column = max(min(math.floor(inner[2] - depth), width), first_column)
    for rows, columns in (
        (slice(0, first_row), slice(0, width)),
        (slice(last_row, height), slice(0, width)),
        (slice(first_row, last_row), slice(0, first_column)),
        (slice(first_row, last_row), slice(last_column, width)),
    ):
        patch = rgb[rows, columns]
        if patch.size:
            over = cover[rows, columns]
            shadow = _shadow(hole[rows, columns], px_per_mm)
            shade = cv2.multiply(shadow, cv2.bitwise_not(over), scale=1 / 255)
            kept = cv2.multiply(patch, cv2.merge([shade] * 3), scale=1 / 255)
            added = cv2.multiply(paint[rows, columns], cv2.merge([over] * 3), scale=1 / 255)
            cv2.add(kept, added, dst=patch)
    cv2.max(alpha, cover, dst=alpha)
    return np.asarray(cover, np.uint8)


def _lit(colour: Rgb, shade: float, gains: tuple[float, float, float]) -> tuple[float, ...]:
    return tuple(
        min(channel * shade * gain, 255.0) for channel, gain in zip(colour, gains, strict=True)
    )


def _paint_body(
    paint: Picture,
    params: MountParams,
    outer: Sides,
    inner: Sides,
    gains: tuple[float, float, float],
    px_per_mm: float,
) -> None:
    """The mount's own colour with its light from above, and its bits at the corners."""
    height = paint.shape[0]
    if params.chrome:
        # Chrome mirrors a bright sky above a dark horizon, once in each bar.
        shades = np.empty(height, np.float32)
        shades.fill(0.85)
        for low, high in ((outer[1], inner[1]), (inner[3], outer[3])):
            start, stop = max(0, int(low)), min(height, math.ceil(high) + 1)
            if stop > start:
                steps = np.linspace(0, 1, stop - start, dtype=np.float32)
                shades[start:stop] = np.interp(
                    steps, (0, 0.35, 0.55, 0.62, 1), (1.05, 1.35, 1.1, 0.5, 0.8)
                )
    else:
        shades = np.linspace(1.15, 0.9, height, dtype=np.float32)
    row = np.array(params.colour, np.float32) * np.array(gains, np.float32)
    column = np.minimum(shades[:, None] * row[None, :], 255).astype(np.uint8)[:, None, :]
    cv2.resize(column, (paint.shape[1], height), dst=paint, interpolation=cv2.INTER_LINEAR)
    if params.tags is not None:
        reach = 26 * px_per_mm
        for x in (outer[0] + 30 * px_per_mm, outer[2] - 30 * px_per_mm - reach):
            for low, high in ((outer[1], inner[1]), (inner[3], outer[3])):
                box = (x, low + 0.5, x + reach, high - 0.5)
                if box[3] > box[1]:
                    colour = _lit(params.tags, 1.1, gains)
                    cv2.fillPoly(paint, [_rounded(box, 0)], colour, cv2.LINE_AA, _SHIFT)


def _shade_edges(
    paint: Picture,
    params: MountParams,
    outline: NDArray[np.int32],
    opening: NDArray[np.int32],
    gains: tuple[float, float, float],
    px_per_mm: float,
) -> None:
    """A bright outer edge and a dark inner one, as moulded plastic and bent metal have."""
    lift = tuple(28.0 * gain for gain in gains)
    edge = tuple(
        min(c + d, 255.0) for c, d in zip(_lit(params.colour, 1.2, gains), lift, strict=True)
    )
    thickness = max(1, round(0.9 * px_per_mm))
    cv2.polylines(paint, [outline], True, edge, thickness, cv2.LINE_AA, _SHIFT)
    dark = _lit(params.colour, 0.6, gains)
    cv2.polylines(paint, [opening], True, dark, thickness, cv2.LINE_AA, _SHIFT)


def _paint_ridges(
    paint: Picture,
    params: MountParams,
    outer: Sides,
    inner: Sides,
    gains: tuple[float, float, float],
    px_per_mm: float,
) -> None:
    """Upright lines on both sides, the same on either."""
    for place, width_mm, shade in params.ridges:
        colour = _lit(params.colour, shade, gains)
        half = width_mm / 2 * px_per_mm
        for edge, opening in ((outer[0], inner[0]), (outer[2], inner[2])):
            x = edge + place * (opening - edge)
            box = _rounded((x - half, outer[1], x + half, outer[3]), 0)
            cv2.fillPoly(paint, [box], colour, cv2.LINE_AA, _SHIFT)


def _paint_label(
    paint: Picture,
    label: LabelParams,
    band: Sides,
    gains: tuple[float, float, float],
    typefaces: TypefaceSet,
) -> None:
    """Lettering on a band (left, top, right, bottom in pixels), fitted to its length."""
    left, top, right, bottom = band
    if bottom - top < 2 or right - left < 8:
        return
    fill = _lit(label.band, 1.0, gains)
    height, width = paint.shape[:2]
    inset = (bottom - top) * 0.08
    y0, y1 = max(0, round(top + inset)), min(height, round(bottom - inset))
    x0, x1 = max(0, round(left)), min(width, round(right))
    if label.band != label.colour and y1 > y0:
        base = paint[(y0 + y1) // 2, x0].tolist()
        if max(abs(a - b) for a, b in zip(base, fill, strict=True)) > 40:
            cv2.rectangle(paint, (x0, y0), (x1 - 1, y1 - 1), fill, -1)
    text_px = max(2, round((bottom - top) * label.height_share))
    mask = typefaces.get(label.typeface).text(label.text, text_px)
    longest = int((x1 - x0) * 0.94)
    wished = round(mask.shape[1] * label.stretch)
    if wished > longest:
        # Too long: narrower letters first, then smaller ones.
        text_px = max(2, round(text_px * min(1.0, longest / (0.8 * mask.shape[1]))))
        wished = max(longest, 1)
    if (wished, text_px) != mask.shape[::-1]:
        mask = resize_ink(mask, wished, text_px)
    text_height, text_width = mask.shape
    spare = (x1 - x0) - text_width
    x = x0 + round(spare * (0.5 + label.offset))
    y = round((top + bottom - text_height) / 2)
    x, y = min(max(x, 0), width - text_width), min(max(y, 0), height - text_height)
    if x < 0 or y < 0:
        return
    patch = paint[y : y + text_height, x : x + text_width]
    bare = cv2.cvtColor(cv2.bitwise_not(mask), cv2.COLOR_GRAY2RGB)
    kept = cv2.multiply(patch, bare, dst=bare, scale=1 / 255)
    inks = _lit(label.colour, 1.0, gains)
    printed = cv2.merge([cv2.convertScaleAbs(mask, alpha=channel / 255) for channel in inks])
    cv2.add(kept, printed, dst=patch)


def _shadow(hole: Mask, px_per_mm: float) -> Mask:
    """What share of light the plate keeps near the opening's edge; least under the top."""
    reach = max(3, round(_SHADOW_MM * px_per_mm) | 1)
    soft = cv2.blur(hole, (reach, reach), anchor=(reach // 2, reach - 1))
    return np.asarray(cv2.convertScaleAbs(soft, alpha=0.4, beta=153), np.uint8)
