"""A rectangle of a second picture in the first, for classifiers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from seedbed.augmenters.picture import PictureAugmenter, Range, within
from seedbed.augmenters.picture_donors import (
    check_donors,
    donor_class,
    donor_names,
    donor_picture,
)
from seedbed.augmenters.picture_labels import hidden
from seedbed.augmenters.picture_mixing import fitted, labelled_mix
from seedbed.file_digests import files_digest
from seedbed.sample import Picture
from seedbed.streams import choose, uniform


@dataclass(frozen=True)
class CutmixParams:
    """What was drawn for one picture."""

    donor: str
    box: tuple[int, int, int, int]


class Cutmix(PictureAugmenter[CutmixParams]):
    """Replaces `share` of the frame by the same part of a second picture (Yun et al., ICCV 2019).

    The partner comes from the folder `donors`, with one sub-folder a class, as for `mixup`.
    Every object gets the attributes `mix_category` and `mix_share`, and loses what is hidden.
    """

    params_type: ClassVar[type[CutmixParams]] = CutmixParams
    keeps_size: ClassVar[bool] = True

    donors: str = Field(min_length=1)
    share: Annotated[Range, within(0, 0.5)] = (0.05, 0.5)
    min_visible: float = Field(default=0.1, ge=0, le=1)

    def prepare(self) -> None:
        """Open the header of every donor. Raises `InputError` naming one that is unfit."""
        check_donors(self.donors)

    def file_digests(self) -> dict[str, str]:
        """Of the donor folder. Raises `InputError`."""
        return {f"donors {self.donors}": files_digest(self.donors, donor_names(self.donors))}

    def draw(self, sample: Picture, rng: np.random.Generator) -> CutmixParams:
        """Draw the donor and the rectangle, in the frame's proportions and inside it."""
        height, width = sample.image.shape[:2]
        donor = choose(rng, donor_names(self.donors))
        side = float(np.sqrt(uniform(rng, self.share)))
        across, down = round(width * side), round(height * side)
        left = int(rng.integers(0, width - across + 1))
        top = int(rng.integers(0, height - down + 1))
        return CutmixParams(donor, (left, top, across, down))

    def apply(self, sample: Picture, params: CutmixParams) -> Picture:
        """The mixed sample. Raises `InputError` where the donor is gone."""
        height, width = sample.image.shape[:2]
        left, top, across, down = params.box
        other = fitted(donor_picture(self.donors, params.donor), height, width)
        inside = np.s_[top : top + down, left : left + across]
        image = sample.image.copy()
        image[inside] = other[inside]
        mask = np.zeros((height, width), dtype=np.uint8)
        mask[inside] = 255
        mixed = labelled_mix(
            replace(sample, image=image),
            donor_class(params.donor),
            across * down / (width * height),
        )
        return hidden(mixed, mask, self.min_visible)
