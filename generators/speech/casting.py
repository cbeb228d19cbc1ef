"""Who speaks: the voices a recipe allows, by engine and language, and their share of speakers.

Speakers are split by a hash of their name, which is a place between 0 and 1: a recipe gives
each split its own slice, so that train and test share no voice. The place depends on nothing
else, hence two recipes with other filters still agree on who belongs where.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from hashlib import blake2b

import numpy as np

from seedbed.errors import InputError, Rejected
from seedbed.generators.speech.engines.base import Sex, Voice
from seedbed.generators.speech.speaker import espeak_facts, speaker_shape
from seedbed.streams import chance, choose

MOST_SPEAKER_TRIES = 256
"""Numbers tried for a procedural speaker of the wanted slice and sex."""


@lru_cache(maxsize=65536)
def speaker_place(speaker: str) -> float:
    """Where a speaker stands between 0 and 1, by a hash of the name."""
    digest = blake2b(speaker.encode(), digest_size=8, person=b"speaker").digest()
    return int.from_bytes(digest, "little") / 2**64


def in_share(speaker: str, share: tuple[float, float]) -> bool:
    """Whether a speaker stands in the slice [low, high)."""
    return share[0] <= speaker_place(speaker) < share[1]


def primary_language(tag: str) -> str:
    """`en` of `en-us`."""
    return tag.partition("-")[0].lower()


def is_dialect(tag: str, wanted: str) -> bool:
    """Whether `tag` is `wanted` or a dialect of it: `en-us` of `en`."""
    return tag == wanted or tag.startswith(f"{wanted}-")


@dataclass(frozen=True, kw_only=True)
class Casting:
    """What a recipe says about voices; see the fields of `SpeechClip`."""

    voices: tuple[str, ...]
    exclude_voices: tuple[str, ...]
    sexes: tuple[Sex, ...]
    inhuman: bool
    dialects: Mapping[str, float]
    speaker_share: tuple[float, float]
    procedural_share: float
    procedural_speakers: int


@dataclass(frozen=True)
class Cast:
    """The voices of one engine for one language: by dialect, and whether speakers can be made."""

    dialects: tuple[str, ...]
    weights: tuple[float, ...]
    voices: Mapping[str, tuple[Voice, ...]]
    bases: Mapping[str, tuple[Voice, ...]]
    casting: Casting

    def draw(self, rng: np.random.Generator) -> Voice:
        """One voice: dialect by weight, then a voice of it, or a procedural speaker.

        Raises `Rejected` where no procedural speaker of the slice and sex is found.
        """
        dialect = choose(rng, self.dialects, self.weights)
        made = chance(rng, self.casting.procedural_share)
        stock, bases = self.voices.get(dialect, ()), self.bases.get(dialect, ())
        if bases and (made or not stock):
            return self._procedural(rng, choose(rng, bases))
        return choose(rng, stock)

    def everyone(self) -> list[Voice]:
        """All its voices, those that procedural speakers are put on first."""
        groups = (*self.bases.values(), *self.voices.values())
        return [voice for group in groups for voice in group]

    def _procedural(self, rng: np.random.Generator, base: Voice) -> Voice:
        for _ in range(MOST_SPEAKER_TRIES):
            number = int(rng.integers(self.casting.procedural_speakers))
            speaker = f"espeak:#{number}"
            if not in_share(speaker, self.casting.speaker_share):
                continue
            sex = shape_sex(number)
            if self.casting.sexes and sex not in self.casting.sexes:
                continue
            return Voice(
                id=f"{base.id}+#{number}",
                language=base.language,
                sex=sex,
                speaker=speaker,
                controls=base.controls,
            )
        raise Rejected("speaker_share")


@lru_cache(maxsize=65536)
def shape_sex(number: int) -> Sex:
    """The sex of a procedural speaker, "" for a child."""
    return speaker_shape(number).sex


def cast_voices(
    voices: Sequence[Voice], bases: Sequence[Voice], language: str, casting: Casting
) -> Cast | None:
    """The voices for a language that pass the recipe's filters; None where there are none.

    Any dialect of the language speaks it: an English phrase may have a Scottish voice.
    `bases` are the voices that procedural speakers can be put on.
    """
    stock = [voice for voice in _spoken(voices, language, casting) if _wanted(voice, casting)]
    based: list[Voice] = []
    if casting.procedural_share > 0.0:
        based = [
            base for base in _spoken(bases, language, casting) if _named(f"{base.id}+#", casting)
        ]
    tags = sorted({voice.language for voice in (*stock, *based)})
    if not tags:
        return None
    return Cast(
        dialects=tuple(tags),
        weights=tuple(_dialect_weight(tag, casting) for tag in tags),
        voices={tag: tuple(v for v in stock if v.language == tag) for tag in tags},
        bases={tag: tuple(v for v in based if v.language == tag) for tag in tags},
        casting=casting,
    )


def _spoken(voices: Sequence[Voice], language: str, casting: Casting) -> list[Voice]:
    primary = primary_language(language)
    return [
        voice
        for voice in voices
        if primary_language(voice.language) == primary
        and (not casting.dialects or _dialect_weight(voice.language, casting) > 0.0)
    ]


def _dialect_weight(tag: str, casting: Casting) -> float:
    """The weight of the longest key of `dialects` that `tag` belongs to; 1 without any."""
    if not casting.dialects:
        return 1.0
    keys = [key for key in casting.dialects if is_dialect(tag, key.lower())]
    if not keys:
        # Dialects of another language do not silence this one.
        primaries = {primary_language(key) for key in casting.dialects}
        return 0.0 if primary_language(tag) in primaries else 1.0
    return casting.dialects[max(keys, key=len)]


def _named(voice_id: str, casting: Casting) -> bool:
    return any(fnmatchcase(voice_id, glob) for glob in casting.voices) and not any(
        fnmatchcase(voice_id, glob) for glob in casting.exclude_voices
    )


def _wanted(voice: Voice, casting: Casting) -> bool:
    variant = voice.speaker.removeprefix("espeak:")
    if not casting.inhuman and variant in inhuman_variants():
        return False
    if casting.sexes and voice.sex not in casting.sexes:
        return False
    return _named(voice.id, casting) and in_share(voice.speaker, casting.speaker_share)


@lru_cache(maxsize=1)
def inhuman_variants() -> frozenset[str]:
    """Stock variants of espeak that sound like machines, whispers or effects."""
    return frozenset(espeak_facts()["inhuman_variants"])


def no_voice_message(language: str, engines: Sequence[str], casting: Casting) -> str:
    """The sentence for a language nobody can speak under this recipe."""
    low, high = casting.speaker_share
    return (
        f"no voice of {', '.join(engines)} speaks {language!r} under this recipe: widen "
        f"`voices`, `sexes`, `dialects` or `speaker_share` (now {low} to {high}), or add an engine."
    )


def check_casting(casting: Casting) -> None:
    """Refuse an empty slice of speakers. Raises `InputError`."""
    low, high = casting.speaker_share
    if not 0.0 <= low < high <= 1.0:
        raise InputError(f"speaker_share must be [low, high] within 0 to 1, got [{low}, {high}]")
