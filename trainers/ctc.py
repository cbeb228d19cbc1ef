"""Texts for connectionist temporal classification: letters to numbers, paths to texts.

Graves and others 2006, "Connectionist temporal classification: labelling unsegmented
sequence data with recurrent neural networks". Class 0 is the blank; the letter at position
i of the alphabet is class i + 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seedbed.errors import InputError

BLANK = 0


def check_alphabet(alphabet: str) -> str:
    """`alphabet` where no letter stands in it twice. Raises `ValueError` otherwise."""
    if not alphabet:
        raise ValueError("the alphabet must hold at least one character")
    twice = sorted({letter for letter in alphabet if alphabet.count(letter) > 1})
    if twice:
        raise ValueError(f"the alphabet holds {''.join(twice)!r} twice")
    return alphabet


def encode_text(text: str, alphabet: str, name: str) -> NDArray[np.int64]:
    """The classes of a text's letters, shape (letters,).

    Raises `InputError` that names the sample `name` for a letter outside the alphabet.
    """
    missing = sorted(set(text) - set(alphabet))
    if missing:
        raise InputError(
            f"the alphabet lacks {''.join(missing)!r}, which stands in the text {text!r} of {name}"
            f": add it to the setting `alphabet`."
        )
    return np.array([alphabet.index(letter) + 1 for letter in text], dtype=np.int64)


def needed_steps(classes: Sequence[int] | NDArray[np.int64]) -> int:
    """Steps that CTC needs for these classes: one each, and one between two equal ones."""
    return len(classes) + sum(int(one == following) for one, following in pairwise(classes))


def ctc_loss(
    logits: Tensor, targets: Tensor, target_lengths: Tensor, input_lengths: Tensor | None = None
) -> Tensor:
    """The mean over the batch of each text's loss divided by its length.

    `logits` has shape (batch, steps, classes), `targets` (batch, longest text), padded with
    anything; lengths have shape (batch,). A text longer than the steps allow counts as 0.
    """
    if input_lengths is None:
        input_lengths = torch.full_like(target_lengths, logits.shape[1])
    return torch.nn.functional.ctc_loss(
        logits.float().log_softmax(dim=-1).transpose(0, 1),
        targets,
        input_lengths,
        target_lengths,
        blank=BLANK,
        zero_infinity=True,
    )


def text_log_probabilities(
    log_probs: NDArray[np.float32], classes: NDArray[np.int64]
) -> NDArray[np.float32]:
    """The logarithm of a text's probability, over all paths that give it: shape (records,).

    `log_probs` has shape (records, steps, classes), `classes` the text's, shape (letters,).
    """
    records, steps, _ = log_probs.shape
    losses = torch.nn.functional.ctc_loss(
        torch.from_numpy(log_probs).transpose(0, 1),
        torch.from_numpy(classes).expand(records, -1),
        torch.full((records,), steps),
        torch.full((records,), len(classes)),
        blank=BLANK,
        reduction="none",
    )
    return np.asarray(-losses.numpy(), dtype=np.float32)


def greedy_decode(
    log_probs: NDArray[np.float32], alphabet: str
) -> tuple[str, float, list[tuple[int, float]]]:
    """The text along the best path through log probabilities of shape (steps, classes).

    Returns the text, its probability (the product over the whole path, blanks included) and
    for each letter the step it starts at with its probability.
    """
    best = log_probs.argmax(axis=1)
    values = log_probs[np.arange(len(best)), best]
    letters: list[tuple[int, float]] = []
    text = []
    previous = BLANK
    for step, one in enumerate(best.tolist()):
        if one != BLANK and one != previous:
            text.append(alphabet[one - 1])
            letters.append((step, float(np.exp(values[step]))))
        elif one != BLANK and float(np.exp(values[step])) > letters[-1][1]:
            letters[-1] = (letters[-1][0], float(np.exp(values[step])))
        previous = one
    return "".join(text), float(np.exp(values.sum())), letters
