"""Sounds for the tasks that listen: files, labelled lists of files, rates and windows."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from seedbed.errors import InputError
from seedbed.sample import Clip, Sample
from seedbed.trainers.labelled_files import LabelledFiles

Sound = NDArray[np.float32]

SOUND_SUFFIXES = (".wav", ".flac", ".ogg", ".mp3", ".aiff", ".aif")


def read_sound(path: Path) -> tuple[Sound, int]:
    """A sound file as float32 mono, shape (frames,), with its sample rate.

    Several channels are averaged. Raises `InputError` for a file that is unreadable or empty.
    """
    import soundfile

    try:
        sound, sample_rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        raise InputError(f"sound {path} cannot be read: {error}") from error
    if len(sound) == 0:
        raise InputError(f"sound {path} is empty.")
    mono = np.ascontiguousarray(sound.mean(axis=1, dtype=np.float32))
    if not np.isfinite(mono).all():
        raise InputError(f"sound {path} holds samples that are no numbers.")
    return mono, int(sample_rate)


def at_rate(sound: Sound, sample_rate: int, wanted: int) -> Sound:
    """`sound` at another sample rate, by soxr's high quality setting."""
    if sample_rate == wanted:
        return np.asarray(sound, dtype=np.float32)
    import soxr

    return np.asarray(soxr.resample(sound, sample_rate, wanted, quality="HQ"), dtype=np.float32)


def placed(sound: Sound, samples: int, place: float = 0.5) -> Sound:
    """`sound` in a window of `samples`, with silence around it.

    `place` says how much of what is left over comes first, 0 to 1. Of a longer sound the
    window with the most energy is kept.
    """
    spare = samples - len(sound)
    window = np.zeros(samples, dtype=np.float32)
    if spare >= 0:
        first = round(place * spare)
        window[first : first + len(sound)] = sound
        return window
    energy = np.concatenate([[0.0], np.cumsum(sound.astype(np.float64) ** 2)])
    start = int((energy[samples:] - energy[:-samples]).argmax())
    window[:] = sound[start : start + samples]
    return window


def sound_files(folder: Path) -> list[Path]:
    """The sound files under a folder, sorted by their path. Raises `InputError` for none."""
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder of sounds.")
    found = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SOUND_SUFFIXES and path.is_file()
    )
    if not found:
        raise InputError(f"{folder} holds no sounds ({' '.join(SOUND_SUFFIXES)}).")
    return found


class SoundLabels(LabelledFiles):
    """Sounds with what is said in them.

    Each row is `{"audio": path, "label": "…"}` or `{"audio": path, "text": "…"}`, and may name
    a `speaker`.
    """

    key: ClassVar[str] = "audio"
    looks_like: ClassVar[str] = (
        '{"audio": "a.wav", "label": "one"} or {"audio": "a.wav", "text": "one two"}'
    )
    sample_type: ClassVar[type[Sample]] = Clip

    @classmethod
    def check(cls, row: dict[str, Any]) -> None:
        """Every sound needs a label or a text."""
        if "label" not in row and "text" not in row:
            raise KeyError("label")

    def sample(self, index: int) -> Clip:
        """The clip of a row. Raises `InputError` for one that is unreadable."""
        row = self.rows[index]
        sound, sample_rate = read_sound(self.file(index))
        text = str(row.get("text", ""))
        return Clip(
            sound=sound,
            sample_rate=sample_rate,
            transcript=text,
            transcript_normalised=text.lower(),
            label=str(row.get("label", "")),
            attributes={"speaker": str(row.get("speaker", ""))},
        )
