"""Earlier or later inside a clip of the same length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from seedbed.augmenters.sound import (
    Range,
    SoundAugmenter,
    counted,
    retimed,
    seconds_of,
    speech_bounds_s,
    within,
)
from seedbed.errors import InputError
from seedbed.sample import Clip
from seedbed.streams import uniform


@dataclass(frozen=True)
class ShiftParams:
    """What was drawn for one clip: `limited` where the speech left less room than was drawn."""

    shift_s: float
    limited: bool = False


class Shift(SoundAugmenter[ShiftParams]):
    """Moves the sound `shift_s` later (negative: earlier), silence filling in; labels move.

    Speech never leaves the clip: a draw that would push it out goes to the edge instead,
    counted as `shift_limited`. Applying such a shift by hand raises `InputError`.
    """

    params_type: ClassVar[type[ShiftParams]] = ShiftParams

    shift_s: Annotated[Range, within(-60, 60)] = (-0.2, 0.2)

    def draw(self, sample: Clip, rng: np.random.Generator) -> ShiftParams:
        """Draw how far, and hold it where the speech still fits."""
        wanted = uniform(rng, self.shift_s)
        start, end = speech_bounds_s(sample)
        frames = round(min(max(wanted, -start), seconds_of(sample) - end) * sample.sample_rate)
        held = frames / sample.sample_rate
        return ShiftParams(held, limited=abs(held - wanted) > 1 / sample.sample_rate)

    def change(self, clip: Clip, params: ShiftParams) -> Clip:
        """The clip with its sound moved."""
        start, end = speech_bounds_s(clip)
        frames = round(params.shift_s * clip.sample_rate)
        moved_s = frames / clip.sample_rate
        slack = 1.5 / clip.sample_rate
        if start + moved_s < -slack or end + moved_s > seconds_of(clip) + slack:
            raise InputError(
                f"a shift by {moved_s:.3f} s would push the speech, {start:.3f} to {end:.3f} s, "
                f"out of the clip of {seconds_of(clip):.3f} s: shift less, or pad it first."
            )
        sound = np.zeros_like(clip.sound)
        if frames >= 0:
            sound[frames:] = clip.sound[: len(sound) - frames]
        else:
            sound[:frames] = clip.sound[-frames:]
        moved = retimed(clip, sound, offset_s=moved_s)
        return counted(moved, "shift_limited") if params.limited else moved
