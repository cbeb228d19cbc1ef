"""Noises from a user's own folder: recordings of streets, kitchens, cars, machines."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import Field

from seedbed.augmenters.sound import SnrRange, SoundAugmenter, with_noise
from seedbed.augmenters.sound_noise import read_window, sound_files, sound_length
from seedbed.file_digests import files_digest
from seedbed.sample import Clip
from seedbed.streams import choose, uniform


@dataclass(frozen=True)
class BackgroundNoiseParams:
    """What was drawn for one clip: a file of the folder, and where in it to start, 0 to 1."""

    snr_db: float
    file: str
    start_share: float


class BackgroundNoise(SoundAugmenter[BackgroundNoiseParams]):
    """Adds a stretch of a sound file from `folder`, `snr_db` under the speech.

    Sub-folders count. Files of other rates are resampled, channels averaged, short ones repeated. A
    stretch that is silent changes nothing.
    """

    params_type: ClassVar[type[BackgroundNoiseParams]] = BackgroundNoiseParams

    folder: Path = Field(description="of WAV, FLAC, Ogg, MP3 or AIFF files")
    snr_db: SnrRange = (5, 30)

    def prepare(self) -> None:
        """Open every file of the folder. Raises `InputError` naming one that is unfit."""
        for name in sound_files(self.folder):
            sound_length(self.folder / name)

    def file_digests(self) -> dict[str, str]:
        """Of the folder's files. Raises `InputError`."""
        return {f"sounds {self.folder}": files_digest(self.folder, sound_files(self.folder))}

    def draw(self, sample: Clip, rng: np.random.Generator) -> BackgroundNoiseParams:
        """Draw ratio, file and place."""
        return BackgroundNoiseParams(
            uniform(rng, self.snr_db), choose(rng, sound_files(self.folder)), float(rng.random())
        )

    def change(self, clip: Clip, params: BackgroundNoiseParams) -> Clip:
        """The clip with the file's noise under it."""
        path = self.folder / params.file
        noise = read_window(path, params.start_share, len(clip.sound), clip.sample_rate)
        return with_noise(clip, noise, params.snr_db)
