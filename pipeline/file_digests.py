"""Digests of users' folders, so that a build is not continued with other files."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path

from seedbed.errors import InputError

DIGESTED_BYTES = 64 * 1024
"""Bytes of each file, from its middle, that count: headers and silences are often alike."""


def files_digest(folder: str | Path, names: Iterable[str]) -> str:
    """Twelve hex digits that change with files of a folder, given by their names in it.

    Of each file its name, its size and `DIGESTED_BYTES` from its middle count, so that a large
    folder need not be read. Raises `InputError` for a file that cannot be read.
    """
    digest = blake2b(digest_size=6, person=b"seedbed")
    for name in names:
        path = Path(folder) / name
        try:
            with path.open("rb") as file:
                size = file.seek(0, 2)
                file.seek(max(0, (size - DIGESTED_BYTES) // 2))
                content = file.read(DIGESTED_BYTES)
        except OSError as error:
            raise InputError(
                f"{path} cannot be read ({error.strerror or error}): remove it or mend it."
            ) from error
        digest.update(f"{name}\0{size}\n".encode() + content)
    return digest.hexdigest()
