"""The light of a scene: one description that the plate, the vehicle and the frame share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Hour = Literal["day", "overcast", "dusk", "night", "flash", "infrared"]


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
