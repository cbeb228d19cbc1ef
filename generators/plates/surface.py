"""What light and years do to a plate: embossing, sheen, bolts, dirt, wear and partial covers.

The work is done on the plate's own small flat picture, before it is projected. Plate axes
are x right, y down and z into the plate, away from the viewer, as the camera's axes are
for a plate seen straight on: a light in front of the plate has negative z.

A shaded face is `albedo x irradiance + highlights`. Irradiance is ambient light, directed
light by Lambert's cosine law on the relief's normals, and the light that retroreflective
sheeting sends back. Most plates are nearly clean; heavy wear is rare. Strengths were set
by eye beside photographs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from seedbed.generators.scenes.light import Light
from seedbed.streams import chance, choose_weighted, fork_seed, log_uniform, uniform

Picture: TypeAlias = NDArray[np.uint8]
"""RGB, shape (height, width, 3)."""
Mask: TypeAlias = NDArray[np.uint8]
"""Shape (height, width)."""
Field: TypeAlias = NDArray[np.float32]
"""Shape (height, width)."""
Rgb: TypeAlias = tuple[int, int, int]

BoltKind = Literal["steel", "black", "brass", "rusty", "cap", "plate"]
BoltsMissing = Literal["none", "lower", "all"]
CoverKind = Literal["tow_ball", "leaf", "snow_top", "snow_bottom", "cable", "rack_bar"]

COARSE_STAIN_PX = 8
"""Soft stains are worked out at one pixel for each eighth of their radius, and no finer."""
STEEP_RATE = 0.2
"""How often the relief's edges are so steep that light and shade outline every stroke."""
NOISE_TILES = 8
NOISE_SIZE_PX = 256
_SOBEL_ACROSS = np.array([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]])
_SHIFT = 4
_UNIT = 1 << _SHIFT
_BOLT_WEIGHTS: dict[str, float] = {
    "steel": 5,
    "black": 2,
    "brass": 0.6,
    "rusty": 1.5,
    "cap": 0.8,
    "plate": 1.2,
}
_DIRT_COLOURS: tuple[Rgb, ...] = (
    (96, 84, 68),
    (120, 108, 90),
    (70, 64, 58),
    (134, 112, 84),
    (58, 56, 54),
)
_CAP_COLOURS: tuple[Rgb, ...] = ((238, 236, 228), (240, 204, 40), (28, 60, 150), (196, 30, 34))
_COVER_WEIGHTS: dict[str, float] = {
    "tow_ball": 4,
    "leaf": 1,
    "snow_top": 0.7,
    "snow_bottom": 0.7,
    "cable": 1,
    "rack_bar": 1,
}


@dataclass(frozen=True)
class BoltParams:
    """How the bolts or rivets look, and where bare holes are left: in the lower half, or all."""

    kind: BoltKind
    colour: Rgb
    radius_mm: float
    slot_deg: float
    missing: BoltsMissing


@dataclass(frozen=True)
class SpotParams:
    """A round or long stain: shares of the plate's width and height, and a radius in mm."""

    x: float
    y: float
    radius_mm: float
    stretch: float
    angle_deg: float
    strength: float


@dataclass(frozen=True)
class ScratchParams:
    """A straight scratch between two points, in shares of width and height."""

    start: tuple[float, float]
    end: tuple[float, float]
    width_mm: float
    strength: float


@dataclass(frozen=True)
class SurfaceParams:
    """How worn, dirty and shiny a plate is; strengths run from 0 (none) to 1.

    `emboss` is how steep the relief is lit, `waviness` how uneven the sheet, `gradient`
    the change of light across the plate per half width and half height. `film_glare`
    and `highlight` add light; `bent_corner` counts clockwise from the top left.
    `noise_seed` feeds every texture.
    """

    noise_seed: int
    emboss: float
    waviness: float
    gradient: tuple[float, float]
    retro_grain: float
    fade: float
    dirt_colour: Rgb
    dirt_film: float
    dirt_patchy: float
    dirt_bottom: float
    dirt_around: float
    mud: float
    chips: float
    rust: tuple[SpotParams, ...]
    scratches: tuple[ScratchParams, ...]
    residue: SpotParams | None
    highlight: SpotParams | None
    film_glare: float
    bent_corner: int | None
    bent_mm: float
    bent_shade: float
    bolts: BoltParams


@dataclass(frozen=True)
class CoverParams:
    """Something in front of a plate, in millimetres from the plate's top left corner.

    `centre_mm` is the ball's or leaf's centre, or a point on the line or edge; `size_mm`
    its radius, half length, thickness or depth; `end_mm` where a line ends.
    """

    kind: CoverKind
    centre_mm: tuple[float, float]
    end_mm: tuple[float, float]
    size_mm: float
    angle_deg: float
    colour: Rgb
    noise_seed: int


@lru_cache(maxsize=1)
def _noise_bank() -> NDArray[np.uint8]:
    """Tiles of fractal noise that wrap around, shape (NOISE_TILES, size, size), mean 127."""
    rng = np.random.default_rng(np.random.PCG64(20240229))
    size = NOISE_SIZE_PX
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None, :])
    frequency[0, 0] = 1.0
    tiles = []
    for index in range(NOISE_TILES):
        slope = 1.0 + 0.9 * index / (NOISE_TILES - 1)
        spectrum = np.fft.rfft2(rng.normal(size=(size, size))) / frequency**slope
        spectrum[0, 0] = 0.0
        tile = np.fft.irfft2(spectrum, s=(size, size))
        tile = 127.5 + 52.0 * tile / tile.std()
        tiles.append(np.clip(tile, 0, 255).astype(np.uint8))
    return np.stack(tiles)


def _noise(
    seed: int, salt: int, height: int, width: int, px_per_tile: float, tiles: int = NOISE_TILES
) -> Mask:
    """A patch of the bank chosen by `seed` and `salt`, one tile stretched to `px_per_tile`.

    The first few `tiles` are grainy, the later ones ever smoother.
    `px_per_tile` below the picture's own size is raised to it, so a patch never repeats.
    """
    mixed = (seed * 6364136223846793005 + (salt + 1) * 1442695040888963407) & (2**64 - 1)
    mixed ^= mixed >> 29
    tile = _noise_bank()[(mixed >> 8) % tiles]
    size = NOISE_SIZE_PX
    scale = size / max(px_per_tile, height, width)
    rows, columns = max(2, int(height * scale)), max(2, int(width * scale))
    top = (mixed >> 20) % (size - rows + 1)
    left = (mixed >> 40) % (size - columns + 1)
    patch = tile[top : top + rows, left : left + columns]
    if mixed & 1:
        patch = patch[:, ::-1]
    return np.asarray(cv2.resize(patch, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _wear(rng: np.random.Generator, strength: float, probability: float, top: float) -> float:
    """A wear strength: 0 mostly, else small more often than large, up to `top`."""
    shown = chance(rng, min(probability * strength, 0.95))
    amount = float(rng.beta(1.1, 2.6)) * top * min(strength, 1.5)
    return min(amount, 1.0) if shown else 0.0


def draw_surface(
    rng: np.random.Generator,
    strength: float,
    size_mm: tuple[float, float],
    bare_holes_rate: float = 0.3,
) -> SurfaceParams:
    """The surface of one plate of `size_mm` (width, height).

    `strength` scales how often and how much it is worn: 0 is a new plate, 1 the mix seen
    on the road, 2 rough country. `bare_holes_rate` is how often the lower holes hold no
    bolts; one plate in eight has none at all.
    """
    width_mm, height_mm = size_mm
    kind = choose_weighted(rng, _BOLT_WEIGHTS)
    rust = tuple(
        SpotParams(
            uniform(rng, (0.0, 1.0)),
            uniform(rng, (0.0, 1.0)),
            log_uniform(rng, (2.0, 0.12 * height_mm)),
            uniform(rng, (1.0, 2.5)),
            uniform(rng, (0.0, 180.0)),
            uniform(rng, (0.3, 0.9)),
        )
        for _ in range(int(rng.integers(1, 5)) if chance(rng, min(0.05 * strength, 1.0)) else 0)
    )
    scratches = []
    for _ in range(int(rng.integers(1, 6)) if chance(rng, min(0.15 * strength, 1.0)) else 0):
        x, y = uniform(rng, (0.0, 1.0)), uniform(rng, (0.0, 1.0))
        angle, reach = uniform(rng, (0.0, 2 * math.pi)), log_uniform(rng, (8.0, 0.5 * width_mm))
        end = (x + reach * math.cos(angle) / width_mm, y + reach * math.sin(angle) / height_mm)
        scratches.append(
            ScratchParams((x, y), end, log_uniform(rng, (0.3, 1.5)), uniform(rng, (0.15, 0.7)))
        )
    residue = None
    if chance(rng, min(0.05 * strength, 1.0)):
        residue = SpotParams(
            uniform(rng, (0.05, 0.95)),
            uniform(rng, (0.05, 0.95)),
            uniform(rng, (8.0, 0.25 * height_mm)),
            uniform(rng, (1.0, 2.0)),
            uniform(rng, (-8.0, 8.0)),
            uniform(rng, (0.1, 0.35)),
        )
    highlight = None
    if chance(rng, 0.12):
        highlight = SpotParams(
            uniform(rng, (-0.1, 1.1)),
            uniform(rng, (-0.2, 1.2)),
            log_uniform(rng, (0.15 * height_mm, 1.2 * height_mm)),
            uniform(rng, (1.0, 4.0)),
            uniform(rng, (-60.0, 60.0)),
            uniform(rng, (0.1, 0.7)),
        )
    bent = int(rng.integers(4)) if chance(rng, min(0.05 * strength, 1.0)) else None
    colour = _DIRT_COLOURS[int(rng.integers(len(_DIRT_COLOURS)))]
    cap = _CAP_COLOURS[int(rng.integers(len(_CAP_COLOURS)))]
    level = int(rng.integers(120, 200))
    bolt_colours: dict[str, Rgb] = {
        "steel": (level, level, level + 4),
        "black": (26, 26, 28),
        "brass": (176, 142, 74),
        "rusty": (104, 76, 56),
        "cap": cap,
        "plate": (0, 0, 0),
    }
    steep = chance(rng, STEEP_RATE)
    missing: BoltsMissing = "none"
    if chance(rng, bare_holes_rate):
        missing = "lower"
    if chance(rng, 0.12):
        missing = "all"
    return SurfaceParams(
        noise_seed=fork_seed(rng),
        emboss=uniform(rng, (0.8, 1.5) if steep else (0.25, 0.8)),
        waviness=uniform(rng, (0.01, 0.06)),
        gradient=(float(rng.normal(0, 0.05)), float(rng.normal(0, 0.07))),
        retro_grain=uniform(rng, (0.03, 0.15)),
        fade=_wear(rng, strength, 0.35, 0.6),
        dirt_colour=colour,
        dirt_film=_wear(rng, strength, 0.7, 0.5),
        dirt_patchy=_wear(rng, strength, 0.35, 0.7),
        dirt_bottom=_wear(rng, strength, 0.3, 0.8),
        dirt_around=_wear(rng, strength, 0.4, 0.7),
        mud=_wear(rng, strength, 0.06, 0.8),
        chips=_wear(rng, strength, 0.12, 0.7),
        rust=rust,
        scratches=tuple(scratches),
        residue=residue,
        highlight=highlight,
        film_glare=_wear(rng, max(strength, 0.3), 0.06, 0.6),
        bent_corner=bent,
        bent_mm=uniform(rng, (12.0, 0.6 * height_mm)),
        bent_shade=uniform(rng, (-0.4, 0.35)),
        bolts=BoltParams(
            kind=kind,  # type: ignore[arg-type]
            colour=bolt_colours[kind],
            radius_mm=uniform(rng, (4.0, 7.5)),
            slot_deg=uniform(rng, (0.0, 180.0)),
            missing=missing,
        ),
    )


def _blend_colour(rgb: Picture, colour: tuple[float, float, float], mask: Mask) -> Picture:
    """`rgb` blended towards one colour by `mask`; a new array."""
    kept = cv2.multiply(rgb, cv2.merge([cv2.bitwise_not(mask)] * 3), scale=1 / 255)
    painted = cv2.merge([cv2.convertScaleAbs(mask, alpha=channel / 255) for channel in colour])
    return np.asarray(cv2.add(kept, painted), np.uint8)


def _spot_mask(shape: tuple[int, int], spot: SpotParams, px_per_mm: float, soft: bool) -> Mask:
    """A stain of the given shape, its middle at 255; hard-edged rectangles if not `soft`."""
    height, width = shape
    x, y = spot.x * width, spot.y * height
    angle = math.radians(spot.angle_deg)
    cos, sin = math.cos(angle), math.sin(angle)
    radius = max(spot.radius_mm * px_per_mm, 0.7)
    mask = np.zeros(shape, np.uint8)
    if not soft:
        corners = [
            (x + cos * a - sin * b, y + sin * a + cos * b)
            for a, b in (
                (-radius * spot.stretch, -radius),
                (radius * spot.stretch, -radius),
                (radius * spot.stretch, radius),
                (-radius * spot.stretch, radius),
            )
        ]
        cv2.fillConvexPoly(mask, _fixed(corners), 255, cv2.LINE_AA, _SHIFT)
        return mask
    # A wide stain changes so little from pixel to pixel that a few of them tell the rest.
    step = min(max(int(radius / COARSE_STAIN_PX), 1), 8)
    columns = np.arange(0, width, step, dtype=np.float32)[None, :] + np.float32(step / 2 - x)
    rows = np.arange(0, height, step, dtype=np.float32)[:, None] + np.float32(step / 2 - y)
    along = (columns * cos + rows * sin) * np.float32(1 / (radius * spot.stretch))
    across = (rows * cos - columns * sin) * np.float32(1 / radius)
    distance = along * along
    distance += across * across
    falloff = np.asarray(cv2.convertScaleAbs(np.exp(-distance), alpha=255), np.uint8)
    if step == 1:
        return falloff
    size = (step * falloff.shape[1], step * falloff.shape[0])
    finer = cv2.resize(falloff, size, interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(finer[:height, :width])


def _fixed(points: list[tuple[float, float]]) -> NDArray[np.int32]:
    """Continuous pixel coordinates as cv2's fixed point, which counts from pixel centres."""
    return np.array(
        [(round((x - 0.5) * _UNIT), round((y - 0.5) * _UNIT)) for x, y in points], np.int32
    )


def _dirt_mask(relief: Mask, px_per_mm: float, params: SurfaceParams) -> Mask | None:
    """How much dirt covers each pixel, or None on a clean plate."""
    height, width = relief.shape
    seed = params.noise_seed
    parts = (
        params.dirt_film,
        params.dirt_patchy,
        params.dirt_bottom,
        params.dirt_around,
        params.mud,
    )
    if not any(parts):
        return None
    dirt = np.full((height, width), 0.3 * params.dirt_film * 255, np.float32)
    if params.dirt_patchy or params.dirt_film:
        noise = _noise(seed, 1, height, width, 260 * px_per_mm).astype(np.float32)
        amount = params.dirt_patchy + 0.3 * params.dirt_film
        noise -= np.float32(110)
        np.maximum(noise, 0, out=noise)
        noise *= np.float32(1.3 * amount)
        dirt += noise
    if params.dirt_bottom:
        depth = np.linspace(1.0, 0.0, height, dtype=np.float32)[::-1, None] ** 3
        noise = _noise(seed, 2, height, width, 150 * px_per_mm).astype(np.float32)
        noise += np.float32(40)
        noise *= depth * np.float32(params.dirt_bottom)
        dirt += noise
    if params.dirt_around:
        reach = max(3, int(4 * px_per_mm) | 1)
        around = cv2.subtract(cv2.blur(relief, (reach, reach)), relief)
        dirt += around.astype(np.float32) * np.float32(0.8 * params.dirt_around)
    if params.mud:
        fine = _noise(seed, 3, height, width, 160 * px_per_mm, 2).astype(np.float32)
        coarse = _noise(seed, 4, height, width, 700 * px_per_mm).astype(np.float32)
        # Spray comes from below, in clusters.
        fine += (coarse - 127) * np.float32(0.35)
        fine += np.linspace(-30, 25, height, dtype=np.float32)[:, None]
        fine -= np.float32(225 - 65 * params.mud)
        np.maximum(fine, 0, out=fine)
        fine *= np.float32(10)
        np.minimum(fine, 225, out=fine)
        np.maximum(dirt, fine, out=dirt)
    return np.asarray(cv2.convertScaleAbs(np.minimum(dirt, np.float32(235))), np.uint8)


def _worn_albedo(
    rgb: Picture, alpha: Mask, relief: Mask, px_per_mm: float, params: SurfaceParams
) -> Picture:
    """The face's colours after fading, chipping, scratching, rusting and dirt."""
    height, width = relief.shape
    seed = params.noise_seed
    if params.fade:
        # Sun bleaches inks towards a pale grey; whites dull a little.
        grey = 175.0 * 0.5 * params.fade
        rgb = np.asarray(cv2.convertScaleAbs(rgb, alpha=1 - 0.5 * params.fade, beta=grey), np.uint8)
    if params.chips:
        # Raised strokes are rubbed first: their ink gives way to bare metal.
        noise = _noise(seed, 5, height, width, 160 * px_per_mm, 3)
        threshold = 255 - round(40 + 90 * params.chips)
        chipped = cv2.threshold(noise, threshold, 255, cv2.THRESH_BINARY)[1]
        chipped = cv2.blur(cv2.multiply(chipped, relief, scale=0.85 / 255), (2, 2))
        rgb = _blend_colour(rgb, (168.0, 168.0, 166.0), np.asarray(chipped, np.uint8))
    for scratch in params.scratches:
        ends = [
            (scratch.start[0] * width, scratch.start[1] * height),
            (scratch.end[0] * width, scratch.end[1] * height),
        ]
        mask = np.zeros((height, width), np.uint8)
        thickness_px = scratch.width_mm * px_per_mm
        ink = round(255 * scratch.strength * min(thickness_px, 1.0))
        cv2.polylines(
            mask, [_fixed(ends)], False, ink, max(1, round(thickness_px)), cv2.LINE_AA, _SHIFT
        )
        rgb = _blend_colour(rgb, (150.0, 148.0, 144.0), mask)
    if params.residue is not None:
        mask = _spot_mask((height, width), params.residue, px_per_mm, soft=False)
        mask = np.asarray(cv2.convertScaleAbs(mask, alpha=params.residue.strength), np.uint8)
        rgb = _blend_colour(rgb, (170.0, 164.0, 150.0), mask)
    for spot in params.rust:
        mask = _spot_mask((height, width), spot, px_per_mm, soft=True)
        noise = _noise(seed, 6, height, width, 80 * px_per_mm)
        mask = np.asarray(cv2.multiply(mask, noise, scale=1.6 * spot.strength / 255), np.uint8)
        mask = np.asarray(cv2.bitwise_and(mask, alpha), np.uint8)
        rgb = _blend_colour(rgb, (118.0, 66.0, 34.0), mask)
    dirt = _dirt_mask(relief, px_per_mm, params)
    if dirt is not None:
        red, green, blue = params.dirt_colour
        rgb = _blend_colour(rgb, (float(red), float(green), float(blue)), dirt)
    return rgb


def _irradiance(
    relief: Mask,
    px_per_mm: float,
    params: SurfaceParams,
    light: Light,
    towards: tuple[float, float, float],
) -> Field:
    """Light that falls on each pixel, without the light's colour; 1 is a full day's."""
    height, width = relief.shape
    x, y, z = towards
    facing = max(-z, 0.0)
    across, down = params.gradient
    base = light.ambient + light.key * facing
    columns = np.linspace(-across * base, across * base, width, dtype=np.float32)[None, :]
    rows = np.linspace(-down * base, down * base, height, dtype=np.float32)[:, None]
    field = columns + (rows + np.float32(base))
    # The relief's slope turns the normal by up to a fixed tilt, whatever the scale.
    # Undirected light comes from the sky, so raised edges show without a sun as well.
    reach = params.emboss / 255
    tilt_x, tilt_y = light.key * x * reach, (light.key * y - 0.35 * light.ambient) * reach
    # Both slopes are linear, so that one filter weighs and adds them.
    slopes = (-tilt_x / 4) * _SOBEL_ACROSS + (-tilt_y / 4) * _SOBEL_ACROSS.T
    field += cv2.filter2D(relief, cv2.CV_32F, slopes)
    wave = _noise(params.noise_seed, 7, height, width, 900 * px_per_mm)
    field += (wave.astype(np.float32) - np.float32(127)) * np.float32(base * params.waviness / 52)
    if params.bent_corner is not None:
        _bend(field, px_per_mm, params, base)
    if light.retro > 0:
        grain = _noise(params.noise_seed, 8, height, width, 128 * px_per_mm)
        strength = light.retro * (0.4 + 0.6 * facing)
        field += grain.astype(np.float32) * np.float32(
            strength * params.retro_grain / 127
        ) + np.float32(strength * (1 - params.retro_grain))
    np.maximum(field, np.float32(0.0), out=field)
    return field


def _bend(field: Field, px_per_mm: float, params: SurfaceParams, base: float) -> None:
    """Change the light beyond a fold across one corner, in place."""
    height, width = field.shape
    right = params.bent_corner in (1, 2)
    low = params.bent_corner in (2, 3)
    columns = np.arange(width, dtype=np.float32)[None, :]
    rows = np.arange(height, dtype=np.float32)[:, None]
    distance = (width - columns if right else columns) + (height - rows if low else rows)
    beyond = (params.bent_mm * px_per_mm - distance) / np.float32(max(6 * px_per_mm, 1.0))
    field += np.clip(beyond, 0, 1) * np.float32(params.bent_shade * base)


def _highlights(
    shape: tuple[int, int], px_per_mm: float, params: SurfaceParams, light: Light
) -> Mask | None:
    """Light added on top of the colours: a mirrored lamp or sky, glare of a film."""
    added: Mask | None = None
    if params.highlight is not None:
        added = _spot_mask(shape, params.highlight, px_per_mm, soft=True)
        strength = params.highlight.strength * min(1.0, 0.3 + light.key + 0.5 * light.retro)
        added = np.asarray(cv2.convertScaleAbs(added, alpha=strength), np.uint8)
    if params.film_glare:
        noise = _noise(params.noise_seed, 9, *shape, 1400 * px_per_mm)
        level = params.film_glare * (light.ambient + light.key)
        glare = np.asarray(
            cv2.convertScaleAbs(np.maximum(noise, 90) - np.uint8(90), alpha=level), np.uint8
        )
        added = glare if added is None else np.asarray(cv2.add(added, glare), np.uint8)
    return added


def shade_face(
    rgb: Picture,
    alpha: Mask,
    relief: Mask,
    px_per_mm: float,
    bolts_mm: tuple[tuple[float, float], ...],
    params: SurfaceParams,
    light: Light,
    light_in_plane: tuple[float, float, float],
) -> Picture:
    """The face as it looks in `light`: a new uint8 picture of `rgb`'s shape.

    `rgb` is the albedo (h, w, 3), `alpha` the outline and `relief` the height map, both
    (h, w) with 255 for covered and raised; `bolts_mm` are centres from the top left.
    `light_in_plane` is the unit vector towards the light in plate axes: x right, y down,
    z into the plate, so a light in front has negative z. Nothing given is changed.
    """
    worn = _worn_albedo(rgb, alpha, relief, px_per_mm, params)
    field = _irradiance(relief, px_per_mm, params, light, light_in_plane)
    brightest = max(float(cv2.minMaxLoc(field)[1]), 1e-3) * max(light.colour)
    gains = cv2.merge(
        [cv2.convertScaleAbs(field, alpha=255 / brightest * channel) for channel in light.colour]
    )
    shaded = np.asarray(cv2.multiply(worn, gains, scale=brightest / 255), np.uint8)
    added = _highlights(relief.shape, px_per_mm, params, light)
    if added is not None:
        shaded = np.asarray(cv2.add(shaded, cv2.merge([added] * 3)), np.uint8)
    facing = max(-light_in_plane[2], 0.0)
    level = light.ambient + light.key * facing + 0.06 * light.retro
    for x_mm, y_mm in bolts_mm:
        _paint_bolt(
            shaded,
            x_mm * px_per_mm,
            y_mm * px_per_mm,
            px_per_mm,
            params.bolts,
            light,
            light_in_plane,
            level,
        )
    return shaded


def is_bare(bolt: BoltParams, y_mm: float, height_mm: float) -> bool:
    """Whether the hole at `y_mm` of a plate `height_mm` high holds no bolt."""
    return bolt.missing == "all" or (bolt.missing == "lower" and y_mm > height_mm / 2)


def _paint_bolt(
    rgb: Picture,
    x: float,
    y: float,
    px_per_mm: float,
    bolt: BoltParams,
    light: Light,
    towards: tuple[float, float, float],
    level: float,
) -> None:
    """One bolt with its shadow and highlight on `rgb`, or its bare hole, in place."""
    bare = is_bare(bolt, y, rgb.shape[0])
    height, width = rgb.shape[:2]
    radius = bolt.radius_mm * px_per_mm
    reach = math.ceil(radius * 1.6) + 2
    left, top = max(0, int(x) - reach), max(0, int(y) - reach)
    patch = rgb[top : int(y) + reach + 1, left : int(x) + reach + 1]
    if patch.size == 0 or not (0 <= x < width and 0 <= y < height):
        return
    x, y = x - left, y - top

    def disc(dx: float, dy: float, share: float, colour: tuple[float, ...], cover: float) -> None:
        ((cx, cy),) = _fixed([(x + dx * radius, y + dy * radius)]).tolist()
        size = max(1, round(radius * share * _UNIT))
        if cover >= 1.0:
            cv2.circle(patch, (cx, cy), size, colour, -1, cv2.LINE_AA, _SHIFT)
            return
        layer = patch.copy()
        cv2.circle(layer, (cx, cy), size, colour, -1, cv2.LINE_AA, _SHIFT)
        cv2.addWeighted(layer, cover, patch, 1 - cover, 0, dst=patch)

    if bare:
        disc(0, 0, 0.6, tuple(22.0 * level * c for c in light.colour), 0.9)
        return
    if bolt.kind == "plate":
        own = patch[min(int(y), patch.shape[0] - 1), min(int(x), patch.shape[1] - 1)]
        colour = tuple(float(channel) * 0.94 for channel in own)
    else:
        gains = light.colour
        colour = tuple(
            min(channel * level * gain, 255.0)
            for channel, gain in zip(bolt.colour, gains, strict=True)
        )
    away_x, away_y = -towards[0], -towards[1] + 0.5
    dark = tuple(channel * 0.55 for channel in colour)
    disc(0.22 * away_x, 0.22 * away_y, 1.25, (0.0, 0.0, 0.0), 0.3)
    disc(0, 0, 1.0, dark, 1.0)
    disc(-0.1 * away_x, -0.12 * away_y, 0.86, colour, 1.0)
    shine = tuple(min(channel * 1.25 + 70 * level, 255.0) for channel in colour)
    disc(-0.3 * away_x, -0.35 * away_y, 0.3, shine, 0.8)
    if bolt.kind in ("steel", "brass", "rusty", "black") and radius >= 2:
        angle = math.radians(bolt.slot_deg)
        dx, dy = 0.55 * radius * math.cos(angle), 0.55 * radius * math.sin(angle)
        slot = _fixed([(x - dx, y - dy), (x + dx, y + dy)])
        cv2.polylines(
            patch,
            [slot],
            False,
            tuple(channel * 0.4 for channel in colour),
            max(1, round(radius * 0.22)),
            cv2.LINE_AA,
            _SHIFT,
        )


def draw_cover(
    rng: np.random.Generator, rate: float, size_mm: tuple[float, float]
) -> CoverParams | None:
    """Something that hides part of a plate of `size_mm`; None but at `rate`, 0 to 1."""
    shown = chance(rng, rate)
    kind = choose_weighted(rng, _COVER_WEIGHTS)
    width, height = size_mm
    x = uniform(rng, (0.08, 0.92)) * width
    y = uniform(rng, (0.1, 0.9)) * height
    seed = fork_seed(rng)
    spread = float(rng.random())
    tint = float(rng.random())
    if not shown:
        return None
    end = (x, y)
    angle = uniform(rng, (0.0, 360.0))
    colour: Rgb
    if kind == "tow_ball":
        size = 25.0
        x = width * (0.5 + float(rng.normal(0, 0.05)))
        y = height * (1.15 - 0.55 * spread)
        end = (x + float(rng.normal(0, 4)), height + 90.0)
        colour = ((190, 192, 196), (40, 40, 42), (120, 118, 116))[int(tint * 3)]
    elif kind == "leaf":
        size = 18.0 + 26.0 * spread
        colour = ((150, 92, 36), (176, 140, 40), (92, 110, 44), (110, 58, 34))[int(tint * 4)]
    elif kind in ("snow_top", "snow_bottom"):
        size = height * (0.08 + 0.3 * spread)
        y = 0.0 if kind == "snow_top" else height
        grey = round(222 + 26 * tint)
        colour = (grey - 4, grey, min(grey + 5, 255))
    elif kind == "cable":
        size = 4.0 + 7.0 * spread
        x, y = -20.0, uniform(rng, (-0.3, 0.6)) * height
        end = (width + 20.0, uniform(rng, (-0.3, 0.6)) * height)
        angle = height * uniform(rng, (0.1, 0.7))
        colour = ((22, 22, 24), (120, 96, 60), (190, 60, 40))[int(tint * 3)]
    else:
        size = 14.0 + 16.0 * spread
        if chance(rng, 0.5):
            x, end = x, (x + float(rng.normal(0, 20)), height + 40.0)
            y = -40.0
        else:
            y = height * (0.06 if spread < 0.5 else 0.94)
            x, end = -40.0, (width + 40.0, y + float(rng.normal(0, 4)))
        colour = ((34, 34, 36), (150, 152, 156))[int(tint * 2)]
    return CoverParams(
        kind=kind,  # type: ignore[arg-type]
        centre_mm=(float(x), float(y)),
        end_mm=(float(end[0]), float(end[1])),
        size_mm=size,
        angle_deg=angle,
        colour=colour,
        noise_seed=seed,
    )


class _Overlay:
    """RGB and coverage of a canvas that shapes are painted on, one over the other."""

    def __init__(self, height: int, width: int) -> None:
        self.rgb = np.zeros((height, width, 3), np.uint8)
        self.alpha = np.zeros((height, width), np.uint8)

    def polygon(self, points: list[tuple[float, float]], colour: tuple[float, ...]) -> None:
        fixed = [_fixed(points)]
        cv2.fillPoly(self.rgb, fixed, colour, cv2.LINE_8, _SHIFT)
        cv2.polylines(self.rgb, fixed, True, colour, 2, cv2.LINE_8, _SHIFT)
        cv2.fillPoly(self.alpha, fixed, 255, cv2.LINE_AA, _SHIFT)

    def line(
        self,
        points: list[tuple[float, float]],
        width: float,
        colour: tuple[float, ...],
        extends: bool = True,
    ) -> None:
        """A curve; inner lines that stay within what is painted do not extend it."""
        fixed = [_fixed(points)]
        thickness = max(1, round(width))
        cv2.polylines(
            self.rgb,
            fixed,
            False,
            colour,
            thickness + 2 * extends,
            cv2.LINE_8 if extends else cv2.LINE_AA,
            _SHIFT,
        )
        if extends:
            cover = round(255 * min(width, 1.0))
            cv2.polylines(self.alpha, fixed, False, cover, thickness, cv2.LINE_AA, _SHIFT)

    def disc(
        self, x: float, y: float, radius: float, colour: tuple[float, ...], extends: bool = True
    ) -> None:
        ((cx, cy),) = _fixed([(x, y)]).tolist()
        size = max(1, round(radius * _UNIT))
        grown = size + _UNIT if extends else size
        how = cv2.LINE_8 if extends else cv2.LINE_AA
        cv2.circle(self.rgb, (cx, cy), grown, colour, -1, how, _SHIFT)
        if extends:
            cv2.circle(self.alpha, (cx, cy), size, 255, -1, cv2.LINE_AA, _SHIFT)

    def rgba(self) -> NDArray[np.uint8]:
        return np.dstack([self.rgb, self.alpha])


def _paint_leaf(
    overlay: _Overlay,
    x: float,
    y: float,
    size: float,
    params: CoverParams,
    lit: Callable[[float], tuple[float, ...]],
    noise: np.random.Generator,
) -> None:
    """A pointed leaf with its midrib, `size` pixels from centre to tip."""
    angle = math.radians(params.angle_deg)
    cos, sin = math.cos(angle), math.sin(angle)
    plump = 0.42 + 0.2 * float(noise.random())
    curl = float(noise.normal(0, 0.12))

    def turned(along: float, across: float) -> tuple[float, float]:
        across += curl * (1 - along * along)
        return (x + size * (along * cos - across * sin), y + size * (along * sin + across * cos))

    steps = [-1 + 2 * i / 10 for i in range(11)]
    profile = [plump * (1 - t * t) ** 0.8 * (1 - 0.25 * t) for t in steps]
    upper = [turned(t, -w) for t, w in zip(steps, profile, strict=True)]
    lower = [turned(t, w) for t, w in zip(steps, profile, strict=True)]
    middle = [turned(t, 0.0) for t in steps]
    overlay.polygon([*upper, *reversed(lower)], lit(1.0))
    inner = [turned(t * 0.96, w * 0.9) for t, w in zip(steps, profile, strict=True)]
    fold = [_fixed([*middle, *reversed(inner)])]
    cv2.fillPoly(overlay.rgb, fold, lit(0.82), cv2.LINE_AA, _SHIFT)
    overlay.line(middle, size * 0.06, lit(0.6), extends=False)


def paint_cover(
    shape: tuple[int, int],
    origin_px: tuple[float, float],
    px_per_mm: float,
    size_mm: tuple[float, float],
    params: CoverParams,
    light: Light,
) -> NDArray[np.uint8]:
    """The cover, lit, as straight-alpha RGBA of `shape` (height, width), uint8 (h, w, 4).

    `origin_px` is where the plate's top left corner lies on the canvas; the alpha plane
    is the mask from which occlusion follows. `size_mm` is the plate's size.
    """
    overlay = _Overlay(*shape)
    gains = light.diffuse_gain()
    noise = np.random.default_rng(np.random.PCG64(params.noise_seed))

    def lit(shade: float, colour: Rgb = params.colour) -> tuple[float, ...]:
        return tuple(
            min(channel * shade * gain, 255.0) for channel, gain in zip(colour, gains, strict=True)
        )

    def place(x_mm: float, y_mm: float) -> tuple[float, float]:
        return (origin_px[0] + x_mm * px_per_mm, origin_px[1] + y_mm * px_per_mm)

    x, y = place(*params.centre_mm)
    end = place(*params.end_mm)
    size = params.size_mm * px_per_mm
    side = -1.0 if light.direction[0] < 0 else 1.0
    if params.kind == "tow_ball":
        overlay.line([(x, y), end], size * 1.05, lit(0.5))
        overlay.line(
            [(x + side * size * 0.2, y), (end[0] + side * size * 0.2, end[1])],
            size * 0.3,
            lit(0.8),
            extends=False,
        )
        overlay.disc(x, y, size, lit(0.45))
        for step, shade in ((0.15, 0.7), (0.25, 0.95), (0.35, 1.2)):
            overlay.disc(
                x + side * size * step,
                y - size * step,
                size * (0.95 - 2 * step),
                lit(shade),
                extends=False,
            )
        overlay.disc(x + side * size * 0.4, y - size * 0.45, size * 0.12, lit(1.8), extends=False)
    elif params.kind == "leaf":
        _paint_leaf(overlay, x, y, size, params, lit, noise)
    elif params.kind in ("snow_top", "snow_bottom"):
        left, right = place(0, 0)[0], place(size_mm[0], 0)[0]
        count = 14
        depths = size * (0.6 + 0.4 * np.cumsum(noise.normal(0, 0.3, count)).clip(-1, 1.5))
        sign = 1.0 if params.kind == "snow_top" else -1.0
        xs = np.linspace(left - size * 0.1, right + size * 0.1, count)
        edge = [
            (float(a), y + sign * float(max(d, size * 0.1)))
            for a, d in zip(xs, depths, strict=True)
        ]
        rim = sign * size * 0.25
        overlay.polygon([(edge[0][0], y - rim), *edge, (edge[-1][0], y - rim)], lit(1.05))
        overlay.line(
            [(a, b - sign * size * 0.08) for a, b in edge],
            size * 0.14,
            lit(0.85),
            extends=False,
        )
    elif params.kind == "cable":
        sag = params.angle_deg * px_per_mm
        ts = np.linspace(0, 1, 16)
        curve = [
            (
                float(x + (end[0] - x) * t),
                float(y + (end[1] - y) * t + 4 * sag * t * (1 - t)),
            )
            for t in ts
        ]
        overlay.line(curve, size, lit(0.8))
        overlay.line([(a, b - size * 0.2) for a, b in curve], size * 0.3, lit(1.4), extends=False)
    else:
        overlay.line([(x, y), end], size, lit(0.7))
        dx, dy = end[0] - x, end[1] - y
        length = max(math.hypot(dx, dy), 1e-6)
        off = (dy / length * size * 0.2 * side, -dx / length * size * 0.2 * side)
        overlay.line(
            [(x + off[0], y + off[1]), (end[0] + off[0], end[1] + off[1])],
            size * 0.3,
            lit(1.5),
            extends=False,
        )
    return overlay.rgba()
