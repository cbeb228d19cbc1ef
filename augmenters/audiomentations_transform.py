"""Any transform of the library audiomentations, by name, in the extra `[audiomentations]`.

The library draws from the global state of `random` and `numpy.random`. Here that state is set
from a seed stored with the sample for the time of one call, and put back afterwards, so that
neither the sample nor the rest of the program notices.
"""

from __future__ import annotations

import importlib
import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from pydantic import Field, field_validator

from seedbed.augmenters.sound import (
    SILENT_POWER,
    SoundAugmenter,
    check_sound,
    clean_speech_power,
    counted,
    noise_added,
)
from seedbed.errors import InputError, MissingExtra
from seedbed.registry import nearest
from seedbed.sample import Clip

INSTEAD = {"Resample": "resample", "RoomSimulator": "room-reverberation"}
"""Transforms that change the rate, or draw from a generator that nobody can seed, and ours."""

TRIAL_RATE = 16000

MOVING = frozenset(
    {
        "AdjustDuration",
        "Pad",
        "Padding",
        "RepeatPart",
        "Reverse",
        "Shift",
        "TimeMask",
        "TimeStretch",
        "Trim",
    }
)
"""Transforms that move or remove what is said: times are dropped, for they would be wrong."""


@dataclass(frozen=True)
class AudiomentationsTransformParams:
    """What was drawn for one clip: the seed from which the library then draws."""

    seed: int


class AudiomentationsTransform(SoundAugmenter[AudiomentationsTransformParams]):
    """Applies the audiomentations class named `transform`, built with `options`.

    Where the transform moves what is said, the times of words, phonemes and keyword are
    dropped and counted as `times_dropped`: seedbed's own `time-stretch`, `shift` and `trim`
    keep them.
    """

    params_type: ClassVar[type[AudiomentationsTransformParams]] = AudiomentationsTransformParams

    transform: str = Field(description="a class of audiomentations, such as AirAbsorption")
    options: dict[str, Any] = Field(default={}, description="its arguments, without p")

    @field_validator("transform")
    @classmethod
    def _usable(cls, transform: str) -> str:
        if transform in INSTEAD:
            raise ValueError(f"name seedbed's own {INSTEAD[transform]!r} instead")
        return transform

    @field_validator("options")
    @classmethod
    def _plain(cls, options: dict[str, Any]) -> dict[str, Any]:
        if "p" in options:
            raise ValueError("p is the augmenter's own key: write probability beside transform")
        try:
            json.dumps(options)
        except (TypeError, ValueError) as error:
            raise ValueError(f"must hold plain values: {error}") from error
        return options

    def prepare(self) -> None:
        """Import the library, build the transform and try it on a second of noise.

        Raises `MissingExtra` where the library is not installed, `InputError` where the
        transform cannot be built or needs a package more.
        """
        noise = 0.1 * np.random.default_rng(0).standard_normal(TRIAL_RATE, dtype=np.float32)
        trial = Clip(sound=noise, sample_rate=TRIAL_RATE)
        try:
            self.change(trial, AudiomentationsTransformParams(0))
        except ModuleNotFoundError as error:
            raise InputError(
                f"audiomentations.{self.transform} needs the package {error.name}, which is not "
                f"installed: run `pip install 'audiomentations[extras]'`."
            ) from error

    def depends_on(self) -> tuple[str, ...]:
        """The library, whose transforms differ between versions."""
        return ("audiomentations",)

    def _built(self) -> Any:
        return _transform(self.transform, json.dumps(self.options, sort_keys=True))

    def draw(self, sample: Clip, rng: np.random.Generator) -> AudiomentationsTransformParams:
        """Draw the library's seed: 32 bits, the most that numpy's global state takes."""
        return AudiomentationsTransformParams(int(rng.integers(2**32)))

    def change(self, clip: Clip, params: AudiomentationsTransformParams) -> Clip:
        """The clip as the transform leaves it."""
        transform = self._built()
        with global_randomness(params.seed):
            result = transform(samples=clip.sound.copy(), sample_rate=clip.sample_rate)
        sound = check_sound(np.asarray(result), clip.sample_rate)
        if self.transform not in MOVING and len(sound) == len(clip.sound):
            if self.transform.startswith("Add"):
                # These add a noise to the sound and leave the rest as it was.
                return replace(noise_added(clip, sound - clip.sound), sound=sound)
            return replace(clip, sound=sound)
        timed = bool(clip.words or clip.phonemes or clip.keyword_span)
        moved = replace(clip, sound=sound, words=(), phonemes=(), keyword_span=None)
        if timed and "speech_share" in clip.attributes:
            # Without times it is a share of the whole clip's energy.
            energy = float(np.dot(clip.sound, clip.sound))
            share = clean_speech_power(clip) / max(energy, SILENT_POWER)
            moved = replace(moved, attributes={**clip.attributes, "speech_share": share})
        return counted(moved, "times_dropped") if timed else moved


@contextmanager
def global_randomness(seed: int) -> Iterator[None]:
    """Set `random` and `numpy.random` to a seed below 2 ** 32 inside the block, and put them back.

    The library offers no other way to seed it.
    """
    kept = random.getstate(), np.random.get_state()  # noqa: NPY002
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(kept[0])
        np.random.set_state(kept[1])  # noqa: NPY002


@lru_cache(maxsize=32)
def _transform(name: str, options: str) -> Any:
    try:
        library = importlib.import_module("audiomentations")
    except ModuleNotFoundError as error:
        raise MissingExtra(
            "audiomentations", "audiomentations", f"the transform {name!r}"
        ) from error
    cls = getattr(library, name, None)
    if not isinstance(cls, type):
        known = sorted(key for key, value in vars(library).items() if isinstance(value, type))
        raise InputError(f"audiomentations has no transform {name!r}{nearest(name, known)}.")
    try:
        return cls(**json.loads(options), p=1.0)
    except (TypeError, ValueError, AssertionError, OSError) as error:
        raise InputError(
            f"audiomentations.{name} cannot be built with {options}: "
            f"{str(error) or type(error).__name__}."
        ) from error
