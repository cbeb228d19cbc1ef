"""Augmenters on the fly: the same ones that recipes name, on the pictures a network sees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from seedbed import registry
from seedbed.component import Augmenter
from seedbed.errors import InputError
from seedbed.sample import Picture
from seedbed.trainers.task import sentences


class AugmenterSpec(BaseModel):
    """An augmenter's name and, as extra keys, its fields, as in a recipe."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str


def make_augmenters(specs: Sequence[AugmenterSpec]) -> list[Augmenter[Any, Any]]:
    """The augmenters that `specs` name. Raises `InputError` for wrong names and fields."""
    made = []
    for position, spec in enumerate(specs):
        cls = registry.resolve("augmenters", spec.name)
        try:
            made.append(cls.model_validate(spec.__pydantic_extra__ or {}))
        except ValidationError as error:
            raise InputError(f"augmenters.{position} ({spec.name}): {sentences(error)}") from error
    return made


def augment(
    image: NDArray[np.uint8],
    augmenters: Sequence[Augmenter[Any, Any]],
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """`image`, uint8 RGB of shape (height, width, 3), after each augmenter in turn."""
    picture = Picture(image=image)
    for augmenter in augmenters:
        picture = augmenter(picture, rng)
    return picture.image


def augment_film(
    frames: NDArray[np.uint8],
    augmenters: Sequence[Augmenter[Any, Any]],
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """`frames`, uint8 RGB of shape (time, height, width, 3), each changed in the same way.

    What is drawn is drawn once: a camera's light and noise do not jump between frames.
    """
    start = rng.bit_generator.state
    changed = []
    for frame in frames:
        rng.bit_generator.state = start
        changed.append(augment(frame, augmenters, rng))
    return np.stack(changed)
