"""Puts a flat picture with transparency into a frame through a homography.

How the seam is blended is drawn at random among four ways, so that a detector cannot learn
the seam itself (Dwibedi, Misra and Hebert, "Cut, Paste and Learn", ICCV 2017).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from seedbed.geometry import Homography, apply_homography, pixel_centred, rectangle

Blend = Literal["hard", "feathered", "gaussian", "poisson"]
Image = NDArray[np.uint8]

POISSON_LIMIT_PX = 12_000
"""Poisson blending solves an equation in every pixel: larger regions are feathered."""


_SPREADING = ("gaussian", "poisson")
"""Ways that show or weigh colours from beyond the object's own edge."""


@dataclass(frozen=True)
class BlendParams:
    """How one object meets its surroundings.

    `colour_match` moves the object's mean colour that share of the way to what is behind
    it; `softness_px` is how wide the seam is.
    """

    mode: Blend
    softness_px: float
    colour_match: float


@dataclass(frozen=True)
class Region:
    """The part of a frame a composite touched: x, y, and the object's alpha there."""

    x: int
    y: int
    alpha: Image


def _seam(alpha: Image, params: BlendParams) -> Image:
    if params.mode == "hard":
        return np.asarray(cv2.threshold(alpha, 127, 255, cv2.THRESH_BINARY)[1], dtype=np.uint8)
    if params.mode == "gaussian":
        return np.asarray(cv2.GaussianBlur(alpha, (0, 0), max(0.3, params.softness_px)), np.uint8)
    return alpha


def _matched(rgb: Image, behind: Image, alpha: Image, share: float) -> Image:
    """`rgb` with its mean moved towards the mean of what it covers, at equal brightness.

    Only the hue follows: brightness is the light's business.
    """
    own = [level + 1.0 for level in cv2.mean(rgb, alpha)[:3]]
    other = [level + 1.0 for level in cv2.mean(behind, alpha)[:3]]
    level = sum(own) / sum(other)
    gains = np.zeros((3, 3))
    for channel in range(3):
        gain = min(max(other[channel] / own[channel] * level, 0.5), 2.0)
        gains[channel, channel] = 1 + share * (gain - 1)
    return np.asarray(cv2.transform(rgb, gains), dtype=np.uint8)


def composite(
    frame: Image, rgb: Image, alpha: Image, to_frame: Homography, params: BlendParams
) -> Region | None:
    """Blend `rgb` (h, w, 3) with `alpha` (h, w) into `frame`, in place.

    `to_frame` maps continuous pixels of `rgb` to continuous pixels of `frame`. Returns the
    region touched, with its alpha before the seam was softened, or None where nothing of
    the object lies inside the frame.
    """
    height, width = frame.shape[:2]
    corners = apply_homography(to_frame, rectangle(0, 0, alpha.shape[1], alpha.shape[0]))
    pad = 2 + int(3 * params.softness_px)
    across, down = corners.T.tolist()
    left, top = max(math.floor(min(across)) - pad, 0), max(math.floor(min(down)) - pad, 0)
    right = min(math.ceil(max(across)) + pad, width)
    bottom = min(math.ceil(max(down)) + pad, height)
    if right <= left or bottom <= top:
        return None
    rim = 1 + (math.ceil(4 * params.softness_px) if params.mode in _SPREADING else 0)
    shift = np.array([[1.0, 0.0, -left], [0.0, 1.0, -top], [0.0, 0.0, 1.0]])
    unrimmed = np.array([[1.0, 0.0, -rim], [0.0, 1.0, -rim], [0.0, 0.0, 1.0]])
    # Four channels against an empty border are warped several times faster than three with
    # replicated ones and alpha beside them. So the picture brings a rim of its own, over which
    # alpha falls to 0 within one pixel of the source: the edge's own anti-aliasing.
    both = cv2.merge([
        cv2.copyMakeBorder(rgb, rim, rim, rim, rim, cv2.BORDER_REPLICATE),
        cv2.copyMakeBorder(alpha, rim, rim, rim, rim, cv2.BORDER_CONSTANT),
    ])  # fmt: skip
    both = cv2.warpPerspective(
        both,
        pixel_centred(shift @ to_frame @ unrimmed),
        (right - left, bottom - top),
        flags=cv2.INTER_LINEAR,
    )
    warped = np.asarray(cv2.cvtColor(both, cv2.COLOR_RGBA2RGB), np.uint8)
    cover = np.asarray(cv2.extractChannel(both, 3), np.uint8)
    behind = frame[top:bottom, left:right]
    if params.colour_match > 0:
        warped = _matched(warped, behind, cover, params.colour_match)
    if params.mode == "poisson" and cover.size <= POISSON_LIMIT_PX:
        behind[:] = _poisson(warped, behind, cover)
    else:
        over(warped, behind, _seam(cover, params), behind)
    return Region(left, top, cover)


def over(rgb: Image, behind: Image, alpha: Image, into: Image | None = None) -> Image:
    """`rgb` (h, w, 3) laid over `behind`, of the same shape, by `alpha` (h, w).

    The result is written `into` that picture where one is given, which may be `behind`.
    """
    weight = cv2.cvtColor(alpha, cv2.COLOR_GRAY2RGB)
    laid = cv2.multiply(rgb, weight, scale=1 / 255)
    cv2.bitwise_not(weight, dst=weight)
    cv2.multiply(behind, weight, dst=weight, scale=1 / 255)
    return np.asarray(cv2.add(laid, weight, dst=laid if into is None else into), dtype=np.uint8)


def _poisson(rgb: Image, behind: Image, alpha: Image) -> Image:
    """Half Poisson-blended, half laid over: Poisson alone would pull a white plate in a dark
    recess down to grey (Perez, Gangnet and Blake, "Poisson image editing", SIGGRAPH 2003).
    """
    laid = over(rgb, behind, alpha)
    mask = np.zeros((alpha.shape[0] + 4, alpha.shape[1] + 4), dtype=np.uint8)
    mask[2:-2, 2:-2] = np.where(alpha > 127, 255, 0)
    x, y, w, h = cv2.boundingRect(mask)
    if w < 3 or h < 3:
        return laid
    around = cv2.copyMakeBorder(behind, 2, 2, 2, 2, cv2.BORDER_REPLICATE)
    source = cv2.copyMakeBorder(rgb, 2, 2, 2, 2, cv2.BORDER_REPLICATE)
    cloned = cv2.seamlessClone(source, around, mask, (x + w // 2, y + h // 2), cv2.NORMAL_CLONE)[
        2:-2, 2:-2
    ]
    return np.asarray(cv2.addWeighted(laid, 0.5, cloned, 0.5, 0), dtype=np.uint8)
