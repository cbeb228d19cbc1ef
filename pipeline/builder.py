"""Builds a dataset: plans, has every missing shard made, and writes the manifest last.

Running a build again goes on where it stopped: shards whose commit mark is there are not
made again. A folder with anything else in it is refused with what differs.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seedbed.errors import InputError, SeedbedError
from seedbed.executors import START_METHODS, make_executor
from seedbed.job import Failure, Job
from seedbed.make import Maker
from seedbed.manifest import versions_of, write_manifest
from seedbed.plan import Plan, Shard
from seedbed.recipe import Recipe
from seedbed.registry import nearest
from seedbed.shards import (
    Mark,
    committed_marks,
    is_committed,
    mark_path,
    read_mark,
    remove_temporaries,
    write_whole,
)
from seedbed.streams import MAX_SEED
from seedbed.yaml_files import dump_yaml, read_yaml


@dataclass
class Progress:
    """How far a build is: what a display shows, refreshed at every shard."""

    samples: int
    shards: int
    resumed_samples: int = 0
    resumed_shards: int = 0
    made_samples: int = 0
    made_shards: int = 0
    bytes: int = 0
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, mark: Mark) -> None:
        """Count a shard that was just committed."""
        self.made_samples += mark.count
        self.made_shards += 1
        self.bytes += mark.bytes
        self.counts.update(mark.counts)


@dataclass(frozen=True)
class Built:
    """What a build left behind: the manifest's values, and what this run itself did."""

    folder: Path
    info: Mapping[str, Any]
    progress: Progress
    seconds: float

    @property
    def already_complete(self) -> bool:
        """Whether there was nothing left to make."""
        return self.progress.made_shards == 0


def default_workers() -> int:
    """The cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def build(
    recipe: Recipe,
    out: str | Path,
    *,
    workers: int | None = None,
    executor: str | None = None,
    start_method: str = "spawn",
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> Built:
    """Build `recipe` into the folder `out`, or go on with one begun there.

    A recipe without a seed takes the one recorded in the folder, or else a drawn one.
    `executor` is a name in `seedbed.executors.EXECUTORS`; by default `serial` for one
    worker and `processes` for more. `on_progress` is called at the start and after every
    shard. Raises `InputError` for anything wrong with the recipe or the folder before a
    file is touched, and `SeedbedError` for a failure on the way, finished shards kept.
    """
    began = time.monotonic()
    folder = Path(out)
    _check_folder(folder)
    if start_method not in START_METHODS:
        raise InputError(
            f"there is no start method {start_method!r}{nearest(start_method, [*START_METHODS])} "
            f"(known: {', '.join(START_METHODS)})."
        )
    if workers is not None and workers < 1:
        raise InputError(f"workers must be >= 1, got {workers}.")
    recipe = _seeded(recipe, folder)
    _check_same(recipe, folder)
    plan = Plan(recipe.counts, recipe.shard_size)
    versions = versions_of(recipe)
    progress = _resumed(plan, folder, recipe, versions)
    job = Job(recipe, folder, versions)
    if progress.resumed_shards == len(plan):
        info = write_manifest(folder, recipe, plan, versions)
        return Built(folder, info, progress, time.monotonic() - began)
    left = len(plan) - progress.resumed_shards
    hands = min(workers or default_workers(), left)
    name = executor or ("serial" if hands == 1 else "processes")
    # Workers start before components are prepared: some engines must not be forked.
    with make_executor(name, job, hands, start_method) as running:
        Maker(recipe).prepare()
        try:
            _begin(folder, recipe)
            on_progress(progress)
            for result in running.run(_missing(plan, folder)):
                if isinstance(result, Failure):
                    raise _as_error(result)
                progress.add(result)
                on_progress(progress)
            info = write_manifest(folder, recipe, plan, versions)
        except OSError as error:
            raise SeedbedError(
                f"cannot write to {folder}: {error.strerror or error}; finished shards are kept: "
                f"put it right and run the same command again to go on."
            ) from error
        finally:
            # Leaving the executor kills its workers, but only after this clean-up.
            running.__exit__(None, None, None)
            if folder.is_dir():
                remove_temporaries(folder)
    return Built(folder, info, progress, time.monotonic() - began)


def _check_folder(folder: Path) -> None:
    if not folder.exists():
        return
    if not folder.is_dir():
        raise InputError(f"{folder} is a file: give --out a folder that is new or empty.")
    if not (folder / "recipe.yaml").is_file() and any(
        not path.name.startswith(".") for path in folder.iterdir()
    ):
        raise InputError(
            f"{folder} is not empty and holds no seedbed dataset: give --out a new folder."
        )


def _seeded(recipe: Recipe, folder: Path) -> Recipe:
    if recipe.seed is not None:
        return recipe
    if (folder / "recipe.yaml").is_file():
        recorded = _recorded(folder).get("seed")
        if isinstance(recorded, int):
            return recipe.seeded(recorded)
    return recipe.seeded(int.from_bytes(os.urandom(8), "little") & min(MAX_SEED, 2**32 - 1))


def _recorded(folder: Path) -> dict[str, Any]:
    path = folder / "recipe.yaml"
    values = read_yaml(path, str(path))
    if not isinstance(values, dict):
        raise InputError(f"{path} is damaged: delete {folder} or give --out another folder.")
    return values


def _check_same(recipe: Recipe, folder: Path) -> None:
    """Raise `InputError` with the differing keys where `folder` is another recipe's."""
    if not (folder / "recipe.yaml").is_file():
        return
    there, here = _flat(_recorded(folder)), _flat(recipe.values())
    differences = [
        f"{key} is {there.get(key, 'absent')!r} there and {here.get(key, 'absent')!r} here"
        for key in dict.fromkeys([*there, *here])
        if there.get(key, "absent") != here.get(key, "absent")
    ]
    if differences:
        listed = "; ".join(differences[:6])
        more = f"; and {len(differences) - 6} more" if len(differences) > 6 else ""
        raise InputError(
            f"{folder} holds another dataset: {listed}{more}. Give --out another folder, or "
            f"delete this one."
        )


def _flat(values: Any, key: str = "") -> dict[str, Any]:
    if isinstance(values, dict) and values:
        return {
            name: value
            for part, inner in values.items()
            for name, value in _flat(inner, f"{key}.{part}" if key else str(part)).items()
        }
    return {key: values}


def _resumed(plan: Plan, folder: Path, recipe: Recipe, versions: Mapping[str, str]) -> Progress:
    """What is there already. Raises `InputError` where other versions made it."""
    progress = Progress(samples=plan.samples, shards=len(plan))
    if not (folder / "marks").is_dir():
        return progress
    recipe_hash = recipe.recipe_hash()
    for mark in committed_marks(folder):
        differing = [
            f"{name} {mark.versions.get(name, 'absent')} there, {versions.get(name, 'absent')} here"
            for name in sorted({*mark.versions, *versions})
            if mark.versions.get(name) != versions.get(name)
        ]
        if differing:
            raise InputError(
                f"{folder} was begun with other versions, which may draw other pixels: "
                f"{'; '.join(differing)}. Install those, or give --out another folder."
            )
        if mark.recipe_hash != recipe_hash or mark.seed != recipe.seed:
            raise InputError(
                f"{mark_path(folder, mark.name)} is of another recipe or seed: give --out "
                f"another folder."
            )
        progress.resumed_samples += mark.count
        progress.resumed_shards += 1
        progress.bytes += mark.bytes
        progress.counts.update(mark.counts)
    return progress


def _missing(plan: Plan, folder: Path) -> Iterator[Shard]:
    for shard in plan:
        mark = read_mark(mark_path(folder, shard.name))
        if not is_committed(folder, shard.name, mark):
            yield shard


def _begin(folder: Path, recipe: Recipe) -> None:
    """Make the folder and record what is being built in it."""
    for place in (folder, folder / "shards", folder / "marks"):
        place.mkdir(parents=True, exist_ok=True)
    remove_temporaries(folder)
    if not (folder / "recipe.yaml").is_file():
        write_whole(folder / "recipe.yaml", dump_yaml(recipe.values()))


def _as_error(result: Failure) -> SeedbedError:
    cls = InputError if result.exit_code == InputError.exit_code else SeedbedError
    error = cls(result.message)
    error.add_note(result.details)
    return error
