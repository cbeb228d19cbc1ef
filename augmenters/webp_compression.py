"""One round of WebP, as the web's pictures have behind them."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import PIL.Image
from pydantic import field_validator

from seedbed.augmenters.jpeg_compression import lost_detail_px
from seedbed.augmenters.picture import Image, PixelAugmenter
from seedbed.augmenters.picture_labels import smeared
from seedbed.sample import Picture


@dataclass(frozen=True)
class WebpCompressionParams:
    """What was drawn for one picture."""

    quality: int


class WebpCompression(PixelAugmenter[WebpCompressionParams]):
    """Encodes as WebP of `quality` 1 to 100, and decodes."""

    params_type: ClassVar[type[WebpCompressionParams]] = WebpCompressionParams

    quality: tuple[int, int] = (30, 90)

    @field_validator("quality")
    @classmethod
    def _in_order(cls, quality: tuple[int, int]) -> tuple[int, int]:
        if not 1 <= quality[0] <= quality[1] <= 100:
            raise ValueError("must run from low to high within 1 to 100")
        return quality

    def draw(self, sample: Picture, rng: np.random.Generator) -> WebpCompressionParams:
        """Draw the quality."""
        return WebpCompressionParams(int(rng.integers(self.quality[0], self.quality[1] + 1)))

    def apply(self, sample: Picture, params: WebpCompressionParams) -> Picture:
        """The sample compressed, its labels judged as after JPEG of half as much loss."""
        return smeared(super().apply(sample, params), lost_detail_px(params.quality) / 2)

    def paint(self, image: Image, params: WebpCompressionParams) -> Image:
        """The picture after encoding and decoding, by the encoder's quickest method."""
        buffer = io.BytesIO()
        PIL.Image.fromarray(image).save(buffer, "WEBP", quality=params.quality, method=0)
        return np.array(PIL.Image.open(buffer).convert("RGB"), dtype=np.uint8)
