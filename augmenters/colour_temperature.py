"""A white balance that is off: bluer or more orange."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from seedbed.augmenters.picture import Image, PixelAugmenter, Range, within
from seedbed.sample import Picture
from seedbed.streams import log_uniform

SRGB_FROM_XYZ = np.array(
    [
        [3.2406, -1.5372, -0.4986],
        [-0.9689, 1.8758, 0.0415],
        [0.0557, -0.2040, 1.0570],
    ]
)
"""IEC 61966-2-1."""


def _white_rgb(kelvin: float) -> NDArray[np.float64]:
    """Linear sRGB of a black body, shape (3,), by Kang et al., J. Korean Phys. Soc. 41, 2002."""
    t = 1000.0 / kelvin
    if kelvin <= 4000:
        x = -0.2661239 * t**3 - 0.2343589 * t**2 + 0.8776956 * t + 0.179910
    else:
        x = -3.0258469 * t**3 + 2.1070379 * t**2 + 0.2226347 * t + 0.240390
    if kelvin <= 2222:
        y = -1.1063814 * x**3 - 1.34811020 * x**2 + 2.18555832 * x - 0.20219683
    elif kelvin <= 4000:
        y = -0.9549476 * x**3 - 1.37418593 * x**2 + 2.09137015 * x - 0.16748867
    else:
        y = 3.0817580 * x**3 - 5.87338670 * x**2 + 3.75112997 * x - 0.37001483
    rgb = SRGB_FROM_XYZ @ np.array([x / y, 1.0, (1 - x - y) / y])
    return np.asarray(np.maximum(rgb, 0.02))


def white_gains(kelvin: float) -> NDArray[np.float64]:
    """Gains of R, G, B, shape (3,), on sRGB levels; (1, 1, 1) at 6500 K, luma 1 everywhere."""
    linear = _white_rgb(kelvin) / _white_rgb(6500.0)
    gains = linear ** (1 / 2.2)
    return np.asarray(gains / (gains @ np.array([0.299, 0.587, 0.114])))


@dataclass(frozen=True)
class ColourTemperatureParams:
    """What was drawn for one picture."""

    kelvin: float


class ColourTemperature(PixelAugmenter[ColourTemperatureParams]):
    """Shows a scene lit at `kelvin` as a camera set to 6500 K would; brightness is kept."""

    params_type: ClassVar[type[ColourTemperatureParams]] = ColourTemperatureParams

    kelvin: Annotated[Range, within(1700, 25000)] = (4500, 9500)

    def draw(self, sample: Picture, rng: np.random.Generator) -> ColourTemperatureParams:
        """Draw the temperature, evenly in its logarithm."""
        return ColourTemperatureParams(log_uniform(rng, self.kelvin))

    def paint(self, image: Image, params: ColourTemperatureParams) -> Image:
        """Every channel times the light's share of it."""
        gains = np.diag(white_gains(params.kelvin))
        return np.asarray(cv2.transform(image, gains), dtype=np.uint8)
