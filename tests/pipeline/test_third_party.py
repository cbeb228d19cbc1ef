"""A package that seedbed knows nothing about, installed beside it, works like a built-in one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parents[1] / "plugins"


METADATA = "Metadata-Version: 2.1\nName: seedbed-dots\nVersion: 1.5\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
ENTRY_POINTS = (
    "[seedbed.generators]\ndots = seedbed_dots:Dots\nlost = seedbed_dots:Lost\n\n"
    "[seedbed.augmenters]\ndim = seedbed_dots:Dim\n"
)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder into which pip has installed the package, from a wheel."""
    wheel = tmp_path / "seedbed_dots-1.5-py3-none-any.whl"
    folder = "seedbed_dots-1.5.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.write(PLUGINS / "seedbed_dots.py", "seedbed_dots.py")
        archive.writestr(f"{folder}/METADATA", METADATA)
        archive.writestr(f"{folder}/WHEEL", WHEEL)
        archive.writestr(f"{folder}/entry_points.txt", ENTRY_POINTS)
        archive.writestr(f"{folder}/RECORD", "")
    site = tmp_path / "site"
    options = ["--quiet", "--no-index", "--no-deps", "--disable-pip-version-check"]
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, "--target", str(site), str(wheel)],
        check=True,
        timeout=120,
    )
    return site


def seedbed(site: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "seedbed.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(site)},
        check=False,
    )


def test_it_works_everywhere(site: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "r.yaml"
    recipe.write_text(
        "name: mine\nseed: 0\ngenerator: {name: dots, width: 40}\naugmenters: [{name: dim}]\n"
        "splits: {train: 6}\nshard_size: 3\n"
    )
    listed = json.loads(seedbed(site, "list", "--json").stdout)
    says = {entry["name"]: entry["says"] for entry in listed["generators"]}
    assert says["dots"] == "Draws one coloured square on grey."
    assert says["lost"].startswith("unusable: the generator 'lost' is declared as")
    sheet = tmp_path / "sheet.png"
    assert seedbed(site, "preview", recipe, "--n", 2, "--out", sheet).returncode == 0
    assert sheet.is_file()
    out = tmp_path / "d"
    done = seedbed(site, "build", recipe, "--out", out, "--workers", 2, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["versions"]["seedbed-dots"] == "1.5"
    assert seedbed(site, "replay", out, 5).returncode == 0
