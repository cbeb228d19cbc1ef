"""Every layer of a line with its shapes, weights and costs, worked out in plain Python.

The trace prints a plan and the network is built from one, so what is printed is what is
built. Shapes are channels-last and without the records' axis, as the notation writes them:
`(28, 28, 1)` is (height, width, channels), `(16000, 1)` is (time, channels).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from math import prod
from typing import Literal, TypeAlias

from seedbed.errors import InputError
from seedbed.trainers.conv.notation import (
    Activation,
    Arch,
    Block,
    Dropout,
    Filters,
    Flatten,
    FullyConnected,
    GlobalPool,
    Norm,
    Padding,
    Pool,
    Recurrent,
    Softmax,
    Step,
    Unroll,
    WaveNet,
    error_at,
    spell,
)

Layout: TypeAlias = Literal["channels_last", "channels_first"]
Shape: TypeAlias = tuple[int, ...]

LAYOUTS: tuple[Layout, ...] = ("channels_last", "channels_first")
MAX_AXES = 3
"""Positions have up to three axes: time, height, width."""

MAX_SIZE = 10**9
"""Numbers in one layer's output for one record: 4 GB as float32, more than any layer needs."""


@dataclass(frozen=True)
class LayerPlan:
    """One layer: what goes in and out, its weights as tensors, and what it costs a record.

    `name` is the layer's path in the network, and so the prefix of its weights' names.
    `weights` holds shapes as tensor algebra writes them, filters as (*window, inputs /
    groups, outputs). `parameters` counts trained numbers, biases included. `flops` counts 2
    for each multiplication with its addition in filters, fully connected and recurrent
    layers, and one for each number an elementwise layer or a pool's window reads (2 in a
    norm, 3 in a softmax); biases are left out. `field` is the receptive field along each
    axis of the input in positions, None where it is all of it.
    """

    name: str
    step: Step
    input: Shape
    output: Shape
    weights: tuple[Shape, ...]
    parameters: int
    flops: int
    field: tuple[int, ...] | None
    stride: tuple[int, ...]
    """The layer's own stride along each axis."""
    outputs: int
    """Numbers a record that are kept for the backward pass, those inside included."""
    body: tuple[LayerPlan, ...] = ()
    """The layers inside a residual block."""
    shortcut: Shape = ()
    """The shortcut's weights where a block changes shape, else empty."""

    @property
    def positions(self) -> int:
        """Positions of the output: 1 for a vector."""
        return prod(self.output[:-1])


@dataclass(frozen=True)
class Plan:
    """A line applied to an input shape."""

    arch: Arch
    input: Shape
    output: Shape
    layers: tuple[LayerPlan, ...]
    free: tuple[bool, ...]
    """For each axis of the input: whether another size than the planned one fits as well."""


def to_channels_last(shape: Shape, layout: Layout) -> Shape:
    """A shape in `layout` (without records) as the notation writes it."""
    check_layout(layout)
    return (*shape[1:], shape[0]) if layout == "channels_first" else tuple(shape)


def check_layout(layout: str) -> None:
    """Raise `InputError` where `layout` is not one of the two."""
    if layout not in LAYOUTS:
        raise InputError(
            f"layout must be one of {', '.join(LAYOUTS)}, got {layout!r}; it is never guessed."
        )


def plan(arch: Arch, input_shape: Shape) -> Plan:
    """Work out every layer of a line on a channels-last input shape without records.

    Raises `InputError` that points at the first layer that does not fit.
    """
    if not 1 <= len(input_shape) <= MAX_AXES + 1:
        raise InputError(
            f"an input has 1 to {MAX_AXES + 1} axes, positions and then channels (such as "
            f"28,28,1), got {_text(input_shape)}."
        )
    if min(input_shape) < 1:
        raise InputError(f"every axis of the input is at least 1, got {_text(input_shape)}.")
    axes = len(input_shape) - 1
    state = _State(tuple(input_shape), (1,) * axes, (1,) * axes, (True,) * axes, True)
    planner = _Planner("")
    layers = planner.layers(arch.steps, state)
    return Plan(arch, tuple(input_shape), planner.state.shape, layers, planner.state.free)


@dataclass(frozen=True)
class _State:
    """What the layers so far have made of the input."""

    shape: Shape
    field: tuple[int, ...] | None
    jump: tuple[int, ...]
    """Input positions between two neighbouring positions, along each axis of the input."""
    free: tuple[bool, ...]
    spatial: bool
    """Whether the axes of `shape` are still those of the input."""


_KINDS: dict[type[Step], str] = {
    Filters: "conv",
    Pool: "pool",
    Activation: "act",
    Norm: "norm",
    Dropout: "drop",
    Flatten: "flatten",
    FullyConnected: "fc",
    Softmax: "softmax",
    WaveNet: "wavenet",
    Block: "block",
}


class _Planner:
    """Goes through the steps of a line or of a block's body."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.counts: Counter[str] = Counter()
        self.state: _State

    def name(self, step: Step) -> str:
        match step:
            case Unroll():
                kind = "rows" if step.kept == "first" else "columns"
            case GlobalPool():
                kind = "gmp" if step.kind == "max" else "gap"
            case Recurrent():
                kind = step.kind.lower()
            case _:
                kind = _KINDS[type(step)]
        self.counts[kind] += 1
        return f"{self.prefix}{kind}{self.counts[kind]}"

    def layers(self, steps: tuple[Step, ...], state: _State) -> tuple[LayerPlan, ...]:
        """Plan `steps` one after the other; the state they leave stands in `self.state`."""
        self.state = state
        planned: list[LayerPlan] = []
        for step in steps:
            if isinstance(step, Block):
                for _ in range(step.times):
                    if step.residual:
                        planned.append(self.residual(step))
                    else:
                        planned.extend(self.layers(step.body, self.state))
            else:
                layer = self.layer(step)
                if prod(layer.output) > MAX_SIZE:
                    raise error_at(
                        step.place,
                        f"its output {_text(layer.output)} has more than {MAX_SIZE:,} numbers; "
                        f"take a smaller input, a stride or fewer filters.",
                    )
                planned.append(layer)
        return tuple(planned)

    def layer(self, step: Step) -> LayerPlan:
        before = self.state
        match step:
            case Filters():
                return self.filters(step, before)
            case Pool():
                return self.pool(step, before)
            case FullyConnected():
                return self.fully_connected(step, before)
            case Recurrent():
                return self.recurrent(step, before)
            case WaveNet():
                return self.wavenet(step, before)
            case Flatten() | Unroll() | GlobalPool():
                return self.reshape(step, before)
            case _:
                return self.elementwise(step, before)

    def done(
        self,
        step: Step,
        shape: Shape,
        weights: tuple[Shape, ...] = (),
        parameters: int = 0,
        flops: int = 0,
        stride: tuple[int, ...] = (),
        kept: int | None = None,
    ) -> LayerPlan:
        before = self.state.shape
        return LayerPlan(
            name=self.name(step),
            step=step,
            input=before,
            output=shape,
            weights=weights,
            parameters=parameters,
            flops=flops,
            field=self.state.field,
            stride=stride or (1,) * (len(shape) - 1),
            outputs=prod(shape) if kept is None else kept,
        )

    def moved(self, layer: LayerPlan, **changes: object) -> LayerPlan:
        """The state after `layer`, and the layer with the receptive field it then has."""
        self.state = replace(self.state, shape=layer.output, **changes)  # type: ignore[arg-type]
        return replace(layer, field=self.state.field)

    def seen(
        self, window: tuple[int, ...], dilation: tuple[int, ...], stride: tuple[int, ...]
    ) -> tuple[tuple[int, ...] | None, tuple[int, ...]]:
        """The receptive field and the jump after a window has passed over the positions."""
        before = self.state
        if before.field is None or not before.spatial:
            # After `rows` or `columns` one axis of the input is left, the others are seen whole.
            return before.field, before.jump
        field = tuple(
            wide + (size - 1) * gap * jump
            for wide, size, gap, jump in zip(
                before.field, window, dilation, before.jump, strict=True
            )
        )
        jump = tuple(j * s for j, s in zip(before.jump, stride, strict=True))
        return field, jump

    def per_axis(self, step: Step, sizes: tuple[int, ...], what: str, axes: int) -> tuple[int, ...]:
        if len(sizes) == 1:
            return sizes * axes
        if len(sizes) != axes:
            raise error_at(
                step.place,
                f"its {what} has {len(sizes)} axes, but {_text(self.state.shape)} has {axes} "
                f"before its channels; write one number for all or {axes} joined by x.",
            )
        return sizes

    def filters(self, step: Filters, before: _State) -> LayerPlan:
        *positions, channels = before.shape
        axes = len(positions)
        if axes == 0:
            raise error_at(
                step.place,
                f"filters need positions, but {_text(before.shape)} has none; put them before "
                f"the flatten or global pooling, or write FC{step.count}.",
            )
        window = self.per_axis(step, step.window, "window", axes)
        stride = self.per_axis(step, step.stride, "stride", axes)
        dilation = self.per_axis(step, step.dilation, "dilation", axes)
        for what, number in (("input channels", channels), ("filters", step.count)):
            if number % step.groups:
                raise error_at(
                    step.place,
                    f"{number} {what} cannot be shared out evenly among {step.groups} groups; "
                    f"take a number of groups that divides it.",
                )
        spans = [(size - 1) * gap + 1 for size, gap in zip(window, dilation, strict=True)]
        shape = (*self.slid(step, positions, spans, stride, step.padding), step.count)
        weight = (*window, channels // step.groups, step.count)
        layer = self.done(
            step,
            shape,
            weights=(weight,),
            parameters=prod(weight) + (step.count if step.bias else 0),
            flops=2 * prod(weight) * prod(shape[:-1]),
            stride=stride,
        )
        field, jump = self.seen(window, dilation, stride)
        return self.moved(layer, field=field, jump=jump)

    def slid(
        self,
        step: Step,
        positions: list[int],
        spans: list[int],
        stride: tuple[int, ...],
        padding: Padding,
    ) -> list[int]:
        """Positions of a window that slides over `positions`."""
        if padding != "valid":
            return [-(-size // by) for size, by in zip(positions, stride, strict=True)]
        for size, span in zip(positions, spans, strict=True):
            if span > size:
                raise error_at(
                    step.place,
                    f"a window of {span} does not fit into {size} of {_text(self.state.shape)} "
                    f"without padding; take `valid` away or a smaller window.",
                )
        return [
            (size - span) // by + 1 for size, span, by in zip(positions, spans, stride, strict=True)
        ]

    def pool(self, step: Pool, before: _State) -> LayerPlan:
        *positions, channels = before.shape
        axes = len(positions)
        if axes == 0:
            raise error_at(
                step.place,
                f"pooling needs positions, but {_text(before.shape)} has none; put it before "
                f"the flatten or global pooling.",
            )
        window = self.per_axis(step, step.window, "window", axes)
        stride = self.per_axis(step, step.stride, "stride", axes)
        shape = (*self.slid(step, positions, list(window), stride, step.padding), channels)
        layer = self.done(step, shape, flops=prod(shape) * prod(window), stride=stride)
        field, jump = self.seen(window, (1,) * axes, stride)
        return self.moved(layer, field=field, jump=jump)

    def fully_connected(self, step: FullyConnected, before: _State) -> LayerPlan:
        *positions, channels = before.shape
        if len(positions) > 1:
            raise error_at(
                step.place,
                f"a fully connected layer needs a vector or a sequence, but gets "
                f"{_text(before.shape)}; put `flatten` or `gap` before it, or write "
                f"F{step.count}@{'x'.join('1' for _ in positions)}.",
            )
        weight = (channels, step.count)
        layer = self.done(
            step,
            (*positions, step.count),
            weights=(weight,),
            parameters=prod(weight) + (step.count if step.bias else 0),
            flops=2 * prod(weight) * prod(positions),
        )
        return self.moved(layer)

    def sequence(self, step: Step, before: _State, what: str) -> tuple[int, int]:
        if len(before.shape) != 2:
            raise error_at(
                step.place,
                f"{what} needs a sequence (time, channels), but gets {_text(before.shape)}; put "
                f"`rows` or `columns` before it, and no `flatten`.",
            )
        return before.shape[0], before.shape[1]

    def recurrent(self, step: Recurrent, before: _State) -> LayerPlan:
        time, channels = self.sequence(step, before, f"a {step.kind}")
        gates = 3 if step.kind == "GRU" else 4
        ways = 2 if step.direction == "both" else 1
        weights = ((channels, gates * step.count), (step.count, gates * step.count)) * ways
        matrices = sum(prod(weight) for weight in weights)
        features = ways * step.count
        layer = self.done(
            step,
            (features,) if step.last else (time, features),
            weights=weights,
            # Two biases a gate: torch keeps one for the input and one for the feedback.
            parameters=matrices + ways * 2 * gates * step.count,
            flops=2 * matrices * time,
            kept=time * features,
        )
        return self.moved(layer, field=None, spatial=False)

    def wavenet(self, step: WaveNet, before: _State) -> LayerPlan:
        time, channels = self.sequence(step, before, "a WaveNet block")
        count = step.count
        weights: list[Shape] = [] if channels == count else [(1, channels, count)]
        parameters = 0 if channels == count else channels * count + count
        for layer_index in range(step.layers):
            last = layer_index == step.layers - 1
            gated = (step.window, count, 2 * count)
            out = (1, count, count if last else 2 * count)
            weights += [gated, out]
            parameters += prod(gated) + gated[-1] + prod(out) + out[-1]
        layer = self.done(
            step,
            (time, count),
            weights=tuple(weights),
            parameters=parameters,
            flops=2 * time * sum(prod(weight) for weight in weights),
            kept=time * (sum(weight[-1] for weight in weights) + step.layers * count),
        )
        reach = 2**step.layers - 1
        field, jump = self.seen((step.window,), (reach,), (1,))
        return self.moved(layer, field=field, jump=jump)

    def reshape(self, step: Step, before: _State) -> LayerPlan:
        *positions, channels = before.shape
        axes = len(positions)
        whole = (False,) * len(before.free)
        if isinstance(step, Flatten):
            return self.moved(
                self.done(step, (prod(before.shape),), kept=0),
                field=None,
                free=whole,
                spatial=False,
            )
        if isinstance(step, GlobalPool):
            if axes == 0:
                raise error_at(
                    step.place,
                    f"global pooling needs positions, but {_text(before.shape)} has none; take "
                    f"it out.",
                )
            layer = self.done(step, (channels,), flops=prod(before.shape))
            return self.moved(layer, field=None, spatial=False)
        assert isinstance(step, Unroll)
        if axes < 2:
            raise error_at(
                step.place,
                f"`{spell(step)}` needs two or more axes before the channels, but gets "
                f"{_text(before.shape)}; take it out.",
            )
        kept = 0 if step.kept == "first" else axes - 1
        time = positions[kept]
        layer = self.done(step, (time, prod(before.shape) // time), kept=0)
        free = tuple(index == kept and old for index, old in enumerate(before.free))
        return self.moved(layer, field=None, free=free, spatial=False)

    def elementwise(self, step: Step, before: _State) -> LayerPlan:
        channels = before.shape[-1]
        size = prod(before.shape)
        parameters, cost = 0, 1
        weights: tuple[Shape, ...] = ()
        if isinstance(step, Norm):
            if channels % step.groups:
                raise error_at(
                    step.place,
                    f"{channels} channels cannot be shared out evenly among {step.groups} "
                    f"groups; take a number of groups that divides them.",
                )
            parameters, cost = 2 * channels, 2
            weights = ((channels,), (channels,))
        elif isinstance(step, Softmax):
            cost = 3
        elif isinstance(step, Activation) and step.name == "prelu":
            parameters, weights = 1, ((1,),)
        elif isinstance(step, Dropout):
            cost = 0
        return self.moved(self.done(step, before.shape, weights, parameters, cost * size))

    def residual(self, step: Block) -> LayerPlan:
        before = self.state
        name = self.name(step)
        inner = _Planner(f"{name}.body.")
        body = inner.layers(step.body, before)
        after = inner.state
        shape = after.shape
        stride = (1,) * (len(before.shape) - 1)
        shortcut: Shape = ()
        if len(shape) != len(before.shape):
            raise error_at(
                step.place,
                f"the block's input {_text(before.shape)} cannot be added to its output "
                f"{_text(shape)}: they have different axes; leave `flatten`, `last` and the like "
                f"outside.",
            )
        for layer in body:
            stride = tuple(a * b for a, b in zip(stride, layer.stride, strict=True))
        strided = tuple(-(-size // by) for size, by in zip(before.shape[:-1], stride, strict=True))
        if strided != shape[:-1]:
            raise error_at(
                step.place,
                f"the block's input {_text(before.shape)} cannot be added to its output "
                f"{_text(shape)}: its positions do not follow from its strides; use `same` "
                f"padding inside.",
            )
        # A stride needs the shortcut even on one position, where it changes nothing: the next
        # input may have more.
        if shape[-1] != before.shape[-1] or max(stride, default=1) > 1:
            ones = (1,) * len(stride)
            shortcut = (*ones, before.shape[-1], shape[-1])
        added = prod(shape)
        weights = prod(shortcut) if shortcut else 0
        layer = LayerPlan(
            name=name,
            step=step,
            input=before.shape,
            output=shape,
            weights=(shortcut,) if shortcut else (),
            parameters=sum(each.parameters for each in body)
            + (weights + shape[-1] if shortcut else 0),
            flops=sum(each.flops for each in body) + added + 2 * weights * prod(shape[:-1]),
            field=after.field,
            stride=stride,
            outputs=sum(each.outputs for each in body) + added * (2 if shortcut else 1),
            body=body,
            shortcut=shortcut,
        )
        if any(_is_valid(each.step) for each in body):
            # Without padding the two ways around may agree on this size and on no other.
            after = replace(after, free=(False,) * len(after.free))
        self.state = after
        return layer


def _is_valid(step: Step) -> bool:
    if isinstance(step, Block):
        return any(_is_valid(inner) for inner in step.body)
    return isinstance(step, Filters | Pool) and step.padding == "valid"


def shape_text(shape: Shape) -> str:
    """A shape as tensor algebra writes it: `(28,28,1)`."""
    return f"({','.join(str(size) for size in shape)})"


_text = shape_text
