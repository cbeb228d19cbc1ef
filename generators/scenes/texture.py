"""Grey texture tiles for procedural scenes: asphalt, gravel, grass, leaves, brick and the like.

Every tile wraps, has a mean near 128 and depends on its name alone, so a process builds it
once, when first asked, and every process builds the same one. A tile only carries the
fine structure: colour comes from whoever lays it on (`add_texture` or `tint`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Final, Literal, TypeAlias, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from seedbed.streams import stream

Grey: TypeAlias = NDArray[np.uint8]
"""Shape (height, width)."""
Rgb: TypeAlias = NDArray[np.uint8]
"""Shape (height, width, 3)."""
Colour: TypeAlias = tuple[int, int, int]
"""Red, green, blue, 0 to 255."""

TileName = Literal[
    "cloud",
    "patches",
    "grain",
    "asphalt",
    "concrete",
    "plaster",
    "gravel",
    "grass",
    "leaves",
    "brick",
    "pavers",
    "cladding",
    "planks",
]
TILE_PX: Final = 512
"""A tile's period. Tiles are stored twice in each direction, 1 MiB each, 12.5 MiB in all."""
GROUND_WIDTH_PX: Final = 1024
GROUND_HEIGHT_PX: Final = 512
"""Size of a tile laid on the ground plane, 0.5 MiB each, 2.5 MiB in all."""


def _random(name: str) -> np.random.Generator:
    return stream(0, "texture", name)


def _normalised(values: NDArray[np.floating], deviation: float) -> Grey:
    scale = deviation / max(float(values.std()), 1e-6)
    offset = 128 - scale * float(values.mean())
    single = values.astype(np.float32) * np.float32(scale) + np.float32(offset)
    return np.asarray(np.clip(single, 0, 255), dtype=np.uint8)


@cache
def _frequency() -> NDArray[np.float32]:
    """How often each term of a tile's Fourier transform repeats a pixel, 1 for the constant."""
    frequency = np.hypot(np.fft.fftfreq(TILE_PX)[:, None], np.fft.rfftfreq(TILE_PX)[None, :])
    frequency[0, 0] = 1.0
    return np.asarray(frequency, np.float32)


def _white(rng: np.random.Generator) -> NDArray[np.float32]:
    return rng.standard_normal((TILE_PX, TILE_PX), dtype=np.float32)


def _fractal(rng: np.random.Generator, slope: float) -> NDArray[np.float32]:
    """Wrapping noise whose power falls as frequency to the `-2 * slope`, shape (512, 512)."""
    # White noise has a white spectrum: it is drawn as such, which spares one transform.
    size = (TILE_PX, TILE_PX // 2 + 1)
    spectrum = rng.standard_normal((*size, 2), dtype=np.float32).view(np.complex64)[:, :, 0]
    spectrum *= _frequency() ** np.float32(-slope)
    spectrum[0, 0] = 0.0
    noise = np.fft.irfft2(spectrum, s=(TILE_PX, TILE_PX))
    return np.asarray(noise / noise.std(), np.float32)


def _scattered(
    rng: np.random.Generator,
    count: int,
    background: int,
    draw: Callable[[Grey, tuple[int, int], list[float]], None],
) -> Grey:
    """A tile with `count` marks, later ones on top, those over an edge repeated opposite.

    `draw` gets the tile, the mark's place and three numbers in [0, 1) of the mark's own.
    """
    margin = 32
    tile = np.full((TILE_PX + 2 * margin, TILE_PX + 2 * margin), background, np.uint8)
    places = rng.integers(0, TILE_PX, (count, 2)).tolist()
    for (x, y), numbers in zip(places, rng.random((count, 3)).tolist(), strict=True):
        if margin <= x < TILE_PX - margin and margin <= y < TILE_PX - margin:
            draw(tile, (x + margin, y + margin), numbers)
            continue
        for across in (x, x + TILE_PX, x - TILE_PX):
            for down in (y, y + TILE_PX, y - TILE_PX):
                if -margin <= across < TILE_PX + margin and -margin <= down < TILE_PX + margin:
                    draw(tile, (across + margin, down + margin), numbers)
    return np.ascontiguousarray(tile[margin:-margin, margin:-margin])


def _cloud(rng: np.random.Generator) -> Grey:
    return _normalised(_fractal(rng, 1.7), 50)


def _patches(rng: np.random.Generator) -> Grey:
    return _normalised(_fractal(rng, 1.25), 42)


def _grain(rng: np.random.Generator) -> Grey:
    return _normalised(_white(rng), 30)


def _asphalt(rng: np.random.Generator) -> Grey:
    fine = _white(rng)
    stones = cv2.GaussianBlur(
        (rng.random((TILE_PX, TILE_PX), np.float32) > 0.985).astype(np.float32), (0, 0), 0.8
    )
    soft = cv2.GaussianBlur(fine, (0, 0), 0.8, borderType=cv2.BORDER_REFLECT)
    return _normalised(soft / soft.std() + 9.0 * stones + 0.35 * _fractal(rng, 1.0), 26)


def _concrete(rng: np.random.Generator) -> Grey:
    pits = cv2.GaussianBlur(
        (rng.random((TILE_PX, TILE_PX), np.float32) > 0.997).astype(np.float32), (0, 0), 1.2
    )
    fine = _white(rng)
    return _normalised(0.9 * _fractal(rng, 1.2) + 0.45 * fine - 8.0 * pits, 24)


def _plaster(rng: np.random.Generator) -> Grey:
    fine = cv2.GaussianBlur(_white(rng), (0, 0), 1.1)
    light = np.roll(fine, 1, 0) - np.roll(fine, -1, 0)
    return _normalised(light / light.std() + 0.5 * _fractal(rng, 1.3), 20)


def _gravel(rng: np.random.Generator) -> Grey:
    def pebble(tile: Grey, centre: tuple[int, int], numbers: list[float]) -> None:
        size, turn, shade = numbers[0] ** 2, 180 * numbers[1], 60 + int(150 * numbers[2])
        axes = (2 + int(6 * size), 2 + int(4 * size))
        cv2.ellipse(tile, (centre[0] + 1, centre[1] + 2), axes, turn, 0, 360, 45, -1)
        cv2.ellipse(tile, centre, axes, turn, 0, 360, shade, -1)

    tile = cv2.GaussianBlur(_scattered(rng, 9000, 80, pebble), (3, 3), 0)
    return _normalised(tile + 10.0 * _white(rng), 40)


def _grass(rng: np.random.Generator) -> Grey:
    def blade(tile: Grey, root: tuple[int, int], numbers: list[float]) -> None:
        tip = (root[0] + int(14 * numbers[0]) - 7, root[1] - 4 - int(12 * numbers[1]))
        cv2.line(tile, root, tip, 50 + int(160 * numbers[2]), 1, cv2.LINE_AA)

    tile = _scattered(rng, 16000, 70, blade)
    return _normalised(tile + 14.0 * _fractal(rng, 1.2), 36)


def _leaves(rng: np.random.Generator) -> Grey:
    drawn = iter(range(1_000_000))

    def leaf(tile: Grey, centre: tuple[int, int], numbers: list[float]) -> None:
        # Later leaves lie on top and catch more light.
        depth = min(next(drawn) / 10_000, 1.0)
        shade = int(30 + 120 * depth + 80 * (numbers[2] - 0.5))
        axes = (2 + int(4 * numbers[0]), 1 + int(2.5 * numbers[0]))
        cv2.ellipse(tile, centre, axes, 180 * numbers[1], 0, 360, max(shade, 8), -1)

    tile = cv2.GaussianBlur(_scattered(rng, 9000, 16, leaf), (3, 3), 0)
    return _normalised(tile + 22.0 * _fractal(rng, 1.4), 46)


def _courses(
    rng: np.random.Generator, columns: int, rows: int, joint_px: int, stagger: bool
) -> Grey:
    """Bricks or pavers: faces from 40 to 150, joints near 215, so that a tint can part them."""
    tile = np.full((TILE_PX, TILE_PX), 215, np.uint8)
    wide, high = TILE_PX // columns, TILE_PX // rows
    for row in range(rows):
        shift = (row % 2) * wide // 2 if stagger else 0
        for column, shade in enumerate(np.clip(rng.normal(98, 17, columns), 45, 150).tolist()):
            left, top = column * wide + shift, row * high
            right, bottom = left + wide - joint_px - 1, top + high - joint_px - 1
            for wrap in (0, TILE_PX) if right >= TILE_PX else (0,):
                cv2.rectangle(tile, (left - wrap, top), (right - wrap, bottom), int(shade), -1)
    noisy = cv2.GaussianBlur(tile, (3, 3), 0) + 7.0 * _white(rng)
    return np.asarray(np.clip(noisy + 8.0 * _fractal(rng, 1.1), 0, 255), dtype=np.uint8)


def _brick(rng: np.random.Generator) -> Grey:
    return _courses(rng, 8, 24, 3, stagger=True)


def _pavers(rng: np.random.Generator) -> Grey:
    return _courses(rng, 16, 32, 2, stagger=True)


def _cladding(rng: np.random.Generator) -> Grey:
    phase = np.arange(TILE_PX) / TILE_PX * 2 * np.pi * 16
    ribs = np.tanh(3 * np.sin(phase)) + 0.9 * np.cos(phase)
    return _normalised(ribs[None, :] + 0.25 * _fractal(rng, 1.3), 24)


def _planks(rng: np.random.Generator) -> Grey:
    tile = np.repeat(rng.normal(0, 1, 16), TILE_PX // 16)[None, :] + np.zeros((TILE_PX, 1))
    tile[:, :: TILE_PX // 16] = tile[:, 1 :: TILE_PX // 16] = -4.0
    streaks = cv2.blur(_white(rng), (1, 41))
    return _normalised(tile + 0.8 * streaks / streaks.std(), 24)


@cache
def tile(name: TileName, level: int = 0) -> Grey:
    """The tile of that name, repeated to shape (1024, 1024), mean near 128.

    Each `level`, 0 to 3, halves its period: what lies further away.
    """
    if level > 0:
        size = TILE_PX >> level
        whole = tile(name)[:TILE_PX, :TILE_PX]
        shrunk = cv2.resize(whole, (size, size), interpolation=cv2.INTER_AREA)
        made = np.tile(shrunk, (2 << level, 2 << level)).astype(np.uint8, copy=False)
        made.setflags(write=False)
        return made
    makers: dict[str, Callable[[np.random.Generator], Grey]] = {
        "cloud": _cloud,
        "patches": _patches,
        "grain": _grain,
        "asphalt": _asphalt,
        "concrete": _concrete,
        "plaster": _plaster,
        "gravel": _gravel,
        "grass": _grass,
        "leaves": _leaves,
        "brick": _brick,
        "pavers": _pavers,
        "cladding": _cladding,
        "planks": _planks,
    }
    made = np.tile(makers[name](_random(name)), (2, 2))
    made.setflags(write=False)
    return made


@cache
def ground_tile(name: TileName) -> Grey:
    """The tile laid on an endless ground plane, shape (512, 1024), the horizon at the top edge.

    The bottom row shows a texel a pixel. Rows further off take from tiles shrunk by powers
    of two, so that detail fades with distance as it does in a photograph.
    """
    rows = np.arange(GROUND_HEIGHT_PX, dtype=np.float32) + 0.5
    spread = GROUND_HEIGHT_PX / rows
    across = np.arange(GROUND_WIDTH_PX, dtype=np.float32) - GROUND_WIDTH_PX / 2
    # A focal length of 1.5 template heights: rows are foreshortened more than columns.
    focal_px = 1.5 * GROUND_HEIGHT_PX
    laid = np.full((GROUND_HEIGHT_PX, GROUND_WIDTH_PX), 128, np.uint8)
    # Without its broad patches a tile can repeat a hundred times without a visible pattern.
    whole = tile(name)[:TILE_PX, :TILE_PX]
    small = cv2.resize(whole, (TILE_PX // 8, TILE_PX // 8), interpolation=cv2.INTER_AREA)
    wrapped = cv2.GaussianBlur(np.tile(small, (3, 3)), (0, 0), 1.5)
    middle = slice(TILE_PX // 8, TILE_PX // 4)
    broad = cv2.resize(
        np.ascontiguousarray(wrapped[middle, middle]), (TILE_PX, TILE_PX),
        interpolation=cv2.INTER_LINEAR,
    )  # fmt: skip
    source = cv2.addWeighted(whole, 1.0, broad, -1.0, 128.0)
    for level in range(7):
        first = 0 if level == 6 else int(GROUND_HEIGHT_PX / 2 ** (level + 1))
        last = int(GROUND_HEIGHT_PX / 2**level)
        size = TILE_PX // 2**level
        shrunk = cv2.resize(source, (size, size), interpolation=cv2.INTER_AREA)
        padded = np.tile(shrunk, (2, 2))[: size + 1, : size + 1]
        total = np.zeros((last - first, GROUND_WIDTH_PX), np.float32)
        map_x = np.mod(across[None, :] * (spread[first:last, None] / 2**level), np.float32(size))
        parts = (-0.3, 0.0, 0.3) if level == 0 else (-0.25, 0.25)
        for part in parts:
            depth = focal_px * GROUND_HEIGHT_PX / (rows[first:last] + part) / 2**level
            map_y = np.mod(depth, size).astype(np.float32)[:, None].repeat(GROUND_WIDTH_PX, 1)
            total += cv2.remap(padded, map_x, map_y, cv2.INTER_LINEAR)
        # The top third fades out: what aliasing is left there would shimmer between scenes.
        fade = np.clip(rows[first:last, None] / (GROUND_HEIGHT_PX / 3), 0, 1)
        average = total * np.float32(1 / len(parts)) - np.float32(128)
        laid[first:last] = np.clip(128 + fade * average, 0, 255).astype(np.uint8)
    laid.setflags(write=False)
    return laid


def warm() -> None:
    """Build every tile now: about a second, so that the first scenes are not slower."""
    for name in get_args(TileName):
        tile(name)
    for name in GROUND_NAMES:
        ground_tile(name)


GROUND_NAMES: Final[tuple[TileName, ...]] = (
    "asphalt",
    "concrete",
    "gravel",
    "grass",
    "pavers",
)


def crop(name: TileName, width: int, height: int, at: tuple[float, float], scale: float) -> Grey:
    """A piece of a tile, shape (height, width), `scale` pixels a texel, from a place in [0, 1).

    Scales too small for the tile's stored size are raised to the smallest that fits.
    """
    level = 0
    while scale <= 0.5 and level < 3:
        scale, level = 2 * scale, level + 1
    period = TILE_PX >> level
    left, top = int(at[0] * period) % period, int(at[1] * period) % period
    source_width = min(max(round(width / scale), 1), 2 * TILE_PX - left)
    source_height = min(max(round(height / scale), 1), 2 * TILE_PX - top)
    piece = tile(name, level)[top : top + source_height, left : left + source_width]
    if piece.shape == (height, width):
        return piece
    return np.asarray(
        cv2.resize(piece, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.uint8
    )


def add_texture(area: Rgb, grey: Grey, strength: float) -> None:
    """Lay `grey` minus 128, times `strength`, on `area` in place; both have one size."""
    cv2.addWeighted(
        area, 1.0, cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), strength, -128.0 * strength, dst=area
    )


def ink(area: Rgb, mask: Grey, colour: Colour) -> None:
    """Print `mask` in one colour on `area` in place; 255 covers, and both have one size."""
    bare = cv2.cvtColor(cv2.bitwise_not(mask), cv2.COLOR_GRAY2RGB)
    printed = cv2.merge([cv2.convertScaleAbs(mask, alpha=channel / 255) for channel in colour])
    cv2.multiply(area, bare, dst=area, scale=1 / 255)
    cv2.add(area, printed, dst=area)


def ramp(*stops: tuple[int, Colour]) -> NDArray[np.uint8]:
    """A colour for each grey level, shape (256, 1, 3), straight lines between the stops."""
    levels = [level for level, _ in stops]
    channels = [
        np.interp(np.arange(256), levels, [colour[channel] for _, colour in stops])
        for channel in range(3)
    ]
    return np.stack(channels, -1).astype(np.uint8)[:, None, :]


def tint(grey: Grey, colours: NDArray[np.uint8]) -> Rgb:
    """Colour each grey level of `grey` by a `ramp`; shape (height, width, 3)."""
    return np.asarray(cv2.applyColorMap(grey, colours), dtype=np.uint8)
