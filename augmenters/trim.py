"""Less before and after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from seedbed.augmenters.sound import (
    Seconds,
    SoundAugmenter,
    counted,
    retimed,
    seconds_of,
    speech_bounds_s,
)
from seedbed.errors import InputError
from seedbed.sample import Clip
from seedbed.streams import uniform


@dataclass(frozen=True)
class TrimParams:
    """What was drawn for one clip: `refused` sides would have cut a word and are 0."""

    leading_s: float
    trailing_s: float
    refused: int = 0


class Trim(SoundAugmenter[TrimParams]):
    """Cuts `leading_s` off the clip's start and `trailing_s` off its end; labels move.

    A cut that would reach into a word is refused: that side stays whole and is counted as
    `trim_refused`. Applying such a cut by hand raises `InputError`.
    """

    params_type: ClassVar[type[TrimParams]] = TrimParams

    leading_s: Seconds = (0, 0.2)
    trailing_s: Seconds = (0, 0.2)

    def draw(self, sample: Clip, rng: np.random.Generator) -> TrimParams:
        """Draw both lengths, and leave out what would cut a word."""
        leading, trailing = uniform(rng, self.leading_s), uniform(rng, self.trailing_s)
        start, end = speech_bounds_s(sample)
        if start == end:
            start = end = seconds_of(sample) / 2
        cuts_first = leading > start
        cuts_last = trailing > seconds_of(sample) - end
        return TrimParams(
            0.0 if cuts_first else leading, 0.0 if cuts_last else trailing, cuts_first + cuts_last
        )

    def change(self, clip: Clip, params: TrimParams) -> Clip:
        """The shorter clip."""
        first = round(params.leading_s * clip.sample_rate)
        last = len(clip.sound) - round(params.trailing_s * clip.sample_rate)
        if first >= last:
            raise InputError(
                f"a trim of {params.leading_s:g} and {params.trailing_s:g} s leaves nothing of a "
                f"clip of {seconds_of(clip):.3f} s."
            )
        start, end = speech_bounds_s(clip)
        slack = 1.0
        inside = (
            first - slack <= start * clip.sample_rate and end * clip.sample_rate <= last + slack
        )
        if start < end and not inside:
            words = " ".join(word.text for word in clip.words if word.text)
            named = f" {words!r}" if words else ""
            raise InputError(
                f"a trim to {first / clip.sample_rate:.3f} to {last / clip.sample_rate:.3f} s "
                f"would cut the speech{named}, {start:.3f} to "
                f"{end:.3f} s: trim less."
            )
        sound = np.ascontiguousarray(clip.sound[first:last])
        moved = retimed(clip, sound, offset_s=-first / clip.sample_rate)
        for _ in range(params.refused):
            moved = counted(moved, "trim_refused")
        return moved
