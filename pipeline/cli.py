"""The command line: `seedbed build`, `preview`, `replay`, `export`, `verify`, `merge`, …

Nothing heavy is imported before a command runs, so that help and completion are quick.
Exit codes: 0 done, 1 failed while working, 2 bad input, 130 interrupted, 141 nobody reads on.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, TextIO, cast

import click

from seedbed import __version__
from seedbed.errors import InputError, SeedbedError

INTERRUPTED = 130
"""128 + SIGINT, what shells give a program that Ctrl-C ended."""

NOBODY_READS = 141
"""128 + SIGPIPE, what shells give a program whose reader has left: `seedbed list | head`."""

EXECUTOR_NAMES = ("serial", "processes", "ray")
GROUP_NAMES = ("generators", "augmenters", "formats", "tasks", "recipes")

_debugging = False


def _set_debugging(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    global _debugging
    _debugging = _debugging or value


def _debug_option() -> click.Option:
    return click.Option(
        ["--debug"],
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=_set_debugging,
        help="Show the traceback of a failure.",
    )


class _Command(click.Command):
    """A command that knows `--debug`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.append(_debug_option())


_ELSEWHERE = {
    "arch": (
        "seedbed.trainers.conv.command:arch",
        "Trace a network described in one line, layer by layer.",
    ),
    "evaluate": (
        "seedbed.trainers.commands:evaluate",
        "Measure a run on DATA: a dataset, a recipe, or labels.",
    ),
    "export-model": (
        "seedbed.trainers.commands:export_model",
        "Export RUN's network as ONNX, checked against torch.",
    ),
    "predict": (
        "seedbed.trainers.commands:predict",
        "Use trained networks on files, one JSON row a file.",
    ),
    "prove": (
        "seedbed.trainers.prove_command:prove_command",
        "Build, train and score as a campaign says.",
    ),
    "train": (
        "seedbed.trainers.commands:train",
        "Train as CONFIG says: a file, or the name of a configuration.",
    ),
    "voices": (
        "seedbed.voices_command:voices_command",
        "List the voices usable on this machine.",
    ),
}
"""Commands that live with what they serve, and their help: imported once they are run."""


class _Group(click.Group):
    """The top: `--debug` may stand before the command, too; some commands live elsewhere."""

    command_class = _Command

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.append(_debug_option())

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands, sorted."""
        return sorted({*super().list_commands(ctx), *_ELSEWHERE})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command by name. Those of `_ELSEWHERE` are stand-ins until they are called."""
        if cmd_name not in _ELSEWHERE:
            return super().get_command(ctx, cmd_name)
        return _Elsewhere(cmd_name, *_ELSEWHERE[cmd_name])


class _Elsewhere(click.Command):
    """Stands in for a command of another module, which it imports when it is run or asked."""

    def __init__(self, name: str, where: str, short_help: str) -> None:
        super().__init__(name, short_help=short_help)
        self._where = where

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """The other command's context: its own options, its own help."""
        module, _, attribute = self._where.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        if not any("--debug" in parameter.opts for parameter in command.params):
            command.params.append(_debug_option())
        return command.make_context(*args, **kwargs)


@click.group(
    cls=_Group,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="seedbed")
def app() -> None:
    """Grow labelled training data from seeds.

    A recipe (a YAML file) says which generator draws how many samples; `seedbed build` makes
    the dataset, the same one for the same seed.

    Exit codes: 0 done, 1 failed while working, 2 bad input, 130 interrupted.

    \b
    Shell completion:
      bash  eval "$(_SEEDBED_COMPLETE=bash_source seedbed)"      in ~/.bashrc
      zsh   eval "$(_SEEDBED_COMPLETE=zsh_source seedbed)"       in ~/.zshrc
      fish  _SEEDBED_COMPLETE=fish_source seedbed | source       in config.fish
    """


def _complete_recipes(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[Any]:
    from click.shell_completion import CompletionItem

    from seedbed.resources import data_path

    names = sorted(path.stem for path in data_path("recipes").glob("*.yaml"))
    found = [CompletionItem(name) for name in names if name.startswith(incomplete)]
    return [*found, CompletionItem(incomplete, type="file")]


def _part(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> tuple[int, int] | None:
    """`3/8` as (3, 8)."""
    if value is None:
        return None
    number, _, of = value.partition("/")
    if not (number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of)):
        raise click.BadParameter(f"give it as K/N with 1 <= K <= N, such as 3/8, not {value!r}.")
    return int(number), int(of)


def _share(context: click.Context, parameter: click.Parameter, value: str) -> float:
    """`1%` or `0.01` as 0.01."""
    try:
        share = float(value.removesuffix("%")) / (100 if value.endswith("%") else 1)
    except ValueError:
        share = 0.0
    if not 0 < share <= 1:
        raise click.BadParameter(f"give a share above 0 up to 100%, such as 1%, not {value!r}.")
    return share


_SEED = click.option("--seed", type=int, help="Instead of the recipe's seed.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for a script.")


@app.command()
@click.argument("recipe", shell_complete=_complete_recipes)
@click.option(
    "--out", required=True, type=click.Path(), help="The dataset's own folder, or s3://bucket/name."
)
@click.option(
    "--n", "count", type=click.IntRange(1), help="Samples in all: every split in proportion."
)
@_SEED
@click.option("--workers", type=click.IntRange(1), help="Processes; by default one a core.")
@click.option(
    "--executor",
    metavar="NAME",
    help=f"Where shards are made: {', '.join(EXECUTOR_NAMES)}.",
)
@click.option(
    "--start-method",
    type=click.Choice(["spawn", "fork", "forkserver"]),
    default="spawn",
    show_default=True,
    help="How worker processes start.",
)
@click.option("--extend", is_flag=True, help="Add samples to a dataset that has fewer.")
@click.option(
    "--shard",
    "part",
    metavar="K/N",
    callback=_part,
    help="Make every N-th shard from the K-th on: one job of an array. Then `seedbed merge`.",
)
@click.option(
    "--sample-timeout",
    type=click.FloatRange(0, min_open=True),
    help="Seconds a worker may be at one sample; by default 600.",
)
@click.option(
    "--worker-memory",
    type=click.IntRange(1),
    metavar="MIB",
    help="How large a worker may grow; by default its share of 90% of the memory.",
)
@click.option("--ray-address", help="A running Ray cluster; without it --executor ray starts one.")
@_JSON
def build(
    recipe: str,
    out: str,
    count: int | None,
    seed: int | None,
    workers: int | None,
    executor: str | None,
    start_method: str,
    extend: bool,
    part: tuple[int, int] | None,
    sample_timeout: float | None,
    worker_memory: int | None,
    ray_address: str | None,
    as_json: bool,
) -> None:
    """Build RECIPE, a path or the name of one that comes with seedbed, into a dataset.

    Run the same command again to go on after an interruption: finished shards are kept.
    Relative folders inside a recipe are relative to where seedbed is run.

    What is counted on the way, such as illegible:small, dropped:no_room or redrawn:speech_clipped,
    is explained in docs/counts.md; it is no error.
    """
    from rich.console import Console

    from seedbed.builder import Progress
    from seedbed.builder import build as build_dataset
    from seedbed.display import show_built, showing_progress
    from seedbed.executors import Limits
    from seedbed.plan import Part

    chosen = _recipe(recipe, count, seed)
    console = Console(stderr=True)
    try:
        with showing_progress(console, chosen.name) as show:
            told = 0

            def tell(progress: Progress) -> None:
                nonlocal told
                if progress.redone > told:
                    told = progress.redone
                    text = f"{chosen.name}: {progress.last_loss}: its shard is made again"
                    console.print(text, soft_wrap=True, highlight=False, markup=False)
                else:
                    show(progress)

            built = build_dataset(
                chosen,
                out,
                workers=workers,
                executor=executor,
                start_method=start_method,
                limits=Limits(sample_timeout, worker_memory),
                ray_address=ray_address,
                extend=extend,
                part=None if part is None else Part(*part),
                on_progress=tell,
            )
    except KeyboardInterrupt:
        raise _Interrupted(
            f"interrupted; finished shards are kept in {out}: run the same command again to go on."
        ) from None
    if as_json:
        click.echo(json.dumps({"path": out, "seconds": built.seconds, **built.info}))
    elif part is not None:
        done = built.progress
        click.echo(
            f"part {part[0]}/{part[1]}: {done.shards} shards, {done.samples:,} samples "
            f"({done.resumed_shards} shards were there already); when every part is done run "
            f"`seedbed merge {out}`"
        )
    else:
        show_built(Console(highlight=False), built)


@app.command()
@click.argument("source", required=False, shell_complete=_complete_recipes)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("sheet.png"),
    show_default=True,
    help="Where the PNG goes; one that is there is replaced.",
)
@click.option(
    "--n", "count", type=click.IntRange(1), default=24, show_default=True, help="Samples to draw."
)
@_SEED
@click.option("--layouts", is_flag=True, help="Every layout the generator knows, instead.")
@click.option("--augmenters", is_flag=True, help="One sample through every augmenter, instead.")
@click.option("--generator", default="plate-scene", show_default=True, help="For --layouts.")
def preview(
    source: str | None,
    out: Path,
    count: int,
    seed: int | None,
    layouts: bool,
    augmenters: bool,
    generator: str,
) -> None:
    """Draw samples of SOURCE, a recipe or a dataset, with their labels, on one sheet.

    Characters that are too small on the sheet to be read inside an outline have none drawn.
    """
    from seedbed.dataset import Dataset
    from seedbed.preview import dataset_samples, preview_samples, write_picture, write_sheet

    if layouts:
        from seedbed.recipe import make_generator

        made = (
            _recipe(source, None, seed).default_generator() if source else make_generator(generator)
        )
        written = write_picture(made.layout_sheet(), out)
    elif source is None:
        raise InputError("name a recipe or a dataset to preview, or ask for --layouts.")
    elif augmenters and (Path(source).is_dir() or "://" in source):
        raise InputError(
            f"--augmenters shows what a recipe's augmenters do, and {source} is a dataset: "
            "name the recipe."
        )
    elif Path(source).is_dir() or "://" in source:
        samples, captions = dataset_samples(Dataset.open(source), count)
        written = write_sheet(samples, captions, out)
    else:
        recipe = _recipe(source, None, seed)
        if recipe.seed is None:
            recipe = recipe.seeded(0)
        if augmenters and recipe.kind == "clip":
            from seedbed.preview_sound_augmenters import write_sound_augmenter_sheet

            written = write_sound_augmenter_sheet(recipe, out)
        elif augmenters:
            from seedbed.preview_augmenters import recipe_augmenter_sheet

            written = write_picture(recipe_augmenter_sheet(recipe), out)
        else:
            samples, captions = preview_samples(recipe, count)
            written = write_sheet(samples, captions, out)
    for path in written:
        click.echo(path)


@app.command()
@click.argument("dataset", type=click.Path())
@click.argument("index", type=click.IntRange(0))
@click.option("--split", help="By default the recipe's first.")
@click.option("--out", type=click.Path(path_type=Path), help="Write the media bytes there.")
@_JSON
def replay(dataset: str, index: int, split: str | None, out: Path | None, as_json: bool) -> None:
    """Render sample INDEX of DATASET again and check that it equals the stored one."""
    from seedbed.dataset import Dataset
    from seedbed.replay import replay as replay_sample

    opened = Dataset.open(dataset)
    split = split or next(iter(opened.recipe().splits))
    again = replay_sample(opened, split, index)
    if out is not None:
        try:
            out.write_bytes(again.media)
        except OSError as error:
            raise InputError(f"cannot write {out}: {error.strerror or error}.") from error
    if as_json:
        click.echo(
            json.dumps(
                {
                    "split": split,
                    "index": index,
                    "equal": again.equal,
                    "differs": again.differs,
                    "params": again.sample.params,
                }
            )
        )
    if not again.equal:
        raise SeedbedError(
            f"sample {index} of split {split!r} in {dataset} is not what its parameters render "
            f"here: {', '.join(again.differs)} differ (other package versions?)."
        )
    if not as_json:
        click.echo(f"sample {index} of split {split!r}: same bytes, same labels")


@app.command()
@click.argument("dataset", type=click.Path())
@click.option("--format", "format_name", required=True, metavar="NAME", help="See `list formats`.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="A new folder.")
@_JSON
def export(dataset: str, format_name: str, out: Path, as_json: bool) -> None:
    """Write DATASET in another format: media bytes as they are, splits kept."""
    from rich.console import Console
    from rich.progress import Progress

    from seedbed.export import export_dataset

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(format_name)
        exported = export_dataset(
            dataset,
            format_name,
            out,
            on_progress=lambda done, samples: bar.update(task, completed=done, total=samples),
        )
    if as_json:
        click.echo(
            json.dumps(
                {
                    "path": str(exported.folder),
                    "format": exported.format,
                    "splits": exported.splits,
                    "seconds": exported.seconds,
                    "warnings": exported.warnings,
                }
            )
        )
    else:
        listed = ", ".join(f"{split} {count:,}" for split, count in exported.splits.items())
        click.echo(f"{exported.folder}: {exported.format}, {listed}")
        for warning in exported.warnings:
            click.echo(f"seedbed: warning: {warning}", err=True)


@app.command("list")
@click.argument("group", required=False, type=click.Choice(GROUP_NAMES))
@_JSON
def list_components(group: str | None, as_json: bool) -> None:
    """List components and recipes, each with the sentence that says what it is."""
    from seedbed.listing import list_group

    found = {name: list_group(name) for name in ([group] if group else GROUP_NAMES)}
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    for name, entries in found.items():
        if not entries and group is None:
            continue
        table = Table(title=name, title_justify="left", show_header=False, box=None)
        for entry in entries:
            table.add_row(Text(entry["name"], style="bold"), Text(entry["says"]))
        console.print(table if entries else f"no {name} are installed")


@app.command()
def schema() -> None:
    """Print the JSON Schema of a recipe, which lets an editor complete and check keys."""
    from seedbed.recipe_schema import recipe_schema

    click.echo(json.dumps(recipe_schema(), indent=2))


@app.command()
@click.argument("parts", nargs=-1, required=True, type=click.Path())
@click.option("--out", type=click.Path(), help="Where the whole goes; by default the one place.")
@_JSON
def merge(parts: tuple[str, ...], out: str | None, as_json: bool) -> None:
    """Join what `build --shard K/N` made in PARTS into one dataset, by manifest only.

    Parts built into one folder or store are joined where they are. Parts in folders of their
    own are linked, or copied to another disk, into --out first.
    """
    from seedbed.merge import merge as merge_parts

    values = merge_parts(parts, out)
    place = out or parts[0]
    if as_json:
        click.echo(json.dumps({"path": place, **values}))
    else:
        click.echo(f"{place}: {values['samples']:,} samples in {values['shards']:,} shards")
        click.echo(f"hash {values['hash']}")


@app.command()
@click.argument("dataset", type=click.Path())
@click.option(
    "--sample",
    "share",
    default="100%",
    show_default=True,
    callback=_share,
    help="The share of samples to decode; checksums cover every byte anyway.",
)
@click.option("--repair", is_flag=True, help="Make damaged shards again, hash for hash.")
@click.option("--workers", type=click.IntRange(1), help="By default one a core.")
@_JSON
def verify(dataset: str, share: float, repair: bool, workers: int | None, as_json: bool) -> None:
    """Check every byte and label of DATASET against its manifest."""
    from rich.console import Console
    from rich.progress import Progress

    from seedbed.verify import verify as verify_dataset

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("verify")
        found = verify_dataset(
            dataset,
            share=share,
            repair=repair,
            workers=workers,
            on_progress=lambda done, of: bar.update(task, completed=done, total=of),
        )
    if as_json:
        values = {
            "path": dataset,
            "good": found.good,
            "shards": found.shards,
            "samples": found.samples,
            "problems": [problem.text for problem in found.problems],
            "repaired": found.repaired,
        }
        click.echo(json.dumps(values, indent=2))
    else:
        for name in found.repaired:
            click.echo(f"shard {name} was made again: its sha256 is what was recorded")
        for problem in found.problems:
            click.echo(problem.text)
    if not found.good:
        count = len(found.problems) + found.untold
        cure = "" if repair else "; --repair makes damaged shards again"
        raise SeedbedError(f"{dataset} has {count} problem{'s' if count != 1 else ''}{cure}.")
    if not as_json:
        click.echo(f"good: {found.shards:,} shards, {found.samples:,} samples decoded")


@app.command()
@click.argument("dataset", type=click.Path())
@_JSON
def info(dataset: str, as_json: bool) -> None:
    """Say what DATASET holds, how its labels are balanced, and how it was made."""
    from seedbed.balance import label_balance
    from seedbed.dataset import Dataset

    opened = Dataset.open(dataset)
    recipe = opened.recipe()
    values = opened.info or {
        "name": recipe.name,
        "generator": recipe.generator.name,
        "seed": recipe.seed,
        "splits": {split: len(opened.samples(split)) for split in opened.splits},
        "samples": len(opened),
    }
    values = {"path": dataset, "finished": opened.finished, **values}
    labels = label_balance(opened)
    if as_json:
        values["labels"] = labels.counts
        if labels.counts is None:
            values["labels_not_counted"] = labels.reason
        click.echo(json.dumps(values, indent=2))
        return
    from rich.console import Console

    from seedbed.display import show_table

    rows = []
    for key, value in values.items():
        if isinstance(value, dict):
            value = ", ".join(f"{name} {inner}" for name, inner in value.items())
        elif isinstance(value, list):
            value = " ".join(value)
        rows.append((key, str(value)))
    rows += labels.rows()
    show_table(Console(highlight=False), rows)


def _recipe(source: str, count: int | None, seed: int | None) -> Any:
    from seedbed.recipe import load_recipe
    from seedbed.streams import MAX_SEED

    recipe = load_recipe(source)
    if count is not None:
        recipe = recipe.scaled(count)
    if seed is not None:
        if not 0 <= seed <= MAX_SEED:
            raise InputError(f"--seed must be between 0 and {MAX_SEED}, got {seed}.")
        recipe = recipe.seeded(seed)
    return recipe


class _Interrupted(click.ClickException):
    """Ctrl-C, with what to do about it."""

    exit_code = INTERRUPTED


class _Output:
    """Standard output that ends the command, quietly, once whoever read it has left.

    The signal itself would also end a build whose worker has died, and click and rich would
    each make a failure of it.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """As a file's. Raises `SystemExit` where nobody reads."""
        try:
            return self._stream.write(text)
        except BrokenPipeError:
            return self._leave()

    def flush(self) -> None:
        """As a file's. Raises `SystemExit` where nobody reads."""
        try:
            self._stream.flush()
        except BrokenPipeError:
            self._leave()

    def _leave(self) -> NoReturn:
        # What is still in the buffer has to go somewhere when the interpreter ends.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)
        raise SystemExit(NOBODY_READS)


def _say_in_a_sentence(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """`sys.excepthook` without a traceback: what escapes to here is a bug in seedbed."""
    sys.stderr.write(
        f"seedbed: failed unexpectedly: {kind.__name__}: {error}\n"
        f"seedbed: this is a bug; run it again with --debug to see where.\n"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    # albumentations asks the network for its newest version at import otherwise.
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
    global _debugging
    _debugging = False
    code = 0
    sys.excepthook = _say_in_a_sentence
    stdout = sys.stdout
    sys.stdout = cast(TextIO, _Output(stdout))
    try:
        code = app.main(args=arguments, prog_name="seedbed", standalone_mode=False) or 0
        sys.stdout.flush()
    except click.UsageError as error:
        error.show()
        code = InputError.exit_code
    except click.ClickException as error:
        sys.stderr.write(f"seedbed: {error.format_message()}\n")
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        sys.stderr.write("seedbed: interrupted\n")
        code = INTERRUPTED
    except SeedbedError as error:
        if _debugging:
            traceback.print_exception(error)
        else:
            for line in str(error).splitlines():
                sys.stderr.write(f"seedbed: {line}\n")
        code = error.exit_code
    finally:
        sys.stdout = stdout
        if _debugging:
            sys.excepthook = sys.__excepthook__
    sys.exit(code)


if __name__ == "__main__":
    main()
