"""Reading a line: what each word becomes, and where a wrong one is pointed at."""

from __future__ import annotations

import pytest

from seedbed.errors import InputError
from seedbed.trainers.conv.notation import (
    Activation,
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
    Step,
    Unroll,
    WaveNet,
    ends_in_softmax,
    parse,
    spell_line,
)

EXAMPLE = (
    "F32@3x3 > R > F32@3x3 > R > P2 > F64@3x3 > R > P3/2 > F128@3x3*2 > R > flatten > FC128 > "
    "R > FC10 > softmax"
)


@pytest.mark.parametrize(
    ("word", "step"),
    [
        ("F32@3x3", Filters(32, (3, 3))),
        ("F32@5", Filters(32, (5,))),
        ("F8@3x3x3/1x2x2", Filters(8, (3, 3, 3), stride=(1, 2, 2))),
        ("F8@3x3/2x1*1x2|4", Filters(8, (3, 3), (2, 1), (1, 2), 4)),
        ("F8@3 valid nobias", Filters(8, (3,), padding="valid", bias=False)),
        ("F8@3 causal", Filters(8, (3,), padding="causal")),
        ("P2", Pool("max", (2,), (2,))),
        ("P3x1/2x1 valid", Pool("max", (3, 1), (2, 1), "valid")),
        ("A3/2", Pool("average", (3,), (2,))),
        ("gap", GlobalPool("average")),
        ("gmp", GlobalPool("max")),
        ("R", Activation("relu")),
        ("ReLU", Activation("relu")),
        ("leaky", Activation("leaky", 0.01)),
        ("leaky.2", Activation("leaky", 0.2)),
        ("gelu", Activation("gelu")),
        ("BN", Norm("batch")),
        ("GN8", Norm("group", 8)),
        ("drop0.5", Dropout(0.5)),
        ("flatten", Flatten()),
        ("rows", Unroll("first")),
        ("columns", Unroll("last")),
        ("FC10", FullyConnected(10)),
        ("softmax", Softmax()),
        ("logsoftmax", Softmax(log=True)),
        ("GRU128", Recurrent("GRU", 128)),
        ("LSTM8 both last", Recurrent("LSTM", 8, "both", last=True)),
        ("W64*10", WaveNet(64, 10)),
        ("W64@3*8", WaveNet(64, 8, 3)),
        ("[ R ]+", Block((Activation("relu"),), residual=True)),
        ("3x[R > BN]", Block((Activation("relu"), Norm("batch")), residual=False, times=3)),
    ],
)
def test_a_word_is_a_step_and_reads_back(word: str, step: Step) -> None:
    arch = parse(word)
    assert arch.steps == (step,)
    assert parse(spell_line(arch)).steps == (step,)


def test_the_example_reads_and_spells_as_it_was_written() -> None:
    arch = parse(EXAMPLE)
    assert len(arch.steps) == 15
    assert spell_line(arch) == EXAMPLE
    assert ends_in_softmax(arch)
    assert parse(EXAMPLE.replace(" ", "")).steps == arch.steps
    assert parse(EXAMPLE.replace(" > ", "\n> ")).steps == arch.steps


def test_a_step_knows_its_place() -> None:
    step = parse("R > F8@3 valid > R").steps[1]
    assert (step.place.start, step.place.end) == (4, 14)


@pytest.mark.parametrize(
    ("line", "sentence", "pointed"),
    [
        ("F32@3x3 > G32 > R", "'G32' is not a layer, did you mean 'GN32'?", "G32"),
        ("R > sofmax", "'sofmax' is not a layer, did you mean 'softmax'?", "sofmax"),
        ("R > dense10", "did you mean 'FC10'?", "dense10"),
        ("conv32@3x3 > R", "did you mean 'F32@3x3'?", "conv32@3x3"),
        ("tanh3", "'tanh3' is not a layer, did you mean 'tanh'?", "tanh3"),
        ("LSMT12", "did you mean 'LSTM12'?", "LSMT12"),
        ("R > maxpool2", "did you mean 'P2'?", "maxpool2"),
        ("R > F32", "'F32' is not written F COUNT @WINDOW", "F32"),
        ("R > F32@3y3", "is not written F COUNT @WINDOW", "F32@3y3"),
        ("R > F0@3", "the count must be at least 1, got 0", "F0@3"),
        ("R > P2/0", "the stride must be at least 1, got 0", "P2/0"),
        ("R > F9999999999@3", "is not written", "F9999999999@3"),
        ("drop1.5", "with a share of at least 0 and below 1", "drop1.5"),
        ("W8*31", "at most 30 layers, got 31", "W8*31"),
        ("F3@3 vald > R", "did you mean 'valid'?", "vald"),
        ("GRU3 bth", "did you mean 'both'?", "bth"),
        ("flatten valid", "'valid' says nothing about this layer", "valid"),
        ("F3@3 valid same", "'same' repeats or contradicts 'valid'", "same"),
        ("F3@3 R", "a `>` is missing before 'R'", "R"),
        ("F3@3 > > R", "a layer is missing before '>'", ">"),
        ("[ R ]+ R", "a `>` is missing before 'R'", "R"),
        ("R > [ F3@3", "this `[` is never closed", "["),
        ("R > 2x[ R", "this `[` is never closed", "2x["),
        ("R ] > R", "this `]` closes no `[`", "]"),
        ("0x[ R ]", "repeated at least once", "0x["),
        ("R > []", "a layer is missing before ']'", "]"),
        ("R > %", "'%' is not a layer; the layers are F, P, A", "%"),
    ],
)
def test_a_wrong_word_is_pointed_at(line: str, sentence: str, pointed: str) -> None:
    with pytest.raises(InputError) as raised:
        parse(line)
    said, row, carets = str(raised.value).split("\n")
    assert said.startswith("arch: ")
    assert sentence in said
    start, end = carets.index("^"), carets.rindex("^") + 1
    assert row[start:end] == pointed


@pytest.mark.parametrize("line", ["", "   ", "R >", "R > \n"])
def test_a_missing_layer_is_pointed_at(line: str) -> None:
    with pytest.raises(InputError, match=r"empty|missing at the end"):
        parse(line)


def test_only_the_row_with_the_mistake_is_shown() -> None:
    with pytest.raises(InputError) as raised:
        parse("F3@3 > R\n\t> F3@ > R\n> gap")
    assert str(raised.value).split("\n")[1:] == ["  \t> F3@ > R", "  \t  ^^^"]


def test_endless_repeats_are_refused() -> None:
    with pytest.raises(InputError, match="more than 10,000 steps"):
        parse("999x[ 999x[ R ] ]")
    with pytest.raises(InputError, match="more than 16 deep"):
        parse("[" * 50 + "R" + "]" * 50)
