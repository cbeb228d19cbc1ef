"""What happens to a finished frame: each effect alone, on flat grey."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from seedbed.component import dump_params, load_params
from seedbed.generators.scenes.film import FilmParams, Glow, Rain, Shadow, develop, dim, draw_film
from seedbed.generators.scenes.light import HOURS, Hour, Light, draw_light
from seedbed.streams import stream

NEUTRAL = FilmParams(
    metering=0.0,
    exposure_stops=0.0,
    white_balance=(1.0, 1.0, 1.0),
    gradient=(0.0, 0.0),
    vignette=0.0,
    shadows=(),
    glows=(),
    haze=0.0,
    rain=None,
    gamma=1.0,
    contrast=1.0,
    black_level=0.0,
    saturation=1.0,
    monochrome=False,
)
GREY = np.full((48, 64, 3), 100, dtype=np.uint8)


def test_a_neutral_film_changes_nothing() -> None:
    assert np.array_equal(develop(GREY, NEUTRAL), GREY)


def test_a_stop_doubles() -> None:
    assert np.ptp(develop(GREY, replace(NEUTRAL, exposure_stops=-1.0))) == 0
    assert develop(GREY, replace(NEUTRAL, exposure_stops=-1.0))[0, 0, 0] == 50


def test_metering_goes_its_share_of_the_way_to_middle_grey() -> None:
    out = develop(np.full((48, 64, 3), 28, np.uint8), replace(NEUTRAL, metering=0.5))
    # Four times too dark, and half way there in stops: twice as bright.
    assert out[0, 0, 0] == pytest.approx(56, abs=1)


def test_haze_moves_towards_its_veil() -> None:
    # Half way from 100 to the veil at 205.
    assert develop(GREY, replace(NEUTRAL, haze=0.5))[5, 5, 0] == pytest.approx(152.5, abs=1)


def test_a_shadow_darkens_inside_its_polygon_only_and_has_a_penumbra() -> None:
    shadow = Shadow(((-1, -1), (0.5, -1), (0.5, 2), (-1, 2)), strength=0.5, penumbra=0.02)
    row = develop(np.full((480, 640, 3), 100, np.uint8), replace(NEUTRAL, shadows=(shadow,)))[240]
    assert row[20, 0] == pytest.approx(50, abs=1)
    assert row[620, 0] == pytest.approx(100, abs=1)
    assert ((row[:, 0] > 55) & (row[:, 0] < 95)).sum() > 10


def test_a_glow_adds_light_around_its_centre() -> None:
    glow = Glow(x=0.5, y=0.5, radius=0.1, colour=(100.0, 50.0, 0.0))
    out = develop(np.full((480, 640, 3), 100, np.uint8), replace(NEUTRAL, glows=(glow,)))
    assert out[240, 320].tolist() == pytest.approx([200, 150, 100], abs=3)
    assert out[5, 5].tolist() == [100, 100, 100]


def test_rain_brightens_and_repeats() -> None:
    rainy = replace(NEUTRAL, rain=Rain(50, 0.1, 0.1, 60.0, seed=3))
    first = develop(GREY, rainy)
    assert first.mean() > 100
    assert np.array_equal(first, develop(GREY, rainy))


def test_monochrome_leaves_no_colour() -> None:
    frame = np.zeros((48, 64, 3), dtype=np.uint8)
    frame[:] = (200, 100, 50)
    out = develop(frame, replace(NEUTRAL, monochrome=True)).astype(int)
    assert np.ptp(out, axis=2).max() <= 1
    assert out[0, 0, 0] == pytest.approx(0.299 * 200 + 0.587 * 100 + 0.114 * 50, abs=1)


def test_dim_follows_the_light() -> None:
    night = Light("night", (0.0, -1.0, 0.0), 0.0, 0.2, (1.0, 1.0, 1.0), 0.0, 0.0)
    assert dim(GREY, night)[0, 0, 0] == 20


@pytest.mark.parametrize("hour", HOURS)
def test_every_hour_draws_a_light_from_above_or_beside_the_lens(hour: Hour) -> None:
    rng = stream(5)
    for _ in range(50):
        light = draw_light(rng, {hour: 1.0})
        assert light.hour == hour
        assert np.linalg.norm(light.direction) == pytest.approx(1.0)
        assert light.direction[2] <= 0
        film = draw_film(rng, light, 0.5, 0.5)
        assert load_params(FilmParams, dump_params(film)) == film
        assert film.monochrome or hour != "infrared"
