"""Which folder may import which: the rules that keep components apart from the pipeline."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("pipeline", "generators", "augmenters", "trainers", "data")

MAY_IMPORT = {
    # Components only by name, through the registry.
    "pipeline": {"pipeline"},
    "generators": {"pipeline", "generators"},
    "augmenters": {"pipeline", "augmenters"},
    "trainers": {"pipeline", "trainers"},
    # Facts, no code.
    "data": set[str](),
}
EXCEPTIONS = {
    # What is read from disk is warped as an augmenter warps it: one warp, one set of labels.
    ("trainers/sources.py", "seedbed.augmenters.picture_warp"),
}
ONLY_IN_TRAINERS = {"torch", "lightning", "torchmetrics", "torchvision", "timm", "safetensors"}


def imported(module: Path) -> Iterator[str]:
    """Every module that one imports, at its top or inside a function."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module, f"{module}: imports are absolute"
            yield node.module
            # `from seedbed import trainers` imports the folder as well.
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def home(name: str) -> str:
    """The folder that `seedbed.…` lives in."""
    first = (*name.split("."), "")[1]
    return first if first in FOLDERS else "pipeline"


@pytest.mark.parametrize("folder", FOLDERS)
def test_each_folder_imports_what_it_may(folder: str) -> None:
    wrong = set()
    for module in (ROOT / folder).rglob("*.py"):
        place = module.relative_to(ROOT).as_posix()
        for name in imported(module):
            if name.partition(".")[0] == "seedbed" and home(name) not in MAY_IMPORT[folder]:
                wrong.add((place, name))
            if name.partition(".")[0] in ONLY_IN_TRAINERS and folder != "trainers":
                wrong.add((place, name))
            # A second copy of every class.
            if name.partition(".")[0] in FOLDERS:
                wrong.add((place, name))
    allowed = {(place, name) for place, name in wrong if any(
        place == at and name.startswith(what) for at, what in EXCEPTIONS)}  # fmt: skip
    assert wrong - allowed == set()


def test_the_command_line_imports_no_component_until_a_command_runs() -> None:
    code = (
        "import sys; import seedbed.cli; "
        "print([m for m in sys.modules if m.startswith(('seedbed.trainers', 'seedbed.generators', "
        "'seedbed.augmenters'))])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_every_command_that_lives_elsewhere_is_there() -> None:
    import click

    from seedbed.cli import _ELSEWHERE, app

    context = click.Context(app)
    for name in _ELSEWHERE:
        stand_in = app.get_command(context, name)
        assert stand_in is not None
        found = stand_in.make_context(name, ["--help"], resilient_parsing=True)
        assert found.command.name == name
        assert sum("--debug" in option.opts for option in found.command.params) == 1
