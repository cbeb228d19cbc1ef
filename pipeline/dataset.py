"""Reads a dataset: committed shards only, one sample at a time, nothing loaded beforehand.

`Dataset.open(folder).samples("train")` is a sequence of samples that
`torch.utils.data.DataLoader` takes as it is (with `batch_size=None`), and that pickles and
forks safely: files are opened where they are read. A dataset may lie in a folder or in
anything `seedbed.store` reaches.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from seedbed.errors import InputError, SeedbedError
from seedbed.plan import Shard
from seedbed.recipe import Recipe, parse_recipe
from seedbed.sample import Sample
from seedbed.schema import Row, sample_of
from seedbed.shards import committed_marks, marked_names, shard_name
from seedbed.store import LocalStore, Store, as_store
from seedbed.yaml_files import parse_yaml

FORMAT_VERSION = 1
"""Of the folder's layout and columns; readers refuse a higher one."""

INFO_NAME = "dataset.json"
SHARDS_NAME = "shards.parquet"


class Shards(Sequence[Shard]):
    """The shards of one split in the order of their samples, 24 bytes each.

    `numbers`, `starts` and `counts` are integer arrays of one length.
    """

    def __init__(
        self,
        split: str,
        numbers: NDArray[np.int64],
        starts: NDArray[np.int64],
        counts: NDArray[np.int64],
    ) -> None:
        order = np.argsort(starts, kind="stable")
        self.split = split
        self.numbers, self.starts, self.counts = numbers[order], starts[order], counts[order]

    @classmethod
    def of(cls, split: str, shards: Iterable[Shard]) -> Shards:
        """Those of a split among `shards`."""
        rows = [(one.number, one.start, len(one)) for one in shards if one.split == split]
        columns = np.array(rows, np.int64).reshape(-1, 3).T
        return cls(split, *columns)

    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, position: int) -> Shard: ...
    @overload
    def __getitem__(self, position: slice) -> list[Shard]: ...
    def __getitem__(self, position: int | slice) -> Shard | list[Shard]:
        if isinstance(position, slice):
            return [self[i] for i in range(*position.indices(len(self)))]
        start = int(self.starts[position])
        number, count = int(self.numbers[position]), int(self.counts[position])
        return Shard(self.split, number, start, start + count)


class Samples(Sequence[Sample]):
    """The samples of one split, read when asked for.

    The row group read last is kept, so that reading in order touches each byte once.
    """

    def __init__(self, store: Store, shards: Shards) -> None:
        self.store = store
        self.split = shards.split
        self.shards = shards
        self._ends = np.cumsum(shards.counts)
        self._file: tuple[str, pq.ParquetFile] | None = None
        self._group: tuple[str, int, pa.Table] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_file": None, "_group": None}

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

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
        number = int(np.searchsorted(self._ends, position, side="right"))
        shard = self.shards[number]
        return self._row(shard, position - int(self._ends[number]) + len(shard))

    def row_of_index(self, index: int) -> Row:
        """The row of the sample with that index. Raises `InputError` where it is not there."""
        number = int(np.searchsorted(self.shards.starts, index, side="right")) - 1
        if number >= 0 and index < (shard := self.shards[number]).stop:
            return self._row(shard, index - shard.start)
        raise InputError(
            f"{self.store} has no sample {index} in split {self.split!r} "
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
            reason = str(error) or type(error).__name__
            raise unreadable_shard(self.store, shard.name, reason) from error
        return row

    def _open(self, name: str) -> pq.ParquetFile:
        if self._file is None or self._file[0] != name:
            local = isinstance(self.store, LocalStore)
            source = self.store.open(shard_name(name))
            self._file = (name, pq.ParquetFile(source, memory_map=local))
        return self._file[1]


class Dataset:
    """A built dataset: its manifest, its recipe and its samples by split.

    One that was not finished opens too, with the shards committed so far.
    """

    def __init__(self, store: Store, info: dict[str, Any], shards: dict[str, Shards]) -> None:
        self.store = store
        self.info = info
        self._shards = shards
        self._samples: dict[str, Samples] = {}

    @classmethod
    def open(cls, place: str | Path | Store) -> Dataset:
        """Open a dataset's folder or address. Raises `InputError` where it is none."""
        store = as_store(place)
        if isinstance(store, LocalStore) and not store.folder.is_dir():
            raise InputError(f"{store} is no dataset: there is no such folder.")
        try:
            if store.size("recipe.yaml") is None:
                if store.size("last.safetensors") is not None:
                    raise InputError(
                        f"{store} is no dataset but a training run: `seedbed export-model` "
                        f"exports its network."
                    )
                raise InputError(f"{store} is no dataset: it has no recipe.yaml.")
            info = read_info(store)
            return cls(store, info, _listed(store) if info else _found(store))
        except OSError as error:
            raise InputError(f"{store} cannot be read: {error.strerror or error}.") from error

    @property
    def folder(self) -> Path:
        """The dataset's folder. Raises `InputError` where it lies in a store instead."""
        if isinstance(self.store, LocalStore):
            return self.store.folder
        raise InputError(f"{self.store} is no folder: copy the dataset to one first.")

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
        where = f"recipe {self.store.path('recipe.yaml')}"
        try:
            text = self.store.read("recipe.yaml").decode()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{where}: cannot be read: {error}.") from error
        return parse_recipe(parse_yaml(text, where), where)

    def samples(self, split: str) -> Samples:
        """The samples of a split. Raises `InputError` for one that is not there."""
        if split not in self._shards:
            known = ", ".join(self._shards) or "none"
            raise InputError(f"{self.store} has no split {split!r} (it has: {known}).")
        if split not in self._samples:
            self._samples[split] = Samples(self.store, self._shards[split])
        return self._samples[split]

    def __len__(self) -> int:
        return sum(int(shards.counts.sum()) for shards in self._shards.values())

    def __getitem__(self, position: int) -> Sample:
        """The sample at a position counted through all splits. Raises `IndexError`."""
        left = position if position >= 0 else position + len(self)
        for split in self._shards:
            samples = self.samples(split)
            if 0 <= left < len(samples):
                return samples[left]
            left -= len(samples)
        raise IndexError(f"{self.store} has {len(self)} samples, not {position}")

    def __iter__(self) -> Iterator[Sample]:
        for split in self._shards:
            yield from self.samples(split)


def unreadable_shard(store: Store, name: str, reason: str) -> SeedbedError:
    """What to raise where the shard of that name cannot be read: one line, with the cure."""
    folded = " ".join(reason.split()).rstrip(".;")
    return SeedbedError(
        f"shard {store.path(shard_name(name))} cannot be read: {folded}; see "
        f"`seedbed verify --repair`."
    )


def read_info(store: Store) -> dict[str, Any]:
    """What `dataset.json` holds, or nothing where it is not there yet.

    Raises `InputError` for a damaged one, and `OSError`.
    """
    try:
        info: dict[str, Any] = json.loads(store.read(INFO_NAME))
        version = info["format_version"]
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{store.path(INFO_NAME)} is damaged: run its build again.") from error
    if version > FORMAT_VERSION:
        raise InputError(f"{store} was built by a newer seedbed: upgrade to read it.")
    return info


def _listed(store: Store) -> dict[str, Shards]:
    """The shards that a finished dataset's manifest lists."""
    try:
        columns = ["split", "number", "start", "count"]
        table = pq.read_table(
            store.open(SHARDS_NAME), columns=columns, read_dictionary=["split"], use_threads=False
        )
    except (OSError, pa.ArrowException) as error:
        raise InputError(
            f"{store.path(SHARDS_NAME)} cannot be read: run the dataset's build again."
        ) from error
    found = {}
    for split in pc.unique(table["split"]).to_pylist():
        rows = table.filter(pc.equal(table["split"], split))
        found[split] = Shards(split, *(rows[name].to_numpy() for name in columns[1:]))
    return found


def _found(store: Store) -> dict[str, Shards]:
    """The shards committed so far in a dataset that is not finished."""
    shards = [
        Shard(mark.split, mark.number, mark.start, mark.start + mark.count)
        for _, mark in committed_marks(store, sorted(marked_names(store)))
        if mark is not None
    ]
    return {split: Shards.of(split, shards) for split in dict.fromkeys(one.split for one in shards)}
