"""Distances between words, small enough to add up by hand."""

# The IPA's letters look like others on purpose.
# ruff: noqa: RUF001

from __future__ import annotations

import pytest

from seedbed.generators.speech.phonemes import (
    INDEL_COST,
    WEAK_INDEL_COST,
    nearest_words,
    phoneme_distance,
    rhymes,
    split_ipa,
    substitution_cost,
)


def test_ipa_is_split_into_sounds() -> None:
    assert split_ipa("tʃˈɜːtʃ") == ("tʃ", "ɜː", "tʃ")
    assert split_ipa("θˌɜːɾi nˈaɪn") == ("θ", "ɜː", "ɾ", "i", "n", "a", "ɪ", "n")
    # Two words: the t of one and the s of the next are not one sound.
    assert split_ipa("nˈaɪt sˈaɪ") == ("n", "a", "ɪ", "t", "s", "a", "ɪ")
    assert split_ipa("(en)dʒ_ˈʌ_dʒ(de)") == ("dʒ", "ʌ", "dʒ")
    assert split_ipa("t͡ʃ") == ("tʃ",)
    assert split_ipa("bɔ̃") == ("b", "ɔ\u0303")
    assert split_ipa("ç") == ("ç",)
    assert split_ipa("") == ()


def test_costs_follow_the_features() -> None:
    assert substitution_cost("p", "p") == 0.0
    # Voice alone: 10 of 35.
    assert substitution_cost("t", "d") == pytest.approx(10 / 35)
    # Place alone, bilabial 1.0 and alveolar 0.85, weight 40.
    assert substitution_cost("p", "t") == pytest.approx(40 * 0.15 / 35)
    assert substitution_cost("p", "b") < substitution_cost("p", "ŋ")
    assert substitution_cost("i", "ɪ") < substitution_cost("i", "ɑ")
    assert substitution_cost("p", "a") == 1.0
    assert substitution_cost("j", "i") < 0.5
    assert substitution_cost("ꙮ", "p") == 1.0
    assert substitution_cost("d", "t") == substitution_cost("t", "d")


def test_distance_is_the_cheapest_edit_over_the_longer_length() -> None:
    night, light = split_ipa("nˈaɪt"), split_ipa("lˈaɪt")
    assert phoneme_distance(night, night) == 0.0
    assert phoneme_distance(night, light) == pytest.approx(substitution_cost("n", "l") / 4)
    assert phoneme_distance(("s",), ()) == pytest.approx(INDEL_COST)
    assert phoneme_distance(("h", "a"), ("a",)) == pytest.approx(WEAK_INDEL_COST / 2)
    assert phoneme_distance((), ()) == 0.0
    seven, heaven, green = split_ipa("sˈɛvən"), split_ipa("hˈɛvən"), split_ipa("ɡɹˈiːn")
    assert phoneme_distance(seven, heaven) < 0.2 < phoneme_distance(seven, green)
    assert phoneme_distance(seven, green) == phoneme_distance(green, seven)


def test_rhymes_share_all_from_the_stressed_vowel_on() -> None:
    assert rhymes("nˈaɪn", "fˈaɪn")
    assert rhymes("zˈiəɹoʊ", "hˈiəɹoʊ")
    assert not rhymes("nˈaɪn", "nˈaɪn")
    assert not rhymes("nˈaɪn", "tˈaɪm")
    assert not rhymes("sˈɛvən", "ˈoʊvən")


def test_nearest_words_leave_out_homophones_and_strangers() -> None:
    words = {"ate": "ˈeɪt", "hate": "hˈeɪt", "gate": "ɡˈeɪt", "elephant": "ˈɛlɪfənt"}
    found = nearest_words("ˈeɪt", words, count=5, within=0.3)
    assert [word for word, _ in found] == ["hate", "gate"]
    assert found[0][1] == pytest.approx(WEAK_INDEL_COST / 4)
    assert nearest_words("ˈeɪt", words, count=1, within=0.3) == found[:1]
