from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from seedbed_command import run

from seedbed import display
from seedbed.balance import balance_rows, count_labels, label_balance
from seedbed.builder import Built, Progress, build
from seedbed.dataset import Dataset
from seedbed.errors import SeedbedError
from seedbed.recipe import parse_recipe
from seedbed.store import LocalStore, Store, as_store
from seedbed.yaml_files import parse_yaml

RECIPE = """
name: words
seed: 7
generator: {name: "seedbed_dots:Beep"}
splits: {train: 6, val: 2}
"""


def test_labels_are_ranked_and_what_a_split_lacks_is_named() -> None:
    counts = {"train": {"go": 2, "stop": 3, "": 1}, "val": {"stop": 2}, "test": {}}
    assert balance_rows(counts) == [
        ("labels", "stop 5, go 2, other 1"),
        ("lacking", "val has no go, other"),
    ]


def test_of_many_labels_both_ends_are_told() -> None:
    counts = {"train": {f"w{number:02}": 1000 + number for number in range(20)}}
    assert balance_rows(counts) == [
        (
            "labels",
            "20: w19 1,019, w18 1,018, w17 1,017, w16 1,016 … "
            "w03 1,003, w02 1,002, w01 1,001, w00 1,000",
        )
    ]


def test_one_label_has_no_balance() -> None:
    assert balance_rows({"train": {"plate": 9}, "val": {"plate": 1}}) == []
    assert balance_rows({}) == []


def test_a_build_and_info_count_labels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe, out = tmp_path / "words.yaml", tmp_path / "words"
    recipe.write_text(RECIPE.replace("Beep", "TwoBeeps"))
    code, text, err = run(capsys, "build", recipe, "--out", out, "--workers", 1)
    assert code == 0, err
    code, listed, _ = run(capsys, "info", out, "--json")
    labels = json.loads(listed)["labels"]
    assert code == 0
    assert sum(labels["train"].values()) == 6
    assert sum(labels["val"].values()) == 2
    assert set(labels["train"]) == {"high", "low"}
    high, low = (sum(found.get(name, 0) for found in labels.values()) for name in ("high", "low"))
    line = f"high {high}, low {low}" if high >= low else f"low {low}, high {high}"
    for shown in (text, run(capsys, "info", out)[1]):
        (row,) = [row for row in shown.splitlines() if row.startswith("labels")]
        assert row.split(maxsplit=1)[1] == line


@pytest.fixture
def words(tmp_path: Path) -> Path:
    """Eight clips in two shards."""
    recipe = parse_recipe(parse_yaml(RECIPE.replace("Beep", "TwoBeeps"), "recipe"))
    build(recipe, tmp_path / "words", executor="serial")
    return tmp_path / "words"


def drop_columns(shard: Path, *names: str) -> None:
    pq.write_table(pq.read_table(shard).drop_columns(list(names)), shard)


def rename_columns(shard: Path) -> None:
    pq.write_table(pa.table({"sound": [b""], "label": [""]}), shard)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (Path.unlink, "No such file"),
        (lambda shard: shard.write_bytes(b"PAR1"), "cannot be read: "),
        (rename_columns, "its columns sound, label are not those of a dataset"),
        (lambda shard: drop_columns(shard, "label"), "are not those of a dataset"),
    ],
)
def test_a_shard_that_cannot_be_read_is_told_and_all_else_too(
    words: Path,
    capsys: pytest.CaptureFixture[str],
    damage: Callable[[Path], Any],
    reason: str,
) -> None:
    (shard,) = words.rglob("train-000000.parquet")
    damage(shard)
    with pytest.raises(SeedbedError, match="cannot be read") as caught:
        count_labels(Dataset.open(words), "train")
    sentence = str(caught.value)
    assert sentence.startswith(f"shard {shard} cannot be read: ")
    assert reason in sentence
    assert sentence.endswith("; see `seedbed verify --repair`.")
    assert "\n" not in sentence

    code, text, err = run(capsys, "info", words)
    assert (code, err) == (0, "")
    assert f"not counted: {sentence}" in text
    assert "Beeps" in text
    code, text, _ = run(capsys, "info", words, "--json")
    values = json.loads(text)
    assert (code, values["samples"]) == (0, 8)
    assert (values["labels"], values["labels_not_counted"]) == (None, sentence)


def test_a_build_that_finds_a_damaged_shard_of_the_right_size_has_its_summary(
    words: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shard,) = words.rglob("train-000000.parquet")
    shard.write_bytes(bytes(shard.stat().st_size))
    recipe = words.parent / "words.yaml"
    recipe.write_text(RECIPE.replace("Beep", "TwoBeeps"))
    code, text, _ = run(capsys, "build", recipe, "--out", words, "--workers", 1)
    assert code == 0
    assert "already complete" in text
    assert f"not counted: shard {shard} cannot be read: " in text


def test_a_manifest_that_cannot_be_read_is_told(words: Path) -> None:
    (words / "shards.parquet").write_bytes(b"PAR1")
    balance = label_balance(LocalStore(words))
    assert balance.counts is None
    assert "shards.parquet cannot be read" in balance.reason


def built(store: Store, sample_type: str, shards: int) -> Built:
    return Built(store, {"sample_type": sample_type, "shards": shards}, Progress(8, shards), 1.0)


def test_a_build_leaves_what_would_take_long_to_info(
    words: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = display.MOST_SHARDS_LOOKED_INTO
    here, there = LocalStore(words), as_store("memory://words")
    ((_, counted),) = display._balance(built(here, "clip", most))
    assert "high" in counted

    def nothing_is_read(*_: Any) -> None:
        raise AssertionError("a shard was looked into")

    monkeypatch.setattr("seedbed.balance.count_labels", nothing_is_read)
    assert display._balance(built(here, "clip", most + 1)) == [
        ("labels", f"`seedbed info {words}` counts them")
    ]
    assert display._balance(built(there, "clip", 1)) == [
        ("labels", "`seedbed info memory://words` counts them")
    ]
    # Of pictures' objects there is mostly one kind.
    assert display._balance(built(here, "picture", most + 1)) == []
    assert display._balance(built(there, "picture", 1)) == []
