"""Recorded too hot: the loudest parts flattened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from seedbed.augmenters.sound import SILENT_POWER, Range, Sound, TimbreAugmenter, power_of, within
from seedbed.sample import Clip
from seedbed.streams import chance, uniform


@dataclass(frozen=True)
class ClippingParams:
    """What was drawn for one clip."""

    over_db: float
    soft: bool


class Clipping(TimbreAugmenter[ClippingParams]):
    """Flattens what lies above a ceiling `over_db` under the clip's peak; the ceiling stays.

    A share of `soft_share` is squeezed as a valve or tape does (tanh), the rest cut as an
    analogue-to-digital converter does.
    """

    params_type: ClassVar[type[ClippingParams]] = ClippingParams

    over_db: Annotated[Range, within(0, 30)] = (1, 12)
    soft_share: float = Field(default=0.3, ge=0.0, le=1.0)

    def draw(self, sample: Clip, rng: np.random.Generator) -> ClippingParams:
        """Draw by how much, and the kind."""
        return ClippingParams(uniform(rng, self.over_db), chance(rng, self.soft_share))

    def sound_of(self, clip: Clip, params: ClippingParams) -> Sound:
        """The flattened sound."""
        if power_of(clip.sound) < SILENT_POWER:
            return clip.sound
        ceiling = np.float32(np.abs(clip.sound).max() * 10 ** (-params.over_db / 20))
        if params.soft:
            return np.asarray(ceiling * np.tanh(clip.sound / ceiling), dtype=np.float32)
        return np.clip(clip.sound, -ceiling, ceiling)
