"""Log-mel spectrograms: what a listener's conv core looks at instead of samples.

A short-time Fourier transform (torch's), its power gathered by triangles that are evenly
spaced in mel (Stevens and others 1937; the formula is O'Shaughnessy's, 1987, as in HTK), and
the decibels below the clip's own loudest cell. Levels therefore do not matter, and noise that
lies deeper than `range_db` is not seen at all.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor

QUIETEST_POWER = 1e-10
"""Power of a cell that counts as silence whatever stands beside it: -100 dB of full scale."""


def mel_of_hz(hertz: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Mels: 1000 Hz is 1000 of them, within a thousandth."""
    return np.asarray(2595.0 * np.log10(1.0 + np.asarray(hertz) / 700.0))


def hz_of_mel(mels: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """What `mel_of_hz` undoes."""
    return np.asarray(700.0 * (10.0 ** (np.asarray(mels) / 2595.0) - 1.0))


def mel_filterbank(
    sample_rate: int, size: int, mels: int, low_hz: float, high_hz: float
) -> NDArray[np.float32]:
    """Triangles over the bins of a transform of `size` samples, shape (mels, size // 2 + 1).

    Triangle m rises from edge m to 1 at edge m + 1 and falls to edge m + 2; the `mels + 2`
    edges lie evenly in mel from `low_hz` to `high_hz`. A triangle too narrow to reach a bin
    takes the nearest one, so that none is empty.
    """
    edges = hz_of_mel(np.linspace(mel_of_hz(low_hz), mel_of_hz(high_hz), mels + 2))
    bins = np.arange(size // 2 + 1) * sample_rate / size
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising = (bins - low) / (centre - low)
    falling = (high - bins) / (high - centre)
    bank = np.maximum(0.0, np.minimum(rising, falling))
    for number in np.flatnonzero(bank.sum(axis=1) == 0.0):
        bank[number, np.abs(bins - centre[number]).argmin()] = 1.0
    return bank.astype(np.float32)


class LogMelSettings(BaseModel):
    """How a spectrogram is made."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    sample_rate: int = Field(default=8000, ge=1000, le=96000)
    window_s: float = Field(default=0.032, gt=0, le=1)
    hop_s: float = Field(default=0.01, gt=0, le=1)
    mels: int = Field(default=40, ge=2, le=512)
    low_hz: float = Field(default=60.0, ge=0)
    high_hz: float | None = Field(default=None, description="by default half the sample rate")
    range_db: float = Field(default=55.0, gt=0, description="below the loudest cell: this is 0")

    @model_validator(mode="after")
    def _band(self) -> LogMelSettings:
        if not self.low_hz < self.top_hz <= self.sample_rate / 2:
            raise ValueError(
                f"low_hz must be below high_hz, and that at most half of sample_rate, got "
                f"{self.low_hz:g} and {self.top_hz:g} at {self.sample_rate}"
            )
        return self

    @property
    def top_hz(self) -> float:
        """The upper end of the highest triangle."""
        return self.sample_rate / 2 if self.high_hz is None else self.high_hz

    @property
    def window(self) -> int:
        """Samples of a frame."""
        return max(2, round(self.window_s * self.sample_rate))

    @property
    def hop(self) -> int:
        """Samples between two frames."""
        return max(1, round(self.hop_s * self.sample_rate))

    def frames(self, samples: int) -> int:
        """Frames of a clip of `samples`: at least one."""
        return max(1, samples // self.hop)


@lru_cache(maxsize=16)
def _tables(settings: LogMelSettings) -> tuple[Tensor, Tensor, int]:
    size = 1 << (settings.window - 1).bit_length()
    bank = mel_filterbank(
        settings.sample_rate, size, settings.mels, settings.low_hz, settings.top_hz
    )
    return torch.hann_window(settings.window), torch.from_numpy(bank.T.copy()), size


def log_mel(sounds: Tensor, settings: LogMelSettings) -> Tensor:
    """Clips (..., samples) as (..., frames, mels), float32 from 0 to 1.

    1 is a clip's loudest cell, 0 one that lies `range_db` below it or deeper. Frame n is centred on
    sample n * hop; silence is put around a clip.
    """
    window, bank, size = _tables(settings)
    flat = sounds.float().reshape(-1, sounds.shape[-1])
    spectrum = torch.stft(
        flat,
        size,
        settings.hop,
        settings.window,
        window.to(flat.device),
        center=True,
        pad_mode="constant",
        return_complex=True,
    )
    power = spectrum.real.square() + spectrum.imag.square()
    # A full-scale sine in the middle of a bin has this power.
    power = power / (0.5 * window.sum().item()) ** 2
    frames = settings.frames(sounds.shape[-1])
    mel = power.transpose(1, 2)[:, :frames] @ bank.to(flat.device)
    decibels = 10.0 * mel.clamp_min(QUIETEST_POWER).log10()
    loudest = decibels.amax(dim=(1, 2), keepdim=True)
    # A clip of silence is silence, not its own loudest cell.
    quietest = 10.0 * float(np.log10(QUIETEST_POWER))
    heard = (decibels > quietest).float()
    scaled = ((decibels - loudest) / settings.range_db + 1.0).clamp_min(0.0) * heard
    return scaled.reshape(*sounds.shape[:-1], frames, settings.mels)
