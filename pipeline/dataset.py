"""Reads a dataset: committed shards only, one sample at a time, nothing loaded beforehand.

`Dataset.open(folder).samples("train")` is a sequence of samples that
`torch.utils.data.DataLoader` takes as it is (with `batch_size=None`), and that pickles and
forks safely: files are opened where they are read.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, overload

import pyarrow as pa
import pyarrow.parquet as pq

from seedbed.errors import InputError, SeedbedError
from seedbed.plan import Shard
from seedbed.recipe import Recipe, parse_recipe
from seedbed.sample import Sample
from seedbed.schema import Row, sample_of
from seedbed.shards import committed_marks, shard_path
from seedbed.yaml_files import read_yaml

FORMAT_VERSION = 1
"""Of the folder's layout and columns; readers refuse a higher one."""


class Samples(Sequence[Sample]):
    """The samples of one split, read when asked for.

    The row group read last is kept, so that reading in order touches each byte once.
    """

    def __init__(self, folder: Path, split: str, shards: Sequence[Shard]) -> None:
        self.folder = folder
        self.split = split
        self.shards = tuple(shards)
        self._ends: list[int] = []
        for shard in shards:
            self._ends.append((self._ends[-1] if self._ends else 0) + len(shard))
        self._file: tuple[str, pq.ParquetFile] | None = None
        self._group: tuple[str, int, pa.Table] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_file": None, "_group": None}

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, position: int) -> Sample: ...
    @overload
    def __getitem__(self, position: slice) -> list[Sample]: ...
    def __getitem__(self, position: int | slice) -> Sample | list[Sample]:
        """The sample at a position, a slice as a list. Raises `IndexError`, `SeedbedError`."""
        if isinstance(position, slice):
            return [self[i] for i in range(*position.indices(len(self)))]
        return sample_of(self.row(position))

    def __iter__(self) -> Iterator[Sample]:
        for position in range(len(self)):
            yield self[position]

    def row(self, position: int) -> Row:
        """The row at a position, media still encoded. Raises as `__getitem__`."""
        length = len(self)
        position = position + length if position < 0 else position
        if not 0 <= position < length:
            raise IndexError(f"split {self.split!r} has {length} samples, not {position}")
        number = bisect_right(self._ends, position)
        shard = self.shards[number]
        return self._row(shard, position - self._ends[number] + len(shard))

    def row_of_index(self, index: int) -> Row:
        """The row of the sample with that index. Raises `InputError` where it is not there."""
        for shard in self.shards:
            if shard.start <= index < shard.stop:
                return self._row(shard, index - shard.start)
        raise InputError(
            f"{self.folder} has no sample {index} in split {self.split!r} "
            f"(it has {len(self)} samples there)."
        )

    def _row(self, shard: Shard, offset: int) -> Row:
        try:
            file = self._open(shard.name)
            group = 0
            while offset >= (rows := file.metadata.row_group(group).num_rows):
                offset -= rows
                group += 1
            if self._group is None or self._group[:2] != (shard.name, group):
                table = file.read_row_group(group, use_threads=False)
                self._group = (shard.name, group, table)
            row: Row = self._group[2].slice(offset, 1).to_pylist()[0]
        except (OSError, pa.ArrowException, IndexError) as error:
            path = shard_path(self.folder, shard.name)
            reason = " ".join(str(error).split()) or type(error).__name__
            raise SeedbedError(f"shard {path} cannot be read: {reason}") from error
        return row

    def _open(self, name: str) -> pq.ParquetFile:
        if self._file is None or self._file[0] != name:
            path = shard_path(self.folder, name)
            self._file = (name, pq.ParquetFile(path, memory_map=True))
        return self._file[1]


class Dataset:
    """A built dataset's folder: its manifest, its recipe and its samples by split.

    One that was not finished opens too, with the shards committed so far.
    """

    def __init__(self, folder: Path, info: dict[str, Any], shards: dict[str, list[Shard]]) -> None:
        self.folder = folder
        self.info = info
        self._shards = shards
        self._samples: dict[str, Samples] = {}

    @classmethod
    def open(cls, folder: str | Path) -> Dataset:
        """Open a dataset's folder. Raises `InputError` where it is none."""
        folder = Path(folder)
        if not folder.is_dir():
            raise InputError(f"{folder} is no dataset: there is no such folder.")
        if not (folder / "recipe.yaml").is_file():
            raise InputError(f"{folder} is no dataset: it has no recipe.yaml.")
        manifest = folder / "dataset.json"
        info: dict[str, Any] = {}
        if manifest.is_file():
            try:
                info = json.loads(manifest.read_text(encoding="utf-8"))
                version = info["format_version"]
            except (ValueError, KeyError, TypeError) as error:
                raise InputError(f"{manifest} is damaged: run its build again.") from error
            if version > FORMAT_VERSION:
                raise InputError(f"{folder} was built by a newer seedbed: upgrade to read it.")
        return cls(folder, info, _listed(folder) if info else _found(folder))

    @property
    def finished(self) -> bool:
        """Whether every shard was committed and the manifest written."""
        return bool(self.info)

    @property
    def splits(self) -> list[str]:
        """The splits that have samples, in the recipe's order."""
        return list(self._shards)

    def recipe(self) -> Recipe:
        """The recipe the dataset was built from, its seed included. Raises `InputError`."""
        path = self.folder / "recipe.yaml"
        return parse_recipe(read_yaml(path, f"recipe {path}"), f"recipe {path}")

    def samples(self, split: str) -> Samples:
        """The samples of a split. Raises `InputError` for one that is not there."""
        if split not in self._shards:
            known = ", ".join(self._shards) or "none"
            raise InputError(f"{self.folder} has no split {split!r} (it has: {known}).")
        if split not in self._samples:
            self._samples[split] = Samples(self.folder, split, self._shards[split])
        return self._samples[split]

    def __len__(self) -> int:
        return sum(len(shard) for shards in self._shards.values() for shard in shards)

    def __getitem__(self, position: int) -> Sample:
        """The sample at a position counted through all splits. Raises `IndexError`."""
        left = position if position >= 0 else position + len(self)
        for split in self._shards:
            samples = self.samples(split)
            if 0 <= left < len(samples):
                return samples[left]
            left -= len(samples)
        raise IndexError(f"{self.folder} has {len(self)} samples, not {position}")

    def __iter__(self) -> Iterator[Sample]:
        for split in self._shards:
            yield from self.samples(split)


def _listed(folder: Path) -> dict[str, list[Shard]]:
    """The shards that a finished dataset's manifest lists."""
    path = folder / "shards.parquet"
    try:
        columns = pq.read_table(path, columns=["split", "number", "start", "count"]).to_pydict()
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path} cannot be read: run the dataset's build again.") from error
    return _by_split(
        Shard(split, number, start, start + count)
        for split, number, start, count in zip(*columns.values(), strict=True)
    )


def _found(folder: Path) -> dict[str, list[Shard]]:
    """The shards committed so far in a dataset that is not finished."""
    marks = committed_marks(folder)
    return _by_split(
        Shard(mark.split, mark.number, mark.start, mark.start + mark.count) for mark in marks
    )


def _by_split(shards: Iterator[Shard]) -> dict[str, list[Shard]]:
    found: dict[str, list[Shard]] = {}
    for shard in shards:
        found.setdefault(shard.split, []).append(shard)
    return found
