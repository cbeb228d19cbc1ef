"""torchmetrics counts as one would by hand."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from seedbed.trainers.measures import (
    accuracy,
    confusion_table,
    f1_by_class,
    letter_edits,
    recall_by_class,
    word_edits,
)


def edits_by_hand(one: list[str], other: list[str]) -> int:
    """Levenshtein's distance by its definition."""
    row = list(range(len(other) + 1))
    for i, left in enumerate(one, start=1):
        diagonal, row[0] = row[0], i
        for j, right in enumerate(other, start=1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (left != right))
    return row[-1]


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [
        ("", "", 0),
        ("ABC", "ABC", 0),
        ("ABC", "AC", 1),
        ("A", "BC", 2),
        ("AB", "", 2),
        ("", "AB", 2),
    ],
)
def test_letters(one: str, other: str, distance: int) -> None:
    assert letter_edits(one, other) == distance


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [("", "", 0), ("one two", "one two", 0), ("one", "two three", 2), ("a b c", "a c", 1)],
)
def test_words(one: str, other: str, distance: int) -> None:
    assert word_edits(one, other) == distance
    assert word_edits(other, one) == distance


def test_long_texts_are_counted_exactly() -> None:
    rng = np.random.default_rng(0)
    for _ in range(40):
        lengths = rng.integers(1, 90, size=2)
        one, other = ("".join(rng.choice(list("ab c"), size=n)) for n in lengths)
        assert letter_edits(one, other) == edits_by_hand(list(one), list(other))
        assert word_edits(one, other) == edits_by_hand(one.split(), other.split())


def test_classes_by_hand() -> None:
    # Three of class 0, one of them taken for 1; two of class 1, one taken for 2; none of 2 or 3.
    pairs = np.array([[0, 0], [0, 0], [0, 1], [1, 1], [1, 2]])
    assert confusion_table(pairs, 4).tolist() == [
        [2, 1, 0, 0],
        [0, 1, 1, 0],
        [0, 0, 0, 0],
        [0, 0, 0, 0],
    ]
    assert accuracy(pairs, 4) == 0.6
    # 2 * 2 / (2 * 2 + 1), 2 * 1 / (2 * 1 + 1 + 1).
    assert f1_by_class(pairs, 4) == [0.8, 0.5, 0.0, 0.0]
    assert recall_by_class(pairs, 4) == [0.6666667, 0.5, 0.0, 0.0]


def test_nothing_is_nothing() -> None:
    none = np.zeros((0, 2), dtype=np.int64)
    assert accuracy(none, 3) == 0.0
    assert confusion_table(none, 3).sum() == 0
    assert f1_by_class(none, 3) == [0.0, 0.0, 0.0]


def test_data_workers_do_not_load_it() -> None:
    code = (
        "import sys, seedbed.trainers.examples, seedbed.trainers.classify, seedbed.trainers.read; "
        "print('torchmetrics' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "False"
