"""Things that stand before the camera: bars of a fence, leaves, a hand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Annotated, ClassVar, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from seedbed.augmenters.picture import Colour, Image, Mask, PictureAugmenter, Range, within
from seedbed.augmenters.picture_labels import hidden
from seedbed.augmenters.picture_light import covered
from seedbed.augmenters.picture_places import place
from seedbed.sample import Picture
from seedbed.streams import choose, fork_seed, uniform

Kind = Literal["bars", "leaves", "hand"]

COLOURS: dict[Kind, tuple[Colour, ...]] = {
    "bars": ((150, 153, 155), (60, 62, 64), (38, 66, 48), (98, 70, 46), (190, 188, 182)),
    "leaves": ((62, 98, 38), (94, 128, 48), (150, 140, 52), (134, 84, 40), (48, 74, 40)),
    "hand": ((236, 196, 170), (216, 166, 132), (176, 122, 88), (122, 80, 56), (84, 56, 42)),
}
"""Base colours by kind: painted metal and wood, leaves of all seasons, skin of all tones."""

SUBPIXEL = 16


def _fixed(points: NDArray[np.float64]) -> NDArray[np.int32]:
    """Points as OpenCV takes them with `shift=4`."""
    return np.clip(np.round(points * SUBPIXEL), -(2**28), 2**28).astype(np.int32)


def _toned(colour: Colour, gain: float) -> Colour:
    red, green, blue = (int(np.clip(v * gain, 0, 255)) for v in colour)
    return (red, green, blue)


def _bars(
    params: OccluderParams, rng: np.random.Generator, height: int, width: int
) -> tuple[Image, Mask]:
    """Round bars across the whole frame, evenly spaced, lit from one side."""
    layer = np.zeros((height, width, 3), dtype=np.uint8)
    alpha = np.zeros((height, width), dtype=np.uint8)
    thick = max(2.0, params.size * params.extent_px * rng.uniform(0.12, 0.35))
    spacing = thick * rng.uniform(3.0, 7.0)
    # Bars stand upright or lie level, more or less.
    angle = np.radians(rng.normal(0, 5) + (90.0 if rng.random() < 0.75 else 0.0))
    along = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-along[1], along[0]])
    lit = rng.uniform(0.15, 0.85)
    reach = 2.0 * max(height, width)
    for number in range(-int(rng.integers(0, 3)), int(rng.integers(1, 4))):
        middle = np.array([params.x, params.y]) + across * spacing * number
        edges = np.linspace(-0.5, 0.5, 10)
        for left, right in pairwise(edges.tolist()):
            gain = 0.45 + 0.75 * np.exp(-((((left + right + 1) / 2 - lit) / 0.3) ** 2))
            strip = np.stack(
                [
                    middle - along * reach + across * left * thick,
                    middle + along * reach + across * left * thick,
                    middle + along * reach + across * (right + 0.05) * thick,
                    middle - along * reach + across * (right + 0.05) * thick,
                ]
            )
            colour = _toned(params.colour, float(gain))
            cv2.fillConvexPoly(layer, _fixed(strip), colour, cv2.LINE_8, 4)
            cv2.fillConvexPoly(alpha, _fixed(strip), 255, cv2.LINE_8, 4)
    layer = np.asarray(cv2.GaussianBlur(layer, (0, 0), max(0.5, thick / 14)), dtype=np.uint8)
    fringe = cv2.dilate(layer, np.ones((3, 3), np.uint8))
    layer = np.where(alpha[:, :, None] > 0, layer, fringe).astype(np.uint8)
    return layer, np.asarray(cv2.GaussianBlur(alpha, (3, 3), 0.6), dtype=np.uint8)


def _leaves(
    params: OccluderParams, rng: np.random.Generator, height: int, width: int
) -> tuple[Image, Mask]:
    """A few pointed leaves with a midrib, hanging together from one point."""
    layer = np.zeros((height, width, 3), dtype=np.uint8)
    alpha = np.zeros((height, width), dtype=np.uint8)
    t = np.linspace(0, 1, 12)
    for _ in range(int(rng.integers(2, 7))):
        length = params.size * params.extent_px * rng.uniform(0.5, 0.9)
        broad = length * rng.uniform(0.18, 0.3)
        angle = np.radians(params.angle_deg + rng.normal(0, 55))
        along = np.array([np.cos(angle), np.sin(angle)])
        across = np.array([-along[1], along[0]])
        stem = np.array([params.x, params.y]) + rng.normal(0, 0.25, size=2) * length
        bend = rng.normal(0, 0.12) * length * np.sin(np.pi * t)
        rib = stem + length * t[:, None] * along + bend[:, None] * across
        side = (broad * np.sin(np.pi * t**0.8) ** 0.9)[:, None] * across
        gain = float(rng.uniform(0.7, 1.2))
        dark, light = _toned(params.colour, 0.8 * gain), _toned(params.colour, 1.1 * gain)
        whole = np.concatenate([rib + side, (rib - side)[::-1]])
        cv2.fillPoly(layer, [_fixed(whole)], dark, cv2.LINE_8, 4)
        half = np.concatenate([rib + side, rib[::-1]])
        cv2.fillPoly(layer, [_fixed(half)], light, cv2.LINE_AA, 4)
        vein = _toned(params.colour, 1.35 * gain)
        thickness = max(1, round(length / 50))
        cv2.polylines(layer, [_fixed(rib)], False, vein, thickness, cv2.LINE_AA, 4)
        if length > 40:
            for place_on_rib in (3, 5, 7):
                for sign in (1, -1):
                    ends = np.stack(
                        [rib[place_on_rib], rib[place_on_rib + 2] + sign * 0.8 * side[place_on_rib]]
                    )
                    cv2.polylines(layer, [_fixed(ends)], False, vein, 1, cv2.LINE_AA, 4)
        cv2.fillPoly(alpha, [_fixed(whole)], 255, cv2.LINE_AA, 4)
    return layer, np.asarray(cv2.GaussianBlur(alpha, (3, 3), 0.6), dtype=np.uint8)


FINGERS = (
    (-0.30, 0.80, 0.100, -9.0),
    (-0.10, 1.02, 0.108, -3.0),
    (0.11, 0.95, 0.106, 3.0),
    (0.31, 0.68, 0.090, 11.0),
)
"""Where each finger leaves the palm, its length and half width, in palm widths, and its lean in
degrees: a flat hand, drawn after one's own."""


def _hand(
    params: OccluderParams, rng: np.random.Generator, height: int, width: int
) -> tuple[Image, Mask]:
    """A hand that reaches in: palm, four fingers and a thumb, darker towards its edges."""
    palm = params.size * params.extent_px * 0.6
    angle = np.radians(params.angle_deg)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    mirror = np.array([1.0 if rng.random() < 0.5 else -1.0, 1.0])
    origin = np.array([params.x, params.y])
    alpha = np.zeros((height, width), dtype=np.uint8)

    def at(points: NDArray[np.float64]) -> NDArray[np.float64]:
        """From palm widths, fingers pointing to -y from the knuckles at y = 0, to pixels."""
        return np.asarray(origin + palm * (points * mirror) @ turn.T)

    creases: list[NDArray[np.float64]] = []

    def capsule(start: NDArray[np.float64], end: NDArray[np.float64], half: float) -> None:
        ends = at(np.stack([start, end]))
        cv2.polylines(
            alpha, [_fixed(ends)], False, 255, max(1, round(2 * half * palm)), cv2.LINE_AA, 4
        )

    curl = rng.uniform(0.6, 1.0)
    for x, length, half, lean in FINGERS:
        lean_rad = np.radians(lean + rng.normal(0, 3))
        start = np.array([x, 0.1])
        end = np.array([x + np.sin(lean_rad) * length, -np.cos(lean_rad) * length]) * [1, curl]
        capsule(start, end, half)
        for share in (0.38, 0.68):
            middle = start + share * (end - start)
            aside = np.array([half * 0.7, 0.0])
            creases.append(at(np.stack([middle - aside, middle + aside])))
    capsule(np.array([-0.38, 0.62]), np.array([-0.72, 0.12]), 0.13)
    palm_shape = np.array(
        [[-0.42, -0.02], [0.42, 0.0], [0.46, 0.5], [0.34, 0.95], [0.3, 1.6], [-0.3, 1.6],
         [-0.34, 0.95], [-0.5, 0.6]]
    )  # fmt: skip
    cv2.fillPoly(alpha, [_fixed(at(palm_shape))], 255, cv2.LINE_AA, 4)
    sleeve = np.array([[-0.44, 1.25], [0.44, 1.2], [0.62, 20.0], [-0.62, 20.0]])
    cloth = np.zeros((height, width), dtype=np.uint8)
    cv2.fillPoly(cloth, [_fixed(at(sleeve))], 255, cv2.LINE_AA, 4)
    alpha = np.asarray(cv2.GaussianBlur(cv2.max(alpha, cloth), (3, 3), 0.6), dtype=np.uint8)
    layer = np.zeros((height, width, 3), dtype=np.uint8)
    x, y, across, down = cv2.boundingRect(alpha)
    inside = np.s_[y : y + down, x : x + across]
    worn = rng.integers(20, 150, size=3).astype(np.float32)
    if across and down:
        depth = cv2.distanceTransform((alpha[inside] > 127).astype(np.uint8), cv2.DIST_L2, 3)
        round_off = np.sqrt(np.minimum(depth / max(1.0, 0.11 * palm), 1))
        skin = np.array(params.colour, dtype=np.float32)
        colours = np.where(cloth[inside][:, :, None] > 127, worn, skin)
        light = (0.62 + 0.42 * round_off)[:, :, None] * colours
        layer[inside] = np.minimum(light, 255).astype(np.uint8)
    for crease in creases:
        dark = _toned(params.colour, 0.72)
        thickness = max(1, round(palm / 60))
        cv2.polylines(layer, [_fixed(crease)], False, dark, thickness, cv2.LINE_AA, 4)
    return np.asarray(cv2.GaussianBlur(layer, (3, 3), 0.8), dtype=np.uint8), alpha


@dataclass(frozen=True)
class OccluderParams:
    """What was drawn for one picture."""

    kind: Kind
    x: float
    y: float
    extent_px: float
    size: float
    angle_deg: float
    colour: Colour
    seed: int


def _over(image: Image, layer: Image, alpha: Mask, offset: int) -> Image:
    """`layer` over `image`, with a soft shadow that falls `offset` pixels to the lower right."""
    height, width = alpha.shape
    shift = np.array([[1.0, 0.0, offset], [0.0, 1.0, offset]])
    soft = cv2.GaussianBlur(alpha, (0, 0), max(0.8, offset * 0.8))
    shade = cv2.warpAffine(cv2.convertScaleAbs(soft, alpha=0.4), shift, (width, height))
    shaded = covered(image, np.zeros_like(image), np.asarray(shade, np.uint8))
    return covered(shaded, layer, alpha)


class Occluder(PictureAugmenter[OccluderParams]):
    """Paints one of `kinds` over the frame, shaded and with a shadow of its own.

    It takes `size` of the frame's shorter side, or, with `on_object_rate`, of the length of
    an object that it then stands before. Hidden shares are recomputed.
    """

    params_type: ClassVar[type[OccluderParams]] = OccluderParams
    keeps_size: ClassVar[bool] = True

    kinds: tuple[Kind, ...] = Field(default=("bars", "leaves", "hand"), min_length=1)
    size: Annotated[Range, within(0.02, 3)] = (0.12, 0.5)
    on_object_rate: float = Field(default=0.5, ge=0, le=1)
    min_visible: float = Field(default=0.1, ge=0, le=1)

    def draw(self, sample: Picture, rng: np.random.Generator) -> OccluderParams:
        """Draw what it is, where, how large, and a seed for its details."""
        (x, y), extent = place(sample, rng, self.on_object_rate)
        kind = choose(rng, self.kinds)
        base = choose(rng, COLOURS[kind])
        shade = rng.uniform(0.75, 1.2)
        red, green, blue = (int(np.clip(v * shade, 0, 255)) for v in base)
        return OccluderParams(
            kind,
            x,
            y,
            extent,
            uniform(rng, self.size),
            uniform(rng, (-180, 180)),
            (red, green, blue),
            fork_seed(rng),
        )

    def apply(self, sample: Picture, params: OccluderParams) -> Picture:
        """The sample with the thing before it, hidden shares recomputed."""
        height, width = sample.image.shape[:2]
        rng = np.random.Generator(np.random.PCG64(params.seed))
        painter = {"bars": _bars, "leaves": _leaves, "hand": _hand}[params.kind]
        layer, alpha = painter(params, rng, height, width)
        offset = max(1, round(params.size * params.extent_px * 0.04))
        x, y, across, down = cv2.boundingRect(alpha)
        if across == 0 or down == 0:
            return sample
        reach = 4 * offset + 4
        left, top = max(0, x - reach), max(0, y - reach)
        inside = np.s_[top : min(height, y + down + reach), left : min(width, x + across + reach)]
        image = sample.image.copy()
        image[inside] = _over(image[inside], layer[inside], alpha[inside], offset)
        return hidden(replace(sample, image=image), alpha, self.min_visible)
