"""No colour, as from an infrared camera or an old one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np

from seedbed.augmenters.picture import Image, PixelAugmenter
from seedbed.sample import Picture


@dataclass(frozen=True)
class GreyParams:
    """What was drawn for one picture."""

    grey: bool = True


class Grey(PixelAugmenter[GreyParams]):
    """Gives all three channels the luma (Rec. 601)."""

    params_type: ClassVar[type[GreyParams]] = GreyParams

    def draw(self, sample: Picture, rng: np.random.Generator) -> GreyParams:
        """Nothing is drawn."""
        return GreyParams()

    def paint(self, image: Image, params: GreyParams) -> Image:
        """The luma, three times."""
        luma = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        return np.asarray(cv2.merge([luma, luma, luma]), dtype=np.uint8)
