"""Runs the command line inside a test, as a shell would see it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from seedbed import cli

DOTS = """
name: dots
description: Squares on grey.
seed: 7
generator: {name: "seedbed_dots:Dots", trouble: TROUBLE}
splits: {train: 30, val: 10}
shard_size: 8
"""
"""A recipe; TROUBLE stands for what goes wrong in it."""


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """The exit code of a command, what it printed and what it complained about."""
    hook = sys.excepthook
    with pytest.raises(SystemExit) as ended:
        cli.main([str(argument) for argument in arguments])
    sys.excepthook = hook
    out, err = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return ended.value.code, out, err


def check_bad_input(
    capsys: pytest.CaptureFixture[str],
    folder: Path,
    arguments: Sequence[str],
    recipe: Path,
    sentence: str,
) -> None:
    """A command with RECIPE among its arguments is refused in a sentence, and makes nothing."""
    code, _, err = run(capsys, *(part.replace("RECIPE", str(recipe)) for part in arguments))
    assert (code, "Traceback" in err, "secret@" in err) == (2, False, False)
    assert sentence in err
    assert not (folder / "d").exists()
