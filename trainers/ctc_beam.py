"""Texts from CTC's probabilities: every path to a text counted, phrases weighed against others.

Prefix beam search after Hannun and others 2014, "First-pass large vocabulary continuous
speech recognition using bi-directional recurrent DNNs". A list of phrases becomes a tree of
prefixes that the beam may not leave, so that only a listed phrase can be answered.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from seedbed.trainers.ctc import BLANK

Prefix = tuple[int, ...]
LogProbs = NDArray[np.float32] | NDArray[np.float64]

NEVER = -np.inf


def text_log_prob(log_probs: LogProbs, classes: Sequence[int]) -> float:
    """The log of the probability that CTC gives a text, all its paths together.

    `log_probs` has shape (steps, classes); the forward algorithm of Graves and others 2006.
    """
    states = [BLANK]
    for one in classes:
        states += [one, BLANK]
    count = len(states)
    # A letter may follow the one before it without a blank, unless they are equal.
    skips = np.array(
        [i >= 2 and states[i] != BLANK and states[i] != states[i - 2] for i in range(count)]
    )
    emitted = np.asarray(log_probs, dtype=np.float64)[:, states]
    alpha = np.full(count, NEVER)
    alpha[:2] = emitted[0, :2]
    for row in emitted[1:]:
        one_back = np.concatenate([[NEVER], alpha[:-1]])
        two_back = np.where(skips, np.concatenate([[NEVER, NEVER], alpha[:-2]])[:count], NEVER)
        alpha = np.logaddexp(np.logaddexp(alpha, one_back), two_back) + row
    return float(np.logaddexp.reduce(alpha[-2:]))


class PhraseTree:
    """Phrases, as classes, by their prefixes."""

    def __init__(self, phrases: Sequence[Prefix]) -> None:
        self.phrases = frozenset(phrases)
        self.following: dict[Prefix, tuple[int, ...]] = {}
        found: dict[Prefix, set[int]] = defaultdict(set)
        for phrase in phrases:
            for place, one in enumerate(phrase):
                found[phrase[:place]].add(one)
        for prefix, after in found.items():
            self.following[prefix] = tuple(sorted(after))


def beam_search(
    log_probs: LogProbs, width: int = 16, phrases: PhraseTree | None = None
) -> list[tuple[Prefix, float]]:
    """The likeliest texts as classes, each with the log of its probability, best first.

    `log_probs` has shape (steps, classes). With `phrases` only listed ones come out: where none
    of them is left in the beam at the end, the search is made again, twice as wide.
    """
    while True:
        found, cut = _search(np.asarray(log_probs, dtype=np.float64), width, phrases)
        if phrases is None:
            return found
        listed = [(prefix, score) for prefix, score in found if prefix in phrases.phrases]
        if listed or not cut:
            return listed
        width *= 2


def _search(
    log_probs: NDArray[np.float64], width: int, phrases: PhraseTree | None
) -> tuple[list[tuple[Prefix, float]], bool]:
    """Texts with their scores, and whether any was left out on the way."""
    # Of each prefix: the log probability of paths that end in a blank, and of the others.
    beam: dict[Prefix, tuple[float, float]] = {(): (0.0, NEVER)}
    letters = tuple(one for one in range(log_probs.shape[1]) if one != BLANK)
    cut = False
    for row in log_probs:
        blank_ended: dict[Prefix, float] = defaultdict(lambda: NEVER)
        letter_ended: dict[Prefix, float] = defaultdict(lambda: NEVER)
        for prefix, (blank, letter) in beam.items():
            whole = float(np.logaddexp(blank, letter))
            blank_ended[prefix] = float(np.logaddexp(blank_ended[prefix], whole + row[BLANK]))
            if prefix:
                stays = letter + row[prefix[-1]]
                letter_ended[prefix] = float(np.logaddexp(letter_ended[prefix], stays))
            following = letters if phrases is None else phrases.following.get(prefix, ())
            for one in following:
                # The same letter again needs a blank in between.
                before = blank if prefix and one == prefix[-1] else whole
                longer = (*prefix, one)
                grown = before + row[one]
                letter_ended[longer] = float(np.logaddexp(letter_ended[longer], grown))
        ends = {
            prefix: (blank_ended[prefix], letter_ended[prefix])
            for prefix in blank_ended.keys() | letter_ended.keys()
        }
        ranked = sorted(ends.items(), key=_rank)
        alive = [one for one in ranked if _rank(one)[0] < np.inf]
        cut = cut or len(alive) > width
        beam = dict(alive[:width])
    found = [(prefix, float(np.logaddexp(*scores))) for prefix, scores in beam.items()]
    return sorted(found, key=lambda one: (-one[1], one[0])), cut


def _rank(entry: tuple[Prefix, tuple[float, float]]) -> tuple[float, Prefix]:
    prefix, scores = entry
    return -float(np.logaddexp(*scores)), prefix
