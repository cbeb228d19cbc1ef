"""A third party's generators whose labels and quads are as odd as they may be."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from seedbed_dots import Beep, BeepParams

from seedbed.component import Generator
from seedbed.geometry import bounding_box, clip_to_frame
from seedbed.sample import Clip, LabelledObject, Picture

LABELS = ("../../x", "/etc/x", "", "x" * 300, "Ångström ७", "..", "a/b", "a_b", "con", "no")


@dataclass(frozen=True)
class OddParams:
    """Where two quads stand, and which label each has."""

    corners: tuple[tuple[float, float], ...]
    labels: tuple[int, int]


class OddPictures(Generator[OddParams, Picture]):
    """Two slanted quads in 80 x 60 pixels that may reach outside; every third has none."""

    params_type = OddParams
    sample_type = Picture

    labels: tuple[str, ...] = LABELS

    def draw(self, rng: np.random.Generator) -> OddParams:
        x, y = (float(number) for number in rng.uniform([-8, -4], [50, 40]))
        corners = ((x, y), (x + 24.5, y + 3), (x + 23, y + 14.25), (x - 1, y + 10))
        first, second = (int(number) for number in rng.integers(len(self.labels), size=2))
        return OddParams(() if rng.random() < 1 / 3 else corners, (first, second))

    def render(self, params: OddParams) -> Picture:
        image = np.full((60, 80, 3), 90, np.uint8)
        objects = []
        for number, label in enumerate(params.labels):
            if params.corners:
                quad = np.array(params.corners) + np.array([15.0, 9.0]) * number
                outline = clip_to_frame(quad, 80, 60)
                objects.append(
                    LabelledObject(
                        category=self.labels[label],
                        bbox=bounding_box(outline),
                        quad=quad,
                        polygon=outline,
                        text="Ö 1",
                        region="XX",
                        attributes={"number": number},
                    )
                )
        return Picture(image=image, objects=tuple(objects))


@dataclass(frozen=True)
class OddBeepParams:
    """A beep and its label."""

    beep: BeepParams
    label: int


class OddClips(Generator[OddBeepParams, Clip]):
    """Beeps that are labelled with anything."""

    params_type = OddBeepParams
    sample_type = Clip

    labels: tuple[str, ...] = LABELS

    def draw(self, rng: np.random.Generator) -> OddBeepParams:
        return OddBeepParams(Beep().draw(rng), int(rng.integers(len(self.labels))))

    def render(self, params: OddBeepParams) -> Clip:
        return replace(Beep().render(params.beep), label=self.labels[params.label])
