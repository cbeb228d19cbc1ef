"""Coloured dots followed through every augmenter that moves pixels."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pytest
from augmenter_pictures import (
    corners,
    dotted,
    labelled,
    marked,
    miss_px,
    plain,
    scene,
    textured,
)

from seedbed import registry
from seedbed.augmenters import (
    Crop,
    ElasticDistortion,
    Flip,
    GridDistortion,
    LensDistortion,
    Perspective,
    RollingShutter,
    Rotate,
    Scale,
    Shear,
    Translate,
)
from seedbed.augmenters.picture_warp import BendingAugmenter, zoomed
from seedbed.errors import InputError
from seedbed.geometry import apply_homography, rectangle
from seedbed.sample import LabelledObject, Picture
from seedbed.streams import stream

EXACT = ("translate", "rotate", "scale", "shear", "perspective", "crop")
BENDING = ("lens-distortion", "elastic-distortion", "grid-distortion", "rolling-shutter")


def misses(name: str, count: int = 8, **fields: Any) -> list[float]:
    """How far every dot lies from where its label says, over some draws."""
    augmenter = registry.resolve("augmenters", name)(min_visible=0.0, **fields)
    found: list[float] = []
    for index in range(count):
        made = augmenter(marked(), stream(1, name, index))
        if len(made.objects) == 3:
            for number, point in enumerate(corners(made.objects)):
                miss = miss_px(made.image, point, number)
                if miss is not None:
                    found.append(miss)
    assert len(found) > 100
    return found


@pytest.mark.parametrize("name", EXACT)
def test_dots_stay_under_their_labels_to_half_a_pixel(name: str) -> None:
    assert max(misses(name)) < 0.5


@pytest.mark.parametrize(
    ("axis", "old_corners"), [("horizontal", (1, 0, 3, 2)), ("vertical", (3, 2, 1, 0))]
)
def test_dots_stay_under_mirrored_labels(
    axis: Literal["horizontal", "vertical"], old_corners: tuple[int, ...]
) -> None:
    # Without text, which a mirror refuses: a dot for each corner of three quads.
    objects = tuple(replace(one, text="", text_plain="", characters=()) for one in marked().objects)
    image = dotted(np.concatenate([one.quad for one in objects]), 240, 320)
    made = Flip(axis=axis)(Picture(image=image, objects=objects), stream(1))
    assert len(made.objects) == 3
    for mirrored in made.objects:
        for corner, old in zip(mirrored.quad, old_corners, strict=True):
            # The old corner's colour too: `miss_px` fails where another dot lies there.
            miss = miss_px(made.image, corner, old)
            assert miss is not None
            assert miss < 0.5


@pytest.mark.parametrize("fill", ["edge", "grey", "black"])
def test_dots_stay_under_their_labels_whatever_fills_the_frame(fill: str) -> None:
    assert max(misses("rotate", fill=fill)) < 0.5


@pytest.mark.parametrize("name", BENDING)
@pytest.mark.parametrize("quads", ["exact", "loose"])
def test_dots_stay_under_their_labels_where_the_picture_bends(name: str, quads: str) -> None:
    # The dots themselves are bent, which moves their centres: hence a pixel, not a half.
    assert max(misses(name, quads=quads)) < 1.0


@pytest.mark.parametrize(
    "augmenter",
    [
        LensDistortion(k=(0.5, 0.8)),
        LensDistortion(k=(-0.4, -0.3)),
        ElasticDistortion(amplitude_px=(3, 4), wavelength_px=(60, 90)),
        GridDistortion(limit=(0.4, 0.45)),
        RollingShutter(wobble_px=(10, 12), period_px=(60, 80)),
    ],
)
def test_quads_that_would_bend_over_a_pixel_weaken_the_field(
    augmenter: BendingAugmenter[Any],
) -> None:
    sample = marked()
    for index in range(4):
        params = augmenter.draw(sample, stream(2, index))
        loose = augmenter.model_copy(update={"quads": "loose"})
        free = loose.draw(sample, stream(2, index))
        bends = [augmenter.bend_px(one, params, 320, 240) for one in sample.objects]
        assert max(bends) <= 1.0
        if max(augmenter.bend_px(one, free, 320, 240) for one in sample.objects) > 1.0:
            assert params.share < 1.0
            assert free.share == 1.0


def test_a_field_has_an_exact_way_back() -> None:
    points = np.array([[5.0, 7.0], [160.0, 120.0], [301.5, 222.25]])
    for name in BENDING:
        augmenter = registry.resolve("augmenters", name)(quads="loose")
        params = augmenter.draw(marked(), stream(3, name))
        landed = augmenter.destination(points, params, 320, 240)
        assert landed is not None
        assert np.allclose(augmenter.source(landed, params, 320, 240), points, atol=1e-3)


def moved(augmenter: Any, sample: Picture | None = None) -> LabelledObject:
    made = augmenter(sample or scene(), stream(0))
    assert len(made.objects) == 1
    found: LabelledObject = made.objects[0]
    return found


def test_shifts_scales_and_turns_by_hand() -> None:
    shifted = moved(Translate(x=(0.1, 0.1), y=(-0.05, -0.05), fill="edge"))
    assert np.allclose(shifted.quad[0], [90 + 32, 100 - 12])
    doubled = moved(Scale(factor=(2, 2)))
    assert np.allclose(doubled.quad[0], [160 - 140, 120 - 40])
    turned = moved(Rotate(angle_deg=(180, 180), fill="edge"))
    assert np.allclose(turned.quad[0], [320 - 90, 240 - 100])
    leaning = moved(Shear(x_deg=(45, 45), y_deg=(0, 0), fill="edge"))
    assert np.allclose(leaning.quad[0], [90 + (100 - 120), 100])


def test_a_shift_that_fills_the_frame_by_zooming_enlarges_by_what_it_lacks() -> None:
    # A tenth to the right leaves a tenth empty at the left: 1 / (1 - 2 * 0.1) makes up for it.
    shifted = moved(Translate(x=(0.1, 0.1), y=(0, 0)))
    assert np.isclose(np.linalg.norm(shifted.quad[1] - shifted.quad[0]), 120 * 1.25)


def test_a_zoomed_matrix_looks_inside_the_old_frame_only() -> None:
    for angle in (3.0, 20.0, 45.0):
        matrix = Rotate(fill="zoom").matrix(
            type("P", (), {"angle_deg": angle})(),
            320,
            240,  # type: ignore[arg-type]
        )
        inverse = np.linalg.inv(zoomed(matrix, 320, 240))
        seen = apply_homography(inverse, rectangle(0, 0, 320, 240))
        assert (seen >= -1e-6).all()
        assert (seen <= [320 + 1e-6, 240 + 1e-6]).all()
        assert np.isclose(np.min([seen[:, 1].min(), 240 - seen[:, 1].max(), seen[:, 0].min()]), 0)


def test_what_leaves_the_frame_is_dropped_and_counted() -> None:
    made = Translate(x=(0.8, 0.8), y=(0, 0), fill="black")(scene(), stream(0))
    assert made.objects == ()
    assert made.counts == {"dropped:out_of_frame": 1}


def test_what_is_cut_loses_visibility_and_legibility() -> None:
    # The plate spans x = 90..210; 170 to the right leaves 60 of its 120 pixels in the frame.
    made = Translate(x=(170 / 320, 170 / 320), y=(0, 0), fill="black")(scene(), stream(0))
    (cut,) = made.objects
    assert np.isclose(cut.occlusion, 0.5)
    assert [one.visible for one in cut.characters] == [1.0, 1.0, 0.0, 0.0]
    assert (cut.legible, cut.illegible_reason) == (False, "hidden")
    assert made.counts == {"illegible:hidden": 1}
    assert np.allclose(cut.bbox, [260, 100, 60, 28])


def test_what_becomes_too_small_is_illegible() -> None:
    made = Scale(factor=(0.2, 0.2))(scene(), stream(0))
    assert made.objects[0].illegible_reason == "small"


def test_an_object_beyond_the_horizon_is_dropped() -> None:
    steep = Perspective(shift=(0.3, 0.3))
    far = labelled(rectangle(-4000, 100, 60, 28))
    for index in range(6):
        made = steep(Picture(image=plain(), objects=(far,)), stream(4, index))
        assert made.objects == ()


def test_crop_keeps_pixels_as_they_are_and_moves_labels_by_the_corner() -> None:
    sample = scene()
    crop = Crop(width=200, height=120, keep_one=True)
    params = crop.draw(sample, stream(0))
    made = crop.apply(sample, params)
    assert made.image.shape == (120, 200, 3)
    window = sample.image[params.y : params.y + 120, params.x : params.x + 200]
    assert np.array_equal(made.image, window)
    assert np.allclose(made.objects[0].quad, sample.objects[0].quad - [params.x, params.y])


def test_crop_refuses_a_picture_that_is_smaller_and_half_a_size() -> None:
    with pytest.raises(InputError, match="a picture of 320x240 pixels is smaller than the crop"):
        Crop(width=400, height=100)(scene(), stream(0))
    with pytest.raises(ValueError, match="width and height must be given together"):
        Crop(width=400)


def test_crop_keeps_an_object_in_view() -> None:
    crop = Crop(share=(0.25, 0.25), min_visible=0.9)
    kept = sum(len(crop(scene(), stream(5, index)).objects) for index in range(20))
    assert kept >= 17


def test_flip_refuses_text_and_renumbers_quads() -> None:
    with pytest.raises(InputError, match="flip: the sample holds the text 'AB12'"):
        Flip()(scene(), stream(0))
    plainly = LabelledObject(
        category="car",
        bbox=(90, 100, 120, 28),
        quad=rectangle(90, 100, 120, 28),
        polygon=rectangle(90, 100, 120, 28),
    )
    sample = Picture(image=textured(), objects=(plainly,))
    across = Flip()(sample, stream(0))
    assert np.array_equal(across.image, sample.image[:, ::-1])
    assert np.allclose(across.objects[0].quad, rectangle(110, 100, 120, 28))
    down = Flip(axis="vertical")(sample, stream(0))
    assert np.array_equal(down.image, sample.image[::-1])
    assert np.allclose(down.objects[0].quad, rectangle(90, 112, 120, 28))


def test_waves_that_would_fold_the_picture_are_refused() -> None:
    with pytest.raises(ValueError, match="would fold waves of 60 pixels"):
        ElasticDistortion(amplitude_px=(1, 8), wavelength_px=(60, 90))
