"""YOLO with keypoints as Ultralytics lays it out: a box and the four corners of the quad.

    labels/train/train-00000000.txt     class x y width height  x1 y1 v1 ... x4 y4 v4

Corners run clockwise from the text's top left. One outside the frame is written as
`0 0 0`, not labelled: the format holds shares between 0 and 1 only. See "Pose Estimation
Datasets" in the Ultralytics documentation.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from seedbed.formats.format import CORNERS, ReadObject
from seedbed.formats.yolo import Yolo, box_of
from seedbed.schema import Row

VISIBLE = 2

MIRRORED = [1, 0, 3, 2]
"""Which corner takes each one's place when the picture is flipped left to right."""


class YoloPose(Yolo):
    """YOLO pose in the layout of Ultralytics: a box and the four corners of each quad."""

    def settings(self) -> dict[str, Any]:
        """As `Yolo.settings`: how many keypoints, and what a flip does to them."""
        return {"kpt_shape": [len(CORNERS), 3], "flip_idx": MIRRORED}

    def numbers(self, labelled: Row, row: Row) -> list[float]:
        """As `Yolo.numbers`, and x, y and visibility of each corner."""
        numbers = super().numbers(labelled, row)
        for x, y in np.array(labelled["quad"]).reshape(-1, 2).tolist():
            inside = 0 <= x <= row["width"] and 0 <= y <= row["height"]
            shares = [x / row["width"], y / row["height"], VISIBLE]
            numbers += shares if inside else [0, 0, 0]
        return numbers

    def object_of(self, category: str, shares: Any, size: Any) -> ReadObject:
        """As `Yolo.object_of`; there is no quad where a corner is not labelled."""
        corners = shares[4:].reshape(len(CORNERS), 3)
        quad = corners[:, :2] * size if (corners[:, 2] > 0).all() else None
        return ReadObject(category=category, bbox=box_of(shares[:4], size), quad=quad)
