"""The light of a scene: one description that the plate, the vehicle and the frame share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from seedbed.streams import choose_weighted, uniform

Hour = Literal["day", "overcast", "dusk", "night", "flash", "infrared"]
HOURS: tuple[Hour, ...] = get_args(Hour)


@dataclass(frozen=True)
class Light:
    """Where light comes from and what it does.

    `direction` is the unit vector towards the light in camera axes (x right, y down, z
    away from the camera), so a high sun has y near -1. `key` and `ambient` are relative
    intensities of directed and undirected light that sum to about 1 in full day;
    `colour` multiplies RGB. `retro` is how brightly retroreflective sheeting shines back:
    0 by day, up to 2 under a flash or headlamps. `exposure_stops` acts on the frame.
    """

    hour: Hour
    direction: tuple[float, float, float]
    key: float
    ambient: float
    colour: tuple[float, float, float]
    retro: float
    exposure_stops: float

    def diffuse_gain(self) -> tuple[float, float, float]:
        """What a matt upright surface that half faces the light sends back, by RGB channel."""
        level = self.ambient + 0.6 * self.key
        red, green, blue = self.colour
        return (level * red, level * green, level * blue)


# Ranges by hour: key, ambient, retro, warmth (red over blue), exposure in stops. Set by eye
# beside photographs of parked and passing cars, not measured with instruments.
_RANGES: dict[Hour, tuple[tuple[float, float], ...]] = {
    "day": ((0.4, 0.7), (0.5, 0.75), (0.0, 0.0), (-0.03, 0.08), (-0.5, 0.5)),
    "overcast": ((0.05, 0.2), (0.8, 1.05), (0.0, 0.0), (-0.08, 0.03), (-0.5, 0.4)),
    "dusk": ((0.1, 0.35), (0.35, 0.6), (0.0, 0.5), (-0.12, 0.25), (-0.4, 0.4)),
    "night": ((0.05, 0.25), (0.15, 0.4), (0.0, 0.6), (-0.05, 0.35), (-0.2, 0.5)),
    "flash": ((0.3, 0.6), (0.15, 0.4), (0.5, 2.0), (-0.05, 0.1), (-0.2, 0.3)),
    "infrared": ((0.2, 0.5), (0.15, 0.4), (0.6, 2.0), (0.0, 0.0), (-0.3, 0.3)),
}


def draw_light(rng: np.random.Generator, hours: Mapping[Hour, float]) -> Light:
    """A light for one scene; `hours` weighs the hours of `HOURS`.

    A flash and an infrared lamp sit beside the lens; daylight comes from above.
    """
    hour = choose_weighted(rng, hours)
    key, ambient, retro, warmth, stops = (uniform(rng, bounds) for bounds in _RANGES[hour])
    beside_lens = hour in ("flash", "infrared")
    azimuth = uniform(rng, (-math.pi, math.pi))
    elevation = math.radians(uniform(rng, (12, 75)))
    aside, below = rng.normal(0, 0.08, size=2).tolist()
    if beside_lens:
        x, y, z = aside, below, -1.0
    else:
        level = math.cos(elevation)
        # Surfaces that face the camera are lit by what stands on the camera's side.
        x, y, z = level * math.sin(azimuth), -math.sin(elevation), -abs(level * math.cos(azimuth))
    length = math.hypot(x, y, z)
    return Light(
        hour=hour,
        direction=(x / length, y / length, z / length),
        key=key,
        ambient=ambient,
        colour=(1.0 + warmth / 2, 1.0, 1.0 - warmth / 2),
        retro=retro,
        exposure_stops=stops,
    )
