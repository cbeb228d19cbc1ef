"""A generator's dataset goes into torch's DataLoader as it is."""

from __future__ import annotations

import numpy as np
import torch

from seedbed.generators import PlateScene
from seedbed.sample import Picture


def test_workers_give_the_same_samples_as_the_scene_itself() -> None:
    scene = PlateScene(width=160, height=120, plate_width_px=(16, 80), layouts=("de", "gb-rear"))
    loader = torch.utils.data.DataLoader(
        scene.dataset(length=6, seed=0), batch_size=None, num_workers=2
    )
    loaded = list(loader)
    alone = list(scene.samples(seed=0, count=6))
    assert len(loaded) == 6
    for one, other in zip(loaded, alone, strict=True):
        assert isinstance(one, Picture)
        assert np.array_equal(one.image, other.image)
        assert [o.text for o in one.objects] == [o.text for o in other.objects]


def test_a_shuffled_batch_of_pictures_stacks() -> None:
    scene = PlateScene(width=160, height=120, plate_width_px=(16, 80))

    def collate(samples: list[Picture]) -> torch.Tensor:
        return torch.stack([torch.from_numpy(sample.image) for sample in samples])

    loader = torch.utils.data.DataLoader(
        scene.dataset(length=8, seed=1), batch_size=4, shuffle=True, collate_fn=collate
    )
    batches = list(loader)
    assert [tuple(batch.shape) for batch in batches] == [(4, 120, 160, 3)] * 2
