"""A shadow across the frame: of a wall, a pole, a tree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import cv2
import numpy as np

from seedbed.augmenters.picture import Image, Range, within
from seedbed.augmenters.picture_judging import JudgedAugmenter
from seedbed.augmenters.picture_light import multiplied, smooth_grid
from seedbed.sample import Picture
from seedbed.streams import uniform


@dataclass(frozen=True)
class ShadowParams:
    """What was drawn for one picture."""

    polygon: tuple[tuple[float, float], ...]
    depth: float
    penumbra: float


class Shadow(JudgedAugmenter[ShadowParams]):
    """Darkens a band by `depth`, half as broad as `width` says on each side, at any angle.

    Lengths are shares of the frame's width; `penumbra` is how soft the edge is.
    """

    params_type: ClassVar[type[ShadowParams]] = ShadowParams

    depth: Annotated[Range, within(0, 0.95)] = (0.2, 0.6)
    width: Annotated[Range, within(0.01, 2)] = (0.05, 0.6)
    penumbra: Annotated[Range, within(0, 0.3)] = (0.005, 0.05)

    def draw(self, sample: Picture, rng: np.random.Generator) -> ShadowParams:
        """Draw the band's corners, its depth and its edge."""
        angle = rng.uniform(0, np.pi)
        along = np.array([np.cos(angle), np.sin(angle)])
        across = np.array([-along[1], along[0]]) * uniform(rng, self.width) / 2
        centre = rng.uniform(0.1, 0.9, size=2)
        taper = rng.uniform(0.6, 1.6)
        corners = np.stack(
            [
                centre - 2 * along - across,
                centre + 2 * along - taper * across,
                centre + 2 * along + taper * across,
                centre - 2 * along + across,
            ]
        ).tolist()
        return ShadowParams(
            tuple((x, y) for x, y in corners), uniform(rng, self.depth), uniform(rng, self.penumbra)
        )

    def paint(self, image: Image, params: ShadowParams) -> Image:
        """The picture times the light that is left."""
        height, width = image.shape[:2]
        rows, columns = smooth_grid(height, width)
        shape = (rows.shape[0], columns.shape[1])
        mask = np.zeros(shape, dtype=np.float32)
        corners = np.array(params.polygon) * [shape[1], shape[0]]
        cv2.fillPoly(mask, [np.round(corners * 16).astype(np.int32)], 1.0, cv2.LINE_AA, shift=4)
        soft = cv2.GaussianBlur(mask, (0, 0), max(0.3, params.penumbra * shape[1]))
        return multiplied(image, 1 - params.depth * np.asarray(soft, dtype=np.float64))
