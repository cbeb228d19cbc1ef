"""More or less difference between light and dark."""

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
class ContrastParams:
    """What was drawn for one picture."""

    factor: float


class Contrast(PixelAugmenter[ContrastParams]):
    """Stretches levels about mid grey (128) by `factor`; 1 changes nothing."""

    params_type: ClassVar[type[ContrastParams]] = ContrastParams

    factor: Annotated[Range, within(0.05, 4)] = (0.7, 1.3)

    def draw(self, sample: Picture, rng: np.random.Generator) -> ContrastParams:
        """Draw the factor."""
        return ContrastParams(uniform(rng, self.factor))

    def apply(self, sample: Picture, params: ContrastParams) -> Picture:
        """The sample repainted; labels that lose their contrast are judged."""
        gain = params.factor
        toned = super().apply(sample, params)
        return toned_labels(sample, toned, gain, lambda level: 128 + gain * (level - 128))

    def paint(self, image: Image, params: ContrastParams) -> Image:
        """Every level moved away from 128, or towards it."""
        table = np.clip(np.round(128 + (np.arange(256) - 128.0) * params.factor), 0, 255)
        return toned(image, table.astype(np.uint8))
