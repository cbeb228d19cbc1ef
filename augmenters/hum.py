"""The mains in the cable: 50 or 60 Hz and its harmonics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from seedbed.augmenters.sound import SnrRange, SoundAugmenter, with_noise
from seedbed.sample import Clip
from seedbed.streams import choose, uniform

HARMONICS = 8
MAINS_DRIFT = (0.998, 1.002)
"""A grid holds its frequency to within 0.1 Hz; a recorder's clock adds as much."""
HARMONIC_FALL_DB = (0.0, 24.0)
"""A rectifier's harmonics lie anywhere between as loud as the fundamental and this below."""


@dataclass(frozen=True)
class HumParams:
    """What was drawn for one clip: a level in dB and a phase in turns for each harmonic."""

    snr_db: float
    mains_hz: float
    levels_db: tuple[float, ...]
    phases: tuple[float, ...]


class Hum(SoundAugmenter[HumParams]):
    """Adds a hum of the mains and its harmonics, `snr_db` under the speech."""

    params_type: ClassVar[type[HumParams]] = HumParams

    snr_db: SnrRange = (10, 40)
    mains_hz: tuple[Literal[50, 60], ...] = Field(default=(50, 60), min_length=1)

    def draw(self, sample: Clip, rng: np.random.Generator) -> HumParams:
        """Draw ratio, grid, and each harmonic's level and phase."""
        return HumParams(
            uniform(rng, self.snr_db),
            choose(rng, self.mains_hz) * uniform(rng, MAINS_DRIFT),
            tuple(-uniform(rng, HARMONIC_FALL_DB) for _ in range(HARMONICS)),
            tuple(float(rng.random()) for _ in range(HARMONICS)),
        )

    def change(self, clip: Clip, params: HumParams) -> Clip:
        """The clip with the hum under it."""
        turns = np.arange(len(clip.sound)) * (params.mains_hz / clip.sample_rate)
        turn = np.exp(2j * np.pi * turns).astype(np.complex64)
        # Harmonic n is the n-th power of the first: one exponential for all of them.
        harmonic = np.ones_like(turn)
        hum = np.zeros(len(turn), dtype=np.float32)
        for number, (level_db, phase) in enumerate(
            zip(params.levels_db, params.phases, strict=True), start=1
        ):
            harmonic = harmonic * turn
            if number * params.mains_hz < clip.sample_rate / 2:
                weight = np.complex64(10 ** (level_db / 20) * np.exp(2j * np.pi * phase))
                hum += (harmonic * weight).imag
        return with_noise(clip, hum, params.snr_db)
