"""Makes shards on a Ray cluster: one that runs already, or one started here for the build.

Each Ray task has a watched worker process of its own, the same as `processes` has, so that
a sample that crashes, hangs or eats memory is named just as it is there; the worker is
kept for the next task. A task whose machine or process is lost is given out again. Workers
write straight to the store, and only marks travel. No more shards are given out than a
bounded window holds. https://docs.ray.io/en/latest/ray-core/patterns/limit-pending-tasks.html
"""

from __future__ import annotations

import hashlib
import logging
import os
import pickle
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from seedbed.errors import MissingExtra, SeedbedError
from seedbed.executors import RETRIES, Hands, Limits, default_workers
from seedbed.executors.processes import ProcessExecutor
from seedbed.job import Failure, Job, Redone, failure
from seedbed.manifest import versions_of
from seedbed.plan import Shard
from seedbed.shards import Mark, committed_mark
from seedbed.store import LocalStore

TASKS_A_CORE = 2
"""Tasks in flight a core: one at work, one that waits, so that no core does."""

CORES_AGE_SECONDS = 10.0
"""How old a count of the cluster's cores may be: clusters grow and shrink."""

Result = Mark | Failure | Redone


class RayExecutor:
    """Joins the cluster at `ray_address`, or starts one of `workers` cores on this machine."""

    def __init__(self, job: Job, hands: Hands) -> None:
        try:
            import ray
        except ImportError as error:
            raise MissingExtra("ray", "ray", "the ray executor") from error
        self.ray: Any = ray
        store = job.store
        if isinstance(store, LocalStore):
            store = LocalStore(store.folder.absolute())
        self.job = replace(job, store=store)
        self.hands = hands
        self._started = False
        self._cores = (0, 0.0)
        self._pending: dict[Any, Shard] = {}
        self._losses: Counter[str] = Counter()

    def __enter__(self) -> Self:
        """Join or start the cluster. Raises `SeedbedError` where none answers."""
        # What a build is of is nobody's business: Ray sends usage home unless told not to.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        address = self.hands.ray_address
        if not self.ray.is_initialized():
            logging.getLogger("ray").setLevel(logging.ERROR)
            how: dict[str, Any] = {"address": address}
            if address is None:
                cores = self.hands.workers or default_workers()
                how = {"address": "local", "num_cpus": cores, "include_dashboard": False}
            try:
                self.ray.init(**how, log_to_driver=False, logging_level=logging.ERROR)
            except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
                reason = " ".join(str(error).split())
                raise SeedbedError(
                    f"no Ray cluster answers at {address or 'this machine'}: {reason}"
                ) from error
            self._started = True
        # Where the cluster is this machine alone, plug-ins are found as they are found here.
        path = tuple(sys.path) if address is None else ()
        payload = pickle.dumps((self.job, self.hands.limits))
        self._payload = self.ray.put((path, str(Path.cwd()), payload))
        self._task = self.ray.remote(num_cpus=1, max_retries=0)(make_shard)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop every task at once, and the cluster if it was started here."""
        for task in self._pending:
            self.ray.cancel(task, force=True)
        self._pending = {}
        if self._started:
            self.ray.shutdown()
            self._started = False

    def _window(self) -> int:
        """How many tasks may be in flight."""
        if self.hands.workers is not None:
            return self.hands.workers
        cores, asked = self._cores
        if not cores or time.monotonic() - asked > CORES_AGE_SECONDS:
            cores = max(1, int(self.ray.cluster_resources().get("CPU", 1)))
            self._cores = (cores, time.monotonic())
        return TASKS_A_CORE * cores

    def _give(self, shard: Shard) -> None:
        self._pending[self._task.remote(self._payload, shard)] = shard

    def run(self, shards: Iterable[Shard]) -> Iterator[Result]:
        """As `seedbed.executors.Executor.run`."""
        coming = iter(shards)
        while True:
            while len(self._pending) < self._window():
                shard = next(coming, None)
                if shard is None:
                    break
                self._give(shard)
            if not self._pending:
                return
            ready, waiting = self.ray.wait(list(self._pending), num_returns=1)
            ready += (
                self.ray.wait(waiting, num_returns=len(waiting), timeout=0)[0] if waiting else []
            )
            for task in ready:
                yield from self._take(task, self._pending.pop(task))

    def _take(self, task: Any, shard: Shard) -> Iterator[Result]:
        try:
            results: list[Result] = self.ray.get(task)
        except self.ray.exceptions.RayTaskError as error:
            raise SeedbedError(
                f"a Ray task failed while making shard {shard.name} with generator "
                f"{self.job.recipe.generator.name!r} and seed {self.job.recipe.seed}: "
                f"{type(error.cause).__name__}: {error.cause}"
            ) from error
        except self.ray.exceptions.RayError as error:
            yield self._again(shard, error)
            return
        for result in results:
            if isinstance(result, Mark):
                self._check_seen(result)
            yield result

    def _again(self, shard: Shard, error: Exception) -> Redone:
        self._losses[shard.name] += 1
        times = self._losses[shard.name]
        sentence = (
            f"a Ray worker was lost ({type(error).__name__}) while making samples {shard.start} to "
            f"{shard.stop - 1} of split {shard.split!r} with generator "
            f"{self.job.recipe.generator.name!r} and seed {self.job.recipe.seed}"
        )
        if times > RETRIES:
            raise SeedbedError(
                f"{sentence}, {times} times in all; finished shards are kept: run the same "
                f"command again to go on."
            ) from error
        self._give(shard)
        return Redone(shard, sentence)

    def _check_seen(self, mark: Mark) -> None:
        if (
            isinstance(self.job.store, LocalStore)
            and committed_mark(self.job.store, mark.name) is None
        ):
            raise SeedbedError(
                f"a Ray worker wrote shard {mark.name} to {self.job.store}, which is not the "
                f"folder of that name here: give --out a folder that all machines share, or a "
                f"store such as s3://bucket/name."
            )


_kept: tuple[str, ProcessExecutor] | None = None
"""The build that this Ray worker process last worked for, and its watched worker."""


def make_shard(given: tuple[tuple[str, ...], str, bytes], shard: Shard) -> list[Result]:
    """What a Ray task does: have one shard made and committed by a watched worker process."""
    path, folder, payload = given
    try:
        return list(_executor(path, folder, payload).run([shard]))
    except SeedbedError as error:
        _drop()
        return [failure(shard, error)]
    except BaseException:
        _drop()
        raise


def _executor(path: tuple[str, ...], folder: str, payload: bytes) -> ProcessExecutor:
    """The watched worker of a build: the one kept, or a new one in its place."""
    global _kept
    key = hashlib.sha256(payload).hexdigest()
    if _kept is not None and _kept[0] == key:
        return _kept[1]
    _drop()
    sys.path += [place for place in path if place not in sys.path]
    if Path(folder).is_dir():
        os.chdir(folder)
    job, limits = pickle.loads(payload)
    _check_versions(job)
    seconds, mebibytes = limits.for_workers(default_workers())
    executor = ProcessExecutor(job, Hands(workers=1, limits=Limits(seconds, mebibytes)))
    executor.__enter__()
    _kept = (key, executor)
    return executor


def _drop() -> None:
    global _kept
    if _kept is not None:
        _kept[1].__exit__()
        _kept = None


def _check_versions(job: Job) -> None:
    """Raise `SeedbedError` where this machine would give other samples."""
    here = versions_of(job.recipe)
    differing = [
        f"{name} {here.get(name, 'absent')} there, {version} here"
        for name, version in job.versions.items()
        if here.get(name) != version
    ]
    if differing:
        raise SeedbedError(
            f"a machine of the Ray cluster ({os.uname().nodename}) has other versions or files, "
            f"which may give other samples: {'; '.join(differing)}. Give all machines the same."
        )
