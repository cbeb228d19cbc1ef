from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from seedbed.builder import build
from seedbed.dataset import Dataset
from seedbed.errors import InputError, SeedbedError
from seedbed.export import export_dataset
from seedbed.formats.format import safe_name
from seedbed.formats.wav_folders import WavFolders, as_wav
from seedbed.recipe import parse_recipe


def export_clips(folder: Path, encoding: str) -> tuple[Dataset, Path]:
    values = {
        "name": "odd",
        "seed": 5,
        "generator": {"name": "seedbed_odd:OddClips", "labels": ["yes", "", "../no"]},
        "splits": {"train": 12, "val": 4},
        "encoding": {"format": encoding},
    }
    build(parse_recipe(values), folder / "clips", executor="serial")
    exported = export_dataset(folder / "clips", "wav-folders", folder / "wav")
    return Dataset.open(folder / "clips"), exported.folder


def manifest(folder: Path, split: str) -> list[dict[str, Any]]:
    lines = (folder / f"{split}_manifest.json").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("encoding", ["flac", "wav"])
def test_soundfile_reads_what_was_made(tmp_path: Path, encoding: str) -> None:
    dataset, folder = export_clips(tmp_path, encoding)
    for split, count in (("train", 12), ("val", 4)):
        lines = manifest(folder, split)
        assert len(lines) == count
        for index, line in enumerate(lines):
            row = dataset.samples(split).row(index)
            path = folder / line["audio_filepath"]
            label = safe_name(row["label"])
            assert line["audio_filepath"] == f"{split}/{label}/{split}-{index:08d}.wav"
            media = row["audio"]["bytes"]
            if encoding == "wav":
                assert path.read_bytes() == media
            values, sample_rate = soundfile.read(path, dtype="int16")
            made, _ = soundfile.read(io.BytesIO(media), dtype="int16")
            np.testing.assert_array_equal(values, made)
            assert (sample_rate, soundfile.info(path).subtype) == (16000, "PCM_16")
            assert line["duration"] == len(values) / sample_rate == 0.1
            assert (line["text"], line["label"]) == ("beep", row["label"])


def test_folders_are_classes(tmp_path: Path) -> None:
    _, folder = export_clips(tmp_path, "wav")
    assert {path.name for path in (folder / "train").iterdir()} == {
        "yes",
        "_unlabelled",
        safe_name("../no"),
    }
    assert sorted(path.name for path in folder.iterdir()) == [
        "train",
        "train_manifest.json",
        "val",
        "val_manifest.json",
    ]


@pytest.mark.parametrize("subtype", ["PCM_S8", "PCM_16", "PCM_24"])
def test_flac_is_unpacked_without_changing_a_value(subtype: str) -> None:
    values = (np.arange(-128, 128, dtype=np.int32) << 24) + (
        0 if subtype == "PCM_S8" else np.arange(256, dtype=np.int32) << 16
    )
    packed = io.BytesIO()
    soundfile.write(packed, values, 22050, format="FLAC", subtype=subtype)
    unpacked, sample_rate = soundfile.read(
        io.BytesIO(as_wav(packed.getvalue(), "one")), dtype="int32"
    )
    assert sample_rate == 22050
    np.testing.assert_array_equal(unpacked, values)


def test_what_is_no_sound_is_named() -> None:
    with pytest.raises(SeedbedError, match="sample train-1 cannot be read as sound"):
        as_wav(b"fLaC but not really", "train-1")


def test_it_reads_back(tmp_path: Path) -> None:
    dataset, folder = export_clips(tmp_path, "wav")
    rows = list(WavFolders().read(folder))
    assert [row["split"] for row in rows] == ["train"] * 12 + ["val"] * 4
    for row in rows:
        made = dataset.samples(row["split"]).row(row["index"])
        for key in ("id", "audio", "label", "duration", "sample_rate", "transcript"):
            assert row[key] == made[key]


def test_manifests_of_others_and_broken_ones(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no \*_manifest\.json"):
        list(WavFolders().read(tmp_path))
    soundfile.write(tmp_path / "a.wav", np.zeros(800), 8000)
    path = tmp_path / "test_manifest.json"
    path.write_text('{"audio_filepath": "a.wav", "duration": 0.1, "text": "hi"}\n')
    (row,) = WavFolders().read(tmp_path)
    assert (row["id"], row["split"], row["transcript"], row["label"]) == ("a", "test", "hi", "")
    path.write_text('{"audio_filepath": "../../a.wav"}\n')
    with pytest.raises(InputError, match="leads out of"):
        list(WavFolders().read(tmp_path))
    path.write_text('{"text": "hi"}\n')
    with pytest.raises(InputError, match="line 1 is no line of a manifest: KeyError"):
        list(WavFolders().read(tmp_path))
