"""The sheet of a recipe's augmenters: rows in order, a window around a label."""

from __future__ import annotations

import numpy as np
import pytest
from augmenter_pictures import labelled, scene, textured

from seedbed.augmenters import GaussianNoise, Rotate
from seedbed.errors import InputError
from seedbed.geometry import rectangle
from seedbed.preview_augmenters import augmenter_row, augmenter_sheet, change, closer
from seedbed.sample import Picture


def test_a_row_runs_from_the_mildest_to_the_strongest() -> None:
    sample = scene()
    row = augmenter_row(sample, "gaussian-noise", GaussianNoise(probability=0.0), 1)
    changes = [change(sample.image, version.image) for version in row]
    assert len(row) == 5
    assert changes == sorted(changes)
    assert changes[-1] > 2 * changes[0] > 0


def test_the_sheet_has_a_row_an_augmenter() -> None:
    pairs = [("gaussian-noise", GaussianNoise()), ("rotate", Rotate())]
    one = augmenter_sheet(scene(), pairs[:1], 1)
    two = augmenter_sheet(scene(), pairs, 1)
    assert one.shape[1] == two.shape[1]
    assert 1.9 < two.shape[0] / one.shape[0] <= 2
    assert two.dtype == np.uint8


def test_the_same_seed_draws_the_same_sheet() -> None:
    pairs = [("rotate", Rotate())]
    first, again = (augmenter_sheet(scene(), pairs, 1) for _ in range(2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, augmenter_sheet(scene(), pairs, 2))


def test_a_recipe_without_augmenters_has_no_sheet() -> None:
    with pytest.raises(InputError, match="names no augmenters: add some"):
        augmenter_sheet(scene(), [], 1)


def test_a_window_is_cut_around_the_widest_legible_label() -> None:
    image = textured(480, 640)
    plates = (labelled(rectangle(500, 400, 60, 15)), labelled(rectangle(100, 100, 30, 8)))
    near = closer(Picture(image=image, objects=plates))
    assert near.image.shape == (126, 180, 3)
    assert np.array_equal(near.image, image[344:470, 440:620])
    assert len(near.objects) == 1
    assert np.allclose(near.objects[0].quad[0], [60, 56])
    nothing = Picture(image=image)
    assert closer(nothing) is nothing
