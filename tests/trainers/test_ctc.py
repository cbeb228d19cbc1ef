from __future__ import annotations

import numpy as np
import pytest
import torch

from seedbed.errors import InputError
from seedbed.trainers.ctc import (
    check_alphabet,
    ctc_loss,
    encode_text,
    greedy_decode,
    needed_steps,
    text_log_probabilities,
)


def path(classes: list[int], count: int, sure: float = 0.9) -> np.ndarray:
    rest = (1 - sure) / (count - 1)
    rows = np.full((len(classes), count), rest, dtype=np.float32)
    rows[np.arange(len(classes)), classes] = sure
    return np.log(rows)


def test_repeats_merge_and_a_blank_keeps_them_apart():
    text, score, letters = greedy_decode(path([1, 1, 0, 1, 2, 2, 0], 3), "AB")
    assert text == "AAB"
    assert score == pytest.approx(0.9**7, rel=1e-4)
    assert [step for step, _ in letters] == [0, 3, 4]


def test_classes_start_after_the_blank():
    assert encode_text("BA", "AB", "x").tolist() == [2, 1]


def test_a_letter_outside_the_alphabet_is_named():
    with pytest.raises(InputError, match=r"the alphabet lacks 'Ü'.*'WÜ1' of train 7.*alphabet"):
        encode_text("WÜ1", "W1", "train 7")


def test_equal_neighbours_need_a_blank_between():
    assert needed_steps([1, 1, 2, 2, 2]) == 8


def test_an_alphabet_with_a_letter_twice_is_refused():
    with pytest.raises(ValueError, match="'A' twice"):
        check_alphabet("ABA")


def test_the_loss_is_the_mean_per_letter():
    # Two steps, one letter of two classes, both as likely: paths A-, -A and AA of four.
    logits = torch.zeros(1, 2, 2)
    loss = ctc_loss(logits, torch.tensor([[1]]), torch.tensor([1]))
    assert float(loss) == pytest.approx(-np.log(3 / 4), rel=1e-5)


def test_a_texts_probability_adds_up_all_its_paths():
    # Two steps, blank and A: A comes out of A A, A -, and - A; nothing out of - -.
    log_probs = np.log(np.array([[[0.4, 0.6], [0.9, 0.1]]], dtype=np.float32))
    letter = text_log_probabilities(log_probs, np.array([1]))
    assert np.exp(letter) == pytest.approx([1 - 0.36], abs=1e-5)
    nothing = text_log_probabilities(log_probs, np.array([], dtype=np.int64))
    assert np.exp(nothing) == pytest.approx([0.36], abs=1e-5)
    # A text that needs more steps than there are cannot be.
    assert text_log_probabilities(log_probs, np.array([1, 1]))[0] == -np.inf
