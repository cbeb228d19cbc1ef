"""Where shards are made: in this process, in a pool of processes, on a Ray cluster.

An executor takes shards one at a time and gives results as they come; the bytes are the
same on each, since a shard depends on nothing but the recipe and its own numbers.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol

from seedbed.errors import InputError
from seedbed.job import Failure, Job, Redone
from seedbed.plan import Shard
from seedbed.registry import nearest
from seedbed.shards import Mark

EXECUTORS = {
    "serial": "seedbed.executors.serial:SerialExecutor",
    "processes": "seedbed.executors.processes:ProcessExecutor",
    "ray": "seedbed.executors.ray:RayExecutor",
}

START_METHODS = ("spawn", "fork", "forkserver")

RETRIES = 3
"""How often a shard is made again when the worker that made it was lost."""

SAMPLE_SECONDS = 600.0
"""How long one sample may take, unless said otherwise; getting ready and writing a shard may
take so long whatever is said."""

LEAST_MEMORY_MIB = 1024
"""A worker may take this much, however small its share of the machine."""

MEMORY_SHARE = 0.9
"""Of the machine's memory, what all workers together may take, unless said otherwise."""


@dataclass(frozen=True)
class Limits:
    """How long a worker may be at one sample, and how large it may grow; None for the default."""

    sample_seconds: float | None = None
    memory_mib: int | None = None

    def for_workers(self, workers: int) -> tuple[float, int | None]:
        """Seconds, and MiB a worker; None where this system does not tell how large one is."""
        seconds = SAMPLE_SECONDS if self.sample_seconds is None else self.sample_seconds
        if self.memory_mib is not None:
            return seconds, self.memory_mib
        total = _machine_memory_mib()
        if total is None:
            return seconds, None
        return seconds, max(LEAST_MEMORY_MIB, int(total * MEMORY_SHARE / workers))


@dataclass(frozen=True)
class Hands:
    """How an executor gets its workers: how many, how they start, which cluster, what limits."""

    workers: int | None = None
    start_method: str = "spawn"
    limits: Limits = Limits()
    ray_address: str | None = None


class Executor(Protocol, AbstractContextManager["Executor"]):
    """Makes shards inside its `with` block; leaving it stops every worker at once."""

    def run(self, shards: Iterable[Shard]) -> Iterator[Mark | Failure | Redone]:
        """The result of every shard, in the order they finish.

        `shards` is read only as fast as work is done. Raises `SeedbedError` where a shard's
        worker is lost `RETRIES` times and once more.
        """


def make_executor(name: str, job: Job, hands: Hands) -> Executor:
    """The executor of that name. Raises `InputError` for an unknown one."""
    if name not in EXECUTORS:
        raise InputError(
            f"there is no executor named {name!r}{nearest(name, list(EXECUTORS))} "
            f"(known: {', '.join(EXECUTORS)})."
        )
    if not job.store.shared and name != "serial":
        raise InputError(f"{job.store} lies in one process's memory: build it with serial.")
    module, _, cls = EXECUTORS[name].partition(":")
    executor: Executor = getattr(import_module(module), cls)(job, hands)
    return executor


def default_workers() -> int:
    """The cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def resident_mib(pid: int | str = "self") -> int | None:
    """What a process holds of the machine's memory, or None where `/proc` is not there."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError, ValueError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE") // 2**20


def _machine_memory_mib() -> int | None:
    """Memory this process may use: the machine's, or its control group's where that is less.

    https://docs.kernel.org/admin-guide/cgroup-v2.html, `memory.max`.
    """
    if resident_mib() is None:
        return None
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
    except OSError:
        limit = "max"
    return min(total, int(limit) if limit.isdigit() else total) // 2**20
