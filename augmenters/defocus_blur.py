"""Out of focus: every point becomes a disc."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from seedbed.augmenters.picture import Image, PixelAugmenter, Range, within
from seedbed.augmenters.picture_blur import disc_kernel, enlarged, filtered, halved
from seedbed.augmenters.picture_labels import smeared
from seedbed.sample import Picture
from seedbed.streams import uniform


def _defocused(image: Image, radius_px: float) -> Image:
    if radius_px < 0.3:
        return image
    if radius_px > 2.5 and min(image.shape[:2]) >= 16:
        return enlarged(_defocused(halved(image), radius_px / 2), image)
    return filtered(image, disc_kernel(radius_px))


@dataclass(frozen=True)
class DefocusBlurParams:
    """What was drawn for one picture."""

    radius_px: float


class DefocusBlur(PixelAugmenter[DefocusBlurParams]):
    """Blurs with a disc of `radius_px`; characters too small for it become illegible."""

    params_type: ClassVar[type[DefocusBlurParams]] = DefocusBlurParams

    radius_px: Annotated[Range, within(0, 40)] = (0.6, 3.0)

    def draw(self, sample: Picture, rng: np.random.Generator) -> DefocusBlurParams:
        """Draw the disc's radius."""
        return DefocusBlurParams(uniform(rng, self.radius_px))

    def apply(self, sample: Picture, params: DefocusBlurParams) -> Picture:
        """The sample blurred, its labels judged: a disc's standard deviation is half its radius."""
        return smeared(super().apply(sample, params), params.radius_px / 2)

    def paint(self, image: Image, params: DefocusBlurParams) -> Image:
        """The picture under the disc; over a radius of 2.5 pixels it is made at half the size."""
        return _defocused(image, params.radius_px)
