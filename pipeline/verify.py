"""Verify: asks a dataset whether it is what its manifest says, and repairs what is not.

Every shard's size and sha256, schema, count and ids are checked, and every sample, or a
share of them, is decoded and its labels held against its media. A damaged shard is made
again from the recipe, and committed only with the very sha256 that was recorded.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from seedbed.builder import (
    RECIPE_NAME,
    Progress,
    check_versions,
    read_growth,
    recorded_recipe,
    take_result,
)
from seedbed.dataset import INFO_NAME, SHARDS_NAME, read_info
from seedbed.errors import InputError, SeedbedError
from seedbed.executors import Hands, default_workers, make_executor
from seedbed.job import Job
from seedbed.lock import Lock
from seedbed.manifest import versions_of, write_manifest
from seedbed.plan import Plan, Shard
from seedbed.recipe import Recipe
from seedbed.sample import Clip, Picture, Sample
from seedbed.schema import Row, arrow_schema, hash_text, row_hash, sample_id, sample_of
from seedbed.shards import Mark, marked_names, read_mark, shard_name
from seedbed.store import SPOOL_BYTES, LocalStore, Store, as_store
from seedbed.streams import stream

PIXEL_TOLERANCE = 0.002
"""Coordinates are stored to 0.001 pixels: a sum of two may be this much over the edge."""

SECOND_TOLERANCE = 1e-5

PROBLEMS_KEPT = 1000
"""Problems told one by one; further ones are counted."""


@dataclass(frozen=True)
class Problem:
    """Something that is not as it should be: a sentence, and the shard it is about, if any.

    `rebuild` says that making the shard again is the cure.
    """

    text: str
    shard: str = ""
    rebuild: bool = False


@dataclass
class Verified:
    """What a verification found, and what it repaired."""

    shards: int = 0
    samples: int = 0
    problems: list[Problem] = field(default_factory=list)
    untold: int = 0
    repaired: list[str] = field(default_factory=list)

    def add(self, found: Sequence[Problem]) -> None:
        """Keep problems, the first of them word by word."""
        room = PROBLEMS_KEPT - len(self.problems)
        self.problems += found[:room]
        self.untold += len(found[room:])

    @property
    def good(self) -> bool:
        """Whether nothing is wrong, or is any more."""
        return not self.problems


@dataclass(frozen=True)
class _Expected:
    """What is recorded of a shard, by the manifest or else by its mark."""

    bytes: int
    sha256: str
    hash: str


def verify(
    place: str | Path | Store,
    *,
    share: float = 1.0,
    repair: bool = False,
    workers: int | None = None,
    on_progress: Callable[[int, int], None] = lambda shards, of: None,
) -> Verified:
    """Check a dataset and, with `repair`, make its damaged shards again.

    `share` of each shard's samples (0 to 1, at least one) are decoded; checksums cover all
    bytes whatever it is. Raises `InputError` where there is no dataset or it cannot be
    repaired with what is installed, and `SeedbedError` where a shard made again is not what
    was recorded; a problem that is found is no error.
    """
    if not 0 < share <= 1:
        raise InputError(f"the share of samples must be above 0 and at most 1, got {share:g}.")
    store = as_store(place)
    try:
        recipe = recorded_recipe(store)
        if recipe is None:
            raise InputError(f"{store} is no dataset: it has no {RECIPE_NAME}.")
        check = _Check(store, recipe, share)
        found = check.run(workers or default_workers(), on_progress)
        if not repair or found.good:
            return found
        with Lock(store):
            repaired = check.repair(found, workers)
        again = _Check(store, recipe, share).run(workers or default_workers(), on_progress)
    except OSError as error:
        raise SeedbedError(f"cannot verify {store}: {error.strerror or error}.") from error
    again.repaired = repaired
    return again


class _Check:
    """One pass over a dataset."""

    def __init__(self, store: Store, recipe: Recipe, share: float) -> None:
        self.store = store
        self.recipe = recipe
        self.share = share
        self.plan = Plan(recipe.counts, recipe.shard_size, read_growth(store))
        self.schema = arrow_schema(recipe.kind)
        self.info: dict[str, Any] = {}
        self.manifest_problems: list[Problem] = []
        self.recorded: dict[str, str] = {}

    def run(self, workers: int, on_progress: Callable[[int, int], None]) -> Verified:
        """Check everything, some shards at once; memory does not grow with their number."""
        found = Verified()
        try:
            self.info = read_info(self.store)
        except InputError as error:
            self.manifest_problems.append(Problem(f"{INFO_NAME}: {error}"))
        total, missing = 0, 0
        pending: deque[tuple[Shard, _Expected, Future[tuple[int, list[Problem]]]]] = deque()

        def finish() -> None:
            shard, expected, future = pending.popleft()
            samples, problems = future.result()
            found.samples += samples
            found.shards += 1
            found.add(problems)
            if any(problem.rebuild for problem in problems):
                self.recorded[shard.name] = expected.sha256
            on_progress(found.shards, len(self.plan))

        with ThreadPoolExecutor(workers) as pool:
            for shard, listed, mark in self._shards():
                expected = listed or mark
                if expected is None:
                    missing += 1
                    continue
                total += int(expected.hash, 16)
                if mark is None:
                    # A committed shard without its mark would be made again by the next build.
                    found.add([Problem(f"shard {shard.name} has no mark.", shard.name, True)])
                    self.recorded[shard.name] = expected.sha256
                elif listed is not None and listed != mark:
                    text = f"the mark of shard {shard.name} is not what {SHARDS_NAME} says."
                    found.add([Problem(text, shard.name, True)])
                    self.recorded[shard.name] = expected.sha256
                pending.append((shard, expected, pool.submit(self._shard, shard, expected)))
                if len(pending) >= 2 * workers:
                    finish()
            while pending:
                finish()
        if missing:
            self.manifest_problems.append(
                Problem(f"{missing} of {len(self.plan)} shards are missing: run its build again.")
            )
        elif not self.info and not self.manifest_problems:
            self.manifest_problems.append(Problem(f"{INFO_NAME} is missing: run its build again."))
        if self.info and not missing:
            self._check_info(total)
        found.add(self.manifest_problems)
        found.add(list(self._strays()))
        return found

    def _shards(self) -> Iterator[tuple[Shard, _Expected | None, _Expected | None]]:
        """Every shard with what the manifest and its mark say of it."""
        listed = self._listed() if self.info or self.manifest_problems else iter(())
        row = next(listed, None)
        for shard in self.plan:
            said = None
            if row is not None and (row["split"], row["number"]) == (shard.split, shard.number):
                said = _Expected(row["bytes"], row["sha256"], row["hash"])
                row = next(listed, None)
            try:
                mark = read_mark(self.store, shard.name)
            except SeedbedError:
                mark = None
            marked = None if mark is None else _Expected(mark.bytes, mark.sha256, mark.hash)
            yield shard, said, marked
        if row is not None:
            self.manifest_problems.append(
                Problem(f"{SHARDS_NAME} does not list the shards that the recipe asks for.")
            )

    def _listed(self) -> Iterator[dict[str, Any]]:
        try:
            file = pq.ParquetFile(self.store.open(SHARDS_NAME))
            for group in range(file.num_row_groups):
                yield from file.read_row_group(group, use_threads=False).to_pylist()
        except (OSError, pa.ArrowException) as error:
            reason = " ".join(str(error).split())
            self.manifest_problems.append(Problem(f"{SHARDS_NAME} cannot be read: {reason}"))

    def _check_info(self, total: int) -> None:
        """Hold `dataset.json` against the recipe and the sum of the shards' hashes."""
        wanted = {
            "hash": hash_text(total),
            "samples": self.plan.samples,
            "splits": dict(self.plan.counts),
            "shards": len(self.plan),
            "seed": self.recipe.seed,
            "recipe_hash": self.recipe.recipe_hash(),
            "sample_type": self.recipe.kind,
        }
        for key, value in wanted.items():
            if self.info.get(key) != value:
                text = f"{INFO_NAME}: {key} is {self.info.get(key)!r} and should be {value!r}."
                self.manifest_problems.append(Problem(text))

    def _strays(self) -> Iterator[Problem]:
        """Files among the shards that are none: readers of whole folders would take them in."""
        for name in self.store.names("shards"):
            if self.plan.position(name.removesuffix(".parquet")) is None:
                yield Problem(f"shards/{name} is no shard of this dataset: delete it.")

    def _shard(self, shard: Shard, expected: _Expected) -> tuple[int, list[Problem]]:
        """The samples looked at in a shard, and what is wrong with it."""
        name = shard_name(shard.name)

        def broken(text: str) -> Problem:
            return Problem(f"shard {shard.name} {text}.", shard.name, True)

        size = self.store.size(name)
        if size is None:
            return 0, [broken("is missing")]
        if size != expected.bytes:
            return 0, [broken(f"has {size:,} bytes instead of {expected.bytes:,}")]
        with tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES) as spool:
            digest = hashlib.sha256()
            local = isinstance(self.store, LocalStore)
            for block in self.store.blocks(name):
                digest.update(block)
                if not local:
                    # What was fetched once is not fetched again to be decoded.
                    spool.write(block)
            spool.seek(0)
            source = self.store.open(name) if local else pa.PythonFile(spool, "r")
            return self._content(shard, expected, digest.hexdigest(), source)

    def _content(
        self, shard: Shard, expected: _Expected, sha256: str, source: Any
    ) -> tuple[int, list[Problem]]:
        """As `_shard`, of a shard whose bytes are there in their number."""

        def broken(text: str) -> Problem:
            return Problem(f"shard {shard.name} {text}.", shard.name, True)

        problems = []
        if sha256 != expected.sha256:
            problems.append(broken("has been changed: its sha256 is not what was recorded"))
        try:
            file = pq.ParquetFile(source)
            if not file.schema_arrow.equals(self.schema, check_metadata=False):
                return 0, [*problems, broken("has other columns than this seedbed writes")]
            if file.metadata.num_rows != len(shard):
                rows = file.metadata.num_rows
                return 0, [*problems, broken(f"holds {rows} samples instead of {len(shard)}")]
            samples, wrong = self._rows(file, shard, expected)
        except (OSError, pa.ArrowException) as error:
            reason = " ".join(str(error).split())
            return 0, [*problems, broken(f"cannot be read: {reason}")]
        # Where the bytes are those that were written, making them again changes nothing.
        return samples, problems + [Problem(text, shard.name, bool(problems)) for text in wrong]

    def _rows(
        self, file: pq.ParquetFile, shard: Shard, expected: _Expected
    ) -> tuple[int, list[str]]:
        chosen = None
        if self.share < 1:
            count = max(1, round(self.share * len(shard)))
            rng = stream(self.recipe.seed or 0, "verify", shard.split, shard.number)
            chosen = set(rng.choice(len(shard), count, replace=False).tolist())
        wrong: list[str] = []
        offset, samples, total = 0, 0, 0
        for group in range(file.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            wanted = range(offset, offset + rows)
            if chosen is None or not chosen.isdisjoint(wanted):
                table = file.read_row_group(group, use_threads=False)
                for row in range(rows):
                    if chosen is not None and offset + row not in chosen:
                        continue
                    values: Row = table.slice(row, 1).to_pylist()[0]
                    total += row_hash(values) if chosen is None else 0
                    wrong += _row_problems(values, shard.split, shard.start + offset + row)
                    samples += 1
            offset += rows
        if chosen is None and hash_text(total) != expected.hash:
            wrong.append(f"shard {shard.name} holds samples whose hash is not what was recorded.")
        return samples, wrong

    def repair(self, found: Verified, workers: int | None) -> list[str]:
        """Make damaged shards again, then the manifest; the names of those shards."""
        names = list(dict.fromkeys(p.shard for p in found.problems if p.rebuild))
        versions = versions_of(self.recipe)
        recorded = self.info.get("versions") or self._versions()
        if recorded is not None:
            check_versions(self.store, recorded, versions)
        self.store.clean()
        shards = []
        for name in names:
            at = self.plan.position(name)
            assert at is not None
            shards.append(self.plan[at])
        if shards:
            job = Job(self.recipe, self.store, versions, self.recorded)
            hands = min(workers or default_workers(), len(shards))
            kind = "processes" if hands > 1 and self.store.shared else "serial"
            progress = Progress(sum(len(shard) for shard in shards), len(shards))
            with make_executor(kind, job, Hands(hands)) as running:
                for result in running.run(shards):
                    take_result(result, progress)
        if self.info or self.manifest_problems:
            before = self.info.get("hash")
            info = write_manifest(self.store, self.recipe, self.plan, versions)
            if before is not None and info["hash"] != before and not self.manifest_problems:
                raise SeedbedError(
                    f"{self.store} was repaired to hash {info['hash']}, and {before} was recorded."
                )
        return names

    def _versions(self) -> Mapping[str, str] | None:
        for name in marked_names(self.store):
            try:
                mark: Mark | None = read_mark(self.store, name)
            except SeedbedError:
                continue
            if mark is not None:
                return mark.versions
        return None


def _row_problems(row: Row, split: str, index: int) -> list[str]:
    """What is wrong with one sample, each in a sentence that names it."""
    name = sample_id(split, index)
    if (row["id"], row["split"], row["index"]) != (name, split, index):
        return [f"sample {name} stands there as {row['id']!r}."]
    try:
        sample = sample_of(row)
    except (SeedbedError, ValueError, TypeError, KeyError) as error:
        return [f"sample {name} cannot be decoded: {' '.join(str(error).split())}"]
    return [f"sample {name}: {text}." for text in sample_problems(sample, row)]


def sample_problems(sample: Sample, row: Row) -> list[str]:
    """In which ways a decoded sample's labels do not fit its media."""
    if isinstance(sample, Picture):
        return _picture_problems(sample, row)
    assert isinstance(sample, Clip)
    return _clip_problems(sample, row)


def _picture_problems(sample: Picture, row: Row) -> list[str]:
    height, width = sample.image.shape[:2]
    if (row["width"], row["height"]) != (width, height):
        return [f"the picture is {width}x{height} and said to be {row['width']}x{row['height']}"]
    wrong = []
    for number, one in enumerate(sample.objects):
        x, y, w, h = one.bbox
        corners = np.array([[x, y], [x + w, y + h]])
        limits = np.array([width, height]) + PIXEL_TOLERANCE
        for what, points in (("bbox", corners), ("polygon", np.asarray(one.polygon))):
            if (points < -PIXEL_TOLERANCE).any() or (points > limits).any():
                wrong.append(f"the {what} of object {number} lies outside the picture")
        if w < 0 or h < 0:
            wrong.append(f"the bbox of object {number} has a negative size")
        shares = [one.occlusion, *(character.visible for character in one.characters)]
        if not all(0 <= value <= 1 for value in shares):
            wrong.append(f"object {number} has a share that is not between 0 and 1")
        if np.asarray(one.quad).shape != (4, 2):
            wrong.append(f"the quad of object {number} has not 4 corners")
    return wrong


def _clip_problems(sample: Clip, row: Row) -> list[str]:
    wrong = []
    duration = len(sample.sound) / sample.sample_rate
    if row["sample_rate"] != sample.sample_rate:
        wrong.append(
            f"the sound has {sample.sample_rate} Hz and is said to have {row['sample_rate']}"
        )
    if abs(row["duration"] - duration) > SECOND_TOLERANCE:
        wrong.append(f"the sound is {duration:g} s long and said to be {row['duration']:g}")
    if not np.isfinite(sample.sound).all():
        wrong.append("the sound is not finite everywhere")
    if not sample.transcript.strip():
        wrong.append("the transcript is empty")
    spans = [(span.start, span.end) for span in (*sample.words, *sample.phonemes)]
    if sample.keyword_span is not None:
        spans.append(sample.keyword_span)
    if any(
        not -SECOND_TOLERANCE <= start <= end <= duration + SECOND_TOLERANCE for start, end in spans
    ):
        wrong.append("a word, phoneme or keyword lies outside the sound")
    return wrong
