"""A third party's generators and augmenters, small and fast, for the tests of the core."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from seedbed.component import Augmenter, Generator
from seedbed.errors import InputError, Rejected
from seedbed.geometry import rectangle
from seedbed.sample import Character, Clip, LabelledObject, Picture, TimedSpan


@dataclass(frozen=True)
class DotsParams:
    """Where the dot is and what colour it has."""

    x: int
    y: int
    colour: tuple[int, int, int]


class Dots(Generator[DotsParams, Picture]):
    """Draws one coloured square on grey.

    `trouble` makes it fail: it refuses to be prepared or tried out, raises or dies at index
    `at`, or rejects some or all draws.
    """

    params_type = DotsParams
    sample_type = Picture

    width: int = 32
    height: int = 24
    dot_px: float = 6
    shades: tuple[int, int] = (0, 255)
    trouble: Literal[
        "none", "prepare", "try_out", "raise", "die", "reject", "reject_some", "slow"
    ] = "none"

    def picture_size(self) -> tuple[int, int]:
        return self.height, self.width

    def prepare(self) -> None:
        if self.trouble == "prepare":
            raise InputError("there are no dots: buy some.")

    def try_out(self) -> None:
        if self.trouble == "try_out":
            raise InputError("the dots are no good: buy better ones")

    def draw(self, rng: np.random.Generator) -> DotsParams:
        x = int(rng.integers(0, self.width - 6))
        if self.trouble == "reject" or (self.trouble == "reject_some" and x < 8):
            raise Rejected("too_far_left")
        low, high = self.shades
        red, green, blue = (int(shade) for shade in rng.integers(low, high + 1, 3))
        return DotsParams(x, int(rng.integers(0, self.height - 6)), (red, green, blue))

    def render(self, params: DotsParams) -> Picture:
        if self.trouble == "raise" and params.x % 4 == 0:
            raise ValueError("x is a multiple of four")
        if self.trouble == "die" and params.x % 4 == 0:
            os._exit(3)
        if self.trouble == "slow":
            time.sleep(0.2)
        image = np.full((self.height, self.width, 3), 128, np.uint8)
        size = int(self.dot_px)
        image[params.y : params.y + size, params.x : params.x + size] = params.colour
        quad = rectangle(params.x, params.y, size, size)
        bbox = (float(params.x), float(params.y), float(size), float(size))
        dot = LabelledObject(
            category="dot",
            bbox=bbox,
            quad=quad,
            polygon=quad,
            text="Ö 1",
            text_plain="Ö1",
            layout="square",
            region="XX",
            line_count=1,
            characters=(Character(text="Ö", quad=quad, bbox=bbox, visible=1.0),),
            attributes={"colour": list(params.colour)},
        )
        return Picture(image=image, objects=(dot,), counts={"painted": 1})


@dataclass(frozen=True)
class BeepParams:
    """The pitch of a beep."""

    pitch_hz: float


class Beep(Generator[BeepParams, Clip]):
    """Sounds one sine for a tenth of a second."""

    params_type = BeepParams
    sample_type = Clip

    def draw(self, rng: np.random.Generator) -> BeepParams:
        return BeepParams(float(rng.uniform(200, 800)))

    def render(self, params: BeepParams) -> Clip:
        moments = np.arange(1600) / 16000
        sound = (0.5 * np.sin(2 * np.pi * params.pitch_hz * moments)).astype(np.float32)
        return Clip(
            sound=sound,
            sample_rate=16000,
            transcript="beep",
            transcript_normalised="beep",
            label="beep",
            words=(TimedSpan(text="beep", start=0.0, end=0.1),),
            keyword_span=(0.0, 0.1),
        )

    def depends_on(self) -> tuple[str, ...]:
        return ("click", "no-such-package")

    def notes(self) -> tuple[str, ...]:
        return ("Beeps are no speech.",)


class TwoBeeps(Beep):
    """Sounds one sine for a tenth of a second, labelled high or low."""

    def render(self, params: BeepParams) -> Clip:
        return replace(super().render(params), label="high" if params.pitch_hz > 500 else "low")


@dataclass(frozen=True)
class DimParams:
    """What every grey level is multiplied by."""

    gain: float


class Dim(Augmenter[DimParams, Picture]):
    """Makes a picture darker."""

    params_type = DimParams
    sample_type = Picture

    gain: tuple[float, float] = (0.3, 0.9)

    def draw(self, sample: Picture, rng: np.random.Generator) -> DimParams:
        return DimParams(float(rng.uniform(*self.gain)))

    def apply(self, sample: Picture, params: DimParams) -> Picture:
        return replace(sample, image=(sample.image * params.gain).astype(np.uint8))
