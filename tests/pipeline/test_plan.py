from __future__ import annotations

import time

import pytest

from seedbed.plan import Part, Plan, Shard


def test_shards_cover_every_index_once() -> None:
    plan = Plan({"train": 25, "val": 10, "test": 1}, shard_size=10)
    assert list(plan) == [
        Shard("train", 0, 0, 10),
        Shard("train", 1, 10, 20),
        Shard("train", 2, 20, 25),
        Shard("val", 0, 0, 10),
        Shard("test", 0, 0, 1),
    ]
    assert [plan[k] for k in range(len(plan))] == list(plan)
    assert plan[-1] == Shard("test", 0, 0, 1)
    assert plan.samples == 36


def test_shards_that_are_not_there_raise() -> None:
    plan = Plan({"train": 25}, shard_size=10)
    for position in (3, -4):
        with pytest.raises(IndexError):
            plan[position]
    with pytest.raises(IndexError):
        plan.shard("train", 3)


def test_a_billion_samples_cost_nothing_to_plan() -> None:
    began = time.process_time()
    plan = Plan({"train": 10**9, "val": 10**6}, shard_size=250)
    assert len(plan) == 4_000_000 + 4_000
    assert plan[3_999_999] == Shard("train", 3_999_999, 999_999_750, 10**9)
    assert next(iter(plan)).name == "train-000000"
    assert time.process_time() - began < 0.5


def test_a_part_takes_every_nth_shard() -> None:
    plan = Plan({"train": 25, "val": 40}, shard_size=10)
    parts = [Part(number, 3) for number in (1, 2, 3)]
    assert [list(part.positions(plan)) for part in parts] == [[0, 3, 6], [1, 4], [2, 5]]
    assert str(parts[1]) == "2/3"


def test_prefixes_cover_every_name() -> None:
    plan = Plan({"train": 1_000_500, "val": 2}, shard_size=1)
    prefixes = list(plan.prefixes())
    assert len(prefixes) == 1001 + 1
    for at in (0, 999, 1000, 123_456, 999_999, 1_000_000, 1_000_499, 1_000_500):
        name = plan[at].name
        assert any(name.startswith(prefix) for prefix in prefixes)
        assert plan.position(name) == at
