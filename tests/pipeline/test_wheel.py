"""A wheel in an environment of its own, used from another folder: what other projects get."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

USE = """
from pathlib import Path
import seedbed
from seedbed.generators import PlateScene

assert Path(seedbed.__file__).is_relative_to(Path.cwd() / "venv"), seedbed.__file__
scene = PlateScene(layouts=["de", "gb-rear"], plate_counts=[0, 1])
sample = scene(seed=7)
assert sample.image.shape == (480, 640, 3), sample.image.shape
assert [plate.layout for plate in sample.objects] in (["de"], ["gb-rear"])
assert len(list(scene.samples(seed=0, count=3))) == 3
"""


def run(folder: Path, words: Sequence[str | Path]) -> str:
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a `venv` that has seedbed's wheel, and this environment's other packages."""
    folder = tmp_path_factory.mktemp("elsewhere")
    tree = folder / "tree"
    kept = ("pipeline", "generators", "augmenters", "trainers", "data")
    for name in kept:
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree / name)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    wheel = [*pip, "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-q", "-w", folder]
    run(folder, [*wheel, tree])
    shutil.rmtree(tree)
    venv.create(folder / "venv", symlinks=True)
    (built,) = folder.glob("seedbed-*.whl")
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder / "venv")}))
    run(
        folder,
        [*pip, "install", "-q", "--no-compile", "--no-deps", "--no-index", "--target", site, built],
    )
    # Packages come from here, as a test may not download them; seedbed's own is found first.
    (site / "others.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return folder


def test_the_readme_s_example_runs_from_the_wheel(elsewhere: Path) -> None:
    run(elsewhere, [elsewhere / "venv/bin/python", "-c", USE])


def test_the_command_builds_a_dataset_from_the_wheel(elsewhere: Path) -> None:
    python = elsewhere / "venv/bin/python"
    words = ["-m", "seedbed.cli", "build", "plate-crops", "--n", "6", "--seed", "1", "--out", "d"]
    run(elsewhere, [python, *words, "--workers", "2"])
    assert (elsewhere / "d/dataset.json").is_file()


def test_the_wheel_puts_nothing_but_seedbed_into_site_packages(elsewhere: Path) -> None:
    site = Path(sysconfig.get_path("purelib", vars={"base": str(elsewhere / "venv")}))
    names = {path.name.split("-")[0] for path in site.iterdir()}
    assert names - {"pip", "setuptools", "__pycache__"} == {"seedbed", "others.pth", "bin"}
