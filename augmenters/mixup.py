"""Two pictures seen through each other, for classifiers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import cv2
import numpy as np
from pydantic import Field

from seedbed.augmenters.picture import Image, PictureAugmenter
from seedbed.augmenters.picture_donors import (
    check_donors,
    donor_class,
    donor_names,
    donor_picture,
)
from seedbed.augmenters.picture_labels import faded
from seedbed.augmenters.picture_mixing import fitted, labelled_mix
from seedbed.file_digests import files_digest
from seedbed.sample import Picture
from seedbed.streams import choose


@dataclass(frozen=True)
class MixupParams:
    """What was drawn for one picture."""

    donor: str
    share: float


class Mixup(PictureAugmenter[MixupParams]):
    """Adds a share of a second picture (Zhang et al., "mixup", ICLR 2018), at most a half.

    A build makes each sample on its own, so the partner is no other sample: it comes from
    the folder `donors`, with one sub-folder a class, as image folders are kept. Every object
    gets the attributes `mix_category` and `mix_share`. In a training loop of one's own,
    `Mixup.mix` takes the two arrays.
    """

    params_type: ClassVar[type[MixupParams]] = MixupParams
    keeps_size: ClassVar[bool] = True

    donors: str = Field(min_length=1)
    alpha: float = Field(default=0.4, gt=0, le=100)

    @staticmethod
    def mix(first: Image, second: Image, share: float) -> Image:
        """`first`, with `share` of `second`, which is fitted to its size."""
        fit = fitted(second, first.shape[0], first.shape[1])
        return np.asarray(cv2.addWeighted(first, 1 - share, fit, share, 0), dtype=np.uint8)

    def prepare(self) -> None:
        """Open the header of every donor. Raises `InputError` naming one that is unfit."""
        check_donors(self.donors)

    def file_digests(self) -> dict[str, str]:
        """Of the donor folder. Raises `InputError`."""
        return {f"donors {self.donors}": files_digest(self.donors, donor_names(self.donors))}

    def draw(self, sample: Picture, rng: np.random.Generator) -> MixupParams:
        """Draw the donor, and its share from a Beta(alpha, alpha), folded to at most a half."""
        donor = choose(rng, donor_names(self.donors))
        share = float(rng.beta(self.alpha, self.alpha))
        return MixupParams(donor, min(share, 1 - share))

    def apply(self, sample: Picture, params: MixupParams) -> Picture:
        """The mixed sample. Raises `InputError` where the donor is gone."""
        image = self.mix(sample.image, donor_picture(self.donors, params.donor), params.share)
        mixed = faded(replace(sample, image=image), 1 - params.share)
        return labelled_mix(mixed, donor_class(params.donor), params.share)
