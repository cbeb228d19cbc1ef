"""Vocal-tract-length warp: the same words from a longer or shorter throat.

Pitch and rate alone do not make another speaker; where the formants lie does. Formants
scale with the inverse of the vocal tract's length, so the spectral envelope is stretched
along frequency and the harmonics, hence the pitch, stay where they are. The warp is the
piecewise linear one of Lee and Rose (1998, "A frequency warping approach to speaker
normalization"), as used for augmentation by Jaitly and Hinton (2013, "Vocal tract length
perturbation improves speech recognition"): factor `alpha` up to a corner, then a line to the
Nyquist frequency, which stays in place.

The envelope is the cepstrum's first `LIFTER_SECONDS`: below the pitch period of all but the
highest voices, above the formants' detail.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

WINDOW_SECONDS = 0.032
LIFTER_SECONDS = 0.0015
CORNER_SHARE = 0.6
"""The corner, as a share of the Nyquist frequency, up to which the factor is `alpha`."""

LARGEST_GAIN_DB = 24.0
"""Envelopes are steep near silence: a bin is never changed by more than this."""

FLOOR = 1e-5


@lru_cache(maxsize=64)
def _plan(sample_rate: int) -> tuple[int, NDArray[np.float32], NDArray[np.float32]]:
    size = 2 ** round(np.log2(WINDOW_SECONDS * sample_rate))
    window = np.sqrt(np.hanning(size + 1)[:-1]).astype(np.float32)
    lifter = np.zeros(size, dtype=np.float32)
    kept = max(2, round(LIFTER_SECONDS * sample_rate))
    taper = (0.5 + 0.5 * np.cos(np.pi * np.arange(kept) / kept)).astype(np.float32)
    lifter[:kept] = taper
    lifter[-kept + 1 :] = taper[1:][::-1]
    return size, window, lifter


def warp_bins(bins: int, alpha: float) -> NDArray[np.float64]:
    """Where each of `bins` output frequencies is read in the input, in bins.

    A formant at f in the input appears at alpha * f: output bin k reads k / alpha below
    the corner.
    """
    nyquist = bins - 1
    corner_out = CORNER_SHARE * nyquist * min(alpha, 1.0)
    corner_in = corner_out / alpha
    return np.interp(np.arange(bins), [0.0, corner_out, nyquist], [0.0, corner_in, nyquist])


def warp_vocal_tract(
    sound: NDArray[np.float32], sample_rate: int, alpha: float
) -> NDArray[np.float32]:
    """Move the formants of `sound`, shape (frames,), up by the factor `alpha`.

    1.1 is a vocal tract a tenth shorter; 1.0 returns the sound as it is. Length, timing and
    pitch stay. Raises `ValueError` for a factor outside 0.5 to 2.
    """
    if not 0.5 <= alpha <= 2.0:
        raise ValueError(f"alpha must be between 0.5 and 2, got {alpha}")
    if alpha == 1.0 or len(sound) == 0:
        return sound
    size, window, lifter = _plan(sample_rate)
    hop = size // 2
    count = -(-(len(sound) + hop) // hop)
    padded = np.zeros((count + 1) * hop, dtype=np.float32)
    padded[hop : hop + len(sound)] = sound
    halves = padded.reshape(count + 1, hop)
    frames = np.concatenate([halves[:-1], halves[1:]], axis=1) * window
    spectrum = np.fft.rfft(frames, axis=1)
    logarithm = np.log(np.abs(spectrum) + np.float32(FLOOR))
    cepstrum = np.fft.irfft(logarithm, n=size, axis=1) * lifter
    envelope = np.fft.rfft(cepstrum, axis=1).real
    place = warp_bins(envelope.shape[1], alpha)
    below = np.minimum(place.astype(np.int64), envelope.shape[1] - 2)
    part = (place - below).astype(np.float32)
    warped = envelope[:, below] * (1.0 - part) + envelope[:, below + 1] * part
    limit = LARGEST_GAIN_DB / 20.0 * np.log(10.0)
    spectrum *= np.exp(np.clip(warped - envelope, -limit, limit))
    changed = (np.fft.irfft(spectrum, n=size, axis=1) * window).astype(np.float32)
    result = np.zeros((count + 1, hop), dtype=np.float32)
    result[:-1] = changed[:, :hop]
    result[1:] += changed[:, hop:]
    return np.ascontiguousarray(result.reshape(-1)[hop : hop + len(sound)])
