"""Makes one shard after the other in this process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Self

from seedbed.job import Failure, Job
from seedbed.plan import Shard
from seedbed.shards import Mark


class SerialExecutor:
    """One worker, this process: easiest to debug, and as fast as any on one core."""

    def __init__(self, job: Job, workers: int = 1, start_method: str = "") -> None:
        self.job = job

    def __enter__(self) -> Self:
        self.worker = self.job.worker()
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing runs on after the block."""

    def run(self, shards: Iterable[Shard]) -> Iterator[Mark | Failure]:
        """As `seedbed.executors.Executor.run`."""
        for shard in shards:
            yield self.worker.run(shard)
