from __future__ import annotations

import pickle
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import seedbed
from seedbed.builder import build
from seedbed.dataset import Dataset
from seedbed.errors import InputError, SeedbedError
from seedbed.recipe import Recipe, parse_recipe
from seedbed.sample import Clip, Picture, Sample
from seedbed.streaming import SampleStream


@pytest.fixture
def recipe(dots_values: dict[str, Any]) -> Recipe:
    return parse_recipe(dots_values)


def assert_same(one: Sample, other: Sample) -> None:
    assert isinstance(one, Picture)
    assert isinstance(other, Picture)
    np.testing.assert_array_equal(one.image, other.image)
    assert one.params == other.params
    assert one.objects[0].bbox == other.objects[0].bbox


def test_a_stream_is_the_dataset_that_was_never_written(recipe: Recipe, tmp_path: Path) -> None:
    build(recipe, tmp_path / "dots", executor="serial")
    dataset = Dataset.open(tmp_path / "dots")
    for split in dataset.splits:
        stream = seedbed.stream(recipe, split=split)
        for read, streamed in zip(dataset.samples(split), stream, strict=False):
            assert_same(read, streamed)
        assert stream.position == len(dataset.samples(split))


def test_any_sample_is_there_in_any_order_and_beyond_the_count(recipe: Recipe) -> None:
    stream = seedbed.stream(recipe, seed=3)
    far = stream[10**12]
    in_order = list(islice(seedbed.stream(recipe, seed=3, start=38), 5))
    for index in (42, 38, 40):
        assert_same(stream[index], in_order[index - 38])
    assert stream.position == 0
    assert_same(far, seedbed.stream(recipe, seed=3)[10**12])
    with pytest.raises(IndexError):
        stream[-1]


def test_unencoded_samples_are_as_rendered(recipe: Recipe) -> None:
    png = seedbed.stream(recipe.model_copy(update={"encoding": {"format": "png"}}))
    rendered = seedbed.stream(recipe, encoded=False)
    np.testing.assert_array_equal(picture(png[5]), picture(rendered[5]))
    assert (picture(seedbed.stream(recipe)[5]) != picture(rendered[5])).any()


def picture(sample: Sample) -> Any:
    assert isinstance(sample, Picture)
    return sample.image


def test_a_state_goes_on_with_the_next_sample(recipe: Recipe) -> None:
    whole = list(islice(seedbed.stream(recipe, seed=3), 8))
    stream = seedbed.stream(recipe, seed=3)
    assert len(list(islice(stream, 5))) == 5
    again = seedbed.stream(recipe, seed=3)
    again.load_state_dict(stream.state_dict())
    for sample in whole[5:]:
        assert_same(next(again), sample)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"seed": 4}, "seed is 3 there and 4 here"),
        ({"seed": 3, "split": "val"}, "split is 'train' there and 'val' here"),
        ({"seed": 3, "encoded": False}, "encoded is True there and False here"),
    ],
)
def test_a_state_of_another_stream_is_refused(
    recipe: Recipe, options: dict[str, Any], sentence: str
) -> None:
    state = seedbed.stream(recipe, seed=3).state_dict()
    with pytest.raises(InputError, match=sentence):
        seedbed.stream(recipe, **options).load_state_dict(state)
    with pytest.raises(InputError, match="no state of a stream"):
        seedbed.stream(recipe).load_state_dict({})


def test_no_seed_draws_one_and_seed_0_is_a_seed(dots_values: dict[str, Any]) -> None:
    assert seedbed.stream(parse_recipe(dots_values)).seed == 7
    assert seedbed.stream(parse_recipe(dots_values), seed=0).seed == 0
    del dots_values["seed"]
    recipe = parse_recipe(dots_values)
    first, second = seedbed.stream(recipe), seedbed.stream(recipe)
    assert first.seed != second.seed
    taken = list(islice(first, 3))
    second.load_state_dict(first.state_dict())
    assert second.seed == first.seed
    assert_same(second[2], taken[2])
    with pytest.raises(InputError, match="seed is"):
        seedbed.stream(recipe, seed=(first.seed + 1) % 2**32).load_state_dict(first.state_dict())


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"split": "vla"}, "has no split 'vla', did you mean 'val'"),
        ({"seed": -1}, "seed must be between 0 and"),
        ({"start": -1}, "start must be >= 0, got -1"),
        ({"workers": -2}, "workers must be >= 0, got -2"),
    ],
)
def test_what_cannot_be_streamed_is_refused(
    recipe: Recipe, options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        seedbed.stream(recipe, **options)


def test_processes_make_the_same_samples_ahead(recipe: Recipe) -> None:
    alone = seedbed.stream(recipe, seed=3)
    with seedbed.stream(recipe, seed=3, workers=2) as stream:
        for index in range(12):
            assert_same(next(stream), alone[index])
        state = stream.state_dict()
        assert state["position"] == 12
        next(stream)
        stream.load_state_dict({**state, "position": 4})
        assert_same(next(stream), alone[4])


def test_failures_are_sentences_with_and_without_workers(dots_values: dict[str, Any]) -> None:
    dots_values["generator"]["trouble"] = "raise"
    recipe = parse_recipe(dots_values)
    for workers in (0, 1):
        with (
            seedbed.stream(recipe, workers=workers) as stream,
            pytest.raises(SeedbedError, match=r"failed at sample .* x is a multiple of four"),
        ):
            list(islice(stream, 20))
    dots_values["generator"]["trouble"] = "die"
    with (
        seedbed.stream(parse_recipe(dots_values), workers=1) as stream,
        pytest.raises(SeedbedError, match="a worker of the stream died at sample"),
    ):
        list(islice(stream, 20))


def test_streams_travel_without_their_components(recipe: Recipe) -> None:
    stream = seedbed.stream(recipe, seed=3)
    next(stream)
    packed = pickle.dumps(stream)
    assert len(packed) < 4000
    again = pickle.loads(packed)
    assert isinstance(again, SampleStream)
    assert_same(next(again), seedbed.stream(recipe, seed=3)[1])


def test_names_and_clips() -> None:
    assert seedbed.stream("plate-crops", seed=1).recipe.name == "plate-crops"
    values = {"name": "b", "generator": {"name": "seedbed_dots:Beep"}, "splits": {"train": 1}}
    clip = next(seedbed.stream(parse_recipe(values), seed=1))
    assert isinstance(clip, Clip)
    assert (clip.label, len(clip.sound)) == ("beep", 1600)
