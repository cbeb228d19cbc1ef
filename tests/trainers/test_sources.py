"""What a task may learn from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from seedbed.builder import build
from seedbed.errors import InputError
from seedbed.recipe import parse_recipe
from seedbed.trainers.classify import Classify, ClassifySettings
from seedbed.trainers.locate import Locate, LocateSettings
from seedbed.trainers.read import Read, ReadSettings
from seedbed.trainers.sources import StreamSource, check_quads, open_source
from seedbed.trainers.task import Task

LOOSE = {"name": "elastic-distortion", "quads": "loose"}


@pytest.mark.parametrize("task", [Locate(LocateSettings()), Read(ReadSettings())])
def test_quads_that_were_bent_are_not_learned_from(
    task: Task[Any, Any], dots_values: dict[str, Any], tmp_path: Path
) -> None:
    splits = {"train": 2, "val": {"count": 1, "augmenters": []}}
    recipe = parse_recipe({**dots_values, "augmenters": [LOOSE], "splits": splits})
    sentence = (
        f"^the task '{task.name}' learns from quads, but elastic-distortion in the recipe of "
        "dots bends them out of place: make it again with `quads: exact`.$"
    )
    with pytest.raises(InputError, match=sentence):
        check_quads(task, StreamSource(recipe, "train"), "dots")
    check_quads(task, StreamSource(recipe, "val"), "dots")
    build(recipe, tmp_path / "dots", workers=1, executor="serial")
    with pytest.raises(InputError, match=sentence):
        check_quads(task, open_source(str(tmp_path / "dots"), "train", 0), "dots")
    # Boxes and classes stay true.
    classify = Classify(ClassifySettings(classes=("dot", "line")))
    check_quads(classify, StreamSource(recipe, "train"), "dots")


def listed(folder: Path, rows: list[dict[str, Any]]) -> str:
    folder.mkdir(exist_ok=True)
    for row in rows:
        (folder / row["image"]).write_bytes(row["image"].encode())
    (folder / "labels.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(folder)


def names(where: str, split: str) -> list[str]:
    source = open_source(where, split, 0)
    return [source.name(index) for index in range(len(source))]


def test_a_list_of_labels_is_not_validated_on_its_training_rows(tmp_path: Path) -> None:
    rows = [{"image": f"{number}.png", "label": "cat"} for number in range(200)]
    where = listed(tmp_path / "list", rows)
    parts = {split: names(where, split) for split in ("train", "val", "test")}
    assert sorted(name for part in parts.values() for name in part) == sorted(names(where, "all"))
    assert 140 < len(parts["train"]) < 180 and parts["val"] and parts["test"]
    # A row that is added moves no other.
    where = listed(tmp_path / "list", [{"image": "new.png", "label": "cat"}, *rows])
    assert set(parts["val"]) <= set(names(where, "val"))
    with pytest.raises(InputError, match="ask for train, val, test or all, not for 'mine'"):
        open_source(where, "mine", 0)
    with pytest.raises(InputError, match=r"none of its 1 rows .* give the rows a split, or ask"):
        where = listed(tmp_path / "one", [{"image": "0.png", "label": "cat"}])
        [open_source(where, split, 0) for split in ("train", "val")]


def test_a_row_may_say_its_split(tmp_path: Path) -> None:
    rows = [{"image": f"{n}.png", "label": "cat", "split": "ab"[n % 2]} for n in range(4)]
    where = listed(tmp_path / "list", rows)
    assert names(where, "a") == ["0.png", "2.png"]
    with pytest.raises(InputError, match=r"no row has the split 'val' \(a, b\)"):
        open_source(where, "val", 0)
    with pytest.raises(InputError, match="3 of 4 rows have a split"):
        open_source(listed(tmp_path / "list", [*rows[:3], {"image": "x", "label": "c"}]), "a", 0)


def test_a_source_tells_when_its_files_change(tmp_path: Path) -> None:
    where = listed(tmp_path / "list", [{"image": "0.png", "label": "cat", "split": "a"}])
    before = open_source(where, "a", 0).described["digest"]
    assert open_source(where, "a", 0).described["digest"] == before
    (tmp_path / "list" / "0.png").write_bytes(b"9.png")
    assert open_source(where, "a", 0).described["digest"] != before
    for split in ("train", "val"):
        (tmp_path / "classes" / split / "cats").mkdir(parents=True)
        (tmp_path / "classes" / split / "cats" / "a.png").write_bytes(b"one")
    folders = [open_source(str(tmp_path / "classes"), "train", 0) for _ in range(2)]
    before = folders[0].described["digest"]
    (tmp_path / "classes" / "train" / "cats" / "a.png").write_bytes(b"two")
    assert folders[1].described["digest"] != before
