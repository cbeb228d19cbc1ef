"""What a format is: a writer of rows into a folder, and a reader that gives rows back.

A format is a class with `write` and `read`, in a file of its own, declared in the
entry-point group `seedbed.formats`. Rows are those of a dataset (`seedbed.schema`): media
stay encoded, so a format moves bytes and labels and never a pixel. Names of files and
folders come from labels and ids only through `safe_name`.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

from seedbed.errors import InputError, SeedbedError
from seedbed.geometry import Points, rectangle
from seedbed.schema import MEDIA_COLUMNS, Row

CORNERS = ("top_left", "top_right", "bottom_right", "bottom_left")
"""The points of a quad as keypoints, in its order: clockwise from the text's top left."""

NAME_BYTES = 80
"""Of a label in a file name: with its hash and suffix far below the 255 that systems allow."""

UNLABELLED = "_unlabelled"
"""The folder of samples whose label is empty."""

_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in "123")}
"""Device names that Windows keeps for itself, whatever suffix follows."""


class Source(Protocol):
    """What a writer sees of a dataset. Rows are read one after the other, never all at once."""

    @property
    def info(self) -> Mapping[str, Any]:
        """The manifest: `name`, `seed`, `hash`, `sample_type` and more."""

    @property
    def splits(self) -> Sequence[str]:
        """The splits, in the recipe's order."""

    def rows(self, split: str) -> Iterator[Row]:
        """The rows of a split in order. Raises `SeedbedError` for one that cannot be read."""

    def labels(self) -> list[str]:
        """The categories of all objects, or the labels of all clips, each once and sorted."""


class Format(ABC):
    """A dataset as other tools expect it."""

    sample_type: ClassVar[str]
    """`"picture"` or `"clip"`: what the format holds."""

    @abstractmethod
    def write(self, source: Source, folder: Path) -> None:
        """Write every split into `folder`, which is there and empty.

        The caller renames it when this returns, and removes it when this raises. Raises
        `SeedbedError` for what the format cannot hold, and `OSError`.
        """

    def warnings(self, splits: Sequence[str]) -> tuple[str, ...]:
        """Sentences about what the tools of this format will miss in a dataset of these splits."""
        return ()

    @abstractmethod
    def read(self, folder: Path) -> Iterator[Row]:
        """The rows of a folder in this format, as far as it keeps what rows hold.

        Raises `InputError` for a folder that is not in this format.
        """


def safe_name(label: str) -> str:
    """A label as the name of one file or folder: never empty, hidden, long or a path.

    Letters and digits of any script stay, and `-`, `_` and single dots inside. What had to be
    changed gets eight hex digits of the label's sha256, so that two labels never meet in
    one name, where the file system tells capitals from small letters.
    """
    if label == "":
        return UNLABELLED
    composed = unicodedata.normalize("NFC", label)
    kept = "".join(_kept(character) for character in composed)
    while ".." in kept:
        kept = kept.replace("..", ".")
    kept = kept.strip(".")
    cut = kept.encode()[:NAME_BYTES].decode(errors="ignore").rstrip(".")
    reserved = cut.partition(".")[0].casefold() in _RESERVED
    if cut == label and cut != UNLABELLED and not reserved:
        return cut
    digest = hashlib.sha256(label.encode(errors="surrogatepass")).hexdigest()[:8]
    return f"{cut or 'label'}-{digest}" if not reserved else f"label-{cut}-{digest}"


def _kept(character: str) -> str:
    """Letters, marks and digits of any script, and a few signs; anything else becomes `_`."""
    return character if unicodedata.category(character)[0] in "LMN" or character in "-_." else "_"


def media_of(row: Row) -> tuple[str, bytes]:
    """A file name from the row's id and its media's suffix, and the media bytes.

    Raises `SeedbedError` for a suffix that is none.
    """
    media = row[next(column for column in MEDIA_COLUMNS.values() if column in row)]
    suffix = media["path"].rpartition(".")[2]
    if not (suffix.isascii() and suffix.isalnum() and len(suffix) <= 8):
        raise SeedbedError(f"sample {row['id']}: its media path {media['path']!r} has no suffix.")
    return f"{safe_name(row['id'])}.{suffix}", media["bytes"]


def path_inside(folder: Path, name: str) -> Path:
    """The file that `name` stands for in `folder`. Raises `InputError` for one outside it."""
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise InputError(f"{name!r} leads out of {folder}.")
    return path


def json_text(values: Any) -> str:
    """`values` as one line of JSON, letters of any script as they are."""
    return json.dumps(values, ensure_ascii=False, allow_nan=False)


@dataclass(frozen=True, kw_only=True)
class ReadObject:
    """An object as a reader found it: pixels; `quad` of shape (4, 2), `polygon` (n, 2).

    Where there is no quad or no outline, the box stands in and `attributes` say so.
    """

    category: str
    bbox: tuple[float, float, float, float]
    quad: Points | None = None
    polygon: Points | None = None
    fields: Mapping[str, Any] | None = None
    attributes: Mapping[str, Any] | None = None

    def row(self) -> Row:
        """The object as a dataset's rows hold it."""
        box = rectangle(*self.bbox)
        stand_ins = {
            f"{key}_is_bbox": True
            for key, points in (("quad", self.quad), ("polygon", self.polygon))
            if points is None
        }
        values: Row = {
            "category": self.category,
            "bbox": list(self.bbox),
            "quad": (box if self.quad is None else self.quad).reshape(-1).tolist(),
            "polygon": (box if self.polygon is None else self.polygon).reshape(-1).tolist(),
            "text": "",
            "text_plain": "",
            "layout": "",
            "region": "",
            "line_count": 0,
            "occlusion": 0.0,
            "legible": True,
            "illegible_reason": "",
            "attributes": json_text({**(self.attributes or {}), **stand_ins}),
            "characters": [],
        }
        return {**values, **(self.fields or {})}


def picture_row(
    path: Path, split: str, index: int, size: tuple[int, int], objects: Sequence[ReadObject]
) -> Row:
    """The row of a picture file, its bytes as they are; `size` is (width, height) in pixels."""
    return {
        "id": path.stem,
        "split": split,
        "index": index,
        "image": {"bytes": path.read_bytes(), "path": path.name},
        "width": size[0],
        "height": size[1],
        "objects": [found.row() for found in objects],
        "params": "{}",
        "counts": "{}",
    }
