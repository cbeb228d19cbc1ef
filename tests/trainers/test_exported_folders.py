"""A dataset that was exported is evaluated as the dataset itself."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile
import torch
from plate_settings import LOCATE, READ
from torch import nn

from seedbed.dataset import Dataset
from seedbed.errors import InputError
from seedbed.export import export_dataset
from seedbed.sample import Clip, Picture
from seedbed.trainers.evaluate import Evaluation, evaluate
from seedbed.trainers.exported_folders import format_of
from seedbed.trainers.locate import Locate, LocateItem
from seedbed.trainers.quads import make_targets
from seedbed.trainers.runs import Trained
from seedbed.trainers.sources import DatasetSource, open_source
from seedbed.trainers.task import make_task

SETTINGS = {**LOCATE, "scales": [1.0], "refine_width_px": 0}


class Seer(nn.Module):
    """Answers with the plates of the pictures it knows, 3 px too far right, every third missed."""

    def __init__(self, items: list[LocateItem]) -> None:
        super().__init__()
        self.head = nn.Linear(1, 1)
        self.answers: dict[bytes, torch.Tensor] = {}
        count = 0
        for item in items:
            image = item.image()
            shown = []
            for quad in item.plates:
                count += 1
                if count % 3:
                    shown.append(quad + np.array([3.0, 0.0]))
            targets = make_targets(shown, [], *image.shape[:2])
            heat = np.clip(targets.heat, 1e-4, 0.9)
            maps = np.concatenate([np.log(heat / (1 - heat)), targets.offsets])
            self.answers[image.tobytes()] = torch.from_numpy(maps)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return torch.stack([self.answers[one.numpy().tobytes()] for one in pictures])


@pytest.fixture(scope="module")
def seer(plates: Path) -> Trained:
    task = make_task("locate", SETTINGS)
    assert isinstance(task, Locate)
    samples = Dataset.open(plates).samples("train")
    items = [item for sample in samples for item in task.items(sample, "x")]
    return Trained(task, Seer(items).eval(), {}, Path("nowhere"))


class AllLegible(DatasetSource):
    """A dataset as YOLO tells it: a plate that cannot be read is a plate."""

    def sample(self, index: int) -> Picture:
        sample = super().sample(index)
        assert isinstance(sample, Picture)
        objects = [replace(one, legible=True) for one in sample.objects]
        return replace(sample, objects=tuple(objects))


def evaluated(seer: Trained, folder: Path) -> Evaluation:
    return evaluate(seer, open_source(str(folder), "train", 0), str(folder))


def exported(plates: Path, folder: Path, name: str) -> Path:
    return export_dataset(plates, name, folder / name).folder


def test_coco_gives_the_datasets_metrics(plates: Path, tmp_path: Path, seer: Trained) -> None:
    own = evaluated(seer, plates)
    assert 0.5 < own.metrics["recall"] < 0.75
    assert own.metrics["corner_error_px"] == pytest.approx(3.0, abs=0.5)
    assert own.metrics["ap50"] > 0.5
    found = evaluated(seer, exported(plates, tmp_path, "coco"))
    assert found.items == own.items == 12
    assert found.metrics == own.metrics


def test_yolo_gives_the_datasets_metrics(plates: Path, tmp_path: Path, seer: Trained) -> None:
    source = AllLegible(Dataset.open(plates), "train")
    own = dict(evaluate(seer, source, "plates").metrics)
    posed = evaluated(seer, exported(plates, tmp_path, "yolo-pose"))
    # YOLO writes shares of the picture with seven decimals.
    assert dict(posed.metrics) == pytest.approx(own, abs=1e-4)
    boxed = dict(evaluated(seer, exported(plates, tmp_path, "yolo")).metrics)
    # Widths are those of boxes, and boxes have no corners to err at.
    kept = ("recall", "precision", "false_per_picture", "ap50", "ap50_95")
    assert {name: boxed[name] for name in kept} == pytest.approx(
        {name: own[name] for name in kept}, abs=1e-4
    )
    assert "corner_error_px" not in boxed


def test_coco_keeps_texts_for_reading(plates: Path, tmp_path: Path) -> None:
    task = make_task("read", READ)
    folder = exported(plates, tmp_path, "coco")
    texts = []
    for where in (plates, folder):
        source = open_source(str(where), "val", 0)
        samples = [source.sample(n) for n in range(len(source))]
        items = [item for sample in samples for item in task.items(sample, "x")]
        texts.append([(item.text, item.layout, item.quad.tolist()) for item in items])
    assert texts[0] == texts[1] != []


def test_splits_of_a_format(plates: Path, tmp_path: Path) -> None:
    folder = exported(plates, tmp_path, "yolo")
    assert len(open_source(str(folder), "val", 0)) == 4
    everything = open_source(str(folder), "all", 0)
    assert len(everything) == 16
    assert everything.name(0) == "train/train-00000000.jpg"
    described = {"folder": str(folder), "format": "yolo", "split": "all", "samples": 16}
    digest = everything.described["digest"]
    assert everything.described == {**described, "digest": digest}
    assert open_source(str(folder), "all", 0).described["digest"] == digest
    assert open_source(str(folder), "val", 0).described["digest"] != digest
    with pytest.raises(InputError, match=r"has no split 'test' \(it has: train, val\)"):
        open_source(str(folder), "test", 0)
    (folder / "data.yaml").write_text("names: [person]\nkpt_shape: [17, 3]\n")
    with pytest.raises(InputError, match=r"kpt_shape must be \[4, 3\]"):
        format_of(folder)


def test_a_manifest_of_sounds_is_a_source(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(800), 8000)
    line = {"audio_filepath": "a.wav", "duration": 0.1, "text": "one two", "label": "digits"}
    (tmp_path / "test_manifest.json").write_text(json.dumps(line) + "\n")
    sample = open_source(str(tmp_path), "test", 0).sample(0)
    assert isinstance(sample, Clip)
    assert (sample.label, sample.transcript, sample.sample_rate) == ("digits", "one two", 8000)


def test_a_folder_with_a_list_of_labels(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((20, 30, 3), np.uint8))
    (tmp_path / "cats").mkdir()
    cv2.imwrite(str(tmp_path / "cats" / "b.png"), np.zeros((20, 30, 3), np.uint8))
    rows = [
        {"image": "a.png", "plates": [{"box": [1, 2, 10, 5], "text": "A1"}]},
        {"image": "cats/b.png", "label": "cat"},
    ]
    (tmp_path / "labels.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    source = open_source(str(tmp_path), "all", 0)
    first, second = source.sample(0), source.sample(1)
    assert isinstance(first, Picture) and isinstance(second, Picture)
    assert first.objects[0].attributes == {"quad_is_bbox": True}
    assert (second.objects[0].category, second.objects[0].bbox) == ("cat", (0, 0, 30, 20))
    (tmp_path / "labels.jsonl").write_text('{"image": "a.png"}\n')
    with pytest.raises(InputError, match=r"line 1 must look like .* or .*label"):
        open_source(str(tmp_path), "all", 0)
