"""Poses reach the width they were asked for, and boxes overlap as a ruler says."""

from __future__ import annotations

import numpy as np
import pytest

from seedbed.generators.scenes.placing import (
    centred,
    draw_angle,
    draw_camera,
    flat_box,
    grown,
    overlap,
    pose_of_width,
)
from seedbed.streams import stream


def test_the_focal_length_follows_from_the_field_of_view() -> None:
    camera = draw_camera(stream(0), (640, 480), (90.0, 90.0), (0, 0), (0, 0))
    assert camera.focal_px == pytest.approx(320.0)  # tan(45 degrees) is 1


@pytest.mark.parametrize("width_px", [16.0, 100.0, 420.0])
@pytest.mark.parametrize("yaw", [-60.0, 0.0, 35.0])
def test_the_projected_width_is_the_one_asked_for(width_px: float, yaw: float) -> None:
    camera = draw_camera(stream(1), (640, 480), (15.0, 15.0), (0, 0), (0, 0))
    pose = pose_of_width(camera, (520.0, 110.0), width_px, (320.0, 240.0), (yaw, 10.0, 5.0))
    assert pose is not None
    assert flat_box(pose, centred((520.0, 110.0)))[2] == pytest.approx(width_px, rel=0.01)


def test_a_plane_that_would_come_too_near_is_refused() -> None:
    camera = draw_camera(stream(1), (640, 480), (70.0, 70.0), (0, 0), (0, 0))
    assert pose_of_width(camera, (520.0, 110.0), 600.0, (320.0, 240.0), (60.0, 0, 0)) is None


def test_angles_keep_their_bounds_and_favour_the_middle() -> None:
    rng = stream(2)
    angles = np.array([draw_angle(rng, (-60.0, 60.0)) for _ in range(2000)])
    assert np.abs(angles).max() <= 60
    # Beta(2, 2) holds 11/16 of its mass in the middle half.
    assert np.mean(np.abs(angles) <= 30) == pytest.approx(11 / 16, abs=0.04)


def test_overlap_is_a_share_of_the_first_box() -> None:
    assert overlap((0, 0, 10, 10), (5, 0, 100, 10)) == pytest.approx(0.5)
    assert overlap((0, 0, 10, 10), (10, 0, 5, 5)) == 0
    assert grown((10, 10, 4, 2), 3) == (7, 7, 10, 8)
