"""Licence plates in scenes: a street, a vehicle or a wall, and plates with every label.

A scene is a painter's list. The background comes first, then, from far to near, each
vehicle with its plate, each pasted plate and each look-alike, all under one light and
before one camera; the frame's own light and air come last. Positions never look at pixels:
quads go through the same homographies as the pictures, and what a nearer thing covers is
subtracted on the plate's own plane.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import ClassVar, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from seedbed.component import Generator
from seedbed.errors import InputError, Rejected
from seedbed.generators.plates.face import PlateFace, default_weights, layout_sheet
from seedbed.generators.plates.fonts import FAMILIES, fonts_digest
from seedbed.generators.plates.glyphs import TypefaceSet, default_typefaces
from seedbed.generators.plates.grammar import ALL_DIGITS, ALL_LETTERS
from seedbed.generators.plates.layout import (
    RANDOM,
    file_digest,
    is_path,
    load_layout,
    resolve_layouts,
)
from seedbed.generators.plates.plate import PlateParams, draw_plate, paint_plate
from seedbed.generators.scenes.background import BackgroundParams, Backgrounds
from seedbed.generators.scenes.blend import Blend, BlendParams, composite
from seedbed.generators.scenes.camera import Pose
from seedbed.generators.scenes.decoy import (
    DecoyParams,
    decoy_size_mm,
    draw_decoy,
    overlay_box,
    paint_decoy,
)
from seedbed.generators.scenes.film import FilmParams, develop, draw_film
from seedbed.generators.scenes.light import Hour, Light, draw_light
from seedbed.generators.scenes.photo_folder import DEFAULT_PIXEL_LIMIT
from seedbed.generators.scenes.placing import (
    Camera,
    centred,
    depth_below_mm,
    draw_angle,
    draw_camera,
    draw_camera_height_mm,
    flat_box,
    grown,
    horizon_row,
    overlap,
    pitch_for_row,
    pose_of_width,
    sight_row,
)
from seedbed.generators.scenes.procedural import View
from seedbed.generators.scenes.vehicle import (
    VehicleParams,
    draw_vehicle,
    lookalikes_on,
    paint_vehicle,
    paint_vehicle_front,
    vehicle_extent_mm,
)
from seedbed.generators.scenes.vehicle_params import Kind
from seedbed.geometry import (
    Bbox,
    Homography,
    Points,
    apply_homography,
    bounding_box,
    clip_to_frame,
    pixel_centred,
    polygon_area,
    rectangle,
)
from seedbed.sample import Character, LabelledObject, Picture
from seedbed.streams import chance, choose_weighted, log_uniform, uniform

Range = tuple[float, float]
Image = NDArray[np.uint8]

FACE_OVERSAMPLING, LARGE_FACE_OVERSAMPLING = 1.25, 1.05
"""Pixels of the flat plate to one of the frame: enough for a warp to keep thin strokes."""

LARGE_FACE_PX_PER_MM = 0.4
"""From this scale on even thin strokes are several pixels wide."""

DEPENDS_ON = (*(f"fontpkg-{family}" for family in FAMILIES), "scikit-image")
"""Packages whose version decides what a scene looks like."""

CONTRAST_WIDTH_PX = 160
"""Pixels across a plate at most where its contrast is measured."""

PLACING_TRIES = 16
"""Places tried for one more object before the scene goes without it."""

STEEPEST_DEG = 85.0
"""The largest yaw or pitch a recipe may ask for: from 90 on a plate shows its edge or back."""

LIMITS: Mapping[str, Range] = {
    "plate_width_px": (8.0, 100_000.0),
    "yaw_deg": (-STEEPEST_DEG, STEEPEST_DEG),
    "pitch_deg": (-STEEPEST_DEG, STEEPEST_DEG),
    "roll_deg": (-180.0, 180.0),
    "field_of_view_deg": (1.0, 150.0),
    "camera_height_m": (0.2, 30.0),
    "background_share": (0.0, 1.0),
}
"""The lowest and the highest value that each range may hold."""

HOUR_SHARES: Mapping[Hour, float] = {
    "day": 0.5,
    "overcast": 0.22,
    "dusk": 0.1,
    "night": 0.07,
    "flash": 0.06,
    "infrared": 0.05,
}
BLEND_SHARES: Mapping[Blend, float] = {
    "hard": 0.15,
    "feathered": 0.6,
    "gaussian": 0.2,
    "poisson": 0.05,
}
"""How often each light and each way of blending comes where the recipe does not say."""

CLOSE_UP_SHARE = (1 / 3, 2 / 3)
"""The shares of the frame's width that the plate of a close-up fills."""

STEEPEST_ROLL_DEG = 60.0
"""Cameras tilted further than this do not tell where the ground lies."""

ASIDE_MM, AHEAD_MM = 2000.0, 4200.0
"""How far apart vehicles stand, across or along the line of sight: about a car's size."""

IN_LINE_RATE = 0.6
"""How often further vehicles stand parallel to the first, as in a row of parked cars."""

NO_PLATE_MM = (520.0, 110.0)
"""What a vehicle without a plate has room for; only its size in the frame depends on it."""


class Legibility(BaseModel):
    """What makes a plate legible, and what becomes of one that is not."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_character_height_px: float = Field(
        default=6.0, ge=0, description="Lower characters, in pixels, make a plate illegible."
    )
    min_contrast: float = Field(
        default=0.06,
        ge=0,
        le=1,
        description=(
            "Least difference in brightness between ink and ground in the finished frame, as a "
            "share of full brightness."
        ),
    )
    max_occlusion: float = Field(
        default=0.25,
        ge=0,
        le=1,
        description="Largest share of any character that may be hidden or outside the frame.",
    )
    min_visible: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="Plates of which a smaller share can be seen are not labelled, but counted.",
    )
    otherwise: Literal["label", "redraw"] = Field(
        default="label",
        description="An illegible plate is labelled so, or the scene is drawn again.",
    )


@dataclass(frozen=True)
class ItemParams:
    """One thing in a scene: a vehicle, a plate, both, or a look-alike.

    A look-alike without a pose lies on the lens: a date burnt in by the camera.
    """

    pose: Pose | None = None
    vehicle: VehicleParams | None = None
    plate: PlateParams | None = None
    blend: BlendParams | None = None
    decoy: DecoyParams | None = None

    def at(self, pose: Pose) -> ItemParams:
        """The same thing, standing there."""
        return ItemParams(pose, self.vehicle, self.plate, self.blend, self.decoy)

    def depth_mm(self) -> float:
        """How far away it stands; what lies on the lens is nearest of all."""
        return self.pose.depth_mm if self.pose is not None else 0.0


@dataclass(frozen=True)
class SceneParams:
    """Everything that was drawn for one scene; `items` are ordered from far to near."""

    width: int
    height: int
    background: BackgroundParams
    light: Light
    film: FilmParams
    items: tuple[ItemParams, ...]
    crowded_out: int


@dataclass(frozen=True)
class PlacedPlate:
    """A plate that was painted into a frame, and what of it can still be seen.

    `homography` maps millimetres from the plate's centre to pixels. `hidden` is a mask with
    one pixel a square millimetre of the plate, 255 where something nearer covers it, or
    None while nothing does.
    """

    params: PlateParams
    face: PlateFace
    homography: Homography
    hidden: Image | None

    def to_frame(self, points_mm: NDArray[np.float64]) -> Points:
        """Millimetres from the plate's top left corner as frame pixels."""
        width_mm, height_mm = self.params.size_mm()
        centre = np.array([width_mm / 2, height_mm / 2])
        return apply_homography(self.homography, points_mm - centre)

    def quad(self) -> Points:
        """The plate's corners in frame pixels, clockwise from the text's top left."""
        return self.to_frame(rectangle(0, 0, *self.params.size_mm()))

    def behind(self, outline: Points) -> PlacedPlate:
        """The same plate after something with that outline, in frame pixels, was painted."""
        if len(outline) < 3:
            return self
        quad = self.quad()
        (low_x, low_y), (high_x, high_y) = quad.min(axis=0).tolist(), quad.max(axis=0).tolist()
        left, top = math.floor(low_x) - 1, math.floor(low_y) - 1
        right, bottom = math.ceil(high_x) + 1, math.ceil(high_y) + 1
        (first_x, first_y), (last_x, last_y) = outline.min(axis=0), outline.max(axis=0)
        if last_x < left or last_y < top or first_x > right or first_y > bottom:
            return self
        # Rasterised in the frame and carried to the plate: a homography of the outline itself
        # would turn points beyond the plate's horizon inside out.
        scale = max(1.0, 256.0 / (right - left))
        size = (math.ceil((right - left) * scale), math.ceil((bottom - top) * scale))
        mask = np.zeros((size[1], size[0]), dtype=np.uint8)
        local = np.clip((outline - [left, top]) * scale, -(2**14), 2**14)
        cv2.fillPoly(mask, [np.round(local * 16 - 8).astype(np.int32)], 255, shift=4)
        if not mask.any():
            return self
        width_mm, height_mm = self.params.size_mm()
        to_mask = np.diag([scale, scale, 1.0]) @ np.array(
            [[1.0, 0.0, -left], [0.0, 1.0, -top], [0.0, 0.0, 1.0]]
        )
        from_corner = np.array(
            [[1.0, 0.0, -width_mm / 2], [0.0, 1.0, -height_mm / 2], [0.0, 0.0, 1.0]]
        )
        covered = cv2.warpPerspective(
            mask,
            pixel_centred(to_mask @ self.homography @ from_corner),
            (round(width_mm), round(height_mm)),
            flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP,
        )
        if self.hidden is not None:
            covered = cv2.bitwise_or(covered, self.hidden)
        hidden = np.asarray(covered, dtype=np.uint8)
        return PlacedPlate(self.params, self.face, self.homography, hidden)

    def hidden_share(self, quad_mm: NDArray[np.float64]) -> float:
        """The share of an upright rectangle on the plate that something covers, 0 to 1."""
        if self.hidden is None:
            return 0.0
        across, down = quad_mm.T.tolist()
        inside = self.hidden[
            max(math.floor(min(down)), 0) : math.ceil(max(down)),
            max(math.floor(min(across)), 0) : math.ceil(max(across)),
        ]
        return float(cv2.countNonZero(inside)) / inside.size if inside.size else 0.0


class PlateScene(Generator[SceneParams, Picture]):
    """Scenes with 0 to 4 licence plates, on vehicles or pasted, labelled to the character."""

    params_type: ClassVar[type[SceneParams]] = SceneParams
    sample_type: ClassVar[type[Picture]] = Picture

    width: int = Field(default=640, ge=64, le=8192, description="The frame's width, pixels.")
    height: int = Field(default=480, ge=64, le=8192, description="The frame's height, pixels.")
    layouts: tuple[str, ...] = Field(
        default=("all", "random"),
        description=(
            "Plate layouts: ids, regions (eu, br, us, in), all, random, or paths of .toml files."
        ),
    )
    layout_weights: Mapping[str, float] = Field(
        default_factory=dict,
        description=(
            "How often layouts come, by the names `layouts` takes, on any positive scale; empty: "
            "by the weight in each file."
        ),
    )
    fonts: tuple[str, ...] = Field(
        default=(),
        description=(
            "Typefaces the characters are set in, such as stroke:fe, font:overpass or file:NAME; "
            "empty: each layout's own."
        ),
    )
    font_folders: tuple[str, ...] = Field(
        default=(), description="Folders of .ttf, .otf and .woff2 files to set characters in."
    )
    backgrounds: tuple[str, ...] = Field(
        default=("procedural",),
        description="What lies behind: procedural, package:NAME, or folders of photographs.",
    )
    background_weights: tuple[float, ...] | None = Field(
        default=None,
        description="One weight a background, on any positive scale; by default all the same.",
    )
    background_share: Range = Field(
        default=(0.0, 1.0),
        description="The part of each folder's photographs to use, from and to, as shares.",
    )
    background_pixel_limit: int = Field(
        default=DEFAULT_PIXEL_LIMIT,
        ge=1,
        description=(
            "Photographs of more pixels than this are passed over before they are decoded, "
            "as one of 30,000 by 30,000 would take gigabytes."
        ),
    )
    plate_counts: tuple[float, ...] = Field(
        default=(0.1, 0.66, 0.15, 0.06, 0.03),
        description=(
            "Weights of the scenes with 0, 1, 2, ... plates, on any positive scale: [1] means "
            "no plate in any scene, [0, 1] one in each, [0, 0.5, 0.5] one or two."
        ),
    )
    plate_width_px: Range = Field(
        default=(16.0, 420.0),
        description=(
            "Width of a plate as it appears, pixels, drawn evenly by its logarithm; "
            "close_up_rate adds large ones."
        ),
    )
    close_up_rate: float = Field(
        default=0.14,
        ge=0,
        le=1,
        description=(
            "How often a scene's first plate fills CLOSE_UP_SHARE of the frame's width, as far "
            "as plate_width_px lets it; log-uniform widths come so large in one scene of five."
        ),
    )
    yaw_deg: Range = Field(
        default=(-60.0, 60.0), description="How far plates are turned sideways, degrees."
    )
    pitch_deg: Range = Field(
        default=(-35.0, 35.0), description="How far plates or the camera tilt up, degrees."
    )
    roll_deg: Range = Field(
        default=(-15.0, 15.0), description="How far plates or the camera lean, degrees."
    )
    field_of_view_deg: Range = Field(
        default=(12.0, 60.0), description="The camera's horizontal field of view, degrees."
    )
    camera_height_m: Range = Field(
        default=(0.45, 5.0),
        description=(
            "How high the camera is held above the ground that vehicles stand on; three times "
            "in four it is at eye level, where the bounds allow."
        ),
    )
    pasted_rate: float = Field(
        default=0.12,
        ge=0,
        le=1,
        description="The share of plates that lie on the background, without a vehicle.",
    )
    cut_rate: float = Field(
        default=0.05,
        ge=0,
        le=1,
        description="The share of plates that the frame's edge may cut.",
    )
    bystander_rate: float = Field(
        default=0.12,
        ge=0,
        le=1,
        description="How often a vehicle without a plate stands in a scene that has plates.",
    )
    vehicle_kinds: Mapping[Kind, float] = Field(
        default_factory=dict,
        description="Weights of the kinds of vehicle, on any positive scale; empty: as on roads.",
    )
    decoy_rate: float = Field(
        default=0.25,
        ge=0,
        le=1,
        description="How often each of two signs that look like plates stands in a scene.",
    )
    caption_rate: float = Field(
        default=0.2,
        ge=0,
        le=1,
        description="How often the camera burns a date or its name into the frame's edge.",
    )
    wear: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="How dirty, scratched and dented plates are: 0 new, 1 very.",
    )
    cover_rate: float = Field(
        default=0.04, ge=0, le=1, description="The share of plates that something lies on."
    )
    hours: Mapping[Hour, float] = Field(
        default_factory=lambda: dict(HOUR_SHARES),
        description=(
            "Weights of the light: day, overcast, dusk, night, flash and infrared, on any "
            "positive scale."
        ),
    )
    haze_rate: float = Field(
        default=0.06, ge=0, le=1, description="The share of scenes in haze or fog."
    )
    rain_rate: float = Field(
        default=0.04, ge=0, le=1, description="The share of scenes in which rain falls."
    )
    blends: Mapping[Blend, float] = Field(
        default_factory=lambda: dict(BLEND_SHARES),
        description=(
            "Weights of the ways plates are laid into the frame: hard, feathered, gaussian and "
            "poisson, on any positive scale."
        ),
    )
    legibility: Legibility = Field(
        default=Legibility(),
        description="What makes a plate legible, and what becomes of one that is not.",
    )

    @field_validator(*LIMITS)
    @classmethod
    def _possible(cls, bounds: Range, info: ValidationInfo) -> Range:
        if bounds[0] > bounds[1]:
            raise ValueError("must run from low to high")
        lowest, highest = LIMITS[str(info.field_name)]
        if bounds[0] < lowest or bounds[1] > highest:
            raise ValueError(f"must lie between {lowest:g} and {highest:g}")
        return bounds

    @field_validator("hours", "blends", "layout_weights", "vehicle_kinds")
    @classmethod
    def _weights(cls, weights: Mapping[str, float]) -> Mapping[str, float]:
        if weights and (min(weights.values()) < 0 or sum(weights.values()) <= 0):
            raise ValueError("weights must be >= 0 with a positive sum")
        return weights

    @field_validator("plate_counts")
    @classmethod
    def _counts(cls, weights: tuple[float, ...]) -> tuple[float, ...]:
        if not weights or min(weights) < 0 or sum(weights) <= 0:
            raise ValueError("weights must be >= 0 with a positive sum")
        return weights

    @model_validator(mode="after")
    def _plate_fits(self) -> PlateScene:
        if self.plate_width_px[0] > self.width:
            raise ValueError(
                f"plate_width_px starts at {self.plate_width_px[0]:g}, "
                f"wider than the scene's width {self.width}"
            )
        return self

    @cached_property
    def _layout_ids(self) -> list[str]:
        return resolve_layouts(self.layouts)

    @cached_property
    def _layout_shares(self) -> list[float]:
        """One weight a layout: its file's, or its share of the weight its selector has here."""
        own = dict(zip(self._layout_ids, default_weights(self._layout_ids), strict=True))
        if not self.layout_weights:
            return list(own.values())
        shares = dict.fromkeys(own, 0.0)
        for selector, weight in self.layout_weights.items():
            selected = [one for one in resolve_layouts([selector]) if one in own]
            if not selected:
                raise InputError(
                    f"plate-scene: layout_weights names {selector!r}, which selects none of the "
                    f"layouts {', '.join(self.layouts)}; name one of those, or leave it out."
                )
            total = sum(own[one] for one in selected)
            for one in selected:
                shares[one] += weight * own[one] / total
        return list(shares.values())

    @cached_property
    def _typefaces(self) -> TypefaceSet:
        typefaces = default_typefaces()
        for folder in self.font_folders:
            typefaces = typefaces.with_folder(folder)
        return typefaces

    @cached_property
    def _fonts(self) -> tuple[str, ...]:
        """The fonts characters are set in: those named, or else all of the font folders'.

        Empty leaves each layout its own.
        """
        if self.fonts or not self.font_folders:
            return self.fonts
        own = set(default_typefaces().names())
        return tuple(name for name in self._typefaces.names() if name not in own)

    @cached_property
    def _backgrounds(self) -> Backgrounds:
        return Backgrounds(
            self.backgrounds,
            self.background_weights,
            self.background_pixel_limit,
            self.background_share,
        )

    def picture_size(self) -> tuple[int, int]:
        """The frame's (height, width)."""
        return self.height, self.width

    def depends_on(self) -> tuple[str, ...]:
        """The packages that carry typefaces and photographs."""
        return DEPENDS_ON

    def file_digests(self) -> dict[str, str]:
        """Of the user's own layouts, fonts and photographs. Raises `InputError`."""
        digests = {f"layout {one}": file_digest(one) for one in self._layout_ids if is_path(one)}
        digests |= {f"fonts {folder}": fonts_digest(folder) for folder in self.font_folders}
        return {**digests, **self._backgrounds.digests()}

    def layout_sheet(self) -> Image:
        """This scene's layouts, each drawn once: uint8 RGB."""
        everything = self.layouts == ("all", "random")
        return layout_sheet(
            layouts=() if everything else self._layout_ids, typefaces=self._typefaces
        )

    def check_fonts(self, key: str) -> None:
        """Raise `InputError`, which begins with the recipe's `key`, where a font is unknown."""
        for name in self.fonts:
            try:
                self._typefaces.get(name)
            except InputError as error:
                raise InputError(f"{key}: {error}") from error

    def prepare(self) -> None:
        """Check layouts, fonts and background folders. Raises `InputError`."""
        self.check_fonts("generator.fonts")
        for layout_id in self._layout_ids:
            if layout_id == RANDOM:
                self._typefaces.check(self._fonts, ALL_LETTERS + ALL_DIGITS)
                continue
            layout = load_layout(layout_id)
            try:
                self._typefaces.check(self._fonts or layout.fonts, layout.registration_characters)
            except InputError as error:
                raise InputError(f"layout {layout.file}: {error}") from error
        _ = self._layout_shares
        self._backgrounds.check()

    def draw(self, rng: np.random.Generator) -> SceneParams:
        """Decide a scene: the light, the camera, and what stands before it."""
        light = draw_light(rng, self.hours)
        film = draw_film(rng, light, self.haze_rate, self.rain_rate)
        size = (self.width, self.height)
        camera = draw_camera(rng, size, self.field_of_view_deg, self.pitch_deg, self.roll_deg)
        layout = _Arrangement(camera, draw_camera_height_mm(rng, self.camera_height_m))
        wanted = int(choose_weighted(rng, {str(n): w for n, w in enumerate(self.plate_counts)}))
        close_up = chance(rng, self.close_up_rate)
        drawn = [self._draw_plate(rng) for _ in range(wanted)]
        if chance(rng, self.bystander_rate if wanted else 0.6):
            drawn.append(self._draw_bystander(rng))
        drawn += [self._draw_sign(rng) for _ in range(2) if chance(rng, self.decoy_rate)]
        crowded_out = 0
        for number, item in enumerate(drawn):
            if not self._place(rng, layout, item, close_up and number == 0):
                crowded_out += item.plate is not None
        items = [one.item for one in layout.standing]
        items.sort(key=lambda item: -item.depth_mm())
        # A rare second caption: some cameras write the time above and their name below.
        for rate in (self.caption_rate, self.caption_rate / 3):
            if chance(rng, rate):
                caption = draw_decoy(rng, overlay=True)
                box = overlay_box(caption, self.width, self.height)
                if all(overlap(box, grown(one.plate_box, 3)) == 0 for one in layout.plates()):
                    items.append(ItemParams(decoy=caption))
        background = self._backgrounds.draw(rng, layout.view())
        return SceneParams(
            self.width, self.height, background, light, film, tuple(items), crowded_out
        )

    def _place(
        self, rng: np.random.Generator, layout: _Arrangement, item: ItemParams, close_up: bool
    ) -> bool:
        """Put `item` where there is room for it; False where none was found."""
        width_px = self._draw_width_px(rng, close_up)
        for attempt in range(PLACING_TRIES):
            drawn = self._draw_pose(rng, layout, item, width_px)
            if drawn is not None:
                pose, camera = drawn
                placed = _stand(item.at(pose), pose)
                if all(_fit(placed, other) for other in layout.standing):
                    layout.add(placed, camera)
                    return True
            if layout.standing or attempt >= PLACING_TRIES // 2:
                width_px = self._draw_width_px(rng, close_up)
        return False

    def _draw_width_px(self, rng: np.random.Generator, close_up: bool) -> float:
        """How wide an item's plate or sign is to appear."""
        low, high = self.plate_width_px
        high = min(high, 0.95 * self.width)
        if close_up:
            smallest, largest = (share * self.width for share in CLOSE_UP_SHARE)
            return uniform(rng, (_within(smallest, (low, high)), _within(largest, (low, high))))
        return min(log_uniform(rng, self.plate_width_px), high)

    def _draw_pose(
        self, rng: np.random.Generator, layout: _Arrangement, item: ItemParams, width_px: float
    ) -> tuple[Pose, Camera] | None:
        """A pose for an item and the camera that sees it so, or None where that fails.

        A vehicle leans as the camera does and stands on the ground: its row follows from how
        far away it is. Where that row lies outside the frame, the first vehicle of a scene
        has the camera tilted until it sees it, or held nearer the ground, as for a close-up.
        """
        camera = layout.camera
        size_mm = _flat_size_mm(item)
        yaw = draw_angle(rng, self.yaw_deg)
        height_px = width_px * size_mm[1] / size_mm[0]
        # A plate cut by the frame keeps its centre inside; any other keeps clear of the edges.
        margin = 0.0 if chance(rng, self.cut_rate) else 0.55
        spare_x = max(0.0, self.width / 2 - margin * width_px)
        spare_y = max(0.0, self.height / 2 - margin * height_px)
        x = self.width / 2 + spare_x * uniform(rng, (-1.0, 1.0))
        y = self.height / 2 + spare_y * uniform(rng, (-1.0, 1.0))
        if item.vehicle is None:
            pitch, roll = draw_angle(rng, self.pitch_deg), draw_angle(rng, self.roll_deg)
            pose = pose_of_width(camera, size_mm, width_px, (x, y), (yaw, pitch, roll))
            return None if pose is None else (pose, camera)
        if layout.yaw_deg is not None and chance(rng, IN_LINE_RATE):
            yaw = _within(layout.yaw_deg + float(rng.normal(0, 4)), self.yaw_deg)
        slope, lean = float(rng.normal(0, 0.6)), float(rng.normal(0, 0.4))
        if abs(camera.roll_deg) < STEEPEST_ROLL_DEG:
            depth = camera.focal_px * size_mm[0] * math.cos(math.radians(yaw)) / width_px
            heights = (layout.camera_height_mm, item.vehicle.plate_height_mm, depth)
            row = sight_row(camera, *heights, x)
            if abs(row - self.height / 2) <= spare_y:
                y = row
            elif layout.yaw_deg is not None:
                return None
            else:
                tilt = pitch_for_row(camera, *heights, (x, y))
                if tilt is not None and self.pitch_deg[0] <= tilt <= self.pitch_deg[1]:
                    camera = replace(camera, pitch_deg=tilt)
        pitch = _within(camera.pitch_deg + slope, self.pitch_deg)
        roll = _within(camera.roll_deg + lean, self.roll_deg)
        pose = pose_of_width(camera, size_mm, width_px, (x, y), (yaw, pitch, roll))
        if pose is None:
            return None
        if layout.yaw_deg is None:
            low, high = (1000 * bound for bound in self.camera_height_m)
            above = item.vehicle.plate_height_mm + depth_below_mm(camera, pose)
            if abs(camera.roll_deg) < STEEPEST_ROLL_DEG and not 0.9 * low <= above <= 1.1 * high:
                return None
        return pose, camera

    def _draw_plate(self, rng: np.random.Generator) -> ItemParams:
        plate = draw_plate(
            rng, self._layout_ids, self._layout_shares, self._fonts, self.wear, self.cover_rate
        )
        vehicle = draw_vehicle(rng, plate.size_mm(), self.vehicle_kinds or None)
        blend = BlendParams(
            mode=choose_weighted(rng, self.blends),
            softness_px=uniform(rng, (0.3, 1.2)),
            colour_match=uniform(rng, (0.0, 0.5)),
        )
        pasted = chance(rng, self.pasted_rate)
        return ItemParams(vehicle=None if pasted else vehicle, plate=plate, blend=blend)

    def _draw_bystander(self, rng: np.random.Generator) -> ItemParams:
        """A vehicle that shows no plate."""
        return ItemParams(vehicle=draw_vehicle(rng, NO_PLATE_MM, self.vehicle_kinds or None))

    def _draw_sign(self, rng: np.random.Generator) -> ItemParams:
        """A look-alike that stands by the road."""
        return ItemParams(decoy=draw_decoy(rng))

    def render(self, params: SceneParams) -> Picture:
        """Paint the scene and label it.

        Raises `Rejected` where a plate is illegible and is to be drawn again.
        """
        frame, counts = self._backgrounds.render(
            params.background, params.width, params.height, params.light
        )
        counts = dict(counts)
        plates: list[PlacedPlate] = []
        for item in params.items:
            plates = self._paint_item(frame, item, params.light, plates, counts)
        frame = develop(frame, params.film, into=frame)
        objects: list[LabelledObject] = []
        for plate in plates:
            labelled = self._label(plate, frame)
            if labelled is None:
                _count(counts, "dropped:hidden")
                continue
            objects.append(labelled)
            _count(counts, "plates")
            if not labelled.legible:
                reason = labelled.illegible_reason
                if self.legibility.otherwise == "redraw":
                    raise Rejected(f"illegible_{reason}")
                _count(counts, f"illegible:{reason}")
        if params.crowded_out:
            counts["dropped:no_room"] = params.crowded_out
        if not objects:
            _count(counts, "negatives")
        return Picture(image=frame, objects=tuple(objects), counts=counts)

    def _paint_item(
        self,
        frame: Image,
        item: ItemParams,
        light: Light,
        plates: list[PlacedPlate],
        counts: dict[str, int],
    ) -> list[PlacedPlate]:
        """Paint one item over the farther ones; returns the plates with what it hides of them."""
        if item.decoy is not None:
            outline = paint_decoy(frame, item.decoy, item.pose, light)
            _count(counts, "lookalikes")
            return [plate.behind(outline) for plate in plates]
        if item.pose is None:
            return plates
        if item.vehicle is not None:
            # Only what hides a farther plate needs its outline.
            outline = paint_vehicle(frame, item.vehicle, item.pose, light, bool(plates))
            plates = [plate.behind(outline) for plate in plates]
            _count(counts, "vehicles")
            height, width = frame.shape[:2]
            _count(counts, "lookalikes", lookalikes_on(item.vehicle, item.pose, width, height))
        if item.plate is not None and item.blend is not None:
            plate = self._paint_plate(frame, item.plate, item.blend, item.pose, light)
            plates = [farther.behind(plate.quad()) for farther in plates] + [plate]
        if item.vehicle is not None:
            for outline in paint_vehicle_front(frame, item.vehicle, item.pose, light):
                plates = [plate.behind(outline) for plate in plates]
        return plates

    def _paint_plate(
        self, frame: Image, params: PlateParams, blend: BlendParams, pose: Pose, light: Light
    ) -> PlacedPlate:
        in_plane = pose.rotation().T @ np.array(light.direction)
        scale = pose.px_per_mm()
        large = scale >= LARGE_FACE_PX_PER_MM
        flat = paint_plate(
            params,
            scale * (LARGE_FACE_OVERSAMPLING if large else FACE_OVERSAMPLING),
            light,
            (float(in_plane[0]), float(in_plane[1]), float(in_plane[2])),
            self._typefaces,
        )
        homography = pose.homography()
        composite(frame, flat.rgb, flat.alpha, homography @ flat.to_plane, blend)
        return PlacedPlate(params, flat.face, homography, flat.hidden)

    def _label(self, plate: PlacedPlate, frame: Image) -> LabelledObject | None:
        """The plate's label, or None where less than `min_visible` of it is seen."""
        quad = plate.quad()
        outline = clip_to_frame(quad, self.width, self.height)
        size_mm = plate.params.size_mm()
        in_frame = polygon_area(outline) / max(polygon_area(quad), 1e-9)
        seen = in_frame * (1 - plate.hidden_share(rectangle(0, 0, *size_mm)))
        if len(outline) < 3 or seen < self.legibility.min_visible:
            return None
        characters = self._characters(plate)
        contrast = self._contrast(plate, frame)
        reason = self._illegible(characters, contrast)
        return LabelledObject(
            category="plate",
            bbox=bounding_box(outline),
            quad=quad,
            polygon=outline,
            text=plate.face.text,
            text_plain=plate.face.text_plain,
            layout=plate.params.face.layout,
            region=plate.params.region(),
            line_count=plate.face.line_count,
            occlusion=round(1 - seen, 4),
            legible=not reason,
            illegible_reason=reason,
            characters=characters,
            attributes={"contrast": round(contrast, 4)},
        )

    def _characters(self, plate: PlacedPlate) -> tuple[Character, ...]:
        """The plate's characters with their quads and how much of each can be seen."""
        cells = plate.face.characters
        corners = plate.to_frame(np.concatenate([cell.quad_mm for cell in cells]))
        lowest, highest = corners.min(axis=0), corners.max(axis=0)
        cut = bool((lowest < 0).any() or (highest > [self.width, self.height]).any())
        characters = []
        for cell, quad in zip(cells, corners.reshape(-1, 4, 2), strict=True):
            inside = clip_to_frame(quad, self.width, self.height) if cut else quad
            share = polygon_area(inside) / max(polygon_area(quad), 1e-9) if cut else 1.0
            seen = share * (1 - plate.hidden_share(cell.quad_mm))
            characters.append(
                Character(
                    text=cell.text, quad=quad, bbox=bounding_box(inside), visible=round(seen, 4)
                )
            )
        return tuple(characters)

    def _contrast(self, plate: PlacedPlate, frame: Image) -> float:
        """Brightness between ink and ground in the finished frame, 0 to 1, over the characters."""
        ink = plate.face.ink
        height, width = ink.shape
        width_mm, height_mm = plate.params.size_mm()
        # A few thousand pixels tell the mean of each as well as all of them.
        share = min(1.0, CONTRAST_WIDTH_PX / width)
        if share < 1:
            width, height = max(round(width * share), 1), max(round(height * share), 1)
            ink = np.asarray(
                cv2.resize(ink, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8
            )
        across, down = width_mm / width, height_mm / height
        to_plane = np.array(
            [[across, 0.0, -width_mm / 2], [0.0, down, -height_mm / 2], [0.0, 0.0, 1.0]]
        )
        boxes = [(*cell.quad_mm[0].tolist(), *cell.quad_mm[2].tolist())
                 for cell in plate.face.characters]  # fmt: skip
        left = max(int(min(box[0] for box in boxes) / across), 0)
        top = max(int(min(box[1] for box in boxes) / down), 0)
        right = min(math.ceil(max(box[2] for box in boxes) / across), width)
        bottom = min(math.ceil(max(box[3] for box in boxes) / down), height)
        to_cells = np.array([[1.0, 0.0, left], [0.0, 1.0, top], [0.0, 0.0, 1.0]])
        flat = cv2.warpPerspective(
            frame,
            pixel_centred(plate.homography @ to_plane @ to_cells),
            (right - left, bottom - top),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        )
        grey = cv2.cvtColor(flat, cv2.COLOR_RGB2GRAY)
        mask = ink[top:bottom, left:right]
        on_ink = cv2.mean(grey, cv2.threshold(mask, 160, 255, cv2.THRESH_BINARY)[1])[0]
        off_ink = cv2.mean(grey, cv2.threshold(mask, 63, 255, cv2.THRESH_BINARY_INV)[1])[0]
        return abs(on_ink - off_ink) / 255

    def _illegible(self, characters: tuple[Character, ...], contrast: float) -> str:
        """Why nobody could read these characters: `small`, `hidden`, `contrast`, or nothing."""
        lowest = self.legibility.min_character_height_px
        for one in characters:
            top_left, top_right, bottom_right, bottom_left = one.quad.tolist()
            tall = math.dist(top_left, bottom_left) + math.dist(top_right, bottom_right)
            if tall / 2 < lowest:
                return "small"
        if min(one.visible for one in characters) < 1 - self.legibility.max_occlusion:
            return "hidden"
        if contrast < self.legibility.min_contrast:
            return "contrast"
        return ""


def _flat_size_mm(item: ItemParams) -> tuple[float, float]:
    """The size of an item's plate or sign, or of a bare vehicle's room for a plate."""
    if item.plate is not None:
        return item.plate.size_mm()
    return NO_PLATE_MM if item.decoy is None else decoy_size_mm(item.decoy)


@dataclass(frozen=True)
class _Standing:
    """An item with the boxes in pixels around its plate or sign, and around all of it."""

    item: ItemParams
    plate_box: Bbox
    extent_box: Bbox


@dataclass
class _Arrangement:
    """What stands in a scene that is being drawn, and the camera that sees it."""

    camera: Camera
    camera_height_mm: float
    standing: list[_Standing] = field(default_factory=list)
    yaw_deg: float | None = None
    foot_px: float | None = None

    def add(self, placed: _Standing, camera: Camera) -> None:
        """Put one more item into the scene; the first vehicle decides the camera."""
        self.standing.append(placed)
        item = placed.item
        if item.vehicle is None or item.pose is None:
            return
        if self.yaw_deg is None:
            self.camera, self.yaw_deg = camera, item.pose.yaw_deg
            drop = depth_below_mm(camera, item.pose)
            self.camera_height_mm = item.vehicle.plate_height_mm + drop
        depth, x = item.pose.depth_mm, item.pose.centre_px[0]
        foot = sight_row(camera, self.camera_height_mm, 0.0, depth, x)
        self.foot_px = foot if self.foot_px is None else min(foot, self.foot_px)

    def _covered(self, one: _Standing) -> float:
        """The share of the frame that a vehicle takes, by its upright box."""
        if one.item.vehicle is None:
            return 0.0
        return overlap((0, 0, self.camera.width, self.camera.height), one.extent_box)

    def plates(self) -> list[_Standing]:
        """The items that carry a plate."""
        return [one for one in self.standing if one.item.plate is not None]

    def view(self) -> View | None:
        """What a procedural background has to agree with; None where no vehicle stands."""
        if self.foot_px is None or abs(self.camera.roll_deg) >= STEEPEST_ROLL_DEG:
            return None
        camera = self.camera
        return View(
            horizon_y=horizon_row(camera) / camera.height,
            focal=camera.focal_px / camera.width,
            camera_m=self.camera_height_mm / 1000,
            foot_y=self.foot_px / camera.height,
            covered=max(self._covered(one) for one in self.standing),
        )


def _stand(item: ItemParams, pose: Pose) -> _Standing:
    plate_box = flat_box(pose, centred(_flat_size_mm(item)))
    if item.vehicle is None:
        return _Standing(item, plate_box, plate_box)
    left, top, right, bottom = vehicle_extent_mm(item.vehicle)
    return _Standing(item, plate_box, flat_box(pose, (left, top, right - left, bottom - top)))


def _fit(one: _Standing, other: _Standing) -> bool:
    """Whether no plate lies on another, and the nearer thing hides no most of a plate."""
    near, far = (
        (one, other) if one.item.depth_mm() < other.item.depth_mm() else (other, one)
    )  # fmt: skip
    both = one.item.plate is not None and other.item.plate is not None
    if both and overlap(grown(one.plate_box, 4), grown(other.plate_box, 4)) > 0:
        return False
    if near.item.vehicle is not None and far.item.vehicle is not None:
        across, ahead = _apart_mm(near.item, far.item)
        if across < ASIDE_MM and ahead < AHEAD_MM:
            return False
    return far.item.plate is None or overlap(far.plate_box, near.extent_box) <= 0.3


def _apart_mm(one: ItemParams, other: ItemParams) -> tuple[float, float]:
    """How far apart two posed items stand across and along the line of sight, millimetres."""
    if one.pose is None or other.pose is None:
        return math.inf, math.inf
    first, second = one.pose.translation(), other.pose.translation()
    return abs(float(first[0] - second[0])), abs(float(first[2] - second[2]))


def _within(value: float, bounds: Range) -> float:
    return min(max(value, bounds[0]), bounds[1])


def _count(counts: dict[str, int], key: str, more: int = 1) -> None:
    if more:
        counts[key] = counts.get(key, 0) + more
