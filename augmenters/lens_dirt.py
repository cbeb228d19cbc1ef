"""Drops, dust and smears on the lens: soft, because they are out of focus."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import cv2
import numpy as np
from pydantic import Field

from seedbed.augmenters.picture import PictureAugmenter, Range, within
from seedbed.augmenters.picture_labels import hidden
from seedbed.augmenters.picture_light import to_frame, veiled
from seedbed.sample import Picture
from seedbed.streams import fork_seed, uniform


@dataclass(frozen=True)
class LensDirtParams:
    """What was drawn for one picture."""

    spots: int
    size: float
    opacity: float
    level: int
    seed: int


class LensDirt(PictureAugmenter[LensDirtParams]):
    """Lays `spots` soft blots over the frame, each up to `size` of its width in radius.

    Where blots hide more than half of what is behind them, it counts as hidden.
    """

    params_type: ClassVar[type[LensDirtParams]] = LensDirtParams
    keeps_size: ClassVar[bool] = True

    spots: Annotated[Range, within(0, 500)] = (3, 30)
    size: Annotated[Range, within(0.002, 0.5)] = (0.01, 0.06)
    opacity: Annotated[Range, within(0, 1)] = (0.15, 0.6)
    level: Annotated[Range, within(0, 255)] = (40, 150)
    min_visible: float = Field(default=0.1, ge=0, le=1)

    def draw(self, sample: Picture, rng: np.random.Generator) -> LensDirtParams:
        """Draw how many, how large, how dense and how light, and a seed for the places."""
        return LensDirtParams(
            round(uniform(rng, self.spots)),
            uniform(rng, self.size),
            uniform(rng, self.opacity),
            round(uniform(rng, self.level)),
            fork_seed(rng),
        )

    def apply(self, sample: Picture, params: LensDirtParams) -> Picture:
        """The sample through the dirty lens, with what the dirt hides taken off its labels."""
        height, width = sample.image.shape[:2]
        rng = np.random.Generator(np.random.PCG64(params.seed))
        rows, columns = max(2, height // 4), max(2, width // 4)
        alpha = np.zeros((rows, columns), dtype=np.uint8)
        for _ in range(params.spots):
            centre = rng.uniform(0, 1, size=2) * [columns, rows]
            radius = params.size * columns * rng.uniform(0.25, 1.0)
            turns = np.linspace(0, 2 * np.pi, 14, endpoint=False)
            reach = radius * rng.uniform(0.7, 1.1, size=14)
            outline = centre + np.stack([np.cos(turns), np.sin(turns)], axis=1) * reach[:, None]
            blot = np.zeros_like(alpha)
            points = [np.round(outline * 16).astype(np.int32)]
            cv2.fillPoly(blot, points, 255 * params.opacity * rng.uniform(0.4, 1), cv2.LINE_AA, 4)
            alpha = np.asarray(cv2.max(alpha, blot), dtype=np.uint8)
        soft = max(0.6, params.size * columns * 0.25)
        alpha = np.asarray(cv2.GaussianBlur(alpha, (0, 0), soft), dtype=np.uint8)
        full = to_frame(np.asarray(alpha, dtype=np.float64), sample.image)
        shade = np.array([params.level, params.level * 0.94, params.level * 0.85])
        image = veiled(sample.image, alpha / 255, tuple(shade.round().astype(int).tolist()))
        return hidden(replace(sample, image=image), full[:, :, 0].copy(), self.min_visible)
