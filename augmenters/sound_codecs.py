"""Lossy codecs in memory, by libsndfile: there and back, with times kept.

A codec may give the sound back late or longer than it was. Each is measured once a process with a
burst at a known frame (`codec_delay`), and its delay is taken out of every clip.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from seedbed.augmenters.sound import Sound, fitted, resampled

CodecName = Literal[
    "mu-law", "a-law", "gsm", "ima-adpcm", "ms-adpcm", "g721", "vorbis", "opus", "mp3"
]

MPEG_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
OPUS_RATES = (8000, 12000, 16000, 24000, 48000)


@dataclass(frozen=True)
class CodecFacts:
    """How libsndfile calls a codec; no `rates` means any; telephone codecs work at 8 kHz alone."""

    container: str
    subtype: str
    rates: tuple[int, ...] = ()
    has_quality: bool = False


CODECS: dict[CodecName, CodecFacts] = {
    "mu-law": CodecFacts("WAV", "ULAW"),
    "a-law": CodecFacts("WAV", "ALAW"),
    "gsm": CodecFacts("WAV", "GSM610", (8000,)),
    "ima-adpcm": CodecFacts("WAV", "IMA_ADPCM"),
    "ms-adpcm": CodecFacts("WAV", "MS_ADPCM"),
    "g721": CodecFacts("AU", "G721_32", (8000,)),
    "vorbis": CodecFacts("OGG", "VORBIS", has_quality=True),
    "opus": CodecFacts("OGG", "OPUS", OPUS_RATES, has_quality=True),
    "mp3": CodecFacts("MP3", "MPEG_LAYER_III", MPEG_RATES, has_quality=True),
}

SMALLEST = 0.99
"""libsndfile's compression runs from 0 to 1, but its MP3 encoder refuses 1 itself."""

PROBE_SECONDS = 1.0
PROBE_HZ = 700.0


def coded(sound: Sound, sample_rate: int, codec: CodecName, quality: float = 0.5) -> Sound:
    """`sound`, shape (frames,), encoded and decoded: same length, rate and timing.

    `quality` from 0, smallest, to 1, best, is heeded by Vorbis, Opus and MP3. A rate
    that the codec does not know is resampled to the next above it, and back.
    """
    rate = codec_rate(codec, sample_rate)
    there = resampled(sound, sample_rate, rate)
    decoded = _round_trip(there, rate, codec, quality)
    delay = codec_delay(codec, rate, round(quality, 1))
    kept = fitted(decoded[delay:] if delay >= 0 else np.pad(decoded, (-delay, 0)), len(there))
    return fitted(resampled(kept, rate, sample_rate), len(sound))


def codec_rate(codec: CodecName, sample_rate: int) -> int:
    """The rate a codec works at: the clip's own, the next above it, or its highest."""
    rates = CODECS[codec].rates
    if not rates or sample_rate in rates:
        return sample_rate
    return min((rate for rate in rates if rate >= sample_rate), default=max(rates))


@lru_cache(maxsize=128)
def codec_delay(codec: CodecName, sample_rate: int, quality: float) -> int:
    """How many frames late a codec gives a sound back at that rate and quality."""
    frames = round(PROBE_SECONDS * sample_rate)
    burst_frames = sample_rate // 20
    time = np.arange(burst_frames) / sample_rate
    burst = (0.5 * np.hanning(burst_frames) * np.sin(2 * np.pi * PROBE_HZ * time)).astype(
        np.float32
    )
    first = frames // 2
    probe = np.zeros(frames, dtype=np.float32)
    probe[first : first + burst_frames] = burst
    decoded = _round_trip(probe, sample_rate, codec, quality)
    return int(np.argmax(np.correlate(decoded, burst, "valid"))) - first


def _round_trip(sound: Sound, sample_rate: int, codec: CodecName, quality: float) -> Sound:
    import soundfile

    facts = CODECS[codec]
    buffer = io.BytesIO()
    level = min(1.0 - quality, SMALLEST)
    options = {"compression_level": level} if facts.has_quality else {}
    soundfile.write(
        buffer, sound, sample_rate, format=facts.container, subtype=facts.subtype, **options
    )
    buffer.seek(0)
    return np.asarray(soundfile.read(buffer, dtype="float32")[0], dtype=np.float32)
