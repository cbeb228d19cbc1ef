"""Sheets of plates that were read wrongly in real files, for a person to learn from.

They show the files themselves, so they belong beside the predictions, not into a repository.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed.geometry import Points, rectangle
from seedbed.trainers.draw import contact_sheet
from seedbed.trainers.pictures import PictureLabels, read_picture
from seedbed.trainers.quads import side_lengths
from seedbed.trainers.rectify import grown_quad, rectify
from seedbed.trainers.scores import fold, plain, plate_reading

Image = NDArray[np.uint8]

COLUMNS = 5
CELL_PX = (300, 120)
"""Width and height of a mistake on the sheet."""

SHOWN_AROUND = 0.15
"""What is shown around a plate, as a share of its width and of its height."""


def plate_mistakes(
    labels: PictureLabels, predictions: Sequence[Mapping[str, Any]]
) -> tuple[Image, int]:
    """A sheet of the labelled plates that were not read as labelled, and how many they are.

    `predictions` are rows as `seedbed predict plates` writes them, in the order of `labels`. A
    plate is shown as it was cut for reading, or by its label where it was not found.
    """
    cuts, captions = [], []
    for index, row in enumerate(predictions):
        for plate in labels.rows[index]["plates"]:
            reading = plate_reading(plate, row["plates"])
            if reading is not None and fold(reading["text"]) == fold(plate["text"]):
                continue
            if reading is None:
                quad, read = rectangle(*(float(part) for part in plate["box"])), "missed"
            else:
                quad, read = np.array(reading["quad"], dtype=np.float64), plain(reading["text"])
            cuts.append(_cut(read_picture(labels.file(index)), quad))
            captions.append(f"{plain(plate['text'])}: {read or 'nothing'}")
    return contact_sheet(cuts, captions, COLUMNS, CELL_PX), len(cuts)


def _cut(image: Image, quad: Points) -> Image:
    width, height = side_lengths(quad)
    tall = int(np.clip(CELL_PX[0] * height / max(width, 1.0), 20, CELL_PX[1]))
    return rectify(image, grown_quad(quad, SHOWN_AROUND, SHOWN_AROUND), CELL_PX[0], tall)
