from __future__ import annotations

import errno
import json
import os
import random
import re
from pathlib import Path
from typing import Any

import pytest

from seedbed import store
from seedbed.builder import build, differences
from seedbed.dataset import Dataset
from seedbed.errors import InputError, SeedbedError
from seedbed.job import Job
from seedbed.make import Maker
from seedbed.manifest import versions_of
from seedbed.plan import Plan
from seedbed.recipe import Recipe, parse_recipe
from seedbed.schema import hash_text, row_hash
from seedbed.shards import Mark
from seedbed.store import LocalStore


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def recipe(dots_values: dict[str, Any]) -> Recipe:
    return parse_recipe(dots_values)


@pytest.fixture
def built(recipe: Recipe, tmp_path: Path) -> Path:
    build(recipe, tmp_path / "serial", executor="serial")
    return tmp_path / "serial"


@pytest.mark.parametrize(
    ("workers", "start_method"), [(2, "spawn"), (5, "fork"), (1, "fork"), (1, "forkserver")]
)
def test_bytes_do_not_depend_on_workers_or_how_they_start(
    recipe: Recipe, built: Path, tmp_path: Path, workers: int, start_method: str
) -> None:
    out = tmp_path / "processes"
    build(recipe, out, workers=workers, executor="processes", start_method=start_method)
    assert contents(out) == contents(built)


def test_bytes_do_not_depend_on_the_order_of_shards(
    recipe: Recipe, built: Path, tmp_path: Path
) -> None:
    out = tmp_path / "shuffled"
    for place in ("shards", "marks"):
        (out / place).mkdir(parents=True)
    worker = Job(recipe, LocalStore(out), versions_of(recipe)).worker()
    order = list(Plan(recipe.counts, recipe.shard_size))
    random.Random(3).shuffle(order)
    for shard in order:
        assert isinstance(worker.run(shard), Mark)
    made = contents(out)
    assert made == {name: data for name, data in contents(built).items() if name in made}
    assert len(made) == 2 * 7


def test_the_hash_does_not_depend_on_the_shard_size(
    dots_values: dict[str, Any], built: Path, tmp_path: Path
) -> None:
    other = build(parse_recipe({**dots_values, "shard_size": 40}), tmp_path / "b", workers=1)
    first, second = Dataset.open(built), Dataset.open(tmp_path / "b")
    assert other.info["hash"] == first.info["hash"]
    assert (other.info["shards"], first.info["shards"]) == (2, 7)
    rows = [
        first.samples(split).row(i) for split, n in (("train", 40), ("val", 10)) for i in range(n)
    ]
    again = [
        second.samples(split).row(i) for split, n in (("train", 40), ("val", 10)) for i in range(n)
    ]
    assert rows == again
    assert hash_text(sum(row_hash(row) for row in rows)) == first.info["hash"]


def test_the_manifest_says_what_is_there(built: Path) -> None:
    info = json.loads((built / "dataset.json").read_text())
    assert info["name"] == "dots"
    assert info["samples"] == 50
    assert info["splits"] == {"train": 40, "val": 10}
    assert info["seed"] == 7
    assert info["sample_type"] == "picture"
    assert info["counts"]["painted"] == 50
    assert info["counts"]["redrawn:too_far_left"] > 0
    assert re.fullmatch("[0-9a-f]{64}", info["hash"])
    assert {"seedbed", "numpy", "opencv", "pillow"} <= set(info["versions"])
    mark = json.loads((built / "marks" / "train-000004.json").read_text())
    assert (mark["start"], mark["count"], mark["seed"]) == (36, 4, 7)
    assert mark["recipe_hash"] == info["recipe_hash"]
    assert "shards/train-*.parquet" in (built / "README.md").read_text()


def test_a_finished_dataset_is_left_alone(recipe: Recipe, built: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in built.rglob("*")}
    again = build(recipe, built)
    assert again.already_complete
    assert again.progress.resumed_shards == 7
    assert {path: path.stat().st_mtime_ns for path in built.rglob("*")} == before


class Broken(Exception):
    """A power cut."""


def test_a_build_goes_on_where_it_stopped(
    recipe: Recipe, built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "b"
    commit = store.sync_folder
    calls = 0

    def cut(folder: Path) -> None:
        nonlocal calls
        calls += 1
        # The recipe is synced once, each shard twice: the fourth shard stays unmarked.
        if calls == 8:
            raise Broken
        commit(folder)

    monkeypatch.setattr(store, "sync_folder", cut)
    with pytest.raises(Broken):
        build(recipe, out, executor="serial")
    monkeypatch.setattr(store, "sync_folder", commit)
    assert len(Dataset.open(out)) == 27
    assert not Dataset.open(out).finished
    (out / "shards" / ".train-000003.parquet.99999.tmp").write_bytes(b"left by a kill")
    again = build(recipe, out, executor="serial")
    assert (again.progress.resumed_shards, again.progress.made_shards) == (3, 4)
    assert contents(out) == contents(built)


def test_a_shard_cut_short_or_gone_is_made_again(recipe: Recipe, built: Path) -> None:
    before = contents(built)
    (built / "shards" / "val-000001.parquet").unlink()
    with (built / "shards" / "train-000001.parquet").open("r+b") as file:
        file.truncate(100)
    again = build(recipe, built, executor="serial")
    assert again.progress.made_shards == 2
    assert contents(built) == before


def test_another_recipe_or_seed_is_refused_with_the_difference(
    dots_values: dict[str, Any], built: Path
) -> None:
    before = contents(built)
    with pytest.raises(InputError, match=r"holds another dataset: seed is 7 there and 0 here\. "):
        build(parse_recipe({**dots_values, "seed": 0}), built)
    dots_values["generator"]["width"] = 40
    with pytest.raises(InputError, match=r"generator\.width is 32 there and 40 here") as refusal:
        build(parse_recipe(dots_values), built)
    assert "Give --out another folder (OUT= with make), or delete this one." in str(refusal.value)
    beeps = {"name": "beeps", "seed": 7, "generator": {"name": "seedbed_dots:Beep"}}
    with pytest.raises(InputError) as refusal:
        build(parse_recipe({**beeps, "splits": {"train": 4}}), built)
    assert str(refusal.value).startswith(
        f"{built} holds another dataset: the generator is 'seedbed_dots:Dots' there and "
        "'seedbed_dots:Beep' here, so their keys and augmenters are not compared; "
        "splits.train.count is 40 there and 4 here; "
    )
    assert contents(built) == before


def test_what_differs_beside_the_generator_is_told(dots_values: dict[str, Any]) -> None:
    one = {**dots_values, "generator": {"name": "seedbed_dots:Dots", "width": 40}}
    two = {**dots_values, "generator": {"name": "seedbed_dots:Beep"}, "seed": 8, "augmenters": []}
    two["splits"], two["encoding"] = {"train": {"count": 40, "augmenters": []}}, {}
    said = differences(parse_recipe(one), parse_recipe(two))
    assert "so their keys and augmenters are not compared; seed is 7 there and 8 here" in said
    assert "splits.val.count is 10 there and 'absent' here" in said
    assert not any(word in said for word in ("width", "shades", "augmenters is", "augmenters."))


def test_shards_of_other_versions_are_refused(recipe: Recipe, built: Path) -> None:
    path = built / "marks" / "train-000000.json"
    path.write_text(path.read_text().replace('"numpy": "', '"numpy": "0.'))
    with pytest.raises(InputError, match=r"begun with other versions.*numpy 0\.[\d.]+ there"):
        build(recipe, built)


def test_folders_that_are_no_dataset_are_refused(recipe: Recipe, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"precious")
    with pytest.raises(InputError, match="not empty and holds no seedbed dataset"):
        build(recipe, tmp_path)
    with pytest.raises(InputError, match=r"photo\.jpg is a file: give --out a folder"):
        build(recipe, tmp_path / "photo.jpg")
    with pytest.raises(SeedbedError, match=r"cannot write to .*: Not a directory"):
        build(recipe, tmp_path / "photo.jpg" / "below", executor="serial")
    assert (tmp_path / "photo.jpg").read_bytes() == b"precious"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_full_or_read_only_disk_is_one_sentence(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    sync, calls = os.fsync, 0

    def full(handle: int) -> None:
        nonlocal calls
        calls += 1
        # Two for the recipe, four a shard, then the disk fails in the second shard.
        if calls > 2 + 4:
            raise OSError(number, os.strerror(number))
        sync(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SeedbedError) as caught:
        build(recipe, tmp_path / "d", executor="serial")
    assert str(caught.value) == (
        f"cannot write shard train-000001 to {tmp_path / 'd'}: {os.strerror(number)}; finished "
        f"shards are kept: put it right and run the same command again to go on."
    )
    assert caught.value.exit_code == 1
    names = sorted(path.name for path in (tmp_path / "d").rglob("*") if path.is_file())
    assert names == ["recipe.yaml", "train-000000.json", "train-000000.parquet"]


def test_failures_in_workers_come_back_as_sentences(
    dots_values: dict[str, Any], tmp_path: Path
) -> None:
    for trouble, error, sentence in (
        ("raise", SeedbedError, "failed at sample .* ValueError: x is a multiple of four"),
        (
            "die",
            SeedbedError,
            "a worker process ended with 3 while making .* of split 'train'",
        ),
        ("prepare", InputError, "there are no dots: buy some"),
        ("try_out", InputError, "the dots are no good: buy better ones"),
    ):
        dots_values["generator"]["trouble"] = trouble
        out = tmp_path / trouble
        with pytest.raises(error, match=sentence):
            build(parse_recipe(dots_values), out, workers=2, start_method="fork")
        left = [path.name for path in out.rglob("*") if path.name.endswith(".tmp")]
        assert left == []
    assert not (tmp_path / "prepare").exists()
    assert not (tmp_path / "try_out").exists()


def test_components_are_tried_out_by_the_leader_of_a_build_alone(
    dots_values: dict[str, Any], tmp_path: Path
) -> None:
    dots_values["generator"]["trouble"] = "try_out"
    recipe = parse_recipe(dots_values)
    made = Maker(recipe)
    made.prepare()
    assert made.make("train", 0).image.shape
    with pytest.raises(InputError, match="the dots are no good"):
        build(recipe, tmp_path / "d", executor="serial")


def test_no_seed_draws_one_and_records_it(dots_values: dict[str, Any], tmp_path: Path) -> None:
    dots_values["splits"] = {"train": 3}
    zero = build(parse_recipe({**dots_values, "seed": 0}), tmp_path / "zero", workers=1)
    unseeded = parse_recipe({**dots_values, "seed": None})
    first = build(unseeded, tmp_path / "first", workers=1)
    second = build(unseeded, tmp_path / "second", workers=1)
    assert zero.info["seed"] == 0
    assert len({zero.info["hash"], first.info["hash"], second.info["hash"]}) == 3
    (tmp_path / "first" / "marks" / "train-000000.json").unlink()
    again = build(unseeded, tmp_path / "first", workers=1)
    assert again.info == first.info


def test_options_that_make_no_sense_are_refused(recipe: Recipe, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no executor named 'proceses', did you mean 'processes'"):
        build(recipe, tmp_path / "d", executor="proceses")
    with pytest.raises(InputError, match="no start method 'spoon', did you mean 'spawn'"):
        build(recipe, tmp_path / "d", start_method="spoon")
    with pytest.raises(InputError, match="workers must be >= 1, got 0"):
        build(recipe, tmp_path / "d", workers=0)
    assert not (tmp_path / "d").exists()
