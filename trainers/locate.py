"""Finds licence plates: boxes and quads, from a heatmap at a quarter of the picture's scale.

The encoder is four lines of the conv core's notation, each halving the scale (the first
twice); the decoder adds what the coarse maps know to the fine ones (Lin and others 2017,
"Feature pyramid networks"). It is fully convolutional: it learns from crops and looks at
whole pictures. How the maps are made and read is in `seedbed.trainers.quads`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isnan
from typing import TYPE_CHECKING, Any, ClassVar

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, field_validator
from torch import Tensor, nn

from seedbed.encode import decode_picture
from seedbed.errors import InputError
from seedbed.geometry import Bbox, Points
from seedbed.sample import Picture
from seedbed.streams import chance, log_uniform
from seedbed.trainers.augment import AugmenterSpec, augment, make_augmenters
from seedbed.trainers.conv import build
from seedbed.trainers.draw import draw_plates
from seedbed.trainers.pictures import QUAD_IS_BOX
from seedbed.trainers.quads import (
    LEAST_PEAK,
    MAPS,
    MOST_OVERLAP,
    STRIDE,
    FoundPlate,
    box_iou,
    decode_quads,
    make_targets,
    quad_iou,
    side_lengths,
    suppress,
)
from seedbed.trainers.rectify import rescaled
from seedbed.trainers.sharpness import plate_sharpness
from seedbed.trainers.task import Batch, Example, Outcome, Task, TaskSettings, seeded_weights

if TYPE_CHECKING:
    from seedbed.trainers.device_examples import DeviceExamples

Image = NDArray[np.uint8]

COARSEST = 32
"""Pixels of the picture to one cell of the last stage's map: pictures are padded to it."""

PADDING_GREY = 114
"""What pads a picture: about the mean of photographs, so that no edge stands out."""

KEPT_QUALITY = 95
"""Pictures are kept in memory as JPEG of this quality: a tenth of the size, 2 ms to decode."""

REFINE_SIZE_PX = (160, 256)
"""Height and width of what is looked at again around a plate."""

AREA_BELOW = 0.7
"""Pictures scaled down to less than this are averaged: single samples would miss strokes."""

MOST_REFINE_SCALE = 3.0
"""Small plates are not enlarged beyond this, times the look's own scale: there's no more to see."""

REFINE_SCALE_BOUNDS = (0.25, 2.0)

REFINE_OVERLAP = 0.2
"""Least IoU of a closer look's quad and the one that it was placed by."""

WORTH_SHARE = 0.5
"""Of the surest plate's score: what is found less surely is given no further looks, since most of
it is no plate."""

WIDTH_EDGES_PX = (0, 24, 48, 96, 192, 100_000)
"""Edges of the plate widths by which recall is told apart."""


class LocateSettings(TaskSettings):
    """What a locator looks like, which crops it learns from and how it is asked."""

    stages: tuple[str, ...] = Field(
        default=(
            "F8@3x3/2 nobias > BN > R > F16@3x3/2 nobias > BN > R",
            "F24@3x3/2 nobias > BN > R > [F24@3x3 nobias > BN > R > F24@3x3 nobias > BN]+ > R",
            "F48@3x3/2 nobias > BN > R > 2x[[F48@3x3 nobias > BN > R > F48@3x3 nobias > BN]+ > R]",
            "F80@3x3/2 nobias > BN > R > "
            "2x[[F80@3x3 nobias > BN > R > F80@3x3*2 nobias > BN]+ > R]",
        ),
        min_length=2,
        max_length=4,
        description="arch lines; the first quarters the scale, each other halves it",
    )
    width: int = Field(default=16, ge=4, description="channels of the decoder at a quarter scale")
    crop_px: int = Field(default=288, ge=64, multiple_of=COARSEST)
    plate_width_px: tuple[float, float] = Field(
        default=(16.0, 400.0), description="widths that a crop's plate is rescaled to"
    )
    scale: tuple[float, float] = Field(
        default=(0.3, 2.0), description="least and greatest rescaling of a picture"
    )
    plate_share: float = Field(
        default=0.85, ge=0, le=1, description="crops that are placed around a plate"
    )
    augmenters: tuple[AugmenterSpec, ...] = Field(
        default=(
            AugmenterSpec(name="gaussian-blur", probability=0.2),
            AugmenterSpec(name="gaussian-noise", probability=0.2),
            AugmenterSpec(name="brightness", probability=0.2),
            AugmenterSpec(name="contrast", probability=0.2),
            AugmenterSpec(name="grey", probability=0.1),
            AugmenterSpec(name="jpeg-compression", probability=0.4),
        ),
        description="act on the crop, one after the other",
    )
    offset_weight: float = Field(
        default=3.0, ge=0, description="of the way from the centre to the corners"
    )
    corner_weight: float = Field(default=0.5, ge=0, description="of the corners' heatmaps")
    max_megapixels: float = Field(
        default=0.5, gt=0, description="larger pictures are scaled down before they are searched"
    )
    scales: tuple[float, ...] = Field(
        default=(1.0, 0.4),
        min_length=1,
        description="scales at which a picture is searched; a small one finds plates that are "
        "larger than what the coarsest stage overlooks",
    )
    threshold: float = Field(default=0.3, gt=0, lt=1, description="least score of a plate")
    refine_width_px: float = Field(
        default=128.0,
        ge=0,
        description="each plate is looked at again, scaled to this width, which settles its "
        "corners and its score; 0 looks once",
    )
    refine_scales: tuple[float, ...] = Field(
        default=(1.0, 0.63, 1.5),
        min_length=1,
        description="times `refine_width_px`: 1 first, where each plate is looked at; the surest "
        "are looked at at the others, too, and their corners are the mean of all",
    )
    refine_most: int = Field(default=6, ge=1, description="plates of a picture that are refined")

    @field_validator("refine_scales")
    @classmethod
    def _own_first(cls, scales: tuple[float, ...]) -> tuple[float, ...]:
        low, high = REFINE_SCALE_BOUNDS
        if scales[0] != 1 or not all(low <= scale <= high for scale in scales):
            raise ValueError(f"must begin with 1 and lie between {low:g} and {high:g}")
        return scales

    @field_validator("plate_width_px", "scale")
    @classmethod
    def _ordered(cls, bounds: tuple[float, float]) -> tuple[float, float]:
        if not 0 < bounds[0] <= bounds[1]:
            raise ValueError("must run from low to high, above 0")
        return bounds


@dataclass(frozen=True)
class LocateItem:
    """A picture as JPEG bytes and the quads, shape (4, 2) in pixels, of its plates.

    What is marked in `ignored` is neither asked for nor counted as a mistake. `cornered` says of
    each plate whether its quad was labelled; otherwise it is the box. `layouts` are the plates'.
    """

    name: str
    jpeg: bytes
    plates: tuple[Points, ...]
    boxes: tuple[Bbox, ...]
    ignored: tuple[Points, ...]
    texts: tuple[str, ...]
    cornered: tuple[bool, ...]
    layouts: tuple[str, ...]

    @property
    def size_bytes(self) -> int:
        """What it takes in memory."""
        return len(self.jpeg) + 256 * (1 + len(self.plates))

    def image(self) -> Image:
        """The picture, uint8 RGB of shape (height, width, 3)."""
        return decode_picture(self.jpeg)


class LocateNetwork(nn.Module):
    """Pictures of 0 to 255 in, logits of five heatmaps and eight offsets out.

    Takes (batch, height, width, 3), both sizes multiples of `COARSEST`, of any number type;
    gives (batch, `MAPS`, height / 4, width / 4) in float.
    """

    def __init__(self, settings: LocateSettings, seed: int) -> None:
        super().__init__()
        shape: tuple[int, ...] = (3, settings.crop_px, settings.crop_px)
        stages, channels = [], []
        for number, line in enumerate(settings.stages):
            stage = build(line, shape, "channels_first", seed=seed + number)
            side = settings.crop_px // (STRIDE * 2**number)
            if stage.output_shape[1:] != (side, side):
                raise InputError(
                    f"locate: the setting `stages.{number}` must bring a picture of "
                    f"{settings.crop_px} pixels down to {side} cells a side, but it ends in the "
                    f"shape {stage.output_shape}: the first stage has strides of {STRIDE} in all, "
                    f"each other of 2."
                )
            shape = stage.output_shape
            channels.append(shape[0])
            stages.append(stage)
        self.stages = nn.ModuleList(stages)
        widths = [settings.width] + [settings.width * 3 // 2] * (len(channels) - 1)
        self.lateral = nn.ModuleList(
            nn.Conv2d(own, width, 1) for own, width in zip(channels, widths, strict=True)
        )
        self.down = nn.ModuleList(
            nn.Conv2d(coarse, fine, 1) if coarse != fine else nn.Identity()
            for fine, coarse in pairwise(widths)
        )
        self.mix = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(width, width, 3, padding=1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(inplace=True),
            )
            for width in widths
        )
        self.head = nn.Conv2d(widths[0], MAPS, 1)
        nn.init.normal_(self.head.weight, std=0.01)
        # A heatmap starts at 0.02 everywhere: the focal loss is flat at its start otherwise.
        self.head.bias = nn.Parameter(torch.tensor([-4.0] * 5 + [0.0] * (MAPS - 5)))

    def forward(self, pictures: Tensor) -> Tensor:
        """The answer's logits and offsets for a batch of pictures."""
        x = pictures.to(self.head.weight.dtype, copy=True).div_(64).sub_(2)
        x = x.permute(0, 3, 1, 2)
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        y = self.mix[-1](self.lateral[-1](maps[-1]))
        for level in reversed(range(len(maps) - 1)):
            y = nn.functional.interpolate(self.down[level](y), scale_factor=2.0, mode="nearest")
            y = self.mix[level](self.lateral[level](maps[level]) + y)
        answer: Tensor = self.head(y)
        return answer


class Locate(Task[LocateSettings, LocateItem]):
    """Finds licence plates and their corners in pictures of any size."""

    name: ClassVar[str] = "locate"
    settings_type: ClassVar[type[TaskSettings]] = LocateSettings
    sample_type: ClassVar[type[Picture]] = Picture
    needs: ClassVar[str] = "pictures whose plates are labelled with quads or boxes"
    needs_quads: ClassVar[bool] = True
    goal: ClassVar[tuple[str, bool]] = ("ap50", True)

    def __init__(self, settings: LocateSettings) -> None:
        super().__init__(settings)
        self.augmenters = make_augmenters(settings.augmenters)

    def items(self, sample: Picture, name: str) -> list[LocateItem]:
        """The picture with its plates; small or hidden ones that cannot be read are ignored."""
        plates, boxes, ignored, texts, cornered, layouts = [], [], [], [], [], []
        for labelled in sample.objects:
            if labelled.category != "plate" or len(labelled.quad) != 4:
                continue
            if labelled.legible or labelled.illegible_reason == "contrast":
                plates.append(labelled.quad)
                boxes.append(labelled.bbox)
                texts.append(labelled.text_plain)
                layouts.append(labelled.layout)
                cornered.append(not labelled.attributes.get(QUAD_IS_BOX, False))
            else:
                ignored.append(labelled.quad)
        bgr = cv2.cvtColor(sample.image, cv2.COLOR_RGB2BGR)
        jpeg = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, KEPT_QUALITY])[1].tobytes()
        return [
            LocateItem(
                name,
                jpeg,
                tuple(plates),
                tuple(boxes),
                tuple(ignored),
                tuple(texts),
                tuple(cornered),
                tuple(layouts),
            )
        ]

    def example(self, item: LocateItem, rng: np.random.Generator) -> Example:
        """A rescaled crop and its targets: `inputs` (crop, crop, 3) uint8 and the maps."""
        side = self.settings.crop_px
        image = item.image()
        scale, corner = self.placed(item, image.shape[:2], rng)
        crop = _crop(image, scale, corner, (side, side))
        picture = augment(crop, self.augmenters, rng)
        targets = make_targets(
            [quad * scale - corner for quad in item.plates],
            [quad * scale - corner for quad in item.ignored],
            side,
            side,
        )
        return {
            "inputs": picture,
            "heat": targets.heat,
            "heat_weight": targets.heat_weight,
            "offsets": targets.offsets,
            "offset_weight": targets.offset_weight,
        }

    def placed(
        self, item: LocateItem, size_px: tuple[int, ...], rng: np.random.Generator
    ) -> tuple[float, Points]:
        """The scale of a crop, and its corner (x, y) in the picture rescaled by it.

        `size_px` is the height and the width of the picture.
        """
        settings, side = self.settings, self.settings.crop_px
        height, width = size_px
        around: Points | None = None
        if item.plates and chance(rng, settings.plate_share):
            around = item.plates[int(rng.integers(len(item.plates)))]
            scale = log_uniform(rng, settings.plate_width_px) / max(side_lengths(around)[0], 1.0)
        else:
            scale = log_uniform(rng, settings.scale)
        scale = float(np.clip(scale, *settings.scale))
        # The crop's corner in the rescaled picture; a picture smaller than the crop is padded.
        if around is None:
            centre = np.array([rng.uniform(0, width), rng.uniform(0, height)]) * scale
        else:
            centre = around.mean(axis=0) * scale + rng.uniform(-0.4, 0.4, size=2) * side
        spare = np.maximum(np.array([width, height]) * scale - side, 0.0)
        corner = np.clip(centre - side / 2, 0.0, spare)
        corner -= np.where(spare == 0.0, rng.uniform(0, 1, size=2), 0.0) * np.maximum(
            side - np.array([width, height]) * scale, 0.0
        )
        return scale, corner

    def device_examples(self) -> DeviceExamples[LocateItem, Any]:
        """The same examples made on a device."""
        from seedbed.trainers.device_locate import DeviceLocate

        return DeviceLocate(self)

    def network(self, seed: int) -> LocateNetwork:
        """A new locator."""
        with seeded_weights(seed):
            return LocateNetwork(self.settings, seed)

    def loss(self, outputs: Tensor, batch: Batch) -> dict[str, Tensor]:
        """The focal loss of the heatmaps and the L1 loss of the offsets, per plate."""
        outputs = outputs.float()
        weight = batch["heat_weight"]
        centre = focal_loss(outputs[:, 0], batch["heat"][:, 0], weight)
        corners = focal_loss(outputs[:, 1:5], batch["heat"][:, 1:], weight[:, None]) / 4
        errors = (outputs[:, 5:] - batch["offsets"]).abs().mean(dim=1)
        asked = batch["offset_weight"]
        # Divided by the cells that ask, not by their weight: that says how much one counts.
        offset = (errors * asked).sum() / (asked > 0).sum().clamp(min=1)
        total = (
            centre + self.settings.corner_weight * corners + self.settings.offset_weight * offset
        )
        return {"loss": total, "centre": centre, "corners": corners, "offset": offset}

    @torch.inference_mode()
    def find(self, network: nn.Module, image: Image) -> list[FoundPlate]:
        """The plates in a picture, uint8 RGB of shape (height, width, 3), best first."""
        height, width = image.shape[:2]
        base = min(1.0, (self.settings.max_megapixels * 1e6 / (height * width)) ** 0.5)
        found: list[FoundPlate] = []
        # The smaller ones are made from the largest: scaling down is most of their cost.
        largest = base * max(self.settings.scales)
        scaled = rescaled(image, largest, AREA_BELOW)
        for own in self.settings.scales:
            scale = base * own
            padded = padded_picture(scaled, scale / largest)
            maps = _maps(network, padded[None])[0]
            rows = -(-round(height * scale) // STRIDE)
            columns = -(-round(width * scale) // STRIDE)
            for plate in decode_quads(maps[:, :rows, :columns], self.settings.threshold):
                found.append(FoundPlate(plate.quad / scale, plate.score))
        found = suppress(found)
        if self.settings.refine_width_px and found:
            found = suppress(self._refined(network, image, found))
        return found

    def _refined(
        self, network: nn.Module, image: Image, found: Sequence[FoundPlate]
    ) -> list[FoundPlate]:
        """The best plates after further looks, each alone at the scales the network sees best.

        A plate that the second look does not confirm keeps its quad and half its score; the surest
        of those that it confirms are looked at at the other scales, too.
        """
        scales = self.settings.refine_scales
        first = found[: self.settings.refine_most]
        seconds = self._looks(network, image, [plate.quad for plate in first], scales[:1])
        refined = [
            FoundPlate(looks[0].quad, (looks[0].score * plate.score) ** 0.5)
            if looks
            else FoundPlate(plate.quad, plate.score / 2)
            for plate, looks in zip(first, seconds, strict=True)
        ]
        least = WORTH_SHARE * max(plate.score for plate in refined)
        worth = [n for n, looks in enumerate(seconds) if looks and refined[n].score >= least]
        others = self._looks(network, image, [refined[n].quad for n in worth], scales[1:])
        for number, looks in zip(worth, others, strict=True):
            plate = refined[number]
            quads = (plate.quad, *(one.quad for one in looks))
            if len(quads) == 1:
                continue
            mean = np.asarray(np.mean(quads, axis=0), dtype=np.float64)
            refined[number] = FoundPlate(mean, plate.score, quads)
        return refined + list(found[self.settings.refine_most :])

    def _looks(
        self, network: nn.Module, image: Image, quads: Sequence[Points], scales: Sequence[float]
    ) -> list[list[FoundPlate]]:
        """For each quad, at each of the scales, the surest plate that lies over it, if any does."""
        shape = np.array([REFINE_SIZE_PX[1], REFINE_SIZE_PX[0]], dtype=np.float64)
        placed, crops = [], []
        for quad in quads:
            own = min(
                self.settings.refine_width_px / max(side_lengths(quad)[0], 1.0), MOST_REFINE_SCALE
            )
            for times in scales:
                scale = own * times
                corner = quad.mean(axis=0) * scale - shape / 2
                placed.append((quad, scale, corner))
                crops.append(_crop(image, scale, corner, REFINE_SIZE_PX))
        looks: list[list[FoundPlate]] = [[] for _ in quads]
        if not crops:
            return looks
        for number, ((quad, scale, corner), maps) in enumerate(
            zip(placed, _maps(network, np.stack(crops)), strict=True)
        ):
            seen = [
                FoundPlate((one.quad + corner) / scale, one.score)
                for one in decode_quads(maps, self.settings.threshold / 2)
            ]
            seen = [one for one in seen if quad_iou(one.quad, quad) > REFINE_OVERLAP]
            if seen:
                looks[number // len(scales)].append(max(seen, key=lambda one: one.score))
        return looks

    def outcomes(self, network: nn.Module, items: Sequence[LocateItem]) -> list[Outcome]:
        """Each picture's plates beside its labels, matched from the surest on."""
        return [self._outcome(network, item) for item in items]

    def _outcome(self, network: nn.Module, item: LocateItem) -> Outcome:
        image = item.image()
        found = self.find(network, image)
        left = dict(enumerate(item.boxes))
        corner_errors, false = [], 0
        for plate in found:
            best = max(left, key=lambda n: box_iou(left[n], plate.bbox), default=None)
            if best is not None and box_iou(left[best], plate.bbox) >= 0.5:
                if item.cornered[best]:
                    corner_errors.append(
                        float(np.linalg.norm(item.plates[best] - plate.quad, axis=1).mean())
                    )
                del left[best]
            elif not any(quad_iou(plate.quad, quad) > 0.1 for quad in item.ignored):
                false += 1
        values: dict[str, float] = {
            "plates": len(item.plates),
            "found": len(item.plates) - len(left),
            "false": false,
            "corner_error_px": sum(corner_errors),
            "found with corners": len(corner_errors),
            "pictures": 1,
        }
        for number, quad in enumerate(item.plates):
            group = width_group(side_lengths(quad)[0])
            values[f"plates {group}"] = values.get(f"plates {group}", 0) + 1
            values[f"found {group}"] = values.get(f"found {group}", 0) + (number not in left)
        sure = max((plate.score for plate in found), default=0.0)
        return Outcome(
            name=item.name,
            error=10 * len(left) + false + (1 - sure if item.plates else sure),
            values=values,
            slices={"plates": str(len(item.plates)), **_widest(item, image)},
            caption=f"{item.name}: missed {len(left)} of {len(item.plates)}, {false} false",
            picture=draw_plates(image, [(p.quad, f"{p.score:.2f}") for p in found], item.plates),
            details=(found, item.boxes, [_box(quad) for quad in item.ignored]),
        )

    def metrics(self, outcomes: Sequence[Outcome]) -> dict[str, float]:
        """Recall and precision at IoU 0.5, corner error, and recall by plate width.

        There is no corner error where no plate that was found has labelled corners.
        """
        sums: dict[str, float] = {}
        for outcome in outcomes:
            for key, value in outcome.values.items():
                sums[key] = sums.get(key, 0.0) + value
        found = sums.get("found", 0.0)
        metrics = {
            "recall": _ratio(found, sums.get("plates", 0.0)),
            "precision": _ratio(found, found + sums.get("false", 0.0)),
            "false_per_picture": _ratio(sums.get("false", 0.0), sums.get("pictures", 0.0)),
            "corner_error_px": _ratio(
                sums.get("corner_error_px", 0.0), sums.get("found with corners", 0.0)
            ),
        }
        for low, high in pairwise(WIDTH_EDGES_PX):
            group = width_group((low + high) / 2)
            if sums.get(f"plates {group}"):
                metrics[f"recall {group}"] = _ratio(sums[f"found {group}"], sums[f"plates {group}"])
        return {key: value for key, value in metrics.items() if not isnan(value)}

    def whole_set_metrics(self, outcomes: Sequence[Outcome]) -> dict[str, float]:
        """AP50 and AP50-95 of the boxes, as COCO counts them."""
        from faster_coco_eval import COCO, COCOeval_faster

        annotations: list[dict[str, Any]] = []
        detections: list[dict[str, Any]] = []
        for number, outcome in enumerate(outcomes, start=1):
            found, boxes, ignored = outcome.details
            for position, box in enumerate([*boxes, *ignored]):
                annotations.append(
                    {
                        "id": len(annotations) + 1,
                        "image_id": number,
                        "category_id": 1,
                        "bbox": list(box),
                        "area": box[2] * box[3],
                        "iscrowd": int(position >= len(boxes)),
                    }
                )
            detections += [
                {
                    "image_id": number,
                    "category_id": 1,
                    "bbox": list(plate.bbox),
                    "score": plate.score,
                }
                for plate in found
            ]
        if not annotations or not detections:
            return {"ap50": 0.0, "ap50_95": 0.0}
        labels = {
            "images": [{"id": number} for number in range(1, len(outcomes) + 1)],
            "categories": [{"id": 1, "name": "plate"}],
            "annotations": annotations,
        }
        truth = COCO(labels)
        meter = COCOeval_faster(truth, truth.loadRes(detections), "bbox", print_function=_nowhere)
        meter.run()
        return {"ap50": float(meter.stats[1]), "ap50_95": float(meter.stats[0])}

    def example_input(self) -> Tensor:
        """A grey picture of the crop's size."""
        side = self.settings.crop_px
        return torch.full((1, side, side, 3), 128.0)

    def free_axes(self) -> dict[int, int]:
        """Height and width, in steps of the coarsest cell."""
        return {1: COARSEST, 2: COARSEST}

    def processing(self) -> dict[str, Any]:
        """How to feed the exported network and read what it gives."""
        return {
            "input": f"float RGB 0 to 255, (batch, height, width, 3), padded at the right and the "
            f"bottom with {PADDING_GREY} to multiples of {COARSEST}",
            "output": f"(batch, {MAPS}, height / {STRIDE}, width / {STRIDE}): logits of the centre "
            f"and of the corners 1 to 4 (apply the sigmoid), then x and y from the cell's centre "
            f"to each corner in units of 32 pixels",
            "peaks": "cells of the centre map that are the largest of 3x3 and over the threshold",
            "threshold": self.settings.threshold,
            "max_megapixels": self.settings.max_megapixels,
            "scales": list(self.settings.scales),
            "corners": "clockwise from the text's top left; each moves to the peak of its own map "
            f"within a quarter of the plate's height (1 to 6 cells) that is at least "
            f"{LEAST_PEAK:g}, to the mean of the 3x3 cells there by their height",
            "overlaps": f"of two plates whose quads overlap with an IoU over {MOST_OVERLAP:g}, or "
            "of which the surer one holds the other's centre, the surer one is kept",
            "second_look": self._described_look(),
        }

    def _described_look(self) -> dict[str, Any] | None:
        """What is done with what was found; None where it is looked at once."""
        settings = self.settings
        if not settings.refine_width_px:
            return None
        return {
            "plates": settings.refine_most,
            "which": "the surest ones, each alone in the middle of a cut",
            "height_and_width": list(REFINE_SIZE_PX),
            "plate_width_px": settings.refine_width_px,
            "largest_scale": MOST_REFINE_SCALE,
            "threshold": settings.threshold / 2,
            "confirmed": f"by the surest plate there whose quad overlaps it with an IoU over "
            f"{REFINE_OVERLAP:g}: that quad, and the root of both scores' product; else the first "
            f"quad at half its score",
            "scales": list(settings.refine_scales),
            "corners": f"what is confirmed with at least {WORTH_SHARE:g} of the best score is cut "
            "again about that quad, at plate_width_px and largest_scale times each scale after the "
            "first; the corners are the mean of all quads so confirmed",
        }


def _maps(network: nn.Module, pictures: Image) -> NDArray[np.float32]:
    """A network's answer for pictures (batch, height, width, 3), heatmaps after the sigmoid."""
    device = next(network.parameters()).device
    answer = network(torch.from_numpy(pictures).to(device)).float()
    answer[:, :5] = answer[:, :5].sigmoid()
    return np.asarray(answer.cpu().numpy(), dtype=np.float32)


def _nowhere(*_: object) -> None:
    """Where the evaluator's own table goes."""


def focal_loss(logits: Tensor, heat: Tensor, weight: Tensor) -> Tensor:
    """CenterNet's focal loss (alpha 2, beta 4), summed, per cell that holds a peak."""
    log_yes = nn.functional.logsigmoid(logits)
    log_no = nn.functional.logsigmoid(-logits)
    yes = log_yes.exp()
    peak = (heat >= 1.0).to(logits.dtype)
    per_cell = peak * (1 - yes) ** 2 * log_yes + (1 - peak) * (1 - heat) ** 4 * yes**2 * log_no
    return -(per_cell * weight).sum() / peak.sum().clamp(min=1)


def width_group(width_px: float) -> str:
    """The group of widths that a plate belongs to: `"24-48 px"`."""
    for low, high in pairwise(WIDTH_EDGES_PX):
        if low <= width_px < high:
            break
    return f"{low}-{high} px" if high < WIDTH_EDGES_PX[-1] else f"{low}+ px"


def _widest(item: LocateItem, image: Image) -> dict[str, str]:
    """What the widest plate of a picture is like; nothing for one without plates."""
    if not item.plates:
        return {}
    widths = [side_lengths(quad)[0] for quad in item.plates]
    number = int(np.argmax(widths))
    return {
        "widest plate": width_group(widths[number]),
        "sharpness": plate_sharpness(image, item.plates[number]),
        "layout": item.layouts[number] or "?",
    }


def padded_picture(image: Image, scale: float) -> Image:
    """`image` rescaled, and padded at its right and bottom to multiples of `COARSEST`."""
    image = rescaled(image, scale, AREA_BELOW)
    below, right = -image.shape[0] % COARSEST, -image.shape[1] % COARSEST
    if below or right:
        grey = (PADDING_GREY,) * 3
        padded = cv2.copyMakeBorder(image, 0, below, 0, right, cv2.BORDER_CONSTANT, value=grey)
        image = np.asarray(padded, dtype=np.uint8)
    return image


def shown_part(
    shape: tuple[int, ...], scale: float, corner: Points, size_px: tuple[int, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first pixel (x, y) of a picture of `shape` that a crop shows, and the one after the last.

    The crop of `size_px` (height, width) lies at `corner` of the picture rescaled by `scale`.
    """
    most = np.array(shape[1::-1])
    low = np.clip(np.floor(corner / scale) - 2, 0, most).astype(np.int64)
    high = np.clip(np.ceil((corner + size_px[::-1]) / scale) + 2, 0, most).astype(np.int64)
    return low, high


def _crop(
    image: Image, scale: float, corner: NDArray[np.float64], size_px: tuple[int, int]
) -> Image:
    """What lies at `corner` of the picture rescaled by `scale`, padded where it reaches out.

    `size_px` is the height and the width of the crop.
    """
    ratio, origin = np.array([1.0, 1.0]), np.zeros(2)
    if scale < AREA_BELOW:
        # Averaged down first, and only as much of the picture as the crop shows.
        low, high = shown_part(image.shape[:2], scale, corner, size_px)
        part = image[low[1] : high[1], low[0] : high[0]]
        if part.size:
            smaller = np.maximum(np.round((high - low) * scale), 1).astype(int)
            resized = cv2.resize(part, tuple(smaller.tolist()), interpolation=cv2.INTER_AREA)
            image = np.asarray(resized, dtype=np.uint8)
            ratio, origin = smaller / (high - low), low.astype(np.float64)
    # Pixel centres lie at half numbers: see seedbed.geometry.
    step = scale / ratio
    shift = 0.5 * step - 0.5 + origin * scale - corner
    matrix = np.array([[step[0], 0, shift[0]], [0, step[1], shift[1]]])
    cut = cv2.warpAffine(
        image,
        matrix,
        size_px[::-1],
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(PADDING_GREY,) * 3,
    )
    return np.asarray(cut, dtype=np.uint8)


def _box(quad: Points) -> Bbox:
    left, top = quad.min(axis=0)
    right, bottom = quad.max(axis=0)
    return (float(left), float(top), float(right - left), float(bottom - top))


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")
