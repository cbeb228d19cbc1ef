"""Pictures on a device: brought onto one canvas, scaled, cropped and cut, a batch at a time.

Scaling a picture is a product: of a matrix that says how much of each row goes into each new
one, the picture, and another such matrix for the columns. One product for the whole batch
therefore averages and interpolates as OpenCV does, picture by picture, whatever their sizes.
Pictures here are float32 of shape (batch, 3, height, width), 0 to 255. Each lies in the top
left corner of its canvas, with its own height and width in `sizes`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Size = tuple[int, int]
"""Height and width in pixels."""

MOST_WASTE = 2.0
"""Pixels of the canvases to one of their pictures, at most, where pictures are grouped."""

MOST_PIXELS = 2**23
"""Of the canvases of a group: a tensor of them takes 96 MiB."""


def alike(
    sizes: Sequence[Size], most_waste: float = MOST_WASTE, most_pixels: int = MOST_PIXELS
) -> list[list[int]]:
    """Pictures, by number, in groups that are worked on together: those of about one size."""
    groups: list[list[int]] = []
    height = width = held = 0
    for number in sorted(range(len(sizes)), key=lambda n: (sizes[n][0] * sizes[n][1], n)):
        own = sizes[number]
        tall, wide, area = max(height, own[0]), max(width, own[1]), held + own[0] * own[1]
        canvases = tall * wide * (len(groups[-1]) + 1 if groups else 1)
        if groups and canvases <= most_waste * area and canvases <= most_pixels:
            groups[-1].append(number)
            height, width, held = tall, wide, area
        else:
            groups.append([number])
            (height, width), held = own, own[0] * own[1]
    return groups


def canvas(pictures: Sequence[Tensor]) -> Tensor:
    """uint8 pictures of shape (height, width, 3) on canvases as large as the largest needs."""
    height = max(picture.shape[0] for picture in pictures)
    width = max(picture.shape[1] for picture in pictures)
    held = pictures[0].new_zeros((len(pictures), height, width, 3))
    for place, picture in zip(held, pictures, strict=True):
        place[: picture.shape[0], : picture.shape[1]] = picture
    return held.permute(0, 3, 1, 2).float().contiguous()


def grouped(
    sizes: Sequence[Size],
    shape: tuple[int, int],
    device: torch.device,
    paint: Callable[[list[int]], Tensor],
) -> Tensor:
    """Pictures of one `shape` (height, width), uint8 channels last, painted group by group.

    `sizes` are those of what they are painted from, which `alike` groups; `paint` takes the
    numbers of a group and gives its pictures, channels first.
    """
    pictures = torch.empty((len(sizes), *shape, 3), dtype=torch.uint8, device=device)
    for group in alike(sizes):
        pictures[numbers(device, group)] = as_bytes(paint(group))
    return pictures


def as_bytes(pictures: Tensor) -> Tensor:
    """Pictures as the network's `inputs`: uint8 of shape (batch, height, width, 3)."""
    return pictures.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous()


def on(device: torch.device, values: Sequence[Any] | NDArray[Any]) -> Tensor:
    """Numbers as a float32 tensor on `device`, without waiting for it."""
    return torch.from_numpy(np.asarray(values, dtype=np.float32)).to(device, non_blocking=True)


def numbers(device: torch.device, chosen: Sequence[int]) -> Tensor:
    """Places in a batch as an int64 tensor on `device`, without waiting for it."""
    return torch.tensor(chosen, dtype=torch.int64).to(device, non_blocking=True)


def averaging(
    old: Sequence[int],
    new: Sequence[int],
    device: torch.device,
    first: Sequence[int] | None = None,
    length: int | None = None,
) -> Tensor:
    """Matrices, (batch, most of `new`, length), that average `old` pixels down to `new` ones.

    The old ones begin at `first` of an axis of `length` pixels, by default at 0 of the longest.
    What is past an end repeats it. Weights are shares of area, as OpenCV's INTER_AREA has them.
    """
    rows = on(device, [old, new, first or [0] * len(old)])[:, :, None, None]
    step = rows[0] / rows[1]
    place = torch.arange(max(new), device=device, dtype=torch.float32)[None, :, None]
    low = torch.minimum(place, rows[1] - 1) * step + rows[2]
    pixel = torch.arange(length or max(old), device=device, dtype=torch.float32)
    shared = torch.minimum(low + step, pixel + 1) - torch.maximum(low, pixel)
    return shared.clamp_min(0) / step


def interpolating(places: Tensor, sizes: Sequence[int], repeat: bool) -> Tensor:
    """Matrices, (batch, n, most of `sizes`), that interpolate at `places`, (batch, n).

    Places count pixel centres from 0. Outside a picture its edge is repeated, or else there is
    nothing, and the weights of what is half outside sum to less than 1.
    """
    last = on(places.device, sizes)[:, None] - 1
    if repeat:
        places = torch.minimum(places.clamp_min(0), last)
    pixel = torch.arange(max(sizes), device=places.device, dtype=torch.float32)
    weights = (1 - (places[:, :, None] - pixel).abs()).clamp_min(0)
    return weights * (pixel <= last[:, :, None])


def scaling(old: Sequence[int], new: Sequence[int], device: torch.device) -> Tensor:
    """Matrices that scale `old` pixels to `new`: averaging down, interpolating up."""
    averaged = averaging(old, new, device)
    if all(one <= other for one, other in zip(new, old, strict=True)):
        return averaged
    rows = on(device, [old, new])[:, :, None]
    places = torch.arange(max(new), device=device, dtype=torch.float32) + 0.5
    places = torch.minimum(places, rows[1] - 0.5) * rows[0] / rows[1] - 0.5
    return torch.where((rows[1] > rows[0])[..., None], interpolating(places, old, True), averaged)


def scaled(pictures: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Pictures through matrices for their rows and for their columns."""
    return rows[:, None] @ pictures @ columns[:, None].mT


def rescaled(pictures: Tensor, old: Sequence[Size], new: Sequence[Size]) -> Tensor:
    """Pictures of the sizes `old` at the sizes `new`; their edges repeated over their canvases."""
    device = pictures.device
    down = scaling([size[0] for size in old], [size[0] for size in new], device)
    across = scaling([size[1] for size in old], [size[1] for size in new], device)
    return scaled(pictures, down, across)


def warped(
    pictures: Tensor,
    sizes: Sequence[Size],
    matrices: NDArray[np.float64],
    height: int,
    width: int,
) -> Tensor:
    """Cuts of `height` x `width` pixels, their edges repeated outside the pictures.

    `matrices`, (batch, 3, 3), lead from a cut to its picture, both in continuous pixels (see
    `seedbed.geometry`).
    """
    device = pictures.device
    x = torch.arange(width, device=device, dtype=torch.float32) + 0.5
    y = torch.arange(height, device=device, dtype=torch.float32) + 0.5
    points = torch.stack(
        [x.expand(height, -1), y[:, None].expand(-1, width), x.new_ones(height, width)]
    )
    led = on(device, matrices) @ points.flatten(1)
    last = on(device, [size[::-1] for size in sizes])[:, :, None] - 0.5
    places = torch.minimum((led[:, :2] / led[:, 2:]).clamp_min(0.5), last)
    whole = on(device, pictures.shape[:1:-1])[:, None]
    grid = (2 * places / whole - 1).mT.reshape(-1, height, width, 2)
    return torch.nn.functional.grid_sample(
        pictures, grid, mode="bilinear", padding_mode="border", align_corners=False
    )
