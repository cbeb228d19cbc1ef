from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from plate_settings import READ

from seedbed.errors import InputError
from seedbed.geometry import rectangle
from seedbed.trainers.ctc import BLANK, greedy_decode
from seedbed.trainers.read import LETTERS, NOT_ASKED, Read, ReadSettings, moved_quad
from seedbed.trainers.task import make_task


def read(**changes) -> Read:
    return Read(ReadSettings.model_validate_json(json.dumps({**READ, **changes})))


def items_of(task: Read, scenes) -> list:
    return [item for n, scene in enumerate(scenes) for item in task.items(scene, f"scene {n}")]


def test_items_hold_the_text_and_each_letter_inside_the_plate(scenes):
    items = items_of(read(), scenes)
    assert len(items) >= 8
    for item in items:
        assert item.text.isalnum()
        assert len(item.letters) == len(item.text)
        middles = [x for x, _, _ in item.letters]
        assert middles == sorted(middles)
        assert 0 < middles[0] < middles[-1] < 1


def test_steps_are_aligned_with_their_letters(scenes):
    task = read(jitter=0.0, shift=0.0, box_share=0.0)
    item = items_of(task, scenes)[0]
    example = task.example(item, np.random.default_rng(0))
    rows = example["aligned"].reshape(2, 24)
    spelled = [one for one in rows[0].tolist() if one not in (BLANK, NOT_ASKED)]
    assert spelled == example["targets"][: example["target_length"]].tolist()
    # A plate of one line leaves the lower row blank.
    assert (rows[1] == BLANK).all()


def test_a_letter_outside_the_alphabet_is_named(scenes):
    with pytest.raises(InputError, match=r"the alphabet lacks .* of scene 0: add it"):
        items_of(read(alphabet="01"), scenes)


def test_answers_have_a_step_for_each_place_of_the_map():
    network = read().network(0).eval()
    assert network(torch.zeros(3, 32, 96, 3, dtype=torch.uint8)).shape == (3, 48, 37)
    recurrent = read(sequence="GRU16 both").network(0).eval()
    assert recurrent(torch.zeros(1, 32, 96, 3)).shape == (1, 48, 37)


def test_brightness_and_contrast_do_not_matter():
    network = read().network(0).eval()
    cut = torch.rand(1, 32, 96, 3, generator=torch.Generator().manual_seed(0)) * 100
    with torch.inference_mode():
        dark, bright = network(cut), network(cut * 2 + 40)
    torch.testing.assert_close(dark, bright, atol=0.3, rtol=0.1)


def test_an_arch_without_positions_is_refused():
    with pytest.raises(InputError, match="leave out flatten, gap"):
        read(arch="F8@3x3 > R > gap").network(0)


def test_it_can_learn_a_few_plates_by_heart(scenes):
    torch.set_num_threads(1)
    task = read(width=128, jitter=0.0, stretch=0.0, shift=0.0, box_share=0.0, shrink_share=0.0)
    items = items_of(task, scenes)[:4]
    batch = task.collate([task.example(item, np.random.default_rng(0)) for item in items])
    network = task.network(0)
    optimiser = torch.optim.AdamW(network.parameters(), lr=0.01)
    for step in range(260):  # warmed up and clipped, as a run is
        optimiser.param_groups[0]["lr"] = 0.012 * (1 - step / 260) * min(1, (step + 1) / 30)
        loss = task.loss(network(batch["inputs"]), batch)["loss"]
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
    assert float(loss.detach()) < 0.1
    with torch.inference_mode():
        rows = network.eval()(batch["inputs"]).log_softmax(dim=-1).numpy()
    texts = [greedy_decode(row, task.settings.alphabet)[0] for row in rows]
    assert texts == [item.text for item in items]


def test_readings_do_not_depend_on_their_neighbours(scenes):
    task = read(looks=3)
    items = items_of(task, scenes)[:3]
    network = task.network(0).eval()
    together = [outcome.details.text for outcome in task.outcomes(network, items)]
    alone = [task.outcomes(network, [item])[0].details.text for item in items]
    assert together == alone


def test_items_without_letters_ask_nothing_of_the_steps(scenes):
    task = read()
    item = replace(items_of(task, scenes)[0], letters=())
    example = task.example(item, np.random.default_rng(0))
    assert (example["aligned"] == NOT_ASKED).all()
    batch = task.collate([example])
    losses = task.loss(task.network(0)(batch["inputs"]), batch)
    assert float(losses["steps"].detach()) == 0
    assert torch.isfinite(losses["loss"])


def test_cuts_meet_a_locators_errors_at_the_ends():
    task = read(jitter=0.0, shift=0.0, box_share=0.0, stretch=0.5)
    quad = rectangle(100, 50, 80, 20)
    rng = np.random.default_rng(0)
    moved = np.array([task.jittered(quad, rng) for _ in range(400)]) - quad
    assert np.allclose(moved[:, :, 1], 0)
    # Both corners of an end move together, by half the plate's height of 20 as a deviation.
    assert np.allclose(moved[:, 0], moved[:, 3])
    assert np.allclose(moved[:, 1], moved[:, 2])
    assert moved[:, 0, 0].std() == pytest.approx(10, rel=0.1)
    assert abs(np.corrcoef(moved[:, 0, 0], moved[:, 1, 0])[0, 1]) < 0.2


class Answers(torch.nn.Module):
    """A reader that gives what it is told, cut by cut: `(text of one letter, its probability)`."""

    def __init__(self, *answers: tuple[str, float]) -> None:
        super().__init__()
        self.anchor = torch.nn.Parameter(torch.zeros(1))
        self.answers = list(answers)
        self.asked: list[int] = []

    def forward(self, cuts: torch.Tensor) -> torch.Tensor:
        self.asked.append(len(cuts))
        logits = torch.full((len(cuts), 3, 37), -20.0)
        logits[:, 1:, 0] = 20.0
        for number in range(len(cuts)):
            letter, probability = self.answers.pop(0)
            # The rest of the probability goes to the blank.
            logits[number, 0, 0] = float(np.log(1 - probability))
            logits[number, 0, LETTERS.index(letter) + 1] = float(np.log(probability))
        return logits


def one_plate():
    return [np.full((60, 160, 3), 128, dtype=np.uint8)], [rectangle(20, 20, 120, 20)]


def test_an_unsure_plate_is_looked_at_again_and_the_likeliest_text_over_all_cuts_is_kept():
    # 8 has 0.6 / 3 = 0.2 on average, B (0.7 + 0.9) / 3 = 0.53.
    network = Answers(("8", 0.6), ("B", 0.7), ("B", 0.9))
    reading = read(looks=3).read(network, *one_plate())[0]
    assert network.asked == [1, 2]
    assert reading.text == "B"
    assert reading.score == pytest.approx((0.7 + 0.9) / 3, abs=1e-4)
    # The letters are those of the cut that read it most surely.
    assert reading.letters == ((0, pytest.approx(0.9, abs=1e-4)),)


def test_a_plate_is_cut_by_what_the_locator_saw_first():
    # One cut by the plate's own quad; then two by those that were seen, and one grown: B wins.
    images, quads = one_plate()
    image = np.full((60, 160, 3), 128, dtype=np.uint8)
    image[:, 100:] = 255
    elsewhere = [rectangle(10, 20, 60, 20), rectangle(105, 20, 40, 20)]
    network = Answers(("8", 0.6), ("B", 0.9), ("B", 0.8), ("8", 0.7))
    network.register_forward_pre_hook(
        lambda _, given: cuts.extend(float(one.float().mean()) for one in given[0])
    )
    cuts: list[float] = []
    reading = read(looks=4).read(network, [image], quads, None, [elsewhere])[0]
    assert network.asked == [1, 3]
    assert reading.text == "B"
    # The first of the seen quads is grey, the second white, margins included.
    assert cuts[1] == pytest.approx(128, abs=1)
    assert cuts[2] == pytest.approx(255, abs=1)
    # No more cuts than there are: five seen and six moved.
    network = Answers(("8", 0.6), *[("B", 0.9)] * 11)
    assert read(looks=16).read(network, images, quads, None, [quads * 5])[0].text == "B"
    assert network.asked == [1, 11]


def test_a_sure_plate_one_that_is_not_worth_it_and_one_look_are_read_once():
    sure = Answers(("8", 0.95))
    assert read(looks=3).read(sure, *one_plate())[0].text == "8"
    not_worth = Answers(("8", 0.6))
    assert read(looks=3).read(not_worth, *one_plate(), [False])[0].text == "8"
    once = Answers(("8", 0.6))
    assert read(looks=1).read(once, *one_plate())[0].text == "8"
    assert sure.asked == not_worth.asked == once.asked == [1]


def test_readers_of_earlier_versions_are_read_as_new_ones():
    task = make_task("read", {**READ, "jittered_cuts": 1})
    assert task.settings == read().settings
    with pytest.raises(InputError, match="jittered_cuts: extra inputs are not permitted, got 3"):
        make_task("read", {**READ, "jittered_cuts": 3})


def test_a_quad_is_moved_along_its_own_sides():
    # Turned by a quarter: the text runs down, its lower side is on the left.
    quad = np.array([[20.0, 0.0], [20.0, 100.0], [0.0, 100.0], [0.0, 0.0]])
    down, left = np.array([0, 10]), np.array([-10, 0])
    assert np.allclose(moved_quad(quad, 1.0, (0.5, 0.0)), quad + down)
    assert np.allclose(moved_quad(quad, 1.0, (0.0, 0.5)), quad + left)
    assert np.allclose(moved_quad(quad, 1.1, (0.0, 0.0))[0], [21, -5])
