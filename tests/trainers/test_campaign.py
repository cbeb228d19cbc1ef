"""A campaign of a few samples and steps: carried out, gone on with, and scored."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import pytest
import soundfile
from plate_settings import LOCATE, READ

from seedbed.builder import build
from seedbed.cli import main
from seedbed.dataset import Dataset
from seedbed.errors import InputError
from seedbed.trainers import prove
from seedbed.trainers.campaign import campaign_names, load_campaign
from seedbed.trainers.scores import digit_scores, plate_counts, plate_scores
from seedbed.trainers.side_by_side import Job
from seedbed.yaml_files import dump_yaml

FIT: dict[str, Any] = {
    "fit.steps": 3,
    "fit.batch": 4,
    "fit.workers": 0,
    "fit.threads": 1,
    "fit.validate_on": 4,
    "fit.tensorboard": False,
}
SCENES = """
name: scenes
generator: {name: plate-scene, width: 192, height: 128, layouts: [de], plate_counts: [0, 1],
  plate_width_px: [80, 120], hours: {day: 1}, decoy_rate: 0, cut_rate: 0, bystander_rate: 0}
splits: {train: 3, val: 2, test: 3}
"""
CLIPS = """
name: clips
generator: {name: speech, phrases: digits, engines: {espeak: 1}}
splits: {train: 6, val: 3, test: 4}
"""
LISTEN = {"arch": "F4@3x3 > R > P4 > F8@3x3 > R > gap", "augmenters": []}


def campaign_values() -> dict[str, Any]:
    return {
        "seed": 5,
        "datasets": {
            "scenes": {"recipe": "scenes.yaml", "n": {"train": 5}},
            "clips": {"recipe": "clips.yaml", "set": {"generator.languages": ["en"]}},
        },
        "runs": {
            "locate": {
                "config": "locate",
                "data": ["scenes"],
                "set": {"settings": {**LOCATE, "threshold": 0.001}, **FIT},
            },
            "read": {"config": "read", "data": ["scenes"], "set": {"settings": READ, **FIT}},
            "listen": {"config": "listen", "data": ["clips"], "set": {"settings": LISTEN, **FIT}},
        },
        "scores": {
            "plates": {"locate": "locate", "read": "read"},
            "digits": {"listen": "listen"},
            "reader": {"read": "read"},
        },
        "test_on": 2,
    }


def write_campaign(folder: Path, values: dict[str, Any]) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "scenes.yaml").write_text(SCENES)
    (folder / "clips.yaml").write_text(CLIPS)
    path = folder / "tiny.yaml"
    path.write_text(dump_yaml(values))
    return path


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["prove", *arguments])
    return int(ended.value.code or 0)


def in_this_process(jobs: Sequence[Job], at_once: int, say: Any, on_done: Any) -> None:
    """Trains without child processes, each of which would load torch anew."""
    for job in jobs:
        with pytest.raises(SystemExit) as ended:
            main(job.command[3:])
        assert not ended.value.code
        on_done(job.name, 0.0)


@pytest.fixture(scope="module")
def proof(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A campaign that was carried out with real files, which other samples stand for."""
    folder = tmp_path_factory.mktemp("proof")
    path = write_campaign(folder / "campaign", campaign_values())
    real, data = folder / "real", folder / "others"
    campaign = load_campaign(str(path), seed=99)
    for name in ("scenes", "clips"):
        build(campaign.recipe_of(name), data / name, workers=1, executor="serial")
    (real / "plates" / "eu").mkdir(parents=True)
    (real / "digits" / "wav").mkdir(parents=True)
    plates = []
    for number, sample in enumerate(Dataset.open(data / "scenes").samples("test")):
        image = f"eu/{number}.png"
        cv2.imwrite(str(real / "plates" / image), sample.image[..., ::-1])
        labelled = [{"box": list(one.bbox), "text": one.text} for one in sample.objects]
        plates.append({"image": image, "region": "eu", "plates": labelled})
    clips = []
    for number, clip in enumerate(Dataset.open(data / "clips").samples("test")):
        audio = f"wav/{number}.wav"
        soundfile.write(real / "digits" / audio, clip.sound, clip.sample_rate)
        clips.append({"audio": audio, "label": clip.label, "speaker": f"s{number % 2}"})
    for where, rows in (("plates/eu", plates), ("plates/us", plates[:2]), ("digits/digits", clips)):
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (real / f"{where}.jsonl").write_text(lines)
    out = folder / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prove, "run_side_by_side", in_this_process)
        assert run(str(path), "--out", str(out), "--real", str(real), "--workers", "1") == 0
    return {"campaign": path, "real": real, "out": out}


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_scores_are_those_of_the_predictions(proof):
    out, real = proof["out"], proof["real"]
    values = json.loads((out / "scores.json").read_text())
    assert values["seed"] == 5
    assert set(values["runs"]) == {"locate", "read", "listen"}
    assert values["runs"]["read"]["held_out"]["scenes"]["items"] >= 1
    assert values["runs"]["locate"]["megabytes"] > 0
    plates = values["scores"]["plates"]
    for region, count in (("eu", 3), ("us", 2)):
        labels = rows_of(real / "plates" / f"{region}.jsonl")
        rows = rows_of(out / "predictions" / f"plates-{region}.jsonl")
        assert (out / "predictions" / f"plates-{region}.png").is_file()
        assert len(rows) == count
        assert plates["real"][region] == plate_scores(plate_counts(labels, rows))
    totals = plates["real"]["all"]
    assert totals["plates"] == plates["real"]["eu"]["plates"] + plates["real"]["us"]["plates"]
    assert plates["seconds_a_picture"] > 0
    assert plates["held_out"]["items"] == 2
    # A reader alone is shown the labelled places, so all are located.
    alone = values["scores"]["reader"]["real"]["eu"]
    assert alone["plates"] == plates["real"]["eu"]["plates"]
    assert alone["located"] == 100.0
    boxes = rows_of(out / "predictions" / "reader-eu.jsonl")[0]["plates"]
    assert [one["box"] for one in boxes] == [
        pytest.approx(one["box"], abs=0.01)
        for one in rows_of(real / "plates" / "eu.jsonl")[0]["plates"]
    ]
    digits = values["scores"]["digits"]
    labels = rows_of(real / "digits" / "digits.jsonl")
    rows = rows_of(out / "predictions" / "digits-digits.jsonl")
    assert digits["real"]["digits"] == digit_scores(labels, rows)
    assert set(digits["real"]["digits"]) == {"clips", "all", "s0", "s1"}
    assert digits["milliseconds_a_clip"] > 0
    table = (out / "scores.md").read_text()
    assert "# tiny, seed 5" in table
    assert "| eu | " in table
    assert str(real) not in table + (out / "scores.json").read_text()


def test_predictions_are_those_of_the_commands(proof, tmp_path):
    out, real = proof["out"], proof["real"]
    predict = ["predict", "plates", "--locate", str(out / "runs/locate")]
    predict += ["--read", str(out / "runs/read"), "--images", str(real / "plates")]
    with pytest.raises(SystemExit):
        main([*predict, "--out", str(tmp_path / "plates.jsonl")])
    found = {row["image"]: row for row in rows_of(tmp_path / "plates.jsonl")}
    assert all(
        found[row["image"]] == row for row in rows_of(out / "predictions" / "plates-eu.jsonl")
    )


def test_what_is_done_is_not_done_again(proof, capfd):
    out = proof["out"]
    arguments = (str(proof["campaign"]), "--out", str(out), "--real", str(proof["real"]))
    before = {path: path.stat().st_mtime_ns for path in out.glob("[drp]*/**/*.safetensors")}
    began = (out / "predictions" / "plates-eu.jsonl").stat().st_mtime_ns
    assert run(*arguments) == 0
    said = capfd.readouterr().err
    for step in (
        "build scenes", "train locate", "evaluate read", "evaluate plates together",
        "time plates", "score plates on real eu", "score digits on real digits",
    ):  # fmt: skip
        assert f"{step}: already done" in said
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert (out / "predictions" / "plates-eu.jsonl").stat().st_mtime_ns == began
    # Without the real files the rest stands.
    assert run(*arguments[:3]) == 0
    assert "real" not in json.loads((out / "scores.json").read_text())["scores"]["plates"]
    # A changed list of labels is scored anew.
    lines = (proof["real"] / "plates" / "us.jsonl").read_text().splitlines()
    (proof["real"] / "plates" / "us.jsonl").write_text(lines[0] + "\n")
    capfd.readouterr()
    assert run(*arguments, "--json") == 0
    told = capfd.readouterr()
    assert "score plates on real eu: already done" in told.err
    assert "score plates on real us: already done" not in told.err
    assert json.loads(told.out)["scores"]["plates"]["real"]["us"]["plates"] <= 1


def test_another_campaign_does_not_take_over_its_runs(proof, capfd):
    values = campaign_values()
    values["runs"]["read"]["set"]["fit.steps"] = 4
    path = write_campaign(proof["campaign"].parent / "other", values)
    assert run(str(path), "--out", str(proof["out"])) == 2
    assert "was trained by another configuration than the campaign's" in capfd.readouterr().err


@pytest.mark.parametrize("where", ["nowhere", "empty"])
def test_missing_real_files_are_one_sentence(tmp_path, capfd, where):
    (tmp_path / "empty").mkdir()
    path = write_campaign(tmp_path / "campaign", campaign_values())
    arguments = (str(path), "--out", str(tmp_path / "out"), "--real", str(tmp_path / where))
    assert run(*arguments) == 2
    said = capfd.readouterr().err
    assert said.count("\n") == 1
    assert ("no such folder" if where == "nowhere" else "plates/*.jsonl") in said
    assert not (tmp_path / "out").exists()


def test_a_campaign_that_needs_real_files_says_so(tmp_path, capfd):
    path = write_campaign(tmp_path, {**campaign_values(), "needs_real": True})
    assert run(str(path), "--out", str(tmp_path / "out")) == 2
    assert "give their folder with --real" in capfd.readouterr().err


def test_a_failed_training_is_one_sentence(tmp_path, proof, capfd):
    values = campaign_values()
    del values["runs"]["listen"], values["scores"], values["datasets"]["clips"]
    values["runs"]["read"]["set"]["settings"] = {**READ, "alphabet": "XYZ"}
    path = write_campaign(tmp_path, values)
    shutil.copytree(proof["out"] / "data", tmp_path / "out" / "data")
    assert run(str(path), "--out", str(tmp_path / "out")) == 2
    last = capfd.readouterr().err.splitlines()[-1]
    assert last.startswith("seedbed: read: the alphabet lacks ")
    assert (tmp_path / "out" / "logs" / "read.log").is_file()


def test_interrupted_it_leaves_no_training(tmp_path, proof):
    values = campaign_values()
    values["scores"] = {}
    values["runs"] = {"read": values["runs"]["read"]}
    values["runs"]["read"]["set"] |= {"fit.steps": 100_000, "fit.checkpoint_every": 1}
    path = write_campaign(tmp_path / "campaign", values)
    out = tmp_path / "out"
    shutil.copytree(proof["out"] / "data", out / "data")
    command = [sys.executable, "-m", "seedbed.cli", "prove", str(path), "--out", str(out)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    until = time.monotonic() + 240
    state = out / "runs" / "read" / "state.ckpt"
    while not state.is_file() and time.monotonic() < until:
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 130, said
    assert state.is_file()
    children = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    assert str(out) not in children.stdout


def test_the_campaigns_that_come_with_seedbed_can_be_read():
    assert {"train", "real-world", "real-world-quick"} <= set(campaign_names())
    for name in campaign_names():
        campaign = load_campaign(name)
        seeds = {campaign.recipe_of(dataset).seed for dataset in campaign.datasets}
        assert len(seeds) == len(campaign.datasets)
        assert campaign.needs_real == (name != "train")


def test_mistakes_in_a_campaign_are_sentences(tmp_path):
    def complaint(**changes: Any) -> str:
        path = write_campaign(tmp_path, {**campaign_values(), **changes})
        with pytest.raises(InputError) as raised:
            load_campaign(str(path))
        return str(raised.value)

    runs = campaign_values()["runs"]
    wrong = {"read": {**runs["read"], "data": ["scene"]}}
    assert "there is no dataset 'scene', did you mean 'scenes'" in complaint(runs=wrong, scores={})
    assert "is of the task 'locate'" in complaint(scores={"digits": {"listen": "locate"}})
    assert "give locate and read, read alone" in complaint(scores={"x": {"locate": "locate"}})
    assert "there is no recipe named 'plate', did you mean" in complaint(
        datasets={"scenes": {"recipe": "plate"}}, runs={"read": runs["read"]}, scores={}
    )
    assert "fit.stepz" not in complaint(dataset={}) and "dataset" in complaint(dataset={})
    with pytest.raises(InputError, match=r"no campaign named 'trian', did you mean 'train'"):
        load_campaign("trian")
    assert os.sep not in complaint(runs=wrong, scores={}).split(":")[0]
