"""What is said in a speech data set: keywords, sentences, and everything that is neither.

A keyword spotter needs its keywords in known shares, alone and inside sentences, and needs
what is *not* a keyword as much: other words, words that sound like a keyword, people talking
over each other, noise and silence. A phrase file says which, language by language, in YAML a
person can edit (`docs/phrases.md`); this module checks it, and draws one phrase at a time.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from pathlib import Path
from typing import Any, Literal
from xml.etree import ElementTree

import numpy as np
from pydantic import Field, field_validator, model_validator

from seedbed.errors import InputError, SeedbedError
from seedbed.generators.speech.alphabets import characters_of, named
from seedbed.generators.speech.engines.base import Markup
from seedbed.generators.speech.phonemes import (
    nearest_words,
    phoneme_distance,
    rhymes,
    split_ipa,
)
from seedbed.generators.speech.spoken_forms import Spoken, normalise
from seedbed.generators.speech.templates import (
    KEYWORD_SLOT,
    READ_OUTS,
    Node,
    Piece,
    Run,
    SlotName,
    Text,
    characters,
    draw_pieces,
    expansions,
    find_loop,
    has_read_out,
    has_stars,
    join,
    parse,
    pick,
    plain,
    slot_names,
    unknown_slot,
    weighted_choice,
)
from seedbed.generators.speech.text_files import Checked, checked, nearest, read_text, read_yaml
from seedbed.resources import data_path

Kind = Literal["keyword", "negative", "sentence", "silence", "noise", "babble"]

PHONEME_TEXT = re.compile(r"[!-Z^-~ ]+")
"""ASCII without the brackets that would end espeak's phonemes, and the backslash."""

FORBIDDEN_TAGS = ("voice", "audio")

DEFAULT_LANGUAGE = "en-us"
"""The language of a list that does not say which it is in."""


@dataclass(frozen=True)
class Phrase:
    """One thing to be spoken, or a stretch of sound in which nothing is.

    `text` is spoken, `transcript` is how a person writes it and `transcript_normalised` holds
    its lower-case words; all three are empty where `kind` is silence, noise or babble.
    `keyword_char_span` is the keyword's (start, end) within `text`. `babble_texts` are what
    the people of a babble say, one each, all at once. With a `markup` the text is phonemes or
    SSML.
    """

    text: str
    transcript: str
    transcript_normalised: str
    label: str
    language: str
    kind: Kind
    keyword_char_span: tuple[int, int] | None = None
    babble_texts: tuple[str, ...] = ()
    markup: Markup = ""


Pronounce = Callable[[str, str], str]
"""From (text, language) to IPA, stress marks included: any speech engine can provide it."""


# What a phrase file may hold.


def _entries(value: Any) -> Any:
    """A phrase, a list of phrases or a list of entries, as a list of entries."""
    if isinstance(value, bool) or value is None:
        raise ValueError(f"{value!r} is not a phrase: put the word in quotation marks")
    if not isinstance(value, list):
        value = [value]
    entries = []
    for item in value:
        if isinstance(item, bool) or item is None:
            raise ValueError(f"{item!r} is not a phrase: put the word in quotation marks")
        entries.append({"say": str(item)} if isinstance(item, str | int | float) else item)
    return entries


class _Entry(Checked):
    """A phrase, its share among its neighbours, and how it is written if otherwise.

    It is given as words, or as an engine's phonemes or SSML with `written` beside it.
    """

    say: str = ""
    weight: float = Field(default=1.0, ge=0.0)
    written: str | None = None
    phonemes: str = ""
    ssml: str = ""

    @model_validator(mode="after")
    def _one_form(self) -> _Entry:
        if sum(bool(form.strip()) for form in (self.say, self.phonemes, self.ssml)) != 1:
            raise ValueError("give exactly one of 'say', 'phonemes' and 'ssml', not empty")
        if self.markup and not (self.written or "").strip():
            raise ValueError(f"{self.text!r} needs 'written' beside it: its transcript")
        if self.markup == "phonemes" and not PHONEME_TEXT.fullmatch(self.phonemes):
            raise ValueError(
                f"the phonemes {self.phonemes!r} must be espeak's ASCII names, without brackets"
            )
        if self.markup == "ssml":
            _check_ssml(self.ssml)
        return self

    @property
    def markup(self) -> Markup:
        """What the phrase is given as."""
        return "phonemes" if self.phonemes else "ssml" if self.ssml else ""

    @property
    def text(self) -> str:
        """What is handed to the engine, or the template."""
        return self.say or self.phonemes or self.ssml


def _check_ssml(text: str) -> None:
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise ValueError(f"the SSML {text!r} is not well-formed: {error}") from None
    tags = [element.tag.rpartition("}")[2] for element in root.iter()]
    if tags[0] != "speak":
        raise ValueError(f"the SSML {text!r} must stand between <speak> and </speak>")
    for tag in FORBIDDEN_TAGS:
        if tag in tags:
            raise ValueError(
                f"the SSML {text!r} holds <{tag}>: voices and sounds are the recipe's to choose"
            )


class _Group(Checked):
    """Phrases drawn by their weights."""

    say: list[_Entry] = Field(min_length=1)
    weight: float = Field(default=1.0, ge=0.0)

    @model_validator(mode="before")
    @classmethod
    def _from_phrases(cls, value: Any) -> Any:
        if isinstance(value, Mapping) and "say" in value and isinstance(value["say"], list):
            return {**value, "say": _entries(value["say"])}
        if isinstance(value, Mapping) and {"say", "phonemes", "ssml"} & set(value):
            keys = ("say", "phonemes", "ssml", "written")
            own = {key: value[key] for key in value if key not in keys}
            entry = {key: value[key] for key in keys if key in value}
            return {**own, "say": [entry]}
        if isinstance(value, Mapping):
            return value
        return {"say": _entries(value)}


class _Carriers(_Group):
    """Sentences that a keyword is put into, and how often."""

    share: float = Field(default=0.5, ge=0.0, le=1.0)


class _Sentences(_Group):
    """Whole sentences without a keyword class."""

    share: float | None = Field(default=None, ge=0.0, le=1.0)


class _Sound(Checked):
    """A stretch without speech, or with nobody's speech in particular."""

    weight: float = Field(default=1.0, ge=0.0)
    label: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_weight(cls, value: Any) -> Any:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return {"weight": value}
        return value


class _Babble(_Sound):
    """Several people talking at once."""

    talkers: tuple[int, int] = (3, 6)
    words: tuple[int, int] = (4, 10)


class _Words(_Sound):
    """Single words from the word list."""


class _Near(_Sound):
    """Words of the word list that sound like a keyword."""

    nearest: int = Field(default=8, ge=1)
    within: float = Field(default=0.35, gt=0.0, le=1.0)
    rhymes: bool = True


class _Negatives(Checked):
    """What is not a keyword: `share` of all draws."""

    share: float = Field(ge=0.0, le=1.0)
    label: str = ""
    word_list: str | list[str] | None = None
    other_than: list[str] = Field(default=[], alias="except")
    words: _Words | None = None
    near: _Near | None = None
    phrases: _Group | None = None
    silence: _Sound | None = None
    noise: _Sound | None = None
    babble: _Babble | None = None

    @field_validator("word_list", mode="before")
    @classmethod
    def _plain_words(cls, value: Any) -> Any:
        if isinstance(value, list):
            return [entry["say"] for entry in _entries(value)]
        return value


class _Section(Checked):
    """The phrases of one language."""

    weight: float = Field(default=1.0, ge=0.0)
    slots: dict[str, _Group] = Field(default={})
    classes: dict[str, _Group] = Field(default={})
    carriers: _Carriers | None = None
    sentences: _Sentences | None = None
    negatives: _Negatives | None = None

    @field_validator("classes", "slots", mode="before")
    @classmethod
    def _name_keys(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        for key in value:
            if isinstance(key, bool) or key is None:
                raise ValueError(f"the name {key!r} is not a word: put it in quotation marks")
        return {str(key): group for key, group in value.items()}


class _PhraseFile(_Section):
    """A whole phrase file: one language's section, or several under `languages`."""

    about: str = ""
    language: str = DEFAULT_LANGUAGE
    languages: dict[str, _Section] = Field(default={})

    @model_validator(mode="after")
    def _one_or_several(self) -> _PhraseFile:
        own = [name for name in _Section.model_fields if name in self.model_fields_set]
        if self.languages and (own or "language" in self.model_fields_set):
            extra = own[0] if own else "language"
            raise ValueError(
                f"{extra!r} stands beside 'languages': move it under one of the languages"
            )
        return self

    def sections(self) -> dict[str, _Section]:
        """The sections by language, in small letters as BCP 47 tags are compared."""
        if self.languages:
            return {tag.lower(): section for tag, section in self.languages.items()}
        return {self.language.lower(): self}


# What is drawn from, made of it.


@dataclass(frozen=True)
class _Places:
    """Where the phrases of a language stand, for messages.

    `prefix` goes before the keys of a file that holds several languages. `spots` says of a
    key's texts in a list where each is (`line 3`): lists have no keys.
    """

    file: str
    prefix: str = ""
    spots: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def of(self, key: str, text: str = "") -> str:
        """`rooms.yaml: classes.on`, or `words.txt: line 3`."""
        return f"{self.file}: {self.spots.get((key, text)) or self.prefix + key}"


@dataclass(frozen=True)
class _Template:
    """A parsed phrase; `source` is how it stands in the file, and `place` where, for messages."""

    source: str
    place: str
    node: Node
    written: str | None = None
    markup: Markup = ""


@dataclass(frozen=True)
class _Weighted:
    """Templates with their weights summed up."""

    templates: tuple[_Template, ...]
    cumulative: tuple[float, ...]

    def draw(self, rng: np.random.Generator) -> _Template:
        return self.templates[pick(rng, self.cumulative)]


@dataclass(frozen=True)
class _Language:
    """Everything that can be drawn in one language."""

    tag: str
    slots: Mapping[str, Node]
    labels: tuple[str, ...]
    label_weights: tuple[float, ...]
    classes: Mapping[str, _Weighted]
    carriers: _Weighted | None
    carrier_share: float
    sentences: _Weighted | None
    sentence_share: float
    negatives: _Negatives | None
    negative_phrases: _Weighted | None
    words: tuple[str, ...]
    places: _Places
    word_places: _Places
    near: tuple[tuple[str, ...], ...] = ()


WORD_LIST = "negatives.word_list"
"""The key of the words that are no keyword."""

_NEGATIVE_KINDS = ("words", "near", "phrases", "silence", "noise", "babble")


@dataclass(frozen=True)
class PhraseSet:
    """Checked phrases, ready to be drawn from. Make one with `load_phrases`."""

    file: str
    _languages: tuple[_Language, ...]
    _weights: tuple[float, ...]

    def languages(self) -> list[str]:
        """The languages spoken, as BCP 47 tags in small letters, in the file's order."""
        return [language.tag for language in self._languages]

    def all_labels(self) -> list[str]:
        """Every label a phrase may have, the keywords' first, each once."""
        found: dict[str, None] = {}
        for language in self._languages:
            found.update(dict.fromkeys(language.labels))
        for language in self._languages:
            negatives = language.negatives
            if negatives is not None:
                for kind in _NEGATIVE_KINDS:
                    if getattr(negatives, kind) is not None:
                        found[_negative_label(negatives, kind)] = None
            if language.sentences is not None:
                found[""] = None
        return list(found)

    def in_languages(self, languages: Sequence[str]) -> PhraseSet:
        """The phrases of some languages only; `en` takes `en-us` and `en-gb` alike.

        Raises `InputError` where a language is not in the file.
        """
        wanted = [tag.lower() for tag in languages]
        for tag in wanted:
            if not any(_is_in(known, tag) for known in self.languages()):
                raise InputError(
                    f"{self.file} has no phrases in language {tag!r}: "
                    f"{nearest(tag, self.languages())}"
                )
        weights = [b - a for a, b in zip((0.0, *self._weights), self._weights, strict=False)]
        kept = [
            (language, weight)
            for language, weight in zip(self._languages, weights, strict=True)
            if any(_is_in(language.tag, tag) for tag in wanted)
        ]
        return PhraseSet(
            self.file, tuple(each for each, _ in kept), tuple(accumulate(w for _, w in kept))
        )

    @property
    def needs_pronunciation(self) -> bool:
        """Whether `with_pronunciation` must be called before anything is drawn."""
        return any(
            language.negatives is not None
            and language.negatives.near is not None
            and not language.near
            for language in self._languages
        )

    @property
    def packages(self) -> tuple[str, ...]:
        """The installed packages that decide which words are drawn."""
        nodes = (
            node
            for language in self._languages
            for node in (*language.slots.values(), *(one.node for one in _templates(language)))
        )
        counted = ("num2words",) if any(has_read_out(node) for node in nodes) else ()
        return (*counted, *(("espeakng-loader",) if self.needs_pronunciation else ()))

    def with_pronunciation(self, pronounce: Pronounce) -> PhraseSet:
        """The same phrases with near-homophones and rhymes found, and homophones left out.

        `pronounce` gives a text's IPA in a language. Raises `InputError` where no word of the
        list sounds like any keyword.
        """
        ready = tuple(_with_pronunciation(language, pronounce) for language in self._languages)
        return replace(self, _languages=ready)

    def near_words(self, language: str) -> dict[str, tuple[str, ...]]:
        """For each label, what was found to sound like it; empty before `with_pronunciation`."""
        for known in self._languages:
            if known.tag == language.lower() and known.near:
                return dict(zip(known.labels, known.near, strict=True))
        return {}

    def draw(self, rng: np.random.Generator) -> Phrase:
        """One phrase, by the file's shares and weights.

        Raises `SeedbedError` where words that sound alike are wanted and
        `with_pronunciation` has not been called.
        """
        language = self._languages[pick(rng, self._weights)]
        spot = rng.random()
        negatives = language.negatives
        if negatives is not None:
            if spot < negatives.share:
                return _draw_negative(language, negatives, rng)
            spot = (spot - negatives.share) / (1.0 - negatives.share)
        if language.sentences is not None and spot < language.sentence_share:
            template = language.sentences.draw(rng)
            return _as_phrase(template, language, "sentence", "", rng)
        return _draw_keyword(language, rng)

    def markups(self) -> Iterator[tuple[str, str, str, Markup]]:
        """Every phrase that is not words: where it stands, how, its language, and what it is."""
        for language in self._languages:
            for template in _templates(language):
                if template.markup:
                    yield template.place, template.source, language.tag, template.markup

    def fragments(self) -> Iterator[tuple[str, str, str, dict[str, str]]]:
        """Where every phrase stands and how, its language, and what it may be made of.

        The last are small letters, digits and signs, those of all its slots included, each with
        a text that it stands in; none of phonemes and SSML.
        """
        for language in self._languages:
            for template in _templates(language):
                if template.markup:
                    continue
                used = characters(template.node, language.slots)
                yield template.place, template.source, language.tag, used
            for word in language.words:
                place = language.word_places.of(WORD_LIST, word)
                yield place, word, language.tag, dict.fromkeys(characters_of(word), word)

    def check(self, judge: Callable[[str], Callable[[str], str] | None]) -> None:
        """Refuse what the engines of a recipe cannot say, before anything is built.

        `judge(language)` is None where there is no voice for a language, else it gives, for a
        small letter, digit or sign, "" where it is spoken, and otherwise half a sentence that
        says why not and what to do. Raises `InputError` naming the file, the place in it, the
        phrase, the language and the character.
        """
        judges = {tag: judge(tag) for tag in self.languages()}
        for place, phrase, tag, used in self.fragments():
            reason_for = judges[tag]
            if reason_for is None:
                raise InputError(
                    f"{place}: phrase {phrase!r} is in language {tag!r}, which no voice of "
                    "this recipe speaks; add an engine or voice for it, or leave the language out."
                )
            for character in sorted(used):
                reason = reason_for(character)
                if reason:
                    text = used[character]
                    where = f" in {text!r}" if text and text != phrase else ""
                    raise InputError(
                        f"{place}: phrase {phrase!r} in language {tag!r} holds "
                        f"{named(character)}{where}, {reason}."
                    )


def _is_in(tag: str, wanted: str) -> bool:
    return tag == wanted or tag.startswith(f"{wanted}-")


def _templates(language: _Language) -> Iterator[_Template]:
    groups = [
        *language.classes.values(),
        language.carriers,
        language.sentences,
        language.negative_phrases,
    ]
    for group in groups:
        if group is not None:
            yield from group.templates


def _negative_label(negatives: _Negatives, kind: str) -> str:
    own = getattr(getattr(negatives, kind), "label", None)
    return negatives.label if own is None else str(own)


def _as_phrase(
    template: _Template,
    language: _Language,
    kind: Kind,
    label: str,
    rng: np.random.Generator,
) -> Phrase:
    if template.markup:
        return _marked_up(template, language, kind, label)
    return _finish(
        draw_pieces(template.node, language.slots, rng), template.written, language, kind, label
    )


def _finish(
    pieces: Sequence[Piece], written: str | None, language: _Language, kind: Kind, label: str
) -> Phrase:
    spoken, span = join(pieces, language.tag)
    if kind == "keyword" and span is None:
        whole = [Piece(piece.spoken, keyword=True) for piece in pieces]
        spoken, span = join(whole, language.tag)
    return Phrase(
        text=spoken.text,
        transcript=spoken.written if written is None else written,
        transcript_normalised=spoken.words,
        label=label,
        language=language.tag,
        kind=kind,
        keyword_char_span=span if kind == "keyword" else None,
    )


def _marked_up(template: _Template, language: _Language, kind: Kind, label: str) -> Phrase:
    """Phonemes or SSML as they stand in the file; a keyword is all of it."""
    written = template.written or ""
    return Phrase(
        text=template.source,
        transcript=written,
        transcript_normalised=normalise(written),
        label=label,
        language=language.tag,
        kind=kind,
        keyword_char_span=(0, len(template.source)) if kind == "keyword" else None,
        markup=template.markup,
    )


def _draw_keyword(language: _Language, rng: np.random.Generator) -> Phrase:
    label = language.labels[pick(rng, language.label_weights)]
    template = language.classes[label].draw(rng)
    if template.markup:
        return _marked_up(template, language, "keyword", label)
    pieces = draw_pieces(template.node, language.slots, rng)
    if template.written is not None:
        spoken, _ = join(pieces, language.tag)
        pieces = [Piece(Spoken(spoken.text, template.written, spoken.words))]
    carried = rng.random() < language.carrier_share
    if language.carriers is None or not carried or any(piece.keyword for piece in pieces):
        return _finish(pieces, None, language, "keyword", label)
    keyword, _ = join(pieces, language.tag)
    # The keyword is an ordinary slot of the carrier, filled with what was drawn.
    slots = {**language.slots, KEYWORD_SLOT: Run((Text(keyword),), keyword=True)}
    carrier = language.carriers.draw(rng)
    return _finish(draw_pieces(carrier.node, slots, rng), None, language, "keyword", label)


def _draw_negative(language: _Language, negatives: _Negatives, rng: np.random.Generator) -> Phrase:
    parts = [(kind, getattr(negatives, kind)) for kind in _NEGATIVE_KINDS]
    kinds = [(kind, part) for kind, part in parts if part is not None]
    kind, part = kinds[pick(rng, tuple(accumulate(part.weight for _, part in kinds)))]
    label = _negative_label(negatives, kind)
    if kind == "phrases" and language.negative_phrases is not None:
        return _as_phrase(language.negative_phrases.draw(rng), language, "negative", label, rng)
    if kind == "words":
        word = language.words[int(rng.integers(len(language.words)))]
        return _finish([Piece(plain(word))], None, language, "negative", label)
    if kind == "near":
        if not language.near:
            raise SeedbedError(
                f"{language.places.of('negatives.near')} needs a pronunciation of its words "
                "before drawing: call with_pronunciation first, with an engine that gives phonemes."
            )
        filled = [words for words in language.near if words]
        words = filled[int(rng.integers(len(filled)))]
        return _finish(
            [Piece(plain(words[int(rng.integers(len(words)))]))], None, language, "negative", label
        )
    texts = _draw_babble(language, part, rng) if isinstance(part, _Babble) else ()
    sound: Kind = "silence" if kind == "silence" else "noise" if kind == "noise" else "babble"
    return Phrase("", "", "", label, language.tag, sound, babble_texts=texts)


def _draw_babble(language: _Language, part: _Babble, rng: np.random.Generator) -> tuple[str, ...]:
    talkers = int(rng.integers(part.talkers[0], part.talkers[1], endpoint=True))
    texts = []
    for _ in range(talkers):
        count = int(rng.integers(part.words[0], part.words[1], endpoint=True))
        spots = rng.integers(0, len(language.words), count)
        texts.append(" ".join(language.words[int(spot)] for spot in spots))
    return tuple(texts)


def _with_pronunciation(language: _Language, pronounce: Pronounce) -> _Language:
    negatives = language.negatives
    if negatives is None or not language.words:
        return language
    tag = language.tag
    forms = {
        label: [text for template in group.templates for text in _literal_texts(template, language)]
        for label, group in language.classes.items()
    }
    keyword_sounds = [split_ipa(pronounce(text, tag)) for texts in forms.values() for text in texts]
    pronounced = {word: pronounce(word, tag) for word in language.words}
    sounds = {word: split_ipa(ipa) for word, ipa in pronounced.items()}
    words = tuple(
        word
        for word in language.words
        if all(phoneme_distance(sounds[word], sound) > 0.0 for sound in keyword_sounds)
    )
    if negatives.near is None:
        return replace(language, words=words)
    candidates = {word: pronounced[word] for word in words}
    found = tuple(
        tuple(
            dict.fromkeys(
                near
                for text in dict.fromkeys(normalise(form) for form in forms[label])
                for near in _sounding_like(text, candidates, negatives.near, pronounce, tag)
            )
        )
        for label in language.labels
    )
    if not any(found):
        raise InputError(
            f"{language.places.of('negatives.near.within')} {negatives.near.within} leaves no "
            f"word that sounds like a keyword in language {tag!r}: raise it, or give a longer "
            "word_list."
        )
    return replace(language, words=words, near=found)


def _literal_texts(template: _Template, language: _Language) -> list[str]:
    """What a keyword may be said as, without the sentence around it."""
    if template.markup:
        return [template.written or ""]
    texts = []
    for pieces in expansions(template.node, language.slots) or []:
        spoken, span = join(pieces, language.tag)
        texts.append(spoken.text if span is None else spoken.text[slice(*span)])
    return list(dict.fromkeys(texts))


def _sounding_like(
    text: str, candidates: Mapping[str, str], near: _Near, pronounce: Pronounce, language: str
) -> list[str]:
    """Texts that sound like `text`: of several words, one is put in another's place."""
    parts = text.split()
    found = []
    for index, part in enumerate(parts):
        ipa = pronounce(part, language)
        alike = [word for word, _ in nearest_words(ipa, candidates, near.nearest, near.within)]
        if near.rhymes:
            alike += [word for word, other in candidates.items() if rhymes(other, ipa)]
        for word in dict.fromkeys(alike):
            if word != part:
                found.append(" ".join([*parts[:index], word, *parts[index + 1 :]]))
    return found


# From a file to a set.


def load_phrases(
    source: str | Path | Sequence[str] | Mapping[str, Any], languages: Sequence[str] | None = None
) -> PhraseSet:
    """Phrases from a file's name in `data/phrases`, a path, or written in place.

    A name may end in the languages wanted (`digits:en-us,de`), which does what `languages`
    does. A `.txt` file or a list holds one phrase each, with a label after a tab where it is
    a keyword; in a file they are plain text, in a list they may be templates. A mapping is
    a phrase file's content. Raises `InputError`: one sentence with file, key or phrase.
    """
    if isinstance(source, Mapping):
        loaded = _from_values(dict(source), "phrases")
    elif isinstance(source, str | Path):
        wanted: list[str] = []
        if isinstance(source, str) and re.fullmatch(r"[\w-]+:[\w,\s-]+", source):
            source, _, tags = source.partition(":")
            wanted = [tag.strip() for tag in tags.split(",")]
        loaded = _from_path(_path_of(source))
        if wanted:
            loaded = loaded.in_languages(wanted)
    else:
        loaded = _from_lines(_said(list(source), "phrases"), "phrases")
    return loaded if languages is None else loaded.in_languages(languages)


def phrases_digests(source: str | Path | Sequence[Any] | Mapping[str, Any]) -> dict[str, str]:
    """Twelve hex digits for each file of the user's that `source` leads to: phrases, word lists.

    Files that ship with seedbed are left out: its version stands for them. Raises `InputError`
    for a file that cannot be read.
    """
    paths: list[Path] = []
    values: Any = source
    if isinstance(source, str | Path):
        if isinstance(source, str):
            source = source.partition(":")[0] if re.fullmatch(r"[\w-]+:.*", source) else source
        paths.append(_path_of(source))
        values = read_yaml(paths[0]) if paths[0].suffix != ".txt" else None
    paths += [_path_of(name) for name in _word_list_names(values)]
    shipped = data_path("phrases").resolve()
    return {
        f"phrases {path}": hashlib.sha256(read_text(path).encode()).hexdigest()[:12]
        for path in paths
        if path.resolve().parent != shipped
    }


def _word_list_names(values: Any) -> list[str]:
    """The word lists that a phrase file's content names, at any depth."""
    if isinstance(values, Mapping):
        own = values.get("word_list")
        below = [name for value in values.values() for name in _word_list_names(value)]
        return [*([own] if isinstance(own, str) else []), *below]
    if isinstance(values, list):
        return [name for value in values for name in _word_list_names(value)]
    return []


def phrase_files() -> list[str]:
    """The names of the phrase files that ship with seedbed."""
    return sorted(path.stem for path in data_path("phrases").glob("*.yaml"))


def _said(values: list[Any], file: str) -> list[tuple[str, str]]:
    """The places and texts of a list: `("entry 3", "stop")`."""
    found = []
    for number, value in enumerate(values, start=1):
        spot = f"entry {number}"
        try:
            (entry,) = _entries([value])
        except ValueError as error:
            raise InputError(f"{file}: {spot}: {error}.") from None
        if not isinstance(entry, Mapping) or list(entry) != ["say"]:
            raise InputError(f"{file}: {spot}: {entry!r} is not a phrase: a list holds text only.")
        found.append((spot, entry["say"]))
    return found


def _path_of(source: str | Path) -> Path:
    path = Path(source)
    if path.suffix in (".yaml", ".yml", ".txt"):
        if path.exists() or len(path.parts) > 1:
            return path
        return data_path("phrases", path.name)
    shipped = data_path("phrases", f"{source}.yaml")
    if not shipped.exists():
        raise InputError(
            f"there is no phrase file {str(source)!r}: {nearest(str(source), phrase_files())}"
        )
    return shipped


def _from_path(path: Path) -> PhraseSet:
    file = _shown(path)
    if path.suffix == ".txt":
        language, lines = _read_list(path)
        return _from_lines(lines, file, language, literal=True)
    values = read_yaml(path)
    if isinstance(values, list):
        return _from_lines(_said(values, file), file)
    return _from_values(values, file)


def _shown(path: Path) -> str:
    """How messages call a file: one that ships by its name, one of the user's by its path."""
    shipped = path.resolve().parent == data_path("phrases").resolve()
    return path.name if shipped else str(path)


def _read_list(path: Path) -> tuple[str, list[tuple[str, str]]]:
    """The language of a list, and its lines behind their places, such as `line 3`.

    `#` starts a comment; `# language: de` says which language it is.
    """
    language, lines = DEFAULT_LANGUAGE, []
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        if line.startswith("#"):
            said = re.fullmatch(r"#\s*language:\s*(\S+)\s*", line)
            language = said.group(1) if said else language
        elif line.strip():
            lines.append((f"line {number}", line.strip()))
    if not lines:
        raise InputError(f"{_shown(path)} holds no phrase: write one a line.")
    return language, lines


def _from_lines(
    lines: Sequence[tuple[str, str]],
    file: str,
    language: str = DEFAULT_LANGUAGE,
    literal: bool = False,
) -> PhraseSet:
    """Every line as likely as every other; a label after a tab makes it a keyword.

    `lines` are places and texts.
    """
    classes: dict[str, list[str]] = {}
    sentences: list[str] = []
    spots: dict[tuple[str, str], str] = {}
    for spot, line in lines:
        phrase, _, label = line.partition("\t")
        label = label.strip()
        if literal:
            phrase = re.sub(r"([\\{}*|])", r"\\\1", phrase)
        spots.setdefault((f"classes.{label}" if label else "sentences", phrase), spot)
        if label:
            classes.setdefault(label, []).append(phrase)
        else:
            sentences.append(phrase)
    values: dict[str, Any] = {"language": language}
    if classes:
        values["classes"] = {k: {"say": v, "weight": len(v)} for k, v in classes.items()}
    if sentences:
        values["sentences"] = {"say": sentences, "share": len(sentences) / max(1, len(lines))}
    return _from_values(values, file, spots)


def _from_values(
    values: Any, file: str, spots: Mapping[tuple[str, str], str] | None = None
) -> PhraseSet:
    if not isinstance(values, Mapping):
        raise InputError(f"{file}: a phrase file is a mapping with 'classes' or 'sentences'.")
    whole = checked(_PhraseFile, values, file)
    sections = whole.sections()
    languages = tuple(
        _compile(
            tag, section, _Places(file, f"languages.{tag}." if whole.languages else "", spots or {})
        )
        for tag, section in sections.items()
    )
    weights = tuple(accumulate(section.weight for section in sections.values()))
    if weights[-1] <= 0:
        raise InputError(f"{file}: all the languages have weight 0: raise one.")
    return PhraseSet(file, languages, weights)


def _parsed(entry: _Entry, tag: str, place: str) -> _Template:
    if entry.markup:
        node = Run((Text(plain(entry.text)),))
        return _Template(entry.text, place, node, entry.written, entry.markup)
    try:
        node = parse(entry.say, tag)
    except ValueError as error:
        raise InputError(f"{place}: phrase {entry.say!r} ({tag}): {error}.") from None
    if entry.written is not None and not all(isinstance(part, Text) for part in node.nodes):
        raise InputError(
            f"{place}: phrase {entry.say!r} ({tag}): 'written' goes with plain text only; "
            "give the slot's own entries a 'written' instead."
        )
    return _Template(entry.say, place, node, entry.written)


def _weighted(group: _Group, tag: str, places: _Places, key: str) -> _Weighted:
    templates = tuple(_parsed(entry, tag, places.of(key, entry.text)) for entry in group.say)
    cumulative = tuple(accumulate(entry.weight for entry in group.say))
    if cumulative[-1] <= 0:
        raise InputError(
            f"{templates[0].place}: phrase {group.say[0].text!r} ({tag}) and its neighbours all "
            "have weight 0: raise one."
        )
    return _Weighted(templates, cumulative)


def _slot_node(group: _Group, tag: str, places: _Places, key: str) -> Node:
    weighted = _weighted(group, tag, places, key)
    options = []
    for template in weighted.templates:
        if template.markup:
            raise InputError(
                f"{template.place}: {template.source!r} ({tag}): {template.markup} cannot fill a "
                "slot: they stand alone, in a class, a sentence or a negative."
            )
        if template.written is None:
            options.append(Run((template.node,)))
        else:
            said = plain(unicodedata.normalize("NFC", template.source))
            options.append(Run((Text(Spoken(said.text, template.written, said.words)),)))
    return weighted_choice(options, [entry.weight for entry in group.say])


def _compile(tag: str, section: _Section, places: _Places) -> _Language:
    file = places.file
    if not re.fullmatch(r"[a-z]{2,3}(-[a-z0-9]{2,8})*", tag):
        raise InputError(f"{file}: {tag!r} is not a language: write a tag such as en-us or sk.")
    if not section.classes and section.sentences is None and section.negatives is None:
        raise InputError(
            f"{file}: language {tag!r} has nothing to say: give it 'classes' or 'sentences'."
        )
    for name in section.slots:
        if name in (*READ_OUTS, KEYWORD_SLOT):
            raise InputError(
                f"{places.of(f'slots.{name}')} has the name of a built-in slot: rename it."
            )
    slots = {
        name: _slot_node(group, tag, places, f"slots.{name}")
        for name, group in section.slots.items()
    }

    def weighted(group: _Group | None, key: str) -> _Weighted | None:
        return None if group is None else _weighted(group, tag, places, key)

    language = _Language(
        tag=tag,
        slots=slots,
        labels=tuple(section.classes),
        label_weights=tuple(accumulate(group.weight for group in section.classes.values())),
        classes={
            label: _weighted(group, tag, places, f"classes.{label}")
            for label, group in section.classes.items()
        },
        carriers=weighted(section.carriers, "carriers"),
        carrier_share=0.0 if section.carriers is None else section.carriers.share,
        sentences=weighted(section.sentences, "sentences"),
        sentence_share=_sentence_share(section, places),
        negatives=section.negatives,
        negative_phrases=(
            None
            if section.negatives is None
            else weighted(section.negatives.phrases, "negatives.phrases")
        ),
        words=(),
        places=places,
        word_places=places,
    )
    _check_slots(language, section)
    words, word_places = _word_list(language, section.negatives, places)
    return replace(language, words=words, word_places=word_places)


def _sentence_share(section: _Section, places: _Places) -> float:
    """The share of sentences among what is not negative; beside keywords it must be given."""
    if section.classes and sum(group.weight for group in section.classes.values()) <= 0:
        raise InputError(f"{places.of('classes')}: all have weight 0: raise one.")
    if section.sentences is None:
        if not section.classes and section.negatives is not None and section.negatives.share < 1:
            raise InputError(
                f"{places.of('negatives.share')} must be 1, because there are neither classes "
                f"nor sentences, got {section.negatives.share}."
            )
        return 0.0
    if not section.classes:
        return 1.0
    if section.sentences.share is None:
        raise InputError(
            f"{places.of('sentences.share')} is missing, and there are classes too: say how often "
            "a sentence is drawn, from 0 to 1."
        )
    return section.sentences.share


def _check_slots(language: _Language, section: _Section) -> None:
    tag, places = language.tag, language.places
    for name, node in language.slots.items():
        where = places.of(f"slots.{name}")
        wrong = unknown_slot(node, language.slots)
        if wrong:
            raise InputError(f"{where}: {wrong}")
        if has_stars(node):
            raise InputError(
                f"{where}: a slot may not mark a keyword with stars; put them around the slot "
                "where it is used."
            )
    carriers = () if language.carriers is None else language.carriers.templates
    for template in _templates(language):
        where = f"{template.place}: phrase {template.source!r} ({tag})"
        is_carrier = any(template is carrier for carrier in carriers)
        if template.markup and is_carrier:
            raise InputError(f"{where}: {template.markup} cannot carry a keyword: write words.")
        wrong = unknown_slot(template.node, language.slots, (KEYWORD_SLOT,) if is_carrier else ())
        if wrong:
            raise InputError(f"{where}: {wrong}")
        if is_carrier and not _always_keyword(template.node):
            raise InputError(
                f"{where}: a carrier sentence holds {{{KEYWORD_SLOT}}} exactly once, "
                "outside alternatives."
            )
    loop = find_loop(language.slots)
    if loop:
        name = loop[0]
        phrase = section.slots[name].say[0].say
        raise InputError(
            f"{places.of(f'slots.{name}')}: phrase {phrase!r} ({tag}): the slots "
            f"{' -> '.join(loop)} go round for ever; take one out of the circle."
        )
    for said in (*language.classes.values(), language.sentences, language.negative_phrases):
        for template in () if said is None else said.templates:
            if not any(map(str.isalnum, characters(template.node, language.slots))):
                raise InputError(
                    f"{template.place}: phrase {template.source!r} ({tag}) has no word in it: "
                    "write one."
                )


def _always_keyword(node: Node) -> bool:
    if not isinstance(node, Run) or slot_names(node).count(KEYWORD_SLOT) != 1:
        return False
    return any(
        (isinstance(part, SlotName) and part.name == KEYWORD_SLOT)
        or (isinstance(part, Run) and _always_keyword(part))
        for part in node.nodes
    )


def _word_list(
    language: _Language, negatives: _Negatives | None, places: _Places
) -> tuple[tuple[str, ...], _Places]:
    """The words of the negatives, without the keywords themselves, and where they stand."""
    if negatives is None:
        return (), places
    present = [kind for kind in _NEGATIVE_KINDS if getattr(negatives, kind) is not None]
    if negatives.share > 0 and not any(getattr(negatives, kind).weight > 0 for kind in present):
        raise InputError(
            f"{places.of('negatives')} has a share of {negatives.share} but no kind with a "
            f"weight: give one of {', '.join(_NEGATIVE_KINDS)}."
        )
    if not {"words", "near", "babble"} & set(present):
        return (), places
    if negatives.word_list is None:
        raise InputError(
            f"{places.of('negatives')} draws words but has no word_list: give a list, or the "
            "name of one, such as words-en.txt."
        )
    within = places
    if isinstance(negatives.word_list, str):
        path = _path_of(negatives.word_list)
        _, lines = _read_list(path)
        words = [word for _, word in lines]
        spots = {
            (WORD_LIST, unicodedata.normalize("NFC", word)): spot for spot, word in reversed(lines)
        }
        within = _Places(_shown(path), spots=spots)
    else:
        words = list(negatives.word_list)
    left_out = {normalise(word) for word in negatives.other_than}
    for group in language.classes.values():
        for template in group.templates:
            left_out |= {normalise(text) for text in _literal_texts(template, language)}
    words = [unicodedata.normalize("NFC", word) for word in words]
    kept = tuple(word for word in dict.fromkeys(words) if normalise(word) not in left_out)
    if not kept:
        raise InputError(f"{places.of(WORD_LIST)} is empty: add words.")
    return kept, within
