"""Pictures of filters and maps: right colours in the right cells."""

from __future__ import annotations

import numpy as np
import pytest

from seedbed.errors import InputError
from seedbed.trainers.filters import (
    diverging,
    feature_map_sheet,
    filter_sheet,
    line_plot,
    penalty_plot,
)


def test_signs_have_their_colours() -> None:
    picture = diverging(np.array([[-2.0, 0.0, 1.0]]))
    assert picture.tolist() == [[[0, 0, 255], [255, 255, 255], [255, 128, 128]]]
    assert (diverging(np.zeros((2, 2))) == 255).all()


def test_filters_stand_in_a_grid() -> None:
    weight = np.zeros((2, 1, 3, 3))
    weight[1, 0, 0, 0] = 1.0
    sheet = filter_sheet(weight, cell=9)
    # Two cells of 9 pixels with gaps of 2.
    assert sheet.shape == (13, 24, 3)
    assert sheet[3, 3].tolist() == [255, 255, 255]
    assert sheet[3, 14].tolist() == [255, 0, 0]


def test_filters_on_three_channels_are_coloured_and_many_make_rows() -> None:
    weight = np.zeros((1, 3, 2, 2))
    weight[0, 0] = 1.0
    assert filter_sheet(weight, cell=2)[2, 2].tolist() == [255, 128, 128]
    # Four filters on five channels: a row each. Cells of 3 x 3.
    assert filter_sheet(np.ones((4, 5, 3, 3)), cell=3).shape == (4 * 5 + 2, 5 * 5 + 2, 3)
    # A window of time alone is a strip, one of three axes its moments side by side.
    assert filter_sheet(np.ones((1, 1, 4)), cell=8).shape == (2 + 2 + 2, 8 + 2 + 2, 3)
    assert filter_sheet(np.ones((1, 1, 2, 3, 3)), cell=6).shape == (3 + 4, 6 + 4, 3)
    with pytest.raises(InputError, match="window of 1 to 3 axes"):
        filter_sheet(np.ones((2, 2)))


def test_feature_maps_run_from_black_to_white() -> None:
    maps = np.zeros((2, 4, 4))
    maps[0, :, 2:] = 5.0
    sheet = feature_map_sheet(maps, cell=4)
    assert sheet.shape == (8, 14, 3)
    assert sheet[2, 2:6, 0].tolist() == [0, 0, 255, 255]
    assert (sheet[2:6, 8:12] == 0).all()
    # Strips are four cells long, 4 pixels to a number here.
    assert feature_map_sheet(np.ones((3, 50)), cell=50).shape == (3 * 6 + 2, 204, 3)
    assert feature_map_sheet(np.ones((1, 6400)), cell=50).shape == (6 + 4, 204, 3)
    assert feature_map_sheet(np.ones((1, 5, 4, 4)), cell=4).shape == (8, 8, 3)
    with pytest.raises(InputError, match="nothing to draw"):
        feature_map_sheet(np.ones((0, 4, 4)))


def test_plots_hold_their_curves() -> None:
    plot = penalty_plot(1.0, 0.5, width=240)
    assert plot.shape == (150, 480, 3)
    green = (plot == (44, 160, 44)).all(axis=-1)
    assert green[:, :240].any()
    assert green[:, 240:].any()
    assert not (penalty_plot(1.0, 0.0, width=240) == (44, 160, 44)).all(axis=-1).any()
    with pytest.raises(InputError, match="l1 or l2"):
        penalty_plot(0.0, 0.0)
    for curve in ([], [1.0], [float("nan")], [0.0, 0.0], [1.0, float("nan"), 3.0]):
        assert line_plot({"loss": curve}).shape == (300, 480, 3)
