"""Sounds with known times, and a speech generator that needs no engine, for tests of sound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from seedbed.component import Generator
from seedbed.sample import Clip, TimedSpan

RATE = 16000


def burst(seconds: float, hertz: float = 800.0, rate: int = RATE) -> NDArray[np.float32]:
    """A tone at -9 dBFS RMS (peak 0.5)."""
    time = np.arange(round(seconds * rate)) / rate
    return (0.5 * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


def two_words(rate: int = RATE) -> Clip:
    """One second: "one" is a tone from 0.2 to 0.35 s, "two" another from 0.6 to 0.7 s."""
    sound = np.zeros(rate, dtype=np.float32)
    words = (
        TimedSpan(text="one", start=0.2, end=0.35),
        TimedSpan(text="two", start=0.6, end=0.7),
    )
    for word, hertz in zip(words, (800.0, 1100.0), strict=True):
        tone = burst(word.end - word.start, hertz, rate)
        first = round(word.start * rate)
        sound[first : first + len(tone)] = tone
    return Clip(
        sound=sound,
        sample_rate=rate,
        transcript="one two",
        label="two",
        words=words,
        phonemes=(TimedSpan(text="w", start=0.2, end=0.25),),
        keyword_span=(0.6, 0.7),
    )


def heard_spans(sound: NDArray[np.float32], rate: int = RATE) -> list[tuple[float, float]]:
    """When a sound is louder than a quarter of its peak, gaps of under 50 ms bridged."""
    loud = np.flatnonzero(np.abs(sound) > 0.25 * np.abs(sound).max())
    breaks = np.flatnonzero(np.diff(loud) > 0.05 * rate)
    firsts = np.concatenate([loud[:1], loud[breaks + 1]])
    lasts = np.concatenate([loud[breaks], loud[-1:]])
    return [(a / rate, (b + 1) / rate) for a, b in zip(firsts, lasts, strict=True)]


def db(power: float) -> float:
    """Decibels of a power."""
    return float(10 * np.log10(power))


@dataclass(frozen=True)
class BeepsParams:
    """The pitch of one clip; 0 is silence."""

    hertz: float


class Beeps(Generator[BeepsParams, Clip]):
    """Half a second of a tone that stands for speech; every other clip is silence."""

    params_type: ClassVar[type[BeepsParams]] = BeepsParams
    sample_type: ClassVar[type[Clip]] = Clip

    loudest: float = 0.3

    def draw(self, rng: np.random.Generator) -> BeepsParams:
        """Draw silence or a pitch."""
        return BeepsParams(float(rng.uniform(200, 2000)) if rng.random() < 0.5 else 0.0)

    def render(self, params: BeepsParams) -> Clip:
        """The tone."""
        sound = self.loudest * 2 * burst(0.5, params.hertz)
        return Clip(
            sound=sound.astype(np.float32),
            sample_rate=RATE,
            transcript="beep" if params.hertz else "",
        )
