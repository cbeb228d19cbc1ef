"""Loudness as ITU-R BS.1770-5 defines it: K-weighted, gated power in LUFS.

Two filters imitate the head and the ear: a shelf that lifts highs by 4 dB, and a high pass. Blocks
of 400 ms, each a quarter further, count where they are over -70 LUFS and over 10 LU below
the mean of those. A sound shorter than a block is one block.

The recommendation prints the filters for 48 kHz only. The corner frequencies, gain and Q that
give those very numbers through the bilinear transform (as found by Brecht De Man, "Evaluation
of implementations of the EBU R128 loudness measurement", AES 145, 2018) serve other rates.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from seedbed.augmenters.sound import SILENT_POWER, Sound

SHELF_HZ, SHELF_DB, SHELF_Q = 1681.974450955533, 3.999843853973347, 0.7071752369554196
SHELF_SLOPE = 0.4996667741545416
"""The exponent that turns the shelf's gain into its gain at the corner."""
HIGH_PASS_HZ, HIGH_PASS_Q = 38.13547087602444, 0.5003270373238773

BLOCK_SECONDS = 0.4
STEP_SECONDS = 0.1
OFFSET_DB = -0.691
"""Makes a full-scale sine of 997 Hz in one channel read -3.01 LUFS."""
ABSOLUTE_GATE_LUFS = -70.0
RELATIVE_GATE_LU = -10.0


@lru_cache(maxsize=16)
def k_weighting(sample_rate: int) -> NDArray[np.float64]:
    """Both filters as second-order sections, shape (2, 6), for a sample rate in hertz."""
    k = np.tan(np.pi * min(SHELF_HZ, 0.45 * sample_rate) / sample_rate)
    high = 10 ** (SHELF_DB / 20)
    middle = high**SHELF_SLOPE
    a0 = 1 + k / SHELF_Q + k * k
    shelf = [
        (high + middle * k / SHELF_Q + k * k) / a0,
        2 * (k * k - high) / a0,
        (high - middle * k / SHELF_Q + k * k) / a0,
        1.0,
        2 * (k * k - 1) / a0,
        (1 - k / SHELF_Q + k * k) / a0,
    ]
    k = np.tan(np.pi * HIGH_PASS_HZ / sample_rate)
    a0 = 1 + k / HIGH_PASS_Q + k * k
    high_pass = [1.0, -2.0, 1.0, 1.0, 2 * (k * k - 1) / a0, (1 - k / HIGH_PASS_Q + k * k) / a0]
    return np.array([shelf, high_pass])


def loudness_lufs(sound: Sound, sample_rate: int) -> float:
    """The integrated loudness of a mono sound of shape (frames,); -inf where all is gated out."""
    from scipy.signal import sosfilt

    weighted = sosfilt(k_weighting(sample_rate), sound.astype(np.float64))
    energy = np.concatenate([[0.0], np.cumsum(weighted**2)])
    block = min(round(BLOCK_SECONDS * sample_rate), len(sound))
    starts = np.arange(0, len(sound) - block + 1, max(1, round(STEP_SECONDS * sample_rate)))
    powers = (energy[starts + block] - energy[starts]) / block
    powers = powers[_lufs(powers) > ABSOLUTE_GATE_LUFS]
    if powers.size == 0:
        return -np.inf
    gate = float(_lufs(powers.mean())) + RELATIVE_GATE_LU
    return float(_lufs(powers[_lufs(powers) > gate].mean()))


def _lufs(power: NDArray[np.float64] | np.float64) -> NDArray[np.float64]:
    return np.asarray(OFFSET_DB + 10 * np.log10(np.maximum(power, SILENT_POWER * 1e-4)))
