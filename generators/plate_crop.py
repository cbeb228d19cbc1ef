"""Single plates cut out of scenes, for networks that read: rectified, or loosely boxed.

A reader sees what a locator hands it, so a crop is cut from a whole rendered scene: its
surroundings, its blur and the errors of its corners are those of a real crop.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import cv2
import numpy as np
from pydantic import Field, field_validator

from seedbed.component import Generator
from seedbed.errors import Rejected
from seedbed.generators.plate_scene import PlateScene, SceneParams
from seedbed.geometry import Homography, Points, apply_homography, pixel_centred, rectangle
from seedbed.labels import warp_object
from seedbed.sample import LabelledObject, Picture
from seedbed.streams import chance, uniform

MIN_KEPT = 0.75
"""A crop that would lose more than a quarter of its plate is drawn again."""

SCENE: Mapping[str, Any] = {
    "width": 448,
    "height": 256,
    "plate_counts": (0.0, 1.0),
    "plate_width_px": (24.0, 320.0),
    "bystander_rate": 0.0,
    "decoy_rate": 0.0,
    "cut_rate": 0.0,
}
"""Where the scene of a crop differs from `plate-scene` unless the recipe says otherwise."""


@dataclass(frozen=True)
class CropParams:
    """A scene and how its plate is cut out.

    `corner_shifts` moves each corner of the cut, in shares of the plate's width and height;
    `margins` grows the cut (left, top, right, bottom), in the same shares.
    """

    scene: SceneParams
    cut: Literal["rectified", "loose"]
    corner_shifts: tuple[tuple[float, float], ...]
    margins: tuple[float, float, float, float]


class PlateCrop(Generator[CropParams, Picture]):
    """Crops of single plates at a fixed size, rectified by their quad or loosely boxed."""

    params_type: ClassVar[type[CropParams]] = CropParams
    sample_type: ClassVar[type[Picture]] = Picture

    width: int = Field(default=256, ge=16, le=4096, description="The crop's width, pixels.")
    height: int = Field(default=64, ge=16, le=4096, description="The crop's height, pixels.")
    rectified_rate: float = Field(
        default=0.7,
        ge=0,
        le=1,
        description="The share of crops that are straightened by the quad, not cut by its box.",
    )
    corner_error: float = Field(
        default=0.04,
        ge=0,
        le=0.3,
        description=(
            "Standard deviation of each corner's error in straightened crops, as a share of the "
            "plate's width and height."
        ),
    )
    margin: tuple[float, float] = Field(
        default=(0.0, 0.12),
        description="Room left on each side, as shares of the plate's width and height.",
    )
    scene: PlateScene = Field(
        default=PlateScene(**SCENE),
        description=(
            "The scene that is cut, with the keys of plate-scene; what is not given stays as "
            "crops have it."
        ),
    )

    @field_validator("scene", mode="before")
    @classmethod
    def _over_the_crops_own(cls, scene: object) -> object:
        """Settings that are given replace the crop's one by one; a whole scene replaces all."""
        return {**SCENE, **scene} if isinstance(scene, Mapping) else scene

    @field_validator("margin")
    @classmethod
    def _possible(cls, margin: tuple[float, float]) -> tuple[float, float]:
        if not 0 <= margin[0] <= margin[1] <= 2:
            raise ValueError("must run from low to high and lie between 0 and 2")
        return margin

    @field_validator("scene")
    @classmethod
    def _with_a_plate(cls, scene: PlateScene) -> PlateScene:
        if not any(scene.plate_counts[1:]):
            raise ValueError("plate_counts must give some weight to scenes with a plate")
        return scene

    def picture_size(self) -> tuple[int, int]:
        """The crop's (height, width)."""
        return self.height, self.width

    def file_digests(self) -> dict[str, str]:
        """What the scene's are."""
        return self.scene.file_digests()

    def depends_on(self) -> tuple[str, ...]:
        """What the scene depends on."""
        return self.scene.depends_on()

    def prepare(self) -> None:
        """Check what the scene needs. Raises `InputError`."""
        self.scene.check_fonts("generator.scene.fonts")
        self.scene.prepare()

    def draw(self, rng: np.random.Generator) -> CropParams:
        """Draw a scene with a plate, and the errors of the cut."""
        scene = self.scene.draw(rng)
        if not any(item.plate for item in scene.items):
            raise Rejected("no_plate")
        shifts = np.clip(rng.normal(0, 1, size=(4, 2)), -2, 2) * self.corner_error
        low, high = self.margin
        left, top, right, bottom = (uniform(rng, (low, high)) for _ in range(4))
        return CropParams(
            scene=scene,
            cut="rectified" if chance(rng, self.rectified_rate) else "loose",
            corner_shifts=tuple((float(x), float(y)) for x, y in shifts),
            margins=(left, top, right, bottom),
        )

    def render(self, params: CropParams) -> Picture:
        """Render the scene and cut its nearest plate out of it."""
        whole = self.scene.render(params.scene)
        if not whole.objects:
            raise Rejected("plate_hidden")
        plate = whole.objects[-1]
        matrix = self._matrix(params, plate)
        image = cv2.warpPerspective(
            whole.image,
            pixel_centred(matrix),
            (self.width, self.height),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        labelled = warp_object(plate, matrix, self.width, self.height, MIN_KEPT)
        if labelled is None:
            raise Rejected("plate_cut_off")
        # The scene's counts as they are: a crop tells what it was cut from.
        return Picture(
            image=np.asarray(image, dtype=np.uint8), objects=(labelled,), counts=whole.counts
        )

    def _matrix(self, params: CropParams, plate: LabelledObject) -> Homography:
        """From the scene's pixels to the crop's."""
        corners = self._cut_corners(params, plate).astype(np.float32)
        frame = rectangle(0, 0, self.width, self.height).astype(np.float32)
        return np.asarray(cv2.getPerspectiveTransform(corners, frame), dtype=np.float64)

    def _cut_corners(self, params: CropParams, plate: LabelledObject) -> Points:
        """The cut's corners in the scene, clockwise from what becomes the crop's top left."""
        corners = plate.quad if params.cut == "rectified" else rectangle(*plate.bbox)
        unit = rectangle(0, 0, 1, 1)
        to_scene = cv2.getPerspectiveTransform(unit.astype(np.float32), corners.astype(np.float32))
        left, top, right, bottom = params.margins
        cut = rectangle(-left, -top, 1 + left + right, 1 + top + bottom)
        if params.cut == "rectified":
            cut = cut + np.array(params.corner_shifts)
        return apply_homography(np.asarray(to_scene, dtype=np.float64), cut)
