"""A piece of another picture, or of this one, pasted over the frame."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import cv2
import numpy as np
from pydantic import Field

from seedbed.augmenters.picture import Image, PictureAugmenter, Range, within
from seedbed.augmenters.picture_donors import (
    check_donors,
    donor_names,
    donor_picture,
)
from seedbed.augmenters.picture_labels import counted, hidden
from seedbed.augmenters.picture_light import covered
from seedbed.augmenters.picture_places import place
from seedbed.file_digests import files_digest
from seedbed.sample import Picture
from seedbed.streams import choose, uniform

PLACES = 10
"""Places tried for a piece of the sample itself that shows nothing labelled."""


def _touches(sample: Picture, source: tuple[float, float, float, float]) -> bool:
    height, width = sample.image.shape[:2]
    left, top = source[0] * width, source[1] * height
    right, bottom = left + source[2] * width, top + source[3] * height
    return any(
        x < right + 1 and x + w > left - 1 and y < bottom + 1 and y + h > top - 1
        for x, y, w, h in (one.bbox for one in sample.objects)
    )


def _cut(origin: Image, source: tuple[float, float, float, float]) -> Image:
    height, width = origin.shape[:2]
    left, top = int(source[0] * width), int(source[1] * height)
    right = left + max(1, round(source[2] * width))
    bottom = top + max(1, round(source[3] * height))
    return origin[top:bottom, left:right]


@dataclass(frozen=True)
class PastePatchParams:
    """What was drawn for one picture."""

    donor: str
    source: tuple[float, float, float, float]
    target: tuple[int, int, int, int]
    softness_px: float


class PastePatch(PictureAugmenter[PastePatchParams]):
    """Pastes a rectangle cut from a picture of the folder `donors`, or from the sample itself.

    Without `donors` the piece comes from a part of the same picture where nothing is
    labelled, so that no unlabelled copy of an object appears; where there is no such part,
    nothing is pasted. Donors are taken to show nothing that would have to be labelled. Its
    sides are `size` of the frame's shorter side, or, with `on_object_rate`, of an object's
    length, centred on that object. Hidden shares are recomputed.
    """

    params_type: ClassVar[type[PastePatchParams]] = PastePatchParams
    keeps_size: ClassVar[bool] = True

    donors: str | None = None
    size: Annotated[Range, within(0.01, 1)] = (0.08, 0.3)
    softness_px: Annotated[Range, within(0, 20)] = (0, 2)
    on_object_rate: float = Field(default=0.2, ge=0, le=1)
    min_visible: float = Field(default=0.1, ge=0, le=1)

    def prepare(self) -> None:
        """Open the header of every donor. Raises `InputError` naming one that is unfit."""
        if self.donors is not None:
            check_donors(self.donors)

    def file_digests(self) -> dict[str, str]:
        """Of the donor folder, where there is one. Raises `InputError`."""
        if self.donors is None:
            return {}
        return {f"donors {self.donors}": files_digest(self.donors, donor_names(self.donors))}

    def draw(self, sample: Picture, rng: np.random.Generator) -> PastePatchParams:
        """Draw the donor, the piece (x, y, width, height, in shares) and its place in pixels."""
        height, width = sample.image.shape[:2]
        (x, y), extent = place(sample, rng, self.on_object_rate)
        across, down = (
            int(np.clip(round(uniform(rng, self.size) * extent), 2, side))
            for side in (width, height)
        )
        left = min(max(round(x - across / 2), 0), width - across)
        top = min(max(round(y - down / 2), 0), height - down)
        donor = choose(rng, donor_names(self.donors)) if self.donors is not None else ""
        corners = rng.uniform(size=(PLACES, 2)) * [1 - across / width, 1 - down / height]
        softness = uniform(rng, self.softness_px)
        for corner_x, corner_y in corners.tolist():
            source = (corner_x, corner_y, across / width, down / height)
            if donor or not _touches(sample, source):
                return PastePatchParams(donor, source, (left, top, across, down), softness)
        return PastePatchParams("", (0.0, 0.0, 0.0, 0.0), (0, 0, 0, 0), softness)

    def apply(self, sample: Picture, params: PastePatchParams) -> Picture:
        """The sample with the piece on it. Raises `InputError` where the donor is gone."""
        left, top, across, down = params.target
        if across == 0:
            return counted(sample, "paste_patch:no_place")
        origin = donor_picture(self.donors, params.donor) if self.donors else sample.image
        patch = cv2.resize(
            _cut(origin, params.source), (across, down), interpolation=cv2.INTER_AREA
        )
        alpha = np.zeros(sample.image.shape[:2], dtype=np.uint8)
        alpha[top : top + down, left : left + across] = 255
        if params.softness_px >= 0.3:
            alpha = np.asarray(cv2.GaussianBlur(alpha, (0, 0), params.softness_px), dtype=np.uint8)
        layer = sample.image.copy()
        layer[top : top + down, left : left + across] = patch
        image = covered(sample.image, layer, alpha)
        return hidden(replace(sample, image=image), alpha, self.min_visible)
