"""Crops of scenes and their heatmaps made on a device: as `Locate.example` makes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seedbed.geometry import Points
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
    numbers,
    on,
    scaled,
)
from seedbed.trainers.locate import AREA_BELOW, PADDING_GREY, Locate, LocateItem, shown_part
from seedbed.trainers.quads import (
    CENTRE_SPREAD,
    CORNER_SPREAD,
    LEAST_SPREAD_CELLS,
    MIN_OFFSET_WEIGHT,
    OFFSET_UNIT_PX,
    STRIDE,
    asked_cells,
    centred_inside,
    side_lengths,
)
from seedbed.trainers.task import Batch

Part = tuple[int, int, int, int]
"""Of a picture: left, top, right and bottom."""


@dataclass(frozen=True)
class DrawnCrop:
    """A crop: its scale, its corner in the rescaled picture, its augmenters, and quads in it."""

    scale: float
    corner: Points
    augmented: Drawn
    plates: tuple[Points, ...]
    ignored: tuple[Points, ...]


class DeviceLocate(DeviceExamples[LocateItem, DrawnCrop]):
    """`locate`: pictures lie decoded on the device, where they are cropped and augmented."""

    def __init__(self, task: Locate) -> None:
        self.task = task
        self.twins = find_twins(task.settings.augmenters)

    def array(self, item: LocateItem) -> NDArray[np.uint8]:
        """The picture, decoded."""
        return item.image()

    def without_array(self, item: LocateItem) -> LocateItem:
        """The plates without their picture."""
        return replace(item, jpeg=b"")

    def draw(self, item: LocateItem, shape: tuple[int, ...], rng: np.random.Generator) -> DrawnCrop:
        """As `Locate.example` draws."""
        scale, corner = self.task.placed(item, shape[:2], rng)
        plates, ignored = (
            tuple(quad * scale - corner for quad in quads) for quads in (item.plates, item.ignored)
        )
        return DrawnCrop(scale, corner, draw_augmenters(self.task.augmenters, rng), plates, ignored)

    def paint(self, arrays: Sequence[Tensor], drawn: Sequence[DrawnCrop]) -> Batch:
        """The batch: `inputs` and the maps of `make_targets`."""
        side, device = self.task.settings.crop_px, arrays[0].device
        parts = [self._part(array, one) for array, one in zip(arrays, drawn, strict=True)]
        inputs = grouped(
            [(bottom - top, right - left) for left, top, right, bottom in parts],
            (side, side),
            device,
            lambda group: self._crops(
                [arrays[n] for n in group], [drawn[n] for n in group], [parts[n] for n in group]
            ),
        )
        plates = [one.plates for one in drawn]
        return {"inputs": inputs, **targets_on(device, plates, [o.ignored for o in drawn], side)}

    def _part(self, array: Tensor, drawn: DrawnCrop) -> Part:
        side = self.task.settings.crop_px
        shape = (array.shape[0], array.shape[1])
        low, high = shown_part(shape, drawn.scale, drawn.corner, (side, side))
        return (*low.tolist(), *high.tolist())

    def _crops(
        self, arrays: Sequence[Tensor], drawn: Sequence[DrawnCrop], parts: Sequence[Part]
    ) -> Tensor:
        device = arrays[0].device
        seen = [
            array[top:bottom, left:right]
            for array, (left, top, right, bottom) in zip(arrays, parts, strict=True)
        ]
        across, down = (self._matrices(drawn, parts, axis, device) for axis in (0, 1))
        crops = scaled(canvas(seen), down, across)
        covered = down.sum(dim=2)[:, None, :, None] * across.sum(dim=2)[:, None, None, :]
        crops += (1 - covered) * PADDING_GREY
        return paint_twins(crops, self.twins, [one.augmented for one in drawn])

    def _matrices(
        self, drawn: Sequence[DrawnCrop], parts: Sequence[Part], axis: int, device: torch.device
    ) -> Tensor:
        """From an axis of the parts to one of the crops: averaged where small, interpolated."""
        first = np.array([part[axis] for part in parts], dtype=np.float64)
        old = [part[2 + axis] - part[axis] for part in parts]
        scales = np.array([one.scale for one in drawn])
        new = [
            max(round(n * scale), 1) if scale < AREA_BELOW else n
            for n, scale in zip(old, scales.tolist(), strict=True)
        ]
        # Pixel centres lie at half numbers: see seedbed.geometry.
        step = scales / (np.array(new) / np.array(old))
        corners = np.array([one.corner[axis] for one in drawn])
        shift = 0.5 * step - 0.5 + first * scales - corners
        cells = np.arange(self.task.settings.crop_px)
        places = on(device, (cells - shift[:, None]) / step[:, None])
        return interpolating(places, new, repeat=False) @ averaging(old, new, device)


def targets_on(
    device: torch.device,
    plates: Sequence[Sequence[Points]],
    ignored: Sequence[Sequence[Points]],
    side: int,
) -> Batch:
    """The targets of `make_targets` for crops of `side` x `side` pixels, made on `device`.

    What is not asked is filled on a CPU, as it is there: for a few crops, in bytes.
    """
    cells = side // STRIDE
    asked = np.stack([asked_cells(*both, side, side) for both in zip(plates, ignored, strict=True)])
    inside = [[quad for quad in quads if centred_inside(quad, side, side)] for quads in plates]
    heat = torch.zeros((len(plates), 5, cells, cells), device=device)
    heat_weight = torch.from_numpy(asked.astype(np.uint8)).to(device, non_blocking=True).float()
    offsets = torch.zeros((len(plates), 8, cells, cells), device=device)
    offset_weight = torch.zeros((len(plates), cells, cells), device=device)
    places = torch.arange(cells, device=device, dtype=torch.float32) + 0.5
    # One plate of each crop at a time: where two meet, the first one counts.
    for turn in range(max(map(len, inside))):
        chosen = [number for number, quads in enumerate(inside) if turn < len(quads)]
        where = numbers(device, chosen)
        quads = np.stack([inside[number][turn] for number in chosen])
        widths, heights = np.array([side_lengths(quad) for quad in quads]).T
        along = quads[:, 1] + quads[:, 2] - quads[:, 0] - quads[:, 3]
        along = along / np.maximum(np.linalg.norm(along, axis=1), 1e-9)[:, None]
        spreads = np.stack([CENTRE_SPREAD[0] * widths, CENTRE_SPREAD[1] * heights], axis=1)
        bump = _bumps(places, quads.mean(axis=1), along, spreads)
        known = heat_weight[where]
        heat_weight[where] = torch.where(bump > 0.1, 1.0, known)
        nearest = (bump >= MIN_OFFSET_WEIGHT) & (bump > heat[where, 0])
        weight = on(device, OFFSET_UNIT_PX / np.maximum(widths, 8.0))[:, None, None]
        offset_weight[where] = torch.where(nearest, bump * weight, offset_weight[where])
        corners = on(device, quads)
        x = (corners[:, :, 0, None] - places * STRIDE)[:, :, None, :] / OFFSET_UNIT_PX
        y = (corners[:, :, 1, None] - places * STRIDE)[:, :, :, None] / OFFSET_UNIT_PX
        led = torch.stack([x.expand(-1, -1, cells, -1), y.expand(-1, -1, -1, cells)], dim=2)
        offsets[where] = torch.where(nearest[:, None], led.flatten(1, 2), offsets[where])
        spread = np.stack([CORNER_SPREAD * heights] * 2, axis=1)
        bumps = [bump]
        for corner in range(4):
            peak = _bumps(places, quads[:, corner], along, spread)
            there = np.all((quads[:, corner] >= 0) & (quads[:, corner] < side), axis=1)
            bumps.append(peak * on(device, there.tolist())[:, None, None])
        heat[where] = torch.maximum(heat[where], torch.stack(bumps, dim=1))
    return {
        "heat": heat,
        "heat_weight": heat_weight,
        "offsets": offsets,
        "offset_weight": offset_weight,
    }


def _bumps(places: Tensor, centres: Points, along: Points, spreads: Points) -> Tensor:
    """Gaussians around `centres` in pixels, 1 in a centre's own cell: (batch, cells, cells)."""
    device = places.device
    cells = centres / STRIDE
    x, y = on(device, cells.T)[:, :, None]
    cosine, sine = on(device, along.T)[:, :, None, None]
    wide, high = on(device, np.maximum(spreads / STRIDE, LEAST_SPREAD_CELLS).T)[:, :, None, None]
    dx, dy = (places - x)[:, None, :], (places - y)[:, :, None]
    u, v = (dx * cosine + dy * sine) / wide, (dy * cosine - dx * sine) / high
    bumps = torch.exp(-(u * u + v * v) / 2)
    column, row = on(device, np.floor(cells).T)[:, :, None] + 0.5
    own = ((places == row)[:, :, None]) & ((places == column)[:, None, :])
    return torch.where(own, 1.0, bumps)
