"""Flat patches over the frame: the plainest obstruction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field, field_validator

from seedbed.augmenters.picture import PictureAugmenter, Range, within
from seedbed.augmenters.picture_labels import hidden
from seedbed.augmenters.picture_places import place
from seedbed.sample import Picture
from seedbed.streams import uniform


@dataclass(frozen=True)
class CoarseDropoutParams:
    """What was drawn for one picture."""

    boxes: tuple[tuple[int, int, int, int], ...]
    colours: tuple[tuple[int, int, int], ...]


class CoarseDropout(PictureAugmenter[CoarseDropoutParams]):
    """Paints `count` flat rectangles with sides of `size` of the frame's shorter side.

    With `on_object_rate` a rectangle is centred somewhere on an object and takes `size` of
    the object's length instead. Hidden shares are recomputed.
    """

    params_type: ClassVar[type[CoarseDropoutParams]] = CoarseDropoutParams
    keeps_size: ClassVar[bool] = True

    count: tuple[int, int] = (1, 6)
    size: Annotated[Range, within(0.005, 1)] = (0.02, 0.1)
    on_object_rate: float = Field(default=0.3, ge=0, le=1)
    min_visible: float = Field(default=0.1, ge=0, le=1)

    @field_validator("count")
    @classmethod
    def _in_order(cls, count: tuple[int, int]) -> tuple[int, int]:
        if not 0 <= count[0] <= count[1] <= 1000:
            raise ValueError("must run from low to high within 0 to 1000")
        return count

    def draw(self, sample: Picture, rng: np.random.Generator) -> CoarseDropoutParams:
        """Draw the rectangles (x, y, width, height, in pixels) and their colours."""
        height, width = sample.image.shape[:2]
        boxes, colours = [], []
        for _ in range(int(rng.integers(self.count[0], self.count[1] + 1))):
            (x, y), extent = place(sample, rng, self.on_object_rate)
            sides = [max(1, round(uniform(rng, self.size) * extent)) for _ in range(2)]
            left, top = round(x - sides[0] / 2), round(y - sides[1] / 2)
            left, top = min(max(left, 0), width - 1), min(max(top, 0), height - 1)
            boxes.append((left, top, min(sides[0], width - left), min(sides[1], height - top)))
            red, green, blue = rng.integers(0, 256, size=3).tolist()
            colours.append((red, green, blue))
        return CoarseDropoutParams(tuple(boxes), tuple(colours))

    def apply(self, sample: Picture, params: CoarseDropoutParams) -> Picture:
        """The sample behind the rectangles, hidden shares recomputed."""
        image = sample.image.copy()
        mask = np.zeros(image.shape[:2], dtype=np.uint8)
        for (x, y, width, height), colour in zip(params.boxes, params.colours, strict=True):
            image[y : y + height, x : x + width] = colour
            mask[y : y + height, x : x + width] = 255
        return hidden(replace(sample, image=image), mask, self.min_visible)
