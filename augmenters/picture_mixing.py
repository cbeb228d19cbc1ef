"""What mixing two classified pictures writes down: the other class, and its share."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from seedbed.augmenters.picture import Image
from seedbed.sample import Picture


def labelled_mix(sample: Picture, category: str, share: float) -> Picture:
    """`sample` with `mix_category` and `mix_share` among every object's attributes.

    A classifier's target is then 1 - `mix_share` for the object's own class and `mix_share`
    for `mix_category`.
    """
    objects = tuple(
        replace(
            one,
            attributes={
                **one.attributes, "mix_category": category, "mix_share": round(share, 4)
            },
        )
        for one in sample.objects
    )  # fmt: skip
    return replace(sample, objects=objects)


def fitted(donor: Image, height: int, width: int) -> Image:
    """The middle of `donor` in the frame's proportions, at the frame's size."""
    own_height, own_width = donor.shape[:2]
    scale = max(height / own_height, width / own_width)
    cut_width, cut_height = (
        min(own_width, round(width / scale)),
        min(own_height, round(height / scale)),
    )
    left, top = (own_width - cut_width) // 2, (own_height - cut_height) // 2
    cut = donor[top : top + cut_height, left : left + cut_width]
    flag = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(cut, (width, height), interpolation=flag), dtype=np.uint8)
