"""A low resolution and back: a picture that was once smaller."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, get_args

import cv2
import numpy as np

from seedbed.augmenters.picture import Image, PixelAugmenter, Range, within
from seedbed.augmenters.picture_blur import gaussian
from seedbed.augmenters.picture_labels import smeared
from seedbed.sample import Picture
from seedbed.streams import choose, log_uniform

Interpolation = Literal["nearest", "linear", "cubic"]
UPS: tuple[Interpolation, ...] = get_args(Interpolation)
_FLAGS = {
    "nearest": cv2.INTER_NEAREST,
    "linear": cv2.INTER_LINEAR,
    "cubic": cv2.INTER_CUBIC,
}


def lost_detail_px(scale: float) -> float:
    """The sigma of the blur that shrinking to `scale` is worth, in pixels of the full size.

    0.7 small pixels: a character is then judged blurred below about 5.5 small pixels.
    """
    return 0.7 / scale if scale < 1 else 0.0


@dataclass(frozen=True)
class RescaleParams:
    """What was drawn for one picture."""

    scale: float
    up: Interpolation


class Rescale(PixelAugmenter[RescaleParams]):
    """Shrinks to `scale` and enlarges again, to blocks, linearly or by cubics."""

    params_type: ClassVar[type[RescaleParams]] = RescaleParams

    scale: Annotated[Range, within(0.02, 1)] = (0.35, 0.9)

    def draw(self, sample: Picture, rng: np.random.Generator) -> RescaleParams:
        """Draw the scale, evenly in its logarithm, and how the picture is enlarged."""
        return RescaleParams(log_uniform(rng, self.scale), choose(rng, UPS, (1, 3, 3)))

    def apply(self, sample: Picture, params: RescaleParams) -> Picture:
        """The sample at its old size, its labels judged by the pixels that were left."""
        return smeared(super().apply(sample, params), lost_detail_px(params.scale))

    def paint(self, image: Image, params: RescaleParams) -> Image:
        """The picture, there and back."""
        height, width = image.shape[:2]
        size = (max(1, round(width * params.scale)), max(1, round(height * params.scale)))
        # Smoothed by what the step takes and then sampled: a third of what areas cost.
        soft = gaussian(image, 0.45 * float(np.sqrt(1 / params.scale**2 - 1)))
        small = cv2.resize(soft, size, interpolation=cv2.INTER_LINEAR)
        return np.asarray(
            cv2.resize(small, (width, height), interpolation=_FLAGS[params.up]), dtype=np.uint8
        )
