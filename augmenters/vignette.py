"""Corners darker than the middle, as lenses leave them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from seedbed.augmenters.picture import Image, PixelAugmenter, Range, within
from seedbed.augmenters.picture_judging import dimmed_labels
from seedbed.augmenters.picture_light import multiplied, smooth_grid
from seedbed.sample import Picture
from seedbed.streams import uniform


@dataclass(frozen=True)
class VignetteParams:
    """What was drawn for one picture."""

    depth: float
    radius: float
    centre: tuple[float, float]


class Vignette(PixelAugmenter[VignetteParams]):
    """Darkens the corners by `depth`, beginning at `radius` of the way to them."""

    params_type: ClassVar[type[VignetteParams]] = VignetteParams

    depth: Annotated[Range, within(0, 1)] = (0.05, 0.4)
    radius: Annotated[Range, within(0, 1)] = (0.2, 0.6)
    centre: Annotated[Range, within(0, 1)] = (0.45, 0.55)

    def draw(self, sample: Picture, rng: np.random.Generator) -> VignetteParams:
        """Draw depth, where it begins and the centre, the latter in shares of width and height."""
        return VignetteParams(
            uniform(rng, self.depth),
            uniform(rng, self.radius),
            (uniform(rng, self.centre), uniform(rng, self.centre)),
        )

    def apply(self, sample: Picture, params: VignetteParams) -> Picture:
        """The sample with darker corners; labels in them are judged by the light left there."""
        height, width = sample.image.shape[:2]
        half = math.hypot(width, height) / 2

        def share_at(x: float, y: float) -> float:
            away = math.hypot(x - params.centre[0] * width, y - params.centre[1] * height) / half
            slope = min(max((away - params.radius) / max(1e-6, 1 - params.radius), 0.0), 1.3)
            return max(0.0, 1 - params.depth * slope**2)

        return dimmed_labels(super().apply(sample, params), share_at)

    def paint(self, image: Image, params: VignetteParams) -> Image:
        """The picture times a smooth map."""
        height, width = image.shape[:2]
        rows, columns = smooth_grid(height, width)
        x = (columns - params.centre[0]) * width
        y = (rows - params.centre[1]) * height
        outside = np.hypot(x, y) / (np.hypot(width, height) / 2) - params.radius
        slope = np.clip(outside / max(1e-6, 1 - params.radius), 0, 1.3)
        return multiplied(image, 1 - params.depth * slope**2)
