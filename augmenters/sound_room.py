"""The impulse response of a shoebox room: early echoes by image sources, then a diffuse tail.

The echoes up to `IMAGE_ORDER` reflections are Allen and Berkley's image sources (1979, "Image
method for efficiently simulating small-room acoustics"), computed by pyroomacoustics. A whole
tail needs some 60 reflections and most of a second; past the time at which an echo of a higher
order could be missing the response is normal noise that decays as the room does, joined at
the level the images have there (after Lehmann and Johansson 2010, "Diffuse reverberation
model for efficient image-source simulation of room impulse responses"). Bass rings longer and
highs shorter than the middle, in the images and the tail alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from seedbed.augmenters.sound import Sound
from seedbed.augmenters.sound_noise import seeded

SPEED_OF_SOUND_M_S = 343.0
IMAGE_ORDER = 12
PRE_FRAMES = 40
"""pyroomacoustics lays an echo between two frames with a windowed sinc of 81 frames, so it starts
this many frames before the echo itself."""
JOIN_SECONDS = 0.01
LEVEL_SECONDS = 0.03
"""The tail's level is the images' over this long before the join."""
BAND_EDGES_HZ = (400.0, 2500.0)
BAND_OCTAVES = 1.0
"""Bass, middle and highs overlap by this much around each edge."""
DECAY_60_DB = 3 * np.log(10)
"""An amplitude decays by exp(-this) in one reverberation time."""

BANK_LIMIT = 256


@dataclass(frozen=True)
class Room:
    """One room: everything its impulse response depends on but the sample rate.

    Positions are metres from one lower corner. `t60_s` is the time for the middle
    frequencies to fall by 60 dB; bass takes `bass_ratio` times and highs `treble_ratio`
    times as long. `seed` makes the tail.
    """

    size_m: tuple[float, float, float]
    source_m: tuple[float, float, float]
    microphone_m: tuple[float, float, float]
    t60_s: float
    bass_ratio: float
    treble_ratio: float
    seed: int

    @property
    def distance_m(self) -> float:
        """From the source to the microphone."""
        return float(np.linalg.norm(np.subtract(self.source_m, self.microphone_m)))

    @property
    def absorption(self) -> float:
        """The share of energy, 0 to 1, that walls must take for this `t60_s`, after Eyring."""
        length, width, height = self.size_m
        volume = length * width * height
        surface = 2 * (length * width + length * height + width * height)
        rate = 24 * np.log(10) * volume / (SPEED_OF_SOUND_M_S * surface * self.t60_s)
        return float(1 - np.exp(-rate))


@lru_cache(maxsize=BANK_LIMIT)
def room_response(room: Room, sample_rate: int) -> Sound:
    """The impulse response of shape (`PRE_FRAMES` + n,): the direct sound is at `PRE_FRAMES`.

    The direct sound's flight time is left out, so that word times stay.
    """
    frames = PRE_FRAMES + round(room.t60_s * max(1.0, room.bass_ratio) * sample_rate)
    images = _images(room, sample_rate)
    direct_s = room.distance_m / SPEED_OF_SOUND_M_S
    join = round((IMAGE_ORDER * min(room.size_m) / SPEED_OF_SOUND_M_S - direct_s) * sample_rate)
    join = max(PRE_FRAMES + 1, min(PRE_FRAMES + join, len(images), frames))
    response = np.zeros(frames)
    response[:join] = images[:join]
    time = (np.arange(frames) - PRE_FRAMES) / sample_rate
    decay = np.exp(-DECAY_60_DB * time / room.t60_s)
    first = max(PRE_FRAMES + 1, join - round(LEVEL_SECONDS * sample_rate))
    level = np.sqrt(np.mean((images[first:join] / decay[first:join]) ** 2)) if join > first else 0.0
    fade = max(1, min(round(JOIN_SECONDS * sample_rate), join - first))
    rise = np.zeros(frames)
    rise[join:] = 1.0
    rise[join - fade : join] = np.sin(0.5 * np.pi * np.arange(fade) / fade)
    tail = seeded(room.seed).standard_normal(frames) * decay * level
    response = response * np.sqrt(1 - rise**2) + tail * rise
    return _coloured_decay(response, time, room, sample_rate)


def _images(room: Room, sample_rate: int) -> NDArray[np.float64]:
    """The echoes up to `IMAGE_ORDER`, from `PRE_FRAMES` before the direct sound on."""
    import pyroomacoustics

    # More threads add up the same echoes in another order, which changes the last bits.
    pyroomacoustics.constants.set("num_threads", 1)
    box = pyroomacoustics.ShoeBox(
        np.array(room.size_m),
        fs=sample_rate,
        materials=pyroomacoustics.Material(room.absorption),
        max_order=IMAGE_ORDER,
        air_absorption=False,
    )
    box.add_source(np.array(room.source_m))
    box.add_microphone(np.array(room.microphone_m))
    box.compute_rir()
    response = np.asarray(box.rir[0][0], dtype=np.float64)
    # The source's 81-frame sinc is centred PRE_FRAMES after the flight time.
    onset = round(room.distance_m / pyroomacoustics.constants.get("c") * sample_rate)
    return response[onset:]


def _coloured_decay(
    response: NDArray[np.float64], time: NDArray[np.float64], room: Room, sample_rate: int
) -> Sound:
    """`response` with bass and highs decaying at their own rates from the direct sound on."""
    from scipy.fft import irfft, next_fast_len, rfft

    size = next_fast_len(len(response), real=True)
    spectrum = rfft(response, n=size)
    bass, middle, treble = _bands(size, sample_rate)
    after = np.maximum(time, 0.0) * DECAY_60_DB / room.t60_s
    result = irfft(spectrum * middle, n=size)[: len(response)]
    for band, ratio in ((bass, room.bass_ratio), (treble, room.treble_ratio)):
        part = irfft(spectrum * band, n=size)[: len(response)]
        result = result + part * np.exp(-after * (1 / ratio - 1))
    return np.asarray(result, dtype=np.float32)


@lru_cache(maxsize=32)
def _bands(size: int, sample_rate: int) -> tuple[NDArray[np.float64], ...]:
    """Weights of bass, middle and highs for the bins of a real spectrum; they add up to 1."""
    hertz = np.maximum(np.fft.rfftfreq(size, 1 / sample_rate), 1.0)

    def above(edge_hz: float) -> NDArray[np.float64]:
        place = np.clip(np.log2(hertz / edge_hz) / BAND_OCTAVES + 0.5, 0, 1)
        return np.asarray(0.5 - 0.5 * np.cos(np.pi * place))

    low, high = (above(edge) for edge in BAND_EDGES_HZ)
    return 1 - low, low * (1 - high), high
