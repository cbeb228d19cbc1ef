"""Verify: asks a dataset whether it is what its manifest says, and repairs what is not.

Every shard's size and sha256, schema, count and ids are checked, and every sample, or a
share of them, is decoded and its labels held against its media. Whatever marks,
`shards.parquet`, `dataset.json` and the card say is held against what the shards, the plan
and the recipe give. A damaged shard, or one whose mark is wrong, is made again from the
recipe, and committed only with the very sha256 that was recorded; manifest files are written
anew.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, fields, replace
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
from seedbed.card import card_text
from seedbed.dataset import INFO_NAME, SHARDS_NAME, read_info
from seedbed.errors import InputError, SeedbedError
from seedbed.executors import Hands, default_workers, make_executor
from seedbed.job import Job
from seedbed.lock import Lock
from seedbed.manifest import CARD_NAME, LISTED, info_values, notes_of, versions_of, write_manifest
from seedbed.plan import Plan, Shard
from seedbed.recipe import Recipe
from seedbed.sample import Clip, Picture, Sample
from seedbed.schema import Row, arrow_schema, hash_text, row_hash, sample_id, sample_of
from seedbed.shards import Mark, read_mark, shard_name
from seedbed.store import SPOOL_BYTES, LocalStore, Store, as_store
from seedbed.streams import stream

PIXEL_TOLERANCE = 0.002
"""Coordinates are stored to 0.001 pixels: a sum of two may be this much over the edge."""

SECOND_TOLERANCE = 1e-5

WORDLESS_KINDS = ("noise", "silence", "babble")
"""Of clips, in the attribute `kind`: nothing is said in these."""

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
class _Facts:
    """What is recorded of a shard's content, or found in it."""

    bytes: int
    sha256: str
    hash: str
    counts: Mapping[str, int]


_FACTS = tuple(one.name for one in fields(_Facts))


@dataclass(frozen=True)
class _Looked:
    """What looking at one shard gave: the facts are those that its bytes bear out."""

    facts: _Facts
    samples: int
    problems: list[Problem]
    manifest_problems: list[Problem]


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
        self.recipe_hash = recipe.recipe_hash()
        self.info: dict[str, Any] = {}
        self.manifest_problems: list[Problem] = []
        self.recorded: dict[str, str] = {}
        self.versions = _Versions()
        self.listing_read = False

    def run(self, workers: int, on_progress: Callable[[int, int], None]) -> Verified:
        """Check everything, some shards at once; memory does not grow with their number."""
        found = Verified()
        try:
            self.info = read_info(self.store)
        except InputError as error:
            self.manifest_problems.append(Problem(f"{INFO_NAME}: {error}"))
        finished = bool(self.info or self.manifest_problems)
        total, size, counts = 0, 0, Counter[str]()
        missing, unlisted = 0, Verified()
        pending: deque[tuple[Shard, Future[_Looked]]] = deque()

        def finish() -> None:
            nonlocal total, size
            shard, future = pending.popleft()
            looked = future.result()
            total += int(looked.facts.hash, 16)
            size += looked.facts.bytes
            counts.update(looked.facts.counts)
            found.samples += looked.samples
            found.shards += 1
            found.add(looked.problems)
            self._add_manifest_problems(looked.manifest_problems)
            if any(problem.rebuild for problem in looked.problems):
                self.recorded[shard.name] = looked.facts.sha256
            on_progress(found.shards, len(self.plan))

        with ThreadPoolExecutor(workers) as pool:
            for shard, listed, mark in self._shards():
                if listed is None and mark is None:
                    missing += 1
                    continue
                if listed is None:
                    unlisted.add([Problem(f"{SHARDS_NAME} does not list shard {shard.name}.")])
                pending.append((shard, pool.submit(self._shard, shard, listed, mark)))
                if len(pending) >= 2 * workers:
                    finish()
            while pending:
                finish()
        if missing:
            self.manifest_problems.append(
                Problem(f"{missing} of {len(self.plan)} shards are missing: run its build again.")
            )
        elif not finished:
            self.manifest_problems.append(Problem(f"{INFO_NAME} is missing: run its build again."))
        else:
            if self.listing_read:
                self._add_manifest_problems(unlisted.problems)
            self._check_manifest(total, size, counts)
        found.add(self.manifest_problems)
        usual = self.versions.usual(self.info.get("versions"))
        found.add(list(self.versions.problems(usual)))
        found.add(list(self._strays()))
        return found

    def _add_manifest_problems(self, problems: Sequence[Problem]) -> None:
        room = PROBLEMS_KEPT - len(self.manifest_problems)
        self.manifest_problems += problems[:room]

    def _shards(self) -> Iterator[tuple[Shard, _Facts | None, Mark | None]]:
        """Every shard with what the manifest and its mark say of it."""
        self.listing_read = bool(self.info or self.manifest_problems)
        listed = self._listed() if self.listing_read else iter(())
        row = next(listed, None)
        for shard in self.plan:
            said = None
            if row is not None and (row["split"], row["number"]) == (shard.split, shard.number):
                said = self._said(row, shard)
                row = next(listed, None)
            try:
                mark = read_mark(self.store, shard.name)
            except SeedbedError:
                mark = None
            if mark is not None:
                self.versions.add(mark.versions, shard.name)
            yield shard, said, mark
        if row is not None:
            self.manifest_problems.append(
                Problem(f"{SHARDS_NAME} does not list the shards that the recipe asks for.")
            )

    def _said(self, row: Mapping[str, Any], shard: Shard) -> _Facts | None:
        """What a row of `shards.parquet` says of its shard; None where it says nothing of use."""
        try:
            if None in row.values():
                raise ValueError("a value is missing")
            int(row["hash"], 16)
            facts = _Facts(row["bytes"], row["sha256"], row["hash"], _counts_in(row["counts"]))
        except ValueError as error:
            text = f"{SHARDS_NAME}: the row of shard {shard.name} cannot be used ({error})."
            self._add_manifest_problems([Problem(text)])
            return None
        for key, wanted in (("start", shard.start), ("count", len(shard))):
            if row[key] != wanted:
                text = _differs(f"{SHARDS_NAME}: {key} of shard {shard.name}", row[key], wanted)
                self._add_manifest_problems([Problem(text)])
        return facts

    def _listed(self) -> Iterator[dict[str, Any]]:
        try:
            file = pq.ParquetFile(self.store.open(SHARDS_NAME))
            if not file.schema_arrow.equals(LISTED, check_metadata=False):
                raise pa.ArrowInvalid("it has other columns than this seedbed writes")
            for group in range(file.num_row_groups):
                yield from file.read_row_group(group, use_threads=False).to_pylist()
        except (OSError, pa.ArrowException) as error:
            self.listing_read = False
            reason = " ".join(str(error).split())
            self.manifest_problems.append(Problem(f"{SHARDS_NAME} cannot be read: {reason}"))

    def _check_manifest(self, total: int, size: int, counts: Mapping[str, int]) -> None:
        """Hold `dataset.json` and the card against what they would hold if written now."""
        versions = self.versions.usual(self.info.get("versions"))
        notes = self._recorded_notes(versions)
        as_here = notes is None
        if notes is None:
            notes = notes_of(self.recipe)
        wanted = info_values(self.recipe, self.plan, versions, total, size, counts, notes)
        for key in dict.fromkeys([*wanted, *self.info]) if self.info else ():
            if key not in wanted:
                text = f"{INFO_NAME}: there is no key {key!r} in it by right."
                self.manifest_problems.append(Problem(text))
            elif self.info.get(key) != wanted[key]:
                text = _differs(f"{INFO_NAME}: {key}", self.info.get(key), wanted[key])
                self.manifest_problems.append(Problem(text))
        try:
            card = self.store.read(CARD_NAME)
        except FileNotFoundError:
            self.manifest_problems.append(Problem(f"{CARD_NAME} is missing."))
            return
        if as_here and card != card_text(self.recipe, wanted).encode():
            text = f"{CARD_NAME} is not what the build wrote."
            self.manifest_problems.append(Problem(text))

    def _recorded_notes(self, versions: Mapping[str, str]) -> list[str] | None:
        """The notes as recorded, None where what made the samples is installed and says them.

        What is said of a dataset in words may be said otherwise by another release.
        """
        if _installed(self.recipe) == versions:
            return None
        notes = self.info.get("notes")
        return [str(note) for note in notes] if isinstance(notes, list) else []

    def _strays(self) -> Iterator[Problem]:
        """Files among the shards that are none: readers of whole folders would take them in."""
        for name in self.store.names("shards"):
            if self.plan.position(name.removesuffix(".parquet")) is None:
                yield Problem(f"shards/{name} is no shard of this dataset: delete it.")

    def _shard(self, shard: Shard, listed: _Facts | None, mark: Mark | None) -> _Looked:
        """What a shard's bytes say, and of what is recorded all that differs from it."""
        marked = None
        problems: list[Problem] = []
        if mark is None:
            # A committed shard without its mark would be made again by the next build.
            problems.append(Problem(f"shard {shard.name} has no mark.", shard.name, True))
        else:
            marked = _Facts(mark.bytes, mark.sha256, mark.hash, mark.counts)
            for key, wanted in (
                ("split", shard.split),
                ("number", shard.number),
                ("start", shard.start),
                ("count", len(shard)),
                ("seed", self.recipe.seed),
                ("recipe_hash", self.recipe_hash),
            ):
                if getattr(mark, key) != wanted:
                    told = _differs(
                        f"the mark of shard {shard.name}: {key}", getattr(mark, key), wanted
                    )
                    problems.append(Problem(told, shard.name, True))
        name = shard_name(shard.name)
        size = self.store.size(name)
        recorded = listed or marked
        assert recorded is not None
        if size is None:
            missing = Problem(f"shard {shard.name} is missing.", shard.name, True)
            return _Looked(recorded, 0, [*problems, missing], [])
        with tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES) as spool:
            digest = hashlib.sha256()
            local = isinstance(self.store, LocalStore)
            for block in self.store.blocks(name):
                digest.update(block)
                if not local:
                    # What was fetched once is not fetched again to be decoded.
                    spool.write(block)
            sha256 = digest.hexdigest()
            known = [one for one in (marked, listed) if one is not None]
            # One of the two may be wrong: the bytes say which.
            whole = [one for one in known if (one.bytes, one.sha256) == (size, sha256)]
            expected = whole[0] if whole else recorded
            if not whole:
                text = (
                    f"has {size:,} bytes instead of {expected.bytes:,}"
                    if size != expected.bytes
                    else "has been changed: its sha256 is not what was recorded"
                )
                problems.append(Problem(f"shard {shard.name} {text}.", shard.name, True))
                if size != expected.bytes:
                    return _Looked(expected, 0, problems, [])
            spool.seek(0)
            source = self.store.open(name) if local else pa.PythonFile(spool, "r")
            # Where records disagree on it, all samples are asked for their hash.
            share = self.share if len({one.hash for one in known}) == 1 else 1.0
            samples, found, wrong = self._content(shard, source, share)
        # Where the bytes are those that were written, making them again changes nothing.
        problems += [Problem(text, shard.name, not whole) for text in wrong]
        if not whole:
            if found is not None and found.hash not in ("", expected.hash):
                text = f"shard {shard.name} holds samples whose hash is not what was recorded."
                problems.append(Problem(text, shard.name, True))
            found = None
        if found is not None:
            expected = replace(expected, counts=found.counts, hash=found.hash or expected.hash)
        manifest_problems = []
        for key in _FACTS:
            right = getattr(expected, key)
            if marked is not None and getattr(marked, key) != right:
                text = _differs(
                    f"the mark of shard {shard.name}: {key}", getattr(marked, key), right
                )
                problems.append(Problem(text, shard.name, True))
            if listed is not None and getattr(listed, key) != right:
                text = _differs(
                    f"{SHARDS_NAME}: {key} of shard {shard.name}", getattr(listed, key), right
                )
                manifest_problems.append(Problem(text))
        return _Looked(expected, samples, problems, manifest_problems)

    def _content(
        self, shard: Shard, source: Any, share: float
    ) -> tuple[int, _Facts | None, list[str]]:
        """Samples decoded, hash ("" where not all were) and counts, and what is wrong in words.

        The facts are None where a shard cannot be read to its end.
        """
        name = f"shard {shard.name}"
        try:
            file = pq.ParquetFile(source)
            if not file.schema_arrow.equals(self.schema, check_metadata=False):
                return 0, None, [f"{name} has other columns than this seedbed writes."]
            if file.metadata.num_rows != len(shard):
                rows = file.metadata.num_rows
                return 0, None, [f"{name} holds {rows} samples instead of {len(shard)}."]
            return self._rows(file, shard, share)
        except (OSError, pa.ArrowException, ValueError) as error:
            reason = " ".join(str(error).split())
            return 0, None, [f"{name} cannot be read: {reason}."]

    def _rows(
        self, file: pq.ParquetFile, shard: Shard, share: float
    ) -> tuple[int, _Facts, list[str]]:
        chosen = None
        if share < 1:
            count = max(1, round(share * len(shard)))
            rng = stream(self.recipe.seed or 0, "verify", shard.split, shard.number)
            chosen = set(rng.choice(len(shard), count, replace=False).tolist())
        wrong: list[str] = []
        offset, samples, total, counts = 0, 0, 0, Counter[str]()
        for group in range(file.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            wanted = range(offset, offset + rows)
            whole = chosen is None or not chosen.isdisjoint(wanted)
            columns = None if whole else ["counts"]
            table = file.read_row_group(group, columns=columns, use_threads=False)
            for text in table["counts"].to_pylist():
                counts.update(_counts_in(text))
            for row in range(rows) if whole else ():
                if chosen is not None and offset + row not in chosen:
                    continue
                values: Row = table.slice(row, 1).to_pylist()[0]
                total += row_hash(values) if chosen is None else 0
                wrong += _row_problems(values, shard.split, shard.start + offset + row)
                samples += 1
            offset += rows
        found = hash_text(total) if chosen is None else ""
        return samples, _Facts(0, "", found, dict(sorted(counts.items()))), wrong

    def repair(self, found: Verified, workers: int | None) -> list[str]:
        """Make damaged shards again, then the manifest; the names of those shards."""
        names = list(dict.fromkeys(p.shard for p in found.problems if p.rebuild))
        versions = self.versions.usual(self.info.get("versions"))
        if names or not versions:
            here = versions_of(self.recipe)
            if versions:
                check_versions(self.store, versions, here)
            versions = here
        self.store.clean()
        shards = []
        for name in names:
            at = self.plan.position(name)
            assert at is not None
            shards.append(self.plan[at])
            mark = None if name in self.recorded else read_mark(self.store, name)
            if mark is not None:
                self.recorded[name] = mark.sha256
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
            notes = self._recorded_notes(versions)
            info = write_manifest(self.store, self.recipe, self.plan, versions, notes)
            if before is not None and info["hash"] != before and not self.manifest_problems:
                raise SeedbedError(
                    f"{self.store} was repaired to hash {info['hash']}, and {before} was recorded."
                )
        return names


class _Versions:
    """The versions that marks record: all the same, unless something is wrong."""

    def __init__(self) -> None:
        self._marks: Counter[str] = Counter()
        self._names: dict[str, list[str]] = {}
        self._found: dict[str, Mapping[str, str]] = {}

    def add(self, versions: Mapping[str, str], shard: str) -> None:
        """Count what a shard's mark records."""
        key = json.dumps(versions, sort_keys=True)
        self._marks[key] += 1
        self._found.setdefault(key, versions)
        names = self._names.setdefault(key, [])
        names += [shard] if len(names) < PROBLEMS_KEPT else []

    def usual(self, preferred: Any) -> dict[str, str]:
        """What most marks record; of equally many, `preferred`. Empty where there are none."""
        known = json.dumps(preferred, sort_keys=True)
        key = max(self._marks, key=lambda key: (self._marks[key], key == known), default="")
        return dict(self._found.get(key, {}))

    def problems(self, usual: Mapping[str, str]) -> Iterator[Problem]:
        """The marks that record other versions."""
        for key, names in self._names.items():
            if self._found[key] != usual:
                for name in names:
                    text = f"the mark of shard {name} records other versions than most do."
                    yield Problem(text, name, True)


def _installed(recipe: Recipe) -> Mapping[str, str] | None:
    """The versions that a build would record now, None where it could not be begun here."""
    try:
        return versions_of(recipe)
    except SeedbedError:
        return None


def _counts_in(text: str) -> dict[str, int]:
    """Counts as they are written. Raises `ValueError`."""
    counts = json.loads(text or "")
    if not isinstance(counts, dict) or not all(isinstance(one, int) for one in counts.values()):
        raise ValueError("its counts are no counts")
    return counts


def _differs(what: str, there: object, wanted: object) -> str:
    return f"{what} is {there!r} and should be {wanted!r}."


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
        for place, character in enumerate(one.characters):
            x, y, w, h = character.bbox
            if not (
                -PIXEL_TOLERANCE <= x <= x + w <= limits[0]
                and -PIXEL_TOLERANCE <= y <= y + h <= limits[1]
            ):
                wrong.append(
                    f"the bbox of character {place} of object {number} lies outside the picture"
                )
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
    if not sample.transcript.strip() and sample.attributes.get("kind") not in WORDLESS_KINDS:
        wrong.append("the transcript is empty")
    spans = [(span.start, span.end) for span in (*sample.words, *sample.phonemes)]
    if sample.keyword_span is not None:
        spans.append(sample.keyword_span)
    if any(
        not -SECOND_TOLERANCE <= start <= end <= duration + SECOND_TOLERANCE for start, end in spans
    ):
        wrong.append("a word, phoneme or keyword lies outside the sound")
    return wrong
