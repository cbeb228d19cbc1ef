"""What the benchmark runs on a GPU also runs, small, on a CPU."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from plate_settings import READ

from seedbed.trainers.task import make_task


def test_the_gpus_part_runs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))
    gpu = import_module("benchmarks.training").gpu
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    gpu("cpu", channels=4, pixels=8, records=2, side=32, compiled=False, repeats=1)
    torch.set_num_threads(threads)
    printed = capsys.readouterr().out
    assert re.fullmatch(
        r"  filters [\d.]+x eager float32 \(wanted 3.0\), \d+% of the bf16 matrix peak\n", printed
    )


def test_the_data_paths_are_put_side_by_side(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    scenes: list[Any],
    one_thread: None,
) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))
    task = make_task("read", READ)
    items = [item for n, scene in enumerate(scenes) for item in task.items(scene, str(n))]
    import_module("benchmarks.training").paths("read", task, items, 100.0)
    assert re.fullmatch(
        r"  read    data path \d+ examples/s on one core; the loop takes 100\n"
        r"  read    data_on: device draws \d+ examples/s on one core and paints \d+ on that core, "
        r"[\d.]+x\n",
        capsys.readouterr().out,
    )
