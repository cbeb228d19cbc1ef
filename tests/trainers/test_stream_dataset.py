from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

import seedbed
from seedbed.errors import InputError, SeedbedError
from seedbed.recipe import Recipe, parse_recipe
from seedbed.streaming import SampleStream
from seedbed.trainers.stream_dataset import Rank, StreamDataset, StreamLoader

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")


@pytest.fixture
def recipe(dots_values: dict[str, Any]) -> Recipe:
    return parse_recipe(dots_values)


@pytest.fixture
def stream(recipe: Recipe) -> SampleStream:
    return seedbed.stream(recipe, seed=3)


@pytest.fixture
def place_of(recipe: Recipe) -> dict[tuple[int, ...], int]:
    """Which sample a `key` is of: samples tell no index themselves."""
    stream = seedbed.stream(recipe, seed=3)
    return {key(stream[index]): index for index in range(60)}


def key(sample: Any, rng: np.random.Generator | None = None) -> tuple[int, ...]:
    drawn = sample.params["generator"]
    return (drawn["x"], drawn["y"], *drawn["colour"])


def as_tensor(sample: Any, rng: np.random.Generator) -> tuple[torch.Tensor, float]:
    return torch.tensor(key(sample)), float(rng.random())


def places(batches: Any, place_of: dict[tuple[int, ...], int]) -> list[list[int]]:
    return [[place_of[key(sample)] for sample in batch] for batch in batches]


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_batches_are_the_same_for_any_number_of_workers(
    stream: SampleStream, place_of: dict[tuple[int, ...], int], workers: int
) -> None:
    loader = StreamLoader(stream, 4, num_workers=workers)
    batches = places(islice(loader, 5), place_of)
    assert batches == [list(range(4 * n, 4 * n + 4)) for n in range(5)]


def test_ranks_take_batches_in_turn(
    stream: SampleStream, place_of: dict[tuple[int, ...], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    for number in range(2):
        loader = StreamLoader(stream, 2, rank=Rank(number, 2), num_workers=number)
        seen.append(places(islice(loader, 3), place_of))
        assert loader.state_dict()["position"] == 12
    assert seen == [[[0, 1], [4, 5], [8, 9]], [[2, 3], [6, 7], [10, 11]]]
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert places(islice(StreamLoader(stream, 2), 3), place_of) == seen[1]
    with pytest.raises(InputError, match="rank 2 is not between 0 and 1"):
        Rank(2, 2)


def test_the_process_group_says_the_rank(stream: SampleStream, tmp_path: Any) -> None:
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{tmp_path}/group", rank=0, world_size=1
    )
    try:
        assert len(next(iter(StreamLoader(stream, 2)))) == 2
    finally:
        torch.distributed.destroy_process_group()


@pytest.mark.parametrize(("workers", "later"), [(0, 0), (2, 2), (2, 0), (0, 1)])
def test_a_state_goes_on_mid_epoch(
    recipe: Recipe,
    stream: SampleStream,
    place_of: dict[tuple[int, ...], int],
    workers: int,
    later: int,
) -> None:
    loader = StreamLoader(stream, 2, batches_per_epoch=5, num_workers=workers)
    places(loader, place_of)
    first = places(islice(loader, 3), place_of)
    assert first == [[10, 11], [12, 13], [14, 15]]
    state = loader.state_dict()
    again = StreamLoader(seedbed.stream(recipe, seed=3), 2, batches_per_epoch=5, num_workers=later)
    again.load_state_dict(state)
    assert places(again, place_of) == [[16, 17], [18, 19]]
    assert places(again, place_of)[0] == [20, 21]
    assert len(again) == 5


def test_another_world_goes_on_without_gap_or_repeat(
    recipe: Recipe, stream: SampleStream, place_of: dict[tuple[int, ...], int]
) -> None:
    loader = StreamLoader(stream, 2, rank=Rank(0, 2))
    assert places(islice(loader, 2), place_of) == [[0, 1], [4, 5]]
    seen = []
    for number in range(3):
        again = StreamLoader(seedbed.stream(recipe, seed=3), 5, rank=Rank(number, 3))
        again.load_state_dict(loader.state_dict())
        seen += places(islice(again, 2), place_of)
    assert sorted(place for batch in seen for place in batch) == list(range(8, 38))


def test_workers_that_stay_learn_where_the_next_epoch_begins(
    stream: SampleStream, place_of: dict[tuple[int, ...], int]
) -> None:
    loader = StreamLoader(stream, 2, batches_per_epoch=3, num_workers=2, persistent_workers=True)
    assert places(loader, place_of) == [[0, 1], [2, 3], [4, 5]]
    assert places(islice(loader, 2), place_of) == [[6, 7], [8, 9]]
    assert places(loader, place_of) == [[10, 11]]
    assert places(loader, place_of) == [[12, 13], [14, 15], [16, 17]]


def test_spawned_workers_make_the_same(
    stream: SampleStream, place_of: dict[tuple[int, ...], int]
) -> None:
    loader = StreamLoader(
        stream, 2, rank=Rank(1, 2), num_workers=1, multiprocessing_context="spawn"
    )
    assert places(islice(loader, 2), place_of) == [[2, 3], [6, 7]]


def test_a_transform_draws_from_the_sample_s_own_stream(stream: SampleStream) -> None:
    drawn = []
    for workers in (0, 2):
        loader = StreamLoader(stream, 4, transform=as_tensor, num_workers=workers)
        tensors, numbers = zip(*islice(loader, 3), strict=True)
        assert tensors[0].shape == (4, 5)
        drawn.append(torch.cat(numbers))
    assert torch.equal(drawn[0], drawn[1])
    assert len(set(drawn[0].tolist())) == 12


@pytest.mark.parametrize("workers", [0, 2])
def test_a_plain_data_loader_sees_no_sample_twice(
    stream: SampleStream, place_of: dict[tuple[int, ...], int], workers: int
) -> None:
    dataset = StreamDataset(stream, batch_size=3)
    loader: Any = DataLoader(dataset, batch_size=3, num_workers=workers, collate_fn=list)
    assert places(islice(loader, 4), place_of) == [[3 * n, 3 * n + 1, 3 * n + 2] for n in range(4)]
    single: Any = DataLoader(StreamDataset(stream), batch_size=None, num_workers=workers)
    assert [place_of[key(sample)] for sample in islice(single, 7)] == list(range(7))


def test_a_dataset_iterated_here_knows_its_state(
    recipe: Recipe, stream: SampleStream, place_of: dict[tuple[int, ...], int]
) -> None:
    dataset = StreamDataset(stream, batch_size=4)
    assert [place_of[key(sample)] for sample in islice(dataset, 6)] == list(range(6))
    again = StreamDataset(seedbed.stream(recipe, seed=3), batch_size=4)
    again.load_state_dict(dataset.state_dict())
    assert [place_of[key(sample)] for sample in islice(again, 6)] == list(range(6, 12))
    loader: Any = DataLoader(dataset, batch_size=4, num_workers=1, collate_fn=list)
    dataset.begin(0)
    next(iter(loader))
    with pytest.raises(SeedbedError, match="the workers of a DataLoader know"):
        dataset.state_dict()


def test_iterators_keep_a_state_of_their_own_as_torchdata_asks(
    stream: SampleStream, place_of: dict[tuple[int, ...], int]
) -> None:
    dataset = StreamDataset(stream, batch_size=2)
    iterator = iter(dataset)
    assert [place_of[key(sample)] for sample in islice(iterator, 3)] == [0, 1, 2]
    other = iter(dataset)
    other.load_state_dict(iterator.state_dict())
    assert place_of[key(next(other))] == 3


def test_bad_settings_are_refused(recipe: Recipe, stream: SampleStream) -> None:
    with pytest.raises(InputError, match="batch_size must be >= 1, got 0"):
        StreamLoader(stream, 0)
    with pytest.raises(InputError, match="batches_per_epoch must be >= 1, got 0"):
        StreamLoader(stream, 1, batches_per_epoch=0)
    with pytest.raises(InputError, match="no position -1"):
        StreamDataset(stream).begin(-1)
    with pytest.raises(TypeError, match="endless: give batches_per_epoch"):
        len(StreamLoader(stream, 1))
    with pytest.raises(InputError, match="seed is 3 there and 4 here"):
        StreamLoader(seedbed.stream(recipe, seed=4), 1).load_state_dict(
            StreamLoader(stream, 1).state_dict()
        )
