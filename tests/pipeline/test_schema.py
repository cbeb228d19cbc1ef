from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from seedbed.errors import SeedbedError
from seedbed.geometry import rectangle
from seedbed.make import Maker
from seedbed.recipe import parse_recipe
from seedbed.sample import LabelledObject, Picture
from seedbed.schema import arrow_schema, hash_text, row_hash, row_of, sample_of

IMAGE = np.zeros((10, 20, 3), np.uint8)


def picture(**labels: Any) -> Picture:
    quad = rectangle(1.23456, 2, 3, 4)
    shape = {"bbox": (1.23456, 2, 3, 4), "quad": quad, "polygon": quad}
    return Picture(image=IMAGE, objects=(LabelledObject(category="dot", **shape | labels),))


def test_coordinates_are_rounded_flat_floats() -> None:
    row = row_of(picture(), "train", 7, b"media", "jpg")
    assert row["id"] == "train-00000007"
    assert row["image"] == {"bytes": b"media", "path": "train-00000007.jpg"}
    assert (row["width"], row["height"]) == (20, 10)
    assert row["objects"][0]["bbox"] == [1.235, 2.0, 3.0, 4.0]
    assert row["objects"][0]["quad"] == [1.235, 2.0, 4.235, 2.0, 4.235, 6.0, 1.235, 6.0]
    assert all(isinstance(number, float) for number in row["objects"][0]["bbox"])


def test_what_json_cannot_hold_is_refused() -> None:
    with pytest.raises(SeedbedError, match=r"sample train-00000000 cannot be stored: .*ndarray"):
        row_of(picture(attributes={"a": IMAGE}), "train", 0, b"", "jpg")
    with pytest.raises(SeedbedError, match="a coordinate is not a finite number"):
        row_of(picture(bbox=(0, 0, float("nan"), 1)), "train", 0, b"", "jpg")


@pytest.mark.parametrize("name", ["Dots", "Beep"])
def test_rows_survive_arrow_with_the_same_hash(name: str) -> None:
    recipe = parse_recipe(
        {
            "name": "x",
            "seed": 0,
            "generator": {"name": f"seedbed_dots:{name}"},
            "splits": {"train": 3},
        }
    )
    maker = Maker(recipe)
    rows = [maker.row("train", index) for index in range(3)]
    kind = "clip" if name == "Beep" else "picture"
    read = pa.Table.from_pylist(rows, schema=arrow_schema(kind)).to_pylist()
    assert read == rows
    assert list(read[0]) == arrow_schema(kind).names
    assert [row_hash(row) for row in read] == [row_hash(row) for row in rows]
    made, again = maker.make("train", 1), sample_of(read[1])
    assert type(again) is type(made)
    assert again.params == made.params
    assert again.counts == made.counts
    assert maker.encode(again, "train", 1)["params"] == rows[1]["params"]


def test_the_hash_sees_every_part() -> None:
    base = row_of(picture(), "train", 0, b"media", "jpg")
    others = [
        row_of(picture(), "train", 1, b"media", "jpg"),
        row_of(picture(), "val", 0, b"media", "jpg"),
        row_of(picture(), "train", 0, b"medib", "jpg"),
        row_of(picture(text="A"), "train", 0, b"media", "jpg"),
    ]
    assert len({row_hash(row) for row in [base, *others]}) == 5
    assert hash_text(2**256 + 255) == "0" * 62 + "ff"
