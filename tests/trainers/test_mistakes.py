from __future__ import annotations

import json

import cv2
import numpy as np

from seedbed.trainers.mistakes import CELL_PX, COLUMNS, plate_mistakes
from seedbed.trainers.pictures import PictureLabels


def test_only_what_was_read_wrongly_or_missed_is_shown(tmp_path):
    image = np.zeros((100, 200, 3), dtype=np.uint8)
    image[40:60, 50:130] = (0, 0, 255)  # red, as OpenCV has it
    for name in ("a", "b", "c"):
        assert cv2.imwrite(str(tmp_path / f"{name}.png"), image)
    plate = {"box": [50, 40, 80, 20], "text": "AB 10"}
    rows = [{"image": f"{name}.png", "plates": [plate]} for name in ("a", "b", "c")]
    (tmp_path / "labels.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    quad = [[50, 40], [130, 40], [130, 60], [50, 60]]
    right = {"box": [50, 40, 80, 20], "quad": quad, "text": "ABIO", "score": 0.9}
    wrong = {**right, "text": "A810"}
    predictions = [{"plates": [right]}, {"plates": [wrong]}, {"plates": []}]
    sheet, count = plate_mistakes(PictureLabels.read(tmp_path / "labels.jsonl"), predictions)
    assert count == 2
    assert sheet.shape == (CELL_PX[1] + 18, CELL_PX[0] * COLUMNS, 3)
    # The first two cells show the plate, the third is empty.
    for number, reds in ((0, True), (1, True), (2, False)):
        cell = sheet[: CELL_PX[1], number * CELL_PX[0] : (number + 1) * CELL_PX[0]]
        assert bool((cell[..., 0] > 200).any()) is reds
