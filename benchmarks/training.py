"""Steps a second of the training loop beside a bare PyTorch loop, and pictures of the data path.

Both sides train the same network on the same examples: what differs is what the loop adds
(logging, averaging of weights switched off, checkpoints, numbering). Where there is a GPU
both sides run there.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from benchmarks.timing import rates
from seedbed.recipe import load_recipe
from seedbed.streams import stream
from seedbed.trainers.config import parse_config
from seedbed.trainers.fit import fit
from seedbed.trainers.fuse import fused
from seedbed.trainers.optimisers import OptimiserSettings, make_optimiser
from seedbed.trainers.run_log import read_metrics
from seedbed.trainers.task import Task, make_task

BATCH = 16
STEPS = 24
WARM = 4
"""Steps before the clock runs: first calls choose kernels and touch memory."""

SAMPLES = 24


def _items(task: Task[Any, Any]) -> list[Any]:
    generator = load_recipe("plates").seeded(5).default_generator()
    samples = generator.samples(seed=5, count=SAMPLES)
    return [item for n, sample in enumerate(samples) for item in task.items(sample, str(n))]


def bare_loop(task: Task[Any, Any], items: list[Any]) -> float:
    """Steps a second of the shortest loop one would write, with examples from memory."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = task.network(0).to(device, memory_format=torch.channels_last).train()
    optimiser = make_optimiser(OptimiserSettings(), network.parameters())
    started = 0.0
    for step in range(STEPS + WARM):
        if step == WARM:
            started = time.perf_counter()
        examples = [
            task.example(items[(step * BATCH + n) % len(items)], stream(0, step, n))
            for n in range(BATCH)
        ]
        batch = {key: value.to(device) for key, value in task.collate(examples).items()}
        optimiser.zero_grad(set_to_none=True)
        loss = task.loss(network(batch["inputs"]), batch)["loss"]
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
    return STEPS / (time.perf_counter() - started)


def our_loop(name: str, data: Path) -> tuple[float, float]:
    """Steps a second and the share of time waiting for data of `fit`, from its own log."""
    values = {
        "task": name,
        "data": str(data),
        "validation": str(data),
        "fit": {
            "steps": STEPS + WARM,
            "batch": BATCH,
            "ema": 0.0,
            "workers": 0,
            "validate_every": 10**6,
            "validate_on": 1,
            "checkpoint_every": 10**6,
            "log_every": WARM,
            "precision": "32",
        },
    }
    with tempfile.TemporaryDirectory() as folder:
        fit(parse_config(values), Path(folder) / "run")
        rows = read_metrics(Path(folder) / "run" / "metrics.csv")
    # The first of the logged stretches holds the warm-up.
    speeds = [value for step, name, value in rows if name == "train/steps_per_second"][1:-1]
    waits = [value for step, name, value in rows if name == "train/data_wait_share"][1:-1]
    return len(speeds) / sum(1 / speed for speed in speeds), sum(waits) / len(waits)


def data_path(task: Task[Any, Any], items: list[Any]) -> Callable[[int], int]:
    """A side that makes examples."""

    def side(number: int) -> int:
        for n in range(2 * BATCH):
            task.example(items[n % len(items)], stream(0, number, n))
        return 2 * BATCH

    return side


def main() -> None:
    """Print the loop's ratio, the data path's speed, and a locator's time for a megapixel."""
    from seedbed.builder import build

    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "plates"
        recipe = load_recipe("plates").seeded(5).scaled(SAMPLES + 4)
        build(recipe, data, workers=1, executor="serial")
        for name in ("locate", "read"):
            task = make_task(name)
            items = _items(task)
            bare, (ours, waiting) = bare_loop(task, items), our_loop(name, data)
            bare = max(bare, bare_loop(task, items))
            made = rates({name: data_path(task, items)})[name]
            print(
                f"  {name:7} fit {ours:6.2f} steps/s, bare loop {bare:6.2f}: {ours / bare:.2f}x; "
                f"examples {made:7.1f} /s on one core; fetching takes {100 * waiting:.0f}% of the "
                f"time without workers"
            )
    locator = fused(make_task("locate").network(0).eval()).to(memory_format=torch.channels_last)
    picture = torch.from_numpy(np.zeros((1, 1024, 1024, 3), dtype=np.uint8))
    with torch.inference_mode():
        rate = rates({"megapixel": lambda number: len(locator(picture))})["megapixel"]
    print(f"  locate  {1000 / rate:6.1f} ms for 1,024 x 1,024 pixels on one core, network alone")


if __name__ == "__main__":
    main()
