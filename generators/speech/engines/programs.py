"""Running a program that writes a WAV: an argument list, never a shell line, with a time limit."""

from __future__ import annotations

import io
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seedbed.file_digests import files_digest
from seedbed.generators.speech.engines.base import EngineFailure

SHOWN_CHARACTERS = 300


def run_program(arguments: Sequence[str], stdin: str, timeout_s: float, engine: str) -> bytes:
    """The program's stdout.

    Raises `EngineFailure` where it is not there, fails, or takes longer than `timeout_s`;
    the message ends with what it wrote to stderr.
    """
    shown = " ".join(arguments)
    try:
        done = subprocess.run(
            list(arguments),
            input=stdin.encode("utf-8"),
            capture_output=True,
            timeout=timeout_s,
            check=False,
        )
    except FileNotFoundError:
        raise EngineFailure(
            f"engine {engine}: the program {arguments[0]!r} was not found; install it or "
            "correct its path."
        ) from None
    except PermissionError:
        raise EngineFailure(
            f"engine {engine}: the program {arguments[0]!r} may not be run: make it executable."
        ) from None
    except subprocess.TimeoutExpired:
        raise EngineFailure(
            f"engine {engine}: `{shown}` took longer than {timeout_s:g} s and was ended."
        ) from None
    if done.returncode != 0:
        complaint = done.stderr.decode("utf-8", "replace").strip()[-SHOWN_CHARACTERS:]
        raise EngineFailure(
            f"engine {engine}: `{shown}` ended with {done.returncode}: {complaint or 'no message'}"
        )
    return done.stdout


def program_digests(engine: str, programs: Sequence[str]) -> dict[str, str]:
    """A digest of each program's file as `PATH` leads to it; without those that are not there.

    Raises `InputError` for a file that cannot be read.
    """
    found = {program: shutil.which(program) for program in dict.fromkeys(programs)}
    return {
        f"engine {engine}: program {program}": files_digest(Path(place).parent, [Path(place).name])
        for program, place in found.items()
        if place is not None
    }


def speak_to_file(
    arguments_for: Callable[[str], list[str]], stdin: str, timeout_s: float, engine: str
) -> tuple[NDArray[np.float32], int, bytes]:
    """Run a program that writes a fresh file: sound, rate and stdout.

    `arguments_for` gives the argument list with that file's path in it. Raises
    `EngineFailure` as `run_program` does, and where the file is missing or no sound.
    """
    with tempfile.TemporaryDirectory(prefix="seedbed-command-") as folder:
        path = Path(folder) / "said.wav"
        filled = arguments_for(str(path))
        stdout = run_program(filled, stdin, timeout_s, engine)
        if not path.exists():
            raise EngineFailure(f"engine {engine}: `{' '.join(filled)}` wrote no file.")
        sound, sample_rate = read_sound(path.read_bytes(), engine)
    return sound, sample_rate, stdout


def read_sound(content: bytes, engine: str) -> tuple[NDArray[np.float32], int]:
    """Bytes of a sound file as float32 mono (channels averaged) and its rate.

    Raises `EngineFailure` where they are no sound file.
    """
    import soundfile

    try:
        sound, sample_rate = soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise EngineFailure(
            f"engine {engine}: what was written is no sound file: {error}"
        ) from error
    mono: NDArray[np.float32] = sound.mean(axis=1, dtype=np.float32)
    return mono, int(sample_rate)
