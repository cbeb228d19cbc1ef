"""A typeface of strokes: centre lines with a chosen weight, width, corner and terminal.

Registration plates are pressed with dies whose lettering no font package carries, and
their stroke is prescribed in millimetres. Here a character is a few centre lines in a
unit square (`data/typefaces/skeleton.toml`), and a preset (`data/typefaces/presets.toml`)
says how they are fleshed out, so that any stroke and any cell give a true shape: corners
stay circular and the stroke keeps its width when the cell is narrowed.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

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
_ARC_STEP_RAD = 0.22
_MITRE_LIMIT = 2.6
Share = Annotated[float, Field(gt=0.0, le=1.0)]


class Vertex(NamedTuple):
    """A point of a centre line in the unit square, and the radius of the corner there."""

    x: float
    y: float
    radius: str


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
    points: NDArray[np.float64], radii: list[float], closed: bool
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Points with corners rounded, shape (n, 2), and where a sharp corner is left."""
    count = len(points)
    if count < 3:
        return points, np.zeros(count, np.bool_)
    following = np.roll(points, -1, axis=0) - points
    lengths = np.maximum(np.hypot(following[:, 0], following[:, 1]), 1e-9)
    units = following / lengths[:, None]
    tangents = np.zeros(count)
    turns = np.zeros(count)
    for i in range(count):
        if not closed and i in (0, count - 1):
            continue
        before, after = units[i - 1], units[i]
        cross = before[0] * after[1] - before[1] * after[0]
        turns[i] = np.arctan2(cross, float(before @ after))
        tangents[i] = radii[i] * abs(np.tan(turns[i] / 2))
    # Neighbouring corners share a side: each is shortened until both fit on it.
    scale = np.ones(count)
    for i in range(count if closed else count - 1):
        j = (i + 1) % count
        need = tangents[i] + tangents[j]
        if need > lengths[i]:
            scale[i] = min(scale[i], lengths[i] / need)
            scale[j] = min(scale[j], lengths[i] / need)
    tangents *= scale
    placed: list[NDArray[np.float64]] = []
    sharp: list[NDArray[np.bool_]] = []
    for i in range(count):
        if tangents[i] <= 1e-6:
            placed.append(points[i : i + 1])
            sharp.append(np.array([abs(turns[i]) > 1e-6]))
            continue
        radius = tangents[i] / abs(np.tan(turns[i] / 2))
        steps = max(2, int(np.ceil(abs(turns[i]) / _ARC_STEP_RAD)) + 1)
        start = points[i] - units[i - 1] * tangents[i]
        side = np.sign(turns[i])
        normal = side * np.array([-units[i - 1][1], units[i - 1][0]])
        centre = start + normal * radius
        angles = np.linspace(0.0, turns[i], steps)
        cos, sin = np.cos(angles), np.sin(angles)
        spoke = start - centre
        placed.append(
            centre
            + np.stack([cos * spoke[0] - sin * spoke[1], sin * spoke[0] + cos * spoke[1]], axis=1)
        )
        sharp.append(np.zeros(steps, np.bool_))
    return np.concatenate(placed), np.concatenate(sharp)


def _fixed(points: NDArray[np.float64]) -> NDArray[np.int32]:
    """Continuous pixel coordinates as cv2's fixed point, which counts from pixel centres."""
    return np.rint((points - 0.5) * (1 << _SHIFT)).astype(np.int32)


def _draw_line(
    canvas: Mask,
    points: NDArray[np.float64],
    sharp: NDArray[np.bool_],
    closed: bool,
    half: float,
    round_ends: bool,
) -> None:
    """Flesh a centre line of shape (n, 2) out to `half` on either side."""
    ends = np.roll(points, -1, axis=0) if closed else points[1:]
    starts = points if closed else points[:-1]
    along = ends - starts
    lengths = np.hypot(along[:, 0], along[:, 1])
    kept = lengths > 1e-6
    normal = np.zeros_like(along)
    normal[kept, 0] = -along[kept, 1] / lengths[kept] * half
    normal[kept, 1] = along[kept, 0] / lengths[kept] * half
    quads = np.stack([starts + normal, ends + normal, ends - normal, starts - normal], axis=1)
    for quad, keep in zip(_fixed(quads), kept, strict=True):
        if keep:
            cv2.fillConvexPoly(canvas, quad, 255, cv2.LINE_8, _SHIFT)
    # Wedges close the outer side of each bend; sharp corners get a mitre.
    segments = len(starts)
    first = 0 if closed else 1
    wedges = []
    for i in range(first, segments):
        before, after = normal[i - 1], normal[i]
        corner = starts[i]
        cross = before[0] * after[1] - before[1] * after[0]
        side = -1.0 if cross > 0 else 1.0
        a, b = corner + side * before, corner + side * after
        middle = side * (before + after) / 2
        span = float(middle @ middle)
        if sharp[i] and span > (half / _MITRE_LIMIT) ** 2:
            tip = corner + middle * (half * half / span)
            wedges.append(np.array([corner, a, tip, b]))
        elif sharp[i] and span > 1e-9:
            # A limited mitre: the tip is cut square at the limit.
            out = middle / np.sqrt(span)
            tip = corner + out * half
            wedges.append(np.array([corner, a, tip, b]))
        else:
            wedges.append(np.array([corner, a, b, b]))
    for wedge in wedges:
        cv2.fillConvexPoly(canvas, _fixed(wedge), 255, cv2.LINE_8, _SHIFT)
    if round_ends and not closed:
        for end in (points[0], points[-1]):
            _draw_dot(canvas, end, half)


def _draw_dot(canvas: Mask, centre: NDArray[np.float64], radius: float) -> None:
    x, y = _fixed(centre)
    radius_fixed = max(1, round(radius * (1 << _SHIFT)))
    cv2.circle(canvas, (int(x), int(y)), radius_fixed, 255, -1, cv2.LINE_8, _SHIFT)


@dataclass(frozen=True, eq=False)
class StrokeTypeface:
    """A preset of the stroke typeface: capitals, digits, umlauts and a few marks."""

    name: str
    preset: StrokePreset
    strokes: dict[str, tuple[Stroke, ...]]
    marked: dict[str, tuple[str, Literal["dots", "ring"]]]
    splayed: frozenset[str]

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
        over = 8 if height_px <= 32 else 4 if height_px <= 160 else 2
        height = height_px * over
        stroke = min(max(stroke_ratio * height, 2.0), height / 2.5)
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
        # The filler paints the edge pixels too: half a pixel less gives the true width.
        half = max(stroke / 2 - 0.5, 0.5)
        span = np.array([max(width - stroke, 0.0), height - stroke])
        origin = np.array([pad + stroke / 2, stroke / 2])
        largest = self.preset.bowl * max(span[0], 0.0) / 2
        for line in strokes:
            unit = np.array([(vertex.x, vertex.y) for vertex in line.vertices])
            points = origin + unit * span
            if len(points) == 1:
                _draw_dot(canvas, points[0], stroke * 0.6)
                continue
            radii = [self._radius(vertex.radius, largest, stroke, span) for vertex in line.vertices]
            points, sharp = _fillet(points, radii, line.closed)
            round_ends = self.preset.terminal == "round"
            if not line.closed and not round_ends:
                points = _reach_edges(points, unit, stroke)
            _draw_line(canvas, points, sharp, line.closed, half, round_ends)
        return canvas

    def _radius(
        self, radius: str, largest: float, stroke: float, span: NDArray[np.float64]
    ) -> float:
        if radius == "o":
            return largest
        if radius == "c":
            return self.preset.corner * stroke
        return float(radius) * float(span.min())

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
                centre = np.array([middle + side * width * 0.26, radius])
                _draw_dot(canvas, centre, radius)
        else:
            radius = top * 0.5
            line = stroke * 0.55
            _draw_dot(canvas, np.array([middle, radius]), radius)
            x, y = _fixed(np.array([middle, radius]))
            hole = max(1, round((radius - line) * (1 << _SHIFT)))
            cv2.circle(canvas, (int(x), int(y)), hole, 0, -1, cv2.LINE_8, _SHIFT)
        return canvas


def _reach_edges(
    points: NDArray[np.float64], unit: NDArray[np.float64], stroke: float
) -> NDArray[np.float64]:
    """Lengthen butt ends that lie on the square's edge, so that their ink reaches it.

    Strokes that leave through the top or bottom are cut off flat by the canvas.
    """
    points = points.copy()
    for end, neighbour, spot in ((0, 1, unit[0]), (-1, -2, unit[-1])):
        along = points[end] - points[neighbour]
        length = float(np.hypot(along[0], along[1]))
        if length < 1e-6:
            continue
        along /= length
        if spot[1] in (0.0, 1.0) and abs(along[1]) > 0.35:
            points[end] += along * stroke * 1.5
        elif spot[0] in (0.0, 1.0) and abs(along[0]) > 0.8:
            points[end] += along * stroke / 2
    return points


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
                f"stroke:{name}", preset, strokes, skeleton.marked, frozenset(skeleton.splayed)
            )
        )
    return tuple(typefaces)
