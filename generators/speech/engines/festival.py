"""Festival, through its program `text2wave`, where it is installed.

`apt-get install festival` brings one American diphone voice; any other installed voice is
found too. The text goes in on stdin. Rate is festival's `Duration_Stretch`; pitch differs
from voice to voice and is left alone.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from seedbed.errors import InputError
from seedbed.generators.speech.engines.base import Engine, Prosody, Sex, Utterance, Voice
from seedbed.generators.speech.engines.programs import program_digests, run_program, speak_to_file
from seedbed.registry import nearest

INSTALL_LINE = "apt-get install festival"

KNOWN_VOICES: dict[str, tuple[str, Sex]] = {
    "kal_diphone": ("en-us", "male"),
    "ked_diphone": ("en-us", "male"),
    "rab_diphone": ("en-gb", "male"),
    "don_diphone": ("en-gb", "male"),
    "el_diphone": ("es", "male"),
    "cmu_us_awb_arctic_clunits": ("en-gb-scotland", "male"),
    "cmu_us_awb_cg": ("en-gb-scotland", "male"),
    "cmu_us_bdl_arctic_clunits": ("en-us", "male"),
    "cmu_us_clb_arctic_clunits": ("en-us", "female"),
    "cmu_us_jmk_arctic_clunits": ("en-us", "male"),
    "cmu_us_rms_arctic_clunits": ("en-us", "male"),
    "cmu_us_rms_cg": ("en-us", "male"),
    "cmu_us_slt_arctic_clunits": ("en-us", "female"),
    "cmu_us_slt_arctic_hts": ("en-us", "female"),
    "cmu_us_slt_cg": ("en-us", "female"),
}
"""Language and sex of the voices that festival's packages name; others count as English."""

VOICE_NAME = re.compile(r"[A-Za-z0-9_]+")
"""A voice's name becomes part of a Scheme expression, so nothing else may stand in it."""


class FestivalEngine(Engine):
    """Festival's `text2wave`, where it is installed."""

    name: ClassVar[str] = "festival"

    program: str = Field(default="text2wave", description="what speaks: a name, or where it is")
    lister: str = Field(default="festival", description="what lists the voices, likewise")
    timeout_s: float = Field(default=60.0, gt=0.0, description="for one utterance, in seconds")

    def available(self) -> str:
        """What is missing, or an empty string."""
        for program in (self.program, self.lister):
            if shutil.which(program) is None:
                return f"the program {program!r} is missing: {INSTALL_LINE}"
        return ""

    def reads(self, character: str) -> bool:
        """ASCII alone: its voices read single bytes."""
        return character.isascii() and super().reads(character)

    def file_digests(self) -> dict[str, str]:
        """Of its two programs; voices are packages of the system's own."""
        return program_digests(self.name, [self.program, self.lister])

    def voices(self) -> Sequence[Voice]:
        """The installed voices, as festival's `voice.list` names them."""
        listed = run_program(
            [self.lister, "--batch", "(print (voice.list))"], "", self.timeout_s, self.name
        )
        found = []
        for name in sorted(VOICE_NAME.findall(listed.decode("utf-8", "replace"))):
            language, sex = KNOWN_VOICES.get(name, ("en", ""))
            found.append(
                Voice(
                    id=name,
                    language=language,
                    sex=sex,
                    speaker=f"festival:{name}",
                    controls=frozenset(("rate",)),
                )
            )
        return found

    def arguments(self, voice: str, prosody: Prosody, out: str) -> list[str]:
        """The argument list that writes the sound to the path `out`."""
        stretch = f"(Parameter.set 'Duration_Stretch {1 / prosody.rate:.4f})"
        return [self.program, "-o", out, "-eval", f"(voice_{voice})", "-eval", stretch]

    def speak(self, text: str, voice: str, prosody: Prosody) -> Utterance:
        """Say `text`. Raises `InputError` for an unknown voice, else `EngineFailure`."""
        if not VOICE_NAME.fullmatch(voice):
            raise InputError(f"festival has no voice {voice!r}{nearest(voice, list(KNOWN_VOICES))}")
        sound, sample_rate, _ = speak_to_file(
            lambda out: self.arguments(voice, prosody, out), text, self.timeout_s, self.name
        )
        return Utterance(
            sound=sound,
            sample_rate=sample_rate,
            requested={"rate": 1 / float(f"{1 / prosody.rate:.4f}")},
        )
