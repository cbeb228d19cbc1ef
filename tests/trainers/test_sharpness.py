from __future__ import annotations

import cv2
import numpy as np
import pytest

from seedbed.geometry import rectangle
from seedbed.trainers.sharpness import plate_sharpness


def stripes(blur_px: float) -> np.ndarray:
    """A picture with a plate at (40, 30) of 160x48 pixels: strokes of 5 px, then blurred."""
    image = np.full((120, 260, 3), 90, np.uint8)
    image[30:78, 40:200] = 240
    for x in range(50, 190, 14):
        image[38:70, x : x + 5] = 10
    return image if blur_px == 0 else cv2.GaussianBlur(image, (0, 0), blur_px)


@pytest.mark.parametrize(("blur_px", "group"), [(0.0, "sharp"), (1.0, "soft"), (3.0, "blurred")])
def test_blur_is_told_apart(blur_px: float, group: str) -> None:
    assert plate_sharpness(stripes(blur_px), rectangle(40, 30, 160, 48)) == group


def test_brightness_and_contrast_hardly_matter() -> None:
    dark = (stripes(0.0) * 0.4 + 20).astype(np.uint8)
    assert plate_sharpness(dark, rectangle(40, 30, 160, 48)) == "sharp"
