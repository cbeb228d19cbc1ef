"""The commands `train`, `evaluate`, `predict` and `export-model`.

Nothing heavy is imported before one runs: torch alone takes seconds.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seedbed.cores import use_one_core
from seedbed.errors import InputError

if TYPE_CHECKING:
    from seedbed.trainers.evaluate import Evaluation

_FOLDER = click.Path(path_type=Path)

_DEVICE = click.option("--device", default="cpu", show_default=True, help="Such as cpu or cuda.")


def need_torch() -> None:
    """Raise `MissingExtra` where what training needs is not installed."""
    from importlib.util import find_spec

    from seedbed.errors import MissingExtra

    for package in ("torch", "lightning", "safetensors", "torchmetrics"):
        if find_spec(package) is None:
            raise MissingExtra(package, "train", "training")


def one_core_each(threads: int | None) -> None:
    """One core for OpenCV, and `threads` of them for torch where a number is given."""
    import torch

    use_one_core()
    if threads is not None:
        torch.set_num_threads(threads)


@click.command()
@click.argument("config")
@click.option("--run", required=True, type=_FOLDER, help="The run's own folder.")
@click.option(
    "--data", multiple=True, help="A dataset, labels (.jsonl) or a recipe; several are mixed."
)
@click.option("--steps", type=click.IntRange(1), help="Instead of the configuration's.")
@click.option("--seed", type=click.IntRange(0), help="Instead of the configuration's.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Any key, dotted.")
@click.option("--no-report", is_flag=True, help="Leave report.html out.")
def train(
    config: str,
    run: Path,
    data: tuple[str, ...],
    steps: int | None,
    seed: int | None,
    overrides: tuple[str, ...],
    no_report: bool,
) -> None:
    """Train as CONFIG says: a file, or the name of a configuration that comes with seedbed.

    Run the same command again to go on after an interruption.

    \b
    seedbed train locate --data datasets/plates --run runs/locate
    seedbed train read --data datasets/plates --run runs/read --set fit.batch=64
    """
    need_torch()
    from seedbed.trainers.config import load_config, parse_overrides
    from seedbed.trainers.fit import fit
    from seedbed.trainers.run_log import is_helper

    values = parse_overrides(overrides)
    if steps is not None:
        values["fit.steps"] = steps
    if seed is not None:
        values["seed"] = seed
    chosen = load_config(config, data, values)
    one_core_each(None)
    result = fit(chosen, run, say=_say, live=sys.stderr.isatty())
    if is_helper():
        return
    state = "already complete" if result.already_complete else f"{result.steps:,} steps"
    best = "not validated" if result.best is None else f"{result.best:.4g} at {result.best_step:,}"
    _say(f"{run}: {state}, best {best}")
    if not no_report:
        from seedbed.trainers.report import write_report

        evaluations = {}
        if result.best is not None:
            where, split = (chosen.validation or chosen.data)[0], chosen.validation_split
            evaluations[f"{where} {split}"] = _evaluated(run, where, split, chosen.fit.validate_on)
        _say(f"report: {write_report(run, evaluations)}")


def _evaluated(run: Path, where: str, split: str, limit: int | None) -> Evaluation:
    from seedbed.trainers.evaluate import evaluate as evaluate_run
    from seedbed.trainers.runs import load_trained
    from seedbed.trainers.sources import open_source

    return evaluate_run(load_trained(run), open_source(where, split, 0), where, limit)


@click.command()
@click.argument("data")
@click.option("--run", type=_FOLDER, help="Evaluate this run alone.")
@click.option("--locate", type=_FOLDER, help="With --read: evaluate both, one after the other.")
@click.option("--read", type=_FOLDER)
@click.option(
    "--split", default="test", show_default=True, help="Of the data; all is every row or file."
)
@click.option("--n", "count", type=click.IntRange(1), help="Samples at most.")
@click.option("--worst", type=_FOLDER, help="Write a sheet of the worst cases there.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a script.")
@_DEVICE
@click.option("--threads", type=click.IntRange(1), help="Of torch on the CPU.")
def evaluate(
    data: str,
    run: Path | None,
    locate: Path | None,
    read: Path | None,
    split: str,
    count: int | None,
    worst: Path | None,
    as_json: bool,
    device: str,
    threads: int | None,
) -> None:
    """Measure a run on DATA: a dataset, a recipe, or a .jsonl of labels beside its pictures.

    Prints each metric with its 95% bootstrap interval, and by slices.
    """
    need_torch()
    from seedbed.trainers.evaluate import evaluate as evaluate_run
    from seedbed.trainers.evaluate import evaluate_plates, worst_sheet, write_picture
    from seedbed.trainers.predict import PlateReader
    from seedbed.trainers.runs import load_trained
    from seedbed.trainers.sources import open_source

    one_core_each(threads)
    source = open_source(data, split, 0)
    if not len(source) and count is None:
        raise InputError(f"{data} is an endless stream: say with --n how many samples to take.")
    if run is not None and locate is None and read is None:
        trained = load_trained(run, device=device)
        found = evaluate_run(trained, source, data, count, progress_line("evaluate"))
    elif run is None and locate is not None and read is not None:
        reader = PlateReader(locate, read, device)
        found = evaluate_plates(reader, source, data, count, progress_line("evaluate"))
    else:
        raise InputError("give either --run, or both --locate and --read.")
    # First, so that nothing found is lost where the sheet cannot be written.
    if as_json:
        click.echo(json.dumps(found.values(), ensure_ascii=False))
    else:
        _show(found)
    if worst is not None:
        sheet = worst_sheet(found)
        if sheet is None:
            raise InputError(f"the task {found.task!r} has no pictures for --worst.")
        write_picture(sheet, worst)


@click.group()
def predict() -> None:
    """Use trained networks on files, one JSON row a file."""


@predict.command()
@click.option("--locate", required=True, type=_FOLDER, help="A run, or its .safetensors.")
@click.option("--read", required=True, type=_FOLDER, help="A run, or its .safetensors.")
@click.option("--images", required=True, type=_FOLDER, help="A folder of pictures.")
@click.option("--out", required=True, type=_FOLDER, help="The .jsonl to write.")
@click.option("--draw", type=_FOLDER, help="Write the pictures with the result drawn in there.")
@_DEVICE
@click.option("--threads", type=click.IntRange(1), help="Of torch on the CPU.")
def plates(
    locate: Path,
    read: Path,
    images: Path,
    out: Path,
    draw: Path | None,
    device: str,
    threads: int | None,
) -> None:
    """Find and read the licence plates of a folder of pictures.

    A row is {"image": name, "plates": [{"box", "quad", "text", "score"}]}, pixels of the
    picture, surest plate first.
    """
    need_torch()
    from seedbed.trainers.predict import PlateReader, predict_plates

    one_core_each(threads)
    reader = PlateReader(locate, read, device)
    count = predict_plates(reader, images, out, draw, progress_line("predict"))
    _say(f"{out}: {count:,} pictures")


@predict.command()
@click.option("--listen", type=_FOLDER, help="A run that hears keywords, or its .safetensors.")
@click.option("--transcribe", type=_FOLDER, help="A run that writes down what is said.")
@click.option("--audio", required=True, type=_FOLDER, help="A folder of sounds.")
@click.option("--out", required=True, type=_FOLDER, help="The .jsonl to write.")
@_DEVICE
@click.option("--threads", type=click.IntRange(1), help="Of torch on the CPU.")
def speech(
    listen: Path | None,
    transcribe: Path | None,
    audio: Path,
    out: Path,
    device: str,
    threads: int | None,
) -> None:
    """Hear keywords in a folder of sounds of any sample rate, or write down what is said.

    A row is {"audio": name, "label", "score"}, or {"audio": name, "text", "score"}.
    """
    need_torch()
    from seedbed.trainers.predict_speech import predict_speech, predict_transcripts

    one_core_each(threads)
    if listen is not None and transcribe is None:
        count = predict_speech(listen, audio, out, progress_line("predict"), device)
    elif transcribe is not None and listen is None:
        count = predict_transcripts(transcribe, audio, out, progress_line("predict"), device)
    else:
        raise InputError("give either --listen or --transcribe.")
    _say(f"{out}: {count:,} sounds")


@click.command("export-model")
@click.argument("run", type=_FOLDER)
@click.option("--out", required=True, type=_FOLDER, help="The .onnx to write.")
@click.option("--int8", is_flag=True, help="An int8 one beside it, with what it costs.")
@click.option(
    "--data", help="For --int8: what ranges and accuracy are measured on, instead of the run's own."
)
@click.option("--split", help="Of that data; by default the one the run is validated on.")
@click.option("--n", "count", type=click.IntRange(2), default=200, show_default=True)
def export_model(
    run: Path, out: Path, int8: bool, data: str | None, split: str | None, count: int
) -> None:
    """Export RUN's network as ONNX, checked against torch, its processing described beside it.

    With --int8 a quantised one as well, and the accuracy that it costs on held-out data: printed,
    and in a .json beside it.
    """
    need_torch()
    from seedbed.trainers.export import export_int8, export_onnx
    from seedbed.trainers.runs import load_trained
    from seedbed.trainers.sources import held_items, open_source

    one_core_each(1)
    trained = load_trained(run)
    exported = export_onnx(trained, out)
    _say(
        f"{out}: {exported.size_bytes / 1e6:.2f} MB, within {exported.difference:.1g} of torch, "
        f"{exported.milliseconds:.1f} ms an input (torch {exported.torch_milliseconds:.1f})"
    )
    if not int8:
        return
    where, split = _held_out(run, data, split)
    source = open_source(where, split, 0)
    items = list(held_items(trained.task, source, where, limit=count))
    small = out.with_suffix(".int8.onnx")
    found = export_int8(trained, out, small, items, source.described)
    _say(
        f"{small}: {found.exported.size_bytes / 1e6:.2f} MB, {found.exported.milliseconds:.1f} ms "
        f"an input, its cost on {found.measured_on} items of {where} {split} in "
        f"{small.with_suffix('.json').name}:"
    )
    for name, change in found.metrics.items():
        ends = change.interval_95
        interval = "" if ends is None else f" (95% {ends[0]:+.4g} to {ends[1]:+.4g})"
        _say(f"  {name} {change.float32:.4g} becomes {change.int8:.4g}{interval}")


def _held_out(run: Path, data: str | None, split: str | None) -> tuple[str, str]:
    """What a run is measured on: `data`, or what it was validated on; and the split."""
    from seedbed.trainers.config import load_config

    path = run / "config.yaml"
    config = load_config(str(path)) if path.is_file() else None
    if data is not None:
        return data, split or ("val" if config is None else config.validation_split)
    if config is None:
        raise InputError(f"{run} does not say what it was validated on: give --data.")
    return (config.validation or config.data)[0], split or config.validation_split


def _say(line: str) -> None:
    click.echo(line, err=True)


def progress_line(what: str) -> Callable[[int, int], None]:
    """What shows how far a thing is on a terminal, and nothing elsewhere."""
    live = sys.stderr.isatty()

    def show(done: int, count: int) -> None:
        if live:
            end = "\n" if done == count else ""
            click.echo(f"\r{what}: {done:,}/{count:,}{end}", err=True, nl=False)

    return show


def _show(found: Any) -> None:
    from rich.console import Console
    from rich.table import Table

    from seedbed.sample import NAMELESS

    console = Console(highlight=False)
    table = Table(box=None, title=f"{found.task}: {found.items:,} items", title_justify="left")
    for column in ("metric", "value", "95% interval"):
        table.add_column(column)
    for name, value in found.metrics.items():
        ends = found.intervals.get(name)
        table.add_row(name, f"{value:.4g}", f"{ends[0]:.4g} to {ends[1]:.4g}" if ends else "")
    console.print(table)
    if found.classes:
        table = Table(box=None, title="labels down, answers across", title_justify="left")
        met = found.classes_met()
        called = {number: found.classes[number] or NAMELESS for number in met}
        for column in ("", *called.values()):
            table.add_column(column, justify="right")
        for row in met:
            counts = [found.confusion[row][column] for column in met]
            table.add_row(called[row], *(f"{count:,}" if count else "" for count in counts))
        console.print(table)
    for key, groups in found.slices.items():
        names = sorted({name for values in groups.values() for name in values} - {"items"})
        table = Table(box=None, title=f"by {key}", title_justify="left")
        for column in (key, "items", *names):
            table.add_column(column)
        for group, values in groups.items():
            shown = [f"{values[name]:.4g}" if name in values else "" for name in names]
            table.add_row(group, f"{values['items']:.0f}", *shown)
        console.print(table)
