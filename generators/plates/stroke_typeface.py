"""A typeface of strokes: centre lines with a chosen weight, width, corner and terminal.

Registration plates are pressed with dies whose lettering no font package carries, and
their stroke is prescribed in millimetres. Here a character is a few centre lines in a
unit square (`data/typefaces/skeleton.toml`), and a preset (`data/typefaces/presets.toml`)
says how they are fleshed out, so that any stroke and any cell give a true shape: corners
stay circular and the stroke keeps its width when the cell is narrowed.
"""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from seedbed.errors import InputError
from seedbed.generators.plates.fonts import Mask, centred
from seedbed.resources import data_path

_SHIFT = 4
"""Fractional bits of polygon corners: cv2 draws on a grid of 1/16 pixel."""
_MARK_SHARE = 0.24
"""Share of the height that the dots or ring of a marked capital take."""
_CROWDED_STROKE = 0.87
"""Dies thin the strokes of the letters that have four of them side by side."""
_ARC_STEP_RAD = 0.22
_MITRE_LIMIT = 6.0
"""Corners at the top and bottom are mitred up to here, and cut off flat by the canvas."""
Share = Annotated[float, Field(gt=0.0, le=1.0)]


class Vertex(NamedTuple):
    """A point of a centre line in the unit square, and the radius of the corner there."""

    x: float
    y: float
    radius: str


Point: TypeAlias = tuple[float, float]
Path2d: TypeAlias = list[Point]


class Corner(NamedTuple):
    """A sharp corner, and the unit directions in which the line comes and goes."""

    at: Point
    coming: Point
    going: Point


class Stroke(NamedTuple):
    """A centre line; one vertex alone is a dot."""

    vertices: tuple[Vertex, ...]
    closed: bool


class _Variant(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    char: str
    strokes: tuple[str, ...]


class _Skeleton(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    splayed: str
    crowded: str
    glyphs: dict[str, tuple[str, ...]]
    marked: dict[str, tuple[str, Literal["dots", "ring"]]]
    variants: dict[str, _Variant]


class StrokePreset(BaseModel):
    """How centre lines become ink; the fields are explained in data/typefaces/presets.toml."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    bowl: Share
    corner: float = Field(ge=0.0, le=3.0)
    terminal: Literal["butt", "round"]
    stroke: float = Field(gt=0.0, lt=0.4)
    aspect: float = Field(gt=0.1, lt=2.0)
    widths: dict[str, Share] = {}
    variants: tuple[str, ...] = ()
    glyphs: dict[str, tuple[str, ...]] = {}


def parse_stroke(text: str) -> Stroke:
    """A stroke from its notation, such as `"1,0 0,0,o 0,1 z"`.

    Raises `InputError` where a point is not `x,y` or `x,y,radius`.
    """
    words = text.split()
    closed = words[-1:] == ["z"]
    vertices = []
    for word in words[: len(words) - closed]:
        parts = word.split(",")
        try:
            if not 2 <= len(parts) <= 3:
                raise ValueError(word)
            radius = parts[2] if len(parts) == 3 else "0"
            if radius not in ("o", "c"):
                float(radius)
            vertices.append(Vertex(float(parts[0]), float(parts[1]), radius))
        except ValueError as error:
            raise InputError(
                f"stroke {text!r}: {word!r} is not a point; write x,y or x,y,radius."
            ) from error
    if not vertices:
        raise InputError(f"stroke {text!r} holds no point; write at least one x,y.")
    return Stroke(tuple(vertices), closed)


def _fillet(
    points: Path2d, radii: list[float], acute_sharp: list[bool], closed: bool
) -> tuple[Path2d, list[Corner]]:
    """Points with their corners rounded, and the sharp corners that are left.

    Where `acute_sharp` holds, a turn well over a right angle stays sharp: dies round the
    corner of an E, not the point of a Z.
    """
    count = len(points)
    if count < 3:
        return points, []
    units: list[Point] = []
    lengths: list[float] = []
    for i, (x, y) in enumerate(points):
        next_x, next_y = points[(i + 1) % count]
        length = max(math.hypot(next_x - x, next_y - y), 1e-9)
        lengths.append(length)
        units.append(((next_x - x) / length, (next_y - y) / length))
    turns = [0.0] * count
    tangents = [0.0] * count
    for i in range(0 if closed else 1, count if closed else count - 1):
        (ax, ay), (bx, by) = units[i - 1], units[i]
        turns[i] = math.atan2(ax * by - ay * bx, ax * bx + ay * by)
        stays_sharp = abs(turns[i]) > (1.8 if acute_sharp[i] else 3.1)
        if radii[i] > 0 and not stays_sharp:
            tangents[i] = radii[i] * abs(math.tan(turns[i] / 2))
    # Neighbouring corners share a side: each is shortened until both fit on it.
    scale = [1.0] * count
    for i in range(count if closed else count - 1):
        j = (i + 1) % count
        need = tangents[i] + tangents[j]
        if need > lengths[i]:
            scale[i] = min(scale[i], lengths[i] / need)
            scale[j] = min(scale[j], lengths[i] / need)
    placed: Path2d = []
    corners: list[Corner] = []
    for i, (x, y) in enumerate(points):
        tangent = tangents[i] * scale[i]
        (ax, ay), turn = units[i - 1], turns[i]
        if tangent <= 1e-6:
            placed.append((x, y))
            if abs(turn) > 1e-6:
                corners.append(Corner((x, y), units[i - 1], units[i]))
            continue
        radius = tangent / abs(math.tan(turn / 2))
        steps = max(2, math.ceil(abs(turn) / _ARC_STEP_RAD) + 1)
        side = math.copysign(1.0, turn)
        start_x, start_y = x - ax * tangent, y - ay * tangent
        centre_x, centre_y = start_x - side * ay * radius, start_y + side * ax * radius
        spoke_x, spoke_y = start_x - centre_x, start_y - centre_y
        for step in range(steps):
            angle = turn * step / (steps - 1)
            cos, sin = math.cos(angle), math.sin(angle)
            placed.append(
                (
                    centre_x + cos * spoke_x - sin * spoke_y,
                    centre_y + sin * spoke_x + cos * spoke_y,
                )
            )
    return placed, corners


def _fixed(points: Path2d) -> NDArray[np.int32]:
    """Continuous pixel coordinates as cv2's fixed point, which counts from pixel centres."""
    return np.rint((np.array(points) - 0.5) * (1 << _SHIFT)).astype(np.int32)


def _fill(canvas: Mask, points: Path2d) -> None:
    cv2.fillConvexPoly(canvas, _fixed(points), 255, cv2.LINE_8, _SHIFT)


def _mitre(corner: Corner, half: float) -> Path2d:
    """The wedge that squares the outer side of a sharp corner, cut off where it gets long."""
    (x, y), (ax, ay), (bx, by) = corner
    side = -1.0 if ax * by - ay * bx > 0 else 1.0
    out_a = (-ay * side * half, ax * side * half)
    out_b = (-by * side * half, bx * side * half)
    middle = ((out_a[0] + out_b[0]) / 2, (out_a[1] + out_b[1]) / 2)
    span = middle[0] ** 2 + middle[1] ** 2
    first, last = (x + out_a[0], y + out_a[1]), (x + out_b[0], y + out_b[1])
    if span < (half / _MITRE_LIMIT) ** 2:
        return [(x, y), first, last]
    stretch = half * half / span
    return [(x, y), first, (x + middle[0] * stretch, y + middle[1] * stretch), last]


def _square_start(path: Path2d, half: float) -> tuple[Path2d, Path2d]:
    """`path` shortened at its start so that a round cap ends there, and the quad that squares it.

    The path is walked back by `half`, along its bends, for a curl's last arc may be shorter.
    """
    (end_x, end_y), rest = path[0], path[1:]
    dx, dy = end_x - rest[0][0], end_y - rest[0][1]
    length = max(math.hypot(dx, dy), 1e-9)
    across_end = (-dy / length * half, dx / length * half)
    left = half
    x, y = end_x, end_y
    while True:
        next_x, next_y = rest[0]
        dx, dy = x - next_x, y - next_y
        length = max(math.hypot(dx, dy), 1e-9)
        if length >= left or len(rest) == 1:
            break
        left -= length
        x, y = next_x, next_y
        rest = rest[1:]
    back = min(left, length)
    stop = (x - dx / length * back, y - dy / length * back)
    across = (-dy / length * half, dx / length * half)
    quad = [
        (stop[0] + across[0], stop[1] + across[1]),
        (end_x + across_end[0], end_y + across_end[1]),
        (end_x - across_end[0], end_y - across_end[1]),
        (stop[0] - across[0], stop[1] - across[1]),
    ]
    return [stop, *rest], quad


def _draw_dot(canvas: Mask, centre: Point, radius: float, ink: int = 255) -> None:
    ((x, y),) = _fixed([centre]).tolist()
    reach = max(1, round(radius * (1 << _SHIFT)))
    cv2.circle(canvas, (x, y), reach, ink, -1, cv2.LINE_8, _SHIFT)


@dataclass(frozen=True, eq=False)
class StrokeTypeface:
    """A preset of the stroke typeface: capitals, digits, umlauts and a few marks."""

    name: str
    preset: StrokePreset
    strokes: dict[str, tuple[Stroke, ...]]
    marked: dict[str, tuple[str, Literal["dots", "ring"]]]
    splayed: frozenset[str]
    crowded: frozenset[str]

    def supports(self, char: str) -> bool:
        """Whether `char` is drawn: the space counts, lower case does not."""
        return char == " " or char in self.strokes or char in self.marked

    def glyph(self, char: str, width_px: int, height_px: int, stroke_ratio: float) -> Mask:
        """`char` in a cell of (height_px, width_px) with strokes of that share of the height."""
        if char == " ":
            return np.zeros((height_px, width_px), np.uint8)
        return centred(self._ink(char, width_px, height_px, stroke_ratio), width_px)

    def text(self, text: str, height_px: int) -> Mask:
        """`text` set with even gaps in the preset's own proportions, shape (height_px, w)."""
        cell_px = max(1, round(height_px * self.preset.aspect))
        gap = np.zeros((height_px, max(1, round(height_px * 0.16))), np.uint8)
        pieces: list[Mask] = []
        for char in text:
            if char == " ":
                pieces.append(np.zeros((height_px, max(1, round(cell_px * 0.4))), np.uint8))
                continue
            pieces += [self._ink(char, cell_px, height_px, self.preset.stroke), gap]
        if pieces and pieces[-1] is gap:
            pieces.pop()
        return np.concatenate(pieces, axis=1) if pieces else gap

    def _ink(self, char: str, width_px: int, height_px: int, stroke_ratio: float) -> Mask:
        """`char` without side bearings, shape (height_px, w) with w at most `width_px`."""
        over = 8 if height_px <= 32 else 3 if height_px <= 160 else 2
        height = height_px * over
        stroke = min(max(stroke_ratio * height, 2.0), height / 2.5)
        if char in self.crowded:
            stroke *= _CROWDED_STROKE
        share = self.preset.widths.get(self.marked.get(char, (char,))[0], 1.0)
        width = max(width_px * over * share, stroke)
        if char in self.marked:
            base, mark = self.marked[char]
            canvas = self._draw_marked(base, mark, width, height, stroke)
        else:
            canvas = self._draw(char, width, height, stroke)
        x, _, ink_width, _ = cv2.boundingRect(canvas)
        target = min(max(round(min(ink_width, width) / over), 1), width_px)
        ink = canvas[:, x : x + max(ink_width, 1)]
        return np.asarray(cv2.resize(ink, (target, height_px), interpolation=cv2.INTER_AREA))

    def _draw(self, char: str, width: float, height: int, stroke: float) -> Mask:
        """`char` at the oversampled scale, shape (height, any width)."""
        strokes = self.strokes[char]
        xs = [vertex.x for line in strokes for vertex in line.vertices]
        if max(xs) == min(xs):
            width = stroke
        pad = stroke if char in self.splayed else 0.0
        canvas = np.zeros((height, int(np.ceil(width + 2 * pad))), np.uint8)
        # Both fillers take in edge pixels: an even thickness t paints t + 1 pixels, and so
        # does a polygon t wide.
        thickness = max(2, 2 * round((stroke - 1) / 2))
        half = thickness / 2
        span_x, span_y = max(width - stroke, 0.0), height - stroke
        left, top = pad + stroke / 2, stroke / 2
        largest = self.preset.bowl * span_x / 2
        butt = self.preset.terminal == "butt"
        for line in strokes:
            points = [(left + v.x * span_x, top + v.y * span_y) for v in line.vertices]
            if len(points) == 1:
                _draw_dot(canvas, points[0], stroke / 2)
                continue
            radii = [
                self._radius(v.radius, largest, stroke, min(span_x, span_y)) for v in line.vertices
            ]
            acute_sharp = [v.radius == "c" for v in line.vertices]
            path, corners = _fillet(points, radii, acute_sharp, line.closed)
            wedges = [
                _mitre(corner, half)
                for corner in corners
                if butt and min(corner.at[1] - top, top + span_y - corner.at[1]) < 1.0
            ]
            if butt and not line.closed:
                path = list(path)
                path[0] = _reach_edge(path[0], path[1], line.vertices[0], stroke)
                path[-1] = _reach_edge(path[-1], path[-2], line.vertices[-1], stroke)
                for _ in range(2):
                    path, quad = _square_start(path, half)
                    path.reverse()
                    wedges.append(quad)
            cv2.polylines(canvas, [_fixed(path)], line.closed, 255, thickness, cv2.LINE_8, _SHIFT)
            for wedge in wedges:
                _fill(canvas, wedge)
        return canvas

    def _radius(self, radius: str, largest: float, stroke: float, smaller_side: float) -> float:
        if radius == "o":
            return largest
        if radius == "c":
            return self.preset.corner * stroke
        return float(radius) * smaller_side

    def _draw_marked(
        self, base: str, mark: Literal["dots", "ring"], width: float, height: int, stroke: float
    ) -> Mask:
        top = round(height * _MARK_SHARE)
        letter = self._draw(base, width, height - top, stroke * 0.92)
        canvas = np.zeros((height, letter.shape[1]), np.uint8)
        canvas[top:] = letter
        middle = letter.shape[1] / 2
        if mark == "dots":
            radius = min(top * 0.42, stroke * 0.62)
            for side in (-1, 1):
                _draw_dot(canvas, (middle + side * width * 0.26, radius), radius)
        else:
            radius = top * 0.5
            line = stroke * 0.55
            _draw_dot(canvas, (middle, radius), radius)
            _draw_dot(canvas, (middle, radius), radius - line, ink=0)
        return canvas


def _reach_edge(end: Point, neighbour: Point, spot: Vertex, stroke: float) -> Point:
    """A butt end lengthened, where it lies on the square's edge, so that its ink reaches it.

    Strokes that leave through the top or bottom are cut off flat by the canvas.
    """
    dx, dy = end[0] - neighbour[0], end[1] - neighbour[1]
    length = math.hypot(dx, dy)
    if length < 1e-6:
        return end
    if spot.y in (0.0, 1.0) and abs(dy) > 0.35 * length:
        reach = stroke * 1.5
    elif spot.x in (0.0, 1.0) and abs(dx) > 0.8 * length:
        reach = stroke / 2
    else:
        return end
    return (end[0] + dx / length * reach, end[1] + dy / length * reach)


def _validated(path: Path) -> tuple[_Skeleton, dict[str, StrokePreset]]:
    """The skeleton and presets in folder `path`. Raises `InputError` naming file and key."""
    try:
        skeleton = _Skeleton.model_validate(
            tomllib.loads((path / "skeleton.toml").read_text(encoding="utf-8"))
        )
        presets = {
            name: StrokePreset.model_validate(values)
            for name, values in tomllib.loads(
                (path / "presets.toml").read_text(encoding="utf-8")
            ).items()
        }
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise InputError(f"stroke typeface in {path}: {error}") from error
    for name, preset in presets.items():
        for variant in preset.variants:
            if variant not in skeleton.variants:
                raise InputError(
                    f"{path / 'presets.toml'}: {name}.variants: {variant!r} is not in skeleton.toml"
                    f"; choose from {', '.join(sorted(skeleton.variants))}."
                )
    return skeleton, presets


@lru_cache(maxsize=1)
def stroke_typefaces() -> tuple[StrokeTypeface, ...]:
    """Every preset as `stroke:PRESET`, read once. Raises `InputError` on broken data files."""
    skeleton, presets = _validated(data_path("typefaces"))
    typefaces = []
    for name, preset in presets.items():
        notation = dict(skeleton.glyphs)
        for variant in preset.variants:
            chosen = skeleton.variants[variant]
            notation[chosen.char] = chosen.strokes
        notation.update(preset.glyphs)
        strokes = {
            char: tuple(parse_stroke(text) for text in texts) for char, texts in notation.items()
        }
        typefaces.append(
            StrokeTypeface(
                f"stroke:{name}",
                preset,
                strokes,
                skeleton.marked,
                frozenset(skeleton.splayed),
                frozenset(skeleton.crowded),
            )
        )
    return tuple(typefaces)
