"""A longer or shorter throat: another speaker's formants at the same pitch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from seedbed.augmenters.sound import Range, Sound, TimbreAugmenter, within
from seedbed.sample import Clip
from seedbed.streams import log_uniform
from seedbed.vocal_tract import warp_vocal_tract


@dataclass(frozen=True)
class VocalTractWarpParams:
    """What was drawn for one clip."""

    factor: float


class VocalTractWarp(TimbreAugmenter[VocalTractWarpParams]):
    """Moves the formants up by `factor`: 1.1 is a throat a tenth shorter; pitch and times stay."""

    params_type: ClassVar[type[VocalTractWarpParams]] = VocalTractWarpParams

    factor: Annotated[Range, within(0.7, 1.4)] = (0.88, 1.14)

    def draw(self, sample: Clip, rng: np.random.Generator) -> VocalTractWarpParams:
        """Draw the factor, evenly in its logarithm."""
        return VocalTractWarpParams(log_uniform(rng, self.factor))

    def sound_of(self, clip: Clip, params: VocalTractWarpParams) -> Sound:
        """The sound with its formants moved."""
        return warp_vocal_tract(clip.sound, clip.sample_rate, params.factor)
