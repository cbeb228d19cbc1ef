"""Exports a trained network as ONNX, proves that it answers alike, and quantises it to int8.

Ranges of int8's activations come from some items and its accuracy from others, so that what
it costs is told of items that it was not fitted to.
"""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from seedbed.errors import InputError, SeedbedError
from seedbed.shards import write_whole
from seedbed.trainers.config import as_json
from seedbed.trainers.evaluate import bootstrap
from seedbed.trainers.fit import all_outcomes
from seedbed.trainers.fuse import fused
from seedbed.trainers.runs import Trained
from seedbed.trainers.task import MOST_CELLS, Outcome

TOLERANCE = 1e-4
"""Largest difference to torch's answers, relative to their size where that is over 1."""

CALIBRATED_ON = 64
"""Items at most whose activations set int8's ranges."""

CALIBRATION_SHARE = 4
"""One of so many items sets ranges, the others measure."""


class OnnxNetwork(nn.Module):
    """An exported network that tasks can use like their own."""

    def __init__(self, path: Path, threads: int = 1) -> None:
        super().__init__()
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        # Tasks ask a network's parameters where it lives.
        self.where = nn.Parameter(torch.zeros(()), requires_grad=False)

    def forward(self, inputs: Tensor) -> Tensor:
        """What the exported network answers."""
        (answer,) = self.session.run(None, {"inputs": inputs.float().contiguous().numpy()})
        return torch.from_numpy(answer)


@dataclass(frozen=True)
class Exported:
    """An ONNX file: its size, its largest difference to torch, and milliseconds an input."""

    path: Path
    size_bytes: int
    difference: float
    milliseconds: float
    torch_milliseconds: float


def export_onnx(trained: Trained, path: Path) -> Exported:
    """Write the network as ONNX with its processing described beside it (`.json`).

    Raises `SeedbedError` where onnxruntime's answers differ from torch's by more than
    `TOLERANCE` on random inputs of two batch sizes.
    """
    network = fused(trained.network)
    example = trained.task.example_input()
    path.parent.mkdir(parents=True, exist_ok=True)
    dynamic: dict[int, Any] = {0: torch.export.Dim("batch", min=1, max=1024)}
    for axis, step in trained.task.free_axes().items():
        dynamic[axis] = step * torch.export.Dim(f"cells{axis}", min=1, max=MOST_CELLS)
    with warnings.catch_warnings():
        # The exporter warns about what it does inside itself, and about torchvision.
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        torch.onnx.export(
            network,
            (torch.cat([example, example]),),
            str(path),
            input_names=["inputs"],
            output_names=["outputs"],
            dynamic_shapes=(dynamic,),
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    exported = OnnxNetwork(path)
    generator = torch.Generator().manual_seed(0)
    largest = 0.0
    for count in (1, 3):
        shape = (count, *example.shape[1:])
        inputs = torch.rand(shape, generator=generator) * example.abs().max()
        with torch.inference_mode():
            expected, got = trained.network(inputs), exported(inputs)
        scale = expected.abs().clamp_min(1.0)
        largest = max(largest, float(((expected - got).abs() / scale).max()))
    if largest > TOLERANCE:
        raise SeedbedError(
            f"the exported network differs from torch's by {largest:.2g}, more than {TOLERANCE:g}: "
            f"{path} is not to be trusted."
        )
    described = {
        "task": trained.task.name,
        "settings": trained.task.settings.model_dump(mode="json"),
        "processing": trained.task.processing(),
        "difference_to_torch": largest,
    }
    write_whole(path.with_suffix(".json"), as_json(described).encode())
    return Exported(
        path,
        path.stat().st_size,
        largest,
        _milliseconds(exported, example),
        _milliseconds(network, example),
    )


class _Reader:
    """Calibration inputs, one at a time, as onnxruntime's quantiser asks for them."""

    def __init__(self, inputs: Sequence[NDArray[np.float32]]) -> None:
        self.left = iter(inputs)

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        found = next(self.left, None)
        return None if found is None else {"inputs": found}


def quantise(trained: Trained, onnx: Path, path: Path, items: Sequence[Any]) -> Exported:
    """Write the exported network with int8 filters and activations.

    Ranges come from examples of `items`, jittered as in training. Raises `InputError`
    where there are none.
    """
    from onnxruntime.quantization import (
        CalibrationDataReader,
        QuantFormat,
        QuantType,
        quantize_static,
    )
    from onnxruntime.quantization.shape_inference import quant_pre_process

    from seedbed.streams import stream

    if not items:
        raise InputError("int8 needs data to measure the ranges of activations: give --data.")
    inputs = [
        trained.task.example(item, stream(0, "calibration", number))["inputs"][None]
        for number, item in enumerate(items[:CALIBRATED_ON])
    ]

    class Calibration(_Reader, CalibrationDataReader):  # type: ignore[misc]
        """The reader under the class that the quantiser asks for."""

    prepared = path.with_suffix(".prepared.onnx")
    try:
        quant_pre_process(str(onnx), str(prepared), skip_symbolic_shape=True)
        quantize_static(
            str(prepared),
            str(path),
            Calibration([one.astype(np.float32) for one in inputs]),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
            op_types_to_quantize=["Conv"],
        )
    finally:
        prepared.unlink(missing_ok=True)
    example = trained.task.example_input()
    exported = OnnxNetwork(path)
    with torch.inference_mode():
        difference = float((trained.network(example) - exported(example)).abs().max())
    return Exported(
        path,
        path.stat().st_size,
        difference,
        _milliseconds(exported, example),
        _milliseconds(trained.network, example),
    )


@dataclass(frozen=True)
class MetricChange:
    """A metric of the exported network and of its int8 copy, on the same items.

    `interval_95` is the paired bootstrap's of their difference; None for metrics that cannot be
    resampled.
    """

    float32: float
    int8: float
    interval_95: tuple[float, float] | None

    @property
    def change(self) -> float:
        """What int8 adds to the metric."""
        return self.int8 - self.float32


@dataclass(frozen=True)
class Quantised:
    """An int8 file, and what it costs: each metric before and after, by name."""

    exported: Exported
    calibrated_on: int
    measured_on: int
    metrics: dict[str, MetricChange]

    def values(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "quantised": "filters and activations of convolutions in int8, by onnxruntime",
            "size_bytes": self.exported.size_bytes,
            "milliseconds": round(self.exported.milliseconds, 3),
            "largest_difference_to_torch": self.exported.difference,
            "calibrated_on_items": self.calibrated_on,
            "measured_on_items": self.measured_on,
            "metrics": {
                name: {
                    "float32": one.float32,
                    "int8": one.int8,
                    "change": one.change,
                    "interval_95": None if one.interval_95 is None else list(one.interval_95),
                }
                for name, one in self.metrics.items()
            },
        }


def export_int8(
    trained: Trained, onnx: Path, path: Path, items: Sequence[Any], data: dict[str, Any]
) -> Quantised:
    """Write an int8 copy of an exported network, and what it costs beside it (`.json`).

    An even share of `items` sets the ranges, at most `CALIBRATED_ON`; metrics are measured on
    the others. `data` says in the `.json` where they come from. Raises `InputError` for fewer
    than two items.
    """
    if len(items) < 2:
        raise InputError(
            f"int8 needs at least 2 items, some to measure ranges on and others to measure the "
            f"accuracy it costs, got {len(items)}: give more --data or a larger --n."
        )
    # Evenly spread: folders list one class after the other.
    step = max(CALIBRATION_SHARE, -(-len(items) // CALIBRATED_ON))
    ranges = list(items[::step])
    measured = [item for number, item in enumerate(items) if number % step]
    exported = quantise(trained, onnx, path, ranges)
    before = all_outcomes(trained.task, trained.network, measured)
    after = all_outcomes(trained.task, OnnxNetwork(path), measured)
    found = Quantised(exported, len(ranges), len(measured), _changes(trained, before, after))
    write_whole(path.with_suffix(".json"), as_json({**found.values(), "data": data}).encode())
    return found


def _changes(
    trained: Trained, before: Sequence[Outcome], after: Sequence[Outcome]
) -> dict[str, MetricChange]:
    """Each metric of the same items' outcomes with one network and with another."""
    task = trained.task

    def changes(drawn: Sequence[tuple[Outcome, Outcome]]) -> dict[str, float]:
        one = task.metrics([first for first, _ in drawn])
        other = task.metrics([second for _, second in drawn])
        return {name: other[name] - one[name] for name in one.keys() & other.keys()}

    intervals = bootstrap(list(zip(before, after, strict=True)), changes, seed=0)
    first = {**task.metrics(before), **task.whole_set_metrics(before)}
    second = {**task.metrics(after), **task.whole_set_metrics(after)}
    return {
        name: MetricChange(first[name], second[name], intervals.get(name))
        for name in first
        if name in second
    }


def _milliseconds(network: nn.Module, example: Tensor, rounds: int = 5) -> float:
    """The best of some rounds: others only add to it."""
    best = float("inf")
    with torch.inference_mode():
        for _ in range(rounds):
            started = time.perf_counter()
            network(example)
            best = min(best, time.perf_counter() - started)
    return 1000 * best
