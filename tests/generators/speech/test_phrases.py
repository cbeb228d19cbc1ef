"""Phrase files: what is drawn, in which shares, and what is refused in which words."""

# The IPA's letters look like others on purpose.
# ruff: noqa: RUF001

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from math import sqrt
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from seedbed.errors import InputError, SeedbedError
from seedbed.generators.speech.phrases import Phrase, PhraseSet, load_phrases, phrase_files
from seedbed.generators.speech.templates import READ_OUTS
from seedbed.streams import stream

IPA = {
    "seven": "sˈɛvən",
    "eight": "ˈeɪt",
    "heaven": "hˈɛvən",
    "gate": "ɡˈeɪt",
    "ate": "ˈeɪt",
    "elephant": "ˈɛlɪfənt",
    "hey": "hˈeɪ",
    "day": "dˈeɪ",
}


def pronounce(text: str, language: str) -> str:
    assert language == "en-us"
    return " ".join(IPA[word] for word in text.split())


def drawn(phrases: PhraseSet, count: int, seed: int = 0) -> list[Phrase]:
    rng = stream(seed, "phrases")
    return [phrases.draw(rng) for _ in range(count)]


def one(template: str, seed: int = 0, **more: Any) -> Phrase:
    values = {"classes": {"it": template}, **more}
    return load_phrases(values).draw(stream(seed, "one"))


def assert_share(count: int, total: int, expected: float) -> None:
    """Within four standard deviations of a binomial: one false alarm in 16,000."""
    assert abs(count / total - expected) < 4 * sqrt(expected * (1 - expected) / total)


# What is drawn.


def test_a_keyword_alone_is_its_own_span() -> None:
    phrase = one("Seven!")
    assert phrase == Phrase("Seven!", "Seven!", "seven", "it", "en-us", "keyword", (0, 5))
    assert phrase.text[slice(*phrase.keyword_char_span)] == "Seven"  # type: ignore[misc]


def test_a_phrase_survives_json() -> None:
    adapter = TypeAdapter(Phrase)
    babble = {"share": 1, "word_list": ["red", "tea"], "babble": 1}
    for phrase in (one("say *seven* now"), load_phrases({"negatives": babble}).draw(stream(1))):
        assert adapter.validate_json(adapter.dump_json(phrase)) == phrase
        assert asdict(phrase)["kind"] in ("keyword", "babble")


def test_the_same_stream_draws_the_same_phrase() -> None:
    for name in phrase_files():
        phrases = load_phrases(name)
        if phrases.needs_pronunciation:
            continue
        assert drawn(phrases, 30, 5) == drawn(load_phrases(name), 30, 5)
        assert drawn(phrases, 30, 5) != drawn(phrases, 30, 6)


def test_stars_mark_the_keyword_within_a_sentence() -> None:
    phrase = one("say *seven* now")
    assert phrase.text == "say seven now"
    assert phrase.keyword_char_span == (4, 9)


def test_a_carrier_takes_the_keyword_and_its_span() -> None:
    carriers = {"share": 1, "say": ["{oh |}say {keyword}, please"]}
    for seed in range(20):
        phrase = one("{sev|elev}en", seed, carriers=carriers)
        start, end = phrase.keyword_char_span or (0, 0)
        assert phrase.text[start:end] in ("seven", "eleven")
        assert phrase.text in (
            f"say {phrase.text[start:end]}, please",
            f"oh say {phrase.text[start:end]}, please",
        )
        assert phrase.label == "it"


def test_carriers_are_drawn_in_their_share() -> None:
    phrases = load_phrases(
        {"classes": {"a": "one"}, "carriers": {"share": 0.25, "say": "say {keyword}"}}
    )
    texts = Counter(phrase.text for phrase in drawn(phrases, 4000))
    assert set(texts) == {"one", "say one"}
    assert_share(texts["say one"], 4000, 0.25)


def test_an_alternative_may_be_empty_and_leaves_no_gap() -> None:
    texts = {one("turn {it|} on {now|}, {please|}.", seed).text for seed in range(60)}
    assert texts == {
        f"turn{it} on{now},{please}."
        for it in (" it", "")
        for now in (" now", "")
        for please in (" please", "")
    }


def test_alternatives_nest_and_share_words() -> None:
    words = {
        one("{un|}lock the {{red|blue} door|gate}", seed).transcript_normalised
        for seed in range(100)
    }
    assert words == {
        f"{verb} the {thing}"
        for verb in ("unlock", "lock")
        for thing in ("red door", "blue door", "gate")
    }


def test_a_backslash_makes_plain_text() -> None:
    assert one(r"two \* two \{x\|y\}").text == "two * two {x|y}"


def test_slots_fill_and_keep_what_is_written() -> None:
    slots = {"title": [{"say": "doctor", "written": "Dr"}], "who": "{title} {Gray|Gray}"}
    phrase = one("call {who} at {time:24}", slots=slots)
    assert phrase.text.startswith("call doctor Gray at ")
    assert phrase.transcript.startswith("call Dr Gray at ")
    assert phrase.transcript_normalised.startswith("call doctor gray at ")


def test_a_written_form_replaces_the_spoken_one_in_the_transcript() -> None:
    phrase = one("ignored", classes={"r": {"say": "are two dee two", "written": "R2D2"}})
    assert (phrase.text, phrase.transcript) == ("are two dee two", "R2D2")
    assert phrase.keyword_char_span == (0, 15)


def test_the_full_stop_of_pm_also_ends_the_sentence() -> None:
    for seed in range(10):
        text = one("it is {time:12}.", seed).text
        assert text.endswith(".m.")


@pytest.mark.parametrize("name", READ_OUTS)
def test_read_outs_are_spoken_in_words_and_written_in_signs(name: str) -> None:
    parameters = {"plate": ":us", "spell": ":4", "number": ":100..999", "money": ":usd:2..9"}
    for seed in range(20):
        phrase = one(f"{{{name}{parameters.get(name, '')}}}", seed)
        assert not any(character.isdigit() for character in phrase.text)
        assert phrase.transcript != phrase.text
        assert phrase.transcript_normalised == " ".join(phrase.transcript_normalised.split())


def test_read_outs_keep_to_their_parameters() -> None:
    for seed in range(50):
        assert 100 <= int(one("{number:100..120}", seed).transcript) <= 120
        assert 2000 <= int(one("{year:2000..2003}", seed).transcript) <= 2003
        assert 2 <= len(one("{digits:2..3}", seed).transcript) <= 3
        assert len(one("{spell:4}", seed).transcript) == 4
        assert "," not in one("{date:day-month}", seed).transcript
        assert one("{time:clock}", seed).transcript[-1] in "05"
        assert one("{money:eur:2..9}", seed).transcript[:2] in [f"€{n}" for n in range(2, 10)]
    assert one("{spell:MAX}").transcript == "MAX"
    assert one("{spell:MAX}").text == "em eigh ex"
    assert one("{spell:MAX}").transcript_normalised == "m a x"


# Shares.


def test_labels_are_drawn_by_their_weights() -> None:
    phrases = load_phrases(
        {"classes": {"a": "one", "b": {"say": "two", "weight": 3}, "c": {"say": "x", "weight": 0}}}
    )
    labels = Counter(phrase.label for phrase in drawn(phrases, 4000))
    assert_share(labels["a"], 4000, 0.25)
    assert_share(labels["b"], 4000, 0.75)
    assert labels["c"] == 0


def test_the_ten_digits_come_equally_often() -> None:
    labels = Counter(phrase.label for phrase in drawn(load_phrases("digits:en-us"), 8000))
    assert len(labels) == 10
    for count in labels.values():
        assert_share(count, 8000, 0.1)


def test_weights_within_a_class_a_slot_and_braces() -> None:
    phrases = load_phrases(
        {
            "slots": {"s": ["cat", {"say": "dog", "weight": 4}]},
            "classes": {"a": ["{s} {up:2.5|down:7.5}", {"say": "no", "weight": 1}]},
        }
    )
    texts = Counter(phrase.text for phrase in drawn(phrases, 8000))
    assert_share(texts["no"], 8000, 0.5)
    assert_share(texts["cat up"], 8000, 0.5 * 0.2 * 0.25)
    assert_share(texts["dog down"], 8000, 0.5 * 0.8 * 0.75)


def test_languages_are_drawn_by_their_weights_and_can_be_narrowed() -> None:
    values = {
        "languages": {
            "en-US": {"classes": {"one": "one"}},
            "en-GB": {"classes": {"one": "one"}},
            "sk": {"classes": {"one": "jeden"}, "weight": 2},
        }
    }
    phrases = load_phrases(values)
    assert phrases.languages() == ["en-us", "en-gb", "sk"]
    assert phrases.all_labels() == ["one"]
    seen = Counter(phrase.language for phrase in drawn(phrases, 4000))
    assert_share(seen["sk"], 4000, 0.5)
    assert phrases.in_languages(["en"]).languages() == ["en-us", "en-gb"]
    assert load_phrases(values, ["sk"]).languages() == ["sk"]
    assert load_phrases("digits:sk, cs").languages() == ["sk", "cs"]
    with pytest.raises(InputError, match=r"digits.yaml has no phrases in language 'xx'"):
        load_phrases("digits:xx")


def test_sentences_negatives_and_keywords_in_their_shares() -> None:
    phrases = load_phrases(
        {
            "classes": {"seven": "seven"},
            "sentences": {"share": 0.25, "say": "it rains"},
            "negatives": {
                "share": 0.6,
                "label": "unknown",
                "word_list": ["heaven", "gate"],
                "words": 2,
                "phrases": {"say": "good day", "weight": 1},
                "silence": {"weight": 1, "label": "silence"},
                "noise": 1,
                "babble": {"weight": 1, "talkers": [2, 3], "words": [1, 2]},
            },
        }
    )
    assert phrases.all_labels() == ["seven", "unknown", "silence", ""]
    seen = drawn(phrases, 8000)
    kinds = Counter(phrase.kind for phrase in seen)
    assert_share(kinds["sentence"], 8000, 0.4 * 0.25)
    assert_share(kinds["keyword"], 8000, 0.4 * 0.75)
    assert_share(kinds["negative"], 8000, 0.6 * 3 / 6)
    for kind in ("silence", "noise", "babble"):
        assert_share(kinds[kind], 8000, 0.6 / 6)
    for phrase in seen:
        assert (phrase.text == "") == (phrase.kind in ("silence", "noise", "babble"))
        assert (phrase.keyword_char_span is not None) == (phrase.kind == "keyword")
        assert (2 <= len(phrase.babble_texts) <= 3) == (phrase.kind == "babble")
        if phrase.kind == "silence":
            assert phrase.label == "silence"
        if phrase.kind == "sentence":
            assert phrase.label == ""


# Words that sound alike.


def near_phrases(**near: Any) -> PhraseSet:
    return load_phrases(
        {
            "classes": {"seven": "seven", "eight": "eight"},
            "negatives": {
                "share": 1,
                "word_list": ["heaven", "gate", "ate", "eight", "elephant"],
                "near": near,
                "words": 1,
            },
        }
    )


def test_near_homophones_are_found_and_homophones_left_out() -> None:
    phrases = near_phrases(within=0.3, nearest=3)
    assert phrases.needs_pronunciation
    with pytest.raises(SeedbedError, match="call with_pronunciation first"):
        drawn(phrases, 20)
    ready = phrases.with_pronunciation(pronounce)
    assert not ready.needs_pronunciation
    assert ready.near_words("en-us") == {"seven": ("heaven",), "eight": ("gate",)}
    texts = Counter(phrase.text for phrase in drawn(ready, 200))
    assert set(texts) == {"heaven", "gate", "elephant"}


def test_a_wake_word_of_two_words_has_one_of_them_changed() -> None:
    ready = load_phrases(
        {
            "classes": {"wake": "hey, seven"},
            "negatives": {"share": 0.5, "word_list": ["day", "heaven"], "near": {"within": 0.3}},
        }
    ).with_pronunciation(lambda text, language: pronounce(text.replace(",", ""), language))
    assert ready.near_words("en-us") == {"wake": ("day seven", "hey heaven")}


def test_words_that_sound_like_nothing_are_refused() -> None:
    with pytest.raises(InputError, match=r"negatives.near.within 0.01 leaves no word"):
        near_phrases(within=0.01, rhymes=False).with_pronunciation(pronounce)


# Lists.


def test_a_plain_list_is_plain_text(tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    file.write_text("# language: de\nja\tyes\n\nnein\tno\nwie {geht} es *dir*\nna klar\tyes\n")
    phrases = load_phrases(file)
    assert phrases.languages() == ["de"]
    assert phrases.all_labels() == ["yes", "no", ""]
    seen = drawn(phrases, 2000)
    texts = Counter(phrase.text for phrase in seen)
    assert set(texts) == {"ja", "nein", "na klar", "wie {geht} es *dir*"}
    for count in texts.values():
        assert_share(count, 2000, 0.25)
    assert {phrase.kind for phrase in seen if phrase.label == ""} == {"sentence"}


def test_a_list_in_place_holds_templates() -> None:
    phrases = load_phrases(["{good|fine} day", "stop\tstop"])
    texts = {(phrase.text, phrase.label) for phrase in drawn(phrases, 60)}
    assert texts == {("good day", ""), ("fine day", ""), ("stop", "stop")}


def test_yes_no_on_and_times_stay_words(tmp_path: Path) -> None:
    file = tmp_path / "words.yaml"
    file.write_text("classes:\n  yes: yes\n  no: [no, off]\n  on: 7:45\n  null: 'null'\n")
    with pytest.raises(InputError, match="the name None is not a word: put it in quotation"):
        load_phrases(file)
    file.write_text("classes:\n  yes: yes\n  no: [no, off]\n  on: 7:45\n  y: n\n")
    phrases = load_phrases(str(file))
    assert phrases.all_labels() == ["yes", "no", "on", "y"]
    assert {phrase.text for phrase in drawn(phrases, 200)} == {"yes", "no", "off", "7:45", "n"}


# What ships.


@pytest.mark.parametrize("name", phrase_files())
def test_every_file_that_ships_loads_and_speaks_its_own_letters(name: str) -> None:
    phrases = load_phrases(name)
    if not phrases.needs_pronunciation:
        letters: dict[str, set[str]] = {}
        for _, _, language, used in phrases.fragments():
            letters.setdefault(language, set()).update(used)
        for phrase in drawn(phrases, 300):
            held = {c for c in phrase.text.lower() if c.isalnum()}
            assert held <= letters[phrase.language]
            assert phrase.transcript_normalised or not phrase.text
            assert "  " not in phrase.text
            assert phrase.text == phrase.text.strip()
    assert all(label.isascii() for label in phrases.all_labels())


def test_ten_languages_have_digits_two_of_them_in_two_dialects() -> None:
    languages = load_phrases("digits").languages()
    assert len(languages) == 12
    tags = {tag.split("-")[0] for tag in languages}
    assert tags == {"en", "de", "fr", "es", "it", "pt", "sk", "cs", "pl", "nl"}
    assert {p.text for p in drawn(load_phrases("digits:de"), 400)} == {
        "null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun",
    }  # fmt: skip


# What cannot be spoken.


def judge(known: str) -> Callable[[str], Callable[[str], str] | None]:
    """Of characters, in every language: those in `known` are spoken."""
    return lambda language: lambda character: "" if character in known else "unheard: write x"


LATIN = "abcdefghijklmnopqrstuvwxyz"


def test_a_text_no_voice_can_speak_is_refused_before_the_build() -> None:
    phrases = load_phrases({"languages": {"sk": {"classes": {"six": "šesť"}}}})
    phrases.check(judge(LATIN + "šť"))
    with pytest.raises(InputError) as refusal:
        phrases.check(judge(LATIN))
    assert str(refusal.value) == (
        "phrases: languages.sk.classes.six: phrase 'šesť' in language 'sk' holds 'š' (LATIN SMALL "
        "LETTER S WITH CARON), unheard: write x."
    )
    with pytest.raises(InputError, match="'šesť' is in language 'sk', which no voice"):
        phrases.check(lambda language: None)


def test_a_phrase_is_named_with_its_file_and_its_place_there(tmp_path: Path) -> None:
    def refused(source: Any) -> str:
        with pytest.raises(InputError) as refusal:
            load_phrases(source).check(judge(LATIN))
        return str(refusal.value)

    file, words = tmp_path / "rooms.yaml", tmp_path / "words.txt"
    words.write_text("# some words\npear\n\ngruß\n", encoding="utf-8")
    file.write_text(
        f"classes: {{on: on}}\nnegatives: {{share: 0.5, words: 1, word_list: {words}}}\n"
    )
    assert refused(file).startswith(f"{words}: line 4: phrase 'gruß' in language 'en-us' holds 'ß'")
    file.write_text("classes: {on: on}\nsentences: {share: 0.1, say: [well, hör]}\n", "utf-8")
    assert refused(file).startswith(f"{file}: sentences: phrase 'hör' in language 'en-us' holds")
    words.write_text("# language: de\nja\tyes\nhör zu\n", encoding="utf-8")
    assert refused(words).startswith(f"{words}: line 3: phrase 'hör zu' in language 'de'")
    assert refused(["on", "hör"]).startswith("phrases: entry 2: phrase 'hör' in language 'en-us'")
    negatives = {"share": 0.5, "words": 1, "word_list": ["pear", "gruß"]}
    assert refused({"classes": {"on": "on"}, "negatives": negatives}).startswith(
        "phrases: negatives.word_list: phrase 'gruß'"
    )


def test_the_letters_of_slots_are_checked_too() -> None:
    phrases = load_phrases({"language": "de", "sentences": ["um {time}"]})
    with pytest.raises(InputError, match=r"phrase 'um \{time\}' in language 'de' holds 'ß'"):
        phrases.check(judge(LATIN))


# What is refused, and in which words.


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("turn {on|off", "an opening brace is never closed"),
        ("turn on}", "a closing brace has no opening one"),
        ("say *seven", "a star that starts a keyword is never closed"),
        ("say {*seven|eight}*", "a star that starts a keyword is never closed"),
        ("ends in \\", "a backslash stands at the end"),
        ("in the {roon}", "there is no slot {roon}: did you mean 'room'?"),
        ("at {tme}", "there is no slot {tme}: did you mean 'time'?"),
        ("{room:3}", "{room:3} is neither alternatives"),
        ("{}", "{} is neither alternatives"),
        ("{number:9..1}", "the range '9..1' must rise"),
        ("{number:few}", "'few' is not a number or a range such as 0..99"),
        ("{time:13}", "'13' is not a style of time: write 12, 24 or clock"),
        ("{money:krona}", "currency 'krona' has no words"),
        ("{plate:xx}", "plates of 'xx' cannot be read out"),
        ("{a:0|b:0}", "all the weights in a pair of braces are 0"),
        ("*{a|*b*}*", "a keyword's stars may not stand within another's"),
        ("{keyword}", "there is no slot {keyword}"),
    ],
)
def test_a_bad_template_is_refused_by_file_and_phrase(
    tmp_path: Path, template: str, message: str
) -> None:
    file = tmp_path / "rooms.yaml"
    quoted = template.replace("'", "''")
    file.write_text(f"slots: {{room: kitchen}}\nclasses:\n  light: '{quoted}'\n")
    with pytest.raises(InputError) as refusal:
        load_phrases(file)
    sentence = str(refusal.value)
    assert sentence.startswith(f"{file}: classes.light: phrase {template!r} (en-us): ")
    assert message in sentence
    assert "\n" not in sentence


def test_packages_are_those_that_decide_the_words() -> None:
    slotted = {"slots": {"then": "{year:1900..1999}"}, "sentences": "in {then}"}
    assert load_phrases(slotted).packages == ("num2words",)
    assert load_phrases("wake-words").packages == ("espeakng-loader",)
    assert load_phrases("digits").packages == ()


def test_slots_that_go_round_for_ever_are_refused() -> None:
    slots = {"a": "x {b}", "b": ["y", "{c}"], "c": "{a|z}", "d": "{a}"}
    slots["c"] = "{{a}|z}"
    with pytest.raises(InputError, match=r"slots.a: phrase 'x \{b\}' \(en-us\).*a -> b -> c -> a"):
        load_phrases({"slots": slots, "classes": {"k": "{d}"}})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"clases": {}}, "phrases: unknown key 'clases': did you mean 'classes'?"),
        (
            {"classes": {"a": {"say": "x", "wieght": 2}}},
            "phrases: classes.a: unknown key 'wieght': did you mean 'weight'?",
        ),
        (
            {"classes": {"a": {"say": "x", "weight": -1}}},
            "phrases: classes.a.weight: input should be greater than or equal to 0, got -1.",
        ),
        (
            {"classes": {"a": True}},
            "phrases: classes.a: True is not a phrase: put the word in quotation marks.",
        ),
        ({"language": "en-us"}, "phrases: language 'en-us' has nothing to say"),
        ({"language": "English!", "classes": {"a": "x"}}, "'english!' is not a language"),
        ({"language": "xx", "sentences": ["{number}"]}, "in language 'xx' are not described"),
        (
            {"language": "de", "languages": {"de": {"classes": {"a": "x"}}}},
            "phrases: 'language' stands beside 'languages'",
        ),
        ({"classes": {"a": "x"}, "sentences": ["y"]}, "say how often a sentence is drawn"),
        ({"classes": {"a": {"say": "x", "weight": 0}}}, "phrases: classes: all have weight 0"),
        ({"classes": {"a": "..."}}, "phrases: classes.a: phrase '...' (en-us) has no word in it"),
        (
            {"sentences": ["one", "!!!"]},
            "phrases: sentences: phrase '!!!' (en-us) has no word in it",
        ),
        (
            {"negatives": {"share": 1, "phrases": {"weight": 1, "say": ["-"]}}},
            "phrases: negatives.phrases: phrase '-' (en-us) has no word in it",
        ),
        (
            {"classes": {"a": "x"}, "carriers": {"say": "hello"}},
            "a carrier sentence holds {keyword} exactly once",
        ),
        ({"slots": {"time": "noon"}, "classes": {"a": "x"}}, "slots.time has the name of a built"),
        ({"slots": {"s": "*x*"}, "classes": {"a": "x"}}, "a slot may not mark a keyword"),
        (
            {"classes": {"a": {"say": "{x|y}", "written": "z"}}},
            "phrase '{x|y}' (en-us): 'written' goes with plain text only",
        ),
        ({"classes": {"a": "x"}, "negatives": {"share": 0.5}}, "no kind with a weight"),
        (
            {"classes": {"a": "x"}, "negatives": {"share": 0.5, "words": 1}},
            "draws words but has no word_list",
        ),
        (
            {"classes": {"a": "x"}, "negatives": {"words": 1}},
            "phrases: negatives.share is missing: add it.",
        ),
        ({"negatives": {"share": 0.5, "noise": 1}}, "phrases: negatives.share must be 1"),
    ],
)
def test_a_bad_file_is_refused_in_one_sentence(values: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as refusal:
        load_phrases(values)
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"slots": {"q": "{w}"}, "classes": {"a": "x"}}, "slots.q: "),
        ({"slots": {"q": "*x*"}, "classes": {"a": "x"}}, "slots.q: a slot may not"),
        ({"slots": {"q": "{q}"}, "classes": {"a": "x"}}, "slots.q: phrase '{q}' (sk): the slots"),
        ({"slots": {"time": "x"}, "classes": {"a": "x"}}, "slots.time has the name"),
        ({"classes": {"a": {"say": "x", "weight": 0}}}, "classes: all have weight 0"),
        ({"classes": {"a": "x"}, "sentences": ["y"]}, "sentences.share is missing"),
        ({"negatives": {"share": 0.5, "noise": 1}}, "negatives.share must be 1"),
        ({"classes": {"a": "x"}, "negatives": {"share": 0.5}}, "negatives has a share of 0.5"),
        (
            {"classes": {"a": "x"}, "negatives": {"share": 0.5, "words": 1}},
            "negatives draws words",
        ),
        (
            {"classes": {"a": "x"}, "negatives": {"share": 0.5, "words": 1, "word_list": ["x"]}},
            "negatives.word_list is empty",
        ),
        ({"classes": {"a": "{w}"}}, "classes.a: phrase '{w}' (sk): "),
    ],
)
def test_of_several_languages_every_place_says_which(section: Any, message: str) -> None:
    with pytest.raises(InputError) as refusal:
        load_phrases({"languages": {"de": {"classes": {"a": "ja"}}, "sk": section}})
    assert str(refusal.value).startswith(f"phrases: languages.sk.{message}")


def test_the_place_of_what_does_not_sound_alike_is_told() -> None:
    negatives = {"share": 0.5, "word_list": ["cat"], "near": {"within": 0.01, "rhymes": False}}
    sections = {"sk": {"classes": {"a": "day"}, "negatives": negatives}}
    phrases = load_phrases({"languages": sections})
    with pytest.raises(
        InputError, match=r"^phrases: languages\.sk\.negatives\.near\.within 0\.01 "
    ):
        phrases.with_pronunciation(lambda text, language: {"day": "deɪ"}.get(text, "kat"))
    with pytest.raises(SeedbedError, match=r"^phrases: languages\.sk\.negatives\.near needs a"):
        for index in range(20):
            phrases.draw(stream(index))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["on", True], "entry 2: True is not a phrase: put the word in quotation marks."),
        (["on", "off", {"w": 1}], "entry 3: {'w': 1} is not a phrase: a list holds text only."),
        (["on", ["off"]], "entry 2: ['off'] is not a phrase: a list holds text only."),
    ],
)
def test_an_entry_that_is_no_phrase_is_numbered(values: Any, message: str) -> None:
    with pytest.raises(InputError) as refusal:
        load_phrases(values)
    assert str(refusal.value) == f"phrases: {message}"


def test_a_text_under_two_labels_is_found_where_it_stands(tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("ok\tyes\nhör\tyes\nok\nhör\tno\nhör\nhör\tno\n", encoding="utf-8")
    found = [(place, text) for place, text, _, _ in load_phrases(words).fragments()]
    assert found == [
        (f"{words}: line {line}", text)
        for line, text in [(1, "ok"), (2, "hör"), (4, "hör"), (4, "hör"), (3, "ok"), (5, "hör")]
    ]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"there is no phrase file 'digit': did you mean 'digits'?"
    ):
        load_phrases("digit")
    with pytest.raises(InputError, match="does not exist"):
        load_phrases(tmp_path / "none.yaml")
    broken = tmp_path / "broken.yaml"
    broken.write_text("classes:\n  a: [x\nb: y\n")
    with pytest.raises(InputError, match=r"broken.yaml line 3 is not YAML"):
        load_phrases(broken)
    broken.write_text("classes:\n  a: x\n  a: y\n")
    with pytest.raises(InputError, match=r"broken.yaml line 3 is not YAML: the key 'a' is written"):
        load_phrases(broken)
    broken.write_bytes(b"classes: \xff")
    with pytest.raises(InputError, match="not UTF-8"):
        load_phrases(broken)
    empty = tmp_path / "empty.txt"
    empty.write_text("# nothing\n")
    with pytest.raises(InputError, match=r"empty.txt holds no phrase"):
        load_phrases(empty)


def test_the_example_in_the_documentation_loads(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "phrases.md").read_text(encoding="utf-8")
    example = tmp_path / "example.yaml"
    example.write_text(page.split("```yaml\n")[1].split("```")[0], encoding="utf-8")
    assert load_phrases(example).all_labels() == [
        "stop", "light-on", "wake-me", "unknown", "background", "",
    ]  # fmt: skip


def test_phonemes_and_ssml_are_handed_on_with_their_transcript() -> None:
    ssml = "<speak>go <emphasis>now</emphasis></speak>"
    found = load_phrases(
        {
            "classes": {
                "seed": {"phonemes": "s'i:d", "written": "Seed"},
                "go": {"say": [{"ssml": ssml, "written": "Go now!"}], "weight": 2},
            }
        }
    )
    drawn = {phrase.label: phrase for phrase in (found.draw(stream(0, n)) for n in range(40))}
    seed, go = drawn["seed"], drawn["go"]
    assert (seed.text, seed.markup, seed.keyword_char_span) == ("s'i:d", "phonemes", (0, 5))
    assert (seed.transcript, seed.transcript_normalised) == ("Seed", "seed")
    assert (go.text, go.markup, go.transcript_normalised) == (ssml, "ssml", "go now")
    assert list(found.fragments()) == []
    assert {markup for _, _, _, markup in found.markups()} == {"phonemes", "ssml"}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"classes": {"a": {"phonemes": "s'i:d"}}}, "needs 'written' beside it"),
        ({"classes": {"a": {"phonemes": "s]]", "written": "s"}}}, "without brackets"),
        ({"classes": {"a": {"phonemes": "s", "say": "s", "written": "s"}}}, "exactly one of 'say'"),
        ({"classes": {"a": {"ssml": "<speak>go", "written": "go"}}}, "not well-formed"),
        (
            {"classes": {"a": {"ssml": "<p>go</p>", "written": "go"}}},
            "between <speak> and </speak>",
        ),
        (
            {"classes": {"a": {"ssml": "<speak><voice>a</voice></speak>", "written": "a"}}},
            "holds <voice>",
        ),
        (
            {"classes": {"a": "{b}"}, "slots": {"b": {"phonemes": "s", "written": "s"}}},
            "cannot fill a slot",
        ),
        (
            {"classes": {"a": "a"}, "carriers": {"say": [{"phonemes": "s", "written": "s"}]}},
            "cannot carry a keyword",
        ),
    ],
)
def test_bad_phonemes_and_ssml_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_phrases(values)
