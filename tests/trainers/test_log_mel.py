from __future__ import annotations

import numpy as np
import pytest
import torch

from seedbed.trainers.log_mel import (
    LogMelSettings,
    hz_of_mel,
    log_mel,
    mel_filterbank,
    mel_of_hz,
)


def tone(hertz: float, seconds: float = 0.5, sample_rate: int = 8000) -> torch.Tensor:
    moments = torch.arange(round(seconds * sample_rate)) / sample_rate
    return torch.sin(2 * torch.pi * hertz * moments)


def test_a_thousand_hertz_are_a_thousand_mels() -> None:
    assert float(mel_of_hz(1000.0)) == pytest.approx(1000.0, abs=0.1)
    assert hz_of_mel(mel_of_hz(440.0)) == pytest.approx(440.0)


def test_triangles_peak_at_the_edges_between_them() -> None:
    # Low enough to be nearly linear: 700 * ln(10) / 2595 Hz a mel, so edges 0, 40, 80 ... mels.
    bank = mel_filterbank(8000, 8000, 3, 0.0, float(hz_of_mel(160.0)))
    assert bank.shape == (3, 4001)
    for number, row in enumerate(bank):
        centre = float(hz_of_mel(40.0 * (number + 1)))
        assert abs(row.argmax() - centre) <= 1.0
        left, right = float(hz_of_mel(40.0 * number)), float(hz_of_mel(40.0 * (number + 2)))
        assert row[: int(left) + 1].max() == 0 and row[int(right) + 1 :].max() == 0
        # Half way up a triangle's side it is a half.
        middle = (left + centre) / 2
        assert row[round(middle)] == pytest.approx(0.5, abs=0.03)


def test_neighbouring_triangles_add_up_to_one() -> None:
    bank = mel_filterbank(16000, 4096, 20, 100.0, 8000.0)
    bins = np.arange(2049) * 16000 / 4096
    edges = hz_of_mel(np.linspace(mel_of_hz(100.0), mel_of_hz(8000.0), 22))
    inner = (bins > edges[1]) & (bins < edges[-2])
    assert np.allclose(bank[:, inner].sum(axis=0), 1.0, atol=1e-4)


def test_no_triangle_is_empty_where_bins_are_coarse() -> None:
    assert (mel_filterbank(8000, 64, 40, 60.0, 4000.0).sum(axis=1) > 0).all()


@pytest.mark.parametrize("hertz", [300.0, 1000.0, 2500.0])
def test_a_tone_is_loudest_in_its_own_triangle(hertz: float) -> None:
    settings = LogMelSettings(mels=24)
    found = log_mel(tone(hertz), settings)
    edges = hz_of_mel(np.linspace(mel_of_hz(60.0), mel_of_hz(4000.0), 26))
    nearest = int(np.abs(edges[1:-1] - hertz).argmin())
    assert found.shape == (50, 24)
    assert int(found[25].argmax()) == nearest
    assert float(found.max()) == 1.0


def test_half_the_amplitude_is_six_decibels_less() -> None:
    settings = LogMelSettings(range_db=60.0)
    sound = torch.cat([tone(1000.0), 0.5 * tone(1000.0)])
    found = log_mel(sound, settings).amax(dim=1)
    assert float(found[25] - found[75]) == pytest.approx(6.02 / 60.0, abs=1e-3)


def test_levels_do_not_matter_and_silence_is_zero() -> None:
    settings = LogMelSettings()
    sound = tone(700.0) + 0.1 * tone(1900.0)
    assert torch.allclose(log_mel(sound, settings), log_mel(0.01 * sound, settings), atol=1e-4)
    assert float(log_mel(torch.zeros(4000), settings).abs().max()) == 0.0
    assert log_mel(torch.zeros(10), settings).shape == (1, 40)


def test_clips_of_a_batch_do_not_see_each_other() -> None:
    settings = LogMelSettings()
    both = log_mel(torch.stack([tone(500.0), 0.1 * tone(1500.0)]), settings)
    assert torch.allclose(both[1], log_mel(0.1 * tone(1500.0), settings), atol=1e-6)


def test_a_band_beyond_half_the_sample_rate_is_refused() -> None:
    with pytest.raises(ValueError, match="at most half of sample_rate"):
        LogMelSettings(sample_rate=8000, high_hz=5000.0)
