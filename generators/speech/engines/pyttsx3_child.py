"""The process that holds pyttsx3, spoken to through pipes by `Pyttsx3Engine`.

pyttsx3 crashes when it is used from threads, hangs when its process forks after `init`,
prints to stdout and keeps one library a process. Here it has a process of its own, started
fresh, with one request at a time. Frames go both ways: four bytes of length (big-endian),
JSON, and after an answer's JSON its 16-bit mono samples.

Run as `python -m seedbed.generators.speech.engines.pyttsx3_child espeak`; any other driver
name is handed to pyttsx3, and `native` stands for the system's own.
"""

from __future__ import annotations

import ctypes
import io
import json
import os
import struct
import sys
import wave
from pathlib import Path
from tempfile import mkdtemp
from types import SimpleNamespace
from typing import IO, Any

from seedbed.errors import SeedbedError


def read_frame(stream: IO[bytes]) -> bytes | None:
    """One length-prefixed frame, None at the end of the stream."""
    head = stream.read(4)
    if len(head) < 4:
        return None
    (length,) = struct.unpack(">I", head)
    body = stream.read(length)
    return body if len(body) == length else None


def write_frame(stream: IO[bytes], *bodies: bytes) -> None:
    """Length-prefixed frames in one piece, flushed: each write may wake the other side."""
    stream.write(b"".join(struct.pack(">I", len(body)) + body for body in bodies))
    stream.flush()


class GrowingBuffer:
    """A descriptor that keeps the driver's samples in a bytearray.

    The driver appends to `bytes`, which copies everything said so far at each callback:
    the time is quadratic in the length. A bytearray grows in place.
    """

    def __get__(self, instance: Any, owner: type | None = None) -> bytearray:
        """The samples so far."""
        found: bytearray = instance.__dict__.setdefault("growing_buffer", bytearray())
        return found

    def __set__(self, instance: Any, value: bytes | bytearray) -> None:
        """Start anew from `bytes`, or keep the bytearray that `+=` hands back."""
        instance.__dict__["growing_buffer"] = (
            value if isinstance(value, bytearray) else bytearray(value)
        )


class EspeakDriver:
    """pyttsx3 on the espeak-ng of the package espeakng-loader, or the system's."""

    def __init__(self) -> None:
        from seedbed.generators.speech.engines.espeak_library import (
            INSTALL_LINE,
            NOISE_SEED,
            PrivateData,
            find_espeak,
        )

        files = find_espeak()
        if files is None:
            raise SeedbedError(f"espeak-ng is not installed: {INSTALL_LINE}")
        self.private = PrivateData(files.data)
        self.noise_seed = NOISE_SEED
        # Both before pyttsx3 looks for the library by its system name.
        os.environ["ESPEAK_DATA_PATH"] = str(self.private.folder())
        self.library = ctypes.CDLL(files.library, mode=ctypes.RTLD_GLOBAL)
        import pyttsx3
        from pyttsx3.drivers import _espeak
        from pyttsx3.drivers import espeak as driver_module

        driver_module.EspeakDriver._data_buffer = GrowingBuffer()
        # The driver's loop sleeps 10 ms, more than a short word takes; it need not wait at all.
        driver_module.time = SimpleNamespace(sleep=lambda seconds: None)
        initialise = _espeak.Initialize
        # The driver asks for a thread of espeak's own, and each setting and word then waits for
        # the system to wake one thread after the other; so everything is done within the call.
        _espeak.Initialize = lambda output, length: initialise(
            _espeak.AUDIO_OUTPUT_SYNCHRONOUS, length
        )
        self.binding = _espeak
        self.engine = pyttsx3.init("espeak")
        self.driver = self.engine.proxy._driver
        self.events: list[tuple[int, int]] = []
        self.ending = (_espeak.EVENT * 2)()
        self.ending[0].type = _espeak.EVENT_MSG_TERMINATED
        self.ending[1].type = _espeak.EVENT_LIST_TERMINATED
        _espeak.SetSynthCallback(self._observe)
        # Properties are acted on at once rather than queued for the next loop.
        self.engine.proxy.setBusy(False)
        self.path = self.private.path / "said.wav"

    def _observe(self, samples: Any, count: int, events: Any) -> int:
        index = 0
        while events[index].type != self.binding.EVENT_LIST_TERMINATED:
            event = events[index]
            if event.type in (self.binding.EVENT_WORD, self.binding.EVENT_END):
                place = event.text_position - 1 if event.type == self.binding.EVENT_WORD else -1
                self.events.append((place, event.sample))
            index += 1
        if not samples and index == 0:
            # The library's last call, without the event that the driver waits for.
            events = self.ending
        done: int = self.driver._onSynth(samples, count, events)
        return done

    def speak(self, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """One utterance, one file, one run: files queued together lose all but the last."""
        from seedbed.generators.speech.engines.espeak_library import (
            RESET_TEXT,
            SLOT,
            TEXT_PHONEMES,
            TEXT_UTF8,
        )

        flags = TEXT_PHONEMES | TEXT_UTF8
        self.library.espeak_Synth(RESET_TEXT, len(RESET_TEXT) + 1, 0, 1, 0, flags, None, None)
        self.private.write_variant(request["variant"])
        self.engine.setProperty("voice", f"{request['voice']}+{SLOT}")
        self.engine.setProperty("rate", request["rate_wpm"])
        self.engine.setProperty("pitch", request["pitch_step"])
        self.engine.setProperty("volume", request["volume"])
        self.library.espeak_ng_SetRandSeed(ctypes.c_long(self.noise_seed))
        ctypes.CDLL(None).srand(self.noise_seed)
        self.events.clear()
        self.path.unlink(missing_ok=True)
        self.engine.save_to_file(request["text"], str(self.path))
        self.engine.runAndWait()
        sample_rate, samples = read_wave(self.path)
        return {"sample_rate": sample_rate, "events": self.events}, samples

    def voices(self) -> list[dict[str, Any]]:
        """Nothing: `Pyttsx3Engine` knows espeak's voices already."""
        return []


class NativeDriver:
    """pyttsx3 on the system's own voices (SAPI on Windows, NSSpeech on macOS)."""

    def __init__(self, driver: str | None) -> None:
        import pyttsx3

        self.engine = pyttsx3.init(driver)
        self.path = Path(mkdtemp(prefix="seedbed-pyttsx3-")) / "said.wav"

    def speak(self, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """One utterance to a file; pitch is not among what the native drivers take."""
        known = [voice.id for voice in self.engine.getProperty("voices")]
        if request["voice"] not in known:
            raise SeedbedError(f"pyttsx3 has no voice {request['voice']!r} here.")
        self.engine.setProperty("voice", request["voice"])
        self.engine.setProperty("rate", request["rate_wpm"])
        self.engine.setProperty("volume", request["volume"])
        self.path.unlink(missing_ok=True)
        self.engine.save_to_file(request["text"], str(self.path))
        self.engine.runAndWait()
        sample_rate, samples = read_wave(self.path)
        return {"sample_rate": sample_rate, "events": []}, samples

    def voices(self) -> list[dict[str, Any]]:
        """The system's voices: id, first language, gender as pyttsx3 tells them."""
        return [
            {
                "id": voice.id,
                "language": str((list(voice.languages or []) or ["en"])[0]),
                "gender": str(voice.gender or ""),
            }
            for voice in self.engine.getProperty("voices")
        ]


def read_wave(path: Path) -> tuple[int, bytes]:
    """Rate and 16-bit mono samples of what pyttsx3 wrote: a WAV, or AIFF on macOS.

    Raises `SeedbedError` where there is no file.
    """
    if not path.exists():
        raise SeedbedError("pyttsx3 wrote no file.")
    content = path.read_bytes()
    if content[:4] == b"RIFF":
        with wave.open(io.BytesIO(content)) as file:
            if file.getnchannels() == 1 and file.getsampwidth() == 2:
                return file.getframerate(), file.readframes(file.getnframes())
    import soundfile

    sound, sample_rate = soundfile.read(io.BytesIO(content), dtype="int16", always_2d=True)
    return int(sample_rate), sound[:, 0].tobytes()


def serve(driver_name: str, requests: IO[bytes], answers: IO[bytes]) -> None:
    """Answer requests until the other side closes the pipe."""
    try:
        if driver_name == "espeak":
            driver: EspeakDriver | NativeDriver = EspeakDriver()
        else:
            driver = NativeDriver(None if driver_name == "native" else driver_name)
    except (SeedbedError, ImportError, OSError, RuntimeError) as error:
        write_frame(answers, json.dumps({"error": f"pyttsx3 could not start: {error}"}).encode())
        return
    write_frame(answers, json.dumps({"voices": driver.voices()}).encode())
    while (frame := read_frame(requests)) is not None:
        try:
            header, samples = driver.speak(json.loads(frame))
        except (SeedbedError, RuntimeError, ValueError, KeyError, OSError) as error:
            header, samples = {"error": f"{type(error).__name__}: {error}"}, b""
        told = json.dumps(header).encode()
        write_frame(answers, *([told] if "error" in header else [told, samples]))


def main() -> None:
    """Keep the real stdout for the frames and give the drivers' prints to nobody."""
    answers = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    sys.stdout = io.TextIOWrapper(os.fdopen(os.dup(nowhere), "wb"))
    try:
        serve(sys.argv[1] if len(sys.argv) > 1 else "native", sys.stdin.buffer, answers)
    except BrokenPipeError:
        pass
    finally:
        from multiprocessing.util import _run_finalizers  # type: ignore[attr-defined]

        _run_finalizers()
        # espeak's own thread may hang or abort at an ordinary exit.
        os._exit(0)


if __name__ == "__main__":
    main()
