"""pyttsx3 in its own process: each of its traps, guarded."""

from __future__ import annotations

import hashlib
import io
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from seedbed.errors import InputError
from seedbed.generators.speech.engines import build_engine
from seedbed.generators.speech.engines.base import (
    EngineFailure,
    Prosody,
    speech_bounds,
    speech_seconds,
)
from seedbed.generators.speech.engines.pyttsx3 import Pyttsx3Engine
from seedbed.generators.speech.engines.pyttsx3_child import (
    GrowingBuffer,
    read_frame,
    write_frame,
)

US = "gmw/en-US"

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="the espeak driver's traps are Linux's"
)


@pytest.fixture(scope="module")
def engine() -> Iterator[Pyttsx3Engine]:
    found = build_engine("pyttsx3")
    assert isinstance(found, Pyttsx3Engine)
    yield found


def digest(engine: Pyttsx3Engine, text: str, voice: str, prosody: Prosody) -> str:
    return hashlib.sha256(engine.speak(text, voice, prosody).sound.tobytes()).hexdigest()


def test_settings_are_never_dropped(engine: Pyttsx3Engine) -> None:
    # Without waiting for espeak 15 of 20 rates were lost in one sweep.
    rates = [0.6 + 0.06 * step for step in range(20)]
    seconds = [speech_seconds(engine.speak("seven", US, Prosody(rate=rate))) for rate in rates]
    assert all(slow >= fast for slow, fast in zip(seconds, seconds[2:], strict=False))
    assert seconds[0] > 1.8 * seconds[-1]
    upwards = [speech_seconds(engine.speak("seven", US, Prosody(rate=r))) for r in rates[::-1]]
    assert upwards[::-1] == seconds


def test_every_text_is_written_not_only_the_last(engine: Pyttsx3Engine) -> None:
    digests = {digest(engine, text, US, Prosody()) for text in ("one", "two", "three", "four")}
    assert len(digests) == 4


def test_an_unknown_voice_is_refused_and_not_replaced(engine: Pyttsx3Engine) -> None:
    with pytest.raises(InputError, match="no voice 'gmw/en-XX'"):
        engine.speak("one", "gmw/en-XX", Prosody())
    with pytest.raises(InputError, match="no voice variant"):
        engine.speak("one", f"{US}+nobody", Prosody())


def test_voices_really_change(engine: Pyttsx3Engine) -> None:
    voices = (US, f"{US}+f3", f"{US}+#12", "gmw/de", "gmw/en-GB-scotland")
    assert len({digest(engine, "seven", voice, Prosody()) for voice in voices}) == len(voices)


def test_the_same_in_another_order_and_another_process(engine: Pyttsx3Engine) -> None:
    jobs = [
        ("seven", US, Prosody(rate=1.2)),
        ("hello there", f"{US}+f3", Prosody(pitch_semitones=2)),
        ("nine", f"{US}+#12", Prosody(volume=0.5)),
        ("zero", f"{US}+klatt2", Prosody()),
        ("five", US, Prosody()),
        ("one", US, Prosody()),
        ("tres", "roa/es", Prosody()),
    ]
    forwards = [digest(engine, *job) for job in jobs]
    assert [digest(engine, *job) for job in jobs[::-1]] == forwards[::-1]
    other = build_engine("pyttsx3")
    assert isinstance(other, Pyttsx3Engine)
    assert digest(other, *jobs[2]) == forwards[2]
    assert other.process_id() != engine.process_id()


def test_nothing_is_printed(engine: Pyttsx3Engine, capfd: pytest.CaptureFixture[str]) -> None:
    engine.speak("one", US, Prosody())
    assert capfd.readouterr() == ("", "")


def test_threads_take_turns(engine: Pyttsx3Engine) -> None:
    expected = digest(engine, "seven", US, Prosody())
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(digest(engine, "seven", US, Prosody())))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 4


def test_a_fork_after_the_start_opens_its_own() -> None:
    script = (
        "import multiprocessing, hashlib\n"
        "from seedbed.generators.speech.engines import open_engine\n"
        "from seedbed.generators.speech.engines.base import Prosody\n"
        "def say(_):\n"
        "    sound = open_engine('pyttsx3').speak('seven', 'gmw/en-US', Prosody()).sound\n"
        "    return hashlib.sha256(sound.tobytes()).hexdigest()\n"
        "here = say(0)\n"
        "with multiprocessing.get_context('fork').Pool(2) as pool:\n"
        "    there = pool.map_async(say, range(2)).get(timeout=30)\n"
        "    pool.close(); pool.join()\n"
        "assert there == [here, here]\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_killed_process_is_named_and_replaced(engine: Pyttsx3Engine) -> None:
    expected = digest(engine, "seven", US, Prosody())
    stopped = engine.process_id()
    os.kill(stopped, signal.SIGKILL)
    try:
        engine.speak("seven", US, Prosody())
    except EngineFailure as failure:
        assert "process ended" in str(failure)
    assert digest(engine, "seven", US, Prosody()) == expected
    assert engine.process_id() != stopped


def test_a_hanging_process_is_ended_after_the_time_limit() -> None:
    hasty = build_engine("pyttsx3")
    assert isinstance(hasty, Pyttsx3Engine)
    hasty.speak("one", US, Prosody())
    object.__getattribute__(hasty, "_running")().timeout_s = 0.2
    os.kill(hasty.process_id(), signal.SIGSTOP)
    with pytest.raises(EngineFailure, match=r"no answer for 0\.2 s while saying 'two'"):
        hasty.speak("two", US, Prosody())
    assert hasty.speak("three", US, Prosody()).seconds > 0.2


def test_the_sample_rate_is_read_from_the_file(engine: Pyttsx3Engine) -> None:
    assert engine.speak("one", US, Prosody()).sample_rate == 22050


def test_word_times_follow_the_sound(engine: Pyttsx3Engine) -> None:
    said = engine.speak("Say seven, now", US, Prosody())
    assert [word.text for word in said.words] == ["Say", "seven", "now"]
    bounds = speech_bounds(said.sound, said.sample_rate)
    assert bounds is not None
    assert abs(said.words[0].start - bounds[0] / said.sample_rate) <= 0.020
    # The pause after the comma is silent: "now" begins within 20 ms of the sound after it.
    start = int((said.words[2].start - 0.1) * said.sample_rate)
    after = speech_bounds(said.sound[start:], said.sample_rate)
    assert after is not None
    assert abs((start + after[0]) / said.sample_rate - said.words[2].start) <= 0.020
    # pyttsx3 tells no ends: a word lasts to the next one.
    assert [word.end for word in said.words[:2]] == [word.start for word in said.words[1:]]


def test_the_drivers_buffer_grows_in_place() -> None:
    class Driver:
        samples = GrowingBuffer()

    driver = Driver()
    driver.samples = b""
    first = driver.samples
    for _ in range(3):
        driver.samples += b"ab"
    assert driver.samples is first
    assert bytes(driver.samples) == b"ababab"
    driver.samples = b""
    assert bytes(driver.samples) == b""
    assert bytes(first) == b"ababab"


def test_a_long_text_is_whole(engine: Pyttsx3Engine) -> None:
    once = speech_seconds(engine.speak("seven", US, Prosody()))
    many = speech_seconds(engine.speak(" ".join(["seven"] * 60), US, Prosody()))
    assert many > 40 * once


def test_frames_survive_and_end() -> None:
    stream = io.BytesIO()
    write_frame(stream, b"abc")
    write_frame(stream, b"")
    stream.seek(0)
    assert [read_frame(stream) for _ in range(3)] == [b"abc", b"", None]
    assert read_frame(io.BytesIO(b"\x00\x00\x00\x05ab")) is None


def test_an_empty_text_is_refused(engine: Pyttsx3Engine) -> None:
    with pytest.raises(EngineFailure, match="empty text"):
        engine.speak("  ", US, Prosody())


def test_realised_values_and_honest_controls(engine: Pyttsx3Engine) -> None:
    said = engine.speak("one", US, Prosody(rate=1.1, pitch_semitones=2.4, volume=0.7))
    assert said.realised == pytest.approx(
        {"rate": 193 / 175, "volume": 0.7, "pitch_semitones": 2.4}
    )
    assert engine.voices()[0].controls == {"rate", "pitch", "volume", "word_times"}
    assert np.abs(said.sound).max() > 0.01
    engine.check()


FAKE_PYTTSX3 = '''
"""Stands for pyttsx3 with a native driver: one file a run, as SAPI and NSSpeech write it."""
import wave
from types import SimpleNamespace

print("drivers print")


class Engine:
    def __init__(self):
        self.set, self.queued = {}, []

    def getProperty(self, name):
        assert name == "voices"
        return [
            SimpleNamespace(id="ANNA", languages=["de_DE"], gender="VoiceGenderFemale"),
            SimpleNamespace(id="MARK", languages=[], gender=None),
        ]

    def setProperty(self, name, value):
        self.set[name] = value

    def save_to_file(self, text, path):
        self.queued.append((text, path))

    def runAndWait(self):
        ((text, path),) = self.queued
        self.queued = []
        frames = 100 * len(text) * 200 // self.set["rate"]
        with wave.open(path, "wb") as file:
            file.setnchannels(2 if self.set["voice"] == "MARK" else 1)
            file.setsampwidth(2)
            file.setframerate(16000)
            file.writeframes(b"\\x00\\x20" * (frames * file.getnchannels()))


def init(driver):
    assert driver is None, "the system's own driver"
    return Engine()
'''


def test_the_native_drivers_of_windows_and_macos(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyttsx3.py").write_text(FAKE_PYTTSX3)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    engine = build_engine("pyttsx3", {"driver": "native"})
    assert isinstance(engine, Pyttsx3Engine)
    anna, mark = engine.voices()
    assert (anna.id, anna.language, anna.sex, anna.speaker) == (
        "ANNA", "de-de", "female", "pyttsx3:ANNA",
    )  # fmt: skip
    assert (mark.language, mark.sex) == ("en", "")
    assert anna.controls == {"rate", "volume"}
    assert "not promised to be the same every time" in engine.unpromised((anna, mark))
    assert build_engine("pyttsx3", {"driver": "espeak"}).unpromised(()) == ""
    said = engine.speak("seven", "ANNA", Prosody(rate=2.0, pitch_semitones=3.0))
    # 500 frames at the normal 200 words a minute, half as many at twice that.
    assert (len(said.sound), said.sample_rate) == (250, 16000)
    assert said.sound[0] == 0.25
    assert "pitch_semitones" not in said.realised
    assert len(engine.speak("seven", "MARK", Prosody()).sound) == 500
    with pytest.raises(EngineFailure, match="no voice 'NOBODY' here"):
        engine.speak("seven", "NOBODY", Prosody())
    engine.stop()


@pytest.mark.parametrize(
    ("platform", "uses_espeak"), [("linux", True), ("win32", False), ("darwin", False)]
)
def test_the_driver_follows_the_system(
    platform: str, uses_espeak: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    engine = build_engine("pyttsx3")
    assert isinstance(engine, Pyttsx3Engine)
    assert engine.uses_espeak is uses_espeak
