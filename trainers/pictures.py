"""Pictures for the tasks that look: files, and labelled lists of files."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from seedbed.encode import decode_picture
from seedbed.errors import InputError, SeedbedError
from seedbed.geometry import rectangle
from seedbed.sample import LabelledObject, Picture, Sample
from seedbed.trainers.labelled_files import LabelledFiles

QUAD_IS_BOX = "quad_is_bbox"
"""Attribute of an object whose quad is its box, for want of corners: as readers of formats say."""

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")


def read_picture(path: Path) -> NDArray[np.uint8]:
    """A picture file as uint8 RGB, turned as its EXIF says. Raises `InputError`."""
    try:
        return decode_picture(path.read_bytes())
    except OSError as error:
        raise InputError(f"picture {path} cannot be read: {error.strerror}.") from error
    except SeedbedError as error:
        raise InputError(f"picture {path} cannot be decoded: {error}") from error


class PictureLabels(LabelledFiles):
    """Pictures with their plates, or with the class of the whole picture.

    Each row is `{"image": path, "region": "eu", "plates": [{"box": [x, y, w, h], "text": "…"}]}`,
    where a plate may have a `quad` as well, or `{"image": path, "label": "cat"}`.
    """

    key: ClassVar[str] = "image"
    looks_like: ClassVar[str] = (
        '{"image": "a.jpg", "plates": [{"box": [x, y, width, height], "text": "ABC123"}]} '
        'or {"image": "a.jpg", "label": "cat"}'
    )
    sample_type: ClassVar[type[Sample]] = Picture

    @classmethod
    def check(cls, row: dict[str, Any]) -> None:
        """Plates need boxes of four numbers; without plates there is a label."""
        if "plates" not in row and isinstance(row["label"], str):
            return
        for plate in row["plates"]:
            _, _, _, _ = (float(part) for part in plate["box"])

    def sample(self, index: int) -> Picture:
        """The picture of a row with its plates. Raises `InputError` for one that is unreadable."""
        row = self.rows[index]
        image = read_picture(self.file(index))
        if "plates" not in row:
            return Picture(image=image, objects=(whole_picture(image, row["label"]),))
        objects = []
        for plate in row["plates"]:
            x, y, width, height = (float(number) for number in plate["box"])
            corners = rectangle(x, y, width, height)
            quad = np.asarray(plate["quad"], dtype=np.float64) if "quad" in plate else corners
            text = str(plate.get("text", ""))
            objects.append(
                LabelledObject(
                    category="plate",
                    bbox=(x, y, width, height),
                    quad=quad,
                    polygon=corners,
                    text=text,
                    text_plain="".join(one for one in text.upper() if one.isalnum()),
                    layout=str(plate.get("layout", "")),
                    region=str(row.get("region", "")),
                    attributes={} if "quad" in plate else {QUAD_IS_BOX: True},
                )
            )
        return Picture(image=image, objects=tuple(objects))


def whole_picture(image: NDArray[np.uint8], label: str) -> LabelledObject:
    """The whole of `image`, (height, width, 3), as one labelled thing."""
    height, width = image.shape[:2]
    corners = rectangle(0.0, 0.0, float(width), float(height))
    return LabelledObject(
        category=label, bbox=(0.0, 0.0, float(width), float(height)), quad=corners, polygon=corners
    )
