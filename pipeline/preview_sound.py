"""Sheets of clips: waveform and log-mel spectrogram with the word times drawn, WAVs beside.

Cut words, hum, wrong times and too narrow a band are seen at once here, and heard in the WAVs.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from seedbed.errors import SeedbedError
from seedbed.sample import Clip, Sample

COLUMNS = 4
PX_PER_SECOND = 260
NARROWEST_PX = 220
WIDEST_PX = 900
WAVE_PX = 56
MEL_BANDS = 64
BAND_PX = 2
CAPTION_PX = 30
TEXT_PX = 12
GAP_PX = 8

LONGEST_NAME = 40
"""Characters of a label or a name in a WAV's file name, which file systems keep under 256 bytes."""

WINDOW_SECONDS, HOP_SECONDS = 0.025, 0.004
RANGE_DB = 70.0
"""Below the loudest cell of a clip by this much is drawn black."""

_PAPER, _INK, _CAPTION = (24, 24, 28), (120, 190, 255), (200, 200, 205)
_WORD, _KEYWORD = (255, 210, 60), (80, 255, 120)


def write_sound_sheet(
    samples: Sequence[Sample], captions: Sequence[str], out: Path, names: Sequence[str] = ()
) -> list[Path]:
    """Draw the clips on one sheet at `out` (a PNG) and write each as a WAV beside it.

    The WAVs are named `STEM-NUMBER-LABEL.wav` after the sheet, or `STEM-NUMBER-NAME.wav` where
    `names` are given, one a clip, cut to `LONGEST_NAME` characters. Returns the paths written.
    Raises `SeedbedError` where a sample is no clip, and `ValueError` for more or fewer names.
    """
    import soundfile

    tiles, written = [], [out]
    named: Sequence[str | None] = names or [None] * len(samples)
    for number, (sample, caption, name) in enumerate(zip(samples, captions, named, strict=True)):
        if not isinstance(sample, Clip):
            raise SeedbedError(f"sample {caption} is a {type(sample).__name__}, not a clip.")
        tiles.append(clip_tile(sample, caption))
        shown = sample.label or sample.transcript if name is None else name
        safe = "".join(c if c.isalnum() else "-" for c in shown[:LONGEST_NAME])
        path = out.with_name(f"{out.stem}-{number:03d}-{safe or 'clip'}.wav")
        soundfile.write(path, sample.sound, sample.sample_rate, subtype="PCM_16")
        written.append(path)
    with out.open("wb") as file:
        Image.fromarray(_arranged(tiles)).save(file, "PNG")
    return written


@lru_cache(maxsize=1)
def _font() -> ImageFont.FreeTypeFont:
    """A face with the letters of every European language, unlike Pillow's own."""
    face = files("fontpkg_barlow_semi_condensed") / "files" / "BarlowSemiCondensed-Medium.ttf"
    return ImageFont.truetype(str(face), TEXT_PX)


def _arranged(tiles: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Tiles in rows of `COLUMNS`, each column as wide as its widest tile."""
    if not tiles:
        return np.full((GAP_PX, GAP_PX, 3), _PAPER, dtype=np.uint8)
    rows = [tiles[start : start + COLUMNS] for start in range(0, len(tiles), COLUMNS)]
    count = min(COLUMNS, len(tiles))
    widths = [
        max(row[column].shape[1] for row in rows if column < len(row)) for column in range(count)
    ]
    height = tiles[0].shape[0]
    sheet = np.empty(
        (
            GAP_PX + len(rows) * (height + GAP_PX),
            GAP_PX + sum(width + GAP_PX for width in widths),
            3,
        ),
        dtype=np.uint8,
    )
    sheet[:] = _PAPER
    for row_number, row in enumerate(rows):
        top, left = GAP_PX + row_number * (height + GAP_PX), GAP_PX
        for column, tile in enumerate(row):
            sheet[top : top + height, left : left + tile.shape[1]] = tile
            left += widths[column] + GAP_PX
    return sheet


def clip_tile(clip: Clip, caption: str) -> NDArray[np.uint8]:
    """One clip as a picture: caption, waveform at full scale, log-mel, words on top."""
    seconds = len(clip.sound) / clip.sample_rate
    width = int(np.clip(round(seconds * PX_PER_SECOND), NARROWEST_PX, WIDEST_PX))
    spectrum = _as_colour(log_mel(clip.sound, clip.sample_rate))
    drawn_width = max(1, min(width, round(seconds * PX_PER_SECOND)))
    picture = Image.fromarray(spectrum).resize(
        (drawn_width, MEL_BANDS * BAND_PX), Image.Resampling.BILINEAR
    )
    tile = Image.new("RGB", (width, CAPTION_PX + WAVE_PX + MEL_BANDS * BAND_PX), _PAPER)
    tile.paste(picture, (0, CAPTION_PX + WAVE_PX))
    draw = ImageDraw.Draw(tile)
    font = _font()
    said = clip.label or clip.transcript or "-"
    draw.text((2, 1), f"{caption}: {said}", fill=_CAPTION, font=font)
    draw.text((2, 15), f"{clip.voice or clip.engine} {seconds:.2f} s", fill=_CAPTION, font=font)
    _draw_wave(draw, clip.sound, drawn_width)
    scale = drawn_width / seconds if seconds else 1.0
    bottom = tile.height - 1
    for word in clip.words:
        for moment in (word.start, word.end):
            draw.line([(moment * scale, CAPTION_PX), (moment * scale, bottom)], fill=_WORD)
        draw.text((word.start * scale + 2, CAPTION_PX + WAVE_PX), word.text, fill=_WORD, font=font)
    if clip.keyword_span is not None:
        first, last = (moment * scale for moment in clip.keyword_span)
        draw.line([(first, bottom - 1), (last, bottom - 1)], fill=_KEYWORD, width=3)
    return np.asarray(tile)


def _draw_wave(draw: ImageDraw.ImageDraw, sound: NDArray[np.float32], width: int) -> None:
    if len(sound) == 0:
        return
    edges = np.linspace(0, len(sound), width + 1).astype(np.int64)
    middle = CAPTION_PX + WAVE_PX // 2
    for column in range(width):
        part = sound[edges[column] : max(edges[column] + 1, edges[column + 1])]
        high = middle - float(part.max()) * (WAVE_PX // 2)
        low = middle - float(part.min()) * (WAVE_PX // 2)
        draw.line([(column, high), (column, low)], fill=_INK)


def log_mel(sound: NDArray[np.float32], sample_rate: int) -> NDArray[np.float32]:
    """Mel power in decibels, shape (MEL_BANDS, frames), 0 dB at the loudest cell."""
    size = max(16, round(WINDOW_SECONDS * sample_rate))
    hop = max(1, round(HOP_SECONDS * sample_rate))
    padded = np.pad(sound, (size // 2, size // 2 + hop))
    windows = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]
    power = np.abs(np.fft.rfft(windows * np.hanning(size).astype(np.float32), axis=1)) ** 2
    mel = power @ _mel_filters(size, sample_rate).T
    decibels = 10.0 * np.log10(np.maximum(mel, 1e-10))
    return np.asarray((decibels - decibels.max()).T, dtype=np.float32)


@lru_cache(maxsize=8)
def _mel_filters(size: int, sample_rate: int) -> NDArray[np.float64]:
    """Triangles on the mel scale 2595 log10(1 + f / 700) (O'Shaughnessy 1987), (bands, bins)."""
    top_mel = 2595.0 * np.log10(1.0 + sample_rate / 2 / 700.0)
    corners = 700.0 * (10.0 ** (np.linspace(0.0, top_mel, MEL_BANDS + 2) / 2595.0) - 1.0)
    hertz = np.fft.rfftfreq(size, 1.0 / sample_rate)
    rising = (hertz[None] - corners[:-2, None]) / (corners[1:-1] - corners[:-2])[:, None]
    falling = (corners[2:, None] - hertz[None]) / (corners[2:] - corners[1:-1])[:, None]
    return np.asarray(np.maximum(0.0, np.minimum(rising, falling)))


def _as_colour(decibels: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Low bands at the bottom; black through violet and orange to white."""
    level = np.clip(decibels[::-1] / RANGE_DB + 1.0, 0.0, 1.0)
    stops = np.array([0.0, 0.35, 0.65, 0.85, 1.0])
    colours = np.array([(0, 0, 8), (75, 20, 110), (205, 65, 70), (250, 165, 45), (255, 255, 215)])
    channels = [np.interp(level, stops, colours[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=-1).astype(np.uint8)
