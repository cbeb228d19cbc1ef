"""A negative: every level counted from white."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from seedbed.augmenters.albumentations_bridge import apply_transform, library
from seedbed.augmenters.picture import Image, PixelAugmenter
from seedbed.sample import Picture


@dataclass(frozen=True)
class InvertColoursParams:
    """What was drawn for one picture."""

    inverted: bool = True


class InvertColours(PixelAugmenter[InvertColoursParams]):
    """Turns every level v into 255 - v, by albumentations.

    Set `probability` to use it on some pictures only.
    """

    params_type: ClassVar[type[InvertColoursParams]] = InvertColoursParams

    def draw(self, sample: Picture, rng: np.random.Generator) -> InvertColoursParams:
        """Nothing is drawn."""
        return InvertColoursParams()

    def paint(self, image: Image, params: InvertColoursParams) -> Image:
        """The negative."""
        return apply_transform(library().InvertImg(p=1), image)
