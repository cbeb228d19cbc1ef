"""How numbers, dates, times, money, spellings and plates are read aloud, language by language.

A recogniser must learn that "nine oh five p.m." is written 9:05 pm, so every read-out has
three faces: what is spoken, what a person would write, and the plain words. Cardinals and
ordinals come from num2words; everything else (letter names, months, hours, currencies, and
the corrections to num2words) is in `data/phrases/spoken/LANGUAGE.yaml`, so that adding a
language takes no code. Letters have their names spelled out: espeak reads a lone `a` as the
English article and a lone `k`, `s`, `v` or `z` as a Slovak or Czech preposition.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from typing import Any, Literal

from num2words import num2words  # type: ignore[import-untyped]
from pydantic import Field

from seedbed.errors import InputError
from seedbed.generators.speech.text_files import Checked, checked, nearest, read_yaml
from seedbed.resources import data_path

Gender = Literal["", "masculine", "feminine", "neuter"]
TimeStyle = Literal["twelve", "twenty_four", "clock"]

MAX_NUMBER = 999_999_999
"""Larger numbers are refused: nobody says them, and some languages would misspell them."""


@dataclass(frozen=True)
class Spoken:
    """One thing said: `text` is spoken, `written` is how a person writes it down.

    `words` is the normalised transcript: lower-case words with single spaces.
    """

    text: str
    written: str
    words: str


def normalise(text: str) -> str:
    """Lower-case words with single spaces and no punctuation.

    Letters, accents, vowel signs and digits stay; an apostrophe stays inside a word (`don't`,
    `l'eau`), as do joiners; hyphens and everything else part words.
    """
    # Of the Turkish capital Python makes two characters.
    composed = unicodedata.normalize("NFC", text).replace("\u0130", "i")
    lowered = composed.lower().replace("\u2019", "'")
    if lowered.isascii():
        return " ".join(_WORD.findall(lowered))
    marks = {c for c in lowered if unicodedata.category(c).startswith("M") or c in JOINERS}
    return " ".join((_word_with("".join(sorted(marks))) if marks else _WORD).findall(lowered))


JOINERS = "\u200c\u200d"
"""Zero-width joiner and non-joiner: part of how words of Persian and Hindi are spelled."""

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")


def _word_with(marks: str) -> re.Pattern[str]:
    """As `_WORD`, with marks after a letter: for Python's `\\w` they are no part of a word."""
    spelled = f"(?:[^\\W_]|[{marks}])"
    return re.compile(rf"[^\W_]{spelled}*(?:'{spelled}+)*")


class _Days(Checked):
    form: Literal["cardinal", "ordinal", "list"]
    first: str = ""
    first_written: str = "1"
    suffix: str = ""
    days: list[str] = Field(default=[], alias="list")


class _Year(Checked):
    form: Literal["year", "ordinal"] = "year"
    tidy: dict[str, str] = Field(default={})


class _Date(Checked):
    spoken: str
    written: str
    spoken_day_month: str
    written_day_month: str


class _TimeTemplates(Checked):
    full: str
    minutes: str
    written: str
    low: str = ""
    gender: Gender = ""
    minute_gender: Gender = ""
    hour_unit: list[str] = Field(default=[])
    minute_unit: list[str] = Field(default=[])
    halves: dict[str, str] = Field(default={})


class _Time(Checked):
    styles: list[TimeStyle]
    twelve: _TimeTemplates | None = None
    twenty_four: _TimeTemplates
    clock: dict[int, str] = Field(default={})
    clock_gender: Gender = ""
    clock_full_gender: Gender = ""
    hours: list[str] = Field(default=[])


class _Currency(Checked):
    symbol: str
    major: list[str]
    minor: list[str]
    gender: Gender = ""
    minor_gender: Gender | None = None


class _Money(Checked):
    decimal_mark: str
    thousands_mark: str
    default: str
    written: str
    both: str
    currencies: dict[str, _Currency]


class SpokenLanguage(Checked):
    """The facts of one language: see `data/phrases/spoken/en.yaml` for a commented example."""

    numbers: str
    tidy: dict[str, str] = Field(default={})
    minus: str
    plural: Literal["english", "french", "czech", "polish"] = "english"
    before_noun: dict[Gender, dict[str, str]] = Field(default={})
    letters: dict[str, str]
    months: list[str] = Field(min_length=12, max_length=12)
    days: _Days
    year_in_date: _Year = _Year()
    date: _Date
    time: _Time
    money: _Money


class _Plate(Checked):
    letters: str
    patterns: list[str]


def _merged(base: Any, change: Any) -> Any:
    if isinstance(base, Mapping) and isinstance(change, Mapping):
        return {**base, **{key: _merged(base.get(key), value) for key, value in change.items()}}
    return change


def spoken_languages() -> list[str]:
    """The languages numbers and letters can be read out in, such as `en-gb`."""
    folder = data_path("phrases", "spoken")
    return sorted(path.stem for path in folder.glob("*.yaml") if path.stem != "plates")


def _file_of(language: str) -> str:
    known = spoken_languages()
    tag = language.lower()
    while tag not in known:
        if "-" not in tag:
            raise InputError(
                f"read-outs in language {language!r} are not described: add "
                f"data/phrases/spoken/{language}.yaml or use one of {', '.join(known)}."
            )
        tag = tag.rpartition("-")[0]
    return tag


def _values(tag: str) -> Any:
    values = read_yaml(data_path("phrases", "spoken", f"{tag}.yaml"))
    base = values.pop("extends", None)
    if base is None:
        return values
    whole = _merged(_values(base), values)
    if "tidy" in values:
        whole["tidy"] = values["tidy"]
    return whole


@cache
def spoken_language(language: str) -> SpokenLanguage:
    """The facts of `language`, or of what it is a region of (`en-us` reads as `en`).

    Raises `InputError` where neither is described.
    """
    tag = _file_of(language)
    return checked(SpokenLanguage, _values(tag), f"phrases/spoken/{tag}.yaml")


def _replaced(text: str, rules: Mapping[str, str]) -> str:
    for pattern, replacement in rules.items():
        text, count = re.subn(pattern, replacement, text)
        # The first rule that fits wins among noun forms; tidying rules do not overlap.
        if count and pattern.endswith("$"):
            break
    return text


@lru_cache(maxsize=4096)
def number_words(
    value: int,
    language: str,
    form: Literal["cardinal", "ordinal", "year"] = "cardinal",
    gender: Gender = "",
) -> str:
    """`value` in words: 21 is "twenty-one", as an ordinal "twenty-first".

    `gender` bends it for a noun that follows: French 21 before *heures* is "vingt et une".
    Raises `InputError` where the number is over `MAX_NUMBER` or the language has no ordinals.
    """
    if abs(value) > MAX_NUMBER:
        raise InputError(f"the number {value} is too long to read out: keep to {MAX_NUMBER}.")
    facts = spoken_language(language)
    if value < 0:
        return f"{facts.minus} {number_words(-value, language, form, gender)}"
    try:
        words = str(num2words(value, lang=facts.numbers, to=form))
    except NotImplementedError:
        raise InputError(
            f"{form} numbers cannot be read out in language {language!r}: "
            "num2words has none, so use a cardinal."
        ) from None
    words = _replaced(words, facts.tidy)
    return _replaced(words, facts.before_noun.get(gender, {}))


def read_number(
    value: int, language: str, form: Literal["cardinal", "ordinal", "year"] = "cardinal"
) -> Spoken:
    """A whole number; written with digits, an ordinal with a full stop (English: 3rd)."""
    text = number_words(value, language, form)
    written = str(value)
    if form == "ordinal":
        written += _english_suffix(value) if language.split("-")[0] == "en" else "."
    return Spoken(text, written, normalise(text))


def _english_suffix(value: int) -> str:
    if 11 <= abs(value) % 100 <= 13:
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(abs(value) % 10, "th")


def read_digits(digits: str, language: str) -> Spoken:
    """Digits one by one, as a telephone number or a code is read."""
    text = " ".join(number_words(int(digit), language) for digit in digits)
    return Spoken(text, digits, normalise(text))


def read_letters(text: str, language: str) -> Spoken:
    """Letters by name and digits by value; what is neither is written but not spoken.

    `read_letters("KA-7", "de")` is spoken "ka ah sieben", written "KA-7", words "k a sieben".
    Raises `InputError` where the language has no name for a letter.
    """
    names = spoken_language(language).letters
    spoken, words = [], []
    for character in unicodedata.normalize("NFC", text):
        if character.isdigit():
            spoken.append(number_words(int(character), language))
            words.append(normalise(spoken[-1]))
        elif character.isalpha():
            if character.lower() not in names:
                raise InputError(
                    f"the letter {character!r} in {text!r} has no name in language "
                    f"{language!r}: add it to data/phrases/spoken/{_file_of(language)}.yaml."
                )
            spoken.append(names[character.lower()])
            words.append(character.lower())
    return Spoken(" ".join(spoken), text, " ".join(words))


def read_date(day: date, language: str, year: bool = True) -> Spoken:
    """A day of the calendar, with its year unless `year` is False."""
    facts = spoken_language(language)
    month = facts.months[day.month - 1]
    if facts.days.form == "list":
        day_words = facts.days.days[day.day - 1]
    elif facts.days.first and day.day == 1:
        day_words = facts.days.first
    else:
        day_words = number_words(day.day, language, facts.days.form) + facts.days.suffix
    shown_day = facts.days.first_written if day.day == 1 else str(day.day)
    written_slots = {"month": month, "n": shown_day, "y": day.year}
    if not year:
        text = facts.date.spoken_day_month.format(day=day_words, month=month)
        written = facts.date.written_day_month.format(**written_slots)
        return Spoken(text, written, normalise(text))
    year_words = number_words(day.year, language, facts.year_in_date.form)
    year_words = _replaced(year_words, facts.year_in_date.tidy)
    text = facts.date.spoken.format(day=day_words, month=month, year=year_words)
    return Spoken(text, facts.date.written.format(**written_slots), normalise(text))


def _plural(count: int, forms: list[str], rule: str) -> str:
    """The form of a noun after `count`: one-other, or one-few-many as Slavic languages have."""
    if not forms:
        return ""
    if rule == "french":
        return forms[0] if count in (0, 1) else forms[-1]
    if count == 1:
        return forms[0]
    if len(forms) == 3 and (
        count in (2, 3, 4)
        if rule == "czech"
        else 2 <= count % 10 <= 4 and not 12 <= count % 100 <= 14
    ):
        return forms[1]
    return forms[-1]


def read_time(hour: int, minute: int, language: str, style: TimeStyle | None = None) -> Spoken:
    """A time of day, `hour` 0 to 23 and `minute` 0 to 59.

    `style` is "twelve" (half past nine in the evening is "nine thirty p.m."), "twenty_four"
    ("twenty-one thirty") or "clock" ("half past nine", minutes in fives); None takes the
    language's own first. Raises `InputError` where the language does not describe the style.
    """
    facts = spoken_language(language).time
    plural = spoken_language(language).plural
    style = facts.styles[0] if style is None else style
    if style == "clock":
        return _read_clock(hour, minute, language)
    templates = facts.twelve if style == "twelve" else facts.twenty_four
    if templates is None:
        raise InputError(f"language {language!r} has no twelve-hour times: use {{time:24}}.")
    shown_hour = (hour + 11) % 12 + 1 if style == "twelve" else hour
    half = "am" if hour < 12 else "pm"
    template = templates.minutes
    if minute == 0:
        template = templates.full
    elif minute < 10 and templates.low:
        template = templates.low
    text = template.format(
        hour=_hour_words(shown_hour, language, templates.gender),
        hour_unit=_plural(shown_hour, templates.hour_unit, plural),
        minute=number_words(minute, language, gender=templates.minute_gender),
        minute_unit=_plural(minute, templates.minute_unit, plural),
        half=templates.halves.get(half, ""),
    )
    written = templates.written.format(h=shown_hour, mm=f"{minute:02}", half=half)
    # The words of "a.m." are the letters a and m.
    return Spoken(text, written, normalise(text))


def _hour_words(hour: int, language: str, gender: Gender) -> str:
    hours = spoken_language(language).time.hours
    return hours[hour] if hours else number_words(hour, language, gender=gender)


def _read_clock(hour: int, minute: int, language: str) -> Spoken:
    facts = spoken_language(language).time
    if minute not in facts.clock:
        known = ", ".join(str(known) for known in facts.clock) or "none"
        raise InputError(
            f"language {language!r} has no clock-face words for minute {minute}: it has {known}."
        )
    this, following = (hour + 11) % 12 + 1, hour % 12 + 1
    gender = facts.clock_full_gender if minute == 0 else facts.clock_gender
    units = facts.twenty_four.hour_unit
    plural = spoken_language(language).plural
    text = facts.clock[minute].format(
        hour=_hour_words(this, language, gender),
        next=_hour_words(following, language, gender),
        hour_unit=_plural(this, units, plural),
        next_unit=_plural(following, units, plural),
    )
    return Spoken(text, f"{this}:{minute:02}", normalise(text))


def clock_minutes(language: str) -> list[int]:
    """The minutes that "clock" times exist for in `language`, usually every five."""
    return sorted(spoken_language(language).time.clock)


def read_money(cents: int, language: str, currency: str | None = None) -> Spoken:
    """An amount in hundredths of `currency` (None: the language's own): 350 is €3.50.

    Raises `InputError` where the language has no words for the currency.
    """
    facts = spoken_language(language)
    code = check_currency(currency, language)
    unit = facts.money.currencies[code]
    rule = facts.plural
    whole, part = divmod(cents, 100)
    minor_gender = unit.gender if unit.minor_gender is None else unit.minor_gender
    major = (
        f"{number_words(whole, language, gender=unit.gender)} {_plural(whole, unit.major, rule)}"
    )
    minor_number = number_words(part, language)
    minor = f"{number_words(part, language, gender=minor_gender)} {_plural(part, unit.minor, rule)}"
    if part == 0:
        text = major
    elif whole == 0:
        text = minor
    else:
        text = facts.money.both.format(major=major, minor=minor, minor_number=minor_number)
    amount = f"{whole:,}".replace(",", facts.money.thousands_mark)
    if part:
        amount += f"{facts.money.decimal_mark}{part:02}"
    elif whole == 0:
        amount = "0"
    written = facts.money.written.format(symbol=unit.symbol, amount=amount)
    return Spoken(text, written, normalise(text))


def check_currency(currency: str | None, language: str) -> str:
    """The currency's code in small letters. Raises `InputError` where it has no words."""
    money = spoken_language(language).money
    code = money.default if currency is None else currency.lower()
    if code not in money.currencies:
        raise InputError(
            f"currency {code!r} has no words in language {language!r}: "
            f"{nearest(code, list(money.currencies))}"
        )
    return code


@cache
def _plates() -> dict[str, _Plate]:
    values = read_yaml(data_path("phrases", "spoken", "plates.yaml"))
    return {key: checked(_Plate, plate, "plates.yaml") for key, plate in values.items()}


def plate_patterns(country: str) -> tuple[str, list[str]]:
    """The letters and the patterns (A letter, 9 digit) of a country's plates, for read-outs.

    Raises `InputError` where the country is not in `data/phrases/spoken/plates.yaml`.
    """
    plates = _plates()
    if country.lower() not in plates:
        raise InputError(
            f"plates of {country!r} cannot be read out: {nearest(country.lower(), list(plates))}"
        )
    plate = plates[country.lower()]
    return plate.letters, plate.patterns


@cache
def alphabet(language: str) -> frozenset[str]:
    """Every small letter that a read-out in `language` may hold, for checking a voice."""
    facts = spoken_language(language)
    time = facts.time
    texts = [*facts.letters.values(), *facts.months, *facts.days.days, *time.hours, facts.minus]
    texts += [number_words(value, language) for value in (*range(121), *range(200, 1100, 100))]
    texts += [number_words(value, language) for value in (2000, 5000, 10**6, 2 * 10**6, 10**7)]
    for currency in facts.money.currencies.values():
        texts += [*currency.major, *currency.minor]
    texts += [*time.twenty_four.hour_unit, *time.twenty_four.minute_unit, *time.clock.values()]
    texts += [time.twenty_four.full, time.twenty_four.minutes, facts.date.spoken, facts.money.both]
    bare = re.sub(r"\{\w+\}", "", " ".join(texts))
    return frozenset(character for character in bare.lower() if character.isalpha())
