"""pyttsx3, the usual way to speak from Python: espeak-ng on Linux, native voices elsewhere.

It runs in a child process (see `pyttsx3_child` for its traps and what is done about each).
On Linux it takes the same voices and procedural speakers as the engine `espeak`, through
the library that the package espeakng-loader ships, and gives word times; pitch range,
pauses, emphasis and phonemes are beyond pyttsx3's interface. Voices that espeak keeps a state
with (see `espeak_library`) get a fresh process an utterance, a third of a second each: the
engine `espeak` says the same far faster. Where a language has voices that do not need one,
only those are offered, unless `all_voices` is set.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from multiprocessing.util import Finalize
from typing import Any, ClassVar, Literal

from pydantic import Field, PrivateAttr

from seedbed.generators.speech.casting import primary_language
from seedbed.generators.speech.engines.base import (
    Control,
    Engine,
    EngineFailure,
    Prosody,
    Sex,
    Utterance,
    Voice,
)
from seedbed.generators.speech.engines.espeak import (
    NORMAL_RATE_WPM,
    PITCH_STEPS_PER_OCTAVE,
    as_float,
    check_voice,
    checked_text_of,
    espeak_voices,
    pitch_step,
    rate_wpm,
    timed_events,
    variant_text,
    words_of_text,
)
from seedbed.generators.speech.engines.espeak_library import (
    EVENT_END,
    EVENT_WORD,
    RawEvent,
    find_espeak,
)
from seedbed.generators.speech.engines.private_folder import PrivateFolder
from seedbed.generators.speech.engines.pyttsx3_child import read_frame, write_frame
from seedbed.generators.speech.speaker import stateless_voices

ESPEAK_CONTROLS: frozenset[Control] = frozenset(("rate", "pitch", "volume", "word_times"))
NATIVE_CONTROLS: frozenset[Control] = frozenset(("rate", "volume"))

NATIVE_NORMAL_RATE_WPM = 200
"""pyttsx3's documented default."""


class Pyttsx3Engine(Engine):
    """pyttsx3 in a process of its own, one utterance at a time."""

    name: ClassVar[str] = "pyttsx3"
    packages: ClassVar[tuple[str, ...]] = ("pyttsx3", "espeakng-loader")
    procedural: ClassVar[bool] = sys.platform.startswith("linux")

    driver: Literal["auto", "espeak", "native"] = Field(
        default="auto", description="auto: espeak on Linux, the system's own elsewhere"
    )
    all_voices: bool = Field(
        default=False,
        description="also those that need a process an utterance, where others speak the language",
    )
    timeout_s: float = Field(default=30.0, gt=0.0, description="for one utterance")

    _child: _Child | None = PrivateAttr(default=None)

    @property
    def uses_espeak(self) -> bool:
        """Whether the driver is espeak-ng."""
        return self.driver == "espeak" or (
            self.driver == "auto" and sys.platform.startswith("linux")
        )

    def available(self) -> str:
        """What is missing, or an empty string."""
        if find_spec("pyttsx3") is None:
            return "pyttsx3 is missing: pip install pyttsx3"
        if self.uses_espeak and find_espeak() is None:
            return "espeak-ng is missing: pip install espeakng-loader"
        return ""

    def reads(self, character: str) -> bool:
        """Through espeak all of them; a system's own driver promises no signs."""
        return self.uses_espeak or super().reads(character)

    def voices(self) -> Sequence[Voice]:
        """espeak's voices with what pyttsx3 can set, or the system's own."""
        if self.uses_espeak:
            return _voices_of_espeak(self.all_voices)
        return [
            Voice(
                id=found["id"],
                language=found["language"].lower().replace("_", "-"),
                sex=_sex(found["gender"]),
                speaker=f"pyttsx3:{found['id']}",
                controls=NATIVE_CONTROLS,
            )
            for found in self._running().voices
        ]

    def unlike(self, voices: Sequence[Voice]) -> Sequence[Voice]:
        """Through espeak one voice of each base: variants are its own, and are heard there.

        Of the bases that need a process an utterance, all with one driver, only the first.
        """
        if not self.uses_espeak:
            return voices
        lasting = stateless_voices()
        found: dict[str, Voice] = {}
        for voice in voices:
            base = voice.id.partition("+")[0]
            found.setdefault(base if base in lasting else "", voice)
        return list(found.values())

    def checked_text(self, voice: Voice) -> str:
        """As espeak, whose voices these mostly are."""
        return checked_text_of(voice)

    def unpromised(self, voices: Sequence[Voice]) -> str:
        """A sentence where the system's own driver speaks, of which nothing is known."""
        if self.uses_espeak:
            return ""
        return (
            "Engine pyttsx3 speaks through the system's own voices: its clips are not promised to "
            "be the same every time."
        )

    def _running(self) -> _Child:
        if self._child is not None and not self._child.alive():
            self.stop()
        if self._child is None:
            self._child = _Child("espeak" if self.uses_espeak else "native", self.timeout_s)
        return self._child

    def stop(self) -> None:
        """End the process; the next utterance starts a fresh one."""
        if self._child is not None:
            self._child.end()
            self._child = None

    def speak(self, text: str, voice: str, prosody: Prosody) -> Utterance:
        """Say `text` through pyttsx3.

        Raises `InputError` for an unknown voice (pyttsx3 would keep the last one in
        silence) and `EngineFailure` where it fails or takes longer than `timeout_s`; the
        process is then ended, and the next utterance starts a fresh one.
        """
        if not text.strip():
            raise EngineFailure("pyttsx3 was given an empty text.")
        wpm = rate_wpm(prosody.rate)
        request: dict[str, Any] = {
            "text": text,
            "voice": voice,
            "rate_wpm": wpm,
            "volume": min(1.0, max(0.0, prosody.volume)),
        }
        realised = {"rate": wpm / NORMAL_RATE_WPM, "volume": request["volume"]}
        if self.uses_espeak:
            base, variant = check_voice(voice)
            step = pitch_step(prosody.pitch_semitones)
            request |= {
                "voice": base,
                "variant": variant_text(variant, False),
                "pitch_step": step,
            }
            realised["pitch_semitones"] = (step - 50) * 12 / PITCH_STEPS_PER_OCTAVE
        else:
            request["rate_wpm"] = round(NATIVE_NORMAL_RATE_WPM * prosody.rate)
        lasting = not self.uses_espeak or request["voice"] in stateless_voices()
        if not lasting:
            self.stop()
        header, samples = self._running().ask(request)
        if not lasting:
            self.stop()
        sample_rate = int(header["sample_rate"])
        events = [
            RawEvent(EVENT_WORD if place >= 0 else EVENT_END, place, 0, sample, "")
            for place, sample in header["events"]
        ]
        timed, _ = timed_events(events, sample_rate)
        return Utterance(
            sound=as_float(samples),
            sample_rate=sample_rate,
            words=words_of_text(text, timed),
            realised=realised if self.uses_espeak else {},
            # The system's own drivers do not say what they made of it.
            requested={} if self.uses_espeak else realised,
        )

    def process_id(self) -> int:
        """The child's process id, for tests and for people who look for it."""
        return self._running().process.pid


def _sex(gender: str) -> Sex:
    lowered = gender.lower()
    if "female" in lowered:
        return "female"
    return "male" if "male" in lowered else ""


@lru_cache(maxsize=2)
def _voices_of_espeak(include_all: bool) -> tuple[Voice, ...]:
    lasting = set(stateless_voices())
    quick = {primary_language(v.language) for v in espeak_voices() if v.id in lasting}
    return tuple(
        Voice(
            id=voice.id,
            language=voice.language,
            sex=voice.sex,
            speaker=voice.speaker,
            controls=ESPEAK_CONTROLS,
        )
        for voice in espeak_voices()
        if include_all
        or voice.id.partition("+")[0] in lasting
        or primary_language(voice.language) not in quick
    )


class _Child:
    """The process and the thread that reads its answers, so that waiting can time out."""

    def __init__(self, driver: str, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        # Its temporary files lie in here, so that a killed process leaves none behind.
        self.folder = PrivateFolder()
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "seedbed.generators.speech.engines.pyttsx3_child", driver],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "TMPDIR": str(self.folder.path)},
        )
        self._answers: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        threading.Thread(target=self._listen, daemon=True).start()
        # Before the folder goes.
        Finalize(self, _end, (self.process,), exitpriority=20)
        started = self._next("starting")
        self.voices: list[dict[str, str]] = started.get("voices", [])

    def _listen(self) -> None:
        stream = self.process.stdout
        if stream is None:
            return
        with stream:
            while (frame := read_frame(stream)) is not None:
                self._answers.put(frame)
        self._answers.put(None)

    def end(self) -> None:
        """End the process and remove its files."""
        _end(self.process)
        self.folder.remove()

    def alive(self) -> bool:
        """Whether the process still runs."""
        return self.process.poll() is None

    def _frame(self, doing: str) -> bytes:
        try:
            frame = self._answers.get(timeout=self.timeout_s)
        except queue.Empty:
            self.process.kill()
            self.end()
            raise EngineFailure(
                f"pyttsx3 gave no answer for {self.timeout_s:g} s while {doing}; it was ended."
            ) from None
        if frame is None:
            self.end()
            raise EngineFailure(f"pyttsx3's process ended while {doing}.")
        return frame

    def _next(self, doing: str) -> dict[str, Any]:
        header: dict[str, Any] = json.loads(self._frame(doing))
        if "error" in header:
            raise EngineFailure(f"pyttsx3 failed while {doing}: {header['error']}")
        return header

    def ask(self, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """One utterance: the answer's header and its samples."""
        doing = f"saying {request['text']!r} with voice {request['voice']!r}"
        with self._lock:
            stream = self.process.stdin
            if stream is None:
                raise EngineFailure("pyttsx3's process has no input.")
            try:
                write_frame(stream, json.dumps(request).encode())
            except OSError as error:
                raise EngineFailure(f"pyttsx3's process ended while {doing}.") from error
            header = self._next(doing)
            return header, self._frame(doing)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Close the pipe, which ends the process, and make sure of it."""
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()
    try:
        process.wait(timeout=2.0)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
