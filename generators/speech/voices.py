"""What can speak on this machine: engines, their voices, and a sample of each.

`seedbed voices` prints it. Engines that share espeak's variants have thousands of
combinations, so a language voice is listed once with the number of variants it takes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from seedbed.errors import InputError, SeedbedError
from seedbed.generators.speech.casting import is_dialect, primary_language
from seedbed.generators.speech.engines import ENGINES, build_engine, engine_class, open_engine
from seedbed.generators.speech.engines.base import Prosody, Voice
from seedbed.resources import data_path

NEEDS_OPTIONS = {"command": "give it `arguments` in a recipe"}
"""Engines that cannot be listed without options, and what to do."""

LANGUAGES_TOLD = 12
"""Languages that a message lists."""


@dataclass(frozen=True, kw_only=True)
class EngineReport:
    """One engine: what is missing ("" where nothing is), and what it offers.

    `variants` is how many stock variants each voice takes; `procedural` whether it takes
    made-up speakers as well.
    """

    engine: str
    missing: str
    deterministic: bool
    procedural: bool
    voices: tuple[Voice, ...] = ()
    variants: int = 0

    def as_json(self) -> dict[str, Any]:
        """The report as JSON-ready values."""
        return {
            "engine": self.engine,
            "missing": self.missing,
            "deterministic": self.deterministic,
            "procedural": self.procedural,
            "variants": self.variants,
            "voices": [
                {
                    "id": voice.id,
                    "language": voice.language,
                    "sex": voice.sex,
                    "speaker": voice.speaker,
                    "controls": sorted(voice.controls),
                }
                for voice in self.voices
            ],
        }


def list_voices(
    engines: Sequence[str] = (), language: str = "", pattern: str = "*"
) -> list[EngineReport]:
    """A report on each engine, or on those named, with the voices of one language only.

    Raises `InputError` for an engine that does not exist.
    """
    return [_report(name, language, pattern) for name in engines or ENGINES]


def _report(name: str, language: str, pattern: str) -> EngineReport:
    kind = engine_class(name)
    if name in NEEDS_OPTIONS:
        return EngineReport(
            engine=name,
            missing=NEEDS_OPTIONS[name],
            deterministic=kind.deterministic,
            procedural=kind.procedural,
        )
    engine = build_engine(name)
    missing = engine.available()
    voices: Sequence[Voice] = ()
    if not missing:
        try:
            voices = engine.voices()
        except SeedbedError as error:
            missing = str(error)
    bases = [voice for voice in voices if "+" not in voice.id]
    return EngineReport(
        engine=name,
        missing=missing,
        deterministic=not engine.unpromised(voices),
        procedural=kind.procedural,
        voices=tuple(
            voice
            for voice in bases
            if (not language or is_dialect(voice.language, language.lower()))
            and fnmatchcase(voice.id, pattern)
        ),
        variants=(len(voices) - len(bases)) // len(bases) if bases else 0,
    )


def check_language(language: str, engines: Sequence[str] = ()) -> None:
    """Raise `InputError` where no voice here, or of the engines named, speaks a language.

    The sentence names its dialects that are spoken, or else some languages that are, those first
    whose numbers and dates seedbed can read out; and the cure. Returns where no engine speaks at
    all, too: what each of them lacks says more (`EngineReport.missing`).
    """
    speaking = [report for report in list_voices(engines) if report.voices]
    spoken = {voice.language.lower() for report in speaking for voice in report.voices}
    if not spoken or any(is_dialect(tag, language.lower()) for tag in spoken):
        return
    wrong = f"no voice of {', '.join(report.engine for report in speaking)} speaks {language!r}"
    main = primary_language(language.lower())
    dialects = sorted(tag for tag in spoken if primary_language(tag) == main)
    if dialects:
        raise InputError(
            f"{wrong}; of {main!r} there is {', '.join(dialects)}: give --language one of these."
        )
    read_out = {path.stem for path in data_path("phrases", "spoken").glob("*.yaml")}
    mains = sorted(
        {primary_language(tag) for tag in spoken}, key=lambda tag: (tag not in read_out, tag)
    )
    more = len(mains) - LANGUAGES_TOLD
    raise InputError(
        f"{wrong}: they speak {', '.join(mains[:LANGUAGES_TOLD])}"
        f"{f' and {more} more' if more > 0 else ''} (`seedbed voices --all` lists all); give "
        "--language such a tag, or install an engine or a voice that speaks it (docs/speech.md, "
        "Engines)."
    )


def say(
    text: str,
    folder: Path,
    engines: Sequence[str] = (),
    language: str = "en",
    pattern: str = "*",
) -> Iterator[Path]:
    """Say `text` through every usable voice of a language and write WAVs into `folder`.

    Mixtures of other voices, of which there may be hundreds, speak where `pattern` asks for them.
    Yields each path, `ENGINE-VOICE.wav`, when it is written. Raises `InputError` where no
    voice is found or the folder cannot be written, `EngineFailure` where an engine fails.
    """
    import soundfile

    if not text.strip():
        raise InputError("there is nothing to say: the text is empty.")
    reports = [report for report in list_voices(engines, language, pattern) if report.voices]
    if not reports:
        check_language(language, engines)
        raise InputError(
            f"no voice matching {pattern!r} speaks {language!r} here: `seedbed voices` lists "
            "what there is."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot write to {folder}: {error.strerror or error}.") from error
    for report in reports:
        engine = open_engine(report.engine)
        for voice in report.voices:
            if pattern == "*" and engine.is_mixture(voice.id):
                continue
            said = engine.speak(text, voice.id, Prosody())
            name = "".join(c if c.isalnum() or c in "-_" else "-" for c in voice.id)
            path = folder / f"{report.engine}-{name}.wav"
            soundfile.write(path, said.sound, said.sample_rate, subtype="PCM_16")
            yield path
