"""Typefaces from font files: the open-licensed families seedbed installs, and a user's own.

Families come from the `fontpkg-*` packages, found without importing them. A family is
either several static files, one a weight, or one variable file with a weight axis.
Glyphs are drawn once at a few fixed sizes by FreeType (through Pillow) and resized to the
cell asked for, so that no font object is made for every pixel size.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from seedbed.errors import InputError

Mask: TypeAlias = NDArray[np.uint8]
"""Ink coverage, shape (height, width): 0 is bare, 255 is fully covered."""

FAMILIES = (
    "barlow-condensed",
    "barlow-semi-condensed",
    "roboto-condensed",
    "saira-condensed",
    "overpass",
    "fjalla-one",
    "share-tech",
    "archivo-narrow",
    "roboto-slab",
    "satisfy",
    "yellowtail",
)
"""The `fontpkg-*` packages used, without their prefix; licences are in data/LICENCES.md."""

FONT_SUFFIXES = (".ttf", ".otf", ".woff2")
DRAWN_HEIGHTS_PX = (96, 288)
"""Cap heights at which FreeType draws a character, once: it is slow."""
MASTER_HEIGHTS_PX = (16, 32, 96, 288)
"""Cap heights at which characters are kept, averaged down from those drawn; a glyph or a
line of text is resized from the next larger one."""
_MEASURED_PX = 96
MIN_WIDTH_SCALE, MAX_WIDTH_SCALE = 0.55, 1.35
"""How far a face is squeezed or stretched to fit a cell, as a share of its own width."""
_REFERENCE = "HNOD0"
_STEM_NAMES = {
    "thin": 100,
    "extralight": 200,
    "light": 300,
    "regular": 400,
    "medium": 500,
    "semibold": 600,
    "bold": 700,
    "extrabold": 800,
    "black": 900,
}
_OFFERED_WEIGHTS = range(300, 1000, 100)


@dataclass(frozen=True, order=True)
class FontFile:
    """One weight of one font file; `axis_weight` is None where the file has no such axis."""

    weight: int
    path: str
    axis_weight: int | None = None


@lru_cache(maxsize=256)
def _font_at(file: FontFile, size: int) -> ImageFont.FreeTypeFont:
    try:
        font = ImageFont.truetype(file.path, size, layout_engine=ImageFont.Layout.BASIC)
    except OSError as error:
        raise InputError(
            f"font {file.path} cannot be read ({error}): "
            "give a .ttf, .otf or .woff2 file, or remove it from the folder."
        ) from error
    if file.axis_weight is not None:
        axes = font.get_variation_axes()
        values = [float(axis["default"] or 0) for axis in axes]
        values[_weight_axis(axes)] = float(file.axis_weight)
        font.set_variation_by_axes(values)
    return font


def _weight_axis(axes: list[ImageFont.Axis]) -> int:
    names = [(axis["name"] or b"").lower() for axis in axes]
    return names.index(b"weight") if b"weight" in names else 0


@lru_cache(maxsize=256)
def _size_for_cap(file: FontFile, cap_height_px: int) -> tuple[int, float]:
    """The font size whose capital H is about `cap_height_px` high, and its exact cap height."""
    box = _font_at(file, 400).getbbox("H", anchor="ls")
    cap = -box[1] if box[1] < 0 else 280.0
    size = max(4, round(400 * cap_height_px / cap))
    return size, cap * size / 400


@dataclass(frozen=True)
class _Letter:
    """One character's ink at a master height, and how it is set, in pixels of that height.

    `left` is how far right of the pen the ink starts, `above` how far over the baseline.
    """

    ink: Mask
    left: int
    above: int
    advance: int


@lru_cache(maxsize=4096)
def _small_letter(file: FontFile, char: str, cap_height_px: int) -> _Letter:
    if cap_height_px in DRAWN_HEIGHTS_PX:
        return _draw_letter(file, char, cap_height_px)
    drawn = _letter(file, char, DRAWN_HEIGHTS_PX[0])
    share = cap_height_px / DRAWN_HEIGHTS_PX[0]
    height, width = drawn.ink.shape
    if not drawn.ink.size:
        return replace(drawn, advance=round(drawn.advance * share))
    size = (max(round(width * share), 1), max(round(height * share), 1))
    return _Letter(
        np.asarray(cv2.resize(drawn.ink, size, interpolation=cv2.INTER_AREA), np.uint8),
        round(drawn.left * share),
        round(drawn.above * share),
        round(drawn.advance * share),
    )


@lru_cache(maxsize=192)
def _large_letter(file: FontFile, char: str, cap_height_px: int) -> _Letter:
    return _draw_letter(file, char, cap_height_px)


def _letter(file: FontFile, char: str, cap_height_px: int) -> _Letter:
    """A character at a master height: some 10 MB of small and 10 MB of large ones are kept."""
    keep = _small_letter if cap_height_px <= 96 else _large_letter
    return keep(file, char, cap_height_px)


def _draw_letter(file: FontFile, char: str, cap_height_px: int) -> _Letter:
    font = _font_at(file, _size_for_cap(file, cap_height_px)[0])
    # A canvas with room for any letter spares asking FreeType how large this one is.
    left, baseline = cap_height_px // 2, 3 * cap_height_px // 2
    picture = Image.new("L", (5 * cap_height_px // 2, 9 * cap_height_px // 4))
    ImageDraw.Draw(picture).text((left, baseline), char, fill=255, font=font, anchor="ls")
    pixels = np.asarray(picture)
    x, y, ink_width, ink_height = cv2.boundingRect(pixels)
    ink = pixels[y : y + ink_height, x : x + ink_width].copy()
    ink.flags.writeable = False
    return _Letter(ink, x - left, baseline - y, round(font.getlength(char)))


def _set_line(file: FontFile, text: str, cap_height_px: int) -> tuple[Mask, int]:
    """The inked pixels of `text`, and how many rows its top lies above the baseline.

    Letters are set side by side by their advances, as FreeType's basic layout does.
    """
    letters: list[tuple[int, _Letter]] = []
    pen = 0
    for char in text:
        letter = _letter(file, char, cap_height_px)
        if letter.ink.size:
            letters.append((pen + letter.left, letter))
        pen += letter.advance
    if not letters:
        return np.zeros((0, 0), np.uint8), 0
    first = min(x for x, _ in letters)
    last = max(x + letter.ink.shape[1] for x, letter in letters)
    above = max(letter.above for _, letter in letters)
    below = max(letter.ink.shape[0] - letter.above for _, letter in letters)
    line = np.zeros((above + below, last - first), np.uint8)
    for x, letter in letters:
        height, width = letter.ink.shape
        top, left = above - letter.above, x - first
        place = line[top : top + height, left : left + width]
        cv2.max(place, letter.ink, dst=place)
    return line, above


@lru_cache(maxsize=512)
def _stem_ratio(file: FontFile) -> float:
    """Width of the capital H's stem over its height."""
    pixels = _letter(file, "H", _MEASURED_PX).ink
    if pixels.size == 0:
        return 0.15
    row = pixels[pixels.shape[0] // 4] > 127
    # The outermost column may be too pale to count: the stem is the first run of ink.
    inked = row[int(np.argmax(row)) :]
    stem = inked.size if inked.all() else int(np.argmin(inked))
    return float(stem / pixels.shape[0])


@lru_cache(maxsize=512)
def _reference_width(file: FontFile) -> float:
    """Ink width of an ordinary wide letter over the cap height."""
    height = _MEASURED_PX
    widths = [_letter(file, char, height).ink.shape[1] for char in _REFERENCE]
    return float(max(max(widths) / height, 0.1))


@lru_cache(maxsize=64)
def _notdef(file: FontFile) -> bytes:
    return _letter(file, "\U0010ffff", DRAWN_HEIGHTS_PX[0]).ink.tobytes()


@lru_cache(maxsize=8192)
def _has(file: FontFile, char: str) -> bool:
    if char.isspace():
        return True
    pixels = _letter(file, char, DRAWN_HEIGHTS_PX[0]).ink
    return pixels.size > 0 and pixels.tobytes() != _notdef(file)


def _master_height(height_px: int) -> int:
    return next((h for h in MASTER_HEIGHTS_PX if h >= height_px), MASTER_HEIGHTS_PX[-1])


def resize_ink(ink: Mask, width_px: int, height_px: int) -> Mask:
    """`ink` resized to (height_px, width_px), averaging where it shrinks."""
    if ink.shape == (height_px, width_px):
        return ink
    height, width = ink.shape
    shrinks = height_px <= height and width_px <= width
    # Down to about half size bilinear sampling skips no pixel and is several times faster.
    slight = 1.8 * height_px > height and 1.8 * width_px > width
    how = cv2.INTER_AREA if shrinks and not slight else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(ink, (width_px, height_px), interpolation=how), np.uint8)


def centred(ink: Mask, width_px: int) -> Mask:
    """`ink` in the middle of an empty mask `width_px` wide."""
    canvas = np.zeros((ink.shape[0], width_px), np.uint8)
    left = (width_px - ink.shape[1]) // 2
    canvas[:, left : left + ink.shape[1]] = ink
    return canvas


@dataclass(frozen=True, eq=False)
class FontTypeface:
    """A font family as plate characters; of several weights the nearest to the stroke serves."""

    name: str
    files: tuple[FontFile, ...]

    def supports(self, char: str) -> bool:
        """Whether the font has a picture for `char`. Raises `InputError` if unreadable."""
        return _has(self.files[0], char)

    def _pick(self, stroke_ratio: float) -> FontFile:
        if len(self.files) == 1:
            return self.files[0]
        return min(self.files, key=lambda file: abs(_stem_ratio(file) - stroke_ratio))

    def glyph(self, char: str, width_px: int, height_px: int, stroke_ratio: float) -> Mask:
        """`char` in a cell of (height_px, width_px); letters and digits fill the height.

        Marks such as a hyphen keep their place between baseline and cap height. A
        character narrower than the cell is centred, a wider one squeezed.
        """
        file = self._pick(stroke_ratio)
        if char.isspace():
            return np.zeros((height_px, width_px), np.uint8)
        master = _master_height(height_px)
        letter = _letter(file, char, master)
        ink, above = letter.ink, letter.above
        cap = _size_for_cap(file, master)[1]
        scale = width_px / (_reference_width(file) * height_px)
        scale = min(max(scale, MIN_WIDTH_SCALE), MAX_WIDTH_SCALE)
        per_pixel = height_px / cap
        ink_width = round(ink.shape[1] * per_pixel * scale)
        ink_width = min(max(ink_width, 1), width_px)
        if char.isalnum():
            return centred(resize_ink(ink, ink_width, height_px), width_px)
        ink_height = min(max(round(ink.shape[0] * per_pixel), 1), height_px)
        top = round((cap - above) * per_pixel)
        top = min(max(top, 0), height_px - ink_height)
        mask = np.zeros((height_px, width_px), np.uint8)
        mask[top : top + ink_height] = centred(resize_ink(ink, ink_width, ink_height), width_px)
        return mask

    def text(self, text: str, height_px: int) -> Mask:
        """`text` set proportionally, shape (height_px, w).

        The rows span the ink and at least baseline to cap height; w is at least 1.
        """
        file = self._pick(0.16)
        master = _master_height(height_px)
        ink, above = _set_line(file, text, master)
        if ink.size == 0:
            return np.zeros((height_px, max(1, height_px // 3)), np.uint8)
        cap = round(_size_for_cap(file, master)[1])
        over, under = max(0, cap - above), max(0, above - ink.shape[0])
        if over or under:
            ink = np.pad(ink, ((over, under), (0, 0)))
        width_px = max(1, round(ink.shape[1] * height_px / ink.shape[0]))
        return resize_ink(ink, width_px, height_px)


def _static_weight(path: Path) -> int | None:
    """The weight that a static upright file's name tells, such as `...-SemiBold.ttf`."""
    style = path.stem.rpartition("-")[2].lower()
    return _STEM_NAMES.get(style)


def _family_files(family: str) -> tuple[FontFile, ...]:
    spec = find_spec(f"fontpkg_{family.replace('-', '_')}")
    if spec is None or spec.origin is None:
        raise InputError(
            f"font family {family!r} is not installed: run `pip install fontpkg-{family}`."
        )
    paths = sorted((Path(spec.origin).parent / "files").glob("*.ttf"))
    files: list[FontFile] = []
    for path in paths:
        if "Italic" in path.stem:
            continue
        if re.search(r"\[.*wght.*\]", path.stem):
            font = ImageFont.truetype(str(path), 20)
            axes = font.get_variation_axes()
            axis = axes[_weight_axis(axes)]
            low, high = axis["minimum"] or 0, axis["maximum"] or 0
            offered = [w for w in _OFFERED_WEIGHTS if low <= w <= high]
            files += [FontFile(weight, str(path), weight) for weight in offered]
            continue
        weight = _static_weight(path)
        if weight is not None and weight in _OFFERED_WEIGHTS:
            files.append(FontFile(weight, str(path)))
    if not files:
        raise InputError(
            f"package fontpkg-{family} holds no upright font: install another version of it."
        )
    return tuple(sorted(files))


def installed_typefaces() -> tuple[FontTypeface, ...]:
    """Every family as `font:FAMILY`, and each of its weights as `font:FAMILY:WEIGHT`.

    Raises `InputError` where a family's package is not installed.
    """
    typefaces: list[FontTypeface] = []
    for family in FAMILIES:
        files = _family_files(family)
        typefaces.append(FontTypeface(f"font:{family}", files))
        typefaces += [FontTypeface(f"font:{family}:{f.weight}", (f,)) for f in files]
    return tuple(typefaces)


def _font_paths(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise InputError(f"font folder {folder} does not exist: give a folder of font files.")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in FONT_SUFFIXES)
    if not paths:
        raise InputError(
            f"font folder {folder} holds no font: put {', '.join(FONT_SUFFIXES)} files in it."
        )
    return paths


def fonts_digest(folder: str | Path) -> str:
    """Twelve hex digits that change with the names and bytes of the fonts in `folder`.

    Raises `InputError` where the folder is missing or holds no font.
    """
    digest = hashlib.sha256()
    for path in _font_paths(Path(folder)):
        digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]


def folder_typefaces(folder: Path) -> tuple[FontTypeface, ...]:
    """Each font file directly in `folder` as `file:STEM`.

    Raises `InputError` where the folder is missing, holds no font, or a font is unreadable.
    """
    paths = _font_paths(folder)
    typefaces: dict[str, FontTypeface] = {}
    for path in paths:
        typeface = FontTypeface(f"file:{path.stem}", (FontFile(400, str(path)),))
        if typeface.name in typefaces:
            raise InputError(
                f"font folder {folder} holds two fonts named {path.stem}: rename one of them."
            )
        typeface.supports("A")
        typefaces[typeface.name] = typeface
    return tuple(typefaces.values())
