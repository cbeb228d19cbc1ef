"""Datasets of plates as recipes build them: the same bytes by any worker, and no leaks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from seedbed.builder import build
from seedbed.dataset import Dataset
from seedbed.recipe import Recipe, parse_recipe
from seedbed.streams import stream

WIDTH, HEIGHT = 96, 72


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """A folder of 20 JPEGs: blots of colour, each one different."""
    folder = tmp_path / "photographs"
    folder.mkdir()
    for number in range(20):
        blots = stream(0, number).integers(0, 256, (5, 7, 3), dtype=np.uint8)
        picture = Image.fromarray(blots).resize((120, 90), Image.Resampling.BICUBIC)
        picture.save(folder / f"{number:02}.jpg", quality=88)
    return folder


def recipe_of(splits: dict[str, Any], photographs: Path, **fields: Any) -> Recipe:
    generator = {
        "name": "plate-scene",
        "width": WIDTH,
        "height": HEIGHT,
        "plate_width_px": [24, 80],
        "backgrounds": [str(photographs)],
        **fields,
    }
    values = {"name": "small-plates", "seed": 5, "generator": generator, "splits": splits}
    return parse_recipe({**values, "augmenters": "camera-light", "shard_size": 4})


def test_plates_are_the_same_bytes_by_spawned_and_forked_workers(
    photographs: Path, tmp_path: Path
) -> None:
    recipe = recipe_of(
        {"train": 10, "test": 4},
        photographs,
        layouts=["de", "br-old", "us-ca", "random"],
        backgrounds=["procedural", str(photographs)],
    )

    def built(name: str, **options: Any) -> str:
        return str(build(recipe, tmp_path / name, **options).info["hash"])

    serial = built("serial", executor="serial")
    for method in ("spawn", "fork"):
        assert built(method, workers=2, start_method=method) == serial
    made = Dataset.open(tmp_path / "fork")
    rows = [row for split in made.splits for row in made.samples(split)]
    sources = {row.params["generator"]["background"]["source"] for row in rows}
    assert sources == {"procedural", str(photographs)}
    assert sum(len(row.objects) for row in rows) >= 7


def test_splits_with_shares_and_fonts_of_their_own_have_neither_in_common(
    photographs: Path, tmp_path: Path
) -> None:
    fonts = {
        "train": ["stroke:fe", "font:roboto-condensed"],
        "test": ["stroke:din1451", "font:overpass"],
    }
    recipe = recipe_of(
        {
            "train": {
                "count": 40,
                "generator": {"background_share": [0, 0.8], "fonts": fonts["train"]},
            },
            "test": {
                "count": 24,
                "generator": {"background_share": [0.8, 1], "fonts": fonts["test"]},
            },
        },
        photographs,
        plate_counts=[0, 0.8, 0.2],
    )
    build(recipe, tmp_path / "d", executor="serial")
    used: dict[str, tuple[set[str], set[str]]] = {}
    for split in ("train", "test"):
        pictures, typefaces = used[split] = (set[str](), set[str]())
        for row in Dataset.open(tmp_path / "d").samples(split):
            pictures.update(row.params["generator"]["background"]["photo"]["candidates"])
            typefaces.update(
                item["plate"]["face"]["typeface"]
                for item in row.params["generator"]["items"]
                if item["plate"]
            )
    # 16 photographs and 4, of which a scene draws three: all are met.
    assert [len(used[split][0]) for split in ("train", "test")] == [16, 4]
    assert not used["train"][0] & used["test"][0]
    for split, names in fonts.items():
        assert used[split][1] == set(names)
