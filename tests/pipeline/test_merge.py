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
from seedbed.verify import verify


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


def six_and_four(values: dict[str, Any], train: int) -> Recipe:
    return parse_recipe({**values, "splits": {"train": train}, "shard_size": 4})


def test_an_extended_dataset_is_merged_with_its_history(
    dots_values: dict[str, Any], tmp_path: Path
) -> None:
    """6 samples in shards of 4 and 2, then 4 more: a plan of 10 at once would have 4, 4, 2."""
    a, m = tmp_path / "a", tmp_path / "m"
    six, ten = six_and_four(dots_values, 6), six_and_four(dots_values, 10)
    build(six, a, executor="serial")
    merge([a], m)
    built = build(ten, a, executor="serial", extend=True)
    info = merge([a], m)
    assert contents(m) == contents(a)
    assert info["hash"] == built.info["hash"]
    assert verify(m).good
    assert build(ten, m, executor="serial").already_complete
    build(ten, tmp_path / "b", executor="serial")
    told = "one grew from 6 of train to 10 of train, the other from 10 of train"
    with pytest.raises(InputError, match=told):
        merge([a, tmp_path / "b"], tmp_path / "n")
    with pytest.raises(InputError, match="holds a dataset that the parts did not grow from: it gr"):
        merge([a], tmp_path / "b")
    assert verify(tmp_path / "b").good
    other = build(six_and_four({**dots_values, "seed": 8}, 6), tmp_path / "c", executor="serial")
    with pytest.raises(InputError, match="c holds another dataset: seed is 8 there and 7 here"):
        merge([a], other.folder)


def test_marks_that_do_not_fit_the_plan_are_refused(
    dots_values: dict[str, Any], tmp_path: Path
) -> None:
    """As where the history was lost: what is there is not where the plan has it."""
    ten = six_and_four(dots_values, 10)
    build(six_and_four(dots_values, 6), tmp_path / "a", executor="serial")
    build(ten, tmp_path / "a", executor="serial", extend=True)
    (tmp_path / "a" / "growth.json").unlink()
    told = r"shard train-00000[12] holds \d samples from \d, and by the recipe train-"
    with pytest.raises(InputError, match=told):
        build(ten, tmp_path / "a", executor="serial")
    with pytest.raises(InputError, match=told):
        merge([tmp_path / "a"])


def test_a_part_without_shards_is_a_part(dots_values: dict[str, Any], tmp_path: Path) -> None:
    """Two shards among three parts: the third has none, and still says of what it is one."""
    parts = [tmp_path / f"part{number}" for number in (1, 2, 3)]
    recipe = six_and_four(dots_values, 6)
    for number, part in enumerate(parts, start=1):
        built = build(recipe, part, executor="serial", part=Part(number, 3))
        assert built.progress.made_shards == (number < 3)
    assert list(contents(parts[2])) == ["recipe.yaml"]
    merge(parts, tmp_path / "d")
    build(recipe, tmp_path / "whole", executor="serial")
    assert contents(tmp_path / "d") == contents(tmp_path / "whole")
    # An extension by one shard gives nothing new to part 2.
    for number, part in enumerate(parts, start=1):
        more = six_and_four(dots_values, 7)
        built = build(more, part, executor="serial", part=Part(number, 3), extend=True)
        assert built.progress.made_shards == (number == 3)
    assert merge(parts, tmp_path / "d")["samples"] == 7
    assert verify(tmp_path / "d").good
