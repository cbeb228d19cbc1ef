"""A telephone line: 300 to 3,400 Hz at 8 kHz through a telephone's codec (ITU-T G.711, G.712)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from seedbed.augmenters.sound import Range, Sound, TimbreAugmenter, fitted, resampled, within
from seedbed.augmenters.sound_codecs import coded
from seedbed.augmenters.sound_filters import band_edges, filtered
from seedbed.sample import Clip
from seedbed.streams import choose, uniform

TelephoneCodec = Literal["mu-law", "a-law", "gsm", "g721"]

LINE_RATE = 8000
EDGE_ORDER = 4


@dataclass(frozen=True)
class TelephoneParams:
    """What was drawn for one clip."""

    low_hz: float
    high_hz: float
    codec: TelephoneCodec


class Telephone(TimbreAugmenter[TelephoneParams]):
    """Sends the clip through a telephone line whose edges are `low_hz` and `high_hz`.

    The clip keeps its sample rate; times stay.
    """

    params_type: ClassVar[type[TelephoneParams]] = TelephoneParams

    low_hz: Annotated[Range, within(20, 800)] = (200, 400)
    high_hz: Annotated[Range, within(2000, 3800)] = (3000, 3600)
    codecs: tuple[TelephoneCodec, ...] = Field(default=("mu-law", "a-law", "gsm"), min_length=1)

    def draw(self, sample: Clip, rng: np.random.Generator) -> TelephoneParams:
        """Draw both edges and the codec."""
        return TelephoneParams(
            uniform(rng, self.low_hz), uniform(rng, self.high_hz), choose(rng, self.codecs)
        )

    def sound_of(self, clip: Clip, params: TelephoneParams) -> Sound:
        """The sound at the other end of the line."""
        line = resampled(clip.sound, clip.sample_rate, LINE_RATE)
        edges = band_edges(LINE_RATE, params.low_hz, params.high_hz, EDGE_ORDER)
        heard = coded(filtered(line, edges), LINE_RATE, params.codec)
        return fitted(resampled(heard, LINE_RATE, clip.sample_rate), len(clip.sound))
