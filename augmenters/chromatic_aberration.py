"""A lens that enlarges red and blue differently: coloured edges off the centre."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import cv2
import numpy as np

from seedbed.augmenters.picture import Image, Mask, PixelAugmenter, Range, within
from seedbed.sample import Picture
from seedbed.streams import uniform


def _scaled(channel: Mask, factor: float) -> Mask:
    height, width = channel.shape
    x, y = (1 - factor) * (width - 1) / 2, (1 - factor) * (height - 1) / 2
    matrix = np.array([[factor, 0.0, x], [0.0, factor, y]])
    scaled = cv2.warpAffine(channel, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(scaled, dtype=np.uint8)


@dataclass(frozen=True)
class ChromaticAberrationParams:
    """What was drawn for one picture."""

    red: float
    blue: float


class ChromaticAberration(PixelAugmenter[ChromaticAberrationParams]):
    """Scales red and blue about the centre by 1 + `amount` each; green, and labels, stay."""

    params_type: ClassVar[type[ChromaticAberrationParams]] = ChromaticAberrationParams

    amount: Annotated[Range, within(-0.02, 0.02)] = (-0.003, 0.003)

    def draw(self, sample: Picture, rng: np.random.Generator) -> ChromaticAberrationParams:
        """Draw how much larger red and blue are, in shares."""
        return ChromaticAberrationParams(uniform(rng, self.amount), uniform(rng, self.amount))

    def paint(self, image: Image, params: ChromaticAberrationParams) -> Image:
        """Red and blue enlarged or shrunk, each channel on its own."""
        red, green, blue = (image[:, :, channel] for channel in range(3))
        merged = cv2.merge([_scaled(red, 1 + params.red), green, _scaled(blue, 1 + params.blue)])
        return np.asarray(merged, dtype=np.uint8)
