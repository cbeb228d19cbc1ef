"""SpecAugment hides bands and moments of a log-mel spectrogram."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from seedbed.augmenters import SpecAugment
from seedbed.augmenters.spec_augment import LogMel, SpecAugmentParams
from seedbed.errors import InputError
from seedbed.streams import stream


def ramp() -> Any:
    return np.arange(40 * 100, dtype=np.float32).reshape(40, 100)


def test_what_is_hidden_becomes_the_mean_and_the_rest_stays() -> None:
    features = ramp()
    params = SpecAugmentParams(bands=((4, 3),), moments=((50, 10),))
    hidden = SpecAugment().apply(LogMel(log_mel=features), params).log_mel
    expected = features.copy()
    expected[4:7] = expected[:, 50:60] = 1999.5
    assert np.array_equal(hidden, expected)
    assert np.array_equal(features, ramp())


def test_it_works_on_bare_arrays_and_replays() -> None:
    augmenter = SpecAugment(bands=1, band_share=(0.25, 0.25), moments=1, moment_share=(0.1, 0.1))
    hidden = augmenter.augment_log_mel(ramp(), stream(1))
    # 10 of 40 mels, and 10 of 100 frames of the other 30.
    assert np.sum(hidden != ramp()) == 10 * 100 + 10 * 30
    assert hidden.dtype == np.float32
    again, params = augmenter.augment(LogMel(log_mel=ramp()), stream(1))
    assert np.array_equal(again.log_mel, hidden)
    replayed = augmenter.replay(LogMel(log_mel=ramp()), json.loads(json.dumps(params)))
    assert np.array_equal(replayed.log_mel, hidden)


@pytest.mark.parametrize(
    ("features", "complaint"),
    [
        (np.zeros(10), "the shape"),
        (np.zeros((0, 5)), "the shape"),
        (np.full((4, 4), -np.inf), "must be finite: add a floor"),
    ],
)
def test_features_that_cannot_be_used_are_refused(features: Any, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        SpecAugment().augment_log_mel(features, stream(1))
