"""seedbed grows labelled training data from seeds: see README.md.

Names are imported when first used, so that `seedbed --help` does not wait for numpy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seedbed.builder import build
    from seedbed.dataset import Dataset
    from seedbed.errors import InputError, Rejected, SeedbedError
    from seedbed.recipe import Recipe, load_recipe
    from seedbed.sample import Character, Clip, LabelledObject, Picture, Sample, TimedSpan
    from seedbed.streaming import SampleStream, stream

__version__ = "0.1.0"

__all__ = [
    "Character",
    "Clip",
    "Dataset",
    "InputError",
    "LabelledObject",
    "Picture",
    "Recipe",
    "Rejected",
    "Sample",
    "SampleStream",
    "SeedbedError",
    "TimedSpan",
    "__version__",
    "build",
    "load_recipe",
    "stream",
]

_HOMES = {
    "build": "seedbed.builder",
    "Dataset": "seedbed.dataset",
    "InputError": "seedbed.errors",
    "Rejected": "seedbed.errors",
    "SeedbedError": "seedbed.errors",
    "Recipe": "seedbed.recipe",
    "load_recipe": "seedbed.recipe",
    "SampleStream": "seedbed.streaming",
    "stream": "seedbed.streaming",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'seedbed' has no attribute {name!r}")
    return getattr(import_module(_HOMES.get(name, "seedbed.sample")), name)
