"""English words as IPA, in the accent of a drawn region, for engines that read phonemes.

espeak-ng turns text into IPA (`pronounce`); the rules of `data/speech/ipa.yaml` turn that into
what a learner or a native of another region would say. An engine with letters of its own
writes the result with `respelled`.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Any

import yaml

from seedbed.errors import InputError
from seedbed.registry import nearest
from seedbed.resources import data_path


@cache
def ipa_facts() -> dict[str, Any]:
    """`data/speech/ipa.yaml`, read once."""
    facts: dict[str, Any] = yaml.safe_load(
        data_path("speech", "ipa.yaml").read_text(encoding="utf-8")
    )
    return facts


def ipa_accents() -> tuple[str, ...]:
    """The accents that IPA can be given, sorted."""
    return tuple(sorted(ipa_facts()["accents"]))


@cache
def _rules(table: str, name: str) -> tuple[re.Pattern[str], dict[str, str]]:
    facts = ipa_facts()[table]
    rules = {key: str(value) for key, value in (facts[name] if name else facts).items()}
    # Stress stands between the letters of a diphthong at most in front: it is left in place.
    longest_first = sorted(rules, key=len, reverse=True)
    return re.compile("|".join(re.escape(key) for key in longest_first)), rules


def respelled(ipa: str, table: str, name: str = "") -> str:
    """`ipa` with every rule of a table of `data/speech/ipa.yaml` applied once, left to right."""
    pattern, rules = _rules(table, name)
    return pattern.sub(lambda found: rules[found.group()], ipa)


@lru_cache(maxsize=16384)
def accented_ipa(text: str, language: str, accent: str) -> str:
    """The IPA of `text`, read in an accent ("" for the language's own), stress marks included.

    Raises `InputError` for an unknown accent and a language that espeak-ng does not know.
    """
    from seedbed.generators.speech.engines.espeak import pronounce

    ipa = pronounce(text, language)
    if not accent:
        return ipa
    if accent not in ipa_facts()["accents"]:
        known = list(ipa_accents())
        raise InputError(
            f"there is no accent {accent!r} in IPA{nearest(accent, known)} "
            f"(known: {', '.join(known)})"
        )
    return respelled(ipa, "accents", accent)
