"""Shards in a store: written beside their final name, committed whole, marked last.

`DIR/shards/train-000000.parquet` counts as there only when `DIR/marks/train-000000.json`
is: the mark is written after the shard was fsynced, renamed and its folder fsynced (or its
upload completed), so that a kill or a power cut at any moment leaves either a whole shard
or none (Pillai et al., "All file systems are not created equal", OSDI 2014, on why each
step is needed). Marks have a folder of their own because pandas and others read every file
of `shards/`.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from seedbed.errors import SeedbedError
from seedbed.plan import Shard
from seedbed.schema import HASH_MODULUS, MEDIA_COLUMNS, Row, arrow_schema, hash_text, row_hash
from seedbed.store import LocalStore, Store
from seedbed.store import write_whole as write_whole

ROWS_IN_GROUP = 25
"""Rows in a Parquet row group: what one random access reads, and what a writer holds."""

READS_AT_ONCE = 32
"""Marks fetched side by side from a store where each takes a round trip."""

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


def shard_name(name: str) -> str:
    """Where a shard of that name lies in a dataset's store."""
    return f"shards/{name}.parquet"


def mark_name(name: str) -> str:
    """Where a shard's commit mark lies."""
    return f"marks/{name}.json"


def read_mark(store: Store, name: str) -> Mark | None:
    """A shard's mark, or None where there is none. Raises `SeedbedError` for a broken one."""
    try:
        mark = Mark(**json.loads(store.read(mark_name(name))))
        _check_types(mark)
        return mark
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, AttributeError) as error:
        path = store.path(mark_name(name))
        raise SeedbedError(
            f"{path} is no commit mark ({error}): delete it, or run `seedbed verify --repair`."
        ) from error


def _check_types(mark: Mark) -> None:
    """Raise `TypeError` or `ValueError` where a value is not what its key holds."""
    numbers = (mark.number, mark.start, mark.count, mark.bytes, mark.seed, *mark.counts.values())
    texts = (mark.split, mark.sha256, mark.hash, mark.recipe_hash, *mark.versions.values())
    for values, kind in ((numbers, int), (texts, str)):
        if not all(isinstance(value, kind) for value in values):
            raise TypeError(f"a value is no {kind.__name__}")
    int(mark.hash, 16)


def committed_mark(store: Store, name: str) -> Mark | None:
    """A shard's mark where the shard is there in the size it was committed with, else None.

    Raises as `read_mark`.
    """
    mark = read_mark(store, name)
    if mark is None or store.size(shard_name(name)) != mark.bytes:
        return None
    return mark


def committed_marks(store: Store, names: Iterable[str]) -> Iterator[tuple[str, Mark | None]]:
    """Each of `names` with its `committed_mark`, in order; a bounded number is held."""
    if isinstance(store, LocalStore):
        for name in names:
            yield name, committed_mark(store, name)
        return
    pending: deque[tuple[str, Future[Mark | None]]] = deque()
    with ThreadPoolExecutor(READS_AT_ONCE) as pool:
        for name in names:
            pending.append((name, pool.submit(committed_mark, store, name)))
            if len(pending) == 2 * READS_AT_ONCE:
                first, mark = pending.popleft()
                yield first, mark.result()
        for first, mark in pending:
            yield first, mark.result()


def marked_names(store: Store, prefixes: Iterable[str] | None = None) -> Iterator[str]:
    """The names of the shards that have a mark, in no order."""
    for name in store.names("marks", prefixes):
        if name.endswith(".json"):
            yield name.removesuffix(".json")


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
    store: Store,
    shard: Shard,
    rows: Iterable[Row],
    sample_type: str,
    seed: int,
    recipe_hash: str,
    versions: Mapping[str, str],
    expected_sha256: str | None = None,
) -> Mark:
    """Write and commit one shard; what was begun is removed where anything goes wrong.

    Raises `OSError` where the store cannot be written, whatever `rows` raises, and
    `SeedbedError`, nothing committed, where the shard is not the one expected.
    """
    counts: Counter[str] = Counter()
    total = 0
    schema = arrow_schema(sample_type)
    with store.writing(shard_name(shard.name)) as file:
        sink = _HashedFile(file)
        with parquet_writer(pa.PythonFile(sink, "w"), sample_type) as writer:
            for group in _in_groups(rows):
                for row in group:
                    total += row_hash(row)
                    counts.update(json.loads(row["counts"]))
                writer.write_table(pa.Table.from_pylist(group, schema=schema))
        sha256 = sink.digest.hexdigest()
        if expected_sha256 not in (None, sha256):
            raise SeedbedError(
                f"shard {shard.name} of {store} cannot be repaired: made again it has sha256 "
                f"{sha256}, and {expected_sha256} was recorded (files it drew from, or another "
                f"processor family?)."
            )
    mark = Mark(
        split=shard.split,
        number=shard.number,
        start=shard.start,
        count=len(shard),
        bytes=sink.size,
        sha256=sha256,
        hash=hash_text(total % HASH_MODULUS),
        seed=seed,
        recipe_hash=recipe_hash,
        versions=dict(versions),
        counts=dict(sorted(counts.items())),
    )
    text = json.dumps(asdict(mark), indent=1) + "\n"
    store.write(mark_name(shard.name), text.encode())
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
