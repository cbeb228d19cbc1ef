"""The clip played faster or slower, as a tape would: pitch and time change together.

Ko et al. 2015, "Audio augmentation for speech recognition", found 0.9, 1 and 1.1 to help most.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from seedbed.augmenters.sound import Range, SoundAugmenter, resampled, retimed, within
from seedbed.sample import Clip
from seedbed.streams import log_uniform


@dataclass(frozen=True)
class SpeedPerturbationParams:
    """What was drawn for one clip."""

    speed: float


class SpeedPerturbation(SoundAugmenter[SpeedPerturbationParams]):
    """Plays the clip at `speed`: 1.1 is a tenth faster and higher; times scale along."""

    params_type: ClassVar[type[SpeedPerturbationParams]] = SpeedPerturbationParams

    speed: Annotated[Range, within(0.5, 2)] = (0.9, 1.1)

    def draw(self, sample: Clip, rng: np.random.Generator) -> SpeedPerturbationParams:
        """Draw the speed, evenly in its logarithm."""
        return SpeedPerturbationParams(log_uniform(rng, self.speed))

    def change(self, clip: Clip, params: SpeedPerturbationParams) -> Clip:
        """The faster or slower clip."""
        sound = resampled(clip.sound, clip.sample_rate * params.speed, clip.sample_rate)
        return retimed(clip, sound, scale=1 / params.speed)
