"""Splits of files that say nothing of splits: each belongs to one by a hash of its name."""

from __future__ import annotations

from hashlib import blake2b

SPLITS = ("train", "val", "test")
SHARES = (0.8, 0.9, 1.0)
"""Where each of the splits ends."""

ALL = "all"


def split_by_hash(name: str) -> str:
    """The split that a file belongs to by a hash of its name, where nothing else says."""
    digest = blake2b(name.encode(), digest_size=8, person=b"split").digest()
    place = int.from_bytes(digest, "little") / 2**64
    return next(name for name, end in zip(SPLITS, SHARES, strict=True) if place < end)
