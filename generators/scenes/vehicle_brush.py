"""A brush that paints shapes given in millimetres on a vehicle's curved skin.

Shapes are collected first, projected in one call and then filled in painter's order.
Smooth light is added once for the whole vehicle: normals of a coarse mesh of the skin are
lit into two maps of a few dozen pixels, one that multiplies and one that adds (the
mirrored sky and ground), which are enlarged over the vehicle's region. So every edge is
as sharp as the frame allows and every gradient is smooth, at the cost of a few passes
over the region.

Heights `h` count upwards from the ground, `x` to the right of the vehicle's middle and
`z` away from the viewer, all in millimetres.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, pairwise
from operator import sub
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from seedbed.generators.scenes.camera import Pose
from seedbed.generators.scenes.light import Light
from seedbed.generators.scenes.scratch import scratch
from seedbed.generators.scenes.texture import tile
from seedbed.geometry import Points

Colour = tuple[float, float, float]
Outline = Sequence[tuple[float, ...]]

RAW, SKIN, SPAN, SIDE = 0, 1, 2, 3
"""How a point's numbers are read: (x, h, z); (x, h, lift) on the near face; the same with
x as a share of the half width there; (side, h, z) on the flank, side being -1 or 1."""

SHIFT = 4
LIMIT_PX = 12_000.0
SEEN_PX = 1.6
"""Details smaller than this are left out: they would only tint the pixels they touch."""
FAINT_PX = 0.5
"""Pen lines thinner than this, which would fade into what lies under them, likewise."""
FACE_DEPTHS_MM = (-150.0, 1600.0)
"""Between these depths lies the near face, from a bull bar to a leaning window's top."""


@dataclass(frozen=True)
class Knot:
    """One height of a vehicle's near profile.

    `z` is the middle's depth, `half_width` its half width, and `corner` how much
    deeper the outer edge lies than the middle, all in millimetres.
    """

    h: float
    z: float
    half_width: float
    corner: float


class Skin:
    """The near face and the flanks of a vehicle as a surface swept along its profile."""

    def __init__(self, knots: Sequence[Knot], far: Sequence[tuple[float, float]]) -> None:
        """`knots` rise strictly; `far` lists the far end's (z, h) from the roof to the sill."""
        self.knots = knots
        self.far = far
        self.h = np.array([k.h for k in knots])
        self.table = np.array([[k.z, k.half_width, k.corner] for k in knots]).T

    def half_width(self, h: float) -> float:
        """Half the width at a height, in millimetres."""
        return float(np.interp(h, self.h, self.table[1]))

    def depth(self, h: float) -> float:
        """The middle's depth at a height, in millimetres."""
        return float(np.interp(h, self.h, self.table[0]))

    def place(self, values: NDArray[np.float64], modes: NDArray[np.int64]) -> NDArray[np.float64]:
        """(n, 3) numbers read by their (n,) modes as points (x, h, z)."""
        first, h, third = values[:, 0], values[:, 1], values[:, 2]
        z = np.interp(h, self.h, self.table[0])
        width = np.interp(h, self.h, self.table[1])
        corner = np.interp(h, self.h, self.table[2])
        x = np.where(modes >= SPAN, first * width, first)
        aside = np.abs(x)
        # What reaches past the edge of the face is wrapped on to the flank.
        past = (aside - np.minimum(aside, width)) * (modes == SKIN)
        aside -= past
        share = np.minimum(aside / width, 1.0)
        share *= share
        share *= share
        share *= corner
        past *= 2.5
        on_face = (modes == SKIN) | (modes == SPAN)
        placed = np.empty_like(values)
        placed[:, 0], placed[:, 1] = np.copysign(aside, x), h
        placed[:, 2] = np.where(on_face, z + share + past - third, third)
        return placed

    def span_into(self, placed: NDArray[np.float64], heights: NDArray[np.float64]) -> None:
        """Write the near face's points at n heights and the shares of `_ALONG`, (n, m, 3)."""
        z, width, corner = (np.interp(heights, self.h, row)[:, None] for row in self.table)
        placed[:, :, 0] = width * _ALONG
        placed[:, :, 1] = heights[:, None]
        placed[:, :, 2] = z + corner * _ALONG_DEPTH


_ALONG = np.array([-1.0, -0.94, -0.78, -0.42, 0.42, 0.78, 0.94, 1.0])
"""Shares of the half width where the mesh for the light has its columns."""
_ALONG_DEPTH = _ALONG**4
MOTTLE_POLISH = 0.6
"""Panels as glossy as this show what they mirror, not their own unevenness."""

FAINT_CONTRAST = 130.0
"""The sum over RGB up to which a line does not stand out from what lies under it."""

_SPECK = (1 << 2 * SHIFT) // 3
"""A box of a third of a pixel, in fixed point: what fills it need not be filled."""

_BANK = 64
"""How many different surroundings are mirrored; each follows from its number alone."""


@lru_cache(maxsize=_BANK)
def _mirrored_scene(seed: int) -> NDArray[np.uint8]:
    """What a pane mirrors, (96, 128) uint8: sky over a skyline, and a slanted bright streak."""
    rng = np.random.default_rng(np.random.PCG64(seed))
    rows = np.arange(96)[:, None] / 4
    walk = rng.uniform(9, 20) + np.cumsum(rng.normal(0, 1.1, 32))
    roofs = np.repeat(rng.normal(0, 0.8, 16), 8)
    skyline = np.interp(np.arange(128) / 4, np.arange(32), walk) + roofs
    scene = 0.18 + np.clip(2.5 * (skyline[None] - rows), 0, 1) * (0.62 + 0.4 * rows / 24)
    lean = rng.uniform(-0.6, 0.6)
    streak = np.arange(128)[None] / 128 + lean * rows / 24 - rng.uniform(0.1, 0.9)
    scene = scene + 0.3 * (np.abs(streak) < rng.uniform(0.04, 0.16))
    grey = np.asarray(np.clip(scene * 200, 0, 255), dtype=np.uint8)
    return np.asarray(cv2.GaussianBlur(grey, (3, 3), 0), dtype=np.uint8)


@lru_cache(maxsize=_BANK)
def _surroundings(number: int) -> NDArray[np.uint8]:
    """What glossy paint mirrors, (96, 192) uint8, about 128 in the mean.

    Sky over buildings, cars and trees, bent into long streaks as curved panels bend them.
    """
    rng = np.random.default_rng(np.random.PCG64([number, 7]))
    high, wide = 96, 192
    scene = np.repeat(np.linspace(178, 96, high)[:, None], wide, axis=1).astype(np.float32)
    for _ in range(int(rng.integers(3, 8))):
        x, y = int(rng.integers(-20, wide)), int(rng.integers(20, 56))
        across, down = int(rng.integers(12, 80)), int(rng.integers(8, 40))
        tone = float(rng.uniform(40, 130))
        cv2.rectangle(scene, (x, y), (x + across, y + down), tone, -1)
    for _ in range(int(rng.integers(2, 7))):
        # Lamps, panes and bright gaps between dark things.
        centre = (int(rng.integers(0, wide)), int(rng.integers(0, high)))
        axes = (int(rng.integers(3, 30)), int(rng.integers(1, 5)))
        tone, turn = float(rng.uniform(190, 255)), float(rng.normal(0, 8))
        cv2.ellipse(scene, centre, axes, turn, 0, 360, tone, -1)
    grid_x, grid_y = np.meshgrid(
        np.arange(wide, dtype=np.float32), np.arange(high, dtype=np.float32)
    )
    bend, phase = rng.uniform(2, 9, 2), rng.uniform(0, 6.3, 2)
    sunk = grid_y + bend[0] * np.sin(grid_x / rng.uniform(14, 40) + phase[0])
    moved = grid_x + bend[1] * np.sin(grid_y / rng.uniform(6, 18) + phase[1])
    bent = cv2.remap(
        scene, moved.astype(np.float32), sunk.astype(np.float32), cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT,
    )  # fmt: skip
    bent = cv2.GaussianBlur(bent, (0, 0), float(rng.uniform(0.6, 2.2)))
    return np.asarray(np.clip(bent + (128 - bent.mean()), 0, 255), np.uint8)


@lru_cache(maxsize=4)
def _halo(size: int) -> NDArray[np.uint8]:
    """A round glow, (size, size) uint8: a bright core with a long tail."""
    axis = (np.arange(size) + 0.5) / size * 2 - 1
    distance = np.hypot(axis[None], axis[:, None])
    glow = np.exp(-((distance * 4.5) ** 2)) + 0.35 * np.exp(-((distance * 2.2) ** 2))
    edge = np.clip(1 - distance, 0, 1)
    return np.asarray(np.clip(glow * np.minimum(edge * 4, 1) * 200, 0, 255), dtype=np.uint8)


class Brush:
    """Collects a vehicle's shapes and paints them into a frame."""

    def __init__(
        self,
        frame: NDArray[np.uint8],
        pose: Pose,
        light: Light,
        skin: Skin,
        plate_at: tuple[float, float],
        seed: int,
    ) -> None:
        """`plate_at` is the plate centre's (x, h) on the vehicle, in millimetres."""
        self.frame, self.pose, self.light, self.skin = frame, pose, light, skin
        self.plate_at = plate_at
        self.seed = seed
        self.scale = pose.px_per_mm()
        rotation, translation = pose.rotation(), pose.translation()
        self._rotation = rotation
        # From (x, h, z) on the vehicle to camera axes: h counts upwards, the camera's y down.
        self._to_camera = np.ascontiguousarray((rotation * (1.0, -1.0, 1.0)).T)
        self._offset = translation - (plate_at[0], plate_at[1], 0.0) @ self._to_camera
        eye = -rotation.T @ translation
        self.eye = np.array([eye[0] + plate_at[0], plate_at[1] - eye[1], eye[2]])
        towards = rotation.T @ np.array(light.direction)
        self.sun = np.array([towards[0], -towards[1], towards[2]])
        self.infrared = light.hour == "infrared"
        dark = light.hour in ("night", "flash", "infrared")
        # A lamp or flash lights the panels, but the sky they mirror stays dark.
        self.skylight = min(light.ambient + (0.0 if dark else 0.5 * light.key), 1.1)
        self._window = self._seen_window()
        self._values: list[tuple[float, ...]] = []
        self._runs: list[tuple[int, int, int]] = []
        self._jobs: list[tuple[str, int, int, Colour, Any]] = []
        self._outlines: list[tuple[int, int]] = []
        self.outline_px: list[Points] = []
        self._convex_outlines: list[bool] = []

    def _seen_window(self) -> tuple[float, float, float, float]:
        """What the frame shows of the near face and what leans back from it: x0, h0, x1, h1."""
        height, width = self.frame.shape[:2]
        (cx, cy), focal = self.pose.principal_px, self.pose.focal_px
        # Rays through the frame's corners meet the planes that bound the face.
        left, right, up, down = (
            -cx / focal,
            (width - cx) / focal,
            -cy / focal,
            (height - cy) / focal,
        )
        rays = np.array([(left, up, 1.0), (right, up, 1.0), (right, down, 1.0), (left, down, 1.0)])
        across, below, ahead = (rays @ self._rotation).T
        eye_x, eye_h, eye_z = self.eye.tolist()
        if ahead.min() < 0.02 or eye_z > FACE_DEPTHS_MM[0] - 1:
            return -math.inf, -math.inf, math.inf, math.inf
        steps = [(depth - eye_z) / ahead for depth in FACE_DEPTHS_MM]
        x = np.concatenate([step * across for step in steps])
        h = np.concatenate([step * -below for step in steps])
        return (
            eye_x + float(x.min()), eye_h + float(h.min()),
            eye_x + float(x.max()), eye_h + float(h.max()),
        )  # fmt: skip

    def shows(self, x0: float, h0: float, x1: float, h1: float) -> bool:
        """Whether the frame may show something between these places on the near face."""
        left, low, right, high = self._window
        return x1 > left and x0 < right and h1 > low and h0 < high

    def shows_outline(self, points: Sequence[tuple[float, float]], side: float = 1.0) -> bool:
        """Whether the frame may show an outline on the near face, or its mirror for side -1."""
        xs, hs = [side * x for x, _ in points], [h for _, h in points]
        return self.shows(min(xs) - 60, min(hs), max(xs) + 60, max(hs))

    def sees(self, size_mm: float) -> bool:
        """Whether something of that size covers more than a pixel at the plate's distance."""
        return size_mm * self.scale >= SEEN_PX

    def tint(self, colour: Colour) -> Colour:
        """A colour as painted: grey under infrared light, where red is bright."""
        if not self.infrared:
            return colour
        grey = 0.6 * colour[0] + 0.25 * colour[1] + 0.15 * colour[2]
        return grey, grey, grey

    def add(self, mode: int, points: Outline) -> tuple[int, int]:
        """Store points and return where they stand; two-number points get a third of 0."""
        start = len(self._values)
        self._values.extend(points)
        self._runs.append((mode, len(points), len(points[0])))
        return start, len(self._values)

    def fill(
        self,
        mode: int,
        points: Outline,
        colour: Colour,
        outline: bool = False,
        convex: bool = False,
    ) -> None:
        """A filled polygon; `outline` makes it part of the silhouette.

        `convex` ones fill faster; up to four corners always count as such.
        """
        start, stop = self.add(mode, points)
        self._queue("convex" if convex else "fill", start, stop, colour, outline)

    def fill_mixed(
        self, parts: Iterable[tuple[int, Outline]], colour: Colour, outline: bool = False
    ) -> None:
        """A filled polygon whose runs of points are read in different modes."""
        spans = [self.add(mode, points) for mode, points in parts]
        self._queue("fill", spans[0][0], spans[-1][1], colour, outline)

    def hull(self, mode: int, points: Outline, colour: Colour, outline: bool = False) -> None:
        """The filled convex hull of points as seen."""
        start, stop = self.add(mode, points)
        self._queue("hull", start, stop, colour, outline)

    def line(
        self,
        mode: int,
        points: Outline,
        colour: Colour,
        width_mm: float,
        under: Colour | None = None,
        closed: bool = False,
    ) -> None:
        """A pen line; thinner than a pixel it fades into `under`, the colour beneath."""
        width_px = width_mm * self.scale
        if under is not None and width_px < 1:
            if width_px < FAINT_PX:
                return
            share = max(width_px, 0.25)
            colour = (
                colour[0] * share + under[0] * (1 - share),
                colour[1] * share + under[1] * (1 - share),
                colour[2] * share + under[2] * (1 - share),
            )
        start, stop = self.add(mode, points)
        # A wide line with smooth edges costs four times as much: only where it stands out.
        stands_out = under is None or sum(map(abs, map(sub, colour, under))) > FAINT_CONTRAST
        smooth = stands_out or width_px < 1.5
        extra = (closed, max(1, round(width_px)), cv2.LINE_AA if smooth else cv2.LINE_8)
        self._jobs.append(("line", start, stop, self.tint(colour), extra))

    def strokes(
        self, mode: int, strokes: Sequence[Outline], colour: Colour, width_mm: float
    ) -> None:
        """Pen lines of one colour and width, painted together."""
        spans = [self.add(mode, points) for points in strokes]
        if spans:
            width_px = max(1, round(width_mm * self.scale))
            ends = [stop - spans[0][0] for _, stop in spans]
            self._jobs.append(
                ("strokes", spans[0][0], spans[-1][1], self.tint(colour), (ends, width_px))
            )

    def sheen(self, mode: int, points: Outline, strength: float, seed: int, sky: Colour) -> None:
        """What a pane mirrors, added inside a polygon: sky above, dark things below."""
        start, stop = self.add(mode, points)
        self._jobs.append(("sheen", start, stop, self.tint(sky), (strength, seed)))

    def glow(self, mode: int, at: tuple[float, ...], colour: Colour, radius_mm: float) -> None:
        """A lit lamp's bloom, painted over what is there."""
        start, stop = self.add(mode, [at])
        radius_px = min(radius_mm * self.scale, 260.0)
        self._jobs.append(("glow", start, stop, self.tint(colour), radius_px))

    def shade(self, gloss: float, dirt: float, dirt_colour: Colour) -> None:
        """Light everything painted so far inside the silhouette."""
        self._jobs.append(("shade", 0, 0, self.tint(dirt_colour), (gloss, dirt)))

    def _queue(self, job: str, start: int, stop: int, colour: Colour, outline: bool) -> None:
        self._jobs.append((job, start, stop, self.tint(colour), outline))

    def to_pixels(self, points: NDArray[np.float64]) -> Points:
        """(n, 3) points (x, h, z) as continuous pixels, kept within what OpenCV can fill."""
        # The same as `Pose.project`, with all that is the same for the vehicle worked out once.
        inside = points @ self._to_camera
        inside += self._offset
        shrink = self.pose.focal_px / np.maximum(inside[:, 2:], 1.0)
        pixels = inside[:, :2] * shrink
        pixels += self.pose.principal_px
        np.minimum(pixels, LIMIT_PX, out=pixels)
        return np.asarray(np.maximum(pixels, -LIMIT_PX, out=pixels))

    def paint(self) -> None:
        """Paint all that was collected, and forget it."""
        flat = np.array(list(chain.from_iterable(self._values)), np.float64)
        run_modes, counts, run_sizes = np.array(self._runs, dtype=np.int64).reshape(-1, 3).T
        modes, sizes = run_modes.repeat(counts), run_sizes.repeat(counts)
        starts = sizes.cumsum() - sizes
        values = np.empty((len(starts), 3))
        values[:, 0], values[:, 1] = flat[starts], flat[starts + 1]
        values[:, 2] = flat[starts + sizes - 1] * (sizes == 3)
        pixels = self.to_pixels(self.skin.place(values, modes))
        fixed = np.rint((pixels - 0.5) * (1 << SHIFT)).astype(np.int32)
        # Jobs stand in the order of their points, so one pass finds the box of each.
        firsts = [start for _, start, stop, _, _ in self._jobs if stop > start]
        lows = np.minimum.reduceat(fixed, firsts).tolist() if firsts else []
        highs = np.maximum.reduceat(fixed, firsts).tolist() if firsts else []
        boxes = zip(lows, highs, strict=True)
        frame = self.frame
        limit_x, limit_y = frame.shape[1] << SHIFT, frame.shape[0] << SHIFT
        for job, start, stop, colour, extra in self._jobs:
            if stop == start:
                self._paint_shade(colour, *extra)
                continue
            (left, top), (right, bottom) = next(boxes)
            span = fixed[start:stop]
            if job in ("fill", "convex"):
                convex = stop - start <= 4 or job == "convex"
                if extra:
                    self.outline_px.append(pixels[start:stop])
                    self._convex_outlines.append(convex)
                if right < 0 or bottom < 0 or left > limit_x or top > limit_y:
                    continue
                if (right - left) * (bottom - top) < _SPECK and not extra:
                    continue
                if convex:
                    cv2.fillConvexPoly(frame, span, colour, cv2.LINE_AA, SHIFT)
                else:
                    cv2.fillPoly(frame, [span], colour, cv2.LINE_AA, SHIFT)
            elif job == "line":
                closed, width_px, kind = extra
                reach = width_px << SHIFT
                if -reach < min(right, bottom) and left < limit_x + reach and top < limit_y + reach:
                    cv2.polylines(frame, [span], closed, colour, width_px, kind, SHIFT)
            elif job == "strokes":
                ends, width_px = extra
                if right > 0 and bottom > 0 and left < limit_x and top < limit_y:
                    lines = [span[a:b] for a, b in pairwise([0, *ends])]
                    cv2.polylines(frame, lines, False, colour, width_px, cv2.LINE_AA, SHIFT)
            elif job == "hull":
                wrapped = cv2.convexHull(span)
                if right >= 0 and bottom >= 0 and left <= limit_x and top <= limit_y:
                    cv2.fillConvexPoly(frame, wrapped, colour, cv2.LINE_AA, SHIFT)
                if extra:
                    self.outline_px.append(wrapped[:, 0] / (1 << SHIFT) + 0.5)
                    self._convex_outlines.append(True)
            elif job == "sheen":
                self._paint_sheen(span, pixels[start:stop], colour, *extra)
            else:
                self._paint_glow(pixels[start], colour, extra)
        self._values, self._runs, self._jobs = [], [], []

    def _region(self, pixels: Points, margin: float = 1.0) -> tuple[int, int, int, int] | None:
        """The part of the frame that points span, (left, top, right, bottom), or None."""
        height, width = self.frame.shape[:2]
        left, top = pixels.min(axis=0).tolist()
        right, bottom = pixels.max(axis=0).tolist()
        box = (
            max(math.floor(left - margin), 0),
            max(math.floor(top - margin), 0),
            min(math.ceil(right + margin), width),
            min(math.ceil(bottom + margin), height),
        )
        return box if box[2] - box[0] >= 2 and box[3] - box[1] >= 2 else None

    def _paint_sheen(
        self,
        span: NDArray[np.int32],
        pixels: Points,
        colour: Colour,
        strength: float,
        seed: int,
    ) -> None:
        box = self._region(pixels)
        if box is None:
            return
        left, top, right, bottom = box
        region = self.frame[top:bottom, left:right]
        high, wide = region.shape[:2]
        mask, tripled = scratch("mask", (high, wide)), scratch("full", (high, wide, 3))
        mask[:] = 0
        cv2.fillPoly(mask, [span - (left << SHIFT, top << SHIFT)], 255, cv2.LINE_AA, SHIFT)
        (low_x, low_y), (high_x, high_y) = pixels.min(axis=0).tolist(), pixels.max(axis=0).tolist()
        # The mirrored scene belongs to the whole pane, so a cropped pane shows its share.
        scene = _mirrored_scene(seed % _BANK)
        rows, columns = scene.shape
        per_x, per_y = columns / max(high_x - low_x, 1.0), rows / max(high_y - low_y, 1.0)
        x0, y0 = (left - low_x) * per_x, (top - low_y) * per_y
        x1, y1 = (right - low_x) * per_x, (bottom - low_y) * per_y
        x0, y0 = min(max(int(x0), 0), columns - 2), min(max(int(y0), 0), rows - 2)
        part = scene[y0 : max(math.ceil(y1), y0 + 2), x0 : max(math.ceil(x1), x0 + 2)]
        tone = cv2.merge([cv2.convertScaleAbs(part, alpha=strength * c / 200) for c in colour])
        mirrored = scratch("over", (high, wide, 3))
        cv2.resize(tone, (wide, high), dst=mirrored, interpolation=cv2.INTER_LINEAR)
        cv2.cvtColor(mask, cv2.COLOR_GRAY2BGR, dst=tripled)
        cv2.multiply(mirrored, tripled, dst=mirrored, scale=1 / 255)
        cv2.add(region, mirrored, dst=region)

    def _paint_glow(self, at: Points, colour: Colour, radius_px: float) -> None:
        if radius_px < 1.5:
            return
        corners = np.array([at - radius_px, at + radius_px])
        box = self._region(corners, margin=0.0)
        if box is None:
            return
        left, top, right, bottom = box
        scale = 64 / (2 * radius_px)
        warp = np.array([
            [scale, 0, (left + 0.5 - corners[0, 0]) * scale - 0.5],
            [0, scale, (top + 0.5 - corners[0, 1]) * scale - 0.5],
        ])  # fmt: skip
        halo = cv2.warpAffine(
            _halo(64), warp, (right - left, bottom - top),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        )  # fmt: skip
        region = self.frame[top:bottom, left:right]
        tinted = cv2.merge([cv2.convertScaleAbs(halo, alpha=c / 255) for c in colour])
        cv2.add(region, tinted, dst=region)

    def _mesh(self) -> NDArray[np.float64]:
        """Points of the skin, (rows, columns, 3), top row first; a seen flank adds a column."""
        heights = self.skin.h.tolist()
        steps = [heights[-1]]
        for high, low in pairwise(reversed(heights)):
            parts = max(1, min(3, int((high - low) / 150)))
            if parts > 1:
                steps += [high + (low - high) * i / parts for i in range(1, parts)]
            steps.append(low)
        aside = float(self.eye[0])
        seen = abs(aside) > self.skin.half_width(heights[0])
        left, right = seen and aside < 0, seen and aside > 0
        columns = len(_ALONG) + left + right
        mesh = np.empty((len(steps), columns, 3))
        self.skin.span_into(mesh[:, left : columns - right], np.array(steps))
        deep = max(z for z, _ in self.skin.far)
        if left:
            mesh[:, 0, :2], mesh[:, 0, 2] = mesh[:, 1, :2], deep
        if right:
            mesh[:, -1, :2], mesh[:, -1, 2] = mesh[:, -2, :2], deep
        return mesh

    def _paint_shade(self, dirt_colour: Colour, gloss: float, dirt: float) -> None:
        if not self.outline_px:
            return
        box = self._region(np.concatenate(self.outline_px))
        if box is None:
            return
        left, top, right, bottom = box
        wide, high = right - left, bottom - top
        light = self.light
        if max(wide, high) < 130:
            self._paint_plain_shade(box, gloss, dirt)
            return
        mesh = self._mesh()
        # Corners of each facet: top left, top right, bottom right, bottom left.
        a, b, c, d = mesh[:-1, :-1], mesh[:-1, 1:], mesh[1:, 1:], mesh[1:, :-1]
        # Axis by axis: numpy's own cross product costs thrice as much on so few facets.
        first_x, first_y, first_z = np.moveaxis(c - a, 2, 0).reshape(3, -1)
        second_x, second_y, second_z = np.moveaxis(d - b, 2, 0).reshape(3, -1)
        normal = np.empty((first_x.size, 3))
        normal[:, 0] = first_y * second_z - first_z * second_y
        normal[:, 1] = first_z * second_x - first_x * second_z
        normal[:, 2] = first_x * second_y - first_y * second_x
        normal /= np.sqrt(np.einsum("ij,ij->i", normal, normal) + 1e-9)[:, None]
        centre = ((a + c) * 0.5).reshape(-1, 3)
        view = centre - self.eye
        view /= np.sqrt(np.einsum("ij,ij->i", view, view) + 1e-9)[:, None]
        facing = -np.einsum("ij,ij->i", view, normal)
        brightness = min(light.ambient + 0.5 * light.key, 1.1)
        height = centre[:, 1]
        low = np.minimum(np.maximum((height - 120) * (0.38 / 420), 0), 0.38)
        ambient = light.ambient * 1.25 * (0.75 + 0.3 * normal[:, 1]) * (0.62 + low)
        # Diffuse light off the ground and surroundings keeps the shaded side readable.
        lit = np.maximum(normal @ (1.05 * light.key * self.sun), 0.0)
        strength = ambient + lit + 0.30 * light.key
        # A shoulder as film and sensors have: bright panels keep their shape.
        strength -= 0.55 * np.maximum(strength - 0.9, 0.0)
        mirrored = view + (2 * facing)[:, None] * normal
        up = mirrored[:, 1]
        # What stands around is uneven: two waves along the skyline, one along the ground.
        around = mirrored[:, 0] * 1.3
        wobble = [self.seed % prime / prime * 6.3 for prime in (101, 103, 107)]
        skyline = 0.10 + 0.10 * np.sin(around * 3 + wobble[0])
        skyline += 0.07 * np.sin(around * 8 + wobble[1])
        ground = 0.34 + 0.16 * np.sin(around * 2 + wobble[2])
        edge = np.minimum(np.maximum((up - skyline) / 0.07, 0), 1)
        trees = np.minimum(np.maximum((up + 0.1) / 0.12, 0), 1 - edge)
        sky = 0.95 - 0.35 * np.maximum(up, 0)
        ground *= 1 - 0.65 * trees
        scene = ground + edge * (sky - ground)
        away = 1 - facing
        away *= away
        fresnel = 0.13 + 0.75 * away * away
        glint = np.maximum(mirrored @ self.sun, 0.0) ** 90
        mirror = fresnel * scene * (gloss * self.skylight * 235) + glint * (200 * gloss * light.key)
        grime = dirt * np.minimum(np.maximum(1 - (height - 200) / 550, 0.05), 1)
        lights = np.empty((len(height), 3))
        lights[:, 0] = strength * (128 - 76.8 * grime)
        lights[:, 1] = mirror * (1 - grime)
        lights[:, 2] = grime * 255
        coarse = max(2.0, min(max(wide, high) / 84, 8.0))
        size = (max(int(wide / coarse), 4), max(int(high / coarse), 4))
        ratio = np.array([size[0] / wide * 16, size[1] / high * 16])
        pixels = self.to_pixels(mesh.reshape(-1, 3))
        pixels -= (left, top)
        pixels *= ratio
        pixels -= 7.5
        grid = pixels.astype(np.int32).reshape(*mesh.shape[:2], 2)
        fixed = np.empty((len(facing), 4, 2), np.int32)
        rows = (len(mesh) - 1, mesh.shape[1] - 1, 2)
        for corner, part in enumerate((grid[:-1, :-1], grid[:-1, 1:], grid[1:, 1:], grid[1:, :-1])):
            fixed[:, corner].reshape(rows)[:] = part
        highest, lowest = fixed.max(axis=1), fixed.min(axis=1)
        inside = (facing > 0) & (highest.min(axis=1) > -16)
        inside &= (lowest[:, 0] < size[0] * 16) & (lowest[:, 1] < size[1] * 16)
        # Wheels and the underside lie off the mesh and get the general level.
        level_low = min(128 * (0.8 * light.ambient + 0.5 * light.key), 255.0)
        shaded = np.zeros((size[1], size[0], 3), dtype=np.uint8)
        shaded[:, :, 0] = level_low
        fill = cv2.fillConvexPoly
        for facet, tone in zip(fixed[inside], lights[inside].tolist(), strict=True):
            fill(shaded, facet, tone, cv2.LINE_8, SHIFT)
        level, sky_map, grime_map = cv2.split(cv2.GaussianBlur(shaded, (3, 3), 0))
        polish = gloss * (1 - 0.7 * dirt)
        if polish < MOTTLE_POLISH:
            # Dull panels are never quite even: a mottle of a few grey levels, wide, not tall.
            spread = 0.012 + 0.03 * dirt
            x, y = self.seed % 499, self.seed % 491
            noise = tile("grain")[y : y + size[1], x : x + max(size[0] // 4, 2)]
            mottle = cv2.resize(noise, size, interpolation=cv2.INTER_LINEAR)
            # The tile's levels deviate by 30, the panels' by `spread` of full light, 128.
            share = 128 / 30 * spread * brightness
            level = cv2.addWeighted(level, 1.0, mottle, share, -128 * share)
        # Polished panels mirror what stands around, clean and dark ones most visibly.
        scene = _surroundings(self.seed % _BANK)
        zoom = 1 + self.seed % 7
        rows, columns = scene.shape[0] * 3 // (2 + zoom), scene.shape[1] * 3 // (2 + zoom)
        x, y = self.seed % (scene.shape[1] - columns + 1), self.seed % (scene.shape[0] - rows + 1)
        around = cv2.resize(
            scene[y : y + rows, x : x + columns], size, interpolation=cv2.INTER_LINEAR
        )
        share = 0.32 * polish * self.skylight
        sky_map = cv2.addWeighted(sky_map, 1.0, around, share, -105 * share)
        level = cv2.addWeighted(level, 1.0, around, 0.1 * polish, -12.8 * polish)
        region = self.frame[top:bottom, left:right]
        grey, full = scratch("grey", (high, wide)), scratch("full", (high, wide, 3))
        over = scratch("over", (high, wide, 3))
        cv2.resize(level, (wide, high), dst=grey, interpolation=cv2.INTER_LINEAR)
        cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR, dst=full)
        cv2.multiply(region, full, dst=full, scale=1 / 128)
        if dirt > 0.12:
            # Dust has a colour of its own; three channels are enlarged only where it shows.
            addend = cv2.merge([
                cv2.addWeighted(sky_map, 1, grime_map, 0.6 * brightness * channel / 255, 0)
                for channel in dirt_colour
            ])  # fmt: skip
            cv2.resize(addend, (wide, high), dst=over, interpolation=cv2.INTER_LINEAR)
        else:
            cv2.resize(sky_map, (wide, high), dst=grey, interpolation=cv2.INTER_LINEAR)
            cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR, dst=over)
        cv2.add(full, over, dst=full)
        cv2.copyTo(full, self._mask(box), region)

    def _mask(self, box: tuple[int, int, int, int]) -> NDArray[np.uint8]:
        """Where the silhouette covers a region of the frame at all, uint8, non-zero there."""
        left, top, right, bottom = box
        mask = scratch("mask", (bottom - top, right - left))
        mask[:] = 0
        self._fill_outlines(mask, (left + 0.5, top + 0.5), 1.0)
        return mask

    def _fill_outlines(
        self, mask: NDArray[np.uint8], origin: tuple[float, float], ratio: float
    ) -> None:
        """Set every pixel of a mask that an outline touches; `origin` is at its pixel 0."""
        everything = (np.concatenate(self.outline_px) - origin) * (ratio * (1 << SHIFT))
        fixed = np.rint(everything).astype(np.int32)
        start = 0
        for outline, convex in zip(self.outline_px, self._convex_outlines, strict=True):
            stop = start + len(outline)
            if convex:
                cv2.fillConvexPoly(mask, fixed[start:stop], 255, cv2.LINE_8, SHIFT)
            else:
                cv2.fillPoly(mask, [fixed[start:stop]], 255, cv2.LINE_8, SHIFT)
            start = stop

    def _paint_plain_shade(self, box: tuple[int, int, int, int], gloss: float, dirt: float) -> None:
        """Light a vehicle of a few dozen pixels by its height alone."""
        left, top, right, bottom = box
        light = self.light
        facing = max(-float(self.sun[2]), 0.0)
        direct = light.key * (0.3 + 1.05 * facing)
        above = 0.5 * light.key * max(float(self.sun[1]), 0.0)
        levels = [
            high * 1.15 * light.ambient + direct + sun
            for high, sun in ((1.15, above), (1.05, 0.0), (0.95, 0.0), (0.72 - 0.2 * dirt, 0.0))
        ]
        column = np.array([[min(int(level * 128), 255)] for level in levels], dtype=np.uint8)
        region = self.frame[top:bottom, left:right]
        grey = cv2.resize(column, (right - left, bottom - top), interpolation=cv2.INTER_LINEAR)
        full = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)
        cv2.multiply(region, full, dst=full, scale=1 / 128)
        mirrored = 12 * gloss * self.skylight
        full = cv2.convertScaleAbs(full, alpha=1.0, beta=mirrored)
        cv2.copyTo(full, self._mask(box), region)

    def silhouette(self) -> Points:
        """The union of the outlines as one polygon (n, 2), to within 1/256 of its size.

        Below 130 px it is their convex hull, whose hollows are too small to matter.
        What lies far outside the frame is cut off; shape (0, 2) where nothing is near it.
        """
        height, width = self.frame.shape[:2]
        everything = np.concatenate(self.outline_px)
        (left, top), (right, bottom) = everything.min(axis=0), everything.max(axis=0)
        low = np.array([max(left, -width), max(top, -height)])
        high = np.array([min(right, 2.0 * width), min(bottom, 2.0 * height)])
        if high[0] - low[0] < 0.5 or high[1] - low[1] < 0.5:
            return np.empty((0, 2))
        longest = float((high - low).max())
        cut = left < -width or top < -height or right > 2 * width or bottom > 2 * height
        if longest < 130 and not cut:
            hull = cv2.convexHull(everything.astype(np.float32))
            return np.asarray(hull[:, 0], dtype=np.float64)
        size = int(min(max(2 * longest, 48.0), 256.0))
        ratio = (size - 2) / longest
        mask = np.zeros((size, size), dtype=np.uint8)
        self._fill_outlines(mask, (low[0] - 0.5 / ratio, low[1] - 0.5 / ratio), ratio)
        contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        if not contours:
            return np.empty((0, 2))
        largest = max(contours, key=len)
        simple = cv2.approxPolyDP(largest, 0.7, True)[:, 0].astype(np.float64)
        return np.asarray((simple - 0.5) / ratio + low)


def paint_ground_shadow(
    frame: NDArray[np.uint8],
    footprint_px: Points,
    cast_px: Points,
    darkness: tuple[float, float],
    softness_px: float,
) -> None:
    """Darken the ground under a vehicle and where it stands in the light, in place.

    `footprint_px` and `cast_px` are polygons (n, 2) in continuous pixels, `darkness` the
    share of light each takes away, and `softness_px` the blur of their edges.
    """
    height, width = frame.shape[:2]
    both = np.concatenate([footprint_px, cast_px])
    margin = 2 * softness_px + 2
    (low_x, low_y), (high_x, high_y) = both.min(axis=0).tolist(), both.max(axis=0).tolist()
    left, top = max(math.floor(low_x - margin), 0), max(math.floor(low_y - margin), 0)
    right, bottom = (
        min(math.ceil(high_x + margin), width),
        min(math.ceil(high_y + margin), height),
    )
    if right - left < 4 or bottom - top < 4:
        return
    coarse = max(1.0, min(softness_px / 1.5, 16.0))
    size = (max(int((right - left) / coarse), 3), max(int((bottom - top) / coarse), 3))
    ratio = np.array([size[0] / (right - left) * 16, size[1] / (bottom - top) * 16])
    shadow = np.full((size[1], size[0]), 255, dtype=np.uint8)
    for polygon, dark in ((cast_px, darkness[1]), (footprint_px, darkness[0])):
        if dark <= 0:
            continue
        shape = ((polygon - (left, top)) * ratio - 7.5).astype(np.int32)
        cv2.fillPoly(shadow, [shape], int(255 * (1 - dark)), cv2.LINE_AA, SHIFT)
    sigma = max(softness_px / coarse / 1.6, 0.6)
    soft = cv2.GaussianBlur(shadow, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    high, wide = int(bottom - top), int(right - left)
    full, tripled = scratch("grey", (high, wide)), scratch("full", (high, wide, 3))
    cv2.resize(soft, (wide, high), dst=full, interpolation=cv2.INTER_LINEAR)
    cv2.cvtColor(full, cv2.COLOR_GRAY2BGR, dst=tripled)
    region = frame[top:bottom, left:right]
    cv2.multiply(region, tripled, dst=region, scale=1 / 255)
