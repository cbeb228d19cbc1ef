"""Draws the text of a plate from the grammar in its layout.

Most texts follow a pattern of the layout; some are vanity texts, and in a few the letters
and digits ignore the layout's alphabets, so that a reader trained on them must look at
each character instead of guessing from the pattern.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seedbed.errors import InputError
from seedbed.generators.plates.layout import (
    ALL_DIGITS,
    ALL_LETTERS,
    PlateLayout,
    Variant,
    parsed_pattern,
)
from seedbed.streams import chance, choose, choose_weighted

MAX_TRIES = 1000
"""Draws of one text. At least one in 20 is allowed (`layout.LEAST_ALLOWED`), so fewer than
one text in 1e22 runs out of tries."""


@dataclass(frozen=True)
class Registration:
    """The text of a plate.

    `lines` are as printed, separator characters included; `plain` has letters and digits
    only, all lines joined. `tokens` holds, for each line, single characters and separators
    as `<name>`, which is what a face is drawn from.
    """

    lines: tuple[str, ...]
    plain: str
    tokens: tuple[tuple[str, ...], ...]
    variant: str


def draw_variant(layout: PlateLayout, rng: np.random.Generator) -> Variant:
    """One of the layout's variants, by weight."""
    return choose(rng, layout.variants, [variant.weight for variant in layout.variants])


def draw_registration(
    layout: PlateLayout,
    rng: np.random.Generator,
    variant: Variant | None = None,
    vanity_texts: bool = True,
) -> Registration:
    """A registration of the layout, for `variant` or one drawn by weight.

    Without `vanity_texts` none is one that its owner chose.
    A text that holds a forbidden word or more than `most_characters` is drawn again. Raises
    `InputError` where `MAX_TRIES` in a row did, which only a layout that `load_layout` has
    not checked can do.
    """
    chosen = draw_variant(layout, rng) if variant is None else variant
    vanity = layout.vanity
    own_text = chance(rng, vanity.rate if vanity is not None and vanity_texts else 0.0)
    free = chance(rng, layout.free_rate)
    if own_text and vanity is not None:
        patterns = vanity.patterns
    else:
        patterns = chosen.patterns or layout.patterns
    for _ in range(MAX_TRIES):
        tokens = _draw_tokens(layout, choose_weighted(rng, patterns), rng, free)
        plain = "".join(token for line in tokens for token in line if len(token) == 1)
        if _may_be(layout, plain):
            # Seals at the end of a line stand for no blank of the text.
            lines = tuple(_printed(layout, line).strip() for line in tokens)
            return Registration(lines, plain, tokens, chosen.name)
    raise InputError(
        f"layout {layout.file}: forbidden {list(layout.forbidden)!r} and most_characters = "
        f"{layout.most_characters} leave no text that its patterns can draw; allow some."
    )


def _may_be(layout: PlateLayout, plain: str) -> bool:
    most = layout.most_characters
    if most is not None and len(plain) > most:
        return False
    return not any(word in plain for word in layout.forbidden)


def draw_pattern_text(layout: PlateLayout, pattern: str, rng: np.random.Generator) -> str:
    """The printed text of one line that follows `pattern`, for small texts on a plate."""
    return "".join(
        _printed(layout, line) for line in _draw_tokens(layout, pattern, rng, free=False)
    )


def _draw_tokens(
    layout: PlateLayout, pattern: str, rng: np.random.Generator, free: bool
) -> tuple[tuple[str, ...], ...]:
    lines = []
    for line in parsed_pattern(pattern):
        tokens: list[str] = []
        for kind, name in line:
            if kind == "letter":
                letters = ALL_LETTERS if free else layout.letters
                tokens.append(choose(rng, letters))
            elif kind == "digit":
                digits = ALL_DIGITS if free else layout.digits
                tokens.append(choose(rng, digits))
            elif kind == "separator":
                tokens.append(f"<{name}>")
            else:
                word = _draw_from_set(layout, name, rng)
                tokens.extend("<gap>" if character == " " else character for character in word)
        lines.append(tuple(tokens))
    return tuple(lines)


def _draw_from_set(layout: PlateLayout, name: str, rng: np.random.Generator) -> str:
    text_set = layout.sets[name]
    if text_set.digits is None:
        words, weights = layout.words[name]
        return choose(rng, words, weights)
    fewest, most = text_set.digits
    length = int(rng.integers(fewest, most + 1))
    lowest = 1 if length == 1 else 10 ** (length - 1)
    return str(int(rng.integers(lowest, 10**length)))


def _printed(layout: PlateLayout, tokens: tuple[str, ...]) -> str:
    return "".join(
        token if len(token) == 1 else layout.separator(token[1:-1]).printed for token in tokens
    )


__all__ = [
    "ALL_DIGITS",
    "ALL_LETTERS",
    "Registration",
    "draw_pattern_text",
    "draw_registration",
    "draw_variant",
]
