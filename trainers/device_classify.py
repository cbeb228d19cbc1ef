"""Cuts of pictures made on a device: as `Classify.example` makes them, a batch at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seedbed.errors import InputError
from seedbed.trainers.classify import Classify, ClassifyItem
from seedbed.trainers.device_augment import (
    Drawn,
    draw_augmenters,
    find_twins,
    paint_twins,
)
from seedbed.trainers.device_examples import DeviceExamples
from seedbed.trainers.device_pictures import (
    averaging,
    canvas,
    grouped,
    interpolating,
    on,
    scaled,
)
from seedbed.trainers.task import Batch


@dataclass(frozen=True)
class DrawnView:
    """A cut: the width and height its picture is averaged to, the matrix (2, 3) from there."""

    size: tuple[int, int]
    matrix: NDArray[np.float64]
    mirrored: bool
    augmented: Drawn
    target: int


class DeviceClassify(DeviceExamples[ClassifyItem, DrawnView]):
    """`classify`: pictures are cut and augmented on the device."""

    def __init__(self, task: Classify) -> None:
        if task.settings.frames > 1:
            raise InputError("films are cut on CPU cores only")
        self.task = task
        self.twins = find_twins(task.settings.augmenters)

    def array(self, item: ClassifyItem) -> NDArray[np.uint8]:
        """The picture."""
        return item.image

    def without_array(self, item: ClassifyItem) -> ClassifyItem:
        """The label without its picture."""
        return replace(item, image=item.image[:0, :0].copy())

    def draw(
        self, item: ClassifyItem, shape: tuple[int, ...], rng: np.random.Generator
    ) -> DrawnView:
        """As `Classify.example` draws."""
        zoom, shift, mirrored = self.task.drawn_view(rng)
        size, matrix = self.task.cut_geometry(shape[:2], item.box, zoom, shift)
        augmented = draw_augmenters(self.task.augmenters, rng)
        return DrawnView(size, matrix, mirrored, augmented, item.target)

    def paint(self, arrays: Sequence[Tensor], drawn: Sequence[DrawnView]) -> Batch:
        """The batch: `inputs` and `targets`."""
        settings, device = self.task.settings, arrays[0].device
        inputs = grouped(
            [(array.shape[0], array.shape[1]) for array in arrays],
            (settings.height, settings.width),
            device,
            lambda group: self._cuts([arrays[n] for n in group], [drawn[n] for n in group]),
        )
        targets = torch.tensor([one.target for one in drawn])
        return {"inputs": inputs, "targets": targets.to(device, non_blocking=True)}

    def _cuts(self, arrays: Sequence[Tensor], drawn: Sequence[DrawnView]) -> Tensor:
        settings, device = self.task.settings, arrays[0].device
        matrices = []
        for axis, seen in ((1, settings.height), (0, settings.width)):
            old = [array.shape[1 - axis] for array in arrays]
            new = [one.size[axis] for one in drawn]
            scale = np.array([one.matrix[axis, axis] for one in drawn])[:, None]
            shift = np.array([one.matrix[axis, 2] for one in drawn])[:, None]
            places = on(device, (np.arange(seen) - shift) / scale)
            # A mirrored cut is read from its other end.
            if axis == 0:
                turned = on(device, [one.mirrored for one in drawn])[:, None] > 0
                places = torch.where(turned, places.flip(1), places)
            matrices.append(interpolating(places, new, repeat=True) @ averaging(old, new, device))
        cuts = scaled(canvas(arrays), *matrices)
        return paint_twins(cuts, self.twins, [one.augmented for one in drawn])
