"""Clips a second on one core, against the bare library and against the usual way with pyttsx3.

The floor for `espeak` is a loop over the bare library through ctypes, as in C: set the voice
and the parameters, speak, throw the samples away. The usual way with pyttsx3 is the one of its
manual: an engine, `save_to_file` and `runAndWait` for each clip. It is compared by the clock,
not by processor time, as both sides wait for espeak's thread or another process.

Every round has clips of its own, so that nothing is quick because it was made before.
`python -m benchmarks.speech memory` measures memory alone.
"""

from __future__ import annotations

import ctypes
import json
import logging
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from statistics import median

import numpy as np
import yaml

from benchmarks.timing import rates
from seedbed.encode import EncodingParams, encode_sound
from seedbed.generators.speech.engines import open_engine
from seedbed.generators.speech.engines.base import Prosody
from seedbed.generators.speech.engines.espeak_library import (
    PARAMETER_PITCH,
    PARAMETER_RANGE,
    PARAMETER_RATE,
    SYNCHRONOUS_OUTPUT,
    TEXT_UTF8,
    _Callback,
    find_espeak,
)
from seedbed.generators.speech_clip import SpeechClip

WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
VOICES = [f"gmw/en-US+{name}" for name in ("m1", "m3", "f2", "Michael", "Andrea", "Alicia")]
CLIPS = 120
FLAT_CLIPS = 20000
SLOW_CLIPS = 10
SLOW_ROUNDS = 7


def encoded(sound: np.ndarray, sample_rate: int, name: str = "flac") -> bytes:
    return encode_sound(sound, sample_rate, EncodingParams(name))


class BareLibrary:
    """The library on its own, with its own data folder, in this process."""

    def __init__(self) -> None:
        found = find_espeak()
        if found is None:
            sys.exit("espeak-ng is not installed")
        # Another file name, so that this is a copy with static variables of its own.
        self.library = ctypes.CDLL(found.library + ".1.52.0")
        self.library.espeak_Initialize(SYNCHRONOUS_OUTPUT, 2000, str(found.data).encode(), 0x8000)
        self.callback = _Callback(lambda samples, count, events: 0)
        self.library.espeak_SetSynthCallback(self.callback)

    def speak(self, word: str, voice: str, rate_wpm: int) -> None:
        """One word, its samples thrown away."""
        self.library.espeak_SetVoiceByName(voice.encode())
        self.library.espeak_SetParameter(PARAMETER_RATE, rate_wpm, 0)
        self.library.espeak_SetParameter(PARAMETER_PITCH, 50, 0)
        self.library.espeak_SetParameter(PARAMETER_RANGE, 50, 0)
        text = word.encode()
        self.library.espeak_Synth(text, len(text) + 1, 0, 1, 0, TEXT_UTF8, None, None)


USUAL_WAY = """
import json, os, sys, tempfile, time
import ctypes, espeakng_loader
os.environ["ESPEAK_DATA_PATH"] = espeakng_loader.get_data_path()
ctypes.CDLL(espeakng_loader.get_library_path(), mode=ctypes.RTLD_GLOBAL)
import pyttsx3
folder = tempfile.mkdtemp()
def once(word, path):
    engine = pyttsx3.init("espeak")
    engine.setProperty("voice", "gmw/en-us")
    engine.setProperty("rate", 175)
    engine.save_to_file(word, path)
    engine.runAndWait()
words = json.loads(sys.argv[1])
once(words[0], folder + "/first.wav")
started = time.perf_counter()
for number, word in enumerate(words):
    once(word, f"{folder}/{number}.wav")
print(time.perf_counter() - started, file=sys.stderr, flush=True)
os._exit(0)
"""


def usual_seconds(words: list[str]) -> float:
    """What `words` take pyttsx3 as its manual uses it, an engine and a file each, start left out.

    Its process crashes now and then, where an engine goes before espeak's thread is done with it.
    """
    for _ in range(10):
        done = subprocess.run(
            [sys.executable, "-c", USUAL_WAY, json.dumps(words)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode == 0:
            return float(done.stderr.strip().splitlines()[-1])
    sys.exit(f"pyttsx3 crashed ten times in a row: {done.stderr}")


def cpu_rates(sides: dict[str, Callable[[int], int]], rounds: int = 9) -> dict[str, list[float]]:
    """Items a second of processor time, round by round: other programs hardly count in it."""
    measured: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds):
        for name, side in sides.items():
            started = time.process_time()
            items = side(number)
            measured[name].append(items / (time.process_time() - started))
    return measured


def recipe_generator(**changes: object) -> SpeechClip:
    text = (files("seedbed.data") / "recipes" / "digits.yaml").read_text(encoding="utf-8")
    values = yaml.safe_load(text)["generator"]
    values.pop("name")
    made = SpeechClip(**{**values, **changes})
    made.prepare()
    return made


def resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def two_workers() -> float:
    """Clips a second of two processes together over that of one."""
    script = (
        "import sys, time\n"
        "from benchmarks.speech import encoded, recipe_generator\n"
        "made = recipe_generator(engines={'espeak': 1})\n"
        "made.sample(1, 0)\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "started = time.perf_counter()\n"
        "for index in range(600):\n"
        "    clip = made.sample(1, index)\n"
        "    encoded(clip.sound, clip.sample_rate)\n"
        "print(600 / (time.perf_counter() - started))\n"
    )

    def together(count: int) -> float:
        workers = [
            subprocess.Popen(
                [sys.executable, "-c", script],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(count)
        ]
        for worker in workers:
            worker.stdout.readline()
        for worker in workers:
            worker.stdin.write("go\n")
            worker.stdin.flush()
        return sum(float(worker.communicate()[0].split()[-1]) for worker in workers)

    together(1)
    return together(2) / together(1)


def memory(made: SpeechClip) -> None:
    """Print what a process holds after a tenth of `FLAT_CLIPS` clips and after all of them."""
    before, started = 0.0, time.process_time()
    for index in range(1, FLAT_CLIPS + 1):
        clip = made.sample(3, index)
        encoded(clip.sound, clip.sample_rate)
        if index == FLAT_CLIPS // 10:
            before = resident_mib()
    rate = FLAT_CLIPS / (time.process_time() - started)
    print(
        f"resident memory after {FLAT_CLIPS // 10} clips {before:.0f} MiB, after {FLAT_CLIPS} "
        f"{resident_mib():.0f} MiB ({rate:.0f} clips/s of processor time)"
    )


def main() -> None:
    """Print the ratios, the clips a second of the default recipe and the memory."""
    # Clipped words of odd speakers are drawn again by design; they need not be listed here.
    logging.getLogger("seedbed.speech").setLevel(logging.ERROR)
    espeak_alone = recipe_generator(engines={"espeak": 1})
    if "memory" in sys.argv[1:]:
        memory(espeak_alone)
        return
    engine, bare = open_engine("espeak"), BareLibrary()
    everything = recipe_generator()

    def manner(number: int, index: int) -> tuple[str, str, int]:
        # Another pairing of words, voices and rates every round.
        count = number * CLIPS + index
        return WORDS[count % 10], VOICES[count % 6], 120 + (7 * count) % 131

    def through_bare(number: int) -> int:
        for index in range(CLIPS):
            bare.speak(*manner(number, index))
        return CLIPS

    def through_engine(number: int, name: str) -> int:
        for index in range(CLIPS):
            word, voice, rate_wpm = manner(number, index)
            said = engine.speak(word, voice, Prosody(rate=rate_wpm / 175))
            encoded(said.sound, said.sample_rate, name)
        return CLIPS

    def clips_of(made: SpeechClip, number: int) -> int:
        for index in range(number * CLIPS, (number + 1) * CLIPS):
            clip = made.sample(2, index)
            encoded(clip.sound, clip.sample_rate)
        return CLIPS

    alone = cpu_rates(
        {
            "bare library": through_bare,
            "engine espeak and WAV": lambda number: through_engine(number, "wav"),
            "engine espeak and FLAC": lambda number: through_engine(number, "flac"),
            "digits recipe through espeak and FLAC": lambda number: clips_of(espeak_alone, number),
        }
    )
    for name, measured in alone.items():
        ratio = median(a / b for a, b in zip(measured, alone["bare library"], strict=True))
        print(f"{name:38} {median(measured):8.1f} clips/s of processor time {ratio:6.2f}")
    found = rates({"digits recipe and FLAC": lambda number: clips_of(everything, number)})
    print(f"digits recipe and FLAC                 {found['digits recipe and FLAC']:8.1f} clips/s")
    against_the_usual_way()
    print(f"two workers over one                   {two_workers():8.2f}")
    memory(espeak_alone)


def against_the_usual_way() -> None:
    """Print clips a second, by the clock, through pyttsx3 and the usual way, in turns."""
    spoken = open_engine("pyttsx3")
    spoken.speak("one", VOICES[0], Prosody())
    ours, theirs = [], []
    for number in range(SLOW_ROUNDS):
        words = [WORDS[(number + index) % 10] for index in range(SLOW_CLIPS)]
        started = time.perf_counter()
        for index, word in enumerate(words):
            said = spoken.speak(word, VOICES[(number + index) % 6], Prosody())
            encoded(said.sound, said.sample_rate)
        ours.append(time.perf_counter() - started)
        theirs.append(usual_seconds(words))
    gain = median(b / a for a, b in zip(ours, theirs, strict=True))
    print(f"engine pyttsx3 and FLAC                {SLOW_CLIPS / median(ours):8.1f} clips/s")
    print(f"pyttsx3 the usual way                  {SLOW_CLIPS / median(theirs):8.1f} clips/s")
    print(f"pyttsx3 over the usual way             {gain:8.2f}")


if __name__ == "__main__":
    main()
