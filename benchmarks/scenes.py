"""Scenes a second on one core, beside what a user would otherwise run or could not beat.

The floor is encoding the same pictures as JPEG alone. SynthTIGER and
TextRecognitionDataGenerator render single lines of text; see `peers.py`.

Then come whole rows of the recipe `plates`: its scenes with the augmenters of `camera-light`,
encoded, with all labels and parameters; and how many times as fast two workers build them.

The peak memory of a process that makes the recipe `plates` comes last, after a few samples
and after twenty times as many: it should hardly grow. `python -m benchmarks.scenes --samples
20000` compares 1,000 with 20,000.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from importlib.resources import files
from pathlib import Path

import cv2
import numpy as np

from benchmarks.timing import Stages, rates
from seedbed import make
from seedbed.builder import build as build_dataset
from seedbed.generators import plate_scene
from seedbed.generators.plate_scene import PlateScene
from seedbed.make import Maker
from seedbed.recipe import load_recipe

SCENES = 60

ROWS = 400
"""Rows in the build that one worker and two make, by the wall clock: starting processes counts,
and so does what else runs on the machine."""

SAMPLES, FEWER = 200, 20
"""Samples made by default for the peak of memory, and by how much fewer the first look is."""


def _encode(image: np.ndarray) -> None:
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 85])


def stages(scene: PlateScene) -> None:
    """Print the milliseconds a scene spends in each stage."""
    watched = Stages(time.process_time)
    module = plate_scene
    with watched.watching(
        [
            (PlateScene, "draw", "draw"),
            (PlateScene, "render", "render, rest"),
            (PlateScene, "_label", "label"),
            (module.Backgrounds, "render", "background"),
            (module, "paint_vehicle", "vehicles"),
            (module, "paint_vehicle_front", "vehicles"),
            (module, "paint_plate", "plates"),
            (module, "composite", "composite"),
            (module, "paint_decoy", "look-alikes"),
            (module, "develop", "light and air"),
        ]
    ):
        for sample in scene.samples(seed=2, count=2 * SCENES):
            watched._timed("jpeg", _encode)(sample.image)
    _print_stages(watched, 2 * SCENES)


def _print_stages(watched: Stages, count: int) -> float:
    """Print the milliseconds of each stage for one of `count`; returns their sum in seconds."""
    # What else runs on the machine hardly counts: the clock is the process's own.
    total = sum(watched.seconds.values())
    for name, seconds in sorted(watched.seconds.items(), key=lambda one: -one[1]):
        print(f"  {name:14} {1000 * seconds / count:6.2f} ms  {100 * seconds / total:4.0f}%")
    return total


def rows() -> None:
    """Print rows a second of the recipe `plates`, where their time goes, and two workers' gain."""
    recipe = load_recipe("plates").seeded(3)
    maker = Maker(recipe)
    maker.prepare()
    for index in range(SCENES // 2):
        maker.row("train", index)
    watched = Stages(time.process_time)
    classes = {type(augmenter) for _, augmenter in recipe.augmenters_for("train")}
    with watched.watching(
        [
            (PlateScene, "draw", "draw"),
            (PlateScene, "render", "render"),
            *((one, "augment", "augment") for one in classes),
            (make, "encode", "encode"),
            (make, "row_of", "row"),
            (Maker, "row", "rest"),
        ]
    ):
        for index in range(2 * SCENES):
            maker.row("train", index)
    print("  rows of the recipe plates, with camera-light:")
    seconds = _print_stages(watched, 2 * SCENES)
    # Shards small enough for two workers to share out evenly.
    small = recipe.scaled(ROWS).model_copy(update={"shard_size": 25})
    took = {}
    with tempfile.TemporaryDirectory() as folder:
        for workers in (1, 2):
            started = time.perf_counter()
            # In processes both times: this one's caches are warm, and theirs are not.
            build_dataset(
                small,
                Path(folder, str(workers)),
                workers=workers,
                executor="processes",
            )
            took[workers] = time.perf_counter() - started
    print(
        f"  {'rows':16} {2 * SCENES / seconds:8.1f} /s   a build of {ROWS} with two workers is "
        f"{took[1] / took[2]:.2f}x as fast as with one"
    )


def peaks(samples: int) -> tuple[float, float]:
    """This process's peak memory in MiB after `samples / FEWER` and after `samples` rows.

    Rows are those of the recipe `plates`, media included, and are not kept.
    """
    maker = Maker(load_recipe("plates").seeded(1))
    maker.prepare()
    few = max(samples // FEWER, 1)
    seen = []
    for first, last in ((0, few), (few, samples)):
        for index in range(first, last):
            maker.row("train", index)
        # Linux counts in KiB, macOS in bytes.
        unit = 2**20 if sys.platform == "darwin" else 2**10
        seen.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit)
    return seen[0], seen[1]


def memory(samples: int) -> None:
    """Print `peaks` of a process of its own, whose peak nothing before it has raised."""
    code = f"from benchmarks.scenes import peaks; print(*peaks({samples}))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    after_few, after_all = map(float, ran.stdout.split())
    few = max(samples // FEWER, 1)
    print(f"  peak memory {after_few:.0f} MiB after {few} samples, {after_all:.0f} after {samples}")


def main(samples: int = SAMPLES) -> None:
    """Print scenes a second, ratios to the floor and to the others, stages, rows and memory."""
    cv2.setNumThreads(1)
    scene = PlateScene()
    scene.prepare()
    pictures = [sample.image for sample in scene.samples(seed=1, count=SCENES)]

    def build(number: int) -> int:
        for sample in scene.samples(seed=number, count=SCENES):
            _encode(sample.image)
        return SCENES

    def jpeg_only(number: int) -> int:
        for picture in pictures:
            _encode(picture)
        return SCENES

    sides = {"seedbed scenes": build, "JPEG alone": jpeg_only}
    measured = rates(sides, clock=time.process_time)
    for peer, count in (("trdg", 60), ("synthtiger", 15)):
        rate = _peer(peer, count)
        if rate is not None:
            measured[f"{peer} lines"] = rate
    for name, rate in measured.items():
        ratio = measured["seedbed scenes"] / rate
        print(f"  {name:16} {rate:8.1f} /s   seedbed is {ratio:.2f}x")
    stages(scene)
    rows()
    memory(samples)


def _peer(name: str, count: int) -> float | None:
    """Pictures a second of another generator, under `PEER_PYTHON`; None where it is not there."""
    python = os.environ.get("PEER_PYTHON")
    if python is None:
        print(f"  {name}: not measured; set PEER_PYTHON to a Python that has it (see peers.py)")
        return None
    fonts = str(files("fontpkg_saira_condensed") / "files")
    script = Path(__file__).with_name("peers.py")
    ran = subprocess.run(
        [python, str(script), name, str(count), fonts, "1"], capture_output=True, text=True
    )
    if ran.returncode != 0:
        last_line = (ran.stderr.strip().splitlines() or ["no message"])[-1]
        print(f"  {name}: failed under {python}: {last_line}")
        return None
    return float(json.loads(ran.stdout.splitlines()[-1])["per_second"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=SAMPLES, help="for the peak of memory")
    main(parser.parse_args().samples)
