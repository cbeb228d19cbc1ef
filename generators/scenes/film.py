"""What light and air do to the whole frame: shadows, gradients, glare, haze, rain, exposure.

Everything smooth is drawn on a grid an eighth of the frame's size and enlarged, so that a
640x480 frame costs one multiplication and one addition of uint8 pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from seedbed.generators.scenes.light import Light
from seedbed.generators.scenes.scratch import scratch
from seedbed.streams import chance, fork_seed, uniform

Frame = NDArray[np.uint8]

MIN_CELLS = 80
"""Cells across a frame that a shadow's edge needs to look smooth."""

GRID = 8
"""Pixels of the frame, at most, to one cell of the smooth maps."""


UNIT_GAIN = 64
"""The level of the gain map, uint8, that leaves a pixel as it is: gains reach nearly 4."""


MIDDLE_GREY = 112.0
"""The mean brightness, of 255, that metering aims for: about that of well-exposed photographs."""


@dataclass(frozen=True)
class Shadow:
    """A cast shadow: a polygon in shares of the frame, its depth and its penumbra's width."""

    polygon: tuple[tuple[float, float], ...]
    strength: float
    penumbra: float


@dataclass(frozen=True)
class Glow:
    """A soft light in the lens: centre and radius in shares of the frame's width, RGB added."""

    x: float
    y: float
    radius: float
    colour: tuple[float, float, float]


@dataclass(frozen=True)
class Rain:
    """Streaks: how many, how long (share of the height), how slanted, how bright."""

    count: int
    length: float
    slant: float
    brightness: float
    seed: int


@dataclass(frozen=True)
class FilmParams:
    """Everything that is done to a finished frame, in the order of `develop`.

    `metering` is how far, 0 to 1, the camera brings the frame's mean brightness to
    `MIDDLE_GREY`; `exposure_stops` comes on top.
    """

    metering: float
    exposure_stops: float
    white_balance: tuple[float, float, float]
    gradient: tuple[float, float]
    vignette: float
    shadows: tuple[Shadow, ...]
    glows: tuple[Glow, ...]
    haze: float
    rain: Rain | None
    gamma: float
    contrast: float
    black_level: float
    saturation: float
    monochrome: bool


def _draw_shadow(rng: np.random.Generator) -> Shadow:
    """A band or a wedge across the frame, as a wall, a pole or a tree would cast it."""
    angle = rng.uniform(0, np.pi)
    along = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-along[1], along[0]])
    centre = rng.uniform(0.1, 0.9, size=2)
    width = rng.choice([rng.uniform(0.02, 0.12), rng.uniform(0.2, 0.8)])
    taper = rng.uniform(0.6, 1.6)
    corners = (
        centre - 2 * along - width * across,
        centre + 2 * along - width * taper * across,
        centre + 2 * along + width * taper * across,
        centre - 2 * along + width * across,
    )
    return Shadow(
        polygon=tuple((float(x), float(y)) for x, y in corners),
        strength=uniform(rng, (0.25, 0.65)),
        penumbra=uniform(rng, (0.005, 0.06)),
    )


def draw_film(
    rng: np.random.Generator, light: Light, haze_rate: float, rain_rate: float
) -> FilmParams:
    """Draw what happens to a frame under `light`; the rates are the recipe's."""
    sunny = light.hour in ("day", "dusk")
    dark = light.hour in ("night", "flash", "infrared")
    shadows = tuple(
        _draw_shadow(rng) for _ in range(int(rng.integers(1, 3)) if chance(rng, 0.35) else 0)
    )
    glows = tuple(
        Glow(
            x=uniform(rng, (0, 1)),
            y=uniform(rng, (0, 0.75)),
            radius=uniform(rng, (0.03, 0.3)),
            colour=tuple(
                float(v)
                for v in rng.uniform(30, 150) * np.array([1.0, 0.95, rng.uniform(0.7, 1.0)])
            ),  # type: ignore[arg-type]
        )
        for _ in range(int(rng.integers(1, 4)) if chance(rng, 0.3 if dark else 0.08) else 0)
    )
    rain = (
        Rain(
            count=int(rng.integers(80, 400)),
            length=uniform(rng, (0.02, 0.1)),
            slant=uniform(rng, (-0.3, 0.3)),
            brightness=uniform(rng, (20, 70)),
            seed=fork_seed(rng),
        )
        if chance(rng, rain_rate)
        else None
    )
    warmth = rng.normal(0, 0.04)
    tint = rng.normal(0, 0.015)
    return FilmParams(
        metering=uniform(rng, (0.6, 1.0)),
        exposure_stops=light.exposure_stops,
        white_balance=(float(1 + warmth), float(1 + tint), float(1 - warmth)),
        gradient=(uniform(rng, (-0.2, 0.2)), uniform(rng, (-0.2, 0.2))),
        vignette=uniform(rng, (0.0, 0.3)),
        shadows=shadows if sunny else (),
        glows=glows,
        haze=uniform(rng, (0.05, 0.45)) if chance(rng, haze_rate) else 0.0,
        rain=rain,
        gamma=uniform(rng, (0.75, 1.3)) if chance(rng, 0.35) else 1.0,
        contrast=uniform(rng, (0.95, 1.42)),
        black_level=14 * uniform(rng, (0, 1)) ** 2,
        saturation=uniform(rng, (0.75, 1.15)),
        monochrome=light.hour == "infrared" or chance(rng, 0.03),
    )


def _exposure(frame: Frame, params: FilmParams) -> float:
    """The factor by which metering and the drawn stops brighten or darken the frame."""
    mean = sum(cv2.mean(frame[GRID :: 3 * GRID])[:3]) / 3
    metered = (MIDDLE_GREY / max(mean, 1.0)) ** params.metering
    return float(min(max(metered, 0.6), 2.5) * 2.0**params.exposure_stops)


@lru_cache(maxsize=8)
def _axes(
    rows: int, columns: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """From -1 to 1 across (1, columns) and down (rows, 1), and half the squared radius."""
    x = np.linspace(-1, 1, columns, dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, rows, dtype=np.float32)[:, None]
    return x, y, np.asarray((x * x + y * y) / 2, np.float32)


def _gain_map(params: FilmParams, exposure: float, rows: int, columns: int) -> Frame:
    """Multiplies the frame: shape (rows, columns), `UNIT_GAIN` leaves a pixel as it is."""
    x, y, radius = _axes(rows, columns)
    gain = x * np.float32(params.gradient[0]) + (y * np.float32(params.gradient[1]) + np.float32(1))
    gain *= np.float32(1) - np.float32(params.vignette) * radius
    for shadow in params.shadows:
        mask = np.zeros((rows, columns), dtype=np.float32)
        polygon = np.array(shadow.polygon) * (columns * 16, rows * 16)
        cv2.fillPoly(mask, [np.round(polygon).astype(np.int32)], 1.0, cv2.LINE_AA, shift=4)
        sigma = max(0.3, shadow.penumbra * columns)
        gain *= 1 - np.float32(shadow.strength) * cv2.GaussianBlur(mask, (0, 0), sigma)
    return np.asarray(cv2.convertScaleAbs(gain, alpha=UNIT_GAIN * exposure), np.uint8)


def _glow_map(params: FilmParams, rows: int, columns: int) -> Frame | None:
    """Adds to the frame: shape (rows, columns, 3), or None where nothing glows."""
    if not params.glows:
        return None
    x = (np.arange(columns, dtype=np.float32)[None, :] + 0.5) / columns
    y = (np.arange(rows, dtype=np.float32)[:, None] + 0.5) / columns
    added = np.zeros((rows, columns, 3), dtype=np.float32)
    for glow in params.glows:
        distance = (x - glow.x) ** 2 + (y - glow.y * rows / columns) ** 2
        added += np.exp(-distance / (2 * glow.radius**2))[:, :, None] * np.array(
            glow.colour, np.float32
        )
    return np.minimum(added, 255).astype(np.uint8)


def _enlarge(grid: Frame, frame: Frame) -> Frame:
    height, width = frame.shape[:2]
    return np.asarray(cv2.resize(grid, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


_LEVELS = np.arange(256) / 255

_GREY = np.array([[0.299, 0.587, 0.114]] * 3)
"""ITU-R BT.601 luma in each channel."""
_SAME = np.eye(3)


def _colour_map(params: FilmParams) -> NDArray[np.float64]:
    """Contrast about middle grey, black level, saturation and white balance, shape (3, 4)."""
    saturation = 0.0 if params.monochrome else params.saturation
    mix = (_GREY * (1 - saturation) + _SAME * saturation) * params.white_balance
    white = 1 - params.black_level / 255
    whole = np.empty((3, 4))
    whole[:, :3] = mix * (params.contrast * white)
    # The contrast's own offset goes through the mix, too, whose rows sum to about 1.
    low = 127.5 * (1 - params.contrast) * white + params.black_level
    whole[:, 3] = mix.sum(axis=1) * low
    return whole


def dim(frame: Frame, light: Light) -> Frame:
    """A background taken in daylight, as it would look under `light`."""
    gains = light.diffuse_gain()
    if all(abs(gain - 1) < 0.05 for gain in gains):
        return frame
    return np.asarray(cv2.transform(frame, np.diag(gains)), dtype=np.uint8)


def develop(frame: Frame, params: FilmParams, into: Frame | None = None) -> Frame:
    """The finished frame: light falls off, glares, hazes over, and is exposed and toned.

    It is written `into` that picture where one is given, which may be `frame`.
    """
    height, width = frame.shape[:2]
    # A small frame takes a finer grid, or a shadow's edge would show its steps.
    cell = min(GRID, max(2, width // MIN_CELLS))
    rows, columns = max(2, height // cell), max(2, width // cell)
    full, grey = scratch("full", frame.shape), scratch("grey", (height, width))
    gain = _gain_map(params, _exposure(frame, params), rows, columns)
    cv2.resize(gain, (width, height), dst=grey, interpolation=cv2.INTER_LINEAR)
    cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB, dst=full)
    cv2.multiply(frame, full, dst=full, scale=1 / UNIT_GAIN)
    if params.haze > 0:
        cv2.convertScaleAbs(full, dst=full, alpha=1 - params.haze, beta=205 * params.haze)
    if params.rain is not None:
        _streak(full, params.rain)
    glow = _glow_map(params, rows, columns)
    if glow is not None:
        cv2.add(full, _enlarge(glow, frame), dst=full)
    if params.gamma != 1:
        curve = np.asarray(_LEVELS**params.gamma * 255 + 0.5).astype(np.uint8)
        cv2.LUT(full, curve, dst=full)
    return np.asarray(cv2.transform(full, _colour_map(params), dst=into), np.uint8)


def _streak(frame: Frame, rain: Rain) -> None:
    """Draw the streaks of rain on `frame`, in place."""
    rng = np.random.Generator(np.random.PCG64(rain.seed))
    height, width = frame.shape[:2]
    layer = np.zeros((height, width), dtype=np.uint8)
    starts = rng.uniform(-0.1, 1.0, size=(rain.count, 2)) * [width, height]
    lengths = rain.length * height * rng.uniform(0.4, 1.0, size=rain.count)
    ends = starts + np.stack([lengths * rain.slant, lengths], axis=1)
    levels = rain.brightness * rng.uniform(0.3, 1.0, size=rain.count)
    for (x0, y0), (x1, y1), level in zip(
        np.round(starts * 16).astype(int).tolist(),
        np.round(ends * 16).astype(int).tolist(),
        levels.tolist(),
        strict=True,
    ):
        cv2.line(layer, (x0, y0), (x1, y1), level, 1, cv2.LINE_AA, shift=4)
    layer = np.asarray(cv2.GaussianBlur(layer, (3, 3), 0), dtype=np.uint8)
    cv2.add(frame, cv2.merge([layer, layer, layer]), dst=frame)
