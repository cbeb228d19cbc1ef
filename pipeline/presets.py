"""Presets: lists of augmenters under a name, which a recipe takes whole or changes in parts.

A preset is a YAML file in `data/augment/`, or anyone's own: a list of augmenters as a
recipe writes them. A recipe names one in place of its list (`augmenters: camera-light`), or
inside it, beside augmenters of its own:

    augmenters:
      - preset: camera-light
        override: {motion-blur: {probability: 0.4}, rescale: false}
      - {name: rotate, angle_deg: [-5, 5]}

A recipe is stored with its presets written out, so that a dataset says all that it depends
on even after a preset has changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from seedbed.errors import InputError
from seedbed.registry import nearest
from seedbed.resources import data_path
from seedbed.yaml_files import read_yaml

Check: TypeAlias = Callable[[str, str, Mapping[str, Any]], None]
"""`check(key, name, fields)` raises `InputError` where an augmenter refuses its fields."""

_KEYS = ("preset", "override")


def preset_names() -> list[str]:
    """The presets that come with seedbed."""
    return sorted(path.stem for path in data_path("augment").glob("*.yaml"))


def load_preset(name: str, where: str = "preset") -> list[dict[str, Any]]:
    """The augmenters of a preset by its name, or of a YAML file by its path.

    `where` starts every message. Raises `InputError` for one that is missing or wrong.
    """
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        known = preset_names()
        if name not in known:
            raise InputError(
                f"{where}: there is no preset named {name!r}{nearest(name, known)} "
                f"(known: {', '.join(known) or 'none'}; for a file of your own give its path, "
                f"ending in .yaml)."
            )
        path = data_path("augment", f"{name}.yaml")
    entries = read_yaml(path, f"preset {path.name}")
    if not isinstance(entries, list) or not entries:
        raise InputError(f"preset {path.name}: must be a list of augmenters, each with a name.")
    for number, entry in enumerate(entries):
        if not isinstance(entry, Mapping) or not isinstance(entry.get("name"), str):
            raise InputError(f"preset {path.name}: entry [{number}] must be keys with a name.")
    return [dict(entry) for entry in entries]


def expand_presets(values: Mapping[str, Any], where: str, check: Check) -> dict[str, Any]:
    """A recipe's values with every preset written out, splits included.

    What is not a preset is left as it is, for the recipe's own checks. Raises `InputError`.
    """
    expanded = dict(values)
    if "augmenters" in expanded:
        expanded["augmenters"] = _expanded(expanded["augmenters"], where, "augmenters", check)
    splits = expanded.get("splits")
    if isinstance(splits, Mapping):
        expanded["splits"] = {
            name: {
                **split,
                "augmenters": _expanded(
                    split["augmenters"], where, f"splits.{name}.augmenters", check
                ),
            }
            if isinstance(split, Mapping) and "augmenters" in split
            else split
            for name, split in splits.items()
        }
    return expanded


def _expanded(entries: Any, where: str, key: str, check: Check) -> Any:
    if isinstance(entries, str):
        entries = {"preset": entries}
    if isinstance(entries, Mapping) and "preset" in entries:
        return _of_preset(entries, where, key, check)
    if not isinstance(entries, list):
        return entries
    flat: list[Any] = []
    for number, entry in enumerate(entries):
        if isinstance(entry, Mapping) and "preset" in entry:
            flat.extend(_of_preset(entry, where, f"{key}[{number}]", check))
        else:
            flat.append(entry)
    return flat


def _of_preset(
    entry: Mapping[str, Any], where: str, key: str, check: Check
) -> list[dict[str, Any]]:
    for word in entry:
        if word not in _KEYS:
            raise InputError(
                f"{where}: {key}.{word} is not a known key{nearest(str(word), list(_KEYS))} "
                f"(known: {', '.join(_KEYS)})"
            )
    if not isinstance(entry["preset"], str):
        raise InputError(f"{where}: {key}.preset must be a name, got {entry['preset']!r}")
    augmenters = load_preset(entry["preset"], f"{where}: {key}.preset")
    override = entry.get("override") or {}
    if not isinstance(override, Mapping):
        raise InputError(
            f"{where}: {key}.override must hold augmenters' names with what differs, "
            f"got {override!r}"
        )
    names = [one["name"] for one in augmenters]
    for name, changes in override.items():
        if name not in names:
            raise InputError(
                f"{where}: {key}.override.{name}: the preset {entry['preset']} has no such "
                f"augmenter{nearest(str(name), names)} (it has: {', '.join(names)})"
            )
        if changes is not False and not isinstance(changes, Mapping):
            raise InputError(
                f"{where}: {key}.override.{name} must hold keys of {name}, or be false to leave "
                f"it out, got {changes!r}"
            )
    changed = []
    for one in augmenters:
        changes = override.get(one["name"], {})
        if changes is False:
            continue
        merged = {**one, **changes, "name": one["name"]}
        fields = {word: value for word, value in merged.items() if word != "name"}
        check(f"{key}.override.{one['name']}" if changes else key, one["name"], fields)
        changed.append(merged)
    return changed
