"""Traces: shapes, weights, FLOPs, receptive fields and advice that a reader can count."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from seedbed.errors import InputError
from seedbed.trainers.conv import trace
from seedbed.trainers.conv.command import arch, run_arch

EXAMPLE = (
    "F32@3x3 > R > F32@3x3 > R > P2 > F64@3x3 > R > P3/2 > F128@3x3*2 > R > flatten > FC128 > "
    "R > FC10 > softmax"
)


def test_grey_example() -> None:
    """Ten 3x3 filters on one channel, then thirty-two 2x2: `same` even where the window is even."""
    traced = trace("F10@3x3 > F32@2x2", (28, 28, 1))
    assert traced.algebra == ("(28,28,1) (x) (3,3,1,10) = (28,28,10) (x) (2,2,10,32) = (28,28,32)")
    # 9 * 10 + 10, and 4 * 10 * 32 + 32.
    assert traced.parameters == 100 + 1312
    # Two for each weight at each of 784 positions.
    assert traced.flops == 2 * 784 * (90 + 1280)


def test_colour_example() -> None:
    """The first filters are three deep, and nothing else changes."""
    traced = trace("F10@3x3 > F32@2x2", (28, 28, 3))
    assert traced.algebra == ("(28,28,3) (x) (3,3,3,10) = (28,28,10) (x) (2,2,10,32) = (28,28,32)")
    assert traced.parameters == 280 + 1312


def test_the_line_of_the_manual() -> None:
    traced = trace(EXAMPLE, (28, 28, 1))
    assert traced.algebra == (
        "(28,28,1) (x) (3,3,1,32) = (28,28,32) (x) (3,3,32,32) = (28,28,32) P2 = (14,14,32) "
        "(x) (3,3,32,64) = (14,14,64) P3/2 = (7,7,64) (x) (3,3,64,128)*2 = (7,7,128) "
        "flatten = (6272) (x) (6272,128) = (128) (x) (128,10) = (10)"
    )
    fields = {layer.name: layer.field for layer in traced.plan.layers}
    # 3; + 2; + 1; + 2 * 2; + 2 * 2; + 2 * 2 * 4; all.
    assert [fields[name] for name in ("conv1", "conv2", "pool1", "conv3", "pool2", "conv4")] == [
        (3, 3),
        (5, 5),
        (6, 6),
        (10, 10),
        (14, 14),
        (30, 30),
    ]
    assert fields["fc1"] is None
    assert traced.parameters == 320 + 9248 + 18496 + 73856 + 802944 + 1290


@pytest.mark.parametrize(
    ("line", "shape", "algebra"),
    [
        ("F4@3x3 valid", (9, 9, 1), "(9,9,1) (x) (3,3,1,4) = (7,7,4)"),
        ("F4@3x3/2", (9, 9, 1), "(9,9,1) (x) (3,3,1,4)/2 = (5,5,4)"),
        ("F4@3x3/2x1*1x2|2", (9, 9, 2), "(9,9,2) (x) (3,3,1,4)/2x1*1x2|2 = (5,9,4)"),
        ("F4@5", (100, 1), "(100,1) (x) (5,1,4) = (100,4)"),
        ("F4@3x3x3/1x2x2", (8, 9, 9, 3), "(8,9,9,3) (x) (3,3,3,3,4)/1x2x2 = (8,5,5,4)"),
        ("P2", (9, 9, 4), "(9,9,4) P2 = (5,5,4)"),
        ("P2 valid", (9, 9, 4), "(9,9,4) P2 valid = (4,4,4)"),
        ("gap > FC3", (9, 9, 4), "(9,9,4) gap = (4) (x) (4,3) = (3)"),
        ("columns > GRU5 both", (4, 9, 3), "(4,9,3) columns = (9,12) GRU5 both (12,15) = (9,10)"),
        ("rows", (4, 9, 3), "(4,9,3) rows = (4,27)"),
        ("W4*3 > LSTM5 last", (50, 1), "(50,1) W4*3 = (50,4) LSTM5 last (4,20) = (5)"),
        ("[ F4@3 > R ]+", (9, 4), "(9,4) [ (x) (3,4,4) = (9,4) ] + itself = (9,4)"),
        (
            "[ F4@3/2 > R ]+",
            (9, 2),
            "(9,2) [ (x) (3,2,4)/2 = (5,4) ] + (x) (1,2,4)/2 = (5,4)",
        ),
    ],
)
def test_algebra(line: str, shape: tuple[int, ...], algebra: str) -> None:
    assert trace(line, shape).algebra == algebra


def test_channels_first_shapes_are_traced_channels_last() -> None:
    assert trace("F4@3x3", (3, 8, 9), "channels_first").plan.input == (8, 9, 3)


def test_memory_counts_four_bytes_a_number() -> None:
    traced = trace("F4@3x3 > R > P2 > flatten > FC5", (8, 8, 1))
    assert traced.training_bytes == 4 * (256 + 256 + 64 + 0 + 5)
    assert traced.peak_bytes == 4 * (256 + 256)


def test_wavenet_sees_two_to_the_layers() -> None:
    (layer,) = trace("W64*10", (16000, 1)).plan.layers
    assert layer.field == (1024,)
    # Enter 1x64; ten gated 2 x 64 x 128; nine 64 x 128 and one 64 x 64; with biases.
    assert layer.parameters == 128 + 10 * (16384 + 128) + 9 * (8192 + 128) + 4096 + 64


@pytest.mark.parametrize(
    ("line", "shape", "sentence", "pointed"),
    [
        ("F4@3x3 > F4@3", (9, 1), "its window has 2 axes, but (9,1) has 1", "F4@3x3"),
        ("flatten > F4@3x3", (9, 9, 1), "filters need positions, but (81) has none", "F4@3x3"),
        ("flatten > P2", (9, 9, 1), "pooling needs positions", "P2"),
        ("gap > gap", (9, 9, 1), "global pooling needs positions", "gap"),
        ("F4@3 > FC9", (9, 9, 1), "put `flatten` or `gap` before it, or write F9@1x1", "FC9"),
        ("F6@3|4", (9, 9, 4), "6 filters cannot be shared out evenly among 4", "F6@3|4"),
        ("F4@3|4", (9, 9, 6), "6 input channels cannot be shared out", "F4@3|4"),
        ("GN4", (9, 9, 6), "6 channels cannot be shared out evenly among 4 groups", "GN4"),
        ("F4@7 valid", (5, 9, 1), "a window of 7 does not fit into 5 of (5,9,1)", "F4@7 valid"),
        ("GRU4", (9, 9, 1), "a GRU needs a sequence (time, channels)", "GRU4"),
        ("flatten > W4*2", (9, 9, 1), "a WaveNet block needs a sequence", "W4*2"),
        ("rows", (9, 1), "`rows` needs two or more axes", "rows"),
        ("R > [ flatten ]+", (9, 1), "they have different axes", "[ flatten ]+"),
        ("[ F4@3 valid ]+", (9, 1), "do not follow from its strides", "[ F4@3 valid ]+"),
        ("F900000@1", (999, 999, 1), "more than 1,000,000,000 numbers", "F900000@1"),
    ],
)
def test_what_does_not_fit_is_pointed_at(
    line: str, shape: tuple[int, ...], sentence: str, pointed: str
) -> None:
    with pytest.raises(InputError) as raised:
        trace(line, shape)
    said, row, carets = str(raised.value).split("\n")
    assert sentence in said
    assert row[carets.index("^") : carets.rindex("^") + 1] == pointed


def kinds(line: str, shape: tuple[int, ...] = (28, 28, 8), task: str | None = None) -> list[str]:
    return [f"{each.kind} {each.layer}" for each in trace(line, shape, task=task).advice]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("F16@3x3 > P2 > R", ["relu-before-pooling pool1"]),
        ("F16@3x3 > R > P2", []),
        ("flatten > FC8 > R > FC100", ["far-smaller fc1", "far-larger fc2"]),
        ("flatten > FC8", []),
        ("F600@1x1", ["far-larger conv1"]),
        ("F8@5x5", ["large-filter conv1"]),
        # 5x5 on 8 channels has fewer weights than 3x3 on 8 and then 3x3 on 64.
        ("F64@5x5", []),
        ("F8@5x5/2", []),
        ("F8@3x3 > softmax > softmax", ["softmax-twice softmax2"]),
        ("gap > softmax > FC3", ["softmax-inside softmax1"]),
        ("F8@3x3 > F8@3x3", ["linear-twice conv2"]),
        ("gap > FC4 > drop0.5 > FC3", ["linear-twice fc2"]),
        ("F8@3x3 > BN > R", ["bias-undone conv1"]),
        ("F8@3x3 nobias > BN > R", []),
        ("gap > FC3 > R > softmax", ["scores-cut act1"]),
    ],
)
def test_advice(line: str, expected: list[str]) -> None:
    assert kinds(line) == expected


def test_pooling_first_gives_its_reason() -> None:
    (maximum,) = trace("F8@3x3 > P2 > R", (28, 28, 8)).advice
    assert "both give the same" in maximum.message
    assert "4x fewer" in maximum.message
    (average,) = trace("F8@3x3 > A2 > R", (28, 28, 8)).advice
    assert "put R before A2" in average.message
    (smooth,) = trace("F8@3x3 > P2 > GELU", (28, 28, 8)).advice
    assert "put GELU before P2" in smooth.message


def test_tasks_that_need_positions() -> None:
    assert kinds("F8@3x3 > R > P2 > F5@1x1") == []
    assert kinds("F8@3x3 > R > P2 > F5@1x1", task="locate") == ["position-lost pool1"]
    assert kinds("F8@3x3 > R > P3/1 > F5@1x1", task="locate") == []
    assert kinds("F8@3x3 > R > gap", task="locate") == ["position-lost gap1"]
    line = "F8@3x3 > R > P2x1 > columns > FC9"
    assert kinds(line, task="read") == []
    assert kinds(line.replace("P2x1", "P2"), task="read") == ["position-lost pool1"]
    assert kinds("F8@3x3 > R > P1x2 > rows > FC9", task="transcribe") == []
    with pytest.raises(InputError, match="did you mean 'locate'"):
        trace("R", (3,), task="locat")


def test_the_command_prints_it_and_says_mistakes_in_a_sentence() -> None:
    result = CliRunner().invoke(arch, ["F10@3x3 > F32@2x2", "--input", "28,28,1"])
    assert result.exit_code == 0
    assert result.output.startswith(
        "(28,28,1) (x) (3,3,1,10) = (28,28,10) (x) (2,2,10,32) = (28,28,32)\n"
    )
    assert "1,412 parameters" in result.output
    values = json.loads(run_arch("F10@3x3", "28x28x1", "channels_last", None, as_json=True))
    assert values["layers"][0]["weights"] == [[3, 3, 1, 10]]
    for wrong in ("28,,1", "a", "-3,3", ""):
        with pytest.raises(InputError, match="--input must be whole numbers"):
            run_arch("R", wrong, "channels_last", None, as_json=False)
    with pytest.raises(InputError, match="at least 1"):
        run_arch("R", "28,0,1", "channels_last", None, as_json=False)
    with pytest.raises(InputError, match="1 to 4 axes"):
        run_arch("R", "1,2,3,4,5", "channels_last", None, as_json=False)


def test_tracing_needs_no_torch() -> None:
    script = (
        "import sys; from seedbed.trainers.conv import trace; trace('F4@3x3', (8, 8, 1)).text(); "
        "from seedbed.trainers.conv import command; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
