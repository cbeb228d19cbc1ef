"""The work of a build as something any executor can send anywhere: a recipe and a folder."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pyarrow import ArrowException

from seedbed.errors import SeedbedError
from seedbed.make import Maker
from seedbed.plan import Shard
from seedbed.recipe import Recipe
from seedbed.schema import Row
from seedbed.shards import Mark, write_shard


@dataclass(frozen=True)
class Failure:
    """Why a shard could not be made, in a form that travels between processes."""

    shard: Shard
    message: str
    exit_code: int
    details: str


class Worker:
    """Makes shards in one process: components are built and warmed once."""

    def __init__(self, job: Job) -> None:
        import cv2

        # One process a core is the parallelism; OpenCV's own threads would only contend.
        cv2.setNumThreads(1)
        self.job = job
        self.maker = Maker(job.recipe)
        self.maker.prepare()
        self.sample_type = job.recipe.kind
        self.recipe_hash = job.recipe.recipe_hash()

    def run(self, shard: Shard) -> Mark | Failure:
        """Make, write and commit one shard."""
        try:
            return write_shard(
                self.job.folder,
                shard,
                self._rows(shard),
                self.sample_type,
                self.maker.seed,
                self.recipe_hash,
                self.job.versions,
            )
        except SeedbedError as error:
            return failure(shard, error)
        except (OSError, ArrowException) as error:
            reason = getattr(error, "strerror", None) or str(error)
            sentence = SeedbedError(
                f"cannot write shard {shard.name} to {self.job.folder}: {reason}; finished shards "
                f"are kept: put it right and run the same command again to go on."
            )
            sentence.__cause__ = error
            return failure(shard, sentence)

    def _rows(self, shard: Shard) -> Iterator[Row]:
        for index in range(shard.start, shard.stop):
            yield self.maker.row(shard.split, index)


@dataclass(frozen=True)
class Job:
    """A seeded recipe, the dataset's folder and the versions to record: picklable, small."""

    recipe: Recipe
    folder: Path
    versions: Mapping[str, str]

    def worker(self) -> Worker:
        """Ready to make shards in this process. Raises `InputError`."""
        return Worker(self)


def failure(shard: Shard, error: SeedbedError) -> Failure:
    """`error` as it travels back from a worker."""
    details = "".join(traceback.format_exception(error))
    return Failure(shard, str(error), error.exit_code, details)
