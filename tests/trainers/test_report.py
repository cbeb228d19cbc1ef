"""`report.html`: the confusion matrix and the filters are those of the run."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from seedbed.geometry import rectangle
from seedbed.sample import LabelledObject, Picture
from seedbed.trainers.evaluate import evaluate
from seedbed.trainers.feature_maps import seen_items
from seedbed.trainers.report import write_report
from seedbed.trainers.runs import Trained, load_trained, save_weights
from seedbed.trainers.sources import open_source
from seedbed.trainers.task import make_task

SETTINGS = {
    "classes": ["black", "grey", "white"],
    "width": 16,
    "height": 16,
    "arch": "F2@1x1 > R > gap",
    "flip": False,
}


def make_run(folder: Path, task_name: str, settings: dict[str, Any], **weights: Any) -> Trained:
    """A run without training, some of its weights set by hand."""
    folder.mkdir(parents=True)
    task = make_task(task_name, settings)
    network = task.network(0)
    state = network.state_dict()
    for name, value in weights.items():
        state[name.replace("__", ".")].copy_(torch.tensor(value))
    save_weights(folder / "best.safetensors", task, state, {"step": 1})
    (folder / "config.yaml").write_text(f"task: {task_name}\n")
    return load_trained(folder)


def picture_in(page: str, alt: str) -> np.ndarray[Any, np.dtype[np.uint8]]:
    coded = re.search(rf'alt="{alt}" src="data:image/png;base64,([^"]+)"', page)
    assert coded is not None
    bgr = cv2.imdecode(np.frombuffer(base64.b64decode(coded[1]), np.uint8), cv2.IMREAD_COLOR)
    return bgr[..., ::-1]


@pytest.fixture
def greys(tmp_path: Path) -> Path:
    """Folders of pictures: three black, two grey, one white."""
    for name, level, count in (("black", 0, 3), ("grey", 128, 2), ("white", 255, 1)):
        (tmp_path / "data" / "test" / name).mkdir(parents=True)
        for number in range(count):
            path = tmp_path / "data" / "test" / name / f"{number}.png"
            cv2.imwrite(str(path), np.full((16, 16, 3), level, np.uint8))
    return tmp_path / "data"


def test_the_confusion_matrix_and_the_filters_of_a_classifier(tmp_path, greys):
    # The first filter answers 1 for white and 0 from the middle grey down; black or white it is.
    trained = make_run(
        tmp_path / "run",
        "classify",
        SETTINGS,
        features__layers__conv1__weight=[[[[0.6]], [[0.6]], [[0.6]]], [[[0.5]], [[0.0]], [[-0.5]]]],
        features__layers__conv1__bias=[0.0, 0.0],
        head__weight=[[-1.0, 0.0], [0.0, 0.0], [1.0, 0.0]],
        head__bias=[0.1, -9.0, 0.0],
    )
    found = evaluate(trained, open_source(str(greys), "test", 0), "greys")
    assert found.classes == ("black", "grey", "white")
    # Grey of 128 is 0.502 - 0.5: its answer is nearly that of black.
    assert [list(row) for row in found.confusion] == [[3, 0, 0], [2, 0, 0], [0, 0, 1]]
    assert found.values()["confusion"] == [[3, 0, 0], [2, 0, 0], [0, 0, 1]]
    page = write_report(tmp_path / "run", {"greys": found}).read_text()
    table = re.search(r'<table class="confusion">(.*?)</table>', page, re.DOTALL)
    assert table is not None
    rows = re.findall(r"<tr>(.*?)</tr>", table[1], re.DOTALL)
    cells = [re.findall(r"rgba\((.*?)\)\">(\d*)<", row) for row in rows[1:]]
    assert cells[0] == [("37, 99, 201, 1.000", "3"), ("201, 60, 37, 0.000", ""),
                        ("201, 60, 37, 0.000", "")]  # fmt: skip
    assert cells[1][0] == ("201, 60, 37, 1.000", "2")
    # One weight is one cell in its colour: 0.6 of 0.6 is full, 0 is the middle, -0.5 nearly dark.
    sheet = picture_in(page, "filters")
    colours = {tuple(pixel) for pixel in sheet.reshape(-1, 3).tolist()}
    assert (255, 255, 255) in colours
    assert (234, 128, 21) in colours
    assert "2 x 3 x 1 x 1, red, green and blue" in page
    # Black is -0.5 in each colour: 0.6 * 3 * -0.5, and (0.5 - 0.5) * -0.5.
    (layer,) = found.seen[0].layers
    assert layer.maps.shape == (2, 16, 16)
    assert np.allclose(layer.maps[0], -0.9)
    assert np.allclose(layer.maps[1], 0.0)
    assert "features.layers.conv1: 2 x 16 x 16" in page
    assert picture_in(page, "feature maps").shape[:2] == (96 + 4, 2 * (96 + 2) + 2)
    assert page.count('alt="item"') == 2


def test_filters_on_one_channel_are_red_and_blue(tmp_path):
    make_run(
        tmp_path / "run",
        "listen",
        {"labels": ["low", "high"], "arch": "F2@1x1 > R > gap", "augmenters": [], "other": True},
        features__layers__conv1__weight=[[[[1.0]]], [[[-0.5]]]],
    )
    page = write_report(tmp_path / "run", {}).read_text()
    assert "Feature maps" not in page
    assert "red above zero, blue below" in page
    colours = {tuple(pixel) for pixel in picture_in(page, "filters").reshape(-1, 3).tolist()}
    assert {(255, 0, 0), (128, 128, 255)} <= colours


def test_a_network_without_filters_has_none_in_its_report(tmp_path, greys):
    settings = {**SETTINGS, "arch": "flatten > FC4 > R"}
    trained = make_run(tmp_path / "run", "classify", settings, head__bias=[0.0, 0.0, 0.0])
    page = write_report(tmp_path / "run", {}).read_text()
    assert "Filters" not in page
    assert 'class="confusion"' not in page
    found = evaluate(trained, open_source(str(greys), "test", 0), "greys")
    assert "Feature maps" not in write_report(tmp_path / "run", {"greys": found}).read_text()


def test_maps_are_those_of_the_first_and_the_last_filters(tmp_path):
    arch = "F2@1x1 > R > F4@3x3 > R > P2 > F3@3x3 > R > gap"
    trained = make_run(tmp_path / "run", "classify", {**SETTINGS, "arch": arch})
    image = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    corners = rectangle(0, 0, 16, 16)
    thing = LabelledObject(category="grey", bbox=(0, 0, 16, 16), quad=corners, polygon=corners)
    item = trained.task.items(Picture(image=image, objects=(thing,)), "a")[0]
    (seen,) = seen_items(trained, [item])
    assert [one.layer for one in seen.layers] == ["features.layers.conv1", "features.layers.conv3"]
    inputs = torch.from_numpy(seen.picture)[None] / 255 - 0.5
    expected = trained.network.features.feature_maps(inputs)
    for one, name in zip(seen.layers, ("conv1", "conv3"), strict=True):
        np.testing.assert_allclose(one.maps, expected[name][0].numpy(), atol=1e-5)
    # The hooks are gone again.
    assert not trained.network._forward_hooks


def test_inputs_that_l1_has_left_are_listed(tmp_path):
    make_run(
        tmp_path / "run",
        "classify",
        SETTINGS,
        head__weight=[[0.0, 0.2], [0.0, -0.3], [0.0, 0.0]],
        features__layers__conv1__weight=[[[[0.5]], [[0.0]], [[0.1]]], [[[0.0]], [[0.0]], [[0.2]]]],
    )
    (tmp_path / "run" / "config.yaml").write_text(
        "task: classify\nfit: {steps: 1, regularise: [{on: weights, l1: 0.1}]}\n"
    )
    page = write_report(tmp_path / "run", {}).read_text()
    rows = re.findall(r"<td>([\w.]+)</td><td class=\"n\">(.*?)</td><td>(.*?)</td>", page)
    assert rows == [
        ("features.layers.conv1", "2 of 3", "channel 0, channel 2"),
        ("head", "1 of 2", "input 1"),
    ]
