"""The words written on shops, signs and stickers, from `data/scenes/words.toml`."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np

from seedbed.resources import data_path
from seedbed.streams import choose


@cache
def _words() -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    with data_path("scenes", "words.toml").open("rb") as file:
        read = tomllib.load(file)
    patterns = read.pop("patterns")
    return (
        {name: tuple(words) for name, words in read.items()},
        {name: tuple(words) for name, words in patterns.items()},
    )


def draw_word(rng: np.random.Generator, group: str) -> str:
    """One entry of a list in the file, such as `shops`."""
    return choose(rng, _words()[0][group])


def draw_date(rng: np.random.Generator) -> str:
    """A moment between 2005 and 2030 in one of the forms cameras print, the file's `dates`."""
    start = datetime(2005, 1, 1, tzinfo=UTC)
    moment = start + timedelta(seconds=int(rng.integers(0, 25 * 365 * 86_400)))
    return moment.strftime(draw_word(rng, "dates"))


def draw_pattern(rng: np.random.Generator, group: str) -> str:
    """One entry of a list under `patterns`, each 9 in it a random digit."""
    pattern = choose(rng, _words()[1][group])
    digits = iter(rng.integers(0, 10, pattern.count("9")).tolist())
    return "".join(str(next(digits)) if char == "9" else char for char in pattern)
