"""Louder or quieter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from seedbed.augmenters.sound import Range, Sound, TimbreAugmenter, within
from seedbed.sample import Clip
from seedbed.streams import uniform


@dataclass(frozen=True)
class GainParams:
    """What was drawn for one clip."""

    gain_db: float


class Gain(TimbreAugmenter[GainParams]):
    """Makes the clip `gain_db` louder, or as much as fits below full scale."""

    params_type: ClassVar[type[GainParams]] = GainParams

    gain_db: Annotated[Range, within(-60, 60)] = (-12, 6)

    def draw(self, sample: Clip, rng: np.random.Generator) -> GainParams:
        """Draw the gain, evenly in decibels."""
        return GainParams(uniform(rng, self.gain_db))

    def sound_of(self, clip: Clip, params: GainParams) -> Sound:
        """The sound times the gain."""
        return clip.sound * np.float32(10 ** (params.gain_db / 20))
