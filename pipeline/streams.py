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
from typing import Any, TypeVar

import numpy as np
from numpy.random.bit_generator import ISeedSequence
from numpy.typing import NDArray

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


_WORD = 2**32 - 1


def _hash_constants(first: int, factor: int, count: int) -> tuple[tuple[int, int], ...]:
    """What `SeedSequence` mixes into one word after the other: a mask and a factor for each."""
    constants = []
    for _ in range(count):
        following = first * factor & _WORD
        constants.append((first, following))
        first = following
    return tuple(constants)


_INWARDS = _hash_constants(0x43B0D7E5, 0x931E8875, 16)
_OUTWARDS = _hash_constants(0x8B51F9DD, 0x58F38DED, 8)
_OTHERS = tuple(tuple(j for j in range(4) if j != i) for i in range(4))


class _SeedWords(ISeedSequence):
    """The state that `np.random.SeedSequence` has for a seed below 2**128, in half its time.

    A picture that passes a dozen augmenters needs as many streams. The mixing is that of
    numpy's `bit_generator.pyx`, after O'Neill's `seed_seq_fe` (public since numpy 1.17 and
    kept stable, as all seeds depend on it).
    """

    def __init__(self, seed: int) -> None:
        pool = []
        for place in range(4):
            mask, factor = _INWARDS[place]
            word = ((seed >> 32 * place & _WORD) ^ mask) * factor & _WORD
            pool.append(word ^ word >> 16)
        step = 4
        for source in range(4):
            for target in _OTHERS[source]:
                mask, factor = _INWARDS[step]
                step += 1
                word = (pool[source] ^ mask) * factor & _WORD
                word ^= word >> 16
                word = (pool[target] * 0xCA01F9DD - word * 0x4973F715) & _WORD
                pool[target] = word ^ word >> 16
        words = []
        for place, (mask, factor) in enumerate(_OUTWARDS):
            word = (pool[place % 4] ^ mask) * factor & _WORD
            words.append(word ^ word >> 16)
        self._words = np.array(words, np.uint32)

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> NDArray[Any]:
        """The first `n_words` words: PCG64 asks for four of 64 bits, which are all there are."""
        return np.asarray(self._words.view(dtype)[:n_words])


def stream(seed: int, *path: str | int) -> np.random.Generator:
    """The random stream at `path` under `seed`: `stream(0, "train", 7, "plate-scene")`.

    It draws as `np.random.PCG64(derive_seed(seed, *path))` does.
    """
    words = _SeedWords(derive_seed(seed, *path))
    # numpy takes any `ISeedSequence`; its stubs name `SeedSequence` alone.
    return np.random.Generator(np.random.PCG64(words))  # type: ignore[arg-type]


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
    place = bisect_right(cumulative, rng.random() * cumulative[-1])
    return options[place] if place < len(options) else options[-1]


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
