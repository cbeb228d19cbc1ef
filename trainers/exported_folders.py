"""Folders in other tools' formats as sources: COCO, YOLO, YOLO pose, and WAVs with a manifest.

The readers are those of `seedbed.formats`. A format keeps what it keeps: COCO all labels of a
plate, YOLO boxes and classes alone. Where there are no corners, the box stands in for the quad,
and tasks do not count the corners' error.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seedbed.errors import InputError
from seedbed.export import format_named
from seedbed.formats.format import CORNERS
from seedbed.formats.wav_folders import MANIFEST_SUFFIX
from seedbed.sample import Clip, Picture, Sample
from seedbed.schema import Row, sample_of
from seedbed.trainers.digests import rows_digest
from seedbed.trainers.splits import ALL
from seedbed.yaml_files import read_yaml


@dataclass(frozen=True)
class ExportedFolder:
    """The samples of one split of a folder in a format; their media are held as they are coded."""

    folder: Path
    format_name: str
    split: str
    rows: tuple[Row, ...] = field(repr=False)
    sample_type: type[Sample]

    @property
    def described(self) -> dict[str, Any]:
        """The folder, its format, the split, and a digest of its samples."""
        return {
            "folder": str(self.folder),
            "format": self.format_name,
            "split": self.split,
            "digest": rows_digest(self.rows),
            "samples": len(self),
        }

    def __len__(self) -> int:
        return len(self.rows)

    def sample(self, index: int) -> Sample:
        """The sample at an index. Raises `SeedbedError` for one that cannot be decoded."""
        return sample_of(self.rows[index])

    def name(self, index: int) -> str:
        """The split and the file's name."""
        row = self.rows[index]
        media = row["image"] if "image" in row else row["audio"]
        return f"{row['split']}/{media['path']}"


def format_of(folder: Path) -> str | None:
    """The name of the format a folder is in, by the file that lists its labels; or None.

    Raises `InputError` for YOLO with keypoints that are not the four corners of a quad.
    """
    if any((folder / "annotations").glob("instances_*.json")):
        return "coco"
    settings = folder / "data.yaml"
    if settings.is_file():
        values = read_yaml(settings, str(settings))
        shape = values.get("kpt_shape") if isinstance(values, dict) else None
        if shape is None:
            return "yolo"
        if list(shape) != [len(CORNERS), 3]:
            raise InputError(
                f"{settings}: kpt_shape must be [{len(CORNERS)}, 3], the corners of a quad "
                f"clockwise from the text's top left, got {shape}."
            )
        return "yolo-pose"
    return "wav-folders" if any(folder.glob(f"*{MANIFEST_SUFFIX}")) else None


def open_exported_folder(folder: Path, format_name: str, split: str) -> ExportedFolder:
    """A split of a folder in a format; `all` is every split. Raises `InputError`."""
    chosen = format_named(format_name)
    counts: Counter[str] = Counter()
    rows = []
    for row in chosen.read(folder):
        counts[row["split"]] += 1
        if split in (row["split"], ALL):
            rows.append(row)
    if not rows:
        known = ", ".join(counts) or "none"
        raise InputError(f"{folder} has no split {split!r} (it has: {known}).")
    kind = Picture if chosen.sample_type == "picture" else Clip
    return ExportedFolder(folder, format_name, split, tuple(rows), kind)
