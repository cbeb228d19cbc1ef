"""What the first and the last filters of a trained network make of single items.

The maps are those of the network at work: an item goes through its task as in use, and hooks
keep what the filters answer, so that any task's network can be looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from seedbed.trainers.draw import Image
from seedbed.trainers.runs import Trained


@dataclass(frozen=True)
class LayerMaps:
    """What a layer of filters answers for one item, before its activation.

    `maps` has shape (channels, *positions).
    """

    layer: str
    maps: NDArray[np.float32]


@dataclass(frozen=True)
class SeenItem:
    """An item as its task shows it, and the maps of the first and the last filters.

    Both are of the network's first forward pass, of its first record; a network with one layer of
    filters has one of them, one without filters none.
    """

    caption: str
    picture: Image | None
    layers: tuple[LayerMaps, ...]


class _FirstAndLast:
    """Hooks on a network that keep its filters' answers in its first forward pass."""

    def __init__(self, network: nn.Module) -> None:
        self.first: LayerMaps | None = None
        self.last: LayerMaps | None = None
        self.done = False
        self.handles = [network.register_forward_hook(self._finish)]
        for name, module in network.named_modules():
            if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d):
                self.handles.append(module.register_forward_hook(_Keep(self, name)))

    def _finish(self, *_: object) -> None:
        self.done = True

    def keep(self, name: str, output: Tensor) -> None:
        """Take one layer's answer."""
        if self.done:
            return
        self.last = LayerMaps(name, output[0].detach().float().cpu().numpy())
        self.first = self.last if self.first is None else self.first

    def layers(self) -> tuple[LayerMaps, ...]:
        """What was kept, the first filters first."""
        kept = [one for one in (self.first, self.last) if one is not None]
        return tuple(kept[:1] if self.first is self.last else kept)


@dataclass(frozen=True)
class _Keep:
    keeper: _FirstAndLast
    name: str

    def __call__(self, module: nn.Module, inputs: object, output: Tensor) -> None:
        self.keeper.keep(self.name, output)


def seen_items(trained: Trained, items: Sequence[Any]) -> list[SeenItem]:
    """Each item, and what the first and the last filters of the network make of it."""
    seen = []
    for item in items:
        keeper = _FirstAndLast(trained.network)
        try:
            with torch.no_grad():
                (outcome,) = trained.task.outcomes(trained.network, [item])
        finally:
            for handle in keeper.handles:
                handle.remove()
        caption = f"{outcome.name}: {outcome.caption}" if outcome.caption else outcome.name
        seen.append(SeenItem(caption, outcome.picture, keeper.layers()))
    return seen
