"""Joins the parts that `seedbed build --shard K/N` made into one dataset, by manifest only.

Parts built into one folder or store need nothing but their manifest. Parts in folders of
their own are brought together first: files on the same disk are linked, others copied, and
none is read into samples or made again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from seedbed.builder import (
    RECIPE_NAME,
    check_mark,
    differences,
    read_growth,
    recorded_recipe,
    records,
)
from seedbed.errors import InputError, SeedbedError
from seedbed.lock import Lock
from seedbed.manifest import write_manifest
from seedbed.plan import Plan
from seedbed.recipe import Recipe
from seedbed.shards import (
    Mark,
    committed_mark,
    committed_marks,
    mark_name,
    marked_names,
    shard_name,
)
from seedbed.store import NO_LINK, LocalStore, Store, as_store

SHOWN = 5
"""Missing shards that a message names."""


def merge(
    parts: Sequence[str | Path | Store], out: str | Path | Store | None = None
) -> dict[str, Any]:
    """Write the manifest over all parts' shards; the values of `dataset.json`.

    `out` may be left out where there is one place that holds all. Raises `InputError`
    where the parts do not belong together, and `SeedbedError` naming shards that no part
    holds.
    """
    stores = [as_store(part) for part in parts]
    if out is None and len(stores) != 1:
        raise InputError("say with --out where the merged dataset goes.")
    target = stores[0] if out is None else as_store(out)
    others = [store for store in stores if store.address != target.address]
    try:
        recipe = _recipe(stores[0])
        for store in stores[1:]:
            differing = differences(_recipe(stores[0]), _recipe(store))
            if differing:
                raise InputError(
                    f"{stores[0]} and {store} are parts of different datasets: {differing}."
                )
        steps = _steps(stores[0], recipe)
        for store in stores[1:]:
            if _steps(store, recipe) != steps:
                raise InputError(
                    f"{stores[0]} and {store} are parts of different datasets: one grew "
                    f"{_told(steps)}, the other {_told(_steps(store, recipe))}."
                )
        plan = Plan(recipe.counts, recipe.shard_size, tuple(steps[:-1]))
        if others:
            _check_target(target, recipe, steps)
        target.prepare()
        with Lock(target):
            target.clean()
            versions: Mapping[str, str] = {}
            for store in others:
                for name, mark in committed_marks(store, marked_names(store, plan.prefixes())):
                    at = plan.position(name)
                    if mark is not None and at is not None:
                        versions = versions or mark.versions
                        check_mark(
                            store, mark, plan[at], recipe.seed, recipe.recipe_hash(), versions
                        )
                        _bring(store, target, mark)
            if others:
                # The history first, as a build writes them, so that no cut between hurts.
                for name, content in records(recipe, plan).items():
                    target.write(name, content)
            versions = _check_complete(target, plan, recipe, versions)
            return write_manifest(target, recipe, plan, versions)
    except OSError as error:
        raise SeedbedError(f"cannot merge into {target}: {error.strerror or error}.") from error


def _recipe(store: Store) -> Recipe:
    recipe = recorded_recipe(store)
    if recipe is None:
        raise InputError(f"{store} is no part of a dataset: it has no {RECIPE_NAME}.")
    return recipe


def _steps(store: Store, recipe: Recipe) -> list[Mapping[str, int]]:
    """The counts that a dataset has had, oldest first, those of its recipe at the end."""
    growth = read_growth(store)
    # A cut between writing the history and the recipe has recorded the old counts twice.
    return [*(growth[:-1] if growth[-1:] == (recipe.counts,) else growth), recipe.counts]


def _told(steps: Sequence[Mapping[str, int]]) -> str:
    """How a dataset came to its counts, in words."""
    return "from " + " to ".join(
        " and ".join(f"{count} of {split}" for split, count in counts.items()) for counts in steps
    )


def _check_target(target: Store, recipe: Recipe, steps: Sequence[Mapping[str, int]]) -> None:
    """Raise `InputError` where `target` holds anything but an earlier state of the same."""
    there = recorded_recipe(target)
    if there is None:
        if not target.empty():
            raise InputError(f"{target} is not empty and holds no seedbed dataset.")
        return
    differing = differences(there, recipe, counts=False)
    if differing:
        raise InputError(f"{target} holds another dataset: {differing}.")
    before = _steps(target, there)
    if before != list(steps[: len(before)]):
        raise InputError(
            f"{target} holds a dataset that the parts did not grow from: it grew {_told(before)}, "
            f"they {_told(steps)}. Give --out a new folder."
        )


def _bring(source: Store, target: Store, mark: Mark) -> None:
    """Have a committed shard of `source` in `target` too, committed the same way."""
    there = committed_mark(target, mark.name)
    if there is not None:
        if there.sha256 != mark.sha256:
            raise InputError(
                f"{source} and {target} hold different shards {mark.name}: one of them is damaged "
                f"(see `seedbed verify`)."
            )
        return
    name = shard_name(mark.name)
    if not _linked(source, target, name):
        with target.writing(name) as file:
            for block in source.blocks(name):
                file.write(block)
    text = json.dumps(asdict(mark), indent=1) + "\n"
    target.write(mark_name(mark.name), text.encode())


def _linked(source: Store, target: Store, name: str) -> bool:
    if not (isinstance(source, LocalStore) and isinstance(target, LocalStore)):
        return False
    target.delete(name)
    try:
        os.link(source.folder / name, target.folder / name)
    except OSError as error:
        if error.errno in NO_LINK:
            return False
        raise
    return True


def _check_complete(
    store: Store, plan: Plan, recipe: Recipe, versions: Mapping[str, str]
) -> Mapping[str, str]:
    """The versions that made every shard. Raises `SeedbedError` where shards are missing."""
    missing: list[str] = []
    absent = 0
    marks = committed_marks(store, (shard.name for shard in plan))
    for shard, (name, mark) in zip(plan, marks, strict=True):
        if mark is None:
            absent += 1
            missing += [name] if len(missing) < SHOWN else []
        else:
            versions = versions or mark.versions
            check_mark(store, mark, shard, recipe.seed, recipe.recipe_hash(), versions)
    if absent:
        more = f" and {absent - SHOWN} more" if absent > SHOWN else ""
        raise SeedbedError(
            f"{absent} of {len(plan)} shards of {store} are missing ({', '.join(missing)}{more}): "
            f"run the --shard K/N builds that make them, then merge again."
        )
    return versions
