"""Prediction, evaluation, export and report: small networks, checked by hand or by each other."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from plate_settings import LOCATE, READ

from seedbed.dataset import Dataset
from seedbed.errors import InputError
from seedbed.geometry import rectangle
from seedbed.trainers.commands import _show, export_model, predict, train
from seedbed.trainers.commands import evaluate as evaluate_command
from seedbed.trainers.config import parse_config
from seedbed.trainers.evaluate import (
    Evaluation,
    bootstrap,
    evaluate,
    evaluate_plates,
    plates_metrics,
    summarise,
    worst_sheet,
)
from seedbed.trainers.export import TOLERANCE, OnnxNetwork, export_int8, export_onnx
from seedbed.trainers.fit import all_outcomes, fit
from seedbed.trainers.fuse import fused
from seedbed.trainers.predict import PlateReader, predict_plates
from seedbed.trainers.report import curve_svg, write_report
from seedbed.trainers.runs import load_trained
from seedbed.trainers.scores import fold
from seedbed.trainers.sources import open_source
from seedbed.trainers.task import Outcome


@pytest.fixture(scope="module")
def runs(plates: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Runs of two steps: they find nothing and read nonsense, in the right form."""
    folder = tmp_path_factory.mktemp("runs")
    values: dict[str, Any] = {
        "steps": 2,
        "batch": 4,
        "workers": 0,
        "threads": 1,
        "validate_on": 4,
        "tensorboard": False,
    }
    for task, settings in (("locate", {**LOCATE, "threshold": 0.001}), ("read", READ)):
        chosen = {"task": task, "settings": settings, "data": str(plates), "fit": values}
        fit(parse_config(chosen), folder / task)
    return {"locate": folder / "locate", "read": folder / "read", "folder": folder}


@pytest.fixture(scope="module")
def photos(plates: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A labelled folder: two pictures and their labels in a file beside them."""
    folder = tmp_path_factory.mktemp("photos")
    rows = []
    for number, sample in enumerate(Dataset.open(plates).samples("val")[:2]):
        name = f"deep/{number}.png"
        (folder / "deep").mkdir(exist_ok=True)
        cv2.imwrite(str(folder / name), sample.image[:, :, ::-1])
        labelled = [{"box": list(o.bbox), "text": o.text_plain} for o in sample.objects]
        rows.append({"image": name, "region": "eu", "plates": labelled})
    (folder / "labels.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def test_rows_have_the_promised_form(runs, photos, tmp_path):
    reader = PlateReader(runs["locate"], runs["read"])
    count = predict_plates(reader, photos, tmp_path / "out.jsonl", tmp_path / "drawn")
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert count == 2
    assert [row["image"] for row in rows] == ["deep/0.png", "deep/1.png"]
    assert (tmp_path / "drawn" / "deep" / "1.png").is_file()
    found = [plate for row in rows for plate in row["plates"]]
    assert found
    for plate in found:
        assert list(plate) == ["box", "quad", "text", "score"]
        assert np.array(plate["box"]).shape == (4,)
        assert np.array(plate["quad"]).shape == (4, 2)
        assert 0 <= plate["score"] <= 1
    for row in rows:
        scores = [plate["score"] for plate in row["plates"]]
        assert scores == sorted(scores, reverse=True)


def test_runs_of_the_wrong_task_are_refused(runs):
    with pytest.raises(InputError, match="trained for the task 'read', but 'locate'"):
        PlateReader(runs["read"], runs["read"])


def test_fused_norms_change_nothing(runs):
    network = load_trained(runs["locate"]).network
    inputs = torch.rand(1, 64, 64, 3, generator=torch.Generator().manual_seed(0)) * 255
    with torch.inference_mode():
        torch.testing.assert_close(network(inputs), fused(network)(inputs), atol=1e-4, rtol=1e-4)


def test_metrics_by_hand():
    outcomes = [
        Outcome(name="a", error=0, values={"plates": 2, "located": 2, "read": 1, "letters": 8}),
        Outcome(name="b", error=0, values={"plates": 2, "located": 1, "edits": 4, "letters": 8}),
    ]
    assert plates_metrics(outcomes) == {"located": 0.75, "read": 0.25, "cer": 0.25}
    assert fold("oQ-i 1") == "0011"


def test_the_bootstrap_covers_a_coin():
    outcomes = [Outcome(name="x", error=0, values={"read": n % 2}) for n in range(100)]

    def share(drawn):
        return {"share": sum(one.values["read"] for one in drawn) / len(drawn)}

    low, high = bootstrap(outcomes, share, seed=0)["share"]
    # A fair coin thrown 100 times: 0.5 and 1.96 standard deviations of 0.05 to either side.
    assert (low, high) == pytest.approx((0.4, 0.6), abs=0.025)


def test_slices_and_the_worst_come_first():
    outcomes = [
        Outcome(name=str(n), error=n, values={"plates": 1}, slices={"size": "ab"[n % 2]})
        for n in range(12)
    ]
    found = summarise("x", outcomes, lambda drawn: {"n": float(len(drawn))}, {"more": 1.0})
    assert found.worst[0].name == "11"
    assert found.slices["size"]["a"] == {"items": 6, "n": 6.0}
    assert found.metrics == {"n": 12.0, "more": 1.0}
    with pytest.raises(InputError, match="nothing to evaluate"):
        summarise("x", [], lambda drawn: {}, {})


def test_slices_that_compare_nothing_are_left_out():
    outcomes = [
        Outcome(
            name=str(n),
            error=0,
            values={},
            slices={
                "speaker": str(n),  # each once: every row would be too small
                "region": "eu" if n < 2 else "?",  # nothing beside what is not labelled
                "layout": "?",
                "size": "ab"[n % 2],
            },
        )
        for n in range(10)
    ]
    found = summarise("x", outcomes, lambda drawn: {"n": float(len(drawn))}, {})
    assert found.slices == {
        "size": {"a": {"items": 5, "n": 5.0}, "b": {"items": 5, "n": 5.0}},
    }


def test_a_group_whose_neighbours_are_too_small_is_told():
    """Forty plates of one region, and twelve regions of four: that one differs from the whole."""
    regions = ["eu"] * 40 + [f"r{n % 12}" for n in range(48)]
    outcomes = [
        Outcome(name=str(n), error=0, values={}, slices={"region": region})
        for n, region in enumerate(regions)
    ]
    found = summarise("x", outcomes, lambda drawn: {"n": float(len(drawn))}, {})
    assert found.slices == {"region": {"eu": {"items": 40, "n": 40.0}}}


def test_confusions_are_shown_of_the_classes_that_are_met(capsys):
    found = Evaluation(
        "listen", 5, {}, {}, {},
        classes=("yes", "no", "stop", ""),
        confusion=[[3, 0, 0, 1], [0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]],
    )  # fmt: skip
    # Nothing is labelled "" but one clip was taken for it; nobody says no or hears it.
    assert found.classes_met() == [0, 2, 3]
    _show(found)
    shown = capsys.readouterr().out
    assert "yes" in shown
    assert "stop" in shown
    assert not re.search(r"\bno\b", shown)
    rows = [line.split() for line in shown.splitlines()]
    assert ["yes", "stop", "other"] in rows
    assert ["yes", "3", "1"] in rows


def test_a_labelled_folder_and_a_dataset_are_evaluated(runs, photos, plates):
    labels = str(photos / "labels.jsonl")
    reader = PlateReader(runs["locate"], runs["read"])
    both = evaluate_plates(reader, open_source(labels, "all", 0), labels)
    assert both.items == 2
    assert set(both.metrics) == {"located", "read", "cer"}
    assert worst_sheet(both) is not None
    alone = evaluate(load_trained(runs["read"]), open_source(str(plates), "val", 0), "plates")
    assert 0 <= alone.intervals["cer"][0] <= alone.intervals["cer"][1]
    found = evaluate(load_trained(runs["locate"]), open_source(labels, "all", 0), labels)
    assert {"recall", "ap50", "ap50_95"} <= set(found.metrics)
    assert {"recall", "ap50", "ap50_95"} <= set(found.intervals)
    assert found.intervals["ap50"][0] <= found.metrics["ap50"] <= found.intervals["ap50"][1]


def test_a_bad_picture_leaves_no_half_file(runs, photos, tmp_path):
    for path in photos.rglob("*.png"):
        (tmp_path / "pictures").mkdir(exist_ok=True)
        (tmp_path / "pictures" / path.name).write_bytes(path.read_bytes())
    (tmp_path / "pictures" / "z.png").write_bytes(b"no picture")
    reader = PlateReader(runs["locate"], runs["read"])
    with pytest.raises(InputError, match=r"picture .*z\.png cannot be decoded"):
        predict_plates(reader, tmp_path / "pictures", tmp_path / "rows.jsonl")
    assert [path.name for path in tmp_path.iterdir()] == ["pictures"]


def test_what_was_found_is_printed_before_the_sheet(runs, photos, tmp_path, monkeypatch):
    monkeypatch.setattr("seedbed.trainers.evaluate.worst_sheet", lambda found: None)
    where = [str(photos / "labels.jsonl"), "--split", "all", "--run", str(runs["read"])]
    sheet = ["--json", "--worst", str(tmp_path / "worst.png")]
    done = CliRunner().invoke(evaluate_command, [*where, *sheet])
    assert json.loads(done.stdout)["task"] == "read"
    assert "no pictures for --worst" in str(done.exception)


def test_a_run_is_no_dataset(runs):
    with pytest.raises(InputError, match=r"a training run: `seedbed export-model` exports its net"):
        Dataset.open(runs["read"])


def test_a_device_that_is_not_there_is_one_sentence(runs):
    with pytest.raises(InputError, match=r"^--device nowhere is not to be had here"):
        PlateReader(runs["locate"], runs["read"], "nowhere")
    if not torch.cuda.is_available():
        with pytest.raises(InputError, match=r"^--device cuda is not to be had here .* give cpu"):
            PlateReader(runs["locate"], runs["read"], "cuda")
    done = CliRunner().invoke(
        evaluate_command, ["plates", "--n", "1", "--run", str(runs["read"]), "--device", "nowhere"]
    )
    assert str(done.exception).startswith("--device nowhere is not to be had here")


def test_wrong_labels_name_the_line(tmp_path):
    path = tmp_path / "labels.jsonl"
    path.write_text('{"image": "a.png", "plates": [{"box": [1, 2, 3]}]}\n')
    with pytest.raises(InputError, match=r"labels .*line 1 must look like"):
        open_source(str(path), "all", 0)


@pytest.mark.parametrize("task", ["locate", "read"])
def test_the_exported_network_answers_alike(runs, plates, tmp_path, task):
    trained = load_trained(runs[task])
    exported = export_onnx(trained, tmp_path / f"{task}.onnx")
    assert exported.difference <= TOLERANCE
    described = json.loads((tmp_path / f"{task}.json").read_text())
    assert described["processing"]["input"].startswith("float RGB 0 to 255")
    source = open_source(str(plates), "val", 0)
    items = [i for n in range(4) for i in trained.task.items(source.sample(n), "x")]
    small = tmp_path / "small.onnx"
    found = export_int8(trained, tmp_path / f"{task}.onnx", small, items * 2, {"labels": "x"})
    written = json.loads((tmp_path / "small.json").read_text())
    count = 2 * len(items)
    # Every fourth item sets ranges, and none of those is measured.
    assert written["calibrated_on_items"] == -(-count // 4)
    assert written["measured_on_items"] == count - -(-count // 4)
    assert written["data"] == {"labels": "x"}
    measured = [item for number, item in enumerate(items * 2) if number % 4]
    for network, key in ((trained.network, "float32"), (OnnxNetwork(small), "int8")):
        outcomes = all_outcomes(trained.task, network, measured)
        metrics = {**trained.task.metrics(outcomes), **trained.task.whole_set_metrics(outcomes)}
        assert {name: one[key] for name, one in written["metrics"].items()} == metrics
    for name, one in written["metrics"].items():
        assert one["change"] == one["int8"] - one["float32"]
        if name in trained.task.metrics(outcomes):
            assert one["interval_95"][0] <= one["interval_95"][1]
    assert (
        found.metrics[trained.task.goal[0]].int8 == written["metrics"][trained.task.goal[0]]["int8"]
    )
    with pytest.raises(InputError, match="at least 2 items"):
        export_int8(trained, tmp_path / f"{task}.onnx", small, items[:1], {})


def test_an_exported_locator_takes_any_size(runs, tmp_path):
    export_onnx(load_trained(runs["locate"]), tmp_path / "x.onnx")
    assert OnnxNetwork(tmp_path / "x.onnx")(torch.zeros(1, 64, 96, 3)).shape == (1, 13, 16, 24)


def test_a_report_is_one_file_with_its_pictures(runs, plates):
    found = evaluate(load_trained(runs["read"]), open_source(str(plates), "val", 0), "<plates>")
    page = write_report(runs["read"], {"<plates>": found}).read_text()
    assert "&lt;plates&gt;" in page
    assert "<plates>" not in page
    assert "train/loss" in page
    assert "data:image/jpeg;base64," in page
    # Coded pictures may spell any word, but hold no colon.
    assert "://" not in page.replace("http://www.w3.org", "")


def test_a_curve_spans_its_frame():
    drawn = curve_svg([(0, 1.0), (10, 3.0), (20, float("nan"))])
    assert 'points="52.0,176.0 412.0,8.0"' in drawn


def test_commands_from_training_to_rows(plates, photos, tmp_path):
    settings = {"locate": LOCATE, "read": READ}
    runner = CliRunner()
    for task in ("locate", "read"):
        path = tmp_path / f"{task}.yaml"
        values = {
            "task": task,
            "settings": settings[task],
            "data": "nowhere",
            "fit": {"steps": 9, "batch": 2, "workers": 0, "validate_on": 2, "tensorboard": False},
        }
        path.write_text(json.dumps(values))
        arguments = [str(path), "--run", str(tmp_path / task), "--data", str(plates)]
        done = runner.invoke(train, [*arguments, "--steps", "1"], catch_exceptions=False)
        assert done.exit_code == 0
        assert (tmp_path / task / "report.html").is_file()
    both = ["--locate", str(tmp_path / "locate"), "--read", str(tmp_path / "read")]
    out = tmp_path / "rows.jsonl"
    done = runner.invoke(
        predict,
        ["plates", *both, "--images", str(photos), "--out", str(out)],
        catch_exceptions=False,
    )
    assert done.exit_code == 0
    assert len(out.read_text().splitlines()) == 2
    done = runner.invoke(
        evaluate_command,
        [str(photos / "labels.jsonl"), *both, "--split", "all", "--json"],
        catch_exceptions=False,
    )
    assert json.loads(done.stdout)["task"] == "plates"
    done = runner.invoke(
        export_model,
        [str(tmp_path / "read"), "--out", str(tmp_path / "read.onnx"), "--int8", "--n", "4"],
        catch_exceptions=False,
    )
    assert (tmp_path / "read.int8.onnx").is_file()
    # Without --data it is measured on what the run was validated on.
    costs = json.loads((tmp_path / "read.int8.json").read_text())
    assert (costs["data"]["dataset"], costs["data"]["split"]) == (str(plates), "val")
    assert f"on {costs['measured_on_items']} items of {plates} val" in done.stderr
    for name in ("exact", "cer"):
        change = costs["metrics"][name]
        assert f"{name} {change['float32']:.4g} becomes {change['int8']:.4g}" in done.stderr
    weights = str(tmp_path / "read" / "best.safetensors")
    done = runner.invoke(export_model, [weights, "--out", str(tmp_path / "x.onnx"), "--int8"])
    assert "give --data" in str(done.exception)


def test_commands_are_listed_without_torch():
    code = "import sys; import seedbed.trainers.commands; print('torch' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "False"


def test_boxes_serve_as_quads_where_there_are_none(photos):
    source = open_source(str(photos / "labels.jsonl"), "all", 0)
    (labelled,) = source.sample(0).objects
    np.testing.assert_allclose(labelled.quad, rectangle(*labelled.bbox))
