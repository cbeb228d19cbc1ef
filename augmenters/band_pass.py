"""Only part of the frequencies: a wall, a small loudspeaker, a narrow channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from seedbed.augmenters.sound import Range, Sound, TimbreAugmenter, within
from seedbed.augmenters.sound_filters import band_edges, filtered
from seedbed.sample import Clip
from seedbed.streams import log_uniform


@dataclass(frozen=True)
class BandPassParams:
    """What was drawn for one clip."""

    low_hz: float
    high_hz: float
    order: int


class BandPass(TimbreAugmenter[BandPassParams]):
    """Lets through what lies between `low_hz` and `high_hz`, 6 dB an octave for each `order`."""

    params_type: ClassVar[type[BandPassParams]] = BandPassParams

    low_hz: Annotated[Range, within(20, 1000)] = (80, 400)
    high_hz: Annotated[Range, within(1500, 24000)] = (2500, 7000)
    order: int = Field(default=2, ge=1, le=8)

    def draw(self, sample: Clip, rng: np.random.Generator) -> BandPassParams:
        """Draw both edges, evenly in their logarithm."""
        return BandPassParams(
            log_uniform(rng, self.low_hz), log_uniform(rng, self.high_hz), self.order
        )

    def sound_of(self, clip: Clip, params: BandPassParams) -> Sound:
        """The sound between the edges."""
        edges = band_edges(clip.sample_rate, params.low_hz, params.high_hz, params.order)
        return filtered(clip.sound, edges)
