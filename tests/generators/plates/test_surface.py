from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from seedbed.component import dump_params, load_params
from seedbed.generators.plates.surface import (
    BoltParams,
    CoverParams,
    SpotParams,
    SurfaceParams,
    _spot_mask,
    draw_cover,
    draw_surface,
    is_bare,
    paint_cover,
    shade_face,
)
from seedbed.generators.scenes.light import Light
from seedbed.streams import stream

SIZE_MM = (520.0, 110.0)
STRAIGHT_ON = (0.0, 0.0, -1.0)
FULL_DAY = Light("day", STRAIGHT_ON, 0.5, 0.5, (1.0, 1.0, 1.0), 0.0, 0.0)
NEW = SurfaceParams(
    noise_seed=1,
    emboss=0.0,
    waviness=0.0,
    gradient=(0.0, 0.0),
    retro_grain=0.0,
    fade=0.0,
    dirt_colour=(90, 80, 70),
    dirt_film=0.0,
    dirt_patchy=0.0,
    dirt_bottom=0.0,
    dirt_around=0.0,
    mud=0.0,
    chips=0.0,
    rust=(),
    scratches=(),
    residue=None,
    highlight=None,
    film_glare=0.0,
    bent_corner=None,
    bent_mm=30.0,
    bent_shade=-0.3,
    bolts=BoltParams("steel", (160, 160, 164), 6.0, 30.0, "none"),
)


def flat(level: int = 120) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    shape = (44, 208)
    rgb = np.full((*shape, 3), level, np.uint8)
    return rgb, np.full(shape, 255, np.uint8), np.zeros(shape, np.uint8)


def shade(params: SurfaceParams, light: Light = FULL_DAY, level: int = 120) -> np.ndarray:
    rgb, alpha, relief = flat(level)
    return shade_face(rgb, alpha, relief, 0.4, (), params, light, light.direction)


def test_a_new_plate_in_full_day_keeps_its_colours() -> None:
    assert np.abs(shade(NEW).astype(int) - 120).max() <= 1


def test_light_multiplies_by_level_and_colour() -> None:
    warm = replace(FULL_DAY, key=0.25, ambient=0.25, colour=(1.2, 1.0, 0.8))
    assert shade(NEW, warm)[20, 100].tolist() == pytest.approx([72, 60, 48], abs=1)


def test_directed_light_falls_off_with_the_cosine() -> None:
    slanted = replace(FULL_DAY, direction=(0.8, 0.0, -0.6))
    assert shade(NEW, slanted)[20, 100, 0] == pytest.approx(120 * (0.5 + 0.5 * 0.6), abs=1)


def test_retroreflection_adds_to_the_colours() -> None:
    flash = replace(FULL_DAY, key=0.0, ambient=0.2, retro=1.0)
    assert shade(NEW, flash)[20, 100, 0] == pytest.approx(120 * 1.2, abs=2)


def test_relief_is_bright_towards_the_light() -> None:
    rgb, alpha, relief = flat()
    relief[15:30, 80:120] = 255
    from_left = replace(FULL_DAY, direction=(-0.6, 0.0, -0.8), ambient=0.2)
    params = replace(NEW, emboss=0.6)
    shaded = shade_face(rgb, alpha, relief, 0.4, (), params, from_left, from_left.direction)
    left, right, level = (
        shaded[22, 79:81, 0].max(),
        shaded[22, 119:121, 0].min(),
        shaded[22, 100, 0],
    )
    assert left > level + 10
    assert right < level - 10


@pytest.mark.parametrize("key", ["dirt_film", "dirt_patchy", "dirt_bottom", "fade"])
def test_wear_draws_white_towards_grey_and_nothing_given_changes(key: str) -> None:
    rgb, alpha, relief = flat(240)
    before = rgb.copy()
    worn = shade_face(
        rgb, alpha, relief, 0.4, (), replace(NEW, **{key: 0.8}), FULL_DAY, STRAIGHT_ON
    )
    assert worn.mean() < 232
    assert (rgb == before).all()


def test_dirt_gathers_at_the_bottom() -> None:
    worn = shade(replace(NEW, dirt_bottom=0.8), level=240)
    assert worn[-8:].mean() < worn[:8].mean() - 30


def test_rust_stays_near_its_spot() -> None:
    spot = SpotParams(0.25, 0.5, 6.0, 1.0, 0.0, 0.9)
    worn = shade(replace(NEW, rust=(spot,)), level=240)
    assert worn[22, 52, 2] < 200
    assert np.abs(worn[:, 120:].astype(int) - 240).max() <= 1


def test_a_bent_corner_changes_that_corner_only() -> None:
    worn = shade(replace(NEW, bent_corner=2))
    assert worn[43, 207, 0] < 100
    assert worn[0, 0, 0] == pytest.approx(120, abs=1)


def test_bolts_sit_where_the_layout_says() -> None:
    rgb, alpha, relief = flat(240)
    shaded = shade_face(rgb, alpha, relief, 0.4, ((100.0, 50.0),), NEW, FULL_DAY, STRAIGHT_ON)
    changed = np.argwhere(shaded[..., 0] < 200)
    centre = changed.mean(axis=0)
    assert centre == pytest.approx([20, 40], abs=1.5)
    # A bolt off the picture is left out.
    outside = shade_face(rgb, alpha, relief, 0.4, ((900.0, 50.0),), NEW, FULL_DAY, STRAIGHT_ON)
    assert (outside >= 238).all()


def test_strength_zero_is_clean_and_most_plates_are_nearly() -> None:
    rng = stream(5, "surface")
    new = [draw_surface(rng, 0.0, SIZE_MM) for _ in range(50)]
    assert all(p.dirt_film == p.mud == p.fade == 0.0 and not p.rust for p in new)
    usual = [draw_surface(rng, 1.0, SIZE_MM) for _ in range(300)]
    assert np.median([p.dirt_film for p in usual]) < 0.2
    assert np.mean([p.mud > 0 for p in usual]) < 0.12


def test_the_same_parameters_give_the_same_picture_in_any_order() -> None:
    drawn = [draw_surface(stream(2, i), 2.0, SIZE_MM) for i in range(4)]
    first = [shade(params) for params in drawn]
    again = [shade(params) for params in reversed(drawn)][::-1]
    assert all((a == b).all() for a, b in zip(first, again, strict=True))


def test_parameters_survive_json() -> None:
    for index in range(40):
        params = draw_surface(stream(1, index), 3.0, SIZE_MM)
        assert load_params(SurfaceParams, dump_params(params)) == params
        cover = draw_cover(stream(1, index), 1.0, SIZE_MM)
        assert cover is not None
        assert load_params(CoverParams, dump_params(cover)) == cover


def test_covers_come_at_their_rate_and_hide_a_part_only() -> None:
    rng = stream(4, "cover")
    shown = sum(draw_cover(rng, 0.05, SIZE_MM) is not None for _ in range(600))
    assert 12 < shown < 54
    assert draw_cover(rng, 0.0, SIZE_MM) is None
    kinds = set()
    for _ in range(150):
        cover = draw_cover(rng, 1.0, SIZE_MM)
        assert cover is not None
        kinds.add(cover.kind)
        rgba = paint_cover((44, 208), (0.0, 0.0), 0.4, SIZE_MM, cover, FULL_DAY)
        assert rgba.shape == (44, 208, 4)
        assert (rgba[..., 3] > 127).mean() < 0.55
    assert len(kinds) == 6


def test_a_tow_ball_is_a_disc_of_its_radius() -> None:
    ball = CoverParams("tow_ball", (260.0, 60.0), (260.0, 60.0), 25.0, 0.0, (40, 40, 42), 1)
    rgba = paint_cover((44, 208), (0.0, 0.0), 0.4, SIZE_MM, ball, FULL_DAY)
    covered = rgba[..., 3].astype(float).sum() / 255
    assert covered == pytest.approx(np.pi * 10**2, rel=0.12)


def test_lower_holes_lose_their_bolts_first():
    bolt = BoltParams("steel", (160, 160, 164), 6.0, 30.0, "lower")
    assert is_bare(bolt, 120.0, 130.0)
    assert not is_bare(bolt, 9.0, 130.0)
    assert is_bare(replace(bolt, missing="all"), 9.0, 130.0)
    assert not is_bare(replace(bolt, missing="none"), 120.0, 130.0)


def test_bare_holes_and_steep_edges_come_at_their_rates():
    drawn = [draw_surface(stream(9, i), 1.0, SIZE_MM, 0.75) for i in range(400)]
    kinds = [surface.bolts.missing for surface in drawn]
    # 12 in 100 have none at all; of the others 75 in 100 none below: 66 in 100.
    assert abs(kinds.count("all") - 48) < 20
    assert abs(kinds.count("lower") - 264) < 29
    assert abs(sum(surface.emboss > 0.8 for surface in drawn) - 80) < 24


def test_a_wide_stain_falls_off_as_exp_of_the_squared_distance():
    spot = SpotParams(0.5, 0.5, 40.0, 2.0, 0.0, 1.0)
    mask = _spot_mask((100, 400), spot, 1.0, soft=True)
    assert mask.shape == (100, 400)
    # 1/e, or 94 of 255, at its radius across and at twice that along; it is even on both sides.
    assert mask[50, 200] >= 254
    assert abs(int(mask[90, 200]) - 94) < 6 and abs(int(mask[50, 280]) - 94) < 6
    assert abs(int(mask[50, 150]) - int(mask[50, 250])) < 6
