"""Stronger or weaker colours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import cv2
import numpy as np

from seedbed.augmenters.picture import Image, PixelAugmenter, Range, within
from seedbed.sample import Picture
from seedbed.streams import uniform


@dataclass(frozen=True)
class SaturationParams:
    """What was drawn for one picture."""

    factor: float


class Saturation(PixelAugmenter[SaturationParams]):
    """Moves every pixel away from its own grey by `factor`: 0 is grey, 1 changes nothing."""

    params_type: ClassVar[type[SaturationParams]] = SaturationParams

    factor: Annotated[Range, within(0, 4)] = (0.6, 1.4)

    def draw(self, sample: Picture, rng: np.random.Generator) -> SaturationParams:
        """Draw the factor."""
        return SaturationParams(uniform(rng, self.factor))

    def paint(self, image: Image, params: SaturationParams) -> Image:
        """Each channel mixed with the pixel's luma (Rec. 601 weights)."""
        grey = np.array([0.299, 0.587, 0.114]) * (1 - params.factor)
        mix = np.eye(3) * params.factor + np.tile(grey, (3, 1))
        return np.asarray(cv2.transform(image, mix), dtype=np.uint8)
