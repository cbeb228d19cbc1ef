"""Steady noise: the hiss of an amplifier, the rush of air, the rumble of a street."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from seedbed.augmenters.sound import Range, SnrRange, SoundAugmenter, with_noise, within
from seedbed.augmenters.sound_noise import coloured_noise
from seedbed.sample import Clip
from seedbed.streams import fork_seed, uniform


@dataclass(frozen=True)
class ColouredNoiseParams:
    """What was drawn for one clip."""

    snr_db: float
    exponent: float
    seed: int


class ColouredNoise(SoundAugmenter[ColouredNoiseParams]):
    """Adds noise of power 1 / f ** `exponent`, 0 white to 2 brown, `snr_db` under the speech."""

    params_type: ClassVar[type[ColouredNoiseParams]] = ColouredNoiseParams

    snr_db: SnrRange = (5, 40)
    exponent: Annotated[Range, within(0, 2)] = (0, 2)

    def draw(self, sample: Clip, rng: np.random.Generator) -> ColouredNoiseParams:
        """Draw ratio and colour, and a seed for the noise."""
        return ColouredNoiseParams(
            uniform(rng, self.snr_db), uniform(rng, self.exponent), fork_seed(rng)
        )

    def change(self, clip: Clip, params: ColouredNoiseParams) -> Clip:
        """The clip with noise under it."""
        noise = coloured_noise(len(clip.sound), clip.sample_rate, params.exponent, params.seed)
        return with_noise(clip, noise, params.snr_db)
