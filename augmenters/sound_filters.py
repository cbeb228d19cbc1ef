"""Filters that channels are made of: band edges, bells and shelves as second-order sections."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from seedbed.augmenters.sound import Sound

HIGHEST_SHARE = 0.98
"""Edges at this share of the Nyquist frequency or above are left out: there is nothing to cut."""


def band_edges(
    sample_rate: int, low_hz: float = 0.0, high_hz: float = 0.0, order: int = 2
) -> NDArray[np.float64]:
    """Butterworth edges of `order` as sections, shape (n, 6); 0 Hz leaves an edge out.

    The same numbers as `scipy.signal.butter` gives, in a hundredth of its time.
    """
    highest_hz = HIGHEST_SHARE * sample_rate / 2
    sections = []
    if 0 < low_hz < highest_hz:
        sections += _butterworth(sample_rate, low_hz, order, passes_lows=False)
    if 0 < high_hz < highest_hz:
        sections += _butterworth(sample_rate, high_hz, order, passes_lows=True)
    return np.array(sections, dtype=np.float64).reshape(-1, 6)


def _butterworth(
    sample_rate: int, edge_hz: float, order: int, passes_lows: bool
) -> list[list[float]]:
    """Sections with poles on Butterworth's circle, by the bilinear transform."""
    k = math.tan(math.pi * edge_hz / sample_rate)
    sign = 1.0 if passes_lows else -1.0
    sections = []
    for pair in range(order // 2):
        # Each pair of poles lies on the circle at this angle from the negative real axis.
        damping = 2 * math.cos(math.pi * (order - 1 - 2 * pair) / (2 * order))
        scale = 1 / (1 + damping * k + k * k)
        gain = scale * (k * k if passes_lows else 1.0)
        feedback = [1.0, 2 * (k * k - 1) * scale, (1 - damping * k + k * k) * scale]
        sections.append([gain, 2 * sign * gain, gain, *feedback])
    if order % 2:
        gain = (k if passes_lows else 1.0) / (1 + k)
        sections.append([gain, sign * gain, 0.0, 1.0, (k - 1) / (k + 1), 0.0])
    return sections


def bell(sample_rate: int, centre_hz: float, gain_db: float, q: float) -> NDArray[np.float64]:
    """A peak or dip as one section, shape (1, 6).

    From Robert Bristow-Johnson, "Cookbook formulae for audio equalizer biquad filter
    coefficients"; a centre over the Nyquist frequency gives no section.
    """
    if centre_hz >= HIGHEST_SHARE * sample_rate / 2:
        return np.zeros((0, 6))
    amplitude = 10 ** (gain_db / 40)
    angle = 2 * np.pi * centre_hz / sample_rate
    alpha = np.sin(angle) / (2 * q)
    a0 = 1 + alpha / amplitude
    numerator = [1 + alpha * amplitude, -2 * np.cos(angle), 1 - alpha * amplitude]
    denominator = [a0, -2 * np.cos(angle), 1 - alpha / amplitude]
    return np.array([numerator + denominator], dtype=np.float64) / float(a0)


def filtered(sound: Sound, sections: NDArray[np.float64]) -> Sound:
    """`sound` through sections of shape (n, 6), as a channel does: causal, from rest."""
    if len(sections) == 0:
        return sound
    from scipy.signal import sosfilt

    return np.asarray(sosfilt(sections, sound), dtype=np.float32)
