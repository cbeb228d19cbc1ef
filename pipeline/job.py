"""The work of a build as something any executor can send anywhere: a recipe and a store."""

from __future__ import annotations

import gc
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from pyarrow import ArrowException

from seedbed.cores import use_one_core
from seedbed.errors import SeedbedError
from seedbed.make import Maker
from seedbed.plan import Shard
from seedbed.recipe import Recipe
from seedbed.schema import Row
from seedbed.shards import Mark, write_shard
from seedbed.store import Store

PREPARING = -1
WRITING = -2
"""What a worker is at when it is at no sample."""


class OutOfMemory(SeedbedError):
    """A worker has grown beyond its limit; `mebibytes` says how far."""

    def __init__(self, mebibytes: int) -> None:
        super().__init__(f"the worker took {mebibytes:,} MiB")
        self.mebibytes = mebibytes


@dataclass(frozen=True)
class Failure:
    """Why a shard could not be made, in a form that travels between processes."""

    shard: Shard
    message: str
    exit_code: int
    details: str


@dataclass(frozen=True)
class Redone:
    """A worker was lost while it made a shard, which is made again; `why` is a sentence."""

    shard: Shard
    why: str


class Worker:
    """Makes shards in one process: components are built and warmed once.

    `beat` is called with the index of every sample before it is made, and with `PREPARING`
    and `WRITING`; what it raises ends the shard.
    """

    def __init__(self, job: Job, beat: Callable[[int], None] = lambda index: None) -> None:
        use_one_core()
        self.job = job
        self.beat = beat
        self.beat(PREPARING)
        self.maker = Maker(job.recipe)
        self.maker.prepare()
        # Layouts, typefaces and tables stay until the end: the collector need not walk them again.
        gc.collect()
        gc.freeze()
        self.sample_type = job.recipe.kind
        self.recipe_hash = job.recipe.recipe_hash()

    def run(self, shard: Shard) -> Mark | Failure:
        """Make, write and commit one shard. Raises `OutOfMemory` where `beat` does."""
        try:
            return write_shard(
                self.job.store,
                shard,
                self._rows(shard),
                self.sample_type,
                self.maker.seed,
                self.recipe_hash,
                self.job.versions,
                self.job.expected.get(shard.name),
            )
        except OutOfMemory:
            raise
        except SeedbedError as error:
            return failure(shard, error)
        except (OSError, ArrowException) as error:
            reason = getattr(error, "strerror", None) or str(error)
            sentence = SeedbedError(
                f"cannot write shard {shard.name} to {self.job.store}: {reason}; finished shards "
                f"are kept: put it right and run the same command again to go on."
            )
            sentence.__cause__ = error
            return failure(shard, sentence)

    def _rows(self, shard: Shard) -> Iterator[Row]:
        for index in range(shard.start, shard.stop):
            self.beat(index)
            yield self.maker.row(shard.split, index)
        self.beat(WRITING)


@dataclass(frozen=True)
class Job:
    """A seeded recipe, the dataset's store and the versions to record: picklable, small.

    A shard named in `expected` is committed only with that sha256.
    """

    recipe: Recipe
    store: Store
    versions: Mapping[str, str]
    expected: Mapping[str, str] = field(default_factory=dict)

    def worker(self, beat: Callable[[int], None] = lambda index: None) -> Worker:
        """Ready to make shards in this process. Raises `InputError`."""
        return Worker(self, beat)


def failure(shard: Shard, error: SeedbedError) -> Failure:
    """`error` as it travels back from a worker."""
    details = "".join(traceback.format_exception(error))
    return Failure(shard, str(error), error.exit_code, details)
