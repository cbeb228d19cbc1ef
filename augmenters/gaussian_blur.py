"""A soft lens or a little motion of everything: the plainest blur."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from seedbed.augmenters.picture import Image, PixelAugmenter, Range, within
from seedbed.augmenters.picture_blur import gaussian
from seedbed.augmenters.picture_labels import smeared
from seedbed.sample import Picture
from seedbed.streams import uniform


@dataclass(frozen=True)
class GaussianBlurParams:
    """What was drawn for one picture."""

    sigma_px: float


class GaussianBlur(PixelAugmenter[GaussianBlurParams]):
    """Blurs with a Gaussian of `sigma_px`; characters too small for it become illegible."""

    params_type: ClassVar[type[GaussianBlurParams]] = GaussianBlurParams

    sigma_px: Annotated[Range, within(0, 50)] = (0.3, 2.0)

    def draw(self, sample: Picture, rng: np.random.Generator) -> GaussianBlurParams:
        """Draw the blur's width."""
        return GaussianBlurParams(uniform(rng, self.sigma_px))

    def apply(self, sample: Picture, params: GaussianBlurParams) -> Picture:
        """The sample blurred, its labels judged."""
        return smeared(super().apply(sample, params), params.sigma_px)

    def paint(self, image: Image, params: GaussianBlurParams) -> Image:
        """The blurred picture."""
        return gaussian(image, params.sigma_px)
