"""What lossy compression leaves: telephone, voice-message and music codecs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from seedbed.augmenters.sound import Range, Sound, TimbreAugmenter, within
from seedbed.augmenters.sound_codecs import CodecName, coded
from seedbed.sample import Clip
from seedbed.streams import choose, uniform


@dataclass(frozen=True)
class CodecParams:
    """What was drawn for one clip."""

    codec: CodecName
    quality: float


class Codec(TimbreAugmenter[CodecParams]):
    """Encodes with one of `codecs` and decodes again; times stay.

    `quality`, 0 the smallest file to 1 the best, is heeded by Vorbis, Opus and MP3. GSM 6.10 and
    G.721 work at 8 kHz: the clip is resampled to it and back.
    """

    params_type: ClassVar[type[CodecParams]] = CodecParams

    codecs: tuple[CodecName, ...] = Field(
        default=("mu-law", "a-law", "gsm", "ima-adpcm", "ms-adpcm", "vorbis", "opus", "mp3"),
        min_length=1,
    )
    quality: Annotated[Range, within(0, 1)] = (0, 0.6)

    def draw(self, sample: Clip, rng: np.random.Generator) -> CodecParams:
        """Draw the codec and its quality."""
        return CodecParams(choose(rng, self.codecs), uniform(rng, self.quality))

    def sound_of(self, clip: Clip, params: CodecParams) -> Sound:
        """The sound as it comes out of the decoder."""
        return coded(clip.sound, clip.sample_rate, params.codec, params.quality)
