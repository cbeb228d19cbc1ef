"""Farther from the microphone: quieter, duller, nearer to the microphone's own noise.

The room's part of distance, less direct sound against more reverberation, belongs to
`RoomReverberation`; the flight time is left out, so that word times stay.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray

from seedbed.augmenters.sound import (
    Range,
    Sound,
    SoundAugmenter,
    noise_added,
    within,
)
from seedbed.augmenters.sound_noise import coloured_noise
from seedbed.sample import Clip
from seedbed.streams import fork_seed, log_uniform, uniform

REFERENCE_M = 0.3
"""Clips are taken to be recorded this far from the mouth."""

ROOM_K = 293.15
"""20 degrees Celsius, the reference of ISO 9613-1."""


@dataclass(frozen=True)
class DistanceParams:
    """What was drawn for one clip."""

    distance_m: float
    noise_dbfs: float
    seed: int


class Distance(SoundAugmenter[DistanceParams]):
    """Moves the speaker to `distance_m` from 0.3 m, and adds the microphone's noise, unmoved.

    The level falls by 6 dB a doubling, the highs by ISO 9613-1's absorption in air. The
    noise is pink, `noise_dbfs` whatever the distance: far speech drowns in it.
    """

    params_type: ClassVar[type[DistanceParams]] = DistanceParams

    distance_m: Annotated[Range, within(REFERENCE_M, 100)] = (0.3, 4)
    noise_dbfs: Annotated[Range, within(-120, -30)] = (-85, -65)

    def draw(self, sample: Clip, rng: np.random.Generator) -> DistanceParams:
        """Draw how far, evenly in its logarithm, and the noise."""
        return DistanceParams(
            log_uniform(rng, self.distance_m), uniform(rng, self.noise_dbfs), fork_seed(rng)
        )

    def change(self, clip: Clip, params: DistanceParams) -> Clip:
        """The clip from afar; labelled and counted where its noise drowns it."""
        from scipy.fft import irfft, next_fast_len, rfft

        frames = len(clip.sound)
        size = next_fast_len(frames, real=True)
        loss_db = _absorption_db_per_m(size, clip.sample_rate) * (params.distance_m - REFERENCE_M)
        gain = np.float32(REFERENCE_M / params.distance_m) * 10 ** (-loss_db / 20)
        sound = irfft(rfft(clip.sound, n=size) * gain, n=size)[:frames]
        far = replace(clip, sound=np.asarray(sound, dtype=np.float32))
        noise = coloured_noise(frames, clip.sample_rate, 1.0, params.seed)
        level = np.float32(10 ** (params.noise_dbfs / 20))
        return noise_added(far, level * noise, "distance")


@lru_cache(maxsize=8)
def _absorption_db_per_m(size: int, sample_rate: int) -> Sound:
    hertz = np.asarray(np.fft.rfftfreq(size, 1 / sample_rate), dtype=np.float64)
    return np.array(air_absorption_db_per_m(hertz), dtype=np.float32)


def air_absorption_db_per_m(
    hertz: NDArray[np.float64], kelvin: float = ROOM_K, humidity_percent: float = 50.0
) -> NDArray[np.float64]:
    """Decibels a metre that air takes at each frequency, at sea level (ISO 9613-1:1993, 6)."""
    relative = kelvin / ROOM_K
    saturation = 10 ** (-6.8346 * (273.16 / kelvin) ** 1.261 + 4.6151)
    vapour = humidity_percent * saturation
    oxygen_hz = 24 + 4.04e4 * vapour * (0.02 + vapour) / (0.391 + vapour)
    nitrogen_hz = relative**-0.5 * (9 + 280 * vapour * np.exp(-4.17 * (relative ** (-1 / 3) - 1)))
    squared = np.square(hertz)
    oxygen = 0.01275 * np.exp(-2239.1 / kelvin) / (oxygen_hz + squared / oxygen_hz)
    nitrogen = 0.1068 * np.exp(-3352.0 / kelvin) / (nitrogen_hz + squared / nitrogen_hz)
    classical = 1.84e-11 * relative**0.5
    return np.asarray(8.686 * squared * (classical + relative**-2.5 * (oxygen + nitrogen)))
