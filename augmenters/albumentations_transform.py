"""Any picture transform of albumentations, by its name, under our seeds."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from pydantic import Field, model_validator

from seedbed.augmenters.albumentations_bridge import apply_transform, library
from seedbed.augmenters.picture import Image
from seedbed.augmenters.picture_judging import JudgedAugmenter
from seedbed.errors import SeedbedError
from seedbed.registry import nearest
from seedbed.sample import Picture
from seedbed.streams import fork_seed


@dataclass(frozen=True)
class AlbumentationsTransformParams:
    """What was drawn for one picture."""

    seed: int


class AlbumentationsTransform(JudgedAugmenter[AlbumentationsTransformParams]):
    """Runs the albumentations class `transform` with `arguments`, for what has no augmenter here.

    Only transforms that leave every pixel in its place are taken (`ImageOnlyTransform`):
    those that move pixels have augmenters of their own, whose labels are exact. Its numbers
    come from a seed that is stored with the sample.
    """

    params_type: ClassVar[type[AlbumentationsTransformParams]] = AlbumentationsTransformParams
    disturbs: ClassVar[bool] = True

    transform: str = Field(min_length=1)
    arguments: Mapping[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _can_be_built(self) -> AlbumentationsTransform:
        self.build()
        return self

    def depends_on(self) -> tuple[str, ...]:
        """Whose arithmetic it is."""
        return ("albumentations",)

    def build(self) -> Any:
        """The albumentations object, always applied. Raises `ValueError` where it cannot be."""
        module = library()
        known = sorted(
            name
            for name, thing in vars(module).items()
            if isinstance(thing, type) and issubclass(thing, module.ImageOnlyTransform)
        )
        if self.transform not in known:
            if hasattr(module, self.transform):
                raise ValueError(
                    f"{self.transform} moves pixels, so labels would not follow: use seedbed's own "
                    f"augmenters for geometry"
                )
            raise ValueError(
                f"albumentations has no picture transform {self.transform!r}"
                f"{nearest(self.transform, known)}"
            )
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                return getattr(module, self.transform)(**{**self.arguments, "p": 1.0})
            except (TypeError, ValueError, UserWarning) as error:
                reason = " ".join(str(error).split())
                raise ValueError(f"{self.transform} refuses its arguments: {reason}") from error

    def draw(self, sample: Picture, rng: np.random.Generator) -> AlbumentationsTransformParams:
        """Draw the seed of the transform's own numbers."""
        return AlbumentationsTransformParams(fork_seed(rng))

    def paint(self, image: Image, params: AlbumentationsTransformParams) -> Image:
        """The transformed picture. Raises `SeedbedError` where its shape changed."""
        result = apply_transform(self.build(), image, params.seed)
        if result.shape != image.shape:
            raise SeedbedError(
                f"albumentations-transform: {self.transform} turned a picture of shape "
                f"{image.shape} into {result.shape}."
            )
        return result
