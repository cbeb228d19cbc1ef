"""The one-line notation of a network, and its reader.

A line is steps joined by `>`: `F32@3x3 > R > P2 > flatten > FC10 > softmax`. Each step is a
frozen dataclass that knows where it stood, so that whatever is found wrong later, a shape that
does not fit included, points at its word in the line. `docs/conv-core.md` lists every step.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Literal, TypeAlias

from seedbed.errors import InputError

Padding: TypeAlias = Literal["same", "valid", "causal"]
Direction: TypeAlias = Literal["forward", "backward", "both"]

MAX_STEPS = 10_000
"""Steps of a line once its repeats are written out: a slip of a zero ends in a sentence."""

MAX_DEPTH = 16
"""Blocks inside blocks."""


@dataclass(frozen=True)
class Place:
    """Where a step stands: the whole line, and the step's first and past-the-end character."""

    line: str
    start: int
    end: int


def error_at(place: Place, sentence: str) -> InputError:
    """An `InputError` with the sentence, the line (or that row of it), and carets below."""
    row_start = place.line.rfind("\n", 0, place.start) + 1
    row_end = place.line.find("\n", place.start)
    row = place.line[row_start : len(place.line) if row_end < 0 else row_end]
    width = max(1, min(place.end, row_start + len(row)) - place.start)
    # Tabs stay tabs below the row, so that the carets stand where the word does.
    lead = "".join("\t" if letter == "\t" else " " for letter in row[: place.start - row_start])
    return InputError(f"arch: {sentence}\n  {row}\n  {lead}{'^' * width}")


_NOWHERE = Place("", 0, 0)


@dataclass(frozen=True, kw_only=True)
class Step:
    """What all steps share: their place, which plays no part in comparing them."""

    place: Place = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True)
class Filters(Step):
    """`F32@3x3/2*2|4 valid nobias`: `count` filters, convolved with the input.

    `window`, `stride` and `dilation` have one number (for every axis) or one an axis.
    """

    count: int
    window: tuple[int, ...]
    stride: tuple[int, ...] = (1,)
    dilation: tuple[int, ...] = (1,)
    groups: int = 1
    padding: Padding = "same"
    bias: bool = True


@dataclass(frozen=True)
class Pool(Step):
    """`P3/2` (largest) or `A3/2` (average) of a window; the stride is the window by default."""

    kind: Literal["max", "average"]
    window: tuple[int, ...]
    stride: tuple[int, ...]
    padding: Literal["same", "valid"] = "same"


@dataclass(frozen=True)
class GlobalPool(Step):
    """`gap` or `gmp`: one number a channel, the average or the largest over all positions."""

    kind: Literal["max", "average"]


@dataclass(frozen=True)
class Activation(Step):
    """`R`, `leaky0.1`, `GELU` …: a function of each number alone."""

    name: str
    slope: float | None = None


@dataclass(frozen=True)
class Norm(Step):
    """`BN` (over the batch) or `GN8` (over 8 groups of channels of each record)."""

    kind: Literal["batch", "group"]
    groups: int = 1


@dataclass(frozen=True)
class Dropout(Step):
    """`drop0.5`: this share of the numbers is set to zero while training."""

    share: float


@dataclass(frozen=True)
class Flatten(Step):
    """`flatten`: all positions and channels in one row."""


@dataclass(frozen=True)
class Unroll(Step):
    """`rows` or `columns`: one axis stays as time, the others go into the channels.

    `rows` keeps the first axis (frames of a spectrogram or a film), `columns` the last (a
    text line read from left to right).
    """

    kept: Literal["first", "last"]


@dataclass(frozen=True)
class FullyConnected(Step):
    """`FC128`: every output from every input; on a sequence, at each step alone."""

    count: int
    bias: bool = True


@dataclass(frozen=True)
class Softmax(Step):
    """`softmax` or `logsoftmax` over the channels."""

    log: bool = False


@dataclass(frozen=True)
class Recurrent(Step):
    """`GRU128`, `LSTM128 both`, `GRU64 last`: feedback along a sequence."""

    kind: Literal["GRU", "LSTM"]
    count: int
    direction: Direction = "forward"
    last: bool = False


@dataclass(frozen=True)
class WaveNet(Step):
    """`W64*10` or `W64@3*10`: causal gated layers, dilated 1, 2, 4 …, with summed skips.

    van den Oord and others, "WaveNet: a generative model for raw audio", 2016.
    """

    count: int
    layers: int
    window: int = 2


@dataclass(frozen=True)
class Block(Step):
    """`[ … ]+` adds its input to its output; `3x[ … ]` stands for itself three times."""

    body: tuple[Step, ...]
    residual: bool
    times: int = 1


@dataclass(frozen=True)
class Arch:
    """A read line: its text and its steps."""

    text: str
    steps: tuple[Step, ...]


_ACTIVATIONS = {
    "r": "relu",
    "relu": "relu",
    "relu6": "relu6",
    "leaky": "leaky",
    "prelu": "prelu",
    "elu": "elu",
    "selu": "selu",
    "gelu": "gelu",
    "silu": "silu",
    "swish": "silu",
    "mish": "mish",
    "hardswish": "hardswish",
    "softplus": "softplus",
    "softsign": "softsign",
    "tanh": "tanh",
    "sigmoid": "sigmoid",
}
_WITH_SLOPE = {"leaky": 0.01, "elu": 1.0}
"""The slope below zero where none is written: torch's own defaults."""

_ACTIVATION_NAMES = (
    "R",
    "relu",
    "relu6",
    "leaky",
    "leaky0.1",
    "PReLU",
    "ELU",
    "SELU",
    "GELU",
    "SiLU",
    "mish",
    "hardswish",
    "softplus",
    "softsign",
    "tanh",
    "sigmoid",
)
_FORMS = {
    "F": "F COUNT @WINDOW [/STRIDE] [*DILATION] [|GROUPS], such as F32@3x3 or F64@3x3/2*2",
    "P": "P WINDOW [/STRIDE], such as P2, P3/2 or P3x1/2x1",
    "A": "A WINDOW [/STRIDE], such as A2 or A3/2",
    "BN": "BN alone",
    "GN": "GN GROUPS, such as GN8",
    "FC": "FC COUNT, such as FC128",
    "GRU": "GRU COUNT, such as GRU128, GRU128 both or GRU128 last",
    "LSTM": "LSTM COUNT, such as LSTM128, LSTM128 both or LSTM128 last",
    "W": "W COUNT [@WINDOW] *LAYERS, such as W64*10 or W64@3*8",
    "drop": "drop SHARE with a share of at least 0 and below 1, such as drop0.5",
    "flatten": "flatten alone",
    "rows": "rows alone",
    "columns": "columns alone",
    "gap": "gap alone",
    "gmp": "gmp alone",
    "softmax": "softmax alone",
    "logsoftmax": "logsoftmax alone",
}
_ELSEWHERE = {
    "c": "F",
    "conv": "F",
    "dense": "FC",
    "linear": "FC",
    "maxpool": "P",
    "mp": "P",
    "m": "P",
    "avgpool": "A",
    "ap": "A",
    "batchnorm": "BN",
    "bn": "BN",
    "n": "BN",
    "groupnorm": "GN",
    "dropout": "drop",
    "d": "drop",
    "globalpool": "gap",
    "wavenet": "W",
    "f": "F",
    "p": "P",
    "a": "A",
    "fc": "FC",
    "w": "W",
    "gn": "GN",
    "gru": "GRU",
    "lstm": "LSTM",
    "s": "softmax",
}
"""What other tools call a step, and the letters in the wrong case."""

_MODIFIERS: dict[type[Step], tuple[str, ...]] = {
    Filters: ("same", "valid", "causal", "nobias"),
    Pool: ("same", "valid"),
    FullyConnected: ("nobias",),
    Recurrent: ("forward", "backward", "both", "last"),
}

# Nine digits: no real size is longer, and a longer one would be slow to read and to print.
_NUMBER = r"\d{1,9}"
_SIZES = rf"{_NUMBER}(?:x{_NUMBER})*"
_FILTERS = re.compile(
    rf"F(?P<count>{_NUMBER})@(?P<window>{_SIZES})(?:/(?P<stride>{_SIZES}))?"
    rf"(?:\*(?P<dilation>{_SIZES}))?(?:\|(?P<groups>{_NUMBER}))?"
)
_POOL = re.compile(rf"(?P<kind>[PA])(?P<window>{_SIZES})(?:/(?P<stride>{_SIZES}))?")
_WAVENET = re.compile(r"W(?P<count>\d{1,9})(?:@(?P<window>\d{1,9}))?\*(?P<layers>\d{1,9})")
_COUNTED = re.compile(r"(?P<head>GRU|LSTM|FC|GN)(?P<count>\d{1,9})")
_DROPOUT = re.compile(r"drop(?P<share>\d*\.?\d+)")
_SLOPED = re.compile(r"(?P<name>leaky|ELU)(?P<slope>\d*\.?\d+)", re.IGNORECASE)
_HEAD = re.compile(r"[A-Za-z]*")
_LEXEMES = re.compile(r">|\d{1,9}x\[|\[|\]\+?|[^\s>\[\]]+")


@dataclass(frozen=True)
class _Word:
    text: str
    place: Place


def parse(line: str) -> Arch:
    """Read a line of the notation.

    Raises `InputError`, with carets below the word that is wrong and the nearest word that
    would have been right.
    """
    words = [
        _Word(match.group(), Place(line, match.start(), match.end()))
        for match in _LEXEMES.finditer(line)
    ]
    reader = _Reader(line, words)
    steps = reader.steps(0)
    if reader.at < len(words):
        raise error_at(words[reader.at].place, "this `]` closes no `[`; take it out.")
    if _written_out(steps) > MAX_STEPS:
        raise InputError(
            f"arch: the line has more than {MAX_STEPS:,} steps once its repeats are written "
            f"out; repeat less."
        )
    return Arch(line, steps)


def _written_out(steps: tuple[Step, ...]) -> int:
    return sum(
        step.times * _written_out(step.body) if isinstance(step, Block) else 1 for step in steps
    )


def ends_in_softmax(arch: Arch) -> bool:
    """Whether the last step is a softmax, which a loss on logits must not see."""
    return bool(arch.steps) and isinstance(arch.steps[-1], Softmax)


class _Reader:
    """Reads the words of one line from left to right."""

    def __init__(self, line: str, words: list[_Word]) -> None:
        self.line = line
        self.words = words
        self.at = 0

    def steps(self, depth: int) -> tuple[Step, ...]:
        """Steps up to the end of the line or of the block."""
        read = [self.step(depth)]
        while self.peek() == ">":
            self.at += 1
            read.append(self.step(depth))
        following = self.peek()
        if following is not None and not following.startswith("]"):
            raise error_at(
                self.words[self.at].place, f"a `>` is missing before {following!r}; put it there."
            )
        return tuple(read)

    def peek(self) -> str | None:
        return self.words[self.at].text if self.at < len(self.words) else None

    def step(self, depth: int) -> Step:
        word = self.peek()
        if word is None:
            end = len(self.line.rstrip())
            what = "the line is empty" if not self.words else "a layer is missing at the end"
            raise error_at(
                Place(self.line, end, end + 1),
                f"{what}; write one, such as F32@3x3 > R > gap > FC10.",
            )
        place = self.words[self.at].place
        if word.endswith("["):
            return self.block(place, word, depth)
        if word == ">" or word.startswith("]"):
            raise error_at(place, f"a layer is missing before {word!r}; write one or take it out.")
        self.at += 1
        step = _layer(word, place)
        return self.modified(step)

    def modified(self, step: Step) -> Step:
        """The step changed by the words after it."""
        allowed = _MODIFIERS.get(type(step), ())
        seen: list[str] = []
        while (word := self.peek()) is not None and word[0] not in ">[]" and "[" not in word:
            place = self.words[self.at].place
            if word not in allowed:
                if _looks_like_layer(word):
                    raise error_at(place, f"a `>` is missing before {word!r}; put it there.")
                raise error_at(place, _unknown_modifier(word, allowed))
            if word in seen or (_PADDINGS & {word} and _PADDINGS & set(seen)):
                raise error_at(place, f"{word!r} repeats or contradicts {seen[-1]!r}; keep one.")
            seen.append(word)
            step = _modify(step, word)
            step = replace(step, place=replace(step.place, end=place.end))
            self.at += 1
        return step

    def block(self, opening: Place, word: str, depth: int) -> Block:
        if depth >= MAX_DEPTH:
            raise error_at(opening, f"blocks stand more than {MAX_DEPTH} deep; nest them less.")
        times = int(word[:-2]) if word != "[" else 1
        if times < 1:
            raise error_at(opening, "a block is repeated at least once; write 1x[ or more.")
        self.at += 1
        body = self.steps(depth + 1)
        closing = self.peek()
        if closing is None:
            raise error_at(opening, "this `[` is never closed; add `]` or `]+`.")
        end = self.words[self.at].place.end
        self.at += 1
        return Block(body, closing == "]+", times, place=Place(self.line, opening.start, end))


_PADDINGS = {"same", "valid", "causal"}


def _modify(step: Step, word: str) -> Step:
    if word == "nobias":
        return replace(step, bias=False)  # type: ignore[call-arg]
    if word == "last":
        return replace(step, last=True)  # type: ignore[call-arg]
    if word in _PADDINGS:
        return replace(step, padding=word)  # type: ignore[call-arg]
    return replace(step, direction=word)  # type: ignore[call-arg]


def _unknown_modifier(word: str, allowed: tuple[str, ...]) -> str:
    if not allowed:
        return f"{word!r} says nothing about this layer; take it out or put `>` before it."
    match = get_close_matches(word, allowed, n=1, cutoff=0.5)
    meant = f", did you mean {match[0]!r}?" if match else f"; it may be {', '.join(allowed)}."
    return f"{word!r} is not known after this layer{meant}"


def _looks_like_layer(word: str) -> bool:
    try:
        return _read(word, _NOWHERE) is not None
    except InputError:
        return False


def _layer(word: str, place: Place) -> Step:
    """One word as a step. Raises `InputError`."""
    step = _read(word, place)
    if step is None:
        raise error_at(place, _unknown(word))
    return step


def _read(word: str, place: Place) -> Step | None:
    """One word as a step, None where it is none; a size of 0 raises `InputError`."""
    for read in (_filters, _pool, _wavenet, _counted, _dropout, _sloped, _plain):
        step = read(word, place)
        if step is not None:
            return step
    return None


def _unknown(word: str) -> str:
    """The sentence about a word that is no layer, with the nearest one."""
    matched = _HEAD.match(word)
    head = matched.group() if matched else ""
    rest = word[len(head) :]
    if head in _FORMS:
        return f"{word!r} is not written {_FORMS[head]}."
    name = _ELSEWHERE.get(head.lower())
    if name is None:
        names = {known.lower(): known for known in [*_FORMS, *_ACTIVATION_NAMES]}
        match = get_close_matches(head.lower(), list(names), n=1, cutoff=0.5)
        name = names[match[0]] if match else None
    if name is not None:
        whole = next((text for text in (name + rest, name) if _looks_like_layer(text)), None)
        if whole is not None:
            return f"{word!r} is not a layer, did you mean {whole!r}?"
        return f"{word!r} is not a layer, did you mean {name!r}? It is written {_FORMS[name]}."
    return f"{word!r} is not a layer; the layers are {', '.join([*_FORMS, *_ACTIVATION_NAMES])}."


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("x"))


def _positive(place: Place, **numbers: int | tuple[int, ...]) -> None:
    for name, value in numbers.items():
        if min(value if isinstance(value, tuple) else (value,)) < 1:
            raise error_at(place, f"the {name} must be at least 1, got 0.")


def _filters(word: str, place: Place) -> Step | None:
    match = _FILTERS.fullmatch(word)
    if match is None:
        return None
    step = Filters(
        count=int(match["count"]),
        window=_sizes(match["window"]),
        stride=_sizes(match["stride"] or "1"),
        dilation=_sizes(match["dilation"] or "1"),
        groups=int(match["groups"] or 1),
        place=place,
    )
    _positive(
        place,
        count=step.count,
        window=step.window,
        stride=step.stride,
        dilation=step.dilation,
        groups=step.groups,
    )
    return step


def _pool(word: str, place: Place) -> Step | None:
    match = _POOL.fullmatch(word)
    if match is None:
        return None
    window = _sizes(match["window"])
    stride = _sizes(match["stride"]) if match["stride"] else window
    _positive(place, window=window, stride=stride)
    return Pool("max" if match["kind"] == "P" else "average", window, stride, place=place)


def _wavenet(word: str, place: Place) -> Step | None:
    match = _WAVENET.fullmatch(word)
    if match is None:
        return None
    step = WaveNet(int(match["count"]), int(match["layers"]), int(match["window"] or 2))
    _positive(place, count=step.count, layers=step.layers, window=step.window)
    if step.layers > 30:
        # Dilation doubles with each layer; 2^30 samples are 18 hours at 16 kHz.
        raise error_at(place, f"a WaveNet block has at most 30 layers, got {step.layers}.")
    return replace(step, place=place)


def _counted(word: str, place: Place) -> Step | None:
    match = _COUNTED.fullmatch(word)
    if match is None:
        return None
    count = int(match["count"])
    _positive(place, count=count)
    makers: dict[str, Callable[[], Step]] = {
        "GRU": lambda: Recurrent("GRU", count, place=place),
        "LSTM": lambda: Recurrent("LSTM", count, place=place),
        "FC": lambda: FullyConnected(count, place=place),
        "GN": lambda: Norm("group", count, place=place),
    }
    return makers[match["head"]]()


def _dropout(word: str, place: Place) -> Step | None:
    match = _DROPOUT.fullmatch(word)
    if match is None or float(match["share"]) >= 1.0:
        return None
    return Dropout(float(match["share"]), place=place)


def _sloped(word: str, place: Place) -> Step | None:
    match = _SLOPED.fullmatch(word)
    if match is None:
        return None
    return Activation(match["name"].lower(), float(match["slope"]), place=place)


def _plain(word: str, place: Place) -> Step | None:
    steps: dict[str, Step] = {
        "BN": Norm("batch"),
        "flatten": Flatten(),
        "rows": Unroll("first"),
        "columns": Unroll("last"),
        "gap": GlobalPool("average"),
        "gmp": GlobalPool("max"),
        "softmax": Softmax(),
        "logsoftmax": Softmax(log=True),
    }
    if word in steps:
        return replace(steps[word], place=place)
    name = _ACTIVATIONS.get(word.lower()) if word != "r" else None
    return Activation(name, _WITH_SLOPE.get(name), place=place) if name else None


def _by(sizes: tuple[int, ...]) -> str:
    return "x".join(str(size) for size in sizes)


_SPELT = {
    "relu": "R",
    "relu6": "ReLU6",
    "prelu": "PReLU",
    "elu": "ELU",
    "selu": "SELU",
    "gelu": "GELU",
    "silu": "SiLU",
}


def spell(step: Step) -> str:
    """A step as it is written, in its shortest form: `spell(parse(x).steps[0])` reads back."""
    match step:
        case Filters():
            text = f"F{step.count}@{_by(step.window)}"
            text += "" if set(step.stride) == {1} else f"/{_by(step.stride)}"
            text += "" if set(step.dilation) == {1} else f"*{_by(step.dilation)}"
            text += "" if step.groups == 1 else f"|{step.groups}"
            text += "" if step.padding == "same" else f" {step.padding}"
            return text + ("" if step.bias else " nobias")
        case Pool():
            text = ("P" if step.kind == "max" else "A") + _by(step.window)
            text += "" if step.stride == step.window else f"/{_by(step.stride)}"
            return text + ("" if step.padding == "same" else " valid")
        case GlobalPool():
            return "gmp" if step.kind == "max" else "gap"
        case Activation():
            name = _SPELT.get(step.name, step.name)
            usual = step.slope == _WITH_SLOPE.get(step.name)
            return name if usual else f"{name}{step.slope:g}"
        case Norm():
            return "BN" if step.kind == "batch" else f"GN{step.groups}"
        case Dropout():
            return f"drop{step.share:g}"
        case Unroll():
            return "rows" if step.kept == "first" else "columns"
        case FullyConnected():
            return f"FC{step.count}" + ("" if step.bias else " nobias")
        case Softmax():
            return "logsoftmax" if step.log else "softmax"
        case Recurrent():
            text = f"{step.kind}{step.count}"
            text += "" if step.direction == "forward" else f" {step.direction}"
            return text + (" last" if step.last else "")
        case WaveNet():
            window = "" if step.window == 2 else f"@{step.window}"
            return f"W{step.count}{window}*{step.layers}"
        case Block():
            inner = " > ".join(spell(inside) for inside in step.body)
            repeat = "" if step.times == 1 else f"{step.times}x"
            return f"{repeat}[ {inner} ]" + ("+" if step.residual else "")
        case _:
            return "flatten"


def spell_line(arch: Arch) -> str:
    """The whole line in its shortest form."""
    return " > ".join(spell(step) for step in arch.steps)
