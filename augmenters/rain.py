"""Streaks of falling rain, and the grey air between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import cv2
import numpy as np

from seedbed.augmenters.picture import AngleRange, Image, Range, within
from seedbed.augmenters.picture_judging import JudgedAugmenter
from seedbed.sample import Picture
from seedbed.streams import fork_seed, log_uniform, uniform


@dataclass(frozen=True)
class RainParams:
    """What was drawn for one picture."""

    count: int
    length_px: float
    angle_deg: float
    levels: float
    haze: float
    seed: int


class Rain(JudgedAugmenter[RainParams]):
    """Adds `count` streaks for each 640x480 pixels, up to `length_px` long, leaning `angle_deg`.

    Streaks are brighter by up to `levels`; `haze` is the share of light that the rain takes.
    """

    params_type: ClassVar[type[RainParams]] = RainParams
    disturbs: ClassVar[bool] = True

    count: Annotated[Range, within(0, 5000)] = (60, 500)
    length_px: Annotated[Range, within(1, 500)] = (8, 40)
    angle_deg: AngleRange = (-20, 20)
    levels: Annotated[Range, within(0, 200)] = (15, 60)
    haze: Annotated[Range, within(0, 0.8)] = (0.0, 0.25)

    def draw(self, sample: Picture, rng: np.random.Generator) -> RainParams:
        """Draw the shower, and a seed for the streaks."""
        height, width = sample.image.shape[:2]
        count = log_uniform(rng, (max(1.0, self.count[0]), max(1.0, self.count[1])))
        return RainParams(
            round(count * width * height / (640 * 480)) if self.count[1] > 0 else 0,
            uniform(rng, self.length_px),
            uniform(rng, self.angle_deg),
            uniform(rng, self.levels),
            uniform(rng, self.haze),
            fork_seed(rng),
        )

    def paint(self, image: Image, params: RainParams) -> Image:
        """The picture greyed, with streaks: near ones long and broad, far ones short and thin."""
        rng = np.random.Generator(np.random.PCG64(params.seed))
        height, width = image.shape[:2]
        layer = np.zeros((height, width), dtype=np.uint8)
        starts = rng.uniform(-0.1, 1.0, size=(params.count, 2)) * [1.2 * width, height]
        nearness = rng.uniform(0.25, 1.0, size=params.count) ** 2
        lean = np.radians(params.angle_deg)
        along = np.array([np.sin(lean), np.cos(lean)])
        ends = starts + (params.length_px * nearness)[:, None] * along
        levels = params.levels * rng.uniform(0.4, 1.0, size=params.count)
        points = np.round(np.stack([starts, ends], axis=1) * 16).astype(np.int32)
        for line, near, level in zip(points, nearness.tolist(), levels.tolist(), strict=True):
            thickness = 2 if near > 0.7 else 1
            cv2.polylines(layer, [line], False, level, thickness, cv2.LINE_AA, shift=4)
        layer = np.asarray(cv2.GaussianBlur(layer, (3, 3), 0.7), dtype=np.uint8)
        veil = 150 * params.haze
        grey = cv2.convertScaleAbs(image, alpha=1 - params.haze, beta=veil)
        return np.asarray(cv2.add(grey, cv2.merge([layer, layer, layer])), dtype=np.uint8)
