"""Crops keep their plate, and their labels follow the cut."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from seedbed.generators import PlateCrop
from seedbed.generators.plate_scene import PlateScene

SCENE = PlateScene(
    width=448,
    height=256,
    layouts=("de", "br-old"),
    plate_counts=(0.0, 1.0),
    plate_width_px=(60.0, 320.0),
    bystander_rate=0.0,
    decoy_rate=0.0,
    cut_rate=0.0,
)


def test_every_crop_holds_one_plate_at_the_fixed_size() -> None:
    for sample in PlateCrop(scene=SCENE).samples(seed=0, count=12):
        assert sample.image.shape == (64, 256, 3)
        (plate,) = sample.objects
        assert len(plate.text_plain) >= 3
        centre = plate.quad.mean(axis=0)
        assert 64 < centre[0] < 192
        assert 16 < centre[1] < 48


def test_a_rectified_cut_without_errors_puts_the_quad_on_the_frame() -> None:
    crop = PlateCrop(scene=SCENE, rectified_rate=1.0, corner_error=0.0, margin=(0.0, 0.0))
    plate = crop.sample(seed=4).objects[0]
    corners = np.array([[0, 0], [256, 0], [256, 64], [0, 64]])
    assert plate.quad == pytest.approx(corners, abs=1e-3)
    tops = [character.quad[0, 0] for character in plate.characters]
    assert tops == sorted(tops)


def test_margins_grow_the_cut() -> None:
    crop = PlateCrop(scene=SCENE, rectified_rate=1.0, corner_error=0.0, margin=(0.5, 0.5))
    plate = crop.sample(seed=4).objects[0]
    # Half the plate's width on each side: the plate takes the middle half.
    assert plate.quad[0] == pytest.approx([64, 16], abs=1e-3)
    assert plate.quad[2] == pytest.approx([192, 48], abs=1e-3)


def test_a_few_settings_of_the_scene_leave_the_crops_others_as_they_are() -> None:
    crop = PlateCrop(scene={"layouts": ["de"], "decoy_rate": 0.5})  # type: ignore[arg-type]
    assert crop.scene == PlateCrop().scene.model_copy(
        update={"layouts": ("de",), "decoy_rate": 0.5}
    )
    assert (crop.scene.width, crop.scene.height) == (448, 256)
    assert crop.scene.plate_counts == (0.0, 1.0)
    # A scene that is given whole stays as it is.
    assert PlateCrop(scene=PlateScene()).scene == PlateScene()


def test_a_crop_replays() -> None:
    crop = PlateCrop(scene=SCENE)
    sample = crop.sample(seed=8)
    assert np.array_equal(crop.replay(sample.params).image, sample.image)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"margin": (0.5, -3)}, "from low to high"),
        ({"margin": (0, 900)}, "between 0 and 2"),
        ({"scene": {"plate_counts": (1.0, 0.0)}}, "weight to scenes with a plate"),
    ],
)
def test_impossible_fields_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        PlateCrop(**fields)
