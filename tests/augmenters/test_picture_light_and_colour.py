"""Levels, colours, noise and compression, by numbers a reader can check."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from augmenter_pictures import labelled, plain, scene, textured
from numpy.typing import NDArray
from pydantic import ValidationError

from seedbed import registry
from seedbed.augmenters import (
    AlbumentationsTransform,
    Banding,
    Brightness,
    ChannelShuffle,
    ChromaticAberration,
    Clahe,
    ColourTemperature,
    Contrast,
    Fog,
    Gamma,
    GaussianNoise,
    Grey,
    InvertColours,
    IsoNoise,
    JpegCompression,
    Posterise,
    SaltAndPepper,
    Saturation,
    Shadow,
    Sharpen,
    ShotNoise,
    SunFlare,
    Vignette,
    WebpCompression,
)
from seedbed.augmenters.colour_temperature import white_gains
from seedbed.augmenters.picture import compose
from seedbed.augmenters.picture_noise import FIELD_PX, NoiseKind, noise_window, photon_sigma
from seedbed.geometry import rectangle
from seedbed.sample import Picture
from seedbed.streams import stream


def painted(augmenter: Any, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    found: NDArray[np.uint8] = augmenter.augment_image(image, stream(0)).image
    return found


def coloured(red: int, green: int, blue: int) -> NDArray[np.uint8]:
    return np.broadcast_to(np.array([red, green, blue], np.uint8), (24, 32, 3)).copy()


@pytest.mark.parametrize(
    ("augmenter", "before", "after"),
    [
        (Brightness(stops=(1, 1)), (50, 100, 200), (100, 200, 255)),
        (Brightness(stops=(-1, -1)), (50, 100, 200), (25, 50, 100)),
        (Contrast(factor=(0.5, 0.5)), (28, 128, 228), (78, 128, 178)),
        (Contrast(factor=(2, 2)), (28, 128, 228), (0, 128, 255)),
        (Gamma(gamma=(2, 2)), (0, 128, 255), (0, 64, 255)),
        (Saturation(factor=(0, 0)), (100, 0, 0), (30, 30, 30)),
        (Saturation(factor=(1, 1)), (9, 99, 199), (9, 99, 199)),
        (Grey(), (0, 100, 0), (59, 59, 59)),
        (InvertColours(), (0, 100, 255), (255, 155, 0)),
        (Posterise(bits=(1, 1)), (127, 128, 255), (0, 128, 128)),
        (Posterise(bits=(4, 4)), (15, 16, 255), (0, 16, 240)),
        (ColourTemperature(kelvin=(6500, 6500)), (10, 100, 200), (10, 100, 200)),
    ],
)
def test_levels_by_hand(
    augmenter: Any, before: tuple[int, int, int], after: tuple[int, int, int]
) -> None:
    assert painted(augmenter, coloured(*before))[0, 0].tolist() == list(after)


def test_low_temperatures_are_orange_and_luma_is_kept() -> None:
    for kelvin in (2000, 3000, 5000, 8000, 20000):
        gains = white_gains(kelvin)
        assert np.isclose(gains @ [0.299, 0.587, 0.114], 1)
        assert (gains[0] > gains[2]) == (kelvin < 6500)


def test_channels_change_places_and_never_stay() -> None:
    orders = set()
    for index in range(30):
        made = ChannelShuffle().augment_image(coloured(10, 20, 30), stream(1, index)).image
        orders.add(tuple(made[0, 0].tolist()))
    assert len(orders) == 5
    assert (10, 20, 30) not in orders


def test_clahe_raises_local_contrast() -> None:
    flat = (textured() // 8 + 100).astype(np.uint8)
    assert painted(Clahe(clip_limit=(4, 4)), flat).std() > 1.5 * flat.std()


def test_sharpening_overshoots_at_an_edge() -> None:
    step = plain(100)
    step[:, 160:] = 150
    sharp = painted(Sharpen(amount=(1, 1), sigma_px=(1, 1)), step)
    assert sharp.min() < 95
    assert sharp.max() > 155
    assert sharp[0, 0, 0] == 100


@pytest.mark.parametrize("sigma", [2.0, 6.0, 20.0])
def test_gaussian_noise_has_its_sigma_everywhere(sigma: float) -> None:
    for level in (90, 128):
        made = painted(GaussianNoise(sigma_levels=(sigma, sigma)), plain(level))
        assert np.isclose(made.mean(), level, atol=0.3)
        assert np.isclose(made.std(), sigma, rtol=0.05)


@pytest.mark.parametrize("photons", [300.0, 1000.0, 5000.0])
def test_shot_noise_is_that_of_counted_photons(photons: float) -> None:
    # In linear light (level / 255) ** 2.2 of `photons` arrive, with Poisson noise.
    for level in (60, 120, 200):
        made = painted(ShotNoise(photons=(photons, photons)), plain(level))
        rng = stream(9, level)
        counts = rng.poisson(photons * (level / 255) ** 2.2, size=20_000)
        exact = 255 * (counts / photons) ** (1 / 2.2)
        assert np.isclose(made.std(), exact.std(), rtol=0.15)
        assert np.isclose(made.mean(), level, atol=0.5)


def test_readout_adds_noise_in_the_dark_most() -> None:
    quiet, loud = photon_sigma(1000), photon_sigma(1000, 6)
    assert loud[20] / quiet[20] > 2
    assert loud[240] / quiet[240] < 1.1


def test_sensor_noise_is_wider_than_a_pixel_and_white_noise_is_not() -> None:
    def neighbours(kind: NoiseKind) -> float:
        field = noise_window(kind, 400, 400, 1)[:, :, 0].astype(float) - 128
        return float(np.mean(field[:, 1:] * field[:, :-1]) / np.mean(field**2))

    assert abs(neighbours("white")) < 0.02
    assert neighbours("sensor") > 0.2
    assert neighbours("chroma") > neighbours("sensor")


def test_noise_differs_by_seed_and_reaches_over_large_pictures() -> None:
    assert not np.array_equal(
        noise_window("white", 50, 60, 1), noise_window("white", 50, 60, 2)
    )  # fmt: skip
    large = noise_window("white", 40, FIELD_PX + 100, 3)
    assert large.shape == (40, FIELD_PX + 100, 3)
    assert np.array_equal(large[:, :100], large[:, FIELD_PX:])


def test_iso_noise_is_worst_in_the_dark_and_bounded() -> None:
    made = {
        level: painted(
            IsoNoise(photons=(600, 600), read_electrons=(4, 4), colour_levels=(0, 0)), plain(level)
        )
        for level in (40, 200)
    }
    assert made[40].std() > 1.5 * made[200].std()
    assert painted(IsoNoise(photons=(10, 10)), plain(60)).std() < 25


def test_salt_and_pepper_hits_its_share() -> None:
    made = painted(SaltAndPepper(share=(0.05, 0.05)), plain(100))
    changed = (made != 100).any(axis=2)
    # 3840 of 76800 pixels are drawn; a few twice.
    assert 0.045 < changed.mean() <= 0.05
    assert set(np.unique(made).tolist()) == {0, 100, 255}


def test_banding_is_the_same_along_each_line() -> None:
    made = painted(Banding(levels=(10, 10), row_levels=(0, 0), upright_rate=0), plain(100))
    assert (made == made[:, :1]).all()
    assert (made.max(), made.min()) == (110, 90)
    upright = painted(Banding(levels=(10, 10), upright_rate=1), plain(100))
    assert (upright == upright[:1]).all()


def test_chromatic_aberration_leaves_green_and_the_centre() -> None:
    sample = textured()
    made = painted(ChromaticAberration(amount=(0.02, 0.02)), sample)
    assert np.array_equal(made[:, :, 1], sample[:, :, 1])
    assert not np.array_equal(made[:, :, 0], sample[:, :, 0])


def test_chromatic_aberration_moves_red_by_its_share_of_the_way_from_the_centre() -> None:
    step = plain(0)
    step[:, 260:] = 200
    made = painted(ChromaticAberration(amount=(0.02, 0.02)), step)
    # The edge is 100 pixels from the centre at 160, and so moves by 2.
    dark, light = made[120, 259:262, 0], made[120, 262:265, 0]
    assert dark.max() < 10
    assert light.min() > 190


def test_vignette_darkens_corners_and_not_the_middle() -> None:
    made = painted(Vignette(depth=(0.4, 0.4), radius=(0.2, 0.2), centre=(0.5, 0.5)), plain(200))
    assert made[120, 160, 0] == 200
    assert abs(int(made[0, 0, 0]) - 120) < 10


def test_shadow_darkens_by_its_depth_at_most() -> None:
    made = painted(Shadow(depth=(0.5, 0.5), width=(1.5, 1.5), penumbra=(0, 0)), plain(200))
    assert made.min() in (99, 100, 101)
    assert made.max() <= 200


def test_sun_flare_only_adds_light() -> None:
    sample = textured()
    made = painted(SunFlare(), sample)
    assert (made >= sample).all()
    assert made.mean() > sample.mean()


def test_fog_goes_towards_its_level_and_takes_contrast_from_labels() -> None:
    fog = Fog(density=(0.5, 0.5), rise=(0, 0), patchiness=(0, 0), level=(200, 200))
    made = fog(Picture(image=plain(100), objects=scene().objects), stream(0))
    assert abs(int(made.image[5, 5, 0]) - 150) <= 2
    assert np.isclose(made.objects[0].attributes["contrast"], 0.3, atol=0.01)
    thick = fog.model_copy(update={"density": (0.9, 0.9)})
    faint = Picture(image=plain(), objects=(labelled(rectangle(90, 100, 120, 28), contrast=0.3),))
    lost = thick(faint, stream(0))
    assert lost.objects[0].illegible_reason == "contrast"
    assert lost.counts == {"illegible:contrast": 1}


@pytest.mark.parametrize("cls", [JpegCompression, WebpCompression])
def test_compression_loses_more_at_lower_quality(cls: Any) -> None:
    sample = textured()
    losses = [
        np.abs(painted(cls(quality=(q, q)), sample).astype(int) - sample).mean()
        for q in (95, 60, 10)
    ]
    assert 0 < losses[0] < losses[1] < losses[2]
    with pytest.raises(ValidationError, match="within 1 to 100"):
        cls(quality=(0, 50))


def test_any_transform_of_albumentations_runs_under_our_seed() -> None:
    augmenter = AlbumentationsTransform(transform="RandomToneCurve", arguments={"scale": 0.3})
    assert augmenter.depends_on() == ("albumentations",)
    image = textured()
    np.random.seed(1)  # noqa: NPY002
    first = augmenter.augment_image(image, stream(4)).image
    np.random.seed(2)  # noqa: NPY002
    again = augmenter.augment_image(image, stream(4)).image
    other = augmenter.augment_image(image, stream(5)).image
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert not np.array_equal(first, image)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"transform": "RandomToneCurv"}, "no picture transform 'RandomToneCurv', did you mean"),
        ({"transform": "Rotate"}, "Rotate moves pixels, so labels would not follow"),
        (
            {"transform": "RandomToneCurve", "arguments": {"scal": 1}},
            "RandomToneCurve refuses its arguments",
        ),
    ],
)
def test_what_albumentations_lacks_or_refuses_is_said(
    fields: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValidationError, match=sentence):
        AlbumentationsTransform(**fields)


def test_composed_augmenters_run_in_order() -> None:
    both = compose([Brightness(stops=(1, 1)), InvertColours()])
    made = both(Picture(image=plain(50)), stream(0))
    assert made.image[0, 0, 0] == 155


def test_an_exposure_takes_contrast_and_noise_hides_what_is_small_and_faint() -> None:
    darker = Brightness(stops=(-1, -1))(scene(), stream(0))
    assert darker.objects[0].attributes["contrast"] == 0.3
    faint = labelled(rectangle(90, 100, 60, 10), contrast=0.1)
    noise = GaussianNoise(sigma_levels=(15, 15))
    made = noise(Picture(image=plain(), objects=(faint,)), stream(0))
    # A contrast of 0.1 over 10 pixels is worth 1; 15 levels of noise need 0.082 * 15 = 1.23.
    assert made.objects[0].illegible_reason == "noisy"
    assert noise(scene(), stream(0)).objects[0].legible


def test_colours_leave_labels_as_they_are() -> None:
    for name in ("saturation", "grey", "colour-temperature", "invert-colours", "sharpen"):
        sample = scene()
        made = registry.resolve("augmenters", name)()(sample, stream(0))
        assert made.objects == sample.objects
