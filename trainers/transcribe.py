"""Writes down speech: a clip in, its words out, letter by letter by CTC.

A 2-D conv core on the log-mel spectrogram (optionally with feedback along time) gives the
probability of every letter at every step. The answer is the best path, or the best text by a
beam search over paths, or the likeliest of a list of phrases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator
from torch import Tensor, nn

from seedbed.component import Augmenter
from seedbed.errors import InputError
from seedbed.sample import Clip
from seedbed.streams import uniform
from seedbed.trainers.augment import AugmenterSpec
from seedbed.trainers.conv import build
from seedbed.trainers.ctc import (
    check_alphabet,
    ctc_loss,
    encode_text,
    greedy_decode,
    needed_steps,
)
from seedbed.trainers.ctc_beam import PhraseTree, beam_search, text_log_prob
from seedbed.trainers.heads import LetterNetwork
from seedbed.trainers.listen import clip_at, sound_augmenters, spectrogram_picture, with_edges
from seedbed.trainers.log_mel import LogMelSettings, log_mel
from seedbed.trainers.measures import letter_edits, word_edits
from seedbed.trainers.sounds import Sound, at_rate
from seedbed.trainers.task import (
    MOST_CELLS,
    Batch,
    Example,
    Outcome,
    Task,
    TaskSettings,
    seeded_weights,
)

LETTERS = " 'abcdefghijklmnopqrstuvwxyz"


class TranscribeSettings(TaskSettings):
    """What a transcriber looks like, which clips it learns from, and how texts are found."""

    alphabet: str = Field(default=LETTERS, description="characters that can be written")
    spectrogram: LogMelSettings = Field(default=LogMelSettings(sample_rate=16000, mels=48))
    seconds: float = Field(
        default=4.0, gt=0, le=60, description="longest clip in training; in use any length"
    )
    arch: str = Field(
        default=(
            "F24@5x5/2 nobias > BN > R > "
            "F48@3x3/1x2 nobias > BN > R > "
            "F64@3x3/1x2 nobias > BN > R > rows > "
            "F128@5 nobias > BN > R > "
            "2x[F128@5 nobias > BN > R > F128@5 nobias > BN]+ > R > drop0.2"
        ),
        description="arch line from (frames, mels, 1) to a sequence",
    )
    sequence: str = Field(
        default="", description="arch line on that sequence, such as `GRU96 both`"
    )
    edges_s: tuple[float, float] = Field(
        default=(-0.01, 0.2), description="kept before and after the speech; below 0 cuts into it"
    )
    augmenters: tuple[AugmenterSpec, ...] = Field(
        default=(
            AugmenterSpec(name="speed-perturbation", probability=0.5, speed=[0.9, 1.12]),
            AugmenterSpec(name="microphone-response", probability=0.4),
            AugmenterSpec(name="coloured-noise", probability=0.7, snr_db=[8, 45]),
            AugmenterSpec(name="spec-augment", probability=0.5),
        ),
        description="of clips and spectrograms, in training alone",
    )
    beam: int = Field(
        default=0, ge=0, le=1000, description="texts kept at once; 0 takes the best path"
    )
    phrases: tuple[str, ...] = Field(
        default=(), description="the only answers that are allowed; needs a beam"
    )

    @field_validator("alphabet")
    @classmethod
    def _alphabet(cls, alphabet: str) -> str:
        return check_alphabet(alphabet)

    @model_validator(mode="after")
    def _phrases(self) -> TranscribeSettings:
        if self.phrases and not self.beam:
            raise ValueError("phrases need a beam: set it to 16")
        for phrase in self.phrases:
            missing = sorted(set(phrase) - set(self.alphabet))
            if missing or not phrase:
                raise ValueError(
                    f"the phrase {phrase!r} holds {''.join(missing)!r}, which the alphabet lacks"
                    if missing
                    else "a phrase must not be empty"
                )
        return self

    @property
    def frames(self) -> int:
        """Frames of a training example."""
        return self.spectrogram.frames(round(self.seconds * self.spectrogram.sample_rate))


@dataclass(frozen=True)
class TranscribeItem:
    """A clip at the network's rate and its text."""

    name: str
    clip: Clip
    text: str
    groups: Mapping[str, str] = field(default_factory=dict)

    @property
    def size_bytes(self) -> int:
        """What it takes in memory."""
        return self.clip.sound.nbytes + 512


@dataclass(frozen=True)
class Transcript:
    """A text and its probability: of its best path, or of all its paths with a beam."""

    text: str
    score: float


class TranscribeNetwork(LetterNetwork):
    """Spectrograms (batch, frames, mels, 1) in, logits (batch, steps, letters + 1) out."""

    def __init__(self, settings: TranscribeSettings, seed: int) -> None:
        shape = (settings.frames, settings.spectrogram.mels, 1)
        features = build(settings.arch, shape, "channels_last", seed=seed)
        after = features.output_shape
        if len(after) != 2:
            raise InputError(
                f"transcribe: the setting `arch` must end in a sequence, not in the shape {after}: "
                f"put rows after its last filter on pictures, and no gap or flatten."
            )
        classes = len(settings.alphabet) + 1
        super().__init__(features, (after[0], after[1]), settings.sequence, classes, seed)

    def forward(self, spectrograms: Tensor) -> Tensor:
        """The logits of a batch."""
        return self.letters(self.features(spectrograms))


class Transcribe(Task[TranscribeSettings, TranscribeItem]):
    """Writes down what is said, by CTC over characters."""

    name: ClassVar[str] = "transcribe"
    settings_type: ClassVar[type[TaskSettings]] = TranscribeSettings
    sample_type: ClassVar[type[Clip]] = Clip
    needs: ClassVar[str] = "clips of speech with transcripts"
    goal: ClassVar[tuple[str, bool]] = ("wer", False)

    def __init__(self, settings: TranscribeSettings) -> None:
        super().__init__(settings)
        self._clip_augmenters: list[Augmenter[Any, Any]]
        self._clip_augmenters, self._feature_augmenters = sound_augmenters(
            settings.augmenters, self.name
        )
        phrases = [tuple(self._classes(phrase, "phrases")) for phrase in settings.phrases]
        self._phrases = PhraseTree(phrases) if phrases else None

    def _classes(self, text: str, name: str) -> list[int]:
        return [int(one) for one in encode_text(text, self.settings.alphabet, name)]

    def items(self, sample: Clip, name: str) -> list[TranscribeItem]:
        """The clip with its normalised transcript; none where nothing is said."""
        text = plain_transcript(sample.transcript_normalised or sample.transcript)
        if not text:
            return []
        self._classes(text, name)
        groups = {
            "speaker": str(sample.attributes.get("speaker", "")),
            "engine": sample.engine,
            "words": str(len(text.split())),
        }
        clip = clip_at(sample, self.settings.spectrogram.sample_rate)
        return [TranscribeItem(name, clip, text, {k: v for k, v in groups.items() if v})]

    def example(self, item: TranscribeItem, rng: np.random.Generator) -> Example:
        """A padded spectrogram, how much of it is sound, and the text's classes."""
        settings = self.settings
        clip = with_edges(item.clip, *(uniform(rng, settings.edges_s) for _ in range(2)))
        for augmenter in self._clip_augmenters:
            clip = augmenter(clip, rng)
        frames = self._spectrogram(clip.sound)
        for augmenter in self._feature_augmenters:
            frames = augmenter.augment_log_mel(frames.T, rng).T  # type: ignore[attr-defined]
        if len(frames) > settings.frames:
            raise InputError(
                f"transcribe: {item.name} lasts {len(frames) * settings.spectrogram.hop_s:.1f} s, "
                f"longer than the setting `seconds`, {settings.seconds:g}: raise it."
            )
        inputs = np.zeros((settings.frames, settings.spectrogram.mels, 1), dtype=np.float32)
        inputs[: len(frames), :, 0] = frames
        classes = self._classes(item.text, item.name)
        targets = np.zeros(settings.frames, dtype=np.int64)
        targets[: len(classes)] = classes
        return {
            "inputs": inputs,
            "share": np.array(len(frames) / settings.frames, dtype=np.float32),
            "targets": targets,
            "target_length": np.array(len(classes), dtype=np.int64),
            "needed": np.array(needed_steps(classes), dtype=np.int64),
        }

    def _spectrogram(self, sound: Sound) -> NDArray[np.float32]:
        """(frames, mels) of a clip."""
        made = log_mel(torch.from_numpy(sound), self.settings.spectrogram)
        return np.asarray(made.numpy(), dtype=np.float32)

    def network(self, seed: int) -> TranscribeNetwork:
        """A new transcriber."""
        with seeded_weights(seed):
            return TranscribeNetwork(self.settings, seed)

    def loss(self, outputs: Tensor, batch: Batch) -> dict[str, Tensor]:
        """The CTC loss per letter, over the steps that are sound.

        A text of more letters than its clip has steps teaches nothing; `too_long` is their share.
        """
        steps = outputs.shape[1]
        lengths = (batch["share"] * steps).ceil().long().clamp(1, steps)
        longest = int(batch["target_length"].max())
        targets = batch["targets"][:, :longest]
        loss = ctc_loss(outputs, targets, batch["target_length"], lengths)
        return {"loss": loss, "too_long": (batch["needed"] > lengths).float().mean()}

    @torch.inference_mode()
    def write(self, network: nn.Module, clips: Sequence[tuple[Sound, int]]) -> list[Transcript]:
        """What is said in each clip, a float32 mono sound and its sample rate, in order."""
        rate = self.settings.spectrogram.sample_rate
        device = next(network.parameters()).device
        written = []
        for sound, sample_rate in clips:
            frames = self._spectrogram(at_rate(sound, sample_rate, rate))
            inputs = torch.from_numpy(frames)[None, ..., None].to(device)
            log_probs = network(inputs).float().log_softmax(dim=-1)[0].cpu().numpy()
            written.append(self.decode(log_probs))
        return written

    def decode(self, log_probs: NDArray[np.float32]) -> Transcript:
        """The text of log probabilities, shape (steps, letters + 1), as the settings say."""
        settings = self.settings
        if not settings.beam:
            text, score, _ = greedy_decode(log_probs, settings.alphabet)
            return Transcript(text, score)
        found = beam_search(log_probs, settings.beam, self._phrases)
        if not found:
            return Transcript("", 0.0)
        classes, _ = found[0]
        # The beam may have lost some of the text's paths: all of them count.
        score = float(np.exp(text_log_prob(log_probs, classes)))
        return Transcript("".join(settings.alphabet[one - 1] for one in classes), score)

    def outcomes(self, network: nn.Module, items: Sequence[TranscribeItem]) -> list[Outcome]:
        """What was written beside what is said."""
        rate = self.settings.spectrogram.sample_rate
        written = self.write(network, [(item.clip.sound, rate) for item in items])
        outcomes = []
        for item, one in zip(items, written, strict=True):
            edits = letter_edits(one.text, item.text)
            outcomes.append(
                Outcome(
                    name=item.name,
                    error=edits / len(item.text),
                    values={
                        "clips": 1,
                        "exact": float(edits == 0),
                        "word_edits": word_edits(one.text, item.text),
                        "words": len(item.text.split()),
                        "letter_edits": edits,
                        "letters": len(item.text),
                    },
                    slices=item.groups,
                    caption=f"{item.text} written {one.text or '-'} ({one.score:.2f})",
                    picture=spectrogram_picture(self._spectrogram(item.clip.sound)[..., None]),
                    details=one,
                )
            )
        return outcomes

    def metrics(self, outcomes: Sequence[Outcome]) -> dict[str, float]:
        """`wer`, word edits per word; `cer`, letter edits per letter; `exact`, whole texts."""

        def total(name: str) -> float:
            return sum(outcome.values[name] for outcome in outcomes)

        return {
            "wer": total("word_edits") / max(total("words"), 1),
            "cer": total("letter_edits") / max(total("letters"), 1),
            "exact": total("exact") / max(len(outcomes), 1),
        }

    def example_input(self) -> Tensor:
        """A spectrogram from 0 to 1 of the longest training clip, in whole steps of the output."""
        settings = self.settings
        step = self._frames_a_step()
        shape = (1, -(-settings.frames // step) * step, settings.spectrogram.mels, 1)
        return torch.linspace(0, 1, int(np.prod(shape))).reshape(shape)

    def free_axes(self) -> dict[int, int]:
        """Time, in the frames that make one step of the output."""
        return {1: self._frames_a_step()}

    def _frames_a_step(self) -> int:
        steps = TranscribeNetwork(self.settings, 0).steps
        return max(1, round(self.settings.frames / steps))

    def processing(self) -> dict[str, Any]:
        """How to feed the exported network and read what it gives."""
        settings = self.settings
        return {
            "input": f"mono in [-1, 1] at {settings.spectrogram.sample_rate} Hz; "
            f"seedbed.trainers.log_mel.log_mel gives (batch, frames, mels, 1) of any number of "
            f"frames up to {MOST_CELLS * self._frames_a_step()}",
            "spectrogram": settings.spectrogram.model_dump(mode="json"),
            "output": "(batch, steps, classes): logits; class 0 is the blank, class i the "
            "alphabet's character i - 1; greedy: the largest of each step, repeats and blanks out",
            "alphabet": settings.alphabet,
            "beam": settings.beam or None,
            "phrases": list(settings.phrases) or None,
        }


def plain_transcript(text: str) -> str:
    """Lower case, single spaces."""
    return " ".join(text.lower().split())
