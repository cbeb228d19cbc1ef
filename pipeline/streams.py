"""Independent random streams, one for each (seed, split, index, component).

A sample must depend on nothing but these four, so every stream is derived from a hash of
its path and never from another stream's state: adding an augmenter, changing the shard
size or the worker count moves nothing. Streams are numpy `Generator`s on PCG64 (O'Neill
2014, "PCG: A family of simple fast space-efficient statistically good algorithms").
"""

from __future__ import annotations

import json
import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from itertools import accumulate
from typing import TypeVar

import numpy as np

T = TypeVar("T")
K = TypeVar("K", bound=str)

MAX_SEED = 2**63 - 1
"""Seeds fit a signed 64-bit integer, so that they survive JSON, YAML, Parquet and C."""


_as_json = json.JSONEncoder(separators=(",", ":")).encode
"""As `json.dumps`, which would build an encoder at each of a clip's fifteen streams."""


def derive_seed(seed: int, *path: str | int) -> int:
    """A 128-bit integer that depends on `seed` and every part of `path`, types included.

    Raises `ValueError` where the seed is negative or over `MAX_SEED`.
    """
    if not 0 <= seed <= MAX_SEED:
        raise ValueError(f"seed must be between 0 and {MAX_SEED}, got {seed}")
    key = _as_json([seed, *path]).encode()
    return int.from_bytes(blake2b(key, digest_size=16, person=b"seedbed").digest(), "little")


def stream(seed: int, *path: str | int) -> np.random.Generator:
    """The random stream at `path` under `seed`: `stream(0, "train", 7, "plate-scene")`."""
    return np.random.Generator(np.random.PCG64(derive_seed(seed, *path)))


def fork_seed(rng: np.random.Generator) -> int:
    """Draw a 63-bit seed to store in a sample's parameters, for noise that `render` makes."""
    return int(rng.integers(0, MAX_SEED))


def choose(
    rng: np.random.Generator, options: Sequence[T], weights: Sequence[float] | None = None
) -> T:
    """One of `options`, uniformly or by `weights` (any positive scale).

    Unlike `Generator.choice` it keeps the option's own type and accepts any objects.
    """
    if weights is None:
        return options[int(rng.random() * len(options))]
    cumulative = list(accumulate(weights))
    spot = float(rng.random()) * cumulative[-1]
    return options[min(bisect_right(cumulative, spot), len(options) - 1)]


def choose_weighted(rng: np.random.Generator, weights: Mapping[K, float]) -> K:
    """One key of `weights`, with probability in proportion to its value."""
    return choose(rng, list(weights), list(weights.values()))


def uniform(rng: np.random.Generator, bounds: tuple[float, float]) -> float:
    """A Python float drawn uniformly from `bounds`."""
    low, high = bounds
    return low + (high - low) * float(rng.random())


def log_uniform(rng: np.random.Generator, bounds: tuple[float, float]) -> float:
    """A Python float drawn uniformly in the logarithm from positive `bounds`."""
    low, high = math.log(bounds[0]), math.log(bounds[1])
    return math.exp(low + (high - low) * float(rng.random()))


def chance(rng: np.random.Generator, probability: float) -> bool:
    """True with `probability`. Always consumes one number, so later draws do not move."""
    return bool(rng.random() < probability)
