"""Every step of the notation against a torch module written by hand, with the same weights."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from seedbed.errors import InputError
from seedbed.trainers.conv import Network, build, trace

RECORDS = 2


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    """Small tensors are slower on several threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def drawn(shape: tuple[int, ...], seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def copy_weights(network: nn.Module, by_hand: nn.Module) -> None:
    """Fill both with the same random numbers, in the order of their weights."""
    ours, theirs = list(network.parameters()), list(by_hand.parameters())
    assert [tuple(w.shape) for w in ours] == [tuple(w.shape) for w in theirs]
    with torch.no_grad():
        for index, (mine, other) in enumerate(zip(ours, theirs, strict=True)):
            values = 0.3 * drawn(tuple(mine.shape), seed=index + 1)
            mine.copy_(values)
            other.copy_(values)


def same(line: str, shape: tuple[int, ...], by_hand: nn.Module, train: bool = False) -> Network:
    """Check a line on channels-first `shape` against `by_hand`, and the trace with both."""
    network = build(line, shape, "channels_first", seed=0)
    copy_weights(network, by_hand)
    network.train(train)
    by_hand.train(train)
    records = drawn((RECORDS, *shape))
    with torch.no_grad():
        result, expected = network(records), by_hand(records)
    assert tuple(result.shape[1:]) == network.output_shape
    torch.testing.assert_close(result, expected, rtol=0, atol=1e-6)
    assert trace(line, shape, "channels_first").parameters == sum(
        weight.numel() for weight in by_hand.parameters()
    )
    return network


class Calls(nn.Module):
    """Parts, and a function that uses them."""

    def __init__(self, function: Callable[..., Tensor], *parts: nn.Module) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)
        self.function = function

    def forward(self, records: Tensor) -> Tensor:
        return self.function(records, *self.parts)


@pytest.mark.parametrize(
    ("line", "shape", "by_hand"),
    [
        ("F4@3x3", (2, 7, 8), nn.Conv2d(2, 4, 3, padding=1)),
        ("F4@5", (2, 9), nn.Conv1d(2, 4, 5, padding=2)),
        ("F4@3", (2, 7, 8), nn.Conv2d(2, 4, 3, padding=1)),
        ("F4@3x3x3", (2, 5, 6, 7), nn.Conv3d(2, 4, 3, padding=1)),
        ("F4@1x3x5", (2, 5, 6, 7), nn.Conv3d(2, 4, (1, 3, 5), padding=(0, 1, 2))),
        ("F4@3x1", (2, 7, 8), nn.Conv2d(2, 4, (3, 1), padding=(1, 0))),
        ("F4@3x3/2", (2, 7, 8), nn.Conv2d(2, 4, 3, stride=2, padding=1)),
        ("F4@3x3/2x1", (2, 7, 8), nn.Conv2d(2, 4, 3, stride=(2, 1), padding=1)),
        ("F4@3x3*2", (2, 7, 8), nn.Conv2d(2, 4, 3, dilation=2, padding=2)),
        ("F4@3x3*1x3", (2, 7, 8), nn.Conv2d(2, 4, 3, dilation=(1, 3), padding=(1, 3))),
        ("F6@3x3|2", (4, 7, 8), nn.Conv2d(4, 6, 3, padding=1, groups=2)),
        ("F4@3x3|4", (4, 7, 8), nn.Conv2d(4, 4, 3, padding=1, groups=4)),
        ("F4@3x3 nobias", (2, 7, 8), nn.Conv2d(2, 4, 3, padding=1, bias=False)),
        ("F4@3x3 valid", (2, 9, 9), nn.Conv2d(2, 4, 3)),
        ("F4@3x3/2*2|2 valid nobias", (2, 9, 9), nn.Conv2d(2, 4, 3, 2, 0, 2, 2, False)),
        # The odd zero of an even window stands after, as with torch's padding="same".
        (
            "F4@2x2",
            (2, 7, 8),
            nn.Sequential(nn.ConstantPad2d((0, 1, 0, 1), 0), nn.Conv2d(2, 4, 2)),
        ),
        (
            "F4@4*3",
            (2, 20),
            nn.Sequential(nn.ConstantPad1d((4, 5), 0), nn.Conv1d(2, 4, 4, dilation=3)),
        ),
        (
            "F4@2x3x4",
            (2, 5, 6, 7),
            nn.Sequential(nn.ConstantPad3d((1, 2, 1, 1, 0, 1), 0), nn.Conv3d(2, 4, (2, 3, 4))),
        ),
        (
            "F4@3*4 causal",
            (2, 20),
            nn.Sequential(nn.ConstantPad1d((8, 0), 0), nn.Conv1d(2, 4, 3, dilation=4)),
        ),
        (
            "F4@3x3 causal",
            (2, 7, 8),
            nn.Sequential(nn.ConstantPad2d((1, 1, 2, 0), 0), nn.Conv2d(2, 4, 3)),
        ),
        # One axis and three, as on two.
        ("F4@5/2", (2, 9), nn.Conv1d(2, 4, 5, stride=2, padding=2)),
        ("F4@3*3", (2, 9), nn.Conv1d(2, 4, 3, dilation=3, padding=3)),
        ("F6@3|2", (4, 9), nn.Conv1d(4, 6, 3, padding=1, groups=2)),
        ("F4@3|4 nobias", (4, 9), nn.Conv1d(4, 4, 3, padding=1, groups=4, bias=False)),
        ("F4@3/2*2 valid", (2, 12), nn.Conv1d(2, 4, 3, 2, 0, 2)),
        ("F4@3x3x3/2", (2, 5, 6, 7), nn.Conv3d(2, 4, 3, stride=2, padding=1)),
        ("F4@3x3x3/1x2x2", (2, 5, 6, 7), nn.Conv3d(2, 4, 3, stride=(1, 2, 2), padding=1)),
        ("F4@3x3x3*2", (2, 5, 6, 7), nn.Conv3d(2, 4, 3, dilation=2, padding=2)),
        (
            "F4@3x3x3*2x1x3",
            (2, 5, 6, 7),
            nn.Conv3d(2, 4, 3, dilation=(2, 1, 3), padding=(2, 1, 3)),
        ),
        ("F6@3x3x3|2", (4, 5, 6, 7), nn.Conv3d(4, 6, 3, padding=1, groups=2)),
        ("F4@3x3x3|4 nobias", (4, 5, 6, 7), nn.Conv3d(4, 4, 3, padding=1, groups=4, bias=False)),
        ("F4@3x3x3 valid", (2, 5, 6, 7), nn.Conv3d(2, 4, 3)),
        ("F4@2x3x3/2*1x2x1|2 valid", (2, 6, 8, 7), nn.Conv3d(2, 4, (2, 3, 3), 2, 0, (1, 2, 1), 2)),
        (
            "F4@3x3x3*2x1x1 causal",
            (2, 6, 5, 5),
            nn.Sequential(
                nn.ConstantPad3d((1, 1, 1, 1, 4, 0), 0), nn.Conv3d(2, 4, 3, dilation=(2, 1, 1))
            ),
        ),
        ("P2", (2, 8), nn.MaxPool1d(2)),
        ("P2", (2, 7), nn.MaxPool1d(2, ceil_mode=True)),
        ("P2 valid", (2, 7), nn.MaxPool1d(2)),
        ("P3/2", (2, 8), nn.MaxPool1d(3, 2, padding=1)),
        ("A2", (2, 7), nn.AvgPool1d(2, ceil_mode=True)),
        ("A3/2", (2, 8), nn.AvgPool1d(3, 2, padding=1, count_include_pad=False)),
        ("P2", (2, 4, 6, 8), nn.MaxPool3d(2)),
        ("P2", (2, 5, 6, 7), nn.MaxPool3d(2, ceil_mode=True)),
        ("P2 valid", (2, 5, 6, 7), nn.MaxPool3d(2)),
        ("P3/2", (2, 5, 6, 7), nn.MaxPool3d(3, 2, padding=1)),
        ("P1x2x2", (2, 5, 6, 8), nn.MaxPool3d((1, 2, 2))),
        ("A2", (2, 4, 6, 8), nn.AvgPool3d(2)),
        ("A2", (2, 5, 6, 7), nn.AvgPool3d(2, ceil_mode=True)),
        ("A3/2", (2, 5, 6, 7), nn.AvgPool3d(3, 2, padding=1, count_include_pad=False)),
        ("A2 valid", (2, 5, 6, 7), nn.AvgPool3d(2)),
        ("GN2", (4, 6), nn.GroupNorm(2, 4)),
        ("GN2", (4, 3, 5, 6), nn.GroupNorm(2, 4)),
        ("gap", (2, 9), nn.Sequential(nn.AdaptiveAvgPool1d(1), nn.Flatten())),
        ("gmp", (2, 9), nn.Sequential(nn.AdaptiveMaxPool1d(1), nn.Flatten())),
        ("gmp", (2, 4, 5, 6), nn.Sequential(nn.AdaptiveMaxPool3d(1), nn.Flatten())),
        ("flatten > FC5", (2, 2, 3, 2), nn.Sequential(nn.Flatten(), nn.Linear(24, 5))),
        ("softmax", (3, 4, 5, 6), nn.Softmax(1)),
        ("FC5", (7,), nn.Linear(7, 5)),
        ("FC5 nobias", (7,), nn.Linear(7, 5, bias=False)),
        ("flatten > FC5", (2, 3, 4), nn.Sequential(nn.Flatten(), nn.Linear(24, 5))),
        ("GN2", (4, 5, 6), nn.GroupNorm(2, 4)),
        ("P2", (2, 8, 8), nn.MaxPool2d(2)),
        ("P2", (2, 7, 9), nn.MaxPool2d(2, ceil_mode=True)),
        ("P2 valid", (2, 7, 9), nn.MaxPool2d(2)),
        ("P3/2", (2, 8, 9), nn.MaxPool2d(3, 2, padding=1)),
        ("P3/1", (2, 8, 9), nn.MaxPool2d(3, 1, padding=1)),
        ("P3x1/2x1", (2, 8, 9), nn.MaxPool2d((3, 1), (2, 1), padding=(1, 0))),
        ("P2/1", (2, 6), nn.Sequential(nn.ConstantPad1d((0, 1), -math.inf), nn.MaxPool1d(2, 1))),
        (
            "P4x3/2",
            (2, 7, 8),
            nn.Sequential(nn.ConstantPad2d((1, 1, 1, 2), -math.inf), nn.MaxPool2d((4, 3), 2)),
        ),
        (
            "P2x3x3/1x2x2",
            (2, 4, 7, 7),
            nn.Sequential(
                nn.ConstantPad3d((1, 1, 1, 1, 0, 1), -math.inf), nn.MaxPool3d((2, 3, 3), (1, 2, 2))
            ),
        ),
        ("A2", (2, 8, 8), nn.AvgPool2d(2)),
        ("A2", (2, 7, 9), nn.AvgPool2d(2, ceil_mode=True)),
        ("A3/2", (2, 8, 9), nn.AvgPool2d(3, 2, padding=1, count_include_pad=False)),
        ("A3/2 valid", (2, 8, 9), nn.AvgPool2d(3, 2)),
        ("A2", (2, 8), nn.AvgPool1d(2)),
        ("A3", (2, 6, 6, 6), nn.AvgPool3d(3, 3, padding=1, count_include_pad=False)),
        ("gap", (2, 5, 6), nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())),
        ("gmp", (2, 5, 6), nn.Sequential(nn.AdaptiveMaxPool2d(1), nn.Flatten())),
        ("gap", (2, 4, 5, 6), nn.Sequential(nn.AdaptiveAvgPool3d(1), nn.Flatten())),
        ("R", (2, 5), nn.ReLU()),
        ("relu6", (2, 5), nn.ReLU6()),
        ("leaky", (2, 5), nn.LeakyReLU()),
        ("leaky0.2", (2, 5), nn.LeakyReLU(0.2)),
        ("PReLU", (2, 5), nn.PReLU()),
        ("ELU", (2, 5), nn.ELU()),
        ("ELU0.5", (2, 5), nn.ELU(0.5)),
        ("SELU", (2, 5), nn.SELU()),
        ("GELU", (2, 5), nn.GELU()),
        ("SiLU", (2, 5), nn.SiLU()),
        ("mish", (2, 5), nn.Mish()),
        ("hardswish", (2, 5), nn.Hardswish()),
        ("softplus", (2, 5), nn.Softplus()),
        ("softsign", (2, 5), nn.Softsign()),
        ("tanh", (2, 5), nn.Tanh()),
        ("sigmoid", (2, 5), nn.Sigmoid()),
        ("softmax", (7,), nn.Softmax(1)),
        ("softmax", (3, 5, 6), nn.Softmax(1)),
        ("logsoftmax", (3, 5), nn.LogSoftmax(1)),
    ],
)
def test_a_step_is_the_torch_layer(line: str, shape: tuple[int, ...], by_hand: nn.Module) -> None:
    same(line, shape, by_hand)


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        ((3,), nn.BatchNorm1d),
        ((3, 5), nn.BatchNorm1d),
        ((3, 5, 6), nn.BatchNorm2d),
        ((3, 4, 5, 6), nn.BatchNorm3d),
    ],
)
@pytest.mark.parametrize("train", [True, False])
def test_batch_norm(shape: tuple[int, ...], kind: Callable[[int], nn.Module], train: bool) -> None:
    by_hand = kind(3)
    network = same("BN", shape, by_hand, train)
    for ours, theirs in zip(network.buffers(), by_hand.buffers(), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_dropout_zeroes_its_share_while_training_only() -> None:
    network = build("drop0.25", (10_000,), "channels_first", seed=0)
    records = torch.ones(1, 10_000)
    torch.manual_seed(1)
    kept = network(records)
    assert abs((kept == 0).float().mean().item() - 0.25) < 0.02
    assert kept.max().item() == pytest.approx(1 / 0.75)
    assert torch.equal(network.eval()(records), records)


def test_a_window_over_the_edge_averages_what_is_inside() -> None:
    network = build("A4/1", (1, 3), "channels_first", seed=0)
    # Padded by one before and two after: windows (0 1 2), (0 1 2), (1 2).
    result = network(torch.tensor([[[3.0, 6.0, 9.0]]]))
    assert result.tolist() == [[[6.0, 6.0, 7.5]]]


def test_a_window_larger_than_the_input_averages_all_of_it() -> None:
    network = build("A5/1", (2, 2, 2, 1), "channels_last", seed=0)
    records = drawn((1, 2, 2, 2, 1))
    torch.testing.assert_close(network(records), records.mean().expand(1, 2, 2, 2, 1))


def test_residual_adds_its_input() -> None:
    by_hand = Calls(
        lambda x, a, b: torch.relu(b(torch.relu(a(x))) + x),
        nn.Conv2d(3, 3, 3, padding=1),
        nn.Conv2d(3, 3, 3, padding=1),
    )
    same("[ F3@3x3 > R > F3@3x3 ]+ > R", (3, 6, 6), by_hand)


def test_residual_projects_where_the_shape_changes() -> None:
    by_hand = Calls(
        lambda x, a, b, c: b(torch.relu(a(x))) + c(x),
        nn.Conv2d(3, 4, 3, padding=1, stride=2),
        nn.Conv2d(4, 4, 3, padding=1),
        nn.Conv2d(3, 4, 1, stride=2),
    )
    same("[ F4@3x3/2 > R > F4@3x3 ]+", (3, 7, 6), by_hand)
    vector = Calls(lambda x, a, b: a(x) + b(x), nn.Linear(5, 3), nn.Linear(5, 3))
    same("[ FC3 ]+", (5,), vector)


def test_residual_over_time() -> None:
    by_hand = Calls(
        lambda x, a, b, c: b(torch.relu(a(x))) + c(x),
        nn.Conv3d(2, 4, 3, padding=1, stride=(1, 2, 2)),
        nn.Conv3d(4, 4, 3, padding=1),
        nn.Conv3d(2, 4, 1, stride=(1, 2, 2)),
    )
    same("[ F4@3x3x3/1x2x2 > R > F4@3x3x3 ]+", (2, 5, 7, 6), by_hand)
    sound = Calls(lambda x, a: torch.relu(a(x) + x), nn.Conv1d(3, 3, 5, padding=2))
    same("[ F3@5 ]+ > R", (3, 9), sound)


@pytest.mark.parametrize("shape", [(6,), (6, 40), (6, 8, 9), (6, 4, 5, 6)])
def test_dropout_is_torchs_own(shape: tuple[int, ...]) -> None:
    network = build("drop0.4", shape, "channels_first", seed=0)
    records = drawn((RECORDS, *shape))
    torch.manual_seed(3)
    result = network(records)
    torch.manual_seed(3)
    torch.testing.assert_close(result, nn.Dropout(0.4)(records), rtol=0, atol=0)


def test_a_strided_block_planned_on_one_position_takes_more() -> None:
    network = build("[ F2@3/2 ]+", (1, 2), "channels_last", seed=0)
    assert network(torch.zeros(1, 5, 2)).shape == (1, 3, 2)
    # Unpadded, the ways around fit on some sizes only, so the axis is not open.
    closed = build("[ F2@2/2 valid ]+", (4, 2), "channels_last", seed=0)
    with pytest.raises(InputError, match=r"\(records, 4, 2\)"):
        closed(torch.zeros(1, 5, 2))


def test_residual_blocks_stand_inside_one_another_and_repeat() -> None:
    conv = [nn.Conv1d(2, 2, 3, padding=1) for _ in range(4)]
    network = build("2x[ [ F2@3 ]+ > F2@3 ]+", (2, 9), "channels_first", seed=0)
    assert [name for name, _ in network.named_parameters() if name.endswith("weight")] == [
        "layers.block1.body.block1.body.conv1.weight",
        "layers.block1.body.conv1.weight",
        "layers.block2.body.block1.body.conv1.weight",
        "layers.block2.body.conv1.weight",
    ]
    by_hand = Calls(lambda x, a, b, c, d: (y := x + b(x + a(x))) + d(y + c(y)), *conv)
    same("2x[ [ F2@3 ]+ > F2@3 ]+", (2, 9), by_hand)


def test_a_plain_block_is_its_steps_repeated() -> None:
    by_hand = nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.Conv2d(2, 2, 3, padding=1), nn.ReLU()
    )
    same("2x[ F2@3x3 > R ]", (1, 5, 5), by_hand)


def test_rows_and_columns_keep_one_axis() -> None:
    # (records, channels, height, width): feature c * H + h at each column.
    same("columns", (2, 3, 4), Calls(lambda x: x.reshape(RECORDS, 6, 4)))
    same("rows", (2, 3, 4), Calls(lambda x: x.permute(0, 1, 3, 2).reshape(RECORDS, 8, 3)))
    same("rows", (2, 3, 4, 5), Calls(lambda x: x.permute(0, 1, 3, 4, 2).reshape(RECORDS, 40, 3)))


def test_fully_connected_works_at_each_step_of_a_sequence() -> None:
    by_hand = Calls(
        lambda x, fc: torch.stack([fc(x[:, :, t]) for t in range(6)], dim=2), nn.Linear(3, 5)
    )
    same("FC5", (3, 6), by_hand)


@pytest.mark.parametrize(("kind", "cell"), [("GRU", nn.GRU), ("LSTM", nn.LSTM)])
def test_recurrent_layers(kind: str, cell: Any) -> None:
    def run(x: Tensor, layer: nn.Module) -> Tensor:
        result: Tensor = layer(x.transpose(1, 2))[0].transpose(1, 2)
        return result

    one, both = cell(3, 4, batch_first=True), cell(3, 4, batch_first=True, bidirectional=True)
    same(f"{kind}4", (3, 6), Calls(run, one))
    same(f"{kind}4 both", (3, 6), Calls(run, both))
    same(f"{kind}4 backward", (3, 6), Calls(lambda x, c: run(x.flip(2), c).flip(2), one))
    same(f"{kind}4 last", (3, 6), Calls(lambda x, c: run(x, c)[:, :, -1], one))
    same(f"{kind}4 backward last", (3, 6), Calls(lambda x, c: run(x.flip(2), c)[:, :, -1], one))

    def ends(x: Tensor, layer: nn.Module) -> Tensor:
        state = layer(x.transpose(1, 2))[1]
        state = state[0] if kind == "LSTM" else state
        return torch.cat((state[0], state[1]), dim=1)

    same(f"{kind}4 both last", (3, 6), Calls(ends, both))


class WaveNetByHand(nn.Module):
    """Two causal gated layers with dilations 1 and 2, in the order of the block's weights."""

    def __init__(self, inputs: int, count: int, window: int) -> None:
        super().__init__()
        self.window, self.count = window, count
        self.enter = nn.Conv1d(inputs, count, 1)
        self.gated1 = nn.Conv1d(count, 2 * count, window)
        self.gated2 = nn.Conv1d(count, 2 * count, window, dilation=2)
        self.out1 = nn.Conv1d(count, 2 * count, 1)
        self.out2 = nn.Conv1d(count, count, 1)

    def forward(self, sound: Tensor) -> Tensor:
        count = self.count
        stream = self.enter(sound)
        both = self.gated1(functional.pad(stream, (self.window - 1, 0)))
        one = self.out1(torch.tanh(both[:, :count]) * torch.sigmoid(both[:, count:]))
        stream = stream + one[:, count:]
        both = self.gated2(functional.pad(stream, (2 * (self.window - 1), 0)))
        two: Tensor = self.out2(torch.tanh(both[:, :count]) * torch.sigmoid(both[:, count:]))
        return one[:, :count] + two


@pytest.mark.parametrize(("line", "window"), [("W4*2", 2), ("W4@3*2", 3)])
def test_wavenet_block(line: str, window: int) -> None:
    same(line, (1, 12), WaveNetByHand(1, 4, window))
    # On the 5 channels of a spectrogram's frames.
    same(line, (5, 12), WaveNetByHand(5, 4, window))


def test_two_feedbacks_one_on_the_other() -> None:
    def run(x: Tensor, first: nn.Module, second: nn.Module) -> Tensor:
        states: Tensor = first(x.transpose(1, 2))[0]
        last: Tensor = second(states)[0][:, -1]
        return last

    cells = nn.GRU(3, 4, batch_first=True, bidirectional=True), nn.LSTM(8, 5, batch_first=True)
    same("GRU4 both > LSTM5 last", (3, 6), Calls(run, *cells))


def test_wavenet_sees_as_far_back_as_the_trace_says_and_nothing_ahead() -> None:
    network = build("W3*4", (1, 40), "channels_first", seed=3)
    field = network.plan.layers[-1].field
    assert field == (16,)
    sound = drawn((1, 1, 40)).requires_grad_()
    network(sound)[0, :, 30].sum().backward()  # type: ignore[no-untyped-call]
    assert sound.grad is not None
    touched = torch.nonzero(sound.grad[0, 0]).flatten().tolist()
    assert (touched[0], touched[-1]) == (30 - 16 + 1, 30)


def test_the_receptive_field_is_what_the_gradient_says() -> None:
    line = "F2@3x3 > F2@3x5/2 > P3/2 > F2@3x3*2"
    network = build(line, (1, 61, 61), "channels_first", seed=1)
    field = network.plan.layers[-1].field
    # 3; 3 + 2, 3 + 4; + 2 * 2; + 2 * 2 * 4.
    assert field == (25, 27)
    picture = drawn((1, 1, 61, 61)).requires_grad_()
    # Pooling lets one position through: ones everywhere take them all in turn.
    network.layers.pool1 = nn.AvgPool2d(3, 2, 1)
    network(picture)[0, :, 8, 8].sum().backward()  # type: ignore[no-untyped-call]
    assert picture.grad is not None
    rows, columns = torch.nonzero(picture.grad[0, 0], as_tuple=True)
    assert (int(rows.max() - rows.min()) + 1, int(columns.max() - columns.min()) + 1) == field


def by_hand_example() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(32, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(3, 2, padding=1),
        nn.Conv2d(64, 128, 3, dilation=2, padding=2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(6272, 128),
        nn.ReLU(),
        nn.Linear(128, 10),
        nn.Softmax(1),
    )


EXAMPLE = (
    "F32@3x3 > R > F32@3x3 > R > P2 > F64@3x3 > R > P3/2 > F128@3x3*2 > R > flatten > FC128 > "
    "R > FC10 > softmax"
)


def test_the_whole_example() -> None:
    same(EXAMPLE, (1, 28, 28), by_hand_example())


def test_a_film_in_channels_last() -> None:
    network = build("F4@3x3x3/1x2x2 > R > rows > GRU5", (6, 8, 8, 3), "channels_last", seed=0)
    assert network.output_shape == (6, 5)

    def run(films: Tensor, filters: nn.Module, cell: nn.Module) -> Tensor:
        maps = torch.relu(filters(films.permute(0, 4, 1, 2, 3)))
        states: Tensor = cell(maps.permute(0, 2, 1, 3, 4).flatten(2))[0]
        return states

    by_hand = Calls(
        run,
        nn.Conv3d(3, 4, 3, stride=(1, 2, 2), padding=1),
        nn.GRU(4 * 4 * 4, 5, batch_first=True),
    )
    copy_weights(network, by_hand)
    films = drawn((RECORDS, 6, 8, 8, 3))
    with torch.no_grad():
        torch.testing.assert_close(network(films), by_hand(films), rtol=0, atol=1e-6)


LINE = "F6@3x3 > BN > R > [ F6@2x2 > GELU ]+ > P2 > F4@3x3/2|2 > leaky > A3/2"


@pytest.mark.parametrize(
    ("line", "size", "ends"),
    [
        (LINE, (12, 16), (2, 2)),
        ("F6@5/2 > BN > R > [ F6@3 ]+ > P2 > W4*2", (24,), (6,)),
        ("F6@3x3x3 > BN > R > P1x2x2 > F4@2x3x3/2|2 > A2", (6, 12, 8), (2, 2, 1)),
    ],
)
def test_both_layouts_have_the_same_weights_and_results(
    line: str, size: tuple[int, ...], ends: tuple[int, ...]
) -> None:
    last = build(line, (*size, 3), "channels_last", seed=5).eval()
    first = build(line, (3, *size), "channels_first", seed=5).eval()
    for (name, ours), (other, theirs) in zip(
        last.state_dict().items(), first.state_dict().items(), strict=True
    ):
        assert name == other
        assert torch.equal(ours, theirs)
    records = drawn((RECORDS, *size, 3))
    torch.testing.assert_close(
        last(records), first(records.movedim(-1, 1)).movedim(1, -1), rtol=0, atol=1e-6
    )
    mixed = build(line, (*size, 3), "channels_last", seed=5, output_layout="channels_first")
    assert mixed.output_shape == (4, *ends)
    torch.testing.assert_close(mixed.eval()(records), last(records).movedim(-1, 1))


def test_a_tensor_in_the_wrong_layout_is_refused() -> None:
    network = build("F4@3x3 > flatten > FC2", (8, 8, 3), "channels_last", seed=0)
    with pytest.raises(InputError, match=r"channels_last tensors of shape \(records, 8, 8, 3\)"):
        network(torch.zeros(1, 3, 8, 8))
    with pytest.raises(InputError, match="got \\(8,8,3\\)"):
        network(torch.zeros(8, 8, 3))
    with pytest.raises(InputError, match="never guessed"):
        build("F4@3x3", (8, 8, 3), "NHWC", seed=0)  # type: ignore[arg-type]


def test_axes_that_the_line_leaves_open_take_any_size() -> None:
    network = build("F4@3x3/2 > R > P2 > F2@1x1", (8, 8, 3), "channels_last", seed=0)
    assert network(torch.zeros(1, 20, 13, 3)).shape == (1, 5, 4, 2)
    columns = build("F4@3x3 > columns > GRU3", (8, 8, 3), "channels_last", seed=0)
    assert columns(torch.zeros(1, 8, 21, 3)).shape == (1, 21, 3)
    with pytest.raises(InputError, match=r"\(records, 8, any, 3\)"):
        columns(torch.zeros(1, 9, 21, 3))
    pooled = build("F4@3 > gap > FC3", (100, 1), "channels_last", seed=0)
    assert pooled(torch.zeros(1, 33, 1)).shape == (1, 3)


def test_weights_keep_their_names_when_a_layer_without_any_is_added() -> None:
    plain = build("F4@3x3 > R > F4@2x2 > gap > FC2", (8, 8, 3), "channels_last", seed=0)
    more = build(
        "F4@3x3 > R > drop0.1 > P2 > F4@2x2 > gap > drop0.5 > FC2",
        (8, 8, 3),
        "channels_last",
        seed=0,
    )
    assert list(plain.state_dict()) == [
        "layers.conv1.weight",
        "layers.conv1.bias",
        "layers.conv2.weight",
        "layers.conv2.bias",
        "layers.fc1.weight",
        "layers.fc1.bias",
    ]
    more.load_state_dict(plain.state_dict())


def test_weights_follow_from_the_seed_alone() -> None:
    torch.manual_seed(1)
    state = torch.random.get_rng_state()
    first = build(LINE, (12, 16, 3), "channels_last", seed=5).state_dict()
    assert torch.equal(state, torch.random.get_rng_state())
    torch.manual_seed(2)
    second = build(LINE, (12, 16, 3), "channels_last", seed=5).state_dict()
    other = build(LINE, (12, 16, 3), "channels_last", seed=6).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["layers.conv1.weight"], other["layers.conv1.weight"])
    assert all(torch.isfinite(value).all() for value in first.values())


def test_logits_leave_the_last_softmax_out() -> None:
    whole = build("FC4 > R > FC3 > softmax", (5,), "channels_last", seed=0)
    logits = build("FC4 > R > FC3 > softmax", (5,), "channels_last", seed=0, logits=True)
    records = drawn((RECORDS, 5))
    assert list(whole.state_dict()) == list(logits.state_dict())
    torch.testing.assert_close(whole(records), torch.softmax(logits(records), 1))
    unchanged = build("FC4 > R > FC3", (5,), "channels_last", seed=0, logits=True)
    torch.testing.assert_close(unchanged(records), logits(records))


def test_channels_last_memory_order_gives_the_same() -> None:
    network = build(LINE, (3, 12, 16), "channels_first", seed=5).eval()
    records = drawn((RECORDS, 3, 12, 16))
    expected = network(records)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    result = network(records.contiguous(memory_format=torch.channels_last))
    assert result.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(result, expected, rtol=0, atol=1e-6)


def test_feature_maps_are_those_of_the_layers() -> None:
    network = build("F4@3x3 > R > gap > FC2", (8, 8, 3), "channels_last", seed=0)
    records = drawn((RECORDS, 8, 8, 3))
    maps = network.feature_maps(records)
    assert list(maps) == ["conv1", "act1", "gap1", "fc1"]
    assert maps["conv1"].shape == (RECORDS, 4, 8, 8)
    torch.testing.assert_close(maps["fc1"], network(records))


EXPORTED = [
    (LINE, (12, 16, 3)),
    ("F4@3/2 > R > W4*3 > GRU3 both > FC5 > logsoftmax", (24, 2)),
    ("F4@3x3x3 > R > P2 > [ F6@3x3x3/2 ]+ > R > rows > LSTM4 last > FC2", (6, 8, 8, 1)),
    ("F4@3x3 > R > P3/2 > A2/1 > columns > FC7", (9, 15, 1)),
]


def onnx_bytes(
    network: Network, records: Tensor, axes: dict[str, dict[int, str]] | None = None
) -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings():
        # The exporter that needs no onnxscript calls itself out of date.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (records,),
            file,
            dynamo=False,
            opset_version=17,
            input_names=["input"],
            output_names=["output"],
            dynamic_axes=axes,
        )
    return file.getvalue()


@pytest.mark.parametrize(("line", "shape"), EXPORTED)
def test_onnx_gives_the_same(line: str, shape: tuple[int, ...]) -> None:
    network = build(line, shape, "channels_last", seed=2).eval()
    records = drawn((1, *shape))
    session = onnxruntime.InferenceSession(
        onnx_bytes(network, records), providers=["CPUExecutionProvider"]
    )
    (result,) = session.run(None, {session.get_inputs()[0].name: records.numpy()})
    np.testing.assert_allclose(result, network(records).detach().numpy(), atol=1e-5)


@pytest.mark.parametrize(("line", "shape"), EXPORTED)
def test_torch_compile_follows_it(line: str, shape: tuple[int, ...]) -> None:
    """Its tracing in one graph, without the minutes of a compiler."""
    network = build(line, shape, "channels_last", seed=2).eval()
    records = drawn((1, *shape))
    # torch's tracer stops at its own recurrent layers and goes on behind them.
    whole = "GRU" not in line and "LSTM" not in line
    compiled = torch.compile(network, backend="eager", fullgraph=whole)
    with torch.no_grad():
        torch.testing.assert_close(compiled(records), network(records), rtol=0, atol=1e-6)
    torch.compiler.reset()


@pytest.mark.parametrize(
    ("line", "shape"), [("F4@3x3/2|2 > F6@2x2*2 valid > flatten > FC5", (9, 9, 4))]
)
def test_flops_are_those_torch_counts(line: str, shape: tuple[int, ...]) -> None:
    network = build(line, shape, "channels_last", seed=0)
    with FlopCounterMode(display=False) as counter:
        network(drawn((1, *shape)))
    assert counter.get_total_flops() == trace(line, shape).flops


@pytest.mark.parametrize(
    ("line", "shape", "open_axes", "other"),
    [
        (LINE + " > A2", (24, 32, 3), {1: "height", 2: "width"}, (41, 55, 3)),
        ("F4@3x3 > R > P2x1 > columns > GRU3 > FC5", (8, 24, 1), {2: "width"}, (8, 31, 1)),
        ("F4@3/2 > W4*3 > gap > FC5", (32, 2), {1: "time"}, (49, 2)),
    ],
)
def test_onnx_keeps_open_axes_open(
    line: str, shape: tuple[int, ...], open_axes: dict[int, str], other: tuple[int, ...]
) -> None:
    network = build(line, shape, "channels_last", seed=2).eval()
    axes = {0: "records", **open_axes}
    session = onnxruntime.InferenceSession(
        onnx_bytes(network, drawn((1, *shape)), {"input": axes, "output": {0: "records"}}),
        providers=["CPUExecutionProvider"],
    )
    records = drawn((3, *other))
    (result,) = session.run(None, {"input": records.numpy()})
    np.testing.assert_allclose(result, network(records).detach().numpy(), atol=1e-5)
