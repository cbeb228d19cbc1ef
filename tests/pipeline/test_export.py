from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seedbed import cli, registry
from seedbed.builder import build
from seedbed.dataset import Dataset
from seedbed.errors import InputError, SeedbedError
from seedbed.export import export_dataset
from seedbed.formats.format import Format, Source, safe_name
from seedbed.recipe import parse_recipe
from seedbed.schema import Row


def odd_dataset(folder: Path, generator: str = "OddClips", **values: Any) -> Path:
    recipe = {
        "name": "odd",
        "seed": 5,
        "generator": {"name": f"seedbed_odd:{generator}"},
        "splits": {"train": 30, "val": 6},
        "shard_size": 12,
        **values,
    }
    build(parse_recipe(recipe), folder, executor="serial")
    return folder


@pytest.fixture
def dots(dots_values: dict[str, Any], tmp_path: Path) -> Path:
    build(parse_recipe(dots_values), tmp_path / "dots", executor="serial")
    return tmp_path / "dots"


def everything_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("yes", "yes"),
        ("Ångström", "Ångström"),
        ("no.1", "no.1"),
        ("", "_unlabelled"),
        # {} stands for eight digits of the label's sha256.
        ("../../x", "_._x-{}"),
        ("/etc/passwd", "_etc_passwd-{}"),
        ("..", "label-{}"),
        (".hidden", "hidden-{}"),
        ("a\0b\nc", "a_b_c-{}"),
        ("CON", "label-CON-{}"),
        ("nul.txt", "label-nul.txt-{}"),
        ("_unlabelled", "_unlabelled-{}"),
        ("x" * 300, "x" * 80 + "-{}"),
        ("ü" * 300, "ü" * 40 + "-{}"),
    ],
)
def test_labels_make_safe_names(label: str, name: str) -> None:
    from hashlib import sha256

    assert safe_name(label) == name.format(sha256(label.encode()).hexdigest()[:8])


def test_two_labels_never_meet_in_one_name() -> None:
    labels = [
        "a/b",
        "a_b",
        "a\\b",
        "a b",
        "../a",
        "a",
        "a.",
        "A\u030a",
        "\u00c5",
        "",
        "_unlabelled",
    ]
    assert len({safe_name(label) for label in labels}) == len(labels)
    for label in labels:
        assert Path("/base", safe_name(label)).resolve().parent == Path("/base")


@pytest.mark.parametrize("name", registry.names("formats"))
def test_every_format_keeps_media_bytes_labels_and_splits(name: str, tmp_path: Path) -> None:
    """Written, then read back by the format's own reader."""
    chosen = registry.resolve("formats", name)()
    generator, encoding = {
        "picture": ("OddPictures", {"png_share": 0.3}),
        "clip": ("OddClips", {"format": "wav"}),
    }[chosen.sample_type]
    built = odd_dataset(tmp_path / "built", generator, encoding=encoding)
    exported = export_dataset(built, name, tmp_path / "out")
    assert (exported.folder, exported.splits) == (tmp_path / "out", {"train": 30, "val": 6})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["built", "out"]
    dataset = Dataset.open(built)
    there = [dataset.samples(split).row(i) for split in ("train", "val") for i in range(6)]
    back = {row["id"]: row for row in chosen.read(tmp_path / "out")}
    assert len(back) == 36
    for row in there:
        read = back[row["id"]]
        assert read["split"] == row["split"]
        media = "image" if "image" in row else "audio"
        assert read[media] == row[media]
        if media == "audio":
            assert read["label"] == row["label"]
            continue
        assert (read["width"], read["height"]) == (80, 60)
        assert [one["category"] for one in read["objects"]] == [
            one["category"] for one in row["objects"]
        ]
        for found, made in zip(read["objects"], row["objects"], strict=True):
            assert found["bbox"] == pytest.approx(made["bbox"], abs=2e-5)


def test_names_of_labels_stay_inside(tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    built = odd_dataset(tmp_path / "built")
    export_dataset(built, "wav-folders", outer / "a" / "b" / "out")
    assert {path.name for path in tmp_path.iterdir()} == {"built", "outer"}
    assert [path.name for path in (outer / "a").iterdir()] == ["b"]
    assert [path.name for path in (outer / "a" / "b").iterdir()] == ["out"]
    folders = {path.name for path in (outer / "a" / "b" / "out" / "train").iterdir()}
    assert folders == {safe_name(row["label"]) for row in rows(built, "train")}
    assert max(len(name.encode()) for name in folders) <= 89


def rows(built: Path, split: str) -> Iterator[Row]:
    samples = Dataset.open(built).samples(split)
    for position in range(len(samples)):
        yield samples.row(position)


def test_what_is_there_is_never_written_into(dots: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("empty", "file", "link"):
        with pytest.raises(InputError, match=f"{name} is there already: give --out a new folder"):
            export_dataset(dots, "coco", tmp_path / name)
    before = everything_in(dots)
    with pytest.raises(InputError, match="is inside the dataset"):
        export_dataset(dots, "coco", dots / "coco")
    assert everything_in(dots) == before


def test_what_cannot_be_exported_is_refused(dots: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no format named 'coc', did you mean 'coco'"):
        export_dataset(dots, "coc", tmp_path / "out")
    with pytest.raises(InputError, match=r"holds clips, and .* holds pictures .*: coco, yolo"):
        export_dataset(dots, "wav-folders", tmp_path / "out")
    with pytest.raises(InputError, match="is not a format"):
        export_dataset(dots, "json:loads", tmp_path / "out")
    with pytest.raises(InputError, match="is no dataset"):
        export_dataset(tmp_path / "nowhere", "coco", tmp_path / "out")
    (dots / "dataset.json").unlink()
    with pytest.raises(InputError, match="is not finished: run its build again"):
        export_dataset(dots, "coco", tmp_path / "out")
    assert not (tmp_path / "out").exists()


class Interrupted(Format):
    """Writes one file and is stopped."""

    sample_type = "picture"
    stop: BaseException = KeyboardInterrupt()

    def write(self, source: Source, folder: Path) -> None:
        (folder / "half.txt").write_text(next(iter(source.rows("train")))["id"])
        raise self.stop

    def read(self, folder: Path) -> Iterator[Row]:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("stop", "raised"),
    [
        (KeyboardInterrupt(), KeyboardInterrupt),
        (SeedbedError("no"), SeedbedError),
        (OSError(28, "No space left on device"), SeedbedError),
    ],
)
def test_an_interrupted_export_leaves_nothing(
    dots: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    stop: BaseException,
    raised: type[BaseException],
) -> None:
    monkeypatch.setattr(Interrupted, "stop", stop)
    monkeypatch.setattr("seedbed.export.registry.resolve", lambda group, name: Interrupted)
    with pytest.raises(raised):
        export_dataset(dots, "interrupted", tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["dots"]


KILLED = """
import os, sys
from pathlib import Path
from seedbed.export import export_dataset

built, out = sys.argv[1:]
export_dataset(
    built, "yolo", out, on_progress=lambda done, samples: os._exit(9) if done == 45 else None
)
"""


def test_a_killed_export_is_not_taken_for_a_whole_one(dots: Path, tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(dots), str(tmp_path / "out")])
    assert done.returncode == 9
    assert not (tmp_path / "out").exists()
    (left,) = [path for path in tmp_path.iterdir() if path.name != "dots"]
    assert left.name.startswith(".out.")
    assert len(list(left.glob("images/*/*"))) == 45
    export_dataset(dots, "yolo", tmp_path / "out")
    assert len(list((tmp_path / "out").glob("images/*/*"))) == 50


def test_progress_counts_samples(dots: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    export_dataset(
        dots, "yolo", tmp_path / "out", on_progress=lambda *numbers: seen.append(numbers)
    )
    assert seen == [(done, 50) for done in range(51)]


def test_damage_is_named(dots: Path, tmp_path: Path) -> None:
    path = dots / "shards" / "train-000001.parquet"
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(SeedbedError, match=r"train-000001\.parquet cannot be read"):
        export_dataset(dots, "coco", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_command(
    dots: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            cli.main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    monkeypatch.chdir(tmp_path)
    assert run("export", "dots", "--format", "coco", "--out", "coco") == (
        0,
        "coco: coco, train 40, val 10\n",
        "",
    )
    code, text, _ = run("export", dots, "--format", "yolo", "--out", "yolo", "--json")
    assert (code, json.loads(text)["splits"]) == (0, {"train": 40, "val": 10})
    code, _, err = run("export", dots, "--format", "yolo", "--out", "yolo")
    assert (code, err) == (2, "seedbed: yolo is there already: give --out a new folder.\n")
    code, _, err = run("export", dots, "--format", "yolo", "--out", dots / "recipe.yaml" / "a")
    assert (code, "is inside the dataset" in err) == (2, True)
    code, _, err = run("export", dots, "--format", "yolo", "--out", "yolo/data.yaml/a")
    assert (code, "cannot write yolo/data.yaml/a: " in err) == (1, True)
