"""A low sample rate and back: everything above half of it is gone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from seedbed.augmenters.sound import Range, Sound, TimbreAugmenter, fitted, resampled, within
from seedbed.sample import Clip
from seedbed.streams import log_uniform


@dataclass(frozen=True)
class ResampleParams:
    """What was drawn for one clip."""

    rate_hz: int


class Resample(TimbreAugmenter[ResampleParams]):
    """Resamples to `rate_hz` and back to the clip's own rate; no change where that is lower.

    Speech below 4 kHz of bandwidth is telephone; below 2 kHz it gets hard to follow.
    """

    params_type: ClassVar[type[ResampleParams]] = ResampleParams

    rate_hz: Annotated[Range, within(3000, 48000)] = (4000, 11025)

    def draw(self, sample: Clip, rng: np.random.Generator) -> ResampleParams:
        """Draw the rate in steps of 25 Hz, evenly in its logarithm."""
        low, high = self.rate_hz
        stepped = 25 * round(log_uniform(rng, self.rate_hz) / 25)
        return ResampleParams(int(min(max(stepped, low), high)))

    def sound_of(self, clip: Clip, params: ResampleParams) -> Sound:
        """The sound with its highs gone."""
        if params.rate_hz >= clip.sample_rate:
            return clip.sound
        low = resampled(clip.sound, clip.sample_rate, params.rate_hz)
        return fitted(resampled(low, params.rate_hz, clip.sample_rate), len(clip.sound))
