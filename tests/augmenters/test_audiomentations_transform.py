"""The adapter to audiomentations: seeded, isolated, honest about times.

A stand-in package with the library's own habits (global randomness, `p`, keyword arguments)
serves here, so that the library need not be installed.
"""

from __future__ import annotations

import importlib.util
import random
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from augmenter_sounds import RATE, two_words

from seedbed.augmenters import AudiomentationsTransform
from seedbed.augmenters.audiomentations_transform import _transform, global_randomness
from seedbed.errors import InputError, MissingExtra
from seedbed.streams import stream


class Wobble:
    """Multiplies by two global draws."""

    def __init__(self, depth: float = 0.5, p: float = 0.5) -> None:
        if depth > 1:
            raise ValueError("depth must be at most 1")
        self.depth, self.p = depth, p

    def __call__(self, samples: Any, sample_rate: int) -> Any:
        assert self.p == 1.0
        factor = 1 - self.depth * random.random() * np.random.rand()  # noqa: NPY002
        return samples * np.float32(factor)


class Reverse(Wobble):
    """Moves what is said."""

    def __call__(self, samples: Any, sample_rate: int) -> Any:
        return samples[::-1]


class TimeMask(Wobble):
    """Silences the first half."""

    def __call__(self, samples: Any, sample_rate: int) -> Any:
        samples[: len(samples) // 2] = 0
        return samples


class AddHiss(Wobble):
    """Adds far more noise than there is speech."""

    def __call__(self, samples: Any, sample_rate: int) -> Any:
        return samples + np.random.normal(0, 3, len(samples)).astype(np.float32)  # noqa: NPY002


class Needy(Wobble):
    """Wants a package more once it is called."""

    def __call__(self, samples: Any, sample_rate: int) -> Any:
        raise ModuleNotFoundError("No module named 'limiter'", name="limiter")


class Longer(Wobble):
    """Changes the length without being known for it."""

    def __call__(self, samples: Any, sample_rate: int) -> Any:
        return np.concatenate([samples, samples])


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    module = ModuleType("audiomentations")
    for cls in (Wobble, Reverse, Longer, Needy, TimeMask, AddHiss):
        setattr(module, cls.__name__, cls)
    monkeypatch.setitem(sys.modules, "audiomentations", module)
    _transform.cache_clear()
    yield
    _transform.cache_clear()


@pytest.mark.usefixtures("library")
def test_the_same_seed_gives_the_same_sound_whatever_the_global_state() -> None:
    augmenter = AudiomentationsTransform(transform="Wobble", options={"depth": 0.9})
    augmenter.prepare()
    random.seed(1)
    first, params = augmenter.augment(two_words(), stream(1))
    random.seed(2)
    np.random.seed(3)  # noqa: NPY002
    assert np.array_equal(augmenter(two_words(), stream(1)).sound, first.sound)
    assert np.array_equal(augmenter.replay(two_words(), params).sound, first.sound)
    assert not np.array_equal(augmenter(two_words(), stream(2)).sound, first.sound)
    assert first.words == two_words().words


@pytest.mark.usefixtures("library")
def test_global_state_is_put_back_even_after_a_failure() -> None:
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002
    expected = random.Random(5).random(), np.random.RandomState(5).rand()
    AudiomentationsTransform(transform="Wobble")(two_words(), stream(1))
    with pytest.raises(ZeroDivisionError), global_randomness(1):
        _ = 1 / 0
    assert (random.random(), np.random.rand()) == expected  # noqa: NPY002


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("transform", ["Reverse", "Longer"])
def test_times_that_would_be_wrong_are_dropped_and_counted(transform: str) -> None:
    changed = AudiomentationsTransform(transform=transform)(two_words(), stream(1))
    assert changed.words == ()
    assert changed.phonemes == ()
    assert changed.keyword_span is None
    assert changed.counts == {"times_dropped": 1}
    assert changed.transcript == "one two"


@pytest.mark.usefixtures("library")
def test_what_cannot_be_built_is_named() -> None:
    with pytest.raises(InputError, match="no transform 'Wobbel', did you mean 'Wobble'"):
        AudiomentationsTransform(transform="Wobbel").prepare()
    with pytest.raises(InputError, match="depth must be at most 1"):
        AudiomentationsTransform(transform="Wobble", options={"depth": 2}).prepare()
    with pytest.raises(InputError, match="cannot be built"):
        AudiomentationsTransform(transform="Wobble", options={"width": 2}).prepare()
    with pytest.raises(InputError, match="needs the package limiter, which is not installed"):
        AudiomentationsTransform(transform="Needy").prepare()
    with pytest.raises(ValueError, match="write probability"):
        AudiomentationsTransform(transform="Wobble", options={"p": 0.5})
    with pytest.raises(ValueError, match="'resample' instead"):
        AudiomentationsTransform(transform="Resample")


REAL = ("AddGaussianSNR", "AirAbsorption", "BandPassFilter", "ClippingDistortion", "PitchShift")


def test_the_library_itself_replays_where_it_is_installed() -> None:
    installed = importlib.util.find_spec("audiomentations") is not None
    _transform.cache_clear()
    for transform in REAL if installed else ():
        augmenter = AudiomentationsTransform(transform=transform)
        augmenter.prepare()
        first, params = augmenter.augment(two_words(), stream(1))
        random.seed(2)
        assert np.array_equal(augmenter.replay(two_words(), params).sound, first.sound)
        assert first.words == two_words().words


def test_a_missing_library_names_its_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "audiomentations", None)
    _transform.cache_clear()
    with pytest.raises(MissingExtra, match=r"pip install 'seedbed\[audiomentations\]'"):
        AudiomentationsTransform(transform="Gain").prepare()


def test_the_clips_rate_is_handed_on(library: None) -> None:
    seen: list[int] = []

    class Rate(Wobble):
        def __call__(self, samples: Any, sample_rate: int) -> Any:
            seen.append(sample_rate)
            return samples

    sys.modules["audiomentations"].Rate = Rate  # type: ignore[attr-defined]
    AudiomentationsTransform(transform="Rate")(two_words(), stream(1))
    assert seen == [RATE]


@pytest.mark.usefixtures("library")
def test_words_that_were_silenced_lose_their_times() -> None:
    made = AudiomentationsTransform(transform="TimeMask")(two_words(), stream(1))
    assert (made.words, made.phonemes, made.keyword_span) == ((), (), None)
    assert made.counts == {"times_dropped": 1}


@pytest.mark.usefixtures("library")
def test_noise_that_the_library_adds_is_judged() -> None:
    made = AudiomentationsTransform(transform="AddHiss")(two_words(), stream(1))
    assert made.counts == {"unintelligible:noise": 1}
    # The tones' power is 1/8, the noise's 9: 18.6 dB more.
    assert made.attributes["snr_db"] == pytest.approx(-18.6, abs=0.3)
