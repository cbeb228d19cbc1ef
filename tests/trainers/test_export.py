"""Every task's network, with feedback and with WaveNet lines, answers alike once it is exported."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from seedbed.sample import Clip
from seedbed.trainers.export import TOLERANCE, OnnxNetwork, export_int8, export_onnx
from seedbed.trainers.runs import Trained
from seedbed.trainers.task import make_task

HEARS = {"labels": ["a", "b"], "augmenters": [], "seconds": 0.4}
WRITES = {
    "alphabet": "ab",
    "seconds": 0.5,
    "augmenters": [],
    "spectrogram": {"sample_rate": 8000, "mels": 16},
    "arch": "F4@5x5/2 nobias > BN > R > rows > F8@5 > R",
}
SMALL: dict[str, tuple[str, dict[str, Any]]] = {
    "classify": (
        "classify", {"classes": ["a", "b"], "width": 32, "height": 24, "arch": "F4@3x3/4 > R > gap"}
    ),
    "listen": ("listen", {**HEARS, "arch": "F4@3x3/2 > BN > R > gap"}),
    "listen by WaveNet": (
        "listen", {**HEARS, "front": "samples", "arch": "F4@20/10 > R > W4*3 > R > gap"}
    ),
    "listen by GRU": ("listen", {**HEARS, "arch": "rows > GRU6 both last"}),
    "locate": (
        "locate", {"crop_px": 64, "stages": ["F4@3x3/4 > BN > R", "F4@3x3/2 > R"]}
    ),
    "read": ("read", {"sequence": "GRU6 both"}),
    "transcribe": ("transcribe", WRITES),
}  # fmt: skip


def trained(case: str, **changes: Any) -> Trained:
    name, settings = SMALL[case]
    task = make_task(name, {**settings, **changes})
    return Trained(task, task.network(1).eval(), {}, Path(case))


@pytest.mark.parametrize("case", SMALL)
def test_an_exported_network_answers_alike(case: str, tmp_path: Path) -> None:
    assert export_onnx(trained(case), tmp_path / "x.onnx").difference <= TOLERANCE


def test_what_comes_before_and_after_is_described_as_it_is_done() -> None:
    for case in SMALL:
        json.dumps(trained(case).task.processing())
    after = make_task("read", {"looks": 3, "sure_letter": 0.7}).processing()["unsure"]
    assert after["sure_letter"] == 0.7
    assert after["cuts_in_all"] == 3
    assert after["moved"][:2] == [{"grow": g, "shift": [0.0, 0.0]} for g in (1.05, 0.96)]
    assert make_task("read", {"looks": 1}).processing()["unsure"] is None
    after = make_task("locate", {"threshold": 0.4, "refine_most": 2}).processing()["second_look"]
    assert (after["plates"], after["threshold"], after["plate_width_px"]) == (2, 0.2, 128)
    assert after["height_and_width"] == [160, 256]
    assert after["scales"] == [1.0, 0.63, 1.5]
    assert make_task("locate", {"refine_width_px": 0}).processing()["second_look"] is None
    assert make_task("listen", {"views": 3}).processing()["places"] == [0.2, 0.5, 0.8]
    assert make_task("listen").processing()["places"] == [0.5]
    spoken = make_task("transcribe", {"beam": 4, "phrases": ["stop", "go"]}).processing()
    assert (spoken["beam"], spoken["phrases"]) == (4, ["stop", "go"])


def check_lengths(folder: Path, sequence: str) -> None:
    """Export a transcriber, and compare it with torch's on inputs and on clips of some lengths."""
    one = trained("transcribe", sequence=sequence)
    export_onnx(one, folder / "x.onnx")
    exported = OnnxNetwork(folder / "x.onnx")
    for frames in (17, 50, 333):
        inputs = torch.rand(2, frames, 16, 1)
        with torch.inference_mode():
            expected = one.network(inputs)
        torch.testing.assert_close(exported(inputs), expected, atol=1e-4, rtol=1e-4)
    rng = np.random.default_rng(0)
    clips = [
        Clip(
            sound=rng.normal(0, 0.1, 800 + 400 * number).astype(np.float32),
            sample_rate=8000,
            transcript="ab",
        )
        for number in range(6)
    ]
    items = [item for clip in clips for item in one.task.items(clip, "x")]
    found = export_int8(one, folder / "x.onnx", folder / "x.int8.onnx", items, {})
    assert set(found.metrics) == {"wer", "cer", "exact"}


def test_an_exported_transcriber_takes_clips_of_any_length(tmp_path: Path) -> None:
    check_lengths(tmp_path, "")


def test_one_with_feedback_does_too(tmp_path: Path) -> None:
    # In a process of its own, as the command is: torch 2.13's exporter cannot take feedback along
    # an open axis once it has exported a network with feedback.
    command = [sys.executable, __file__, str(tmp_path)]
    subprocess.run(command, check=True, timeout=240)


if __name__ == "__main__":
    check_lengths(Path(sys.argv[1]), "GRU6 both")
