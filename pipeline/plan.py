"""The plan of a build: which samples each shard holds, worked out one shard at a time.

Nothing is listed beforehand, so a plan for 10^9 samples costs as little as one for ten.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Shard:
    """Samples `start` to `stop` (not included) of a split: one file of a dataset."""

    split: str
    number: int
    start: int
    stop: int

    @property
    def name(self) -> str:
        """The file name without its suffix: `train-000012`."""
        return f"{self.split}-{self.number:06d}"

    def __len__(self) -> int:
        return self.stop - self.start


@dataclass(frozen=True)
class Plan:
    """Every shard of a dataset, split by split, in O(1) each.

    `counts` has the samples of each split; all shards but a split's last hold `shard_size`.
    """

    counts: Mapping[str, int]
    shard_size: int

    @property
    def samples(self) -> int:
        """Samples in all splits."""
        return sum(self.counts.values())

    def shards_in(self, split: str) -> int:
        """How many shards a split has."""
        return -(-self.counts[split] // self.shard_size)

    def shard(self, split: str, number: int) -> Shard:
        """Shard `number` of a split. Raises `IndexError` where there is none."""
        if not 0 <= number < self.shards_in(split):
            raise IndexError(f"split {split!r} has {self.shards_in(split)} shards, not {number}")
        start = number * self.shard_size
        return Shard(split, number, start, min(start + self.shard_size, self.counts[split]))

    def __len__(self) -> int:
        return sum(self.shards_in(split) for split in self.counts)

    def __getitem__(self, position: int) -> Shard:
        left = position if position >= 0 else position + len(self)
        for split in self.counts:
            if 0 <= left < self.shards_in(split):
                return self.shard(split, left)
            left -= self.shards_in(split)
        raise IndexError(f"the plan has {len(self)} shards, not {position}")

    def __iter__(self) -> Iterator[Shard]:
        for split in self.counts:
            for number in range(self.shards_in(split)):
                yield self.shard(split, number)
