from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from seedbed.component import dump_params, load_params
from seedbed.generators.plates.mount import (
    LabelParams,
    MountParams,
    draw_dealer_text,
    draw_mount,
    mount_margin_mm,
    paint_mount,
)
from seedbed.generators.scenes.light import Light
from seedbed.streams import stream

LIGHT = Light("day", (0.0, 0.0, -1.0), 0.5, 0.7, (1.0, 1.0, 1.0), 0.0, 0.0)
FRAME = MountParams(
    kind="frame",
    size_mm=(300.0, 150.0),
    rim_mm=(4.0, 6.0, 4.0, 8.0),
    lap_mm=(5.0, 10.0, 5.0, 12.0),
    radius_mm=0.0,
    colour=(20, 20, 22),
    chrome=False,
    top=None,
    bottom=None,
    tags=None,
)


def canvas() -> tuple[np.ndarray, np.ndarray]:
    """A white 300x150 plate at 1 px/mm with 10 px around it."""
    rgb = np.zeros((170, 320, 3), np.uint8)
    alpha = np.zeros((170, 320), np.uint8)
    rgb[10:160, 10:310] = 240
    alpha[10:160, 10:310] = 255
    return rgb, alpha


def test_the_frame_covers_its_laps_and_rims() -> None:
    rgb, alpha = canvas()
    cover = paint_mount(rgb, alpha, (10.0, 10.0), 1.0, FRAME, LIGHT)
    rows = np.flatnonzero(cover[:, 160] > 127)
    assert rows[0] == pytest.approx(10 - 6, abs=1)
    assert rows[-1] == pytest.approx(160 + 8 - 1, abs=1)
    opening = np.flatnonzero(cover[:, 160] < 128)
    inside = opening[(opening > 10) & (opening < 160)]
    assert inside[0] == pytest.approx(20, abs=1)
    assert inside[-1] == pytest.approx(160 - 12 - 1, abs=1)
    # Twice the sides' lap and the bands', of the plate's area.
    hidden = (cover[10:160, 10:310] > 127).mean()
    assert hidden == pytest.approx(1 - (290 * 128) / (300 * 150), abs=0.02)


def test_the_canvas_is_painted_in_place() -> None:
    rgb, alpha = canvas()
    cover = paint_mount(rgb, alpha, (10.0, 10.0), 1.0, FRAME, LIGHT)
    assert rgb[14, 160].max() < 60
    assert rgb[80, 160].min() == 240
    assert (alpha >= cover).all()
    assert alpha[5, 160] > 127


def test_gaps_at_rounded_corners_show_the_mount() -> None:
    rgb, alpha = canvas()
    alpha[10:22, 10:22] = 0
    bare = replace(FRAME, lap_mm=(1.0, 1.0, 1.0, 1.0))
    cover = paint_mount(rgb, alpha, (10.0, 10.0), 1.0, bare, LIGHT)
    assert cover[18, 18] == 255
    assert cover[40, 40] == 0


def test_lettering_shows_on_its_band() -> None:
    label = LabelParams(
        text="ZORVEL MOTORS",
        typeface="font:overpass:700",
        colour=(240, 240, 240),
        band=(20, 20, 22),
        height_share=0.7,
        stretch=1.2,
        offset=0.0,
    )
    rgb, alpha = canvas()
    paint_mount(rgb, alpha, (10.0, 10.0), 1.0, replace(FRAME, bottom=label), LIGHT)
    band = rgb[150:166, 20:300, 1]
    assert band.max() > 180
    columns = np.flatnonzero((band > 150).any(axis=0))
    assert (columns[0] + columns[-1]) / 2 == pytest.approx(140, abs=6)
    # Long lines are narrowed to the band.
    rgb, alpha = canvas()
    long = replace(label, text="ZORVEL MOTORS " * 6)
    paint_mount(rgb, alpha, (10.0, 10.0), 1.0, replace(FRAME, bottom=long), LIGHT)
    assert rgb[150:166, 20:300, 1].max() > 100


def test_margins_are_the_rims() -> None:
    assert mount_margin_mm(None) == (0.0, 0.0, 0.0, 0.0)
    assert mount_margin_mm(FRAME) == (4.0, 6.0, 4.0, 8.0)


@pytest.mark.parametrize(
    ("region", "size_mm", "clear_mm"),
    [("eu", (520.0, 110.0), 15.0), ("us", (304.8, 152.4), 26.0), ("br", (400.0, 130.0), 8.0)],
)
def test_mounts_leave_the_characters_clear(
    region: str, size_mm: tuple[float, float], clear_mm: float
) -> None:
    drawn = [draw_mount(stream(3, region, i), region, size_mm) for i in range(200)]
    mounted = [mount for mount in drawn if mount is not None]
    assert 20 < len(mounted) < 195
    for mount in mounted:
        left, top, right, bottom = mount.lap_mm
        assert max(top, bottom) <= clear_mm
        assert max(left, right) <= 8.0


def test_parameters_survive_json_and_paint_at_any_scale() -> None:
    for index in range(60):
        for region, size in (
            ("eu", (520.0, 110.0)),
            ("us", (304.8, 152.4)),
            ("br", (400.0, 130.0)),
        ):
            mount = draw_mount(stream(6, index), region, size)
            if mount is None:
                continue
            assert load_params(MountParams, dump_params(mount)) == mount
            scale = (0.06, 0.25, 0.8)[index % 3]
            reach = round(30 * scale) + 2
            shape = (round(size[1] * scale) + 2 * reach, round(size[0] * scale) + 2 * reach)
            rgb, alpha = np.zeros((*shape, 3), np.uint8), np.zeros(shape, np.uint8)
            cover = paint_mount(rgb, alpha, (float(reach), float(reach)), scale, mount, LIGHT)
            assert cover.shape == shape
            assert cover.any()


def test_dealers_names_are_short_and_plain() -> None:
    texts = [draw_dealer_text(stream(9, i), region) for i in range(100) for region in ("us", "eu")]
    assert all(0 < len(text) <= 45 for text in texts)
    assert len(set(texts)) > 150


def test_deep_frames_and_tongues_come_at_their_rates() -> None:
    drawn = [draw_mount(stream(11, i), "us", (304.8, 152.4)) for i in range(600)]
    frames = [mount for mount in drawn if mount is not None]
    # 60 in 100 have a frame; a quarter of those has tongues.
    assert abs(len(frames) - 360) < 36
    assert abs(sum(frame.tabs_mm is not None for frame in frames) - len(frames) / 4) < 28
    lettered = [frame for frame in frames if frame.top is not None]
    deep = [frame for frame in lettered if frame.lap_mm[1] >= 17]
    assert abs(len(deep) - 0.3 * len(lettered)) < 22


def test_tongues_cover_the_bolts_and_nothing_between_them() -> None:
    mount = replace(FRAME, tabs_mm=(24.0, 18.0))
    margins = [round(margin) for margin in mount_margin_mm(mount)]
    width, height = (round(size) for size in mount.size_mm)
    shape = (height + margins[1] + margins[3], width + margins[0] + margins[2])
    rgb, alpha = np.zeros((*shape, 3), np.uint8), np.zeros(shape, np.uint8)
    alpha[margins[1] : margins[1] + height, margins[0] : margins[0] + width] = 255
    origin = (float(margins[0]), float(margins[1]))
    cover = paint_mount(rgb, alpha, origin, 1.0, mount, LIGHT)
    on_plate = cover[margins[1] :, margins[0] :]
    deepest = max(mount.lap_mm[1], 18)
    for x in (150 - 88.9, 150 + 88.9):
        assert on_plate[15, round(x)] == 255
        assert on_plate[round(deepest) + 4, round(x)] == 0
    assert on_plate[round(mount.lap_mm[1]) + 4, 150] == 0


def test_some_plates_sit_aside_in_mounts_with_ridged_sides() -> None:
    drawn = [draw_mount(stream(12, i), "us", (304.8, 152.4)) for i in range(600)]
    mounts = [mount for mount in drawn if mount is not None]
    brackets = [mount for mount in mounts if mount.kind == "bracket"]
    # 8 in 100 of some 360 mounts.
    assert 12 < len(brackets) < 48
    assert all(mount.lap_mm[1] == mount.lap_mm[3] == 0 for mount in brackets)
    aside = [mount for mount in mounts if mount.lap_mm[0] != mount.lap_mm[2]]
    assert len(aside) / len(mounts) == pytest.approx(0.35, abs=0.08)
    ridged = [mount for mount in mounts if mount.ridges]
    assert len(ridged) / len(mounts) == pytest.approx(0.53, abs=0.08)


def test_ridges_run_down_both_sides() -> None:
    # Half way between the outer edge 4 mm outside and the opening 5 mm inside the plate.
    mount = replace(FRAME, ridges=((0.5, 2.0, 8.0),))
    rgb, alpha = canvas()
    paint_mount(rgb, alpha, (10.0, 10.0), 1.0, mount, LIGHT)
    row = rgb[85, :, 1].astype(int)
    left, right = row[6:15], row[305:314]
    assert left.argmax() + 6 == pytest.approx(10.5 - 0.5, abs=1)
    assert right.argmax() + 305 == pytest.approx(309.5 - 0.5, abs=1)
    assert left.max() > 100
    assert min(left.min(), right.min()) < 40
