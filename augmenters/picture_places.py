"""Where an obstruction goes: anywhere, or somewhere on a labelled object."""

from __future__ import annotations

import numpy as np

from seedbed.sample import Picture
from seedbed.streams import chance


def place(
    sample: Picture, rng: np.random.Generator, on_object_rate: float
) -> tuple[tuple[float, float], float]:
    """A point in pixels, and the length in pixels that sizes there are shares of.

    On an object that is the length of its quad's longer side; elsewhere it is the frame's
    shorter side. How many numbers are taken from `rng` does not depend on the outcome.
    """
    height, width = sample.image.shape[:2]
    across, down, which = (float(v) for v in rng.uniform(size=3))
    if chance(rng, on_object_rate) and sample.objects:
        chosen = sample.objects[int(which * len(sample.objects))]
        quad = chosen.quad
        top = quad[0] + across * (quad[1] - quad[0])
        bottom = quad[3] + across * (quad[2] - quad[3])
        x, y = (top + down * (bottom - top)).tolist()
        sides = np.linalg.norm(quad - np.roll(quad, 1, axis=0), axis=1)
        return (min(max(x, 0.0), width), min(max(y, 0.0), height)), float(sides.max())
    return (across * width, down * height), float(min(height, width))
