"""What a line does to an input, layer by layer, as tensor algebra: no torch needed.

`(28,28,1) (x) (3,3,1,10) = (28,28,10) (x) (2,2,10,32) = (28,28,32)`: a tensor, convolved or
multiplied with a layer's weights, is the next tensor.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from seedbed.errors import InputError
from seedbed.registry import nearest
from seedbed.trainers.conv.advice import TASKS, Advice, advise
from seedbed.trainers.conv.notation import (
    Arch,
    Block,
    Filters,
    FullyConnected,
    Recurrent,
    WaveNet,
    parse,
    spell,
)
from seedbed.trainers.conv.plan import (
    LayerPlan,
    Layout,
    Plan,
    Shape,
    plan,
    shape_text,
    to_channels_last,
)

BYTES = 4
"""Of one number as float32."""


@dataclass(frozen=True)
class Trace:
    """A planned line with its sums and the advice on it; counts are for one record."""

    plan: Plan
    advice: tuple[Advice, ...]

    @property
    def parameters(self) -> int:
        """Trained numbers."""
        return sum(layer.parameters for layer in self.plan.layers)

    @property
    def flops(self) -> int:
        """Forward, a record, counted as `LayerPlan` says."""
        return sum(layer.flops for layer in self.plan.layers)

    @property
    def training_bytes(self) -> int:
        """Activations a record that training keeps for the way back, as float32."""
        return BYTES * sum(layer.outputs for layer in self.plan.layers)

    @property
    def peak_bytes(self) -> int:
        """The largest input and output of one layer together, as float32: what predicting needs.

        Inside a residual block the block's input waits as well.
        """
        return BYTES * max((_held(layer) for layer in self.plan.layers), default=0)

    @property
    def algebra(self) -> str:
        """The whole line as one chain of tensors and weights."""
        return shape_text(self.plan.input) + "".join(_algebra(layer) for layer in self.plan.layers)

    def rows(self) -> Iterator[tuple[str, str, str, str, str, str, str]]:
        """Name, step, algebra, parameters, FLOPs, receptive field and memory of each layer."""
        for layer in _with_bodies(self.plan.layers):
            own = not layer.body
            yield (
                layer.name,
                spell(layer.step) if own else "+",
                f"{shape_text(layer.input)}{_algebra(layer) if own else _sum(layer)}",
                _short(layer.parameters),
                _short(layer.flops),
                "all" if layer.field is None else "x".join(map(str, layer.field)) or "-",
                f"{_short(BYTES * layer.outputs)}B",
            )

    def summary(self) -> str:
        """The sums in one sentence."""
        return (
            f"{self.parameters:,} parameters, {_short(self.flops)} FLOPs a record, activations "
            f"{_short(self.training_bytes)}B a record to train and {_short(self.peak_bytes)}B to "
            f"predict (float32)"
        )

    def text(self) -> str:
        """Algebra, table, sums and advice, as `seedbed arch` prints them."""
        heads = ("layer", "step", "tensors", "parameters", "FLOPs", "sees", "memory")
        rows = [heads, *self.rows()]
        widths = [max(len(row[column]) for row in rows) for column in range(len(heads))]
        right = (3, 4, 5, 6)
        lines = [self.algebra, ""]
        for row in rows:
            cells = (
                cell.rjust(width) if column in right else cell.ljust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            lines.append("  ".join(cells).rstrip())
        lines += ["", self.summary()]
        if self.advice:
            lines.append("")
            lines += [f"{each.layer}: {each.message}" for each in self.advice]
        return "\n".join(lines)

    def json(self) -> dict[str, Any]:
        """The same as JSON-ready values."""
        return {
            "input": list(self.plan.input),
            "output": list(self.plan.output),
            "algebra": self.algebra,
            "parameters": self.parameters,
            "flops": self.flops,
            "training_bytes": self.training_bytes,
            "peak_bytes": self.peak_bytes,
            "layers": [
                {
                    "name": layer.name,
                    "step": spell(layer.step),
                    "input": list(layer.input),
                    "output": list(layer.output),
                    "weights": [list(weight) for weight in layer.weights],
                    "parameters": layer.parameters,
                    "flops": layer.flops,
                    "receptive_field": None if layer.field is None else list(layer.field),
                    "activation_bytes": BYTES * layer.outputs,
                }
                for layer in _with_bodies(self.plan.layers)
            ],
            "advice": [
                {"kind": each.kind, "layer": each.layer, "message": each.message}
                for each in self.advice
            ],
        }


def trace(
    arch: str | Arch,
    input_shape: Shape,
    layout: Layout = "channels_last",
    task: str | None = None,
) -> Trace:
    """Trace a line on an input shape without records, in the order `layout` names.

    The trace itself is always written channels-last. `task` (`locate`, `read`, …) adds the
    advice that belongs to it. Raises `InputError` that points at the word that does not fit.
    """
    if task is not None and task not in TASKS:
        raise InputError(
            f"task must be one of {', '.join(TASKS)}, got {task!r}{nearest(task, list(TASKS))}."
        )
    read = parse(arch) if isinstance(arch, str) else arch
    planned = plan(read, to_channels_last(input_shape, layout))
    return Trace(planned, advise(planned, task))


def _with_bodies(layers: tuple[LayerPlan, ...]) -> Iterator[LayerPlan]:
    for layer in layers:
        yield from _with_bodies(layer.body)
        yield layer


def _by(sizes: tuple[int, ...]) -> str:
    return "x".join(str(size) for size in (sizes[:1] if len(set(sizes)) == 1 else sizes))


def _algebra(layer: LayerPlan) -> str:
    """What a layer adds to the chain: nothing where it has no weights and leaves the shape."""
    step, result = layer.step, shape_text(layer.output)
    match step:
        case Filters():
            marks = "" if set(layer.stride) == {1} else f"/{_by(step.stride)}"
            marks += "" if set(step.dilation) == {1} else f"*{_by(step.dilation)}"
            marks += "" if step.groups == 1 else f"|{step.groups}"
            return f" (x) {shape_text(layer.weights[0])}{marks} = {result}"
        case FullyConnected():
            return f" (x) {shape_text(layer.weights[0])} = {result}"
        case Recurrent():
            return f" {spell(step)} {shape_text(layer.weights[0])} = {result}"
        case WaveNet():
            return f" {spell(step)} = {result}"
        case Block():
            return f" [{''.join(_algebra(inner) for inner in layer.body)} ]{_sum(layer)}"
        case _:
            return "" if layer.input == layer.output else f" {spell(step)} = {result}"


def _sum(layer: LayerPlan) -> str:
    marks = "" if set(layer.stride) <= {1} else f"/{_by(layer.stride)}"
    added = f"(x) {shape_text(layer.shortcut)}{marks}" if layer.shortcut else "itself"
    return f" + {added} = {shape_text(layer.output)}"


def _held(layer: LayerPlan) -> int:
    size, result = 1, 1
    for number in layer.input:
        size *= number
    for number in layer.output:
        result *= number
    inner = max((_held(each) for each in layer.body), default=0)
    return size + max(result, inner)


def _short(count: int) -> str:
    """A count in at most five characters: `950`, `12.3k`, `4.56M`."""
    value = float(count)
    for unit in ("", "k", "M", "G", "T"):
        if value < 999.5 or unit == "T":
            return str(count) if not unit else f"{value:.3g}{unit}"
        value /= 1000
    return str(count)
