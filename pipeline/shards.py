"""Shards on disk: written beside their final name, committed whole, marked last.

`DIR/shards/train-000000.parquet` counts as there only when `DIR/marks/train-000000.json`
is: the mark is written after the shard was fsynced, renamed and its folder fsynced, so
that a kill or a power cut at any moment leaves either a whole shard or none (Pillai et
al., "All file systems are not created equal", OSDI 2014, on why each step is needed).
Marks have a folder of their own because pandas and others read every file of `shards/`.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from seedbed.errors import SeedbedError
from seedbed.plan import Shard
from seedbed.schema import HASH_MODULUS, MEDIA_COLUMNS, Row, arrow_schema, hash_text, row_hash

ROWS_IN_GROUP = 25
"""Rows in a Parquet row group: what one random access reads, and what a writer holds."""

TEMPORARY_PREFIX = "."
"""Unfinished files start with a dot, which Arrow, Spark and shells leave out of listings."""

_LABEL_COMPRESSION = "zstd"


@dataclass(frozen=True)
class Mark:
    """The commit mark of a shard: what is in it, and what it was made from."""

    split: str
    number: int
    start: int
    count: int
    bytes: int
    sha256: str
    hash: str
    seed: int
    recipe_hash: str
    versions: Mapping[str, str]
    counts: Mapping[str, int]

    @property
    def name(self) -> str:
        """The shard's file name without its suffix."""
        return Shard(self.split, self.number, self.start, self.start + self.count).name


def shard_path(folder: Path, name: str) -> Path:
    """Where a shard of that name lies in a dataset's folder."""
    return folder / "shards" / f"{name}.parquet"


def mark_path(folder: Path, name: str) -> Path:
    """Where a shard's commit mark lies."""
    return folder / "marks" / f"{name}.json"


def read_mark(path: Path) -> Mark | None:
    """The mark in a file, or None where there is none. Raises `SeedbedError` for a broken one."""
    try:
        return Mark(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise SeedbedError(f"{path} is no commit mark ({error}): delete it.") from error


def is_committed(folder: Path, name: str, mark: Mark | None) -> bool:
    """Whether `mark`'s shard is there in the size it was committed with."""
    if mark is None:
        return False
    try:
        return shard_path(folder, name).stat().st_size == mark.bytes
    except FileNotFoundError:
        return False


def committed_marks(folder: Path) -> Iterator[Mark]:
    """The marks of all committed shards, by file name."""
    for path in sorted((folder / "marks").glob("*.json")):
        mark = read_mark(path)
        if mark is not None and is_committed(folder, path.stem, mark):
            yield mark


class _HashedFile:
    """A binary file that hashes what is written to it: pyarrow writes front to back."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.digest = hashlib.sha256()
        self.size = 0
        self.closed = False

    def write(self, block: Any) -> int:
        size = memoryview(block).nbytes
        self.file.write(block)
        self.digest.update(block)
        self.size += size
        return size

    def tell(self) -> int:
        return self.size

    def flush(self) -> None:
        self.file.flush()

    def close(self) -> None:
        self.closed = True

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False


def parquet_writer(sink: Any, sample_type: str) -> pq.ParquetWriter:
    """A writer whose bytes depend on the rows and pyarrow's version alone."""
    schema = arrow_schema(sample_type)
    media = MEDIA_COLUMNS[sample_type]
    leaves = [path for path in _leaf_paths(schema) if not path.startswith(f"{media}.")]
    return pq.ParquetWriter(
        sink,
        schema,
        version="2.6",
        compression={
            **dict.fromkeys(leaves, _LABEL_COMPRESSION),
            f"{media}.bytes": "none",
            f"{media}.path": _LABEL_COMPRESSION,
        },
        use_dictionary=["split"],
        write_statistics=["id", "split", "index"],
        store_schema=True,
    )


def _leaf_paths(schema: pa.Schema) -> list[str]:
    """The dotted paths by which Parquet knows the columns that hold values."""

    def walk(path: str, kind: pa.DataType) -> Iterator[str]:
        if pa.types.is_list(kind):
            yield from walk(f"{path}.list.element", kind.value_type)
        elif pa.types.is_struct(kind):
            for i in range(kind.num_fields):
                yield from walk(f"{path}.{kind.field(i).name}", kind.field(i).type)
        else:
            yield path

    return [path for field in schema for path in walk(field.name, field.type)]


def write_shard(
    folder: Path,
    shard: Shard,
    rows: Iterable[Row],
    sample_type: str,
    seed: int,
    recipe_hash: str,
    versions: Mapping[str, str],
) -> Mark:
    """Write and commit one shard; what was begun is removed where anything goes wrong.

    Raises `OSError` where the folder cannot be written, and whatever `rows` raises.
    """
    final = shard_path(folder, shard.name)
    temporary = final.with_name(f"{TEMPORARY_PREFIX}{shard.name}.{os.getpid()}.tmp")
    counts: Counter[str] = Counter()
    total = 0
    schema = arrow_schema(sample_type)
    try:
        with temporary.open("wb") as file:
            sink = _HashedFile(file)
            with parquet_writer(pa.PythonFile(sink, "w"), sample_type) as writer:
                for group in _in_groups(rows):
                    for row in group:
                        total += row_hash(row)
                        counts.update(json.loads(row["counts"]))
                    writer.write_table(pa.Table.from_pylist(group, schema=schema))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(final)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    sync_folder(final.parent)
    mark = Mark(
        split=shard.split,
        number=shard.number,
        start=shard.start,
        count=len(shard),
        bytes=sink.size,
        sha256=sink.digest.hexdigest(),
        hash=hash_text(total % HASH_MODULUS),
        seed=seed,
        recipe_hash=recipe_hash,
        versions=dict(versions),
        counts=dict(sorted(counts.items())),
    )
    write_whole(mark_path(folder, shard.name), json.dumps(asdict(mark), indent=1) + "\n")
    return mark


def _in_groups(rows: Iterable[Row]) -> Iterator[list[Row]]:
    group: list[Row] = []
    for row in rows:
        group.append(row)
        if len(group) == ROWS_IN_GROUP:
            yield group
            group = []
    if group:
        yield group


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file so that it is there whole or not at all, even after a power cut."""
    data = content.encode() if isinstance(content, str) else content
    temporary = path.with_name(f"{TEMPORARY_PREFIX}{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames in a folder durable; Windows has no such call and needs none."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_temporaries(folder: Path) -> None:
    """Delete what killed workers left unfinished in a dataset's folder."""
    for place in (folder, folder / "shards", folder / "marks"):
        for left in place.glob(f"{TEMPORARY_PREFIX}*.tmp"):
            left.unlink(missing_ok=True)
