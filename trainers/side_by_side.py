"""Runs commands in child processes, several at a time, their words gathered in one place.

A child ends when its parent is gone: what it says goes into a pipe that nobody reads then.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue

from seedbed.errors import InputError, SeedbedError

GRACE_S = 20.0
"""What a child is given to end by itself: as long as a checkpoint takes to be written."""

SENTENCE = "seedbed: "
"""How a line begins that says what went wrong."""


@dataclass(frozen=True)
class Job:
    """A command by name, the extra environment it gets, and the file its words are kept in."""

    name: str
    command: Sequence[str]
    log: Path
    environment: dict[str, str] = field(default_factory=dict)


class _Child:
    """A job that runs. Its lines go to `lines` as (child, line), at its end (child, None)."""

    def __init__(self, job: Job, lines: SimpleQueue[tuple[_Child, str | None]]) -> None:
        self.job = job
        self.began = time.monotonic()
        self.sentence = ""
        job.log.parent.mkdir(parents=True, exist_ok=True)
        # A group of its own: Ctrl-C reaches this process alone, which then ends its children
        # one after the other, and their own workers with them.
        self.process = subprocess.Popen(
            job.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **job.environment},
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, args=(lines,), daemon=True)
        self._reader.start()

    def _read(self, lines: SimpleQueue[tuple[_Child, str | None]]) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as said, self.job.log.open("a", encoding="utf-8") as log:
            for line in said:
                log.write(line)
                log.flush()
                if line.startswith(SENTENCE):
                    self.sentence = line.removeprefix(SENTENCE).strip()
                lines.put((self, line.rstrip()))
        lines.put((self, None))

    def ask_to_end(self) -> None:
        """Do what Ctrl-C would."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)

    def end(self) -> None:
        """Wait for its end; kill it and its workers if it does not come."""
        try:
            self.process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self._reader.join()


def run_side_by_side(
    jobs: Sequence[Job],
    at_once: int,
    say: Callable[[str, str], None],
    on_done: Callable[[str, float], None],
) -> None:
    """Run all jobs, in order, `at_once` of them at a time.

    `say` gets a job's name and a line it wrote, `on_done` its name and seconds at its end.
    Raises the child's own sentence, an `InputError` where the input was bad, else a
    `SeedbedError`; whenever it raises, Ctrl-C included, no child is left.
    """
    lines: SimpleQueue[tuple[_Child, str | None]] = SimpleQueue()
    waiting, running = list(jobs), list[_Child]()
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                running.append(_Child(waiting.pop(0), lines))
            try:
                child, line = lines.get(timeout=1.0)
            except Empty:
                continue
            if line is not None:
                say(child.job.name, line)
                continue
            code = child.process.wait()
            running.remove(child)
            if code:
                kind = InputError if code == InputError.exit_code else SeedbedError
                words = child.sentence or f"it ended with code {code}."
                raise kind(f"{child.job.name}: {words} All it said is in {child.job.log}.")
            on_done(child.job.name, time.monotonic() - child.began)
    finally:
        for child in running:
            child.ask_to_end()
        for child in running:
            child.end()
