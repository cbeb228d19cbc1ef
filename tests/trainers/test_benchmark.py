"""What the benchmark runs on a GPU also runs, small, on a CPU."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest
import torch


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
