"""Writes a dataset in another format: into a hidden folder beside the target, renamed when whole.

Formats are found through the registry (`seedbed.formats.format`), so a format is added
without a change here.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

from seedbed import registry
from seedbed.balance import count_labels
from seedbed.dataset import Dataset
from seedbed.errors import InputError, SeedbedError
from seedbed.formats.format import Format
from seedbed.schema import Row
from seedbed.store import LocalStore


@dataclass(frozen=True)
class Exported:
    """What an export wrote: samples by split, and how long it took.

    `warnings` are sentences about what the format's tools will miss.
    """

    folder: Path
    format: str
    splits: Mapping[str, int]
    seconds: float
    warnings: tuple[str, ...] = ()


class DatasetSource:
    """A dataset as `seedbed.formats.format.Source`; `on_row` is called after each row."""

    def __init__(self, dataset: Dataset, on_row: Callable[[], None]) -> None:
        self.dataset = dataset
        self.on_row = on_row

    @property
    def info(self) -> Mapping[str, Any]:
        """The dataset's manifest."""
        return self.dataset.info

    @property
    def splits(self) -> list[str]:
        """The dataset's splits."""
        return self.dataset.splits

    def rows(self, split: str) -> Iterator[Row]:
        """The rows of a split in order."""
        samples = self.dataset.samples(split)
        for position in range(len(samples)):
            yield samples.row(position)
            self.on_row()

    def labels(self) -> list[str]:
        """The distinct categories or labels of the whole dataset, sorted."""
        return sorted({name for split in self.splits for name in count_labels(self.dataset, split)})


def format_named(name: str) -> Format:
    """The format of that name. Raises `InputError` for an unknown or broken one."""
    cls = registry.resolve("formats", name)
    if not (isinstance(cls, type) and issubclass(cls, Format)):
        raise InputError(f"{name!r} is not a format: it must subclass seedbed's Format.")
    return cls()


def export_dataset(
    dataset: Dataset | str | Path,
    format_name: str,
    out: str | Path,
    *,
    on_progress: Callable[[int, int], None] = lambda done, samples: None,
) -> Exported:
    """Write a finished dataset into the new folder `out` in a format, media bytes as they are.

    `on_progress` gets the samples done and the samples in all. `out` appears when everything
    is in it; a failure or Ctrl-C leaves nothing. Raises `InputError` for a dataset, format or
    folder that cannot be used, and `SeedbedError` for a failure on the way.
    """
    began = time.monotonic()
    chosen = format_named(format_name)
    opened = dataset if isinstance(dataset, Dataset) else Dataset.open(dataset)
    folder = Path(out)
    _check(opened, chosen, format_name, folder)
    done, samples = 0, len(opened)

    def on_row() -> None:
        nonlocal done
        done += 1
        on_progress(done, samples)

    on_progress(0, samples)
    temporary = folder.with_name(f".{folder.name}.{token_hex(4)}.tmp")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary.mkdir()
    except OSError as error:
        raise SeedbedError(f"cannot write {folder}: {error}.") from error
    try:
        chosen.write(DatasetSource(opened, on_row), temporary)
        _check_new(folder)
        temporary.rename(folder)
    except OSError as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise SeedbedError(f"cannot write {folder}: {error.strerror or error}.") from error
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    splits = {split: len(opened.samples(split)) for split in opened.splits}
    warnings = chosen.warnings(opened.splits)
    return Exported(folder, format_name, splits, time.monotonic() - began, warnings)


def _check(dataset: Dataset, chosen: Format, format_name: str, folder: Path) -> None:
    if not dataset.finished:
        raise InputError(f"{dataset.store} is not finished: run its build again, then export it.")
    held = dataset.info["sample_type"]
    if held != chosen.sample_type:
        raise InputError(
            f"the format {format_name!r} holds {chosen.sample_type}s, and {dataset.store} holds "
            f"{held}s (formats for those: {', '.join(_formats_for(held)) or 'none'})."
        )
    if not folder.name:
        raise InputError(f"{folder} is no name of a new folder: give --out one.")
    store = dataset.store
    if isinstance(store, LocalStore) and folder.resolve().is_relative_to(store.folder.resolve()):
        raise InputError(f"{folder} is inside the dataset: give --out a folder elsewhere.")
    _check_new(folder)


def _check_new(folder: Path) -> None:
    if os.path.lexists(folder):
        raise InputError(f"{folder} is there already: give --out a new folder.")


def _formats_for(sample_type: str) -> list[str]:
    return [
        name for name in registry.names("formats") if format_named(name).sample_type == sample_type
    ]
