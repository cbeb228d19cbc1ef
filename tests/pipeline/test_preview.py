from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from seedbed.errors import InputError
from seedbed.geometry import bounding_box, rectangle
from seedbed.preview import (
    CAPTION_PX,
    GAP_PX,
    dataset_samples,
    picture_sheet,
    preview_samples,
    write_picture,
)
from seedbed.recipe import parse_recipe
from seedbed.sample import Character, LabelledObject, Picture

GREEN, RED = (80, 255, 120), (255, 90, 80)


def picture(legible: bool) -> Picture:
    quad = rectangle(10, 5, 20, 10)
    plate = LabelledObject(
        category="plate",
        bbox=(8, 4, 24, 14),
        quad=quad,
        polygon=quad,
        text="ÄB 1",
        legible=legible,
        illegible_reason="" if legible else "small",
    )
    return Picture(image=np.zeros((60, 80, 3), np.uint8), objects=(plate,))


@pytest.mark.parametrize(("legible", "colour"), [(True, GREEN), (False, RED)])
def test_boxes_stand_where_the_label_says(legible: bool, colour: tuple[int, int, int]) -> None:
    sheet = picture_sheet([picture(legible)], ["train 0"])
    # Drawn three times as large, below the caption.
    assert sheet.shape == (60 * 3 + CAPTION_PX + 2 * GAP_PX, 80 * 3 + 2 * GAP_PX, 3)
    drawn = sheet[GAP_PX + CAPTION_PX :, GAP_PX:]
    assert tuple(drawn[4 * 3, 9 * 3]) == colour
    assert tuple(drawn[18 * 3, 9 * 3]) == colour
    assert tuple(drawn[10 * 3, 8 * 3]) == colour
    assert tuple(drawn[10 * 3, 50 * 3]) == (0, 0, 0)


def test_characters_are_outlined_only_where_they_can_be_read_inside() -> None:
    def characters(height: float, turned: bool) -> NDArray[np.uint8]:
        quad = rectangle(0, 0, 4, height)
        if turned:
            quad = quad @ np.array([[0.6, 0.8], [-0.8, 0.6]])
        quad = quad + np.array([20.0, 20.0])
        one = Character(text="A", quad=quad, bbox=bounding_box(quad), visible=1.0)
        shown = picture(True)
        labelled = replace(shown.objects[0], characters=(one,))
        sheet = picture_sheet([replace(shown, objects=(labelled,))], ["train 0"])
        return sheet[GAP_PX + CAPTION_PX :, GAP_PX:]

    def blue(drawn: NDArray[np.uint8]) -> NDArray[np.bool_]:
        return (drawn[..., 2] > 140) & (drawn[..., 0] < 60)

    # Three times as large: 30 px high is outlined, 15 px is not. 5 x 4 turned by 53 degrees
    # stands in a box 19 px high, and is as small as before.
    tall = characters(10, turned=False)
    rows, columns = np.nonzero(blue(tall))
    assert (rows.min(), rows.max()) == (20 * 3, 30 * 3)
    assert (columns.min(), columns.max()) == (20 * 3, 24 * 3)
    # Half transparent over the black picture: 150 parts of 255 of the outline's blue.
    assert tall[25 * 3, 20 * 3].tolist() == pytest.approx([53, 112, 150], abs=1)
    assert not blue(characters(5, turned=False)).any()
    assert not blue(characters(5, turned=True)).any()


def test_samples_are_shared_out_over_splits() -> None:
    values = {
        "name": "d",
        "seed": 0,
        "generator": {"name": "seedbed_dots:Dots"},
        "splits": {"train": 8, "val": 4},
    }
    samples, captions = preview_samples(parse_recipe(values), 3)
    assert captions == ["train 0", "train 1", "val 0"]
    assert len(samples) == 3


def test_datasets_are_sampled_evenly(tmp_path: Path) -> None:
    from seedbed.builder import build
    from seedbed.dataset import Dataset

    values = {
        "name": "d",
        "seed": 0,
        "generator": {"name": "seedbed_dots:Dots"},
        "splits": {"train": 8, "val": 4},
    }
    build(parse_recipe(values), tmp_path / "d", executor="serial")
    _, captions = dataset_samples(Dataset.open(tmp_path / "d"), 6)
    assert captions == ["train 0", "train 2", "train 4", "train 6", "val 0", "val 2"]
    values["splits"] = {"train": 8, "val": 2, "test": 2}
    build(parse_recipe(values), tmp_path / "e", executor="serial")
    # 8 of 12 are 5.33, 1.33 and 1.33: rounded one by one they would be 7. There are only 12.
    counts = {n: len(dataset_samples(Dataset.open(tmp_path / "e"), n)[0]) for n in (1, 8, 30)}
    assert counts == {1: 1, 8: 8, 30: 12}


def test_a_sheet_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"cannot write .*a\.png: "):
        write_picture(np.zeros((2, 2, 3), np.uint8), tmp_path / "file" / "a.png")
