"""A low sun or a lamp shining into the lens: glow, streaks and ghosts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from seedbed.augmenters.picture import Image, Range, within
from seedbed.augmenters.picture_judging import JudgedAugmenter
from seedbed.augmenters.picture_light import brightened, smooth_grid
from seedbed.sample import Picture
from seedbed.streams import fork_seed, log_uniform, uniform


@dataclass(frozen=True)
class SunFlareParams:
    """What was drawn for one picture."""

    x: float
    y: float
    radius: float
    levels: float
    ghosts: int
    warmth: float
    seed: int


class SunFlare(JudgedAugmenter[SunFlareParams]):
    """Adds light of up to `levels` around (`x`, `y`), in shares of the frame.

    `radius`, a share of the width, is the glow's; ghosts lie on the line through the centre.
    """

    params_type: ClassVar[type[SunFlareParams]] = SunFlareParams

    x: Annotated[Range, within(-0.5, 1.5)] = (0, 1)
    y: Annotated[Range, within(-0.5, 1.5)] = (0, 0.4)
    radius: Annotated[Range, within(0.005, 1)] = (0.03, 0.2)
    levels: Annotated[Range, within(0, 255)] = (60, 200)
    ghosts: Annotated[Range, within(0, 20)] = (0, 5)

    def draw(self, sample: Picture, rng: np.random.Generator) -> SunFlareParams:
        """Draw where the light stands, how strong it is, and a seed for streaks and ghosts."""
        return SunFlareParams(
            uniform(rng, self.x),
            uniform(rng, self.y),
            log_uniform(rng, self.radius),
            uniform(rng, self.levels),
            round(uniform(rng, self.ghosts)),
            uniform(rng, (0.0, 0.25)),
            fork_seed(rng),
        )

    def paint(self, image: Image, params: SunFlareParams) -> Image:
        """The picture and the stray light: a core, a wide veil, six streaks, and ghosts."""
        rng = np.random.Generator(np.random.PCG64(params.seed))
        height, width = image.shape[:2]
        rows, columns = smooth_grid(height, width, cell_px=4 if params.radius < 0.05 else 8)
        tall = height / width
        x, y = columns - params.x, (rows - params.y) * tall
        distance = np.hypot(x, y) / params.radius
        turn = np.arctan2(y, x) * 3 + rng.uniform(0, np.pi)
        streaks = np.cos(turn) ** 40 / (1 + distance**2)
        glow = np.exp(-(distance**2)) + 0.25 / (1 + (distance / 2) ** 2) + 0.35 * streaks
        warm = np.array([1.0, 1.0 - params.warmth / 2, 1.0 - params.warmth])
        light = params.levels * glow[:, :, None] * warm
        for _ in range(params.ghosts):
            along = rng.uniform(0.3, 2.2)
            ghost_x = params.x + along * (0.5 - params.x)
            ghost_y = params.y + along * (0.5 - params.y)
            size = rng.uniform(0.15, 0.9) * params.radius
            away = np.hypot(columns - ghost_x, (rows - ghost_y) * tall) / size
            disc = np.clip((1.1 - away) * 5, 0, 1) * (0.4 + 0.6 * np.minimum(away, 1) ** 2)
            tint = rng.uniform(0.3, 1.0, size=3)
            light += 0.16 * params.levels * disc[:, :, None] * tint
        return brightened(image, light)
