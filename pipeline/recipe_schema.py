"""The JSON Schema of a recipe, for editors: every known component's own keys included."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic.json_schema import models_json_schema

from seedbed import registry
from seedbed.component import Component
from seedbed.encode import PictureEncoding, SoundEncoding
from seedbed.errors import InputError
from seedbed.presets import preset_names
from seedbed.recipe import Recipe

_REF = "#/$defs/{model}"


def recipe_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a recipe.

    Components that cannot be imported here are left out; `seedbed list` names them.
    """
    components = {group: _importable(group) for group in ("generators", "augmenters")}
    classes: list[Any] = [Recipe, PictureEncoding, SoundEncoding]
    classes += [cls for found in components.values() for cls in found.values()]
    keys, together = models_json_schema(
        [(cls, "validation") for cls in dict.fromkeys(classes)], ref_template=_REF
    )
    defs: dict[str, Any] = together.get("$defs", {})

    def target(cls: Any) -> str:
        return str(keys[(cls, "validation")]["$ref"].rpartition("/")[2])

    for group, found in components.items():
        choices = []
        for name, cls in found.items():
            own = defs[target(cls)]
            entry = f"{group}:{name}"
            defs[entry] = {
                **own,
                "properties": {"name": {"const": name}, **own.get("properties", {})},
                "required": ["name", *own.get("required", [])],
            }
            choices.append({"$ref": _REF.format(model=entry)})
        elsewhere = {
            "type": "object",
            "properties": {"name": {"type": "string", "pattern": ":"}},
            "required": ["name"],
            "description": "a class that no entry point names: package.module:Class",
        }
        defs[group] = {"anyOf": [*choices, elsewhere]}
    defs["preset"] = _preset()
    defs["augmenter_list"] = {
        "anyOf": [
            {"$ref": "#/$defs/preset/properties/preset"},
            {"$ref": "#/$defs/preset"},
            {
                "type": "array",
                "items": {"anyOf": [{"$ref": "#/$defs/augmenters"}, {"$ref": "#/$defs/preset"}]},
            },
        ]
    }
    root = defs.pop(target(Recipe))
    split = defs["Split"]["properties"]
    root["properties"] |= {
        "generator": {"$ref": "#/$defs/generators"},
        "augmenters": {"$ref": "#/$defs/augmenter_list"},
        "encoding": {
            "anyOf": [
                {"$ref": _REF.format(model=target(cls))} for cls in (PictureEncoding, SoundEncoding)
            ]
        },
    }
    split["augmenters"] = {"$ref": "#/$defs/augmenter_list"}
    root["properties"]["splits"]["additionalProperties"] = {
        "anyOf": [{"type": "integer", "minimum": 1}, {"$ref": "#/$defs/Split"}]
    }
    used = _used(root, defs)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "seedbed recipe",
        **{key: value for key, value in root.items() if key not in ("title", "description")},
        "$defs": {
            name: _without_titles(value) for name, value in sorted(defs.items()) if name in used
        },
    }


def _preset() -> dict[str, Any]:
    """The schema of `preset: NAME` with its `override`."""
    name = {
        "anyOf": [{"enum": preset_names()}, {"type": "string", "pattern": r"\.ya?ml$"}],
        "description": "a preset's name, or the path of a file of one's own",
    }
    override = {
        "type": "object",
        "additionalProperties": {"anyOf": [{"type": "object"}, {"const": False}]},
        "description": "keys that differ, by augmenter; false leaves one out",
    }
    return {
        "type": "object",
        "properties": {"preset": name, "override": override},
        "required": ["preset"],
        "additionalProperties": False,
    }


def _used(root: Any, defs: Mapping[str, Any]) -> set[str]:
    """The definitions that `root` refers to, directly or through another."""
    used: set[str] = set()
    coming = [root]
    while coming:
        schema = coming.pop()
        if isinstance(schema, dict):
            coming.extend(schema.values())
            name = str(schema.get("$ref", "")).removeprefix("#/$defs/").split("/")[0]
            if name in defs and name not in used:
                used.add(name)
                coming.append(defs[name])
        elif isinstance(schema, list):
            coming.extend(schema)
    return used


def _importable(group: str) -> dict[str, type[Component]]:
    found: dict[str, type[Component]] = {}
    for name in registry.names(group):
        try:
            cls = registry.resolve(group, name)
        except InputError:
            continue
        if isinstance(cls, type) and issubclass(cls, Component):
            found[name] = cls
    return found


def _without_titles(schema: Any) -> Any:
    """Pydantic titles every key with its own name, which tells an editor nothing."""
    if isinstance(schema, dict):
        return {
            key: _without_titles(value)
            for key, value in schema.items()
            if not (key == "title" and isinstance(value, str))
        }
    return [_without_titles(item) for item in schema] if isinstance(schema, list) else schema
