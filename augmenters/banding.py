"""Stripes across the frame, as lamps that flicker or a poor readout leave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import cv2
import numpy as np
from pydantic import Field

from seedbed.augmenters.picture import Image, Range, within
from seedbed.augmenters.picture_judging import JudgedAugmenter
from seedbed.sample import Picture
from seedbed.streams import chance, fork_seed, uniform


@dataclass(frozen=True)
class BandingParams:
    """What was drawn for one picture."""

    levels: float
    period_px: float
    phase: float
    row_levels: float
    upright: bool
    seed: int


class Banding(JudgedAugmenter[BandingParams]):
    """Adds a wave of `levels` every `period_px`, and to each line noise of `row_levels`."""

    params_type: ClassVar[type[BandingParams]] = BandingParams
    disturbs: ClassVar[bool] = True

    levels: Annotated[Range, within(0, 60)] = (2, 12)
    period_px: Annotated[Range, within(2, 4096)] = (20, 160)
    row_levels: Annotated[Range, within(0, 30)] = (0, 2)
    upright_rate: float = Field(default=0.1, ge=0, le=1)

    def draw(self, sample: Picture, rng: np.random.Generator) -> BandingParams:
        """Draw the wave, the lines' noise, whether stripes stand upright, and a seed."""
        return BandingParams(
            uniform(rng, self.levels),
            uniform(rng, self.period_px),
            uniform(rng, (0, 1)),
            uniform(rng, self.row_levels),
            chance(rng, self.upright_rate),
            fork_seed(rng),
        )

    def paint(self, image: Image, params: BandingParams) -> Image:
        """The picture with one offset for every line."""
        rng = np.random.Generator(np.random.PCG64(params.seed))
        count = image.shape[1] if params.upright else image.shape[0]
        turns = np.arange(count) / params.period_px + params.phase
        offset = params.levels * np.sin(2 * np.pi * turns)
        offset += params.row_levels * rng.standard_normal(count)
        line = np.round(offset).astype(np.int16)
        shape = (1, count, 1) if params.upright else (count, 1, 1)
        above = np.broadcast_to(np.clip(line, 0, 255).astype(np.uint8).reshape(shape), image.shape)
        below = np.broadcast_to(np.clip(-line, 0, 255).astype(np.uint8).reshape(shape), image.shape)
        brighter = cv2.add(image, np.ascontiguousarray(above))
        return np.asarray(cv2.subtract(brighter, np.ascontiguousarray(below)), dtype=np.uint8)
