from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seedbed.builder import build
from seedbed.dataset import Dataset
from seedbed.errors import InputError
from seedbed.export import export_dataset
from seedbed.formats.coco import Coco
from seedbed.recipe import parse_recipe
from seedbed.sample import Picture
from seedbed.schema import sample_of


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    values = {
        "name": "odd",
        "seed": 5,
        "generator": {"name": "seedbed_odd:OddPictures", "labels": ["plate", "Ä sign"]},
        "splits": {"train": 30, "val": 6},
    }
    build(parse_recipe(values), tmp_path / "odd", executor="serial")
    export_dataset(tmp_path / "odd", "coco", tmp_path / "coco")
    return tmp_path / "coco"


def read_json(exported: Path, split: str) -> Any:
    return json.loads((exported / "annotations" / f"instances_{split}.json").read_text("utf-8"))


def test_boxes_outlines_and_corners(exported: Path) -> None:
    train = read_json(exported, "train")
    samples = Dataset.open(exported.parent / "odd").samples("train")
    assert [category["name"] for category in train["categories"]] == ["plate", "Ä sign"]
    assert [category["id"] for category in train["categories"]] == [1, 2]
    assert train["categories"] == read_json(exported, "val")["categories"]
    assert train["categories"][0]["keypoints"][0] == "top_left"
    assert [image["file_name"] for image in train["images"]] == [
        f"train-{index:08d}.jpg" for index in range(30)
    ]
    ids = [annotation["id"] for annotation in train["annotations"]]
    assert ids == list(range(1, len(ids) + 1))
    hidden = 0
    for annotation in train["annotations"]:
        sample = samples[annotation["image_id"] - 1]
        assert isinstance(sample, Picture)
        labelled = sample.objects[annotation["attributes"]["number"]]
        assert annotation["bbox"] == pytest.approx(labelled.bbox)
        assert annotation["segmentation"] == [labelled.polygon.reshape(-1).tolist()]
        corners = np.array(annotation["keypoints"]).reshape(4, 3)
        np.testing.assert_array_equal(corners[:, :2], labelled.quad)
        for x, y, visibility in corners:
            assert visibility == (2 if 0 <= x <= 80 and 0 <= y <= 60 else 1)
            hidden += visibility == 1
        assert annotation["area"] <= annotation["bbox"][2] * annotation["bbox"][3]
        assert annotation["attributes"]["text"] == "Ö 1"
    assert hidden > 0


def test_the_area_of_a_square_by_hand(dots_values: dict[str, Any], tmp_path: Path) -> None:
    build(parse_recipe(dots_values), tmp_path / "dots", executor="serial")
    export_dataset(tmp_path / "dots", "coco", tmp_path / "coco")
    annotation = read_json(tmp_path / "coco", "val")["annotations"][0]
    assert (annotation["area"], annotation["bbox"][2:], annotation["iscrowd"]) == (36, [6, 6], 0)
    assert annotation["num_keypoints"] == 4


@pytest.mark.parametrize("kind", ["bbox", "segm", "keypoints"])
def test_a_perfect_prediction_scores_1(exported: Path, kind: str) -> None:
    from faster_coco_eval import COCO, COCOeval_faster

    path = exported / "annotations" / "instances_train.json"
    truth = COCO(str(path))
    predictions = [{**annotation, "score": 1.0} for annotation in truth.dataset["annotations"]]
    judge = COCOeval_faster(
        truth, truth.loadRes(predictions), kind, kpt_oks_sigmas=np.full(4, 0.05)
    )
    judge.evaluate()
    judge.accumulate()
    judge.summarize()
    assert judge.stats[0] == pytest.approx(1.0)


def test_it_reads_back_as_samples(exported: Path) -> None:
    dataset = Dataset.open(exported.parent / "odd")
    read = {row["id"]: row for row in Coco().read(exported)}
    assert len(read) == 36
    for split, index in (("train", 3), ("train", 17), ("val", 5)):
        made, again = dataset.samples(split)[index], sample_of(read[f"{split}-{index:08d}"])
        assert isinstance(made, Picture)
        assert isinstance(again, Picture)
        np.testing.assert_array_equal(made.image, again.image)
        for one, other in zip(made.objects, again.objects, strict=True):
            np.testing.assert_array_equal(one.quad, other.quad)
            np.testing.assert_array_equal(one.polygon, other.polygon)
            assert (one.category, one.text, one.region) == (
                other.category,
                other.text,
                other.region,
            )
            assert one.attributes == other.attributes


def test_files_of_others_are_read_as_far_as_they_go(exported: Path) -> None:
    """No keypoints, an outline in two parts, a run-length coded one: what others write."""
    path = exported / "annotations" / "instances_val.json"
    values = read_json(exported, "val")
    head = {"image_id": 1, "category_id": 1, "bbox": [1, 2, 4, 3], "iscrowd": 0}
    parts = [[0, 0, 1, 0, 1, 1], [0, 0, 4, 0, 4, 3, 0, 3]]
    values["annotations"] = [
        {**head, "id": 1, "segmentation": parts},
        {**head, "id": 2, "segmentation": {"size": [60, 80], "counts": "abc"}},
    ]
    path.write_text(json.dumps(values))
    first = next(row for row in Coco().read(exported) if row["split"] == "val")
    two_parts, coded = first["objects"]
    assert two_parts["polygon"] == parts[1]
    assert two_parts["quad"] == [1, 2, 5, 2, 5, 5, 1, 5]
    assert json.loads(two_parts["attributes"]) == {"quad_is_bbox": True}
    assert coded["polygon"] == [1, 2, 5, 2, 5, 5, 1, 5]
    assert json.loads(coded["attributes"]) == {"quad_is_bbox": True, "polygon_is_bbox": True}


def test_what_is_no_coco_is_refused(exported: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no annotations/instances_\*\.json"):
        list(Coco().read(tmp_path))
    path = exported / "annotations" / "instances_val.json"
    values = read_json(exported, "val")
    values["images"][0]["file_name"] = "../../../secret.jpg"
    path.write_text(json.dumps(values))
    with pytest.raises(InputError, match=r"secret\.jpg' leads out of"):
        list(Coco().read(exported))
    values["images"][0]["file_name"] = "gone.jpg"
    path.write_text(json.dumps(values))
    with pytest.raises(InputError, match=r"gone\.jpg is not there"):
        list(Coco().read(exported))
    path.write_text("{}")
    with pytest.raises(InputError, match="is no COCO file: KeyError"):
        list(Coco().read(exported))
