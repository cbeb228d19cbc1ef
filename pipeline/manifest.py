"""The manifest of a dataset: `shards.parquet`, `README.md` and, last, `dataset.json`.

Shards are listed in Parquet, a row each, so that the JSON stays small whatever the size.
Nothing here has a date or a machine's name: the same recipe and seed give the same bytes.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

import seedbed
from seedbed import registry
from seedbed.card import card_text
from seedbed.dataset import FORMAT_VERSION, INFO_NAME, SHARDS_NAME
from seedbed.errors import SeedbedError
from seedbed.plan import Plan
from seedbed.recipe import Recipe
from seedbed.schema import hash_text
from seedbed.shards import committed_marks
from seedbed.store import SPOOL_BYTES, Store

_ROWS_AT_ONCE = 10_000
"""Shards in a row group of `shards.parquet`: what is held while it is written."""

CARD_NAME = "README.md"

LISTED = pa.schema(
    [
        ("split", pa.string()),
        ("number", pa.int64()),
        ("start", pa.int64()),
        ("count", pa.int64()),
        ("bytes", pa.int64()),
        ("sha256", pa.string()),
        ("hash", pa.string()),
        ("counts", pa.string()),
    ]
)
"""The columns of `shards.parquet`, a row for each shard; `counts` is JSON."""


def versions_of(recipe: Recipe) -> dict[str, str]:
    """The versions that a sample's bytes may depend on, third-party components included."""
    import cv2

    versions = {
        "seedbed": seedbed.__version__,
        "numpy": version("numpy"),
        "opencv": cv2.__version__,
        "pillow": version("pillow"),
        "pyarrow": version("pyarrow"),
    }
    if recipe.kind == "clip":
        versions |= {name: version(name) for name in ("soundfile", "soxr", "scipy")}
    names = {("generators", recipe.generator.name)}
    for split in recipe.splits:
        names |= {("augmenters", name) for name, _ in recipe.augmenters_for(split)}
    for group, name in sorted(names):
        release = registry.release(group, name)
        if release and release[0] != "seedbed":
            versions[release[0]] = release[1]
    for component in recipe.components():
        with recipe.named_in_errors():
            versions |= {name: _version(name) for name in component.depends_on()}
            versions |= component.file_digests()
    return versions


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"


def info_values(
    recipe: Recipe,
    plan: Plan,
    versions: Mapping[str, str],
    total: int,
    size: int,
    counts: Mapping[str, int],
    notes: Sequence[str],
) -> dict[str, Any]:
    """What `dataset.json` holds, of shards whose hashes sum up to `total` and bytes to `size`.

    `counts` are all shards' together: what was dropped or drawn again, by reason.
    """
    return {
        "format_version": FORMAT_VERSION,
        "name": recipe.name,
        "sample_type": recipe.kind,
        "generator": recipe.generator.name,
        "samples": plan.samples,
        "splits": dict(plan.counts),
        "seed": recipe.seed,
        "recipe_hash": recipe.recipe_hash(),
        "hash": hash_text(total),
        "bytes": size,
        "shards": len(plan),
        "counts": dict(sorted(counts.items())),
        "notes": list(notes),
        "versions": dict(versions),
    }


def notes_of(recipe: Recipe) -> list[str]:
    """What the components that are installed here say of their samples. Raises `InputError`."""
    with recipe.named_in_errors():
        return [note for component in recipe.components() for note in component.notes()]


def write_manifest(
    store: Store,
    recipe: Recipe,
    plan: Plan,
    versions: Mapping[str, str],
    notes: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Write the manifest of a dataset whose shards are all committed; `dataset.json`'s values.

    Memory does not grow with the number of shards. Files that would not change are left
    alone. `notes` are asked of the recipe's components where they are not given. Raises
    `SeedbedError` where a shard is missing, and `OSError`.
    """
    total, size, counts = 0, 0, Counter[str]()
    with tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES) as spool:
        rows: list[dict[str, Any]] = []
        with pq.ParquetWriter(pa.PythonFile(spool, "w"), LISTED, compression="zstd") as writer:
            for name, mark in committed_marks(store, (shard.name for shard in plan)):
                if mark is None:
                    raise SeedbedError(f"shard {name} of {store} is missing: run the build again.")
                row = {column: getattr(mark, column) for column in LISTED.names}
                rows.append({**row, "counts": json.dumps(row["counts"])})
                total += int(mark.hash, 16)
                size += mark.bytes
                counts.update(mark.counts)
                if len(rows) == _ROWS_AT_ONCE:
                    writer.write_table(pa.Table.from_pylist(rows, schema=LISTED))
                    rows = []
            if rows:
                writer.write_table(pa.Table.from_pylist(rows, schema=LISTED))
        notes = notes_of(recipe) if notes is None else notes
        info = info_values(recipe, plan, versions, total, size, counts, notes)
        _write_changed(store, SHARDS_NAME, spool)
    _write_changed(store, CARD_NAME, io.BytesIO(card_text(recipe, info).encode()))
    text = json.dumps(info, indent=2) + "\n"
    _write_changed(store, INFO_NAME, io.BytesIO(text.encode()))
    return info


def _write_changed(store: Store, name: str, content: IO[bytes]) -> None:
    content.seek(0, os.SEEK_END)
    if store.size(name) == content.tell():
        content.seek(0)
        if all(content.read(len(block)) == block for block in store.blocks(name)):
            return
    content.seek(0)
    with store.writing(name) as file:
        shutil.copyfileobj(content, file)
