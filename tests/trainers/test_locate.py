from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from plate_settings import LOCATE
from torch import nn

from seedbed.errors import InputError
from seedbed.geometry import rectangle
from seedbed.sample import LabelledObject, Picture
from seedbed.trainers.locate import (
    COARSEST,
    REFINE_SIZE_PX,
    Locate,
    LocateSettings,
    _crop,
    focal_loss,
    padded_picture,
)
from seedbed.trainers.quads import MAPS, STRIDE, make_targets
from seedbed.trainers.task import make_task


def locate() -> Locate:
    return Locate(LocateSettings.model_validate_json(json.dumps(LOCATE)))


def plate(x: float, legible: bool = True, reason: str = "") -> LabelledObject:
    quad = rectangle(x, 40, 60, 16)
    return LabelledObject(
        category="plate",
        bbox=(x, 40, 60, 16),
        quad=quad,
        polygon=quad,
        text="A1",
        legible=legible,
        illegible_reason=reason,
    )


def test_what_cannot_be_read_for_its_size_is_ignored():
    image = np.zeros((128, 192, 3), dtype=np.uint8)
    objects = (plate(10), plate(80, False, "small"), plate(120, False, "contrast"))
    (item,) = locate().items(Picture(image=image, objects=objects), "x")
    assert len(item.plates) == 2
    assert len(item.ignored) == 1


def test_an_example_shows_the_plate_where_its_targets_say():
    image = np.zeros((128, 192, 3), dtype=np.uint8)
    image[40:56, 60:120] = 255
    (item,) = locate().items(Picture(image=image, objects=(plate(60),)), "x")
    seen = 0
    for seed in range(8):
        example = locate().example(item, np.random.default_rng(seed))
        assert example["inputs"].shape == (128, 128, 3)
        for row, column in zip(*np.nonzero(example["heat"][0] == 1), strict=True):
            assert example["inputs"][row * 4 + 2, column * 4 + 2, 0] > 200
            seen += 1
    assert seen >= 6


def test_the_answer_has_a_quarter_of_the_scale_and_any_size_is_taken():
    network = locate().network(0)
    assert network(torch.zeros(2, 64, 96, 3, dtype=torch.uint8)).shape == (2, 13, 16, 24)


def test_weights_depend_on_the_seed_alone():
    torch.manual_seed(5)
    one = locate().network(1).state_dict()
    torch.manual_seed(6)
    other = locate().network(1).state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_focal_loss_by_hand():
    # A peak answered with 0.5 costs 0.25 ln 2; an empty cell the same.
    logits, heat = torch.zeros(1, 1, 2), torch.tensor([[[1.0, 0.0]]])
    loss = focal_loss(logits, heat, torch.ones(1, 1, 2))
    assert float(loss) == pytest.approx(0.5 * np.log(2), rel=1e-5)
    only_peak = focal_loss(logits, heat, torch.tensor([[[1.0, 0.0]]]))
    assert float(only_peak) == pytest.approx(0.25 * np.log(2), rel=1e-5)


class Sighted(nn.Module):
    """Answers with the box of what is white, `error_px` of its own picture too far right.

    It is blind to pictures of the size of a second look where `once` is set.
    """

    def __init__(self, error_px: float, once: bool = False) -> None:
        super().__init__()
        self.head = nn.Linear(1, 1)
        self.error_px = error_px
        self.once = once

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return torch.stack([self.answer(picture.numpy()) for picture in pictures])

    def answer(self, picture: np.ndarray) -> torch.Tensor:
        height, width = picture.shape[:2]
        rows, columns = np.nonzero(picture.min(axis=2) > 127)
        plates = []
        if rows.size and not (self.once and (height, width) == REFINE_SIZE_PX):
            left, right = columns.min() + self.error_px, columns.max() + 1 + self.error_px
            plates.append(rectangle(left, rows.min(), right - left, rows.max() + 1 - rows.min()))
        targets = make_targets(plates, [], height, width)
        heat = np.clip(targets.heat, 1e-4, 0.9)
        logits = np.log(heat / (1 - heat))
        return torch.from_numpy(np.concatenate([logits, targets.offsets]))


def found_left(refine_width_px: float, once: bool = False) -> tuple[float, float]:
    """Left edge and score of the plate that is found in a picture with one at 200 to 240."""
    image = np.zeros((256, 384, 3), dtype=np.uint8)
    image[100:112, 200:240] = 255
    settings = LocateSettings(scales=(1.0,), refine_width_px=refine_width_px, refine_scales=(1.0,))
    (found,) = Locate(settings).find(Sighted(4.0, once), image)
    return float(found.quad[0, 0]), found.score


def test_a_second_look_enlarges_small_plates():
    # An error of 4 pixels of what the network sees: 120 pixels of it are 40 of the picture.
    assert found_left(0)[0] == pytest.approx(204, abs=0.5)
    assert found_left(120)[0] == pytest.approx(200 + 4 / 3, abs=0.5)


def test_what_a_second_look_does_not_confirm_counts_half():
    place, score = found_left(120, once=True)
    assert place == pytest.approx(204, abs=0.5)
    assert score == pytest.approx(found_left(0)[1] / 2, rel=1e-3)


def test_the_surest_plates_are_looked_at_at_other_scales_and_their_corners_averaged():
    image = np.zeros((256, 384, 3), dtype=np.uint8)
    image[100:112, 200:240] = 255
    settings = LocateSettings(scales=(1.0,), refine_width_px=120, refine_scales=(1.0, 0.5))
    (found,) = Locate(settings).find(Sighted(4.0), image)
    # 4 pixels of what the network sees are 4/3 and 8/3 of the picture: 2 in the mean.
    lefts = [quad[0, 0] for quad in found.looks]
    assert lefts == pytest.approx([200 + 4 / 3, 200 + 8 / 3], abs=0.5)
    assert found.quad[0, 0] == pytest.approx(202, abs=0.5)
    assert found.quad[1, 0] == pytest.approx(242, abs=0.5)


class Counting(nn.Module):
    """Plates of the pictures' own brightness, two of them; how many cuts each call asked for."""

    def __init__(self, scores: dict[int, float]) -> None:
        super().__init__()
        self.head = nn.Linear(1, 1)
        self.scores = scores
        self.asked: list[int] = []

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        self.asked.append(len(pictures))
        return torch.stack([self.answer(picture.numpy()) for picture in pictures])

    def answer(self, picture: np.ndarray) -> torch.Tensor:
        height, width = picture.shape[:2]
        answer = np.full((MAPS, height // STRIDE, width // STRIDE), -9.0)
        answer[5:] = 0
        for grey, score in self.scores.items():
            rows, columns = np.nonzero(abs(picture[..., 0].astype(int) - grey) < 4)
            if rows.size < 20:
                continue
            left, top = columns.min(), rows.min()
            plate = rectangle(left, top, columns.max() + 1 - left, rows.max() + 1 - top)
            targets = make_targets([plate], [], height, width)
            row, column = np.argwhere(targets.heat[0] >= 1)[0]
            answer[0, row, column] = np.log(score / (1 - score))
            answer[5:, row, column] = targets.offsets[:, row, column]
        return torch.from_numpy(answer.astype(np.float32))


@pytest.mark.parametrize(("second", "cuts"), [(0.8, 4), (0.35, 2)])
def test_a_plate_found_less_than_half_as_surely_is_spared_the_other_scales(second, cuts):
    image = np.zeros((256, 384, 3), dtype=np.uint8)
    image[40:60, 40:100], image[180:200, 240:300] = 220, 160
    network = Counting({220: 0.9, 160: second})
    settings = LocateSettings(scales=(1.0,), refine_width_px=100, refine_scales=(1.0, 0.8, 1.25))
    found = Locate(settings).find(network, image)
    # The picture, both plates at the first scale, then the worthy ones at the other two.
    assert network.asked == [1, 2, cuts]
    # One look alone is the quad itself.
    assert [len(plate.looks) for plate in found] == [3, 3 if cuts == 4 else 0]


@pytest.mark.parametrize("scales", [(0.8, 1.0), (1.0, 3.0), (1.0, 0.0)])
def test_the_first_closer_look_is_at_its_own_width_and_all_are_within_bounds(scales):
    with pytest.raises(InputError, match=r"begin with 1 and lie between 0\.25 and 2"):
        make_task("locate", {"refine_scales": scales})


def test_pictures_are_padded_to_the_coarsest_map():
    padded = padded_picture(np.zeros((33, 70, 3), dtype=np.uint8), 1.0)
    assert padded.shape == (2 * COARSEST, 3 * COARSEST, 3)
    assert padded[-1, -1].tolist() == [114] * 3


def test_it_can_learn_a_few_scenes_by_heart(scenes):
    torch.set_num_threads(1)
    # A second look would be at a scale that this network never saw.
    changes = {"refine_width_px": 0.0, "plate_share": 1.0, "scale": (1.0, 1.0)}
    task = Locate(locate().settings.model_copy(update=changes))
    items = [item for scene in scenes[:4] for item in task.items(scene, "x")]
    # The same crops at their own scale in every step: only the fit is tested.
    rng = np.random.default_rng(1)
    examples = [task.example(item, rng) for item in items for _ in range(4)]
    batch = task.collate(examples)
    network = task.network(0)
    optimiser = torch.optim.AdamW(network.parameters(), lr=0.01)
    for _ in range(120):
        loss = task.loss(network(batch["inputs"]), batch)["loss"]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert float(loss.detach()) < 1.0
    outcomes = task.outcomes(network.eval(), items)
    metrics = task.metrics(outcomes)
    assert metrics["recall"] >= 0.75
    assert metrics["corner_error_px"] < 8
    assert 0 < task.whole_set_metrics(outcomes)["ap50"] <= 1


def test_stages_that_do_not_halve_are_explained():
    with pytest.raises(InputError, match=r"stages\.1.*strides of 4 in all, each other of 2"):
        make_task("locate", {**LOCATE, "stages": ["F8@4x4/4", "F8@3x3"]}).network(0)


def test_an_unknown_setting_is_one_sentence():
    with pytest.raises(InputError, match="widht"):
        make_task("locate", {"widht": 3}, "configuration x.yaml")


@pytest.mark.parametrize("scale", [0.33, 0.69, 0.8, 1.5])
def test_a_crop_puts_each_point_where_its_scale_says(scale):
    image = np.zeros((600, 800, 3), dtype=np.uint8)
    image[240:280, 380:440] = 255
    corner = np.array([410, 260]) * scale - [60.3, 41.7]
    crop = _crop(image, scale, corner, (90, 130))[..., 0].astype(np.float64)
    x = (crop.sum(axis=0) * (np.arange(130) + 0.5)).sum() / crop.sum()
    y = (crop.sum(axis=1) * (np.arange(90) + 0.5)).sum() / crop.sum()
    assert (x, y) == pytest.approx((60.3, 41.7), abs=0.1)


def test_slices_are_those_of_the_widest_plate():
    image = np.zeros((128, 192, 3), dtype=np.uint8)
    image[40:56, 60:120:4] = 255
    objects = (
        replace(plate(60), layout="de"),
        replace(plate(10), quad=rectangle(10, 40, 20, 6), layout="fr"),
    )
    task = Locate(LocateSettings(scales=(1.0,), refine_width_px=0))
    (item,) = task.items(Picture(image=image, objects=objects), "x")
    (outcome,) = task.outcomes(Sighted(0.0), [item])
    assert outcome.slices == {
        "plates": "2",
        "widest plate": "48-96 px",
        "sharpness": "sharp",
        "layout": "de",
    }
    (empty,) = task.items(Picture(image=image, objects=()), "x")
    assert task.outcomes(Sighted(0.0), [empty])[0].slices == {"plates": "0"}
