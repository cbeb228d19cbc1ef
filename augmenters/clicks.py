"""Clicks: a bad contact, a scratch, a lost packet's edge, a pen on the table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from seedbed.augmenters.sound import (
    ACTIVE_SECONDS,
    INTELLIGIBLE_SNR_DB,
    Range,
    Sound,
    SoundAugmenter,
    clean_speech_power,
    noise_added,
    seconds_of,
    speech_mask,
    within,
)
from seedbed.augmenters.sound_noise import seeded
from seedbed.sample import Clip
from seedbed.streams import fork_seed, uniform

DECAY_MS = (0.1, 2.0)
SPREAD_DB = 6.0
"""Single clicks differ in level by this much to either side."""
LENGTH_IN_DECAYS = 6

MASKED_RATIO = 2 * 10 ** (-INTELLIGIBLE_SNR_DB / 10)
"""A click hides no more than the 20 ms it falls into, however loud: its power there counts up to
this many times the speech's, so that speech of which half is hidden is at the limit."""


@dataclass(frozen=True)
class ClicksParams:
    """What was drawn for one clip."""

    count: int
    level_db: float
    seed: int


class Clicks(SoundAugmenter[ClicksParams]):
    """Adds clicks, on average `per_second`, whose peaks stand `level_db` over the speech's RMS."""

    params_type: ClassVar[type[ClicksParams]] = ClicksParams

    per_second: Annotated[Range, within(0, 100)] = (0.5, 6)
    level_db: Annotated[Range, within(-40, 30)] = (-6, 15)

    def draw(self, sample: Clip, rng: np.random.Generator) -> ClicksParams:
        """Draw how many and how loud, and a seed for where and what each is."""
        expected = uniform(rng, self.per_second) * seconds_of(sample)
        return ClicksParams(int(rng.poisson(expected)), uniform(rng, self.level_db), fork_seed(rng))

    def change(self, clip: Clip, params: ClicksParams) -> Clip:
        """The clip with clicks; labelled and counted where they hide half of the speech."""
        rng = seeded(params.seed)
        clicks = np.zeros_like(clip.sound)
        speech = clean_speech_power(clip)
        peak = speech**0.5 * 10 ** (params.level_db / 20)
        for _ in range(params.count):
            decay = uniform(rng, DECAY_MS) / 1000 * clip.sample_rate
            time = np.arange(max(1, round(LENGTH_IN_DECAYS * decay)))
            grain = rng.standard_normal(len(time), dtype=np.float32)
            click = np.exp(-time / decay).astype(np.float32) * grain
            level = peak * 10 ** (uniform(rng, (-SPREAD_DB, SPREAD_DB)) / 20)
            first = int(rng.integers(len(clicks)))
            part = clicks[first : first + len(click)]
            part += click[: len(part)] * np.float32(level / np.abs(click).max())
        return noise_added(clip, clicks, power=_masking_power(clip, clicks, speech))


def _masking_power(clip: Clip, clicks: Sound, speech: float) -> float:
    """The clicks' mean power over the speech, each 20 ms of it up to what hides the speech."""
    heard = clicks[speech_mask(clip)]
    block = max(1, round(ACTIVE_SECONDS * clip.sample_rate))
    if len(heard) == 0:
        return 0.0
    power = np.add.reduceat(heard**2, np.arange(0, len(heard), block)) / block
    return float(np.minimum(power, MASKED_RATIO * speech).mean())
