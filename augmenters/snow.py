"""Falling snow: flakes near and far, some out of focus."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import cv2
import numpy as np
from pydantic import Field

from seedbed.augmenters.picture import AngleRange, Mask, PictureAugmenter, Range, within
from seedbed.augmenters.picture_blur import gaussian
from seedbed.augmenters.picture_labels import hidden
from seedbed.augmenters.picture_light import covered
from seedbed.sample import Picture
from seedbed.streams import fork_seed, log_uniform, uniform


@dataclass(frozen=True)
class SnowParams:
    """What was drawn for one picture."""

    count: int
    size_px: float
    fall_px: float
    angle_deg: float
    seed: int


class Snow(PictureAugmenter[SnowParams]):
    """Paints `count` flakes for each 640x480 pixels, the nearest ones `size_px` wide.

    They smear by `fall_px`. What a flake hides by more than half counts as hidden.
    """

    params_type: ClassVar[type[SnowParams]] = SnowParams
    keeps_size: ClassVar[bool] = True

    count: Annotated[Range, within(0, 5000)] = (60, 700)
    size_px: Annotated[Range, within(0.5, 60)] = (2, 7)
    fall_px: Annotated[Range, within(0, 100)] = (0, 8)
    angle_deg: AngleRange = (-40, 40)
    min_visible: float = Field(default=0.1, ge=0, le=1)

    def draw(self, sample: Picture, rng: np.random.Generator) -> SnowParams:
        """Draw the snowfall, and a seed for the flakes."""
        height, width = sample.image.shape[:2]
        count = log_uniform(rng, (max(1.0, self.count[0]), max(1.0, self.count[1])))
        return SnowParams(
            round(count * width * height / (640 * 480)) if self.count[1] > 0 else 0,
            uniform(rng, self.size_px),
            uniform(rng, self.fall_px),
            uniform(rng, self.angle_deg),
            fork_seed(rng),
        )

    def apply(self, sample: Picture, params: SnowParams) -> Picture:
        """The sample in the snow, with what the flakes hide taken off its labels."""
        height, width = sample.image.shape[:2]
        alpha = self.flakes(params, height, width)
        image = covered(sample.image, np.full_like(sample.image, 244), alpha)
        return hidden(replace(sample, image=image), alpha, self.min_visible)

    def flakes(self, params: SnowParams, height: int, width: int) -> Mask:
        """How much snow lies before each pixel, 0 to 255."""
        rng = np.random.Generator(np.random.PCG64(params.seed))
        layer = np.zeros((height, width), dtype=np.uint8)
        centres = rng.uniform(0, 1, size=(params.count, 2)) * [width, height]
        nearness = rng.uniform(0.2, 1.0, size=params.count) ** 3
        radii = np.maximum(0.4, params.size_px / 2 * nearness)
        levels = rng.uniform(110, 245, size=params.count) * (1 - 0.4 * nearness)
        fall = params.fall_px * np.array(
            [np.sin(np.radians(params.angle_deg)), np.cos(np.radians(params.angle_deg))]
        )
        for centre, radius, near, level in zip(
            centres, radii.tolist(), nearness.tolist(), levels.tolist(), strict=True
        ):
            ends = np.round(np.stack([centre - fall * near / 2, centre + fall * near / 2]) * 16)
            thickness = max(1, round(2 * radius))
            cv2.polylines(
                layer, [ends.astype(np.int32)], False, level, thickness, cv2.LINE_AA, shift=4
            )
        soft = max(0.5, params.size_px / 8)
        return gaussian(layer, soft)
