"""What every text-to-speech engine offers: voices, what they can do, and `speak`.

An engine says honestly which controls a voice has and what it made of them (`realised`);
it never ignores a setting in silence. `check` measures that before a build starts: a text
spoken slowly and fast must differ in length as asked.
"""

from __future__ import annotations

import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, PrivateAttr

from seedbed.errors import SeedbedError
from seedbed.sample import TimedSpan

Sex = Literal["female", "male", ""]
Control = Literal[
    "rate",
    "pitch",
    "pitch_range",
    "volume",
    "emphasis",
    "pauses",
    "accent",
    "unsteady",
    "word_times",
    "phoneme_times",
]
Emphasis = Literal["none", "reduced", "moderate", "strong"]

Markup = Literal["", "phonemes", "ssml"]
"""What a text is: words, an engine's own phonemes, or SSML (W3C 2010, version 1.1)."""

SLOW_RATE, FAST_RATE = 0.8, 1.25
"""The two rates `check` speaks at; 1.25 is a change every engine here can make."""

LEAST_RATE_EFFECT = 1.08
"""How much longer the slow text must be than the fast one.

Asked is 1.25 / 0.8 = 1.56; engines keep plosives and pauses near their length, so the whole
stretches by less: by 1.11 in Vietnamese with espeak's stiffest variants, by 1.22 or more elsewhere.
A voice that ignores the rate stays at 1.
"""

CHECKED_TEXT = "12"
"""What `check` has most voices say: digits are read out in nearly every language, and this is one
word in most, so that no echo holds up a second one."""

SPELLING = frozenset(("Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Cf"))
"""Unicode's categories of what words are spelled with: letters, marks such as the vowel signs of
Hindi, digits, and joiners, which sound like nothing."""

SILENT_PEAK = 1e-3
"""Peak under which a clip counts as silent: 1/1000 of full scale, -60 dB."""

SPEECH_FLOOR_DB = -40.0
"""Energy, against the loudest frame, under which a frame counts as outside the speech."""

FRAME_SECONDS = 0.005


@dataclass(frozen=True, kw_only=True)
class Voice:
    """One voice of an engine.

    `id` is what `speak` takes. `language` is a lower-case BCP 47 tag (`en-us`). `speaker`
    names who it sounds like: voices that share it (one variant in two languages, one
    voice through two engines) must fall into one split together. `controls` lists what
    the voice really obeys.
    """

    id: str
    language: str
    sex: Sex = ""
    speaker: str = ""
    controls: frozenset[Control] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Prosody:
    """How to say it, in units that mean the same for every engine.

    `rate` is a ratio to the voice's normal speed; `pitch_semitones` an offset from its
    normal pitch; `pitch_range` a ratio to its normal range (0 is monotone); `volume` is
    the engine's own loudness, 0 to 1; `pause_ms` is added between words. `emphasis` is
    laid on the characters of `emphasis_span`, or on the whole text where that is None.
    `accent` is the language whose sounds the phrase is read with, "" for the voice's own.
    `unsteady` asks for the engine's own jitter and breath, which keep a state. `seed`
    serves engines that draw numbers of their own. `markup` says what the text is; emphasis and
    accent do not go with one.
    """

    rate: float = 1.0
    pitch_semitones: float = 0.0
    pitch_range: float = 1.0
    volume: float = 1.0
    pause_ms: float = 0.0
    emphasis: Emphasis = "none"
    emphasis_span: tuple[int, int] | None = None
    accent: str = ""
    unsteady: bool = False
    seed: int = 0
    markup: Markup = ""


@dataclass(frozen=True, kw_only=True)
class SpokenWord:
    """A word, its characters' place in the text, and when it sounds, in seconds."""

    text: str
    char_start: int
    char_end: int
    start: float
    end: float


@dataclass(frozen=True, kw_only=True)
class Utterance:
    """What an engine said: float32 mono of shape (frames,) in [-1, 1], with its times.

    `realised` holds the settings the engine worked with after its own rounding and
    limits, in the units of `Prosody`; `requested` those that a program or network was given
    and says nothing about. A control the voice lacks is in neither.
    """

    sound: NDArray[np.float32]
    sample_rate: int
    words: tuple[SpokenWord, ...] = ()
    phonemes: tuple[TimedSpan, ...] = ()
    realised: Mapping[str, float] = field(default_factory=dict)
    requested: Mapping[str, float] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """The length of the sound."""
        return len(self.sound) / self.sample_rate


class EngineFailure(SeedbedError):
    """An engine did not do what it was asked; the message names text, voice and engine."""


class Engine(BaseModel, ABC):
    """Turns text into sound with labels; its fields are its options in the recipe."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    name: ClassVar[str]
    deterministic: ClassVar[bool] = True
    """Whether the same arguments give the same samples, whatever was said before."""
    procedural: ClassVar[bool] = False
    """Whether voices take espeak's procedural speakers: `BASE+#NUMBER`."""
    markups: ClassVar[frozenset[Markup]] = frozenset()
    """What else than words it can be given as a text."""
    packages: ClassVar[tuple[str, ...]] = ()
    """Installed packages that decide its samples."""

    _heard: set[str] = PrivateAttr(default_factory=set)
    """Voices that `check` has found to do as they are told."""

    @abstractmethod
    def voices(self) -> Sequence[Voice]:
        """The voices usable here, sorted by id. Raises `SeedbedError` where there are none."""

    @abstractmethod
    def speak(self, text: str, voice: str, prosody: Prosody) -> Utterance:
        """Say `text`. Raises `InputError` for an unknown voice, `EngineFailure` for the rest."""

    @abstractmethod
    def available(self) -> str:
        """An empty string where the engine can be used here, else what is missing, in words."""

    def reads(self, character: str) -> bool:
        """Whether it speaks a letter, digit or sign that the text's language has a sound for.

        Signs such as % are promised only where they were tried: each must be heard as the words
        in `data/speech/alphabets.yaml`. An accent belongs to its letter.
        """
        return unicodedata.category(character) in SPELLING

    def file_digests(self) -> Mapping[str, str]:
        """Digests, by name, of the voices and programs that no package's version stands for.

        A build is not continued with others. Raises `InputError` for a file that cannot be read.
        """
        return {}

    def unpromised(self, voices: Sequence[Voice]) -> str:
        """A sentence where the same arguments may give `voices` other samples, else ""."""
        if self.deterministic:
            return ""
        return (
            f"Engine {self.name} draws numbers of its own: its clips are not the same every time."
        )

    def unlike(self, voices: Sequence[Voice]) -> Sequence[Voice]:
        """Those of `voices` that may each obey in a way of its own; here all of them."""
        return voices

    def is_mixture(self, voice: str) -> bool:
        """Whether a voice is one of many that are mixed from the others; here none is."""
        return False

    def stretched_seconds(self, utterance: Utterance) -> float:
        """The part of an utterance that a rate stretches: all of its speech, by energy."""
        return speech_seconds(utterance)

    def checked_text(self, voice: Voice) -> str:
        """What `check` has a voice say."""
        return CHECKED_TEXT

    def check(self, voices: Sequence[Voice] | None = None) -> None:
        """Speak slowly and fast through `unlike` ones of `voices` (the first by default); compare.

        A voice that was found good is not heard again. Raises `EngineFailure` where the output is
        silent or the rate was ignored.
        """
        for voice in self.unlike(voices or self.voices()[:1]):
            if "rate" not in voice.controls or voice.id in self._heard:
                continue
            text = self.checked_text(voice)
            said = [
                self.speak(text, voice.id, Prosody(rate=rate)) for rate in (SLOW_RATE, FAST_RATE)
            ]
            if not all(map(speech_seconds, said)):
                raise EngineFailure(
                    f"engine {self.name}: voice {voice.id!r} said nothing for {text!r}; leave "
                    "the voice out with `exclude_voices`."
                )
            slow, fast = map(self.stretched_seconds, said)
            if slow < LEAST_RATE_EFFECT * fast:
                raise EngineFailure(
                    f"engine {self.name}: voice {voice.id!r} ignores the rate: {text!r} took "
                    f"{slow:.3f} s at rate {SLOW_RATE} and {fast:.3f} s at {FAST_RATE}; leave "
                    "the voice out with `exclude_voices`, or repair the engine."
                )
            self._heard.add(voice.id)


def speech_bounds(
    sound: NDArray[np.float32], sample_rate: int, floor_db: float = SPEECH_FLOOR_DB
) -> tuple[int, int] | None:
    """First and one-past-last frame of the speech, found by energy; None in silence.

    Energy is taken over windows of `FRAME_SECONDS` and compared with the loudest one.
    """
    hop = max(1, round(FRAME_SECONDS * sample_rate))
    count = -(-len(sound) // hop)
    if count == 0:
        return None
    padded = np.zeros(count * hop, dtype=np.float32)
    padded[: len(sound)] = sound
    windows = padded.reshape(count, hop)
    energy = np.einsum("ij,ij->i", windows, windows)
    loudest = float(energy.max())
    if loudest <= 0.0:
        return None
    loud = np.flatnonzero(energy > loudest * 10.0 ** (floor_db / 10.0))
    return int(loud[0]) * hop, min(int(loud[-1] + 1) * hop, len(sound))


def speech_seconds(utterance: Utterance) -> float:
    """The time between the speech's onset and its end by energy, 0 in silence."""
    bounds = speech_bounds(utterance.sound, utterance.sample_rate)
    return 0.0 if bounds is None else (bounds[1] - bounds[0]) / utterance.sample_rate
