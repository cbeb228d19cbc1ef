"""Accents in IPA: rules by the longest run, and every accent of the file on real words."""

# IPA's letters look like others on purpose.
# ruff: noqa: RUF001, RUF002

import pytest

from seedbed.errors import InputError
from seedbed.generators.speech.ipa import accented_ipa, ipa_accents, respelled

DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


def test_the_longest_rule_comes_first_and_each_letter_is_replaced_once() -> None:
    """French: θ becomes s, ɹ ʁ, and iː i; the new letters are not replaced again."""
    assert respelled("θɹˈiː", "accents", "fr") == "sʁˈi"
    assert respelled("fˈaɪv", "accents", "us-south") == "fˈaːv"
    assert respelled("fˈɔːɹ", "accents", "gb-rp") == "fˈɔː"


def test_without_an_accent_the_ipa_is_espeaks() -> None:
    assert accented_ipa("five", "en-us", "") == "fˈaɪv"


@pytest.mark.parametrize("accent", ipa_accents())
def test_accents_keep_the_digits_apart(accent: str) -> None:
    assert len({accented_ipa(word, "en-us", accent) for word in DIGITS}) == 10


def test_an_unknown_accent_names_its_neighbour() -> None:
    with pytest.raises(InputError, match="did you mean 'gb-north'"):
        accented_ipa("five", "en-us", "gb-nort")
