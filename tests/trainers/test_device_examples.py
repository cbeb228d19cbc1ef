"""Data on the device: the same examples as on CPU cores, the same weights after a kill."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from plate_settings import LOCATE, READ
from safetensors.torch import load_file
from torch._subclasses.fake_tensor import FakeTensorMode

from seedbed.errors import InputError, SeedbedError
from seedbed.streams import stream
from seedbed.trainers import device_examples
from seedbed.trainers import fit as fit_module
from seedbed.trainers.config import FitSettings, parse_config
from seedbed.trainers.device_examples import DrawnBatch, HeldItem, Painter, hold_on_device
from seedbed.trainers.device_locate import targets_on
from seedbed.trainers.device_pictures import alike
from seedbed.trainers.device_read import DeviceRead
from seedbed.trainers.examples import Joined, Mixed
from seedbed.trainers.fit import fit
from seedbed.trainers.quads import make_targets
from seedbed.trainers.read import Read
from seedbed.trainers.run_log import read_metrics
from seedbed.trainers.sources import HeldPool, Pool
from seedbed.trainers.task import Batch, Task, make_task

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = torch.device("cpu")
MADE_ON_DEVICE = {"data_on": "device"}


def both(task: Task[Any, Any], items: list[Any], count: int) -> tuple[Batch, Batch]:
    """A batch as CPU cores make it, and as a device does, of the same positions."""
    rngs = [[stream(0, "example", n) for n in range(count)] for _ in range(2)]
    cpu = [task.example(items[n % len(items)], rng) for n, rng in enumerate(rngs[0])]
    twin = task.device_examples()
    arrays = [torch.from_numpy(twin.array(item)) for item in items]
    held = [
        HeldItem(n, array.shape, twin.without_array(item))
        for n, (item, array) in enumerate(zip(items, arrays, strict=True))
    ]
    asked = [held[n % len(items)] for n in range(count)]
    pairs = [
        (one.number, twin.draw(one.item, one.shape, rng))
        for one, rng in zip(asked, rngs[1], strict=True)
    ]
    # What is drawn next is the same, too: both took as much.
    assert [rng.random() for rng in rngs[0]] == [rng.random() for rng in rngs[1]]
    return task.collate(cpu), Painter(twin, arrays)(DrawnBatch(pairs))


CASES: list[tuple[str, dict[str, Any]]] = [
    ("read", {"augmenters": []}),
    # Plates of 100 pixels are averaged down on their way to 40.
    ("read", {"augmenters": [], "width": 40, "height": 16, "shrink_share": 0.5}),
    ("read", {"augmenters": [], "shrink_share": 1.0, "most_upscale": 3.0, "box_share": 0.5}),
    ("locate", {"augmenters": [], "crop_px": 128}),
    ("locate", {"augmenters": [], "crop_px": 64, "plate_share": 0.0, "scale": [0.2, 0.6]}),
    ("locate", {"augmenters": [], "crop_px": 256, "scale": [0.5, 3.0]}),
    ("classify", {"augmenters": [], "flip": True}),
    ("classify", {"augmenters": [], "width": 16, "height": 8, "zoom": [0.5, 2.0], "flip": True}),
]


@pytest.mark.parametrize(("name", "settings"), CASES)
def test_a_device_makes_the_examples_of_a_cpu(scenes, name, settings):
    if name == "classify":
        settings = {"classes": ["plate", "car"], **settings}
    task = make_task(name, settings)
    items = [item for n, scene in enumerate(scenes) for item in task.items(scene, str(n))]
    cpu, device = both(task, items, 24)
    assert {k: (v.dtype, v.shape) for k, v in cpu.items()} == {
        k: (v.dtype, v.shape) for k, v in device.items()
    }
    for key, value in cpu.items():
        errors = (value.double() - device[key].double()).abs()
        if key == "inputs":
            # OpenCV rounds places to 1/32 of a pixel.
            assert errors.flatten(1).mean(dim=1).max() < 0.5
            assert errors.mean() < 0.2
        else:
            assert errors.max() < 1e-5, key


@pytest.mark.parametrize("name", ["read", "locate", "classify"])
def test_the_usual_augmenters_are_painted_on_a_device(scenes, name):
    values = {"classify": {"classes": ["plate", "car"]}, "locate": {"crop_px": 128}}
    task = make_task(name, values.get(name, {}))
    items = [item for n, scene in enumerate(scenes) for item in task.items(scene, str(n))]
    cpu, device = both(task, items, 48)
    errors = (cpu["inputs"].double() - device["inputs"].double()).abs().flatten(1).mean(dim=1)
    # Noise has other numbers, at a fifth to a quarter of the examples; the rest are the same.
    assert errors.quantile(0.5) < 1.0
    assert errors.max() < 12.0
    sums = [batch["inputs"].double().mean() for batch in (cpu, device)]
    assert abs(sums[0] - sums[1]) < 1.0


class NoGenerator:
    """Stands for a generator of a device that is not there."""

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def manual_seed(self, seed: int) -> None:
        """Nothing."""


@pytest.mark.parametrize("name", ["read", "locate", "classify"])
def test_all_is_made_on_the_device_and_nothing_waits_for_it(scenes, name, monkeypatch):
    # Fake tensors have a device and no numbers: what mixes devices, or asks for a number, fails.
    task = make_task(name, {"classify": {"classes": ["plate", "car"]}}.get(name, {}))
    items = [item for n, scene in enumerate(scenes) for item in task.items(scene, str(n))]
    twin = task.device_examples()
    shapes = [twin.array(item).shape for item in items]
    drawn = [
        twin.draw(items[n % len(items)], shapes[n % len(items)], stream(0, n)) for n in range(32)
    ]
    move = torch.Tensor.to

    def moved(self, *where, **how):
        if where and isinstance(where[0], torch.device):
            return torch.empty(self.shape, dtype=self.dtype, device=where[0])
        return move(self, *where, **how)

    monkeypatch.setattr(torch.Tensor, "to", moved)
    monkeypatch.setattr(torch, "Generator", NoGenerator)
    with FakeTensorMode():
        with pytest.raises(RuntimeError, match="same device"):
            torch.ones(2, 2, device="meta") @ torch.ones(2, 2)
        arrays = [torch.empty(shape, dtype=torch.uint8, device="meta") for shape in shapes]
        batch = twin.paint([arrays[n % len(items)] for n in range(32)], drawn)
    assert {value.device.type for value in batch.values()} == {"meta"}


def test_targets_are_those_of_a_cpu():
    rng = np.random.default_rng(4)
    plates, ignored = [], []
    for n in range(6):
        centres = rng.uniform(-10, 138, (n, 2))
        shape = np.array([[-20, -5], [20, -5], [20, 5], [-20, 5]])
        quads = [c + shape * rng.uniform(0.5, 2) + rng.normal(0, 2, (4, 2)) for c in centres]
        plates.append(quads[: n // 2 + 1])
        ignored.append(quads[n // 2 + 1 :])
    made = targets_on(CPU, plates, ignored, 128)
    for n in range(6):
        wanted = make_targets(plates[n], ignored[n], 128, 128)
        for key in ("heat", "heat_weight", "offsets", "offset_weight"):
            assert np.abs(made[key][n].numpy() - getattr(wanted, key)).max() < 1e-5, (n, key)
    assert float(targets_on(CPU, [[]], [[]], 64)["heat"].sum()) == 0.0


def test_pictures_are_grouped_by_size():
    sizes = [(10, 10), (100, 100), (10, 11), (99, 100), (10, 10)]
    assert alike(sizes) == [[0, 4, 2], [3, 1]]
    # One long and one high picture would need a canvas far larger than both.
    assert alike([(10, 100), (100, 10)]) == [[0], [1]]
    assert alike([(10, 10)] * 5, most_pixels=200) == [[0, 1], [2, 3], [4]]


# The loop.


def config(data: Path, fit_values: dict[str, Any], task: str = "read", **changes: Any):
    settings = {"read": READ, "locate": LOCATE}[task]
    values = {**fit_values, **MADE_ON_DEVICE, **changes}
    return parse_config({"task": task, "settings": settings, "data": str(data), "fit": values})


@pytest.mark.parametrize("changes", [{}, {"batch": "full", "chunk": 5, "steps": 4}])
def test_a_killed_run_ends_with_the_weights_of_a_whole_one(
    plates, tmp_path, fit_values, monkeypatch, changes
):
    chosen = config(plates, fit_values, **changes)
    fit(chosen, tmp_path / "whole")
    whole_step = fit_module.Learner.training_step

    def until(self, batch, batch_idx):
        if self.global_step == 3:
            raise ConnectionAbortedError
        return whole_step(self, batch, batch_idx)

    with monkeypatch.context() as patch:
        patch.setattr(fit_module.Learner, "training_step", until)
        with pytest.raises(ConnectionAbortedError):
            fit(chosen, tmp_path / "killed")
    fit(chosen, tmp_path / "killed")
    first, second = (load_file(tmp_path / run / "last.safetensors") for run in ("whole", "killed"))
    assert all(torch.equal(first[name], second[name]) for name in first)
    noted = json.loads((tmp_path / "killed" / "data.json").read_text())["examples"]
    assert noted[0]["made_on"] == "device"
    assert noted[0]["because"].endswith("MiB of items are held on cpu")


def test_a_locator_learns_from_data_on_the_device(plates, tmp_path, fit_values):
    changes = {"steps": 60, "validate_every": 60, "checkpoint_every": 60, "ema": 0.0}
    changes["optimiser"] = {"name": "adamw", "learning_rate": 0.01}
    chosen = config(plates, fit_values, task="locate", **changes)
    said: list[str] = []
    fit(chosen, tmp_path / "run", say=said.append)
    rows = read_metrics(tmp_path / "run" / "metrics.csv")
    losses = [value for _, name, value in rows if name == "train/loss"]
    assert np.mean(losses[-10:]) < 0.7 * np.mean(losses[:10])
    assert any(line.startswith("examples are made on the device: ") for line in said)


def test_workers_draw_what_the_process_that_trains_paints(plates, tmp_path, fit_values):
    weights = []
    for workers in (0, 1):
        chosen = config(plates, fit_values, workers=workers, steps=2, validate_every=2)
        fit(chosen, tmp_path / f"run{workers}")
        weights.append(load_file(tmp_path / f"run{workers}" / "last.safetensors"))
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_on_a_cpu_auto_leaves_all_as_it_was(plates, tmp_path, fit_values):
    weights = []
    for data_on in ("auto", "cpu"):
        chosen = config(plates, fit_values, data_on=data_on, steps=2, validate_every=2)
        fit(chosen, tmp_path / data_on)
        weights.append(load_file(tmp_path / data_on / "last.safetensors"))
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    noted = json.loads((tmp_path / "auto" / "data.json").read_text())["examples"]
    assert noted == [{"made_on": "cpu", "because": "the accelerator is no GPU"}]


@pytest.mark.parametrize("batch", [4, "full"])
def test_memory_that_is_short_is_one_sentence(plates, tmp_path, fit_values, monkeypatch, batch):
    def paint(self, arrays, drawn):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(DeviceRead, "paint", paint)
    with pytest.raises(SeedbedError, match=r"set fit\.data_on to cpu, which keeps items off"):
        fit(config(plates, fit_values, batch=batch), tmp_path / "run")


# The choice.


def read_pool(scenes: list[Any], task: Read) -> HeldPool[Any]:
    return HeldPool([item for n, s in enumerate(scenes) for item in task.items(s, str(n))], 0)


class OwnRead(Read):
    """A reader whose examples are its own."""

    def example(self, item, rng):
        """As `Read.example`, mirrored."""
        made = super().example(item, rng)
        return {**made, "inputs": made["inputs"][:, ::-1]}


class FakeGpu:
    """Stands for a GPU in what chooses: its kind, and `torch.cuda`'s account of its memory."""

    type = "cuda"

    def __str__(self) -> str:
        return "cuda:0"


def test_auto_is_a_gpu_on_which_the_items_fit(scenes, monkeypatch):
    task = make_task("read", READ)
    settings = FitSettings(steps=1)
    device: Any = FakeGpu()
    room = {"free": 100}
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (room["free"], 0))
    monkeypatch.setattr(torch.Tensor, "to", lambda self, *_, **__: self)
    pool = read_pool(scenes, task)
    patch = pool.items[0].patch
    painter, why = hold_on_device(task, pool, settings, device, None)
    assert painter is None
    assert "fit.device_memory_share (0.5) of its 0 free" in why
    # Nothing has changed for those that make examples on CPU cores.
    assert pool.items[0].patch is patch
    room["free"] = 2 * sum(item.patch.nbytes for item in pool.items)
    painter, why = hold_on_device(task, pool, settings, device, None)
    assert painter is not None
    assert "held on cuda:0" in why
    assert len(painter.arrays) == len(pool.items)
    assert torch.equal(painter.arrays[0], torch.from_numpy(patch))
    assert all(isinstance(item, HeldItem) and not item.item.patch.size for item in pool.items)
    # A run goes on where it began.
    assert hold_on_device(task, read_pool(scenes, task), settings, device, "cpu")[0] is None
    room["free"] = 100
    with pytest.raises(InputError, match="this run has its data on the device, but the items need"):
        hold_on_device(task, read_pool(scenes, task), settings, device, "device")


def test_several_pools_are_held_as_one(scenes):
    task = make_task("read", READ)
    settings = FitSettings(steps=1, data_on="device")
    for joined in (Joined, lambda pools: Mixed(pools, 0)):
        parts = [read_pool(scenes[:6], task), read_pool(scenes[6:], task)]
        count = sum(part.count for part in parts)
        pool: Pool[Any] = joined(parts)
        painter, _ = hold_on_device(task, pool, settings, CPU, None)
        assert painter is not None
        assert len(painter.arrays) == count
        assert {pool.item(n).number for n in range(40 * count)} == set(range(count))


@pytest.mark.parametrize(
    ("task", "sentence"),
    [
        (make_task("listen"), "the task 'listen' makes its examples on CPU cores only"),
        (OwnRead(make_task("read").settings), "OwnRead makes its examples on CPU cores only"),
        (
            make_task("read", {"augmenters": [{"name": "rain"}]}),
            "the augmenter rain works on CPU cores only",
        ),
        (
            make_task("classify", {"classes": ["a", "b"], "frames": 4}),
            "films are cut on CPU cores only",
        ),
    ],
)
def test_what_a_device_cannot_make_is_one_sentence(task, sentence):
    asked = FitSettings(steps=1, data_on="device")
    pool: HeldPool[Any] = HeldPool([1], 0)
    with pytest.raises(InputError) as caught:
        hold_on_device(task, pool, asked, CPU, None)
    assert str(caught.value) == (
        f"fit.data_on is device, but {sentence}: set fit.data_on to cpu and give another --run."
    )
    device: Any = FakeGpu()
    assert hold_on_device(task, pool, FitSettings(steps=1), device, None) == (None, sentence)


def test_a_stream_stays_on_the_cpu():
    class Stream(Pool[Any]):
        count = 0

        def item(self, position: int) -> Any:
            raise AssertionError

    with pytest.raises(InputError, match=r"items of a stream, or of more than fit\.memory_mib"):
        hold_on_device(
            make_task("read"), Stream(), FitSettings(steps=1, data_on="device"), CPU, None
        )


def test_on_a_cpu_memory_mib_is_the_room(scenes):
    task = make_task("locate", LOCATE)
    pool = HeldPool([item for n, s in enumerate(scenes) for item in task.items(s, str(n))], 0)
    settings = FitSettings(steps=1, data_on="device", memory_mib=0.1)
    with pytest.raises(InputError, match=r"need more than 0 MiB there, fit.memory_mib \(0.1\)"):
        hold_on_device(task, pool, settings, CPU, None)
    assert (
        device_examples.hold_on_device(
            task, pool, FitSettings(steps=1, data_on="device"), CPU, None
        )[1]
        == f"{12 * 192 * 128 * 3 / 2**20:,.1f} MiB of items are held on cpu"
    )
