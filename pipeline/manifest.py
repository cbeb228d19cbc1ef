"""The manifest of a dataset: `shards.parquet`, `README.md` and, last, `dataset.json`.

Shards are listed in Parquet, a row each, so that the JSON stays small whatever the size.
Nothing here has a date or a machine's name: the same recipe and seed give the same bytes.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

import seedbed
from seedbed import registry
from seedbed.card import card_text
from seedbed.dataset import FORMAT_VERSION
from seedbed.errors import SeedbedError
from seedbed.plan import Plan
from seedbed.recipe import Recipe
from seedbed.schema import hash_text
from seedbed.shards import is_committed, mark_path, read_mark, write_whole

_ROWS = pa.schema(
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
        versions |= {name: _version(name) for name in component.depends_on()}
    return versions


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"


def write_manifest(
    folder: Path, recipe: Recipe, plan: Plan, versions: Mapping[str, str]
) -> dict[str, Any]:
    """Write the manifest of a folder whose shards are all committed; `dataset.json`'s values.

    Files that would not change are left alone. Raises `SeedbedError` where a shard is
    missing, and `OSError`.
    """
    rows, total, counts = [], 0, Counter[str]()
    for shard in plan:
        mark = read_mark(mark_path(folder, shard.name))
        if mark is None or not is_committed(folder, shard.name, mark):
            raise SeedbedError(f"shard {shard.name} of {folder} is missing: run the build again.")
        row = {name: getattr(mark, name) for name in _ROWS.names}
        rows.append({**row, "counts": json.dumps(row["counts"])})
        total += int(mark.hash, 16)
        counts.update(mark.counts)
    info: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "name": recipe.name,
        "sample_type": recipe.kind,
        "generator": recipe.generator.name,
        "samples": plan.samples,
        "splits": dict(plan.counts),
        "seed": recipe.seed,
        "recipe_hash": recipe.recipe_hash(),
        "hash": hash_text(total),
        "bytes": sum(row["bytes"] for row in rows),
        "shards": len(rows),
        "counts": dict(sorted(counts.items())),
        "notes": [note for component in recipe.components() for note in component.notes()],
        "versions": dict(versions),
    }
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows, schema=_ROWS), sink, compression="zstd")
    _write_changed(folder / "shards.parquet", sink.getvalue().to_pybytes())
    _write_changed(folder / "README.md", card_text(recipe, info).encode())
    _write_changed(folder / "dataset.json", (json.dumps(info, indent=2) + "\n").encode())
    return info


def _write_changed(path: Path, content: bytes) -> None:
    if not path.is_file() or path.read_bytes() != content:
        write_whole(path, content)
