"""A torch `Dataset` around an augmenter, in a module that worker processes can import."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch.utils.data

from seedbed.component import Augmenter
from seedbed.sample import Sample
from seedbed.streams import stream


class Augmented(torch.utils.data.Dataset[Sample]):
    """Samples, each augmented when it is fetched, by its index's own stream."""

    def __init__(self, samples: Sequence[Sample], augmenter: Augmenter[Any, Any]) -> None:
        self.samples, self.augmenter = samples, augmenter

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Sample:
        fetched: Sample = self.augmenter(self.samples[index], stream(1, index))
        return fetched


def loaded_by_two_workers(dataset: Augmented) -> list[Any]:
    """The samples in order, fetched by two worker processes; an error where they hang."""
    loader = torch.utils.data.DataLoader(dataset, batch_size=None, num_workers=2, timeout=60)
    return list(loader)
