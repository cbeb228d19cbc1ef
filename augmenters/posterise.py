"""Few levels a channel, as a poor converter or a small palette leaves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from pydantic import field_validator

from seedbed.augmenters.albumentations_bridge import apply_transform, library
from seedbed.augmenters.picture import Image
from seedbed.augmenters.picture_judging import JudgedAugmenter
from seedbed.sample import Picture


@dataclass(frozen=True)
class PosteriseParams:
    """What was drawn for one picture."""

    bits: int


class Posterise(JudgedAugmenter[PosteriseParams]):
    """Keeps the highest `bits` of every channel's eight, by albumentations."""

    params_type: ClassVar[type[PosteriseParams]] = PosteriseParams
    disturbs: ClassVar[bool] = True

    bits: tuple[int, int] = (3, 6)

    @field_validator("bits")
    @classmethod
    def _in_order(cls, bits: tuple[int, int]) -> tuple[int, int]:
        if not 1 <= bits[0] <= bits[1] <= 7:
            raise ValueError("must run from low to high within 1 to 7")
        return bits

    def draw(self, sample: Picture, rng: np.random.Generator) -> PosteriseParams:
        """Draw how many bits are kept."""
        return PosteriseParams(int(rng.integers(self.bits[0], self.bits[1] + 1)))

    def paint(self, image: Image, params: PosteriseParams) -> Image:
        """The lower bits cleared."""
        return apply_transform(library().Posterize(num_bits=params.bits, p=1), image)
