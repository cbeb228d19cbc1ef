"""seedbed grows labelled training data from seeds: see README.md."""

from __future__ import annotations

from seedbed.errors import InputError, Rejected, SeedbedError
from seedbed.sample import Character, Clip, LabelledObject, Picture, Sample, TimedSpan

__version__ = "0.1.0"

__all__ = [
    "Character",
    "Clip",
    "InputError",
    "LabelledObject",
    "Picture",
    "Rejected",
    "Sample",
    "SeedbedError",
    "TimedSpan",
    "__version__",
]
