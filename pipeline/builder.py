"""Builds a dataset: plans, has every missing shard made, and writes the manifest last.

Running a build again goes on where it stopped: shards whose commit mark is there are not
made again. A place with anything else in it is refused with what differs.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seedbed.errors import WITH_MAKE, InputError, SeedbedError
from seedbed.executors import START_METHODS, Hands, Limits, default_workers, make_executor
from seedbed.job import Failure, Job, Redone
from seedbed.lock import Lock
from seedbed.make import Maker
from seedbed.manifest import versions_of, write_manifest
from seedbed.plan import Part, Plan, Shard
from seedbed.recipe import Recipe, parse_recipe
from seedbed.registry import nearest
from seedbed.shards import Mark, committed_marks, mark_name, marked_names
from seedbed.store import LocalStore, Store, as_store
from seedbed.streams import MAX_SEED
from seedbed.yaml_files import dump_yaml, parse_yaml

RECIPE_NAME = "recipe.yaml"
GROWTH_NAME = "growth.json"
"""Of a dataset that was extended: the counts it had before, oldest first."""

GENERATOR_KEY = "generator.name"
"""What two recipes must share for their other keys to be worth comparing."""


@dataclass
class Progress:
    """How far a build is: what a display shows, refreshed at every shard.

    `redone` counts workers that were lost; `last_loss` says how the latest was.
    """

    samples: int
    shards: int
    resumed_samples: int = 0
    resumed_shards: int = 0
    made_samples: int = 0
    made_shards: int = 0
    bytes: int = 0
    redone: int = 0
    last_loss: str = ""
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, mark: Mark) -> None:
        """Count a shard that was just committed."""
        self.made_samples += mark.count
        self.made_shards += 1
        self.bytes += mark.bytes
        self.counts.update(mark.counts)

    def resume(self, mark: Mark) -> None:
        """Count a shard that was there already."""
        self.resumed_samples += mark.count
        self.resumed_shards += 1
        self.bytes += mark.bytes
        self.counts.update(mark.counts)


@dataclass(frozen=True)
class Built:
    """What a build left behind: the manifest's values, and what this run itself did.

    `info` is empty for one part of several: its manifest comes with `seedbed merge`.
    """

    store: Store
    info: Mapping[str, Any]
    progress: Progress
    seconds: float

    @property
    def folder(self) -> Path:
        """The dataset's folder. Raises `InputError` where it lies in no folder."""
        if isinstance(self.store, LocalStore):
            return self.store.folder
        raise InputError(f"{self.store} is no folder.")

    @property
    def already_complete(self) -> bool:
        """Whether there was nothing left to make."""
        return self.progress.made_shards == 0


def build(
    recipe: Recipe,
    out: str | Path | Store,
    *,
    workers: int | None = None,
    executor: str | None = None,
    start_method: str = "spawn",
    limits: Limits | None = None,
    ray_address: str | None = None,
    extend: bool = False,
    part: Part | None = None,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> Built:
    """Build `recipe` into the folder or store `out`, or go on with one begun there.

    A recipe without a seed takes the one recorded there, or else a drawn one. `executor`
    is a name in `seedbed.executors.EXECUTORS`; by default `ray` where `ray_address` is
    given, `serial` for one worker without limits and `processes` otherwise. With `extend`,
    a dataset of the same recipe with fewer samples gets the rest. With `part`, only that
    part's shards are made and no manifest is written: `seedbed.merge.merge` does when all
    are there. `on_progress` is called at the start and after every shard. Raises
    `InputError` for anything wrong with the recipe or the place before a file is touched,
    and `SeedbedError` for a failure on the way, finished shards kept.
    """
    began = time.monotonic()
    store = as_store(out)
    _check_options(start_method, workers, part)
    try:
        _check_place(store)
        recipe = _seeded(recipe, store, part)
        plan = _check_same(recipe, store, extend)
        lock = Lock(store, None if part is None else (part.number, part.of))
        lock.check()
        versions = versions_of(recipe)
        positions = range(len(plan)) if part is None else part.positions(plan)
        progress, there = _resumed(plan, positions, store, recipe, versions)
        job = Job(recipe, store, versions)
        left = len(positions) - progress.resumed_shards
        begun = all(_holds(store, *file) for file in records(recipe, plan).items())
        if left == 0 and begun:
            info = {} if part else write_manifest(store, recipe, plan, versions)
            return Built(store, info, progress, time.monotonic() - began)
    except OSError as error:
        raise SeedbedError(f"cannot read {store}: {error.strerror or error}.") from error
    if left == 0:
        # A part without shards, or one that an extension gives none: what it is part of counts.
        return _nothing_to_make(store, recipe, plan, part, lock, progress, began)
    limits = limits or Limits()
    name = executor or _executor_for(store, workers, left, limits, ray_address)
    if name != "ray":
        workers = min(workers or default_workers(), left)
    # Workers start before components are prepared: some engines must not be forked.
    with make_executor(name, job, Hands(workers, start_method, limits, ray_address)) as running:
        maker = Maker(recipe)
        maker.prepare()
        maker.try_out()
        try:
            store.prepare()
            with lock:
                _begin(store, recipe, plan, part)
                try:
                    on_progress(progress)
                    missing = (plan[at] for at in positions if not there[at])
                    for result in running.run(missing):
                        take_result(result, progress)
                        on_progress(progress)
                    info = {} if part else write_manifest(store, recipe, plan, versions)
                finally:
                    # Leaving the executor kills its workers, but only after this clean-up.
                    running.__exit__(None, None, None)
                    store.clean(_mine(plan, part))
        except OSError as error:
            raise _cannot_write(store, error) from error
    return Built(store, info, progress, time.monotonic() - began)


def _nothing_to_make(
    store: Store,
    recipe: Recipe,
    plan: Plan,
    part: Part | None,
    lock: Lock,
    progress: Progress,
    began: float,
) -> Built:
    """Record what is built where this run has no shard to make. Raises `SeedbedError`."""
    try:
        store.prepare()
        with lock:
            _begin(store, recipe, plan, part)
            info = {} if part else write_manifest(store, recipe, plan, versions_of(recipe))
    except OSError as error:
        raise _cannot_write(store, error) from error
    return Built(store, info, progress, time.monotonic() - began)


def _cannot_write(store: Store, error: OSError) -> SeedbedError:
    return SeedbedError(
        f"cannot write to {store}: {error.strerror or error}; finished shards are kept: put it "
        f"right and run the same command again to go on."
    )


def _check_options(start_method: str, workers: int | None, part: Part | None) -> None:
    if start_method not in START_METHODS:
        raise InputError(
            f"there is no start method {start_method!r}{nearest(start_method, [*START_METHODS])} "
            f"(known: {', '.join(START_METHODS)})."
        )
    if workers is not None and workers < 1:
        raise InputError(f"workers must be >= 1, got {workers}.")
    if part is not None and not 1 <= part.number <= part.of:
        raise InputError(f"a part must be between 1/{part.of} and {part.of}/{part.of}, got {part}.")


def _executor_for(
    store: Store, workers: int | None, left: int, limits: Limits, ray_address: str | None
) -> str:
    if ray_address is not None:
        return "ray"
    if not store.shared:
        return "serial"
    alone = min(workers or default_workers(), left) == 1
    return "serial" if alone and limits == Limits() else "processes"


def _check_place(store: Store) -> None:
    if isinstance(store, LocalStore):
        if not store.folder.exists():
            return
        if not store.folder.is_dir():
            raise InputError(
                f"{store} is a file: give --out a folder that is new or empty{WITH_MAKE}."
            )
    if store.size(RECIPE_NAME) is None and not store.empty():
        raise InputError(
            f"{store} is not empty and holds no seedbed dataset: give --out a new "
            f"folder{WITH_MAKE}."
        )


def _seeded(recipe: Recipe, store: Store, part: Part | None) -> Recipe:
    if recipe.seed is not None:
        return recipe
    recorded = _recorded(store)
    if recorded is not None and isinstance(recorded.get("seed"), int):
        return recipe.seeded(recorded["seed"])
    if part is not None:
        raise InputError(
            f"recipe {recipe.name}: has no seed, and parts that each draw one do not fit "
            f"together: give all of them the same --seed."
        )
    return recipe.seeded(int.from_bytes(os.urandom(8), "little") & min(MAX_SEED, 2**32 - 1))


def _recorded(store: Store) -> dict[str, Any] | None:
    """What `recipe.yaml` holds, None where there is none. Raises `InputError`, `OSError`."""
    try:
        text = store.read(RECIPE_NAME)
    except (FileNotFoundError, NotADirectoryError):
        return None
    path = store.path(RECIPE_NAME)
    values = parse_yaml(text.decode(errors="replace"), path)
    if not isinstance(values, dict):
        raise InputError(
            f"{path} is damaged: delete {store} or give --out another folder{WITH_MAKE}."
        )
    return values


def recorded_recipe(store: Store) -> Recipe | None:
    """The recipe recorded in a dataset's store, None where there is none.

    Raises `InputError` for one that cannot be used, and `OSError`.
    """
    values = _recorded(store)
    return None if values is None else parse_recipe(values, f"recipe {store.path(RECIPE_NAME)}")


def read_growth(store: Store) -> tuple[Mapping[str, int], ...]:
    """The counts an extended dataset had before, oldest first. Raises `InputError`, `OSError`."""
    try:
        return tuple(json.loads(store.read(GROWTH_NAME))["grown_from"])
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except (ValueError, KeyError, TypeError) as error:
        path = store.path(GROWTH_NAME)
        raise InputError(f"{path} is damaged: give --out another folder{WITH_MAKE}.") from error


def _check_same(recipe: Recipe, store: Store, extend: bool) -> Plan:
    """The plan of `recipe` in `store`, what is there already kept as it is.

    Raises `InputError` with the differing keys where the store holds another recipe's.
    """
    recorded = _recorded(store)
    if recorded is None:
        return Plan(recipe.counts, recipe.shard_size)
    growth = read_growth(store)
    differing = _differing(recorded, recipe.values())
    if not differing:
        return Plan(recipe.counts, recipe.shard_size, growth)
    before = {key.split(".")[1]: value for key, value in _flat(recorded).items() if _is_count(key)}
    grows = all(recipe.counts.get(split, 0) >= count for split, count in before.items()) and all(
        _is_count(key) for key in differing
    )
    if extend and grows:
        # A cut between writing the history and the recipe has recorded `before` already.
        known = growth[-1:] == (before,)
        return Plan(recipe.counts, recipe.shard_size, growth if known else (*growth, before))
    cure = "Add --extend to keep its samples and add the rest, give" if grows else "Give"
    if extend:
        cure = "Only counts may differ to extend it, and only upwards: give"
    raise InputError(
        f"{store} holds another dataset: {_listed(differing)}. {cure} --out another "
        f"folder{WITH_MAKE}, or delete this one."
    )


def _differing(there: Any, here: Any) -> dict[str, tuple[Any, Any]]:
    """The dotted keys in which two recipes' values differ, and both values."""
    first, second = _flat(there), _flat(here)
    pairs = {
        key: (first.get(key, "absent"), second.get(key, "absent"))
        for key in dict.fromkeys([*first, *second])
    }
    return {key: (left, right) for key, (left, right) in pairs.items() if left != right}


def _listed(differing: Mapping[str, tuple[Any, Any]]) -> str:
    """The differing keys in words; of two generators and what follows them, the names only."""
    first = []
    if GENERATOR_KEY in differing:
        there, here = differing[GENERATOR_KEY]
        first = [
            f"the generator is {there!r} there and {here!r} here, so their keys and augmenters "
            f"are not compared"
        ]
        differing = {key: both for key, both in differing.items() if not _of_component(key)}
    ordered = sorted(differing.items(), key=lambda item: _rank(item[0]))
    told = first + [f"{key} is {there!r} there and {here!r} here" for key, (there, here) in ordered]
    more = f"; and {len(told) - 6} more" if len(told) > 6 else ""
    return "; ".join(told[:6]) + more


def _rank(key: str) -> int:
    """What of the differing keys comes first: those that a user changes from run to run."""
    if key == "seed" or key.startswith("splits."):
        return 0
    # The longest value says least.
    return 2 if key == "description" else 1


def _of_component(key: str) -> bool:
    """Whether a dotted key is the generator's or augmenters', those of a split included."""
    parts = key.split(".")
    own = parts[2:] if parts[0] == "splits" else parts
    return own[:1] in (["generator"], ["augmenters"])


def differences(there: Recipe, here: Recipe, counts: bool = True) -> str:
    """In which keys two recipes differ, in words; empty where they are the same.

    Without `counts`, how many samples they ask for is not compared.
    """
    differing = _differing(there.values(), here.values())
    return _listed({key: both for key, both in differing.items() if counts or not _is_count(key)})


def _is_count(key: str) -> bool:
    return key.startswith("splits.") and key.endswith(".count")


def _flat(values: Any, key: str = "") -> dict[str, Any]:
    if isinstance(values, dict) and values:
        return {
            name: value
            for part, inner in values.items()
            for name, value in _flat(inner, f"{key}.{part}" if key else str(part)).items()
        }
    return {key: values}


def _resumed(
    plan: Plan, positions: range, store: Store, recipe: Recipe, versions: Mapping[str, str]
) -> tuple[Progress, bytearray]:
    """What is there of the shards at `positions`, and a byte for each of the plan's that is.

    Raises `InputError` where other versions or another recipe made them.
    """
    count = len(positions)
    samples = plan.samples if count == len(plan) else sum(len(plan[at]) for at in positions)
    progress, there = Progress(samples, count), bytearray(len(plan))
    if store.size(RECIPE_NAME) is None:
        return progress, there
    recipe_hash = recipe.recipe_hash()
    for name, mark in committed_marks(store, marked_names(store, plan.prefixes())):
        at = plan.position(name)
        if mark is None or at is None or there[at] or at not in positions:
            continue
        check_mark(store, mark, plan[at], recipe.seed, recipe_hash, versions)
        there[at] = 1
        progress.resume(mark)
    return progress, there


def check_mark(
    store: Store,
    mark: Mark,
    shard: Shard,
    seed: int | None,
    recipe_hash: str,
    versions: Mapping[str, str],
) -> None:
    """Raise `InputError` where a mark says that its shard is not `shard`, or made otherwise."""
    check_versions(store, mark.versions, versions)
    if (mark.name, mark.start, mark.count) != (shard.name, shard.start, len(shard)):
        raise InputError(
            f"{store.path(mark_name(shard.name))} says that shard {mark.name} holds {mark.count} "
            f"samples from {mark.start}, and by the recipe {shard.name} holds {len(shard)} from "
            f"{shard.start} (extended otherwise, or damaged?): see `seedbed verify`, or give "
            f"--out another folder{WITH_MAKE}."
        )
    if mark.recipe_hash != recipe_hash or mark.seed != seed:
        raise InputError(
            f"{store.path(mark_name(mark.name))} is of another recipe or seed: give --out another "
            f"folder{WITH_MAKE}."
        )


def check_versions(store: Store, there: Mapping[str, str], here: Mapping[str, str]) -> None:
    """Raise `InputError` naming the packages and the user's files that are not a dataset's."""
    differing = [
        f"{name} {there.get(name, 'absent')} there, {here.get(name, 'absent')} here"
        for name in sorted({*there, *here})
        if there.get(name) != here.get(name)
    ]
    if differing:
        raise InputError(
            f"{store} was begun with other versions or files, which may give other samples: "
            f"{'; '.join(differing)}. Bring those back, or give --out another "
            f"folder{WITH_MAKE}."
        )


def _begin(store: Store, recipe: Recipe, plan: Plan, part: Part | None) -> None:
    """Record what is being built; the history first, so that no cut between hurts."""
    store.clean(_mine(plan, part))
    for name, content in records(recipe, plan).items():
        _write_changed(store, name, content)


def records(recipe: Recipe, plan: Plan) -> dict[str, bytes]:
    """The files that say what is being built, in the order in which they are written."""
    files = {}
    if plan.grown_from:
        growth = json.dumps({"grown_from": [dict(counts) for counts in plan.grown_from]})
        files[GROWTH_NAME] = f"{growth}\n".encode()
    return files | {RECIPE_NAME: dump_yaml(recipe.values()).encode()}


def _write_changed(store: Store, name: str, content: bytes) -> None:
    if not _holds(store, name, content):
        store.write(name, content)


def _holds(store: Store, name: str, content: bytes) -> bool:
    try:
        return store.read(name) == content
    except (FileNotFoundError, NotADirectoryError):
        return False


def _mine(plan: Plan, part: Part | None) -> Callable[[str], bool]:
    """Whether a file is one that only this build writes, by its name."""

    def mine(name: str) -> bool:
        if part is None:
            return True
        at = plan.position(name.partition(".")[0])
        return at is not None and at in part.positions(plan)

    return mine


def take_result(result: Mark | Failure | Redone, progress: Progress) -> None:
    """Count what an executor gave. Raises a `Failure` as the error it was."""
    if isinstance(result, Failure):
        cls = InputError if result.exit_code == InputError.exit_code else SeedbedError
        error = cls(result.message)
        error.add_note(result.details)
        raise error
    if isinstance(result, Redone):
        progress.redone += 1
        progress.last_loss = result.why
    else:
        progress.add(result)
