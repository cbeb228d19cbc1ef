"""Longer or shorter at the same pitch: WSOLA, for speech and by time domain alone.

Waveform similarity overlap-add (Verhelst and Roelands 1993, "An overlap-add technique based
on waveform similarity (WSOLA) for high quality time-scale modification of speech"): frames of
30 ms are laid half over each other, each taken from where, within a tolerance, the sound
best continues the frame before. Unlike a phase vocoder it leaves plosives sharp.
"""

from __future__ import annotations

import numpy as np

from seedbed.augmenters.sound import Sound, fitted

FRAME_SECONDS = 0.03
TOLERANCE_SECONDS = 0.006
"""Frames come from up to this far off their exact place: more than half a period of 85 Hz."""

TIME_ERROR_SECONDS = TOLERANCE_SECONDS + FRAME_SECONDS / 4
"""What stood at t stands within this of `stretch * t`."""


def stretched(sound: Sound, sample_rate: int, stretch: float) -> Sound:
    """`sound`, shape (frames,), `stretch` times as long at the same pitch."""
    frames = max(1, round(len(sound) * stretch))
    hop = max(1, round(FRAME_SECONDS * sample_rate / 2))
    reach = max(1, round(TOLERANCE_SECONDS * sample_rate))
    window = np.hanning(2 * hop + 1)[:-1].astype(np.float32)
    count = -(-frames // hop) + 1
    margin = hop + reach
    padded = np.pad(sound, (margin, margin + 3 * hop + reach))
    last = len(padded) - 3 * hop
    result = np.zeros((count + 1) * hop, dtype=np.float32)
    place = margin - hop
    for number in range(count):
        exact = margin - hop + round(number * hop / stretch)
        if number > 0:
            first = min(max(exact - reach, 0), last - 2 * reach)
            region = padded[first : first + 2 * reach + hop]
            continuation = padded[place + hop : place + 2 * hop]
            place = first + _best_match(region, continuation)
        else:
            place = exact
        result[number * hop : number * hop + 2 * hop] += padded[place : place + 2 * hop] * window
    return fitted(result[hop:], frames)


def _best_match(region: Sound, wanted: Sound) -> int:
    """Where in `region` a stretch of `wanted`'s length is most like it, level aside.

    Silence, where all places are alike, gives the middle.
    """
    likeness = np.correlate(region, wanted, "valid")
    energy = np.cumsum(np.concatenate([np.zeros(1, np.float32), region**2]))
    power = energy[len(wanted) :] - energy[: -len(wanted)]
    score = likeness / np.sqrt(power + np.float32(1e-6))
    best = int(np.argmax(score))
    middle = len(score) // 2
    return best if score[best] > score[middle] + 1e-6 else middle
