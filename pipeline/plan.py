"""The plan of a build: which samples each shard holds, worked out one shard at a time.

Nothing is listed beforehand, so a plan for 10^9 samples costs as little as one for ten.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_NUMBERS_IN_PREFIX = 1000
"""Shards that a prefix of `Plan.prefixes` covers: one page of an object store's listing."""


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
    A dataset that was extended has the counts it had before, oldest first, in `grown_from`:
    shards begin anew there, so that none that was written is touched.
    """

    counts: Mapping[str, int]
    shard_size: int
    grown_from: tuple[Mapping[str, int], ...] = ()

    @property
    def samples(self) -> int:
        """Samples in all splits."""
        return sum(self.counts.values())

    def _runs(self, split: str) -> Iterator[tuple[int, int]]:
        """(first sample, end) of each run of samples that was added at once."""
        start = 0
        for counts in (*self.grown_from, self.counts):
            end = counts.get(split, 0)
            if end > start:
                yield start, end
            start = max(start, end)

    def shards_in(self, split: str) -> int:
        """How many shards a split has."""
        return sum(-(-(end - start) // self.shard_size) for start, end in self._runs(split))

    def shard(self, split: str, number: int) -> Shard:
        """Shard `number` of a split. Raises `IndexError` where there is none."""
        left = number
        for start, end in self._runs(split) if number >= 0 else ():
            begin = start + left * self.shard_size
            if begin < end:
                return Shard(split, number, begin, min(begin + self.shard_size, end))
            left -= -(-(end - start) // self.shard_size)
        raise IndexError(f"split {split!r} has {self.shards_in(split)} shards, not {number}")

    def position(self, name: str) -> int | None:
        """Where the shard of that name stands in the plan, or None where it does not."""
        split, _, digits = name.rpartition("-")
        if split not in self.counts or not (digits.isascii() and digits.isdigit()):
            return None
        number = int(digits)
        if number >= self.shards_in(split) or self.shard(split, number).name != name:
            return None
        before = 0
        for other in self.counts:
            if other == split:
                break
            before += self.shards_in(other)
        return before + number

    def prefixes(self) -> Iterator[str]:
        """What the names of all shards start with, a thousand names or so at a time."""
        for split in self.counts:
            for number in range(0, self.shards_in(split), _NUMBERS_IN_PREFIX):
                yield f"{split}-{number:06d}"[:-3]

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


@dataclass(frozen=True)
class Part:
    """Shards `number`, `number + of`, … of a plan, counted from 1: one job of an array."""

    number: int
    of: int

    def positions(self, plan: Plan) -> range:
        """The positions in `plan` that are this part's."""
        return range(self.number - 1, len(plan), self.of)

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"
