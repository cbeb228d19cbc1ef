from __future__ import annotations

import json
from pathlib import Path

import pytest
from seedbed_command import run

from seedbed.balance import balance_rows

RECIPE = """
name: words
seed: 7
generator: {name: "seedbed_dots:Beep"}
splits: {train: 6, val: 2}
"""


def test_labels_are_ranked_and_what_a_split_lacks_is_named() -> None:
    counts = {"train": {"go": 2, "stop": 3, "": 1}, "val": {"stop": 2}, "test": {}}
    assert balance_rows(counts) == [
        ("labels", "stop 5, go 2, (no label) 1"),
        ("lacking", "val has no go, (no label)"),
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
