"""Hibari, a small neural English voice (extra `hibari`: the package hibari-tts).

One American voice comes inside the package; others are used where a person has put them
into its cache folder, and are never downloaded from here. Its noise comes from a seed given with
each call, so the same arguments give the same samples. Accents are spelled in phonemes.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any, ClassVar

import numpy as np
from pydantic import PrivateAttr

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
from seedbed.generators.speech.engines.kokoro import kokoro_letters
from seedbed.generators.speech.ipa import accented_ipa
from seedbed.registry import nearest

CONTROLS: frozenset[Control] = frozenset(("rate", "accent"))

SIGNS = "%&+=@°/"
"""Those that hibari-tts 0.2 says as the words of `data/speech/alphabets.yaml`."""

RATE_LIMITS = (0.5, 2.0)
"""The package's documented range of `speed`."""


class HibariEngine(Engine):
    """hibari-tts with the voices that are on this machine."""

    name: ClassVar[str] = "hibari"
    packages: ClassVar[tuple[str, ...]] = ("hibari-tts", "onnxruntime")

    _sessions: dict[str, Any] = PrivateAttr(default_factory=dict)

    def available(self) -> str:
        """What is missing, or an empty string."""
        return "" if find_spec("hibari") else "hibari is missing: pip install 'seedbed[hibari]'"

    def reads(self, character: str) -> bool:
        """English letters and the signs that its dictionary has."""
        return super().reads(character) or character in SIGNS

    def voices(self) -> Sequence[Voice]:
        """The bundled voice and those in the cache folder. Raises `MissingExtra` without it."""
        registry = _hibari_voices()
        found = []
        for name, facts in sorted(registry.VOICES.items()):
            try:
                registry.voice_path(name, download_missing=False)
            except FileNotFoundError:
                continue
            gender = str(facts.get("gender", "")).lower()
            sex: Sex = "female" if gender.startswith("f") else "male" if gender else ""
            found.append(
                Voice(
                    id=name,
                    language="en-gb" if facts.get("british") else "en-us",
                    sex=sex,
                    speaker=f"hibari:{name}",
                    controls=CONTROLS,
                )
            )
        return found

    def speak(self, text: str, voice: str, prosody: Prosody) -> Utterance:
        """Say `text`. Raises `InputError` for a voice that is not here, else `EngineFailure`."""
        known = [found.id for found in self.voices()]
        if voice not in known:
            raise InputError(f"hibari has no voice {voice!r} here{nearest(voice, known)}")
        if voice not in self._sessions:
            self._sessions[voice] = import_module("hibari").Hibari(voice=voice, threads=1)
        session = self._sessions[voice]
        speed = min(RATE_LIMITS[1], max(RATE_LIMITS[0], prosody.rate))
        said = (
            session(text, speed=speed, seed=prosody.seed)
            if not prosody.accent
            # It is a small copy of Kokoro and has the same letters.
            else (
                session.from_phonemes(
                    kokoro_letters(accented_ipa(text, "en-us", prosody.accent)),
                    speed=speed,
                    seed=prosody.seed,
                )
            )
        )
        sound = np.asarray(said, dtype=np.float32)
        if len(sound) == 0:
            raise EngineFailure(f"hibari said nothing for {text!r} with voice {voice!r}.")
        return Utterance(
            sound=sound, sample_rate=int(session.sample_rate), requested={"rate": speed}
        )


def _hibari_voices() -> Any:
    try:
        return import_module("hibari.voices")
    except ImportError as error:
        raise MissingExtra("hibari-tts", "hibari", "the speech engine hibari") from error
