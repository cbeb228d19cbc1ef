"""espeak-ng in memory, through ctypes: fast, exactly timed, thousands of speakers.

A voice id is `BASE`, `BASE+VARIANT` or `BASE+#NUMBER`: a base voice (`gmw/en-US`), a stock
variant (`gmw/en-US+f3`) or the procedural speaker of that number (`gmw/en-US+#1207`, see
`seedbed.generators.speech.speaker`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import ClassVar, NamedTuple
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray

from seedbed.errors import InputError, SeedbedError
from seedbed.generators.speech.engines.base import (
    CHECKED_TEXT,
    Control,
    Engine,
    EngineFailure,
    Markup,
    Prosody,
    Sex,
    SpokenWord,
    Utterance,
    Voice,
)
from seedbed.generators.speech.engines.espeak_library import (
    EVENT_END,
    EVENT_PHONEME,
    EVENT_WORD,
    PARAMETER_PITCH,
    PARAMETER_RANGE,
    PARAMETER_RATE,
    PARAMETER_VOLUME,
    PARAMETER_WORD_GAP,
    TEXT_PHONEMES,
    TEXT_SSML,
    RawEvent,
    espeak_library,
    find_espeak,
    read_stock_variants,
)
from seedbed.generators.speech.speaker import (
    accent_facts,
    espeak_facts,
    speaker_shape,
    stateless_voices,
    steady_variant,
)
from seedbed.registry import nearest
from seedbed.sample import TimedSpan

NORMAL_RATE_WPM = 175
"""espeak's default speed, words per minute (`speak_lib.h`)."""

RATE_WPM_LIMITS = (80, 450)
"""espeak's own limits (`speak_lib.h`)."""

PITCH_STEPS_PER_OCTAVE = 50
"""espeak's pitch runs from 0 to 100 over two octaves, 50 being the voice's own."""

CONTROLS: frozenset[Control] = frozenset(
    (
        "rate", "pitch", "pitch_range", "volume", "emphasis", "pauses", "accent", "unsteady",
        "word_times", "phoneme_times",
    )
)  # fmt: skip

PLAIN_VARIANT = "language variant\nname plain\n"

STRESS_MARKS = "',%="
"""Marks before a phoneme's name for stress: kept where the phoneme itself is replaced."""

ACCENT_SOURCE = "gmw/en-US"
"""The voice whose pronunciation the accents start from."""

TAG = re.compile(r"<[^>]*>")

CLAUSE_SIGN = re.compile("[^\\w\\s'\u2019<>=\"/-]")
"""What may end a clause: from the second clause on, a marked-up text keeps something of a Klatt
voice that spoke before it."""

PUNCTUATION = ".,;:!?\"'()[]{}<>«»“”\u2018\u2019¿¡-–—…"  # noqa: RUF001
"""Stripped from a word's ends; what is inside (`it's`, `12,5`) stays."""


class EspeakEngine(Engine):
    """espeak-ng through ctypes: stock variants and procedural speakers, all timed."""

    name: ClassVar[str] = "espeak"
    packages: ClassVar[tuple[str, ...]] = ("espeakng-loader",)
    procedural: ClassVar[bool] = True
    markups: ClassVar[frozenset[Markup]] = frozenset(("phonemes", "ssml"))

    def available(self) -> str:
        """What is missing, or an empty string."""
        return "" if find_espeak() else "espeak-ng is missing: pip install espeakng-loader"

    def reads(self, character: str) -> bool:
        """All of them: the alphabets' signs are those that espeak says."""
        return True

    def voices(self) -> Sequence[Voice]:
        """Every base voice, alone and with every stock variant, sorted by id."""
        return espeak_voices()

    def base_voices(self) -> Sequence[Voice]:
        """The voices without a variant: one for each language and dialect."""
        return _base_voices()

    def unlike(self, voices: Sequence[Voice]) -> Sequence[Voice]:
        """One voice of each base and one of each variant: they are joined freely."""
        heard: set[str] = set()
        found = []
        for voice in voices:
            base, plus, variant = voice.id.partition("+")
            if not {base, plus + variant} <= heard:
                found.append(voice)
                heard |= {base, plus + variant}
        return found

    def checked_text(self, voice: Voice) -> str:
        """Digits, but in the languages that espeak has no words for them in."""
        return checked_text_of(voice)

    def stretched_seconds(self, utterance: Utterance) -> float:
        """Up to the last phoneme's start, which goes over into the echo that some variants have."""
        if len(utterance.phonemes) < 2:
            return super().stretched_seconds(utterance)
        return utterance.phonemes[-1].start - utterance.phonemes[0].start

    def speak(self, text: str, voice: str, prosody: Prosody) -> Utterance:
        """Say `text` through a voice id; see the module for what an id may be."""
        return speak_with_espeak(text, voice, prosody)


@lru_cache(maxsize=1)
def _base_voices() -> tuple[Voice, ...]:
    library = espeak_library()
    unusual = set(espeak_facts()["unusual_voices"])
    found = []
    for identifier, language, gender in library.list_voices():
        # "!v/" are variants, "mb/" need MBROLA's own voices.
        if identifier.startswith(("!v", "mb")) or identifier in unusual:
            continue
        if not library.has_dictionary(identifier, language):
            continue
        sex: Sex = "female" if gender == 2 else "male"
        found.append(
            Voice(
                id=identifier,
                language=language.lower(),
                sex=sex,
                speaker="espeak:plain",
                controls=CONTROLS,
            )
        )
    return tuple(sorted(found, key=lambda voice: voice.id))


def checked_text_of(voice: Voice) -> str:
    """What one of espeak's voices is asked to say before a build, through whatever engine."""
    texts: dict[str, str] = espeak_facts()["checked_texts"]
    return texts.get(voice.id.partition("+")[0], CHECKED_TEXT)


@lru_cache(maxsize=1)
def stock_variants() -> dict[str, str]:
    """Every stock variant by name: file text."""
    files = find_espeak()
    if files is None:
        raise SeedbedError("espeak-ng is not installed: run `pip install espeakng-loader`.")
    return read_stock_variants(files.data)


def variant_sex(text: str) -> Sex:
    """The sex a variant file names, "" where it names none."""
    for line in text.splitlines():
        words = line.split()
        if words[:1] == ["gender"] and words[1:2] in (["female"], ["male"]):
            return "female" if words[1] == "female" else "male"
    return ""


@lru_cache(maxsize=1)
def espeak_voices() -> tuple[Voice, ...]:
    """Every base voice, alone and with every stock variant, sorted by id."""
    found = list(_base_voices())
    for name, text in stock_variants().items():
        sex = variant_sex(text)
        found += [
            Voice(
                id=f"{base.id}+{name}",
                language=base.language,
                sex=sex,
                speaker=f"espeak:{name}",
                controls=base.controls,
            )
            for base in _base_voices()
        ]
    return tuple(sorted(found, key=lambda voice: voice.id))


@lru_cache(maxsize=4096)
def variant_text(variant: str, unsteady: bool) -> str:
    """The file text for the part of a voice id after the `+`.

    Raises `InputError` for a variant that does not exist: espeak itself would go on with
    the base voice and say nothing.
    """
    if variant.startswith("#") and variant[1:].isdecimal():
        return speaker_shape(int(variant[1:])).variant_text(unsteady)
    stock = stock_variants()
    if variant and variant not in stock:
        raise InputError(
            f"espeak-ng has no voice variant {variant!r}{nearest(variant, list(stock))}; "
            "procedural speakers are written #NUMBER."
        )
    text = stock[variant] if variant else PLAIN_VARIANT
    return text if unsteady else steady_variant(text)


@lru_cache(maxsize=1)
def _base_ids() -> frozenset[str]:
    return frozenset(voice.id for voice in _base_voices())


def check_voice(voice: str) -> tuple[str, str]:
    """A voice id as (base, variant). Raises `InputError` for a base that does not exist."""
    base, _, variant = voice.partition("+")
    if base not in _base_ids():
        known = sorted(_base_ids())
        raise InputError(f"espeak-ng has no voice {base!r}{nearest(base, known)}")
    return base, variant


def rate_wpm(rate: float) -> int:
    """A rate ratio as espeak's words per minute, within its limits."""
    low, high = RATE_WPM_LIMITS
    return min(high, max(low, round(NORMAL_RATE_WPM * rate)))


def pitch_step(semitones: float) -> int:
    """A pitch offset as espeak's 0 to 100."""
    return min(100, max(0, round(50 + semitones * PITCH_STEPS_PER_OCTAVE / 12)))


def range_step(pitch_range: float) -> int:
    """A pitch range ratio as espeak's 0 to 100, 50 being normal."""
    return min(100, max(0, round(50 * pitch_range)))


class Steps(NamedTuple):
    """A `Prosody` in espeak's own whole steps."""

    rate_wpm: int
    pitch: int
    pitch_range: int
    volume: int
    word_gap: int

    def realised(self) -> dict[str, float]:
        """What these steps come to, in the units of `Prosody`."""
        return {
            "rate": self.rate_wpm / NORMAL_RATE_WPM,
            "pitch_semitones": (self.pitch - 50) * 12 / PITCH_STEPS_PER_OCTAVE,
            "pitch_range": self.pitch_range / 50,
            "volume": self.volume / 100,
            "pause_ms": 10.0 * self.word_gap,
        }


def prosody_steps(prosody: Prosody) -> Steps:
    """What remains of `prosody` after espeak's steps and limits."""
    return Steps(
        rate_wpm(prosody.rate),
        pitch_step(prosody.pitch_semitones),
        range_step(prosody.pitch_range),
        round(100 * min(1.0, max(0.0, prosody.volume))),
        round(prosody.pause_ms / 10),
    )


def speak_with_espeak(text: str, voice: str, prosody: Prosody) -> Utterance:
    """Say `text` in memory; the same arguments give the same samples in any order.

    Raises `InputError` for an unknown voice or accent and `EngineFailure` for the rest.
    """
    library = espeak_library()
    base, variant = check_voice(voice)
    steps = prosody_steps(prosody)
    with library.lock:
        if prosody.markup:
            return _speak_markup(text, base, variant, prosody, steps)
        if prosody.accent:
            return _speak_with_accent(text, base, variant, prosody, steps)
        if prosody.emphasis == "none":
            samples, events = _synthesise(text, base, variant, prosody, steps, 0)
        else:
            marked, plain_index = _with_emphasis(text, prosody)
            samples, events = _synthesise(marked, base, variant, prosody, steps, TEXT_SSML)
            events = [
                event._replace(position=plain_index[min(event.position, len(marked))])
                for event in events
            ]
    words, phonemes = timed_events(events, library.sample_rate)
    return Utterance(
        sound=as_float(samples),
        sample_rate=library.sample_rate,
        words=words_of_text(text, words),
        phonemes=phonemes,
        realised=steps.realised(),
    )


def _synthesise(
    text: str, base: str, variant: str, prosody: Prosody, steps: Steps, flags: int
) -> tuple[bytes, list[RawEvent]]:
    stateless = (
        not prosody.unsteady
        and not prosody.accent
        and base in stateless_voices()
        and not prosody.markup
        and not (flags & TEXT_SSML and CLAUSE_SIGN.search(text))
    )
    library = espeak_library(stateless)
    library.make_ready(base, stateless, bool(prosody.accent), prosody.markup == "ssml")
    library.set_voice(base, variant_text(variant, prosody.unsteady))
    library.set_parameter(PARAMETER_RATE, steps.rate_wpm)
    library.set_parameter(PARAMETER_PITCH, steps.pitch)
    library.set_parameter(PARAMETER_RANGE, steps.pitch_range)
    library.set_parameter(PARAMETER_VOLUME, steps.volume)
    library.set_parameter(PARAMETER_WORD_GAP, steps.word_gap)
    return library.synthesise(text, flags)


def as_float(samples: bytes) -> NDArray[np.float32]:
    """16-bit samples as float32 in [-1, 1)."""
    return np.frombuffer(samples, dtype=np.int16).astype(np.float32) / np.float32(32768)


def _with_emphasis(text: str, prosody: Prosody) -> tuple[str, list[int]]:
    """The text as SSML, and for each of its characters the place in `text` it stands for."""
    first, last = prosody.emphasis_span or (0, len(text))
    marked: list[str] = []
    plain_index: list[int] = []
    opening, closing = f'<emphasis level="{prosody.emphasis}">', "</emphasis>"
    for index in range(len(text) + 1):
        pieces = [opening] if index == first else [closing] if index == last else []
        if index < len(text):
            pieces.append(escape(text[index]))
        for piece in pieces:
            marked.append(piece)
            plain_index += [index] * len(piece)
    return "".join(marked), [*plain_index, len(text)]


def timed_events(
    events: Sequence[RawEvent], sample_rate: int
) -> tuple[list[tuple[int, float, float]], tuple[TimedSpan, ...]]:
    """Words as (character position, start, end) and phonemes, without the pauses.

    A word lasts from its first phoneme's start to its last one's end; the library's own word
    events come some 12 ms early and have no end. Without phoneme events a word lasts from
    its event to the next.
    """
    words: list[tuple[int, float, float]] = []
    phonemes: list[TimedSpan] = []
    timed_by_phonemes = any(event.kind == EVENT_PHONEME for event in events)
    times = [event for event in events if event.kind != EVENT_WORD]
    place: int | None = None
    index = 0
    for event in events:
        if event.kind == EVENT_WORD:
            place = event.position
            if not timed_by_phonemes:
                seconds = event.sample / sample_rate
                if words:
                    words[-1] = (*words[-1][:2], seconds)
                words.append((place, seconds, seconds))
            continue
        index += 1
        end = times[index].sample if index < len(times) else event.sample
        start_s, end_s = event.sample / sample_rate, end / sample_rate
        if event.kind == EVENT_END and words and not timed_by_phonemes:
            words[-1] = (*words[-1][:2], start_s)
        silent = event.kind != EVENT_PHONEME or event.phoneme.startswith("_")
        if silent or not event.phoneme or end <= event.sample:
            continue
        phonemes.append(TimedSpan(text=event.phoneme, start=start_s, end=end_s))
        if place is not None and (not words or words[-1][0] != place):
            words.append((place, start_s, end_s))
        elif words:
            words[-1] = (*words[-1][:2], end_s)
    return words, tuple(phonemes)


def words_of_text(text: str, timed: Sequence[tuple[int, float, float]]) -> tuple[SpokenWord, ...]:
    """The words of `text`, split at spaces, with the times of the events inside them.

    Punctuation around a word is left off. espeak may report several events in one word
    (`12,5`) or one that covers only its start (`it's`): a word takes all that begin in it. After
    a full stop its places are the blank before the word. Two words that it says as one (`in
    the`) are one here, and of two whose events it puts into the first (`it is`) each has its own.
    """
    found: list[SpokenWord] = []
    position = 0
    inside: list[tuple[int, float, float]] = []
    ahead: list[tuple[int, float, float]] = []
    places = [
        (place + 1 if text[place : place + 1].isspace() else place, start, end)
        for place, start, end in timed
    ]
    for token in text.split():
        first = text.index(token, position)
        position = first + len(token)
        within = [one for one in places if first <= one[0] < position]
        core = token.strip(PUNCTUATION)
        if not core:
            # What begins in a dash is the word behind it.
            ahead += within
            continue
        before, inside, ahead = inside, ahead + within, []
        offset = first + token.index(core)
        spare = not inside and len(before) > 1 and text[before[-1][0] - 1].isalnum()
        if spare:
            inside = [before.pop()]
            found[-1] = replace(found[-1], end=max(end for _, _, end in before))
        if inside:
            found.append(
                SpokenWord(
                    text=core,
                    char_start=offset,
                    char_end=offset + len(core),
                    start=min(start for _, start, _ in inside),
                    end=max(end for _, _, end in inside),
                )
            )
        elif found:
            last, inside = found[-1], before
            whole = text[last.char_start : offset + len(core)]
            found[-1] = replace(last, text=whole, char_end=offset + len(core))
    return tuple(found)


@lru_cache(maxsize=65536)
def accent_phonemes(word: str, accent: str) -> str:
    """An English word as the phonemes that a speaker of `accent` says for it.

    Raises `InputError` for an unknown accent.
    """
    accents = accent_facts()["accents"]
    if accent not in accents:
        raise InputError(
            f"there is no accent {accent!r}{nearest(accent, list(accents))} "
            f"(known: {', '.join(accents)})"
        )
    general = {} if accents[accent].get("native") else accent_facts()["general"]
    sounds = {**general, **accents[accent]["sounds"]}
    library = espeak_library(stateless=False)
    with library.lock:
        found = library.phonemes(word, ACCENT_SOURCE)
    said = []
    for phoneme in found:
        bare = phoneme.lstrip(STRESS_MARKS)
        marks = phoneme[: len(phoneme) - len(bare)]
        said.append(marks + str(sounds.get(bare, bare)))
    return "".join(said)


def _speak_with_accent(
    text: str, base: str, variant: str, prosody: Prosody, steps: Steps
) -> Utterance:
    library = espeak_library()
    spelled, places = [], []
    position = 0
    for word in text.split():
        position = text.index(word, position)
        phonemes = accent_phonemes(word, prosody.accent)
        if phonemes:
            spelled.append(f"[[{phonemes}]]")
            places.append((word, position, position + len(word)))
        position += len(word)
    if not spelled:
        raise EngineFailure(f"espeak-ng has no phonemes for {text!r}.")
    samples, events = _synthesise(" ".join(spelled), base, variant, prosody, steps, TEXT_PHONEMES)
    times, phonemes_said = timed_events(events, library.sample_rate)
    words = _words_at(places, times)
    return Utterance(
        sound=as_float(samples),
        sample_rate=library.sample_rate,
        words=words,
        phonemes=phonemes_said,
        realised=steps.realised(),
    )


def _words_at(
    places: Sequence[tuple[str, int, int]], times: Sequence[tuple[int, float, float]]
) -> tuple[SpokenWord, ...]:
    """Words at their places in a text with the times of as many events; none where they differ."""
    if len(places) != len(times):
        return ()
    return tuple(
        SpokenWord(text=word, char_start=first, char_end=last, start=start, end=end)
        for (word, first, last), (_, start, end) in zip(places, times, strict=True)
    )


def _speak_markup(text: str, base: str, variant: str, prosody: Prosody, steps: Steps) -> Utterance:
    """Say phonemes, in espeak's ASCII names with spaces between words, or SSML."""
    library = espeak_library()
    if prosody.markup == "ssml":
        samples, events = _synthesise(text, base, variant, prosody, steps, TEXT_SSML)
        times, phonemes = timed_events(events, library.sample_rate)
        # Every tag as spaces: the places of the words stay.
        words = words_of_text(TAG.sub(lambda tag: " " * len(tag[0]), text), times)
    else:
        spelled = " ".join(f"[[{word}]]" for word in text.split())
        samples, events = _synthesise(spelled, base, variant, prosody, steps, TEXT_PHONEMES)
        times, phonemes = timed_events(events, library.sample_rate)
        words = _words_at([(match[0], *match.span()) for match in re.finditer(r"\S+", text)], times)
    return Utterance(
        sound=as_float(samples),
        sample_rate=library.sample_rate,
        words=words,
        phonemes=phonemes,
        realised=steps.realised(),
    )


@lru_cache(maxsize=64)
def voice_for_language(language: str) -> str:
    """The base voice that speaks a language: its own dialect's, else its first.

    Raises `InputError` where espeak has none.
    """
    wanted = language.lower()
    primary = wanted.partition("-")[0]
    voices = _base_voices()
    for voice in voices:
        if voice.language == wanted:
            return voice.id
    for voice in voices:
        if voice.language.partition("-")[0] == primary:
            return voice.id
    raise InputError(f"espeak-ng has no voice for language {language!r}.")


def phoneme_names(text: str, language: str) -> str:
    """The phonemes of `text` in espeak's ASCII names, as phrase files take them."""
    library = espeak_library(stateless=False)
    with library.lock:
        return " ".join(library.phonemes(text, voice_for_language(language)))


def pronounce(text: str, language: str) -> str:
    """The IPA of `text` in a language, stress marks included, clauses joined by a space."""
    library = espeak_library(stateless=False)
    with library.lock:
        return library.ipa(text, voice_for_language(language))
