"""Temporary folders go with their process, killed or not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from seedbed.generators.speech.engines.private_folder import PrivateFolder, sweep

SCRIPT = (
    "import sys\n"
    "from seedbed.generators.speech.engines.private_folder import PrivateFolder\n"
    "made = PrivateFolder()\n"
    "(made.path / 'file').write_text('x')\n"
    "print(made.path, flush=True)\n"
    "sys.stdin.readline()\n"
)


def start(tmp_path: Path) -> tuple[subprocess.Popen[str], Path]:
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_an_ordinary_end_removes_the_folder(tmp_path: Path) -> None:
    process, path = start(tmp_path)
    assert path.is_dir()
    process.communicate("\n")
    assert not path.exists()


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such locks")
def test_a_killed_process_is_swept_up_after_and_a_living_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    killed, left = start(tmp_path)
    living, kept = start(tmp_path)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert left.is_dir()
    sweep()
    assert not left.exists()
    assert kept.is_dir()
    living.communicate("\n")
    assert not kept.exists()


def test_a_folder_can_be_removed_early_and_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    made = PrivateFolder()
    assert made.path.parent == tmp_path
    made.remove()
    assert not made.path.exists()
    made.remove()
