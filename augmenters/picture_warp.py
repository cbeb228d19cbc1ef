"""The two ways a picture can be bent, each with every label: a homography, or a smooth field.

A homography carries quads exactly. A field does not: straight lines become curves, and a
quad can only follow their ends. `BendingAugmenter` says how far a quad may be off, and
keeps to it.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import Any, ClassVar, Literal, TypeVar, cast

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from seedbed.augmenters.picture import Image, PictureAugmenter
from seedbed.augmenters.picture_blur import gaussian
from seedbed.augmenters.picture_labels import moved, moved_by
from seedbed.geometry import (
    Homography,
    Points,
    apply_homography,
    pixel_centred,
    rectangle,
)
from seedbed.sample import LabelledObject, Picture

P = TypeVar("P")

Fill = Literal["zoom", "edge", "grey", "black"]

MAX_ZOOM = 4.0
"""Past this a picture would be mostly blur; a matrix that needs more is filled at the edge."""

EASING_STEPS = 8
"""Tries at a weaker field before it is given up altogether."""

MAX_BEND_PX = 1.0
"""How far a point of an object may lie from where the object's quad puts it."""

FIELD_CELL_PX = 4
"""A field is worked out at every fourth pixel and interpolated: 0.07 px off at worst, for
waves of 3 px over 60 px, by h^2/8 times the second derivative."""


def about(matrix: Homography, x: float, y: float) -> Homography:
    """`matrix` acting about the point (x, y) in place of the origin."""
    there = np.array([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]])
    back = np.array([[1.0, 0.0, -x], [0.0, 1.0, -y], [0.0, 0.0, 1.0]])
    return np.asarray(there @ matrix @ back)


def zoomed(matrix: Homography, width: int, height: int) -> Homography:
    """`matrix` followed by the least enlargement about the centre that leaves no empty corner.

    The new frame then looks inside the old one only. Where even `MAX_ZOOM` is not enough,
    `matrix` itself.
    """
    # A corner of the frame looks at the centre plus t times its way from there, for an
    # enlargement of 1/t. In homogeneous coordinates "that lies in the old frame" is linear
    # in t on each of the four sides, so the largest t that holds is found at once.
    inverse = np.linalg.inv(matrix)
    middle = inverse @ [width / 2, height / 2, 1.0]
    ways = inverse[:, :2] @ (rectangle(0, 0, width, height) - [width / 2, height / 2]).T
    sides = np.array([[1, 0, 0], [0, 1, 0], [-1, 0, width], [0, -1, height]], dtype=np.float64)
    slack, slope = sides @ middle, sides @ ways
    if middle[2] <= 0 or (slack <= 0).any():
        return matrix
    falling = slope < -1e-12
    t = float(np.min(np.where(falling, -slack[:, None] / np.where(falling, slope, -1.0), 1.0)))
    if not 1 / MAX_ZOOM <= t < 1 - 1e-9:
        return matrix
    return np.asarray(about(np.diag([1 / t, 1 / t, 1.0]), width / 2, height / 2) @ matrix)


def warped_image(image: Image, matrix: Homography, size: tuple[int, int], fill: Fill) -> Image:
    """`image` through `matrix`, which maps continuous pixels, into a frame of `size` (w, h).

    A picture that shrinks is smoothed first, so that fine lines do not turn into dots.
    """
    height, width = image.shape[:2]
    middle = apply_homography(matrix, rectangle(width / 2 - 0.5, height / 2 - 0.5, 1, 1))
    scale = float(np.sqrt(abs(np.linalg.det(np.stack([middle[1], middle[3]]) - middle[0]))))
    if scale < 0.8:
        image = gaussian(image, 0.45 * float(np.sqrt(1 / max(scale, 0.02) ** 2 - 1)))
    border = cv2.BORDER_CONSTANT if fill in ("grey", "black") else cv2.BORDER_REPLICATE
    colour = (114, 114, 114, 0) if fill == "grey" else (0, 0, 0, 0)
    centred = pixel_centred(matrix)
    if not np.allclose(centred[2], [0, 0, 1]):
        out = cv2.warpPerspective(image, centred, size, borderMode=border, borderValue=colour)
        return np.asarray(out, dtype=np.uint8)
    out = cv2.warpAffine(padded(image), centred[:2], size, borderMode=border, borderValue=colour)
    return unpadded(np.asarray(out, dtype=np.uint8))


def padded(image: Image) -> Image:
    """`image` with a fourth, unused channel: OpenCV moves four channels twice as fast as three.

    The pixels are the same ones; at 640x480 both conversions together take 0.1 ms.
    """
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2RGBA), dtype=np.uint8)


def unpadded(image: Image) -> Image:
    """What `padded` made, without its fourth channel."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGBA2RGB), dtype=np.uint8)


class HomographyAugmenter(PictureAugmenter[P]):
    """Moves the picture and every label through one homography.

    `fill` says what stands where the picture no longer reaches: `zoom` enlarges until there
    is no such place, `edge` repeats the edge, `grey` and `black` are flat. A mirrored border
    is not offered: it would show mirrored, unlabelled copies of what is labelled. An object
    of which less than `min_visible` is left in sight is dropped and counted.
    """

    keeps_size: ClassVar[bool] = True

    fill: Fill = "zoom"
    min_visible: float = Field(default=0.1, ge=0, le=1)

    @abstractmethod
    def matrix(self, params: P, width: int, height: int) -> Homography:
        """From continuous pixels of the old picture to those of the new, of one size."""

    def apply(self, sample: Picture, params: P) -> Picture:
        """The sample with its picture and labels moved."""
        height, width = sample.image.shape[:2]
        matrix = self.matrix(params, width, height)
        if self.fill == "zoom":
            matrix = zoomed(matrix, width, height)
        image = warped_image(sample.image, matrix, (width, height), self.fill)
        return moved(replace(sample, image=image), matrix, width, height, self.min_visible)


class BendingAugmenter(PictureAugmenter[P]):
    """Bends the picture by a smooth field; points of labels follow it exactly.

    A quad's corners and a polygon's points land where the picture lands, to a thousandth of
    a pixel. Between the corners of a quad lines are straight and the picture's are not:
    `quads: exact`, the default, weakens the field (the params' `share`) until no point of any
    object lies more than 1 pixel from where its quad's homography puts it. `quads: loose`
    does not, for tasks that use boxes and classes only.
    """

    keeps_size: ClassVar[bool] = True

    quads: Literal["exact", "loose"] = "exact"
    min_visible: float = Field(default=0.1, ge=0, le=1)

    @abstractmethod
    def source(self, points: Points, params: P, width: int, height: int) -> Points:
        """Where in the old picture each point of the new one comes from, shape (n, 2).

        It must be smooth, hold outside the frame too, and not fold.
        """

    def destination(self, points: Points, params: P, width: int, height: int) -> Points | None:
        """Where points of the old picture land, by Newton's method on `source`.

        None where a point does not land: it lies where the field folds.
        """
        guess = np.array(points, dtype=np.float64)
        step = 0.05
        for _ in range(30):
            here = self.source(guess, params, width, height)
            miss = points - here
            if np.abs(miss).max(initial=0.0) < 1e-4:
                return guess
            right = (self.source(guess + np.array([step, 0]), params, width, height) - here) / step
            below = (self.source(guess + np.array([0, step]), params, width, height) - here) / step
            determinant = right[:, 0] * below[:, 1] - right[:, 1] * below[:, 0]
            if (determinant < 0.02).any():
                return None
            x = (miss[:, 0] * below[:, 1] - miss[:, 1] * below[:, 0]) / determinant
            y = (miss[:, 1] * right[:, 0] - miss[:, 0] * right[:, 1]) / determinant
            guess = guess + np.stack([x, y], axis=1)
        return None

    def bend_px(self, labelled: LabelledObject, params: P, width: int, height: int) -> float:
        """How far, at most, a point of an object lies from where its quad's homography puts it."""
        unit = np.stack(np.meshgrid(np.linspace(0, 1, 5), np.linspace(0, 1, 3)), axis=-1)
        unit = unit.reshape(-1, 2)
        square = rectangle(0, 0, 1, 1)
        inside = apply_homography(_homography(square, labelled.quad), unit)
        landed = self.destination(np.concatenate([labelled.quad, inside]), params, width, height)
        if landed is None:
            return float("inf")
        straight = apply_homography(_homography(square, landed[:4]), unit)
        return float(np.linalg.norm(landed[4:] - straight, axis=1).max())

    def eased(self, sample: Picture, params: P) -> P:
        """`params` with `share` lowered, where `quads` is exact, until every quad holds."""
        if self.quads == "loose" or not sample.objects:
            return params
        height, width = sample.image.shape[:2]

        def worst(share: float) -> float:
            tried: P = _with_share(params, share)
            return max(self.bend_px(one, tried, width, height) for one in sample.objects)

        share = 1.0
        for _ in range(EASING_STEPS):
            bend = worst(share)
            if bend <= MAX_BEND_PX:
                break
            # Bends grow about as fast as the field, so one or two steps are mostly enough.
            share *= float(np.clip(0.95 * MAX_BEND_PX / bend, 0.2, 0.9))
        else:
            share = 0.0
        eased: P = _with_share(params, share)
        return eased

    def field(self, params: P, width: int, height: int) -> NDArray[np.float32]:
        """The map that `cv2.remap` takes: x and y, float32 of shape (height, width, 2)."""
        cell = FIELD_CELL_PX
        columns, rows = -(-width // cell) + 2, -(-height // cell) + 2
        x = (np.arange(columns) - 0.5) * cell
        y = (np.arange(rows) - 0.5) * cell
        # Single precision is good to a ten-thousandth of a pixel here, and quicker to work in.
        grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2).astype(np.float32)
        coarse = (self.source(cast(Points, grid), params, width, height) - 0.5).astype(np.float32)
        fine = cv2.resize(
            coarse.reshape(rows, columns, 2),
            (columns * cell, rows * cell),
            interpolation=cv2.INTER_LINEAR,
        )
        return np.asarray(fine[cell : cell + height, cell : cell + width], dtype=np.float32)

    def apply(self, sample: Picture, params: P) -> Picture:
        """The sample with its picture and labels bent."""
        height, width = sample.image.shape[:2]
        field = self.field(params, width, height)
        # The second map is left out where the first holds x and y; OpenCV's types forbid it.
        second: Any = None
        image = cv2.remap(
            padded(sample.image), field, second, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        return moved_by(
            replace(sample, image=unpadded(np.asarray(image, dtype=np.uint8))),
            lambda points: self.destination(points, params, width, height),
            width,
            height,
            self.min_visible,
        )


def _homography(before: Points, after: Points) -> Homography:
    return np.asarray(
        cv2.getPerspectiveTransform(before.astype(np.float32), after.astype(np.float32)), np.float64
    )


def _with_share(params: Any, share: float) -> Any:
    return replace(params, share=share)
