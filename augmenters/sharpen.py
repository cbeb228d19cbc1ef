"""The sharpening that cameras do, halos included."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from seedbed.augmenters.picture import Image, PixelAugmenter, Range, within
from seedbed.augmenters.picture_blur import unsharp
from seedbed.sample import Picture
from seedbed.streams import uniform


@dataclass(frozen=True)
class SharpenParams:
    """What was drawn for one picture."""

    amount: float
    sigma_px: float


class Sharpen(PixelAugmenter[SharpenParams]):
    """Adds `amount` times what a Gaussian of `sigma_px` takes away (an unsharp mask)."""

    params_type: ClassVar[type[SharpenParams]] = SharpenParams

    amount: Annotated[Range, within(0, 5)] = (0.2, 1.0)
    sigma_px: Annotated[Range, within(0.3, 10)] = (0.6, 1.4)

    def draw(self, sample: Picture, rng: np.random.Generator) -> SharpenParams:
        """Draw the amount and the width of the halo."""
        return SharpenParams(uniform(rng, self.amount), uniform(rng, self.sigma_px))

    def paint(self, image: Image, params: SharpenParams) -> Image:
        """The picture and its unsharp mask."""
        return unsharp(image, params.sigma_px, params.amount)
