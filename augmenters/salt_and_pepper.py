"""Dead and hot pixels: some white, some black."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from seedbed.augmenters.picture import Image, Range, within
from seedbed.augmenters.picture_judging import JudgedAugmenter
from seedbed.sample import Picture
from seedbed.streams import fork_seed, uniform


@dataclass(frozen=True)
class SaltAndPepperParams:
    """What was drawn for one picture."""

    share: float
    seed: int


class SaltAndPepper(JudgedAugmenter[SaltAndPepperParams]):
    """Turns `share` of all pixels white or black, as many of each."""

    params_type: ClassVar[type[SaltAndPepperParams]] = SaltAndPepperParams
    disturbs: ClassVar[bool] = True

    share: Annotated[Range, within(0, 0.3)] = (0.0005, 0.01)

    def draw(self, sample: Picture, rng: np.random.Generator) -> SaltAndPepperParams:
        """Draw the share and a seed for the places."""
        return SaltAndPepperParams(uniform(rng, self.share), fork_seed(rng))

    def paint(self, image: Image, params: SaltAndPepperParams) -> Image:
        """The picture with its dots: only they are visited, never the whole frame."""
        rng = np.random.Generator(np.random.PCG64(params.seed))
        height, width = image.shape[:2]
        dots = round(params.share * height * width)
        places = rng.integers(0, height * width, size=dots)
        result = image.copy()
        pixels = result.reshape(-1, 3)
        pixels[places[: dots // 2]] = 255
        pixels[places[dots // 2 :]] = 0
        return result
