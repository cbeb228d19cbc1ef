"""`seedbed prove`: builds, trains and scores as a campaign says, and shows how it goes."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seedbed.trainers.commands import need_torch, one_core_each, progress_line

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live

PLAIN_LINE_SECONDS = 30.0
"""The least time between two plain lines about the steps of one training."""


class _Board:
    """Lines that stay, and on a terminal below them one line for each training that runs."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._lines: dict[str, str] = {}
        self._shown: dict[str, float] = {}
        self._live: Live | None = None

    def say(self, line: str) -> None:
        """A line that stays."""
        name = line.partition(":")[0].removeprefix("train ")
        if self._lines.pop(name, None) is not None and not self._lines:
            self.close()
        self.console.print(line, soft_wrap=True, highlight=False, markup=False)

    def training(self, name: str, line: str) -> None:
        """A line of a training: the latest of each, or, off a terminal, some of them."""
        from rich.live import Live
        from rich.text import Text

        if not line.strip():
            return
        steps = "steps/s" in line
        if not self.console.is_terminal:
            now = time.monotonic()
            if not steps or now - self._shown.get(name, 0.0) >= PLAIN_LINE_SECONDS:
                self._shown[name] = now if steps else self._shown.get(name, 0.0)
                self.console.print(f"{name}: {line}", soft_wrap=True, highlight=False, markup=False)
            return
        self._lines[name] = line
        if self._live is None:
            self._live = Live(
                get_renderable=lambda: Text(
                    "\n".join(f"{one}: {words}" for one, words in self._lines.items()),
                    no_wrap=True,
                    overflow="ellipsis",
                ),
                console=self.console,
                refresh_per_second=2,
                transient=True,
            )
            self._live.start()

    def progress(self, what: str) -> Callable[[int, int], None] | None:
        """How far a step is, on a terminal alone."""
        return progress_line(what)

    def close(self) -> None:
        """Take the moving lines away."""
        if self._live is not None:
            self._live.stop()
            self._live = None


@click.command("prove")
@click.argument("campaign")
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    help="Datasets, runs, predictions and scores go there.",
)
@click.option(
    "--real",
    type=click.Path(path_type=Path),
    help="Real files to score on: plates/*.jsonl and digits/*.jsonl beside what they list.",
)
@click.option("--seed", type=click.IntRange(0), help="Instead of the campaign's.")
@click.option("--workers", type=click.IntRange(1), help="Processes; by default one a core.")
@click.option("--again", is_flag=True, help="Evaluate, time and score anew what was before.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a script.")
def prove_command(
    campaign: str,
    out: Path,
    real: Path | None,
    seed: int | None,
    workers: int | None,
    again: bool,
    as_json: bool,
) -> None:
    """Build, train and score as CAMPAIGN says: a file, or the name of one that comes with seedbed.

    Run the same command again to go on after an interruption: what is done is kept.

    \b
    seedbed prove train --out runs/train
    seedbed prove real-world --out runs/real-world --real DIR
    """
    need_torch()
    from rich.console import Console

    from seedbed.shards import write_whole
    from seedbed.trainers.campaign import load_campaign
    from seedbed.trainers.config import as_json as json_text
    from seedbed.trainers.prove import prove
    from seedbed.trainers.scoreboard import markdown, print_tables, score_tables

    one_core_each(None)
    board = _Board(Console(stderr=True))
    with _ended_by_signals():
        try:
            values = prove(load_campaign(campaign, seed), out, board, real, workers, again)
        finally:
            board.close()
    tables = score_tables(values)
    title = f"{values['campaign']}, seed {values['seed']}"
    write_whole(out / "scores.md", markdown(tables, title).encode())
    if as_json:
        click.echo(json_text(values), nl=False)
    else:
        print_tables(tables, Console(highlight=False))
        click.echo(f"scores: {out / 'scores.md'} and {out / 'scores.json'}", err=True)


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Being asked to end is like Ctrl-C: trainings are ended, and nothing else is left behind.

    Ctrl-C has a handler of ours, too: a shell's background jobs are started with it ignored,
    and so would our own children be, whom it is sent to.
    """

    def interrupt(number: int, frame: Any) -> None:
        raise KeyboardInterrupt

    before = {one: signal.signal(one, interrupt) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
