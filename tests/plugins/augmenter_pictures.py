"""Small pictures with labels whose places are known, for the augmenters' tests."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from seedbed.geometry import Points, bounding_box, rectangle
from seedbed.sample import Character, LabelledObject, Picture

MARKER_SIGMA_PX = 2.0


def plain(level: int = 100, height: int = 240, width: int = 320) -> NDArray[np.uint8]:
    """A picture of one grey."""
    return np.full((height, width, 3), level, dtype=np.uint8)


def labelled(quad: Points, text: str = "AB", contrast: float = 0.6) -> LabelledObject:
    """An object with that quad and one character for each letter of `text`, side by side."""
    characters = []
    for place in range(len(text)):
        low, high = place / len(text), (place + 1) / len(text)
        top, bottom = quad[1] - quad[0], quad[2] - quad[3]
        cell = np.array(
            [quad[0] + low * top, quad[0] + high * top,
             quad[3] + high * bottom, quad[3] + low * bottom]
        )  # fmt: skip
        characters.append(
            Character(text=text[place], quad=cell, bbox=bounding_box(cell), visible=1.0)
        )
    return LabelledObject(
        category="plate",
        bbox=bounding_box(quad),
        quad=quad,
        polygon=quad,
        text=text,
        text_plain=text,
        characters=tuple(characters),
        attributes={"contrast": contrast},
    )


def textured(height: int = 240, width: int = 320) -> NDArray[np.uint8]:
    """A picture with detail of every size, the same each time."""
    rng = np.random.Generator(np.random.PCG64(4))
    picture = np.zeros((height, width, 3))
    for size in (4, 16, 64):
        coarse = rng.uniform(0, 80, size=(height // size + 1, width // size + 1, 3))
        picture += np.kron(coarse, np.ones((size, size, 1)))[:height, :width]
    return np.clip(picture, 0, 255).astype(np.uint8)


def scene(text: str = "AB12") -> Picture:
    """A textured picture of 320x240 with one plate of 120x28 pixels in it."""
    return Picture(image=textured(), objects=(labelled(rectangle(90, 100, 120, 28), text),))


@cache
def marked() -> Picture:
    """Black, with a soft coloured dot on every corner of three quads and their two characters."""
    quads = (
        np.array([[60.0, 50.0], [150.0, 44.0], [154.0, 90.0], [62.0, 96.0]]),
        np.array([[190.0, 60.0], [280.0, 70.0], [276.0, 118.0], [186.0, 108.0]]),
        np.array([[100.0, 140.0], [220.0, 140.0], [220.0, 190.0], [100.0, 190.0]]),
    )
    objects = tuple(labelled(quad) for quad in quads)
    return Picture(image=dotted(corners(objects), 240, 320), objects=objects)


def corners(objects: tuple[LabelledObject, ...]) -> Points:
    """Every corner of every quad, and those that characters add, shape (n, 2)."""
    return np.concatenate(
        [np.concatenate([one.quad, one.characters[0].quad[1:3]]) for one in objects]
    )


def dotted(points: Points, height: int, width: int) -> NDArray[np.uint8]:
    """A soft dot on every point: red, green, blue, white in turn."""
    colours = np.array([[250, 0, 0], [0, 250, 0], [0, 0, 250], [250, 250, 250]])
    rows, columns = np.mgrid[:height, :width] + 0.5
    picture = np.zeros((height, width, 3))
    for number, (x, y) in enumerate(points):
        away = (columns - x) ** 2 + (rows - y) ** 2
        picture += np.exp(-away / (2 * MARKER_SIGMA_PX**2))[:, :, None] * colours[number % 4]
    return np.clip(np.round(picture), 0, 255).astype(np.uint8)


def miss_px(image: NDArray[np.uint8], point: Points, number: int) -> float | None:
    """How far the dot `number` lies from `point`; None where it is too near the frame's edge."""
    height, width = image.shape[:2]
    reach = 10
    x, y = (int(v) for v in np.floor(point))
    if not (reach < x < width - reach and reach < y < height - reach):
        return None
    window = image[y - reach : y + reach + 1, x - reach : x + reach + 1].astype(np.float64)
    strength = window.sum(axis=(0, 1))
    shown = strength > strength.max() / 2
    assert shown.tolist() == [[True, False, False], [False, True, False], [False, False, True],
                              [True, True, True]][number % 4]  # fmt: skip
    weight = window.sum(axis=2)
    rows, columns = np.mgrid[y - reach : y + reach + 1, x - reach : x + reach + 1] + 0.5
    centre = [(weight * columns).sum() / weight.sum(), (weight * rows).sum() / weight.sum()]
    return float(np.hypot(centre[0] - point[0], centre[1] - point[1]))
