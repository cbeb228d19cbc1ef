"""Numbered training examples: what data workers make.

Workers import this module and not the loop, which would cost each of them seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset, Sampler

from seedbed.cores import use_one_core
from seedbed.streams import stream
from seedbed.trainers.device_examples import DeviceExamples, HeldItem
from seedbed.trainers.sources import Pool
from seedbed.trainers.task import Example, Task


class Mixed(Pool[Any]):
    """Several pools as one: each position belongs to one of them, in proportion to their items."""

    def __init__(self, pools: list[Pool[Any]], seed: int) -> None:
        self.pools = pools
        self.seed = seed
        counts = [pool.count for pool in pools]
        self.count = sum(counts) if all(counts) else 0
        shares = [1.0] * len(pools) if not self.count else [float(n) for n in counts]
        self._edges = np.cumsum(shares) / sum(shares)

    def item(self, position: int) -> Any:
        """The item at a position."""
        spot = float(stream(self.seed, "mixed", position).random())
        number = int(np.searchsorted(self._edges, spot, side="right"))
        return self.pools[min(number, len(self.pools) - 1)].item(position)


class Joined(Pool[Any]):
    """Several pools of a known size one after the other: a pass holds every item of each once."""

    def __init__(self, pools: list[Pool[Any]]) -> None:
        self.pools = pools
        self.count = sum(pool.count for pool in pools)

    def item(self, position: int) -> Any:
        """The item at a position."""
        number, place = divmod(position, self.count)
        for pool in self.pools:
            if place < pool.count:
                return pool.item(number * pool.count + place)
            place -= pool.count
        raise AssertionError("a place within the count belongs to a pool")


class Examples(Dataset[Example]):
    """Training examples by position."""

    def __init__(self, task: Task[Any, Any], pool: Pool[Any], seed: int, length: int) -> None:
        self.task = task
        self.pool = pool
        self.seed = seed
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, position: int) -> Example:
        return self.task.example(self.pool.item(position), stream(self.seed, "example", position))


class DrawnExamples(Dataset[tuple[int, Any]]):
    """What is drawn for training examples by position, for a device to paint."""

    def __init__(
        self,
        examples: DeviceExamples[Any, Any],
        pool: Pool[HeldItem[Any]],
        seed: int,
        length: int,
    ) -> None:
        self.examples = examples
        self.pool = pool
        self.seed = seed
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, position: int) -> tuple[int, Any]:
        held = self.pool.item(position)
        rng = stream(self.seed, "example", position)
        return held.number, self.examples.draw(held.item, held.shape, rng)


class Positions(Sampler[list[int]]):
    """The batches of a run as lists of positions, from batch `start` on.

    Its length is the whole run's: Lightning counts the batches that were done before.
    """

    def __init__(self, batches: int, size: int, start: int, rank: int, ranks: int) -> None:
        self.batches = batches
        self.size = size
        self.start = start
        self.rank = rank
        self.ranks = ranks

    def __len__(self) -> int:
        return self.batches

    def __iter__(self) -> Iterator[list[int]]:
        for batch in range(self.start, self.batches):
            first = (batch * self.ranks + self.rank) * self.size
            yield list(range(first, first + self.size))


class FullPasses(Sampler[list[int]]):
    """Every item once a step, in chunks: what `batch: full` adds up its gradient over."""

    def __init__(self, steps: int, count: int, chunk: int, start: int) -> None:
        self.steps = steps
        self.count = count
        self.chunk = chunk
        self.start = start

    @property
    def chunks(self) -> int:
        """Chunks a step."""
        return -(-self.count // self.chunk)

    def __len__(self) -> int:
        return self.steps * self.chunks

    def __iter__(self) -> Iterator[list[int]]:
        for number in range(self.start, len(self)):
            step, place = divmod(number, self.chunks)
            first = place * self.chunk
            yield [step * self.count + n for n in range(first, min(first + self.chunk, self.count))]


def prepare_worker(number: int) -> None:
    """Keep a data worker to one core."""
    use_one_core()
    torch.set_num_threads(1)
