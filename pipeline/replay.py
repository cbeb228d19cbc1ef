"""Replay: renders a stored sample again from its parameters and compares it byte for byte."""

from __future__ import annotations

import json
from dataclasses import dataclass

from seedbed.dataset import Dataset
from seedbed.errors import InputError
from seedbed.make import Maker
from seedbed.sample import Sample
from seedbed.schema import MEDIA_COLUMNS

REDRAWN = "redrawn:"
"""Counts that start so tell of draws before the stored one, which a replay does not repeat."""


@dataclass(frozen=True)
class Replay:
    """A sample rendered again, and the columns in which it is not what is stored."""

    sample: Sample
    media: bytes
    suffix: str
    differs: tuple[str, ...]

    @property
    def equal(self) -> bool:
        """Whether media bytes and every label are what is stored."""
        return not self.differs


def replay(dataset: Dataset, split: str, index: int) -> Replay:
    """Render sample `index` of a split again and compare it with the stored one.

    Raises `InputError` for a sample that is not there.
    """
    recipe = dataset.recipe()
    if split not in recipe.splits:
        raise InputError(
            f"{dataset.store} has no split {split!r} (it has: {', '.join(recipe.splits)})."
        )
    stored = dataset.samples(split).row_of_index(index)
    maker = Maker(recipe)
    maker.prepare()
    sample = maker.replay(split, json.loads(stored["params"]))
    again = maker.encode(sample, split, index)
    for row in (stored, again):
        counts = json.loads(row["counts"])
        row["counts"] = {key: n for key, n in counts.items() if not key.startswith(REDRAWN)}
    differs = tuple(column for column in stored if stored[column] != again[column])
    media = next(again[column] for column in MEDIA_COLUMNS.values() if column in again)
    return Replay(sample, media["bytes"], media["path"].rpartition(".")[2], differs)
