"""Augmenters on a device: what picture augmenters draw, painted onto a batch of pictures at once.

A twin takes pictures, float32 (batch, 3, height, width) from 0 to 255, and what the augmenter
of its name drew for each of them; it paints what that one's own `paint` does, within a grey level
or so. A plug-in's augmenter gets one by `TWINS["my-augmenter"] = my_twin`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from seedbed.component import Augmenter
from seedbed.errors import InputError
from seedbed.sample import Picture
from seedbed.streams import chance
from seedbed.trainers.augment import AugmenterSpec
from seedbed.trainers.device_pictures import numbers, on

Twin = Callable[[Tensor, Sequence[Any]], Tensor]
"""Pictures and what was drawn for each to changed pictures of the same shape."""

Drawn = tuple[Any, ...]
"""What each augmenter in turn drew for a picture; None where it is left out."""

LEAST_SIGMA_PX, NARROW_PX = 0.15, 1.0
"""As on the CPU: below the first a blur changes nothing, up to the second boxes are mixed."""

_UNSEEN = Picture(image=np.zeros((1, 1, 3), dtype=np.uint8))
"""What is drawn for an augmenter with a twin does not depend on the picture."""


def find_twins(specs: Sequence[AugmenterSpec]) -> list[Twin]:
    """The twins of augmenters in order. Raises `InputError` for the first that has none."""
    for spec in specs:
        if spec.name not in TWINS:
            raise InputError(f"the augmenter {spec.name} works on CPU cores only")
    return [TWINS[spec.name] for spec in specs]


def draw_augmenters(augmenters: Sequence[Augmenter[Any, Any]], rng: np.random.Generator) -> Drawn:
    """What each augmenter draws for one picture: with the same numbers as where it also paints."""
    return tuple(
        augmenter.draw(_UNSEEN, rng) if chance(rng, augmenter.probability) else None
        for augmenter in augmenters
    )


def paint_twins(pictures: Tensor, twins: Sequence[Twin], drawings: Sequence[Drawn]) -> Tensor:
    """Pictures, in place, after each twin for which something was drawn; whole grey levels."""
    pictures.round_().clamp_(0, 255)
    for place, twin in enumerate(twins):
        chosen = [number for number, one in enumerate(drawings) if one[place] is not None]
        if chosen:
            where = numbers(pictures.device, chosen)
            params = [drawings[number][place] for number in chosen]
            changed = twin(pictures[where], params)
            pictures[where] = changed.round().clamp(0, 255)
    return pictures


def _each(pictures: Tensor, values: Sequence[float]) -> Tensor:
    """One number a picture, in a shape that goes with the pictures'."""
    return on(pictures.device, values)[:, None, None, None]


def _filtered(pictures: Tensor, kernels: NDArray[np.float32]) -> Tensor:
    """Each picture under its own kernel of `kernels`, (batch, rows, columns), edges repeated."""
    rows, columns = kernels.shape[1:]
    flat = pictures.reshape(1, -1, *pictures.shape[2:])
    edged = functional.pad(
        flat, (columns // 2, columns // 2, rows // 2, rows // 2), mode="replicate"
    )
    weights = on(pictures.device, kernels).repeat_interleave(pictures.shape[1], dim=0)[:, None]
    return functional.conv2d(edged, weights, groups=flat.shape[1]).view_as(pictures)


def bell_kernel(sigma_px: float, reach: int) -> NDArray[np.float32]:
    """A blur's weights along one axis, shape (2 * reach + 1,), which sum to 1.

    Up to `NARROW_PX` means of 1, 3 and 5 pixels are mixed to the variance, as on the CPU.
    """
    places = np.arange(-reach, reach + 1)
    variance = sigma_px**2
    if sigma_px > NARROW_PX:
        weights = np.exp(-(places**2) / (2 * variance)) * (
            np.abs(places) <= np.ceil(2.5 * sigma_px)
        )
        return np.asarray(weights / weights.sum(), dtype=np.float32)
    if sigma_px < LEAST_SIGMA_PX:
        return np.asarray(places == 0, dtype=np.float32)
    small, large = (np.abs(places) <= 1) / 3, (np.abs(places) <= 2) / 5
    if variance <= 2 / 3:
        weights = small * variance * 1.5 + (places == 0) * (1 - variance * 1.5)
    else:
        weights = small * (2 - variance) * 0.75 + large * (variance - 2 / 3) * 0.75
    return np.asarray(weights, dtype=np.float32)


def gaussian_blur(pictures: Tensor, params: Sequence[Any]) -> Tensor:
    """One axis after the other."""
    reach = max(2, *(int(np.ceil(2.5 * one.sigma_px)) for one in params))
    kernels = np.stack([bell_kernel(one.sigma_px, reach) for one in params])
    return _filtered(_filtered(pictures, kernels[:, None, :]), kernels[:, :, None])


def line_kernel(length_px: float, angle_deg: float, reach: int) -> NDArray[np.float32]:
    """A line through the middle that sums to 1, spread linearly over the pixels beside it.

    Shape (2 * reach + 1, 2 * reach + 1); an angle of 0 is level, 90 downwards.
    """
    steps = np.linspace(-0.5, 0.5, 4 * int(np.ceil(length_px)) + 1) * max(0.0, length_px - 1)
    angle = np.radians(angle_deg)
    places = np.arange(-reach, reach + 1)
    across, down = (
        np.maximum(1 - np.abs(places[:, None] - steps * part), 0)
        for part in (np.cos(angle), np.sin(angle))
    )
    return np.asarray(down @ across.T / len(steps), dtype=np.float32)


def motion_blur(pictures: Tensor, params: Sequence[Any]) -> Tensor:
    """The mean along a line: long ones, too, by one kernel."""
    reach = max(int(np.ceil(one.length_px / 2)) for one in params)
    kernels = [line_kernel(one.length_px, one.angle_deg, reach) for one in params]
    return _filtered(pictures, np.stack(kernels))


def brightness(pictures: Tensor, params: Sequence[Any]) -> Tensor:
    """Every level times 2^stops."""
    return pictures * _each(pictures, [2.0**one.stops for one in params])


def contrast(pictures: Tensor, params: Sequence[Any]) -> Tensor:
    """Every level moved away from 128, or towards it."""
    return 128 + (pictures - 128) * _each(pictures, [one.factor for one in params])


def gaussian_noise(pictures: Tensor, params: Sequence[Any]) -> Tensor:
    """Normal numbers of the device's own, from the seed that was drawn for the first picture."""
    generator = torch.Generator(pictures.device).manual_seed(params[0].seed)
    noise = torch.randn(pictures.shape, generator=generator, device=pictures.device)
    return pictures + noise * _each(pictures, [one.sigma_levels for one in params])


def grey(pictures: Tensor, params: Sequence[Any]) -> Tensor:
    """The luma (Rec. 601), three times."""
    weights = on(pictures.device, [0.299, 0.587, 0.114])[:, None, None]
    return (pictures * weights).sum(dim=1, keepdim=True).expand_as(pictures)


_LUMA_STEPS = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
_CHROMA_CORNER = ((17, 18, 24, 47), (18, 21, 26, 66), (24, 26, 56, 99), (47, 66, 99, 99))
"""Steps of the coefficients at quality 50: ITU-T T.81, tables K.1 and K.2 (99 elsewhere)."""

_TO_YCC = (
    (0.299, 0.587, 0.114),
    (-0.168735892, -0.331264108, 0.5),
    (0.5, -0.418687589, -0.081312411),
)
"""Red, green and blue to luma and chroma: ITU-T T.871."""

_HALVED = {"4:4:4": (1, 1), "4:2:2": (1, 2), "4:2:0": (2, 2)}
"""Rows and columns of the picture to one of chroma."""


@lru_cache(maxsize=1)
def _cosines() -> NDArray[np.float64]:
    """The orthonormal discrete cosine transform of 8 numbers, shape (8, 8)."""
    angles = np.pi / 16 * np.arange(8)[:, None] * (2 * np.arange(8)[None, :] + 1)
    return np.asarray(np.cos(angles) * np.where(np.arange(8) == 0, 8**-0.5, 0.5)[:, None])


@lru_cache(maxsize=128)
def quantisation_steps(quality: int) -> NDArray[np.float64]:
    """Steps of luma and of chroma, shape (2, 8, 8), at a quality of 1 to 100, as libjpeg's."""
    chroma = np.full((8, 8), 99)
    chroma[:4, :4] = _CHROMA_CORNER
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    scaled = (np.array([_LUMA_STEPS, chroma]) * percent + 50) // 100
    return np.asarray(np.clip(scaled, 1, 255), dtype=np.float64)


def _coarsened(plane: Tensor, steps: Tensor) -> Tensor:
    """Planes, (batch, planes, height, width), through blocks of 8x8 coefficients and back."""
    height, width = plane.shape[2:]
    edged = functional.pad(plane - 128, (0, -width % 8, 0, -height % 8), mode="replicate")
    down, across = edged.shape[2] // 8, edged.shape[3] // 8
    blocks = edged.reshape(*edged.shape[:2], down, 8, across, 8).transpose(3, 4)
    cosines = on(plane.device, _cosines())
    steps = steps[:, None, None, None]
    kept = (cosines @ blocks @ cosines.mT / steps).round() * steps
    back: Tensor = (cosines.mT @ kept @ cosines).transpose(3, 4).flatten(4, 5).flatten(2, 3)
    return (back[:, :, :height, :width] + 128).round().clamp(0, 255)


def jpeg_compression(pictures: Tensor, params: Sequence[Any]) -> Tensor:
    """Luma and chroma in quantised blocks; what is stored after that loses nothing."""
    height, width = pictures.shape[2:]
    device = pictures.device
    steps = on(device, np.stack([quantisation_steps(one.quality) for one in params]))
    to_ycc = on(device, _TO_YCC)
    edged = functional.pad(pictures, (0, -width % 16, 0, -height % 16), mode="replicate")
    ycc = torch.einsum("ij,njhw->nihw", to_ycc, edged)
    ycc[:, 1:] += 128
    ycc = ycc.round()
    luma = _coarsened(ycc[:, :1], steps[:, 0])
    chroma = torch.empty_like(ycc[:, 1:])
    for subsampling, factors in _HALVED.items():
        chosen = [n for n, one in enumerate(params) if one.subsampling == subsampling]
        if not chosen:
            continue
        where = numbers(device, chosen)
        small = functional.avg_pool2d(ycc[where, 1:], factors).round()
        small = _coarsened(small, steps[where, 1])
        size = edged.shape[2:]
        chroma[where] = functional.interpolate(small, size, mode="bilinear", align_corners=False)
    both = torch.cat([luma, chroma - 128], dim=1)
    from_ycc = on(device, np.linalg.inv(np.array(_TO_YCC)))
    return torch.einsum("ij,njhw->nihw", from_ycc, both)[:, :, :height, :width]


TWINS: dict[str, Twin] = {
    "brightness": brightness,
    "contrast": contrast,
    "gaussian-blur": gaussian_blur,
    "gaussian-noise": gaussian_noise,
    "grey": grey,
    "jpeg-compression": jpeg_compression,
    "motion-blur": motion_blur,
}
"""Twins by the names of their augmenters."""
