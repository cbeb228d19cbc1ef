"""Read-outs, each one written down by hand."""

# Letters of other languages look like English ones on purpose.
# ruff: noqa: RUF001

from __future__ import annotations

from datetime import date

import pytest

from seedbed.errors import InputError
from seedbed.generators.speech.spoken_forms import (
    alphabet,
    normalise,
    number_words,
    plate_patterns,
    read_date,
    read_digits,
    read_letters,
    read_money,
    read_number,
    read_time,
    spoken_languages,
)

ALL = ["cs", "de", "en", "en-gb", "es", "fr", "it", "nl", "pl", "pt", "pt-br", "sk"]


def test_every_language_that_is_promised_is_described() -> None:
    assert spoken_languages() == ALL


@pytest.mark.parametrize(
    ("value", "language", "form", "text"),
    [
        (21, "en-us", "cardinal", "twenty-one"),
        (101, "en-us", "cardinal", "one hundred one"),
        (101, "en-gb", "cardinal", "one hundred and one"),
        (1999, "en-us", "year", "nineteen ninety-nine"),
        (1905, "en-gb", "year", "nineteen oh-five"),
        (2005, "en-us", "year", "two thousand five"),
        (22, "en-us", "ordinal", "twenty-second"),
        (-5, "sk", "cardinal", "mínus päť"),
        (21, "de", "cardinal", "einundzwanzig"),
        (1999, "de", "year", "neunzehnhundertneunundneunzig"),
        (71, "fr", "cardinal", "soixante et onze"),
        (21000, "es", "cardinal", "veintiún mil"),
        (31000, "es", "cardinal", "treinta y un mil"),
        (28, "it", "cardinal", "ventotto"),
        (16, "pt", "cardinal", "dezasseis"),
        (16, "pt-br", "cardinal", "dezesseis"),
        (1200, "pt-br", "cardinal", "mil e duzentos"),
        (44, "sk", "cardinal", "štyridsaťštyri"),
        (44, "cs", "cardinal", "čtyřicet čtyři"),
        (44, "pl", "cardinal", "czterdzieści cztery"),
        (22, "nl", "cardinal", "tweeëntwintig"),
        (1999, "nl", "year", "negentienhonderd negenennegentig"),
    ],
)
def test_numbers(value: int, language: str, form: str, text: str) -> None:
    assert number_words(value, language, form) == text  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("language", "text", "written"),
    [
        ("en-us", "nine oh five p.m.", "9:05 pm"),
        ("de", "einundzwanzig Uhr fünf", "21:05 Uhr"),
        ("fr", "vingt et une heures cinq", "21 h 05"),
        ("es", "veintiuna cero cinco", "21:05"),
        ("it", "ventuno e cinque", "21:05"),
        ("pt", "vinte e uma e cinco", "21:05"),
        ("sk", "dvadsaťjeden hodín päť minút", "21:05"),
        ("cs", "dvacet jedna hodin pět minut", "21:05"),
        ("pl", "dwudziesta pierwsza zero pięć", "21:05"),
        ("nl", "eenentwintig uur vijf", "21.05 uur"),
    ],
)
def test_five_past_nine_in_the_evening(language: str, text: str, written: str) -> None:
    spoken = read_time(21, 5, language)
    assert (spoken.text, spoken.written) == (text, written)


def test_times_in_their_styles() -> None:
    assert read_time(7, 45, "en-us").text == "seven forty-five a.m."
    assert read_time(19, 45, "en-us").written == "7:45 pm"
    assert read_time(19, 45, "en-us").words == "seven forty five p m"
    assert read_time(0, 0, "en-us").text == "twelve a.m."
    assert read_time(21, 5, "en-gb", "twenty_four").text == "twenty-one oh five"
    assert read_time(21, 30, "en-us", "clock").text == "half past nine"
    assert read_time(12, 45, "en-us", "clock").text == "quarter to one"
    assert read_time(21, 30, "de", "clock").text == "halb zehn"
    assert read_time(13, 0, "de", "clock").text == "ein Uhr"
    assert read_time(12, 45, "fr", "clock").text == "une heure moins le quart"
    assert read_time(0, 1, "fr").text == "zéro heure une"
    assert read_time(1, 1, "sk").text == "jedna hodina jedna minúta"
    assert read_time(2, 2, "cs").text == "dvě hodiny dvě minuty"
    with pytest.raises(InputError, match="no twelve-hour times"):
        read_time(1, 0, "de", "twelve")
    with pytest.raises(InputError, match="minute 7"):
        read_time(1, 7, "de", "clock")


@pytest.mark.parametrize(
    ("language", "text", "written"),
    [
        ("en-us", "three euros and fifty cents", "€3.50"),
        ("de", "drei Euro fünfzig", "3,50 €"),
        ("fr", "trois euros cinquante", "3,50 €"),
        ("es", "tres euros con cincuenta", "3,50 €"),
        ("it", "tre euro e cinquanta", "3,50 €"),
        ("pt", "três euros e cinquenta cêntimos", "3,50 €"),
        ("sk", "tri eurá päťdesiat centov", "3,50 €"),
        ("cs", "tři eura padesát centů", "3,50 €"),
        ("pl", "trzy euro pięćdziesiąt centów", "3,50 €"),
        ("nl", "drie euro vijftig", "€ 3,50"),
    ],
)
def test_three_euros_fifty(language: str, text: str, written: str) -> None:
    spoken = read_money(350, language, "eur")
    assert (spoken.text, spoken.written) == (text, written)


def test_money_bends_its_nouns() -> None:
    assert read_money(100, "en-gb").text == "one pound"
    assert read_money(1, "en-gb").text == "one penny"
    assert read_money(2102, "fr", "gbp").text == "vingt et une livres deux"
    assert read_money(2100, "es").text == "veintiún euros"
    assert read_money(200, "cs").text == "dvě koruny"
    assert read_money(500, "cs").text == "pět korun"
    assert read_money(2200, "pl").text == "dwadzieścia dwa złote"
    assert read_money(1200, "pl").text == "dwanaście złotych"
    assert read_money(123400, "en-us").written == "$1,234"
    assert read_money(123450, "de").written == "1.234,50 €"
    with pytest.raises(InputError, match=r"currency 'euro' has no words.*'eur'"):
        read_money(1, "en-us", "euro")


def test_dates() -> None:
    day = date(1999, 5, 31)
    assert read_date(day, "en-us").text == "May thirty-first, nineteen ninety-nine"
    assert read_date(day, "en-us").written == "May 31, 1999"
    assert read_date(day, "en-gb").text == "the thirty-first of May nineteen ninety-nine"
    assert read_date(day, "de", year=False).text == "einunddreißigster Mai"
    assert read_date(date(2005, 3, 1), "fr").text == "premier mars deux mille cinq"
    assert read_date(date(2005, 3, 1), "fr").written == "1er mars 2005"
    assert read_date(date(2005, 3, 1), "es").text == "primero de marzo de dos mil cinco"
    assert read_date(day, "sk", year=False).text == "tridsiateho prvého mája"
    assert (
        read_date(day, "pl").text
        == "trzydziestego pierwszego maja tysiąc dziewięćset dziewięćdziesiątego dziewiątego roku"
    )


@pytest.mark.parametrize("language", ALL)
def test_every_day_has_its_words(language: str) -> None:
    days = {read_date(date(2024, 1, day), language, year=False).text for day in range(1, 32)}
    assert len(days) == 31


def test_letters_are_spoken_by_name_and_written_as_letters() -> None:
    spoken = read_letters("KA-7", "sk")
    assert spoken.text == "ká aa sedem"
    assert spoken.written == "KA-7"
    assert spoken.words == "k a sedem"
    # A lone "a" would be read as the article.
    assert read_letters("ABC", "en-us").text == "eigh bee see"
    assert read_letters("Z", "en-gb").text == "zed"
    assert read_letters("ñ", "es").text == "eñe"
    with pytest.raises(InputError, match="letter 'ß' in 'Maß' has no name in language 'de'"):
        read_letters("Maß", "de")


def test_digits_and_ordinals_are_written_with_figures() -> None:
    assert read_digits("0451", "de").text == "null vier fünf eins"
    assert read_digits("0451", "de").written == "0451"
    written = [read_number(n, "en-us", "ordinal").written for n in (1, 2, 3, 11, 13, 21)]
    assert written == ["1st", "2nd", "3rd", "11th", "13th", "21st"]
    assert read_number(3, "de", "ordinal").written == "3."


def test_normalised_words() -> None:
    assert (
        normalise("I think it's Twenty-One, isn\u2019t it?") == "i think it's twenty one isn't it"
    )
    assert normalise("C\u030ca\u0301u  L'eau — déjà vu!") == "čáu l'eau déjà vu"
    assert normalise("«…»") == ""
    # Vowel signs, a stress mark and a joiner are parts of their words.
    assert normalise("किताब, हिन्दी!") == "किताब हिन्दी"
    assert normalise("สวัสดี") == "สวัสดี"
    assert normalise("ле\u0301с-дом") == "ле\u0301с дом"
    assert normalise("«می\u200cخواهم»") == "می\u200cخواهم"
    assert normalise("İstanbul") == "istanbul"


def test_what_is_not_described_is_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"'xx' are not described: add data/phrases/spoken/xx"):
        number_words(1, "xx")
    with pytest.raises(InputError, match="ordinal numbers cannot be read out in language 'sk'"):
        number_words(3, "sk", "ordinal")
    with pytest.raises(InputError, match="too long to read out"):
        number_words(10**9, "en-us")
    with pytest.raises(InputError, match="plates of 'xx'"):
        plate_patterns("xx")


@pytest.mark.parametrize("language", ALL)
def test_the_alphabet_holds_every_letter_of_the_read_outs(language: str) -> None:
    letters = alphabet(language)
    for value in (0, 7, 12, 16, 19, 88, 999, 1234, 45678):
        assert {c for c in number_words(value, language) if c.isalpha()} <= letters
    for month in range(1, 13):
        text = read_date(date(1987, month, 2 * month), language).text.lower()
        assert {c for c in text if c.isalpha()} <= letters
