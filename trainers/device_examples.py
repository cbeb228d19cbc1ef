"""Examples that are made on the device that trains: items are held there, batches painted there.

Every example is drawn on a CPU core, item by item, by the stream of its position and with the
same numbers as where it is also made on a CPU; drawing costs little. What was drawn for a batch
goes to the device, and its pixels are made there for the whole batch at once. So a run with its
data on the device sees the examples of one on a CPU, to within a grey level or so (noise has
other numbers), and a resumed one the batches of one that was never stopped.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seedbed.errors import InputError
from seedbed.trainers.sources import HeldPool, Pool

if TYPE_CHECKING:
    from seedbed.trainers.config import FitSettings
    from seedbed.trainers.task import Batch, Task

I = TypeVar("I")  # noqa: E741 - an item
D = TypeVar("D")

MadeOn = Literal["cpu", "device"]


class DeviceExamples(ABC, Generic[I, D]):
    """A task's `example` in two halves: drawn for an item, painted for a batch on a device.

    Workers draw, so it must be picklable; `paint` runs in the process that trains.
    """

    @abstractmethod
    def array(self, item: I) -> NDArray[Any]:
        """What is held of an item on the device: its picture, uint8 (height, width, 3)."""

    @abstractmethod
    def without_array(self, item: I) -> I:
        """The item without what is held on the device: what drawing needs of it."""

    @abstractmethod
    def draw(self, item: I, shape: tuple[int, ...], rng: np.random.Generator) -> D:
        """All that is random in one example of an item whose array has `shape`.

        Takes of `rng` what the task's `example` takes.
        """

    @abstractmethod
    def paint(self, arrays: Sequence[Tensor], drawn: Sequence[D]) -> Batch:
        """A batch as the task's `collate` makes it, on the device that the arrays lie on."""


@dataclass(frozen=True)
class HeldItem(Generic[I]):
    """An item whose array is on the device: its number there, its shape, and the rest of it."""

    number: int
    shape: tuple[int, ...]
    item: I


class DrawnBatch:
    """What was drawn for the examples of a batch, and of which arrays: no tensor, nothing to copy.

    Made of pairs of an array's number and what was drawn.
    """

    def __init__(self, pairs: Sequence[tuple[int, Any]]) -> None:
        self.numbers = [number for number, _ in pairs]
        self.drawn = [drawn for _, drawn in pairs]


class Painter:
    """The arrays of all items on a device, and batches made of them."""

    def __init__(self, examples: DeviceExamples[Any, Any], arrays: list[Tensor]) -> None:
        self.examples = examples
        self.arrays = arrays

    @torch.no_grad()
    def __call__(self, batch: DrawnBatch) -> Batch:
        """The batch on the device."""
        return self.examples.paint([self.arrays[n] for n in batch.numbers], batch.drawn)


def hold_on_device(
    task: Task[Any, Any],
    pool: Pool[Any],
    fit: FitSettings,
    device: torch.device,
    before: MadeOn | None,
) -> tuple[Painter | None, str]:
    """A painter with the arrays of the pool's items, and why there is one or there is none.

    The pool's items then give up their arrays. `before` says where a run that goes on has made
    its examples. Raises `InputError` where they have to be made on the device and cannot be.
    """
    wanted: str = fit.data_on
    if wanted == "auto":
        if before == "cpu" or (before is None and device.type != "cuda"):
            return None, "as when the run began" if before else "the accelerator is no GPU"
        wanted = before or "auto"
    if wanted == "cpu":
        return None, "fit.data_on is cpu"
    try:
        painter, size = _held(task, pool, fit, device)
    except InputError as error:
        if wanted == "auto":
            return None, str(error)
        asked = "fit.data_on is device" if before is None else "this run has its data on the device"
        raise InputError(
            f"{asked}, but {error}: set fit.data_on to cpu and give another --run."
        ) from error
    return painter, f"{size / 2**20:,.1f} MiB of items are held on {device}"


def _held(
    task: Task[Any, Any], pool: Pool[Any], fit: FitSettings, device: torch.device
) -> tuple[Painter, int]:
    """The painter and the bytes it holds. Raises `InputError` with the reason for none."""
    examples = task.device_examples()
    kinds = type(task).__mro__
    maker, twin = (
        next(number for number, kind in enumerate(kinds) if name in vars(kind))
        for name in ("example", "device_examples")
    )
    if maker < twin:
        # A subclass makes examples in a way of its own.
        raise InputError(f"{kinds[maker].__name__} makes its examples on CPU cores only")
    pools = list(_parts(pool))
    if not all(isinstance(one, HeldPool) for one in pools):
        raise InputError(
            f"the items of a stream, or of more than fit.memory_mib ({fit.memory_mib:g}), are "
            f"made anew each time and not held"
        )
    room, limit = _room(fit, device)
    arrays: list[Tensor] = []
    size = 0
    light: list[list[HeldItem[Any]]] = []
    for one in pools:
        light.append([])
        for item in one.items:
            array = np.require(examples.array(item), requirements=["C", "W"])
            size += array.nbytes
            if size > room:
                raise InputError(f"the items need more than {room / 2**20:,.0f} MiB there, {limit}")
            held = HeldItem(len(arrays), array.shape, examples.without_array(item))
            arrays.append(torch.from_numpy(array).to(device))
            light[-1].append(held)
    for one, items in zip(pools, light, strict=True):
        one.items = items
    return Painter(examples, arrays), size


def _parts(pool: Pool[Any]) -> Iterator[Any]:
    """The pools that a pool is made of, or itself."""
    parts = getattr(pool, "pools", None)
    if parts is None:
        yield pool
    else:
        for part in parts:
            yield from _parts(part)


def _room(fit: FitSettings, device: torch.device) -> tuple[float, str]:
    """Bytes that items may take on the device, and the setting that says so."""
    if device.type == "cuda":
        free = torch.cuda.mem_get_info(device)[0]
        share = fit.device_memory_share
        return share * free, f"fit.device_memory_share ({share:g}) of its {free / 2**20:,.0f} free"
    return fit.memory_mib * 2**20, f"fit.memory_mib ({fit.memory_mib:g})"
