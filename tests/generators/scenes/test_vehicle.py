"""Vehicles: the same each time, around a plain place for the plate, at any distance."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest

from seedbed.component import dump_params, load_params
from seedbed.generators.scenes.camera import Pose
from seedbed.generators.scenes.light import Light
from seedbed.generators.scenes.vehicle import (
    COLOUR_SHARES,
    KIND_SHARES,
    PLATE_CLEARANCE_MM,
    Lettering,
    Sticker,
    VehicleParams,
    draw_vehicle,
    lookalikes_on,
    paint_vehicle,
    paint_vehicle_front,
    vehicle_extent_mm,
)
from seedbed.streams import stream

DAY = Light("overcast", (0.0, -0.8, -0.6), 0.3, 0.7, (1.0, 1.0, 1.0), 0.0, 0.0)
NIGHT = Light("night", (0.0, -0.2, -0.98), 0.0, 0.06, (1.0, 1.0, 1.0), 0.0, 0.0)
INFRARED = Light("infrared", (0.0, 0.0, -1.0), 0.8, 0.1, (1.0, 1.0, 1.0), 1.0, 0.0)
SIZES = ((520.0, 110.0), (304.8, 152.4), (400.0, 130.0), (280.0, 200.0))


def drawn(index: int, kind: str | None = None) -> VehicleParams:
    kinds = None if kind is None else {kind: 1.0}
    return draw_vehicle(stream(5, "vehicle", index), SIZES[index % 4], kinds)


def pose(depth_mm: float = 4000.0, **angles: float) -> Pose:
    return Pose((320.0, 280.0), depth_mm, 700.0, (320.0, 240.0), **angles)


def plain(value: int = 140) -> np.ndarray:
    return np.full((480, 640, 3), value, dtype=np.uint8)


@pytest.mark.parametrize("kind", KIND_SHARES)
def test_painting_depends_on_the_parameters_alone(kind: str) -> None:
    params = drawn(3, kind)
    first, second = plain(), plain()
    outline = paint_vehicle(first, params, pose(yaw_deg=20), DAY)
    paint_vehicle(plain(), drawn(4), pose(), DAY)
    assert np.array_equal(paint_vehicle(second, params, pose(yaw_deg=20), DAY), outline)
    assert np.array_equal(first, second)
    assert not np.array_equal(first, plain())


@pytest.mark.parametrize("index", range(12))
def test_parameters_survive_json(index: int) -> None:
    params = drawn(index)
    assert load_params(VehicleParams, dump_params(params)) == params


def test_the_same_stream_draws_the_same_vehicle() -> None:
    assert drawn(7) == drawn(7)
    assert drawn(7) != drawn(8)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown vehicle kind 'tank'"):
        draw_vehicle(stream(0, "x"), SIZES[0], {"tank": 1.0})


def test_shares_cover_every_kind_and_sum_to_about_one() -> None:
    assert sum(KIND_SHARES.values()) == pytest.approx(1.0, abs=0.03)
    assert sum(COLOUR_SHARES.values()) == pytest.approx(1.0, abs=0.03)
    kinds = {drawn(i).kind for i in range(400)}
    assert kinds == set(KIND_SHARES)


@pytest.mark.parametrize("kind", KIND_SHARES)
def test_the_plate_stands_on_the_vehicle(kind: str) -> None:
    for index in range(40):
        params = drawn(index, kind)
        half_width, half_height = params.plate_width_mm / 2, params.plate_height_of_sheet_mm / 2
        left, top, right, bottom = vehicle_extent_mm(params)
        assert left < -half_width and right > half_width
        assert top < -half_height and bottom > half_height
        assert bottom == params.plate_height_mm


@pytest.mark.parametrize("kind", KIND_SHARES)
def test_the_silhouette_contains_the_plate(kind: str) -> None:
    for index in range(8):
        params = drawn(index, kind)
        where = pose(depth_mm=6000.0, yaw_deg=-40.0 + 10 * index, pitch_deg=index, roll_deg=3.0)
        outline = paint_vehicle(plain(), params, where, DAY).astype(np.float32)
        x, y = params.plate_width_mm / 2, params.plate_height_of_sheet_mm / 2
        corners = np.array([[-x, -y, 0], [x, -y, 0], [x, y, 0], [-x, y, 0.0]])
        for corner in where.project(corners):
            spot = (float(corner[0]), float(corner[1]))
            assert cv2.pointPolygonTest(outline, spot, True) > -2.5


@pytest.mark.parametrize("kind", KIND_SHARES)
def test_nothing_is_painted_close_around_the_plate(kind: str) -> None:
    for index in range(12):
        params = drawn(index, kind)
        # Dirt and glare are light on the panel, not things: leave them out to see things.
        params = dataclasses.replace(params, dirt=0.0, gloss=0.0, lamp_lit=False)
        where = pose(depth_mm=1100.0)
        frame = plain()
        paint_vehicle(frame, params, where, DAY)
        scale = where.px_per_mm()
        reach_x = (params.plate_width_mm / 2 + PLATE_CLEARANCE_MM) * scale - 1
        reach_y = (params.plate_height_of_sheet_mm / 2 + PLATE_CLEARANCE_MM) * scale - 1
        place = frame[
            int(280 - reach_y) + 1 : int(280 + reach_y), int(320 - reach_x) + 1 : int(320 + reach_x)
        ]
        # No edge: neighbours differ by the smooth shading alone.
        steps = np.concatenate(
            [np.abs(np.diff(place.astype(int), axis=axis)).ravel() for axis in (0, 1)]
        )
        assert steps.max() <= 14, (kind, index)
        assert np.percentile(steps, 99) <= 5


def test_the_body_colour_is_seen() -> None:
    for index in range(6):
        params = drawn(index, "van")
        params = dataclasses.replace(
            params, facing="rear", has_glass=False, body=(170, 30, 30), gloss=0.1, dirt=0.0
        )
        params = dataclasses.replace(params, bumper=(170, 30, 30), stickers=())
        frame = plain()
        outline = paint_vehicle(frame, params, pose(depth_mm=6000.0), DAY)
        mask = np.zeros((480, 640), dtype=np.uint8)
        cv2.fillPoly(mask, [np.rint(outline).astype(np.int32)], 1)
        red, green, blue = (frame[..., c].astype(int)[mask > 0] for c in range(3))
        assert np.mean((red > 1.8 * green) & (red > 1.8 * blue)) > 0.4


@pytest.mark.parametrize("kind", KIND_SHARES)
@pytest.mark.parametrize(
    "where",
    [
        pose(depth_mm=250.0, yaw_deg=60.0),
        pose(depth_mm=700.0, pitch_deg=-35.0),
        pose(depth_mm=9e5),
        pose(depth_mm=2e4, yaw_deg=-60.0, pitch_deg=35.0, roll_deg=15.0),
        Pose((-9000.0, 280.0), 4000.0, 700.0, (320.0, 240.0)),
        Pose((640.0, 500.0), 1500.0, 1800.0, (320.0, 240.0), 35.0),
        Pose((320.0, 240.0), -3000.0, 700.0, (320.0, 240.0)),
    ],
)
def test_any_pose_is_painted_without_harm(kind: str, where: Pose) -> None:
    for index, light in enumerate((DAY, NIGHT, INFRARED)):
        params = dataclasses.replace(drawn(index, kind), lamp_lit=True)
        frame = plain()
        outline = paint_vehicle(frame, params, where, light)
        assert outline.ndim == 2 and outline.shape[1] == 2
        assert np.all(np.isfinite(outline))
        for cover in paint_vehicle_front(frame, params, where, light):
            assert np.all(np.isfinite(cover))


def test_far_outside_the_frame_nothing_changes() -> None:
    frame = plain()
    where = Pose((-9000.0, 280.0), 4000.0, 700.0, (320.0, 240.0))
    paint_vehicle(frame, drawn(1, "hatch"), where, NIGHT)
    assert np.array_equal(frame, plain())


def test_the_ground_below_is_in_shadow_and_outside_the_silhouette() -> None:
    params = drawn(2, "hatch")
    frame = plain(200)
    where = pose(depth_mm=6000.0, pitch_deg=10.0)
    outline = paint_vehicle(frame, params, where, DAY)
    middle = where.project(np.array([[0.0, params.plate_height_mm, 300.0]]))[0]
    assert frame[round(middle[1]) - 1, round(middle[0])].mean() < 100
    corner = where.project(np.array([[0.0, params.plate_height_mm, -600.0]]))[0]
    spot = (float(corner[0]), float(corner[1]))
    assert cv2.pointPolygonTest(outline.astype(np.float32), spot, False) < 0


def test_infrared_vehicles_are_grey() -> None:
    for index, kind in enumerate(KIND_SHARES):
        frame = plain()
        paint_vehicle(frame, drawn(index, kind), pose(), INFRARED)
        spread = frame.max(axis=2).astype(int) - frame.min(axis=2)
        assert np.percentile(spread, 99.5) <= 12


def test_night_is_darker_than_day_but_lit_lamps_glow() -> None:
    params = dataclasses.replace(drawn(2, "hatch"), lamp_lit=True)
    day, night = plain(20), plain(20)
    outline = paint_vehicle(day, params, pose(), DAY)
    paint_vehicle(night, params, pose(), NIGHT)
    mask = np.zeros((480, 640), dtype=np.uint8)
    cv2.fillPoly(mask, [np.rint(outline).astype(np.int32)], 1)
    assert np.median(night[mask > 0]) < 0.5 * np.median(day[mask > 0])
    assert night.max() > 200


def test_a_tow_ball_covers_what_it_says() -> None:
    params = dataclasses.replace(drawn(2, "estate"), tow_ball=True, bull_bar=False)
    frame = plain()
    covers = paint_vehicle_front(frame, params, pose(depth_mm=1500.0), DAY)
    assert covers
    mask = np.zeros((480, 640), dtype=np.uint8)
    for cover in covers:
        cv2.fillPoly(mask, [np.rint(cover).astype(np.int32)], 1)
    mask = cv2.dilate(mask, np.ones((5, 5), dtype=np.uint8))
    changed = np.any(frame != 140, axis=2)
    assert changed.any()
    assert not np.any(changed & (mask == 0))
    assert (
        paint_vehicle_front(frame, dataclasses.replace(params, tow_ball=False), pose(), DAY) == []
    )


def rear(index: int, **changes: object) -> VehicleParams:
    """A hatchback's rear with its plate flat in the open, changed as asked."""
    clean = {"facing": "rear", "dirt": 0.0, "stickers": (), "lettering": (), "lamp_lit": False,
             "tow_ball": False, "bull_bar": False, "bar_at": None, "plate_shade": 0.0,
             "plate_lamp": 0.0}  # fmt: skip
    return dataclasses.replace(drawn(index, "hatch"), **{**clean, **changes})


def plate_rows(frame: np.ndarray, params: VehicleParams, where: Pose) -> np.ndarray:
    """The mean brightness of each row of pixels on the plate's place, top first."""
    scale = where.px_per_mm()
    half_x, half_y = params.plate_width_mm / 2 * scale, params.plate_height_of_sheet_mm / 2 * scale
    rows = frame[int(280 - half_y) + 1 : int(280 + half_y), int(320 - half_x) : int(320 + half_x)]
    return rows.mean(axis=(1, 2))


def test_a_recess_takes_light_from_the_plates_upper_edge() -> None:
    params = rear(2, plate_shade=0.5, plate_shade_reach=0.5)
    where = pose(depth_mm=1100.0)
    frame = plain(200)
    assert paint_vehicle_front(frame, params, where, DAY) == []
    rows = plate_rows(frame, params, where)
    # Half the light at the top, all of it below the middle.
    assert rows[1] == pytest.approx(100, abs=4)
    assert rows[-1] == pytest.approx(200, abs=1)
    whole = plain(200)
    paint_vehicle_front(whole, dataclasses.replace(params, plate_shade_reach=3.0), where, DAY)
    assert plate_rows(whole, params, where)[-1] == pytest.approx(100, abs=4)


def test_the_lamp_above_a_plate_shines_at_night_only() -> None:
    params = rear(2, plate_lamp=1.0)
    where = pose(depth_mm=1100.0)
    day, night = plain(60), plain(60)
    paint_vehicle_front(day, params, where, DAY)
    paint_vehicle_front(night, params, where, NIGHT)
    assert (day == 60).all()
    rows = plate_rows(night, params, where)
    assert rows[1] > rows[-1] > 60


def test_a_bar_hides_what_its_outline_says() -> None:
    params = rear(2, bar_at=0.0)
    where = pose(depth_mm=1100.0)
    frame = plain(200)
    (outline,) = paint_vehicle_front(frame, params, where, DAY)
    # Two times 18 mm at (1100 - 110) mm: 36 px * 700 / 990 = 25 px high.
    assert np.ptp(outline[:, 1]) == pytest.approx(36 * 700 / 990, abs=0.5)
    inside = np.zeros(frame.shape[:2], np.uint8)
    cv2.fillPoly(inside, [np.rint(outline).astype(np.int32)], 1)
    changed = (frame != 200).any(axis=2)
    assert changed[inside > 0].mean() > 0.9
    # Smooth edges reach two pixels further.
    assert not changed[cv2.dilate(inside, np.ones((5, 5), np.uint8)) == 0].any()


def test_lettering_and_ovals_show_and_stay_off_the_plate() -> None:
    words = Lettering("left", "LUXVEN", 60.0, 1.0, 0.2, 0.16, True, (230, 230, 230))
    oval = Sticker(350.0, 820.0, 170.0, 110.0, (232, 232, 228), (20, 20, 24), "SK", oval=True)
    where = pose(depth_mm=2200.0)
    bare = rear(2, body=(30, 30, 34), plate_x_mm=0.0)
    frames = []
    for params in (bare, dataclasses.replace(bare, lettering=(words,), stickers=(oval,))):
        frame = plain()
        paint_vehicle(frame, params, where, DAY)
        frames.append(frame)
    changed = (frames[0] != frames[1]).any(axis=2)
    assert changed.sum() > 200
    scale = where.px_per_mm()
    half_x = int(bare.plate_width_mm / 2 * scale)
    half_y = int(bare.plate_height_of_sheet_mm / 2 * scale)
    assert not changed[280 - half_y : 280 + half_y, 320 - half_x : 320 + half_x].any()


def test_stickers_and_numbers_are_counted_as_lookalikes() -> None:
    def line(text: str) -> Lettering:
        return Lettering("left", text, 60.0, 1.0, 0.2, 0.16, True, (230, 230, 230))

    oval = Sticker(350.0, 820.0, 170.0, 110.0, (232, 232, 228), (20, 20, 24), "SK", oval=True)
    where = pose(depth_mm=1200.0)
    bare = rear(2, plate_x_mm=0.0)

    def count(at: Pose = where, **changes: object) -> int:
        return lookalikes_on(dataclasses.replace(bare, **changes), at, 640, 480)

    assert count() == 0
    assert count(lettering=(line("LUXVEN"),)) == 0
    assert count(lettering=(line("320"),)) == 1
    assert count(lettering=(line("320"),), stickers=(oval,)) == 2
    # Far away, out of the frame, and where the plate is: nothing is painted.
    assert count(pose(depth_mm=4e4), lettering=(line("320"),), stickers=(oval,)) == 0
    assert count(Pose((-900.0, 280.0), 1200.0, 700.0, (320.0, 240.0)), stickers=(oval,)) == 0
    on_plate = dataclasses.replace(oval, x_mm=0.0, h_mm=bare.plate_height_mm)
    assert count(stickers=(on_plate,)) == 0


def test_what_makers_and_dealers_write_comes_at_its_rate() -> None:
    cars = [drawn(index, "hatch") for index in range(500)]
    rears = [car for car in cars if car.facing == "rear"]
    assert all(not car.lettering for car in cars if car.facing == "front")
    named = np.mean(
        [any(one.place in ("left", "middle") for one in car.lettering) for car in rears]
    )
    # 0.12 have it across the middle, 0.72 of the rest on the left.
    assert named == pytest.approx(0.12 + 0.88 * 0.72, abs=0.07)
    plain_place = [car for car in cars if car.recess_style == "none" and min(car.body) > 150]
    assert len(plain_place) / len(cars) > 0.08
