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

import math
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


ROWS_AT_ONCE = 32
"""Frames in one matrix product: of this size OpenBLAS keeps to one thread, so that sums do not
depend on how many there are."""

Plan = tuple[int, NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]


@lru_cache(maxsize=64)
def _plan(sample_rate: int) -> Plan:
    """Window length; window; and two matrices, bins to cepstrum and cepstrum to envelope.

    Of shapes (bins, kept) and (kept, bins): a log spectrum is even, so its cepstrum is a cosine
    transform, and only the `kept` first numbers of it are needed.
    """
    size = 2 ** round(np.log2(WINDOW_SECONDS * sample_rate))
    window = np.sqrt(np.hanning(size + 1)[:-1]).astype(np.float32)
    kept = max(2, round(LIFTER_SECONDS * sample_rate))
    taper = 0.5 + 0.5 * np.cos(np.pi * np.arange(kept) / kept)
    bins = size // 2 + 1
    waves = np.cos(2.0 * np.pi * np.outer(np.arange(kept), np.arange(bins)) / size)
    twice = np.full(bins, 2.0)
    twice[[0, -1]] = 1.0
    to_cepstrum = (waves * twice / size).T
    from_cepstrum = waves * taper[:, None]
    from_cepstrum[1:] *= 2.0
    return (
        size,
        window,
        np.ascontiguousarray(to_cepstrum, dtype=np.float32),
        np.ascontiguousarray(from_cepstrum, dtype=np.float32),
    )


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
    size, window, to_cepstrum, from_cepstrum = _plan(sample_rate)
    hop = size // 2
    count = -(-(len(sound) + hop) // hop)
    padded = np.zeros((count + 1) * hop, dtype=np.float32)
    padded[hop : hop + len(sound)] = sound
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop] * window
    spectrum = np.fft.rfft(frames, axis=1)
    logarithm = np.log(np.abs(spectrum) + np.float32(FLOOR))
    place = warp_bins(logarithm.shape[1], alpha)
    below = np.minimum(place.astype(np.int64), logarithm.shape[1] - 2)
    part = (place - below).astype(np.float32)
    # The envelope read elsewhere, less the envelope: both are sums of the same cosines.
    change = from_cepstrum.take(below, axis=1) * (np.float32(1.0) - part)
    change += from_cepstrum.take(below + 1, axis=1) * part
    change -= from_cepstrum
    gain = np.empty_like(logarithm)
    for first in range(0, count, ROWS_AT_ONCE):
        rows = slice(first, first + ROWS_AT_ONCE)
        np.matmul(logarithm[rows] @ to_cepstrum, change, out=gain[rows])
    limit = LARGEST_GAIN_DB / 20.0 * math.log(10.0)
    np.clip(gain, -limit, limit, out=gain)
    spectrum *= np.exp(gain, out=gain)
    changed = (np.fft.irfft(spectrum, n=size, axis=1) * window).astype(np.float32)
    result = np.zeros((count + 1, hop), dtype=np.float32)
    result[:-1] = changed[:, :hop]
    result[1:] += changed[:, hop:]
    return np.ascontiguousarray(result.reshape(-1)[hop : hop + len(sound)])
