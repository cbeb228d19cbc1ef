"""Targets and back: what is painted into the maps is what is read from them."""

from __future__ import annotations

import numpy as np
import pytest

from seedbed.geometry import rectangle
from seedbed.trainers.quads import (
    MAPS,
    OFFSET_UNIT_PX,
    STRIDE,
    FoundPlate,
    box_iou,
    decode_quads,
    make_targets,
    quad_iou,
    side_lengths,
    suppress,
)


def maps_of(targets) -> np.ndarray:
    maps = np.concatenate([targets.heat, targets.offsets])
    assert maps.shape[0] == MAPS
    return maps


def test_what_is_painted_is_read_again():
    quad = np.array([[30.0, 40.0], [90.0, 46.0], [88.0, 62.0], [29.0, 55.0]])
    targets = make_targets([quad], [], 128, 160)
    (found,) = decode_quads(maps_of(targets), 0.5)
    assert found.score == 1.0
    np.testing.assert_allclose(found.quad, quad, atol=1.0)


def test_offsets_lead_from_a_cell_to_the_corners():
    quad = rectangle(40, 40, 64, 16)
    targets = make_targets([quad], [], 128, 128)
    row, column = 48 // STRIDE, 72 // STRIDE
    assert targets.heat[0, row, column] == 1.0
    cell = np.array([column + 0.5, row + 0.5]) * STRIDE
    offsets = targets.offsets[:, row, column].reshape(4, 2) * OFFSET_UNIT_PX
    np.testing.assert_allclose(cell + offsets, quad, atol=1e-4)
    # One unit is 32 of the plate's 64 pixels: an error of one unit counts one half.
    assert targets.offset_weight[row, column] == pytest.approx(0.5)


def test_nothing_is_asked_inside_what_is_ignored():
    targets = make_targets([], [rectangle(32, 32, 40, 20)], 128, 128)
    assert targets.heat.max() == 0
    assert targets.heat_weight[10, 12] == 0
    assert targets.heat_weight[2, 2] == 1


def test_a_plate_centred_outside_the_crop_is_ignored():
    targets = make_targets([rectangle(-50, 20, 60, 20)], [], 128, 128)
    assert targets.heat.max() == 0
    assert targets.heat_weight[7, 1] == 0


def test_side_lengths_are_means_of_opposite_sides():
    assert side_lengths(rectangle(0, 0, 8, 2)) == (8.0, 2.0)


def test_overlaps_by_hand():
    assert box_iou((0, 0, 2, 2), (1, 0, 2, 2)) == pytest.approx(2 / 6)
    assert box_iou((0, 0, 1, 1), (2, 2, 1, 1)) == 0
    assert quad_iou(rectangle(0, 0, 2, 2), rectangle(1, 0, 2, 2)) == pytest.approx(2 / 6)


def test_of_two_that_overlap_the_surer_is_kept():
    sure = FoundPlate(rectangle(0, 0, 40, 10), 0.9)
    unsure = FoundPlate(rectangle(4, 1, 40, 10), 0.5)
    apart = FoundPlate(rectangle(100, 0, 40, 10), 0.4)
    inside = FoundPlate(rectangle(15, 4, 8, 3), 0.6)
    assert suppress([unsure, apart, sure, inside]) == [sure, apart]
