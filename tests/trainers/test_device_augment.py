"""Twins of augmenters: each paints what its augmenter does, to within a grey level or so."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from seedbed import registry
from seedbed.errors import InputError
from seedbed.streams import stream
from seedbed.trainers.augment import AugmenterSpec, make_augmenters
from seedbed.trainers.device_augment import (
    TWINS,
    bell_kernel,
    draw_augmenters,
    find_twins,
    line_kernel,
    paint_twins,
    quantisation_steps,
)
from seedbed.trainers.locate import LocateSettings
from seedbed.trainers.read import ReadSettings

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def picture(scenes: list[Any]) -> Any:
    """Sizes that are no multiples of 8."""
    return np.ascontiguousarray(scenes[0].image[3:120, 5:180])


def painted(name: str, image: Any, values: list[dict[str, Any]]) -> tuple[Any, Any]:
    """Pictures as the augmenter paints them one by one, and as its twin does all at once."""
    cls = registry.resolve("augmenters", name)
    params = [cls.params_type(**one) for one in values]
    cpu = np.stack([cls().paint(image, one) for one in params]).astype(np.float64)
    batch = torch.from_numpy(np.stack([image] * len(params))).permute(0, 3, 1, 2).float()
    twin = paint_twins(batch, [TWINS[name]], [(one,) for one in params])
    return cpu, twin.permute(0, 2, 3, 1).double().numpy()


@pytest.mark.parametrize(
    ("name", "values", "most"),
    [
        ("gaussian-blur", [{"sigma_px": s} for s in (0.1, 0.3, 0.6, 0.9, 1.2, 2.0)], 0.6),
        # The augmenter makes these at half the size.
        ("gaussian-blur", [{"sigma_px": s} for s in (3.0, 6.0)], 1.0),
        (
            "motion-blur",
            [
                {"length_px": length, "angle_deg": angle}
                for length, angle in ((1, 0), (2, 10), (5.5, -25), (9, 30), (8, 90))
            ],
            0.01,
        ),
        # The augmenter doubles short ones and rounds the way to whole pixels.
        ("motion-blur", [{"length_px": 20.0, "angle_deg": 20.0}], 3.0),
        ("brightness", [{"stops": s} for s in (-0.6, 0.0, 0.6)], 0.001),
        ("contrast", [{"factor": f} for f in (0.7, 1.0, 1.3)], 0.03),
        ("grey", [{}], 0.01),
        (
            "jpeg-compression",
            [
                {"quality": q, "subsampling": s}
                for q in (10, 30, 60, 90)
                for s in ("4:4:4", "4:2:2", "4:2:0")
            ],
            1.2,
        ),
    ],
)
def test_a_twin_paints_as_its_augmenter(picture, name, values, most):
    cpu, twin = painted(name, picture, values)
    errors = np.abs(cpu - twin).mean(axis=(1, 2, 3))
    changed = np.abs(cpu - picture).mean(axis=(1, 2, 3))
    assert (errors < most).all(), errors
    # Far less than what the augmenter itself does.
    assert (errors <= np.maximum(0.45 * changed, 0.02)).all(), (errors, changed)


def test_noise_has_the_strength_that_was_drawn():
    image = np.full((200, 300, 3), 128, dtype=np.uint8)
    values = [{"sigma_levels": sigma, "seed": 7} for sigma in (2.0, 10.0)]
    _, noisy = painted("gaussian-noise", image, values)
    assert noisy.mean(axis=(1, 2, 3)) == pytest.approx([128, 128], abs=0.1)
    assert noisy.std(axis=(1, 2, 3)) == pytest.approx([2.02, 10.0], rel=0.02)
    across = (noisy[1, :, 1:] - 128) * (noisy[1, :, :-1] - 128)
    assert abs(across.mean()) < 1.0
    assert (painted("gaussian-noise", image, values)[1] == noisy).all()
    values = [{**one, "seed": 8} for one in values]
    assert (painted("gaussian-noise", image, values)[1] != noisy).any()


def test_kernels_sum_to_one_and_have_the_variance_that_was_asked_for():
    places = np.arange(-12, 13)
    for sigma in (0.3, 0.8, 0.95, 1.5, 4.0):
        kernel = bell_kernel(sigma, 12)
        assert kernel.sum() == pytest.approx(1.0, abs=1e-6)
        assert (kernel * places**2).sum() == pytest.approx(sigma**2, rel=0.12)
    assert bell_kernel(0.5, 2).tolist() == pytest.approx([0, 0.125, 0.75, 0.125, 0])
    assert line_kernel(3.0, 0.0, 2)[2].sum() == pytest.approx(1.0)
    assert line_kernel(3.0, 90.0, 2)[:, 2].sum() == pytest.approx(1.0)
    assert line_kernel(1.0, 30.0, 1).tolist() == [[0, 0, 0], [0, 1, 0], [0, 0, 0]]


def test_steps_are_those_of_libjpeg():
    # At 50 they are the standard's, at 100 all are 1.
    assert quantisation_steps(50)[0, 0].tolist() == [16, 11, 10, 16, 24, 40, 51, 61]
    assert quantisation_steps(50)[1, 0].tolist() == [17, 18, 24, 47, 99, 99, 99, 99]
    assert (quantisation_steps(100) == 1).all()
    assert quantisation_steps(25)[0, 0, 0] == 32
    assert quantisation_steps(1).max() == 255


def test_drawing_takes_the_numbers_that_augmenting_takes(picture):
    specs = ReadSettings().augmenters
    augmenters = make_augmenters(specs)
    met = set()
    for n in range(40):
        rngs = stream(1, n), stream(1, n)
        drawn = draw_augmenters(augmenters, rngs[0])
        for augmenter, params in zip(augmenters, drawn, strict=True):
            from seedbed.sample import Picture

            _, noted = augmenter.augment(Picture(image=picture), rngs[1])
            assert (noted is None) == (params is None)
        assert rngs[0].random() == rngs[1].random()
        met |= {place for place, params in enumerate(drawn) if params is not None}
    assert met == set(range(len(specs)))


def test_only_the_pictures_that_were_drawn_change(picture):
    batch = torch.from_numpy(np.stack([picture] * 3)).permute(0, 3, 1, 2).float()
    params = registry.resolve("augmenters", "brightness").params_type(1.0)
    made = paint_twins(batch.clone(), [TWINS["brightness"]], [(None,), (params,), (None,)])
    assert torch.equal(made[0], batch[0])
    assert torch.equal(made[2], batch[2])
    assert torch.equal(made[1], (batch[1] * 2).clamp(0, 255))


def test_the_usual_augmenters_have_twins():
    for settings in (ReadSettings(), LocateSettings()):
        assert len(find_twins(settings.augmenters)) == len(settings.augmenters)
    with pytest.raises(InputError, match="the augmenter fog works on CPU cores only"):
        find_twins([AugmenterSpec(name="fog")])
