"""Training straight from a recipe: a torch dataset and a loader over `seedbed.stream`.

The batches of a stream are numbered, and batch n holds samples n * batch_size to
(n + 1) * batch_size after the position where it began. Ranks take batches in turn, and so
do the workers of a `DataLoader`, in the order it asks them. So every sample is made once,
however many workers and ranks there are; a rank sees the same batches for any number of
workers; and one number, the position, is all that a checkpoint needs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import distributed
from torch.utils.data import DataLoader, IterableDataset, default_collate, get_worker_info

from seedbed.cores import use_one_core
from seedbed.errors import InputError, SeedbedError
from seedbed.sample import Sample
from seedbed.streaming import SampleStream
from seedbed.streams import stream as random_stream

Transform: TypeAlias = Callable[[Any, np.random.Generator], Any]
"""Turns a sample into what is trained on; the generator is the sample's own."""

ENDLESS = -1


@dataclass(frozen=True)
class Rank:
    """Which of how many processes that train together this one is."""

    number: int
    world_size: int

    def __post_init__(self) -> None:
        if not 0 <= self.number < self.world_size:
            raise InputError(f"rank {self.number} is not between 0 and {self.world_size - 1}.")


def current_rank() -> Rank:
    """From the process group, or else from torchrun's RANK and WORLD_SIZE, or else 0 of 1."""
    if distributed.is_available() and distributed.is_initialized():
        return Rank(distributed.get_rank(), distributed.get_world_size())
    return Rank(int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1")))


class StreamDataset(IterableDataset[Any]):
    """The samples of a stream, different ones for each DataLoader worker and each rank.

    Give `batch_size` the DataLoader's (1 where it does not batch). `transform` gets each
    sample and a random generator that depends on the sample's index alone. `rank` is found
    where the iteration begins, unless given. `state_dict` counts what this process has
    taken; with workers, which make batches ahead, use `StreamLoader`, or the
    StatefulDataLoader of torchdata, which asks each worker's iterator for its state.
    """

    def __init__(
        self,
        stream: SampleStream,
        *,
        batch_size: int = 1,
        transform: Transform | None = None,
        rank: Rank | None = None,
    ) -> None:
        if batch_size < 1:
            raise InputError(f"batch_size must be >= 1, got {batch_size}.")
        self.stream = stream
        self.batch_size = batch_size
        self.transform = transform
        self.rank = rank
        # Shared, so that workers which outlive an epoch learn where the next one begins:
        # position, samples taken since, batches to make, rank, world size, made by workers.
        self._orders = torch.zeros(6, dtype=torch.int64)
        self._orders.share_memory_()  # type: ignore[no-untyped-call]
        self._iterator: StreamIterator | None = None
        self.begin(stream.position)

    def __getstate__(self) -> dict[str, Any]:
        self._note_rank()
        return {**self.__dict__, "_iterator": None}

    def begin(self, position: int, taken: int = 0, batches: int | None = None) -> None:
        """Let iterations from now on begin at a position of the stream.

        `taken` samples after it are left out (of this rank's), and `batches` ends the
        iteration after as many (of this rank's). Raises `InputError` for negative numbers.
        """
        if position < 0 or taken < 0:
            raise InputError(f"a stream has no position {min(position, taken)}.")
        self._iterator = None
        self._orders[:3] = torch.tensor(
            [position, taken, ENDLESS if batches is None else batches], dtype=torch.int64
        )
        self._orders[5] = 0
        self._note_rank()

    def _note_rank(self) -> None:
        """Record the rank for workers, where no process group is."""
        if get_worker_info() is None:
            rank = self.rank or current_rank()
            self._orders[3:5] = torch.tensor([rank.number, rank.world_size], dtype=torch.int64)

    def __iter__(self) -> StreamIterator:
        info = get_worker_info()
        if info is None:
            self._note_rank()
            worker, workers = 0, 1
        else:
            use_one_core()
            self._orders[5] = 1
            worker, workers = info.id, info.num_workers
        self._iterator = StreamIterator(self, worker, workers)
        return self._iterator

    def state_dict(self) -> dict[str, Any]:
        """Where this process's latest iteration stands. Raises `SeedbedError` with workers."""
        position, taken, _, _, world_size, by_workers = self._orders.tolist()
        if self._iterator is not None:
            position, taken = self._iterator.position, self._iterator.taken
        elif by_workers:
            raise SeedbedError(
                "the workers of a DataLoader know what they made, not what was taken of it: "
                "use seedbed.trainers.stream_dataset.StreamLoader, which does."
            )
        whole = taken - taken % self.batch_size
        return {
            **self.stream.state_dict(),
            "position": position + whole * world_size,
            "taken": taken - whole,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where `state_dict` was called. Raises `InputError` for another stream's."""
        self.stream.load_state_dict(state)
        self.begin(self.stream.position, int(state.get("taken", 0)))


class StreamIterator(Iterator[Any]):
    """One worker's share of one iteration: sample k of it is known without those before.

    Of a rank's batches, worker w of n has w, w + n, w + 2n and so on.
    """

    def __init__(self, dataset: StreamDataset, worker: int, workers: int) -> None:
        self.dataset = dataset
        self.worker = worker
        self.workers = workers
        orders: list[int] = dataset._orders.tolist()
        self.position, taken, self.batches, self.rank, self.world_size, _ = orders
        # A part of a batch that was taken before was the first worker's.
        self.taken = taken if worker == 0 else 0

    def __iter__(self) -> StreamIterator:
        return self

    def __next__(self) -> Any:
        batch, inside = divmod(self.taken, self.dataset.batch_size)
        nth = self.worker + batch * self.workers
        if self.batches != ENDLESS and nth >= self.batches:
            raise StopIteration
        number = nth * self.world_size + self.rank
        index = self.position + number * self.dataset.batch_size + inside
        stream, transform = self.dataset.stream, self.dataset.transform
        made: Any = stream[index]
        if transform is not None:
            made = transform(made, random_stream(stream.seed, stream.split, index, "transform"))
        self.taken += 1
        return made

    def state_dict(self) -> dict[str, int]:
        """What this worker has made since the iteration began: torchdata's convention."""
        return {"position": self.position, "taken": self.taken, "batches": self.batches}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Go on in the iteration that `state_dict` was of, as the same worker of as many."""
        self.position, self.taken = state["position"], state["taken"]
        self.batches = state["batches"]


def _as_list(samples: list[Sample]) -> list[Sample]:
    return samples


class StreamLoader(DataLoader[Any]):
    """A DataLoader over a stream that knows which batches were delivered.

    `state_dict` is exact at any moment, for any number of workers, and may be loaded with
    another number of workers or, between batches, of ranks. A batch is a list of samples;
    with `transform`, what it returns goes through torch's `default_collate`, unless
    `collate_fn` says otherwise. `batches_per_epoch` (a rank's) ends each iteration there;
    the next one goes on with new samples, as it does after a `break`. Give it to Lightning,
    which otherwise takes one batch more than it has trained on. Keyword arguments such as
    `num_workers`, `prefetch_factor` and `persistent_workers` are `DataLoader`'s.
    """

    def __init__(
        self,
        stream: SampleStream,
        batch_size: int,
        *,
        transform: Transform | None = None,
        batches_per_epoch: int | None = None,
        rank: Rank | None = None,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        **options: Any,
    ) -> None:
        if batches_per_epoch is not None and batches_per_epoch < 1:
            raise InputError(f"batches_per_epoch must be >= 1, got {batches_per_epoch}.")
        self.samples = StreamDataset(stream, batch_size=batch_size, transform=transform, rank=rank)
        self.batches_per_epoch = batches_per_epoch
        self.position = stream.position
        self.batches_into_epoch = 0
        collate = collate_fn or (_as_list if transform is None else default_collate)
        super().__init__(self.samples, batch_size=batch_size, collate_fn=collate, **options)

    def __len__(self) -> int:
        """Batches in an epoch. Raises `TypeError` where there is no end."""
        if self.batches_per_epoch is None:
            raise TypeError("the batches of a stream are endless: give batches_per_epoch")
        return self.batches_per_epoch

    def __iter__(self) -> Any:
        left = None
        if self.batches_per_epoch is not None:
            self.batches_into_epoch %= self.batches_per_epoch
            left = self.batches_per_epoch - self.batches_into_epoch
        rank = self.samples.rank or current_rank()
        self.samples.begin(self.position, batches=left)
        for batch in super().__iter__():
            self.position += self.samples.batch_size * rank.world_size
            self.batches_into_epoch += 1
            yield batch

    def state_dict(self) -> dict[str, Any]:
        """What `load_state_dict` needs to go on after the last batch delivered."""
        return {
            **self.samples.stream.state_dict(),
            "position": self.position,
            "batches_into_epoch": self.batches_into_epoch,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Let the next iteration go on where `state_dict` was called.

        Raises `InputError` for the state of another stream.
        """
        self.samples.stream.load_state_dict(state)
        # Persistent workers may hold the stream as it was before.
        self._iterator = None
        self.position = int(state["position"])
        self.batches_into_epoch = int(state["batches_into_epoch"])
