"""Gain, levels by peak, RMS and loudness, distance: decibels a reader can check."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from augmenter_sounds import RATE, burst, db, two_words

from seedbed.augmenters import Clipping, Distance, Gain, Normalise, Quantisation
from seedbed.augmenters.distance import air_absorption_db_per_m
from seedbed.augmenters.sound import power_of
from seedbed.augmenters.sound_level import k_weighting, loudness_lufs
from seedbed.sample import Clip
from seedbed.streams import stream


def test_gain_is_in_decibels() -> None:
    quieter = Gain(gain_db=(-20, -20))(two_words(), stream(1))
    assert np.allclose(quieter.sound, two_words().sound / 10, atol=1e-7)


def test_rms_is_measured_over_the_words_alone() -> None:
    # A tone of peak 0.5 has a power of 0.125: -9.03 dBFS, whatever the silence around it.
    clip = two_words()
    levelled = Normalise(measure="rms", level_db=(-26, -26))(clip, stream(1))
    assert np.abs(levelled.sound).max() == pytest.approx(10 ** (-26 / 20) * 2**0.5, rel=0.01)
    padded = replace(clip, sound=np.concatenate([clip.sound, np.zeros(RATE, np.float32)]))
    same = Normalise(measure="rms", level_db=(-26, -26))(padded, stream(1))
    assert np.allclose(same.sound[:RATE], levelled.sound)


def test_peak_is_the_peak() -> None:
    levelled = Normalise(measure="peak", level_db=(-6.0206, -6.0206))(
        Clip(sound=0.1 * burst(0.2), sample_rate=RATE), stream(1)
    )
    assert np.abs(levelled.sound).max() == pytest.approx(0.5, rel=1e-4)


def test_the_filters_are_those_printed_in_bs_1770_for_48_khz() -> None:
    shelf, high_pass = k_weighting(48000)
    printed_shelf = [1.53512485958697, -2.69169618940638, 1.19839281085285]
    assert np.allclose(shelf[:3], printed_shelf, atol=1e-8)
    assert np.allclose(shelf[4:], [-1.69065929318241, 0.73248077421585], atol=1e-8)
    assert np.allclose(high_pass[:3], [1.0, -2.0, 1.0])
    assert np.allclose(high_pass[4:], [-1.99004745483398, 0.99007225036621], atol=1e-8)


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000])
def test_a_full_scale_sine_of_997_hz_reads_minus_3_01_lufs(rate: int) -> None:
    sine = 2 * burst(3.0, 997.0, rate)
    assert loudness_lufs(sine, rate) == pytest.approx(-3.01, abs=0.05)


def test_loudness_is_gated() -> None:
    # A tone of -23 LUFS keeps its loudness with three times as much silence after it; blocks
    # that lie half in the silence add a little.
    tone = (10 ** (-20 / 20)) * 2 * burst(4.0, 997.0)
    gated = np.concatenate([tone, np.zeros(12 * RATE, np.float32)])
    assert loudness_lufs(tone, RATE) == pytest.approx(-23.0, abs=0.1)
    assert loudness_lufs(gated, RATE) == pytest.approx(-23.0, abs=0.35)
    assert loudness_lufs(np.zeros(RATE, np.float32), RATE) == -np.inf
    # Shorter than a block of 400 ms: measured all the same.
    assert loudness_lufs(tone[:3200], RATE) == pytest.approx(-23.0, abs=0.5)


def test_lufs_is_reached_and_silence_stays() -> None:
    clip = Clip(sound=0.05 * burst(2.0, 997.0), sample_rate=RATE)
    levelled = Normalise(measure="lufs", level_db=(-23, -23))(clip, stream(1))
    assert loudness_lufs(levelled.sound, RATE) == pytest.approx(-23, abs=0.01)
    silence = Clip(sound=np.zeros(RATE, np.float32), sample_rate=RATE)
    for measure in ("peak", "rms", "lufs"):
        assert not Normalise(measure=measure)(silence, stream(1)).sound.any()


def test_doubling_the_distance_takes_six_decibels() -> None:
    clip = Clip(sound=burst(1.0, 250.0), sample_rate=RATE)
    powers = [
        db(power_of(Distance(distance_m=(m, m), noise_dbfs=(-120, -120))(clip, stream(1)).sound))
        for m in (0.6, 1.2, 2.4)
    ]
    assert powers[0] - powers[1] == pytest.approx(6.02, abs=0.02)
    assert powers[1] - powers[2] == pytest.approx(6.02, abs=0.02)


def test_air_takes_what_iso_9613_1_tabulates() -> None:
    # Table 1, 20 degrees, 50 % humidity: 4.66 dB a kilometre at 1 kHz, 29.0 at 4 kHz.
    taken = 1000 * air_absorption_db_per_m(np.array([1000.0, 4000.0]))
    assert taken == pytest.approx([4.66, 29.0], rel=0.05)


def test_speech_that_drowns_in_the_microphone_is_labelled_and_counted() -> None:
    far = Distance(distance_m=(60, 60), noise_dbfs=(-40, -40))(two_words(), stream(1))
    # -9 dBFS less 46 dB is -55 dBFS: 15 dB under the noise.
    assert far.attributes["intelligible"] is False
    assert far.counts == {"unintelligible:distance": 1}
    near = Distance(distance_m=(1, 1), noise_dbfs=(-60, -60))(two_words(), stream(1))
    assert near.counts == {}


def test_clipping_flattens_what_is_over_the_ceiling() -> None:
    clip = Clip(sound=burst(0.5), sample_rate=RATE)
    hard = Clipping(over_db=(6.0206, 6.0206), soft_share=0.0)(clip, stream(1))
    assert np.abs(hard.sound).max() == pytest.approx(0.25, rel=1e-3)
    # A sine is over half its peak for two thirds of the time: 60 of 90 degrees.
    assert np.mean(np.abs(hard.sound) > 0.2499) == pytest.approx(2 / 3, abs=0.05)
    soft = Clipping(over_db=(6.0206, 6.0206), soft_share=1.0)(clip, stream(1))
    assert np.abs(soft.sound).max() == pytest.approx(0.25 * np.tanh(2), rel=1e-3)


def test_three_bits_leave_nine_levels() -> None:
    clip = Clip(sound=burst(0.5, 130.0), sample_rate=RATE)
    rounded = Quantisation(bits=(3, 3))(clip, stream(1))
    assert len(np.unique(np.round(rounded.sound, 5))) == 9
