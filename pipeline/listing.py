"""What is installed: components and recipes with the one sentence that says what each is."""

from __future__ import annotations

import inspect

from seedbed import registry
from seedbed.errors import InputError, MissingExtra
from seedbed.recipe import recipe_names
from seedbed.resources import data_path
from seedbed.yaml_files import read_yaml


def list_group(group: str) -> list[dict[str, str]]:
    """`name`, `at` (where it is) and `says` of everything in a group or of all `recipes`.

    What cannot be imported is listed with the reason, so that a broken plug-in is seen.
    """
    if group == "recipes":
        return [_recipe_entry(name) for name in recipe_names()]
    return [
        {"name": name, "at": at, "says": _sentence(group, name)}
        for name, at in registry.declared(group).items()
    ]


def _sentence(group: str, name: str) -> str:
    try:
        found = registry.resolve(group, name)
    except (InputError, MissingExtra) as error:
        return f"unusable: {error}"
    text = inspect.getdoc(found) or ""
    return " ".join(text.partition("\n\n")[0].split())


def _recipe_entry(name: str) -> dict[str, str]:
    path = data_path("recipes", f"{name}.yaml")
    values = read_yaml(path, f"recipe {path.name}")
    says = values.get("description", "") if isinstance(values, dict) else ""
    return {"name": name, "at": str(path), "says": " ".join(str(says).split())}
