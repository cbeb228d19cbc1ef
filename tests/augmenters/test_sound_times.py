"""Labels follow the sound: tone bursts at known times are found where the labels say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from augmenter_sounds import RATE, burst, heard_spans, two_words

from seedbed.augmenters import (
    Codec,
    MicrophoneResponse,
    PitchShift,
    Quantisation,
    Resample,
    RoomReverberation,
    Shift,
    SilencePadding,
    SpeedPerturbation,
    Telephone,
    TimeStretch,
    Trim,
    VocalTractWarp,
)
from seedbed.augmenters.shift import ShiftParams
from seedbed.augmenters.sound_stretch import TIME_ERROR_SECONDS
from seedbed.augmenters.trim import TrimParams
from seedbed.errors import InputError
from seedbed.sample import Clip
from seedbed.streams import stream

MOVERS: list[tuple[Any, float, float, float]] = [
    # augmenter, scale, offset, error in seconds
    (SilencePadding(leading_s=(0.3, 0.3), trailing_s=(0.1, 0.1)), 1.0, 0.3, 0.001),
    (Shift(shift_s=(0.25, 0.25)), 1.0, 0.25, 0.001),
    (Shift(shift_s=(-0.15, -0.15)), 1.0, -0.15, 0.001),
    (Trim(leading_s=(0.1, 0.1), trailing_s=(0.2, 0.2)), 1.0, -0.1, 0.001),
    (TimeStretch(stretch=(1.5, 1.5)), 1.5, 0.0, TIME_ERROR_SECONDS),
    (TimeStretch(stretch=(0.7, 0.7)), 0.7, 0.0, TIME_ERROR_SECONDS),
    (SpeedPerturbation(speed=(1.25, 1.25)), 0.8, 0.0, 0.002),
    (SpeedPerturbation(speed=(0.8, 0.8)), 1.25, 0.0, 0.002),
]


@pytest.mark.parametrize(("augmenter", "scale", "offset", "error"), MOVERS)
def test_words_phonemes_and_keyword_move_with_the_sound(
    augmenter: Any, scale: float, offset: float, error: float
) -> None:
    moved = augmenter(two_words(), stream(1))
    expected = [(scale * a + offset, scale * b + offset) for a, b in ((0.2, 0.35), (0.6, 0.7))]
    times = [(word.start, word.end) for word in moved.words]
    assert np.allclose(times, expected, atol=1.5 / RATE)
    assert np.allclose(heard_spans(moved.sound), expected, atol=error + 0.001)
    assert moved.keyword_span == pytest.approx(expected[1], abs=1.5 / RATE)
    assert moved.phonemes[0].end == pytest.approx(scale * 0.25 + offset, abs=1.5 / RATE)
    assert [word.text for word in moved.words] == ["one", "two"]


KEEPERS: list[tuple[Any, float]] = [
    (PitchShift(semitones=(3, 3)), TIME_ERROR_SECONDS),
    (PitchShift(semitones=(-3, -3), keep_formants=False), TIME_ERROR_SECONDS),
    (VocalTractWarp(factor=(1.1, 1.1)), 0.004),
    (Resample(rate_hz=(4000, 4000)), 0.002),
    (Telephone(), 0.003),
    (MicrophoneResponse(), 0.004),
    (Quantisation(bits=(4, 4)), 0.001),
    (RoomReverberation(t60_s=(0.05, 0.05), distance_m=(1.0, 1.0)), 0.004),
]


@pytest.mark.parametrize(("augmenter", "error"), KEEPERS)
def test_what_keeps_time_keeps_it(augmenter: Any, error: float) -> None:
    clip = two_words()
    changed = augmenter(clip, stream(2))
    assert changed.words == clip.words
    assert len(changed.sound) == RATE
    starts = [start for start, _ in heard_spans(changed.sound)]
    assert np.allclose(starts, [0.2, 0.6], atol=error + 0.001)


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050])
@pytest.mark.parametrize(
    "codec",
    ["mu-law", "a-law", "gsm", "ima-adpcm", "ms-adpcm", "g721", "vorbis", "opus", "mp3"],
)
def test_codecs_give_words_back_in_time(codec: str, rate: int) -> None:
    clip = two_words(rate)
    changed = Codec(codecs=(codec,))(clip, stream(3))
    assert len(changed.sound) == rate
    starts = [start for start, _ in heard_spans(changed.sound, rate)]
    # Block codecs smear an onset by a few frames of 8 kHz.
    assert np.allclose(starts, [0.2, 0.6], atol=0.003)
    # A quarter of a period late, 0.3 ms, the correlation would be nought.
    both = np.linalg.norm(changed.sound) * np.linalg.norm(clip.sound)
    assert np.dot(changed.sound, clip.sound) > 0.75 * both


def test_a_trim_that_would_cut_a_word_is_refused_and_counted() -> None:
    # 0.2 s of silence before, 0.3 s after: the first side is refused, the second is not.
    trimmed = Trim(leading_s=(0.25, 0.25), trailing_s=(0.25, 0.25))(two_words(), stream(1))
    assert trimmed.counts == {"trim_refused": 1}
    assert len(trimmed.sound) == RATE - 4000
    assert trimmed.words == two_words().words
    with pytest.raises(InputError, match="would cut the speech 'one two'"):
        Trim().apply(two_words(), TrimParams(0.21, 0.0))
    with pytest.raises(InputError, match="would cut the speech"):
        Trim().apply(two_words(), TrimParams(0.0, 0.301))
    with pytest.raises(InputError, match="leaves nothing"):
        Trim().apply(two_words(), TrimParams(0.6, 0.6))


def test_a_trim_to_the_word_itself_is_allowed() -> None:
    trimmed = Trim().apply(two_words(), TrimParams(0.2, 0.3))
    assert trimmed.words[0].start == 0.0
    assert trimmed.words[1].end == pytest.approx(0.5)
    assert len(trimmed.sound) == RATE // 2


def test_a_shift_stops_where_the_speech_would_leave_and_is_counted() -> None:
    shifted = Shift(shift_s=(0.5, 0.5))(two_words(), stream(1))
    # 0.3 s lie after the last word.
    assert shifted.words[1].end == pytest.approx(1.0)
    assert shifted.counts == {"shift_limited": 1}
    assert heard_spans(shifted.sound)[1][1] == pytest.approx(1.0, abs=0.001)
    with pytest.raises(InputError, match="would push the speech"):
        Shift().apply(two_words(), ShiftParams(0.31))


def test_without_times_the_speech_is_found_by_level() -> None:
    sound = np.concatenate([np.zeros(4000, np.float32), burst(0.25), np.zeros(4000, np.float32)])
    clip = Clip(sound=sound, sample_rate=RATE)
    # Speech from 0.25 to 0.5 s of 0.75: a shift of 1 s ends at 0.25, to a block of 20 ms.
    shifted = Shift(shift_s=(1, 1))(clip, stream(1))
    assert heard_spans(shifted.sound)[0][1] == pytest.approx(0.75, abs=0.021)
    assert Trim(leading_s=(0.3, 0.3), trailing_s=(0, 0))(clip, stream(1)).counts == {
        "trim_refused": 1
    }


def dominant_hz(sound: Any) -> float:
    return float(np.argmax(np.abs(np.fft.rfft(sound))) * RATE / len(sound))


def test_a_stretch_keeps_the_pitch_and_a_speed_change_moves_it() -> None:
    clip = Clip(sound=burst(1.0, 500.0), sample_rate=RATE)
    stretched = TimeStretch(stretch=(1.3, 1.3))(clip, stream(1))
    assert len(stretched.sound) == 20800
    assert dominant_hz(stretched.sound) == pytest.approx(500, abs=2)
    faster = SpeedPerturbation(speed=(1.25, 1.25))(clip, stream(1))
    assert len(faster.sound) == 12800
    assert dominant_hz(faster.sound) == pytest.approx(625, abs=2)


def test_an_octave_doubles_the_pitch_and_keeps_the_length() -> None:
    clip = Clip(sound=burst(1.0, 400.0), sample_rate=RATE)
    higher = PitchShift(semitones=(12, 12), keep_formants=False)(clip, stream(1))
    assert len(higher.sound) == RATE
    assert dominant_hz(higher.sound) == pytest.approx(800, abs=4)
