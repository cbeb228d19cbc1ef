from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from seedbed_command import run

from seedbed.builder import build
from seedbed.dataset import Dataset
from seedbed.errors import InputError
from seedbed.export import export_dataset
from seedbed.formats.yolo import Yolo
from seedbed.formats.yolo_pose import YoloPose
from seedbed.recipe import parse_recipe
from seedbed.sample import Picture

LABELS = ["plate", "no", "Ä: sign", "1e3"]


@pytest.fixture
def built(tmp_path: Path) -> Path:
    values = {
        "name": "odd",
        "seed": 5,
        "generator": {"name": "seedbed_odd:OddPictures", "labels": LABELS},
        "splits": {"train": 30, "val": 6},
    }
    build(parse_recipe(values), tmp_path / "odd", executor="serial")
    return tmp_path / "odd"


@pytest.fixture
def exported(built: Path) -> Path:
    return export_dataset(built, "yolo", built.parent / "yolo").folder


def label_lines(folder: Path, name: str) -> list[list[float]]:
    text = (folder / "labels" / f"{name}.txt").read_text()
    return [[float(number) for number in line.split()] for line in text.splitlines()]


def test_settings_are_read_by_a_reader_of_yaml_1_1(exported: Path) -> None:
    settings = yaml.safe_load((exported / "data.yaml").read_text("utf-8"))
    assert settings["names"] == {0: "1e3", 1: "no", 2: "plate", 3: "Ä: sign"}
    assert (settings["nc"], settings["train"], settings["val"]) == (4, "images/train", "images/val")
    assert "path" not in settings


@pytest.mark.parametrize("name", ["yolo", "yolo-pose"])
def test_a_missing_split_is_warned_of_with_its_cure(
    name: str, dots_values: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place, recipe = tmp_path / "dots", tmp_path / "dots.yaml"
    recipe.write_text(yaml.safe_dump({**dots_values, "splits": {"train": 4}}))
    assert run(capsys, "build", recipe, "--out", place, "--workers", 1)[0] == 0
    code, text, err = run(capsys, "export", place, "--format", name, "--out", tmp_path / "a")
    assert (code, text) == (0, f"{tmp_path / 'a'}: {name}, train 4\n")
    assert err.startswith("seedbed: warning: there is no split 'val', and YOLO tools do not train")
    assert "(such as val: 200), build with --extend and export again" in err
    # The cure cures.
    recipe.write_text(yaml.safe_dump({**dots_values, "splits": {"train": 4, "val": 2}}))
    code, _, err = run(capsys, "build", recipe, "--out", place, "--workers", 1, "--extend")
    assert code == 0, err
    code, text, err = run(
        capsys, "export", place, "--format", name, "--out", tmp_path / "b", "--json"
    )
    assert (code, json.loads(text)["warnings"], err) == (0, [], "")


def test_splits_that_yolo_needs_may_be_called_otherwise() -> None:
    assert Yolo().warnings(["train", "validation"]) == ()
    for splits in (["mine"], ["test"], []):
        (sentence,) = Yolo().warnings(splits)
        assert sentence.startswith("there is no split 'train' or 'val', and")
        assert "add them under `splits` in the recipe (such as train: 1000, val: 200)" in sentence
        assert "data.yaml" not in sentence.partition("recipe")[2]


def test_nobody_is_told_to_train_on_test_pictures() -> None:
    (sentence,) = Yolo().warnings(["test", "val"])
    assert "add it under `splits` in the recipe (such as train: 1000)" in sentence
    assert "images/" not in sentence
    (sentence,) = Yolo().warnings(["test", "train"])
    assert "(such as val: 200)" in sentence
    assert sentence.endswith(
        "; or write `val: images/train` into data.yaml: its score is then of pictures that were "
        "learnt."
    )


def test_boxes_by_hand(dots_values: dict[str, Any], tmp_path: Path) -> None:
    build(parse_recipe(dots_values), tmp_path / "dots", executor="serial")
    folder = export_dataset(tmp_path / "dots", "yolo", tmp_path / "yolo").folder
    x, y, _, _ = Dataset.open(tmp_path / "dots").samples("val").row(2)["objects"][0]["bbox"]
    (numbers,) = label_lines(folder, "val/val-00000002")
    # Dots are 6 x 6 in pictures of 32 x 24.
    assert numbers == pytest.approx([0, (x + 3) / 32, (y + 3) / 24, 6 / 32, 6 / 24], abs=1e-7)


def test_every_picture_has_a_label_file(built: Path, exported: Path) -> None:
    empty = 0
    for split, count in (("train", 30), ("val", 6)):
        pictures = sorted(path.stem for path in (exported / "images" / split).iterdir())
        labels = sorted(path.stem for path in (exported / "labels" / split).iterdir())
        assert pictures == labels == [f"{split}-{index:08d}" for index in range(count)]
        for index in range(count):
            sample = Dataset.open(built).samples(split)[index]
            assert isinstance(sample, Picture)
            lines = label_lines(exported, f"{split}/{split}-{index:08d}")
            assert len(lines) == len(sample.objects)
            empty += not lines
            for line in lines:
                assert all(0 <= number <= 1 for number in line[1:])
                assert line[1] + line[3] / 2 <= 1 + 1e-6
    assert empty > 0


def test_poses_hold_the_corners_that_are_in_the_frame(built: Path, exported: Path) -> None:
    folder = export_dataset(built, "yolo-pose", built.parent / "pose").folder
    settings = yaml.safe_load((folder / "data.yaml").read_text("utf-8"))
    assert (settings["kpt_shape"], settings["flip_idx"]) == ([4, 3], [1, 0, 3, 2])
    outside = 0
    for index in range(30):
        name = f"train/train-{index:08d}"
        sample = Dataset.open(built).samples("train")[index]
        assert isinstance(sample, Picture)
        lines = label_lines(folder, name)
        assert [line[:5] for line in lines] == label_lines(exported, name)
        for line, labelled in zip(lines, sample.objects, strict=True):
            assert len(line) == 17
            for (x, y), corner in zip(labelled.quad, np.reshape(line[5:], (4, 3)), strict=True):
                if 0 <= x <= 80 and 0 <= y <= 60:
                    assert corner == pytest.approx([x / 80, y / 60, 2], abs=1e-6)
                else:
                    outside += 1
                    assert corner.tolist() == [0, 0, 0]
    assert outside > 0


def test_poses_read_back(built: Path) -> None:
    folder = export_dataset(built, "yolo-pose", built.parent / "pose").folder
    whole = cut = 0
    for row in YoloPose().read(folder):
        sample = Dataset.open(built).samples(row["split"]).row(row["index"])
        for read, made in zip(row["objects"], sample["objects"], strict=True):
            if json.loads(read["attributes"]).get("quad_is_bbox"):
                cut += 1
            else:
                whole += 1
                assert read["quad"] == pytest.approx(made["quad"], abs=1e-4)
            assert read["category"] == made["category"]
    assert whole > 0
    assert cut > 0


def test_what_is_no_yolo_is_refused(exported: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"data\.yaml cannot be read"):
        list(Yolo().read(tmp_path))
    label = exported / "labels" / "train" / "train-00000000.txt"
    for line, why in (("0 0.5 0.5 1", "4 numbers, not 3"), ("9 0 0 1 1", "9"), ("a", "'a'")):
        label.write_text(line)
        with pytest.raises(InputError, match=f"is no label file of this format: .*{why}"):
            list(Yolo().read(exported))
    label.unlink()
    assert next(Yolo().read(exported))["objects"] == []
    (exported / "data.yaml").write_text("{train: ../../etc, names: [a]}")
    with pytest.raises(InputError, match="leads out of"):
        list(Yolo().read(exported))
    (exported / "data.yaml").write_text("{")
    with pytest.raises(InputError, match="is no YAML"):
        list(Yolo().read(exported))
    (exported / "data.yaml").write_text("train: images/train")
    with pytest.raises(InputError, match="has no names"):
        list(Yolo().read(exported))


def test_a_split_that_data_yaml_cannot_hold_is_refused(
    dots_values: dict[str, Any], tmp_path: Path
) -> None:
    dots_values["splits"] = {"names": 2}
    build(parse_recipe(dots_values), tmp_path / "dots", executor="serial")
    with pytest.raises(InputError, match="cannot hold a split called 'names'"):
        export_dataset(tmp_path / "dots", "yolo", tmp_path / "yolo")
