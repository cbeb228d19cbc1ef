"""Phrases with holes: alternatives with weights, named slots and read-outs, drawn by weight.

    turn {on:2|off} the {light|fan} in the {room} at {time}

Braces that hold a `|` are alternatives, each with an optional weight; other braces name a
slot of the file or one of the read-outs below, with its parameters after a colon. Stars
mark the keyword: `say *seven* now`. A backslash makes the next character plain text.
Everything is parsed, and every loop found, before anything is drawn.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from itertools import accumulate, product

import numpy as np

from seedbed.errors import InputError
from seedbed.generators.speech.alphabets import characters_of, symbol_words, symbols_as_words
from seedbed.generators.speech.engines.base import SPELLING
from seedbed.generators.speech.spoken_forms import (
    MAX_NUMBER,
    Spoken,
    TimeStyle,
    alphabet,
    check_currency,
    clock_minutes,
    normalise,
    number_words,
    plate_patterns,
    read_date,
    read_digits,
    read_letters,
    read_money,
    read_number,
    read_time,
    spoken_language,
)
from seedbed.generators.speech.text_files import nearest

Draw = Callable[[np.random.Generator], Spoken]

READ_OUTS = ("number", "ordinal", "year", "digits", "date", "time", "money", "spell", "plate")
"""The slots that are always there: they read something out in the phrase's language."""

KEYWORD_SLOT = "keyword"
"""The slot of a carrier sentence that its keyword is spoken in."""

MAX_EXPANSIONS = 256
"""A template with more fillings than this is not listed; it is still drawn from."""


def plain(text: str) -> Spoken:
    """Text that is spoken as it is written."""
    return Spoken(text, text, normalise(text))


@dataclass(frozen=True)
class Piece:
    """Part of a drawn phrase, and whether it belongs to the keyword."""

    spoken: Spoken
    keyword: bool = False


@dataclass(frozen=True)
class Text:
    """Text between braces."""

    spoken: Spoken


@dataclass(frozen=True)
class Choice:
    """Alternatives and their weights, summed up for drawing."""

    options: tuple[Run, ...]
    cumulative: tuple[float, ...]


@dataclass(frozen=True)
class SlotName:
    """A slot of the file, or the keyword's place in a carrier."""

    name: str


@dataclass(frozen=True)
class ReadOut:
    """A read-out with its parameters, bound to a language."""

    draw: Draw
    characters: frozenset[str]


@dataclass(frozen=True)
class Run:
    """Nodes one after the other; `keyword` where they stand between stars."""

    nodes: tuple[Node, ...]
    keyword: bool = False


Node = Text | Choice | SlotName | ReadOut | Run


def weighted_choice(options: Sequence[Run], weights: Iterable[float]) -> Choice:
    """Alternatives ready to be drawn from; weights are on any positive scale."""
    return Choice(tuple(options), tuple(accumulate(weights)))


def pick(rng: np.random.Generator, cumulative: Sequence[float]) -> int:
    """An index with probability in proportion to its weight, from summed-up weights."""
    spot = bisect_right(cumulative, rng.random() * cumulative[-1])
    return min(spot, len(cumulative) - 1)


def parse(template: str, language: str) -> Run:
    """A template as nodes. Raises `ValueError` with half a sentence where it is not one."""
    return _Parser(template, language).sequence(stop="")


class _Parser:
    def __init__(self, template: str, language: str) -> None:
        self.text = unicodedata.normalize("NFC", template)
        self.language = language
        self.at = 0
        self.starred = False

    def sequence(self, stop: str) -> Run:
        """Nodes up to one of the characters in `stop`, or to the end of the text."""
        outer: list[Node] = []
        inner: list[Node] | None = None
        literal: list[str] = []

        def nodes() -> list[Node]:
            return outer if inner is None else inner

        def flush() -> None:
            if literal:
                nodes().append(Text(plain("".join(literal))))
                literal.clear()

        while self.at < len(self.text):
            character = self.text[self.at]
            if character in stop:
                break
            self.at += 1
            if character == "\\":
                if self.at == len(self.text):
                    raise ValueError("a backslash stands at the end, with nothing after it")
                literal.append(self.text[self.at])
                self.at += 1
            elif character == "{":
                flush()
                nodes().append(self.braces())
            elif character == "}":
                raise ValueError("a closing brace has no opening one")
            elif character == "*":
                flush()
                if inner is None:
                    if self.starred:
                        raise ValueError("a keyword's stars may not stand within another's")
                    inner, self.starred = [], True
                else:
                    outer.append(Run(tuple(inner), keyword=True))
                    inner, self.starred = None, False
            else:
                literal.append(character)
        flush()
        if inner is not None:
            raise ValueError(
                "a star that starts a keyword is never closed; write \\* for a plain star"
            )
        return Run(tuple(outer))

    def braces(self) -> Node:
        """What stands after an opening brace, its closing one included."""
        start = self.at
        options: list[Run] = []
        weights: list[float] = []
        while True:
            option_start = self.at
            options.append(self.sequence(stop="|}"))
            if self.at >= len(self.text):
                raise ValueError("an opening brace is never closed")
            raw = self.text[option_start : self.at]
            weight = re.search(r":(\d+(?:\.\d+)?)\s*$", raw)
            closing = self.text[self.at] == "}"
            self.at += 1
            if closing and len(options) == 1:
                return self.slot(self.text[start : self.at - 1].strip())
            if weight is None:
                weights.append(1.0)
            else:
                weights.append(float(weight.group(1)))
                options[-1] = _without_end(options[-1], len(weight.group(0)))
            if closing:
                break
        if sum(weights) <= 0:
            raise ValueError("all the weights in a pair of braces are 0")
        return weighted_choice(options, weights)

    def slot(self, inside: str) -> Node:
        name, _, parameters = inside.partition(":")
        if name in READ_OUTS:
            return read_out(name, parameters, self.language)
        if not re.fullmatch(r"[A-Za-z_][\w-]*", name) or parameters:
            raise ValueError(
                f"{{{inside}}} is neither alternatives with a | nor a slot; the read-outs "
                f"are {', '.join(READ_OUTS)}"
            )
        return SlotName(name)


def _without_end(option: Run, length: int) -> Run:
    """The option without the weight written at its end."""
    last = option.nodes[-1]
    if not isinstance(last, Text) or len(last.spoken.text) < length:
        raise ValueError("a weight must stand outside a keyword's stars")
    kept = last.spoken.text[:-length]
    nodes = option.nodes[:-1] + ((Text(plain(kept)),) if kept else ())
    return Run(nodes, option.keyword)


def slot_names(node: Node) -> list[str]:
    """Every slot a node refers to, in order, repeats included."""
    if isinstance(node, SlotName):
        return [node.name]
    if isinstance(node, Choice):
        return [name for option in node.options for name in slot_names(option)]
    if isinstance(node, Run):
        return [name for part in node.nodes for name in slot_names(part)]
    return []


def has_stars(node: Node) -> bool:
    """Whether a keyword is marked anywhere in the node itself."""
    if isinstance(node, Run):
        return node.keyword or any(has_stars(part) for part in node.nodes)
    if isinstance(node, Choice):
        return any(has_stars(option) for option in node.options)
    return False


def has_read_out(node: Node) -> bool:
    """Whether the node itself reads out numbers, dates, letters or the like."""
    if isinstance(node, Choice):
        return any(has_read_out(option) for option in node.options)
    if isinstance(node, Run):
        return any(has_read_out(part) for part in node.nodes)
    return isinstance(node, ReadOut)


def characters(node: Node, slots: Mapping[str, Node]) -> dict[str, str]:
    """Every small letter, digit and sign that may be spoken, and a text it stands in.

    The text is "" for what a read-out says.
    """
    if isinstance(node, Text):
        return dict.fromkeys(characters_of(node.spoken.text), node.spoken.text)
    if isinstance(node, ReadOut):
        return dict.fromkeys(node.characters, "")
    if isinstance(node, SlotName):
        return characters(slots[node.name], slots) if node.name in slots else {}
    found: dict[str, str] = {}
    for part in node.options if isinstance(node, Choice) else node.nodes:
        found = {**characters(part, slots), **found}
    return found


def draw_pieces(
    node: Node, slots: Mapping[str, Node], rng: np.random.Generator, keyword: bool = False
) -> list[Piece]:
    """Fill every slot and take every choice. Loops must have been refused before."""
    if isinstance(node, Text):
        return [Piece(node.spoken, keyword)]
    if isinstance(node, ReadOut):
        return [Piece(node.draw(rng), keyword)]
    if isinstance(node, Choice):
        return draw_pieces(node.options[pick(rng, node.cumulative)], slots, rng, keyword)
    if isinstance(node, SlotName):
        return draw_pieces(slots[node.name], slots, rng, keyword)
    inside = keyword or node.keyword
    return [piece for part in node.nodes for piece in draw_pieces(part, slots, rng, inside)]


def expansions(node: Node, slots: Mapping[str, Node]) -> list[list[Piece]] | None:
    """Every filling of a template, or None where there are more than `MAX_EXPANSIONS`.

    A read-out counts as too many.
    """
    if isinstance(node, Text):
        return [[Piece(node.spoken)]]
    if isinstance(node, ReadOut):
        return None
    if isinstance(node, SlotName):
        return expansions(slots[node.name], slots)
    parts = node.options if isinstance(node, Choice) else node.nodes
    lists = [expansions(part, slots) for part in parts]
    found = [each for each in lists if each is not None]
    if len(found) < len(lists):
        return None
    if isinstance(node, Choice):
        joined = [pieces for each in found for pieces in each]
        return joined if len(joined) <= MAX_EXPANSIONS else None
    total = 1
    for each in found:
        total *= len(each)
    if total > MAX_EXPANSIONS:
        return None
    return [
        [Piece(p.spoken, p.keyword or node.keyword) for pieces in combination for p in pieces]
        for combination in product(*found)
    ]


def join(pieces: Sequence[Piece], language: str) -> tuple[Spoken, tuple[int, int] | None]:
    """The pieces as one text, with the characters of it that are the keyword.

    Runs of spaces shrink to one, and no space stays at an end or before punctuation, so an
    alternative may be empty. The span covers the keyword's first letter to its last. Among the
    words stand those that are heard in `language` for signs such as %.
    """
    return _joined(tuple(piece for piece in pieces if piece.spoken.text), language)


@lru_cache(maxsize=4096)
def _joined(pieces: tuple[Piece, ...], language: str) -> tuple[Spoken, tuple[int, int] | None]:
    text, marks, words = "", list[bool](), ""
    for piece in pieces:
        said = piece.spoken.text
        if text.endswith(".") and said.startswith("."):
            said = said[1:]  # "a.m." at the end of a sentence needs no second full stop
        text += said
        marks += [piece.keyword] * len(said)
        words += _words_in_place(piece.spoken)
    kept: list[int] = []
    for index, character in enumerate(text):
        if character.isspace():
            following = text[index + 1 :].lstrip()[:1]
            if not kept or not following or following in ",.;:!?" or text[kept[-1]].isspace():
                continue
        kept.append(index)
    spoken = "".join(" " if text[i].isspace() else text[i] for i in kept)
    signs = symbol_words(language)
    marked = [
        at
        for at, i in enumerate(kept)
        if marks[i] and (unicodedata.category(text[i]) in SPELLING or text[i] in signs)
    ]
    span = (marked[0], marked[-1] + 1) if marked else None
    written = _tidy("".join(piece.spoken.written for piece in pieces))
    return Spoken(spoken, written, normalise(symbols_as_words(words, language))), span


def _tidy(text: str) -> str:
    return re.sub(r"\s+([,.;:!?])", r"\1", " ".join(text.split()))


def _words_in_place(spoken: Spoken) -> str:
    """The words of a piece that may share a word with its neighbours, as `{un|}lock` does."""
    if spoken.words == normalise(spoken.text):
        return spoken.text
    return spoken.words


def _span(parameters: str, default: tuple[int, int], limits: tuple[int, int]) -> tuple[int, int]:
    """`A..B` or a single number as (lowest, highest)."""
    if not parameters:
        return default
    match = re.fullmatch(r"\s*(-?\d+)\s*(?:\.\.\s*(-?\d+)\s*)?", parameters)
    if match is None:
        raise ValueError(f"{parameters!r} is not a number or a range such as 0..99")
    low = int(match.group(1))
    high = low if match.group(2) is None else int(match.group(2))
    if not limits[0] <= low <= high <= limits[1]:
        raise ValueError(
            f"the range {parameters!r} must rise and lie within {limits[0]}..{limits[1]}"
        )
    return low, high


def read_out(name: str, parameters: str, language: str) -> ReadOut:
    """One of `READ_OUTS` with its parameters. Raises `ValueError` with half a sentence."""
    try:
        letters = alphabet(language)
        return ReadOut(_DRAWERS[name](parameters.strip(), language), letters)
    except InputError as error:
        raise ValueError(str(error).rstrip(".")) from None


def _number(parameters: str, language: str) -> Draw:
    low, high = _span(parameters, (0, 99), (-MAX_NUMBER, MAX_NUMBER))
    return lambda rng: read_number(int(rng.integers(low, high, endpoint=True)), language)


def _ordinal(parameters: str, language: str) -> Draw:
    low, high = _span(parameters, (1, 31), (1, 9999))
    number_words(low, language, "ordinal")
    return lambda rng: read_number(int(rng.integers(low, high, endpoint=True)), language, "ordinal")


def _year(parameters: str, language: str) -> Draw:
    low, high = _span(parameters, (1950, 2035), (1000, 2999))
    return lambda rng: read_number(int(rng.integers(low, high, endpoint=True)), language, "year")


def _digits(parameters: str, language: str) -> Draw:
    low, high = _span(parameters, (4, 4), (1, 40))

    def draw(rng: np.random.Generator) -> Spoken:
        count = int(rng.integers(low, high, endpoint=True))
        return read_digits("".join(str(d) for d in rng.integers(0, 10, count)), language)

    return draw


def _date(parameters: str, language: str) -> Draw:
    with_year = parameters != "day-month"
    low, high = _span(parameters if with_year else "", (1950, 2035), (1000, 2999))
    first = date(low, 1, 1)
    days = (date(high, 12, 31) - first).days

    def draw(rng: np.random.Generator) -> Spoken:
        day = first + timedelta(days=int(rng.integers(0, days, endpoint=True)))
        return read_date(day, language, year=with_year)

    return draw


_TIME_STYLES: dict[str, TimeStyle] = {"12": "twelve", "24": "twenty_four", "clock": "clock"}


def _time(parameters: str, language: str) -> Draw:
    if parameters and parameters not in _TIME_STYLES:
        raise ValueError(f"{parameters!r} is not a style of time: write 12, 24 or clock")
    facts = spoken_language(language).time
    style = _TIME_STYLES.get(parameters, facts.styles[0])
    minutes = clock_minutes(language) if style == "clock" else list(range(60))
    if not minutes:
        raise ValueError(f"language {language!r} has no clock-face times: write {{time}}")
    read_time(0, 0, language, style)

    def draw(rng: np.random.Generator) -> Spoken:
        hour = int(rng.integers(24))
        return read_time(hour, minutes[int(rng.integers(len(minutes)))], language, style)

    return draw


WHOLE_AMOUNTS = 0.5
"""Share of amounts of money without cents, as many prices are."""


def _money(parameters: str, language: str) -> Draw:
    currency, _, amounts = parameters.partition(":")
    code = check_currency(currency or None, language)
    low, high = _span(amounts, (1, 200), (0, 1_000_000))

    def draw(rng: np.random.Generator) -> Spoken:
        cents = int(rng.integers(100 * low, 100 * high, endpoint=True))
        whole = rng.random() < WHOLE_AMOUNTS
        return read_money(100 * round(cents / 100) if whole else cents, language, code)

    return draw


def _spell(parameters: str, language: str) -> Draw:
    if parameters and not re.fullmatch(r"\s*-?\d+\s*(\.\..*)?", parameters):
        spelled = read_letters(parameters, language)
        return lambda rng: spelled
    low, high = _span(parameters, (3, 6), (1, 40))
    names = sorted(spoken_language(language).letters)

    def draw(rng: np.random.Generator) -> Spoken:
        count = int(rng.integers(low, high, endpoint=True))
        drawn = "".join(names[int(i)] for i in rng.integers(0, len(names), count))
        return read_letters(drawn.upper(), language)

    return draw


def _plate(parameters: str, language: str) -> Draw:
    letters, patterns = plate_patterns(parameters)
    read_letters(letters, language)

    def draw(rng: np.random.Generator) -> Spoken:
        pattern = patterns[int(rng.integers(len(patterns)))]
        written = ""
        for sign in pattern:
            if sign == "A":
                written += letters[int(rng.integers(len(letters)))]
            elif sign == "9":
                written += str(int(rng.integers(10)))
            else:
                written += sign
        return read_letters(written, language)

    return draw


_DRAWERS: dict[str, Callable[[str, str], Draw]] = {
    "number": _number,
    "ordinal": _ordinal,
    "year": _year,
    "digits": _digits,
    "date": _date,
    "time": _time,
    "money": _money,
    "spell": _spell,
    "plate": _plate,
}


def find_loop(slots: Mapping[str, Node]) -> list[str] | None:
    """The names of slots that lead back to themselves, first one repeated, or None."""
    done: set[str] = set()

    def visit(name: str, path: list[str]) -> list[str] | None:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done or name not in slots:
            return None
        for used in slot_names(slots[name]):
            loop = visit(used, [*path, name])
            if loop:
                return loop
        done.add(name)
        return None

    for name in slots:
        loop = visit(name, [])
        if loop:
            return loop
    return None


def unknown_slot(node: Node, slots: Mapping[str, Node], allowed: Sequence[str] = ()) -> str | None:
    """Half a sentence on the first slot that does not exist, or None."""
    for name in slot_names(node):
        if name not in slots and name not in allowed:
            known = [*slots, *allowed, *READ_OUTS]
            return f"there is no slot {{{name}}}: {nearest(name, known)}"
    return None
