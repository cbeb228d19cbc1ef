"""Where shards are made: in this process, in a pool of processes, later on a cluster.

An executor takes shards one at a time and gives results as they come; the bytes are the
same on each, since a shard depends on nothing but the recipe and its own numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from importlib import import_module
from typing import Protocol

from seedbed.errors import InputError
from seedbed.job import Failure, Job
from seedbed.plan import Shard
from seedbed.registry import nearest
from seedbed.shards import Mark

EXECUTORS = {
    "serial": "seedbed.executors.serial:SerialExecutor",
    "processes": "seedbed.executors.processes:ProcessExecutor",
}

START_METHODS = ("spawn", "fork", "forkserver")


class Executor(Protocol, AbstractContextManager["Executor"]):
    """Makes shards inside its `with` block; leaving it stops every worker at once."""

    def run(self, shards: Iterable[Shard]) -> Iterator[Mark | Failure]:
        """The result of every shard, in the order they finish.

        `shards` is read only as fast as work is done. Raises `SeedbedError` where a worker
        itself is lost.
        """


def make_executor(name: str, job: Job, workers: int, start_method: str) -> Executor:
    """The executor of that name. Raises `InputError` for an unknown one."""
    if name not in EXECUTORS:
        raise InputError(
            f"there is no executor named {name!r}{nearest(name, list(EXECUTORS))} "
            f"(known: {', '.join(EXECUTORS)})."
        )
    module, _, cls = EXECUTORS[name].partition(":")
    executor: Executor = getattr(import_module(module), cls)(job, workers, start_method)
    return executor
