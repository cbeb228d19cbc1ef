# The IPA's letters look like others on purpose.
# ruff: noqa: RUF001
"""How alike two words sound: an edit distance whose costs come from phoneme features.

A keyword spotter fails on words that sound like its keyword, so these are the negatives worth
speaking. Swapping *p* for *b* must cost less than swapping *p* for *a*; the features and their
weights (`_SALIENCE`) follow ALINE: G. Kondrak, "A new algorithm for the alignment of phonetic
sequences", NAACL 2000, tables 3 and 4, with finer vowel heights than his three. The phonemes
are IPA text from any source: no speech engine is needed here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

INDEL_COST = 0.6
"""Cost of a phoneme too many or too few; a swap costs up to 1, so two such cost more."""

WEAK_INDEL_COST = 0.35
"""The same for the sounds that fluent speech drops: schwa, h and the glottal stop."""

_SALIENCE = {
    "place": 40.0,
    "manner": 50.0,
    "voice": 10.0,
    "nasal": 10.0,
    "lateral": 10.0,
    "high": 5.0,
    "back": 5.0,
    "round": 5.0,
    "long": 1.0,
}
_FULL_COST = 35.0
"""ALINE's score of a perfect match: a difference as large is taken as altogether different."""


@dataclass(frozen=True)
class _Features:
    vowel: bool
    place: float = 0.0
    manner: float = 0.0
    voice: float = 1.0
    nasal: float = 0.0
    lateral: float = 0.0
    high: float = 0.0
    back: float = 0.0
    round: float = 0.0
    long: float = 0.0


_BILABIAL, _LABIODENTAL, _DENTAL, _ALVEOLAR, _RETROFLEX = 1.0, 0.95, 0.9, 0.85, 0.8
_POSTALVEOLAR, _PALATAL, _VELAR, _UVULAR, _PHARYNGEAL, _GLOTTAL = 0.75, 0.7, 0.6, 0.5, 0.3, 0.1
_STOP, _AFFRICATE, _FRICATIVE, _APPROXIMANT = 1.0, 0.9, 0.8, 0.6


def _consonants() -> dict[str, _Features]:
    table: dict[str, _Features] = {}

    def add(symbols: str, place: float, manner: float, **more: float) -> None:
        """`symbols`: the voiceless one and the voiced one, or a single voiced one."""
        pair = symbols.split()
        for symbol in pair:
            voice = 0.0 if len(pair) == 2 and symbol == pair[0] else 1.0
            table[symbol] = _Features(False, place, manner, voice, **more)

    add("p b", _BILABIAL, _STOP)
    add("t d", _ALVEOLAR, _STOP)
    add("ʈ ɖ", _RETROFLEX, _STOP)
    add("c ɟ", _PALATAL, _STOP)
    add("k ɡ", _VELAR, _STOP)
    add("q ɢ", _UVULAR, _STOP)
    add("ʔ ʡ", _GLOTTAL, _STOP)
    add("ts dz", _ALVEOLAR, _AFFRICATE)
    add("tʃ dʒ", _POSTALVEOLAR, _AFFRICATE)
    add("tɕ dʑ", _PALATAL, _AFFRICATE)
    add("tʂ dʐ", _RETROFLEX, _AFFRICATE)
    add("ɸ β", _BILABIAL, _FRICATIVE)
    add("f v", _LABIODENTAL, _FRICATIVE)
    add("θ ð", _DENTAL, _FRICATIVE)
    add("s z", _ALVEOLAR, _FRICATIVE)
    add("ʃ ʒ", _POSTALVEOLAR, _FRICATIVE)
    add("ɕ ʑ", _PALATAL, _FRICATIVE)
    add("ʂ ʐ", _RETROFLEX, _FRICATIVE)
    add("ç ʝ", _PALATAL, _FRICATIVE)
    add("x ɣ", _VELAR, _FRICATIVE)
    add("χ ʁ", _UVULAR, _FRICATIVE)
    add("ħ ʕ", _PHARYNGEAL, _FRICATIVE)
    add("h ɦ", _GLOTTAL, _FRICATIVE)
    for symbol, place in zip(
        "mɱnɳɲŋɴ",
        (_BILABIAL, _LABIODENTAL, _ALVEOLAR, _RETROFLEX, _PALATAL, _VELAR, _UVULAR),
        strict=True,
    ):
        add(symbol, place, _STOP, nasal=1.0)
    add("l", _ALVEOLAR, _APPROXIMANT, lateral=1.0)
    add("ɫ", _ALVEOLAR, _APPROXIMANT, lateral=1.0, back=1.0)
    add("ɭ", _RETROFLEX, _APPROXIMANT, lateral=1.0)
    add("ʎ", _PALATAL, _APPROXIMANT, lateral=1.0)
    add("r", _ALVEOLAR, _APPROXIMANT)
    add("ɾ", _ALVEOLAR, _APPROXIMANT + 0.1)
    add("ɹ", _ALVEOLAR, _APPROXIMANT - 0.05)
    add("ɻ", _RETROFLEX, _APPROXIMANT)
    add("ʀ", _UVULAR, _APPROXIMANT)
    add("ʋ", _LABIODENTAL, _APPROXIMANT)
    add("j", _PALATAL, _APPROXIMANT, high=1.0)
    add("ɥ", _PALATAL, _APPROXIMANT, high=1.0, round=1.0)
    add("w", _BILABIAL, _APPROXIMANT, high=1.0, back=1.0, round=1.0)
    add("ɰ", _VELAR, _APPROXIMANT, high=1.0, back=1.0)
    table["g"] = table["ɡ"]
    table["ʍ"] = table["w"]
    return table


def _vowels() -> dict[str, _Features]:
    """Height, backness and rounding as the IPA chart places them, 0 low or front to 1."""
    heights = {
        1.0: ("i y", "ɨ ʉ", "ɯ u"),
        0.85: ("ɪ ʏ", "ᵻ -", "- ʊ"),
        0.67: ("e ø", "ɘ ɵ", "ɤ o"),
        0.5: ("- -", "ə -", "- -"),
        0.33: ("ɛ œ", "ɜ ɞ", "ʌ ɔ"),
        0.15: ("æ -", "ɐ -", "- -"),
        0.0: ("a ɶ", "ä -", "ɑ ɒ"),
    }
    table: dict[str, _Features] = {}
    for height, row in heights.items():
        for back, pair in zip((0.0, 0.5, 1.0), row, strict=True):
            for rounded, symbol in enumerate(pair.split()):
                # ALINE gives vowels a manner too: 0.4 high, 0.2 mid, 0 low.
                table[symbol] = _Features(
                    True, manner=0.4 * height, high=height, back=back, round=float(rounded)
                )
    table["ɚ"] = table["ə"]
    table["ɝ"] = table["ɜ"]
    return table


_TABLE = {**_consonants(), **_vowels()}
_GLIDES = ({"j", "i"}, {"j", "ɪ"}, {"w", "u"}, {"w", "ʊ"}, {"ɹ", "ɚ"}, {"ɹ", "ɝ"}, {"ɥ", "y"})
_GLIDE_COST = 0.3
_STRESS = "ˈˌ'"
_MODIFIERS = set("ːˑʰʲʷˠˤ˞") | {"\u0303", "\u0329", "\u032f", "\u0325", "\u031a"}
_LANGUAGE_SWITCH = re.compile(r"\([a-z-]+\)")
_TIES = re.compile("[\u0361\u035c\u200d]")


def split_ipa(ipa: str) -> tuple[str, ...]:
    """The phonemes of an IPA string: stress, spaces, ties and language switches are dropped.

    A length mark or other modifier stays with its sound, and t+ʃ, d+ʒ, t+s … are one sound.
    """
    text = _TIES.sub("", _LANGUAGE_SWITCH.sub("", unicodedata.normalize("NFD", ipa)))
    text = text.replace("c\u0327", "ç")
    sounds: list[str] = []
    joined = False
    for character in text:
        if character in _MODIFIERS or unicodedata.combining(character):
            if sounds:
                sounds[-1] += character
        elif character in _STRESS:
            continue
        elif character.isalpha():
            if joined and sounds and sounds[-1] + character in _TABLE:
                sounds[-1] += character
            else:
                sounds.append(character)
            joined = True
        else:
            joined = False
    return tuple(sounds)


@lru_cache(maxsize=1024)
def _features(phoneme: str) -> _Features | None:
    bare = "".join(c for c in phoneme if c not in _MODIFIERS and not unicodedata.combining(c))
    base = _TABLE.get(bare)
    if base is None:
        return None
    return _Features(
        vowel=base.vowel,
        place=base.place,
        manner=base.manner,
        voice=base.voice,
        nasal=1.0 if "\u0303" in phoneme else base.nasal,
        lateral=base.lateral,
        high=base.high,
        back=base.back,
        round=base.round,
        long=1.0 if "ː" in phoneme else 0.0,
    )


@lru_cache(maxsize=16384)
def substitution_cost(first: str, second: str) -> float:
    """How different two phonemes are: 0 for the same, 1 for nothing in common.

    A symbol outside the table differs wholly from every other.
    """
    if first == second:
        return 0.0
    a, b = _features(first), _features(second)
    if a is None or b is None:
        return 1.0
    if a.vowel != b.vowel:
        return _GLIDE_COST if {first[:1], second[:1]} in _GLIDES else 1.0
    difference = 0.0
    for name, weight in _SALIENCE.items():
        difference += weight * abs(float(getattr(a, name)) - float(getattr(b, name)))
    return min(1.0, difference / _FULL_COST)


def _indel_cost(phoneme: str) -> float:
    return WEAK_INDEL_COST if phoneme[:1] in "əhʔɦ" else INDEL_COST


def phoneme_distance(first: Sequence[str], second: Sequence[str]) -> float:
    """Weighted edit distance of two phoneme sequences, over the longer one's length.

    0 is a homophone; *night* and *light* are near 0.1; unrelated words are over 0.5.
    """
    if not first and not second:
        return 0.0
    above = [0.0]
    for phoneme in second:
        above.append(above[-1] + _indel_cost(phoneme))
    for left in first:
        left_cost = _indel_cost(left)
        row = [above[0] + left_cost]
        for column, right in enumerate(second):
            row.append(
                min(
                    above[column] + substitution_cost(left, right),
                    above[column + 1] + left_cost,
                    row[column] + _indel_cost(right),
                )
            )
        above = row
    return above[-1] / max(len(first), len(second))


def _rhyme_part(ipa: str) -> tuple[str, ...]:
    start = max(ipa.rfind("ˈ"), ipa.rfind("'"))
    sounds = split_ipa(ipa[start + 1 :])
    for index, sound in enumerate(sounds):
        features = _features(sound)
        if features is not None and features.vowel:
            return sounds[index:]
    return ()


def rhymes(first: str, second: str) -> bool:
    """Whether two IPA words are the same from the last stressed vowel on, but not throughout."""
    part = _rhyme_part(first)
    return bool(part) and part == _rhyme_part(second) and split_ipa(first) != split_ipa(second)


def nearest_words(
    target: str, candidates: Mapping[str, str], count: int, within: float
) -> list[tuple[str, float]]:
    """The `count` words of `candidates` (word to IPA) that sound most like `target` (IPA).

    Homophones are left out (no listener could tell them apart), and so is what is further
    than `within`. Nearest first, ties by spelling; each with its distance.
    """
    sounds = split_ipa(target)
    found = []
    for word, ipa in candidates.items():
        other = split_ipa(ipa)
        # Every extra phoneme costs at least WEAK_INDEL_COST, so most words need no alignment.
        longer = max(len(sounds), len(other), 1)
        if abs(len(sounds) - len(other)) * WEAK_INDEL_COST / longer > within:
            continue
        distance = phoneme_distance(sounds, other)
        if 0.0 < distance <= within:
            found.append((word, distance))
    return sorted(found, key=lambda pair: (pair[1], pair[0]))[:count]
