from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seedbed.errors import InputError
from seedbed.make import Maker
from seedbed.manifest import versions_of
from seedbed.recipe import Recipe, load_recipe, parse_recipe
from seedbed.yaml_files import dump_yaml, parse_yaml

DOTS = """
name: dots
generator: {name: "seedbed_dots:Dots"}
splits: {train: 30, val: 10}
"""


def test_defaults_are_filled_in_and_read_back(dots_values: dict[str, Any]) -> None:
    recipe = parse_recipe(dots_values)
    values = recipe.values()
    assert values["generator"]["width"] == 32
    assert values["augmenters"][0]["gain"] == [0.3, 0.9]
    assert values["encoding"]["quality"] == [70, 95]
    again = parse_recipe(parse_yaml(dump_yaml(values), "r"))
    assert again == recipe
    assert again.values() == values


def test_splits_have_their_own_components(dots_values: dict[str, Any]) -> None:
    dots_values["splits"]["test"] = {"count": 3, "augmenters": []}
    recipe = parse_recipe(dots_values)
    assert recipe.counts == {"train": 40, "val": 10, "test": 3}
    assert recipe.generator_for("train").model_dump()["shades"] == (0, 255)
    assert recipe.generator_for("val").model_dump()["shades"] == (200, 255)
    assert recipe.generator_for("val").model_dump()["trouble"] == "reject_some"
    assert [name for name, _ in recipe.augmenters_for("val")] == ["seedbed_dots:Dim"]
    assert recipe.augmenters_for("test") == []
    assert parse_recipe(recipe.values()) == recipe


def changed(values: dict[str, Any], **changes: Any) -> str:
    return parse_recipe({**values, **changes}).recipe_hash()


def test_the_hash_covers_what_samples_depend_on_and_no_more(dots_values: dict[str, Any]) -> None:
    own = parse_recipe(dots_values).recipe_hash()
    same_splits = {"train": 4, "val": {"count": 1, "generator": {"shades": [200, 255]}}}
    assert changed(dots_values, shard_size=5) == own
    assert changed(dots_values, seed=8) == own
    assert changed(dots_values, description="other words") == own
    assert changed(dots_values, splits=same_splits) == own
    assert changed(dots_values, splits={"train": 40, "val": 10}) != own
    assert changed(dots_values, augmenters=[]) != own
    assert changed(dots_values, encoding={"quality": [70, 90]}) != own
    spelt_out = {"name": "seedbed_dots:Dots", "trouble": "reject_some", "width": 32}
    assert changed(dots_values, generator=spelt_out) == own
    assert changed(dots_values, generator={**spelt_out, "width": 33}) != own


@pytest.mark.parametrize(
    ("count", "shares"),
    [
        (240, {"train": 200, "val": 20, "test": 20}),
        (24, {"train": 20, "val": 2, "test": 2}),
        (7, {"train": 5, "val": 1, "test": 1}),
        (3, {"train": 1, "val": 1, "test": 1}),
        (1, {"train": 1, "val": 1, "test": 1}),
        (4801, {"train": 4001, "val": 400, "test": 400}),
    ],
)
def test_scaling_keeps_proportions(count: int, shares: dict[str, int]) -> None:
    splits = {"train": 2000, "val": 200, "test": 200}
    recipe = parse_recipe(
        {"name": "dots", "generator": {"name": "seedbed_dots:Dots"}, "splits": splits}
    )
    assert recipe.scaled(count).counts == shares


WRONG = {
    "generator: {name: seedbed_dots:Dots, blur: 1}": (
        "generator.blur is not a known key (known: dot_px, height, name, shades, trouble, width)"
    ),
    "generator: {name: seedbed_dots:Dots, widht: 1}": (
        "generator.widht is not a known key, did you mean 'width'?"
    ),
    "generator: {name: seedbed_dots:Dots, width: wide}": (
        "generator.width must be a valid integer, unable to parse string as an integer, got 'wide'"
    ),
    "generator: {name: seedbed_dots:Dots, shades: [0]}": "generator.shades[1] is missing: add it",
    "generator: {name: seedbed_dots:Dots, trouble: much}": "generator.trouble must be 'none', ",
    "generator: {name: seedbed_dots:Dots, dot_px: .inf}": (
        "generator.dot_px must be a finite number, got inf"
    ),
    "generator: {name: plate-scene, layouts: de}": "generator.layouts must be a list, got 'de'",
    "generator: {name: plate-scene, yaw_deg: [60, -60]}": (
        "generator.yaw_deg is refused: must run from low to high, got [60, -60]"
    ),
    "generator: {}": "generator.name is missing: add it",
    "generator: dots": "generator must hold keys and values, got 'dots'",
    "generator: {name: plate-sceen}": (
        "generator.name: there is no generator named 'plate-sceen', did you mean 'plate-scene'?"
    ),
    "generator: {name: seedbed_dots:Dost}": "generator.name: the generator 'seedbed_dots:Dost'",
    "generator: {name: nowhere:Dots}": "cannot be imported (No module named 'nowhere')",
    "generator: {name: os:system}": "generator.name: 'os:system' is not a Generator",
    "seeds: 3": "seeds is not a known key, did you mean 'seed'?",
    "seed: -1": "seed must be >= 0, got -1",
    "seed: 9223372036854775808": "seed must be <= 9223372036854775807, got 9223372036854775808",
    "seed: seven": "seed must be a valid integer, got 'seven'",
    "seed: true": "seed must be a valid integer, got True",
    "name: a/b": "name must match pattern",
    "shard_size: 0": "shard_size must be >= 1, got 0",
    "splits: {}": "splits must have at least 1 item",
    "splits: {train: 0}": "splits.train must be >= 1, got 0",
    "splits: {train: -5}": "splits.train must be >= 1, got -5",
    "splits: {train: many}": "splits.train must be a valid integer, got 'many'",
    "splits: {train: 1.5}": "splits.train must be a valid integer, got 1.5",
    "splits: {tr/ain: 5}": "splits is refused: split names are letters, digits and underscores",
    "splits: {train: {cuont: 5}}": "splits.train.cuont is not a known key, did you mean 'count'?",
    "splits: {train: {count: 5, generator: {widht: 4}}}": (
        "splits.train.generator.widht is not a known key, did you mean 'width'?"
    ),
    "splits: {train: {count: 5, generator: {name: x}}}": (
        "splits.train.generator.name cannot differ between splits"
    ),
    "augmenters: [{name: seedbed_dots:Dim, probability: 1.5}]": (
        "augmenters[0].probability must be <= 1, got 1.5"
    ),
    "augmenters: [{name: seedbed_dots:Dim}, {name: seedbed_dots:Dim, gian: 1}]": (
        "augmenters[1].gian is not a known key, did you mean 'gain'?"
    ),
    "encoding: {quality: [95, 70]}": "encoding is refused: quality must be [lowest, highest]",
    "encoding: {format: gif}": "encoding.format must be 'jpeg' or 'png', got 'gif'",
    "encoding: {subsampling: [4:2:1]}": (
        "encoding.subsampling[0] must be '4:2:0', '4:2:2' or '4:4:4', got '4:2:1'"
    ),
    "encoding: {pngshare: 1}": "encoding.pngshare is not a known key, did you mean 'png_share'?",
}


@pytest.mark.parametrize("line", WRONG)
def test_every_mistake_is_a_sentence(line: str, write_recipe: Callable[[str], Path]) -> None:
    key = line.partition(":")[0]
    kept = "\n".join(own for own in DOTS.splitlines() if not own.startswith(f"{key}:"))
    with pytest.raises(InputError) as caught:
        load_recipe(write_recipe(f"{kept}\n{quoted(line)}\n"))
    message = str(caught.value)
    assert message.startswith("recipe dots.yaml: ")
    assert WRONG[line] in message
    assert "\n" not in message


def quoted(line: str) -> str:
    for name in ("seedbed_dots:Dots", "seedbed_dots:Dost", "seedbed_dots:Dim"):
        line = line.replace(f"{name},", f"'{name}',").replace(f"{name}}}", f"'{name}'}}")
    return line


def test_an_augmenter_of_the_other_kind_is_refused() -> None:
    with pytest.raises(InputError, match=r"augmenters\[0\]: .* changes a Picture, but .* a Clip"):
        parse_recipe(
            {
                "name": "beeps",
                "generator": {"name": "seedbed_dots:Beep"},
                "augmenters": [{"name": "seedbed_dots:Dim"}],
                "splits": {"train": 1},
            }
        )


def test_two_mistakes_are_two_sentences(dots_values: dict[str, Any]) -> None:
    with pytest.raises(InputError) as caught:
        parse_recipe({**dots_values, "seed": -1, "shard_size": 0}, "recipe r.yaml")
    assert str(caught.value).splitlines() == [
        "recipe r.yaml: seed must be >= 0, got -1",
        "recipe r.yaml: shard_size must be >= 1, got 0",
    ]


def test_recipes_are_found_by_path_and_name(
    write_recipe: Callable[[str], Path], tmp_path: Path
) -> None:
    assert isinstance(load_recipe(str(write_recipe(DOTS))), Recipe)
    with pytest.raises(InputError, match=r"recipe gone\.yaml: cannot be read: No such file"):
        load_recipe("gone.yaml")
    with pytest.raises(InputError, match="no recipe named 'platse', did you mean 'plates'"):
        load_recipe("platse")
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(InputError, match="is a folder, not a recipe file"):
        load_recipe(tmp_path / "folder.yaml")
    with pytest.raises(InputError, match="must hold keys such as name"):
        load_recipe(write_recipe("- a list"))


def test_what_components_refuse_names_the_recipes_file(tmp_path: Path) -> None:
    """Fonts and folders are looked at when a build is prepared, long after the file was read."""
    path = tmp_path / "mine.yaml"
    path.write_text(
        "name: other\nseed: 1\ngenerator: {name: plate-scene, layouts: [atlantis]}\n"
        "splits: {train: 1}\n"
    )
    recipe = load_recipe(path).scaled(2).seeded(3)
    assert recipe.where == "recipe mine.yaml"
    with pytest.raises(InputError, match=r"^recipe mine\.yaml: .*atlantis") as caught:
        Maker(recipe).prepare()
    with pytest.raises(InputError, match=r"^recipe mine\.yaml: .*nowhere"):
        versions_of(
            load_recipe(path, {"generator.layouts": ["de"], "generator.backgrounds": ["nowhere"]})
        )
    assert str(caught.value).count("mine.yaml") == 1
    assert parse_recipe(recipe.values()) == recipe
    assert parse_recipe(recipe.values()).where == "recipe other"
