"""What every picture augmenter shares: its base classes, and pictures without the rest of seedbed.

A picture augmenter draws first and paints afterwards. What it draws is a small dataclass
that is stored with the sample; textures come from a seed in it. `augment_image` takes a
bare array and plain boxes, for use in anyone's own training loop.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, ClassVar, NamedTuple, TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import AfterValidator

from seedbed.component import Augmenter
from seedbed.errors import InputError
from seedbed.geometry import rectangle
from seedbed.sample import LabelledObject, Picture

P = TypeVar("P")

Image: TypeAlias = NDArray[np.uint8]
"""RGB of shape (height, width, 3)."""
Mask: TypeAlias = NDArray[np.uint8]
"""Shape (height, width), 0 to 255."""
Range: TypeAlias = tuple[float, float]
"""The lowest and the highest value a draw may take."""
Colour: TypeAlias = tuple[int, int, int]
"""RGB, 0 to 255 each."""

MAX_FIELD_PX = 4096.0
"""The largest length in pixels that a field may ask for."""


def within(low: float, high: float) -> AfterValidator:
    """A check for `Annotated[Range, within(low, high)]`: in order, and inside [low, high]."""

    def check(bounds: Range) -> Range:
        if not low <= bounds[0] <= bounds[1] <= high:
            raise ValueError(f"must run from low to high within {low:g} to {high:g}")
        return bounds

    return AfterValidator(check)


AngleRange = Annotated[Range, within(-360, 360)]
"""Degrees, clockwise as seen."""


class AugmentedImage(NamedTuple):
    """What `augment_image` returns.

    `image` is uint8 RGB; `boxes` float64 of shape (n, 4), each x, y, width, height in pixels;
    `kept` int64 of shape (n,): where each of them stood among the boxes that were given.
    """

    image: Image
    boxes: NDArray[np.float64]
    kept: NDArray[np.int64]


def check_image(image: Any) -> Image:
    """`image` where it is uint8 RGB of shape (height, width, 3) and not empty.

    Raises `InputError` otherwise.
    """
    if not isinstance(image, np.ndarray) or image.ndim != 3 or image.shape[2] != 3:
        shape = getattr(image, "shape", type(image).__name__)
        raise InputError(f"a picture must have the shape (height, width, 3), got {shape}.")
    if image.dtype != np.uint8:
        raise InputError(
            f"a picture must be uint8 from 0 to 255, got {image.dtype}: convert it first."
        )
    if image.size == 0:
        raise InputError(f"a picture must not be empty, got the shape {image.shape}.")
    return image


def boxed_picture(image: Image, boxes: ArrayLike | None = None) -> Picture:
    """A `Picture` whose objects are plain boxes, each x, y, width, height in pixels.

    Raises `InputError` for a picture or a box that cannot be used, naming the box.
    """
    height, width = check_image(image).shape[:2]
    rows = np.asarray([] if boxes is None else boxes, dtype=np.float64)
    if rows.size == 0:
        rows = rows.reshape(0, 4)
    if rows.ndim != 2 or rows.shape[1] != 4:
        raise InputError(f"boxes must have the shape (n, 4), got {rows.shape}.")
    objects = []
    for position, (x, y, box_width, box_height) in enumerate(rows.tolist()):
        box = [round(v, 2) for v in (x, y, box_width, box_height)]
        if not np.isfinite(rows[position]).all():
            raise InputError(f"box {position} must be finite, got {box}.")
        if box_width <= 0 or box_height <= 0:
            raise InputError(f"box {position} must have a positive width and height, got {box}.")
        if x < 0 or y < 0 or x + box_width > width or y + box_height > height:
            raise InputError(
                f"box {position} must lie inside the picture of {width}x{height} pixels, got "
                f"{box} (x, y, width, height): clip it first."
            )
        corners = rectangle(x, y, box_width, box_height)
        objects.append(
            LabelledObject(
                category="",
                bbox=(x, y, box_width, box_height),
                quad=corners,
                polygon=corners,
                attributes={"position": position},
            )
        )
    return Picture(image=image, objects=tuple(objects))


class PictureAugmenter(Augmenter[P, Picture]):
    """An augmenter of pictures: `(picture, rng) -> picture`, and on bare arrays too."""

    sample_type: ClassVar[type[Picture]] = Picture

    def augment_image(
        self, image: Image, rng: np.random.Generator, boxes: ArrayLike | None = None
    ) -> AugmentedImage:
        """Draw and apply to uint8 RGB of shape (height, width, 3) and boxes of shape (n, 4).

        Boxes are x, y, width, height in pixels. Raises `InputError` for a picture or a box
        that cannot be used.
        """
        augmented = self(boxed_picture(image, boxes), rng)
        return AugmentedImage(
            augmented.image,
            np.array([one.bbox for one in augmented.objects], dtype=np.float64).reshape(-1, 4),
            np.array([one.attributes["position"] for one in augmented.objects], dtype=np.int64),
        )


class PixelAugmenter(PictureAugmenter[P]):
    """Changes pixels where they are: no label moves."""

    keeps_size: ClassVar[bool] = True

    @abstractmethod
    def paint(self, image: Image, params: P) -> Image:
        """The changed picture, of the same shape; `image` itself stays as it was."""

    def apply(self, sample: Picture, params: P) -> Picture:
        """The sample with its picture repainted."""
        return replace(sample, image=self.paint(sample.image, params))


def compose(augmenters: Sequence[Augmenter[Any, Any]]) -> Any:
    """One callable `(sample, rng) -> sample` that runs `augmenters` one after the other."""

    def run(sample: Picture, rng: np.random.Generator) -> Picture:
        for augmenter in augmenters:
            sample = augmenter(sample, rng)
        return sample

    return run
