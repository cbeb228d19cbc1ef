"""The vocal-tract warp moves formants and leaves pitch, length and timing."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from seedbed.vocal_tract import warp_bins, warp_vocal_tract

RATE = 16000


def vowel(formant_hz: float, pitch_hz: float = 100.0) -> NDArray[np.float32]:
    """Half a second of harmonics of `pitch_hz` with one broad formant."""
    time = np.arange(RATE // 2) / RATE
    harmonics = np.arange(1, 70) * pitch_hz
    levels = np.exp(-0.5 * ((harmonics - formant_hz) / 150.0) ** 2) + 0.01
    waves = np.cos(2 * np.pi * harmonics[:, None] * time)
    sound = (levels[:, None] * waves).sum(axis=0)
    return (0.1 * sound / np.abs(sound).max()).astype(np.float32)


def peak_hz(sound: NDArray[np.float32]) -> float:
    return float(np.argmax(np.abs(np.fft.rfft(sound))) * RATE / len(sound))


@pytest.mark.parametrize(("alpha", "expected_hz"), [(1.2, 1200.0), (0.8, 800.0)])
def test_the_formant_moves_by_the_factor(alpha: float, expected_hz: float) -> None:
    # Harmonics are 100 Hz apart, so the strongest one is the nearest to the formant.
    assert peak_hz(vowel(1000.0)) == pytest.approx(1000.0, abs=2.0)
    warped = warp_vocal_tract(vowel(1000.0), RATE, alpha)
    assert peak_hz(warped) == pytest.approx(expected_hz, abs=101.0)


def test_pitch_and_length_stay() -> None:
    sound = vowel(700.0, pitch_hz=125.0)
    warped = warp_vocal_tract(sound, RATE, 1.15)
    assert len(warped) == len(sound)
    assert warped.dtype == np.float32
    middle = warped[1000:5000].astype(np.float64)
    repeats = np.correlate(middle, middle, "full")[len(middle) - 1 :]
    # 16,000 / 125 is a period of 128 samples.
    assert 60 + int(np.argmax(repeats[60:200])) == 128


def test_one_changes_nothing_and_silence_stays() -> None:
    sound = vowel(900.0)
    assert warp_vocal_tract(sound, RATE, 1.0) is sound
    silence = np.zeros(4000, dtype=np.float32)
    assert not warp_vocal_tract(silence, RATE, 1.1).any()
    assert len(warp_vocal_tract(np.zeros(0, dtype=np.float32), RATE, 1.1)) == 0


def test_a_click_keeps_its_time() -> None:
    sound = np.zeros(8000, dtype=np.float32)
    sound[3000] = 0.9
    warped = warp_vocal_tract(sound, RATE, 1.1)
    assert abs(int(np.argmax(np.abs(warped))) - 3000) <= 8


def test_bins_are_scaled_below_the_corner_and_the_end_stays() -> None:
    places = warp_bins(101, 1.25)
    assert places[0] == 0.0
    assert places[50] == pytest.approx(40.0)
    assert places[100] == pytest.approx(100.0)
    assert np.all(np.diff(places) > 0)


def test_absurd_factors_are_refused() -> None:
    with pytest.raises(ValueError, match=r"between 0\.5 and 2"):
        warp_vocal_tract(vowel(500.0), RATE, 3.0)
