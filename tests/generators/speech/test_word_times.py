"""Times of every word in a phrase, held against the sound between its pauses."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from seedbed.generators.speech.engines import open_engine
from seedbed.generators.speech.engines.base import FRAME_SECONDS, SPEECH_FLOOR_DB, Prosody
from seedbed.generators.speech.engines.espeak import EspeakEngine
from seedbed.generators.speech_clip import SpeechClip

LEAST_PAUSE_S = 0.08
"""Shorter silences lie within words: the closure of a stop."""

ONSET_S = 0.020


def islands(sound: NDArray[np.float32], sample_rate: int) -> list[tuple[float, float]]:
    """Starts and ends in seconds of what sounds between pauses, by energy."""
    hop = round(FRAME_SECONDS * sample_rate)
    windows = sound[: len(sound) // hop * hop].reshape(-1, hop)
    energy = np.einsum("ij,ij->i", windows, windows)
    loud = np.flatnonzero(energy > energy.max() * 10 ** (SPEECH_FLOOR_DB / 10))
    ends = np.flatnonzero(np.diff(loud) * hop > LEAST_PAUSE_S * sample_rate)
    first, last = [loud[0], *loud[ends + 1]], [*loud[ends], loud[-1]]
    seconds = hop / sample_rate
    return [(a * seconds, (b + 1) * seconds) for a, b in zip(first, last, strict=True)]


@pytest.fixture(scope="module")
def engine() -> EspeakEngine:
    found = open_engine("espeak")
    assert isinstance(found, EspeakEngine)
    return found


@pytest.mark.parametrize(
    ("voice", "text"),
    [
        ("gmw/en-US+m3", "seven nine zero five"),
        ("gmw/en-US+klatt4", "never mind every yellow lemon"),
        ("gmw/en-US+#12", "two ten cat boy"),
        ("gmw/en+#77", "we all have eleven more"),
        ("gmw/de+#7", "eins neun sieben zehn"),
        ("zlw/sk+#8", "lima osem nula"),
    ],
)
@pytest.mark.parametrize("rate", [0.7, 1.0, 1.6])
@pytest.mark.parametrize("unsteady", [False, True])
def test_every_word_begins_within_20_ms_of_its_sound(
    engine: EspeakEngine, voice: str, text: str, rate: float, unsteady: bool
) -> None:
    said = engine.speak(text, voice, Prosody(rate=rate, pause_ms=500, unsteady=unsteady))
    sounds = islands(said.sound, said.sample_rate)
    assert [word.text for word in said.words] == text.split()
    assert len(sounds) == len(said.words) >= 3
    for word, (start, end) in zip(said.words, sounds, strict=True):
        assert abs(word.start - start) <= ONSET_S, word
        assert abs(word.end - end) <= ONSET_S, word


def test_words_of_an_accent_and_an_emphasis_have_their_times(engine: EspeakEngine) -> None:
    text = "seven nine zero five"
    for voice, prosody in (
        ("gmw/de+#5", Prosody(accent="de", pause_ms=300)),
        ("gmw/en-US+#5", Prosody(emphasis="strong", emphasis_span=(6, 10), pause_ms=300)),
    ):
        said = engine.speak(text, voice, prosody)
        sounds = islands(said.sound, said.sample_rate)
        assert [word.text for word in said.words] == text.split()
        assert len(sounds) == 4
        for word, (start, _) in zip(said.words, sounds, strict=True):
            assert abs(word.start - start) <= ONSET_S, (word, prosody)


def test_words_after_full_stops_and_signs_have_their_times(engine: EspeakEngine) -> None:
    """espeak's places are one too early after a full stop."""
    text = "nine. six! seven, no; - zero."
    said = engine.speak(text, "gmw/en-US+#12", Prosody(pause_ms=300))
    sounds = islands(said.sound, said.sample_rate)
    assert [word.text for word in said.words] == ["nine", "six", "seven", "no", "zero"]
    assert all(text[word.char_start : word.char_end] == word.text for word in said.words)
    onsets = np.array([start for start, _ in sounds])
    # The x of "six" has a closure as long as a short pause: there may be more sounds than words.
    for word in said.words:
        assert np.abs(onsets - word.start).min() <= ONSET_S, word


def test_words_that_are_said_as_one_are_one(engine: EspeakEngine) -> None:
    def heard(text: str, voice: str = "gmw/en-US") -> list[str]:
        words = engine.speak(text, voice, Prosody()).words
        assert all(text[word.char_start : word.char_end] == word.text for word in words)
        assert all(a.end <= b.start + 1e-9 for a, b in pairwise(words))
        return [word.text for word in words]

    assert heard("turn on the light") == ["turn", "on the", "light"]
    assert heard("vypni svetlo na chodbe", "zlw/sk") == ["vypni", "svetlo", "na chodbe"]
    # Two events within "it", one of them for "is".
    assert heard("so it is; 12,5 of them") == ["so", "it", "is", "12,5", "of", "them"]
    assert heard("- yes") == ["yes"]


def test_words_of_finished_clips_begin_with_their_sound() -> None:
    """Trimmed, resampled and warped; without tilt, which takes soft fricatives under the floor."""
    made = SpeechClip(
        phrases=["seven nine zero", "eleven lemon now"],
        engines={"espeak": 1.0},
        pause_ms=(300.0, 300.0),
        tilt_db_per_octave=(0.0, 0.0),
        procedural_share=1.0,
        accent_share=0.3,
        emphasis={"none": 1.0},
        voices=("gmw/en-US+*", "gmw/en+*"),
    )
    warped = 0
    for clip in made.samples(seed=6, count=40):
        sounds = islands(clip.sound, clip.sample_rate)
        assert len(sounds) == len(clip.words) == 3, clip.voice
        warped += clip.attributes["vocal_tract"] != 1.0
        for word, (start, _) in zip(clip.words, sounds, strict=True):
            assert abs(word.start - start) <= ONSET_S, (clip.voice, word)
    assert warped > 10
