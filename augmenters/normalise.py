"""A level of one's choice: by peak, by RMS of the speech, or by loudness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np

from seedbed.augmenters.sound import (
    SILENT_POWER,
    Range,
    Sound,
    TimbreAugmenter,
    power_of,
    speech_power,
    within,
)
from seedbed.augmenters.sound_level import loudness_lufs
from seedbed.sample import Clip
from seedbed.streams import uniform

Measure = Literal["peak", "rms", "lufs"]


@dataclass(frozen=True)
class NormaliseParams:
    """What was drawn for one clip."""

    measure: Measure
    level_db: float


class Normalise(TimbreAugmenter[NormaliseParams]):
    """Brings the clip to `level_db`, or as near as full scale allows; silence stays.

    `measure` is `peak` (dBFS), `rms` (dBFS, over the speech only) or `lufs` (ITU-R BS.1770).
    """

    params_type: ClassVar[type[NormaliseParams]] = NormaliseParams

    measure: Measure = "rms"
    level_db: Annotated[Range, within(-70, 0)] = (-26, -26)

    def draw(self, sample: Clip, rng: np.random.Generator) -> NormaliseParams:
        """Draw the level, evenly in decibels."""
        return NormaliseParams(self.measure, uniform(rng, self.level_db))

    def sound_of(self, clip: Clip, params: NormaliseParams) -> Sound:
        """The sound at its new level."""
        if power_of(clip.sound) < SILENT_POWER:
            return clip.sound
        now_db = level_of(clip, params.measure)
        if not np.isfinite(now_db):
            return clip.sound
        return clip.sound * np.float32(10 ** ((params.level_db - now_db) / 20))


def level_of(clip: Clip, measure: Measure) -> float:
    """A clip's level in dBFS, or in LUFS where that is the measure."""
    if measure == "lufs":
        return loudness_lufs(clip.sound, clip.sample_rate)
    if measure == "rms":
        return float(10 * np.log10(speech_power(clip)))
    return float(20 * np.log10(np.abs(clip.sound).max()))
