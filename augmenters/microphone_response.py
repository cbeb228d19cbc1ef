"""A microphone's own colour: no bass, a hump or two, highs that give out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from pydantic import AfterValidator

from seedbed.augmenters.sound import Range, Sound, TimbreAugmenter, power_of, within
from seedbed.augmenters.sound_filters import band_edges, bell, filtered
from seedbed.sample import Clip
from seedbed.streams import log_uniform, uniform

BELL_HZ = (150.0, 7500.0)
BELL_Q = (0.5, 3.0)
MOST_BELLS = 8


def _check(bells: tuple[int, int]) -> tuple[int, int]:
    if not 0 <= bells[0] <= bells[1] <= MOST_BELLS:
        raise ValueError(f"must run from low to high within 0 to {MOST_BELLS}")
    return bells


@dataclass(frozen=True)
class Bell:
    """One hump or dip of a response."""

    centre_hz: float
    gain_db: float
    q: float


@dataclass(frozen=True)
class MicrophoneResponseParams:
    """What was drawn for one clip."""

    low_cut_hz: float
    high_cut_hz: float
    bells: tuple[Bell, ...]


class MicrophoneResponse(TimbreAugmenter[MicrophoneResponseParams]):
    """Gives the clip an uneven response: band edges of 12 dB an octave and a few humps and dips.

    The level stays as it was.
    """

    params_type: ClassVar[type[MicrophoneResponseParams]] = MicrophoneResponseParams

    low_cut_hz: Annotated[Range, within(10, 600)] = (20, 200)
    high_cut_hz: Annotated[Range, within(2000, 24000)] = (3500, 12000)
    bells: Annotated[tuple[int, int], AfterValidator(_check)] = (1, 4)
    gain_db: Annotated[Range, within(-24, 24)] = (-6, 6)

    def draw(self, sample: Clip, rng: np.random.Generator) -> MicrophoneResponseParams:
        """Draw edges, humps and dips."""
        low, high = log_uniform(rng, self.low_cut_hz), log_uniform(rng, self.high_cut_hz)
        count = int(rng.integers(self.bells[0], self.bells[1] + 1))
        bells = tuple(
            Bell(log_uniform(rng, BELL_HZ), uniform(rng, self.gain_db), log_uniform(rng, BELL_Q))
            for _ in range(count)
        )
        return MicrophoneResponseParams(low, high, bells)

    def sound_of(self, clip: Clip, params: MicrophoneResponseParams) -> Sound:
        """The sound through the response, at its old level."""
        rate = clip.sample_rate
        sections = [band_edges(rate, params.low_cut_hz, params.high_cut_hz)]
        sections += [bell(rate, one.centre_hz, one.gain_db, one.q) for one in params.bells]
        heard = filtered(clip.sound, np.concatenate(sections))
        power = power_of(heard)
        return heard if power == 0 else heard * np.float32((power_of(clip.sound) / power) ** 0.5)
