"""Makes one shard after the other in this process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Self

from seedbed.errors import InputError
from seedbed.executors import Hands
from seedbed.job import Failure, Job, Redone
from seedbed.plan import Shard
from seedbed.shards import Mark


class SerialExecutor:
    """One worker, this process: easiest to debug, and as fast as any on one core.

    Nobody watches it: limits of time and memory need workers, and are refused.
    """

    def __init__(self, job: Job, hands: Hands) -> None:
        if hands.limits.sample_seconds is not None or hands.limits.memory_mib is not None:
            raise InputError(
                "the serial executor cannot watch itself: use processes for limits of time or "
                "memory, one worker is enough."
            )
        self.job = job

    def __enter__(self) -> Self:
        self.worker = self.job.worker()
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing runs on after the block."""

    def run(self, shards: Iterable[Shard]) -> Iterator[Mark | Failure | Redone]:
        """As `seedbed.executors.Executor.run`."""
        for shard in shards:
            yield self.worker.run(shard)
