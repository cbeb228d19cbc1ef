"""Cuts of plates made on a device: as `Read.example` makes them, a batch at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from seedbed.geometry import Points, rectangle
from seedbed.trainers.device_augment import (
    Drawn,
    draw_augmenters,
    find_twins,
    paint_twins,
)
from seedbed.trainers.device_examples import DeviceExamples
from seedbed.trainers.device_pictures import (
    Size,
    averaging,
    canvas,
    grouped,
    numbers,
    rescaled,
    scaled,
    warped,
)
from seedbed.trainers.read import Read, ReadItem
from seedbed.trainers.rectify import AveragedPart, averaged_part, grown_quad
from seedbed.trainers.task import Batch, Example


@dataclass(frozen=True)
class DrawnCut:
    """A cut: the size its patch is scaled to, its augmenters, its quad there, its answers."""

    size: Size
    augmented: Drawn
    quad: Points
    answers: Example


class DeviceRead(DeviceExamples[ReadItem, DrawnCut]):
    """`read`: patches are scaled, augmented and cut on the device."""

    def __init__(self, task: Read) -> None:
        self.task = task
        self.twins = find_twins(task.settings.augmenters)

    def array(self, item: ReadItem) -> NDArray[np.uint8]:
        """The patch around the plate."""
        return item.patch

    def without_array(self, item: ReadItem) -> ReadItem:
        """The plate without its patch."""
        return replace(item, patch=item.patch[:0, :0].copy())

    def draw(self, item: ReadItem, shape: tuple[int, ...], rng: np.random.Generator) -> DrawnCut:
        """As `Read.example` draws."""
        scale = self.task.drawn_scale(item, rng)
        size = max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))
        quad = item.quad * np.array([size[1] / shape[1], size[0] / shape[0]])
        augmented = draw_augmenters(self.task.augmenters, rng)
        jittered = self.task.jittered(quad, rng)
        return DrawnCut(size, augmented, jittered, self.task.answers(item, quad, jittered))

    def paint(self, arrays: Sequence[Tensor], drawn: Sequence[DrawnCut]) -> Batch:
        """The batch: `inputs`, `aligned`, `targets` and `target_length`."""
        settings, device = self.task.settings, arrays[0].device
        inputs = grouped(
            [(array.shape[0], array.shape[1]) for array in arrays],
            (settings.height, settings.width),
            device,
            lambda group: self._cuts([arrays[n] for n in group], [drawn[n] for n in group]),
        )
        answers = self.task.collate([one.answers for one in drawn])
        moved = {name: value.to(device, non_blocking=True) for name, value in answers.items()}
        return {"inputs": inputs, **moved}

    def _cuts(self, arrays: Sequence[Tensor], drawn: Sequence[DrawnCut]) -> Tensor:
        settings = self.task.settings
        old = [(array.shape[0], array.shape[1]) for array in arrays]
        sizes = [one.size for one in drawn]
        pictures = rescaled(canvas(arrays), old, sizes)
        pictures = paint_twins(pictures, self.twins, [one.augmented for one in drawn])
        quads = [grown_quad(one.quad, *settings.margin) for one in drawn]
        cut = settings.width, settings.height
        parts = [averaged_part(size, quad, *cut) for size, quad in zip(sizes, quads, strict=True)]
        cuts = pictures.new_empty((len(arrays), 3, settings.height, settings.width))
        sharp = [n for n, part in enumerate(parts) if part is None]
        if sharp:
            where, seen = numbers(cuts.device, sharp), [sizes[n] for n in sharp]
            cuts[where] = self._warped(pictures[where], seen, [quads[n] for n in sharp])
        shrunk = [(n, part) for n, part in enumerate(parts) if part is not None]
        if shrunk:
            where, kept = numbers(cuts.device, [n for n, _ in shrunk]), [part for _, part in shrunk]
            averaged, seen = _averaged(pictures[where], kept), [part.size[::-1] for part in kept]
            cuts[where] = self._warped(averaged, seen, [part.quad for part in kept])
        return cuts

    def _warped(self, pictures: Tensor, sizes: Sequence[Size], quads: Sequence[Points]) -> Tensor:
        width, height = self.task.settings.width, self.task.settings.height
        frame = rectangle(0, 0, width, height).astype(np.float32)
        back = [cv2.getPerspectiveTransform(frame, quad.astype(np.float32)) for quad in quads]
        return warped(pictures, sizes, np.stack(back).astype(np.float64), height, width)


def _averaged(pictures: Tensor, parts: Sequence[AveragedPart]) -> Tensor:
    """The parts of pictures, averaged down; whole grey levels."""
    matrices = [
        averaging(
            [part.high[axis] - part.low[axis] for part in parts],
            [part.size[axis] for part in parts],
            pictures.device,
            [part.low[axis] for part in parts],
            pictures.shape[3 - axis],
        )
        for axis in (1, 0)
    ]
    return scaled(pictures, *matrices).round()
