from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest

from seedbed.component import dump_params, load_params
from seedbed.generators.scenes import texture
from seedbed.generators.scenes.procedural import (
    HIGHEST_HORIZON,
    KIND_WEIGHTS,
    LOWEST_HORIZON,
    Kind,
    ProceduralParams,
    View,
    draw_procedural,
    render_procedural,
)
from seedbed.generators.scenes.scenery import Stage, on_ground
from seedbed.streams import stream

KINDS = get_args(Kind)


def test_every_kind_is_drawn_in_proportion():
    drawn = Counter(draw_procedural(stream(0, index)).kind for index in range(1500))
    total = sum(KIND_WEIGHTS.values())
    assert set(drawn) == set(KINDS)
    for kind, weight in KIND_WEIGHTS.items():
        assert abs(drawn[kind] / 1500 - weight / total) < 0.05


@pytest.mark.parametrize("kind", KINDS)
def test_a_scene_is_a_full_frame_with_structure_and_repeats(kind):
    for index in range(4):
        params = draw_procedural(stream(1, index), kind)
        picture = render_procedural(params, 160, 120)
        assert picture.shape == (120, 160, 3)
        assert picture.dtype == np.uint8
        assert picture.std() > 3
        stored = load_params(ProceduralParams, dump_params(params))
        assert stored == params
        assert np.array_equal(picture, render_procedural(stored, 160, 120))


@pytest.mark.parametrize("horizon_y", [-6.0, -0.4, 0.2, 0.6, 3.0])
def test_a_scene_takes_the_camera_it_is_given(horizon_y):
    view = View(horizon_y=horizon_y, focal=1.5, camera_m=1.6, foot_y=min(horizon_y + 0.2, 0.95))
    for index in range(8):
        params = draw_procedural(stream(5, index), view=view)
        assert params.horizon_y == min(max(horizon_y, HIGHEST_HORIZON), LOWEST_HORIZON)
        assert (params.focal, params.camera_m) == (1.5, 1.6)
        if params.kind not in ("surface", "clutter") and 0 < horizon_y < 0.7:
            # What stands up begins above the farthest vehicle's wheels.
            assert horizon_y <= params.ground_y < view.foot_y
        assert render_procedural(params, 96, 64).std() > 1


@pytest.mark.parametrize("size", [(64, 64), (640, 480), (1920, 1080), (200, 500)])
def test_any_frame_size_works(size):
    for index in range(6):
        picture = render_procedural(draw_procedural(stream(2, index)), *size)
        assert picture.shape == (size[1], size[0], 3)


def test_scenes_differ_from_each_other():
    pictures = [
        render_procedural(draw_procedural(stream(3, index)), 64, 48).astype(int)
        for index in range(12)
    ]
    for first in range(12):
        for second in range(first):
            assert np.abs(pictures[first] - pictures[second]).mean() > 5


def test_the_ground_keeps_its_colour():
    params = draw_procedural(stream(4), "asphalt")
    params = replace(params, ground="asphalt", ground_colour=(100, 100, 100), ground_y=0.0,
                     marking="none", shadow=0.0, kerb=False, detail=1.0)  # fmt: skip
    picture = render_procedural(params, 160, 120)
    assert abs(float(picture[60:].mean()) - 100) < 20


def test_ground_points_follow_the_pinhole():
    # 1.5 m high camera, focal length 400 px: 3 m ahead lies 400 * 1.5 / 3 = 200 px below the
    # horizon, and 0.75 m to the right 400 * 0.75 / 3 = 100 px right of the middle.
    canvas = np.zeros((480, 640, 3), np.uint8)
    stage = Stage(canvas, stream(0), horizon_px=100, ground_px=110, focal_px=400, camera_m=1.5)
    corners = ((0.75, 3.0), (0.75, 6.0), (0.0, 6.0))
    seen = np.array(on_ground(stage, corners, 0.0))
    assert seen == pytest.approx(np.array([(420, 300), (370, 200), (320, 200)]))
    assert on_ground(stage, ((0, -1), (1, -1), (1, -2)), 0.0) == []


@pytest.mark.parametrize("name", get_args(texture.TileName))
def test_tiles_wrap_and_are_centred(name):
    tile = texture.tile(name)
    assert tile.shape == (1024, 1024)
    assert np.array_equal(tile[:512, :512], tile[512:, 512:])
    assert 110 < tile.mean() < 140
    assert not tile.flags.writeable


@pytest.mark.parametrize("name", texture.GROUND_NAMES)
def test_ground_tiles_fade_towards_the_horizon(name):
    laid = texture.ground_tile(name)
    assert laid.shape == (512, 1024)
    assert laid[:40].std() < 0.35 * laid[-40:].std()


def test_crop_has_the_asked_size_at_any_scale():
    for scale in (0.05, 0.3, 1.0, 3.0):
        assert texture.crop("brick", 700, 300, (0.99, 0.99), scale).shape == (300, 700)
