"""What a run writes down and shows while it goes: a table of metrics and a line of progress."""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import Logger
from lightning.pytorch.utilities import rank_zero_only
from rich.console import Console
from rich.live import Live
from rich.text import Text

PLAIN_LINE_SECONDS = 10.0
"""The least time between two plain lines."""


def is_helper() -> bool:
    """Whether this process trains beside the one that speaks and writes.

    Where several devices train, Lightning runs the same command once more for each of them.
    """
    return int(os.environ.get("LOCAL_RANK", "0")) != 0


class MetricsTable(Logger):
    """`metrics.csv`: one row a number, `step,name,value`.

    Rows past `last_step`, from a run that was killed after its last checkpoint, are dropped:
    they will be written again.
    """

    def __init__(self, path: Path, last_step: int) -> None:
        super().__init__()
        self.path = path
        if is_helper():
            return
        rows = [row for row in read_metrics(path) if row[0] <= last_step] if last_step else []
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["step", "name", "value"])
            writer.writerows(rows)

    @property
    def name(self) -> str:
        """What Lightning calls it."""
        return "metrics"

    @property
    def version(self) -> str:
        """There is one."""
        return ""

    @rank_zero_only
    def log_hyperparams(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: the configuration lies beside the table."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Add a row for each number."""
        with self.path.open("a", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(
                [step, name, f"{value:.6g}"] for name, value in metrics.items() if name != "epoch"
            )


def read_metrics(path: Path) -> list[tuple[int, str, float]]:
    """The rows of a `metrics.csv`; none where there is no such file. A cut last row is left out."""
    if not path.is_file():
        return []
    rows = []
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["value"]:
                rows.append((int(row["step"]), row["name"], float(row["value"])))
    return rows


class ProgressLine(Callback):
    """Loss, rate and time left; and the same to the loggers every so many steps."""

    def __init__(
        self, name: str, steps: int, log_every: int, say: Callable[[str], None], live: bool
    ) -> None:
        self.name = name
        self.steps = steps
        self.log_every = log_every
        self.say = say
        self.line = f"{name}: starting"
        self.live: Live | None = None
        if live:
            self.live = Live(
                get_renderable=lambda: Text(self.line, no_wrap=True, overflow="ellipsis"),
                console=Console(stderr=True),
                refresh_per_second=4,
                transient=True,
            )
        self.began = self.shown = self.batch_ended = 0.0
        self.first = self.logged = 0
        self.waited = self.since = 0.0

    def on_train_start(self, trainer: Any, learner: Any) -> None:
        """Start the clock."""
        self.began = self.shown = self.batch_ended = self.since = time.monotonic()
        self.first = self.logged = trainer.global_step
        if self.live is not None:
            self.live.start()

    def on_train_batch_start(self, trainer: Any, *_: Any) -> None:
        """Add up the time since the batch before ended: waiting for data."""
        self.waited += time.monotonic() - self.batch_ended

    def on_train_batch_end(self, trainer: Any, learner: Any, *_: Any) -> None:
        """Log and show, every so many steps."""
        now = self.batch_ended = time.monotonic()
        step = trainer.global_step
        if step == self.logged or trainer.fit_loop._should_accumulate():
            return
        rate = (step - self.first) / max(now - self.began, 1e-9)
        if step % self.log_every == 0 or step == self.steps:
            values = {f"train/{name}": float(value) for name, value in learner.latest.items()}
            values["train/learning_rate"] = trainer.optimizers[0].param_groups[0]["lr"]
            values["train/steps_per_second"] = (step - self.logged) / max(now - self.since, 1e-9)
            values["train/data_wait_share"] = self.waited / max(now - self.since, 1e-9)
            if learner.noise is not None and (noise := learner.noise.value()) is not None:
                values["train/noise_scale"] = noise
            for logger in trainer.loggers:
                logger.log_metrics(values, step)
            self.logged, self.since, self.waited = step, now, 0.0
            left = _duration((self.steps - step) / max(rate, 1e-9))
            self.line = (
                f"{self.name}: step {step:,}/{self.steps:,}, loss {values['train/loss']:.4f}, "
                f"{rate:.1f} steps/s, {left} left"
            )
            if self.live is None and (now - self.shown >= PLAIN_LINE_SECONDS or step == self.steps):
                self.shown = now
                self.say(self.line)

    def on_train_end(self, trainer: Any, learner: Any) -> None:
        """Take the line away."""
        self._stop()

    def on_exception(self, trainer: Any, learner: Any, exception: BaseException) -> None:
        """Take the line away."""
        self._stop()

    def _stop(self) -> None:
        if self.live is not None:
            self.live.stop()


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02}m" if hours else f"{minutes}m{rest:02}s" if minutes else f"{rest}s"
