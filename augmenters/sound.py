"""What every sound augmenter shares: its base classes, speech level, time maps, bare arrays.

A sound augmenter draws first and acts afterwards. What it draws is a small dataclass that
is stored with the sample; noises come from a seed in it. Labels follow: `retimed` moves the
times of words, phonemes and keyword when the sound's own time changes, and levels are
measured over the speech alone (`speech_power`), so that a signal-to-noise ratio means the
same however much silence a clip has. `augment_sound` takes a bare array and plain times, for use in
anyone's own training loop.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Annotated, Any, ClassVar, NamedTuple, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from seedbed.augmenters.picture import Range as Range
from seedbed.augmenters.picture import within as within
from seedbed.component import Augmenter
from seedbed.errors import InputError
from seedbed.sample import Clip, TimedSpan

P = TypeVar("P")

Sound: TypeAlias = NDArray[np.float32]
"""Mono, shape (frames,), in [-1, 1]."""

SnrRange = Annotated[Range, within(-20, 80)]
"""Decibels between the speech and what is added, measured over the speech only."""

Seconds = Annotated[Range, within(0, 60)]

PEAK_LIMIT = 0.99
"""What comes out louder than this is turned down to it, so that 16 bits never clip."""

SILENT_POWER = 1e-10
"""-100 dBFS: below the noise of 16 bits. A clip or noise under it counts as silent."""

USUAL_SPEECH_POWER = 10 ** (-26 / 10)
"""-26 dBFS, the level that ITU-T P.56 and P.830 nominate for active speech: stands for the speech
where a clip has none, so that the class "silence" is given noises too."""

INTELLIGIBLE_SNR_DB = -6.0
"""Half of the sentences are still understood in steady noise at about this ratio (Plomp and
Mimpen 1979, "Improving the reliability of testing the speech reception threshold for
sentences"): below it a clip is labelled as not intelligible."""

SNR_ROUNDING_DB = 0.01
"""What measuring and storing a ratio may be off by."""

LEAST_NOISE, MOST_NOISE = 1e-9, 1e6
"""Times the speech's power: noise below the first is none, and above the second all is lost."""

ACTIVE_SECONDS = 0.02
ACTIVE_DB = 30.0
"""Where a clip has no times, frames of 20 ms within 30 dB of its loudest are its speech."""


def check_sound(sound: Any, sample_rate: int) -> Sound:
    """`sound` as float32 of shape (frames,).

    Raises `InputError` where it is not mono float, is empty or is not finite, or where the
    sample rate is not positive.
    """
    if not isinstance(sound, np.ndarray) or sound.ndim != 1:
        shape = getattr(sound, "shape", type(sound).__name__)
        raise InputError(f"a sound must be mono, of the shape (frames,), got {shape}.")
    if not np.issubdtype(sound.dtype, np.floating):
        raise InputError(
            f"a sound must be float32 in [-1, 1], got {sound.dtype}: divide 16-bit sound by 32768."
        )
    if sound.size == 0:
        raise InputError("a sound must not be empty.")
    if sample_rate <= 0:
        raise InputError(f"a sample rate must be positive, got {sample_rate}.")
    if not np.isfinite(sound).all():
        bad = int(np.argmin(np.isfinite(sound)))
        raise InputError(f"a sound must be finite, got {sound[bad]} at frame {bad}.")
    return sound.astype(np.float32, copy=False)


def seconds_of(clip: Clip) -> float:
    """How long a clip lasts."""
    return len(clip.sound) / clip.sample_rate


def spoken_spans(clip: Clip) -> list[tuple[float, float]]:
    """The (start, end) in seconds of a clip's words, or of its phonemes or keyword."""
    spans = [(span.start, span.end) for span in clip.words or clip.phonemes]
    return spans or ([clip.keyword_span] if clip.keyword_span else [])


def speech_mask(clip: Clip) -> NDArray[np.bool_]:
    """Which frames of a clip are speech, shape (frames,).

    By its labelled times, or, where it has none, by level: see `ACTIVE_DB`.
    """
    frames = len(clip.sound)
    spans = spoken_spans(clip)
    if spans:
        mask = np.zeros(frames, dtype=np.bool_)
        for start, end in spans:
            mask[round(start * clip.sample_rate) : round(end * clip.sample_rate)] = True
        return mask
    block = max(1, round(ACTIVE_SECONDS * clip.sample_rate))
    power = np.add.reduceat(clip.sound**2, np.arange(0, frames, block))
    active = power > power.max() * 10 ** (-ACTIVE_DB / 10)
    return np.repeat(active, block)[:frames]


def speech_bounds_s(clip: Clip) -> tuple[float, float]:
    """When a clip's speech starts and ends, in seconds; (0, 0) for a silent one."""
    spans = spoken_spans(clip)
    if spans:
        return min(start for start, _ in spans), max(end for _, end in spans)
    if power_of(clip.sound) < SILENT_POWER:
        return 0.0, 0.0
    active = np.flatnonzero(speech_mask(clip))
    return float(active[0] / clip.sample_rate), float((active[-1] + 1) / clip.sample_rate)


def power_of(sound: Sound) -> float:
    """Mean square of a sound."""
    return float(np.dot(sound, sound)) / max(1, len(sound))


def speech_power(clip: Clip) -> float:
    """Mean square of a clip's speech, or `USUAL_SPEECH_POWER` where it is silent."""
    power = power_of(clip.sound[speech_mask(clip)])
    return power if power >= SILENT_POWER else USUAL_SPEECH_POWER


def clean_speech_power(clip: Clip) -> float:
    """Mean square of a clip's speech without the noises that augmenters have added to it.

    A clip without noise is measured. Every noise leaves the speech's share of what is heard in
    the attribute `speech_share`, which no gain changes; filters are taken to act on speech
    and noise alike.
    """
    share = clip.attributes.get("speech_share")
    return speech_power(clip) if share is None else max(float(share) * _whole(clip), SILENT_POWER)


def _whole(clip: Clip) -> float:
    """What `speech_share` is a share of: the power where the labelled times are, or, without
    times, the energy of the clip, which silence around it leaves as it is.
    """
    if spoken_spans(clip):
        return power_of(clip.sound[speech_mask(clip)])
    return float(np.dot(clip.sound, clip.sound))


def _noise_mask(clip: Clip) -> NDArray[np.bool_]:
    """Where noise is measured: over the speech, or all over a silent clip."""
    mask = speech_mask(clip)
    silent = power_of(clip.sound[mask]) < SILENT_POWER
    return np.ones_like(mask) if silent else mask


def at_snr(clip: Clip, noise: Sound, snr_db: float) -> Sound:
    """`noise`, shape (frames,), scaled to lie `snr_db` under the clip's clean speech.

    Both powers are taken over the speech only. Noise that is silent there stays as it is.
    """
    power = power_of(noise[_noise_mask(clip)])
    if power < SILENT_POWER:
        return noise
    return noise * np.float32((clean_speech_power(clip) / power) ** 0.5 * 10 ** (-snr_db / 20))


def with_noise(clip: Clip, noise: Sound, snr_db: float) -> Clip:
    """A clip with `noise` under its clean speech at `snr_db`, judged as `noise_added` says."""
    return noise_added(clip, at_snr(clip, noise, snr_db))


def noise_added(
    clip: Clip, noise: Sound, reason: str = "noise", power: float | None = None
) -> Clip:
    """A clip plus `noise`, shape (frames,); too much of all its noises is labelled and counted.

    `power` is how much of it masks speech, where that is not its mean square over the speech.
    The attribute `snr_db` then holds the ratio of the clean speech to all noises so far.
    """
    heard = power_of(noise[_noise_mask(clip)]) if power is None else power
    noisy = replace(clip, sound=clip.sound + noise)
    return _judged(clip, noisy, heard / clean_speech_power(clip), reason)


def distorted(clip: Clip, sound: Sound, reason: str) -> Clip:
    """A clip turned into `sound`, of the same length; what is not the clip's own is a noise.

    By least squares over the speech: what no gain of the old sound explains. A `sound` with
    nothing of the old in it holds no speech at all.
    """
    mask = _noise_mask(clip)
    old, new = clip.sound[mask], sound[mask]
    power = power_of(old)
    if power < SILENT_POWER:
        return replace(clip, sound=sound)
    gain = float(np.dot(old, new)) / max(1, len(old)) / power
    rest = max(0.0, power_of(new) - gain**2 * power)
    lost = gain <= 0 or rest > MOST_NOISE * gain**2 * power
    ratio = MOST_NOISE if lost else rest / gain**2 / clean_speech_power(clip)
    return _judged(clip, replace(clip, sound=sound), ratio, reason)


def _judged(clip: Clip, noisy: Clip, ratio: float, reason: str) -> Clip:
    """`noisy`, made of `clip` by a noise of `ratio` times the clean speech's power."""
    before = clip.attributes.get("snr_db")
    total = ratio + (0.0 if before is None else 10 ** (-float(before) / 10))
    whole = _whole(noisy)
    if total < LEAST_NOISE:
        return noisy
    snr_db = -10 * np.log10(min(total, MOST_NOISE))
    attributes = {
        **noisy.attributes,
        "snr_db": round(float(snr_db), 3),
        "speech_share": float(f"{clean_speech_power(clip) / max(whole, SILENT_POWER):.6g}"),
    }
    noisy = replace(noisy, attributes=attributes)
    if clip.transcript and snr_db < INTELLIGIBLE_SNR_DB - SNR_ROUNDING_DB and ratio > 0:
        return unintelligible(noisy, reason)
    return noisy


def unintelligible(clip: Clip, reason: str) -> Clip:
    """A clip labelled as no longer understood by a person, counted by `reason`.

    One that was labelled so before keeps its first reason and is counted once.
    """
    if clip.attributes.get("intelligible") is False:
        return clip
    attributes = {**clip.attributes, "intelligible": False, "unintelligible_reason": reason}
    return counted(replace(clip, attributes=attributes), f"unintelligible:{reason}")


def counted(clip: Clip, event: str) -> Clip:
    """A clip with one more of an event in its `counts`."""
    return replace(clip, counts={**clip.counts, event: clip.counts.get(event, 0) + 1})


def within_full_scale(sound: Sound) -> Sound:
    """`sound`, turned down to `PEAK_LIMIT` where it would not fit into [-1, 1]."""
    peak = max(float(sound.max(initial=0.0)), -float(sound.min(initial=0.0)))
    return sound if peak <= 1.0 else sound * np.float32(PEAK_LIMIT / peak)


def retimed(clip: Clip, sound: Sound, scale: float = 1.0, offset_s: float = 0.0) -> Clip:
    """A clip with another sound in which t seconds became `scale * t + offset_s`.

    Words, phonemes and keyword move along and are held inside the new sound.
    """
    end_s = len(sound) / clip.sample_rate

    def moved(seconds: float) -> float:
        return min(max(scale * seconds + offset_s, 0.0), end_s)

    def spans(old: Iterable[TimedSpan]) -> tuple[TimedSpan, ...]:
        return tuple(replace(s, start=moved(s.start), end=moved(s.end)) for s in old)

    keyword = clip.keyword_span
    return replace(
        clip,
        sound=sound,
        words=spans(clip.words),
        phonemes=spans(clip.phonemes),
        keyword_span=None if keyword is None else (moved(keyword[0]), moved(keyword[1])),
    )


def fitted(sound: NDArray[np.floating[Any]], frames: int) -> Sound:
    """`sound` cut or padded with silence at its end to `frames`, as float32."""
    if len(sound) >= frames:
        return np.ascontiguousarray(sound[:frames], dtype=np.float32)
    return np.pad(sound, (0, frames - len(sound))).astype(np.float32, copy=False)


def resampled(sound: Sound, sample_rate: float, wanted: float) -> Sound:
    """`sound` at another rate, by soxr's high quality setting; aligned in time."""
    if sample_rate == wanted:
        return sound
    import soxr

    return np.asarray(soxr.resample(sound, sample_rate, wanted, quality="HQ"), dtype=np.float32)


class AugmentedSound(NamedTuple):
    """What `augment_sound` returns.

    `sound` is float32 mono; `spans` float64 of shape (n, 2): start and end in seconds.
    """

    sound: Sound
    sample_rate: int
    spans: NDArray[np.float64]


class SoundAugmenter(Augmenter[P, Clip]):
    """An augmenter of sound: `(clip, rng) -> clip`, and on bare arrays too."""

    sample_type: ClassVar[type[Clip]] = Clip
    keeps_rate: ClassVar[bool] = True

    @abstractmethod
    def change(self, clip: Clip, params: P) -> Clip:
        """The changed clip, labels included; it may be louder than full scale."""

    def apply(self, sample: Clip, params: P) -> Clip:
        """The changed clip, labels included, turned down where it is over full scale.

        Raises `InputError` for a sound that is empty, not mono float or not finite.
        """
        sound = check_sound(sample.sound, sample.sample_rate)
        changed = self.change(replace(sample, sound=sound), params)
        return replace(changed, sound=within_full_scale(changed.sound))

    def augment_sound(
        self,
        sound: Sound,
        sample_rate: int,
        rng: np.random.Generator,
        spans: Sequence[tuple[float, float]] = (),
    ) -> AugmentedSound:
        """Draw and apply to mono float32 of shape (frames,) and times of what is said.

        `spans` holds (start, end) in seconds, of words for instance. Raises `InputError`
        for a sound or a time that cannot be used.
        """
        checked = check_sound(sound, sample_rate)
        end_s = len(checked) / sample_rate
        for position, (start, end) in enumerate(spans):
            if not 0 <= start <= end <= end_s:
                raise InputError(
                    f"span {position} must lie inside the sound of {end_s:.3f} s, got "
                    f"[{start}, {end}] (start, end)."
                )
        words = tuple(TimedSpan(text="", start=start, end=end) for start, end in spans)
        clip = self(Clip(sound=checked, sample_rate=sample_rate, words=words), rng)
        times = np.array([(one.start, one.end) for one in clip.words], dtype=np.float64)
        return AugmentedSound(clip.sound, clip.sample_rate, times.reshape(-1, 2))


class TimbreAugmenter(SoundAugmenter[P]):
    """Changes how a clip sounds and not when: no label moves."""

    @abstractmethod
    def sound_of(self, clip: Clip, params: P) -> Sound:
        """The changed sound, of the same length as the clip's."""

    def change(self, clip: Clip, params: P) -> Clip:
        """The clip with its sound changed."""
        return replace(clip, sound=self.sound_of(clip, params))
