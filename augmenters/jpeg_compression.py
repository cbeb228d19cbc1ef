"""One more round of JPEG, as every forwarding of a picture adds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from pydantic import Field, field_validator

from seedbed.augmenters.picture import Image, PixelAugmenter
from seedbed.augmenters.picture_labels import smeared
from seedbed.encode import EncodingParams, Subsampling, decode_picture, encode_picture
from seedbed.sample import Picture
from seedbed.streams import choose


def lost_detail_px(quality: int) -> float:
    """The sigma of a blur that costs a reader about as much: 0 from 30 up, 1.5 at 5, 1.8 at 1.

    Set by eye on plates of 8 to 20 pixels' character height.
    """
    return 0.06 * max(0, 30 - quality)


@dataclass(frozen=True)
class JpegCompressionParams:
    """What was drawn for one picture."""

    quality: int
    subsampling: Subsampling


class JpegCompression(PixelAugmenter[JpegCompressionParams]):
    """Encodes as JPEG of `quality` 1 to 100 and one of the `subsampling`s, and decodes."""

    params_type: ClassVar[type[JpegCompressionParams]] = JpegCompressionParams

    quality: tuple[int, int] = (30, 90)
    subsampling: tuple[Subsampling, ...] = Field(default=("4:2:0", "4:2:0", "4:4:4"), min_length=1)

    @field_validator("quality")
    @classmethod
    def _in_order(cls, quality: tuple[int, int]) -> tuple[int, int]:
        if not 1 <= quality[0] <= quality[1] <= 100:
            raise ValueError("must run from low to high within 1 to 100")
        return quality

    def draw(self, sample: Picture, rng: np.random.Generator) -> JpegCompressionParams:
        """Draw the quality and how colours are subsampled."""
        quality = int(rng.integers(self.quality[0], self.quality[1] + 1))
        return JpegCompressionParams(quality, choose(rng, self.subsampling))

    def apply(self, sample: Picture, params: JpegCompressionParams) -> Picture:
        """The sample compressed; below quality 30 labels are judged as by a growing blur."""
        return smeared(super().apply(sample, params), lost_detail_px(params.quality))

    def paint(self, image: Image, params: JpegCompressionParams) -> Image:
        """The picture after encoding and decoding."""
        encoding = EncodingParams("jpeg", params.quality, params.subsampling)
        return decode_picture(encode_picture(image, encoding))
