"""What became of the characters, measured in the picture: for changes no formula foretells.

How much a sun flare, a tone curve or another library's filter takes from a plate depends on
the plate's own levels. So the picture is looked at: over every labelled object, the fine
detail after is set against the fine detail before, by least squares. The slope says how much
of the contrast is left, what the slope does not explain is noise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, NamedTuple, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from seedbed.augmenters.picture import Image, PixelAugmenter
from seedbed.augmenters.picture_labels import faded, noised
from seedbed.sample import LabelledObject, Picture

P = TypeVar("P")

DETAIL_SHARE = 0.8
"""Detail is what a mean over this share of the characters' height takes away. It holds strokes and
leaves out lights that lie over whole characters. Under a Gaussian blur of 0.13 of the
height, which `picture_labels.MAX_SMEAR` allows, a tenth of such detail is left (the median of
27 generated plates), so that a contrast of 0.6 falls to the least that can be read."""

MOST_PIXELS = 4096
"""Objects of more pixels are measured on every second row and column, or every third, and so on."""

LEAST_DETAIL_LEVELS = 2.0
"""Where the detail before is weaker than this there is nothing to measure by."""

WEAK_SHARE = 0.2
"""A character with less than this share of the mean detail (an I, a cut one) is no measure."""

TONE_ROWS = 10
"""Rows of an object that are looked at where its darks and lights are all that matters."""

ROUNDING_LEVELS = 0.5
"""Noise below it is the rounding of levels, and no noise."""


class Change(NamedTuple):
    """What is left of an object's contrast, 1 for all, and the noise added, in grey levels."""

    gain: float
    noise_levels: float


UNCHANGED = Change(1.0, 0.0)


def change_of(labelled: LabelledObject, before: Image, after: Image) -> Change:
    """How `after` shows the characters of an object, measured against `before`.

    The gain is that of the character that fared worst. An object that lies outside the frame
    or had no detail to begin with counts as unchanged.
    """
    height, width = before.shape[:2]
    corners = np.array([one.quad for one in labelled.characters])
    reach = corners.reshape(-1, 2)
    left, top = (max(0, int(v)) for v in reach.min(axis=0))
    right, bottom = (int(v) for v in np.ceil(reach.max(axis=0)))
    right, bottom = min(right, width), min(bottom, height)
    if right - left < 3 or bottom - top < 3:
        return UNCHANGED
    step = 1 + int(((right - left) * (bottom - top) / MOST_PIXELS) ** 0.5)
    sides = corners[:, 3] - corners[:, 0]
    tall = float(np.hypot(sides[:, 0], sides[:, 1]).mean()) / step
    size = max(3, round(DETAIL_SHARE * tall) | 1)
    window = (slice(top, bottom, step), slice(left, right, step))
    old, new = _luma(before[window]), _luma(after[window])
    inside = np.zeros(old.shape, dtype=np.float32)
    cells = np.round((corners - [left, top]) / step * 16 - 8).astype(np.int32)
    cv2.fillPoly(inside, list(cells), 1.0, shift=4)
    share = cv2.blur(inside, (size, size), borderType=cv2.BORDER_ISOLATED)
    weight = np.asarray(inside / np.maximum(share, 1e-3), dtype=np.float32)
    old, new = _detail(old, inside, weight, size), _detail(new, inside, weight, size)
    squares = np.einsum("ij,ij->j", old, old)
    total = float(squares.sum())
    if total < LEAST_DETAIL_LEVELS**2 * old.size:
        return UNCHANGED
    products = np.einsum("ij,ij->j", old, new)
    slope = float(products.sum()) / total
    left_over = float(np.vdot(new, new)) / old.size - slope**2 * total / old.size
    noise = max(0.0, left_over) ** 0.5
    starts = np.clip((corners[:, :, 0].min(axis=1) - left) / step, 0, len(squares)).astype(int)
    ends = np.clip((corners[:, :, 0].max(axis=1) - left) / step, 0, len(squares)).astype(int)
    sums = np.zeros((3, len(squares) + 1))
    np.cumsum([squares, products, np.einsum("ij,ij->j", new, new)], axis=1, out=sums[:, 1:])
    each, shown, seen = sums[:, ends] - sums[:, starts]
    strong = each > max(WEAK_SHARE * float(each.mean()), 1e-6)
    each, shown, seen = each[strong], shown[strong], seen[strong]
    # Of few pixels under noise some slope is low by chance: two standard errors are let off.
    pixels = np.maximum((ends - starts)[strong] * old.shape[0], 1)
    errors = np.sqrt(np.maximum(seen - shown**2 / each, 0) / pixels / each)
    slopes = np.abs(shown / each) + 2 * errors
    gain = min(abs(slope), float(slopes.min(initial=np.inf)))
    return Change(gain, noise if noise > ROUNDING_LEVELS else 0.0)


def _luma(image: Image) -> NDArray[np.float32]:
    return cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY).astype(np.float32)


def _detail(
    luma: NDArray[np.float32],
    inside: NDArray[np.float32],
    weight: NDArray[np.float32],
    size: int,
) -> NDArray[np.float32]:
    """`luma` without its mean over what is `inside` of `size` by `size` pixels; outside 0."""
    held = luma * inside
    mean = cv2.blur(held, (size, size), borderType=cv2.BORDER_ISOLATED)
    return np.asarray(held - mean * weight, dtype=np.float32)


def judged(before: Picture, after: Picture, raises: bool, disturbs: bool) -> Picture:
    """`after` with its labels judged by what became of their characters since `before`.

    Both hold the same objects. Without `raises`, contrast that seems won does not count; with
    `disturbs`, what the gain does not explain is noise.
    """
    changes = [
        change_of(one, before.image, after.image) if one.characters else UNCHANGED
        for one in before.objects
    ]
    gains = [one.gain if raises else min(1.0, one.gain) for one in changes]
    dimmed = after if all(gain == 1.0 for gain in gains) else faded(after, gains)
    return noised(dimmed, [one.noise_levels for one in changes]) if disturbs else dimmed


def toned_labels(
    before: Picture, after: Picture, gain: float, tone: Callable[[float], float]
) -> Picture:
    """`after` with its labels judged, where levels were stretched by `gain` and clipped.

    `tone(level)` is what becomes of a level before it is clipped. An object's darks and lights
    stand for ink and ground: a tenth of its pixels each are darker and lighter.
    """

    def change(labelled: LabelledObject) -> float:
        if gain <= 1 or not labelled.characters:
            return gain
        x, y, width, height = (int(v) for v in labelled.bbox)
        step = 1 + height // TONE_ROWS
        part = before.image[y : y + height : step, x : x + width : step, 1]
        levels = np.sort(part, axis=None)
        tenth = levels.size // 10
        if tenth == 0 or int(levels[-tenth]) - int(levels[tenth]) < LEAST_DETAIL_LEVELS:
            return gain
        dark, light = float(levels[tenth]), float(levels[-tenth])
        new_dark, new_light = max(tone(dark), 0.0), min(tone(light), 255.0)
        return max(0.0, new_light - new_dark) / (light - dark)

    return faded(after, [change(one) for one in before.objects])


def dimmed_labels(sample: Picture, share_at: Callable[[float, float], float]) -> Picture:
    """`sample` with its labels judged where light was taken by a smooth map.

    `share_at(x, y)` is the share of light, 0 to 1, left at a place in pixels; of the ends and
    the middle of each object's box the darkest counts.
    """

    def left(labelled: LabelledObject) -> float:
        x, y, width, height = labelled.bbox
        return min(share_at(x + share * width, y + height / 2) for share in (0.0, 0.5, 1.0))

    shares = [left(one) if one.characters else 1.0 for one in sample.objects]
    return faded(sample, shares) if min(shares, default=1.0) < 1.0 else sample


class JudgedAugmenter(PixelAugmenter[P]):
    """Changes pixels where they are, in a way that only the picture can tell of.

    Labels are judged by `judged`: what the characters lost is measured before and after.
    """

    raises_contrast: ClassVar[bool] = False
    """Whether contrast it adds helps a reader: a tone curve's does, a sharpener's does not."""
    disturbs: ClassVar[bool] = False
    """Whether it adds anything of its own, such as dots or streaks."""

    def apply(self, sample: Picture, params: P) -> Picture:
        """The sample repainted; labels that lose contrast or drown in noise are judged."""
        painted = super().apply(sample, params)
        return judged(sample, painted, self.raises_contrast, self.disturbs)
