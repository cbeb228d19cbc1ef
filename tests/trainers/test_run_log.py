"""The line of progress: loss, rate and time left, as a line that moves and as plain ones."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from seedbed.trainers import run_log
from seedbed.trainers.run_log import ProgressLine


class Clock:
    """Stands for `time`: it says what it is told."""

    now = 100.0

    def monotonic(self) -> float:
        """The seconds."""
        return self.now


class Table:
    """Keeps what is logged."""

    def __init__(self) -> None:
        self.rows: dict[int, dict[str, float]] = {}

    def log_metrics(self, values: dict[str, float], step: int) -> None:
        """As a logger does."""
        self.rows[step] = values


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(run_log, "time", clock)
    return clock


def trainer_at(step: int, table: Table) -> Any:
    optimiser = SimpleNamespace(param_groups=[{"lr": 0.25}])
    return SimpleNamespace(
        global_step=step,
        fit_loop=SimpleNamespace(_should_accumulate=lambda: False),
        optimizers=[optimiser],
        loggers=[table],
    )


def learner(noise: float | None = None) -> Any:
    measured = None if noise is None else SimpleNamespace(value=lambda: noise)
    return SimpleNamespace(latest={"loss": torch.tensor(0.5)}, noise=measured)


def went(line: ProgressLine, clock: Clock, table: Table, waits: float = 0.0) -> None:
    """Twenty steps in five seconds from step 20 on, which end at step 40."""
    line.on_train_start(trainer_at(20, table), learner())
    clock.now += waits
    line.on_train_batch_start(trainer_at(20, table))
    clock.now += 5.0 - waits
    line.on_train_batch_end(trainer_at(40, table), learner(noise=64.0))


def test_it_says_the_loss_the_rate_and_the_time_left(clock: Clock) -> None:
    said: list[str] = []
    table = Table()
    line = ProgressLine("read", 1300, 20, said.append, live=False)
    went(line, clock, table, waits=1.0)
    # Four steps a second, and 1,260 of them left. Plain lines come every ten seconds.
    assert line.line == "read: step 40/1,300, loss 0.5000, 4.0 steps/s, 5m15s left"
    assert said == []
    clock.now += 5.0
    line.on_train_batch_end(trainer_at(60, table), learner())
    assert said == ["read: step 60/1,300, loss 0.5000, 4.0 steps/s, 5m10s left"]
    assert table.rows[40] == {
        "train/loss": 0.5,
        "train/learning_rate": 0.25,
        "train/steps_per_second": 4.0,
        "train/data_wait_share": 0.2,
        "train/noise_scale": 64.0,
    }


def test_on_a_terminal_the_same_line_moves(clock: Clock) -> None:
    said: list[str] = []
    line = ProgressLine("read", 1300, 20, said.append, live=True)
    assert line.live is not None
    try:
        went(line, clock, Table())
        assert line.live.is_started
        assert str(line.live.get_renderable()) == line.line
        assert "loss 0.5000, 4.0 steps/s, 5m15s left" in line.line
    finally:
        line.on_exception(None, None, KeyboardInterrupt())
    assert not line.live.is_started
    assert said == []


@pytest.mark.parametrize(
    ("seconds", "written"), [(0.2, "0s"), (59, "59s"), (61, "1m01s"), (3600 * 2 + 65, "2h01m")]
)
def test_times_are_short(seconds: float, written: str) -> None:
    assert run_log._duration(seconds) == written
