"""Where the facts that ship with seedbed lie: the `data/` folder, installed as `seedbed.data`."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path


@cache
def _root() -> Path:
    return Path(str(files("seedbed.data")))


def data_path(*parts: str) -> Path:
    """The path of a file or folder under `data/`, whether or not it exists."""
    return _root().joinpath(*parts)
