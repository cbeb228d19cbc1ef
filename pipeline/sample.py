"""One labelled sample: a picture or a clip, its labels, and the parameters that made it.

Pictures are uint8 RGB of shape (height, width, 3). Sound is float32 mono in [-1, 1].
Coordinates are continuous pixels (see `seedbed.geometry`); times are seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed.geometry import Bbox, Points

NAMELESS = "other"
"""How tables call the label "", of what has none of the labels that are learnt."""


@dataclass(frozen=True, kw_only=True)
class Character:
    """One character of a text with the cell it stands in.

    `quad` has shape (4, 2), clockwise from the character's own top left; `visible` is the
    share of the cell, 0 to 1, that lies in the frame and is not covered.
    """

    text: str
    quad: Points
    bbox: Bbox
    visible: float


@dataclass(frozen=True, kw_only=True)
class LabelledObject:
    """One labelled thing in a picture.

    `bbox` is the box around the part inside the frame; `quad` has shape (4, 2), clockwise
    from the text's top left, and may reach outside the frame; `polygon` has shape (n, 2)
    and is the outline inside the frame. `text` is as printed, separators included, and
    `text_plain` without them; lines of a two-line text are joined by a space in `text`.
    `occlusion` is the share of the outline, 0 to 1, that is covered or outside the frame.
    """

    category: str
    bbox: Bbox
    quad: Points
    polygon: Points
    text: str = ""
    text_plain: str = ""
    layout: str = ""
    region: str = ""
    line_count: int = 0
    occlusion: float = 0.0
    legible: bool = True
    illegible_reason: str = ""
    characters: tuple[Character, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def box(self) -> Bbox:
        """`bbox` under the short name that detection libraries use."""
        return self.bbox


@dataclass(frozen=True, kw_only=True)
class TimedSpan:
    """A word or a phoneme and when it sounds, in seconds from the clip's start."""

    text: str
    start: float
    end: float


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What every sample carries; `Picture` and `Clip` add the media and its labels.

    `params` is JSON-ready: what the generator drew, what each augmenter drew. `counts`
    holds events by reason (a plate dropped, a look-alike painted) for the build's table.
    """

    params: Mapping[str, Any] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Picture(Sample):
    """A picture, uint8 RGB of shape (height, width, 3), and the objects labelled in it."""

    image: NDArray[np.uint8]
    objects: tuple[LabelledObject, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Clip(Sample):
    """A sound, float32 mono of shape (frames,) in [-1, 1], and what is said in it.

    `label` is the keyword class ("" where none); `keyword_span` its (start, end) in
    seconds. `attributes` holds engine, voice, language and prosody as realised;
    what an engine was only asked for is called `requested_...`.
    """

    sound: NDArray[np.float32]
    sample_rate: int
    transcript: str = ""
    transcript_normalised: str = ""
    label: str = ""
    language: str = ""
    engine: str = ""
    voice: str = ""
    phonemes: tuple[TimedSpan, ...] = ()
    words: tuple[TimedSpan, ...] = ()
    keyword_span: tuple[float, float] | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
