from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import seedbed
from seedbed.builder import build
from seedbed.dataset import Dataset
from seedbed.errors import InputError, SeedbedError
from seedbed.plan import Plan
from seedbed.recipe import parse_recipe
from seedbed.sample import Clip, Picture, TimedSpan
from seedbed.schema import Row
from seedbed.shards import write_shard
from seedbed.store import LocalStore
from seedbed.verify import sample_problems, verify


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def built(dots_values: dict[str, Any], tmp_path: Path) -> Path:
    build(parse_recipe(dots_values), tmp_path / "d", executor="serial")
    return tmp_path / "d"


def texts(folder: Path, **options: Any) -> list[str]:
    return [problem.text for problem in verify(folder, **options).problems]


def flip(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def test_a_dataset_as_built_is_good(built: Path) -> None:
    before = contents(built)
    found = verify(built, repair=True, workers=2)
    assert (found.good, found.shards, found.samples) == (True, 7, 50)
    assert contents(built) == before


def test_a_share_of_samples_is_decoded(built: Path) -> None:
    # At least one of each shard: 4 x 9 + 4 + 9 + 1 samples, of which a third.
    assert verify(built, share=1 / 3).samples == 4 * 3 + 1 + 3 + 1
    assert verify(built, share=0.01).samples == 7
    for share in (0.0, 1.1, -1):
        with pytest.raises(InputError, match="the share of samples must be above 0"):
            verify(built, share=share)


def test_one_flipped_byte_and_a_truncated_shard_are_named_and_repaired(built: Path) -> None:
    before = contents(built)
    shards = built / "shards"
    flip(shards / "train-000002.parquet", 700)
    whole = (shards / "val-000000.parquet").stat().st_size
    with (shards / "val-000000.parquet").open("r+b") as file:
        file.truncate(whole - 1)
    (shards / "train-000004.parquet").unlink()
    found = texts(built, share=0.1)
    assert "shard train-000002 has been changed: its sha256 is not what was recorded." in found
    assert f"shard val-000000 has {whole - 1:,} bytes instead of {whole:,}." in found
    assert "shard train-000004 is missing." in found
    named = {problem.shard for problem in verify(built).problems}
    assert named == {"train-000002", "train-000004", "val-000000"}
    repaired = verify(built, repair=True)
    assert repaired.good
    assert sorted(repaired.repaired) == ["train-000002", "train-000004", "val-000000"]
    assert contents(built) == before


@pytest.mark.parametrize("place", [4, 300, 1000, -30, -4])
def test_a_flipped_byte_is_found_wherever_it_is(built: Path, place: int) -> None:
    before = contents(built)
    flip(built / "shards" / "train-000000.parquet", place)
    assert {problem.shard for problem in verify(built).problems} == {"train-000000"}
    assert verify(built, repair=True, workers=1).repaired == ["train-000000"]
    assert contents(built) == before


def test_damage_to_the_manifest_is_named_and_repaired(built: Path) -> None:
    before = contents(built)
    for name, damage, sentence in (
        ("dataset.json", b"{", "dataset.json: .* is damaged"),
        ("shards.parquet", b"PAR1", "shards.parquet cannot be read"),
        ("marks/train-000001.json", b"", "shard train-000001 has no mark"),
    ):
        (built / name).write_bytes(damage)
        found = texts(built)
        assert len(found) == 1
        assert sentence.split(" .* ")[0] in found[0]
        assert verify(built, repair=True).good
        assert contents(built) == before
    info = json.loads((built / "dataset.json").read_text())
    (built / "dataset.json").write_text(json.dumps({**info, "hash": "0" * 64}))
    assert texts(built) == [
        f"dataset.json: hash is {'0' * 64!r} and should be {info['hash']!r}.",
    ]
    assert verify(built, repair=True).good
    assert contents(built) == before


def change_row(built: Path, number: int, **values: Any) -> None:
    table = pq.read_table(built / "shards.parquet")
    rows = table.to_pylist()
    rows[number].update(values)
    pq.write_table(pa.Table.from_pylist(rows, table.schema), built / "shards.parquet")


def change_json(path: Path, **values: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values, indent=1) + "\n")


def test_every_value_of_the_list_of_shards_is_checked(built: Path) -> None:
    """Row 1 is train-000001: samples 9 to 17. The files are right, so nothing is made again."""
    before = contents(built)
    size = (built / "shards" / "train-000001.parquet").stat().st_size
    for key, value, wanted in (
        ("start", 99, 9),
        ("count", 7, 9),
        ("bytes", size + 1, size),
        ("sha256", "0" * 64, sha256_of(built, "train-000001")),
        ("hash", "0" * 64, json.loads(before["marks/train-000001.json"])["hash"]),
        ("counts", '{"painted": 8}', json.loads(before["marks/train-000001.json"])["counts"]),
    ):
        change_row(built, 1, **{key: value})
        shown = json.loads(value) if key == "counts" else value
        sentence = f"shards.parquet: {key} of shard train-000001 is {shown!r} and should be "
        for share in (1.0, 0.2):
            assert texts(built, share=share) == [f"{sentence}{wanted!r}."]
        repaired = verify(built, repair=True)
        assert (repaired.good, repaired.repaired) == (True, [])
        assert contents(built) == before
    for values in ({"counts": "7"}, {"hash": "x"}, {"sha256": None}):
        change_row(built, 1, **values)
        assert "the row of shard train-000001 cannot be used" in texts(built)[0]
        assert verify(built, repair=True).good
    table = pq.read_table(built / "shards.parquet")
    pq.write_table(table.slice(0, 6), built / "shards.parquet")
    assert texts(built) == ["shards.parquet does not list shard val-000001."]
    pq.write_table(table.drop_columns("count"), built / "shards.parquet")
    assert texts(built) == [
        "shards.parquet cannot be read: it has other columns than this seedbed writes"
    ]
    assert verify(built, repair=True).good
    assert contents(built) == before


def sha256_of(built: Path, name: str) -> str:
    return hashlib.sha256((built / "shards" / f"{name}.parquet").read_bytes()).hexdigest()


def test_every_value_of_the_manifest_is_checked(built: Path) -> None:
    before = contents(built)
    path = built / "dataset.json"
    info = json.loads(path.read_text())
    for key in set(info) - {"format_version"}:
        change_json(path, **{key: "other"})
        assert texts(built, share=0.1) == [
            f"dataset.json: {key} is 'other' and should be {info[key]!r}."
        ]
        assert verify(built, repair=True, share=0.1).repaired == []
        assert contents(built) == before
    change_json(path, price=3)
    assert texts(built) == ["dataset.json: there is no key 'price' in it by right."]
    (built / "README.md").unlink()
    assert texts(built)[1:] == ["README.md is missing."]
    (built / "README.md").write_text("# My own")
    assert texts(built)[1:] == ["README.md is not what the build wrote."]
    assert verify(built, repair=True).repaired == []
    assert contents(built) == before


def test_words_of_another_release_are_left_alone(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A manifest is mended where other versions are installed: only samples would differ."""
    import seedbed_dots

    change_json(built / "dataset.json", bytes=1)
    (built / "README.md").write_text("As an older release put it")
    monkeypatch.setattr(seedbed, "__version__", "9.9")
    monkeypatch.setattr(seedbed_dots.Dots, "notes", lambda dots: ("Newly said.",))
    (told,) = texts(built)
    assert told.startswith("dataset.json: bytes is 1 and should be ")
    assert verify(built, repair=True).good
    info = json.loads((built / "dataset.json").read_text())
    assert (info["notes"], info["versions"]["seedbed"] != "9.9") == ([], True)


def test_every_value_of_a_mark_is_checked(built: Path) -> None:
    before = contents(built)
    path = built / "marks" / "train-000001.json"
    mark = json.loads(path.read_text())
    for values in (
        {"split": "val"},
        {"number": 3},
        {"start": 99},
        {"count": 7},
        {"seed": 8},
        {"recipe_hash": "0"},
        {"bytes": 1},
        {"sha256": "0"},
        {"hash": "0"},
        {"counts": {"painted": 8}},
    ):
        ((key, value),) = values.items()
        change_json(path, **values)
        assert texts(built, share=0.1) == [
            f"the mark of shard train-000001: {key} is {value!r} and should be {mark[key]!r}."
        ]
        assert verify(built, repair=True, workers=1).repaired == ["train-000001"]
        assert contents(built) == before
    change_json(path, versions={**mark["versions"], "numpy": "0.1"})
    assert texts(built) == ["the mark of shard train-000001 records other versions than most do."]
    assert verify(built, repair=True, workers=1).repaired == ["train-000001"]
    for values in ({"hash": "x"}, {"start": "9"}, {"counts": 7}, {"versions": {"numpy": 2}}):
        change_json(path, **values)
        assert texts(built) == ["shard train-000001 has no mark."]
    assert verify(built, repair=True, workers=1).good
    assert contents(built) == before


def test_a_file_that_is_no_shard_is_named_and_kept(built: Path) -> None:
    (built / "shards" / "holiday.parquet").write_bytes(b"precious")
    sentence = ["shards/holiday.parquet is no shard of this dataset: delete it."]
    assert texts(built) == sentence
    assert texts(built, repair=True) == sentence


def test_an_unfinished_dataset_says_so(built: Path) -> None:
    (built / "dataset.json").unlink()
    assert texts(built) == ["dataset.json is missing: run its build again."]
    (built / "marks" / "train-000000.json").unlink()
    (built / "shards.parquet").unlink()
    assert texts(built) == ["1 of 7 shards are missing: run its build again."]
    (built / "recipe.yaml").unlink()
    with pytest.raises(InputError, match=r"is no dataset: it has no recipe\.yaml"):
        verify(built)


def test_a_repair_that_gives_other_bytes_is_refused(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A generator that draws otherwise today: the damaged shard stays, nothing replaces it."""
    import seedbed_dots

    flip(built / "shards" / "val-000001.parquet", 100)
    damaged = contents(built)
    render = seedbed_dots.Dots.render

    def otherwise(self: Any, params: Any) -> Picture:
        made = render(self, params)
        return replace(made, image=255 - made.image)

    monkeypatch.setattr(seedbed_dots.Dots, "render", otherwise)
    with pytest.raises(SeedbedError, match=r"shard val-000001 of .* cannot be repaired: made"):
        verify(built, repair=True, workers=1)
    assert contents(built) == damaged
    for path in [*built.glob("marks/*.json"), built / "dataset.json"]:
        path.write_text(path.read_text().replace('"numpy": "', '"numpy": "0.'))
    with pytest.raises(
        InputError, match=r"versions or files, which may give other samples: numpy 0"
    ):
        verify(built, repair=True, workers=1)


def test_samples_that_are_not_theirs_are_found(built: Path, dots_values: dict[str, Any]) -> None:
    """A forger who also writes marks and leaves the manifest: all of it is told."""
    recipe = parse_recipe(dots_values)
    shard = Plan(recipe.counts, 9)[0]
    rows = [dict(Dataset.open(built).samples("train").row(i)) for i in range(9)]
    rows[3]["id"] = rows[2]["id"]
    rows[4]["image"] = {"bytes": b"no picture", "path": "x.png"}
    store = LocalStore(built)
    write_shard(store, shard, rows, "picture", 7, recipe.recipe_hash(), {})
    for name in ("shards.parquet", "dataset.json"):
        (built / name).unlink()
    found = texts(built)
    assert "sample train-00000003 stands there as 'train-00000002'." in found
    assert any("sample train-00000004 cannot be decoded" in text for text in found)


def picture_problems(**changes: Any) -> list[str]:
    import seedbed_dots

    sample = seedbed_dots.Dots().sample(1)
    row: Row = {"width": 32, "height": 24}
    one = replace(sample.objects[0], **changes)
    return sample_problems(replace(sample, objects=(one,)), row)


def test_labels_outside_a_picture_are_found() -> None:
    assert picture_problems() == []
    assert picture_problems(bbox=(0.0, 0.0, 32.0, 24.0)) == []
    assert picture_problems(bbox=(0.0, 0.0, 32.1, 24.0)) == [
        "the bbox of object 0 lies outside the picture"
    ]
    assert picture_problems(polygon=np.array([[0, 0], [5, 0], [5, -1]])) == [
        "the polygon of object 0 lies outside the picture"
    ]
    assert picture_problems(bbox=(9.0, 9.0, -1.0, 2.0)) == [
        "the bbox of object 0 has a negative size"
    ]
    import seedbed_dots

    (character,) = seedbed_dots.Dots().sample(1).objects[0].characters
    for box in ((-0.1, 0.0, 2.0, 2.0), (0.0, 23.0, 2.0, 2.0), (5.0, 5.0, -1.0, 2.0)):
        assert picture_problems(characters=(character, replace(character, bbox=box))) == [
            "the bbox of character 1 of object 0 lies outside the picture"
        ]
    assert picture_problems(occlusion=1.5) == ["object 0 has a share that is not between 0 and 1"]


def test_labels_that_do_not_fit_a_clip_are_found() -> None:
    clip = Clip(sound=np.zeros(1600, np.float32), sample_rate=16000, transcript="beep")
    row: Row = {"sample_rate": 16000, "duration": 0.1}
    assert sample_problems(clip, row) == []
    assert sample_problems(replace(clip, transcript=" "), row) == ["the transcript is empty"]
    for kind in ("noise", "silence", "babble"):
        quiet = replace(clip, transcript="", attributes={"kind": kind})
        assert sample_problems(quiet, row) == []
    spoken = replace(clip, transcript="", attributes={"kind": "keyword"})
    assert sample_problems(spoken, row) == ["the transcript is empty"]
    late = replace(clip, words=(TimedSpan(text="beep", start=0.05, end=0.2),))
    assert sample_problems(late, row) == ["a word, phoneme or keyword lies outside the sound"]
    assert sample_problems(clip, {**row, "duration": 0.2}) == [
        "the sound is 0.1 s long and said to be 0.2"
    ]
