"""What nobody can read any more is labelled so and counted, whatever made it so."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from augmenter_pictures import labelled, plain

from seedbed.augmenters import (
    AlbumentationsTransform,
    Banding,
    Brightness,
    Contrast,
    Gamma,
    Posterise,
    Rain,
    SaltAndPepper,
    Shadow,
    SunFlare,
    Vignette,
)
from seedbed.augmenters.picture import PixelAugmenter
from seedbed.augmenters.picture_judging import change_of
from seedbed.geometry import rectangle
from seedbed.sample import Picture
from seedbed.streams import stream


def printed(
    height: int = 20, ground: int = 200, ink: int = 60, left: int = 90, top: int = 100
) -> Picture:
    """A plate of six characters like an E in a grey picture, its contrast as painted."""
    width = height * 4
    image = plain(110)
    image[top : top + height, left : left + width] = ground
    stroke = max(1, round(0.14 * height))
    for place in range(6):
        x, y = left + round((place + 0.2) * width / 6), top + round(0.1 * height)
        tall, broad = round(0.8 * height), round(0.6 * width / 6)
        image[y : y + tall, x : x + stroke] = ink
        for row in (y, y + tall // 2 - stroke // 2, y + tall - stroke):
            image[row : row + stroke, x : x + broad] = ink
    quad = rectangle(left, top, width, height)
    return Picture(image=image, objects=(labelled(quad, "EEEEEE", (ground - ink) / 255),))


DARK, FAINT = {"ground": 110, "ink": 60}, {"ground": 140, "ink": 90}
SMALL = {**FAINT, "height": 10}
CORNER = {"left": 0, "top": 0}

EXTREMES: list[tuple[PixelAugmenter[Any], dict[str, int], str]] = [
    (Gamma(gamma=(10, 10)), {"ground": 180}, "contrast"),
    (Shadow(depth=(0.95, 0.95), width=(2, 2)), {}, "contrast"),
    (Vignette(depth=(1, 1), radius=(0, 0), centre=(0.55, 0.55)), CORNER, "contrast"),
    (SunFlare(levels=(255, 255), x=(0.4, 0.4), y=(0.45, 0.45), radius=(1, 1)), {}, "contrast"),
    (Posterise(bits=(1, 1)), DARK, "contrast"),
    (Banding(levels=(60, 60), period_px=(4, 4), row_levels=(30, 30)), SMALL, "noisy"),
    (SaltAndPepper(share=(0.3, 0.3)), SMALL, "noisy"),
    (Rain(count=(5000, 5000), levels=(200, 200), length_px=(40, 40), haze=(0, 0)), SMALL, ""),
    (Brightness(stops=(4, 4)), {}, "contrast"),
    (Contrast(factor=(4, 4)), {"ground": 255, "ink": 225}, "contrast"),
    (
        AlbumentationsTransform(
            transform="GaussianBlur", arguments={"blur_limit": 0, "sigma_limit": (30, 30)}
        ),
        {},
        "contrast",
    ),
    (
        AlbumentationsTransform(
            transform="GaussNoise", arguments={"std_range": (0.4, 0.4), "mean_range": (0, 0)}
        ),
        SMALL,
        "noisy",
    ),
]


@pytest.mark.parametrize(("augmenter", "plate", "reason"), EXTREMES)
def test_at_its_extreme_it_leaves_a_plate_that_is_labelled_and_counted(
    augmenter: PixelAugmenter[Any], plate: dict[str, int], reason: str
) -> None:
    sample = printed(**plate)
    made = augmenter(sample, stream(0))
    (found,) = made.objects
    assert not found.legible
    assert found.illegible_reason in ({reason} if reason else {"contrast", "noisy"})
    assert made.counts == {f"illegible:{found.illegible_reason}": 1}
    assert np.array_equal(found.quad, sample.objects[0].quad)


@pytest.mark.parametrize(
    "augmenter",
    [
        Gamma(gamma=(0.9, 0.9)),
        Gamma(gamma=(1.1, 1.1)),
        Shadow(depth=(0.1, 0.1)),
        Vignette(depth=(0.1, 0.1)),
        SunFlare(levels=(30, 30)),
        Posterise(bits=(7, 7)),
        Banding(levels=(1, 1), row_levels=(0, 0)),
        SaltAndPepper(share=(0.0005, 0.0005)),
        Rain(count=(10, 10), levels=(10, 10), haze=(0, 0)),
        Brightness(stops=(0.1, 0.1)),
        Contrast(factor=(1.1, 1.1)),
        AlbumentationsTransform(
            transform="GaussianBlur", arguments={"blur_limit": 0, "sigma_limit": (0.3, 0.3)}
        ),
    ],
)
@pytest.mark.parametrize("plate", [{}, SMALL])
def test_at_its_mildest_it_leaves_a_plate_legible(
    augmenter: PixelAugmenter[Any], plate: dict[str, int]
) -> None:
    made = augmenter(printed(**plate), stream(0))
    assert made.objects[0].legible
    assert made.counts == {}


def test_a_known_change_is_measured_as_it_is() -> None:
    sample = printed()
    half = (sample.image // 2 + 60).astype(np.uint8)
    change = change_of(sample.objects[0], sample.image, half)
    assert change.gain == pytest.approx(0.5, abs=0.01)
    assert change.noise_levels < 1
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 12, size=(*sample.image.shape[:2], 1))
    noisy = np.clip(sample.image + noise, 0, 255).astype(np.uint8)
    change = change_of(sample.objects[0], sample.image, noisy)
    # The least of six slopes, each off by 12 / 60 over the root of its 270 pixels.
    assert change.gain == pytest.approx(1.0, abs=0.05)
    assert change.noise_levels == pytest.approx(12, rel=0.1)


def test_light_and_shade_over_whole_characters_are_no_noise() -> None:
    sample = printed()
    ramp = np.linspace(0, 50, 320)[None, :, None]
    change = change_of(sample.objects[0], sample.image, (sample.image + ramp).astype(np.uint8))
    assert change.gain == pytest.approx(1.0, abs=0.02)
    assert change.noise_levels < 3


def test_the_worst_character_decides() -> None:
    sample = printed()
    after = sample.image.copy()
    # The plate spans x = 90..170: the first two of its six characters are burnt out.
    after[:, 88:118] = 255
    assert change_of(sample.objects[0], sample.image, after).gain < 0.06


def test_a_plate_that_stands_askew_is_measured_by_its_own_pixels() -> None:
    flat = printed(height=30)
    turn = cv2.getRotationMatrix2D((150.0, 115.0), 25, 1)
    image = np.asarray(cv2.warpAffine(flat.image, turn, (320, 240)), dtype=np.uint8)
    quad = np.asarray(cv2.transform(flat.objects[0].quad[None], turn)[0], dtype=np.float64)
    askew = labelled(quad, "EEEEEE")
    rng = np.random.default_rng(2)
    # Around the plate something bright comes and goes; on it levels are halved.
    shape = np.zeros((240, 320), np.uint8)
    cv2.fillConvexPoly(shape, np.round(quad).astype(np.int32), 1)
    after = np.where(shape[:, :, None] > 0, image // 2, rng.integers(0, 255, (240, 320, 1)))
    change = change_of(askew, image, after.astype(np.uint8))
    assert change.gain == pytest.approx(0.5, abs=0.1)


def test_bright_contrast_is_won_back_only_where_nothing_clips() -> None:
    twice = Brightness(stops=(1, 1))(printed(ground=100, ink=30), stream(0))
    assert twice.objects[0].attributes["contrast"] == pytest.approx(140 / 255, abs=0.001)
    clipped = Brightness(stops=(1, 1))(printed(ground=200, ink=100), stream(0))
    # 200 to 400 is cut at 255, 100 becomes 200: a difference of 100 is 55.
    assert clipped.objects[0].attributes["contrast"] == pytest.approx(55 / 255, abs=0.01)
