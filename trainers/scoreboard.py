"""A campaign's scores as tables: on a terminal and as `scores.md`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

SHOWN_METRICS = 4
"""Of a run: its goal and the next few; the report has them all."""


@dataclass(frozen=True)
class ScoreTable:
    """A title, the heads of the columns, and rows of as many words."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


def score_tables(values: Mapping[str, Any]) -> list[ScoreTable]:
    """The tables of the values that `seedbed.trainers.prove.prove` gives."""
    tables = [_runs(values["runs"])]
    for name, scored in values["scores"].items():
        tables += _score(name, scored)
    seconds: Mapping[str, float] = values["seconds"]
    rows = [[step, f"{took:,.0f}"] for step, took in seconds.items()]
    tables.append(ScoreTable("seconds", ["step", "seconds"], rows))
    return tables


def _runs(runs: Mapping[str, Any]) -> ScoreTable:
    rows = []
    for name, run in runs.items():
        for dataset, found in run["held_out"].items():
            metrics = found["metrics"]
            names = [run["goal"], *(key for key in metrics if key != run["goal"])]
            plain = [key for key in names if " " not in key and "/" not in key]
            shown = [f"{key} {metrics[key]:.4g}" for key in plain[:SHOWN_METRICS]]
            ends = found["intervals_95"].get(run["goal"])
            rows.append(
                [
                    name,
                    f"{run['megabytes']:.2f}",
                    dataset,
                    f"{found['items']:,}",
                    ", ".join(shown),
                    f"{ends[0]:.3g} to {ends[1]:.3g}" if ends else "",
                ]
            )
    head = ["run", "MB", "held-out data", "items", "metrics", "95% of the first"]
    return ScoreTable("generated data that no run has seen", head, rows)


def _score(name: str, scored: Mapping[str, Any]) -> list[ScoreTable]:
    tables = []
    held_out = scored.get("held_out")
    if held_out is not None:
        metrics = held_out["metrics"]
        rows = [[key, f"{value:.4g}"] for key, value in metrics.items()]
        tables.append(ScoreTable(f"{name}: generated pictures", ["metric", "value"], rows))
    real: Mapping[str, Mapping[str, float]] | None = scored.get("real")
    if real is not None:
        keys = list(dict.fromkeys(key for found in real.values() for key in found))
        rows = [
            [group, *(f"{found[key]:g}" if key in found else "" for key in keys)]
            for group, found in real.items()
        ]
        tables.append(ScoreTable(f"{name}: real files, percent", ["files", *keys], rows))
    speeds = {
        "seconds_a_picture": "seconds for a picture of 1 MP",
        "milliseconds_a_clip": "milliseconds for a clip",
    }
    rows = [[words, f"{scored[key]:g}"] for key, words in speeds.items() if key in scored]
    if rows:
        tables.append(ScoreTable(f"{name}: speed on one core", ["measure", "value"], rows))
    return tables


def print_tables(tables: Sequence[ScoreTable], console: Console) -> None:
    """Print tables, one under the other."""
    for one in tables:
        table = Table(box=None, title=one.title, title_justify="left", title_style="bold")
        for column in one.head:
            table.add_column(column)
        for row in one.rows:
            table.add_row(*row)
        console.print(table)
        console.print()


def markdown(tables: Sequence[ScoreTable], title: str) -> str:
    """The same tables as Markdown."""
    lines = [f"# {title}", ""]
    for one in tables:
        lines += [f"## {one.title}", "", _line(one.head), _line(["---"] * len(one.head))]
        lines += [_line(row) for row in one.rows]
        lines.append("")
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
