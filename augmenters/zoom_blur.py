"""A camera that moves forward, or zooms, while the shutter is open."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from seedbed.augmenters.picture import Image, PixelAugmenter, Range, within
from seedbed.augmenters.picture_blur import averaged
from seedbed.augmenters.picture_labels import smeared
from seedbed.augmenters.picture_warp import padded, unpadded
from seedbed.sample import LabelledObject, Picture
from seedbed.streams import uniform


def _scaled(image: Image, factor: float, centre: NDArray[np.float64]) -> Image:
    height, width = image.shape[:2]
    matrix = np.array(
        [[factor, 0, (1 - factor) * centre[0]], [0, factor, (1 - factor) * centre[1]]]
    )
    return np.asarray(
        cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


@dataclass(frozen=True)
class ZoomBlurParams:
    """What was drawn for one picture."""

    amount: float
    centre: tuple[float, float]


class ZoomBlur(PixelAugmenter[ZoomBlurParams]):
    """Smears away from a centre: by `amount` of the distance to it, in shares."""

    params_type: ClassVar[type[ZoomBlurParams]] = ZoomBlurParams

    amount: Annotated[Range, within(0, 0.5)] = (0.01, 0.05)
    centre: Annotated[Range, within(0, 1)] = (0.4, 0.6)

    def draw(self, sample: Picture, rng: np.random.Generator) -> ZoomBlurParams:
        """Draw the amount and the centre, the latter in shares of width and height."""
        return ZoomBlurParams(
            uniform(rng, self.amount), (uniform(rng, self.centre), uniform(rng, self.centre))
        )

    def apply(self, sample: Picture, params: ZoomBlurParams) -> Picture:
        """The sample smeared; each label is judged by the smear at its farthest corner."""
        height, width = sample.image.shape[:2]
        centre = np.array(params.centre) * [width, height]
        judged = super().apply(sample, params)
        objects: list[LabelledObject] = []
        counts = judged.counts
        for labelled in judged.objects:
            reach = np.linalg.norm(labelled.quad - centre, axis=1).max() * params.amount
            alone = smeared(
                replace(judged, objects=(labelled,), counts=counts), reach / np.sqrt(12)
            )
            objects.extend(alone.objects)
            counts = alone.counts
        return replace(judged, objects=tuple(objects), counts=counts)

    def paint(self, image: Image, params: ZoomBlurParams) -> Image:
        """The mean of the picture from its own size to 1 + amount times it.

        Each level averages two sizes and doubles how many the whole stands for, up to
        sixteen.
        """
        height, width = image.shape[:2]
        centre = np.array(params.centre) * [width, height] - 0.5
        reach = params.amount * np.hypot(width, height)
        levels = int(np.clip(np.ceil(np.log2(max(reach, 1.0))), 0, 4))
        result = padded(image)
        for level in range(1, levels + 1):
            half = params.amount / 2 ** (level + 1)
            result = averaged(_scaled(result, 1 - half, centre), _scaled(result, 1 + half, centre))
        return unpadded(result)
