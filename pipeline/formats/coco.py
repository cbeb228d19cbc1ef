"""COCO: one JSON file a split, as pycocotools, faster-coco-eval and detection libraries read.

    images/train/train-00000000.jpg
    annotations/instances_train.json

Lin et al., "Microsoft COCO: common objects in context", 2014; the keys are those of
"Data format" on cocodataset.org. A quad is written as four keypoints.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, ClassVar

import numpy as np

from seedbed.errors import InputError
from seedbed.formats.format import (
    CORNERS,
    Format,
    ReadObject,
    Source,
    json_text,
    media_of,
    path_inside,
    picture_row,
    safe_name,
)
from seedbed.geometry import Points, polygon_area
from seedbed.schema import Row

NOT_LABELLED, HIDDEN, VISIBLE = 0, 1, 2
"""COCO's visibility flags; a corner outside the frame is labelled, but cannot be seen."""

SKELETON = [[1, 2], [2, 3], [3, 4], [4, 1]]

FIELDS = (
    "text",
    "text_plain",
    "layout",
    "region",
    "line_count",
    "occlusion",
    "legible",
    "illegible_reason",
)
"""What an annotation keeps of an object under `attributes`, beside the object's own."""

DECIMALS = 3


class Coco(Format):
    """COCO detection, segmentation and keypoints: `images/SPLIT`, `annotations/*.json`."""

    sample_type: ClassVar[str] = "picture"

    def write(self, source: Source, folder: Path) -> None:
        """As `Format.write`, in constant memory: images are spilled and appended."""
        categories = {label: number for number, label in enumerate(source.labels(), start=1)}
        head = {
            "info": {
                "description": f"{source.info['name']}, made by seedbed",
                "version": source.info["hash"],
            },
            "licenses": [],
            "categories": [
                {
                    "id": number,
                    "name": label,
                    "supercategory": "",
                    "keypoints": list(CORNERS),
                    "skeleton": SKELETON,
                }
                for label, number in categories.items()
            ],
        }
        (folder / "annotations").mkdir()
        for split in source.splits:
            name = safe_name(split)
            pictures = folder / "images" / name
            pictures.mkdir(parents=True)
            target = folder / "annotations" / f"instances_{name}.json"
            with (
                target.open("w", encoding="utf-8") as file,
                TemporaryFile("w+", encoding="utf-8", dir=folder) as images,
            ):
                file.write(json_text(head)[:-1] + ', "annotations": [')
                annotation_id = 0
                for image_id, row in enumerate(source.rows(split), start=1):
                    file_name, media = media_of(row)
                    (pictures / file_name).write_bytes(media)
                    image = {
                        "id": image_id,
                        "file_name": file_name,
                        "width": row["width"],
                        "height": row["height"],
                    }
                    images.write(("\n" if image_id == 1 else ",\n") + json_text(image))
                    for labelled in row["objects"]:
                        annotation_id += 1
                        annotation = {
                            "id": annotation_id,
                            "image_id": image_id,
                            "category_id": categories[labelled["category"]],
                            **_shapes(labelled, row["width"], row["height"]),
                        }
                        file.write(("\n" if annotation_id == 1 else ",\n") + json_text(annotation))
                file.write('\n], "images": [')
                images.seek(0)
                shutil.copyfileobj(images, file)
                file.write("\n]}\n")

    def read(self, folder: Path) -> Iterator[Row]:
        """As `Format.read`; of an outline in several parts the largest is taken."""
        files = sorted((folder / "annotations").glob("instances_*.json"))
        if not files:
            raise InputError(f"{folder} holds no annotations/instances_*.json.")
        for path in files:
            split = path.stem.removeprefix("instances_")
            try:
                values = json.loads(path.read_text(encoding="utf-8"))
                yield from _rows(folder / "images" / split, split, values)
            except (KeyError, TypeError, ValueError) as error:
                raise InputError(f"{path} is no COCO file: {error!r}.") from error


def _shapes(labelled: Row, width: int, height: int) -> dict[str, Any]:
    """An object's box, outline, corners and attributes under COCO's keys."""
    polygon = np.array(labelled["polygon"]).reshape(-1, 2)
    area = polygon_area(polygon) or labelled["bbox"][2] * labelled["bbox"][3]
    keypoints: list[float] = []
    for x, y in np.array(labelled["quad"]).reshape(-1, 2).tolist():
        inside = 0 <= x <= width and 0 <= y <= height
        keypoints += [x, y, VISIBLE if inside else HIDDEN]
    return {
        "bbox": labelled["bbox"],
        "area": round(area, DECIMALS),
        "iscrowd": 0,
        "segmentation": [labelled["polygon"]] if len(polygon) >= 3 else [],
        "keypoints": keypoints,
        "num_keypoints": len(keypoints) // 3,
        "attributes": {
            **json.loads(labelled["attributes"]),
            **{key: labelled[key] for key in FIELDS},
        },
    }


def _rows(pictures: Path, split: str, values: Mapping[str, Any]) -> Iterator[Row]:
    names = {category["id"]: category["name"] for category in values["categories"]}
    found: dict[Any, list[ReadObject]] = {}
    for annotation in values["annotations"]:
        kept = dict(annotation.get("attributes", {}))
        fields = {key: kept.pop(key) for key in FIELDS if key in kept}
        x, y, width, height = annotation["bbox"]
        found.setdefault(annotation["image_id"], []).append(
            ReadObject(
                category=names[annotation["category_id"]],
                bbox=(x, y, width, height),
                quad=_quad(annotation.get("keypoints", [])),
                polygon=_outline(annotation.get("segmentation", [])),
                fields=fields,
                attributes=kept,
            )
        )
    for index, image in enumerate(values["images"]):
        path = path_inside(pictures, image["file_name"])
        if not path.is_file():
            raise InputError(f"{path} is not there, though the COCO file names it.")
        size = (image["width"], image["height"])
        yield picture_row(path, split, index, size, found.get(image["id"], []))


def _quad(keypoints: list[float]) -> Points | None:
    """Four labelled keypoints as a quad, or None."""
    points = np.array(keypoints, np.float64).reshape(-1, 3)
    return points[:, :2] if len(points) == 4 and (points[:, 2] > NOT_LABELLED).all() else None


def _outline(segmentation: Any) -> Points | None:
    """The largest part of an outline; None where there is none or it is run-length coded."""
    if not isinstance(segmentation, list) or not segmentation:
        return None
    parts = [np.array(part, np.float64).reshape(-1, 2) for part in segmentation]
    return max(parts, key=polygon_area)
