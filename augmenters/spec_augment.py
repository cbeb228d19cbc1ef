"""Bands and moments hidden from a network while it trains: SpecAugment.

Park et al. 2019, "SpecAugment: a simple data augmentation method for automatic speech
recognition". Their time warp is left out: they found it to help least and cost most.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from seedbed.augmenters.sound import Range, within
from seedbed.component import Augmenter
from seedbed.errors import InputError
from seedbed.sample import Sample
from seedbed.streams import uniform

LogMelArray = NDArray[np.floating[Any]]
"""Shape (mels, frames), in logarithms."""


@dataclass(frozen=True, kw_only=True)
class LogMel(Sample):
    """A log-mel spectrogram of shape (mels, frames)."""

    log_mel: LogMelArray


@dataclass(frozen=True)
class SpecAugmentParams:
    """What was drawn for one spectrogram: (first, width) of each hidden band and moment."""

    bands: tuple[tuple[int, int], ...]
    moments: tuple[tuple[int, int], ...]


class SpecAugment(Augmenter[SpecAugmentParams, LogMel]):
    """Replaces bands and moments of a log-mel spectrogram by its mean; for training loops.

    Widths are shares of the mels and of the frames. It changes features, not clips, so a
    dataset's recipe cannot name it.
    """

    params_type: ClassVar[type[SpecAugmentParams]] = SpecAugmentParams
    sample_type: ClassVar[type[LogMel]] = LogMel

    bands: int = Field(default=2, ge=0, le=20)
    band_share: Annotated[Range, within(0, 0.5)] = (0, 0.2)
    moments: int = Field(default=2, ge=0, le=20)
    moment_share: Annotated[Range, within(0, 0.5)] = (0, 0.12)

    def draw(self, sample: LogMel, rng: np.random.Generator) -> SpecAugmentParams:
        """Draw every band and moment."""
        mels, frames = _checked(sample.log_mel).shape

        def spans(count: int, share: Range, length: int) -> tuple[tuple[int, int], ...]:
            widths = [round(uniform(rng, share) * length) for _ in range(count)]
            return tuple((int(rng.integers(length - width + 1)), width) for width in widths)

        return SpecAugmentParams(
            spans(self.bands, self.band_share, mels), spans(self.moments, self.moment_share, frames)
        )

    def apply(self, sample: LogMel, params: SpecAugmentParams) -> LogMel:
        """The spectrogram with parts hidden."""
        hidden = _checked(sample.log_mel).copy()
        mean = hidden.mean()
        for first, width in params.bands:
            hidden[first : first + width] = mean
        for first, width in params.moments:
            hidden[:, first : first + width] = mean
        return replace(sample, log_mel=hidden)

    def augment_log_mel(self, log_mel: LogMelArray, rng: np.random.Generator) -> LogMelArray:
        """Draw and apply to a bare array of shape (mels, frames).

        Raises `InputError` for another shape, an empty array or numbers that are not finite.
        """
        return self(LogMel(log_mel=log_mel), rng).log_mel


def _checked(log_mel: LogMelArray) -> LogMelArray:
    if not isinstance(log_mel, np.ndarray) or log_mel.ndim != 2 or log_mel.size == 0:
        shape = getattr(log_mel, "shape", type(log_mel).__name__)
        raise InputError(f"a log-mel spectrogram must have the shape (mels, frames), got {shape}.")
    if not np.isfinite(log_mel).all():
        raise InputError("a log-mel spectrogram must be finite: add a floor before the logarithm.")
    return log_mel
