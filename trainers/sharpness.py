"""How sharp a plate is, so that scores can be told apart by blur."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from seedbed.geometry import Points
from seedbed.trainers.rectify import grown_quad, rectify

Image = NDArray[np.uint8]

SHARPNESS_GROUPS = (("blurred", 0.35), ("soft", 0.7))
"""Sharpness under which a cut belongs to each group; what is above is sharp."""

CUT_PX = (160, 48)
"""Width and height of the cut that a plate in a picture is judged by: a reader's."""

CUT_MARGIN = (0.06, 0.12)
"""Around its quad, as shares of the width and the height: a reader's as well."""


def sharpness_group(cut: Image) -> str:
    """How sharp a cut is: the deviation of its Laplacian, as a share of its grey levels' own."""
    grey = cv2.cvtColor(cut, cv2.COLOR_RGB2GRAY).astype(np.float32)
    sharpness = float(cv2.Laplacian(grey, cv2.CV_32F).std() / (grey.std() + 1.0))
    for name, edge in SHARPNESS_GROUPS:
        if sharpness < edge:
            return name
    return "sharp"


def plate_sharpness(image: Image, quad: Points) -> str:
    """The group of the plate at `quad`, (4, 2) in pixels, of a picture."""
    return sharpness_group(rectify(image, grown_quad(quad, *CUT_MARGIN), *CUT_PX))
