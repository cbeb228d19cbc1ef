"""Samples straight from a recipe, endlessly and without a disk: `seedbed.stream`.

Sample i of a stream is what sample i of a built dataset would be, read back: a stream needs
no state but a position. The torch side is `seedbed.trainers.stream_dataset`; the random
streams that samples are drawn from are another thing and live in `seedbed.streams`.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, Self

from seedbed.cores import use_one_core
from seedbed.errors import InputError, SeedbedError
from seedbed.make import Maker
from seedbed.recipe import Recipe, load_recipe
from seedbed.registry import nearest
from seedbed.sample import Sample
from seedbed.schema import sample_of
from seedbed.streams import MAX_SEED

SAMPLES_AHEAD = 4
"""Samples that each worker of a stream makes ahead: enough to hide an uneven one."""


def stream(
    recipe: Recipe | str | Path,
    *,
    seed: int | None = None,
    split: str | None = None,
    start: int = 0,
    encoded: bool = True,
    workers: int = 0,
) -> SampleStream:
    """An endless iterator over the samples of a recipe, with random access underneath.

    `recipe` may be a file's path or the name of a recipe that comes with seedbed. Without
    `seed` the recipe's is taken, or else one is drawn and stands in `.seed`. `split` is by
    default the recipe's first; its count is no limit. `start` is the first index. `encoded`
    sends each sample through its drawn JPEG, PNG, FLAC or WAV, so that it equals what a
    built dataset holds; without it media are as rendered and labels unrounded, which is
    quicker. With `workers` that many processes make samples ahead, in order. Raises
    `InputError` for a recipe, seed or split that cannot be used.
    """
    return SampleStream(
        recipe if isinstance(recipe, Recipe) else load_recipe(recipe),
        seed=seed,
        split=split,
        start=start,
        encoded=encoded,
        workers=workers,
    )


class SampleStream(Iterator[Sample]):
    """The samples of one split of a recipe: `next(stream)`, `stream[i]`, and a position.

    It pickles to a few kilobytes without its components, so that data loaders can send it
    to their workers; those build and warm the components at their first sample.
    """

    def __init__(
        self,
        recipe: Recipe,
        *,
        seed: int | None = None,
        split: str | None = None,
        start: int = 0,
        encoded: bool = True,
        workers: int = 0,
    ) -> None:
        chosen = recipe.seed if seed is None else seed
        self.seed_was_drawn = chosen is None
        if chosen is None:
            chosen = int.from_bytes(os.urandom(4), "little")
        if not 0 <= chosen <= MAX_SEED:
            raise InputError(f"seed must be between 0 and {MAX_SEED}, got {chosen}.")
        splits = list(recipe.splits)
        if split is not None and split not in splits:
            raise InputError(
                f"recipe {recipe.name}: has no split {split!r}{nearest(split, splits)} "
                f"(it has: {', '.join(splits)})."
            )
        for name, number in (("start", start), ("workers", workers)):
            if number < 0:
                raise InputError(f"{name} must be >= 0, got {number}.")
        self.recipe = recipe.seeded(chosen)
        self.split = split or splits[0]
        self.encoded = encoded
        self.workers = workers
        self.position = start
        self._maker: Maker | None = None
        self._ahead: _Ahead | None = None

    @property
    def seed(self) -> int:
        """The seed in use, drawn or given."""
        assert self.recipe.seed is not None
        return self.recipe.seed

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_maker": None, "_ahead": None}

    def __getitem__(self, index: int) -> Sample:
        """Sample `index`, the same one whenever and wherever it is asked for.

        Raises `IndexError` for a negative one and `SeedbedError` where it cannot be made.
        """
        if index < 0:
            raise IndexError(f"an endless stream has no sample {index}")
        if self._maker is None:
            maker = Maker(self.recipe)
            maker.prepare()
            self._maker = maker
        if self.encoded:
            return sample_of(self._maker.row(self.split, index))
        return self._maker.make(self.split, index)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Sample:
        """The sample at `position`, which then moves on by one. Raises `SeedbedError`."""
        if self.workers == 0:
            sample = self[self.position]
        else:
            if self._ahead is None:
                self._ahead = _Ahead(self)
            sample = self._ahead.take(self.position)
        self.position += 1
        return sample

    def state_dict(self) -> dict[str, Any]:
        """What `load_state_dict` needs to go on with the sample after the last one taken."""
        return {
            "recipe_hash": self.recipe.recipe_hash(),
            "seed": self.seed,
            "split": self.split,
            "encoded": self.encoded,
            "position": self.position,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where `state_dict` was called.

        A seed that was drawn here gives way to the recorded one. Raises `InputError` for the
        state of another recipe, seed, split or encoding, with what differs.
        """
        try:
            position, seed = int(state["position"]), int(state["seed"])
            there = {key: state[key] for key in ("recipe_hash", "seed", "split", "encoded")}
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"this is no state of a stream: {error!r}.") from error
        if self.seed_was_drawn and seed != self.seed:
            self.recipe = self.recipe.seeded(seed)
            self._maker = None
            self.close()
        here = self.state_dict()
        differences = [
            f"{key} is {value!r} there and {here[key]!r} here"
            for key, value in there.items()
            if value != here[key]
        ]
        if differences:
            raise InputError(
                f"the state is of another stream: {'; '.join(differences)}. Make the stream with "
                f"the recipe, seed and split it was saved with."
            )
        self.position = position

    def close(self) -> None:
        """Stop the processes that work ahead, if any; the stream can still be used."""
        if self._ahead is not None:
            self._ahead.close()
            self._ahead = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Ahead:
    """Processes that make the next samples while the last one is used.

    Processes and not threads: drawing is Python, which threads would take in turns, and
    components keep caches that are not made for two threads at once.
    """

    def __init__(self, stream: SampleStream) -> None:
        self.pool = ProcessPoolExecutor(
            stream.workers,
            multiprocessing.get_context("spawn"),
            initializer=_set_up,
            initargs=(stream,),
        )
        self.window = stream.workers * SAMPLES_AHEAD
        self.coming: deque[tuple[int, Future[Sample]]] = deque()

    def take(self, index: int) -> Sample:
        """Sample `index`; those that follow it are asked for first."""
        while self.coming and self.coming[0][0] != index:
            self.coming.popleft()[1].cancel()
        following = self.coming[-1][0] + 1 if self.coming else index
        try:
            for ahead in range(following, index + self.window):
                self.coming.append((ahead, self.pool.submit(_make, ahead)))
            return self.coming.popleft()[1].result()
        except BrokenProcessPool as error:
            raise SeedbedError(
                f"a worker of the stream died at sample {index} or soon after: a script that asks "
                f'for workers must do so under `if __name__ == "__main__":`, since each reads it '
                f"again; else memory may have run out, and workers=0 shows which sample does it."
            ) from error

    def close(self) -> None:
        """Drop what was asked for and end the processes."""
        self.coming.clear()
        self.pool.shutdown(wait=True, cancel_futures=True)


_own: SampleStream
"""In a worker: the stream it makes samples of."""


def _set_up(stream: SampleStream) -> None:
    global _own
    # Ctrl-C is the parent's to handle; it ends its workers itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    use_one_core()
    _own = stream


def _make(index: int) -> Sample:
    return _own[index]
