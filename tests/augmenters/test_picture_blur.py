"""Blurs have the width they say, and labels are judged by it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from augmenter_pictures import labelled, plain, scene
from numpy.typing import NDArray

from seedbed.augmenters import (
    DefocusBlur,
    GaussianBlur,
    JpegCompression,
    MotionBlur,
    Rescale,
    Scale,
    ZoomBlur,
)
from seedbed.augmenters.picture_blur import disc_kernel, gaussian, line_kernel, unsharp
from seedbed.augmenters.picture_labels import MAX_SMEAR, smeared
from seedbed.geometry import rectangle
from seedbed.sample import Picture
from seedbed.streams import stream


def edge(upright: bool = True) -> NDArray[np.uint8]:
    step = plain(20)
    if upright:
        step[:, 160:] = 220
    else:
        step[120:] = 220
    return step


def spread_px(image: NDArray[np.uint8], upright: bool = True) -> float:
    """The standard deviation of the blur that made an edge of this profile."""
    profile = image[120, :, 0] if upright else image[:, 160, 0]
    slope = np.diff(profile.astype(float))
    slope /= slope.sum()
    place = np.arange(len(slope))
    centre = (slope * place).sum()
    return float(np.sqrt((slope * (place - centre) ** 2).sum()))


@pytest.mark.parametrize("sigma", [0.8, 2.0, 4.0, 8.0])
def test_a_gaussian_has_its_sigma(sigma: float) -> None:
    made = GaussianBlur(sigma_px=(sigma, sigma)).augment_image(edge(), stream(0)).image
    assert np.isclose(spread_px(made), sigma, rtol=0.08)


@pytest.mark.parametrize("radius", [1.5, 3.0, 8.0])
def test_a_disc_spreads_by_half_its_radius(radius: float) -> None:
    made = DefocusBlur(radius_px=(radius, radius)).augment_image(edge(), stream(0)).image
    assert np.isclose(spread_px(made), radius / 2, rtol=0.2, atol=0.1)


@pytest.mark.parametrize("length", [5.0, 9.0, 25.0, 60.0])
def test_motion_spreads_along_its_line_alone(length: float) -> None:
    level = MotionBlur(length_px=(length, length), angle_deg=(0, 0))
    along = level.augment_image(edge(), stream(0)).image
    assert np.isclose(spread_px(along), np.sqrt((length**2 - 1) / 12), rtol=0.1)
    across = level.augment_image(edge(upright=False), stream(0)).image
    assert spread_px(across, upright=False) < 0.3
    down = MotionBlur(length_px=(length, length), angle_deg=(90, 90))
    fallen = down.augment_image(edge(upright=False), stream(0)).image
    assert spread_px(fallen, upright=False) > 0.9 * np.sqrt((length**2 - 1) / 12)


def test_kernels_sum_to_one_about_their_middle() -> None:
    for kernel in (disc_kernel(2.3), line_kernel(7.5, 33), line_kernel(1, 0)):
        rows, columns = np.mgrid[: kernel.shape[0], : kernel.shape[1]]
        assert np.isclose(kernel.sum(), 1)
        assert np.isclose((kernel * rows).sum(), (kernel.shape[0] - 1) / 2, atol=0.02)
        assert np.isclose((kernel * columns).sum(), (kernel.shape[1] - 1) / 2, atol=0.02)


def test_zooming_spares_the_centre_and_smears_the_rim() -> None:
    zoom = ZoomBlur(amount=(0.1, 0.1), centre=(0.5, 0.5))
    middle = zoom.augment_image(edge(), stream(0)).image
    rim = plain(20)
    rim[:, 300:] = 220
    made = zoom.augment_image(rim, stream(0)).image
    assert spread_px(middle) < 1.0
    # 140 pixels from the centre a tenth is 14, spread evenly: 14 / sqrt(12) is 4.
    assert np.isclose(spread_px(made), 4.0, rtol=0.2)


def test_a_picture_rescaled_has_as_many_pixels_as_before_and_less_detail() -> None:
    made = Rescale(scale=(0.25, 0.25)).augment_image(edge(), stream(0)).image
    assert made.shape == (240, 320, 3)
    fine = plain(0)
    fine[::2] = 200
    grey = Rescale(scale=(0.25, 0.25)).augment_image(fine, stream(0)).image
    assert fine.std() == 100
    assert grey.std() < 5


def plate(height: float) -> Picture:
    return Picture(image=plain(), objects=(labelled(rectangle(60, 60, 4 * height, height), "AB"),))


@pytest.mark.parametrize(
    ("augmenter", "sigma"),
    [
        (GaussianBlur(sigma_px=(2, 2)), 2.0),
        (DefocusBlur(radius_px=(4, 4)), 2.0),
        (MotionBlur(length_px=(7, 7)), 2.0),
        (Rescale(scale=(0.35, 0.35)), 2.0),
        (JpegCompression(quality=(10, 10)), 1.2),
    ],
)
def test_text_smaller_than_the_blur_allows_is_illegible(augmenter: Any, sigma: float) -> None:
    limit = sigma / MAX_SMEAR
    small, large = (
        augmenter(plate(0.9 * limit), stream(0)),
        augmenter(plate(1.1 * limit), stream(0)),
    )
    assert np.isclose(small.objects[0].attributes["blur_px"], sigma, rtol=0.01)
    assert (small.objects[0].legible, small.objects[0].illegible_reason) == (False, "blurred")
    assert small.counts == {"illegible:blurred": 1}
    assert large.objects[0].legible
    assert large.counts == {}


def test_blurs_add_up_and_grow_with_the_picture() -> None:
    twice = smeared(smeared(scene(), 3.0), 4.0)
    assert twice.objects[0].attributes["blur_px"] == 5.0
    larger = Scale(factor=(2, 2))(twice, stream(0))
    assert np.isclose(larger.objects[0].attributes["blur_px"], 10.0)


def test_what_was_illegible_before_keeps_its_reason() -> None:
    once = smeared(scene(), 6.0)
    assert once.counts == {"illegible:blurred": 1}
    again = smeared(once, 6.0)
    assert again.objects[0].illegible_reason == "blurred"
    assert again.counts == {"illegible:blurred": 1}


def test_zoom_judges_each_label_by_its_distance_from_the_centre() -> None:
    near, far = rectangle(150, 112, 40, 16), rectangle(270, 112, 40, 16)
    sample = Picture(image=plain(), objects=(labelled(near, "AB"), labelled(far, "AB")))
    made = ZoomBlur(amount=(0.1, 0.1), centre=(0.5, 0.5))(sample, stream(0))
    assert [one.legible for one in made.objects] == [True, False]
    assert made.counts == {"illegible:blurred": 1}


@pytest.mark.parametrize("sigma", [0.3, 0.5, 0.7, 0.81, 0.9, 1.0])
def test_narrow_gaussians_are_mixed_to_their_variance(sigma: float) -> None:
    for upright in (True, False):
        assert spread_px(gaussian(edge(upright), sigma), upright) == pytest.approx(sigma, rel=0.02)


@pytest.mark.parametrize("sigma", [0.7, 1.3, 2.0])
def test_an_unsharp_mask_bends_a_parabola_by_its_variance(sigma: float) -> None:
    """A Gaussian adds sigma^2 times half the second derivative, which the mask takes away."""
    ramp = np.arange(-60.0, 61.0) ** 2 / 20 + 20
    picture = np.repeat(np.repeat(ramp[None, :, None], 40, axis=0), 3, axis=2)
    made = unsharp(np.round(picture).astype(np.uint8), sigma, 2.0)
    lowered = (picture - made)[20, 40:81, 0].mean()
    assert lowered == pytest.approx(2.0 * sigma**2 * (2 / 20) / 2, abs=0.15)
