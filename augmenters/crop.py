"""A part of the frame, at its own size or enlarged back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import cv2
import numpy as np
from pydantic import Field, model_validator

from seedbed.augmenters.picture import PictureAugmenter, Range, within
from seedbed.augmenters.picture_labels import moved
from seedbed.errors import InputError
from seedbed.geometry import Homography, clip_to_frame, polygon_area
from seedbed.sample import LabelledObject, Picture
from seedbed.streams import uniform

PLACES = 12
"""Places tried for a window that keeps an object."""


@dataclass(frozen=True)
class CropParams:
    """What was drawn for one picture."""

    x: int
    y: int
    width: int
    height: int
    out_width: int
    out_height: int


class Crop(PictureAugmenter[CropParams]):
    """Cuts a window out of the frame and drops objects of which less than `min_visible` is left.

    The window has `width` by `height` pixels where both are given, and is kept at that size;
    otherwise it covers `share` of the frame's area in the frame's proportions, and is
    enlarged to the old size where `enlarge` says so. With `keep_one` it is placed so that at
    least one object stays, where a few tries can do that.
    """

    params_type: ClassVar[type[CropParams]] = CropParams

    share: Annotated[Range, within(0.01, 1)] = (0.6, 1.0)
    width: int | None = Field(default=None, ge=1, le=16384)
    height: int | None = Field(default=None, ge=1, le=16384)
    enlarge: bool = True
    min_visible: float = Field(default=0.5, ge=0, le=1)
    keep_one: bool = True

    @model_validator(mode="after")
    def _both_or_none(self) -> Crop:
        if (self.width is None) != (self.height is None):
            raise ValueError("width and height must be given together, or neither")
        return self

    def check_size(self, height: int, width: int) -> None:
        """Raise `InputError` where a picture of that size is smaller than the window."""
        if self.width is None or self.height is None:
            return
        if self.width > width or self.height > height:
            raise InputError(
                f"crop: a picture of {width}x{height} pixels is smaller than the crop of "
                f"{self.width}x{self.height}: lower width and height, or make larger pictures."
            )

    def draw(self, sample: Picture, rng: np.random.Generator) -> CropParams:
        """Draw the window. Raises `InputError` where the picture is smaller than it."""
        height, width = sample.image.shape[:2]
        self.check_size(height, width)
        if self.width is not None and self.height is not None:
            cut_width, cut_height = out_width, out_height = self.width, self.height
        else:
            side = float(np.sqrt(uniform(rng, self.share)))
            cut_width, cut_height = max(1, round(width * side)), max(1, round(height * side))
            out_width, out_height = (width, height) if self.enlarge else (cut_width, cut_height)
        places = rng.integers(
            0, [width - cut_width + 1, height - cut_height + 1], size=(PLACES, 2)
        ).tolist()
        x, y = places[0]
        if self.keep_one and sample.objects:
            for x, y in places:
                if any(self._stays(one, x, y, cut_width, cut_height) for one in sample.objects):
                    break
        return CropParams(x, y, cut_width, cut_height, out_width, out_height)

    def _stays(self, labelled: LabelledObject, x: int, y: int, width: int, height: int) -> bool:
        area = polygon_area(labelled.polygon)
        inside = clip_to_frame(labelled.polygon - [x, y], width, height)
        return (
            area > 0 and polygon_area(inside) / area * (1 - labelled.occlusion) >= self.min_visible
        )

    def matrix(self, params: CropParams) -> Homography:
        """From the old frame to the new."""
        across, down = params.out_width / params.width, params.out_height / params.height
        return np.array(
            [[across, 0.0, -params.x * across], [0.0, down, -params.y * down], [0.0, 0.0, 1.0]]
        )

    def apply(self, sample: Picture, params: CropParams) -> Picture:
        """The window with the labels in it."""
        size = (params.out_width, params.out_height)
        right, bottom = params.x + params.width, params.y + params.height
        image = sample.image[params.y : bottom, params.x : right].copy()
        if size != (params.width, params.height):
            image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), np.uint8)
        return moved(replace(sample, image=image), self.matrix(params), *size, self.min_visible)
