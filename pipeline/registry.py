"""Resolves component names through entry points, built-in and third-party alike.

A recipe says `name: plate-scene`; the entry-point group `seedbed.generators` says where
that class is. Nothing is imported until it is asked for.
"""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from seedbed.errors import InputError, MissingExtra

GROUPS = ("generators", "augmenters", "formats", "tasks")


@cache
def _entries(group: str) -> dict[str, EntryPoint]:
    if group not in GROUPS:
        raise ValueError(f"group must be one of {', '.join(GROUPS)}, got {group!r}")
    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=f"seedbed.{group}"):
        if entry.name in found and found[entry.name].value != entry.value:
            raise InputError(
                f"two installed packages declare the {group[:-1]} {entry.name!r}: "
                f"{found[entry.name].value} and {entry.value}; uninstall one of them."
            )
        found[entry.name] = entry
    return found


def names(group: str) -> list[str]:
    """The names declared in a group, sorted."""
    return sorted(_entries(group))


def nearest(word: str, options: list[str]) -> str:
    """`", did you mean 'x'?"` for the closest option, or an empty string."""
    match = get_close_matches(word, options, n=1, cutoff=0.5)
    return f", did you mean {match[0]!r}?" if match else ""


def declared(group: str) -> dict[str, str]:
    """Where each name of a group is declared to live: `{"speech": "package.module:Class"}`."""
    return {name: entry.value for name, entry in sorted(_entries(group).items())}


def release(group: str, name: str) -> tuple[str, str] | None:
    """The (distribution, version) that brings a component, or None for `module:Class` names."""
    entry = _entries(group).get(name)
    return (entry.dist.name, entry.dist.version) if entry and entry.dist else None


def resolve(group: str, name: str) -> Any:
    """The object that a name stands for.

    `name` is an entry point's or `package.module:Class`, which needs no entry point.
    Raises `InputError` for an unknown or broken one.
    """
    entries = _entries(group)
    if ":" in name:
        module, _, attribute = name.partition(":")
        try:
            return getattr(import_module(module), attribute)
        except (ImportError, AttributeError, ValueError, TypeError) as error:
            raise InputError(
                f"the {group[:-1]} {name!r} cannot be imported ({error}); give it as "
                f"package.module:Class, installed or on PYTHONPATH."
            ) from error
    if name not in entries:
        raise InputError(
            f"there is no {group[:-1]} named {name!r}{nearest(name, list(entries))} "
            f"(known: {', '.join(sorted(entries)) or 'none'})"
        )
    try:
        return entries[name].load()
    except (ImportError, AttributeError) as error:
        if group == "tasks" and isinstance(error, ModuleNotFoundError):
            raise MissingExtra(str(error.name), "train", f"the task {name!r}") from error
        raise InputError(
            f"the {group[:-1]} {name!r} is declared as {entries[name].value}, "
            f"which cannot be imported: {error}"
        ) from error


def resolve_class(group: str, class_name: str) -> Any:
    """The class of that name in a group: what `from seedbed.generators import X` uses."""
    for entry in _entries(group).values():
        if entry.value.rpartition(":")[2] == class_name:
            return entry.load()
    raise AttributeError(f"module 'seedbed.{group}' has no attribute {class_name!r}")
