"""Clips of speech: a phrase, spoken by a drawn voice in a drawn manner, labelled to the phoneme.

Everything is decided in `draw`; `render` asks the engine, trims, warps, resamples and
levels. An engine's bad output (empty, silent, clipped, of an impossible length) is logged
with the text and the voice, counted by reason in the sample, and drawn again a bounded
number of times (`Generator.sample`).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import lru_cache
from multiprocessing import parent_process
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, field_validator, model_validator

from seedbed.component import Generator
from seedbed.errors import InputError, Rejected
from seedbed.generators.speech.alphabets import is_punctuation, why_unspeakable
from seedbed.generators.speech.casting import (
    Cast,
    Casting,
    cast_voices,
    no_voice_message,
    primary_language,
)
from seedbed.generators.speech.engines import ENGINES, build_engine, engine_class, open_engine
from seedbed.generators.speech.engines.base import (
    SILENT_PEAK,
    Emphasis,
    Engine,
    Markup,
    Prosody,
    Sex,
    SpokenWord,
    Utterance,
    Voice,
    speech_bounds,
)
from seedbed.generators.speech.ipa import ipa_accents
from seedbed.generators.speech.phrases import Phrase, PhraseSet, load_phrases, phrases_digests
from seedbed.generators.speech.speaker import accent_facts
from seedbed.registry import nearest
from seedbed.sample import Clip, TimedSpan
from seedbed.streams import chance, choose, choose_weighted, fork_seed, log_uniform, uniform
from seedbed.vocal_tract import warp_vocal_tract

LOGGER = logging.getLogger("seedbed.speech")

PEAK_LIMIT = 0.99
"""A clip is turned down until its peak is under this, so that 16 bits never clip."""

FULL_SCALE = 0.999
MOST_CLIPPED = 0.002
"""Share of frames at full scale above which an engine's output counts as clipped."""

SECONDS_PER_CHARACTER = (0.012, 1.2)
"""Bounds of speech length: from very fast speech, 80 characters a second, to one slow digit
read out (`7`), with `SPARE_SECONDS` for pauses."""
SPARE_SECONDS = 2.0

TAG = re.compile(r"<[^>]*>")

EDGE_SECONDS = 0.004
"""Kept around the speech when trimming, so that soft onsets stay."""

TILT_PIVOT_HZ = 500.0
TILT_FLOOR_HZ = 100.0
TILT_PADDING = 256
"""Zeros behind the sound, so that the filter's tail does not wrap onto its start."""

Range = tuple[float, float]

RANGE_LIMITS: dict[str, Range] = {
    "rate": (0.4, 3.0),
    "pitch_semitones": (-12.0, 12.0),
    "pitch_range": (0.0, 2.0),
    "volume": (0.01, 1.0),
    "pause_ms": (0.0, 2000.0),
    "vocal_tract": (0.5, 2.0),
    "tilt_db_per_octave": (-18.0, 18.0),
    "leading_silence_s": (0.0, 60.0),
    "trailing_silence_s": (0.0, 60.0),
    "level_dbfs": (-70.0, 0.0),
    "quiet_seconds": (0.05, 600.0),
}
"""The least and most that a range in the recipe may hold."""


class EngineUse(BaseModel):
    """An engine's share of the clips; other keys are the engine's own options."""

    model_config = ConfigDict(frozen=True, extra="allow")

    weight: float = Field(default=1.0, ge=0.0, description="beside the other engines' weights")

    @property
    def options(self) -> dict[str, Any]:
        """The engine's own options."""
        return dict(self.model_extra or {})


def _engines_schema(schema: dict[str, Any]) -> None:
    """Describe to an editor each engine's own options, and the short forms of `engines`."""
    names = list(ENGINES)
    uses = {}
    for name in names:
        own = engine_class(name).model_json_schema()
        weight = EngineUse.model_json_schema()["properties"]["weight"]
        use = {
            "type": "object",
            "description": own["description"].partition("\n\n")[0],
            "properties": {"weight": weight, **own["properties"]},
            "required": own.get("required", []),
            "additionalProperties": False,
        }
        needed = bool(use["required"])
        uses[name] = use if needed else {"anyOf": [{"type": "number", "minimum": 0}, use]}
    alone = {"enum": [name for name, use in uses.items() if not use.get("required")]}
    table = {
        "type": "object",
        "properties": uses,
        "additionalProperties": False,
        "minProperties": schema.pop("minProperties"),
    }
    for key in ("type", "additionalProperties"):
        schema.pop(key)
    schema["anyOf"] = [table, alone, {"type": "array", "items": alone, "minItems": 1}]


@dataclass(frozen=True, kw_only=True)
class Talk:
    """One utterance: who says what, and how."""

    text: str
    language: str
    engine: str
    voice: str
    speaker: str
    sex: Sex
    prosody: Prosody
    vocal_tract: float
    tilt_db_per_octave: float


@dataclass(frozen=True, kw_only=True)
class SpeechParams:
    """Everything drawn for one clip.

    `talks` holds one utterance, several for a babble, none for silence and noise, which
    last `quiet_seconds` and are noise of power 1 / f ** `noise_exponent` made from `noise_seed`.
    """

    phrase: Phrase
    talks: tuple[Talk, ...]
    leading_silence_s: float
    trailing_silence_s: float
    level_dbfs: float
    quiet_seconds: float = 0.0
    noise_exponent: float = 0.0
    noise_seed: int = 0


@dataclass
class _Ready:
    """What is looked up once: phrases and, for each engine and language, the voices."""

    phrases: PhraseSet
    casts: dict[tuple[str, str], Cast]
    accent_voices: dict[str, Voice] = field(default_factory=dict)


class SpeechClip(Generator[SpeechParams, Clip]):
    """Speech clips with transcript, keyword, word and phoneme times."""

    params_type: ClassVar[type[Any]] = SpeechParams
    sample_type: ClassVar[type[Clip]] = Clip

    phrases: str | list[Any] | dict[str, Any] = Field(
        description="a phrase file, a name in data/phrases, a list, or a phrase file's content"
    )
    languages: tuple[str, ...] = Field(default=(), description="of the phrases; empty: all")
    engines: dict[str, EngineUse] = Field(
        default={"pyttsx3": EngineUse()},
        min_length=1,
        description="engine: weight or options",
        json_schema_extra=_engines_schema,
    )
    optional_engines: tuple[str, ...] = Field(
        default=(), description="engines left out, and said so, where missing or without a voice"
    )
    sample_rate: int = Field(default=16000, ge=4000, le=48000, description="of the clips, in Hz")

    voices: tuple[str, ...] = Field(default=("*",), description="patterns of voice ids")
    exclude_voices: tuple[str, ...] = Field(
        default=(), description="patterns of voice ids that are left out"
    )
    sexes: tuple[Sex, ...] = Field(default=(), description="empty: all")
    inhuman: bool = Field(default=False, description="also robots, whispers and effects")
    dialects: dict[str, float] = Field(default={}, description="language tag: weight")
    speaker_share: Range = Field(
        default=(0.0, 1.0), description="slice of all speakers that this split may use"
    )
    procedural_share: float = Field(
        default=0.5,
        ge=0.0,
        le=1.0,
        description="of the clips of espeak and pyttsx3, by speakers made from a number",
    )
    procedural_speakers: int = Field(default=20000, ge=1, description="how many of them there are")
    accent_share: float = Field(
        default=0.0, ge=0.0, le=1.0, description="of the English clips, with another accent"
    )
    accents: tuple[str, ...] = Field(default=(), description="of English; empty: all known")

    rate: Range = Field(default=(0.65, 1.4), description="ratio to the voice's normal speed")
    pitch_semitones: Range = Field(default=(-3.0, 3.0), description="above the voice's own pitch")
    pitch_range: Range = Field(
        default=(0.4, 1.6), description="ratio to the voice's own range; 0 is monotone"
    )
    volume: Range = Field(
        default=(0.5, 0.85), description="of the engine, 1 is its loudest; the level comes after"
    )
    pause_ms: Range = Field(default=(0.0, 80.0), description="added between words")
    emphasis: dict[Emphasis, float] = Field(
        default={"none": 0.85, "moderate": 0.1, "strong": 0.05},
        min_length=1,
        description="on the keyword, else on the whole phrase: how strong, and its weight",
    )
    unsteady_share: float = Field(
        default=0.1, ge=0.0, le=1.0, description="with the engine's own jitter and breath"
    )
    vocal_tract: Range = Field(default=(0.88, 1.14), description="factor on the formants")
    vocal_tract_share: float = Field(
        default=0.5, ge=0.0, le=1.0, description="of the clips, with such a factor"
    )

    tilt_db_per_octave: Range = Field(
        default=(-6.0, 0.5), description="of the spectrum: soft voices are dark, loud ones bright"
    )

    trim: bool = Field(default=True, description="cut the engine's own silence off both ends")
    leading_silence_s: Range = Field(
        default=(0.0, 0.25), description="put before the speech, in seconds"
    )
    trailing_silence_s: Range = Field(
        default=(0.0, 0.25), description="put behind the speech, in seconds"
    )
    level_dbfs: Range = Field(default=(-34.0, -16.0), description="RMS of the speech")
    quiet_seconds: Range = Field(
        default=(0.4, 1.5), description="length of clips of silence and noise, in seconds"
    )

    _ready: _Ready | None = PrivateAttr(default=None)
    _missing: dict[str, str] | None = PrivateAttr(default=None)

    @field_validator("engines", mode="before")
    @classmethod
    def _weights_alone(cls, engines: Any) -> Any:
        if isinstance(engines, str):
            return {engines: {}}
        if isinstance(engines, Sequence):
            return {name: {} for name in engines}
        if not isinstance(engines, Mapping):
            return engines
        return {
            name: {"weight": use} if isinstance(use, int | float) else use
            for name, use in engines.items()
        }

    @model_validator(mode="after")
    def _check(self) -> SpeechClip:
        for name, use in self.engines.items():
            try:
                build_engine(name, use.options)
            except InputError as error:
                raise ValueError(str(error)) from error
        if not any(use.weight > 0.0 for use in self.engines.values()):
            raise ValueError("engines: at least one weight must be above 0")
        strangers = [name for name in self.optional_engines if name not in self.engines]
        if strangers:
            raise ValueError(
                f"optional_engines: {strangers[0]!r} is not among the engines "
                f"({', '.join(self.engines)})"
            )
        for key, (least, most) in RANGE_LIMITS.items():
            low, high = getattr(self, key)
            if not least <= low <= high <= most:
                raise ValueError(
                    f"{key} must be [low, high] within {least} to {most}, got [{low}, {high}]"
                )
        low, high = self.speaker_share
        if not 0.0 <= low < high <= 1.0:
            raise ValueError(f"speaker_share must be a slice of 0 to 1, got [{low}, {high}]")
        known = sorted({*accent_facts()["accents"], *ipa_accents()})
        unknown = sorted(set(self.accents) - set(known))
        if unknown:
            raise ValueError(f"accents: {unknown[0]!r} is not known (known: {', '.join(known)})")
        return self

    # What is looked up before the first clip.

    def casting(self) -> Casting:
        """The recipe's wishes about voices."""
        return Casting(
            voices=self.voices,
            exclude_voices=self.exclude_voices,
            sexes=self.sexes,
            inhuman=self.inhuman,
            dialects=self.dialects,
            speaker_share=self.speaker_share,
            procedural_share=self.procedural_share,
            procedural_speakers=self.procedural_speakers,
        )

    def prepare(self) -> None:
        """Check engines, voices and phrases; a slow and a fast text through a voice an engine.

        Raises `InputError` naming the phrase that cannot be spoken or the engine that speaks
        none of the recipe's languages, and `SeedbedError` naming the engine that is missing or
        does not do as it is told.
        """
        if parent_process() is None:
            # Workers prepare, too: once is enough.
            self._check_globs()
            for sentence in (*self._left_out().values(), *self._language_notes()):
                LOGGER.warning(sentence)
        for name, voices in self._voices_in_use().items():
            self._engine(name).check(voices[:1])

    def _check_globs(self) -> None:
        """Raise `InputError` for one of `voices` that fits none of any engine in use."""
        engines = [name for name in self._used_engines() if not self._engine(name).available()]
        if not engines or len(engines) < len(self._used_engines()):
            # One that is not here may know it.
            return
        known = [voice.id for name in engines for voice in self._engine(name).voices()]
        for glob in self.voices:
            if "#" not in glob and not any(fnmatchcase(voice, glob) for voice in known):
                raise InputError(
                    f"voices: {glob!r} fits no voice of {_listed(engines)}{nearest(glob, known)}; "
                    "`seedbed voices --all` lists them."
                )

    def try_out(self) -> None:
        """A slow and a fast text through every voice that may obey in a way of its own.

        Raises `SeedbedError` naming the voice that is silent or ignores the rate.
        """
        for name, voices in self._voices_in_use().items():
            self._engine(name).check(voices)

    def notes(self) -> tuple[str, ...]:
        """Engines that were left out, that speak only some of the languages, and that cannot
        promise the same samples again. Raises `InputError` for phrases that cannot be read.
        """
        wanted = self._chosen_phrases().languages()
        drawing: list[str] = []
        for name in self._used_engines():
            engine = self._engine(name)
            if engine.available():
                # Nothing is known of its voices.
                drawing.append(engine.unpromised(()))
                continue
            voices = [
                voice for cast in self._cast(name, wanted).values() for voice in cast.everyone()
            ]
            drawing.append(engine.unpromised(voices) if voices else "")
        return (
            *self._left_out().values(), *self._language_notes(), *self._share_notes(),
            *filter(None, drawing),
        )  # fmt: skip

    def _voices_in_use(self) -> dict[str, list[Voice]]:
        """The voices of each engine that speaks one of the recipe's languages."""
        voices: dict[str, list[Voice]] = {}
        ready = self._looked_up()
        for (name, _), cast in ready.casts.items():
            voices.setdefault(name, []).extend(cast.everyone())
        for name, found in voices.items():
            if self._engine(name).procedural and any("accent" in v.controls for v in found):
                found += ready.accent_voices.values()
        return voices

    def _language_notes(self) -> tuple[str, ...]:
        """A sentence for each engine that has no voice for some of the recipe's languages."""
        wanted = self._chosen_phrases().languages()
        notes: list[str] = []
        for name, languages in self._languages_of_engines(anyone=True).items():
            others = [language for language in wanted if language not in languages]
            if not languages:
                notes.append(f"Engine {name} was left out: it has no voice for {_listed(wanted)}.")
            elif others:
                notes.append(
                    f"Engine {name} speaks {', '.join(languages)}; it has no voice for "
                    f"{_listed(others)}."
                )
        return tuple(notes)

    def _share_notes(self) -> tuple[str, ...]:
        """A sentence for each engine whose voices of a language all belong to other splits."""
        low, high = self.speaker_share
        here = self._languages_of_engines()
        notes: list[str] = []
        for name, languages in self._languages_of_engines(anyone=True).items():
            elsewhere = [language for language in languages if language not in here[name]]
            if elsewhere:
                notes.append(
                    f"Engine {name} has no voice for {_listed(elsewhere)} between {low:g} and "
                    f"{high:g} of all speakers (`speaker_share`)."
                )
        return tuple(notes)

    def _languages_of_engines(self, *, anyone: bool = False) -> dict[str, tuple[str, ...]]:
        """Which of the recipe's languages each engine in use has voices for, where it is here.

        With `anyone` voices of other splits count, too.
        """
        wanted = self._chosen_phrases().languages()
        return {
            name: tuple(self._cast(name, wanted, anyone=anyone))
            for name in self._used_engines()
            if not self._engine(name).available()
        }

    def _cast(
        self, name: str, languages: Sequence[str], *, anyone: bool = False
    ) -> dict[str, Cast]:
        """The voices of an engine by language, without the languages it has none for.

        With `anyone` those of other splits count, too.
        """
        engine = self._engine(name)
        voices = engine.voices()
        bases = [voice for voice in voices if "+" not in voice.id] if engine.procedural else []
        casting = self.casting()
        if anyone:
            casting = replace(casting, speaker_share=(0.0, 1.0))
        casts = {tag: cast_voices(voices, bases, tag, casting) for tag in languages}
        return {tag: cast for tag, cast in casts.items() if cast is not None}

    def _chosen_phrases(self) -> PhraseSet:
        """The recipe's phrases in its languages. Raises `InputError`."""
        phrases = load_phrases(self.phrases)
        return phrases.in_languages(self.languages) if self.languages else phrases

    def depends_on(self) -> tuple[str, ...]:
        """The packages that the engines in use speak with, and those that word the phrases."""
        names = {name for engine in self._used_engines() for name in self._engine(engine).packages}
        return tuple(sorted({*names, *self._chosen_phrases().packages}))

    def file_digests(self) -> dict[str, str]:
        """Of the user's phrase file, word lists, voices and programs; and which optional engines
        were there.

        A build that began with an engine is not continued without it. Raises `InputError`.
        """
        left_out = self._left_out()
        digests = {
            f"engine {name}": "left out" if name in left_out else "used"
            for name in self.optional_engines
        }
        for name in self._used_engines():
            digests |= self._engine(name).file_digests()
        return {**digests, **phrases_digests(self.phrases)}

    def _used_engines(self) -> tuple[str, ...]:
        """The engines with a weight, less those that may be missing and are."""
        left_out = self._left_out()
        return tuple(
            name for name, use in self.engines.items() if use.weight > 0.0 and name not in left_out
        )

    def _left_out(self) -> dict[str, str]:
        """A sentence for each optional engine that cannot be used here."""
        if self._missing is None:
            self._missing = {}
            for name in self.optional_engines:
                missing = self._engine(name).available()
                if missing:
                    self._missing[name] = f"Engine {name} was left out: {missing}."
        return self._missing

    def _engine(self, name: str) -> Engine:
        return open_engine(name, self.engines[name].options)

    def _looked_up(self) -> _Ready:
        if self._ready is None:
            self._ready = self._look_up()
        return self._ready

    def _look_up(self) -> _Ready:
        phrases = self._chosen_phrases()
        casting = self.casting()
        casts: dict[tuple[str, str], Cast] = {}
        used_engines = self._used_engines()
        if not used_engines:
            raise InputError(
                f"no engine is left: {' '.join(self._left_out().values())} Install one, or name "
                "another in `engines`."
            )
        for name in used_engines:
            engine = self._engine(name)
            missing = engine.available()
            if missing:
                raise InputError(f"engine {name!r} cannot be used here: {missing}")
            for language, cast in self._cast(name, phrases.languages()).items():
                casts[name, language] = cast

        def judge(language: str) -> Callable[[str], str]:
            speaking = [name for name, tag in casts if tag == language]
            if not speaking:
                raise InputError(no_voice_message(language, list(self.engines), casting))
            return lambda character: self._why_unspeakable(character, language, speaking)

        # Letters first: what cannot be spoken has no pronunciation to compare either.
        phrases.check(judge)
        if phrases.needs_pronunciation:
            phrases = phrases.with_pronunciation(_pronounce)
        self._check_every_engine_speaks(phrases.languages(), {name for name, _ in casts})
        for place, source, language, markup in phrases.markups():
            for name, tag in casts:
                if tag == language and markup not in self._engine(name).markups:
                    raise InputError(
                        f"{place}: {source!r} is {markup}, which engine {name!r} does not "
                        "take: leave the engine out, or write the phrase in words."
                    )
        return _Ready(phrases, casts, self._accent_voices())

    def _why_unspeakable(self, character: str, language: str, engines: Sequence[str]) -> str:
        """Half a sentence on why a character cannot be spoken; "" where every engine says it."""
        reason = why_unspeakable(character, language)
        if reason or is_punctuation(character):
            return reason
        for name in engines:
            if not self._engine(name).reads(character):
                return (
                    f"which engine {name!r} cannot be trusted to say: write it in "
                    "plain letters, or leave the engine out"
                )
        return ""

    def _check_every_engine_speaks(self, languages: Sequence[str], speaking: set[str]) -> None:
        """Refuse an engine whose weight would count for nothing. Raises `InputError`.

        One that `speaker_share` alone leaves without voices stays: an engine of few voices
        cannot have one in every split.
        """
        for name in self._used_engines():
            if name in speaking or name in self.optional_engines:
                continue
            if not self._cast(name, languages, anyone=True):
                raise InputError(
                    f"engine {name!r} has no voice for {_listed(languages)} under this recipe: "
                    "leave it out of `engines`, name it in `optional_engines`, or widen "
                    "`languages`, `voices`, `sexes` or `dialects`."
                )

    def _accent_voices(self) -> dict[str, Voice]:
        if self.accent_share <= 0.0:
            return {}
        known = {
            voice.id: voice
            for name in self._used_engines()
            for voice in self._engine(name).voices()
            if "accent" in voice.controls
        }
        facts = accent_facts()["accents"]
        chosen = self.accents or tuple(facts)
        return {
            accent: known[facts[accent]["voice"]]
            for accent in chosen
            if accent in facts and facts[accent]["voice"] in known
        }

    # Draw.

    def draw(self, rng: np.random.Generator) -> SpeechParams:
        """Decide phrase, voice and manner of one clip."""
        ready = self._looked_up()
        phrase = ready.phrases.draw(rng)
        leading = uniform(rng, self.leading_silence_s)
        trailing = uniform(rng, self.trailing_silence_s)
        level = uniform(rng, self.level_dbfs)
        if phrase.kind in ("silence", "noise"):
            return SpeechParams(
                phrase=phrase,
                talks=(),
                leading_silence_s=0.0,
                trailing_silence_s=0.0,
                level_dbfs=level if phrase.kind == "noise" else level - 45.0,
                quiet_seconds=uniform(rng, self.quiet_seconds),
                noise_exponent=uniform(rng, (0.0, 2.0)),
                noise_seed=fork_seed(rng),
            )
        texts = phrase.babble_texts if phrase.kind == "babble" else (phrase.text,)
        span, markup = phrase.keyword_char_span, phrase.markup
        return SpeechParams(
            phrase=phrase,
            talks=tuple(
                self._draw_talk(text, phrase.language, span, markup, rng) for text in texts
            ),
            leading_silence_s=leading,
            trailing_silence_s=trailing,
            level_dbfs=level,
        )

    def _draw_talk(
        self,
        text: str,
        language: str,
        span: tuple[int, int] | None,
        markup: Markup,
        rng: np.random.Generator,
    ) -> Talk:
        ready = self._looked_up()
        able = {
            name: use.weight
            for name, use in self.engines.items()
            if (name, language) in ready.casts
        }
        name = choose_weighted(rng, able)
        voice = ready.casts[name, language].draw(rng)
        accented = chance(rng, self.accent_share)
        accent = ""
        accented = accented and "accent" in voice.controls and primary_language(language) == "en"
        accented = accented and not markup
        if accented and not self._engine(name).procedural:
            # The voice itself is given other phonemes.
            able_accents = [one for one in ipa_accents() if one in (self.accents or ipa_accents())]
            accent = choose(rng, able_accents) if able_accents else ""
        elif accented and ready.accent_voices:
            accent = choose(rng, list(ready.accent_voices))
            foreign = ready.accent_voices[accent]
            _, plus, variant = voice.id.partition("+")
            voice = Voice(
                id=f"{foreign.id}{plus}{variant}",
                language=foreign.language,
                sex=voice.sex,
                speaker=voice.speaker,
                controls=foreign.controls,
            )
        controls = voice.controls
        rate = log_uniform(rng, self.rate)
        pitch = uniform(rng, self.pitch_semitones)
        pitch_range = uniform(rng, self.pitch_range)
        volume = uniform(rng, self.volume)
        pause_ms = uniform(rng, self.pause_ms)
        emphasis = choose(rng, list(self.emphasis), list(self.emphasis.values()))
        unsteady = chance(rng, self.unsteady_share)
        warped = chance(rng, self.vocal_tract_share)
        factor = log_uniform(rng, self.vocal_tract)
        tilt = uniform(rng, self.tilt_db_per_octave)
        return Talk(
            text=text,
            language=language,
            engine=name,
            voice=voice.id,
            speaker=voice.speaker,
            sex=voice.sex,
            prosody=Prosody(
                rate=rate if "rate" in controls else 1.0,
                pitch_semitones=pitch if "pitch" in controls else 0.0,
                pitch_range=pitch_range if "pitch_range" in controls else 1.0,
                volume=volume if "volume" in controls else 1.0,
                pause_ms=pause_ms if "pauses" in controls else 0.0,
                emphasis=emphasis if "emphasis" in controls and not markup else "none",
                emphasis_span=span,
                accent=accent,
                unsteady=unsteady and "unsteady" in controls,
                seed=fork_seed(rng),
                markup=markup,
            ),
            vocal_tract=factor if warped else 1.0,
            tilt_db_per_octave=tilt,
        )

    # Render.

    def render(self, params: SpeechParams) -> Clip:
        """Speak and finish one clip. Raises `Rejected` for bad output of an engine."""
        phrase = params.phrase
        if not params.talks:
            return self._quiet(params)
        if phrase.kind == "babble":
            return self._babble(params)
        talk = params.talks[0]
        said, sound, moved = self._say(talk)
        lead = round(params.leading_silence_s * self.sample_rate)
        trail = round(params.trailing_silence_s * self.sample_rate)
        speech_s = len(sound) / self.sample_rate
        level, sound = at_level(sound, params.level_dbfs)
        padded = np.zeros(lead + len(sound) + trail, dtype=np.float32)
        padded[lead : lead + len(sound)] = sound
        words = tuple(
            _shifted(word, moved, speech_s, lead / self.sample_rate) for word in said.words
        )
        written = phrase.transcript.split()
        if phrase.markup == "phonemes" and len(written) == len(words):
            words = tuple(
                replace(word, text=text) for word, text in zip(words, written, strict=True)
            )
        phonemes = tuple(
            TimedSpan(text=phoneme.text, start=start, end=end)
            for phoneme in said.phonemes
            for start, end in [
                _moment(phoneme.start, phoneme.end, moved, speech_s, lead / self.sample_rate)
            ]
            if end > start
        )
        return Clip(
            sound=padded,
            sample_rate=self.sample_rate,
            transcript=phrase.transcript,
            transcript_normalised=phrase.transcript_normalised,
            label=phrase.label,
            language=phrase.language,
            engine=talk.engine,
            voice=talk.voice,
            words=tuple(TimedSpan(text=w.text, start=w.start, end=w.end) for w in words),
            phonemes=phonemes,
            keyword_span=_keyword_span(
                phrase, words, (lead / self.sample_rate, lead / self.sample_rate + speech_s)
            ),
            attributes={
                "kind": phrase.kind,
                "speaker": talk.speaker,
                "sex": talk.sex,
                "accent": talk.prosody.accent,
                "emphasis": talk.prosody.emphasis,
                "unsteady": talk.prosody.unsteady,
                "vocal_tract": talk.vocal_tract,
                "tilt_db_per_octave": talk.tilt_db_per_octave,
                "level_dbfs": level,
                "speech_seconds": speech_s,
                "leading_silence_s": lead / self.sample_rate,
                "trailing_silence_s": trail / self.sample_rate,
                **said.realised,
                **{f"requested_{name}": value for name, value in said.requested.items()},
            },
        )

    def _say(self, talk: Talk) -> tuple[Utterance, NDArray[np.float32], float]:
        """The utterance, its finished sound, and the seconds cut off its start."""
        said = self._engine(talk.engine).speak(talk.text, talk.voice, talk.prosody)
        words = TAG.sub("", talk.text) if talk.prosody.markup == "ssml" else talk.text
        first, last = usable_speech(said, words, talk.voice)
        cut = 0.0
        sound = said.sound
        if self.trim:
            edge = round(EDGE_SECONDS * said.sample_rate)
            first, last = max(0, first - edge), min(len(sound), last + edge)
            sound, cut = sound[first:last], first / said.sample_rate
        sound = resample(sound, said.sample_rate, self.sample_rate)
        sound = tilted(sound, self.sample_rate, talk.tilt_db_per_octave)
        return said, warp_vocal_tract(sound, self.sample_rate, talk.vocal_tract), cut

    def _babble(self, params: SpeechParams) -> Clip:
        sounds = [self._say(talk)[1] for talk in params.talks]
        length = max(len(sound) for sound in sounds)
        mixed = np.zeros(length, dtype=np.float32)
        for sound in sounds:
            _, levelled = at_level(sound, -26.0)
            mixed[: len(sound)] += levelled
            # The shorter ones start again, so that nobody is left talking alone.
            rest = length - len(sound)
            again = np.resize(levelled, rest) if rest > 0 else levelled[:0]
            mixed[len(sound) :] += again
        level, mixed = at_level(mixed, params.level_dbfs)
        return self._unsaid(params, mixed, level)

    def _quiet(self, params: SpeechParams) -> Clip:
        count = max(2, round(params.quiet_seconds * self.sample_rate))
        rng = np.random.default_rng(np.random.PCG64(params.noise_seed))
        spectrum = np.fft.rfft(rng.standard_normal(count, dtype=np.float32))
        hertz = np.fft.rfftfreq(count, 1.0 / self.sample_rate)
        # Power falls as 1 / f ** exponent above 50 Hz; below it stays level.
        spectrum *= (np.maximum(hertz, 50.0) / 50.0) ** (-0.5 * params.noise_exponent)
        spectrum[0] = 0.0
        noise = np.fft.irfft(spectrum, n=count).astype(np.float32)
        level, noise = at_level(noise, params.level_dbfs)
        return self._unsaid(params, noise, level)

    def _unsaid(self, params: SpeechParams, sound: NDArray[np.float32], level: float) -> Clip:
        phrase = params.phrase
        return Clip(
            sound=sound,
            sample_rate=self.sample_rate,
            transcript=phrase.transcript,
            transcript_normalised=phrase.transcript_normalised,
            label=phrase.label,
            language=phrase.language,
            engine="+".join(sorted({talk.engine for talk in params.talks})),
            voice="",
            attributes={
                "kind": phrase.kind,
                "level_dbfs": level,
                "talkers": len(params.talks),
                "noise_exponent": params.noise_exponent,
            },
        )


def _listed(names: Sequence[str]) -> str:
    """`en, de or sk`."""
    return " or ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)


@lru_cache(maxsize=65536)
def _pronounce(text: str, language: str) -> str:
    """IPA of `text` by espeak, stress marks included."""
    from seedbed.generators.speech.engines.espeak import pronounce

    return pronounce(text, language)


def usable_speech(said: Utterance, text: str, voice: str) -> tuple[int, int]:
    """The speech's first and one-past-last frame; refuses what no listener could use.

    Raises `Rejected` and logs text and voice where the sound is empty, silent, clipped, not
    finite, or of a length that the text cannot have.
    """
    sound = said.sound
    reason = ""
    bounds: tuple[int, int] | None = None
    # Not a number anywhere makes the peak not a number.
    peak = float(max(sound.max(), -sound.min())) if len(sound) else 0.0
    if len(sound) == 0:
        reason = "empty"
    elif not np.isfinite(peak):
        reason = "not_finite"
    else:
        bounds = speech_bounds(sound, said.sample_rate)
        if bounds is None or peak < SILENT_PEAK:
            reason = "silent"
        elif peak >= FULL_SCALE and float(np.mean(np.abs(sound) >= FULL_SCALE)) > MOST_CLIPPED:
            reason = "clipped"
        else:
            seconds = (bounds[1] - bounds[0]) / said.sample_rate
            least, most = SECONDS_PER_CHARACTER
            if not least * len(text) <= seconds <= most * len(text) + SPARE_SECONDS:
                reason = "impossible_length"
    if reason or bounds is None:
        LOGGER.warning("speech %s: text %r, voice %r; drawn again", reason, text, voice)
        raise Rejected(f"speech_{reason}")
    return bounds


def at_level(sound: NDArray[np.float32], level_dbfs: float) -> tuple[float, NDArray[np.float32]]:
    """`sound` at an RMS of `level_dbfs`, or lower where its peak would pass `PEAK_LIMIT`.

    Returns the level reached with the sound.
    """
    power = float(np.dot(sound, sound)) / max(1, len(sound))
    peak = float(np.abs(sound).max(initial=0.0))
    if power <= 0.0:
        return -np.inf, sound
    gain = min(10.0 ** (level_dbfs / 20.0) / power**0.5, PEAK_LIMIT / peak)
    return float(20.0 * np.log10(gain * power**0.5)), sound * np.float32(gain)


def tilted(
    sound: NDArray[np.float32], sample_rate: int, db_per_octave: float
) -> NDArray[np.float32]:
    """`sound` with its spectrum tilted about `TILT_PIVOT_HZ`, level below `TILT_FLOOR_HZ`.

    The slope of the voice source is what vocal effort changes most (Traunmueller and
    Eriksson 2000, "Acoustic effects of variation in vocal effort"). Zero phase: times stay.
    """
    if db_per_octave == 0.0 or len(sound) == 0:
        return sound
    size = fast_length(len(sound) + TILT_PADDING)
    gain = _tilt_gain(size, sample_rate) ** np.float32(db_per_octave)
    changed = np.fft.irfft(np.fft.rfft(sound, n=size) * gain, n=size)[: len(sound)]
    return changed.astype(np.float32)


@lru_cache(maxsize=32)
def _tilt_gain(size: int, sample_rate: int) -> NDArray[np.float32]:
    """The gain of each bin at one decibel an octave."""
    hertz = np.maximum(np.fft.rfftfreq(size, 1.0 / sample_rate), TILT_FLOOR_HZ)
    decibels = np.log2(hertz / TILT_PIVOT_HZ)
    return np.asarray(10.0 ** (decibels / 20.0), dtype=np.float32)


def fast_length(count: int) -> int:
    """The next multiple of a quarter of a power of two: few sizes, quick transforms."""
    step = max(256, 1 << max(0, count.bit_length() - 3))
    return -(-count // step) * step


def resample(sound: NDArray[np.float32], sample_rate: int, wanted: int) -> NDArray[np.float32]:
    """`sound` at another rate, by soxr's high quality setting."""
    if sample_rate == wanted:
        return sound
    import soxr

    changed: NDArray[np.float32] = soxr.resample(sound, sample_rate, wanted, quality="HQ")
    return np.asarray(changed, dtype=np.float32)


def _moment(
    start: float, end: float, cut: float, speech_s: float, lead_s: float
) -> tuple[float, float]:
    first = min(max(start - cut, 0.0), speech_s)
    last = min(max(end - cut, 0.0), speech_s)
    return first + lead_s, last + lead_s


def _shifted(word: SpokenWord, cut: float, speech_s: float, lead_s: float) -> SpokenWord:
    start, end = _moment(word.start, word.end, cut, speech_s, lead_s)
    return SpokenWord(
        text=word.text,
        char_start=word.char_start,
        char_end=word.char_end,
        start=start,
        end=end,
    )


def _keyword_span(
    phrase: Phrase, words: Sequence[SpokenWord], speech: tuple[float, float]
) -> tuple[float, float] | None:
    """When the keyword sounds: its words' times, or the whole speech where it is all of it."""
    span = phrase.keyword_char_span
    if span is None:
        return None
    inside = [w for w in words if w.char_start < span[1] and w.char_end > span[0]]
    if inside:
        return min(w.start for w in inside), max(w.end for w in inside)
    outside = phrase.text[: span[0]] + phrase.text[span[1] :]
    return None if any(c.isalnum() for c in outside) else speech
