"""Slower or faster speech at the same pitch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from seedbed.augmenters.sound import Range, SoundAugmenter, retimed, within
from seedbed.augmenters.sound_stretch import stretched
from seedbed.sample import Clip
from seedbed.streams import log_uniform


@dataclass(frozen=True)
class TimeStretchParams:
    """What was drawn for one clip."""

    stretch: float


class TimeStretch(SoundAugmenter[TimeStretchParams]):
    """Makes the clip `stretch` times as long at the same pitch; times scale along.

    A time is exact to `sound_stretch.TIME_ERROR_SECONDS`, 13.5 ms.
    """

    params_type: ClassVar[type[TimeStretchParams]] = TimeStretchParams

    stretch: Annotated[Range, within(0.5, 2)] = (0.85, 1.2)

    def draw(self, sample: Clip, rng: np.random.Generator) -> TimeStretchParams:
        """Draw the factor, evenly in its logarithm."""
        return TimeStretchParams(log_uniform(rng, self.stretch))

    def change(self, clip: Clip, params: TimeStretchParams) -> Clip:
        """The longer or shorter clip."""
        sound = stretched(clip.sound, clip.sample_rate, params.stretch)
        return retimed(clip, sound, scale=params.stretch)
