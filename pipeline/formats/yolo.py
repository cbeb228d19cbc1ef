"""YOLO as Ultralytics lays it out: a text file of boxes beside each picture, and data.yaml.

    data.yaml
    images/train/train-00000000.jpg
    labels/train/train-00000000.txt     class x_centre y_centre width height

Numbers are shares of the picture's width and height. `data.yaml` holds no `path`, so that
Ultralytics takes the folder it lies in, wherever that is; it trains on `train` and wants a
split called `val`. See "Object Detection Datasets" in the Ultralytics documentation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import yaml

from seedbed.errors import InputError
from seedbed.formats.format import (
    Format,
    ReadObject,
    Source,
    media_of,
    path_inside,
    picture_row,
    safe_name,
)
from seedbed.schema import Row

DECIMALS = 7
"""Of a share: a thousandth of a pixel in a picture of 10,000."""

RESERVED_KEYS = {
    "path",
    "names",
    "nc",
    "kpt_shape",
    "flip_idx",
    "channels",
    "download",
    "yaml_file",
}
"""Keys of data.yaml that mean something else to Ultralytics."""

NEEDED_SPLITS = {"train": 1000, "val": 200}
"""Without which Ultralytics 8.4 refuses a data.yaml ("key missing"), and counts to suggest."""

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")


class Yolo(Format):
    """YOLO boxes in the layout of Ultralytics: `data.yaml`, `images/SPLIT`, `labels/SPLIT`."""

    sample_type: ClassVar[str] = "picture"

    def write(self, source: Source, folder: Path) -> None:
        """As `Format.write`; a picture without objects gets an empty label file."""
        names = source.labels()
        numbers = {label: number for number, label in enumerate(names)}
        places = {split: f"images/{safe_name(split)}" for split in source.splits}
        for split in RESERVED_KEYS & places.keys():
            raise InputError(f"data.yaml cannot hold a split called {split!r}: rename it.")
        for split, place in places.items():
            pictures, labels = folder / place, folder / "labels" / safe_name(split)
            pictures.mkdir(parents=True)
            labels.mkdir(parents=True)
            for row in source.rows(split):
                name, media = media_of(row)
                (pictures / name).write_bytes(media)
                lines = [
                    f"{numbers[labelled['category']]} "
                    + " ".join(_number(value) for value in self.numbers(labelled, row))
                    + "\n"
                    for labelled in row["objects"]
                ]
                (labels / name).with_suffix(".txt").write_text("".join(lines), encoding="utf-8")
        settings = {**self.settings(), "nc": len(names), "names": dict(enumerate(names))}
        head = f"# {source.info['name']}, made by seedbed: {source.info['hash']}\n"
        # Ultralytics reads YAML 1.1, where a class called no must stand in quotes.
        text = yaml.safe_dump({**places, **settings}, sort_keys=False, allow_unicode=True)
        (folder / "data.yaml").write_text(head + text, encoding="utf-8")

    def warnings(self, splits: Sequence[str]) -> tuple[str, ...]:
        """As `Format.warnings`: YOLO tools refuse a data.yaml without `train` or `val`."""
        # Ultralytics takes `validation` for `val`.
        there = {"val" if split == "validation" else split for split in splits}
        missing = [split for split in NEEDED_SPLITS if split not in there]
        if not missing:
            return ()
        named = " or ".join(repr(split) for split in missing)
        counts = ", ".join(f"{split}: {NEEDED_SPLITS[split]}" for split in missing)
        offer = ""
        if missing == ["val"]:
            offer = (
                "; or write `val: images/train` into data.yaml: its score is then of pictures "
                "that were learnt"
            )
        return (
            f"there is no split {named}, and YOLO tools do not train without: add "
            f"{'it' if len(missing) == 1 else 'them'} under `splits` in the recipe (such as "
            f"{counts}), build with --extend and export again{offer}.",
        )

    def settings(self) -> dict[str, Any]:
        """What `data.yaml` holds besides splits and names."""
        return {}

    def numbers(self, labelled: Row, row: Row) -> list[float]:
        """An object's numbers after its class: its box, cut at the frame."""
        size = np.array([row["width"], row["height"]])
        start = np.array(labelled["bbox"][:2])
        low = np.clip(start / size, 0, 1)
        high = np.clip((start + labelled["bbox"][2:]) / size, 0, 1)
        return [*((low + high) / 2).tolist(), *(high - low).tolist()]

    def read(self, folder: Path) -> Iterator[Row]:
        """As `Format.read`: the splits and names of `data.yaml`."""
        path = folder / "data.yaml"
        try:
            settings = yaml.safe_load(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror}.") from error
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise InputError(f"{path} is no YAML: {' '.join(str(error).split())}.") from error
        if not isinstance(settings, Mapping) or "names" not in settings:
            raise InputError(f"{path} has no names: it is no data.yaml of Ultralytics.")
        listed = settings["names"]
        numbered = enumerate(listed) if isinstance(listed, list) else listed.items()
        names = {number: str(name) for number, name in numbered}
        for split, place in settings.items():
            if split not in RESERVED_KEYS and isinstance(place, str):
                yield from self._rows(path_inside(folder, place), split, names)

    def _rows(self, place: Path, split: str, names: Mapping[int, str]) -> Iterator[Row]:
        from PIL import Image

        if not place.is_dir():
            raise InputError(f"{place} is not there, though data.yaml names it.")
        labels = place.parent.parent / "labels" / place.name
        found = sorted(place.iterdir())
        pictures = [path for path in found if path.suffix.lower() in PICTURE_SUFFIXES]
        for index, path in enumerate(pictures):
            with Image.open(path) as picture:
                size = picture.size
            text = labels / f"{path.stem}.txt"
            lines = text.read_text(encoding="utf-8").splitlines() if text.is_file() else []
            try:
                objects = [self._object(line, size, names) for line in lines if line.strip()]
            except (ValueError, KeyError) as error:
                raise InputError(f"{text} is no label file of this format: {error!r}.") from error
            yield picture_row(path, split, index, size, objects)

    def _object(self, line: str, size: tuple[int, int], names: Mapping[int, str]) -> ReadObject:
        number, *shares = line.split()
        category = names[int(number)]
        return self.object_of(category, np.array(shares, np.float64), np.array(size, np.float64))

    def object_of(self, category: str, shares: Any, size: Any) -> ReadObject:
        """The object of a label line; `shares` follow the class, `size` is (width, height).

        Raises `ValueError` where there are more or fewer numbers than the format has.
        """
        return ReadObject(category=category, bbox=box_of(shares, size))


def box_of(shares: Any, size: Any) -> tuple[float, float, float, float]:
    """A box in pixels from its centre and its size in shares. Raises `ValueError`."""
    if len(shares) != 4:
        raise ValueError(f"a box has 4 numbers, not {len(shares)}")
    width, height = shares[2:] * size
    x, y = shares[:2] * size - (width / 2, height / 2)
    return (float(x), float(y), float(width), float(height))


def _number(value: float) -> str:
    text = f"{value:.{DECIMALS}f}".rstrip("0").rstrip(".")
    return text or "0"
