"""A package that seedbed knows nothing about, installed beside it, works like a built-in one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parents[1] / "plugins"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder as `pip install --target` leaves it: the module and its metadata."""
    folder = tmp_path / "site"
    metadata = folder / "seedbed_dots-1.5.dist-info"
    metadata.mkdir(parents=True)
    (folder / "seedbed_dots.py").write_bytes((PLUGINS / "seedbed_dots.py").read_bytes())
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: seedbed-dots\nVersion: 1.5\n")
    (metadata / "entry_points.txt").write_text(
        "[seedbed.generators]\ndots = seedbed_dots:Dots\nlost = seedbed_dots:Lost\n\n"
        "[seedbed.augmenters]\ndim = seedbed_dots:Dim\n"
    )
    return folder


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
