"""A small dataset of plates, built once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from seedbed.builder import build
from seedbed.dataset import Dataset
from seedbed.recipe import parse_recipe


@pytest.fixture(scope="session")
def plates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a dataset: 12 scenes of 192x128 with one German plate each, and 4 for val."""
    folder = tmp_path_factory.mktemp("data") / "plates"
    recipe = parse_recipe(
        {
            "name": "tiny",
            "seed": 3,
            "generator": {
                "name": "plate-scene",
                "width": 192,
                "height": 128,
                "layouts": ["de"],
                "plate_counts": [0, 1],
                "plate_width_px": [80, 120],
                "yaw_deg": [-10, 10],
                "hours": {"day": 1},
                "decoy_rate": 0,
                "cut_rate": 0,
                "bystander_rate": 0,
            },
            "splits": {"train": 12, "val": 4},
        }
    )
    build(recipe, folder, workers=1, executor="serial")
    return folder


@pytest.fixture(scope="session")
def scenes(plates: Path) -> list[Any]:
    """The training samples of that dataset."""
    return list(Dataset.open(plates).samples("train"))


@pytest.fixture
def fit_values() -> dict[str, Any]:
    """A loop of a few steps on one core, with examples made in the same process."""
    return {
        "steps": 6,
        "batch": 4,
        "workers": 0,
        "threads": 1,
        "validate_every": 3,
        "validate_on": 4,
        "checkpoint_every": 2,
        "log_every": 1,
        "tensorboard": False,
    }


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Networks this small only wait for further threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
