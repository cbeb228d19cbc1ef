"""Penalties on weights and on activations: L1, L2, and both together (elastic).

L1 pulls every number towards zero with the same force and so leaves few of them, which is a
choice of features; L2 pulls the large ones hardest and keeps all of them small. Tibshirani,
"Regression shrinkage and selection via the lasso", 1996; Zou and Hastie, "Regularization and
variable selection via the elastic net", 2005.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from math import prod
from typing import Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from seedbed.component import Component
from seedbed.errors import InputError
from seedbed.registry import nearest
from seedbed.trainers.conv.network import Network

NEAR_ZERO = 1e-3
"""Below this a number counts as near zero: L1 under a gradient step hovers, and never rests."""

_INNER = ("layers", "body")
"""Parts of modules' names that may be left out."""

_ACTIVATIONS = (
    nn.ReLU,
    nn.ReLU6,
    nn.LeakyReLU,
    nn.PReLU,
    nn.ELU,
    nn.SELU,
    nn.GELU,
    nn.SiLU,
    nn.Mish,
    nn.Hardswish,
    nn.Softplus,
    nn.Softsign,
    nn.Tanh,
    nn.Sigmoid,
)


class Penalty(Component):
    """What is added to the loss: `l1 * sum |x| + l2 * sum x^2`; with both it is elastic.

    On weights, x are a layer's filters or matrices, never its biases or norms. On activations,
    x are a layer's outputs, summed for each record and averaged over the records. `layers`
    are names, see `matching_layers`; on weights, a block's name stands for all inside. `all` means
    every layer with weights, or every activation function.
    """

    on: Literal["weights", "activations"] = "weights"
    l1: float = Field(default=0.0, ge=0.0)
    l2: float = Field(default=0.0, ge=0.0)
    layers: Literal["all"] | tuple[str, ...] = "all"

    @model_validator(mode="after")
    def _does_something(self) -> Penalty:
        if self.l1 == 0.0 and self.l2 == 0.0:
            raise ValueError("l1 or l2 must be above 0; a penalty without either does nothing")
        return self

    def of(self, numbers: Tensor) -> Tensor:
        """The penalty on one tensor, a scalar that can be differentiated."""
        total = numbers.new_zeros(())
        if self.l1:
            total = total + self.l1 * numbers.abs().sum()
        if self.l2:
            total = total + self.l2 * numbers.square().sum()
        return total


class Regulariser:
    """Penalties at work on one network.

    Make it before `torch.compile`, add `penalty()` to the loss after each forward pass, and
    `close()` it at the end; it also works in a `with` statement.
    """

    def __init__(self, network: nn.Module, penalties: Sequence[Penalty]) -> None:
        """Raises `InputError` for a layer that is not there, with the nearest name."""
        self._weights: list[tuple[Penalty, list[nn.Parameter]]] = []
        self._waiting: list[Tensor] = []
        self._hooks: list[RemovableHandle] = []
        for penalty in penalties:
            chosen = _chosen(network, penalty)
            if penalty.on == "weights":
                self._weights.append((penalty, [w for m in chosen for w in matrices(m)]))
            else:
                self._hooks += [
                    module.register_forward_hook(self._listener(penalty)) for module in chosen
                ]

    def _listener(self, penalty: Penalty) -> _Listener:
        return _Listener(penalty, self._waiting)

    def penalty(self) -> Tensor:
        """All penalties of the last forward pass in training mode, as one scalar."""
        parts = [penalty.of(weight) for penalty, weights in self._weights for weight in weights]
        parts += self._waiting
        self._waiting.clear()
        return torch.stack(parts).sum() if parts else torch.zeros(())

    def close(self) -> None:
        """Listen to the activations no longer."""
        for hook in self._hooks:
            hook.remove()
        self._hooks.clear()
        self._waiting.clear()

    def __enter__(self) -> Regulariser:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(frozen=True)
class _Listener:
    """A forward hook that keeps the penalty on a layer's output until it is asked for."""

    penalty: Penalty
    waiting: list[Tensor]

    def __call__(self, module: nn.Module, inputs: object, output: Tensor) -> None:
        if module.training:
            # A sum over thousands of outputs would lose most of them in bf16.
            self.waiting.append(self.penalty.of(output.float()) / output.shape[0])


def matrices(module: nn.Module) -> list[nn.Parameter]:
    """A module's own weights that multiply: those with two axes or more."""
    return [weight for weight in module.parameters(recurse=False) if weight.dim() > 1]


def layer_names(network: nn.Module) -> dict[str, nn.Module]:
    """All modules by their names in the trace: without the `layers.` that weights begin with."""
    return {
        name.removeprefix("layers."): module
        for name, module in network.named_modules()
        if name not in ("", "layers")
    }


def _chosen(network: nn.Module, penalty: Penalty) -> list[nn.Module]:
    named = layer_names(network)
    if penalty.layers == "all":
        if penalty.on == "weights":
            return [module for module in named.values() if matrices(module)]
        chosen: list[nn.Module] = [
            module for module in named.values() if isinstance(module, _ACTIVATIONS)
        ]
        if not chosen:
            raise InputError(
                "regularise: there is no activation function to put a penalty on; name the "
                "layers whose outputs are meant."
            )
        return chosen
    found: list[nn.Module] = []
    for pattern in penalty.layers:
        matched = list(matching_layers(network, pattern).values())
        if penalty.on == "weights":
            matched = [part for one in matched for part in one.modules() if matrices(part)]
            if not matched:
                raise InputError(
                    f"regularise: layer {pattern!r} has no weights to put a penalty on."
                )
        found += [one for one in matched if not any(one is other for other in found)]
    return found


def matching_layers(network: nn.Module, pattern: str) -> dict[str, nn.Module]:
    """The layers that a name stands for, by their names in `layer_names`.

    A name is one that `seedbed arch` prints (`conv1`, `block1.body.conv2`), which means that layer
    in every line of the network, or one that begins with the part of the task's network
    (`features.conv1`, `stages.0.conv1`, `head`); a part's name alone is all of it. `*`, `?` and
    `[…]` stand for letters between two dots: `conv*`, `stages.*.conv1`.

    Raises `InputError` with the names that there are, and the nearest one.
    """
    found: dict[str, nn.Module] = {}
    for name, module in layer_names(network).items():
        # What pads before filters is a module, but no layer.
        if name.endswith("_pad"):
            continue
        if any(_matches(pattern, one) for one in _names_of(network, name)):
            found[name] = module
    if found:
        return found
    known = dict.fromkeys(
        one
        for name in layer_names(network)
        if not name.endswith("_pad")
        for one in reversed(_names_of(network, name))
    )
    shown = [name for name in known if "." not in name] or list(known)
    raise InputError(
        f"regularise: there is no layer {pattern!r}{nearest(pattern, list(known)) or '.'} "
        f"There are: {', '.join(shown)}; `seedbed arch` prints those of a line."
    )


def _names_of(network: nn.Module, name: str) -> list[str]:
    """A layer's names: as in `layer_names`, from the task's part on, and as the trace prints it."""
    parts = name.split(".")
    if parts[-1] in _INNER:
        return [name]  # the same output as its part's or its block's
    named = layer_names(network)
    short = ".".join(part for part in parts if part not in _INNER)
    names = [name, short]
    for end in range(1, len(parts)):
        if isinstance(named.get(".".join(parts[:end])), Network):
            printed = [part for part in parts[end:] if part != "layers"]
            names += [".".join(printed), ".".join(part for part in printed if part != "body")]
    return [one for one in dict.fromkeys(names) if one]


def _matches(pattern: str, name: str) -> bool:
    wanted, parts = pattern.split("."), name.split(".")
    return len(wanted) == len(parts) and all(
        fnmatchcase(part, one) for part, one in zip(parts, wanted, strict=True)
    )


def near_zero_weights(network: nn.Module, threshold: float = NEAR_ZERO) -> dict[str, float]:
    """The share of each layer's weights that are nearer to zero than `threshold`, and of all.

    Keys are the layers' names, and `all`.
    """
    return _shares(
        (
            (name, [weight.detach() for weight in matrices(module)])
            for name, module in layer_names(network).items()
            if matrices(module)
        ),
        threshold,
    )


def near_zero_activations(
    network: nn.Module, records: Tensor, threshold: float = NEAR_ZERO
) -> dict[str, float]:
    """The share of each activation function's outputs that are near zero, and of all of them.

    One forward pass in evaluation mode; the network is left in the mode it was in.
    """
    kept: dict[str, list[Tensor]] = {}
    hooks = []
    for name, module in layer_names(network).items():
        if isinstance(module, _ACTIVATIONS):
            hooks.append(module.register_forward_hook(_Keeper(kept.setdefault(name, []))))
    training = network.training
    try:
        network.eval()
        with torch.no_grad():
            # Not by a call: a compiled network would skip the hooks, its own layers do not.
            network.forward(records)
    finally:
        network.train(training)
        for hook in hooks:
            hook.remove()
    return _shares(kept.items(), threshold)


@dataclass(frozen=True)
class _Keeper:
    kept: list[Tensor]

    def __call__(self, module: nn.Module, inputs: object, output: Tensor) -> None:
        self.kept.append(output)


def _shares(named: Iterable[tuple[str, list[Tensor]]], threshold: float) -> dict[str, float]:
    shares: dict[str, float] = {}
    near, total = 0, 0
    for name, tensors in named:
        below = sum(int((tensor.abs() < threshold).sum()) for tensor in tensors)
        size = sum(tensor.numel() for tensor in tensors)
        if size:
            shares[name] = below / size
            near, total = near + below, total + size
    if total:
        shares["all"] = near / total
    return shares


@dataclass(frozen=True)
class Feature:
    """An input that a layer still listens to, and the sum of its weights' sizes."""

    name: str
    strength: float


def chosen_features(
    network: nn.Module,
    layer: str,
    names: Sequence[str] | None = None,
    threshold: float = NEAR_ZERO,
) -> list[Feature]:
    """The inputs of `layer` that L1 has left, the strongest first.

    An input is left where one of its weights reaches `threshold`. `names` are the inputs' own;
    without them they are `channel 3`, `input 3`, or, behind a `flatten`, their place in what
    was flattened, such as `(4,7,2)` for row 4, column 7, channel 2. Raises `InputError` for a
    layer that is not there or has no weights, or for too few names.
    """
    named = layer_names(network)
    if layer not in named:
        raise InputError(
            f"chosen features: there is no layer {layer!r}{nearest(layer, list(named))}."
        )
    module = named[layer]
    filters = isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d) and module.groups == 1
    if not (filters or isinstance(module, nn.Linear)):
        raise InputError(
            f"chosen features: layer {layer!r} is no fully connected layer and no filters "
            f"without groups."
        )
    weight = matrices(module)[0].detach()
    inputs = weight.shape[1]
    if names is None:
        names = _input_names(network, layer, inputs, isinstance(module, nn.Linear))
    if len(names) != inputs:
        raise InputError(
            f"chosen features: layer {layer!r} has {inputs} inputs, but {len(names)} names came."
        )
    sizes = weight.abs().transpose(0, 1).flatten(1)
    strengths, largest = sizes.sum(1).tolist(), sizes.amax(1).tolist()
    features = [
        Feature(name, strength)
        for name, strength, most in zip(names, strengths, largest, strict=True)
        if most >= threshold
    ]
    return sorted(features, key=lambda feature: -feature.strength)


def _input_names(network: nn.Module, layer: str, inputs: int, linear: bool) -> list[str]:
    if not linear:
        return [f"channel {index}" for index in range(inputs)]
    flattened = _flattened(*_line_of(network, layer, inputs))
    if flattened is None or prod(flattened) != inputs:
        return [f"input {index}" for index in range(inputs)]
    *positions, channels = flattened
    # Flattened channels-first, printed channels-last as everywhere.
    places = torch.cartesian_prod(*(torch.arange(size) for size in (channels, *positions)))
    return [
        f"({','.join(str(number) for number in (*place[1:], place[0]))})"
        for place in places.view(inputs, -1).tolist()
    ]


def _line_of(network: nn.Module, layer: str, inputs: int) -> tuple[Network | None, str]:
    """The line that a layer stands in and its name there; "" for what reads the line's end."""
    if isinstance(network, Network):
        return network, layer
    lines = {name: one for name, one in network.named_modules() if isinstance(one, Network)}
    for name, one in lines.items():
        if layer.startswith(f"{name}.layers."):
            return one, layer.removeprefix(f"{name}.layers.")
    # A task puts its own last layer behind its only line.
    ends = [one for one in lines.values() if one.plan.output == (inputs,)]
    return (ends[0] if len(lines) == len(ends) == 1 else None), ""


def _flattened(network: Network | None, layer: str) -> tuple[int, ...] | None:
    """What was flattened for a layer that reads a `flatten`'s output, channels-last."""
    before: tuple[int, ...] | None = None
    for planned in () if network is None else network.plan.layers:
        if planned.name == layer:
            return before
        if planned.name.startswith("flatten"):
            before = planned.input
        elif planned.output != planned.input or planned.parameters:
            before = None
    return before if not layer else None
