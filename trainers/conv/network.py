"""The torch module a line stands for.

Inside, everything is channels-first with torch's own layers, so that exporters, `torch.compile`
and `memory_format=torch.channels_last` meet nothing unusual. A channels-last input is permuted
at the door, which costs nothing: it is the memory order the fast kernels want.

Weights are named by kind and number (`layers.conv2.weight`, `layers.block1.body.conv1.bias`),
the names the trace prints: a dropout put in between moves none of them. Both layouts have the
same weights.
"""

from __future__ import annotations

import math
from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional

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
    Pool,
    Recurrent,
    Softmax,
    Unroll,
    WaveNet,
    ends_in_softmax,
    parse,
)
from seedbed.trainers.conv.plan import (
    LayerPlan,
    Layout,
    Plan,
    Shape,
    check_layout,
    plan,
    shape_text,
    to_channels_last,
)

_CONVOLUTIONS: tuple[type[nn.Module], ...] = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_MAX_POOLS: tuple[type[nn.Module], ...] = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)
_AVERAGE_POOLS: tuple[type[nn.Module], ...] = (nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)
_PADS: tuple[type[nn.Module], ...] = (nn.ConstantPad1d, nn.ConstantPad2d, nn.ConstantPad3d)
_NORMS: tuple[type[nn.Module], ...] = (
    nn.BatchNorm1d,
    nn.BatchNorm1d,
    nn.BatchNorm2d,
    nn.BatchNorm3d,
)


class Network(nn.Module):
    """A built line: (records, *input shape) in, (records, *output shape) out.

    `layout` and `output_layout` name the order of the axes on either side, and `forward`
    refuses a tensor that is not in it. Axes whose size the line does not fix (no `flatten`
    behind them) may differ from the planned input. An output without positions has no layout.
    """

    def __init__(self, planned: Plan, layout: Layout, output_layout: Layout) -> None:
        super().__init__()
        self.plan = planned
        self.layout: Layout = layout
        self.output_layout: Layout = output_layout
        self.layers = nn.Sequential(_named(planned.layers))

    @property
    def arch(self) -> str:
        """The line it was built from."""
        return self.plan.arch.text

    @property
    def input_shape(self) -> Shape:
        """One record's shape in `layout`."""
        return _in_layout(self.plan.input, self.layout)

    @property
    def output_shape(self) -> Shape:
        """One record's output in `output_layout`, for an input of the planned size."""
        return _in_layout(self.plan.output, self.output_layout)

    def forward(self, records: Tensor) -> Tensor:
        """Raises `InputError` where the shape of `records` is not the planned one."""
        # Tracers freeze sizes themselves and warn about every comparison.
        if not (torch.onnx.is_in_onnx_export() or torch.compiler.is_compiling()):
            self._check(records)
        if self.layout == "channels_last":
            records = channels_to_front(records)
        result: Tensor = self.layers(records)
        return channels_to_back(result) if self.output_layout == "channels_last" else result

    def _check(self, records: Tensor) -> None:
        wanted = self.input_shape
        given = tuple(records.shape[1:])
        free = _in_layout((*self.plan.free, False), self.layout)
        if len(given) == len(wanted) and all(
            open_ or size == right for size, right, open_ in zip(given, wanted, free, strict=True)
        ):
            return
        described = ["records"] + [
            "any" if open_ else str(right) for right, open_ in zip(wanted, free, strict=True)
        ]
        raise InputError(
            f"this network takes {self.layout} tensors of shape ({', '.join(described)}), got "
            f"{shape_text(tuple(records.shape))}; permute them or build it for their layout."
        )

    def feature_maps(self, records: Tensor) -> OrderedDict[str, Tensor]:
        """What each top-level layer gives, by name, channels-first; without gradients."""
        self._check(records)
        maps: OrderedDict[str, Tensor] = OrderedDict()
        with torch.no_grad():
            current = channels_to_front(records) if self.layout == "channels_last" else records
            for name, layer in self.layers.named_children():
                current = layer(current)
                maps[name] = current
        return maps


def build(
    arch: str | Arch,
    input_shape: Shape,
    layout: Layout,
    *,
    seed: int,
    output_layout: Layout | None = None,
    logits: bool = False,
) -> Network:
    """Build the network of a line.

    `input_shape` is one record's, without the records' axis, in the order `layout` names:
    (28, 28, 1) in `channels_last` is (1, 28, 28) in `channels_first`. `output_layout` is the
    same as `layout` where it is not given. `seed` draws the first weights, the same ones
    whatever else torch's own generator has been used for. `logits` leaves a softmax at the
    end out, which losses such as cross-entropy bring themselves.

    Raises `InputError` that points at the word of the line that is wrong or does not fit.
    """
    check_layout(layout)
    after = layout if output_layout is None else output_layout
    check_layout(after)
    read = parse(arch) if isinstance(arch, str) else arch
    if logits and ends_in_softmax(read):
        read = Arch(read.text, read.steps[:-1])
    planned = plan(read, to_channels_last(input_shape, layout))
    # On the meta device torch draws no weights, so its global generator stays as it was.
    with torch.device("meta"):
        network = Network(planned, layout, after)
    network.to_empty(device="cpu")
    initialise(network, torch.Generator().manual_seed(seed))
    return network


def initialise(module: nn.Module, generator: torch.Generator) -> None:
    """Draw all weights anew.

    Filters and fully connected layers: He and others, 2015, for ReLU (uniform, by inputs),
    biases zero. Recurrent layers: uniform within 1 / sqrt(units), as torch does. Norms: 1 and 0.
    """
    for part in module.modules():
        if isinstance(part, nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d):
            nn.init.kaiming_uniform_(part.weight, nonlinearity="relu", generator=generator)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
        elif isinstance(part, nn.GRU | nn.LSTM):
            bound = 1.0 / math.sqrt(part.hidden_size)
            for weight in part.parameters():
                nn.init.uniform_(weight, -bound, bound, generator=generator)
        elif isinstance(part, nn.PReLU):
            nn.init.constant_(part.weight, 0.25)
        elif isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d | nn.GroupNorm):
            part.reset_parameters()


def channels_to_front(records: Tensor) -> Tensor:
    """(records, *positions, channels) to (records, channels, *positions), without a copy."""
    # Not `movedim`: the exporter writes its negative axis as it is, which ONNX refuses.
    return records.permute(0, records.dim() - 1, *range(1, records.dim() - 1))


def channels_to_back(records: Tensor) -> Tensor:
    """(records, channels, *positions) to (records, *positions, channels), without a copy."""
    return records.permute(0, *range(2, records.dim()), 1)


def _in_layout(shape: tuple[int, ...], layout: Layout) -> tuple[int, ...]:
    return (shape[-1], *shape[:-1]) if layout == "channels_first" else shape


def _named(layers: tuple[LayerPlan, ...]) -> OrderedDict[str, nn.Module]:
    modules: OrderedDict[str, nn.Module] = OrderedDict()
    for layer in layers:
        name = layer.name.rpartition(".")[2]
        for suffix, module in _modules(layer):
            modules[name + suffix] = module
    return modules


def _modules(layer: LayerPlan) -> list[tuple[str, nn.Module]]:
    """A layer's modules, each with what its name adds to the layer's."""
    match layer.step:
        case Filters():
            return _filters(layer, layer.step)
        case Pool():
            return _pool(layer, layer.step)
        case Block():
            return [("", Residual(layer))]
        case Recurrent():
            return [("", Feedback(layer.step, layer.input[-1]))]
        case WaveNet():
            return [("", WaveNetBlock(layer.step, layer.input[-1]))]
        case Unroll():
            return [("", Unrolled(layer.step.kept))]
        case GlobalPool():
            return [("", GlobalPooling(layer.step.kind))]
        case FullyConnected():
            linear = nn.Linear(layer.input[-1], layer.step.count, bias=layer.step.bias)
            return [("", PerStep(linear) if len(layer.input) == 2 else linear)]
        case Flatten():
            return [("", nn.Flatten())]
        case Softmax():
            return [("", nn.LogSoftmax(dim=1) if layer.step.log else nn.Softmax(dim=1))]
        case Norm():
            channels = layer.input[-1]
            if layer.step.kind == "group":
                return [("", nn.GroupNorm(layer.step.groups, channels))]
            return [("", _NORMS[len(layer.input) - 1](channels))]
        case Dropout():
            return [("", nn.Dropout(layer.step.share))]
        case Activation():
            return [("", _activation(layer.step))]
        case _:
            raise AssertionError(f"no module for {layer.step!r}")


def _activation(step: Activation) -> nn.Module:
    match step.name:
        case "relu":
            return nn.ReLU()
        case "relu6":
            return nn.ReLU6()
        case "leaky":
            return nn.LeakyReLU(0.01 if step.slope is None else step.slope)
        case "prelu":
            return nn.PReLU()
        case "elu":
            return nn.ELU(1.0 if step.slope is None else step.slope)
        case "selu":
            return nn.SELU()
        case "gelu":
            return nn.GELU()
        case "silu":
            return nn.SiLU()
        case "mish":
            return nn.Mish()
        case "hardswish":
            return nn.Hardswish()
        case "softplus":
            return nn.Softplus()
        case "softsign":
            return nn.Softsign()
        case "tanh":
            return nn.Tanh()
        case _:
            return nn.Sigmoid()


def _over(sizes: tuple[int, ...], axes: int) -> tuple[int, ...]:
    return sizes * axes if len(sizes) == 1 else sizes


def _torch_pad(pads: list[tuple[int, int]]) -> tuple[int, ...]:
    """Pads of the axes in order as torch wants them: the last axis first."""
    return tuple(size for pad in reversed(pads) for size in pad)


def _same(span: int) -> tuple[int, int]:
    """Zeros before and after, for as many outputs as inputs; the odd one after.

    They do not depend on the size or the stride: with a stride, `same` keeps every so many-th
    of the outputs it has without one.
    """
    return (span - 1) // 2, span - 1 - (span - 1) // 2


def _filters(layer: LayerPlan, step: Filters) -> list[tuple[str, nn.Module]]:
    *window, _, count = layer.weights[0]
    axes = len(window)
    dilation = _over(step.dilation, axes)
    spans = [(size - 1) * gap + 1 for size, gap in zip(window, dilation, strict=True)]
    pads = [_same(span) if step.padding != "valid" else (0, 0) for span in spans]
    if step.padding == "causal":
        pads[0] = (spans[0] - 1, 0)
    even = all(before == after for before, after in pads)
    convolution = _CONVOLUTIONS[axes - 1](
        layer.input[-1],
        count,
        tuple(window),
        stride=layer.stride,
        padding=tuple(before for before, _ in pads) if even else 0,
        dilation=dilation,
        groups=step.groups,
        bias=step.bias,
    )
    if even:
        return [("", convolution)]
    # The padding stands before the filters under a name of its own and has no weights.
    return [("_pad", _PADS[axes - 1](_torch_pad(pads), 0.0)), ("", convolution)]


def _pool(layer: LayerPlan, step: Pool) -> list[tuple[str, nn.Module]]:
    axes = len(layer.input) - 1
    window, stride = _over(step.window, axes), layer.stride
    average = step.kind == "average"
    kinds = _AVERAGE_POOLS if average else _MAX_POOLS
    options = {"count_include_pad": False} if average else {}
    pads = [_same(size) if step.padding == "same" else (0, 0) for size in window]
    if average and axes == 3 and any(after for _, after in pads):
        # torch refuses a window larger than the input here even where the padding makes room.
        return [("", UnevenAverage(window, stride, _torch_pad(pads)))]
    if all(before == after for before, after in pads):
        padding = tuple(before for before, _ in pads)
        return [("", kinds[axes - 1](window, stride, padding, **options))]
    if set(window) == {2} and min(stride) > 1:
        # The half window over the edge is what `ceil_mode` adds, without copying for a pad.
        return [("", kinds[axes - 1](window, stride, 0, ceil_mode=True, **options))]
    if average:
        return [("", UnevenAverage(window, stride, _torch_pad(pads)))]
    return [
        ("_pad", _PADS[axes - 1](_torch_pad(pads), -math.inf)),
        ("", kinds[axes - 1](window, stride)),
    ]


class UnevenAverage(nn.Module):
    """Average pooling with more padding after than before; padding is not averaged in."""

    def __init__(
        self, window: tuple[int, ...], stride: tuple[int, ...], pads: tuple[int, ...]
    ) -> None:
        super().__init__()
        self.pads = pads
        self.pool = _AVERAGE_POOLS[len(window) - 1](window, stride)

    def forward(self, maps: Tensor) -> Tensor:
        """The sum over each window, divided by how many of its positions are inside."""
        inside: Tensor = self.pool(functional.pad(torch.ones_like(maps[:1, :1]), self.pads))
        pooled: Tensor = self.pool(functional.pad(maps, self.pads))
        return pooled / inside


class GlobalPooling(nn.Module):
    """(records, channels, *positions) to (records, channels)."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def forward(self, maps: Tensor) -> Tensor:
        """The average or the largest over all positions."""
        flat = maps.flatten(2)
        return flat.mean(2) if self.kind == "average" else flat.amax(2)


class Unrolled(nn.Module):
    """(records, channels, *positions) to (records, channels x the other axes, kept axis).

    Feature `c * H + h` of `columns` on (C, H, W) is channel c at height h.
    """

    def __init__(self, kept: str) -> None:
        super().__init__()
        self.kept = kept

    def forward(self, maps: Tensor) -> Tensor:
        """One axis stays, the others go into the channels."""
        if self.kept == "first":
            maps = maps.permute(0, 1, *range(3, maps.dim()), 2)
        return maps.flatten(1, -2)


class PerStep(nn.Module):
    """A fully connected layer at each step of (records, channels, time)."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.linear = linear

    def forward(self, sequence: Tensor) -> Tensor:
        """The same weights at every step."""
        result: Tensor = self.linear(sequence.transpose(1, 2))
        return result.transpose(1, 2)


class Residual(nn.Module):
    """The body's output plus the input, through a 1x1 filter where the shapes differ."""

    def __init__(self, layer: LayerPlan) -> None:
        super().__init__()
        self.body = nn.Sequential(_named(layer.body))
        self.shortcut: nn.Module = nn.Identity()
        if layer.shortcut:
            *window, inputs, outputs = layer.shortcut
            self.shortcut = (
                _CONVOLUTIONS[len(window) - 1](inputs, outputs, tuple(window), layer.stride)
                if window
                else nn.Linear(inputs, outputs)
            )

    def forward(self, maps: Tensor) -> Tensor:
        """`body(x) + shortcut(x)`."""
        result: Tensor = self.body(maps) + self.shortcut(maps)
        return result


class Feedback(nn.Module):
    """A GRU or LSTM along (records, channels, time)."""

    def __init__(self, step: Recurrent, inputs: int) -> None:
        super().__init__()
        self.direction = step.direction
        self.last = step.last
        kind = nn.GRU if step.kind == "GRU" else nn.LSTM
        self.cell = kind(
            inputs, step.count, batch_first=True, bidirectional=step.direction == "both"
        )

    def forward(self, sequence: Tensor) -> Tensor:
        """Every step's state, or each direction's state at its own end where `last`."""
        steps = sequence.transpose(1, 2)
        if self.direction == "backward":
            steps = steps.flip(1)
        states: Tensor = self.cell(steps)[0]
        if self.last:
            units = self.cell.hidden_size
            return torch.cat((states[:, -1, :units], states[:, 0, units:]), dim=1)
        if self.direction == "backward":
            states = states.flip(1)
        return states.transpose(1, 2)


class WaveNetBlock(nn.Module):
    """Causal gated layers, dilated 1, 2, 4 …, on (records, channels, time).

    Each layer adds to the stream that the next one reads and to the sum of skips, which is
    what comes out: no activation follows, as in any other step of a line.
    """

    def __init__(self, step: WaveNet, inputs: int) -> None:
        super().__init__()
        self.count = step.count
        self.enter: nn.Module = (
            nn.Identity() if inputs == step.count else nn.Conv1d(inputs, step.count, 1)
        )
        self.gated = nn.ModuleList(
            nn.Conv1d(step.count, 2 * step.count, step.window, dilation=2**index)
            for index in range(step.layers)
        )
        # The last layer feeds no next one, and so has the skip's weights alone.
        self.out = nn.ModuleList(
            nn.Conv1d(step.count, step.count * (1 if index == step.layers - 1 else 2), 1)
            for index in range(step.layers)
        )
        self.reach = [(step.window - 1) * 2**index for index in range(step.layers)]

    def forward(self, sequence: Tensor) -> Tensor:
        """The sum of the layers' skips; step t depends on steps up to t only."""
        stream: Tensor = self.enter(sequence)
        total: Tensor | None = None
        for gated, out, reach in zip(self.gated, self.out, self.reach, strict=True):
            wave, gate = gated(functional.pad(stream, (reach, 0))).chunk(2, dim=1)
            made = out(torch.tanh(wave) * torch.sigmoid(gate))
            skip = made[:, : self.count]
            total = skip if total is None else total + skip
            if made.shape[1] > self.count:
                stream = stream + made[:, self.count :]
        assert total is not None
        return total
