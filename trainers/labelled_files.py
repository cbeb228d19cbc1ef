"""Lists of labelled files: JSON Lines beside (or above) the pictures or sounds they name."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from seedbed.errors import InputError
from seedbed.sample import Sample


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

    @property
    def described(self) -> dict[str, Any]:
        """The list's file."""
        return {"labels": str(self.path), "samples": len(self)}

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
