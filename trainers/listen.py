"""Listens for keywords: a short clip in, one of a few words out.

Three fronts. The log-mel spectrogram of a second of sound, a picture to a 2-D conv core: the
usual one. The samples themselves, for WaveNet lines. And Google's frozen speech embedding
(Lin and others 2020, "Training keyword spotters with limited and synthesized speech data")
under a small head. Clips come at any sample rate; what they lose on the way to the network's
own rate, they lose in training and in use alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator
from torch import Tensor, nn

from seedbed.component import Augmenter
from seedbed.errors import InputError
from seedbed.sample import NAMELESS, Clip
from seedbed.streams import chance, stream, uniform
from seedbed.trainers.augment import AugmenterSpec, make_augmenters
from seedbed.trainers.conv import build
from seedbed.trainers.heads import class_head, class_losses
from seedbed.trainers.log_mel import LogMelSettings, log_mel
from seedbed.trainers.measures import Pairs, accuracy, confusion_table, recall_by_class
from seedbed.trainers.sounds import Sound, at_rate, placed
from seedbed.trainers.task import Batch, Example, Outcome, Task, TaskSettings, seeded_weights

Features = NDArray[np.float32]
Front = Literal["log-mel", "samples", "speech-embedding"]

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
OTHER = ""
"""The label of what is none of the keywords."""

USUAL_ARCHS: dict[Front, str] = {
    "log-mel": (
        "F16@3x3 nobias > BN > R > P2 > "
        "F32@3x3 nobias > BN > R > P2 > "
        "F64@3x3 nobias > BN > R > P2 > "
        "F128@3x5 valid nobias > BN > R > gap > drop0.3"
    ),
    "samples": "F32@20/10 nobias > BN > R > W32*8 > R > F64@1 > R > gap > drop0.2",
    "speech-embedding": "BN > gap > drop0.2",
}
"""The network of each front where none is given; the last layer, onto the labels, is added."""

USUAL_RMS = 0.1
"""Samples are brought to this level: -20 dB of full scale."""

EMBEDDING_RATE = 16_000

TRIM_BLOCK_S = 0.01
"""Levels are measured over so long when a clip is trimmed by them."""

VIEWS_ACROSS = (0.2, 0.8)
"""Where several views put a clip in the window: shares of what is left over before it."""

SLIDE_SHARE = 0.5
"""Of the window: how far it moves over a clip that holds no keyword and is longer than it."""

LISTEN_TOGETHER = 32
"""Clips that are heard in one batch outside training."""


class ListenSettings(TaskSettings):
    """What a listener knows, how it hears, and which clips it learns from."""

    labels: tuple[str, ...] = Field(default=DIGITS, min_length=1, description="the keywords")
    aliases: dict[str, str] = Field(
        default={str(number): word for number, word in enumerate(DIGITS)},
        description="other names that a dataset may have for a label",
    )
    other: bool = Field(default=False, description="one more class: all that is no keyword")
    accept: float = Field(
        default=0.5, ge=0, le=1, description="the least score of a keyword that counts as heard"
    )
    front: Front = "log-mel"
    backbone: Literal["", "speech-embedding"] = Field(
        default="", description="speech-embedding is short for the front of that name"
    )
    spectrogram: LogMelSettings = Field(
        default=LogMelSettings(), description="its sample_rate is the listener's"
    )
    seconds: float = Field(default=1.0, gt=0, le=30, description="the window that is heard")
    arch: str = Field(default="", description="arch line that ends in a vector; '' for the usual")
    edges_s: tuple[float, float] = Field(
        default=(-0.04, 0.12), description="kept before and after the speech; below 0 cuts into it"
    )
    trim_share: float = Field(
        default=0.6, ge=0, le=1, description="clips that are then trimmed by level, in training"
    )
    trim_db: tuple[float, float] = Field(
        default=(12.0, 40.0), description="below the loudest moment: quieter ends are cut off"
    )
    augmenters: tuple[AugmenterSpec, ...] = Field(
        default=(
            AugmenterSpec(name="speed-perturbation", probability=0.6, speed=[0.8, 1.25]),
            AugmenterSpec(name="vocal-tract-warp", probability=0.4, factor=[0.85, 1.18]),
            AugmenterSpec(name="room-reverberation", probability=0.2, distance_m=[0.2, 1.0]),
            AugmenterSpec(name="microphone-response", probability=0.5),
            AugmenterSpec(name="coloured-noise", probability=0.7, snr_db=[5, 45]),
            # Recordings of telephones: a front that hears above 4 kHz must do without at times.
            AugmenterSpec(name="resample", probability=0.6, rate_hz=[8000, 9500]),
            AugmenterSpec(name="spec-augment", probability=0.5),
        ),
        description="of clips, in training alone; spec-augment is for log-mel",
    )
    copies: int = Field(
        default=3, ge=0, le=100, description="augmented copies of a clip under a frozen backbone"
    )
    label_smoothing: float = Field(default=0.05, ge=0, lt=1)
    views: int = Field(
        default=1,
        ge=1,
        le=9,
        description="places in the window at which a clip is heard, and the scores averaged",
    )

    @field_validator("labels")
    @classmethod
    def _labels(cls, labels: tuple[str, ...]) -> tuple[str, ...]:
        twice = sorted({label for label in labels if labels.count(label) > 1})
        if twice:
            raise ValueError(f"the label {twice[0]!r} stands there twice")
        if OTHER in labels:
            raise ValueError("a label must not be empty: what is no keyword is the setting `other`")
        return labels

    @field_validator("edges_s")
    @classmethod
    def _edges(cls, edges: tuple[float, float]) -> tuple[float, float]:
        if not -0.5 <= edges[0] <= edges[1]:
            raise ValueError("must be [low, high] with low at least -0.5")
        return edges

    @field_validator("trim_db")
    @classmethod
    def _trim(cls, trim: tuple[float, float]) -> tuple[float, float]:
        if not 0.0 < trim[0] <= trim[1]:
            raise ValueError("must be [low, high] above 0")
        return trim

    @model_validator(mode="before")
    @classmethod
    def _usual(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        values = dict(values)
        if values.get("backbone"):
            values["front"] = values["backbone"]
        front = values.get("front", "log-mel")
        if not values.get("arch") and front in USUAL_ARCHS:
            values["arch"] = USUAL_ARCHS[front]
        labels = tuple(values.get("labels", DIGITS))
        if "aliases" not in values and labels != DIGITS:
            values["aliases"] = {}
        if front == "speech-embedding" and "spectrogram" not in values:
            values["spectrogram"] = {"sample_rate": EMBEDDING_RATE}
        return values

    @model_validator(mode="after")
    def _fits(self) -> ListenSettings:
        unknown = sorted(set(self.aliases.values()) - set(self.labels))
        if unknown:
            raise ValueError(f"aliases: {unknown[0]!r} is none of the labels")
        if self.front == "speech-embedding" and self.sample_rate != EMBEDDING_RATE:
            raise ValueError(f"speech-embedding hears at a sample_rate of {EMBEDDING_RATE}")
        return self

    @property
    def sample_rate(self) -> int:
        """What every clip is resampled to."""
        return self.spectrogram.sample_rate

    @property
    def samples(self) -> int:
        """Samples of the window."""
        return round(self.seconds * self.sample_rate)


@dataclass(frozen=True)
class ListenItem:
    """A clip at the listener's rate and the number of its class; `features` where they are kept.

    `features` holds those of the clip as it is and, under a frozen backbone, of its augmented
    copies; it is empty where they are made anew each time.
    """

    name: str
    clip: Clip
    target: int
    groups: Mapping[str, str] = field(default_factory=dict)
    features: tuple[Features, ...] = ()

    @property
    def size_bytes(self) -> int:
        """What it takes in memory."""
        return self.clip.sound.nbytes + sum(one.nbytes for one in self.features) + 512


@dataclass(frozen=True)
class Heard:
    """A label, "" for none of the keywords, its probability, and those of all classes."""

    label: str
    score: float
    probabilities: NDArray[np.float32]


class ListenNetwork(nn.Module):
    """Features of one shape in, logits over the classes out, (batch, classes)."""

    def __init__(self, arch: str, shape: tuple[int, ...], classes: int, seed: int) -> None:
        super().__init__()
        self.features = build(arch, shape, "channels_last", seed=seed)
        self.head = class_head(self.features, classes, "listen")

    def forward(self, inputs: Tensor) -> Tensor:
        """The logits of a batch of features."""
        logits: Tensor = self.head(self.features(inputs))
        return logits


class Listen(Task[ListenSettings, ListenItem]):
    """Recognises keywords in short clips, by log-mel, by samples or by a speech embedding."""

    name: ClassVar[str] = "listen"
    settings_type: ClassVar[type[TaskSettings]] = ListenSettings
    sample_type: ClassVar[type[Clip]] = Clip
    needs: ClassVar[str] = "clips of speech that are labelled with keywords"
    goal: ClassVar[tuple[str, bool]] = ("accuracy", True)

    def __init__(self, settings: ListenSettings) -> None:
        super().__init__(settings)
        self._clip_augmenters, masks = sound_augmenters(settings.augmenters, self.name)
        self._feature_augmenters = masks if settings.front == "log-mel" else []
        self._embedding: Any = None

    def __getstate__(self) -> dict[str, Any]:
        # Sessions of onnxruntime cannot be pickled; a worker opens its own.
        return {**self.__dict__, "_embedding": None}

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels by their number, `OTHER` last where there is such a class."""
        return self.settings.labels + ((OTHER,) if self.settings.other else ())

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one clip's features, channels last."""
        settings = self.settings
        if settings.front == "samples":
            return (settings.samples, 1)
        if settings.front == "log-mel":
            return (settings.spectrogram.frames(settings.samples), settings.spectrogram.mels, 1)
        from seedbed.trainers.backbones import SpeechEmbedding

        return (SpeechEmbedding.windows(settings.samples), SpeechEmbedding.FEATURES)

    # From samples to examples.

    def items(self, sample: Clip, name: str) -> list[ListenItem]:
        """The clip, where it has a label or the task has a class for what has none."""
        label = self.settings.aliases.get(sample.label, sample.label)
        if label in self.settings.labels:
            target = self.settings.labels.index(label)
        elif self.settings.other:
            target = len(self.settings.labels)
        elif not label:
            return []
        else:
            raise InputError(
                f"listen: the label {label!r} of {name} is none of "
                f"{', '.join(self.settings.labels)}: add it to the setting `labels` or "
                f"`aliases`, or set `other: true`."
            )
        groups = {
            "label": label if label in self.settings.labels else NAMELESS,
            "speaker": str(sample.attributes.get("speaker", "")),
            "engine": sample.engine,
        }
        groups = {key: value for key, value in groups.items() if value}
        clip = clip_at(sample, self.settings.sample_rate)
        return [ListenItem(name, clip, target, groups, self._kept_features(clip, name))]

    def _kept_features(self, clip: Clip, name: str) -> tuple[Features, ...]:
        """Those that need not be made anew for every example."""
        settings = self.settings
        if settings.front == "speech-embedding":
            sounds = [placed(clip.sound, settings.samples)]
            for number in range(settings.copies):
                sounds.append(self._varied(clip, stream(0, "copies", name, number)))
            return tuple(self.features(np.stack(sounds)))
        if not self._clip_augmenters and settings.front == "log-mel":
            return tuple(self.features(placed(clip.sound, settings.samples)[None]))
        return ()

    def _varied(self, clip: Clip, rng: np.random.Generator) -> Sound:
        """The clip's sound, cut and augmented, at some place in the window."""
        clip = with_edges(clip, *(uniform(rng, self.settings.edges_s) for _ in range(2)))
        if chance(rng, self.settings.trim_share):
            clip = trimmed_by_level(clip, uniform(rng, self.settings.trim_db))
        for augmenter in self._clip_augmenters:
            clip = augmenter(clip, rng)
        return placed(clip.sound, self.settings.samples, float(rng.random()))

    def features(self, sounds: NDArray[np.float32]) -> Features:
        """Windows of sound, (clips, samples), as what the network takes, (clips, *shape)."""
        settings = self.settings
        if settings.front == "log-mel":
            made = log_mel(torch.from_numpy(sounds), settings.spectrogram)
            return np.asarray(made.numpy()[..., None], dtype=np.float32)
        if settings.front == "samples":
            rms = np.sqrt(np.square(sounds, dtype=np.float64).mean(axis=1, keepdims=True))
            scaled = sounds * (USUAL_RMS / np.maximum(rms, 1e-6))
            return np.asarray(scaled[..., None], dtype=np.float32)
        if self._embedding is None:
            from seedbed.trainers.backbones import SpeechEmbedding

            self._embedding = SpeechEmbedding()
        return np.stack([self._embedding(sound, settings.sample_rate) for sound in sounds])

    def example(self, item: ListenItem, rng: np.random.Generator) -> Example:
        """One clip, augmented: `inputs` of the task's `shape` and `targets`, its class."""
        if self.settings.front == "speech-embedding":
            features = item.features[int(rng.integers(len(item.features)))]
        elif item.features:
            features = item.features[0]
        else:
            features = self.features(self._varied(item.clip, rng)[None])[0]
        for augmenter in self._feature_augmenters:
            hidden = augmenter.augment_log_mel(features[..., 0].T, rng)  # type: ignore[attr-defined]
            features = np.ascontiguousarray(hidden.T, dtype=np.float32)[..., None]
        return {
            "inputs": np.asarray(features, dtype=np.float32),
            "targets": np.array(item.target, dtype=np.int64),
        }

    # The network.

    def network(self, seed: int) -> ListenNetwork:
        """A new listener."""
        with seeded_weights(seed):
            return ListenNetwork(self.settings.arch, self.shape, len(self.classes), seed)

    def loss(self, outputs: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy, and the share of clips that were right."""
        return class_losses(outputs, batch, self.settings.label_smoothing)

    @torch.inference_mode()
    def hear(self, network: nn.Module, clips: Sequence[tuple[Sound, int]]) -> list[Heard]:
        """What is said in each clip, a float32 mono sound and its sample rate, in order."""
        settings = self.settings
        sounds = [at_rate(sound, sample_rate, settings.sample_rate) for sound, sample_rate in clips]
        return self._listened(network, sounds)

    def _places(self) -> list[float]:
        """Where the views of a clip lie in the window."""
        if self.settings.views == 1:
            return [0.5]
        return [float(place) for place in np.linspace(*VIEWS_ACROSS, self.settings.views)]

    def _listened(self, network: nn.Module, sounds: Sequence[Sound]) -> list[Heard]:
        """What is heard in clips at the listener's rate."""
        places = self._places()
        heard: list[Heard] = []
        for start in range(0, len(sounds), LISTEN_TOGETHER):
            part = sounds[start : start + LISTEN_TOGETHER]
            windows = [placed(s, self.settings.samples, place) for s in part for place in places]
            heard += self._told(network, self.features(np.stack(windows)), len(places))
        return heard

    def _told(self, network: nn.Module, features: Features, views: int = 1) -> list[Heard]:
        """What the network says of features, of which so many in a row are of one clip."""
        device = next(network.parameters()).device
        logits = network(torch.from_numpy(features).to(device)).float()
        rows = logits.softmax(dim=1).reshape(-1, views, logits.shape[1]).mean(dim=1).cpu().numpy()
        best = rows.argmax(axis=1)
        return [
            Heard(self.classes[number], float(row[number]), row)
            for number, row in zip(best.tolist(), rows, strict=True)
        ]

    @torch.inference_mode()
    def outcomes(self, network: nn.Module, items: Sequence[ListenItem]) -> list[Outcome]:
        """What was heard in each clip beside what is said in it."""
        features = [
            item.features[0]
            if item.features
            else self.features(placed(item.clip.sound, self.settings.samples)[None])[0]
            for item in items
        ]
        if self.settings.views > 1:
            heard = self._listened(network, [item.clip.sound for item in items])
        else:
            heard = []
            for start in range(0, len(features), LISTEN_TOGETHER):
                heard += self._told(network, np.stack(features[start : start + LISTEN_TOGETHER]))
        return [
            self._outcome(item, one, found, self._firings(network, item, one))
            for item, one, found in zip(items, heard, features, strict=True)
        ]

    def _accepted(self, heard: Heard) -> bool:
        return heard.label != OTHER and heard.score >= self.settings.accept

    def _firings(self, network: nn.Module, item: ListenItem, heard: Heard) -> int:
        """How often a keyword is heard in a clip, all of which is listened to if it holds none.

        Windows that fire one after the other are one firing.
        """
        sound, samples = item.clip.sound, self.settings.samples
        if self.classes[item.target] != OTHER or len(sound) <= samples:
            return int(self._accepted(heard))
        firings, firing = 0, False
        for part in _slid(sound, samples):
            for one in self._told(network, self.features(part)):
                accepted = self._accepted(one)
                firings += accepted and not firing
                firing = accepted
        # The window of the loudest part, which is what use hears, may lie between two of these.
        return max(firings, int(self._accepted(heard)))

    def _outcome(self, item: ListenItem, heard: Heard, features: Features, firings: int) -> Outcome:
        label = self.classes[item.target]
        right = heard.label == label
        accepted = self._accepted(heard)
        seconds = len(item.clip.sound) / item.clip.sample_rate
        keyword = label != OTHER
        return Outcome(
            name=item.name,
            error=1.0 - float(heard.probabilities[item.target]),
            values={
                "clips": 1,
                "right": float(right),
                "keywords": float(keyword),
                "missed": float(keyword and not (accepted and right)),
                "other_seconds": 0.0 if keyword else seconds,
                "false_accepts": 0.0 if keyword else float(firings),
            },
            slices=item.groups,
            caption=f"{label or 'other'} heard {heard.label or 'other'} ({heard.score:.2f})",
            picture=self._picture(item.clip, features),
            details=(item.target, heard),
        )

    def _picture(self, clip: Clip, features: Features) -> NDArray[np.uint8]:
        """The window's log-mel spectrogram, whatever the network hears."""
        if self.settings.front != "log-mel":
            window = torch.from_numpy(placed(clip.sound, self.settings.samples)[None])
            features = log_mel(window, self.settings.spectrogram).numpy()[0][..., None]
        return spectrogram_picture(features)

    def metrics(self, outcomes: Sequence[Outcome]) -> dict[str, float]:
        """`accuracy`; with a class for the rest also `miss_rate` and `false_accepts_per_hour`.

        All of a clip without a keyword is listened to, a window half on the one before, and every
        firing counts against the clip's length.
        """
        found = {"accuracy": accuracy(self._pairs(outcomes), len(self.classes))}
        if self.settings.other:
            found["miss_rate"] = _sum(outcomes, "missed") / max(_sum(outcomes, "keywords"), 1)
            hours = _sum(outcomes, "other_seconds") / 3600
            if hours > 0:
                found["false_accepts_per_hour"] = _sum(outcomes, "false_accepts") / hours
        return found

    def whole_set_metrics(self, outcomes: Sequence[Outcome]) -> dict[str, float]:
        """The share of each label's clips that were right, as `recall/LABEL`."""
        pairs = self._pairs(outcomes)
        said = set(pairs[:, 0].tolist())
        shares = recall_by_class(pairs, len(self.classes))
        return {
            f"recall/{label or NAMELESS}": shares[number]
            for number, label in enumerate(self.classes)
            if number in said
        }

    def confusion(self, outcomes: Sequence[Outcome]) -> NDArray[np.int64]:
        """Clips by what was said (rows) and what was heard (columns), in the order of `classes`."""
        return confusion_table(self._pairs(outcomes), len(self.classes))

    def _pairs(self, outcomes: Sequence[Outcome]) -> Pairs:
        numbers = {label: number for number, label in enumerate(self.classes)}
        rows = [(one.details[0], numbers[one.details[1].label]) for one in outcomes]
        return np.array(rows, dtype=np.int64).reshape(-1, 2)

    # Export.

    def example_input(self) -> Tensor:
        """Features from 0 to 1 of one clip."""
        return torch.linspace(0, 1, int(np.prod(self.shape))).reshape(1, *self.shape)

    def processing(self) -> dict[str, Any]:
        """How to feed the exported network and read what it gives."""
        settings = self.settings
        sound = (
            f"mono in [-1, 1] at {settings.sample_rate} Hz, centred in {settings.samples} samples "
            f"with silence around it"
        )
        spectrogram = settings.spectrogram.model_dump(mode="json")
        fronts: dict[Front, str] = {
            "log-mel": f"{sound}; seedbed.trainers.log_mel.log_mel gives (batch, frames, mels, 1)",
            "samples": f"{sound}, brought to an RMS of {USUAL_RMS}: (batch, samples, 1)",
            "speech-embedding": f"{sound}; seedbed.trainers.backbones.SpeechEmbedding gives "
            f"(batch, windows, 96)",
        }
        return {
            "input": fronts[settings.front],
            "spectrogram": spectrogram if settings.front == "log-mel" else None,
            "output": "(batch, classes): logits; their softmax is the score",
            "classes": list(self.classes),
            "longer": "of a clip longer than the window the part with the most energy is heard",
            "places": self._places(),
            "averaged": "a shorter clip is heard with each of these shares of the silence before "
            "it, and the scores are averaged",
            "accept": settings.accept if settings.other else None,
        }


def _slid(sound: Sound, samples: int) -> Iterator[NDArray[np.float32]]:
    """Windows over all of a sound, half on half, so many at a time: (windows, samples)."""
    step = max(1, round(SLIDE_SHARE * samples))
    starts = [*range(0, len(sound) - samples, step), len(sound) - samples]
    for first in range(0, len(starts), LISTEN_TOGETHER):
        part = starts[first : first + LISTEN_TOGETHER]
        yield np.stack([sound[start : start + samples] for start in part])


def _sum(outcomes: Sequence[Outcome], name: str) -> float:
    return sum(outcome.values[name] for outcome in outcomes)


def sound_augmenters(
    specs: Sequence[AugmenterSpec], task: str
) -> tuple[list[Augmenter[Any, Any]], list[Augmenter[Any, Any]]]:
    """Augmenters of clips and augmenters of spectrograms. Raises `InputError` for others."""
    clips: list[Augmenter[Any, Any]] = []
    spectrograms: list[Augmenter[Any, Any]] = []
    for augmenter in make_augmenters(specs):
        if issubclass(augmenter.sample_type, Clip):
            clips.append(augmenter)
        elif hasattr(augmenter, "augment_log_mel"):
            spectrograms.append(augmenter)
        else:
            raise InputError(
                f"{task}: {type(augmenter).__name__} does not change sounds: take it out of the "
                f"setting `augmenters`."
            )
    return clips, spectrograms


def clip_at(sample: Clip, sample_rate: int) -> Clip:
    """What a listener needs of a clip: its sound at a rate, and when the speech sounds."""
    spans = [(span.start, span.end) for span in sample.words or sample.phonemes]
    if not spans and sample.keyword_span is not None:
        spans = [sample.keyword_span]
    bounds = (min(s for s, _ in spans), max(e for _, e in spans)) if spans else None
    sound = at_rate(sample.sound, sample.sample_rate, sample_rate)
    return Clip(
        sound=sound, sample_rate=sample_rate, transcript=sample.transcript, keyword_span=bounds
    )


def with_edges(clip: Clip, before_s: float, after_s: float) -> Clip:
    """The clip cut to its speech and so many seconds around it, as far as there are any.

    A length below 0 cuts into the speech. A clip whose speech has no times stays as it is.
    """
    if clip.keyword_span is None:
        return clip
    start, end = clip.keyword_span
    rate, count = clip.sample_rate, len(clip.sound)
    first = min(max(round((start - before_s) * rate), 0), count - 1)
    last = min(max(round((end + after_s) * rate), first + 1), count)
    kept = (last - first) / rate
    span = (max(start - first / rate, 0.0), min(end - first / rate, kept))
    return replace(
        clip, sound=clip.sound[first:last], keyword_span=span if span[1] > span[0] else None
    )


def trimmed_by_level(clip: Clip, below_db: float) -> Clip:
    """The clip without the moments at its ends that lie more than `below_db` under its loudest.

    It is how recordings of words are often cut: weak consonants go with the silence.
    """
    block = max(1, round(TRIM_BLOCK_S * clip.sample_rate))
    power = np.add.reduceat(np.square(clip.sound), np.arange(0, len(clip.sound), block))
    loud = np.flatnonzero(power > power.max() * 10 ** (-below_db / 10))
    if len(loud) == 0:
        return clip
    first, last = int(loud[0]) * block, min((int(loud[-1]) + 1) * block, len(clip.sound))
    rate = clip.sample_rate
    return with_edges(replace(clip, keyword_span=(first / rate, last / rate)), 0.0, 0.0)


def spectrogram_picture(features: Features) -> NDArray[np.uint8]:
    """(frames, mels, 1) from 0 to 1 as uint8 RGB: time to the right, low notes at the bottom."""
    grey = (np.clip(features[..., 0].T[::-1], 0, 1) * 255).astype(np.uint8)
    tall = cv2.resize(grey, None, fx=2, fy=3, interpolation=cv2.INTER_NEAREST)
    return np.repeat(np.asarray(tall, dtype=np.uint8)[..., None], 3, axis=2)
