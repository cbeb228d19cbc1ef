"""Room for passing pictures, kept between scenes: fresh pages cost more than passes over them."""

from __future__ import annotations

import math
import threading

import numpy as np
from numpy.typing import NDArray

KEPT_BYTES = 4_000_000
"""The largest picture whose room is kept: of a frame 1280 by 960, say."""

_KEPT = threading.local()


def scratch(name: str, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Room for a picture, uint8 of that shape, its content undefined, kept for each thread.

    The same `name` gives the same memory again: whoever uses it is done with it before
    anything else that does is called. Larger than `KEPT_BYTES` is not kept.
    """
    size = math.prod(shape)
    if size > KEPT_BYTES:
        return np.empty(shape, dtype=np.uint8)
    kept: NDArray[np.uint8] | None = getattr(_KEPT, name, None)
    if kept is None or kept.size < size:
        kept = np.empty(size, dtype=np.uint8)
        setattr(_KEPT, name, kept)
    return kept[:size].reshape(shape)
