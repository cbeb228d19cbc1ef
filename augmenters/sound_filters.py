"""Filters that channels are made of: band edges, bells and shelves as second-order sections."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seedbed.augmenters.sound import Sound

HIGHEST_SHARE = 0.98
"""Edges at this share of the Nyquist frequency or above are left out: there is nothing to cut."""


def band_edges(
    sample_rate: int, low_hz: float = 0.0, high_hz: float = 0.0, order: int = 2
) -> NDArray[np.float64]:
    """Butterworth edges of `order` as sections, shape (n, 6); 0 Hz leaves an edge out."""
    from scipy.signal import butter

    nyquist = sample_rate / 2
    sections = [np.zeros((0, 6))]
    if 0 < low_hz < HIGHEST_SHARE * nyquist:
        sections.append(butter(order, low_hz, "highpass", fs=sample_rate, output="sos"))
    if 0 < high_hz < HIGHEST_SHARE * nyquist:
        sections.append(butter(order, high_hz, "lowpass", fs=sample_rate, output="sos"))
    return np.concatenate(sections)


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
