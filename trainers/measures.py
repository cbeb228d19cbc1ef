"""Measures of classes and of texts, by torchmetrics.

It works in float32, whose last digits are rounded off here; counts are exact.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

DECIMALS = 7
"""Of a share: what float32 holds."""

Pairs = NDArray[np.int64]
"""The number of an item's class and of the one given to it, shape (items, 2)."""


def _given_and_own(pairs: Pairs) -> tuple[Tensor, Tensor]:
    both = torch.from_numpy(np.ascontiguousarray(pairs.reshape(-1, 2).T))
    return both[1], both[0]


def confusion_table(pairs: Pairs, classes: int) -> NDArray[np.int64]:
    """Items by their own class (rows) and the one given to them (columns)."""
    from torchmetrics.functional.classification import multiclass_confusion_matrix

    table = multiclass_confusion_matrix(*_given_and_own(pairs), classes, validate_args=False)
    return np.asarray(table.numpy(), dtype=np.int64)


def accuracy(pairs: Pairs, classes: int) -> float:
    """The share of items that were given their own class; 0 where there are none."""
    from torchmetrics.functional.classification import multiclass_accuracy

    if not len(pairs):
        return 0.0
    given, own = _given_and_own(pairs)
    share = multiclass_accuracy(given, own, classes, average="micro", validate_args=False)
    return round(float(share), DECIMALS)


def f1_by_class(pairs: Pairs, classes: int) -> list[float]:
    """The F1 of each class: 0 for one that neither an item has nor was given."""
    from torchmetrics.functional.classification import multiclass_f1_score

    if not len(pairs):
        return [0.0] * classes
    given, own = _given_and_own(pairs)
    scores = multiclass_f1_score(given, own, classes, average="none", validate_args=False)
    return [round(value, DECIMALS) for value in scores.tolist()]


def recall_by_class(pairs: Pairs, classes: int) -> list[float]:
    """The share of each class's items that were given it: 0 for one without items."""
    from torchmetrics.functional.classification import multiclass_recall

    if not len(pairs):
        return [0.0] * classes
    given, own = _given_and_own(pairs)
    shares = multiclass_recall(given, own, classes, average="none", validate_args=False)
    return [round(value, DECIMALS) for value in shares.tolist()]


def letter_edits(written: str, said: str) -> int:
    """Letters to insert, to delete and to replace to get from one text to the other."""
    from torchmetrics.functional.text import char_error_rate

    # It divides by the length of what was said.
    return round(float(char_error_rate(written, said)) * len(said)) if said else len(written)


def word_edits(written: str, said: str) -> int:
    """Words to insert, to delete and to replace to get from one text to the other."""
    from torchmetrics.functional.text import word_error_rate

    words = len(said.split())
    return round(float(word_error_rate(written, said)) * words) if words else len(written.split())
