"""What hides things: hidden shares by hand, and pictures from a user's folder."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from augmenter_pictures import labelled, plain, scene, textured

from seedbed.augmenters import (
    CoarseDropout,
    Cutmix,
    GridDropout,
    LensDirt,
    Mixup,
    Occluder,
    PastePatch,
    Rain,
    Snow,
)
from seedbed.augmenters.coarse_dropout import CoarseDropoutParams
from seedbed.augmenters.picture_labels import covered_share, hidden
from seedbed.errors import InputError
from seedbed.geometry import rectangle
from seedbed.sample import Picture
from seedbed.streams import stream


def masked(x: int, y: int, width: int, height: int) -> Any:
    mask = np.zeros((240, 320), dtype=np.uint8)
    mask[y : y + height, x : x + width] = 255
    return mask


def test_hidden_shares_of_object_and_characters_by_hand() -> None:
    # The plate lies at 90..210, its four characters 30 wide each; the cover on 90..135.
    made = hidden(scene(), masked(0, 0, 135, 240))
    (plate,) = made.objects
    assert np.isclose(plate.occlusion, 45 / 120, atol=0.01)
    assert np.allclose([one.visible for one in plate.characters], [0, 0.5, 1, 1], atol=0.03)
    assert (plate.legible, plate.illegible_reason) == (False, "hidden")
    assert made.counts == {"illegible:hidden": 1}


def test_a_small_cover_leaves_a_plate_legible() -> None:
    made = hidden(scene(), masked(90, 100, 6, 28))
    assert np.isclose(made.objects[0].occlusion, 0.05, atol=0.01)
    assert made.objects[0].legible


def test_covers_multiply_what_is_left_in_sight() -> None:
    twice = hidden(hidden(scene(), masked(90, 100, 60, 28)), masked(90, 100, 120, 14))
    # Half is left after the first, half of that after the second.
    assert np.isclose(twice.objects[0].occlusion, 0.75, atol=0.02)


def test_what_is_hidden_all_over_is_dropped() -> None:
    made = hidden(scene(), masked(80, 90, 200, 60))
    assert made.objects == ()
    assert made.counts == {"dropped:hidden": 1}


def test_the_share_of_a_tiny_polygon_is_measured_finely() -> None:
    mask = masked(0, 0, 102, 240)
    assert np.isclose(covered_share(mask, rectangle(100, 100, 5, 6)), 0.4, atol=0.03)
    assert covered_share(mask, rectangle(400, 100, 5, 6)) == 0.0
    assert covered_share(mask, rectangle(10, 10, 5, 6)) == 1.0


def test_dropout_paints_what_it_recorded() -> None:
    params = CoarseDropoutParams(((90, 100, 60, 28),), ((7, 8, 9),))
    made = CoarseDropout().apply(scene(), params)
    assert (made.image[100:128, 90:150] == [7, 8, 9]).all()
    assert np.isclose(made.objects[0].occlusion, 0.5, atol=0.01)


def test_dropout_on_objects_hits_them() -> None:
    on = CoarseDropout(count=(1, 1), size=(0.2, 0.2), on_object_rate=1)
    hits = [on(scene(), stream(0, index)).objects[0].occlusion > 0 for index in range(20)]
    assert all(hits)


def test_a_grid_covers_the_square_of_its_ratio() -> None:
    made = GridDropout(cell_px=(16, 16), ratio=(0.5, 0.5), level=(0, 0))(
        Picture(image=plain(200)), stream(0)
    )
    assert np.isclose((made.image == 0).mean(), 0.25, atol=0.02)


@pytest.mark.parametrize("kind", ["bars", "leaves", "hand"])
def test_an_occluder_hides_what_it_says(kind: Any) -> None:
    occluder = Occluder(kinds=(kind,), size=(0.4, 0.8), on_object_rate=1, min_visible=0)
    shares = []
    for index in range(12):
        made = occluder(Picture(image=plain(), objects=scene().objects), stream(1, kind, index))
        inside = made.image[100:128, 90:210].astype(int)
        changed = (np.abs(inside - 100) > 45).any(axis=2).mean()
        share = made.objects[0].occlusion
        shares.append(share)
        # Shadows darken a little more than is hidden; a few greys look like the ground.
        assert changed <= share + 0.2
    assert max(shares) > 0.1


def test_falling_snow_and_dirt_hide_no_more_than_they_cover() -> None:
    for augmenter in (Snow(count=(3000, 3000), size_px=(8, 8)), LensDirt(opacity=(1, 1))):
        made = augmenter(Picture(image=plain(60), objects=scene().objects), stream(2))
        assert 0 <= (made.objects[0].occlusion if made.objects else 1) <= 1
        assert not np.array_equal(made.image, plain(60))


def test_rain_and_snow_of_nothing_change_nothing() -> None:
    assert np.array_equal(Rain(count=(0, 0), haze=(0, 0))(scene(), stream(0)).image, textured())
    assert np.array_equal(Snow(count=(0, 0))(scene(), stream(0)).image, textured())


def test_a_patch_of_the_same_picture_shows_nothing_labelled() -> None:
    loud = textured()
    loud[100:128, 90:210] = (255, 0, 255)
    sample = Picture(image=loud, objects=scene().objects)
    for index in range(15):
        made = PastePatch(on_object_rate=0, size=(0.2, 0.4))(sample, stream(3, index))
        magenta = (made.image == (255, 0, 255)).all(axis=2)
        assert not magenta[:95].any()
        assert not magenta[133:].any()


def test_a_picture_with_no_unlabelled_part_gets_no_patch() -> None:
    whole = labelled(rectangle(0, 0, 320, 240))
    sample = Picture(image=textured(), objects=(whole,))
    made = PastePatch()(sample, stream(0))
    assert np.array_equal(made.image, sample.image)
    assert made.counts == {"paste_patch:no_place": 1}


@pytest.fixture
def donors(tmp_path: Path) -> Path:
    for name, level in (("cat", 0), ("dog", 255)):
        (tmp_path / name).mkdir()
        cv2.imwrite(str(tmp_path / name / "flat.png"), plain(level, 60, 80))
    return tmp_path


def test_a_patch_of_a_donor(donors: Path) -> None:
    patch = PastePatch(donors=str(donors), size=(0.5, 0.5), softness_px=(0, 0), on_object_rate=0)
    made = patch(Picture(image=plain(100)), stream(0))
    assert set(np.unique(made.image).tolist()) in ({0, 100}, {100, 255})


def test_mixup_adds_shares_and_says_so(donors: Path) -> None:
    mixup = Mixup(donors=str(donors))
    sample = scene()
    params = mixup.draw(sample, stream(0))
    assert 0 <= params.share <= 0.5
    made = mixup.apply(Picture(image=plain(100), objects=sample.objects), params)
    level = 0 if params.donor.startswith("cat") else 255
    assert abs(int(made.image[0, 0, 0]) - (100 + (level - 100) * params.share)) <= 1
    attributes = made.objects[0].attributes
    assert attributes["mix_category"] == params.donor.split("/")[0]
    assert np.isclose(attributes["mix_share"], params.share, atol=1e-4)
    assert Mixup.mix(plain(0), plain(200), 0.25)[0, 0, 0] == 50


def test_cutmix_replaces_its_share(donors: Path) -> None:
    made = Cutmix(donors=str(donors), share=(0.25, 0.25), min_visible=0)(
        Picture(image=plain(100), objects=scene().objects), stream(1)
    )
    replaced = float((made.image != 100).all(axis=2).mean())
    assert np.isclose(replaced, 0.25, atol=0.01)
    assert np.isclose(made.objects[0].attributes["mix_share"], replaced, atol=1e-3)


@pytest.mark.parametrize("cls", [PastePatch, Mixup, Cutmix])
def test_a_donor_folder_that_cannot_be_used_is_refused_before_the_build(
    cls: Any, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="does not exist: correct `donors`"):
        cls(donors=str(tmp_path / "none")).prepare()
    with pytest.raises(InputError, match="holds no picture"):
        cls(donors=str(tmp_path)).prepare()
    (tmp_path / "broken.jpg").write_bytes(b"not a picture")
    with pytest.raises(InputError, match=r"broken\.jpg cannot be read as a picture: remove it"):
        cls(donors=str(tmp_path)).prepare()
    with pytest.raises(InputError, match=r"broken\.jpg cannot be read as a picture"):
        cls(donors=str(tmp_path)).augment_image(textured(), stream(0))
    # A BMP of 8000 by 8000 pixels that ends after its header.
    header = struct.pack("<2sIHHIIiiHHIIiiII", b"BM", 54, 0, 0, 54, 40, 8000, 8000, 1, 24, *[0] * 6)
    (tmp_path / "broken.jpg").write_bytes(header)
    with pytest.raises(InputError, match="has 8000x8000 pixels, over the limit of 50000000: shrin"):
        cls(donors=str(tmp_path)).prepare()


@pytest.mark.parametrize("cls", [PastePatch, Mixup, Cutmix])
def test_a_changed_donor_has_another_digest(cls: Any, donors: Path) -> None:
    first = cls(donors=str(donors)).file_digests()
    assert list(first) == [f"donors {donors}"]
    assert cls(donors=str(donors)).file_digests() == first
    cv2.imwrite(str(donors / "dog" / "flat.png"), plain(254, 60, 80))
    assert cls(donors=str(donors)).file_digests() != first
    assert PastePatch().file_digests() == {}
