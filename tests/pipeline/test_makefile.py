"""What `make` says before there is anything to run."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A folder with the Makefile and what it looks at, and no environment."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def make(house: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # A make that runs the tests hands its flags on.
    environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL")}
    environment["LC_ALL"] = "C"
    return subprocess.run(
        ["make", *arguments], cwd=house, env=environment, capture_output=True, text=True
    )


def fake_python(house: Path, script: str) -> str:
    path = house / "python-for-a-test"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return f"PYTHON={path}"


def test_a_missing_python_is_said_to_be_missing(house: Path) -> None:
    ran = make(house, "setup", "PYTHON=no-such-python")
    assert ran.returncode == 2
    assert "There is no no-such-python here: install Python 3.11 or newer" in ran.stdout
    assert "older" not in ran.stdout
    assert not (house / ".venv").exists()


def test_an_old_python_is_said_to_be_old(house: Path) -> None:
    ran = make(house, "setup", fake_python(house, "exit 1"))
    assert ran.returncode == 2
    assert "needs Python 3.11 or newer;" in ran.stdout
    assert "is older: name one with PYTHON=python3.12." in ran.stdout


def test_a_missing_venv_module_names_its_package(house: Path) -> None:
    without_venv = 'case "$2" in *venv*) exit 1;; esac; exit 0'
    ran = make(house, "setup", fake_python(house, without_venv))
    assert ran.returncode == 2
    assert "install it with 'apt-get install python3-venv' and run make again." in ran.stdout
    assert "older" not in ran.stdout


def test_setup_does_nothing_when_all_is_up_to_date(house: Path) -> None:
    interpreter = house / ".venv" / "bin" / "python"
    interpreter.parent.mkdir(parents=True)
    interpreter.write_text("#!/bin/sh\ntouch ran\n", encoding="utf-8")
    interpreter.chmod(0o755)
    (house / ".venv" / ".installed").touch()
    ran = make(house, "setup", "PYTHON=no-such-python")
    assert ran.returncode == 0
    assert not (house / "ran").exists()
    # What is installed is older than what it was installed from.
    os.utime(house / ".venv" / ".installed", (0, 0))
    assert make(house, "setup", "PYTHON=no-such-python").returncode == 0
    assert (house / "ran").exists()
