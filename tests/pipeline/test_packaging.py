from __future__ import annotations

import ast
import tomllib
from pathlib import Path

from seedbed.store import _EXTRAS

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


def named_extras(module: Path) -> set[str]:
    """The extras that a module's `MissingExtra(package, extra, ...)` calls name.

    An extra is written out, or is a string that the module assigns to a name.
    """
    tree = ast.parse(module.read_text(encoding="utf-8"))
    constants = {
        target.id: statement.value.value
        for statement in tree.body
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant)
        for target in statement.targets
        if isinstance(target, ast.Name)
    }
    extras = set()
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "MissingExtra":
            extra = call.args[1]
            if module.name == "store.py" and isinstance(extra, ast.Name):
                extras |= {each for _, each in _EXTRAS.values()}
            else:
                extras.add(extra.value if isinstance(extra, ast.Constant) else constants[extra.id])
    return extras


def test_every_extra_that_a_message_names_can_be_installed() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    modules = [module for folder in HOMES for module in (ROOT / folder).rglob("*.py")]
    extras = {extra for module in modules for extra in named_extras(module)}
    assert {"train", "backbones", "s3", "gcs"} <= extras
    assert extras <= set(settings["project"]["optional-dependencies"])
