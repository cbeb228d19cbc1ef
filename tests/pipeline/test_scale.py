"""That cost and memory do not grow with a dataset, asked of plans and manifests."""

from __future__ import annotations

import itertools
import time
import tracemalloc
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from seedbed import manifest
from seedbed.builder import Progress, build
from seedbed.manifest import write_manifest
from seedbed.plan import Plan
from seedbed.recipe import Recipe, parse_recipe
from seedbed.schema import hash_text
from seedbed.shards import Mark
from seedbed.store import LocalStore, Store

MEBIBYTE = 2**20


@pytest.fixture
def recipe(dots_values: dict[str, Any]) -> Recipe:
    return parse_recipe(dots_values)


class Started(Exception):
    """The first shard would be made now."""


def test_a_build_of_a_billion_samples_starts_at_once(
    dots_values: dict[str, Any], tmp_path: Path
) -> None:
    """4,000,001 shards: planning them costs a byte each and less than a second in all."""
    splits = {"train": 10**9, "val": {"count": 100}}
    recipe = parse_recipe({**dots_values, "splits": splits, "shard_size": 250})
    seen: list[Progress] = []

    def stop(progress: Progress) -> None:
        seen.append(progress)
        raise Started

    tracemalloc.start()
    began = time.process_time()
    with pytest.raises(Started):
        build(recipe, tmp_path / "d", executor="serial", on_progress=stop)
    seconds = time.process_time() - began
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (seen[0].samples, seen[0].shards) == (10**9 + 100, 4_000_001)
    assert seconds < 1
    assert peak < 16 * MEBIBYTE


def test_shards_are_given_out_one_by_one(recipe: Recipe) -> None:
    plan = Plan({"train": 10**9}, 250)
    tracemalloc.start()
    for shard in itertools.islice(plan, 20_000):
        assert plan.position(shard.name) == shard.number
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < MEBIBYTE


def written(recipe: Recipe, folder: Path, shards: int, patch: pytest.MonkeyPatch) -> int:
    """Peak bytes while the manifest over that many pretended shards is written."""

    def pretended(store: Store, names: Iterable[str]) -> Iterator[tuple[str, Mark]]:
        for number, name in enumerate(names):
            yield (
                name,
                Mark(
                    split="train",
                    number=number,
                    start=250 * number,
                    count=250,
                    bytes=1000,
                    sha256=f"{number:064x}",
                    hash=hash_text(number),
                    seed=7,
                    recipe_hash="",
                    versions={},
                    counts={"painted": 250},
                ),
            )

    patch.setattr(manifest, "committed_marks", pretended)
    patch.setattr(manifest, "_ROWS_AT_ONCE", 500)
    folder.mkdir()
    tracemalloc.start()
    info = write_manifest(
        LocalStore(folder), recipe, Plan({"train": 250 * shards}, 250), {"seedbed": "0"}
    )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (info["shards"], info["counts"]["painted"]) == (shards, 250 * shards)
    assert int(info["hash"], 16) == shards * (shards - 1) // 2
    table = pq.ParquetFile(folder / "shards.parquet")
    assert (table.metadata.num_rows, table.num_row_groups) == (shards, shards // 500)
    assert (folder / "dataset.json").stat().st_size < 2000
    return peak - (folder / "shards.parquet").stat().st_size


def test_writing_a_manifest_takes_no_more_memory_for_more_shards(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = written(recipe, tmp_path / "few", 1_000, monkeypatch)
    many = written(recipe, tmp_path / "many", 4_000, monkeypatch)
    assert many < 1.25 * few
