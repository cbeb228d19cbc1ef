"""Voices that are told to speak slowly and fast: each of them is heard before a build."""

from __future__ import annotations

from collections import Counter
from typing import ClassVar

import numpy as np
import pytest
from pydantic import PrivateAttr

from seedbed.generators.speech.engines import build_engine
from seedbed.generators.speech.engines.base import (
    CHECKED_TEXT,
    Engine,
    EngineFailure,
    Prosody,
    Utterance,
    Voice,
    speech_seconds,
)
from seedbed.generators.speech.engines.espeak import EspeakEngine, espeak_voices, stock_variants
from seedbed.sample import TimedSpan


class Metronome(Engine):
    """Says a click for each of its voices; deaf ones say it at one speed, mute ones not at all."""

    name: ClassVar[str] = "metronome"
    deaf: tuple[str, ...] = ()
    mute: tuple[str, ...] = ()
    _said: Counter[str] = PrivateAttr(default_factory=Counter)

    def available(self) -> str:
        return ""

    def voices(self) -> list[Voice]:
        controls = frozenset(("rate",))
        return [Voice(id=name, language="en", controls=controls) for name in ("ann", "bob", "cy")]

    def speak(self, text: str, voice: str, prosody: Prosody) -> Utterance:
        self._said[voice] += 1
        rate = 1.0 if voice in self.deaf else prosody.rate
        loudness = 0.0 if voice in self.mute else 0.5
        sound = np.full(round(4000 / rate), loudness, dtype=np.float32)
        return Utterance(sound=sound, sample_rate=8000)


def test_every_voice_is_heard_once_slow_and_once_fast() -> None:
    engine = Metronome()
    engine.check(engine.voices())
    assert engine._said == {"ann": 2, "bob": 2, "cy": 2}
    engine.check(engine.voices())
    assert engine._said.total() == 6, "those found good are not heard again"


def test_one_deaf_voice_among_good_ones_is_named() -> None:
    engine = Metronome(deaf=("cy",))
    engine.check()
    with pytest.raises(EngineFailure, match=r"voice 'cy' ignores the rate: '12' took 0\.500 s"):
        engine.check(engine.voices())


def test_a_voice_that_says_nothing_is_named() -> None:
    engine = Metronome(mute=("bob",))
    with pytest.raises(EngineFailure, match="voice 'bob' said nothing for '12'; leave the voice"):
        engine.check(engine.voices())


def test_an_echo_after_the_speech_is_not_stretched() -> None:
    """Half a second of sound whose last phoneme begins after a fifth of one."""
    phonemes = (TimedSpan(text="a", start=0.1, end=0.3), TimedSpan(text="b", start=0.3, end=0.5))
    said = Utterance(sound=np.ones(4000, np.float32), sample_rate=8000, phonemes=phonemes)
    assert speech_seconds(said) == pytest.approx(0.5)
    assert EspeakEngine().stretched_seconds(said) == pytest.approx(0.2)
    assert Metronome().stretched_seconds(said) == pytest.approx(0.5)


def test_every_language_and_every_variant_of_espeak_does_as_it_is_told() -> None:
    engine = EspeakEngine()
    voices = espeak_voices()
    unlike = engine.unlike(voices)
    assert {v.id.partition("+")[0] for v in unlike} == {v.id.partition("+")[0] for v in voices}
    assert {v.id.partition("+")[2] for v in unlike} == {"", *stock_variants()}
    assert len(unlike) < 300
    engine.check(voices)
    without_digits = {voice.id: engine.checked_text(voice) for voice in engine.base_voices()}
    assert {text for text in without_digits.values() if text != CHECKED_TEXT} == {"tsalagi", "иккӗ"}
    assert without_digits["gmw/en-US"] == CHECKED_TEXT


def test_variants_and_speakers_of_one_network_are_heard_once() -> None:
    def ids(engine: str, *voices: str) -> list[str]:
        asked = [Voice(id=voice, language="en") for voice in voices]
        return sorted(voice.id for voice in build_engine(engine).unlike(asked))

    quick = ("gmw/en", "gmw/en+f1", "gmw/en-US+f1", "gmw/en-US+f2")
    slow = ("gmw/de+f1", "gmw/de+f2", "roa/fr")
    assert ids("pyttsx3", *quick, *slow) == ["gmw/de+f1", "gmw/en", "gmw/en-US+f1"]
    assert ids("piper", "two#ann", "two#bob", "joe") == ["joe", "two#ann"]
    assert ids("kokoro", "jf_alpha", "blend-0", "jm_kumo", "blend-1") == ["jf_alpha", "jm_kumo"]
    assert ids("kokoro", "blend-3", "blend-4") == ["blend-3"]
    kokoro = build_engine("kokoro")
    kokoro._heard.add("jf_alpha")
    assert kokoro.unlike([Voice(id="blend-3", language="en")]) == [], "a mean of what was heard"
    assert ids("flite", "rms", "slt") == ["rms", "slt"]


def test_quick_voices_of_pyttsx3_do_as_they_are_told() -> None:
    engine = build_engine("pyttsx3")
    voices = [voice for voice in engine.voices() if voice.language.startswith("en")]
    assert len(engine.unlike(voices)) >= 5
    engine.check(voices)
