"""Fixtures for every test: a small third-party generator and recipes that use it."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PLUGINS = Path(__file__).parent / "plugins"

# Spawned workers inherit the parent's path, and so find the plug-in as well.
sys.path.insert(0, str(PLUGINS))

# A shell that starts the tests in its background lets them ignore Ctrl-C, and all that they start:
# what is tested is a Ctrl-C that arrives.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def dots_values() -> dict[str, Any]:
    """A recipe's values: 50 dots in two splits, 6 shards, an augmenter, JPEG and PNG."""
    return {
        "name": "dots",
        "seed": 7,
        "generator": {"name": "seedbed_dots:Dots", "trouble": "reject_some"},
        "augmenters": [{"name": "seedbed_dots:Dim", "probability": 0.5}],
        "splits": {"train": 40, "val": {"count": 10, "generator": {"shades": [200, 255]}}},
        "encoding": {"png_share": 0.2},
        "shard_size": 9,
    }


@pytest.fixture
def write_recipe(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a recipe's text to `dots.yaml` and gives its path."""

    def write(text: str) -> Path:
        path = tmp_path / "dots.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write
