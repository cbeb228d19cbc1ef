"""Draws and renders the flat, clean, evenly lit face of one plate.

A face is an albedo picture with its outline, a height map for the embossing, a mask of
the ink, and the cell of every character. Wear, light and whatever holds the plate come
later (`surface`, `mount`).

What all plates of a layout share is painted once at a few master scales, kept in a
bounded cache, and averaged down to the scale asked for. So are marks that differ between
plates (stickers, cities) and glyphs, each on its own.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from seedbed.errors import InputError
from seedbed.generators.plates.glyphs import CachedTypeface, TypefaceSet, default_typefaces
from seedbed.generators.plates.grammar import (
    Registration,
    draw_pattern_text,
    draw_registration,
    draw_variant,
)
from seedbed.generators.plates.layout import (
    RANDOM,
    RANDOM_SHARE,
    AnyMark,
    DiscMark,
    EmblemMark,
    GradientMark,
    LineMark,
    PlateLayout,
    PolygonMark,
    RectMark,
    StarMark,
    TextMark,
    Variant,
    layout_ids,
    load_layout,
)
from seedbed.generators.plates.random_layout import random_layout
from seedbed.geometry import Points, rectangle
from seedbed.streams import chance, choose, choose_weighted, fork_seed, stream, uniform

Canvas: TypeAlias = NDArray[np.uint8]

MIN_PX_PER_MM, MAX_PX_PER_MM = 0.05, 3.0
SCALE_STEP = 1.12
"""Faces are made at scales that are powers of this, never below the one asked for."""
MASTER_PX_PER_MM = (0.8, 1.6, 3.0)
"""Scales at which grounds and marks are painted, to be averaged down from the next finer."""
SMALL_MASTER_PX_PER_MM = (0.2, 0.4)
"""Scales at which grounds are also kept, averaged from the first of the above."""
MASTER_GLYPH_PX = (80, 224)
"""Heights at which glyphs are asked of a typeface, to be averaged down likewise."""
SMALL_GLYPH_PX = (12, 20, 40)
"""Heights at which glyphs are also kept, averaged from the first of the above."""
ASPECT_STEP, STROKE_STEP = 0.1, 0.02
"""Glyphs are asked for at multiples of these: width over height, stroke over height."""
RELIEF_EDGE_MM = 1.5
"""How wide the slope of an embossed stroke is, as measured on pressed aluminium plates."""
RUBBED_EDGE_SHARE = 0.2
"""The share of a stroke's width that keeps its ink on each side where its middle is rubbed
bare, as measured on photographs."""
CACHE_BYTES = 64 * 2**20
"""Bound of the painted grounds and sprites kept in each process."""
HOLE_COLOUR = "#2b2b2c"
STICKER_RATE = 0.035
"""How often something was stuck on a plate of any country: a dealer's or inspector's sticker, a
toll tag."""
BESIDE_RATE = 0.35
"""How often such a sticker stands beside the outermost character, not near a corner."""
STICKER_COLOURS = (
    "#e8e8e4", "#e8e8e4", "#d8c23c", "#d8642c", "#c0363c", "#3a78b8", "#48985c", "#2c2c30",
)  # fmt: skip
LEAST_STICKER_MM = 4.0
"""Where there is less room than this between the edge and the characters, nothing is stuck."""

_SHIFT = 4
_UNIT = 1 << _SHIFT


def _arc(start: float, stop: float, count: int, endpoint: bool) -> Points:
    turn = np.linspace(start, stop, count, endpoint=endpoint)
    return np.stack([np.cos(turn), np.sin(turn)], axis=1)


_CIRCLE = _arc(0, 2 * math.pi, 48, False)
_CORNERS = np.stack(
    [_arc((i - 1) * math.pi / 2, i * math.pi / 2, 9, True) for i in range(4)]
)  # clockwise from the top right one


@dataclass(frozen=True)
class MarkDraw:
    """What was drawn for one mark: whether it shows, which of its colours, which text."""

    shown: bool
    colour: int
    text: str


@dataclass(frozen=True)
class StickerDraw:
    """A stray sticker: near a corner, or `beside` the first or last character.

    `size_mm` (width, height) is the most it takes; it shrinks to the room that the
    characters leave, and keeps `gap_mm` from them. `along` says where it lies along the
    edge, 0 to 1. `bar` is the colour of what is printed on it.
    """

    beside: bool
    at_left: bool
    at_top: bool
    size_mm: tuple[float, float]
    gap_mm: float
    along: float
    oval: bool
    colour: str
    bar: str | None


@dataclass(frozen=True)
class FaceParams:
    """Everything that decides how one clean plate looks.

    `layout` is an id or path, or `random` with its `layout_seed`. `stroke_scale`,
    `width_scale`, `height_scale` and `gap_scale` multiply the layout's measures, `offset_mm`
    moves the characters. `ink` is RGB; `ink_wear` is how far it has paled towards the ground, and
    `rubbed` how bare the middles of the strokes are worn (0 not, 1 down to the ground);
    `embossed` says whether anything is raised at all.
    `gains` multiplies RGB of the whole face. `marks` follows the order of `choice_marks`,
    then the separators' marks in reading order. `sticker` belongs to no layout.
    """

    layout: str
    layout_seed: int | None
    variant: str
    registration: Registration
    typeface: str
    stroke_scale: float
    width_scale: float
    height_scale: float
    gap_scale: float
    offset_mm: tuple[float, float]
    ground: str
    ink: tuple[int, int, int]
    ink_wear: float
    rubbed: float
    embossed: bool
    gains: tuple[float, float, float]
    marks: tuple[MarkDraw, ...]
    sticker: StickerDraw | None = None


@dataclass(frozen=True)
class FaceCharacter:
    """One character of the registration and its cell.

    `quad_mm` has shape (4, 2), clockwise from the character's top left, in millimetres
    from the plate's top left corner; `line` counts from 0.
    """

    text: str
    quad_mm: Points
    line: int


@dataclass(frozen=True)
class PlateFace:
    """A rendered face; every picture has the same height and width.

    `rgb` is the albedo, uint8 (h, w, 3); `alpha` uint8 (h, w) is 255 inside the rounded
    outline; `relief` uint8 (h, w) is the height, 255 on raised characters and rim;
    `ink` uint8 (h, w) is the coverage by characters, dashes and dots. The picture spans
    the plate exactly, at about `px_per_mm`. `bolts_mm` are the centres of the bolt holes.
    """

    rgb: Canvas
    alpha: Canvas
    relief: Canvas
    ink: Canvas
    px_per_mm: float
    characters: tuple[FaceCharacter, ...]
    text: str
    text_plain: str
    line_count: int
    bolts_mm: tuple[tuple[float, float], ...]


def layout_of(layout_id: str, layout_seed: int | None) -> PlateLayout:
    """The layout a face names: listed, from a file, or drawn from `layout_seed`."""
    if layout_id == RANDOM:
        return _random_layout(layout_seed or 0)
    return load_layout(layout_id)


@lru_cache(maxsize=256)
def _random_layout(seed: int) -> PlateLayout:
    return random_layout(seed)


def default_weights(names: Sequence[str]) -> tuple[float, ...]:
    """How often each layout comes where nothing else is said: by the weight in its file.

    `random` gets `RANDOM_SHARE` of the whole where other layouts are listed beside it.
    """
    return _default_weights(tuple(names))


@lru_cache(maxsize=64)
def _default_weights(names: tuple[str, ...]) -> tuple[float, ...]:
    listed = [0.0 if name == RANDOM else load_layout(name).weight for name in names]
    rest = sum(listed)
    if rest <= 0:
        return (1.0,) * len(listed)
    share = rest * RANDOM_SHARE / (1 - RANDOM_SHARE)
    return tuple(
        share if name == RANDOM else weight for name, weight in zip(names, listed, strict=True)
    )


def choice_marks(layout: PlateLayout, variant: Variant) -> list[AnyMark]:
    """The marks, in painting order, that differ between plates or lie over the characters."""
    return [mark for mark in (*layout.marks, *variant.marks) if mark.has_choice or mark.over]


def _separator_marks(layout: PlateLayout, registration: Registration) -> list[AnyMark]:
    return [
        mark
        for tokens in registration.tokens
        for token in tokens
        if len(token) > 1
        for mark in layout.separator(token[1:-1]).marks
    ]


def _draw_mark(layout: PlateLayout, mark: AnyMark, rng: np.random.Generator) -> MarkDraw:
    shown = chance(rng, mark.chance)
    colour = int(rng.integers(len(mark.colour)))
    text = ""
    if isinstance(mark, TextMark):
        if mark.texts:
            text = choose(rng, mark.texts)
        elif mark.pattern:
            text = draw_pattern_text(layout, mark.pattern, rng)
    return MarkDraw(shown, colour, text)


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _scale(rng: np.random.Generator, spread: float) -> float:
    """A factor within `spread` of 1, mostly near it.

    It comes in steps, which keep the number of different glyphs small enough for a cache.
    """
    return 1 + spread * choose(rng, (-1.0, -0.5, 0.0, 0.0, 0.5, 1.0))


def draw_face(
    layout_ids: Sequence[str],
    weights: Sequence[float] | None,
    rng: np.random.Generator,
    typefaces: Sequence[str] | None,
    vanity_texts: bool = True,
) -> FaceParams:
    """Draw a plate of one of `layout_ids` (as `resolve_layouts` gives them).

    `weights` defaults to `default_weights`. `typefaces` restricts the names of the fonts:
    the layout's own among them by its weights, or any of them where it lists none. Without
    `vanity_texts` no text is one that its owner chose.
    """
    layout_id = choose(rng, layout_ids, default_weights(layout_ids) if weights is None else weights)
    layout_seed = fork_seed(rng) if layout_id == RANDOM else None
    layout = layout_of(layout_id, layout_seed)
    variant = draw_variant(layout, rng)
    registration = draw_registration(layout, rng, variant, vanity_texts)
    fonts = dict(layout.fonts)
    if typefaces is not None:
        allowed = {name: weight for name, weight in fonts.items() if name in typefaces}
        fonts = allowed or dict.fromkeys(typefaces, 1.0)
    typeface = choose_weighted(rng, fonts)
    marks = [*choice_marks(layout, variant), *_separator_marks(layout, registration)]
    ink = _rgb(choose(rng, variant.ink))
    ink_shift = int(rng.integers(-6, 16)) + rng.integers(-3, 4, size=3)
    red, green, blue = (int(min(max(c + s, 0), 255)) for c, s in zip(ink, ink_shift, strict=True))
    gain = uniform(rng, (0.9, 1.04))
    paled, pale = chance(rng, layout.worn_ink_rate), uniform(rng, (0.1, 0.5))
    bare, rubbed = chance(rng, layout.rubbed_rate), uniform(rng, (0.25, 0.8))
    embossed = layout.relief == "embossed" and not chance(rng, layout.flat_rate)
    return FaceParams(
        layout=layout_id,
        layout_seed=layout_seed,
        variant=variant.name,
        registration=registration,
        typeface=typeface,
        # Steps keep the number of different glyphs small enough to be kept in a cache.
        stroke_scale=_scale(rng, layout.stroke_spread),
        width_scale=_scale(rng, layout.width_spread),
        height_scale=_scale(rng, layout.height_spread),
        gap_scale=uniform(rng, (1 - layout.gap_spread, 1 + layout.gap_spread)),
        offset_mm=(uniform(rng, (-layout.shift_mm, layout.shift_mm)), uniform(rng, (-0.8, 0.8))),
        ground=choose(rng, variant.ground),
        ink=(red, green, blue),
        ink_wear=pale if paled else 0.0,
        rubbed=rubbed if bare and embossed else 0.0,
        embossed=embossed,
        gains=(
            gain * uniform(rng, (0.99, 1.01)),
            gain,
            gain * uniform(rng, (0.97, 1.015)),
        ),
        marks=tuple(_draw_mark(layout, mark, rng) for mark in marks),
        sticker=_draw_sticker(rng) if chance(rng, STICKER_RATE) else None,
    )


def _draw_sticker(rng: np.random.Generator) -> StickerDraw:
    beside = chance(rng, BESIDE_RATE)
    widths, heights = ((3.0, 14.0), (14.0, 60.0)) if beside else ((10.0, 34.0), (8.0, 24.0))
    return StickerDraw(
        beside=beside,
        at_left=chance(rng, 0.5),
        at_top=chance(rng, 0.5),
        size_mm=(uniform(rng, widths), uniform(rng, heights)),
        gap_mm=uniform(rng, (1.0, 6.0)),
        along=uniform(rng, (0.0, 1.0)),
        oval=chance(rng, 0.25),
        colour=choose(rng, STICKER_COLOURS),
        bar=choose(rng, ("#2a2a2e", "#1e3a7c", "#b0303a", "#f0f0ec")) if chance(rng, 0.7) else None,
    )


def sticker_box(
    sticker: StickerDraw, size_mm: tuple[float, float], text_mm: tuple[float, float, float, float]
) -> tuple[float, float, float, float] | None:
    """Where a sticker lies: x, y, width and height in millimetres; None where nothing fits.

    `text_mm` is the left, top, right and foot of all characters, `size_mm` the plate.
    """
    width, height = size_mm
    left, top, right, foot = text_mm
    edge = 2.0
    if sticker.beside:
        room = (left if sticker.at_left else width - right) - edge - sticker.gap_mm
        wide, tall = min(sticker.size_mm[0], room), min(sticker.size_mm[1], foot - top)
        x = left - sticker.gap_mm - wide if sticker.at_left else right + sticker.gap_mm
        y = top + sticker.along * (foot - top - tall)
    else:
        room = (top if sticker.at_top else height - foot) - edge
        wide, tall = sticker.size_mm[0], min(sticker.size_mm[1], room)
        inset = edge + sticker.along * (0.25 * width)
        x = inset if sticker.at_left else width - inset - wide
        y = edge if sticker.at_top else height - edge - tall
    thin = wide if sticker.beside else tall
    least = LEAST_STICKER_MM / 2 if sticker.beside else LEAST_STICKER_MM
    return None if thin < least else (x, y, wide, tall)


def _paint_sticker(
    rgb: Canvas, sticker: StickerDraw, box: tuple[float, ...], scale: tuple[float, float]
) -> None:
    x, y, wide, tall = box
    outline = _ellipse(box) if sticker.oval else rounded_rectangle(box, 1.0)
    parts = [(outline, sticker.colour)]
    if sticker.bar is not None:
        middle = rectangle(x + 0.2 * wide, y + 0.35 * tall, 0.6 * wide, 0.3 * tall)
        parts.append((middle, sticker.bar))
    for points, colour in parts:
        corners = [_fixed(points * np.array(scale), 0, 0)]
        cv2.fillPoly(rgb, corners, _rgb(colour), cv2.LINE_AA, _SHIFT)


def plate_size_mm(params: FaceParams) -> tuple[float, float]:
    """Width and height of the plate."""
    return layout_of(params.layout, params.layout_seed).size_mm


def quantised_scale(px_per_mm: float) -> float:
    """The rung of the scale ladder at or above `px_per_mm`, within the limits."""
    wanted = min(max(px_per_mm, MIN_PX_PER_MM), MAX_PX_PER_MM)
    rung = math.ceil(math.log(wanted / MIN_PX_PER_MM) / math.log(SCALE_STEP) - 1e-9)
    return float(min(MIN_PX_PER_MM * SCALE_STEP**rung, MAX_PX_PER_MM))


class _ByteCache:
    """Painted pieces by key up to a number of bytes; the least recently used go first."""

    def __init__(self, max_bytes: int) -> None:
        self._kept: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._bytes = 0
        self._max_bytes = max_bytes

    def get(self, key: Hashable, make: Callable[[], tuple[Any, int]]) -> Any:
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
            return found[0]
        value, size = make()
        if size <= self._max_bytes:
            self._kept[key] = (value, size)
            self._bytes += size
            while self._bytes > self._max_bytes:
                _, (_, oldest) = self._kept.popitem(last=False)
                self._bytes -= oldest
        return value


_CACHE = _ByteCache(CACHE_BYTES)


@dataclass(frozen=True)
class _Base:
    """What all plates of a layout, variant and ground colour share at one scale."""

    rgb: Canvas
    alpha: Canvas
    relief: Canvas


@dataclass(frozen=True)
class _Sprite:
    """A mark at a master scale: premultiplied RGBA, and where its corner lies."""

    layer: Canvas
    left: int
    top: int


class _Painter:
    """Paints marks in millimetres on premultiplied RGBA of shape (height, width, 4)."""

    def __init__(
        self,
        size_px: tuple[int, int],
        scale: tuple[float, float],
        origin_px: tuple[float, float],
        layout: PlateLayout,
        typefaces: TypefaceSet,
    ) -> None:
        width, height = size_px
        self.layer: Canvas = np.zeros((height, width, 4), np.uint8)
        self.raised: Canvas = np.zeros((height, width), np.uint8)
        self._scale = scale
        self._origin = origin_px
        self._layout = layout
        self._typefaces = typefaces
        self._fade = 0.0

    def within(
        self, box: tuple[float, ...], size: tuple[float, float], fade: float = 0.0
    ) -> _Painter:
        """A painter on the same layer whose units fill `box` with `size` of them.

        It mixes the share `fade` of white into its colours.
        """
        inner = _Painter.__new__(_Painter)
        inner._fade = fade
        inner.layer, inner.raised = self.layer, self.raised
        inner._layout, inner._typefaces = self._layout, self._typefaces
        sx, sy = self._scale
        inner._scale = (sx * box[2] / size[0], sy * box[3] / size[1])
        inner._origin = (self._origin[0] + box[0] * sx, self._origin[1] + box[1] * sy)
        return inner

    def _px(self, points: Points) -> Points:
        return np.asarray(points * np.array(self._scale) + np.array(self._origin), np.float64)

    @property
    def _unit(self) -> float:
        return math.sqrt(self._scale[0] * self._scale[1])

    def paint(self, mark: AnyMark, drawn: MarkDraw) -> None:
        """Paint one mark as drawn."""
        colour = _between(_rgb(mark.colour[drawn.colour]), (255, 255, 255), self._fade)
        if isinstance(mark, RectMark):
            outline = self._px(rounded_rectangle(mark.box, mark.radius))
            rim = mark.radius + mark.width
            self._outline_or_fill(outline, mark.width, colour, mark.raised, rim)
        elif isinstance(mark, DiscMark):
            self._outline_or_fill(self._px(_ellipse(mark.box)), mark.width, colour, mark.raised)
        elif isinstance(mark, PolygonMark):
            points = np.array(mark.points, np.float64)
            if mark.smooth:
                points = _catmull_rom(points, closed=True)
            self._fill(self._px(points), colour, mark.raised)
        elif isinstance(mark, LineMark):
            points = np.array(mark.points, np.float64)
            if mark.smooth:
                points = _catmull_rom(points, closed=False)
            self._stroke(self._px(points), mark.width * self._unit, False, colour, mark.raised)
        elif isinstance(mark, StarMark):
            for star in _stars(mark):
                self._fill(self._px(star), colour, mark.raised)
        elif isinstance(mark, GradientMark):
            self._gradient(mark)
        elif isinstance(mark, TextMark):
            self._text(mark, drawn.text or mark.text, colour)
        else:
            emblem = self._layout.emblem(mark.name)
            inner = self.within(mark.box, emblem.size, mark.fade)
            for part in emblem.marks:
                # An emblem is one fixed drawing: its parts take no choices of their own.
                inner.paint(part, MarkDraw(True, 0, ""))

    def fill_rounded(
        self, box: tuple[float, ...], radius: float, colour: tuple[int, int, int]
    ) -> None:
        """Fill a rectangle (x, y, width, height) with round corners."""
        self._fill(self._px(rounded_rectangle(box, radius)), colour, False)

    def _outline_or_fill(
        self,
        outline: Points,
        width: float,
        colour: tuple[int, int, int],
        raised: bool,
        rim: float = 0.0,
    ) -> None:
        """Paint an outline; only the `rim` next to its box is touched where that is given."""
        if width > 0:
            self._stroke(outline, width * self._unit, True, colour, raised, rim * self._unit)
        else:
            self._fill(outline, colour, raised)

    def _region(self, points: Points, margin: float) -> tuple[int, int, int, int] | None:
        height, width = self.raised.shape
        left = max(math.floor(points[:, 0].min() - margin), 0)
        top = max(math.floor(points[:, 1].min() - margin), 0)
        right = min(math.ceil(points[:, 0].max() + margin), width)
        bottom = min(math.ceil(points[:, 1].max() + margin), height)
        return (left, top, right, bottom) if left < right and top < bottom else None

    def _fill(self, points: Points, colour: tuple[int, int, int], raised: bool) -> None:
        # On premultiplied colours cv2's own blending of edges is right as it is.
        outline = [_fixed(points, 0, 0)]
        cv2.fillPoly(self.layer, outline, (*colour, 255), cv2.LINE_AA, _SHIFT)
        if raised:
            cv2.fillPoly(self.raised, outline, 255, cv2.LINE_AA, _SHIFT)

    def _stroke(
        self,
        points: Points,
        width_px: float,
        closed: bool,
        colour: tuple[int, int, int],
        raised: bool,
        rim_px: float = 0.0,
    ) -> None:
        if not closed:
            for start, end in pairwise(points):
                self._fill(_thick_segment(start, end, width_px), colour, raised)
            disc = width_px / 2 * _CIRCLE[::3]
            for point in points[1:-1] if len(points) > 2 else ():
                self._fill(point + disc, colour, raised)
            return
        region = self._region(points, width_px + 1)
        if region is None:
            return
        left, top, right, bottom = region
        mask = np.zeros((bottom - top, right - left), np.uint8)
        # The band between the outline grown and shrunk by half the width has true
        # subpixel width, which cv2's integer line thickness has not.
        for grown, value in ((0.5, 255), (-0.5, 0)):
            moved = _offset(points, grown * width_px)
            cv2.fillPoly(mask, [_fixed(moved, left, top)], value, cv2.LINE_AA, _SHIFT)
        rim = math.ceil(rim_px + width_px + 2)
        height, width = mask.shape
        if not 0 < 2 * rim < min(height, width) or rim_px == 0:
            self.blend(mask, left, top, colour, raised)
            return
        for rows, columns in (
            (slice(0, rim), slice(0, width)),
            (slice(height - rim, height), slice(0, width)),
            (slice(rim, height - rim), slice(0, rim)),
            (slice(rim, height - rim), slice(width - rim, width)),
        ):
            part = np.ascontiguousarray(mask[rows, columns])
            self.blend(part, left + columns.start, top + rows.start, colour, raised)

    def _gradient(self, mark: GradientMark) -> None:
        corners = self._px(rectangle(*mark.box))
        left, top = np.maximum(np.round(corners[0]).astype(int), 0)
        right, bottom = np.round(corners[2]).astype(int)
        region = self.layer.view(np.uint32)[top:bottom, left:right, 0]
        if region.size == 0:
            return
        stops = np.array([_rgb(stop) for stop in mark.stops], np.float64)
        axis = 0 if mark.direction == "down" else 1
        where = np.linspace(0, len(stops) - 1, region.shape[axis])
        ramp = np.stack(
            [np.interp(where, np.arange(len(stops)), stops[:, c]) for c in range(3)], axis=1
        )
        opaque = np.full((len(ramp), 4), 255, np.uint8)
        opaque[:, :3] = ramp.round()
        pixels = opaque.view(np.uint32)[:, 0]
        region[...] = pixels[:, None] if axis == 0 else pixels[None, :]

    def _text(self, mark: TextMark, text: str, colour: tuple[int, int, int]) -> None:
        sx, sy = self._scale
        height_px = max(round(mark.height * sy), 1)
        mask: Canvas = self._typefaces.get(mark.font).text(text, height_px)
        width = mask.shape[1] * mark.stretch * sx / sy
        width = max(round(min(width, mark.max_width * sx)), 1)
        if width != mask.shape[1]:
            mask = np.asarray(
                cv2.resize(mask, (width, height_px), interpolation=cv2.INTER_AREA), np.uint8
            )
        if mark.slant:
            reach = math.ceil(abs(mark.slant) * height_px)
            shift = float(reach) if mark.slant > 0 else 0.0
            matrix = np.array([[1, -mark.slant, shift], [0, 1, 0]], np.float64)
            mask = np.asarray(cv2.warpAffine(mask, matrix, (width + reach, height_px)), np.uint8)
        x, y = self._px(np.array([mark.at], np.float64))[0]
        share = {"left": 0.0, "centre": 0.5, "right": 1.0}[mark.align]
        left, top = round(x - share * mask.shape[1]), round(y - height_px / 2)
        height_all, width_all = self.raised.shape
        crop_left, crop_top = max(-left, 0), max(-top, 0)
        cropped = mask[crop_top : max(height_all - top, 0), crop_left : max(width_all - left, 0)]
        if cropped.size:
            self.blend(cropped, left + crop_left, top + crop_top, colour, mark.raised)

    def blend(
        self, mask: Canvas, left: int, top: int, colour: tuple[int, int, int], raised: bool
    ) -> None:
        """Lay `colour` over the layer by a mask whose corner is at (left, top)."""
        bottom, right = top + mask.shape[0], left + mask.shape[1]
        region = self.layer[top:bottom, left:right]
        bare = cv2.bitwise_not(mask)
        dimmed = cv2.multiply(region, cv2.merge([bare, bare, bare, bare]), scale=1 / 255)
        painted = [cv2.convertScaleAbs(mask, alpha=channel / 255) for channel in colour]
        cv2.add(dimmed, cv2.merge([*painted, mask]), dst=region)
        if raised:
            part = self.raised[top:bottom, left:right]
            np.maximum(part, mask, out=part)


def _fixed(points: Points, left: float, top: float) -> NDArray[np.int32]:
    # cv2 puts integers at pixel centres, half a pixel from where they are in `points`.
    moved = (points - (left + 0.5, top + 0.5)) * _UNIT
    return np.round(moved).astype(np.int32)


def rounded_rectangle(box: tuple[float, ...], radius: float) -> Points:
    """The outline of a rectangle (x, y, width, height) with round corners, shape (n, 2)."""
    x, y, width, height = box
    radius = min(radius, width / 2, height / 2)
    if radius <= 0:
        return rectangle(x, y, width, height)
    left, right, top, bottom = x + radius, x + width - radius, y + radius, y + height - radius
    centres = np.array([(right, top), (right, bottom), (left, bottom), (left, top)])
    return (centres[:, None, :] + radius * _CORNERS).reshape(-1, 2)


def _ellipse(box: tuple[float, ...]) -> Points:
    x, y, width, height = box
    half = np.array([width / 2, height / 2])
    return np.asarray((1 + _CIRCLE) * half + (x, y), np.float64)


def _offset(points: Points, distance: float) -> Points:
    """A clockwise convex outline grown by `distance` along its vertex normals."""
    before = points - np.roll(points, 1, axis=0)
    after = np.roll(points, -1, axis=0) - points

    def normals(edges: Points) -> Points:
        length = np.maximum(np.hypot(edges[:, 0], edges[:, 1]), 1e-9)
        return np.stack([edges[:, 1] / length, -edges[:, 0] / length], axis=1)

    first, second = normals(before), normals(after)
    joined = first + second
    reach = np.maximum((joined * first).sum(axis=1, keepdims=True), 0.3)
    return np.asarray(points + joined / reach * distance, np.float64)


def _thick_segment(start: Points, end: Points, width: float) -> Points:
    along = end - start
    length = max(float(np.hypot(along[0], along[1])), 1e-9)
    aside = np.array([-along[1], along[0]]) / length * (width / 2)
    return np.array([start + aside, end + aside, end - aside, start - aside])


def _catmull_rom(points: Points, closed: bool, steps: int = 8) -> Points:
    if closed:
        padded = np.concatenate([points[-1:], points, points[:2]])
    else:
        padded = np.concatenate([points[:1], points, points[-1:]])
    share = np.linspace(0, 1, steps, endpoint=False)[:, None]
    parts = []
    for a, b, c, d in zip(padded[:-3], padded[1:-2], padded[2:-1], padded[3:], strict=True):
        parts.append(
            0.5
            * (
                2 * b
                + (c - a) * share
                + (2 * a - 5 * b + 4 * c - d) * share**2
                + (3 * b - a - 3 * c + d) * share**3
            )
        )
    if not closed:
        parts.append(points[-1:])
    return np.concatenate(parts)


def _stars(mark: StarMark) -> list[Points]:
    turn = np.arange(2 * mark.tips) * (math.pi / mark.tips) - math.pi / 2
    radius = np.where(np.arange(2 * mark.tips) % 2 == 0, 0.5, 0.5 * mark.inner) * mark.diameter
    star = np.stack([radius * np.cos(turn), radius * np.sin(turn)], axis=1)
    spots = np.arange(mark.count) * (2 * math.pi / mark.count) - math.pi / 2
    reach = mark.ring_diameter / 2
    middle = np.array(mark.centre)
    return [star + middle + reach * np.array([math.cos(t), math.sin(t)]) for t in spots]


def _size_px(layout: PlateLayout, px_per_mm: float) -> tuple[int, int]:
    width, height = layout.size_mm
    return max(round(width * px_per_mm), 1), max(round(height * px_per_mm), 1)


def _resized(picture: Canvas, size_px: tuple[int, int]) -> Canvas:
    """A new picture of (width, height) pixels, averaged from a larger one."""
    if picture.shape[1::-1] == size_px:
        return picture.copy()
    # Below half size bilinear sampling would skip pixels; above it, it is as good and faster.
    slight = 2 * size_px[0] > picture.shape[1] and 2 * size_px[1] > picture.shape[0]
    how = cv2.INTER_LINEAR if slight else cv2.INTER_AREA
    return np.asarray(cv2.resize(picture, size_px, interpolation=how), np.uint8)


def _glyph(
    typeface: CachedTypeface, character: str, width: int, height: int, stroke_ratio: float
) -> Canvas:
    """A glyph of (height, width) from the master above it, so that few kinds are drawn."""
    master = next((h for h in MASTER_GLYPH_PX if h >= height), height)
    aspect = max(round(width / height / ASPECT_STEP), 1) * ASPECT_STEP
    ratio = round(max(round(stroke_ratio / STROKE_STEP), 1) * STROKE_STEP, 4)
    glyph = typeface.glyph(character, max(round(master * aspect), 1), master, ratio)
    small = next((h for h in SMALL_GLYPH_PX if h >= height), None)
    if small is not None:

        def shrink() -> tuple[Canvas, int]:
            size = (max(round(small * aspect), 1), small)
            shrunk = cv2.resize(glyph, size, interpolation=cv2.INTER_AREA)
            return np.asarray(shrunk, np.uint8), shrunk.nbytes + 300

        key = ("glyph", typeface, character, small, aspect, ratio)
        glyph = _CACHE.get(key, shrink)
    if glyph.shape == (height, width):
        return glyph
    slight = 1.8 * width > glyph.shape[1] and 1.8 * height > glyph.shape[0]
    how = cv2.INTER_LINEAR if slight else cv2.INTER_AREA
    return np.asarray(cv2.resize(glyph, (width, height), interpolation=how), np.uint8)


def _master_scale(px_per_mm: float) -> float:
    return next((m for m in MASTER_PX_PER_MM if m >= px_per_mm), MASTER_PX_PER_MM[-1])


_AS_PRINTED = MarkDraw(True, 0, "")


def _is_raised(layout: PlateLayout, mark: AnyMark) -> bool:
    if isinstance(mark, EmblemMark):
        return any(_is_raised(layout, part) for part in layout.emblem(mark.name).marks)
    return mark.raised


def _paint_base(
    layout: PlateLayout, variant: Variant, ground: str, px_per_mm: float, typefaces: TypefaceSet
) -> tuple[_Base, int]:
    size = _size_px(layout, px_per_mm)
    width_mm, height_mm = layout.size_mm
    scale = (size[0] / width_mm, size[1] / height_mm)
    painter = _Painter(size, scale, (0.0, 0.0), layout, typefaces)
    cv2.rectangle(painter.layer, (0, 0), size, (*_rgb(ground), 255), -1)
    for mark in (*layout.marks, *variant.marks):
        if not (mark.has_choice or mark.over):
            painter.paint(mark, _AS_PRINTED)
    if layout.border is not None:
        inset = layout.border.inset_mm + layout.border.width_mm / 2
        radius = layout.border.radius_mm
        if radius is None:
            radius = max(layout.corner_radius_mm - inset, 0.0)
        box = (inset, inset, width_mm - 2 * inset, height_mm - 2 * inset)
        line = RectMark(
            kind="rect",
            box=box,
            radius=radius,
            width=layout.border.width_mm,
            colour=(variant.border or variant.ink[0],),
            raised=layout.border.raised,
        )
        painter.paint(line, _AS_PRINTED)
    if layout.hole_mm is not None:
        hole_width, hole_height = layout.hole_mm
        for x, y in layout.bolts_mm:
            box = (x - hole_width / 2, y - hole_height / 2, hole_width, hole_height)
            painter.fill_rounded(box, min(layout.hole_mm) / 2, _rgb(HOLE_COLOUR))

    def paint_outline() -> tuple[Canvas, int]:
        outline = np.zeros((size[1], size[0]), np.uint8)
        corners = rounded_rectangle((0, 0, width_mm, height_mm), layout.corner_radius_mm)
        cv2.fillPoly(outline, [_fixed(corners * np.array(scale), 0, 0)], 255, cv2.LINE_AA, _SHIFT)
        return outline, outline.nbytes

    def paint_relief() -> tuple[Canvas, int]:
        raised = np.zeros((size[1], size[0]), np.uint8)
        if layout.relief == "embossed":
            raised = _soften(painter.raised, px_per_mm)
        return raised, raised.nbytes

    rgb = np.asarray(cv2.cvtColor(painter.layer, cv2.COLOR_RGBA2RGB), np.uint8)
    # Designs of one outline and rim share these two; a layout drawn from a seed shares nothing.
    if layout.id == RANDOM:
        outline, relief = paint_outline()[0], paint_relief()[0]
    else:
        raised = (*layout.marks, *variant.marks)
        raised_marks = tuple(mark.said for mark in raised if _is_raised(layout, mark))
        own = (layout.id, typefaces) if raised_marks else ()
        rim = (layout.relief, layout.border, layout.corner_radius_mm, raised_marks, own)
        corner = layout.corner_radius_mm
        outline = _CACHE.get(("outline", size, layout.size_mm, corner), paint_outline)
        relief = _CACHE.get(("relief", size, layout.size_mm, rim), paint_relief)
    base = _Base(rgb, outline, relief)
    return base, rgb.nbytes


def _base(
    layout: PlateLayout, params: FaceParams, px_per_mm: float, typefaces: TypefaceSet
) -> _Base:
    """The ground at the next finer scale that is kept."""
    variant = layout.variant(params.variant)
    if params.layout_seed is not None:
        # No other plate will share this ground, so it is neither kept nor painted finer.
        scale = max(px_per_mm, SMALL_MASTER_PX_PER_MM[-1])
        return _paint_base(layout, variant, params.ground, scale, typefaces)[0]
    kind = (params.layout, params.layout_seed, params.variant, params.ground, typefaces)
    master = _master_scale(px_per_mm)

    def paint() -> _Base:
        base: _Base = _CACHE.get(
            ("base", kind, master),
            lambda: _paint_base(layout, variant, params.ground, master, typefaces),
        )
        return base

    small = next((m for m in SMALL_MASTER_PX_PER_MM if m >= px_per_mm), None)
    if small is None:
        return paint()

    def shrink() -> tuple[_Base, int]:
        base, size = paint(), _size_px(layout, small)
        pictures = [_resized(p, size) for p in (base.rgb, base.alpha, base.relief)]
        return _Base(*pictures), sum(picture.nbytes for picture in pictures)

    found: _Base = _CACHE.get(("base", kind, small), shrink)
    return found


def _soften(mask: Canvas, px_per_mm: float) -> Canvas:
    """Slope the edges of a raised mask over `RELIEF_EDGE_MM`."""
    spread = round(RELIEF_EDGE_MM * px_per_mm)
    if spread < 2:
        return mask
    return np.asarray(cv2.blur(mask, (spread, spread)), np.uint8)


def _bounds(mark: AnyMark, text: str) -> tuple[float, float, float, float]:
    """Left, top, right and bottom that surely hold the mark, in millimetres."""
    if isinstance(mark, RectMark | DiscMark | GradientMark | EmblemMark):
        x, y, width, height = mark.box
        margin = 0.5 + (mark.width if isinstance(mark, RectMark | DiscMark) else 0.1 * width)
        return x - margin, y - margin, x + width + margin, y + height + margin
    if isinstance(mark, PolygonMark | LineMark):
        points = np.array(mark.points)
        span = float(np.ptp(points, axis=0).max())
        margin = 0.5 + 0.2 * span + (mark.width if isinstance(mark, LineMark) else 0.0)
        low, high = points.min(axis=0) - margin, points.max(axis=0) + margin
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])
    if isinstance(mark, StarMark):
        reach = mark.ring_diameter / 2 + mark.diameter
        x, y = mark.centre
        return x - reach, y - reach, x + reach, y + reach
    width = min(mark.max_width, 1.3 * mark.height * mark.stretch * max(len(text), 1))
    width += abs(mark.slant) * mark.height + 1
    left = mark.at[0] - {"left": 0.0, "centre": 0.5, "right": 1.0}[mark.align] * width
    return left, mark.at[1] - mark.height, left + width, mark.at[1] + mark.height


def _paint_sprite(
    layout: PlateLayout, mark: AnyMark, drawn: MarkDraw, px_per_mm: float, typefaces: TypefaceSet
) -> tuple[_Sprite, int]:
    width_px, height_px = _size_px(layout, px_per_mm)
    scale_x, scale_y = width_px / layout.size_mm[0], height_px / layout.size_mm[1]
    text = drawn.text or (mark.text if isinstance(mark, TextMark) else "")
    low_x, low_y, high_x, high_y = _bounds(mark, text)
    left, top = math.floor(low_x * scale_x), math.floor(low_y * scale_y)
    # A text may be given far more room than it fills, but never more than two plates.
    width = min(max(math.ceil(high_x * scale_x) - left, 1), 2 * width_px)
    height = min(max(math.ceil(high_y * scale_y) - top, 1), 2 * height_px)
    painter = _Painter((width, height), (scale_x, scale_y), (-left, -top), layout, typefaces)
    painter.paint(mark, drawn)
    x, y, ink_width, ink_height = cv2.boundingRect(np.ascontiguousarray(painter.layer[..., 3]))
    layer = painter.layer[y : y + ink_height, x : x + ink_width].copy()
    sprite = _Sprite(layer, left + int(x), top + int(y))
    return sprite, layer.nbytes + 500


def _paste(
    rgb: Canvas,
    relief: Canvas | None,
    sprite: _Sprite,
    shrink: tuple[float, float],
    at: tuple[float, float],
) -> None:
    """Average a sprite down by `shrink` and lay it over `rgb`, its origin at `at` in pixels.

    Where `relief` is given the mark is raised on it.
    """
    if sprite.layer.size == 0:
        return
    left, top = round(sprite.left * shrink[0] + at[0]), round(sprite.top * shrink[1] + at[1])
    sprite_width = max(round(sprite.layer.shape[1] * shrink[0]), 1)
    sprite_height = max(round(sprite.layer.shape[0] * shrink[1]), 1)
    height, width = rgb.shape[:2]
    crop_left, crop_top = max(-left, 0), max(-top, 0)
    crop_right, crop_bottom = min(sprite_width, width - left), min(sprite_height, height - top)
    if crop_left >= crop_right or crop_top >= crop_bottom:
        return
    layer = _resized(sprite.layer, (sprite_width, sprite_height))
    layer = layer[crop_top:crop_bottom, crop_left:crop_right]
    target = (slice(top + crop_top, top + crop_bottom), slice(left + crop_left, left + crop_right))
    cover = cv2.extractChannel(layer, 3)
    remains = cv2.bitwise_not(cover)
    dimmed = cv2.multiply(rgb[target], cv2.merge([remains, remains, remains]), scale=1 / 255)
    rgb[target] = cv2.add(dimmed, cv2.cvtColor(layer, cv2.COLOR_RGBA2RGB))
    if relief is not None:
        relief[target] = cv2.max(relief[target], cover)


@dataclass(frozen=True)
class _Placed:
    """A token of the text with its cell in millimetres."""

    token: str
    left: float
    top: float
    width: float
    height: float
    line: int


def _place(layout: PlateLayout, params: FaceParams) -> list[_Placed]:
    placed: list[_Placed] = []
    for index, tokens in enumerate(params.registration.tokens):
        line = layout.lines[index]
        narrow = layout.is_narrow(tokens)
        gap = layout.characters.gap_mm * line.width_scale * params.gap_scale
        widths: list[float] = []
        after: list[float] = []
        for position, token in enumerate(tokens):
            if len(token) == 1:
                widths.append(layout.cell_width_mm(token, index, narrow) * params.width_scale)
                follows = position + 1 < len(tokens) and len(tokens[position + 1]) == 1
                after.append(gap if follows else 0.0)
            else:
                widths.append(layout.separator(token[1:-1]).width_mm * params.gap_scale)
                after.append(0.0)
        total = sum(widths) + sum(after)
        left, right = line.area_mm
        narrowed = min((right - left) / total, 1.0)
        total *= narrowed
        share = {"left": 0.0, "centre": 0.5, "right": 1.0}[line.align]
        x = left + share * (right - left - total) + params.offset_mm[0]
        x = min(max(x, left), right - total)
        full_height = layout.line_height_mm(index)
        height = min(full_height * params.height_scale, layout.size_mm[1])
        top = line.top_mm + (full_height - height) / 2 + params.offset_mm[1]
        top = min(max(top, 0.0), layout.size_mm[1] - height)
        for token, width, space in zip(tokens, widths, after, strict=True):
            placed.append(_Placed(token, x, top, width * narrowed, height, index))
            x += (width + space) * narrowed
    return placed


def _draw_separator(
    ink: Canvas, layout: PlateLayout, placed: _Placed, scale: tuple[float, float]
) -> None:
    separator = layout.separator(placed.token[1:-1])
    x = (placed.left + placed.width / 2) * scale[0]
    y = (placed.top + separator.middle * placed.height) * scale[1]
    half_thick = separator.thickness_mm / 2 * scale[1]
    if separator.kind == "dash":
        half_long = separator.length_mm / 2 * scale[0]
        corners = rectangle(x - half_long, y - half_thick, 2 * half_long, 2 * half_thick)
        cv2.fillPoly(ink, [_fixed(corners, 0, 0)], 255, cv2.LINE_AA, _SHIFT)
    elif separator.kind == "dot":
        spot = _fixed(np.array([[x, y]]), 0, 0)[0]
        radius = max(round(half_thick * _UNIT), 1)
        cv2.circle(ink, spot.tolist(), radius, 255, -1, cv2.LINE_AA, _SHIFT)


def render_face(params: FaceParams, px_per_mm: float, typefaces: TypefaceSet) -> PlateFace:
    """Render a face at `px_per_mm` or up to 12% finer; the result says which scale it has.

    Raises `InputError` where the typeface lacks a character.
    """
    layout = layout_of(params.layout, params.layout_seed)
    variant = layout.variant(params.variant)
    scale = quantised_scale(px_per_mm)
    master = _master_scale(scale)
    base = _base(layout, params, scale, typefaces)
    width_px, height_px = size_px = _size_px(layout, scale)
    painted_width, painted_height = _size_px(layout, master)
    shrink = (width_px / painted_width, height_px / painted_height)
    width_mm, height_mm = layout.size_mm
    fine = 4 if scale < 0.12 else 2 if scale < 0.5 else 1
    fine_scale = (fine * width_px / width_mm, fine * height_px / height_mm)

    ink = np.zeros((height_px * fine, width_px * fine), np.uint8)
    typeface = typefaces.get(params.typeface)
    stroke_mm = layout.characters.stroke_mm * params.stroke_scale
    characters: list[FaceCharacter] = []
    placed_all = _place(layout, params)
    for placed in placed_all:
        if len(placed.token) > 1:
            _draw_separator(ink, layout, placed, fine_scale)
            continue
        left, top = round(placed.left * fine_scale[0]), round(placed.top * fine_scale[1])
        width = max(round(placed.width * fine_scale[0]), 1)
        height = max(round(placed.height * fine_scale[1]), 1)
        width, height = min(width, ink.shape[1] - left), min(height, ink.shape[0] - top)
        glyph = _glyph(typeface, placed.token, width, height, stroke_mm / placed.height)
        region = ink[top : top + height, left : left + width]
        cv2.max(region, glyph, dst=region)
        x, y = left / fine_scale[0], top / fine_scale[1]
        quad = rectangle(x, y, width / fine_scale[0], height / fine_scale[1])
        characters.append(FaceCharacter(placed.token, quad, placed.line))
    ink = _resized(ink, size_px)

    rgb = _resized(base.rgb, size_px)
    embossed = params.embossed
    relief = (
        _resized(base.relief, size_px) if embossed else np.zeros((height_px, width_px), np.uint8)
    )
    drawn = iter(params.marks)
    over: list[tuple[_Sprite, tuple[float, float]]] = []

    def stick(mark: AnyMark, at: tuple[float, float]) -> None:
        choice = next(drawn, None)
        if choice is None:
            raise InputError(
                f"the parameters of a plate of layout {params.layout} hold fewer marks than the "
                "layout: the layout's file has changed since they were drawn."
            )
        if not choice.shown:
            return
        sprite: _Sprite
        if params.layout_seed is not None:
            sprite = _paint_sprite(layout, mark, choice, master, typefaces)[0]
        else:
            # Many layouts print the same sticker or month: one sprite serves all of one size.
            home = params.layout if isinstance(mark, EmblemMark) else ""
            drawn_as = (choice.colour, choice.text, typefaces)
            key = ("mark", mark.said, home, layout.size_mm, master, drawn_as)
            sprite = _CACHE.get(key, lambda: _paint_sprite(layout, mark, choice, master, typefaces))
        if mark.over:
            over.append((sprite, at))
        else:
            _paste(rgb, relief if mark.raised and embossed else None, sprite, shrink, at)

    for mark in choice_marks(layout, variant):
        stick(mark, (0.0, 0.0))
    for placed in placed_all:
        if len(placed.token) > 1:
            x = (placed.left + placed.width / 2) * width_px / width_mm
            y = placed.top * height_px / height_mm
            for mark in layout.separator(placed.token[1:-1]).marks:
                stick(mark, (x, y))

    ground = _rgb(params.ground)
    colour = _between(params.ink, ground, params.ink_wear)
    # Nothing but the lines' own rows holds ink.
    first = max(math.floor(min(p.top for p in placed_all) * height_px / height_mm) - 1, 0)
    foot = max(p.top + p.height for p in placed_all)
    rows = slice(first, math.ceil(foot * height_px / height_mm) + 1)
    _lay_ink(rgb[rows], ink[rows], colour)
    if params.rubbed:
        reach = max(round(RUBBED_EDGE_SHARE * stroke_mm * scale), 1)
        kernel = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
        middles = np.asarray(cv2.erode(ink[rows], kernel), np.uint8)
        _lay_ink(rgb[rows], middles, _between(colour, ground, params.rubbed))
    if embossed:
        relief = np.asarray(cv2.max(relief, _soften(ink, scale)), np.uint8)
    for sprite, at in over:
        _paste(rgb, None, sprite, shrink, at)
    if params.sticker is not None:
        cells = [p for p in placed_all if len(p.token) == 1]
        right_mm = max(p.left + p.width for p in cells)
        text_mm = (min(p.left for p in cells), min(p.top for p in cells), right_mm, foot)
        box = sticker_box(params.sticker, layout.size_mm, text_mm)
        if box is not None:
            _paint_sticker(rgb, params.sticker, box, (width_px / width_mm, height_px / height_mm))
    return PlateFace(
        rgb=_apply_gains(rgb, params.gains),
        alpha=_resized(base.alpha, size_px),
        relief=relief,
        ink=ink,
        px_per_mm=scale,
        characters=tuple(characters),
        text=" ".join(params.registration.lines),
        text_plain=params.registration.plain,
        line_count=len(params.registration.lines),
        bolts_mm=layout.bolts_mm,
    )


def _between(
    colour: tuple[int, int, int], other: tuple[int, int, int], share: float
) -> tuple[int, int, int]:
    """The colour that is `share` of the way from one to the other."""
    red, green, blue = (round(c + (o - c) * share) for c, o in zip(colour, other, strict=True))
    return red, green, blue


def _lay_ink(rgb: Canvas, ink: Canvas, colour: tuple[int, int, int]) -> None:
    """Paint `colour` where there is ink, on `rgb` in place."""
    bare = cv2.cvtColor(cv2.bitwise_not(ink), cv2.COLOR_GRAY2RGB)
    dimmed = cv2.multiply(rgb, bare, dst=bare, scale=1 / 255)
    painted = cv2.merge([cv2.convertScaleAbs(ink, alpha=channel / 255) for channel in colour])
    cv2.add(dimmed, painted, dst=rgb)


def _apply_gains(rgb: Canvas, gains: tuple[float, float, float]) -> Canvas:
    red, green, blue = gains
    diagonal = np.array([[red, 0.0, 0.0], [0.0, green, 0.0], [0.0, 0.0, blue]])
    return np.asarray(cv2.transform(rgb, diagonal), np.uint8)


def _specimen(name: str, seed: int, index: int) -> FaceParams:
    """A plate of a layout's commonest design and its country's grammar, fresh from the press."""
    drawn = draw_face([name], None, stream(seed, "sheet", index), None, vanity_texts=False)
    layout = layout_of(name, drawn.layout_seed)
    commonest = max(layout.variants, key=lambda variant: variant.weight)
    for attempt in range(200):
        if drawn.variant == commonest.name:
            break
        rng = stream(seed, "sheet", index, attempt)
        drawn = draw_face([name], None, rng, None, vanity_texts=False)
    return replace(drawn, ink_wear=0.0, rubbed=0.0)


def layout_sheet(
    px_per_mm: float = 0.6,
    columns: int = 4,
    seed: int = 0,
    layouts: Sequence[str] = (),
    typefaces: TypefaceSet | None = None,
) -> Canvas:
    """Every layout once with its id underneath, on grey: uint8 RGB of shape (h, w, 3).

    Each shows its commonest design with fresh ink and no text that its owner chose. Three
    random layouts follow the listed ones. `layouts` draws those ids instead.
    """
    typefaces = typefaces or default_typefaces()
    names = list(layouts) or [*layout_ids(), RANDOM, RANDOM, RANDOM]
    faces = [
        render_face(_specimen(name, seed, i), px_per_mm, typefaces) for i, name in enumerate(names)
    ]
    pad, caption = 10, 20
    column_width = max(face.rgb.shape[1] for face in faces) + 2 * pad
    rows = [faces[i : i + columns] for i in range(0, len(faces), columns)]
    heights = [max(face.rgb.shape[0] for face in row) + caption + pad for row in rows]
    sheet = np.full((sum(heights) + pad, columns * column_width, 3), 96, np.uint8)
    top = pad
    for number, row in enumerate(rows):
        for column, face in enumerate(row):
            height, width = face.alpha.shape
            left = column * column_width + (column_width - width) // 2
            region = sheet[top : top + height, left : left + width]
            alpha = face.alpha[..., None].astype(np.uint16)
            region[...] = (face.rgb * alpha + region * (255 - alpha)) // 255
            name = names[number * columns + column].rpartition("/")[2]
            words = typefaces.get("font:roboto-condensed").text(name, 14)
            text_left = max(left + (width - words.shape[1]) // 2, 0)
            spot = sheet[top + height + 4 :, text_left:]
            spot = spot[: words.shape[0], : words.shape[1]]
            np.maximum(spot, words[: spot.shape[0], : spot.shape[1], None], out=spot)
        top += heights[number]
    return sheet


__all__ = [
    "FaceCharacter",
    "FaceParams",
    "MarkDraw",
    "PlateFace",
    "StickerDraw",
    "choice_marks",
    "default_weights",
    "draw_face",
    "layout_of",
    "layout_sheet",
    "plate_size_mm",
    "quantised_scale",
    "render_face",
    "sticker_box",
]
