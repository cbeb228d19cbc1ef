"""Lists of labelled files: JSON Lines beside (or above) the pictures or sounds they name.

A row may say in `split` which split it belongs to. Where none does, each belongs to train (80%),
val or test (10% each) by a hash of its file's name, so that a network is never validated on what
it has learnt from; the split `all` is all of them.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self

from seedbed.errors import InputError
from seedbed.sample import Sample
from seedbed.trainers.digests import folder_digest
from seedbed.trainers.splits import ALL, SPLITS, split_by_hash


@dataclass(frozen=True)
class LabelledFiles(ABC):
    """The rows of a list, each naming one file by a path relative to the list.

    `key` is what that path is called in a row, `looks_like` an example of a row for messages.
    """

    key: ClassVar[str]
    looks_like: ClassVar[str]
    sample_type: ClassVar[type[Sample]]

    path: Path
    rows: tuple[dict[str, Any], ...]
    split: str = ALL

    @classmethod
    def read(cls, path: Path) -> Self:
        """The list in a file. Raises `InputError` that names the line with another form."""
        rows = []
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"labels {path} cannot be read: {error}") from error
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                if not isinstance(row[cls.key], str):
                    raise TypeError(f"{cls.key!r} is no path")
                if not isinstance(row.get("split", ""), str):
                    raise TypeError("'split' is no name")
                cls.check(row)
            except (ValueError, KeyError, TypeError) as error:
                raise InputError(
                    f"labels {path}: line {number} must look like {cls.looks_like} ({error})."
                ) from error
            rows.append(row)
        if not rows:
            raise InputError(f"labels {path}: holds no rows.")
        return cls(path, tuple(rows))

    @classmethod
    @abstractmethod
    def check(cls, row: dict[str, Any]) -> None:
        """Raise `ValueError`, `KeyError` or `TypeError` for a row of another form."""

    def of_split(self, split: str) -> Self:
        """The rows of one split, or of `all`. Raises `InputError` where there are none."""
        if split == ALL:
            return self
        named = [row for row in self.rows if "split" in row]
        if named and len(named) < len(self.rows):
            raise InputError(
                f"labels {self.path}: {len(named)} of {len(self.rows)} rows have a split: give all "
                f"of them one, or none."
            )
        if named:
            rows = [row for row in self.rows if row["split"] == split]
            if not rows:
                known = ", ".join(dict.fromkeys(row["split"] for row in self.rows))
                raise InputError(f"labels {self.path}: no row has the split {split!r} ({known}).")
        elif split not in SPLITS:
            raise InputError(
                f"labels {self.path}: the rows have no split of their own: ask for "
                f"{', '.join(SPLITS)} or {ALL}, not for {split!r}."
            )
        else:
            rows = [row for row in self.rows if split_by_hash(str(row[self.key])) == split]
            if not rows:
                raise InputError(
                    f"labels {self.path}: none of its {len(self.rows)} rows falls into the split "
                    f"{split!r} by its hash: give the rows a split, or ask for the split {ALL}."
                )
        return replace(self, rows=tuple(rows), split=split)

    @property
    def described(self) -> dict[str, Any]:
        """The list's file, the split, and a digest of its rows and their files."""
        digest = folder_digest(self.path.parent, [self.path.name, *self._names()])
        return {
            "labels": str(self.path),
            "split": self.split,
            "digest": digest,
            "samples": len(self),
        }

    def _names(self) -> list[str]:
        """The files of the rows, each once."""
        return list(dict.fromkeys(self.name(index) for index in range(len(self))))

    def __len__(self) -> int:
        return len(self.rows)

    def file(self, index: int) -> Path:
        """The path of a row's file."""
        return self.path.parent / self.name(index)

    def name(self, index: int) -> str:
        """The file's path as the row has it."""
        return str(self.rows[index][self.key])

    @abstractmethod
    def sample(self, index: int) -> Sample:
        """The file of a row with its labels. Raises `InputError` for one that is unreadable."""


def lists(path: Path, key: str) -> bool:
    """Whether the first row of a JSON Lines file names its file by `key`."""
    try:
        with path.open(encoding="utf-8") as file:
            first = next((line for line in file if line.strip()), "")
        row = json.loads(first)
    except (OSError, UnicodeDecodeError, ValueError):
        # The reader that is asked next says what is wrong with the file.
        return False
    return isinstance(row, dict) and key in row
