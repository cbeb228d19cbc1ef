"""Channels: which frequencies pass."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from augmenter_sounds import RATE, burst, db

from seedbed.augmenters import BandPass, Codec, MicrophoneResponse, Resample, Telephone
from seedbed.augmenters.microphone_response import Bell, MicrophoneResponseParams
from seedbed.augmenters.sound import power_of
from seedbed.augmenters.sound_codecs import CODECS, codec_delay, codec_rate
from seedbed.augmenters.sound_filters import band_edges, bell, filtered
from seedbed.sample import Clip
from seedbed.streams import stream


def passed_db(augmenter: Any, hertz: float) -> float:
    """What is left of a tone, in decibels, after 0.1 s to settle."""
    clip = Clip(sound=burst(1.0, hertz), sample_rate=RATE)
    heard = augmenter(clip, stream(1)).sound
    return db((power_of(heard[1600:]) + 1e-12) / power_of(clip.sound[1600:]))


def test_an_edge_of_order_two_takes_12_db_an_octave() -> None:
    augmenter = BandPass(low_hz=(400, 400), high_hz=(3000, 3000), order=2)
    assert passed_db(augmenter, 1100) == pytest.approx(0, abs=0.2)
    assert passed_db(augmenter, 400) == pytest.approx(-3, abs=0.2)
    assert passed_db(augmenter, 100) == pytest.approx(-24, abs=0.5)


@pytest.mark.parametrize("order", [1, 2, 3, 4, 7])
def test_edges_are_scipys_butterworth(order: int) -> None:
    from scipy.signal import butter, sosfreqz

    for key, kind in (("low_hz", "highpass"), ("high_hz", "lowpass")):
        _, ours = sosfreqz(band_edges(RATE, **{key: 900.0}, order=order), 200)
        _, theirs = sosfreqz(butter(order, 900.0, kind, fs=RATE, output="sos"), 200)
        assert np.allclose(ours, theirs, atol=1e-9)
    assert band_edges(RATE, low_hz=0.0, high_hz=9000.0).shape == (0, 6)


def test_a_telephone_passes_speech_and_neither_bass_nor_highs() -> None:
    augmenter = Telephone(low_hz=(300, 300), high_hz=(3400, 3400), codecs=("mu-law",))
    assert passed_db(augmenter, 1000) == pytest.approx(0, abs=0.5)
    assert passed_db(augmenter, 100) < -30
    assert passed_db(augmenter, 5000) < -35


def test_a_low_rate_keeps_what_lies_below_half_of_it() -> None:
    augmenter = Resample(rate_hz=(8000, 8000))
    assert passed_db(augmenter, 3000) == pytest.approx(0, abs=0.1)
    assert passed_db(augmenter, 4500) < -50


def test_a_rate_above_the_clips_own_changes_nothing() -> None:
    clip = Clip(sound=burst(0.1), sample_rate=RATE)
    assert np.array_equal(Resample(rate_hz=(22050, 22050))(clip, stream(1)).sound, clip.sound)


def test_a_bell_has_its_gain_at_its_centre() -> None:
    section = bell(RATE, 1000.0, 6.0, 1.0)
    heard = filtered(burst(1.0, 1000.0), section)
    assert db(power_of(heard[1600:]) / 0.125) == pytest.approx(6, abs=0.05)
    assert len(bell(RATE, 9000.0, 6.0, 1.0)) == 0


def test_a_microphone_keeps_the_level_and_changes_the_balance() -> None:
    sound = burst(1.0, 500.0) + burst(1.0, 2000.0)
    clip = Clip(sound=sound * np.float32(0.5), sample_rate=RATE)
    params = MicrophoneResponseParams(20.0, 20000.0, (Bell(2000.0, 12.0, 2.0),))
    heard = MicrophoneResponse().apply(clip, params).sound
    assert power_of(heard) == pytest.approx(power_of(clip.sound), rel=1e-3)
    spectrum = np.abs(np.fft.rfft(heard[1600:]))
    ratio = spectrum[round(2000 * 0.9)] / spectrum[round(500 * 0.9)]
    assert 20 * np.log10(ratio) == pytest.approx(12, abs=0.6)


def test_codecs_work_at_a_rate_they_know() -> None:
    assert codec_rate("opus", 11025) == 12000
    assert codec_rate("mp3", 96000) == 48000
    assert codec_rate("gsm", 16000) == 8000
    assert codec_rate("vorbis", 11025) == 11025


@pytest.mark.parametrize("codec", sorted(CODECS))
def test_a_codec_changes_the_sound_a_little_and_its_delay_is_small(codec: Any) -> None:
    clip = Clip(sound=burst(0.5, 700.0), sample_rate=RATE)
    heard = Codec(codecs=(codec,), quality=(0, 0))(clip, stream(1)).sound
    assert not np.array_equal(heard, clip.sound)
    error = db(power_of(heard[2000:6000] - clip.sound[2000:6000]) / 0.125)
    assert error < -10
    assert abs(codec_delay(codec, codec_rate(codec, RATE), 0.0)) < RATE // 10
