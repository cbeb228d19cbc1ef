"""What a build shows while it runs: a live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.live import Live
from rich.text import Text

from seedbed.balance import label_balance
from seedbed.builder import Built, Progress
from seedbed.card import loading_lines
from seedbed.store import LocalStore

PLAIN_LINE_SECONDS = 5.0
"""The least time between two plain lines."""

REASONS_SHOWN = 3

MOST_SHARDS_LOOKED_INTO = 1000
"""Of a dataset whose labels are counted at the end of its build: seconds at the most."""


class Show(Protocol):
    """Called with the progress at the start and after every shard."""

    def __call__(self, progress: Progress) -> None:
        """Show it."""


class _Clock:
    """How fast samples come, as of the last shard: between two shards nothing slows down."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.seconds = 0.0

    def tick(self) -> None:
        """A shard was committed just now."""
        self.seconds = time.monotonic() - self.began

    def line(self, progress: Progress) -> str:
        done = progress.resumed_samples + progress.made_samples
        text = f"{done:,}/{progress.samples:,} samples"
        if progress.made_samples and self.seconds > 0:
            rate = progress.made_samples / self.seconds
            shown = f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}"
            text += f", {shown}/s, {_duration((progress.samples - done) / rate)} left"
        return text + _reasons(progress.counts)


def _reasons(counts: Mapping[str, int]) -> str:
    """The largest counts; those with a reason (`dropped:hidden`) before tallies (`plates`)."""
    largest = sorted(counts.items(), key=lambda item: (":" not in item[0], -item[1]))
    largest = largest[:REASONS_SHOWN]
    return f" ({', '.join(f'{reason} {n:,}' for reason, n in largest)})" if largest else ""


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02}m" if hours else f"{minutes}m{rest:02}s" if minutes else f"{rest}s"


@contextmanager
def showing_progress(console: Console, name: str) -> Iterator[Show]:
    """Shows a build on `console` inside the `with` block."""
    clock = _Clock()
    latest: list[Progress] = []
    if console.is_terminal:

        def live_line() -> Text:
            text = clock.line(latest[0]) if latest else "starting"
            return Text(f"{name}: {text}", no_wrap=True, overflow="ellipsis")

        with Live(get_renderable=live_line, console=console, refresh_per_second=4, transient=True):

            def keep(progress: Progress) -> None:
                clock.tick()
                latest[:] = [progress]

            yield keep
        return
    last_shown = 0.0

    def print_line(progress: Progress) -> None:
        nonlocal last_shown
        clock.tick()
        now = time.monotonic()
        finished = progress.resumed_samples + progress.made_samples == progress.samples
        if progress.resumed_shards and not progress.made_shards:
            console.print(f"{name}: {resumed_text(progress)}", soft_wrap=True, highlight=False)
        elif finished or now - last_shown >= PLAIN_LINE_SECONDS:
            last_shown = now
            console.print(f"{name}: {clock.line(progress)}", soft_wrap=True, highlight=False)

    yield print_line


def resumed_text(progress: Progress) -> str:
    """`resumed 37/64 shards`."""
    return f"resumed {progress.resumed_shards}/{progress.shards} shards"


def show_table(console: Console, rows: Iterable[tuple[str, str]]) -> None:
    """Keys and values in two columns; a hash is never broken over two lines."""
    rows = list(rows)
    width = max(len(key) for key, _ in rows)
    for key, value in rows:
        console.print(Text(f"{key:<{width}}  ", style="dim"), Text(value), sep="", soft_wrap=True)


def _balance(built: Built) -> list[tuple[str, str]]:
    if isinstance(built.store, LocalStore) and built.info["shards"] <= MOST_SHARDS_LOOKED_INTO:
        return label_balance(built.store).rows()
    if built.info["sample_type"] != "clip":
        return []
    return [("labels", f"`seedbed info {built.store}` counts them")]


def show_built(console: Console, built: Built) -> None:
    """The table at the end of a build, and the lines that load the dataset."""
    info = built.info
    splits = ", ".join(f"{split} {count:,}" for split, count in info["splits"].items())
    state = "already complete, nothing to do" if built.already_complete else None
    if state is None and built.progress.resumed_shards:
        state = resumed_text(built.progress)
    rows = [
        ("dataset", str(built.store)),
        *([("state", state)] if state else []),
        ("samples", f"{info['samples']:,} ({splits})"),
        ("size", f"{info['bytes'] / 1e6:,.1f} MB in {info['shards']:,} shards"),
        ("seconds", f"{built.seconds:,.1f}"),
        ("seed", str(info["seed"])),
        ("hash", info["hash"]),
        *((reason, f"{n:,}") for reason, n in info["counts"].items()),
        *_balance(built),
    ]
    show_table(console, rows)
    for tool, lines in loading_lines(str(built.store), info["splits"]).items():
        console.print(Text(f"\n# {tool}", style="dim"))
        console.print(Text(lines), soft_wrap=True)
