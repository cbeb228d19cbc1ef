"""How many cores one process takes."""

from __future__ import annotations


def use_one_core() -> None:
    """Keep OpenCV from starting threads in a worker: one process a core is the parallelism."""
    import cv2

    cv2.setNumThreads(1)
