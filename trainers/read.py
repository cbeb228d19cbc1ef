"""Reads licence plates: a plate cut out by its quad in, a text of any length out.

The conv core makes a map of features that keeps a row or two and many columns; its rows
are read one after the other, top to bottom, as one sequence for CTC. A plate with two lines
therefore needs no splitting: its upper line is found in the upper row of the map, its lower
line in the lower one, and a plate with one line leaves a row blank. Layers that see the whole
height let each row know what it is a row of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator
from torch import Tensor, nn

from seedbed.errors import InputError
from seedbed.geometry import Points, apply_homography, rectangle
from seedbed.sample import LabelledObject, Picture
from seedbed.streams import chance, log_uniform
from seedbed.trainers.augment import AugmenterSpec, augment, make_augmenters
from seedbed.trainers.conv import build
from seedbed.trainers.conv.notation import parse
from seedbed.trainers.conv.plan import plan
from seedbed.trainers.ctc import (
    BLANK,
    check_alphabet,
    ctc_loss,
    encode_text,
    greedy_decode,
    needed_steps,
    text_log_probabilities,
)
from seedbed.trainers.heads import LetterNetwork
from seedbed.trainers.measures import letter_edits
from seedbed.trainers.quads import side_lengths
from seedbed.trainers.rectify import grown_quad, rectify, rescaled
from seedbed.trainers.sharpness import sharpness_group
from seedbed.trainers.task import Batch, Example, Outcome, Task, TaskSettings, seeded_weights

if TYPE_CHECKING:
    from seedbed.trainers.device_examples import DeviceExamples

Image = NDArray[np.uint8]

LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

PATCH_MARGIN = 0.5
"""What is kept around a plate, as a share of its height: room for jitter."""

MOST_PATCH_PX = 400
"""Patches are kept at this width at most: more than twice what a reader looks at."""

NOT_ASKED = -1
"""In `aligned`: a step that may hold anything, such as the neighbour of a letter's own."""

BLANK_WEIGHT = 0.15
"""Of a blank step beside a letter's: there are about seven times as many."""

READ_TOGETHER = 64
"""Cuts that are read in one batch outside training."""

LOOKS = (
    (1.05, (0.0, 0.0)),
    (0.96, (0.0, 0.0)),
    (1.0, (0.06, 0.0)),
    (1.0, (-0.06, 0.0)),
    (1.0, (0.0, 0.06)),
    (1.0, (0.0, -0.06)),
)
"""Growth and shift (in plate heights) of each cut of a plate that is looked at again.

They stand in for a locator's own looks at the plate, and complete those."""


class ReadSettings(TaskSettings):
    """What a reader looks like and which cuts it learns from."""

    alphabet: str = Field(default=LETTERS, description="letters that can be read")
    read_as: Mapping[str, str] = Field(
        default_factory=lambda: {"Ä": "A", "Ñ": "N", "Ö": "O", "Ü": "U"},
        description="letters that are learnt as others of the alphabet",
    )
    width: int = Field(default=160, ge=16, description="of the cut, in pixels")
    height: int = Field(default=48, ge=16)
    arch: str = Field(
        default=(
            "F24@3x3 nobias > BN > R > P2 > "
            "F48@3x3 nobias > BN > R > P2 > "
            "F72@3x3 nobias > BN > R > "
            "[F72@3x3 nobias > BN > R > F72@3x3 nobias > BN]+ > R > P2x1 > "
            "F112@3x3 nobias > BN > R > "
            "[F112@3x3 nobias > BN > R > F112@3x3 nobias > BN]+ > R > P3x1 > "
            "F160@2x5 nobias > BN > R > drop0.1"
        ),
        description="arch line from (height, width, 3) to (rows, columns, channels) or a sequence",
    )
    sequence: str = Field(
        default="", description="arch line on the sequence of rows, such as `GRU96 both`"
    )
    margin: tuple[float, float] = Field(
        default=(0.06, 0.12), description="around the quad, as shares of its width and height"
    )
    jitter: float = Field(
        default=0.07, ge=0, description="standard deviation of each corner, in plate heights"
    )
    stretch: float = Field(
        default=0.12,
        ge=0,
        description="standard deviation of the plate's left and of its right end, in plate "
        "heights: a locator is least sure of them",
    )
    shift: float = Field(
        default=0.06, ge=0, description="standard deviation of the whole quad, in plate heights"
    )
    box_share: float = Field(
        default=0.1, ge=0, le=1, description="cuts by the upright box instead of the quad"
    )
    shrink_share: float = Field(
        default=0.6, ge=0, le=1, description="plates that are scaled down before they are cut"
    )
    least_letter_px: float = Field(
        default=7.0, gt=0, description="plates are not scaled below this height of their letters"
    )
    most_upscale: float = Field(
        default=1.0, ge=1, description="greatest enlargement of a plate before it is cut"
    )
    augmenters: tuple[AugmenterSpec, ...] = Field(
        default=(
            AugmenterSpec(name="gaussian-blur", probability=0.25),
            AugmenterSpec(name="motion-blur", probability=0.15),
            AugmenterSpec(name="brightness", probability=0.2),
            AugmenterSpec(name="contrast", probability=0.2),
            AugmenterSpec(name="gaussian-noise", probability=0.25),
            AugmenterSpec(name="jpeg-compression", probability=0.4),
        ),
        description="act on the plate's surroundings at their own resolution, before the cut",
    )
    aligned_weight: float = Field(
        default=1.0, ge=0, description="of the loss that says at which step each letter stands"
    )
    looks: int = Field(
        default=6,
        ge=1,
        le=16,
        description="cuts that are read, where there are so many, of a plate which the first of "
        "them leaves unsure: by the quads of the locator's own looks, then a little larger, "
        "smaller and aside",
    )
    sure_letter: float = Field(
        default=0.8,
        ge=0,
        le=1,
        description="a letter less probable than this leaves a plate unsure",
    )

    @model_validator(mode="before")
    @classmethod
    def _earlier(cls, values: Any) -> Any:
        # Checkpoints of earlier versions hold a setting that is gone, at its usual value.
        if isinstance(values, dict) and values.get("jittered_cuts") == 1:
            return {key: value for key, value in values.items() if key != "jittered_cuts"}
        return values

    @field_validator("alphabet")
    @classmethod
    def _alphabet(cls, alphabet: str) -> str:
        return check_alphabet(alphabet)


@dataclass(frozen=True)
class ReadItem:
    """A plate's surroundings, uint8 RGB, with its quad there, and what stands on it."""

    name: str
    patch: Image
    quad: Points
    text: str
    layout: str
    region: str
    line_count: int
    letter_px: float
    letters: tuple[tuple[float, float, int], ...] = ()
    """Centre of each letter of `text` as shares of the quad, and its line; or none at all."""

    @property
    def size_bytes(self) -> int:
        """What it takes in memory."""
        return self.patch.nbytes + 512


@dataclass(frozen=True)
class Reading:
    """A text, its probability, and for each letter the step and its probability.

    After one look the probability is that of the best path alone, after several the mean over
    the cuts of all paths that give the text.
    """

    text: str
    score: float
    letters: tuple[tuple[int, float], ...]


class ReadNetwork(LetterNetwork):
    """Cuts of 0 to 255 in, logits over the alphabet and the blank at each step out.

    Takes (batch, height, width, 3) of any number type; gives (batch, steps, letters + 1) in
    float. Each cut's own brightness and contrast are taken out first.
    """

    def __init__(self, settings: ReadSettings, seed: int) -> None:
        size = (settings.height, settings.width, 3)
        features = build(
            settings.arch, size, "channels_last", seed=seed, output_layout="channels_last"
        )
        shape = features.output_shape
        if len(shape) not in (2, 3):
            raise InputError(
                f"read: the setting `arch` must end in rows and columns, or in a sequence, not in "
                f"the shape {shape}: leave out flatten, gap and FC at its end."
            )
        steps = int(np.prod(shape[:-1]))
        classes = len(settings.alphabet) + 1
        super().__init__(features, (steps, shape[-1]), settings.sequence, classes, seed)

    def forward(self, cuts: Tensor) -> Tensor:
        """The logits of a batch of cuts."""
        x = cuts.to(self.head.weight.dtype)
        centred = x - x.mean(dim=(1, 2, 3), keepdim=True)
        spread = centred.square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
        return self.letters(self.features(centred / (spread + 4.0)).flatten(1, -2))


class Read(Task[ReadSettings, ReadItem]):
    """Reads licence plates that were located, one line or two."""

    name: ClassVar[str] = "read"
    settings_type: ClassVar[type[TaskSettings]] = ReadSettings
    sample_type: ClassVar[type[Picture]] = Picture
    needs: ClassVar[str] = "pictures whose plates are labelled with quads or boxes, and with texts"
    needs_quads: ClassVar[bool] = True
    goal: ClassVar[tuple[str, bool]] = ("exact", True)

    def __init__(self, settings: ReadSettings) -> None:
        super().__init__(settings)
        self.augmenters = make_augmenters(settings.augmenters)

    def items(self, sample: Picture, name: str) -> list[ReadItem]:
        """The legible plates of a picture that lie wholly inside it."""
        height, width = sample.image.shape[:2]
        items = []
        for number, labelled in enumerate(sample.objects):
            if not (labelled.category == "plate" and labelled.text and labelled.legible):
                continue
            if len(labelled.quad) != 4:
                continue
            low, high = labelled.quad.min(axis=0), labelled.quad.max(axis=0)
            slack = 0.1 * side_lengths(labelled.quad)[1]
            if (low < -slack).any() or (high > np.array([width, height]) + slack).any():
                continue
            where = f"{name}" if len(sample.objects) == 1 else f"{name} plate {number}"
            items.append(self._item(sample.image, labelled, where))
        return items

    def _item(self, image: Image, labelled: LabelledObject, name: str) -> ReadItem:
        text = plain_text(labelled, self.settings.alphabet, self.settings.read_as)
        encode_text(text, self.settings.alphabet, name)
        plate_width, plate_height = side_lengths(labelled.quad)
        margin = PATCH_MARGIN * plate_height
        left, top = np.maximum(np.floor(labelled.quad.min(axis=0) - margin), 0).astype(int)
        right, bottom = np.ceil(labelled.quad.max(axis=0) + margin).astype(int)
        patch, quad = image[top:bottom, left:right], labelled.quad - [left, top]
        shrink = max(1.0, plate_width / MOST_PATCH_PX)
        patch, quad = _resized(patch, quad, 1 / shrink)
        heights = [side_lengths(one.quad)[1] for one in labelled.characters]
        letter_px = min(heights) if heights else 0.55 * plate_height / max(labelled.line_count, 1)
        return ReadItem(
            name,
            np.ascontiguousarray(patch),
            quad,
            text,
            labelled.layout,
            labelled.region,
            labelled.line_count,
            float(letter_px) / shrink,
            _letter_places(labelled, text),
        )

    def example(self, item: ReadItem, rng: np.random.Generator) -> Example:
        """A jittered cut: `inputs` (height, width, 3) uint8, `targets` and `target_length`."""
        patch, quad = _resized(item.patch, item.quad, self.drawn_scale(item, rng))
        patch = augment(patch, self.augmenters, rng)
        jittered = self.jittered(quad, rng)
        return {"inputs": self._cut(patch, jittered), **self.answers(item, quad, jittered)}

    def drawn_scale(self, item: ReadItem, rng: np.random.Generator) -> float:
        """The scale at which a plate is augmented and cut; 1 for its own."""
        settings = self.settings
        if not chance(rng, settings.shrink_share):
            return 1.0
        least = min(1.0, settings.least_letter_px / max(item.letter_px, 1e-6))
        return log_uniform(rng, (least, settings.most_upscale))

    def answers(self, item: ReadItem, quad: Points, cut: Points) -> Example:
        """What an example holds beside its picture, for a plate at `quad` that is cut by `cut`."""
        settings = self.settings
        targets = np.zeros(self.longest, dtype=np.int64)
        classes = encode_text(item.text, settings.alphabet, item.name)
        if needed_steps(classes) > self.longest:
            raise InputError(
                f"read: the text {item.text!r} of {item.name} needs {needed_steps(classes)} steps, "
                f"but the network has {self.longest}: widen the cut or pool less."
            )
        targets[: len(classes)] = classes
        return {
            "aligned": self._aligned(item, classes, quad, cut),
            "targets": targets,
            "target_length": np.array(len(classes), dtype=np.int64),
        }

    @property
    def longest(self) -> int:
        """Numbers kept for a text in a batch: as many as the map has columns, about."""
        return self.settings.width // 4

    @cached_property
    def _map(self) -> tuple[int, int]:
        """Rows and columns of the network's answer."""
        shape = plan(parse(self.settings.arch), (self.settings.height, self.settings.width, 3))
        rows = shape.output[0] if len(shape.output) == 3 else 1
        return rows, shape.output[-2] if len(shape.output) > 1 else 1

    def _aligned(
        self, item: ReadItem, classes: NDArray[np.int64], quad: Points, cut: Points
    ) -> NDArray[np.int64]:
        """The class that each step of the answer should have, or `NOT_ASKED`: shape (steps,).

        A letter belongs to the step over its middle, in the row of its line.
        """
        rows, columns = self._map
        wanted = np.full((rows, columns), NOT_ASKED, dtype=np.int64)
        if not item.letters:
            return wanted.reshape(-1)
        unit = rectangle(0, 0, 1, 1).astype(np.float32)
        to_patch = cv2.getPerspectiveTransform(unit, quad.astype(np.float32))
        outer = grown_quad(cut, *self.settings.margin).astype(np.float32)
        to_cut = cv2.getPerspectiveTransform(outer, unit)
        centres = np.array([(x, y) for x, y, _ in item.letters])
        places = apply_homography(np.asarray(to_cut @ to_patch, dtype=np.float64), centres)
        wanted[:] = BLANK
        steps = [
            (min(line, rows - 1), int(np.clip(x * columns, 0, columns - 1)))
            for (x, _), (_, _, line) in zip(places.tolist(), item.letters, strict=True)
        ]
        for row, column in steps:
            wanted[row, max(column - 1, 0) : column + 2] = NOT_ASKED
        for (row, column), one in zip(steps, classes.tolist(), strict=True):
            wanted[row, column] = one
        return wanted.reshape(-1)

    def jittered(self, quad: Points, rng: np.random.Generator) -> Points:
        """The quad as a locator might have found it."""
        boxed = chance(rng, self.settings.box_share)
        height = side_lengths(quad)[1]
        wobble = rng.normal(0.0, self.settings.jitter, size=(4, 2))
        shift = rng.normal(0.0, self.settings.shift, size=2)
        left, right = rng.normal(0.0, self.settings.stretch, size=2)
        grow = 1.0 + rng.normal(0.0, self.settings.shift / 2)
        if boxed:
            quad = _upright(quad)
        centre = quad.mean(axis=0)
        along = (quad[1] + quad[2] - quad[0] - quad[3]) / 2
        along = along / max(float(np.linalg.norm(along)), 1e-9)
        ends = np.array([left, right, right, left])[:, None] * along
        return np.asarray((quad - centre) * grow + centre + (wobble + shift + ends) * height)

    def _cut(self, image: Image, quad: Points) -> Image:
        settings = self.settings
        outer = grown_quad(quad, *settings.margin)
        return rectify(image, outer, settings.width, settings.height)

    def device_examples(self) -> DeviceExamples[ReadItem, Any]:
        """The same examples made on a device."""
        from seedbed.trainers.device_read import DeviceRead

        return DeviceRead(self)

    def network(self, seed: int) -> ReadNetwork:
        """A new reader."""
        with seeded_weights(seed):
            return ReadNetwork(self.settings, seed)

    def loss(self, outputs: Tensor, batch: Batch) -> dict[str, Tensor]:
        """The CTC loss per letter and, where letters' places are known, that of the steps."""
        ctc = ctc_loss(outputs, batch["targets"], batch["target_length"])
        aligned, weight = batch["aligned"], self.settings.aligned_weight
        if not weight or outputs.shape[1] != aligned.shape[1]:
            return {"loss": ctc}
        asked = aligned != NOT_ASKED
        counts = torch.where(aligned == BLANK, BLANK_WEIGHT, 1.0) * asked
        each = nn.functional.cross_entropy(
            outputs.float().transpose(1, 2), aligned.clamp_min(0), reduction="none"
        )
        steps = (each * counts).sum() / counts.sum().clamp(min=1)
        return {"loss": ctc + weight * steps, "ctc": ctc, "steps": steps}

    def read(
        self,
        network: nn.Module,
        images: Sequence[Image],
        quads: Sequence[Points],
        worth: Sequence[bool] | None = None,
        seen: Sequence[Sequence[Points]] | None = None,
    ) -> list[Reading]:
        """Read the plate at each quad of each picture (uint8 RGB), in order.

        Where a letter is less probable than `sure_letter`, the plate is cut up to `looks` times in
        all: by the quads `seen` of it in a locator's single looks, where they are given, then by
        its own a little larger, smaller and aside. Of the texts that were read the one is kept
        that is the most probable over all cuts. `worth` says which plates deserve that: all, if
        not given.
        """
        cuts = [self._cut(image, quad) for image, quad in zip(images, quads, strict=True)]
        first = self._log_probs(network, cuts)
        readings = [Reading(*self._decoded(one)) for one in first]
        more = self.settings.looks - 1
        others: dict[int, list[Points]] = {}
        for number, reading in enumerate(readings):
            if more and self._unsure(reading) and (worth is None or worth[number]):
                moved = [moved_quad(quads[number], grow, shift) for grow, shift in LOOKS]
                others[number] = [*(seen[number] if seen else ()), *moved][:more]
        again = iter(
            self._log_probs(
                network,
                [self._cut(images[number], quad) for number in others for quad in others[number]],
            )
        )
        for number, quads_again in others.items():
            own = [next(again) for _ in quads_again]
            readings[number] = self._likeliest(np.stack([first[number], *own]))
        return readings

    def _unsure(self, reading: Reading) -> bool:
        least = min((probability for _, probability in reading.letters), default=0.0)
        return least < self.settings.sure_letter

    def _likeliest(self, log_probs: NDArray[np.float32]) -> Reading:
        """Of the texts read in cuts (cuts, steps, classes) the one likeliest over all of them."""
        decoded = [self._decoded(one) for one in log_probs]
        # Added up as logarithms: an untrained reader's probabilities are too small for numbers.
        likely = {
            text: float(
                np.logaddexp.reduce(
                    text_log_probabilities(
                        log_probs, encode_text(text, self.settings.alphabet, "a cut")
                    )
                )
            )
            for text in sorted({text for text, _, _ in decoded})
        }
        best = max(likely, key=lambda text: likely[text])
        # The letters are those of the cut that read the text most surely.
        letters = max((one for one in decoded if one[0] == best), key=lambda one: one[1])[2]
        return Reading(best, float(np.exp(likely[best])) / len(log_probs), letters)

    def _decoded(
        self, log_probs: NDArray[np.float32]
    ) -> tuple[str, float, tuple[tuple[int, float], ...]]:
        text, score, letters = greedy_decode(log_probs, self.settings.alphabet)
        return text, score, tuple(letters)

    @torch.inference_mode()
    def _log_probs(self, network: nn.Module, cuts: Sequence[Image]) -> list[NDArray[np.float32]]:
        """Log probabilities (steps, classes) of each cut."""
        device = next(network.parameters()).device
        answers: list[NDArray[np.float32]] = []
        for start in range(0, len(cuts), READ_TOGETHER):
            part = torch.from_numpy(np.stack(cuts[start : start + READ_TOGETHER]))
            answers.extend(network(part.to(device)).float().log_softmax(dim=-1).cpu().numpy())
        return answers

    def outcomes(self, network: nn.Module, items: Sequence[ReadItem]) -> list[Outcome]:
        """Each plate's reading beside what stands on it, cut by its label's quad."""
        readings = self.read(network, [one.patch for one in items], [one.quad for one in items])
        outcomes = []
        for item, reading in zip(items, readings, strict=True):
            edits = letter_edits(reading.text, item.text)
            outcomes.append(
                Outcome(
                    name=item.name,
                    error=edits + (reading.score if edits else -reading.score),
                    values={
                        "plates": 1,
                        "exact": float(edits == 0),
                        "edits": edits,
                        "letters": len(item.text),
                        "score": reading.score,
                    },
                    slices={
                        "layout": item.layout or "?",
                        "region": item.region or "?",
                        "length": str(len(item.text)),
                        "lines": str(item.line_count or "?"),
                        "letter height": _letter_group(item.letter_px),
                        "sharpness": sharpness_group(self._cut(item.patch, item.quad)),
                    },
                    caption=f"{item.text} read {reading.text or '-'} ({reading.score:.2f})",
                    picture=self._cut(item.patch, item.quad),
                    details=reading,
                )
            )
        return outcomes

    def metrics(self, outcomes: Sequence[Outcome]) -> dict[str, float]:
        """`exact`, the share of plates read without a mistake, and `cer`, edits per letter."""
        plates = max(len(outcomes), 1)
        letters = sum(outcome.values["letters"] for outcome in outcomes)
        return {
            "exact": sum(outcome.values["exact"] for outcome in outcomes) / plates,
            "cer": sum(outcome.values["edits"] for outcome in outcomes) / max(letters, 1),
        }

    def example_input(self) -> Tensor:
        """A grey ramp of the cut's size."""
        ramp = torch.linspace(0, 255, self.settings.width)[None, None, :, None]
        return ramp.expand(1, self.settings.height, self.settings.width, 3).contiguous()

    def processing(self) -> dict[str, Any]:
        """How to feed the exported network and read what it gives."""
        return {
            "input": f"float RGB 0 to 255, (batch, {self.settings.height}, {self.settings.width}, "
            f"3): the plate's quad, grown by the margins, warped to the whole cut",
            "margin": list(self.settings.margin),
            "output": "(batch, steps, classes): logits; class 0 is the blank, class i the "
            "alphabet's letter i - 1; greedy: the largest of each step, repeats and blanks out",
            "alphabet": self.settings.alphabet,
            "unsure": self._described_looks(),
        }

    def _described_looks(self) -> dict[str, Any] | None:
        """What is done with a plate that the first look leaves unsure; None for nothing."""
        if self.settings.looks == 1:
            return None
        return {
            "where": "no letter was read, or one is less probable than sure_letter",
            "sure_letter": self.settings.sure_letter,
            "cuts_in_all": self.settings.looks,
            "by": "the quad; then the quads of the locator's single looks, where there are any; "
            "then the quad moved",
            "moved": [{"grow": grow, "shift": list(shift)} for grow, shift in LOOKS],
            "units": "grown about the quad's middle, shifted along it and down, in plate heights",
            "text": "of those that the cuts give by greedy, the one that is the most probable by "
            "CTC, over all paths, in the mean over the cuts",
        }


def plain_text(labelled: LabelledObject, alphabet: str, read_as: Mapping[str, str]) -> str:
    """What a reader should answer: the text without separators, letters replaced by `read_as`."""
    text = labelled.text_plain or "".join(
        letter for letter in labelled.text if letter in alphabet or letter.isalnum()
    )
    return "".join(read_as.get(letter, letter) for letter in text)


def _letter_places(labelled: LabelledObject, text: str) -> tuple[tuple[float, float, int], ...]:
    """Each letter's centre as shares of the quad, and its line; none where they do not fit."""
    letters = [one for one in labelled.characters if one.text.isalnum()]
    if len(letters) != len(text):
        return ()
    unit = rectangle(0, 0, 1, 1).astype(np.float32)
    matrix = cv2.getPerspectiveTransform(labelled.quad.astype(np.float32), unit)
    centres = apply_homography(
        np.asarray(matrix, dtype=np.float64), np.array([one.quad.mean(axis=0) for one in letters])
    )
    return tuple((x, y, int(labelled.line_count > 1 and y > 0.5)) for x, y in centres.tolist())


def _resized(patch: Image, quad: Points, scale: float) -> tuple[Image, Points]:
    """A patch at another scale with its quad. What is scaled down at all is averaged."""
    resized = rescaled(patch, scale, averaged_below=1.0)
    ratio = np.array([resized.shape[1] / patch.shape[1], resized.shape[0] / patch.shape[0]])
    return resized, quad if resized is patch else quad * ratio


def _upright(quad: Points) -> Points:
    (left, top), (right, bottom) = quad.min(axis=0), quad.max(axis=0)
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]])


def moved_quad(quad: Points, grow: float, shift: tuple[float, float]) -> Points:
    """`quad` grown about its middle and shifted along its own sides, in plate heights."""
    height = side_lengths(quad)[1]
    along = quad[1] + quad[2] - quad[0] - quad[3]
    down = quad[2] + quad[3] - quad[0] - quad[1]
    steps = [
        share * side / max(float(np.linalg.norm(side)), 1e-9)
        for share, side in zip(shift, (along, down), strict=True)
    ]
    centre = quad.mean(axis=0)
    return np.asarray((quad - centre) * grow + centre + (steps[0] + steps[1]) * height)


def _letter_group(letter_px: float) -> str:
    for edge in (8, 12, 18, 30):
        if letter_px < edge:
            return f"under {edge} px"
    return "30 px and more"
