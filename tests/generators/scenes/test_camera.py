"""The pinhole camera: numbers that can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from seedbed.generators.scenes.camera import Pose
from seedbed.geometry import apply_homography


def facing(**angles: float) -> Pose:
    return Pose((320.0, 240.0), 5000.0, 500.0, (320.0, 240.0), **angles)


def test_a_facing_plane_scales_by_focal_over_depth() -> None:
    # 500 px focal length at 5000 mm: a tenth of a pixel a millimetre.
    points = apply_homography(facing().homography(), np.array([[0.0, 0.0], [260.0, -55.0]]))
    assert points == pytest.approx(np.array([[320.0, 240.0], [346.0, 234.5]]))


def test_homography_and_projection_agree_on_the_plane() -> None:
    pose = facing(yaw_deg=40, pitch_deg=-20, roll_deg=10)
    flat = np.array([[-260.0, -55.0], [260.0, -55.0], [260.0, 55.0]])
    solid = np.column_stack([flat, np.zeros(3)])
    assert apply_homography(pose.homography(), flat) == pytest.approx(pose.project(solid))


def test_yaw_turns_the_right_side_away_and_shortens_by_its_cosine() -> None:
    pose = facing(yaw_deg=60)
    left, right = pose.project(np.array([[-1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]))
    assert right[0] - left[0] == pytest.approx(0.2 * 0.5, rel=1e-3)
    assert pose.rotation() @ np.array([1.0, 0.0, 0.0]) == pytest.approx(
        np.array([0.5, 0.0, -np.sqrt(3) / 2])
    )


def test_roll_turns_clockwise_on_the_screen() -> None:
    right = facing(roll_deg=90).project(np.array([[100.0, 0.0, 0.0]]))[0]
    assert right == pytest.approx(np.array([320.0, 250.0]))


def test_rotation_is_a_rotation() -> None:
    rotation = facing(yaw_deg=33, pitch_deg=12, roll_deg=-7).rotation()
    assert rotation @ rotation.T == pytest.approx(np.eye(3))
    assert np.linalg.det(rotation) == pytest.approx(1.0)
