"""What can be spoken in a language: its letters, digits, punctuation and signs read as words.

The facts are in `data/speech/alphabets.yaml`, with their sources. A language that has no alphabet
there is held against the scripts it is written in.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

import yaml

from seedbed.generators.speech.speaker import script_of_language
from seedbed.resources import data_path

UNSPELLED = frozenset(("So", "Sk", "Cc", "Co", "Cs", "Cn"))
"""Unicode's categories of pictures and other symbols, loose accents, control characters and what
is no character at all; signs of money and of sums (Sc, Sm) have words in most languages."""


@cache
def _facts() -> dict[str, Any]:
    """`data/speech/alphabets.yaml`, read once."""
    facts: dict[str, Any] = yaml.safe_load(
        data_path("speech", "alphabets.yaml").read_text(encoding="utf-8")
    )
    return facts


def _of_language(entries: Mapping[str, Any], language: str) -> Any:
    """The entry of a language or of what it is a region of; None where there is none.

    An entry that is a language's name stands for that one's.
    """
    tag = language.lower()
    while tag not in entries and "-" in tag:
        tag = tag.rpartition("-")[0]
    found = entries.get(tag)
    return entries[found] if isinstance(found, str) else found


def alphabets() -> tuple[str, ...]:
    """The languages whose letters are known, sorted."""
    return tuple(sorted(_facts()["letters"]))


@cache
def letters(language: str) -> frozenset[str] | None:
    """The small letters and accents that `language` is written with, loan words included.

    None where they are not known.
    """
    entry = _of_language(_facts()["letters"], language)
    return None if entry is None else frozenset(entry["main"] + entry["auxiliary"])


@cache
def symbol_words(language: str) -> Mapping[str, str]:
    """Signs that are spoken in `language`, and the words that are heard for them."""
    return dict(_of_language(_facts()["symbols"], language) or {})


@cache
def _punctuation() -> frozenset[str]:
    return frozenset(_facts()["punctuation"])


def is_punctuation(character: str) -> bool:
    """Whether it is a sign that is not spoken: a full stop, a quotation mark, a dash."""
    return character in _punctuation()


def symbols_as_words(text: str, language: str) -> str:
    """`text` with every sign that is spoken in `language` as its words, spaces around them."""
    words = symbol_words(language)
    if not words or words.keys().isdisjoint(text):
        return text
    return "".join(f" {words[c]} " if c in words else c for c in text)


def characters_of(text: str) -> set[str]:
    """The small letters, digits and signs of `text`, composed (NFC), without blanks."""
    return {c for c in unicodedata.normalize("NFC", text).lower() if not c.isspace()}


@lru_cache(maxsize=65536)
def why_unspeakable(character: str, language: str) -> str:
    """Why nobody says `character` in `language`, and the cure: half a sentence, "" if it is said.

    Without an alphabet of the language letters are judged by their script, and of the signs those
    are refused that no text is spelled with: pictures, control characters.
    """
    if character in "0123456789":
        return ""
    known = letters(language)
    if known is None:
        scripts = script_of_language(language)
        if unicodedata.category(character) in UNSPELLED:
            return f"which nobody is known to say in {language!r}: write the words to be heard"
        if not character.isalnum() or character.isdecimal():
            return ""
        if unicodedata.name(character, "?").split()[0] in scripts:
            return ""
        return f"which is no letter of the script that {language!r} is written in: respell it"
    if character in known or is_punctuation(character) or character in symbol_words(language):
        return ""
    if character.isalpha() or unicodedata.category(character).startswith("M"):
        return f"which is no letter of {language!r}: spell the word with letters of that language"
    return f"which has no spoken form in {language!r}: write the words that are to be heard"


def named(character: str) -> str:
    """A character as messages show it: `'ł' (LATIN SMALL LETTER L WITH STROKE)`."""
    name = unicodedata.name(character, f"U+{ord(character):04X}")
    return f"{character!r} ({name})"
