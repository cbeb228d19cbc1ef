from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from seedbed.builder import build
from seedbed.dataset import Dataset
from seedbed.errors import InputError, SeedbedError
from seedbed.merge import merge
from seedbed.plan import Part
from seedbed.recipe import Recipe, parse_recipe
from seedbed.store import LocalStore


@pytest.fixture
def recipe(dots_values: dict[str, Any]) -> Recipe:
    return parse_recipe(dots_values)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_parts_in_one_folder_make_the_same_dataset(recipe: Recipe, tmp_path: Path) -> None:
    build(recipe, tmp_path / "whole", executor="serial")
    out = tmp_path / "d"
    # What a part that starts at the same moment makes first.
    (out / "shards").mkdir(parents=True)
    for number in (3, 1):
        built = build(recipe, out, executor="serial", part=Part(number, 3))
        assert not built.info
        if number == 3:
            # Another part's unfinished file, which is not this part's to delete.
            (out / "shards" / ".train-000001.parquet.77.tmp").touch()
    assert (out / "shards" / ".train-000001.parquet.77.tmp").exists()
    # 7 shards in turn: 1 has 0, 3, 6 and 3 has 2, 5.
    assert sorted(path.stem for path in (out / "marks").iterdir()) == [
        "train-000000", "train-000002", "train-000003", "val-000000", "val-000001"
    ]  # fmt: skip
    with pytest.raises(
        SeedbedError, match=r"2 of 7 shards of .*missing \(train-000001, train-0000"
    ):
        merge([out])
    assert not Dataset.open(out).finished
    again = build(recipe, out, executor="serial", part=Part(1, 3))
    assert (again.already_complete, again.progress.shards, again.progress.samples) == (True, 3, 19)
    build(recipe, out, executor="serial", part=Part(2, 3))
    info = merge([out])
    assert info["samples"] == 50
    assert contents(out) == contents(tmp_path / "whole")


def test_parts_in_folders_of_their_own_are_linked(recipe: Recipe, tmp_path: Path) -> None:
    build(recipe, tmp_path / "whole", executor="serial")
    parts = [tmp_path / f"part{number}" for number in (1, 2)]
    for number, part in enumerate(parts, start=1):
        build(recipe, part, executor="serial", part=Part(number, 2))
    with pytest.raises(InputError, match="say with --out"):
        merge(parts)
    merge(parts, tmp_path / "d")
    assert contents(tmp_path / "d") == contents(tmp_path / "whole")
    assert (tmp_path / "d" / "shards" / "train-000000.parquet").stat().st_nlink == 2
    merge(parts, tmp_path / "d")
    assert contents(tmp_path / "d") == contents(tmp_path / "whole")


def test_parts_on_another_disk_are_copied(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(source: Path, target: Path) -> None:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    build(recipe, tmp_path / "a", executor="serial", part=Part(1, 1))
    monkeypatch.setattr(os, "link", refuse)
    merge([LocalStore(tmp_path / "a")], tmp_path / "d")
    shard = tmp_path / "d" / "shards" / "train-000000.parquet"
    assert shard.read_bytes() == (tmp_path / "a" / "shards" / shard.name).read_bytes()
    assert shard.stat().st_nlink == 1


def test_what_does_not_belong_together_is_not_merged(
    dots_values: dict[str, Any], recipe: Recipe, tmp_path: Path
) -> None:
    build(recipe, tmp_path / "a", executor="serial", part=Part(1, 2))
    other = parse_recipe({**dots_values, "seed": 8})
    build(other, tmp_path / "b", executor="serial", part=Part(2, 2))
    with pytest.raises(InputError, match="parts of different datasets: seed is 7 there and 8 here"):
        merge([tmp_path / "a", tmp_path / "b"], tmp_path / "d")
    assert not (tmp_path / "d").exists()
    with pytest.raises(InputError, match="is no part of a dataset"):
        merge([tmp_path])
    with pytest.raises(InputError, match="parts that each draw one do not fit together"):
        unseeded = parse_recipe({**dots_values, "seed": None})
        build(unseeded, tmp_path / "c", executor="serial", part=Part(1, 2))
    with pytest.raises(InputError, match="a part must be between 1/3 and 3/3, got 4/3"):
        build(recipe, tmp_path / "c", executor="serial", part=Part(4, 3))
