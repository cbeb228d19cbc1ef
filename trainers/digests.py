"""Digests of what a run learns from, so that it is not continued on other files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

from seedbed.errors import InputError
from seedbed.file_digests import files_digest

READ_FILES = 2000
"""Files at most whose bytes count; of larger folders an even spread of so many."""


def folder_digest(folder: Path, names: Sequence[str]) -> str:
    """Hex digits that change with the files of a folder, given by their names in it.

    Of every file its name and its size count, of `READ_FILES` of them bytes as well. Raises
    `InputError` for a file that cannot be read.
    """
    digest = blake2b(digest_size=6, person=b"source")
    for name in names:
        try:
            size = (folder / name).stat().st_size
        except OSError as error:
            raise InputError(
                f"{folder / name} cannot be read ({error.strerror or error}): remove it or mend it."
            ) from error
        digest.update(f"{name}\0{size}\n".encode())
    step = -(-len(names) // READ_FILES) or 1
    digest.update(files_digest(folder, names[::step]).encode())
    return digest.hexdigest()


def rows_digest(rows: Iterable[Mapping[str, Any]]) -> str:
    """Hex digits that change with samples in memory: their labels and their files' bytes."""
    digest = blake2b(digest_size=6, person=b"rows")
    for row in rows:
        for key, value in row.items():
            fields = value.items() if isinstance(value, Mapping) else [("", value)]
            for inner, one in fields:
                digest.update(f"{key}.{inner}\0".encode())
                digest.update(one if isinstance(one, bytes) else repr(one).encode())
    return digest.hexdigest()
