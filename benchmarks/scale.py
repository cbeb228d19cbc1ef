"""What a sample costs in small and large builds, what the parent holds, what a worker adds.

`python -m benchmarks scale` takes minutes; `python -m benchmarks.scale 10000` makes the
largest build smaller.
"""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

import cv2
import numpy as np

from seedbed.builder import Progress, build
from seedbed.component import Generator
from seedbed.executors import resident_mib
from seedbed.recipe import Recipe, parse_recipe
from seedbed.sample import Picture
from seedbed.streams import fork_seed

LARGEST = 100_000
ROUNDS = 5

# Of each worker. The last shards of a build keep one worker only, so few would say less of what
# two do in a long build than of how it ends.
SPEED_UP_SHARDS = 16


@dataclass(frozen=True)
class SpeckleParams:
    """What the grain of a picture is drawn from."""

    seed: int


class Speckle(Generator[SpeckleParams, Picture]):
    """Small pictures of coarse noise; `rounds` of blur make them as dear as is wanted."""

    params_type = SpeckleParams
    sample_type = Picture

    width: int = 48
    height: int = 32
    rounds: int = 0

    def draw(self, rng: np.random.Generator) -> SpeckleParams:
        """A seed."""
        return SpeckleParams(fork_seed(rng))

    def render(self, params: SpeckleParams) -> Picture:
        """The grain of that seed."""
        rng = np.random.Generator(np.random.PCG64(params.seed))
        coarse = rng.integers(0, 256, (self.height // 8, self.width // 8, 3), np.uint8)
        image = np.repeat(np.repeat(coarse, 8, 0), 8, 1)
        for _ in range(self.rounds):
            image = cv2.GaussianBlur(image, (0, 0), 2.0)
        return Picture(image=np.ascontiguousarray(image, np.uint8))


def recipe(count: int, **fields: int) -> Recipe:
    """`count` small pictures under one seed."""
    values = {
        "name": "speckle",
        "seed": 1,
        "generator": {"name": f"{__spec__.name}:Speckle", **fields},
        "splits": {"train": count},
    }
    return parse_recipe(values)


def processor_seconds(count: int, folder: Path) -> float:
    """What building `count` samples in this process takes of the processor."""
    began = time.process_time()
    with tempfile.TemporaryDirectory(dir=folder) as out:
        build(recipe(count), Path(out) / "d", executor="serial")
        return time.process_time() - began


def costs(largest: int, folder: Path) -> dict[int, float]:
    """Processor milliseconds a sample of builds of three sizes.

    The smaller builds run within the largest one, spread over it, so that whatever else the
    machine does hits all of them alike; their time is taken off its.
    """
    small, middle = largest // 100, largest // 10
    measured: dict[int, list[float]] = defaultdict(list)
    aside = 0.0
    reached = 0

    def between(progress: Progress) -> None:
        nonlocal aside, reached
        while progress.made_samples >= (reached + 1) * largest // 20:
            reached += 1
            size = middle if reached % 5 == 0 else small
            began = time.process_time()
            measured[size].append(processor_seconds(size, folder) / size)
            aside += time.process_time() - began

    processor_seconds(small, folder)
    began = time.process_time()
    with tempfile.TemporaryDirectory(dir=folder) as out:
        build(recipe(largest), Path(out) / "d", executor="serial", on_progress=between)
    spent = time.process_time() - began - aside
    return {
        small: 1000 * median(measured[small]),
        middle: 1000 * median(measured[middle]),
        largest: 1000 * spent / largest,
    }


def parent_memory(count: int, folder: Path) -> tuple[int, int]:
    """(least, most) MiB this process held between the first and the last shard of a build."""
    seen: list[int] = []

    def look(progress: Progress) -> None:
        if progress.made_shards:
            seen.append(resident_mib() or 0)

    with tempfile.TemporaryDirectory(dir=folder) as out:
        build(recipe(count), Path(out) / "d", workers=2, on_progress=look)
    return min(seen), max(seen)


def rate(workers: int, folder: Path) -> float:
    """Samples a second of a build that is under way: its start and its end are left out."""
    moments: list[tuple[float, int]] = []

    def note(progress: Progress) -> None:
        if progress.made_shards >= 2 * workers:
            moments.append((time.perf_counter(), progress.made_samples))

    with tempfile.TemporaryDirectory(dir=folder) as out:
        build(
            recipe(SPEED_UP_SHARDS * 250 * workers, rounds=20),
            Path(out) / "d",
            workers=workers,
            executor="processes",
            on_progress=note,
        )
    (first, before), (last, after) = moments[0], moments[-1]
    return (after - before) / (last - first)


def rate_apart(folder: Path) -> float:
    """Samples a second of two builds of one worker each, side by side, that share nothing.

    It is what the machine's second core is worth: cores that share caches, heat or a host
    with others give less than twice one.
    """
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        return sum(pool.map(partial(rate, 1), [folder, folder]))


def main() -> None:
    """Print costs as ratios to the smallest build's, the parent's memory, and the speed-up."""
    numbers = [int(word) for word in sys.argv[1:] if word.isdecimal()]
    largest = numbers[0] if numbers else LARGEST
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        measured = costs(largest, folder)
        base = measured[min(measured)]
        for count, milliseconds in measured.items():
            print(f"  {count:9,} samples {milliseconds:7.3f} ms each   {milliseconds / base:.3f}x")
        for count in measured:
            least, most = parent_memory(count, folder)
            print(f"  {count:9,} samples: the parent holds {least} to {most} MiB")
        speed_up(folder)


def speed_up(folder: Path) -> None:
    """Print what a second worker adds, beside what a second core can add here."""
    rounds = [(rate(1, folder), rate(2, folder), rate_apart(folder)) for _ in range(ROUNDS)]
    one, two, apart = (median(side) for side in zip(*rounds, strict=True))
    print(f"  one worker         {one:8.1f} samples a second")
    print(f"  two workers        {two:8.1f}   {two / one:.2f}x one")
    print(f"  two builds apart   {apart:8.1f}   {apart / one:.2f}x one: the most to be had here")
    print(f"  so two workers get {two / apart:.1%} of what two cores give")


if __name__ == "__main__":
    main()
