"""Presets: taken whole, changed in parts, refused in a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from seedbed.errors import InputError
from seedbed.presets import load_preset, preset_names
from seedbed.recipe import Recipe, parse_recipe
from seedbed.sample import Clip, Picture

GENERATORS: dict[str, dict[str, Any]] = {
    "plate-scene": {"name": "plate-scene"},
    "speech": {"name": "speech", "phrases": "digits"},
}
PICTURE_PRESETS = ("camera-hard", "camera-light", "cctv-night", "dashcam", "phone")


def recipe(augmenters: Any, generator: str = "plate-scene") -> Recipe:
    return parse_recipe(
        {
            "name": "x",
            "seed": 1,
            "generator": GENERATORS[generator],
            "augmenters": augmenters,
            "splits": {"train": 2},
        }
    )


def names(made: Recipe) -> list[str]:
    return [spec.name for spec in made.augmenters]


@pytest.mark.parametrize("preset", PICTURE_PRESETS)
def test_a_picture_preset_is_a_list_of_picture_augmenters(preset: str) -> None:
    made = recipe(preset)
    assert names(made) == [entry["name"] for entry in load_preset(preset)]
    assert all(one.sample_type is Picture for _, one in made.augmenters_for("train"))


def test_every_preset_suits_pictures_or_clips_and_not_both() -> None:
    for preset in preset_names():
        generator = "plate-scene" if preset in PICTURE_PRESETS else "speech"
        wanted = Picture if preset in PICTURE_PRESETS else Clip
        made = recipe(preset, generator)
        assert {one.sample_type for _, one in made.augmenters_for("train")} == {wanted}


def test_a_preset_may_stand_alone_as_a_mapping_or_beside_others() -> None:
    alone = names(recipe("camera-light"))
    assert names(recipe({"preset": "camera-light"})) == alone
    beside = recipe([{"name": "rotate"}, {"preset": "camera-light"}, {"name": "grey"}])
    assert names(beside) == ["rotate", *alone, "grey"]


def test_an_override_changes_a_field_and_false_leaves_an_augmenter_out() -> None:
    made = recipe(
        {
            "preset": "camera-light",
            "override": {"motion-blur": {"probability": 0.9}, "rescale": False},
        }
    )
    fields = {spec.name: spec.fields for spec in made.augmenters}
    assert "rescale" not in fields
    assert fields["motion-blur"]["probability"] == 0.9
    assert fields["motion-blur"]["length_px"] == [1.5, 4]


def test_the_stored_recipe_holds_the_preset_written_out() -> None:
    made = recipe("camera-light")
    again = parse_recipe(made.values())
    assert again == made
    assert again.recipe_hash() == made.recipe_hash()


def test_a_split_may_name_its_own_preset() -> None:
    made = parse_recipe(
        {
            "name": "x",
            "generator": {"name": "plate-scene"},
            "augmenters": "camera-light",
            "splits": {"train": 2, "hard": {"count": 1, "augmenters": "camera-hard"}},
        }
    )
    assert len(made.augmenters_for("train")) == len(load_preset("camera-light"))
    assert len(made.augmenters_for("hard")) == len(load_preset("camera-hard"))


def test_a_preset_of_ones_own_is_a_file(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("- {name: rotate, angle_deg: [-1, 1]}\n")
    made = recipe({"preset": str(own), "override": {"rotate": {"angle_deg": [0, 2]}}})
    assert made.augmenters[0].fields["angle_deg"] == [0, 2]
    own.write_text("rotate: 3\n")
    with pytest.raises(InputError, match=r"own\.yaml: must be a list of augmenters"):
        recipe({"preset": str(own)})
    own.write_text("- 3\n")
    with pytest.raises(InputError, match=r"own\.yaml: entry \[0\] must be keys with a name"):
        recipe({"preset": str(own)})


@pytest.mark.parametrize(
    ("augmenters", "sentence"),
    [
        ("camera-lite", "augmenters.preset: there is no preset named 'camera-lite', did you mean"),
        ({"preset": 3}, "augmenters.preset must be a name, got 3"),
        ({"preset": "phone", "overide": {}}, "augmenters.overide is not a known key, did you mean"),
        ({"preset": "phone", "override": [1]}, "augmenters.override must hold augmenters' names"),
        (
            {"preset": "phone", "override": {"motion": {}}},
            "augmenters.override.motion: the preset phone has no such augmenter, did you mean",
        ),
        (
            [{"preset": "phone", "override": {"crop": 3}}],
            r"augmenters\[0\].override.crop must hold keys of crop, or be false",
        ),
        (
            {"preset": "phone", "override": {"motion-blur": {"length_px": [9, 1]}}},
            r"augmenters.override.motion-blur.length_px is refused: must run from low to high",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(augmenters: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        recipe(augmenters)


def test_a_preset_for_pictures_is_refused_for_sound() -> None:
    with pytest.raises(InputError, match="changes a Picture, but the generator 'speech' makes"):
        recipe("camera-light", "speech")
