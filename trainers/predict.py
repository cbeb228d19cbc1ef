"""Locates, rectifies and reads the plates of a folder of pictures: a JSON row a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from seedbed.errors import InputError
from seedbed.geometry import Points, bounding_box
from seedbed.shards import write_whole
from seedbed.trainers.draw import draw_plates
from seedbed.trainers.fuse import fused
from seedbed.trainers.locate import WORTH_SHARE, Locate
from seedbed.trainers.pictures import PICTURE_SUFFIXES, read_picture
from seedbed.trainers.read import Read
from seedbed.trainers.runs import load_trained

Image = NDArray[np.uint8]

PIXEL_DECIMALS = 2


@dataclass(frozen=True)
class ReadPlate:
    """A plate in a picture: its quad (4, 2) in pixels, its text, and how sure it is, 0 to 1.

    `score` is the locator's times the geometric mean of the letters' probabilities.
    """

    quad: Points
    text: str
    score: float
    locate_score: float

    def row(self) -> dict[str, Any]:
        """JSON-ready: `{"box", "quad", "text", "score"}`."""
        return {
            "box": [round(number, PIXEL_DECIMALS) for number in bounding_box(self.quad)],
            "quad": [[round(float(x), PIXEL_DECIMALS) for x in point] for point in self.quad],
            "text": self.text,
            "score": round(self.score, 4),
        }


class PlateReader:
    """A locator and a reader, one after the other, on whole pictures."""

    def __init__(self, locate: str | Path, read: str | Path, device: str = "cpu") -> None:
        """Load both runs' best weights. Raises `InputError`, for a device that is not there too."""
        locator = load_trained(locate, Locate.name, device)
        reader = load_trained(read, Read.name, device)
        if not isinstance(locator.task, Locate) or not isinstance(reader.task, Read):
            raise InputError("the runs' tasks are not seedbed's own locate and read.")
        self.locate_task, self.read_task = locator.task, reader.task
        memory = torch.channels_last
        self.locator = fused(locator.network).to(device)
        self.reader = fused(reader.network).to(device)
        self.locator.to(memory_format=memory)  # type: ignore[call-overload]
        self.reader.to(memory_format=memory)  # type: ignore[call-overload]

    def __call__(self, image: Image) -> list[ReadPlate]:
        """The plates of a picture, uint8 RGB of shape (height, width, 3), surest first."""
        found = self.locate_task.find(self.locator, image)
        if not found:
            return []
        quads = [plate.quad for plate in found]
        surest = max(plate.score for plate in found)
        worth = [plate.score >= WORTH_SHARE * surest for plate in found]
        seen = [plate.looks for plate in found]
        readings = self.read_task.read(self.reader, [image] * len(found), quads, worth, seen)
        plates = []
        for plate, reading in zip(found, readings, strict=True):
            letters = [max(probability, 1e-6) for _, probability in reading.letters]
            sure = float(np.exp(np.mean(np.log(letters)))) if letters else 0.0
            plates.append(ReadPlate(plate.quad, reading.text, plate.score * sure, plate.score))
        return sorted(plates, key=lambda one: -one.score)


def pictures_in(folder: Path) -> list[Path]:
    """The picture files in a folder, by name. Raises `InputError` where there are none."""
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder of pictures: there is no such folder.")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURE_SUFFIXES)
    if not paths:
        raise InputError(f"{folder} holds no pictures ({', '.join(PICTURE_SUFFIXES)}).")
    return paths


def predict_plates(
    reader: PlateReader,
    images: Path,
    out: Path,
    draw: Path | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> int:
    """Write one row a picture of the folder `images` to `out`; how many rows.

    Rows look like `{"image": name, "plates": [{"box", "quad", "text", "score"}]}`, names
    relative to the folder. `draw` gets the pictures with what was found drawn in. `out` is written
    whole or not at all. Raises `InputError` that names a picture which cannot be read.
    """
    paths = pictures_in(images)
    rows = []
    for number, (name, image, plates) in enumerate(_read_all(reader, images, paths), start=1):
        row = {"image": name, "plates": [plate.row() for plate in plates]}
        rows.append(json.dumps(row, ensure_ascii=False) + "\n")
        if draw is not None:
            _write_drawn(draw / name, image, plates)
        if on_progress is not None:
            on_progress(number, len(paths))
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_whole(out, "".join(rows).encode())
    except OSError as error:
        raise InputError(f"cannot write {out}: {error.strerror or error}.") from error
    return len(paths)


def _read_all(
    reader: PlateReader, folder: Path, paths: list[Path]
) -> Iterator[tuple[str, Image, list[ReadPlate]]]:
    for path in paths:
        image = read_picture(path)
        yield path.relative_to(folder).as_posix(), image, reader(image)


def _write_drawn(path: Path, image: Image, plates: list[ReadPlate]) -> None:
    words = [(plate.quad, f"{plate.text} {plate.score:.2f}") for plate in plates]
    bgr = cv2.cvtColor(draw_plates(image, words), cv2.COLOR_RGB2BGR)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), bgr):
        raise InputError(f"cannot write {path}.")
