"""Fog or haze: thicker upwards, where a street is farther away."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from seedbed.augmenters.picture import Image, PixelAugmenter, Range, within
from seedbed.augmenters.picture_labels import faded
from seedbed.augmenters.picture_light import smooth_grid, veiled
from seedbed.sample import LabelledObject, Picture
from seedbed.streams import fork_seed, uniform


@dataclass(frozen=True)
class FogParams:
    """What was drawn for one picture."""

    density: float
    rise: float
    patchiness: float
    level: int
    seed: int


class Fog(PixelAugmenter[FogParams]):
    """Mixes in a grey of `level` by `density` at the middle of the frame.

    Towards the top it is thicker by `rise` (a share of the density), towards the bottom
    thinner; `patchiness` is how uneven it is. Light scattered between: Koschmieder 1924.
    """

    params_type: ClassVar[type[FogParams]] = FogParams

    density: Annotated[Range, within(0, 0.9)] = (0.1, 0.5)
    rise: Annotated[Range, within(0, 1)] = (0.0, 0.6)
    patchiness: Annotated[Range, within(0, 0.5)] = (0.0, 0.15)
    level: Annotated[Range, within(0, 255)] = (150, 225)

    def draw(self, sample: Picture, rng: np.random.Generator) -> FogParams:
        """Draw the fog, and a seed for its patches."""
        return FogParams(
            uniform(rng, self.density),
            uniform(rng, self.rise),
            uniform(rng, self.patchiness),
            round(uniform(rng, self.level)),
            fork_seed(rng),
        )

    def apply(self, sample: Picture, params: FogParams) -> Picture:
        """The sample in fog; each label loses the contrast that the fog there takes."""
        height, width = sample.image.shape[:2]
        alpha = self.alpha(params, height, width)
        foggy = super().apply(sample, params)
        objects: list[LabelledObject] = []
        for labelled in foggy.objects:
            x, y, box_width, box_height = labelled.bbox
            row = int(np.clip((y + box_height / 2) / height, 0, 0.999) * len(alpha))
            column = int(np.clip((x + box_width / 2) / width, 0, 0.999) * alpha.shape[1])
            alone = faded(replace(foggy, objects=(labelled,)), 1 - float(alpha[row, column]))
            foggy = replace(foggy, counts=alone.counts)
            objects.extend(alone.objects)
        return replace(foggy, objects=tuple(objects))

    def alpha(self, params: FogParams, height: int, width: int) -> NDArray[np.float64]:
        """The share of fog in what is seen, on a coarse grid."""
        rows, columns = smooth_grid(height, width)
        noise = np.random.Generator(np.random.PCG64(params.seed)).standard_normal((4, 5))
        size = (columns.shape[1], rows.shape[0])
        patches = cv2.resize(noise, size, interpolation=cv2.INTER_CUBIC)
        alpha = params.density * (1 + params.rise * (1 - 2 * rows))
        return np.asarray(np.clip(alpha * (1 + params.patchiness * patches), 0, 0.95))

    def paint(self, image: Image, params: FogParams) -> Image:
        """The picture behind the fog."""
        alpha = self.alpha(params, image.shape[0], image.shape[1])
        return veiled(image, alpha, (params.level, params.level, params.level))
