from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seedbed.builder import build
from seedbed.dataset import Dataset
from seedbed.errors import InputError, SeedbedError
from seedbed.make import Maker
from seedbed.recipe import parse_recipe
from seedbed.sample import Clip, Picture
from seedbed.yaml_files import parse_yaml


@pytest.fixture
def built(dots_values: dict[str, Any], tmp_path: Path) -> Path:
    dots_values["encoding"] = {"format": "png"}
    dots_values["splits"]["train"] = 60
    dots_values["shard_size"] = 40
    build(parse_recipe(dots_values), tmp_path / "dots", executor="serial")
    return tmp_path / "dots"


def test_samples_come_back_as_they_were_made(built: Path) -> None:
    dataset = Dataset.open(built)
    maker = Maker(dataset.recipe())
    assert (len(dataset), dataset.splits, dataset.finished) == (70, ["train", "val"], True)
    train = dataset.samples("train")
    assert len(train) == 60
    for position in (0, 24, 25, 39, 40, 59):
        read, made = train[position], maker.make("train", position)
        assert isinstance(read, Picture)
        assert isinstance(made, Picture)
        np.testing.assert_array_equal(read.image, made.image)
        assert read.params == made.params
        assert read.objects[0].bbox == made.objects[0].bbox
        assert read.objects[0].characters[0].text == "Ö"
        assert read.objects[0].attributes == made.objects[0].attributes
        np.testing.assert_array_equal(read.objects[0].quad, made.objects[0].quad)
    assert dataset[60].params == maker.make("val", 0).params
    assert dataset[-1].params == params_of(maker, "val", 9)
    assert [sample.params for sample in train[58:]] == [
        params_of(maker, "train", 58),
        params_of(maker, "train", 59),
    ]
    assert sum(1 for _ in dataset) == 70


def params_of(maker: Maker, split: str, index: int) -> Any:
    return maker.make(split, index).params


def test_positions_outside_raise(built: Path) -> None:
    dataset = Dataset.open(built)
    for position in (60, -61):
        with pytest.raises(IndexError):
            dataset.samples("train")[position]
    with pytest.raises(IndexError):
        dataset[70]
    with pytest.raises(InputError, match=r"no split 'test' \(it has: train, val\)"):
        dataset.samples("test")


def test_samples_travel_to_other_processes(built: Path) -> None:
    samples = Dataset.open(built).samples("val")
    first = samples[0]
    again = pickle.loads(pickle.dumps(samples))
    assert again[0].params == first.params


def test_readers_see_committed_shards_only(built: Path) -> None:
    (built / "dataset.json").unlink()
    (built / "marks" / "train-000000.json").unlink()
    dataset = Dataset.open(built)
    assert not dataset.finished
    assert len(dataset) == 30
    assert dataset.samples("train").row(0)["index"] == 40
    assert dataset.samples("train").row_of_index(45)["index"] == 45
    with pytest.raises(InputError, match="has no sample 3 in split 'train'"):
        dataset.samples("train").row_of_index(3)


def test_damage_is_named(built: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such folder"):
        Dataset.open(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"it has no recipe\.yaml"):
        Dataset.open(tmp_path)
    path = built / "shards" / "val-000000.parquet"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(SeedbedError, match=r"val-000000\.parquet cannot be read: .*--repair"):
        Dataset.open(built).samples("val")[0]
    (built / "dataset.json").write_text("{")
    with pytest.raises(InputError, match="damaged: run its build again"):
        Dataset.open(built)


def test_clips_come_back(tmp_path: Path) -> None:
    values = {
        "name": "beeps",
        "seed": 1,
        "generator": {"name": "seedbed_dots:Beep"},
        "splits": {"train": 3},
    }
    build(parse_recipe(values), tmp_path / "beeps", executor="serial")
    dataset = Dataset.open(tmp_path / "beeps")
    clip, made = dataset[2], Maker(dataset.recipe()).make("train", 2)
    assert isinstance(clip, Clip)
    assert isinstance(made, Clip)
    np.testing.assert_allclose(clip.sound, made.sound, atol=1 / 32768)
    assert (clip.sample_rate, clip.label, clip.keyword_span) == (16000, "beep", (0.0, 0.1))
    assert clip.words == made.words
    assert dataset.info["notes"] == ["Beeps are no speech."]
    assert dataset.info["sample_type"] == "clip"
    assert dataset.info["versions"]["click"] == version("click")
    assert dataset.info["versions"]["no-such-package"] == "absent"
    assert "Beeps are no speech." in (tmp_path / "beeps" / "README.md").read_text()


OTHER_TOOLS = """
import json, sys
from datasets import load_dataset
import pandas

folder, cache = sys.argv[1:]
files = {"train": f"{folder}/shards/train-*.parquet"}
data = load_dataset("parquet", data_files=files, cache_dir=cache)["train"]
row = data[1]
by_card = load_dataset(folder, cache_dir=cache)
table = pandas.read_parquet(f"{folder}/shards", filters=[("split", "==", "val")])
print(json.dumps({
    "rows": len(data), "mode": row["image"].mode, "size": row["image"].size,
    "text": row["objects"][0]["text"], "quad": len(row["objects"][0]["quad"]),
    "splits": {split: len(rows) for split, rows in by_card.items()},
    "pandas": len(table),
}))
"""


def test_hugging_face_datasets_and_pandas_open_it(built: Path, tmp_path: Path) -> None:
    """In a process of its own: `datasets` warns about itself at import."""
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hf")}
    done = subprocess.run(
        [sys.executable, "-c", OTHER_TOOLS, str(built), str(tmp_path / "cache")],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "rows": 60,
        "mode": "RGB",
        "size": [32, 24],
        "text": "Ö 1",
        "quad": 8,
        "splits": {"train": 60, "val": 10},
        "pandas": 10,
    }


def test_the_card_names_the_hash_where_hugging_face_looks_for_changes(built: Path) -> None:
    header = (built / "README.md").read_text().split("---")[1]
    (config,) = parse_yaml(header, "card")["configs"]
    assert config["description"] == f"dataset hash {Dataset.open(built).info['hash']}"
