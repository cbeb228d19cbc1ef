from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from seedbed import builder
from seedbed.builder import build
from seedbed.dataset import Dataset
from seedbed.errors import InputError
from seedbed.plan import Plan, Shard
from seedbed.recipe import parse_recipe
from seedbed.store import Store
from seedbed.verify import verify


def grown(values: dict[str, Any], train: int, **more: Any) -> Any:
    return parse_recipe({**values, "splits": {**values["splits"], "train": train, **more}})


def shard_files(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        path.name: (path.stat().st_mtime_ns, path.read_bytes())
        for place in ("shards", "marks")
        for path in (folder / place).iterdir()
    }


def test_shards_begin_anew_where_a_dataset_was_extended() -> None:
    plan = Plan({"train": 25, "val": 4}, 10, ({"train": 12}, {"train": 12, "val": 3}))
    assert list(plan) == [
        Shard("train", 0, 0, 10),
        Shard("train", 1, 10, 12),
        Shard("train", 2, 12, 22),
        Shard("train", 3, 22, 25),
        Shard("val", 0, 0, 3),
        Shard("val", 1, 3, 4),
    ]
    assert [plan.position(shard.name) for shard in plan] == list(range(6))
    assert [plan[at] for at in range(len(plan))] == list(plan)
    for name in ("train-000004", "test-000000", "train", "train-1", "val-00000x"):
        assert plan.position(name) is None


def test_extending_adds_and_leaves_the_rest_alone(
    dots_values: dict[str, Any], tmp_path: Path
) -> None:
    out = tmp_path / "d"
    build(parse_recipe(dots_values), out, executor="serial")
    before = shard_files(out)
    recipe = grown(dots_values, 55, test=3)
    with pytest.raises(InputError, match=r"train\.count is 40 there and 55 here.* Add --extend"):
        build(recipe, out, executor="serial")
    built = build(recipe, out, executor="serial", extend=True)
    assert built.progress.resumed_shards == 7
    assert built.progress.made_samples == 15 + 3
    after = shard_files(out)
    assert {name: after[name] for name in before} == before
    assert {"train-000005.parquet", "train-000006.parquet", "test-000000.parquet"} <= set(after)
    whole = build(recipe, tmp_path / "whole", executor="serial")
    assert built.info["hash"] == whole.info["hash"]
    assert built.info["splits"] == {"train": 55, "val": 10, "test": 3}
    rows, wholes = (
        Dataset.open(out).samples("train"),
        Dataset.open(tmp_path / "whole").samples("train"),
    )
    assert [rows.row(i) for i in range(55)] == [wholes.row(i) for i in range(55)]
    assert rows.row_of_index(54)["index"] == 54
    assert verify(out).good
    assert build(recipe, out, executor="serial").already_complete
    assert build(recipe, out, executor="serial", extend=True).already_complete
    twice = build(grown(dots_values, 60, test=3), out, executor="serial", extend=True)
    assert json.loads((out / "growth.json").read_text())["grown_from"] == [
        {"train": 40, "val": 10},
        {"train": 55, "val": 10, "test": 3},
    ]
    assert (
        twice.info["hash"]
        == build(grown(dots_values, 60, test=3), tmp_path / "sixty", executor="serial").info["hash"]
    )
    assert verify(out).good


def test_only_more_samples_of_the_same_are_an_extension(
    dots_values: dict[str, Any], tmp_path: Path
) -> None:
    out = tmp_path / "d"
    build(parse_recipe(dots_values), out, executor="serial")
    for recipe in (grown(dots_values, 39), grown({**dots_values, "seed": 8}, 41)):
        with pytest.raises(InputError, match="Only counts may differ to extend it, and only up"):
            build(recipe, out, executor="serial", extend=True)


def test_an_extension_cut_short_goes_on(
    dots_values: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut after the history was written, and once more after the recipe was."""
    out = tmp_path / "d"
    build(parse_recipe(dots_values), out, executor="serial")
    write = builder._write_changed

    class Cut(Exception):
        pass

    def cut(store: Store, name: str, content: bytes) -> None:
        if name == "recipe.yaml":
            raise Cut
        write(store, name, content)

    monkeypatch.setattr(builder, "_write_changed", cut)
    recipe = grown(dots_values, 55)
    with pytest.raises(Cut):
        build(recipe, out, executor="serial", extend=True)
    monkeypatch.setattr(builder, "_write_changed", write)
    assert build(parse_recipe(dots_values), out, executor="serial").already_complete

    def cut_later(progress: builder.Progress) -> None:
        if progress.made_shards:
            raise Cut

    with pytest.raises(Cut):
        build(recipe, out, executor="serial", extend=True, on_progress=cut_later)
    assert len(Dataset.open(out)) == 50
    built = build(recipe, out, executor="serial")
    assert built.progress.resumed_shards == 8
    assert built.info["hash"] == build(recipe, tmp_path / "w", executor="serial").info["hash"]
