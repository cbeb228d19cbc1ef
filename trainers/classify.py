"""Classifies pictures: whole ones, the labelled things cut out of them, or short films.

Samples come from folders, one for each class, or from a dataset whose objects have
categories. Of a film the network sees a fixed number of frames, evenly spread over its time,
as one input (time, height, width, channels). The network is an arch line, or a backbone that
others have trained under a new last layer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator
from torch import Tensor, nn

from seedbed.errors import InputError
from seedbed.sample import LabelledObject, Picture
from seedbed.streams import chance, log_uniform
from seedbed.trainers.augment import AugmenterSpec, augment, augment_film, make_augmenters
from seedbed.trainers.conv import build
from seedbed.trainers.films import Film, evenly
from seedbed.trainers.heads import class_head, class_losses
from seedbed.trainers.measures import Pairs, accuracy, confusion_table, f1_by_class
from seedbed.trainers.task import Batch, Example, Outcome, Task, TaskSettings, seeded_weights

if TYPE_CHECKING:
    from seedbed.trainers.device_examples import DeviceExamples

Image = NDArray[np.uint8]

LOOK_TOGETHER = 32
"""Pictures or films that are classified in one batch outside training."""

FILM_ARCH = (
    "F16@3x3x3 nobias > BN > R > P1x2x2 > F32@3x3x3 nobias > BN > R > P2 > "
    "F64@3x3x3 nobias > BN > R > P2 > F96@3x3x3 nobias > BN > R > gap > drop0.2"
)
"""What takes the place of the default line where the network sees several frames."""

LARGEST_KEPT = 2.0
"""Pictures are kept at most this many times the network's size."""


SIZE_EDGES_PX = (32, 64, 128, 256)
"""Longer sides by which accuracy is told apart."""


class ClassifySettings(TaskSettings):
    """The classes, what the network looks like, and how pictures are varied in training."""

    classes: tuple[str, ...] = Field(min_length=2, description="the names of the classes")
    by: Literal["category", "layout", "region"] = Field(
        default="category", description="which of an object's labels names its class"
    )
    width: int = Field(default=64, ge=8, le=1024, description="pixels that the network sees")
    height: int = Field(default=64, ge=8, le=1024)
    frames: int = Field(
        default=1, ge=1, le=256, description="of a film, evenly spread; 1 for pictures"
    )
    margin: float = Field(
        default=0.05, ge=0, le=2, description="around an object's box, as a share of its sides"
    )
    arch: str = Field(
        default=(
            "F24@3x3 nobias > BN > R > P2 > F48@3x3 nobias > BN > R > P2 > "
            "F96@3x3 nobias > BN > R > P2 > F128@3x3 nobias > BN > R > gap > drop0.2"
        ),
        description="arch line that ends in a vector; with a backbone, from its features on; by "
        "default one with filters over time where frames is over 1",
    )
    backbone: str = Field(default="", description="efficientnet-lite0 or a model's folder")
    unfreeze: int = Field(default=0, ge=0, description="last stages of the backbone that learn")
    layer_decay: float = Field(
        default=0.7, gt=0, le=1, description="of the learning rate, a stage of the backbone"
    )
    flip: bool = Field(default=False, description="mirror half of the pictures in training")
    zoom: tuple[float, float] = Field(
        default=(0.85, 1.15), description="of the cut, and shifts of half as much, in training"
    )
    augmenters: tuple[AugmenterSpec, ...] = Field(
        default=(
            AugmenterSpec(name="brightness", probability=0.3),
            AugmenterSpec(name="contrast", probability=0.3),
            AugmenterSpec(name="gaussian-noise", probability=0.2),
        ),
        description="of cuts, in training alone",
    )
    label_smoothing: float = Field(default=0.05, ge=0, lt=1)

    @field_validator("classes")
    @classmethod
    def _classes(cls, classes: tuple[str, ...]) -> tuple[str, ...]:
        twice = sorted({name for name in classes if classes.count(name) > 1})
        if twice:
            raise ValueError(f"the class {twice[0]!r} stands there twice")
        return classes

    @model_validator(mode="after")
    def _films(self) -> ClassifySettings:
        if self.frames > 1 and self.backbone:
            raise ValueError("a backbone sees single pictures: leave frames at 1, or backbone out")
        return self

    @field_validator("zoom")
    @classmethod
    def _zoom(cls, zoom: tuple[float, float]) -> tuple[float, float]:
        if not 0.1 <= zoom[0] <= zoom[1] <= 10:
            raise ValueError("must be [low, high] within 0.1 to 10")
        return zoom


@dataclass(frozen=True)
class ClassifyItem:
    """A picture with the box to look at, [x, y, width, height], and the number of its class.

    `image` has shape (height, width, 3), or (time, height, width, 3) for the frames of a film.
    """

    name: str
    image: Image
    box: tuple[float, float, float, float]
    target: int
    groups: Mapping[str, str] = field(default_factory=dict)

    @property
    def size_bytes(self) -> int:
        """What it takes in memory."""
        return self.image.nbytes + 512


class ClassifyNetwork(nn.Module):
    """Pictures of 0 to 255, (batch, height, width, 3), in; logits (batch, classes) out.

    Films are (batch, time, height, width, 3).
    """

    def __init__(self, settings: ClassifySettings, seed: int) -> None:
        super().__init__()
        self.backbone: Any = None
        self.layer_decay = settings.layer_decay
        shape: tuple[int, ...] = (settings.height, settings.width, 3)
        arch = settings.arch
        usual = arch == ClassifySettings.model_fields["arch"].default
        if settings.frames > 1:
            shape = (settings.frames, *shape)
            arch = FILM_ARCH if usual else arch
        if settings.backbone:
            from seedbed.trainers.backbones import picture_backbone

            self.backbone = picture_backbone(settings.backbone)
            self.backbone.unfreeze(settings.unfreeze)
            shape = (self.backbone.features,)
            arch = "drop0.2" if usual else arch
        self.features = build(arch, shape, "channels_last", seed=seed)
        self.head = class_head(self.features, len(settings.classes), "classify")

    def forward(self, pictures: Tensor) -> Tensor:
        """The logits of a batch."""
        x = pictures.to(self.head.weight.dtype) / 255.0
        x = x - 0.5 if self.backbone is None else self.backbone(x.permute(0, 3, 1, 2))
        logits: Tensor = self.head(self.features(x))
        return logits

    def parameter_groups(self) -> list[dict[str, Any]]:
        """What learns, with the share of the optimiser's rate: less for a backbone's stages."""
        if self.backbone is None:
            return [{"params": list(self.parameters())}]
        from seedbed.trainers.backbones import layer_wise_rates

        top = nn.ModuleList([self.features, self.head])
        groups = layer_wise_rates(self.backbone, top, 1.0, self.layer_decay)
        return [{"params": group["params"], "rate_share": group["lr"]} for group in groups]


class Classify(Task[ClassifySettings, ClassifyItem]):
    """Says which class a picture, a thing in it, or a film belongs to."""

    name: ClassVar[str] = "classify"
    settings_type: ClassVar[type[TaskSettings]] = ClassifySettings
    sample_type: ClassVar[type[Picture]] = Picture
    needs: ClassVar[str] = "pictures whose objects are labelled with one of the classes"
    goal: ClassVar[tuple[str, bool]] = ("accuracy", True)

    def __init__(self, settings: ClassifySettings) -> None:
        super().__init__(settings)
        self.augmenters = make_augmenters(settings.augmenters)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes by their number."""
        return self.settings.classes

    def items(self, sample: Picture, name: str) -> list[ClassifyItem]:
        """The picture's objects, or the film, that are of one of the classes."""
        if isinstance(sample, Film):
            return self._film_items(sample, name)
        items = []
        for number, labelled in enumerate(sample.objects):
            label = str(getattr(labelled, self.settings.by))
            if label not in self.settings.classes or not labelled.legible:
                continue
            if self.settings.frames > 1:
                raise InputError(
                    f"classify: {name} is a picture, but the setting `frames` asks for films of "
                    f"{self.settings.frames} frames: leave it out, or give films."
                )
            where = name if len(sample.objects) == 1 else f"{name} object {number}"
            items.append(self._item(sample.image, labelled, label, where))
        return items

    def _film_items(self, sample: Film, name: str) -> list[ClassifyItem]:
        (whole,) = sample.objects
        label = str(getattr(whole, self.settings.by))
        if label not in self.settings.classes:
            return []
        if self.settings.frames == 1:
            raise InputError(
                f"classify: {name} is a film of {sample.film.count} frames: set `frames` to how "
                f"many of them the network shall see."
            )
        frames = sample.film.frames(evenly(sample.film.count, self.settings.frames))
        items = [self._item(frame, whole, label, name) for frame in frames]
        return [replace(items[0], image=np.stack([item.image for item in items]))]

    def _item(self, image: Image, labelled: LabelledObject, label: str, name: str) -> ClassifyItem:
        settings = self.settings
        x, y, width, height = labelled.bbox
        # What a zoomed and shifted cut may need of the surroundings, no more is kept.
        reach = (settings.margin + settings.zoom[1]) * 0.75
        rows, columns = image.shape[:2]
        left = max(0, int(x + width / 2 - reach * width))
        right = min(columns, int(x + width / 2 + reach * width) + 1)
        top = max(0, int(y + height / 2 - reach * height))
        bottom = min(rows, int(y + height / 2 + reach * height) + 1)
        patch = image[top:bottom, left:right]
        box = (x - left, y - top, width, height)
        shrink = min(
            1.0,
            LARGEST_KEPT * max(settings.width / max(width, 1), settings.height / max(height, 1)),
        )
        if shrink < 1.0:
            size = max(1, round(patch.shape[1] * shrink)), max(1, round(patch.shape[0] * shrink))
            across, down = size[0] / patch.shape[1], size[1] / patch.shape[0]
            patch = np.asarray(cv2.resize(patch, size, interpolation=cv2.INTER_AREA), np.uint8)
            box = (box[0] * across, box[1] * down, box[2] * across, box[3] * down)
        target = settings.classes.index(label)
        groups = {"class": label, "size": _size_group(max(width, height))}
        if labelled.layout:
            groups["layout"] = labelled.layout
        return ClassifyItem(name, np.ascontiguousarray(patch), box, target, groups)

    def cut(
        self,
        image: Image,
        box: tuple[float, float, float, float],
        zoom: float = 1.0,
        shift: tuple[float, float] = (0.0, 0.0),
    ) -> Image:
        """The box with its margin, (height, width, 3) uint8 RGB; edges go on past the frame.

        `zoom` enlarges what is seen; `shift` moves the cut by shares of the box's sides.
        """
        size, matrix = self.cut_geometry(image.shape[:2], box, zoom, shift)
        if size != image.shape[1::-1]:
            image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
        seen = (self.settings.width, self.settings.height)
        warped = cv2.warpAffine(image, matrix, seen, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(warped, dtype=np.uint8)

    def cut_geometry(
        self,
        shape: tuple[int, ...],
        box: tuple[float, float, float, float],
        zoom: float = 1.0,
        shift: tuple[float, float] = (0.0, 0.0),
    ) -> tuple[tuple[int, int], NDArray[np.float64]]:
        """The width and height that a picture of `shape` is averaged down to before it is cut.

        And the matrix, (2, 3), from pixels of that to pixels of the cut.
        """
        settings = self.settings
        size = shape[1], shape[0]
        x, y, width, height = box
        wide = width * (1 + 2 * settings.margin) / zoom
        high = height * (1 + 2 * settings.margin) / zoom
        left = x + width * (0.5 + shift[0]) - wide / 2
        top = y + height * (0.5 + shift[1]) - high / 2
        across, down = settings.width / max(wide, 1e-6), settings.height / max(high, 1e-6)
        if min(across, down) < 0.5:
            # A warp reads four pixels: what shrinks by more is averaged first.
            size = (
                max(1, round(shape[1] * min(1, across))),
                max(1, round(shape[0] * min(1, down))),
            )
            ratio = size[0] / shape[1], size[1] / shape[0]
            left, across = left * ratio[0], across / ratio[0]
            top, down = top * ratio[1], down / ratio[1]
        # Pixel centres lie at halves.
        matrix = np.array(
            [
                [across, 0.0, (0.5 - left) * across - 0.5],
                [0.0, down, (0.5 - top) * down - 0.5],
            ]
        )
        return size, matrix

    def _seen(
        self, item: ClassifyItem, zoom: float = 1.0, shift: tuple[float, float] = (0.0, 0.0)
    ) -> Image:
        """The cut of a picture, or those of a film's frames along a first axis."""
        if self.settings.frames == 1:
            return self.cut(item.image, item.box, zoom, shift)
        return np.stack([self.cut(frame, item.box, zoom, shift) for frame in item.image])

    def example(self, item: ClassifyItem, rng: np.random.Generator) -> Example:
        """A varied cut: `inputs` (height, width, 3) uint8 and `targets`, its class.

        Of a film `inputs` is (time, height, width, 3), all frames varied alike.
        """
        zoom, shift, mirrored = self.drawn_view(rng)
        cut = self._seen(item, zoom, shift)
        if mirrored:
            cut = np.ascontiguousarray(cut[..., ::-1, :])
        change = augment if self.settings.frames == 1 else augment_film
        return {
            "inputs": change(cut, self.augmenters, rng),
            "targets": np.array(item.target, dtype=np.int64),
        }

    def drawn_view(self, rng: np.random.Generator) -> tuple[float, tuple[float, float], bool]:
        """The zoom and the shift of a cut, and whether it is mirrored."""
        settings = self.settings
        reach = max(settings.zoom[1] - 1.0, 1.0 - settings.zoom[0]) / 2
        shift = rng.uniform(-reach, reach, 2)
        zoom = log_uniform(rng, settings.zoom)
        mirrored = settings.flip and chance(rng, 0.5)
        return zoom, (float(shift[0]), float(shift[1])), mirrored

    def device_examples(self) -> DeviceExamples[ClassifyItem, Any]:
        """The same examples made on a device. Raises `InputError` for films."""
        from seedbed.trainers.device_classify import DeviceClassify

        return DeviceClassify(self)

    def network(self, seed: int) -> ClassifyNetwork:
        """A new classifier."""
        with seeded_weights(seed):
            return ClassifyNetwork(self.settings, seed)

    def loss(self, outputs: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy, and the share of pictures that were right."""
        return class_losses(outputs, batch, self.settings.label_smoothing)

    @torch.inference_mode()
    def outcomes(self, network: nn.Module, items: Sequence[ClassifyItem]) -> list[Outcome]:
        """The class that each item was given beside its own."""
        device = next(network.parameters()).device
        cuts = [self._seen(item) for item in items]
        outcomes = []
        for start in range(0, len(items), LOOK_TOGETHER):
            part = slice(start, start + LOOK_TOGETHER)
            inputs = torch.from_numpy(np.stack(cuts[part])).to(device)
            rows = network(inputs).float().softmax(dim=1).cpu().numpy()
            for item, cut, row in zip(items[part], cuts[part], rows, strict=True):
                outcomes.append(self._outcome(item, cut, row))
        return outcomes

    def _outcome(self, item: ClassifyItem, cut: Image, row: NDArray[np.float32]) -> Outcome:
        names, best = self.settings.classes, int(row.argmax())
        return Outcome(
            name=item.name,
            error=1.0 - float(row[item.target]),
            values={"items": 1, "right": float(best == item.target)},
            slices=item.groups,
            caption=f"{names[item.target]} taken for {names[best]} ({row[best]:.2f})",
            picture=cut if cut.ndim == 3 else np.hstack([cut[0], cut[len(cut) // 2], cut[-1]]),
            details=(item.target, best),
        )

    def metrics(self, outcomes: Sequence[Outcome]) -> dict[str, float]:
        """`accuracy`, and `f1`: the mean over the classes that are there of their F1."""
        pairs = _pairs(outcomes)
        scores = f1_by_class(pairs, len(self.classes))
        there = sorted(set(pairs[:, 0].tolist()))
        return {
            "accuracy": accuracy(pairs, len(self.classes)),
            "f1": sum(scores[number] for number in there) / max(len(there), 1),
        }

    def whole_set_metrics(self, outcomes: Sequence[Outcome]) -> dict[str, float]:
        """Each class's F1, as `f1/CLASS`, of those that an item has or was given."""
        pairs = _pairs(outcomes)
        scores = f1_by_class(pairs, len(self.classes))
        met = set(pairs.ravel().tolist())
        return {
            f"f1/{name}": scores[number]
            for number, name in enumerate(self.classes)
            if number in met
        }

    def confusion(self, outcomes: Sequence[Outcome]) -> NDArray[np.int64]:
        """Items by their class (rows) and the class given to them (columns)."""
        return confusion_table(_pairs(outcomes), len(self.classes))

    def example_input(self) -> Tensor:
        """A grey ramp."""
        ramp = torch.linspace(0, 255, self.settings.width)[None, None, :, None]
        ramp = ramp.expand(1, self.settings.height, self.settings.width, 3)
        if self.settings.frames > 1:
            ramp = ramp[:, None].expand(-1, self.settings.frames, -1, -1, -1)
        return ramp.contiguous()

    def processing(self) -> dict[str, Any]:
        """How to feed the exported network and read what it gives."""
        settings = self.settings
        return {
            "input": f"float RGB 0 to 255, (batch, {settings.height}, {settings.width}, 3): the "
            f"box, grown by the margin on each side, resized to the whole input",
            "margin": settings.margin,
            "frames": None
            if settings.frames == 1
            else f"{settings.frames} along a second axis, each from the middle of its share of the "
            f"film's frames",
            "output": "(batch, classes): logits; their softmax is the score",
            "classes": list(settings.classes),
        }


def _pairs(outcomes: Sequence[Outcome]) -> Pairs:
    return np.array([outcome.details for outcome in outcomes], dtype=np.int64).reshape(-1, 2)


def _size_group(side_px: float) -> str:
    """The group of sizes that a thing belongs to by its longer side."""
    for edge in SIZE_EDGES_PX:
        if side_px < edge:
            return f"under {edge} px"
    return f"{SIZE_EDGES_PX[-1]} px and more"
