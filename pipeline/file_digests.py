"""Digests of users' folders, so that a build is not continued with other files."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path

from seedbed.errors import InputError

WHOLE_BYTES = 256 * 1024
"""Files of up to so many bytes count whole: most photographs and short sounds do."""
PIECES, PIECE_BYTES = 4, 64 * 1024
"""Of a larger file so many pieces of so many bytes count, evenly from its first to its last."""


def files_digest(folder: str | Path, names: Iterable[str]) -> str:
    """Twelve hex digits that change with files of a folder, given by their names in it.

    Of each file its name and its size count, and its content: all of it up to `WHOLE_BYTES`,
    else `PIECES` of it, so that a large folder need not be read. A change within a larger file
    that keeps its size and lies between the pieces goes unnoticed. Raises `InputError` for a
    file that cannot be read.
    """
    digest = blake2b(digest_size=6, person=b"seedbed")
    for name in names:
        path = Path(folder) / name
        try:
            with path.open("rb") as file:
                size = file.seek(0, 2)
                digest.update(f"{name}\0{size}\n".encode())
                for start, length in _pieces(size):
                    file.seek(start)
                    digest.update(file.read(length))
        except OSError as error:
            raise InputError(
                f"{path} cannot be read ({error.strerror or error}): remove it or mend it."
            ) from error
    return digest.hexdigest()


def _pieces(size: int) -> list[tuple[int, int]]:
    """What of a file of that size counts: where each piece begins and how long it is."""
    if size <= WHOLE_BYTES:
        return [(0, size)]
    last = size - PIECE_BYTES
    return [(last * piece // (PIECES - 1), PIECE_BYTES) for piece in range(PIECES)]
