"""The sheet of `seedbed preview RECIPE --augmenters`: each augmenter, mildest to strongest.

One row an augmenter. Its draws are put in order by how much they change the picture, so a
row shows the whole range that the recipe allows, whatever the augmenter's fields are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed.component import Augmenter
from seedbed.errors import InputError
from seedbed.labels import warp_object
from seedbed.make import Maker
from seedbed.preview import picture_sheet
from seedbed.recipe import Recipe
from seedbed.sample import Picture
from seedbed.streams import stream

DRAWS = 24
"""Draws an augmenter gets on the sheet; evenly spaced ones among them are shown."""

COLUMNS = 5


def change(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> float:
    """The mean absolute difference in grey levels; infinite where the shape changed."""
    if before.shape != after.shape:
        return float("inf")
    return float(np.mean(np.abs(before.astype(np.int16) - after)))


def augmenter_row(
    sample: Picture, name: str, augmenter: Augmenter[Any, Any], seed: int, columns: int = COLUMNS
) -> list[Picture]:
    """`columns` versions of `sample` by one augmenter, from the least changed to the most.

    Its probability is passed over: every version is augmented.
    """
    versions = []
    for number in range(max(DRAWS, columns)):
        params = augmenter.draw(sample, stream(seed, "preview", name, number))
        versions.append(augmenter.apply(sample, params))
    versions.sort(key=lambda version: change(sample.image, version.image))
    places = np.linspace(0, len(versions) - 1, columns).round().astype(int)
    return [versions[place] for place in places]


def augmenter_sheet(
    sample: Picture, augmenters: Sequence[tuple[str, Augmenter[Any, Any]]], seed: int
) -> NDArray[np.uint8]:
    """One row for every (name, augmenter), labels drawn, RGB of shape (height, width, 3).

    Raises `InputError` where there are no augmenters.
    """
    if not augmenters:
        raise InputError("this recipe names no augmenters: add some under `augmenters`.")
    versions: list[Picture] = []
    captions: list[str] = []
    for name, augmenter in augmenters:
        versions.extend(augmenter_row(sample, name, augmenter, seed))
        captions.extend(f"{name} {number + 1}/{COLUMNS}" for number in range(COLUMNS))
    return picture_sheet(versions, captions, COLUMNS)


def recipe_augmenter_sheet(recipe: Recipe) -> NDArray[np.uint8]:
    """The sheet of a seeded recipe's augmenters, on a picture of it with a label of middling size.

    Raises `InputError` for a recipe of sound or without augmenters.
    """
    if recipe.sample_type is not Picture:
        raise InputError(f"recipe {recipe.name} makes no pictures: its augmenters have no sheet.")
    maker = Maker(recipe)
    maker.prepare()
    split = next(iter(recipe.splits))
    generator = recipe.generator_for(split)
    candidates = [generator.sample(maker.seed, index, split) for index in range(TRIES)]
    sample = closer(min(candidates, key=_away_from_typical))
    return augmenter_sheet(sample, recipe.augmenters_for(split), maker.seed)


TRIES = 16
"""Samples among which the one to show is chosen."""


def closer(sample: Picture) -> Picture:
    """A window around the widest legible object of `sample`, three times as wide as it.

    On whole frames a sheet would show too little of what happens to a small object.
    """
    height, width = sample.image.shape[:2]
    legible = [one for one in sample.objects if one.legible]
    if not legible:
        return sample
    x, y, box_width, box_height = max(legible, key=lambda one: one.bbox[2]).bbox
    across = int(min(width, max(3 * box_width, 4 * box_height, CLOSEST_PX)))
    down = min(height, round(0.7 * across))
    left = int(np.clip(x + box_width / 2 - across / 2, 0, width - across))
    top = int(np.clip(y + box_height / 2 - down / 2, 0, height - down))
    shift = np.array([[1.0, 0.0, -left], [0.0, 1.0, -top], [0.0, 0.0, 1.0]])
    moved = (warp_object(one, shift, across, down) for one in sample.objects)
    return replace(
        sample,
        image=sample.image[top : top + down, left : left + across].copy(),
        objects=tuple(one for one in moved if one is not None),
    )


CLOSEST_PX = 160


TYPICAL_PX = 90.0
"""The width of a label on which both a blur of one pixel and a whole object can be seen."""


def _away_from_typical(sample: Picture) -> float:
    widths = [one.bbox[2] for one in sample.objects if one.legible and one.occlusion < 0.05]
    return min((abs(float(np.log(width / TYPICAL_PX))) for width in widths), default=10.0)
