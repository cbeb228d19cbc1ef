from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import get_args

import numpy as np
import pytest

from seedbed.component import dump_params, load_params
from seedbed.generators.scenes.camera import Pose
from seedbed.generators.scenes.decoy import (
    KIND_WEIGHTS,
    DecoyParams,
    Kind,
    decoy_size_mm,
    draw_decoy,
    paint_decoy,
)
from seedbed.generators.scenes.light import Light
from seedbed.generators.scenes.words import draw_date, draw_pattern
from seedbed.streams import stream

DAY = Light("day", (0.0, -0.8, -0.6), 0.6, 0.4, (1.0, 1.0, 1.0), 0.0, 0.0)
KINDS = get_args(Kind)


def facing(params: DecoyParams, width_px: float = 100.0) -> Pose:
    depth_mm = 500.0 * params.width_mm / width_px
    return Pose((120.0, 90.0), depth_mm, 500.0, (120.0, 90.0))


def grey_frame() -> np.ndarray:
    return np.full((180, 240, 3), 110, np.uint8)


def test_every_kind_is_drawn_and_overlays_only_when_asked():
    drawn = Counter(draw_decoy(stream(0, index)).kind for index in range(1500))
    assert set(drawn) == set(KIND_WEIGHTS) == set(KINDS) - {"overlay"}
    assert draw_decoy(stream(1), overlay=True).kind == "overlay"


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "overlay"])
def test_paints_inside_its_outline_only(kind):
    for index in range(5):
        params = draw_decoy(stream(2, index), kind=kind)
        frame = grey_frame()
        outline = paint_decoy(frame, params, facing(params), DAY)
        changed = np.argwhere((frame != 110).any(axis=2))[:, ::-1]
        assert len(changed) > 20
        assert (changed.min(axis=0) >= outline.min(axis=0) - 3).all()
        assert (changed.max(axis=0) <= outline.max(axis=0) + 3).all()
        again = grey_frame()
        stored = load_params(DecoyParams, dump_params(params))
        paint_decoy(again, stored, facing(stored), DAY)
        assert np.array_equal(frame, again)


def test_a_panel_520_mm_wide_spans_100_px_where_the_camera_says_so():
    params = draw_decoy(stream(3), kind="dealer_panel")
    outline = paint_decoy(grey_frame(), params, facing(params), DAY)
    width_mm, height_mm = decoy_size_mm(params)
    assert outline[:, 0].min() == pytest.approx(70.0)
    assert outline[:, 0].max() == pytest.approx(170.0)
    assert np.ptp(outline[:, 1]) == pytest.approx(100.0 * height_mm / width_mm)


def test_overlays_lie_in_the_frame_and_take_no_pose():
    for index in range(20):
        params = draw_decoy(stream(4, index), overlay=True)
        frame = grey_frame()
        outline = paint_decoy(frame, params, None, DAY)
        assert outline.shape == (4, 2)
        assert (outline.min(axis=0) >= 0).all()
        assert (outline.max(axis=0) <= [240, 180]).all()
        assert (frame != 110).any()
    with pytest.raises(ValueError, match="overlay"):
        paint_decoy(grey_frame(), params, facing(draw_decoy(stream(5))), DAY)
    with pytest.raises(ValueError, match="pose None"):
        paint_decoy(grey_frame(), draw_decoy(stream(5)), None, DAY)


def test_out_of_frame_leaves_the_frame_alone_and_still_has_an_outline():
    params = draw_decoy(stream(6), kind="blank")
    frame = grey_frame()
    away = Pose((900.0, 90.0), 500.0 * params.width_mm / 100, 500.0, (120.0, 90.0))
    assert len(paint_decoy(frame, params, away, DAY)) == 4
    assert (frame == 110).all()


def test_darker_light_paints_darker():
    params = draw_decoy(stream(7), kind="shop_sign")
    dim = Light("night", (0.0, -0.8, -0.6), 0.05, 0.15, (1.0, 1.0, 1.0), 0.0, 0.0)
    bright_frame, dim_frame = grey_frame(), grey_frame()
    paint_decoy(bright_frame, params, facing(params), DAY)
    paint_decoy(dim_frame, params, facing(params), dim)
    assert dim_frame[85:95, 100:140].mean() < bright_frame[85:95, 100:140].mean()


def test_dates_are_real_and_patterns_are_filled_in():
    for index in range(50):
        text = draw_date(stream(8, index))
        if len(text) == 19 and text[4] == "-":
            assert 2005 <= datetime.fromisoformat(text).year <= 2030
        taxi = draw_pattern(stream(9, index), "taxi")
        assert taxi.split()[0] in ("TAXI", "CAB", "RADIO")
