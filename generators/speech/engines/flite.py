"""CMU Flite: four English voices very unlike espeak's, through its program.

Used where `flite` is installed (`apt-get install flite`). Its program takes the text after
`-t` whatever it starts with, stretches durations, moves the pitch of the voices that let it,
and prints its phones with their end times.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from seedbed.errors import InputError
from seedbed.generators.speech.engines.base import (
    Control,
    Engine,
    Prosody,
    Sex,
    SpokenWord,
    Utterance,
    Voice,
)
from seedbed.generators.speech.engines.programs import program_digests, run_program, speak_to_file
from seedbed.registry import nearest
from seedbed.sample import TimedSpan

INSTALL_LINE = "apt-get install flite"

KNOWN_VOICES: dict[str, tuple[str, Sex, float]] = {
    "awb": ("en-gb-scotland", "male", 131.0),
    "kal16": ("en-us", "male", 100.0),
    "rms": ("en-us", "male", 0.0),
    "slt": ("en-us", "female", 170.0),
}
"""Language, sex and normal pitch in Hz, 0 where the voice ignores the pitch setting.

Measured with flite 2.2: the median pitch of a sentence with and without
`int_f0_target_mean`. `kal` is `kal16` at 8 kHz and `awb_time` only tells the time: both are
left out.
"""

PAUSE = "pau"


class FliteEngine(Engine):
    """CMU Flite's program, where it is installed."""

    name: ClassVar[str] = "flite"

    program: str = Field(default="flite", description="its name on the path, or where it is")
    timeout_s: float = Field(default=60.0, gt=0.0, description="for one utterance, in seconds")

    def available(self) -> str:
        """What is missing, or an empty string."""
        found = shutil.which(self.program)
        return "" if found else f"the program {self.program!r} is missing: {INSTALL_LINE}"

    def reads(self, character: str) -> bool:
        """ASCII alone: of "café" it says "caf"."""
        return character.isascii() and super().reads(character)

    def file_digests(self) -> dict[str, str]:
        """Of the program: its voices are inside it or come with it."""
        return program_digests(self.name, [self.program])

    def voices(self) -> Sequence[Voice]:
        """Those of `KNOWN_VOICES` that this build of flite lists."""
        listed = run_program([self.program, "-lv"], "", self.timeout_s, self.name).decode()
        names = set(listed.partition(":")[2].split())
        return [
            Voice(
                id=name,
                language=language,
                sex=sex,
                speaker=f"flite:{name}",
                controls=_controls(hertz),
            )
            for name, (language, sex, hertz) in sorted(KNOWN_VOICES.items())
            if name in names
        ]

    def arguments(self, text: str, voice: str, prosody: Prosody, out: str) -> list[str]:
        """The argument list that writes the sound to the path `out`."""
        hertz = KNOWN_VOICES[voice][2]
        arguments = [
            self.program, "-voice", voice, "--setf", f"duration_stretch={1 / prosody.rate:.4f}",
        ]  # fmt: skip
        if hertz and prosody.pitch_semitones:
            wanted = round(hertz * 2 ** (prosody.pitch_semitones / 12))
            arguments += ["--seti", f"int_f0_target_mean={wanted}"]
        return [*arguments, "-psdur", "-t", text, "-o", out]

    def speak(self, text: str, voice: str, prosody: Prosody) -> Utterance:
        """Say `text`. Raises `InputError` for an unknown voice, else `EngineFailure`."""
        if voice not in KNOWN_VOICES:
            raise InputError(
                f"flite has no voice {voice!r}{nearest(voice, list(KNOWN_VOICES))} "
                f"(known: {', '.join(KNOWN_VOICES)})"
            )
        sound, sample_rate, printed = speak_to_file(
            lambda out: self.arguments(text, voice, prosody, out), "", self.timeout_s, self.name
        )
        phonemes = parse_phones(printed.decode("utf-8", "replace"))
        words: tuple[SpokenWord, ...] = ()
        if phonemes and len(text.split()) == 1:
            words = (
                SpokenWord(
                    text=text.strip(),
                    char_start=text.index(text.strip()),
                    char_end=text.index(text.strip()) + len(text.strip()),
                    start=phonemes[0].start,
                    end=phonemes[-1].end,
                ),
            )
        requested = {"rate": 1 / float(f"{1 / prosody.rate:.4f}")}
        if KNOWN_VOICES[voice][2]:
            requested["pitch_semitones"] = prosody.pitch_semitones
        return Utterance(
            sound=sound,
            sample_rate=sample_rate,
            words=words,
            phonemes=phonemes,
            requested=requested,
        )


def _controls(normal_hz: float) -> frozenset[Control]:
    found: set[Control] = {"rate", "phoneme_times"}
    if normal_hz:
        found.add("pitch")
    return frozenset(found)


def parse_phones(printed: str) -> tuple[TimedSpan, ...]:
    """The phones of `flite -psdur` (`pau:0.204 s:0.449 …`: name and end), pauses left out."""
    found: list[TimedSpan] = []
    start = 0.0
    for item in printed.split():
        name, colon, end_text = item.rpartition(":")
        if not colon or not end_text.replace(".", "", 1).isdecimal():
            continue
        end = float(end_text)
        if name != PAUSE and end > start:
            found.append(TimedSpan(text=name, start=start, end=end))
        start = end
    return tuple(found)
