"""Steps a second of the training loop beside a bare PyTorch loop, and the speed of the data path.

Both sides train the same network with the same optimiser on one core; the bare loop is given
random tensors that lie ready. Ours is given the same tensors as examples (`memory`), and then
a dataset on disk of which nothing is held, made into examples by a worker process (`disk`). The
loops take turns. Steps are counted from the first loss after the warm-up to the last one, by the
clock on the wall and by the processor time of the process that trains, which other programs
disturb less: the first holds waiting for data, the second what the loop itself costs.

The data path of one core is put beside that of the device, which paints whole batches of what a
core has drawn (`fit.data_on: device`); on a CPU that is the same core.

Where there is a GPU, the loops run there, one more with its data on it (`device`), and a stack
of filters that fills it is timed: bf16, channels last and compiled, beside eager float32, and
beside what large products of bf16 matrices reach.
"""

from __future__ import annotations

import importlib
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.timing import rates
from seedbed.builder import build
from seedbed.recipe import load_recipe
from seedbed.streams import stream
from seedbed.trainers.config import FitSettings, parse_config
from seedbed.trainers.conv import build as build_network
from seedbed.trainers.device_examples import DrawnBatch, hold_on_device
from seedbed.trainers.fit import fit
from seedbed.trainers.fuse import fused
from seedbed.trainers.locate import Locate
from seedbed.trainers.optimisers import OptimiserSettings, make_optimiser
from seedbed.trainers.read import Read
from seedbed.trainers.run_log import read_metrics
from seedbed.trainers.runs import channels_last
from seedbed.trainers.sources import HeldPool
from seedbed.trainers.task import Batch, Example, Task, make_task

BATCH = {"locate": 8, "read": 16}
STEPS = {"locate": 16, "read": 24}
WARM = 4
"""Steps before the clocks run: first calls choose kernels and touch memory."""

ROUNDS = 3
SAMPLES = 24
READY = 4
"""Batches of random tensors that both sides go round in."""

MARKS: list[tuple[float, float]] = []
"""Seconds on the wall and of this process at each loss."""


def _mark() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    MARKS.append((time.perf_counter(), time.process_time()))


class ClockedLocate(Locate):
    """`locate` that marks the time of each loss."""

    def loss(self, outputs: Tensor, batch: Batch) -> dict[str, Tensor]:
        """As `Locate.loss`."""
        _mark()
        return super().loss(outputs, batch)


class ClockedRead(Read):
    """`read` that marks the time of each loss."""

    def loss(self, outputs: Tensor, batch: Batch) -> dict[str, Tensor]:
        """As `Read.loss`."""
        _mark()
        return super().loss(outputs, batch)


class ReadyLocate(ClockedLocate):
    """`locate` whose examples lie ready."""

    ready: Sequence[Example] = ()

    def example(self, item: Any, rng: np.random.Generator) -> Example:
        """One of the ready ones."""
        return self.ready[int(rng.integers(len(self.ready)))]


class ReadyRead(ClockedRead):
    """`read` whose examples lie ready."""

    ready: Sequence[Example] = ()

    def example(self, item: Any, rng: np.random.Generator) -> Example:
        """One of the ready ones."""
        return self.ready[int(rng.integers(len(self.ready)))]


CLOCKED: dict[str, type[Task[Any, Any]]] = {"locate": ClockedLocate, "read": ClockedRead}
READY_TASKS: dict[str, Any] = {"locate": ReadyLocate, "read": ReadyRead}


def _items(task: Task[Any, Any]) -> list[Any]:
    generator = load_recipe("plates").seeded(5).default_generator()
    samples = generator.samples(seed=5, count=SAMPLES)
    return [item for n, sample in enumerate(samples) for item in task.items(sample, str(n))]


def _random_like(example: Example, rng: np.random.Generator) -> Example:
    """The example with noise for its input; its targets stay what a loss can take."""
    inputs = rng.integers(0, 256, example["inputs"].shape, dtype=np.uint8)
    return {**example, "inputs": inputs}


def _speed() -> tuple[float, float]:
    """Steps a second of the marked losses, by the wall and by this process's time."""
    first, last = MARKS[WARM], MARKS[-1]
    steps = len(MARKS) - 1 - WARM
    MARKS.clear()
    return steps / (last[0] - first[0]), steps / (last[1] - first[1])


def bare_loop(name: str, ready: Sequence[Example]) -> tuple[float, float]:
    """Steps a second of the shortest loop one would write, with batches that lie ready."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    task = CLOCKED[name](make_task(name).settings)
    network = task.network(0).to(device).train()
    channels_last(network)
    optimiser = make_optimiser(OptimiserSettings(), network.parameters(), fused=True)
    size = BATCH[name]
    batches = [task.collate(ready[size * n : size * (n + 1)]) for n in range(READY)]
    for step in range(STEPS[name] + WARM):
        batch = {key: value.to(device) for key, value in batches[step % READY].items()}
        optimiser.zero_grad(set_to_none=True)
        loss = task.loss(network(batch["inputs"]), batch)["loss"]
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
    return _speed()


def our_loop(name: str, data: Path, source: str) -> tuple[float, float, float]:
    """Steps a second of `fit`, by the wall and by this process's time, and its share of waiting.

    `source` is `memory`, where examples lie ready, `disk` or `device`.
    """
    kinds = READY_TASKS if source == "memory" else CLOCKED
    values = {
        "task": f"benchmarks.training:{kinds[name].__name__}",
        "data": str(data),
        "validation": str(data),
        "fit": {
            "steps": STEPS[name] + WARM,
            "batch": BATCH[name],
            "ema": 0.0,
            "workers": int(source != "memory"),
            # So small that every example is read from the disk.
            "memory_mib": 0.001 if source == "disk" else 2048,
            "data_on": "device" if source == "device" else "cpu",
            "threads": 1,
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
    waits = [value for _, key, value in rows if key == "train/data_wait_share"][1:]
    return (*_speed(), sum(waits) / len(waits))


def loops(name: str, data: Path) -> None:
    """Print our loop's ratios to the bare one, the median of rounds in turn."""
    task = make_task(name)
    rng = np.random.default_rng(0)
    items = _items(task)
    ready = [
        _random_like(task.example(items[n % len(items)], stream(0, n)), rng)
        for n in range(BATCH[name] * READY)
    ]
    READY_TASKS[name].ready = ready
    wanted_of = {"memory": 0.98, "disk": 0.95}
    if torch.cuda.is_available():
        wanted_of["device"] = 0.95
    found: dict[str, list[tuple[float, ...]]] = {key: [] for key in wanted_of}
    bare = []
    for _ in range(ROUNDS):
        bare.append(bare_loop(name, ready))
        for key, rows in found.items():
            ours = our_loop(name, data, key)
            bare.append(bare_loop(name, ready))
            # Each beside the bare loops around it, so that a drift of the machine's speed cancels.
            before, after = bare[-2:]
            ratios = [2 * ours[clock] / (before[clock] + after[clock]) for clock in (0, 1)]
            rows.append((*ratios, ours[2]))
    wall = median(one[0] for one in bare)
    print(f"  {name:7} bare loop {wall:.2f} steps/s of {BATCH[name]}, one core")
    for key, wanted in wanted_of.items():
        ratios = [median(one[clock] for one in found[key]) for clock in (0, 1, 2)]
        print(
            f"  {name:7} fit from {key:6} {ratios[1]:.3f}x by processor time, {ratios[0]:.3f}x by "
            f"the wall (wanted {wanted}); waits for data {100 * ratios[2]:.1f}% of the time"
        )
    paths(name, task, items, wall * BATCH[name])


def paths(name: str, task: Task[Any, Any], items: list[Any], need: float) -> None:
    """Print the examples a second of one core, beside those of the device that is there."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    core = rates({name: data_path(task, items)}, clock=time.process_time)[name]
    print(f"  {name:7} data path {core:.0f} examples/s on one core; the loop takes {need:.0f}")
    drawing, painting = device_path(task, items, device)
    drawn = rates({name: drawing}, clock=time.process_time)[name]
    clock = time.perf_counter if device.type == "cuda" else time.process_time
    painted = rates({name: painting}, clock=clock)[name]
    where = "the GPU" if device.type == "cuda" else "that core"
    print(
        f"  {name:7} data_on: device draws {drawn:.0f} examples/s on one core and paints "
        f"{painted:.0f} on {where}, {painted / core:.2f}x"
    )


def data_path(task: Task[Any, Any], items: list[Any]) -> Callable[[int], int]:
    """A side that makes examples of items in memory."""

    def side(number: int) -> int:
        for n in range(32):
            task.example(items[n % len(items)], stream(0, number, n))
        return 32

    return side


def device_path(
    task: Task[Any, Any], items: list[Any], device: torch.device
) -> tuple[Callable[[int], int], Callable[[int], int]]:
    """The two sides of a device's data path: drawing 32 examples, and painting them."""
    pool: HeldPool[Any] = HeldPool(items, 0)
    settings = FitSettings(steps=1, data_on="device")
    painter, why = hold_on_device(task, pool, settings, device, None)
    assert painter is not None, why

    def drawn(number: int) -> DrawnBatch:
        held = [pool.items[n % len(items)] for n in range(32)]
        rngs = [stream(0, number, n) for n in range(32)]
        twin = painter.examples
        return DrawnBatch(
            [
                (one.number, twin.draw(one.item, one.shape, rng))
                for one, rng in zip(held, rngs, strict=True)
            ]
        )

    def drawing(number: int) -> int:
        drawn(number)
        return 32

    batches = [drawn(number) for number in range(READY)]

    def painting(number: int) -> int:
        painter(batches[number % READY])
        if device.type == "cuda":
            torch.cuda.synchronize()
        return 32

    painting(0)
    return drawing, painting


def _seconds(work: Callable[[], object], device: str, repeats: int) -> float:
    """The median of some calls after a first one that warms up, each waited for."""
    spent = []
    for _ in range(repeats + 1):
        started = time.perf_counter()
        work()
        if device == "cuda":
            torch.cuda.synchronize()
        spent.append(time.perf_counter() - started)
    return median(spent[1:])


def matrix_peak(device: str, side: int, repeats: int = 10) -> float:
    """FLOPs a second of products of bf16 matrices of `side` x `side`: the peak one can reach."""
    one = torch.randn(side, side, device=device, dtype=torch.bfloat16)
    return 2 * side**3 / _seconds(lambda: one @ one, device, repeats)


def filter_stack(
    device: str, channels: int, pixels: int, records: int, compiled: bool, repeats: int = 10
) -> tuple[float, float]:
    """Training steps a second of a stack of 3x3 filters, eager in float32 and in bf16.

    bf16 is mixed with float32 by autocast, channels last, and compiled where `compiled`.
    """
    line = " > ".join([f"F{channels}@3x3 > R"] * 6)
    inputs = torch.randn(records, channels, pixels, pixels, device=device)

    def step(network: nn.Module, records: Tensor, bf16: bool) -> Callable[[], None]:
        def work() -> None:
            with torch.autocast(device, torch.bfloat16, enabled=bf16):
                loss = network(records).float().square().mean()
            loss.backward()

        return work

    plain = build_network(line, (channels, pixels, pixels), "channels_first", seed=0).to(device)
    eager = _seconds(step(plain, inputs, False), device, repeats)
    fast = build_network(line, (channels, pixels, pixels), "channels_first", seed=0).to(device)
    channels_last(fast)
    if compiled:
        fast.compile()
    ordered = inputs.contiguous(memory_format=torch.channels_last)
    return 1 / eager, 1 / _seconds(step(fast, ordered, True), device, repeats)


def gpu(
    device: str = "cuda",
    channels: int = 256,
    pixels: int = 64,
    records: int = 64,
    side: int = 8192,
    compiled: bool = True,
    repeats: int = 10,
) -> None:
    """Print what a stack of filters makes of a GPU, beside products of `side` x `side` matrices."""
    eager, fast = filter_stack(device, channels, pixels, records, compiled, repeats)
    # Forward, and twice as much for the gradients of weights and of inputs; the first layer's
    # inputs need none.
    layer = 2 * 9 * channels**2 * pixels**2 * records
    share = fast * layer * (3 * 6 - 1) / matrix_peak(device, side, repeats)
    print(
        f"  filters {fast / eager:.2f}x eager float32 (wanted 3.0), {100 * share:.0f}% of the "
        f"bf16 matrix peak"
    )


def main() -> None:
    """Print the loops' ratios, the data paths' speed, and a locator's time for a megapixel."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "plates"
        recipe = load_recipe("plates").seeded(5).scaled(SAMPLES + 4)
        build(recipe, data, workers=1, executor="serial")
        for name in ("read", "locate"):
            loops(name, data)
    if torch.cuda.is_available():
        gpu()
    locator = fused(make_task("locate").network(0).eval())
    channels_last(locator)
    picture = torch.from_numpy(np.zeros((1, 1024, 1024, 3), dtype=np.uint8))
    with torch.inference_mode():
        rate = rates({"megapixel": lambda number: len(locator(picture))})["megapixel"]
    print(f"  locate  {1000 / rate:6.1f} ms for 1,024 x 1,024 pixels on one core, network alone")


if __name__ == "__main__":
    # Workers and tasks find the classes above by this module's own name.
    importlib.import_module("benchmarks.training").main()
