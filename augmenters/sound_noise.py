"""Noises made from a seed, and noises from a user's folder."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from seedbed.augmenters.sound import Sound, check_sound, fitted, resampled
from seedbed.errors import InputError

LOWEST_NOISE_HZ = 20.0
"""Coloured noise is level below this, where no loudspeaker and no ear follows."""

SOUND_SUFFIXES = frozenset(
    {".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff", ".aif", ".au", ".w64", ".caf"}
)


def seeded(seed: int) -> np.random.Generator:
    """The stream of a noise whose seed is stored with the sample."""
    return np.random.Generator(np.random.PCG64(seed))


def coloured_noise(frames: int, sample_rate: int, exponent: float, seed: int) -> Sound:
    """Noise of power 1 / f ** `exponent`, shape (frames,), of unit power on average.

    0 is white, 1 pink, 2 brown. Its spectrum is drawn straight away: independent normal
    parts, so the noise is normal too.
    """
    from scipy.fft import irfft, next_fast_len

    size = next_fast_len(max(frames, 2), real=True)
    rng = seeded(seed)
    spectrum = rng.standard_normal(2 * (size // 2 + 1), dtype=np.float32).view(np.complex64)
    spectrum = spectrum * _shape(size, sample_rate, exponent)
    return np.asarray(irfft(spectrum, n=size)[:frames], dtype=np.float32)


def _shape(size: int, sample_rate: int, exponent: float) -> Sound:
    hertz = np.arange(size // 2 + 1, dtype=np.float32) * np.float32(sample_rate / size)
    shape = np.maximum(hertz, np.float32(LOWEST_NOISE_HZ)) ** np.float32(-exponent / 2)
    shape[0] = 0.0
    # Of 2 (real and imaginary) times size / 2 bins, irfft leaves 4 / size**2 of the sum.
    shape *= np.float32(size / 2 / np.linalg.norm(shape))
    return np.asarray(shape, dtype=np.float32)


@lru_cache(maxsize=16)
def sound_files(folder: Path) -> tuple[str, ...]:
    """The sound files under a folder, sorted, relative to it and with forward slashes.

    Raises `InputError` where there is no such folder, or none in it.
    """
    if not folder.is_dir():
        raise InputError(f"folder of sounds {folder}: there is no such folder.")
    found = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.suffix.lower() in SOUND_SUFFIXES and path.is_file()
    )
    if not found:
        raise InputError(
            f"folder of sounds {folder}: holds no sound file "
            f"({', '.join(sorted(SOUND_SUFFIXES))}); name another folder."
        )
    return tuple(found)


def sound_length(path: Path) -> tuple[int, int]:
    """(frames, sample rate) of a sound file.

    Raises `InputError` where it cannot be read or is empty.
    """
    import soundfile

    try:
        info = soundfile.info(str(path))
    except (soundfile.LibsndfileError, OSError) as error:
        raise InputError(f"sound file {path}: cannot be read: {error}") from error
    if info.frames <= 0:
        raise InputError(f"sound file {path}: is empty; remove it from the folder.")
    return int(info.frames), int(info.samplerate)


def read_sound(path: Path, start: int = 0, frames: int = -1) -> tuple[Sound, int]:
    """Mono sound of `frames` (-1: all) from frame `start` on, and its rate.

    Channels are averaged. Raises `InputError` for a file that cannot be read, is empty or
    holds numbers that are not finite.
    """
    import soundfile

    sound_length(path)
    try:
        sound, rate = soundfile.read(
            str(path), start=start, frames=frames, dtype="float32", always_2d=True
        )
    except (soundfile.LibsndfileError, OSError) as error:
        raise InputError(f"sound file {path}: cannot be read: {error}") from error
    try:
        return check_sound(sound.mean(axis=1), rate), int(rate)
    except InputError as error:
        raise InputError(f"sound file {path}: {error}") from error


def read_window(path: Path, start_share: float, frames: int, sample_rate: int) -> Sound:
    """`frames` of a sound file at `sample_rate`, from `start_share` (0 to 1) of it on.

    A file that is too short is repeated. Raises `InputError` as `read_sound` does.
    """
    length, rate = sound_length(path)
    wanted = -(-frames * rate // sample_rate) + 1
    if wanted < length:
        first = round(start_share * (length - wanted))
        sound, _ = read_sound(path, first, wanted)
    else:
        whole, _ = read_sound(path)
        sound = np.resize(np.roll(whole, -round(start_share * length)), wanted)
    return fitted(resampled(sound, rate, sample_rate), frames)
