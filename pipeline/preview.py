"""Contact sheets: samples of a recipe or a dataset on one picture, labels drawn over them.

Looking is how mistakes are found that no test asks about. Pictures get their boxes, quads,
character cells and texts; clips are drawn by `seedbed.preview_sound`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from seedbed.dataset import Dataset
from seedbed.errors import InputError
from seedbed.make import Maker
from seedbed.recipe import Recipe, kind_of, shared_out
from seedbed.sample import LabelledObject, Picture, Sample

CELL_PX = 480
"""The longer side of a picture on the sheet."""
LARGEST_ZOOM = 3.0
GAP_PX = 6
CAPTION_PX = 18
TEXT_PX = 13
LEAST_CHARACTER_PX = 18
"""Outlines of characters lower than this on the sheet, measured upright, would hide them."""

_PAPER = (24, 24, 28)
_CAPTION = (200, 200, 205)
_LEGIBLE = (80, 255, 120)
_ILLEGIBLE = (255, 90, 80)
_QUAD = (255, 210, 60)
_CHARACTER = (90, 190, 255, 150)
"""RGB and opacity of 255: what is printed shows through."""

SHEETS: dict[str, str] = {
    "picture": "seedbed.preview:write_picture_sheet",
    "clip": "seedbed.preview_sound:write_sound_sheet",
}
"""Who draws the sheet of a sample type: `write(samples, captions, out) -> written paths`."""


def preview_samples(recipe: Recipe, count: int) -> tuple[list[Sample], list[str]]:
    """The first `count` samples of a seeded recipe, shared out over its splits, captioned."""
    maker = Maker(recipe)
    maker.prepare()
    samples, captions = [], []
    for split, share in recipe.scaled(count).counts.items():
        for index in range(share):
            samples.append(maker.make(split, index))
            captions.append(f"{split} {index}")
    return samples[:count], captions[:count]


def dataset_samples(dataset: Dataset, count: int) -> tuple[list[Sample], list[str]]:
    """`count` samples spread evenly over a dataset, captioned. Raises `InputError` if empty."""
    split_samples = {split: dataset.samples(split) for split in dataset.splits}
    lengths = {split: len(samples) for split, samples in split_samples.items() if len(samples)}
    if not lengths:
        raise InputError(f"{dataset.store} has no finished samples yet.")
    shares = shared_out(lengths, min(count, sum(lengths.values())))
    places = [
        (split, number * lengths[split] // share)
        for split, share in shares.items()
        for number in range(share)
    ][:count]
    rows = [split_samples[split].row(position) for split, position in places]
    samples = [split_samples[split][position] for split, position in places]
    return samples, [f"{row['split']} {row['index']}" for row in rows]


def write_sheet(samples: Sequence[Sample], captions: Sequence[str], out: Path) -> list[Path]:
    """Draw samples of one type to `out`; the paths of all files written.

    Raises `InputError` where `out` cannot be written.
    """
    module, _, function = SHEETS[kind_of(type(samples[0]))].partition(":")
    writer: Any = getattr(import_module(module), function)
    with _writing(out):
        written: list[Path] = writer(samples, captions, out)
    return written


def write_picture(image: NDArray[np.uint8], out: Path) -> list[Path]:
    """Write an RGB picture as PNG, whatever the suffix.

    Raises `InputError` where `out` cannot be written.
    """
    with _writing(out), out.open("wb") as file:
        Image.fromarray(image).save(file, "PNG")
    return [out]


@contextmanager
def _writing(out: Path) -> Iterator[None]:
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise InputError(f"cannot write {out}: {error.strerror or error}.") from error


def write_picture_sheet(
    samples: Sequence[Picture], captions: Sequence[str], out: Path
) -> list[Path]:
    """Draw pictures with their labels to a PNG; the paths written."""
    return write_picture(picture_sheet(samples, captions), out)


def picture_sheet(
    samples: Sequence[Picture], captions: Sequence[str], columns: int | None = None
) -> NDArray[np.uint8]:
    """Pictures in rows with their labels drawn, RGB of shape (height, width, 3).

    By default there are so many `columns` that the sheet is about as high as wide.
    """
    cells = [_cell(sample) for sample in samples]
    width = max(cell.width for cell in cells)
    height = max(cell.height for cell in cells) + CAPTION_PX
    if columns is None:
        columns = max(1, min(len(cells), round(math.sqrt(len(cells) * 1.2 * height / width))))
    rows = -(-len(cells) // columns)
    size = (columns * (width + GAP_PX) + GAP_PX, rows * (height + GAP_PX) + GAP_PX)
    sheet = Image.new("RGB", size, _PAPER)
    pen, font = ImageDraw.Draw(sheet), _font()
    for number, (cell, caption) in enumerate(zip(cells, captions, strict=True)):
        row, column = divmod(number, columns)
        x, y = GAP_PX + column * (width + GAP_PX), GAP_PX + row * (height + GAP_PX)
        pen.text((x, y), caption, fill=_CAPTION, font=font)
        sheet.paste(cell, (x, y + CAPTION_PX))
    return np.asarray(sheet)


@cache
def _font() -> ImageFont.FreeTypeFont:
    """A face with the letters of every European language, unlike Pillow's own."""
    face = files("fontpkg_barlow_semi_condensed") / "files" / "BarlowSemiCondensed-Medium.ttf"
    return ImageFont.truetype(str(face), TEXT_PX)


def _cell(sample: Picture) -> Image.Image:
    height, width = sample.image.shape[:2]
    zoom = min(CELL_PX / max(height, width), LARGEST_ZOOM)
    size = (max(1, round(width * zoom)), max(1, round(height * zoom)))
    cell = Image.fromarray(sample.image).resize(size, Image.Resampling.LANCZOS)
    # In this mode a colour with an opacity is blended into the RGB picture.
    pen = ImageDraw.Draw(cell, "RGBA")
    for labelled in sample.objects:
        _draw_object(pen, labelled, zoom)
    return cell


def _draw_object(pen: ImageDraw.ImageDraw, labelled: LabelledObject, zoom: float) -> None:
    colour = _LEGIBLE if labelled.legible else _ILLEGIBLE
    x, y, width, height = (value * zoom for value in labelled.bbox)
    pen.rectangle((x, y, x + width, y + height), outline=colour)
    for character in labelled.characters:
        if float(np.linalg.norm(character.quad[3] - character.quad[0])) * zoom < LEAST_CHARACTER_PX:
            continue
        pen.polygon([tuple(point) for point in character.quad * zoom], outline=_CHARACTER)
    corners = [tuple(point) for point in labelled.quad * zoom]
    pen.polygon(corners, outline=_QUAD)
    first = corners[0]
    pen.ellipse((first[0] - 2, first[1] - 2, first[0] + 2, first[1] + 2), fill=_QUAD)
    text = labelled.text or labelled.category
    if labelled.illegible_reason:
        text += f" ({labelled.illegible_reason})"
    font = _font()
    sheet_width, sheet_height = pen.im.size if pen.im else (0, 0)
    left = max(0.0, min(x, sheet_width - pen.textlength(text, font) - 1))
    below = y + height + TEXT_PX + 3
    spot = (left, y + height + 1 if below < sheet_height else max(0.0, y - TEXT_PX - 3))
    pen.rectangle(pen.textbbox(spot, text, font=font), fill=_PAPER)
    pen.text(spot, text, fill=colour, font=font)
