"""A whole plate on its own plane: the face, its state, what holds it and what lies on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from seedbed.generators.plates.face import (
    FaceParams,
    PlateFace,
    draw_face,
    layout_of,
    plate_size_mm,
    render_face,
)
from seedbed.generators.plates.glyphs import TypefaceSet
from seedbed.generators.plates.layout import PlateLayout, Region
from seedbed.generators.plates.mount import MountParams, draw_mount, mount_margin_mm, paint_mount
from seedbed.generators.plates.surface import (
    CoverParams,
    SurfaceParams,
    draw_cover,
    draw_surface,
    paint_cover,
    shade_face,
)
from seedbed.generators.scenes.light import Light
from seedbed.geometry import Homography
from seedbed.streams import chance

Canvas = NDArray[np.uint8]


@dataclass(frozen=True)
class PlateParams:
    """One plate: what is printed on it, its state, its holder, and what covers a part of it."""

    face: FaceParams
    surface: SurfaceParams
    mount: MountParams | None
    cover: CoverParams | None

    def size_mm(self) -> tuple[float, float]:
        """Width and height of the plate itself, without its holder."""
        return plate_size_mm(self.face)

    def region(self) -> Region:
        """The region of the plate's layout."""
        return layout_of(self.face.layout, self.face.layout_seed).region


@dataclass(frozen=True)
class FlatPlate:
    """A plate painted on its own plane, holder included.

    `rgb` is uint8 (h, w, 3) and `alpha` uint8 (h, w); `to_plane` maps their continuous
    pixels to millimetres from the plate's centre. `hidden` is a mask with one pixel a
    square millimetre of the plate, 255 where something lies on it, or None.
    """

    rgb: Canvas
    alpha: Canvas
    to_plane: Homography
    face: PlateFace
    hidden: Canvas | None


def needed_characters(layout: PlateLayout) -> set[str]:
    """Every character that a registration of `layout` may hold."""
    in_words = {c for words, _ in layout.words.values() for word in words for c in word}
    return {*layout.letters, *layout.digits, *in_words} - {" "}


def draw_plate(
    rng: np.random.Generator,
    layouts: Sequence[str],
    shares: Sequence[float],
    fonts: Sequence[str],
    wear: float,
    cover_rate: float,
) -> PlateParams:
    """Draw a plate of one of `layouts`, by `shares`; empty `fonts` leaves the layout's own."""
    face = draw_face(layouts, shares, rng, fonts or None)
    size_mm = plate_size_mm(face)
    region = layout_of(face.layout, face.layout_seed).region
    return PlateParams(
        face=face,
        surface=draw_surface(rng, wear, size_mm),
        mount=draw_mount(rng, region, size_mm),
        cover=draw_cover(rng, size_mm) if chance(rng, cover_rate) else None,
    )


def paint_plate(
    params: PlateParams,
    px_per_mm: float,
    light: Light,
    light_in_plane: tuple[float, float, float],
    typefaces: TypefaceSet,
) -> FlatPlate:
    """Paint a plate at about `px_per_mm`, lit from `light_in_plane` (see `shade_face`)."""
    face = render_face(params.face, px_per_mm, typefaces)
    width_mm, height_mm = params.size_mm()
    rgb = shade_face(
        face.rgb, face.alpha, face.relief, face.px_per_mm, face.bolts_mm, params.surface,
        light, light_in_plane,
    )  # fmt: skip
    left, top, right, bottom = 0, 0, 0, 0
    if params.mount is not None:
        margins = [round(m * face.px_per_mm) for m in mount_margin_mm(params.mount)]
        left, top, right, bottom = margins
    # One transparent pixel all round lets the edge fall off smoothly when it is warped.
    left, top, right, bottom = left + 1, top + 1, right + 1, bottom + 1
    rgb = cv2.copyMakeBorder(rgb, top, bottom, left, right, cv2.BORDER_REPLICATE).astype(np.uint8)
    alpha = cv2.copyMakeBorder(face.alpha, top, bottom, left, right, cv2.BORDER_CONSTANT)
    alpha = alpha.astype(np.uint8)
    if params.mount is not None:
        paint_mount(rgb, alpha, (left, top), face.px_per_mm, params.mount)
    hidden: Canvas | None = None
    if params.cover is not None:
        covered = paint_cover(rgb, alpha, (left, top), face.px_per_mm, params.cover, light)
        height, width = face.alpha.shape
        on_plate = covered[top : top + height, left : left + width]
        size = (round(width_mm), round(height_mm))
        hidden = np.asarray(cv2.resize(on_plate, size, interpolation=cv2.INTER_AREA), np.uint8)
        hidden = np.asarray(cv2.threshold(hidden, 127, 255, cv2.THRESH_BINARY)[1], np.uint8)
    scale_x, scale_y = width_mm / face.alpha.shape[1], height_mm / face.alpha.shape[0]
    to_plane = np.array(
        [
            [scale_x, 0.0, -left * scale_x - width_mm / 2],
            [0.0, scale_y, -top * scale_y - height_mm / 2],
            [0.0, 0.0, 1.0],
        ]
    )
    return FlatPlate(rgb=rgb, alpha=alpha, to_plane=to_plane, face=face, hidden=hidden)
