"""Makes shards in a pool of processes on this machine, each of them watched.

Each worker holds one shard at a time and has its own pipe, so that a worker that dies is
known at once and by the sample it was making (`concurrent.futures` only says that its pool
is broken). One that stays at a sample too long or grows too large is ended. Its shard is
made again by a fresh worker, `RETRIES` times at most. Workers leave Ctrl-C to the parent
and end when it does.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Self

from seedbed.cores import use_one_core
from seedbed.errors import SeedbedError
from seedbed.executors import RETRIES, SAMPLE_SECONDS, Hands, default_workers, resident_mib
from seedbed.job import PREPARING, WRITING, Failure, Job, OutOfMemory, Redone, failure
from seedbed.plan import Shard
from seedbed.shards import Mark

PARENT_CHECK_SECONDS = 1.0
"""How often a worker looks whether its parent still lives."""

ALONE_SECONDS = 10.0
"""How long a worker whose parent is gone may take to reach the end of its sample."""

WATCH_SECONDS = 0.5
"""How often busy workers are looked at; a hanging one is ended at most this much too late."""

AT, SINCE = 0, 1
"""What a worker tells of itself in shared memory: the sample it is at, and since when."""


@dataclass
class _Hand:
    """A worker process, the parent's end of its pipe, what it tells, and its shard."""

    process: BaseProcess
    pipe: Connection
    told: Any
    shard: Shard | None = None


@dataclass(frozen=True)
class _Lost:
    """How a worker was lost, as said of it: "was killed by SIGKILL"."""

    how: str
    cure: str


class ProcessExecutor:
    """A worker a core, started by `spawn` (safe everywhere), `fork` or `forkserver`."""

    def __init__(self, job: Job, hands: Hands) -> None:
        self.job = job
        self.workers = hands.workers or default_workers()
        self.sample_seconds, self.memory_mib = hands.limits.for_workers(self.workers)
        self._context = multiprocessing.get_context(hands.start_method)
        self.hands: list[_Hand] = []
        self._losses: Counter[str] = Counter()

    def __enter__(self) -> Self:
        if self._context.get_start_method() == "fork":
            # A forked child that told OpenCV to use fewer threads would wait for its parent's.
            use_one_core()
        for _ in range(self.workers):
            self.hands.append(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        """Stop every worker at once; shards that were not committed leave nothing behind."""
        for hand in self.hands:
            hand.process.kill()
        for hand in self.hands:
            hand.process.join()
            hand.pipe.close()
        self.hands = []

    def _start(self) -> _Hand:
        with _interrupts_held():
            ours, theirs = self._context.Pipe()
            told = self._context.RawArray("d", [PREPARING, time.monotonic()])
            process = self._context.Process(  # type: ignore[attr-defined]
                target=_work, args=(theirs, self.job, told, self.memory_mib), daemon=True
            )
            process.start()
            theirs.close()
        return _Hand(process, ours, told)

    def run(self, shards: Iterable[Shard]) -> Iterator[Mark | Failure | Redone]:
        """As `seedbed.executors.Executor.run`."""
        coming = iter(shards)
        for hand in self.hands:
            self._give(hand, next(coming, None))
        while busy := [hand for hand in self.hands if hand.shard is not None]:
            ready = wait([hand.pipe for hand in busy], timeout=WATCH_SECONDS)
            for hand in busy:
                lost = None
                if hand.pipe in ready:
                    try:
                        result = hand.pipe.recv()
                    except (EOFError, ConnectionResetError):
                        result = _how_it_died(hand.process)
                    if isinstance(result, _Lost):
                        lost = result
                    else:
                        yield result
                        self._give(hand, next(coming, None))
                else:
                    lost = self._watched(hand)
                if lost is not None:
                    yield self._replace(hand, lost)

    def _give(self, hand: _Hand, shard: Shard | None) -> None:
        hand.shard = shard
        if shard is None:
            return
        hand.told[SINCE] = time.monotonic()
        # One that died while idle is noticed by its pipe, as one that dies at work.
        with suppress(BrokenPipeError, ConnectionResetError):
            hand.pipe.send(shard)

    def _watched(self, hand: _Hand) -> _Lost | None:
        """What is wrong with a worker that has not answered yet, if anything is."""
        seconds = self.sample_seconds
        if hand.told[AT] in (PREPARING, WRITING):
            # Importing a generator's libraries or uploading a shard is not making a sample.
            seconds = max(seconds, SAMPLE_SECONDS)
        if time.monotonic() - hand.told[SINCE] > seconds:
            return _stuck(seconds)
        if self.memory_mib is not None:
            size = resident_mib(hand.process.pid or 0)
            if size is not None and size > self.memory_mib:
                return _too_large(size, self.memory_mib)
        return None

    def _replace(self, hand: _Hand, lost: _Lost) -> Redone:
        """End a lost worker and give its shard to a fresh one in its place.

        Raises `SeedbedError` where that was done often enough.
        """
        shard = hand.shard
        assert shard is not None
        hand.process.kill()
        hand.process.join()
        hand.pipe.close()
        at = int(hand.told[AT])
        place = {
            PREPARING: f"getting ready for samples {shard.start} to {shard.stop - 1}",
            WRITING: f"writing samples {shard.start} to {shard.stop - 1}",
        }.get(at, f"making sample {at}")
        self._losses[shard.name] += 1
        times = self._losses[shard.name]
        recipe = self.job.recipe
        sentence = (
            f"a worker process {lost.how} while {place} of split {shard.split!r} with generator "
            f"{recipe.generator.name!r} and seed {recipe.seed}"
        )
        if times > RETRIES:
            raise SeedbedError(
                f"{sentence}, {times} times in all; finished shards are kept: run the same "
                f"command again to go on, {lost.cure}."
            )
        fresh = self._start()
        self.hands[self.hands.index(hand)] = fresh
        self._give(fresh, shard)
        return Redone(shard, sentence)


def _how_it_died(process: BaseProcess) -> _Lost:
    process.join()
    code = process.exitcode or 0
    if code >= 0:
        return _Lost(f"ended with {code}", "once the generator does not end its process")
    memory = " (the machine may have run out of memory)" if code == -signal.SIGKILL else ""
    return _Lost(
        f"was killed by {signal.Signals(-code).name}{memory}",
        "with fewer --workers if need be",
    )


def _stuck(seconds: float) -> _Lost:
    return _Lost(
        f"was stuck for more than {seconds:g} s",
        "with a longer --sample-timeout if the sample is only slow",
    )


def _too_large(size_mib: int, limit_mib: int) -> _Lost:
    return _Lost(
        f"took {size_mib:,} MiB of memory, more than the {limit_mib:,} it may,",
        "with a higher --worker-memory, or, if the generator never gives memory back, with a "
        "smaller shard_size",
    )


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Start processes with Ctrl-C blocked: it is the parent's to act on.

    A child inherits the mask, and so is deaf before it has run its first line. Python's
    resource tracker lifts the mask when it starts, so it is started before.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_after(parent: int) -> None:
    """End a worker that is alone and does not notice: it may hang in a sample for ever."""
    while os.getppid() == parent:
        time.sleep(PARENT_CHECK_SECONDS)
    time.sleep(ALONE_SECONDS)
    os._exit(1)


def _work(pipe: Connection, job: Job, told: Any, memory_mib: int | None) -> None:
    """What a worker process does: take a shard, make it, send its mark, until none comes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    worker, parent = None, os.getppid()
    threading.Thread(target=_end_after, args=(parent,), daemon=True).start()

    def beat(index: int) -> None:
        if os.getppid() != parent:
            # Nobody is left to take the shard: what was begun of it is removed on the way out.
            raise SystemExit
        told[AT] = index
        told[SINCE] = time.monotonic()
        size = None if memory_mib is None else resident_mib()
        if size is not None and memory_mib is not None and size > memory_mib:
            raise OutOfMemory(size)

    # With fork, siblings hold copies of the parent's pipe ends, which then never close.
    while os.getppid() == parent:
        if not pipe.poll(PARENT_CHECK_SECONDS):
            continue
        try:
            shard: Shard = pipe.recv()
        except EOFError:
            return
        result: Mark | Failure | _Lost
        try:
            worker = worker or job.worker(beat)
            result = worker.run(shard)
        except OutOfMemory as error:
            result = _too_large(error.mebibytes, memory_mib or 0)
        except SeedbedError as error:
            result = failure(shard, error)
        with suppress(BrokenPipeError):
            pipe.send(result)
