"""Letters and signs of languages: as espeak really says them, and what is refused."""

# Letters of other languages look like English ones on purpose.
# ruff: noqa: RUF001

from __future__ import annotations

import unicodedata
from typing import Any

import pytest

from seedbed.errors import InputError
from seedbed.generators.speech.alphabets import (
    alphabets,
    letters,
    named,
    symbol_words,
    symbols_as_words,
    why_unspeakable,
)
from seedbed.generators.speech.engines.espeak import EspeakEngine, pronounce
from seedbed.generators.speech.phonemes import phoneme_distance, split_ipa
from seedbed.generators.speech.phrases import load_phrases, phrase_files
from seedbed.generators.speech.spoken_forms import spoken_languages
from seedbed.generators.speech_clip import SpeechClip
from seedbed.recipe import load_recipe, recipe_names
from seedbed.streams import stream

SPOKEN = ("en-us", "en-gb", "de", "fr", "es", "it", "pt", "pt-br", "sk", "cs", "pl", "nl")


def generator(phrases: Any, **changes: Any) -> SpeechClip:
    return SpeechClip(**{"phrases": phrases, "engines": {"espeak": 1.0}, **changes})


def test_every_language_of_the_phrases_has_an_alphabet() -> None:
    tags = {tag for name in phrase_files() for tag in load_phrases(name).languages()}
    assert set(SPOKEN) <= tags
    for tag in (*tags, *spoken_languages()):
        assert letters(tag), tag
    assert letters("no") == letters("nb")
    assert letters("hi") is None


def test_alphabets_hold_small_composed_letters() -> None:
    for tag in alphabets():
        held = "".join(sorted(letters(tag) or ()))
        assert held == "".join(sorted(unicodedata.normalize("NFC", held.lower()))), tag
    english = letters("en-us") or frozenset()
    assert set("abcdefghijklmnopqrstuvwxyzéïñü") <= english
    assert not set("łžß") & english
    assert set("łżąq") <= (letters("pl") or frozenset())


@pytest.mark.parametrize("name", phrase_files())
def test_what_ships_is_written_in_its_own_alphabet(name: str) -> None:
    phrases = load_phrases(name)
    phrases.check(lambda tag: lambda character: why_unspeakable(character, tag))
    if phrases.needs_pronunciation:
        return
    rng = stream(5, "alphabets")
    for phrase in (phrases.draw(rng) for _ in range(200)):
        for character in {c for c in phrase.text.lower() if not c.isspace()}:
            assert why_unspeakable(character, phrase.language) == "", phrase


def test_the_recipes_that_ship_still_pass() -> None:
    for name in recipe_names():
        made = load_recipe(name).default_generator()
        if isinstance(made, SpeechClip):
            phrases = made._chosen_phrases()
            phrases.check(lambda tag: lambda character: why_unspeakable(character, tag))


@pytest.mark.parametrize("tag", SPOKEN)
def test_a_sign_sounds_like_its_words(tag: str) -> None:
    # 0 is the same sounds; an e for an o is 0.1 of a word of three.
    for sign in symbol_words(tag):
        for frame in ("{}", "2 {} 3", "5{} ma", "{} 4"):
            text = frame.format(sign)
            heard = split_ipa(pronounce(text, tag))
            words = split_ipa(pronounce(symbols_as_words(text, tag), tag))
            assert phoneme_distance(heard, words) < 0.12, (text, heard, words)


def test_signs_that_are_silent_or_wrong_are_in_no_list() -> None:
    silent = split_ipa(pronounce("5", "pl"))
    assert split_ipa(pronounce("5 €", "pl")) == silent
    assert "€" not in symbol_words("pl")
    assert split_ipa(pronounce("$5", "en-us")) == split_ipa(pronounce("dollar five", "en-us"))
    assert not {"$", "€", "£", "²", "☃"} & set(symbol_words("en-us"))
    assert symbol_words("hu") == {}


def test_letters_are_read_and_not_named() -> None:
    """Within a word a letter adds a sound or three, and a name ("l with stroke") ten."""
    voices = {voice.language.partition("-")[0] for voice in EspeakEngine().base_voices()}
    frames = {"CYRILLIC": "ма{}ам", "GREEK": "μα{}αμ", "LATIN": "ma{}am"}
    for tag in set(alphabets()) & voices:
        for letter in letters(tag) or ():
            if unicodedata.combining(letter) or unicodedata.name(letter).split()[0] not in frames:
                continue
            frame = frames[unicodedata.name(letter).split()[0]]
            bare = len(split_ipa(pronounce(frame.format(""), tag)))
            held = len(split_ipa(pronounce(frame.format(letter), tag)))
            assert held - bare <= 4, (tag, letter)


@pytest.mark.parametrize(
    ("language", "text", "message"),
    [
        ("en-us", "Łódź", "'ł' (LATIN SMALL LETTER L WITH STROKE), which is no letter of 'en-us'"),
        ("en-us", "it costs 5 €", "'€' (EURO SIGN), which has no spoken form in 'en-us'"),
        ("en-us", "a ☃ melts", "'☃' (SNOWMAN), which has no spoken form in 'en-us'"),
        ("en-us", "sеven", "'е' (CYRILLIC SMALL LETTER IE), which is no letter of 'en-us'"),
        ("de", "eins/zwei", "'/' (SOLIDUS), which has no spoken form in 'de'"),
        ("ru", "seven", "'e' (LATIN SMALL LETTER E), which is no letter of 'ru'"),
        ("hi", "seven", "'e' (LATIN SMALL LETTER E), which is no letter of the script"),
        ("hi", "सात ☃", "'☃' (SNOWMAN), which nobody is known to say in 'hi': write the"),
    ],
)
def test_what_a_language_cannot_say_is_refused_by_name(
    language: str, text: str, message: str
) -> None:
    with pytest.raises(InputError) as refusal:
        generator({"language": language, "sentences": [text]}).prepare()
    said = str(refusal.value)
    assert said.startswith(
        f"phrases: sentences: phrase {text!r} in language {language!r} holds {message}"
    )
    assert said.endswith((".", ": respell it."))


def test_the_text_in_a_slot_and_a_word_of_a_list_are_named() -> None:
    phrases = {"slots": {"town": ["Leeds", "Łódź"]}, "sentences": ["off to {town}"]}
    with pytest.raises(InputError, match=r"phrase 'off to \{town\}'.* STROKE\) in 'Łódź'"):
        generator(phrases).prepare()
    negatives = {"share": 0.5, "words": 1, "word_list": ["pear", "gruß"]}
    with pytest.raises(InputError, match=r"phrase 'gruß' .*SHARP S"):
        generator({"classes": {"on": "on"}, "negatives": negatives}).prepare()


def test_loan_letters_digits_and_punctuation_are_spoken() -> None:
    text = "“naïve” café – 12,5 (that’s it): señor… yes?"
    generator([text]).prepare()
    # An accent that stands by itself is one with its letter.
    generator(["cafe\u0301"]).prepare()


def test_signs_are_words_in_the_normalised_transcript() -> None:
    made = generator({"classes": {"half": ["{about|} *50 %* off", "5&6"]}})
    made.prepare()
    found = {
        clip.transcript: (clip.transcript_normalised, [word.text for word in clip.words])
        for clip in made.samples(seed=2, count=20)
    }
    assert found == {
        "about 50 % off": ("about 50 percent off", ["about", "50", "%", "off"]),
        "50 % off": ("50 percent off", ["50", "%", "off"]),
        "5&6": ("5 and 6", ["5&6"]),
    }


def test_phonemes_and_ssml_are_exempt() -> None:
    ssml = "<speak>łuk <break time='9ms'/>☃</speak>"
    entries = [{"ssml": ssml, "written": "łuk"}, {"phonemes": "s'Ev@n", "written": "siedem ☃"}]
    generator({"classes": {"bow": entries}}).prepare()


def test_engines_that_do_not_read_a_sign_are_named() -> None:
    command = {"command": {"arguments": ["cat"], "weight": 0.5}}
    with pytest.raises(InputError) as refusal:
        generator(["50 %"], engines={"espeak": 0.5, **command}).prepare()
    assert str(refusal.value) == (
        "phrases: entry 1: phrase '50 %' in language 'en-us' holds '%' (PERCENT SIGN), which "
        "engine 'command' cannot be trusted to say: write it in plain letters, or leave the engine "
        "out."
    )


@pytest.mark.parametrize(
    ("language", "text"),
    [("hi", "किताब हिन्दी"), ("th", "สวัสดี"), ("fa", "می\u200cخواهم"), ("ko", "일곱")],
)
def test_vowel_signs_and_joiners_belong_to_their_letters(language: str, text: str) -> None:
    command = {"arguments": ["cat"], "language": language}
    phrases = {"language": language, "sentences": [text]}
    generator(phrases, engines={"command": command}).prepare()


@pytest.mark.parametrize(("language", "text"), [("cv", "ҫиччӗ"), ("chr", "tsalagi")])
def test_languages_without_digits_are_spoken(language: str, text: str) -> None:
    made = generator({"language": language, "sentences": [text]}, procedural_share=1.0)
    made.prepare()
    assert made.sample(1).transcript == text


def test_characters_have_names() -> None:
    assert named("ł") == "'ł' (LATIN SMALL LETTER L WITH STROKE)"
    assert named("\ue000") == "'\\ue000' (U+E000)"
