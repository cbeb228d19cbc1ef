from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from seedbed.errors import InputError, SeedbedError
from seedbed.make import Maker
from seedbed.recipe import parse_recipe
from seedbed.sample import Picture

DIM = {"name": "seedbed_dots:Dim"}


def maker(values: dict[str, Any], **changes: Any) -> Maker:
    return Maker(parse_recipe({**values, **changes}))


def drawn(values: dict[str, Any], index: int = 3, **changes: Any) -> dict[str, Any]:
    return dict(maker(values, **changes).make("train", index).params)


def test_params_say_all_that_was_drawn(dots_values: dict[str, Any]) -> None:
    params = drawn(dots_values, augmenters=[DIM, {**DIM, "probability": 0.0}])
    assert list(params) == ["generator", "augmenters", "encoding"]
    assert set(params["generator"]) == {"x", "y", "colour"}
    assert 0.3 <= params["augmenters"][0]["gain"] <= 0.9
    assert params["augmenters"][1] is None
    assert json.loads(json.dumps(params)) == params


def test_adding_an_augmenter_moves_nothing_else(dots_values: dict[str, Any]) -> None:
    none, one = drawn(dots_values, augmenters=[]), drawn(dots_values, augmenters=[DIM])
    two = drawn(dots_values, augmenters=[DIM, {**DIM, "gain": [0.5, 0.5]}])
    assert none["generator"] == one["generator"] == two["generator"]
    assert none["encoding"] == one["encoding"] == two["encoding"]
    assert one["augmenters"][0] == two["augmenters"][0]


def test_samples_depend_on_seed_split_and_index(dots_values: dict[str, Any]) -> None:
    base = maker(dots_values)
    texts = {
        json.dumps(found.params)
        for found in (
            base.make("train", 0),
            base.make("train", 1),
            base.make("val", 0),
            maker(dots_values, seed=0).make("train", 0),
        )
    }
    assert len(texts) == 4
    backwards = [base.row("train", index) for index in reversed(range(5))]
    assert backwards[::-1] == [maker(dots_values).row("train", index) for index in range(5)]


def test_replay_renders_the_same_picture(dots_values: dict[str, Any]) -> None:
    made = maker(dots_values).make("train", 2)
    again = maker(dots_values).replay("train", made.params)
    assert isinstance(made, Picture)
    assert isinstance(again, Picture)
    np.testing.assert_array_equal(made.image, again.image)


def test_a_generator_that_always_fails_stops_with_its_reasons(dots_values: dict[str, Any]) -> None:
    dots_values["generator"]["trouble"] = "reject"
    with pytest.raises(SeedbedError) as caught:
        maker(dots_values).make("train", 4)
    assert str(caught.value) == (
        "Dots could not make sample 4 of split 'train' with seed 7: 20 draws were rejected "
        "(too_far_left 20x); widen the ranges in the recipe."
    )


def test_redraws_are_counted_by_reason(dots_values: dict[str, Any]) -> None:
    counts = [maker(dots_values).make("train", index).counts for index in range(20)]
    assert sum(count.get("redrawn:too_far_left", 0) for count in counts) > 0
    assert all(count["painted"] == 1 for count in counts)


def test_any_failure_names_generator_sample_and_seed(dots_values: dict[str, Any]) -> None:
    dots_values["generator"]["trouble"] = "raise"
    with pytest.raises(SeedbedError) as caught:
        for index in range(40):
            maker(dots_values).make("train", index)
    assert "generator 'seedbed_dots:Dots' failed at sample " in str(caught.value)
    assert "of split 'train' with seed 7: ValueError: x is a multiple of four" in str(caught.value)


def test_what_a_sample_does_not_suit_names_the_recipe(dots_values: dict[str, Any]) -> None:
    large = maker(dots_values, augmenters=[{"name": "crop", "width": 90, "height": 10}])
    with pytest.raises(InputError, match=r"^recipe dots: crop: a picture of 32x24 pixels"):
        large.make("train", 0)


def test_a_picture_too_small_for_a_crop_is_refused_before_anything_is_made(
    dots_values: dict[str, Any],
) -> None:
    crop = {"name": "crop", "width": 30, "height": 30}
    small = maker(dots_values, augmenters=[{"name": "flip"}, crop])
    sentence = (
        r"^recipe dots: crop: a picture of 32x24 pixels is smaller than the crop of 30x30: [^.]*\.$"
    )
    with pytest.raises(InputError, match=sentence):
        small.prepare()
    maker(dots_values, augmenters=[{**crop, "height": 24}]).prepare()
    maker(dots_values, augmenters=[{**crop, "probability": 0.0}]).prepare()
    # What an augmenter of unknown effect leaves is known only when a sample is made.
    maker(dots_values, augmenters=[DIM, crop]).prepare()


def test_a_recipe_without_a_seed_makes_nothing(dots_values: dict[str, Any]) -> None:
    with pytest.raises(SeedbedError, match="has no seed"):
        maker(dots_values, seed=None)
