"""Makes shards in a pool of processes on this machine.

Each worker holds one shard at a time and is watched through its own pipe, so that a worker
that dies is known at once and by the shard it was making (`concurrent.futures` only says
that its pool is broken). Workers leave Ctrl-C to the parent and end when it does.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Self

from seedbed.errors import SeedbedError
from seedbed.job import Failure, Job, failure
from seedbed.plan import Shard
from seedbed.shards import Mark

PARENT_CHECK_SECONDS = 1.0
"""How often an idle worker looks whether its parent still lives."""


@dataclass
class _Hand:
    """A worker process, the parent's end of its pipe, and the shard it is making."""

    process: BaseProcess
    pipe: Connection
    shard: Shard | None = None


class ProcessExecutor:
    """A worker a core, started by `spawn` (safe everywhere), `fork` or `forkserver`."""

    def __init__(self, job: Job, workers: int, start_method: str = "spawn") -> None:
        self.job = job
        self.workers = workers
        self.start_method = start_method
        self.hands: list[_Hand] = []

    def __enter__(self) -> Self:
        context = multiprocessing.get_context(self.start_method)
        with _interrupts_held():
            for number in range(self.workers):
                ours, theirs = context.Pipe()
                process = context.Process(  # type: ignore[attr-defined]
                    target=_work, args=(theirs, self.job), name=f"seedbed-{number}", daemon=True
                )
                process.start()
                theirs.close()
                self.hands.append(_Hand(process, ours))
        return self

    def __exit__(self, *_: object) -> None:
        """Stop every worker at once; shards that were not committed leave nothing behind."""
        for hand in self.hands:
            hand.process.kill()
        for hand in self.hands:
            hand.process.join()
            hand.pipe.close()
        self.hands = []

    def run(self, shards: Iterable[Shard]) -> Iterator[Mark | Failure]:
        """As `seedbed.executors.Executor.run`."""
        coming = iter(shards)
        busy = [hand for hand in self.hands if self._give(hand, coming)]
        while busy:
            ready = wait([hand.pipe for hand in busy])
            for hand in [hand for hand in busy if hand.pipe in ready]:
                yield self._take(hand)
                if not self._give(hand, coming):
                    busy.remove(hand)

    def _give(self, hand: _Hand, coming: Iterator[Shard]) -> bool:
        hand.shard = next(coming, None)
        if hand.shard is None:
            return False
        try:
            hand.pipe.send(hand.shard)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise self._lost(hand) from error
        return True

    def _take(self, hand: _Hand) -> Mark | Failure:
        try:
            result: Mark | Failure = hand.pipe.recv()
        except (EOFError, ConnectionResetError) as error:
            raise self._lost(hand) from error
        return result

    def _lost(self, hand: _Hand) -> SeedbedError:
        hand.process.join()
        code = hand.process.exitcode or 0
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
        why = " (the machine may have run out of memory)" if code == -signal.SIGKILL else ""
        shard = hand.shard
        where = (
            f"samples {shard.start} to {shard.stop - 1} of split {shard.split!r}" if shard else ""
        )
        return SeedbedError(
            f"a worker process {how}{why} while making {where} with generator "
            f"{self.job.recipe.generator.name!r} and seed {self.job.recipe.seed}; finished shards "
            f"are kept: run the same command again to go on, with fewer --workers if need be."
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


def _work(pipe: Connection, job: Job) -> None:
    """What a worker process does: take a shard, make it, send its mark, until none comes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    worker, parent = None, os.getppid()
    # With fork, siblings hold copies of the parent's pipe ends, which then never close.
    while os.getppid() == parent:
        if not pipe.poll(PARENT_CHECK_SECONDS):
            continue
        try:
            shard: Shard = pipe.recv()
        except EOFError:
            return
        try:
            worker = worker or job.worker()
            result = worker.run(shard)
        except SeedbedError as error:
            result = failure(shard, error)
        with suppress(BrokenPipeError):
            pipe.send(result)
