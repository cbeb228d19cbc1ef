"""Compositing puts pixels where the homography says, whatever the seam."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from seedbed.generators.scenes.blend import Blend, BlendParams, composite

GREY = np.full((80, 120, 3), 90, dtype=np.uint8)
MODES: tuple[Blend, ...] = get_args(Blend)


def square(level: int = 200) -> tuple[np.ndarray, np.ndarray]:
    rgb = np.full((20, 20, 3), level, dtype=np.uint8)
    return rgb, np.full((20, 20), 255, dtype=np.uint8)


def shifted(x: float, y: float, scale: float = 1.0) -> np.ndarray:
    return np.array([[scale, 0.0, x], [0.0, scale, y], [0.0, 0.0, 1.0]])


def test_a_hard_paste_at_whole_pixels_is_exact() -> None:
    frame = GREY.copy()
    region = composite(frame, *square(), shifted(30, 10), BlendParams("hard", 0.5, 0.0))
    expected = GREY.copy()
    expected[10:30, 30:50] = 200
    assert np.array_equal(frame, expected)
    assert region is not None
    assert int(region.alpha.sum()) == 400 * 255


@pytest.mark.parametrize("mode", MODES)
def test_every_seam_leaves_the_middle_and_the_far_away_alone(mode: Blend) -> None:
    frame = GREY.copy()
    composite(frame, *square(), shifted(30, 10), BlendParams(mode, 0.8, 0.0))
    assert frame[20, 40].tolist() == pytest.approx([200, 200, 200], abs=60)
    assert np.array_equal(frame[60:], GREY[60:])
    assert np.array_equal(frame[:, 80:], GREY[:, 80:])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("corner", [(-12.0, -7.0), (110.0, 70.0), (115.5, -15.5)])
def test_an_object_cut_by_the_frame_is_painted_where_it_is_inside(
    mode: Blend, corner: tuple[float, float]
) -> None:
    frame = GREY.copy()
    assert composite(frame, *square(), shifted(*corner), BlendParams(mode, 0.8, 0.0)) is not None
    assert (frame != GREY).any()


def test_an_object_outside_the_frame_changes_nothing() -> None:
    frame = GREY.copy()
    assert composite(frame, *square(), shifted(500, 10), BlendParams("feathered", 0.5, 0)) is None
    assert np.array_equal(frame, GREY)


def test_a_feathered_edge_covers_by_its_area() -> None:
    frame = np.zeros((80, 120, 3), dtype=np.uint8)
    rgb, alpha = square(255)
    border = np.pad(alpha, 1)
    edge = np.pad(rgb, ((1, 1), (1, 1), (0, 0)), mode="edge")
    composite(frame, edge, border, shifted(29.25, 9), BlendParams("feathered", 0.5, 0.0))
    # The square runs from x = 30.25: three quarters of that column's pixels are covered.
    assert frame[20, 30, 0] == pytest.approx(0.75 * 255, abs=3)
    assert frame[20, 50, 0] == pytest.approx(0.25 * 255, abs=3)


def test_colour_match_moves_the_hue_and_not_the_brightness() -> None:
    frame = np.zeros((80, 120, 3), dtype=np.uint8)
    frame[:] = (180, 90, 90)
    composite(frame, *square(120), shifted(30, 10), BlendParams("hard", 0.5, 0.5))
    red, green, _ = (int(v) for v in frame[20, 40])
    assert red > 120 > green


@pytest.mark.parametrize("mode", MODES)
def test_the_edge_takes_no_colour_from_beyond_the_picture(mode: Blend) -> None:
    # White on white: any dark rim that a warp brought along would show.
    frame = np.full((80, 120, 3), 255, dtype=np.uint8)
    turn = np.array([[0.9, -0.3, 40.3], [0.3, 0.9, 20.6], [0.001, 0.0, 1.0]])
    composite(frame, *square(255), turn, BlendParams(mode, 1.2, 0.0))
    assert frame.min() >= 253
