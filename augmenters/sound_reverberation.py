"""A clip through an impulse response, at its old level and with its times kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from seedbed.augmenters.sound import SILENT_POWER, Sound, power_of, retimed, speech_mask
from seedbed.sample import Clip


def reverberated(clip: Clip, response: Sound, direct_frame: int, keep_tail: bool) -> Clip:
    """`clip` convolved with `response`, whose direct sound stands at `direct_frame`.

    The speech keeps its power. The clip keeps its length, or, with `keep_tail`, is longer
    by what follows the direct sound.
    """
    from scipy.signal import oaconvolve

    frames = len(clip.sound) + (len(response) - direct_frame - 1 if keep_tail else 0)
    heard = oaconvolve(clip.sound, response)[direct_frame : direct_frame + frames]
    mask = speech_mask(clip)
    before, after = power_of(clip.sound[mask]), power_of(heard[: len(mask)][mask])
    if before < SILENT_POWER or after < SILENT_POWER:
        before, after = power_of(clip.sound), power_of(heard)
    level = np.float32((before / after) ** 0.5) if after > 0 else np.float32(1)
    sound = np.asarray(heard * level, dtype=np.float32)
    return retimed(clip, sound) if keep_tail else replace(clip, sound=sound)
