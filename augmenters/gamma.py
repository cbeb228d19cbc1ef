"""Darker or lighter middle tones, black and white held."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from seedbed.augmenters.albumentations_bridge import toned
from seedbed.augmenters.picture import Image, Range, within
from seedbed.augmenters.picture_judging import JudgedAugmenter
from seedbed.sample import Picture
from seedbed.streams import log_uniform


@dataclass(frozen=True)
class GammaParams:
    """What was drawn for one picture."""

    gamma: float


class Gamma(JudgedAugmenter[GammaParams]):
    """Raises levels, as shares of white, to the power of `gamma`: over 1 darkens."""

    params_type: ClassVar[type[GammaParams]] = GammaParams
    raises_contrast: ClassVar[bool] = True

    gamma: Annotated[Range, within(0.1, 10)] = (0.75, 1.35)

    def draw(self, sample: Picture, rng: np.random.Generator) -> GammaParams:
        """Draw the exponent, evenly in its logarithm."""
        return GammaParams(log_uniform(rng, self.gamma))

    def paint(self, image: Image, params: GammaParams) -> Image:
        """Every level by the power law."""
        table = np.round(255 * (np.arange(256) / 255) ** params.gamma)
        return toned(image, table.astype(np.uint8))
