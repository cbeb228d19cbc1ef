"""Clicks: a bad contact, a scratch, a lost packet's edge, a pen on the table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from seedbed.augmenters.sound import (
    Range,
    Sound,
    TimbreAugmenter,
    seconds_of,
    speech_power,
    within,
)
from seedbed.augmenters.sound_noise import seeded
from seedbed.sample import Clip
from seedbed.streams import fork_seed, uniform

DECAY_MS = (0.1, 2.0)
SPREAD_DB = 6.0
"""Single clicks differ in level by this much to either side."""
LENGTH_IN_DECAYS = 6


@dataclass(frozen=True)
class ClicksParams:
    """What was drawn for one clip."""

    count: int
    level_db: float
    seed: int


class Clicks(TimbreAugmenter[ClicksParams]):
    """Adds clicks, on average `per_second`, whose peaks stand `level_db` over the speech's RMS."""

    params_type: ClassVar[type[ClicksParams]] = ClicksParams

    per_second: Annotated[Range, within(0, 100)] = (0.5, 6)
    level_db: Annotated[Range, within(-40, 30)] = (-6, 15)

    def draw(self, sample: Clip, rng: np.random.Generator) -> ClicksParams:
        """Draw how many and how loud, and a seed for where and what each is."""
        expected = uniform(rng, self.per_second) * seconds_of(sample)
        return ClicksParams(int(rng.poisson(expected)), uniform(rng, self.level_db), fork_seed(rng))

    def sound_of(self, clip: Clip, params: ClicksParams) -> Sound:
        """The sound with clicks."""
        rng = seeded(params.seed)
        sound = clip.sound.copy()
        peak = speech_power(clip) ** 0.5 * 10 ** (params.level_db / 20)
        for _ in range(params.count):
            decay = uniform(rng, DECAY_MS) / 1000 * clip.sample_rate
            time = np.arange(max(1, round(LENGTH_IN_DECAYS * decay)))
            grain = rng.standard_normal(len(time), dtype=np.float32)
            click = np.exp(-time / decay).astype(np.float32) * grain
            level = peak * 10 ** (uniform(rng, (-SPREAD_DB, SPREAD_DB)) / 20)
            first = int(rng.integers(len(sound)))
            part = sound[first : first + len(click)]
            part += click[: len(part)] * np.float32(level / np.abs(click).max())
        return sound
