"""Left for right, or top for bottom."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import cv2
import numpy as np

from seedbed.augmenters.picture import PictureAugmenter
from seedbed.augmenters.picture_labels import moved
from seedbed.errors import InputError
from seedbed.sample import Picture


@dataclass(frozen=True)
class FlipParams:
    """What was drawn for one picture."""

    axis: Literal["horizontal", "vertical"]


class Flip(PictureAugmenter[FlipParams]):
    """Mirrors the picture; refused where an object carries text, which nobody writes that way."""

    params_type: ClassVar[type[FlipParams]] = FlipParams
    keeps_size: ClassVar[bool] = True

    axis: Literal["horizontal", "vertical"] = "horizontal"

    def draw(self, sample: Picture, rng: np.random.Generator) -> FlipParams:
        """Nothing is drawn. Raises `InputError` where an object carries text."""
        for labelled in sample.objects:
            if labelled.text or labelled.characters:
                raise InputError(
                    f"flip: the sample holds the text {labelled.text!r}, which a mirror would make "
                    f"unreadable: take flip out of the augmenters of this recipe."
                )
        return FlipParams(self.axis)

    def apply(self, sample: Picture, params: FlipParams) -> Picture:
        """The mirrored sample; quads are numbered anew, so that they still run clockwise."""
        height, width = sample.image.shape[:2]
        if params.axis == "horizontal":
            code, order = 1, [1, 0, 3, 2]
            matrix = np.array([[-1.0, 0.0, width], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
        else:
            code, order = 0, [3, 2, 1, 0]
            matrix = np.array([[1.0, 0.0, 0.0], [0.0, -1.0, height], [0.0, 0.0, 1.0]])
        image = np.asarray(cv2.flip(sample.image, code), dtype=np.uint8)
        mirrored = moved(replace(sample, image=image), matrix, width, height, 0.0)
        objects = tuple(
            replace(one, quad=one.quad[order], polygon=one.polygon[::-1])
            for one in mirrored.objects
        )
        return replace(mirrored, objects=objects)
