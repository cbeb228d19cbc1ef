"""Where samples come from: a built dataset, a recipe's endless stream, a labelled folder.

A pool hands the loop one item at a position, the same one whatever worker asks: position p
of a run is what makes a resumed run meet the same examples as one that was never stopped.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from seedbed.augmenters.picture_warp import BendingAugmenter
from seedbed.dataset import Dataset
from seedbed.encode import decode_picture
from seedbed.errors import InputError
from seedbed.make import Maker
from seedbed.recipe import Recipe, kind_of, load_recipe
from seedbed.sample import Picture, Sample
from seedbed.streams import stream
from seedbed.trainers.class_folders import open_class_folders
from seedbed.trainers.exported_folders import format_of, open_exported_folder
from seedbed.trainers.labelled_files import LabelledFiles, lists
from seedbed.trainers.pictures import PictureLabels
from seedbed.trainers.sounds import SoundLabels
from seedbed.trainers.task import Task

I = TypeVar("I")  # noqa: E741 - an item

LABELS_NAME = "labels.jsonl"
"""The list of labels that a plain folder of files may hold."""

MAX_TRIES = 50
"""Samples of a stream that are asked for one item before the stream counts as without labels."""


class Source(Protocol):
    """Samples by index, and what a run's record says about them."""

    @property
    def sample_type(self) -> type[Sample]:
        """What its samples are."""

    @property
    def described(self) -> dict[str, Any]:
        """JSON-ready: what it is, its hash and its seed."""

    def __len__(self) -> int:
        """How many samples; 0 for an endless stream."""

    def sample(self, index: int) -> Sample:
        """The sample at an index."""

    def name(self, index: int) -> str:
        """The sample's name in messages and tables."""


@dataclass(frozen=True)
class DatasetSource:
    """One split of a built dataset."""

    dataset: Dataset
    split: str

    @property
    def sample_type(self) -> type[Sample]:
        """What the dataset holds."""
        return self.dataset.recipe().sample_type

    @property
    def described(self) -> dict[str, Any]:
        """The folder, the split, the dataset's hash and its recipe's."""
        recipe = self.dataset.recipe()
        return {
            "dataset": str(self.dataset.folder),
            "split": self.split,
            "hash": self.dataset.info.get("hash", "unfinished"),
            "recipe_hash": recipe.recipe_hash(),
            "seed": recipe.seed,
            "samples": len(self),
        }

    def __len__(self) -> int:
        return len(self.dataset.samples(self.split))

    def sample(self, index: int) -> Sample:
        """The sample at a position of the split."""
        return self.dataset.samples(self.split)[index]

    def name(self, index: int) -> str:
        """The split and the position."""
        return f"{self.split} {index}"


@dataclass(frozen=True)
class StreamSource:
    """Samples made when they are asked for, without end, augmenters and encoding included."""

    recipe: Recipe
    split: str

    @property
    def sample_type(self) -> type[Sample]:
        """What the recipe's generator makes."""
        return self.recipe.sample_type

    @cached_property
    def _maker(self) -> Maker:
        maker = Maker(self.recipe)
        maker.prepare()
        return maker

    def __getstate__(self) -> dict[str, Any]:
        # A worker prepares generators of its own.
        return {"recipe": self.recipe, "split": self.split}

    @property
    def described(self) -> dict[str, Any]:
        """The recipe's name, its hash and its seed."""
        return {
            "recipe": self.recipe.name,
            "split": self.split,
            "recipe_hash": self.recipe.recipe_hash(),
            "seed": self.recipe.seed,
        }

    def __len__(self) -> int:
        return 0

    def sample(self, index: int) -> Sample:
        """The recipe's sample at that index, whatever count it states.

        Pictures go through their encoding, so that a network meets the same compression.
        """
        made = self._maker.make(self.split, index)
        if isinstance(made, Picture):
            row = self._maker.encode(made, self.split, index)
            made = replace(made, image=decode_picture(row["image"]["bytes"]))
        return made

    def name(self, index: int) -> str:
        """The recipe, the split and the index."""
        return f"{self.recipe.name} {self.split} {index}"


def open_source(where: str, split: str, seed: int) -> Source:
    """A dataset's folder, a labelled folder, a `.jsonl` of labels, or a recipe (name or file).

    Labelled folders hold a `labels.jsonl`, or are in a format of `seedbed.formats`, or have a
    folder for each class. A row of labels belongs to its own `split`, or to one by a hash of its
    file's name; the split `all` is all rows. A recipe without a seed gets `seed`. Raises
    `InputError` for what is none of these.
    """
    path = Path(where)
    if (path / LABELS_NAME).is_file() and not (path / "recipe.yaml").is_file():
        path = path / LABELS_NAME
    if path.suffix == ".jsonl":
        kind: type[LabelledFiles] = SoundLabels if lists(path, SoundLabels.key) else PictureLabels
        return kind.read(path).of_split(split)
    if path.is_dir() and not (path / "recipe.yaml").is_file():
        format_name = format_of(path)
        if format_name is not None:
            return open_exported_folder(path, format_name, split)
        return open_class_folders(path, split)
    if path.is_dir():
        dataset = Dataset.open(path)
        dataset.samples(split)
        return DatasetSource(dataset, split)
    recipe = load_recipe(where)
    if split not in recipe.splits:
        known = ", ".join(recipe.splits)
        raise InputError(f"recipe {recipe.name} has no split {split!r} (it has: {known}).")
    return StreamSource(recipe if recipe.seed is not None else recipe.seeded(seed), split)


def check_kind(task: Task[Any, Any], source: Source, where: str) -> None:
    """Raise `InputError` where the task learns from another kind of sample."""
    if not issubclass(source.sample_type, task.sample_type):
        wanted, held = kind_of(task.sample_type), kind_of(source.sample_type)
        raise InputError(
            f"the task {task.name!r} needs {task.needs}, but {where} holds {held}s, not {wanted}s."
        )


def check_quads(task: Task[Any, Any], source: Source, where: str) -> None:
    """Raise `InputError` where the task learns from quads that an augmenter left inexact."""
    if not task.needs_quads or not isinstance(source, DatasetSource | StreamSource):
        return
    recipe = source.dataset.recipe() if isinstance(source, DatasetSource) else source.recipe
    for name, augmenter in recipe.augmenters_for(source.split):
        bends = isinstance(augmenter, BendingAugmenter) and augmenter.quads == "loose"
        if bends and augmenter.probability > 0:
            raise InputError(
                f"the task {task.name!r} learns from quads, but {name} in the recipe of {where} "
                f"bends them out of place: make it again with `quads: exact`."
            )


class Pool(ABC, Generic[I]):
    """Items by position. Positions run on for ever: each pass over the items is shuffled anew."""

    count: int
    """Items of one pass; 0 for an endless stream."""

    @abstractmethod
    def item(self, position: int) -> I:
        """The item at a position."""


class HeldPool(Pool[I]):
    """Items that are all in memory."""

    def __init__(self, items: Sequence[I], seed: int) -> None:
        self.items = list(items)
        self.count = len(self.items)
        self.seed = seed
        self._order: tuple[int, np.ndarray[Any, Any]] = (-1, np.zeros(0, dtype=np.int64))

    def item(self, position: int) -> I:
        """The item at a position: every item once in each pass."""
        number, place = divmod(position, self.count)
        if self._order[0] != number:
            self._order = (number, stream(self.seed, "order", number).permutation(self.count))
        return self.items[int(self._order[1][place])]


class AskedPool(Pool[I]):
    """Items that are taken from their samples each time: a stream's, or too many to hold."""

    def __init__(self, task: Task[Any, I], source: Source, seed: int, where: str) -> None:
        self.task = task
        self.source = source
        self.seed = seed
        self.where = where
        self.count = len(source)
        self._order = HeldPool(range(self.count), seed)

    def item(self, position: int) -> I:
        """One item of the sample at a position, or of a later one where it has none."""
        rng = stream(self.seed, "item", position)
        for attempt in range(MAX_TRIES):
            if self.count:
                index = int(rng.integers(self.count)) if attempt else self._order.item(position)
            else:
                index = position * MAX_TRIES + attempt
            items = self.task.items(self.source.sample(index), self.source.name(index))
            if items:
                return items[int(rng.integers(len(items)))]
        raise _without_labels(self.task, self.where)


def _without_labels(task: Task[Any, Any], where: str) -> InputError:
    return InputError(
        f"the task {task.name!r} needs {task.needs}, and {where} has none that can be used."
    )


def held_items(
    task: Task[Any, I],
    source: Source,
    where: str,
    limit: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Iterator[I]:
    """The items of a finite source, or of the first `limit` samples of any source."""
    check_kind(task, source, where)
    count = len(source) or (limit or 0)
    count = min(count, limit) if limit is not None else count
    for index in range(count):
        yield from task.items(source.sample(index), source.name(index))
        if on_progress is not None:
            on_progress(index + 1, count)


def make_pool(
    task: Task[Any, I],
    source: Source,
    seed: int,
    where: str,
    memory_mib: float,
    on_progress: Callable[[int, int], None] | None = None,
) -> Pool[I]:
    """All of a finite source's items in memory where they fit in `memory_mib`, else asked for.

    Raises `InputError` where there is nothing to learn from.
    """
    check_kind(task, source, where)
    if not len(source):
        return AskedPool(task, source, seed, where)
    items: list[I] = []
    held = 0
    for item in held_items(task, source, where, on_progress=on_progress):
        items.append(item)
        held += int(getattr(item, "size_bytes", 0))
        if held > memory_mib * 2**20:
            return AskedPool(task, source, seed, where)
    if not items:
        raise _without_labels(task, where)
    return HeldPool(items, seed)
