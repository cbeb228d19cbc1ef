"""No colour, as from an infrared camera or an old one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from seedbed.augmenters.albumentations_bridge import apply_transform, library
from seedbed.augmenters.picture import Image, PixelAugmenter
from seedbed.sample import Picture


@dataclass(frozen=True)
class GreyParams:
    """What was drawn for one picture."""

    grey: bool = True


class Grey(PixelAugmenter[GreyParams]):
    """Gives all three channels the luma (Rec. 601), by albumentations."""

    params_type: ClassVar[type[GreyParams]] = GreyParams

    def draw(self, sample: Picture, rng: np.random.Generator) -> GreyParams:
        """Nothing is drawn."""
        return GreyParams()

    def paint(self, image: Image, params: GreyParams) -> Image:
        """The luma, three times."""
        return apply_transform(library().ToGray(num_output_channels=3, p=1), image)
