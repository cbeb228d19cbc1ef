from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]

HOMES = {
    "pipeline": "seedbed",
    "generators": "seedbed.generators",
    "augmenters": "seedbed.augmenters",
    "trainers": "seedbed.trainers",
    "data": "seedbed.data",
}


def test_every_package_in_the_tree_is_in_the_wheel() -> None:
    """setuptools leaves a sub-package that is not listed out of the wheel, silently."""
    found = set()
    for folder, package in HOMES.items():
        for init in (ROOT / folder).rglob("__init__.py"):
            inner = init.parent.relative_to(ROOT / folder).parts
            found.add(".".join((package, *inner)))
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert set(settings["tool"]["setuptools"]["packages"]) == found


def test_every_module_is_inside_a_package() -> None:
    for folder in HOMES:
        for module in (ROOT / folder).rglob("*.py"):
            assert (module.parent / "__init__.py").is_file(), module


def test_every_data_file_is_in_the_wheel() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = settings["tool"]["setuptools"]["package-data"]["seedbed.data"]
    packed = {path for pattern in patterns for path in (ROOT / "data").glob(pattern)}
    files = {path for path in (ROOT / "data").rglob("*") if path.is_file()}
    assert {path for path in files - packed if path.suffix not in (".py", ".pyc")} == set()
