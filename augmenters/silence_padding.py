"""Silence before and after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from seedbed.augmenters.sound import Seconds, SoundAugmenter, retimed
from seedbed.sample import Clip
from seedbed.streams import uniform


@dataclass(frozen=True)
class SilencePaddingParams:
    """What was drawn for one clip."""

    leading_s: float
    trailing_s: float


class SilencePadding(SoundAugmenter[SilencePaddingParams]):
    """Puts `leading_s` of silence before the clip and `trailing_s` after it; labels move."""

    params_type: ClassVar[type[SilencePaddingParams]] = SilencePaddingParams

    leading_s: Seconds = (0, 0.5)
    trailing_s: Seconds = (0, 0.5)

    def draw(self, sample: Clip, rng: np.random.Generator) -> SilencePaddingParams:
        """Draw both lengths."""
        return SilencePaddingParams(uniform(rng, self.leading_s), uniform(rng, self.trailing_s))

    def change(self, clip: Clip, params: SilencePaddingParams) -> Clip:
        """The longer clip."""
        leading = round(params.leading_s * clip.sample_rate)
        trailing = round(params.trailing_s * clip.sample_rate)
        sound = np.pad(clip.sound, (leading, trailing))
        return retimed(clip, sound, offset_s=leading / clip.sample_rate)
