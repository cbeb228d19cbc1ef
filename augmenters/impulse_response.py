"""A user's own impulse responses: measured rooms, cars, telephones, loudspeakers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import Field

from seedbed.augmenters.sound import SILENT_POWER, Sound, SoundAugmenter, power_of, resampled
from seedbed.augmenters.sound_noise import read_sound, sound_files, sound_length
from seedbed.augmenters.sound_reverberation import reverberated
from seedbed.errors import InputError
from seedbed.file_digests import files_digest
from seedbed.sample import Clip
from seedbed.streams import choose

LONGEST_SECONDS = 12.0
"""The longest reverberations, of cathedrals, are about this long: more is a recording."""


@dataclass(frozen=True)
class ImpulseResponseParams:
    """What was drawn for one clip."""

    file: str
    keep_tail: bool


class ImpulseResponse(SoundAugmenter[ImpulseResponseParams]):
    """Convolves the clip with a sound file from `folder`; level and times stay.

    The loudest frame counts as the direct sound. Channels are averaged. A response of a
    higher rate than the clip's is resampled; one of a lower rate would silently take the
    highs away and is refused before a build, and so is one under `lowest_rate_hz`.
    """

    params_type: ClassVar[type[ImpulseResponseParams]] = ImpulseResponseParams

    folder: Path = Field(description="of WAV, FLAC or AIFF files, one response each")
    lowest_rate_hz: int = Field(
        default=16000, ge=4000, le=192000, description="the sample rate of the clips, or more"
    )
    keep_tail: bool = False

    def prepare(self) -> None:
        """Read every response. Raises `InputError` naming one that is unfit."""
        for name in sound_files(self.folder):
            path = self.folder / name
            _check_rate(path, sound_length(path)[1], self.lowest_rate_hz)
            _response(path, self.lowest_rate_hz)

    def check_rate(self, sample_rate: int) -> None:
        """Hold every response's rate against the clips'. Raises `InputError` for a lower one."""
        for name in sound_files(self.folder):
            path = self.folder / name
            _check_rate(path, sound_length(path)[1], sample_rate)

    def file_digests(self) -> dict[str, str]:
        """Of the folder's files. Raises `InputError`."""
        return {f"sounds {self.folder}": files_digest(self.folder, sound_files(self.folder))}

    def draw(self, sample: Clip, rng: np.random.Generator) -> ImpulseResponseParams:
        """Draw which response."""
        return ImpulseResponseParams(choose(rng, sound_files(self.folder)), self.keep_tail)

    def change(self, clip: Clip, params: ImpulseResponseParams) -> Clip:
        """The clip through the response."""
        response, direct = _response(self.folder / params.file, clip.sample_rate)
        return reverberated(clip, response, direct, params.keep_tail)


def _check_rate(path: Path, rate: int, wanted: int) -> None:
    if rate < wanted:
        raise InputError(
            f"impulse response {path}: has {rate} Hz, but {wanted} Hz or more are needed; record "
            f"it at that rate, or lower lowest_rate_hz and the clips' own rate."
        )


@lru_cache(maxsize=64)
def _response(path: Path, sample_rate: int) -> tuple[Sound, int]:
    """A response at a clip's rate, and the frame of its direct sound."""
    sound, rate = read_sound(path)
    _check_rate(path, rate, sample_rate)
    if power_of(sound) < SILENT_POWER:
        raise InputError(f"impulse response {path}: is silent; remove it from the folder.")
    seconds = len(sound) / rate
    if seconds > LONGEST_SECONDS:
        raise InputError(
            f"impulse response {path}: lasts {seconds:.1f} s, more than {LONGEST_SECONDS:g} s: "
            f"cut it, or name the folder in a background-noise instead if it is a recording."
        )
    response = resampled(sound, rate, sample_rate)
    return response, int(np.argmax(np.abs(response)))
