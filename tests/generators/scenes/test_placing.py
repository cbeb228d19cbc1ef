"""Poses reach the width they were asked for, and boxes overlap as a ruler says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from seedbed.generators.scenes.camera import Pose
from seedbed.generators.scenes.placing import (
    Camera,
    centred,
    depth_below_mm,
    draw_angle,
    draw_camera,
    draw_camera_height_mm,
    flat_box,
    grown,
    horizon_row,
    overlap,
    pitch_for_row,
    pose_of_width,
    sight_row,
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


LEVEL = Camera(width=640, height=480, focal_px=800.0, pitch_deg=0.0, roll_deg=0.0)


def test_a_level_camera_sees_the_ground_where_similar_triangles_put_it() -> None:
    # 1.5 m below the camera, 10 m away: 800 px * 1.5 / 10 = 120 px below the middle.
    assert sight_row(LEVEL, 1500.0, 0.0, 10_000.0, 320.0) == pytest.approx(240 + 120)
    assert sight_row(LEVEL, 1500.0, 500.0, 10_000.0, 320.0) == pytest.approx(240 + 80)
    assert horizon_row(LEVEL) == 240
    # Looking down by 45 degrees the horizon rises by the focal length.
    assert horizon_row(replace(LEVEL, pitch_deg=45.0)) == pytest.approx(240 - 800)


@pytest.mark.parametrize("roll_deg", [0.0, 9.0, -20.0])
def test_row_pitch_and_drop_agree(roll_deg: float) -> None:
    camera = replace(LEVEL, roll_deg=roll_deg)
    tilt = pitch_for_row(camera, 1600.0, 500.0, 4000.0, (200.0, 300.0))
    assert tilt is not None
    tilted = replace(camera, pitch_deg=tilt)
    assert sight_row(tilted, 1600.0, 500.0, 4000.0, 200.0) == pytest.approx(300.0)
    pose = Pose((200.0, 300.0), 4000.0, 800.0, (320.0, 240.0))
    assert depth_below_mm(tilted, pose) == pytest.approx(1100.0)


def test_what_is_nearer_than_it_is_below_has_no_pitch() -> None:
    assert pitch_for_row(LEVEL, 2000.0, 0.0, 1000.0, (320.0, 240.0)) is None


def test_cameras_are_mostly_held_at_eye_level_and_keep_their_bounds() -> None:
    rng = stream(3)
    heights = np.array([draw_camera_height_mm(rng, (0.45, 5.0)) for _ in range(1000)])
    assert heights.min() >= 450
    assert heights.max() <= 5000
    assert np.mean((heights >= 1150) & (heights <= 1750)) == pytest.approx(0.76, abs=0.05)
    assert draw_camera_height_mm(rng, (2.0, 2.0)) == 2000
