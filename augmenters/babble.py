"""Other people talking: clips of a speech generator, several at a time.

The voices come from a bank that each process makes as it needs them. Voice k of the bank is
the first sample with words that the generator makes under (bank_seed, k), so it is the same in
every worker and every build; a clip draws which voices it hears, from where and how loud.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import AfterValidator, Field, ValidationError, field_validator

from seedbed import registry
from seedbed.augmenters.sound import (
    SILENT_POWER,
    Range,
    SnrRange,
    Sound,
    SoundAugmenter,
    power_of,
    resampled,
    with_noise,
    within,
)
from seedbed.component import Generator
from seedbed.errors import InputError, SeedbedError
from seedbed.sample import Clip
from seedbed.streams import MAX_SEED, uniform

TRIES = 20
MOST_VOICES = 12


def _check(voices: tuple[int, int]) -> tuple[int, int]:
    if not 1 <= voices[0] <= voices[1] <= MOST_VOICES:
        raise ValueError(f"must run from low to high within 1 to {MOST_VOICES}")
    return voices


@dataclass(frozen=True)
class BabbleVoice:
    """One voice: its number in the bank, where in its clip it starts (0 to 1), how loud."""

    number: int
    start_share: float
    level_db: float


@dataclass(frozen=True)
class BabbleParams:
    """What was drawn for one clip."""

    snr_db: float
    voices: tuple[BabbleVoice, ...]


class Babble(SoundAugmenter[BabbleParams]):
    """Adds `voices` others talking at once, all together `snr_db` under the speech.

    `speech` holds the fields of the `generator` that speaks; its phrases should hold none
    of the keywords that a network is to listen for.
    """

    params_type: ClassVar[type[BabbleParams]] = BabbleParams

    voices: Annotated[tuple[int, int], AfterValidator(_check)] = (2, 6)
    snr_db: SnrRange = (0, 20)
    level_db: Annotated[Range, within(-40, 0)] = Field(
        default=(-12, 0), description="of each voice against the loudest"
    )
    generator: str = "speech"
    speech: dict[str, Any] = Field(default={"phrases": "small-talk", "engines": {"espeak": 1.0}})
    bank_size: int = Field(default=64, ge=1, le=256, description="different clips in all")
    bank_seed: int = Field(default=0, ge=0, le=MAX_SEED)

    @field_validator("speech")
    @classmethod
    def _plain(cls, speech: dict[str, Any]) -> dict[str, Any]:
        if "sample_rate" in speech:
            raise ValueError("sample_rate is the clip's own: leave it out")
        try:
            json.dumps(speech)
        except (TypeError, ValueError) as error:
            raise ValueError(f"must hold plain values: {error}") from error
        return speech

    def prepare(self) -> None:
        """Check the generator's name, fields and voices, and speak once.

        Raises `InputError` for what it cannot use.
        """
        _speaker(self.generator, self._fields).prepare()
        _voice(self.generator, self._fields, self.bank_seed, 0)

    def depends_on(self) -> tuple[str, ...]:
        """What the speech generator depends on."""
        return _speaker(self.generator, self._fields).depends_on()

    def file_digests(self) -> Mapping[str, str]:
        """What the speech generator's are. Raises `InputError`."""
        return _speaker(self.generator, self._fields).file_digests()

    def notes(self) -> tuple[str, ...]:
        """What the speech generator cannot promise."""
        return _speaker(self.generator, self._fields).notes()

    @property
    def _fields(self) -> str:
        return json.dumps(self.speech, sort_keys=True)

    def draw(self, sample: Clip, rng: np.random.Generator) -> BabbleParams:
        """Draw ratio and voices."""
        snr_db = uniform(rng, self.snr_db)
        count = int(rng.integers(self.voices[0], self.voices[1] + 1))
        voices = tuple(
            BabbleVoice(
                int(rng.integers(self.bank_size)), float(rng.random()), uniform(rng, self.level_db)
            )
            for _ in range(count)
        )
        return BabbleParams(snr_db, voices)

    def change(self, clip: Clip, params: BabbleParams) -> Clip:
        """The clip with the others under it."""
        frames = len(clip.sound)
        total = np.zeros(frames, dtype=np.float32)
        for voice in params.voices:
            sound, rate = _voice(self.generator, self._fields, self.bank_seed, voice.number)
            heard = resampled(sound, rate, clip.sample_rate)
            first = int(voice.start_share * len(heard))
            looped = np.resize(np.roll(heard, -first), frames)
            level = 10 ** (voice.level_db / 20) / max(power_of(heard), SILENT_POWER) ** 0.5
            total += looped * np.float32(level)
        return with_noise(clip, total, params.snr_db)


@lru_cache(maxsize=8)
def _speaker(name: str, fields: str) -> Generator[Any, Clip]:
    cls = registry.resolve("generators", name)
    if not (isinstance(cls, type) and issubclass(cls, Generator)) or cls.sample_type is not Clip:
        raise InputError(f"babble: the generator {name!r} does not make clips of sound.")
    try:
        generator: Generator[Any, Clip] = cls.model_validate(json.loads(fields))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise InputError(f"babble: speech.{key}: {first['msg']}") from error
    return generator


@lru_cache(maxsize=256)
def _voice(name: str, fields: str, bank_seed: int, number: int) -> tuple[Sound, int]:
    """Voice `number` of a bank and its sample rate."""
    speaker = _speaker(name, fields)
    for attempt in range(TRIES):
        clip = speaker.sample(bank_seed, number * TRIES + attempt, "babble")
        if clip.transcript and power_of(clip.sound) >= SILENT_POWER:
            return clip.sound, clip.sample_rate
    raise SeedbedError(
        f"babble: {TRIES} samples of the generator {name!r} held no speech; give it other phrases."
    )
