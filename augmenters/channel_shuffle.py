"""Channels in another order, so that a network does not trust colours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np

from seedbed.augmenters.picture import Image, PixelAugmenter
from seedbed.sample import Picture
from seedbed.streams import choose

ORDERS: tuple[tuple[int, int, int], ...] = (
    (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0),
)  # fmt: skip


@dataclass(frozen=True)
class ChannelShuffleParams:
    """What was drawn for one picture."""

    order: tuple[int, int, int]


class ChannelShuffle(PixelAugmenter[ChannelShuffleParams]):
    """Puts red, green and blue in one of the five orders that differ from theirs."""

    params_type: ClassVar[type[ChannelShuffleParams]] = ChannelShuffleParams

    def draw(self, sample: Picture, rng: np.random.Generator) -> ChannelShuffleParams:
        """Draw the order: which old channel each new one shows."""
        return ChannelShuffleParams(choose(rng, ORDERS))

    def paint(self, image: Image, params: ChannelShuffleParams) -> Image:
        """The channels in their new order."""
        channels = cv2.split(image)
        return np.asarray(cv2.merge([channels[old] for old in params.order]), dtype=np.uint8)
