"""Noise from banks: fields drawn once a process, of which each picture gets its own window.

Drawing 640x480x3 normal numbers costs more than all the rest of a camera. A window of
640x480 into a field of 768x768 has 37,000 places, so no two pictures need share one; and
that field stays in the processor's cache, where one of 1536x1536, which larger pictures
take, has to be fetched each time.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from seedbed.augmenters.albumentations_bridge import toned
from seedbed.augmenters.picture import Image

NoiseKind = Literal["white", "sensor", "luma", "chroma"]

SMALL_FIELD_PX, FIELD_PX = 768, 1536
SMALL_PICTURE_PX = 704
"""Up to this length of both sides a picture takes its noise from the small field."""
FIELD_SIGMA = 40.0
"""Grey levels to one standard deviation in a field: 3.2 of them fit before it clips."""
FIELD_MEAN = 128.0

SRGB_GAMMA = 2.2
MID_LEVEL = 118
"""The level of 18% grey under that gamma: where one figure has to stand for all levels."""


def _as_field(noise: NDArray[np.float32]) -> Image:
    scaled = noise * (FIELD_SIGMA / noise.std()) + FIELD_MEAN
    return np.asarray(np.clip(np.round(scaled), 0, 255), dtype=np.uint8)


def _field_px(height: int, width: int) -> int:
    """The side of the field that a picture of that size takes its window from."""
    return SMALL_FIELD_PX if max(height, width) <= SMALL_PICTURE_PX else FIELD_PX


@lru_cache(maxsize=8)
def _field(kind: NoiseKind, size: int) -> Image:
    """A field of one kind, shape (size, size, 3), mean 128, standard deviation 40.

    `white` is independent in every pixel and channel. `sensor` is white noise behind a Bayer
    filter after bilinear demosaicing, which is what makes a camera's grain wider than one
    pixel. `luma` is its brightness alone; `chroma` its colour alone, smeared as cameras do.
    """
    rng = np.random.Generator(np.random.PCG64(size + len(kind)))
    shape = (size, size)
    if kind == "white":
        return _as_field(rng.standard_normal((*shape, 3), dtype=np.float32))
    mosaic = _as_field(rng.standard_normal(shape, dtype=np.float32))
    colour = np.asarray(cv2.cvtColor(mosaic, cv2.COLOR_BAYER_BG2RGB), dtype=np.float32)
    if kind == "sensor":
        return _as_field(colour - FIELD_MEAN)
    luma = colour @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    if kind == "luma":
        return _as_field(np.repeat((luma - FIELD_MEAN)[:, :, None], 3, axis=2))
    return _as_field(
        np.asarray(cv2.GaussianBlur(colour - luma[:, :, None], (0, 0), 1.2), dtype=np.float32)
    )


@lru_cache(maxsize=4)
def _signed(kind: NoiseKind, size: int) -> tuple[Image, Image]:
    """How far a field is from its mean, and 255 where it is below, else 0."""
    field = _field(kind, size)
    mean = np.full_like(field, int(FIELD_MEAN))
    below = np.where(field < mean, 255, 0).astype(np.uint8)
    return np.asarray(cv2.absdiff(field, mean)), below


def warm(*kinds: NoiseKind) -> None:
    """Draw the small fields of these kinds now."""
    for kind in kinds:
        _field(kind, SMALL_FIELD_PX)


def noise_window(kind: NoiseKind, height: int, width: int, seed: int) -> Image:
    """A window into the field of `kind`, shape (height, width, 3); `seed` says where.

    A picture larger than the field sees it repeated.
    """
    return _windows((_field(kind, _field_px(height, width)),), height, width, seed)[0]


def _windows(fields: tuple[Image, ...], height: int, width: int, seed: int) -> tuple[Image, ...]:
    rng = np.random.Generator(np.random.PCG64(seed))
    size = fields[0].shape[0]
    top, left = (int(v) for v in rng.integers(0, size, size=2))
    if height <= size and width <= size:
        top, left = top % (size - height + 1), left % (size - width + 1)
        return tuple(field[top : top + height, left : left + width] for field in fields)
    rows = np.arange(top, top + height) % size
    columns = np.arange(left, left + width) % size
    return tuple(field[rows][:, columns] for field in fields)


def with_noise(image: Image, noise: Image, sigma_levels: float) -> Image:
    """`image` plus a window of noise, of `sigma_levels` grey levels everywhere."""
    gain = sigma_levels / FIELD_SIGMA
    return np.asarray(cv2.addWeighted(image, 1.0, noise, gain, -FIELD_MEAN * gain), dtype=np.uint8)


def with_shaped_noise(
    image: Image, kind: NoiseKind, seed: int, sigma_by_level: NDArray[np.float64]
) -> Image:
    """`image` plus noise of `kind` whose sigma depends on each pixel's own level.

    `sigma_by_level` has shape (256,), in grey levels, up to 63 of them.
    """
    height, width = image.shape[:2]
    distance, below = _windows(_signed(kind, _field_px(height, width)), height, width, seed)
    sigma = toned(image, np.clip(np.round(sigma_by_level * 4), 0, 255).astype(np.uint8))
    noise = cv2.multiply(distance, sigma, scale=1 / (4 * FIELD_SIGMA))
    # In the negative adding is taking away: turning those pixels over, twice, costs a third of
    # a second multiplication.
    turned = cv2.bitwise_xor(image, below)
    cv2.add(turned, noise, dst=turned)
    return np.asarray(cv2.bitwise_xor(turned, below, dst=turned), dtype=np.uint8)


def photon_sigma(photons: float, read_electrons: float = 0.0) -> NDArray[np.float64]:
    """Sigma in grey levels of a camera's noise at each of 256 levels, shape (256,).

    A white pixel catches `photons`; counts are Poisson in linear light and the readout adds
    `read_electrons`; the picture is stored with a gamma of 2.2 (Foi et al., "Practical
    Poissonian-Gaussian noise modeling", IEEE TIP 2008). Below level 8 the slope of the
    gamma is held, where the approximation by a slope would run to infinity.
    """
    level = np.maximum(np.arange(256), 8) / 255
    linear = level**SRGB_GAMMA
    sigma_linear = np.sqrt(linear * photons + read_electrons**2) / photons
    slope = linear ** (1 / SRGB_GAMMA - 1) / SRGB_GAMMA
    return np.asarray(255 * sigma_linear * slope)
