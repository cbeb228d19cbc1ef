"""Too few bits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from pydantic import AfterValidator

from seedbed.augmenters.sound import SoundAugmenter, distorted
from seedbed.sample import Clip

FEWEST_BITS, MOST_BITS = 3, 16


def _check(bits: tuple[int, int]) -> tuple[int, int]:
    if not FEWEST_BITS <= bits[0] <= bits[1] <= MOST_BITS:
        raise ValueError(f"must run from low to high within {FEWEST_BITS} to {MOST_BITS}")
    return bits


@dataclass(frozen=True)
class QuantisationParams:
    """What was drawn for one clip."""

    bits: int


class Quantisation(SoundAugmenter[QuantisationParams]):
    """Rounds to 2 ** `bits` steps between minus and plus the clip's own peak, without dither."""

    params_type: ClassVar[type[QuantisationParams]] = QuantisationParams

    bits: Annotated[tuple[int, int], AfterValidator(_check)] = (5, 10)

    def draw(self, sample: Clip, rng: np.random.Generator) -> QuantisationParams:
        """Draw the bits."""
        return QuantisationParams(int(rng.integers(self.bits[0], self.bits[1] + 1)))

    def change(self, clip: Clip, params: QuantisationParams) -> Clip:
        """The rounded clip; labelled and counted where the steps swallow the speech."""
        peak = np.float32(np.abs(clip.sound).max())
        if peak == 0:
            return clip
        step = peak / np.float32(2 ** (params.bits - 1))
        return distorted(clip, np.round(clip.sound / step) * step, "quantisation")
