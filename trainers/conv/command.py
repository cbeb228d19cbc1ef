"""`seedbed arch`: what a network line does to an input, printed without loading torch."""

from __future__ import annotations

import json

import click

from seedbed.errors import InputError
from seedbed.trainers.conv.advice import TASKS
from seedbed.trainers.conv.plan import LAYOUTS, Layout
from seedbed.trainers.conv.trace import trace


def input_shape(text: str) -> tuple[int, ...]:
    """`"28,28,1"` or `"28x28x1"` as numbers. Raises `InputError`."""
    parts = text.replace("x", ",").split(",")
    if not all(part.strip().isascii() and part.strip().isdigit() for part in parts):
        raise InputError(
            f"--input must be whole numbers joined by commas, such as 28,28,1, got {text!r}."
        )
    return tuple(int(part.strip()) for part in parts)


def run_arch(line: str, shape: str, layout: Layout, task: str | None, as_json: bool) -> str:
    """The text that `seedbed arch` prints. Raises `InputError`."""
    traced = trace(line, input_shape(shape), layout, task)
    return json.dumps(traced.json(), indent=2) if as_json else traced.text()


@click.command("arch")
@click.argument("line")
@click.option(
    "--input",
    "shape",
    required=True,
    metavar="SHAPE",
    help="One record's shape, such as 28,28,1 (height, width, channels).",
)
@click.option(
    "--layout",
    type=click.Choice(LAYOUTS),
    default="channels_last",
    show_default=True,
    help="Where the channels stand in SHAPE.",
)
@click.option("--task", type=click.Choice(TASKS), help="Add the advice that belongs to a task.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a script.")
def arch(line: str, shape: str, layout: Layout, task: str | None, as_json: bool) -> None:
    """Trace the network LINE on an input: shapes, weights, FLOPs, memory, and advice.

    \b
    seedbed arch "F32@3x3 > R > P2 > flatten > FC10 > softmax" --input 28,28,1
    """
    click.echo(run_arch(line, shape, layout, task, as_json))
