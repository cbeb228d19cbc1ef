"""Speakers made from a number: a voice's formants, pitch, tone and breath as espeak variants.

espeak-ng's base voice speaks through a *variant* file that scales its formants and pitch
(espeak-ng documentation, "Voice files"). `speaker_shape` draws such a file's values from
the speaker's number alone, within the ranges of `data/speech/espeak.yaml`, so speaker 12
is the same person in every recipe, split and process.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import yaml

from seedbed.generators.speech.engines.base import Sex
from seedbed.resources import data_path
from seedbed.streams import chance, choose_weighted, stream

FORMANTS = 6
"""espeak numbers formants 0 to 8; 6 to 8 lie above 5 kHz and follow the fifth here."""


@dataclass(frozen=True, kw_only=True)
class SpeakerShape:
    """What makes one speaker, in the units of espeak's variant files.

    `pitch_hz` is the bottom and top of the intonation; `formants` holds (frequency,
    height, width) in per cent of the base voice; `tone` holds (Hz, amplitude 0 to 255)
    pairs. `klatt` is 0 for espeak's own synthesiser or 1 to 4 for a Klatt voice.
    `flutter`, `roughness` and `breath` are used only where a clip asks for them: they
    make espeak keep a state between utterances.
    """

    sex: Sex
    child: bool
    pitch_hz: tuple[int, int]
    formants: tuple[tuple[int, int, int], ...]
    tone: tuple[tuple[int, int], ...]
    voicing: int
    consonants: int
    speed: int
    klatt: int
    flutter: int
    roughness: int
    breath: int

    def variant_text(self, unsteady: bool) -> str:
        """The variant file, with the jitter and breath or, where steady, with none."""
        lines = ["language variant", "name procedural"]
        if self.sex:
            lines.append(f"gender {self.sex}")
        if self.klatt:
            lines.append(f"klatt {self.klatt}")
        lines.append(f"pitch {self.pitch_hz[0]} {self.pitch_hz[1]}")
        for number, (frequency, height, width) in enumerate(self.formants):
            lines.append(f"formant {number} {frequency} {height} {width}")
        lines.append("tone " + " ".join(f"{hertz} {level}" for hertz, level in self.tone))
        lines += [
            f"voicing {self.voicing}",
            f"consonants {self.consonants} {self.consonants}",
            f"speed {self.speed}",
        ]
        if unsteady:
            lines += [f"flutter {self.flutter}", f"roughness {self.roughness}"]
            if self.breath:
                lines.append("breath " + " ".join([str(self.breath)] * 8))
        else:
            lines += STEADY_LINES
        return "\n".join(lines) + "\n"


STEADY_LINES = ["flutter 0", "roughness 0"]
"""Without jitter, roughness and breath espeak keeps no state between utterances."""

UNSTEADY_KEYS = frozenset({"flutter", "roughness", "breath", "breathw"})


def steady_variant(text: str) -> str:
    """A stock variant file without the settings that keep a state between utterances."""
    kept = [line for line in text.splitlines() if line.split()[:1] != []]
    kept = [line for line in kept if line.split()[0] not in UNSTEADY_KEYS]
    return "\n".join([*kept, *STEADY_LINES]) + "\n"


@cache
def espeak_facts() -> dict[str, Any]:
    """`data/speech/espeak.yaml`, read once."""
    facts: dict[str, Any] = yaml.safe_load(
        data_path("speech", "espeak.yaml").read_text(encoding="utf-8")
    )
    return facts


@cache
def stateless_voices() -> tuple[str, ...]:
    """The base voices whose steady speech leaves no trace in espeak, sorted."""
    return tuple(sorted(espeak_facts()["stateless_voices"]))


@cache
def accent_facts() -> dict[str, Any]:
    """`data/speech/accents.yaml`, read once."""
    facts: dict[str, Any] = yaml.safe_load(
        data_path("speech", "accents.yaml").read_text(encoding="utf-8")
    )
    return facts


def script_of_language(language: str) -> tuple[str, ...]:
    """The scripts a language is written in, as Unicode names them: `("LATIN",)` by default."""
    scripts = espeak_facts()["scripts"]
    return tuple(scripts.get(language.partition("-")[0].lower(), ("LATIN",)))


@lru_cache(maxsize=4096)
def speaker_shape(number: int) -> SpeakerShape:
    """The speaker of that number, `number >= 0`."""
    ranges = espeak_facts()["procedural"]
    rng = stream(number, "procedural-speaker")
    sexes = ranges["sexes"]
    kind = choose_weighted(rng, {name: value["weight"] for name, value in sexes.items()})
    # Drawn at once: thirty draws one by one take as long as a tenth of a clip.
    drawn: Iterator[float] = iter(
        rng.random(3 + 3 * FORMANTS + len(ranges["tone_hz"]) + 3).tolist()
    )

    def between(bounds: list[float]) -> float:
        low, high = bounds
        return low + (high - low) * next(drawn)

    def whole(bounds: list[float]) -> int:
        return round(between(bounds))

    low_hz = between(sexes[kind]["pitch_hz"])
    span = between(ranges["pitch_span"])
    scale = between(sexes[kind]["formant_percent"])
    formants = tuple(
        (
            round(scale * between(ranges["single_formant_percent"]) / 100),
            whole(ranges["formant_height_percent"]),
            whole(ranges["formant_width_percent"]),
        )
        for _ in range(FORMANTS)
    )
    tone = tuple(
        (hertz, whole(bounds))
        for hertz, bounds in zip(ranges["tone_hz"], ranges["tone_amplitude"], strict=True)
    )
    sex: Sex = {"male": "male", "female": "female"}.get(kind, "")  # type: ignore[assignment]
    voicing, consonants, speed = (
        whole(ranges[f"{key}_percent"]) for key in ("voicing", "consonants", "speed")
    )
    klatt = 1 + int(rng.integers(4)) if chance(rng, ranges["klatt_share"]) else 0
    drawn = iter(rng.random(3).tolist())
    return SpeakerShape(
        sex=sex,
        child=kind == "child",
        pitch_hz=(round(low_hz / span**0.5), round(low_hz * span**0.5)),
        formants=formants,
        tone=tone,
        voicing=voicing,
        consonants=consonants,
        speed=speed,
        klatt=klatt,
        flutter=whole(ranges["flutter"]),
        roughness=whole(ranges["roughness"]),
        breath=whole(ranges["breath"]),
    )
