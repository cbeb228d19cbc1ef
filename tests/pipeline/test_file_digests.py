"""What of a file counts for a digest."""

from __future__ import annotations

from pathlib import Path

import pytest

from seedbed.errors import InputError
from seedbed.file_digests import PIECE_BYTES, WHOLE_BYTES, files_digest


def digest_of(folder: Path, content: bytes) -> str:
    (folder / "a").write_bytes(content)
    return files_digest(folder, ["a"])


def changed(content: bytes, position: int) -> bytes:
    return content[:position] + b"!" + content[position + 1 :]


def test_every_byte_of_a_small_file_counts(tmp_path: Path) -> None:
    content = bytes(WHOLE_BYTES)
    first = digest_of(tmp_path, content)
    for position in (0, 100_000, WHOLE_BYTES - 1):
        assert digest_of(tmp_path, changed(content, position)) != first


def test_of_a_large_file_four_pieces_count(tmp_path: Path) -> None:
    content = bytes(10 * PIECE_BYTES)
    first = digest_of(tmp_path, content)
    # Pieces of 64 KiB begin at 0, 3, 6 and 9 times 64 KiB.
    for piece in (0, 3, 6, 9):
        assert digest_of(tmp_path, changed(content, piece * PIECE_BYTES)) != first
    assert digest_of(tmp_path, changed(content, PIECE_BYTES + 5)) == first
    assert digest_of(tmp_path, content + b"!") != first


def test_a_name_counts_and_a_missing_file_is_named(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"same")
    assert files_digest(tmp_path, ["a"]) != files_digest(tmp_path, ["b"])
    with pytest.raises(InputError, match=r"gone cannot be read"):
        files_digest(tmp_path, ["gone"])
