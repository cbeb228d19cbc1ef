"""A higher or lower voice at the same speed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from seedbed.augmenters.sound import Range, Sound, TimbreAugmenter, fitted, resampled, within
from seedbed.augmenters.sound_stretch import stretched
from seedbed.sample import Clip
from seedbed.streams import uniform
from seedbed.vocal_tract import warp_vocal_tract


@dataclass(frozen=True)
class PitchShiftParams:
    """What was drawn for one clip."""

    semitones: float
    keep_formants: bool


class PitchShift(TimbreAugmenter[PitchShiftParams]):
    """Moves the pitch by `semitones`; with `keep_formants` the speaker's throat stays as long.

    Times stay, to the same 13.5 ms as those of a stretch.
    """

    params_type: ClassVar[type[PitchShiftParams]] = PitchShiftParams

    semitones: Annotated[Range, within(-12, 12)] = (-2.5, 2.5)
    keep_formants: bool = True

    def draw(self, sample: Clip, rng: np.random.Generator) -> PitchShiftParams:
        """Draw the interval."""
        return PitchShiftParams(uniform(rng, self.semitones), self.keep_formants)

    def sound_of(self, clip: Clip, params: PitchShiftParams) -> Sound:
        """The sound stretched by the interval, then played faster by it."""
        ratio = 2 ** (params.semitones / 12)
        longer = stretched(clip.sound, clip.sample_rate, ratio)
        moved = resampled(longer, clip.sample_rate * ratio, clip.sample_rate)
        sound = fitted(moved, len(clip.sound))
        if params.keep_formants:
            sound = warp_vocal_tract(sound, clip.sample_rate, 1 / ratio)
        return sound
