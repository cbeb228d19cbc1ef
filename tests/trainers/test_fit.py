"""The loop: it goes on where it was killed, writes what it promises and explains failures."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import ddp_witness
import pytest
import torch
from plate_settings import LOCATE, READ
from safetensors.torch import load_file

from seedbed.errors import InputError, SeedbedError
from seedbed.trainers import fit as fit_module
from seedbed.trainers.config import (
    FitSettings,
    TrainingConfig,
    load_config,
    parse_config,
    parse_overrides,
)
from seedbed.trainers.examples import FullPasses, Joined, Positions
from seedbed.trainers.fit import fit, run_length
from seedbed.trainers.read import Read, ReadNetwork
from seedbed.trainers.run_log import read_metrics
from seedbed.trainers.runs import load_trained
from seedbed.trainers.sources import HeldPool
from seedbed.trainers.task import make_task


def config(data: Path, fit_values: dict[str, Any], task: str = "read", **changes: Any):
    settings = {"read": READ, "locate": LOCATE}[task]
    return parse_config(
        {"task": task, "settings": settings, "data": str(data), "fit": {**fit_values, **changes}}
    )


class Killed(Exception):
    """Stands for a kill."""


def kill_at(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    whole = fit_module.Learner.training_step

    def until(self, batch, batch_idx):
        if self.global_step == step:
            raise Killed
        return whole(self, batch, batch_idx)

    monkeypatch.setattr(fit_module.Learner, "training_step", until)


@pytest.mark.parametrize(
    ("killed_at", "changes"),
    [
        (1, {}),
        (3, {}),
        (5, {}),
        (3, {"accumulate": 2, "batch": 2}),
        (3, {"batch": "full", "chunk": 5, "steps": 4}),
        (3, {"noise_every": 2, "optimiser": {"name": "momentum"}, "ema": 0.0}),
    ],
)
def test_a_killed_run_ends_with_the_weights_of_a_whole_one(
    plates, tmp_path, fit_values, monkeypatch, killed_at, changes
):
    chosen = config(plates, fit_values, **changes)
    fit(chosen, tmp_path / "whole")
    with monkeypatch.context() as patch:
        kill_at(patch, killed_at)
        with pytest.raises(Killed):
            fit(chosen, tmp_path / "killed")
    fit(chosen, tmp_path / "killed")
    whole = load_file(tmp_path / "whole" / "last.safetensors")
    resumed = load_file(tmp_path / "killed" / "last.safetensors")
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    timeless = ("train/steps_per_second", "train/data_wait_share")
    rows = [
        sorted(
            row for row in read_metrics(tmp_path / run / "metrics.csv") if row[1] not in timeless
        )
        for run in ("whole", "killed")
    ]
    assert rows[0] == rows[1]


@pytest.mark.parametrize("precision", ["32", "bf16"])
@pytest.mark.parametrize("name", ["adamw", "nesterov"])
def test_losses_are_float32_in_every_precision(
    plates, tmp_path, fit_values, monkeypatch, precision, name
):
    seen: list[tuple[torch.dtype, torch.dtype, bool]] = []
    whole, forward = Read.loss, ReadNetwork.forward

    def kept(self, cuts):
        logits = forward(self, cuts)
        seen.append((logits.dtype, torch.float32, False))
        return logits

    def watched(self, outputs, batch):
        losses = whole(self, outputs, batch)
        seen[-1] = (seen[-1][0], losses["loss"].dtype, torch.is_autocast_enabled("cpu"))
        return losses

    monkeypatch.setattr(ReadNetwork, "forward", kept)
    monkeypatch.setattr(Read, "loss", watched)
    changes = {"precision": precision, "accelerator": "cpu", "optimiser": {"name": name}}
    fit(config(plates, fit_values, steps=1, **changes), tmp_path / "run")
    computed = torch.bfloat16 if precision == "bf16" else torch.float32
    assert seen[0] == (computed, torch.float32, False)


@pytest.mark.parametrize(
    ("capabilities", "chosen"),
    [({"avx512_bf16": True}, "bf16-mixed"), ({"amx_bf16": True}, "bf16-mixed"), ({}, "32-true")],
)
def test_precision_follows_the_processor(monkeypatch, capabilities, chosen):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    settings = FitSettings(steps=1, accelerator="cpu")
    assert fit_module._precision(settings, torch.nn.Conv2d(1, 1, 3)) == chosen
    # torch's filters over time are not to be trusted in bf16 on a CPU.
    assert fit_module._precision(settings, torch.nn.Conv3d(1, 1, 3)) == "32-true"


def test_a_run_holds_what_it_promises(plates, tmp_path, fit_values):
    chosen = config(plates, fit_values, noise_every=2, tensorboard=True)
    run = tmp_path / "run"
    said: list[str] = []
    result = fit(chosen, run, say=said.append)
    assert result.steps == 6
    assert load_config(str(run / "config.yaml")) == chosen
    data = json.loads((run / "data.json").read_text())
    assert len(data["data"][0]["hash"]) == 64
    assert data["data"][0]["seed"] == 3
    names = {name for _, name, _ in read_metrics(run / "metrics.csv")}
    assert {"train/loss", "train/learning_rate", "validation/exact", "validation/cer"} <= names
    assert list((run / "tensorboard").glob("events*"))
    assert (run / "best.safetensors").is_file()
    assert any("6/6" in line and "steps/s" in line for line in said)
    assert fit(chosen, run).already_complete
    trained = load_trained(run, "read")
    assert trained.task.settings.alphabet.startswith("0123")
    assert not trained.network.training


def test_two_processes_share_the_examples_and_end_with_the_same_weights(
    plates, tmp_path, fit_values, monkeypatch
):
    seen: dict[str, list[list[str]]] = {}
    for devices, batch in ((1, 4), (2, 2)):
        folder = tmp_path / str(devices)
        folder.mkdir()
        changes = {"accelerator": "cpu", "devices": devices, "batch": batch, "steps": 3}
        (folder / "config.yaml").write_text(config(plates, fit_values, **changes).text())
        command = [ddp_witness.__file__, str(folder / "config.yaml"), str(folder / "run")]
        if devices == 1:
            with monkeypatch.context() as patch:
                patch.setattr(sys, "argv", command)
                patch.setattr(fit_module, "Learner", ddp_witness.Witness)
                fit(load_config(command[1]), folder / "run")
        else:
            subprocess.run([sys.executable, *command], check=True, timeout=120)
        for path in folder.glob("rank*.jsonl"):
            lines = path.read_text().splitlines()
            seen[f"{devices} {path.stem}"] = [json.loads(line) for line in lines]
    both = zip(seen["2 rank0"], seen["2 rank1"], strict=True)
    assert [one + other for one, other in both] == seen["1 rank0"]
    weights = [(tmp_path / "2" / f"weights{rank}.json").read_text() for rank in (0, 1)]
    assert weights[0] == weights[1]
    run = tmp_path / "2" / "run"
    assert json.loads((run / "result.json").read_text())["steps"] == 3
    rows = read_metrics(run / "metrics.csv")
    assert [step for step, name, _ in rows if name == "train/loss"] == [1, 2, 3]
    assert load_trained(run).task.name == "read"


def test_a_strong_l1_empties_the_weights(plates, tmp_path, fit_values):
    penalties = [{"on": "weights", "l1": 3.0}, {"on": "activations", "l1": 1e-4}]
    penalties.append({"on": "weights", "l2": 1e-9, "layers": ["head"]})
    chosen = config(
        plates, fit_values, steps=60, validate_every=20, regularise=penalties, ema=0.0,
        clip_norm=None, optimiser={"name": "adam", "learning_rate": 0.003, "warmup_steps": 0},
    )  # fmt: skip
    fit(chosen, tmp_path / "run")
    rows = read_metrics(tmp_path / "run" / "metrics.csv")

    def values(wanted: str) -> list[float]:
        return [value for _, name, value in rows if name == wanted]

    shares = values("validation/near_zero_weights")
    assert shares[0] < shares[1] < shares[2]
    assert shares[2] > 0.5
    assert all(0.0 < share < 1.0 for share in values("validation/near_zero_activations"))
    # A layer that a penalty names has a row of its own.
    assert len(values("validation/near_zero_weights/head")) == 3
    penalty = values("train/penalty")
    assert penalty[-1] < 0.2 * penalty[0]


def test_a_compiled_network_learns_the_same(plates, tmp_path, fit_values):
    losses = []
    for compiled in (False, True):
        run = tmp_path / str(compiled)
        changes = {"steps": 2, "compile": compiled, "precision": "32", "accelerator": "cpu"}
        changes["regularise"] = [{"on": "activations", "l1": 1e-9}]
        chosen = config(plates, fit_values, **changes)
        # One layer: each takes the compiler many seconds.
        tiny = {**chosen.settings, "arch": "F4@3x3/8 > R"}
        fit(chosen.model_copy(update={"settings": tiny}), run)
        rows = read_metrics(run / "metrics.csv")
        losses.append([value for _, name, value in rows if name == "train/loss"])
        near = [value for _, name, value in rows if name == "validation/near_zero_activations"]
        assert len(near) == 1 and 0.0 < near[0] < 1.0
        assert load_trained(run).task.name == "read"
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)


def test_a_missing_compiler_is_one_sentence(plates, tmp_path, fit_values, monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(InputError, match=r"fit\.compile needs a C\+\+ compiler, and there is no"):
        fit(config(plates, fit_values, compile=True), tmp_path / "run")


def test_data_workers_change_nothing(plates, tmp_path, fit_values):
    for workers in (0, 1):
        chosen = config(plates, fit_values, steps=2, workers=workers)
        fit(chosen, tmp_path / str(workers))
    one, other = (load_file(tmp_path / n / "last.safetensors") for n in ("0", "1"))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_it_stops_early(plates, tmp_path, fit_values):
    chosen = config(
        plates,
        fit_values,
        steps=50,
        validate_every=1,
        patience=2,
        optimiser={"learning_rate": 1e-9},
    )
    assert fit(chosen, tmp_path / "run").steps <= 5


def test_straight_from_a_recipe(tmp_path, fit_values):
    recipe = tmp_path / "crops.yaml"
    recipe.write_text(
        "name: crops\n"
        "generator: {name: plate-crop, width: 128, height: 48,"
        " scene: {width: 192, height: 128, layouts: [de], plate_counts: [0, 1],"
        " plate_width_px: [90, 120], decoy_rate: 0, bystander_rate: 0}}\n"
        "splits: {train: 5, val: 2}\n"
    )
    result = fit(config(recipe, fit_values, steps=2, validate_on=2), tmp_path / "run")
    assert result.steps == 2


def test_a_loss_that_is_no_number_is_one_sentence(plates, tmp_path, fit_values):
    chosen = config(
        plates, fit_values, steps=20, clip_norm=None,
        optimiser={"name": "sgd", "learning_rate": 1e30, "warmup_steps": 0},
    )  # fmt: skip
    with pytest.raises(SeedbedError, match=r"the loss became (nan|inf) at step \d+: lower"):
        fit(chosen, tmp_path / "run")


def test_short_memory_is_one_sentence(plates, tmp_path, fit_values, monkeypatch):
    def short(self, batch, batch_idx):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(fit_module.Learner, "training_step", short)
    with pytest.raises(SeedbedError, match=r"out of memory with fit\.batch 4: halve it"):
        fit(config(plates, fit_values), tmp_path / "run")
    full = config(plates, fit_values, batch="full", chunk=5)
    with pytest.raises(SeedbedError, match=r"out of memory with fit\.chunk 5: halve it"):
        fit(full, tmp_path / "full")
    # As NumPy's arrives from a data worker, and CUDA's from its libraries.
    for text in (
        "Caught MemoryError in DataLoader worker process 0.\nOriginal Traceback ...",
        "CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported",
        "DefaultCPUAllocator: can't allocate memory: you tried to allocate 99 bytes.",
    ):
        sentence = r"^out of memory with fit\.chunk 5: halve it"
        with pytest.raises(SeedbedError, match=sentence), fit_module._in_sentences(full):
            raise RuntimeError(text)
    lost = "DataLoader worker (pid(s) 12) exited unexpectedly"
    sentence = r"ended from outside, .* lower fit\.memory_mib"
    with pytest.raises(SeedbedError, match=sentence), fit_module._in_sentences(full):
        raise RuntimeError(lost)


def test_another_configuration_does_not_overwrite_a_run(plates, tmp_path, fit_values):
    fit(config(plates, fit_values, steps=1), tmp_path / "run")
    with pytest.raises(InputError, match="holds a run with another configuration"):
        fit(config(plates, fit_values, steps=2), tmp_path / "run")


def test_a_configuration_that_was_refused_does_not_stand_in_the_mended_ones_way(
    plates, tmp_path, fit_values
):
    run = tmp_path / "run"
    wrong = config(plates, fit_values, steps=1).model_copy(update={"validation_split": "vall"})
    with pytest.raises(InputError, match="has no split 'vall'"):
        fit(wrong, run)
    mended = config(plates, fit_values, steps=1)
    assert fit(mended, run).steps == 1
    assert load_config(str(run / "config.yaml")) == mended


def test_other_data_do_not_go_on_with_a_run(plates, tmp_path, fit_values):
    chosen = config(plates, fit_values, steps=1)
    fit(chosen, tmp_path / "run")
    path = tmp_path / "run" / "data.json"
    noted = json.loads(path.read_text())
    seed = noted["data"][0].pop("seed")
    # A record of an earlier version may lack a key; and a record is written once.
    path.write_text(json.dumps(noted))
    assert fit(chosen, tmp_path / "run").already_complete
    assert json.loads(path.read_text()) == noted
    noted["data"][0].update(seed=seed, hash="0" * 64)
    path.write_text(json.dumps(noted))
    with pytest.raises(InputError, match=r"other data than there are now \(the hash of .*plates, "):
        fit(chosen, tmp_path / "run")


def test_what_goes_wrong_in_a_worker_is_one_sentence(tmp_path, fit_values):
    recipe = tmp_path / "crops.yaml"
    recipe.write_text(
        "name: crops\n"
        "generator: {name: plate-crop, width: 128, height: 48,"
        " scene: {width: 192, height: 128, layouts: [de], plate_counts: [0, 1],"
        " plate_width_px: [90, 120], decoy_rate: 0, bystander_rate: 0}}\n"
        "splits: {train: 5, val: 2}\n"
    )
    settings = {**READ, "alphabet": "0"}
    chosen = parse_config(
        {
            "task": "read", "settings": settings, "data": str(recipe),
            "validation": str(validation_without_plates(tmp_path)), "validation_split": "all",
            "fit": {**fit_values, "workers": 1},
        }
    )  # fmt: skip
    with pytest.raises(InputError) as raised:
        fit(chosen, tmp_path / "run")
    said = str(raised.value)
    assert "\n" not in said and "Traceback" not in said
    assert "alphabet" in said and "crops train" in said


def validation_without_plates(folder: Path) -> Path:
    """Labels of one picture without plates: nothing to validate on, and nothing to refuse."""
    import cv2
    import numpy as np

    cv2.imwrite(str(folder / "empty.png"), np.zeros((64, 64, 3), dtype=np.uint8))
    path = folder / "empty.jsonl"
    path.write_text('{"image": "empty.png", "plates": []}\n')
    return path


def test_full_holds_every_item_of_several_sources_once():
    pools = [HeldPool("abc", seed=1), HeldPool("de", seed=2)]
    joined = Joined(pools)
    for step in range(3):
        assert sorted(joined.item(5 * step + place) for place in range(5)) == list("abcde")


def test_full_refuses_what_is_not_held(plates, tmp_path, fit_values):
    chosen = config(plates, fit_values, batch="full", memory_mib=0.001)
    with pytest.raises(InputError, match=r"batch: full needs items that are held in memory"):
        fit(chosen, tmp_path / "run")


def test_devices_that_are_not_there_are_one_sentence(plates, tmp_path, fit_values, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match=r"fit\.accelerator is gpu, and torch finds no GPU"):
        fit(config(plates, fit_values, accelerator="gpu"), tmp_path / "run")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(
        InputError, match=r"fit\.devices is 3, and there are 2 GPUs: give 2 at most"
    ):
        fit(config(plates, fit_values, devices=3), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_loss_is_looked_at_before_it_is_written(plates, tmp_path, fit_values, monkeypatch):
    # As on a GPU, which is not asked at every step.
    monkeypatch.setattr(torch, "isfinite", lambda loss: torch.tensor(True))
    chosen = config(
        plates, fit_values, steps=4, clip_norm=None, checkpoint_every=4, validate_every=4,
        optimiser={"name": "sgd", "learning_rate": 1e30, "warmup_steps": 0},
    )  # fmt: skip
    whole = fit_module.Watch.on_train_batch_end

    def asked(self, *arguments):
        monkeypatch.undo()
        return whole(self, *arguments)

    monkeypatch.setattr(fit_module.Watch, "on_train_batch_end", asked)
    with pytest.raises(SeedbedError, match=r"the loss became (nan|inf)"):
        fit(chosen, tmp_path / "run")
    assert not (tmp_path / "run" / "state.ckpt").exists()


def test_the_best_locator_is_that_of_the_best_ap50(plates, tmp_path, fit_values):
    chosen = config(plates, fit_values, task="locate", steps=1)
    fit(chosen, tmp_path / "run")
    found = {name: value for _, name, value in read_metrics(tmp_path / "run" / "metrics.csv")}
    best = json.loads((tmp_path / "run" / "result.json").read_text())["best"]
    assert found["validation/ap50"] == pytest.approx(best)
    assert "validation/recall" in found
    # What a run of an earlier version had as its best was a recall.
    watch = fit_module.Watch(tmp_path, make_task("locate"), chosen, [], lambda *_: None)
    watch.load_state_dict({"best": 0.9, "best_step": 3, "misses": 2})
    assert (watch.best, watch.misses) == (None, 0)
    watch.load_state_dict({"best": 0.8, "best_step": 3, "misses": 2, "goal": "ap50"})
    assert (watch.best, watch.misses) == (0.8, 2)


def test_tensorboard_forgets_what_a_killed_run_wrote_too_much(tmp_path):
    assert fit_module._tensorboard(tmp_path, 5)._kwargs == {"purge_step": 6}
    assert fit_module._tensorboard(tmp_path, 0)._kwargs == {}


def test_a_killed_process_goes_on_to_the_same_weights(plates, tmp_path, fit_values):
    chosen = config(plates, fit_values, steps=60, workers=1, validate_every=60)
    run = tmp_path / "killed"
    path = tmp_path / "config.yaml"
    path.write_text(chosen.text())
    code = "from seedbed.cli import main; main()"
    command = [sys.executable, "-c", code, "train", str(path), "--run", str(run), "--no-report"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        while not (run / "state.ckpt").is_file() and process.poll() is None:
            time.sleep(0.01)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert process.returncode == -signal.SIGKILL
    assert not (run / "result.json").exists()
    fit(chosen, run)
    fit(chosen, tmp_path / "whole")
    whole, resumed = (load_file(one / "last.safetensors") for one in (tmp_path / "whole", run))
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


class Runs:
    """What a bare pickle may do: call anything."""

    def __reduce__(self):
        return Path.touch, (Path("ran"),)


def test_a_state_that_is_no_state_is_one_sentence_and_runs_nothing(
    plates, tmp_path, fit_values, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    chosen = config(plates, fit_values, steps=1)
    fit(chosen, tmp_path / "run")
    state = tmp_path / "run" / "state.ckpt"
    (tmp_path / "run" / "result.json").unlink()
    torch.save({"global_step": 1, "callbacks": Runs()}, state)
    with pytest.raises(
        SeedbedError, match=r"state\.ckpt holds more than numbers, and is not loaded"
    ):
        fit(chosen, tmp_path / "run")
    for content in (b"no state", pickle.dumps(Runs())):
        state.write_bytes(content)
        with pytest.raises(SeedbedError, match=r"state\.ckpt cannot be read .* delete it to start"):
            fit(chosen, tmp_path / "run")
    torch.save([1], state)
    with pytest.raises(SeedbedError, match=r"state\.ckpt cannot be read .* delete it to start"):
        fit(chosen, tmp_path / "run")
    assert not (tmp_path / "ran").exists()


def test_a_checkpoint_of_another_task_is_one_sentence(plates, tmp_path, fit_values):
    fit(config(plates, fit_values, steps=1), tmp_path / "run")
    with pytest.raises(InputError, match="trained for the task 'read', but 'locate' is needed"):
        load_trained(tmp_path / "run", "locate")
    (tmp_path / "x.safetensors").write_bytes(b"no")
    with pytest.raises(InputError, match="is not a checkpoint of seedbed"):
        load_trained(tmp_path / "x.safetensors")


def test_data_without_the_labels_is_one_sentence(tmp_path, fit_values, plates):
    labels = tmp_path / "labels.jsonl"
    import cv2
    import numpy as np

    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((64, 64, 3), dtype=np.uint8))
    rows = ({"image": "a.png", "plates": [], "split": split} for split in ("train", "val"))
    labels.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(InputError, match=r"needs pictures whose plates .* has none"):
        fit(config(labels, fit_values), tmp_path / "run")
    sounds = tmp_path / "sounds.yaml"
    sounds.write_text(
        "name: s\ngenerator: {name: speech, phrases: digits}\nsplits: {train: 2, val: 2}\n"
    )
    with pytest.raises(InputError, match="holds clips, not pictures"):
        fit(config(sounds, fit_values), tmp_path / "run2")


def test_batches_are_numbered():
    assert list(Positions(4, 2, 2, rank=1, ranks=2)) == [[10, 11], [14, 15]]
    assert list(FullPasses(2, 5, 2, start=2)) == [[4], [5, 6], [7, 8], [9]]


def test_the_length_of_a_run():
    values = {"epochs": 3, "batch": 8, "accumulate": 2}
    chosen = TrainingConfig.model_validate({"task": "read", "data": "x", "fit": values}).fit
    assert run_length(chosen, 160, 1, "x").steps == 30
    assert run_length(chosen, 160, 2, "x").steps == 15
    with pytest.raises(InputError, match="endless"):
        run_length(chosen, 0, 1, "x")


def test_mistakes_in_a_configuration_are_sentences():
    good = {"task": "read", "data": "x", "fit": {"steps": 1}}
    with pytest.raises(InputError, match=r"fit: give either steps or epochs"):
        parse_config({**good, "fit": {}})
    with pytest.raises(InputError, match="no task named 'raed', did you mean 'read'"):
        parse_config({**good, "task": "raed"})
    with pytest.raises(InputError, match=r"settings: alphabet: .*'A' twice"):
        parse_config({**good, "settings": {"alphabet": "ABA"}})
    assert parse_overrides(("fit.steps=5", "data=[a, b]")) == {"fit.steps": 5, "data": ["a", "b"]}
    with pytest.raises(InputError, match="KEY=VALUE"):
        parse_overrides(("steps",))


def test_a_run_killed_before_its_result_was_written_is_finished(plates, tmp_path, fit_values):
    chosen = config(plates, fit_values)
    first = fit(chosen, tmp_path / "run")
    weights = load_file(tmp_path / "run" / "last.safetensors")
    (tmp_path / "run" / "result.json").unlink()
    again = fit(chosen, tmp_path / "run")
    assert (again.steps, again.best_step, again.best) == (first.steps, first.best_step, first.best)
    assert fit(chosen, tmp_path / "run").already_complete
    after = load_file(tmp_path / "run" / "last.safetensors")
    assert all(torch.equal(weights[name], after[name]) for name in weights)
