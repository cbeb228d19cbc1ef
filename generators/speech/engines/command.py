"""Any program that writes a sound file, given as an argument list.

Recipe keys: `arguments`, with placeholders `{out}` (where the sound must go; without it the
program's stdout is read), `{text}`, `{voice}`, `{rate}` (1 is normal) and `{pitch_semitones}`.
Without `{text}` the text goes to stdin. There is no shell: a placeholder fills one whole
argument or a part of one, so nothing in a text can become another argument. A text that
starts with `-` stays text on stdin, in an argument such as `--text={text}`, or after `--`;
at the start of an argument (`{text}`, `{text}.`) it would be taken for an option, so a recipe
that allows this is refused.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from seedbed.errors import InputError
from seedbed.generators.speech.engines.base import (
    Control,
    Engine,
    Prosody,
    Sex,
    Utterance,
    Voice,
)
from seedbed.generators.speech.engines.programs import (
    program_digests,
    read_sound,
    run_program,
    speak_to_file,
)
from seedbed.registry import nearest

PLACEHOLDERS = ("{out}", "{text}", "{voice}", "{rate}", "{pitch_semitones}")
END_OF_OPTIONS = "--"


class CommandEngine(Engine):
    """A program of the user's own."""

    name: ClassVar[str] = "command"
    deterministic: ClassVar[bool] = False
    """Nothing is known about the program, so nothing is promised."""

    arguments: tuple[str, ...] = Field(min_length=1, description="the program and its arguments")
    language: str = Field(default="en-us", description="of all its voices")
    voice_names: tuple[str, ...] = Field(
        default=("default",), min_length=1, description="what {voice} is filled with"
    )
    sexes: tuple[Sex, ...] = Field(default=(), description="of the voices, in their order")
    text_option: Literal["checked", "takes next argument"] = Field(
        default="checked",
        description="the second says that the argument before {text} is an option which takes it",
    )
    timeout_s: float = Field(default=60.0, gt=0.0, description="for one utterance, in seconds")

    @model_validator(mode="after")
    def _check_text_argument(self) -> CommandEngine:
        for place, argument in enumerate(self.arguments[1:], start=1):
            bare = argument.startswith("{text}")
            guarded = END_OF_OPTIONS in self.arguments[:place]
            if bare and not guarded and self.text_option == "checked":
                raise ValueError(
                    "a text that starts with '-' would be taken for an option: put '--' before "
                    "{text}, write it as '--option={text}', leave it out to use stdin, or, where "
                    "the argument before it is an option that takes the next one, set "
                    "text_option: takes next argument"
                )
        if "{" in self.arguments[0]:
            raise ValueError("the program itself may not be a placeholder")
        return self

    def available(self) -> str:
        """What is missing, or an empty string."""
        program = self.arguments[0]
        return "" if shutil.which(program) else f"the program {program!r} was not found"

    def file_digests(self) -> dict[str, str]:
        """Of the program as `PATH` leads to it."""
        return program_digests(self.name, self.arguments[:1])

    def voices(self) -> Sequence[Voice]:
        """The voices the recipe names; rate and pitch count where there are placeholders."""
        line = "\n".join(self.arguments)
        controls: set[Control] = set()
        if "{rate}" in line:
            controls.add("rate")
        if "{pitch_semitones}" in line:
            controls.add("pitch")
        sexes = [*self.sexes, *[""] * len(self.voice_names)]
        return [
            Voice(
                id=name,
                language=self.language.lower(),
                sex=sex,  # type: ignore[arg-type]
                speaker=f"command:{self.arguments[0]}:{name}",
                controls=frozenset(controls),
            )
            for name, sex in zip(self.voice_names, sexes, strict=False)
        ]

    def filled(self, text: str, voice: str, prosody: Prosody, out: str = "") -> list[str]:
        """The argument list for one utterance, its sound to be written to the path `out`.

        Each placeholder is replaced once, in one pass: braces inside a text stay braces.
        """
        values = {
            "{out}": out,
            "{text}": text,
            "{voice}": voice,
            "{rate}": f"{prosody.rate:.4g}",
            "{pitch_semitones}": f"{prosody.pitch_semitones:.4g}",
        }
        return [_replaced_once(argument, values) for argument in self.arguments]

    def speak(self, text: str, voice: str, prosody: Prosody) -> Utterance:
        """Run the program. Raises `InputError` for an unknown voice, else `EngineFailure`."""
        if voice not in self.voice_names:
            raise InputError(
                f"engine command has no voice {voice!r}{nearest(voice, list(self.voice_names))}"
            )
        stdin = "" if any("{text}" in argument for argument in self.arguments) else text
        if any("{out}" in argument for argument in self.arguments):
            sound, sample_rate, _ = speak_to_file(
                lambda out: self.filled(text, voice, prosody, out), stdin, self.timeout_s, self.name
            )
        else:
            content = run_program(
                self.filled(text, voice, prosody), stdin, self.timeout_s, self.name
            )
            sound, sample_rate = read_sound(content, self.name)
        controls = self.voices()[0].controls
        requested = {}
        if "rate" in controls:
            requested["rate"] = float(f"{prosody.rate:.4g}")
        if "pitch" in controls:
            requested["pitch_semitones"] = float(f"{prosody.pitch_semitones:.4g}")
        return Utterance(sound=sound, sample_rate=sample_rate, requested=requested)


def _replaced_once(argument: str, values: dict[str, str]) -> str:
    """`argument` with every placeholder filled, none of them looked for in what was filled in."""
    found: list[str] = []
    rest = argument
    while rest:
        places = [(rest.find(name), name) for name in values if name in rest]
        if not places:
            break
        place, name = min(places)
        found += [rest[:place], values[name]]
        rest = rest[place + len(name) :]
    return "".join([*found, rest])
