"""Brighter or darker, as a longer or shorter exposure would be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from seedbed.augmenters.albumentations_bridge import toned
from seedbed.augmenters.picture import Image, PixelAugmenter, Range, within
from seedbed.augmenters.picture_judging import toned_labels
from seedbed.sample import Picture
from seedbed.streams import uniform


@dataclass(frozen=True)
class BrightnessParams:
    """What was drawn for one picture."""

    stops: float


class Brightness(PixelAugmenter[BrightnessParams]):
    """Multiplies every pixel by 2 to the power of `stops`; what passes white is clipped."""

    params_type: ClassVar[type[BrightnessParams]] = BrightnessParams

    stops: Annotated[Range, within(-4, 4)] = (-0.6, 0.6)

    def draw(self, sample: Picture, rng: np.random.Generator) -> BrightnessParams:
        """Draw the exposure in stops."""
        return BrightnessParams(uniform(rng, self.stops))

    def apply(self, sample: Picture, params: BrightnessParams) -> Picture:
        """The sample exposed anew; labels that lose their contrast are judged."""
        gain = 2.0**params.stops
        toned = super().apply(sample, params)
        return toned_labels(sample, toned, gain, lambda level: gain * level)

    def paint(self, image: Image, params: BrightnessParams) -> Image:
        """Every level times 2^stops."""
        table = np.clip(np.round(np.arange(256) * 2.0**params.stops), 0, 255)
        return toned(image, table.astype(np.uint8))
