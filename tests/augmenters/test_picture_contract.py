"""What every picture augmenter keeps to: records, replays, spares its input, takes arrays."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from augmented_dataset import Augmented, loaded_by_two_workers
from augmenter_pictures import scene, textured
from pydantic import ValidationError

from seedbed import registry
from seedbed.augmenters import GaussianBlur, IsoNoise, Rotate
from seedbed.component import Augmenter
from seedbed.errors import InputError
from seedbed.geometry import Bbox
from seedbed.sample import Picture
from seedbed.streams import stream

AUGMENTERS = Path(__file__).parents[2] / "augmenters"

FIELDS: dict[str, dict[str, Any]] = {
    "albumentations-transform": {"transform": "RandomToneCurve"},
    "mixup": {"donors": "DONORS"},
    "cutmix": {"donors": "DONORS"},
}
"""What those need that cannot be built from their defaults."""


def picture_names() -> list[str]:
    return [
        name
        for name in registry.names("augmenters")
        if registry.declared("augmenters")[name].startswith("seedbed.")
        and registry.resolve("augmenters", name).sample_type is Picture
    ]


@pytest.fixture(scope="module")
def donors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("donors")
    for number, name in enumerate(("cat", "dog")):
        (folder / name).mkdir()
        picture = np.roll(textured(90, 120), 20 * number, axis=1)
        cv2.imwrite(str(folder / name / "one.png"), picture)
    return folder


def build(name: str, donors: Path) -> Augmenter[Any, Picture]:
    fields = {
        key: str(donors) if value == "DONORS" else value
        for key, value in FIELDS.get(name, {}).items()
    }
    made: Augmenter[Any, Picture] = registry.resolve("augmenters", name)(**fields)
    return made


def test_every_augmenter_file_is_an_entry_point_and_named_as_its_class() -> None:
    declared = registry.declared("augmenters")
    for path in sorted(AUGMENTERS.glob("*.py")):
        class_name = "".join(word.capitalize() for word in path.stem.split("_"))
        if f"\nclass {class_name}(" not in path.read_text() or path.stem in ("picture", "sound"):
            continue
        name = path.stem.replace("_", "-")
        assert declared.get(name) == f"seedbed.augmenters.{path.stem}:{class_name}"


@pytest.mark.parametrize("name", picture_names())
def test_it_records_what_it_drew_and_replays_to_the_same_bytes(name: str, donors: Path) -> None:
    augmenter = build(name, donors)
    augmenter.prepare()
    sample = scene(text="" if name == "flip" else "AB12")
    if name == "flip":
        sample = Picture(image=sample.image)
    before = sample.image.copy()
    for index in range(2):
        made, drawn = augmenter.augment(sample, stream(1, name, index))
        again, same = augmenter.augment(sample, stream(1, name, index))
        stored = json.loads(json.dumps(drawn, allow_nan=False))
        replayed = augmenter.replay(sample, stored)
        assert same == drawn
        assert np.array_equal(made.image, again.image)
        assert np.array_equal(made.image, replayed.image)
        assert _labels(made) == _labels(replayed) == _labels(again)
        assert made.counts == replayed.counts
        assert made.image.dtype == np.uint8
        assert made.image.flags.c_contiguous
    assert np.array_equal(sample.image, before)


def _labels(sample: Picture) -> Any:
    return [
        (one.bbox, one.quad.tolist(), one.polygon.tolist(), one.occlusion, one.legible,
         one.illegible_reason, [c.visible for c in one.characters], dict(one.attributes))
        for one in sample.objects
    ]  # fmt: skip


@pytest.mark.parametrize("name", picture_names())
def test_it_takes_small_and_odd_pictures(name: str, donors: Path) -> None:
    augmenter = build(name, donors)
    assert augmenter.keeps_size is (name != "crop")
    for height, width in ((33, 47), (1, 1), (2, 300)):
        made = augmenter.augment_image(textured(height, width), stream(2, name))
        assert made.image.shape == (height, width, 3) or not augmenter.keeps_size
        assert made.boxes.shape == (0, 4)


@pytest.mark.parametrize("name", picture_names())
def test_probability_nought_changes_nothing(name: str, donors: Path) -> None:
    augmenter = build(name, donors).model_copy(update={"probability": 0.0})
    sample = scene()
    made, drawn = augmenter.augment(sample, stream(3, name))
    assert made is sample
    assert drawn is None


@pytest.mark.parametrize("name", picture_names())
def test_its_ranges_refuse_what_is_reversed_out_of_reach_or_not_finite(
    name: str, donors: Path
) -> None:
    cls = type(build(name, donors))
    fixed = build(name, donors).model_dump()
    for field, value in fixed.items():
        if not (isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], int | float)):
            continue
        for wrong in ([value[1] + 1, value[0]], [-1e9, 1e9], [value[0], float("nan")]):
            with pytest.raises(ValidationError):
                cls(**{**fixed, field: wrong})


def test_bare_arrays_and_boxes_come_back_with_what_was_kept() -> None:
    boxes = [[10.0, 10.0, 20.0, 10.0], [140.0, 100.0, 40.0, 20.0]]
    turned = Rotate(angle_deg=(90, 90), fill="black", min_visible=0.5).augment_image(
        textured(), stream(0), boxes
    )
    # A quarter turn about (160, 120) takes (140..180, 100..120) to (160..180, 100..140), and
    # the other box, to the left of x = 40, above the frame.
    assert turned.kept.tolist() == [1]
    assert np.allclose(turned.boxes, [[160, 100, 20, 40]])
    same = IsoNoise().augment_image(textured(), stream(0), boxes)
    assert np.allclose(same.boxes, boxes)
    assert same.kept.tolist() == [0, 1]
    assert GaussianBlur().augment_image(textured(), stream(0)).boxes.shape == (0, 4)


@pytest.mark.parametrize(
    ("image", "boxes", "sentence"),
    [
        (np.zeros((4, 4), np.uint8), None, r"must have the shape \(height, width, 3\)"),
        (np.zeros((4, 4, 3), np.float32), None, "must be uint8 from 0 to 255, got float32"),
        (np.zeros((0, 4, 3), np.uint8), None, "must not be empty"),
        ("photo.jpg", None, "got str"),
        (textured(), [1, 2, 3, 4], r"boxes must have the shape \(n, 4\)"),
        (textured(), [[0, 0, np.nan, 4]], "box 0 must be finite"),
        (textured(), [[0, 0, 5, 5], [4, 4, 0, 2]], "box 1 must have a positive width"),
        (textured(), [[300, 200, 30, 10]], "box 0 must lie inside the picture of 320x240"),
    ],
)
def test_arrays_and_boxes_that_cannot_be_used_are_refused(
    image: Any, boxes: Any, sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        GaussianBlur().augment_image(image, stream(0), boxes)


def test_boxes_never_leave_the_frame() -> None:
    boxes = [[0.0, 0.0, 320.0, 240.0], [150.0, 110.0, 30.0, 20.0]]
    for name in ("rotate", "perspective", "shear", "translate", "scale", "lens-distortion"):
        augmenter = registry.resolve("augmenters", name)()
        for index in range(5):
            made = augmenter.augment_image(textured(), stream(5, name, index), boxes)
            for x, y, width, height in made.boxes.tolist():
                _inside((x, y, width, height))


def _inside(box: Bbox) -> None:
    assert box[0] >= -1e-6
    assert box[1] >= -1e-6
    assert box[0] + box[2] <= 320 + 1e-6
    assert box[1] + box[3] <= 240 + 1e-6


# Torch says so on a machine of one core.
@pytest.mark.filterwarnings("ignore:This DataLoader will create")
def test_a_torch_dataset_can_wrap_one() -> None:
    wrapped = Augmented([scene("AB12"), scene("CD34")] * 2, Rotate())
    fetched = loaded_by_two_workers(wrapped)
    assert [sample.objects[0].text for sample in fetched] == ["AB12", "CD34", "AB12", "CD34"]
    for index, sample in enumerate(fetched):
        assert np.array_equal(sample.image, wrapped[index].image)
        assert _labels(sample) == _labels(wrapped[index])
    # Every index has a stream of its own, so the same scene comes back otherwise.
    assert not np.array_equal(fetched[0].image, fetched[2].image)


def test_an_everyday_camera_needs_no_albumentations_and_no_network() -> None:
    lines = (
        "import sys, socket\n"
        "socket.socket.connect = None\n"
        "import numpy as np\n"
        "from seedbed.augmenters import GaussianBlur, IsoNoise, JpegCompression\n"
        "image = np.zeros((8, 8, 3), np.uint8)\n"
        "for cls in (GaussianBlur, IsoNoise, JpegCompression):\n"
        "    cls().augment_image(image, np.random.default_rng(0))\n"
        "assert 'albumentations' not in sys.modules\n"
        "from seedbed.augmenters import Posterise\n"
        "Posterise().augment_image(image, np.random.default_rng(0))\n"
        "assert 'albumentations' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", lines], check=True, timeout=60)
