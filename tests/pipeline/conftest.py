"""The recipe that the tests of the command line build."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from seedbed_command import DOTS


@pytest.fixture
def recipe(write_recipe: Callable[[str], Path]) -> Path:
    """40 dots in six shards, without trouble."""
    return write_recipe(DOTS.replace("TROUBLE", "none"))
