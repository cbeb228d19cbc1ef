"""Blurs that stay quick when they are wide: wide ones are made at half the size."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from seedbed.augmenters.picture import Image

HALF_SIZE_SIGMA_PX = 1.0
"""What halving (by area) and doubling (linearly) a picture blurs by itself: the variances
are 1/4 for the mean of two pixels and 3/4 for the linear steps between the halves."""


BOX3_VARIANCE, BOX5_VARIANCE = 2 / 3, 2.0
"""Of the mean of 3 by 3 and of 5 by 5 pixels, in square pixels each way: (n * n - 1) / 12."""

NARROW_PX = 1.0
"""Up to this sigma means of boxes are mixed, at a third of what OpenCV's Gaussian costs."""


def gaussian(image: Image, sigma_px: float) -> Image:
    """`image` under a Gaussian of `sigma_px`; over 2.5 pixels it is made at half the size."""
    if sigma_px < 0.15:
        return image
    if sigma_px > 2.5 and min(image.shape[:2]) >= 16:
        inner = np.sqrt(sigma_px**2 - HALF_SIZE_SIGMA_PX**2) / 2
        return enlarged(gaussian(halved(image), float(inner)), image)
    if sigma_px <= NARROW_PX:
        return _narrow(image, sigma_px)
    size = 2 * int(np.ceil(2.5 * sigma_px)) + 1
    return np.asarray(
        cv2.GaussianBlur(image, (size, size), sigma_px, borderType=cv2.BORDER_REPLICATE), np.uint8
    )


def _narrow(image: Image, sigma_px: float) -> Image:
    """`image` under two box means mixed to the variance of a Gaussian up to `NARROW_PX`."""
    variance = sigma_px**2
    small = cv2.blur(image, (3, 3), borderType=cv2.BORDER_REPLICATE)
    if variance <= BOX3_VARIANCE:
        other, share = image, variance / BOX3_VARIANCE
    else:
        other = np.asarray(cv2.blur(image, (5, 5), borderType=cv2.BORDER_REPLICATE), np.uint8)
        share = (BOX5_VARIANCE - variance) / (BOX5_VARIANCE - BOX3_VARIANCE)
    return np.asarray(cv2.addWeighted(small, share, other, 1 - share, 0), np.uint8)


def unsharp(image: Image, sigma_px: float, amount: float) -> Image:
    """`image` and `amount` times what a Gaussian of `sigma_px` takes from it.

    Up to 1.5 pixels a box mean stands for the Gaussian, weighed by the ratio of their
    variances: the two agree to the second order of the spectrum.
    """
    if sigma_px <= 1.5:
        size, variance = (3, BOX3_VARIANCE) if sigma_px < 1.0 else (5, BOX5_VARIANCE)
        soft = cv2.blur(image, (size, size), borderType=cv2.BORDER_REPLICATE)
        share = amount * sigma_px**2 / variance
    else:
        soft, share = gaussian(image, sigma_px), amount
    return np.asarray(cv2.addWeighted(image, 1 + share, soft, -share, 0), np.uint8)


def halved(image: Image) -> Image:
    """`image` at half its size, by area."""
    height, width = image.shape[:2]
    size = (max(1, width // 2), max(1, height // 2))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def enlarged(small: Image, like: Image) -> Image:
    """`small` at the size of `like`, linearly."""
    size = (like.shape[1], like.shape[0])
    return np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


def filtered(image: Image, kernel: NDArray[np.float32]) -> Image:
    """`image` under `kernel`, edges repeated."""
    return np.asarray(
        cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_REPLICATE), dtype=np.uint8
    )


def disc_kernel(radius_px: float) -> NDArray[np.float32]:
    """A disc that sums to 1, its edge weighed by how much of each pixel it covers."""
    reach = int(np.ceil(radius_px + 0.5))
    fine = 8
    steps = (np.arange((2 * reach + 1) * fine) + 0.5) / fine - reach - 0.5
    inside = (steps[:, None] ** 2 + steps[None, :] ** 2 <= radius_px**2).astype(np.float32)
    shares = inside.reshape(2 * reach + 1, fine, 2 * reach + 1, fine).mean(axis=(1, 3))
    return np.asarray(shares / shares.sum(), dtype=np.float32)


def line_kernel(length_px: float, angle_deg: float) -> NDArray[np.float32]:
    """A line through the middle that sums to 1, spread linearly over the pixels beside it."""
    reach = int(np.ceil(length_px / 2)) + 1
    size = 2 * reach + 1
    kernel = np.zeros((size + 1, size + 1), dtype=np.float32)
    angle = np.radians(angle_deg)
    steps = np.linspace(-0.5, 0.5, 4 * int(np.ceil(length_px)) + 1) * max(0.0, length_px - 1)
    x, y = reach + steps * np.cos(angle), reach + steps * np.sin(angle)
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    right_share, low_share = x - left, y - top
    np.add.at(kernel, (top, left), (1 - right_share) * (1 - low_share))
    np.add.at(kernel, (top, left + 1), right_share * (1 - low_share))
    np.add.at(kernel, (top + 1, left), (1 - right_share) * low_share)
    np.add.at(kernel, (top + 1, left + 1), right_share * low_share)
    kernel = kernel[:size, :size]
    rows, columns = np.flatnonzero(kernel.any(axis=1)), np.flatnonzero(kernel.any(axis=0))
    trim_y = min(rows[0], size - 1 - rows[-1])
    trim_x = min(columns[0], size - 1 - columns[-1])
    kernel = kernel[trim_y : size - trim_y, trim_x : size - trim_x]
    return np.asarray(kernel / kernel.sum(), dtype=np.float32)


def averaged(first: Image, second: Image) -> Image:
    """The mean of two pictures of one shape."""
    return np.asarray(cv2.addWeighted(first, 0.5, second, 0.5, 0), dtype=np.uint8)
