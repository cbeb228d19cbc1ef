"""A camera or a car that moves while the shutter is open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import cv2
import numpy as np

from seedbed.augmenters.picture import AngleRange, Image, PixelAugmenter, Range, within
from seedbed.augmenters.picture_blur import averaged, filtered, line_kernel
from seedbed.augmenters.picture_labels import smeared
from seedbed.sample import Picture
from seedbed.streams import uniform

LONGEST_KERNEL_PX = 9.0
"""`cv2.filter2D` uses a sparse kernel as it is up to 11x11 and turns to Fourier above."""


def _shifted(image: Image, x: int, y: int) -> Image:
    """`image` moved by whole pixels, edges repeated."""
    height, width = image.shape[:2]
    padded = cv2.copyMakeBorder(
        image, max(y, 0), max(-y, 0), max(x, 0), max(-x, 0), cv2.BORDER_REPLICATE
    )
    top, left = max(-y, 0), max(-x, 0)
    return np.asarray(padded[top : top + height, left : left + width], dtype=np.uint8)


@dataclass(frozen=True)
class MotionBlurParams:
    """What was drawn for one picture."""

    length_px: float
    angle_deg: float


class MotionBlur(PixelAugmenter[MotionBlurParams]):
    """Smears along a line of `length_px` at `angle_deg`, 0 being level and 90 downwards."""

    params_type: ClassVar[type[MotionBlurParams]] = MotionBlurParams

    length_px: Annotated[Range, within(1, 200)] = (2, 9)
    angle_deg: AngleRange = (-30, 30)

    def draw(self, sample: Picture, rng: np.random.Generator) -> MotionBlurParams:
        """Draw how far and which way."""
        return MotionBlurParams(uniform(rng, self.length_px), uniform(rng, self.angle_deg))

    def apply(self, sample: Picture, params: MotionBlurParams) -> Picture:
        """The sample smeared, its labels judged: a line's deviation is its length by root 12."""
        sigma = float(np.sqrt(max(0.0, params.length_px**2 - 1) / 12))
        return smeared(super().apply(sample, params), sigma)

    def paint(self, image: Image, params: MotionBlurParams) -> Image:
        """The mean along the line.

        A long line is a short one, doubled: each doubling averages two shifted copies, which
        costs a fifth of a wide kernel and rounds the shift to whole pixels.
        """
        doublings = max(0, int(np.ceil(np.log2(params.length_px / LONGEST_KERNEL_PX))))
        short = params.length_px / 2**doublings
        result = filtered(image, line_kernel(short, params.angle_deg))
        angle = np.radians(params.angle_deg)
        for step in range(doublings):
            shift = short * 2**step * np.array([np.cos(angle), np.sin(angle)])
            x, y = (int(v) for v in np.round(shift))
            result = averaged(
                _shifted(result, x // 2, y // 2), _shifted(result, x // 2 - x, y // 2 - y)
            )
        return result
