from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from seedbed.errors import InputError
from seedbed.trainers.labelled_files import lists
from seedbed.trainers.listen import DIGITS
from seedbed.trainers.predict_speech import predict_speech, predict_transcripts
from seedbed.trainers.runs import save_weights
from seedbed.trainers.sounds import SoundLabels, placed, read_sound, sound_files
from seedbed.trainers.sources import open_source
from seedbed.trainers.task import make_task


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    task = make_task("seedbed.trainers.listen:Listen", {"seconds": 0.5})
    save_weights(folder / "best.safetensors", task, task.network(0).state_dict(), {})
    return folder


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    folder = tmp_path / "sounds"
    (folder / "deeper").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name, rate, seconds in (("a.wav", 8000, 0.3), ("deeper/b.flac", 44100, 1.2)):
        noise = rng.normal(0, 0.1, (round(rate * seconds), 2))
        soundfile.write(folder / name, noise, rate)
    (folder / "notes.txt").write_text("no sound")
    return folder


def test_a_row_a_file(run: Path, sounds: Path, tmp_path: Path) -> None:
    out = tmp_path / "rows.jsonl"
    assert predict_speech(run, sounds, out) == 2
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["audio"] for row in rows] == ["a.wav", "deeper/b.flac"]
    for row in rows:
        assert set(row) == {"audio", "label", "score"}
        assert row["label"] in DIGITS
        assert 0.1 <= row["score"] <= 1.0


def test_transcripts_are_rows_too(sounds: Path, tmp_path: Path) -> None:
    task = make_task(
        "seedbed.trainers.transcribe:Transcribe",
        {"alphabet": "ab", "arch": "F4@3x3/4x4 > rows", "spectrogram": {"mels": 8}},
    )
    weights = tmp_path / "best.safetensors"
    save_weights(weights, task, task.network(0).state_dict(), {})
    out = tmp_path / "rows.jsonl"
    assert predict_transcripts(weights, sounds, out) == 2
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [set(row) for row in rows] == [{"audio", "text", "score"}] * 2
    with pytest.raises(InputError, match="was trained for the task 'transcribe'"):
        predict_speech(weights, sounds, out)


def test_a_broken_sound_is_named(run: Path, sounds: Path, tmp_path: Path) -> None:
    (sounds / "c.wav").write_bytes(b"RIFF nothing")
    with pytest.raises(InputError, match=r"c\.wav cannot be read"):
        predict_speech(run, sounds, tmp_path / "rows.jsonl")
    assert not (tmp_path / "rows.jsonl").exists()


def test_a_device_that_is_not_there_is_said(run: Path, sounds: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^--device nowhere is not to be had here"):
        predict_speech(run, sounds, tmp_path / "out.jsonl", device="nowhere")


def test_a_folder_without_sounds_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no sounds"):
        sound_files(tmp_path)
    with pytest.raises(InputError, match="is no folder"):
        sound_files(tmp_path / "missing")


def test_channels_are_averaged(tmp_path: Path) -> None:
    path = tmp_path / "two.wav"
    soundfile.write(path, np.array([[0.5, 0.0], [0.25, -0.25]]), 8000, subtype="FLOAT")
    sound, sample_rate = read_sound(path)
    assert (sound.tolist(), sample_rate) == ([0.25, 0.0], 8000)


def test_a_window_keeps_the_loudest_part() -> None:
    sound = np.array([0, 0, 1, 3, 1, 0], dtype=np.float32)
    assert placed(sound, 3).tolist() == [1, 3, 1]
    assert placed(sound[2:5], 7, 0.0).tolist() == [1, 3, 1, 0, 0, 0, 0]
    assert placed(sound[2:5], 7, 1.0).tolist() == [0, 0, 0, 0, 1, 3, 1]
    assert placed(sound[2:5], 7).tolist() == [0, 0, 1, 3, 1, 0, 0]


def test_labelled_sounds_are_a_source(sounds: Path) -> None:
    path = sounds / "labels.jsonl"
    rows = [
        {"audio": "a.wav", "label": "7", "speaker": "ann"},
        {"audio": "deeper/b.flac", "text": "Seven"},
    ]
    path.write_text("\n".join(json.dumps(row) for row in rows))
    assert lists(path, "audio")
    source = open_source(str(path), "all", 0)
    assert len(source) == 2
    first, second = source.sample(0), source.sample(1)
    assert (first.label, first.attributes["speaker"]) == ("7", "ann")
    assert (second.transcript, second.sample_rate) == ("Seven", 44100)


def test_a_wrong_row_is_named(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_text('{"audio": "a.wav", "label": "1"}\n{"audio": "b.wav"}\n')
    with pytest.raises(InputError, match="line 2 must look like"):
        SoundLabels.read(path)
    path.write_text('{"image": "a.png", "plates": []}\n')
    assert not lists(path, "audio")
