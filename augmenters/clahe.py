"""Local contrast raised, as cameras and viewers do to murky pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import cv2
import numpy as np

from seedbed.augmenters.picture import Image, PixelAugmenter, Range, within
from seedbed.sample import Picture
from seedbed.streams import uniform


@dataclass(frozen=True)
class ClaheParams:
    """What was drawn for one picture."""

    clip_limit: float


class Clahe(PixelAugmenter[ClaheParams]):
    """Equalises the luma in 8x8 tiles, slopes held under `clip_limit` (Zuiderveld 1994)."""

    params_type: ClassVar[type[ClaheParams]] = ClaheParams

    clip_limit: Annotated[Range, within(1, 40)] = (1, 4)

    def draw(self, sample: Picture, rng: np.random.Generator) -> ClaheParams:
        """Draw the clip limit."""
        return ClaheParams(uniform(rng, self.clip_limit))

    def paint(self, image: Image, params: ClaheParams) -> Image:
        """The luma equalised, the colours kept."""
        luma, red, blue = cv2.split(cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb))
        equalised = cv2.createCLAHE(params.clip_limit, (8, 8)).apply(luma)
        merged = cv2.merge([equalised, red, blue])
        return np.asarray(cv2.cvtColor(merged, cv2.COLOR_YCrCb2RGB), dtype=np.uint8)
