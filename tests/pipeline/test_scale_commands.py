"""The command line of what scales: extend, parts, merge, verify, limits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from seedbed_command import check_bad_input, run


def test_parts_are_built_merged_verified_and_extended(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "d"
    code, text, err = run(capsys, "build", recipe, "--out", out, "--shard", "1/2", "--workers", 1)
    assert (code, text) == (
        0,
        f"part 1/2: 3 shards, 24 samples (0 shards were there already); when every part is done "
        f"run `seedbed merge {out}`\n",
    ), err
    code, _, err = run(capsys, "merge", out)
    assert (code, "3 of 6 shards" in err) == (1, True)
    assert run(capsys, "build", recipe, "--out", out, "--shard", "2/2", "--workers", 1)[0] == 0
    code, text, _ = run(capsys, "merge", out)
    assert code == 0
    assert text.startswith(f"{out}: 40 samples in 6 shards\nhash ")
    code, text, _ = run(capsys, "merge", out, "--json")
    assert (code, json.loads(text)["samples"]) == (0, 40)
    code, text, _ = run(capsys, "verify", out)
    assert (code, text) == (0, "good: 6 shards, 40 samples decoded\n")
    code, text, _ = run(capsys, "verify", out, "--sample", "10%", "--json")
    assert (code, json.loads(text)["good"], json.loads(text)["samples"]) == (0, True, 6)
    bigger = ["build", recipe, "--out", out, "--n", 48, "--workers", 1]
    code, _, err = run(capsys, *bigger)
    assert (code, "Add --extend to keep its samples" in err) == (2, True)
    code, text, err = run(capsys, *bigger, "--extend")
    assert (code, "resumed 6/8 shards" in text) == (0, True), err
    assert "samples  48 (train 36, val 12)" in text


def test_verify_names_what_is_damaged_and_repairs_it(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "d"
    assert run(capsys, "build", recipe, "--out", out, "--workers", 1)[0] == 0
    (out / "shards" / "val-000001.parquet").unlink()
    code, text, err = run(capsys, "verify", out)
    assert (code, text) == (1, "shard val-000001 is missing.\n")
    assert err == f"seedbed: {out} has 1 problem; --repair makes damaged shards again.\n"
    code, text, _ = run(capsys, "verify", out, "--repair", "--workers", 1)
    assert (code, text) == (
        0,
        "shard val-000001 was made again: its sha256 is what was recorded\n"
        "good: 6 shards, 40 samples decoded\n",
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["build", "RECIPE", "--out", "d", "--shard", "9/8"], "give it as K/N with 1 <= K <= N"),
        (["build", "RECIPE", "--out", "d", "--shard", "one"], "not 'one'"),
        (["build", "RECIPE", "--out", "d", "--sample-timeout", "0"], "0.0 is not in the range x>0"),
        (["build", "RECIPE", "--out", "s3://key:secret@b/d"], "must hold no credentials"),
        (["build", "RECIPE", "--out", "s3://"], "names no place for a dataset"),
        (["build", "RECIPE", "--out", "nosuch://b/d"], "cannot be opened"),
        (["verify", "nowhere"], "nowhere is no dataset"),
        (["verify", "nowhere", "--sample", "0%"], "give a share above 0 up to 100%"),
        (["merge", "a", "b"], "say with --out where the merged dataset goes"),
        (["merge", "a"], "a is no part of a dataset"),
    ],
)
def test_bad_input_is_exit_code_2(
    arguments: list[str],
    sentence: str,
    recipe: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    check_bad_input(capsys, tmp_path, arguments, recipe, sentence)
