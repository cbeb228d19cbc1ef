"""What a teacher would say about a line: each remark with its reason, none of them binding."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from seedbed.trainers.conv.notation import (
    Activation,
    Dropout,
    Filters,
    Flatten,
    FullyConnected,
    GlobalPool,
    Norm,
    Pool,
    Softmax,
    Step,
    spell,
)
from seedbed.trainers.conv.plan import LayerPlan, Plan, shape_text

TASKS = ("locate", "read", "classify", "listen", "transcribe")

FAR_LARGER = 8
"""A rule of thumb: a layer that makes this many times more numbers than it reads."""

FAR_SMALLER = 100
"""A rule of thumb: a hidden layer that keeps one number of this many."""

_MONOTONE = ("relu", "relu6", "leaky", "elu", "selu", "tanh", "sigmoid", "softplus", "softsign")


@dataclass(frozen=True)
class Advice:
    """A remark: `kind` is a stable key, `layer` the layer's name."""

    kind: str
    layer: str
    message: str


def advise(planned: Plan, task: str | None = None) -> tuple[Advice, ...]:
    """Remarks on a plan, in the order of its layers; `task` is one of `TASKS`, or None."""
    layers = list(_unfolded(planned.layers))
    found: list[Advice] = []
    for index, layer in enumerate(layers):
        before = layers[index - 1] if index else None
        after = layers[index + 1 :]
        for advice in (
            _pooled_before_activation(layer, before, after),
            _far_from_its_input(layer, after),
            _large_filter(layer),
            _position_lost(layer, task),
            _softmax(layer, layers[:index], after),
            _straight_after_another(layer, layers[:index]),
            _bias_undone(layer, after),
            _clamped_scores(layer, before),
        ):
            if advice is not None:
                found.append(advice)
    return tuple(found)


def _unfolded(layers: tuple[LayerPlan, ...]) -> Iterator[LayerPlan]:
    for layer in layers:
        if layer.body:
            yield from _unfolded(layer.body)
            yield layer
        else:
            yield layer


def _is_linear(step: Step) -> bool:
    return isinstance(step, Filters | FullyConnected)


def _pooled_before_activation(
    layer: LayerPlan, before: LayerPlan | None, after: list[LayerPlan]
) -> Advice | None:
    step = layer.step
    if not isinstance(step, Pool) or before is None or not after:
        return None
    if not (_is_linear(before.step) or isinstance(before.step, Norm)):
        return None
    activation = after[0].step
    if not isinstance(activation, Activation):
        return None
    first, second = spell(activation), spell(step)
    if step.kind == "max" and activation.name in _MONOTONE:
        reason = (
            f"`{first} > {second}` is the usual order; with max pooling both give the same "
            f"numbers, and this one computes {first} on {prod(step.stride)}x fewer of them: "
            f"keep it if that is why"
        )
        if len(step.stride) == 1:
            reason = reason.replace(
                f"{step.stride[0]}x", f"{step.stride[0] ** (len(layer.input) - 1)}x"
            )
    else:
        reason = (
            f"put {first} before {second}: pooled first, what does not answer cancels what does, "
            f"and {first} sees only the remainder"
        )
    return Advice("relu-before-pooling", layer.name, reason + ".")


def _far_from_its_input(layer: LayerPlan, after: list[LayerPlan]) -> Advice | None:
    step = layer.step
    if isinstance(step, Filters):
        read = prod(layer.weights[0][:-1])
    elif isinstance(step, FullyConnected):
        read = layer.weights[0][0]
    else:
        return None
    hidden = any(_is_linear(later.step) for later in after)
    if step.count > FAR_LARGER * read:
        return Advice(
            "far-larger",
            layer.name,
            f"`{spell(step)}` makes {step.count} numbers of {read}, "
            f"{step.count / read:.0f}x more than it reads: no more than {read} of them can be "
            f"independent before the activation, and the rest cost work and overfit.",
        )
    if hidden and isinstance(step, FullyConnected) and read > FAR_SMALLER * step.count:
        return Advice(
            "far-smaller",
            layer.name,
            f"`{spell(step)}` keeps {step.count} numbers of {read}, 1 of "
            f"{read / step.count:.0f}: a bottleneck that throws away what later layers may "
            f"need; shrink in steps, by strides, pooling or `gap`, or make it wider.",
        )
    return None


def _large_filter(layer: LayerPlan) -> Advice | None:
    step = layer.step
    if not isinstance(step, Filters) or step.padding == "valid":
        return None
    *window, inputs, count = layer.weights[0]
    if len(window) < 2 or set(window) != {window[0]} or window[0] < 5 or window[0] % 2 == 0:
        return None
    if set(layer.stride) != {1} or set(step.dilation) != {1}:
        return None
    small = (window[0] - 1) // 2
    axes = len(window)
    now = prod(layer.weights[0])
    then = 3**axes * (inputs + (small - 1) * count // step.groups) * count
    if then >= now:
        return None
    by = "x".join(["3"] * axes)
    times = {2: "two", 3: "three"}.get(small, str(small))
    return Advice(
        "large-filter",
        layer.name,
        f"`{spell(step)}` has {now:,} weights; {times} F{step.count}@{by} one after the other see "
        f"the same {'x'.join(map(str, window))} with {then:,} and bend {times} times instead of "
        f"once.",
    )


def _position_lost(layer: LayerPlan, task: str | None) -> Advice | None:
    step = layer.step
    if task == "locate" and isinstance(step, GlobalPool | Flatten):
        return Advice(
            "position-lost",
            layer.name,
            f"`{spell(step)}` leaves no positions, and locating answers at each of them: end in "
            f"filters, such as F9@1x1.",
        )
    if task == "locate" and isinstance(step, Pool):
        if set(layer.stride) == {1}:
            return None
        return Advice(
            "position-lost",
            layer.name,
            f"`{spell(step)}` forgets where in its window a thing was, and locating needs that: "
            f"use a stride, such as F64@3x3/2, or dilation instead.",
        )
    if task in ("read", "transcribe") and isinstance(step, GlobalPool | Flatten):
        return Advice(
            "position-lost",
            layer.name,
            f"`{spell(step)}` leaves no order of characters, and CTC needs a step for each: use "
            f"{'`columns`' if task == 'read' else '`rows`'}.",
        )
    kept = -1 if task == "read" else 0
    if task in ("read", "transcribe") and isinstance(step, Pool) and layer.stride[kept] > 1:
        return Advice(
            "position-lost",
            layer.name,
            f"`{spell(step)}` leaves {shape_text(layer.output)}, "
            f"1 of {layer.stride[kept]} steps of the {'width' if task == 'read' else 'time'}: "
            f"two letters in one step cannot both be read; pool the other axis alone.",
        )
    return None


def _softmax(layer: LayerPlan, before: list[LayerPlan], after: list[LayerPlan]) -> Advice | None:
    if not isinstance(layer.step, Softmax):
        return None
    if any(isinstance(earlier.step, Softmax) for earlier in before):
        return Advice(
            "softmax-twice",
            layer.name,
            "a second softmax flattens what the first has decided: of numbers between 0 and 1 "
            "none gets more than 2.7 times another's share; keep the last one only.",
        )
    if any(_is_linear(later.step) for later in after):
        return Advice(
            "softmax-inside",
            layer.name,
            "a softmax inside makes the channels compete and their gradients small; use R there, "
            "and softmax at the end.",
        )
    return None


def _straight_after_another(layer: LayerPlan, before: list[LayerPlan]) -> Advice | None:
    if not _is_linear(layer.step):
        return None
    for earlier in reversed(before):
        if _is_linear(earlier.step):
            if earlier.output == layer.input or isinstance(layer.step, FullyConnected):
                return Advice(
                    "linear-twice",
                    layer.name,
                    f"`{spell(layer.step)}` follows {earlier.name} with nothing that bends in "
                    f"between: two linear layers are no more than one; put R between them.",
                )
            return None
        if not isinstance(earlier.step, Dropout | Norm | Flatten):
            return None
    return None


def _bias_undone(layer: LayerPlan, after: list[LayerPlan]) -> Advice | None:
    step = layer.step
    if not isinstance(step, Filters | FullyConnected) or not step.bias or not after:
        return None
    following = after[0].step
    if not isinstance(following, Norm) or following.kind != "batch":
        return None
    return Advice(
        "bias-undone",
        layer.name,
        f"BN takes the mean away, and the bias of `{spell(step)}` with it: write "
        f"`{spell(step)} nobias` and save {step.count} weights.",
    )


def _clamped_scores(layer: LayerPlan, before: LayerPlan | None) -> Advice | None:
    if not isinstance(layer.step, Softmax) or before is None:
        return None
    if not isinstance(before.step, Activation) or before.step.name not in ("relu", "relu6"):
        return None
    return Advice(
        "scores-cut",
        before.name,
        f"`{spell(before.step)}` straight before softmax makes all negative scores equal, and "
        f"they stop learning; take it out.",
    )
