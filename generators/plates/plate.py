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
from seedbed.generators.plates.layout import Region
from seedbed.generators.plates.mount import MountParams, draw_mount, mount_margin_mm, paint_mount
from seedbed.generators.plates.surface import (
    CoverParams,
    SurfaceParams,
    draw_cover,
    draw_surface,
    is_bare,
    paint_cover,
    shade_face,
)
from seedbed.generators.scenes.blend import over
from seedbed.generators.scenes.light import Light
from seedbed.geometry import Homography

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
    layout = layout_of(face.layout, face.layout_seed)
    return PlateParams(
        face=face,
        surface=draw_surface(rng, wear, size_mm, layout.bare_holes_rate),
        mount=draw_mount(rng, layout.region, size_mm),
        cover=draw_cover(rng, cover_rate, size_mm),
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
    bolts_mm = face.bolts_mm
    if layout_of(params.face.layout, params.face.layout_seed).hole_mm is not None:
        # The face shows its slots already: only those that hold a bolt need more.
        bolts = params.surface.bolts
        bolts_mm = tuple(at for at in bolts_mm if not is_bare(bolts, at[1], height_mm))
    rgb = shade_face(
        face.rgb, face.alpha, face.relief, face.px_per_mm, bolts_mm, params.surface,
        light, light_in_plane,
    )  # fmt: skip
    # One transparent pixel all round lets the edge fall off smoothly when it is warped.
    left, top, right, bottom = (
        round(margin * face.px_per_mm) + 1 for margin in mount_margin_mm(params.mount)
    )
    rgb = np.asarray(
        cv2.copyMakeBorder(rgb, top, bottom, left, right, cv2.BORDER_REPLICATE), np.uint8
    )
    alpha = np.asarray(
        cv2.copyMakeBorder(face.alpha, top, bottom, left, right, cv2.BORDER_CONSTANT), np.uint8
    )
    covers: list[Canvas] = []
    if params.mount is not None:
        covers.append(
            paint_mount(rgb, alpha, (left, top), face.px_per_mm, params.mount, light, typefaces)
        )
    if params.cover is not None:
        overlay = paint_cover(
            alpha.shape, (left, top), face.px_per_mm, params.size_mm(), params.cover, light
        )
        covers.append(np.ascontiguousarray(overlay[:, :, 3]))
        rgb = over(overlay[:, :, :3], rgb, covers[-1])
        alpha = np.asarray(cv2.max(alpha, covers[-1]), np.uint8)
    hidden: Canvas | None = None
    for covered in covers:
        height, width = face.alpha.shape
        on_plate = covered[top : top + height, left : left + width]
        size = (round(width_mm), round(height_mm))
        mask = cv2.resize(on_plate, size, interpolation=cv2.INTER_LINEAR)
        mask = cv2.threshold(mask, 127, 255, cv2.THRESH_BINARY)[1]
        hidden = np.asarray(mask if hidden is None else cv2.bitwise_or(hidden, mask), np.uint8)
    scale_x, scale_y = width_mm / face.alpha.shape[1], height_mm / face.alpha.shape[0]
    to_plane = np.array(
        [
            [scale_x, 0.0, -left * scale_x - width_mm / 2],
            [0.0, scale_y, -top * scale_y - height_mm / 2],
            [0.0, 0.0, 1.0],
        ]
    )
    return FlatPlate(rgb=rgb, alpha=alpha, to_plane=to_plane, face=face, hidden=hidden)
