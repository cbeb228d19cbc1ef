"""What an augmenter does to labels besides moving them: hiding, smearing, fading, dropping.

A person must still be able to read what is labelled as legible. Four measures say whether
one can, each kept up to date by every augmenter that touches it: how tall the characters
are, how far their detail is smeared, how much contrast is left, and how much noise there is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from seedbed.augmenters.picture import Mask
from seedbed.geometry import (
    Homography,
    Points,
    bounding_box,
    clip_to_frame,
    polygon_area,
)
from seedbed.labels import warp_object
from seedbed.sample import Character, LabelledObject, Picture

Reason = Literal["small", "hidden", "contrast", "blurred", "noisy"]

MIN_CHARACTER_HEIGHT_PX = 6.0
"""Below it nobody reads a character: the plate generator's own limit."""
MAX_SMEAR = 0.13
"""A Gaussian blur's sigma over the character's height that still lets a person read. A
stroke is about 0.14 of the height; set by eye on sheets of plates under rising blur."""
MIN_CONTRAST = 0.06
"""Between ink and ground, 0 to 1: the plate generator's own limit."""
NOISE_SHARE = 0.082
"""The contrast a reader needs for each grey level of noise, over the height in pixels. A detail
is seen where its contrast is 5 times the noise left in its mean (Rose, J. Opt. Soc. Am. 38,
1948), here over 0.056 of the squared height: a stroke wide and half a character long."""
MAX_HIDDEN = 0.25
"""The share of a character that may be covered while it can be read."""


def counted(sample: Picture, key: str, times: int = 1) -> Picture:
    """`sample` with `times` more events under `key` in its counts."""
    if times == 0:
        return sample
    return replace(sample, counts={**sample.counts, key: sample.counts.get(key, 0) + times})


def _measured(labelled: LabelledObject, **measures: float) -> LabelledObject:
    attributes: Mapping[str, Any] = {
        **labelled.attributes,
        **{name: round(value, 4) for name, value in measures.items()},
    }
    return replace(labelled, attributes=attributes)


def _least_height(labelled: LabelledObject) -> float:
    """The least of the characters' heights, in pixels."""
    return float(_heights(labelled).min())


def _heights(labelled: LabelledObject) -> NDArray[np.float64]:
    """The mean length in pixels of the two upright sides of every cell, shape (n,)."""
    quads = np.array([one.quad for one in labelled.characters])
    sides = quads[:, [3, 2]] - quads[:, [0, 1]]
    return np.asarray(np.hypot(sides[:, :, 0], sides[:, :, 1]).mean(axis=1))


def _unreadable(labelled: LabelledObject, ask: frozenset[Reason]) -> str:
    """The first of the reasons asked for why nobody could read it any more, or nothing."""
    height = _least_height(labelled) if ask & {"small", "blurred", "noisy"} else 0.0
    if "small" in ask and height < MIN_CHARACTER_HEIGHT_PX:
        return "small"
    if "hidden" in ask and min(one.visible for one in labelled.characters) < 1 - MAX_HIDDEN:
        return "hidden"
    if "contrast" in ask and labelled.attributes.get("contrast", 1.0) < MIN_CONTRAST:
        return "contrast"
    if "blurred" in ask and labelled.attributes.get("blur_px", 0.0) > MAX_SMEAR * height:
        return "blurred"
    noise = labelled.attributes.get("noise_levels", 0.0)
    if "noisy" in ask and labelled.attributes.get("contrast", 1.0) * height < NOISE_SHARE * noise:
        return "noisy"
    return ""


def _with_objects(
    sample: Picture, changed: Iterable[tuple[LabelledObject, frozenset[Reason]]]
) -> Picture:
    """`sample` with these objects, each judged by what happened to it and counted.

    An object that was illegible before stays so, with its reason; one without characters
    is never judged.
    """
    objects = []
    counts = dict(sample.counts)
    for labelled, ask in changed:
        reason = _unreadable(labelled, ask) if labelled.legible and labelled.characters else ""
        if reason:
            labelled = replace(labelled, legible=False, illegible_reason=reason)
            counts[f"illegible:{reason}"] = counts.get(f"illegible:{reason}", 0) + 1
        objects.append(labelled)
    return replace(sample, objects=tuple(objects), counts=counts)


def smeared(sample: Picture, sigma_px: float) -> Picture:
    """`sample` after a blur as wide as a Gaussian of `sigma_px`, its labels judged.

    Blurs add up as the root of the sum of squares, in the attribute `blur_px` of every
    object that has characters.
    """
    return _with_objects(
        sample,
        (
            (
                _measured(one, blur_px=float(np.hypot(one.attributes.get("blur_px", 0), sigma_px)))
                if one.characters and sigma_px > 0
                else one,
                frozenset[Reason](["blurred"] if sigma_px > 0 else []),
            )
            for one in sample.objects
        ),
    )


def faded(sample: Picture, gain: float | Sequence[float]) -> Picture:
    """`sample` after differences in brightness were multiplied by `gain`, its labels judged.

    `gain` is one number, or one for each object. It acts on the attribute `contrast`, where an
    object has it, and on `noise_levels`.
    """

    def dimmed(labelled: LabelledObject, gain: float) -> LabelledObject:
        measures = {}
        if "contrast" in labelled.attributes:
            measures["contrast"] = min(1.0, labelled.attributes["contrast"] * gain)
        if "noise_levels" in labelled.attributes:
            measures["noise_levels"] = labelled.attributes["noise_levels"] * gain
        return _measured(labelled, **measures) if measures else labelled

    return _with_objects(
        sample,
        (
            (dimmed(one, factor), frozenset[Reason](["contrast"] if factor < 1 else []))
            for one, factor in zip(sample.objects, _of_each(sample, gain), strict=True)
        ),
    )


def noised(sample: Picture, sigma_levels: float | Sequence[float]) -> Picture:
    """`sample` after noise of `sigma_levels` grey levels was added, its labels judged.

    `sigma_levels` is one number, or one for each object. Noise adds up as the root of the sum
    of squares, in the attribute `noise_levels` of every object that has characters.
    """

    def noisier(labelled: LabelledObject, sigma: float) -> LabelledObject:
        before = labelled.attributes.get("noise_levels", 0.0)
        return _measured(labelled, noise_levels=float(np.hypot(before, sigma)))

    return _with_objects(
        sample,
        (
            (noisier(one, sigma), frozenset[Reason](["noisy"]))
            if one.characters and sigma > 0
            else (one, frozenset[Reason]())
            for one, sigma in zip(sample.objects, _of_each(sample, sigma_levels), strict=True)
        ),
    )


def _of_each(sample: Picture, value: float | Sequence[float]) -> Sequence[float]:
    """`value` for each object, where it is one number for all."""
    return [value] * len(sample.objects) if isinstance(value, int | float) else value


def covered_share(mask: Mask, polygon: Points) -> float:
    """The share, 0 to 1, of a polygon's part inside the frame where `mask` is 128 or more.

    Small polygons are rasterised at up to eight pixels to one, so that a character 6 pixels
    wide is measured to about a hundredth.
    """
    height, width = mask.shape
    left, top = (max(0, int(v)) for v in np.floor(polygon.min(axis=0)))
    right, bottom = np.ceil(polygon.max(axis=0)).astype(int)
    right, bottom = min(width, int(right)), min(height, int(bottom))
    if right <= left or bottom <= top:
        return 0.0
    inside = mask[top:bottom, left:right]
    if not (inside >= 128).any():
        return 0.0
    scale = int(np.clip(64 // max(1, min(right - left, bottom - top)), 1, 8))
    if scale > 1:
        size = ((right - left) * scale, (bottom - top) * scale)
        inside = np.asarray(cv2.resize(inside, size, interpolation=cv2.INTER_LINEAR), np.uint8)
    shape = np.zeros(inside.shape, dtype=np.uint8)
    local = np.clip((polygon - [left, top]) * scale, -(2**14), 2**14)
    cv2.fillPoly(shape, [np.round(local * 16 - 8).astype(np.int32)], 1, shift=4)
    total = cv2.countNonZero(shape)
    if total == 0:
        return 0.0
    return cv2.countNonZero(shape * (inside >= 128).astype(np.uint8)) / total


def hidden(sample: Picture, mask: Mask, min_visible: float = 0.1) -> Picture:
    """`sample` after something was painted where `mask` is 128 or more, its labels judged.

    The hidden share of every object and character grows by what the mask covers of its part
    in the frame; what was hidden before is taken to lie evenly. An object of which less than
    `min_visible` is left in sight is dropped, counted as `dropped:hidden`.
    """
    kept: list[tuple[LabelledObject, frozenset[Reason]]] = []
    for labelled in sample.objects:
        share = covered_share(mask, labelled.polygon)
        seen = (1 - labelled.occlusion) * (1 - share)
        if share == 0:
            kept.append((labelled, frozenset()))
        elif seen >= min_visible:
            characters = tuple(
                replace(one, visible=round(one.visible * (1 - covered_share(mask, one.quad)), 4))
                for one in labelled.characters
            )
            covered = replace(labelled, occlusion=round(1 - seen, 4), characters=characters)
            kept.append((covered, frozenset(["hidden"])))
    dropped = len(sample.objects) - len(kept)
    return counted(_with_objects(sample, kept), "dropped:hidden", dropped)


def moved(
    sample: Picture, matrix: Homography, width: int, height: int, min_visible: float
) -> Picture:
    """The labels of `sample` in a frame of that size, after `matrix`, judged; pixels stay.

    `matrix` maps continuous pixels to continuous pixels. An object of which less than
    `min_visible` is left in sight is dropped, counted as `dropped:out_of_frame`, and so is
    one that `matrix` would carry over its horizon.
    """

    def warped(labelled: LabelledObject) -> LabelledObject | None:
        corners = np.concatenate(
            [labelled.quad, labelled.polygon, *(one.quad for one in labelled.characters)]
        )
        if (corners @ matrix[2, :2] + matrix[2, 2] <= 1e-6).any():
            return None
        return warp_object(labelled, matrix, width, height, min_visible)

    return _each_moved(sample, warped)


def moved_by(
    sample: Picture,
    through: Callable[[Points], Points | None],
    width: int,
    height: int,
    min_visible: float,
) -> Picture:
    """As `moved`, by any map of points of shape (n, 2); None from it drops the object."""

    def bent(labelled: LabelledObject) -> LabelledObject | None:
        shapes = [labelled.quad, labelled.polygon, *(one.quad for one in labelled.characters)]
        mapped = through(np.concatenate(shapes))
        if mapped is None:
            return None
        quad, polygon, *cells = np.split(mapped, np.cumsum([len(one) for one in shapes])[:-1])
        inside = clip_to_frame(polygon, width, height)
        before = polygon_area(polygon)
        seen = (1 - labelled.occlusion) * (polygon_area(inside) / before if before > 0 else 0.0)
        if len(inside) < 3 or seen < min_visible:
            return None
        characters = tuple(
            _moved_character(one, cell, width, height)
            for one, cell in zip(labelled.characters, cells, strict=True)
        )
        return replace(
            labelled,
            bbox=bounding_box(inside),
            quad=quad,
            polygon=inside,
            occlusion=round(1 - seen, 4),
            characters=characters,
        )

    return _each_moved(sample, bent)


def _each_moved(
    sample: Picture, move: Callable[[LabelledObject], LabelledObject | None]
) -> Picture:
    kept: list[tuple[LabelledObject, frozenset[Reason]]] = []
    for before in sample.objects:
        after = move(before)
        if after is not None:
            kept.append((_rescaled_blur(before, after), _what_moving_did(before, after)))
    dropped = len(sample.objects) - len(kept)
    return counted(_with_objects(sample, kept), "dropped:out_of_frame", dropped)


def _moved_character(character: Character, quad: Points, width: int, height: int) -> Character:
    inside = clip_to_frame(quad, width, height)
    area = polygon_area(quad)
    share = polygon_area(inside) / area if area > 0 else 0.0
    return replace(
        character,
        quad=quad,
        bbox=bounding_box(inside),
        visible=round(character.visible * share, 4),
    )


def _rescaled_blur(before: LabelledObject, after: LabelledObject) -> LabelledObject:
    if "blur_px" not in before.attributes:
        return after
    growth = np.sqrt(polygon_area(after.quad) / max(polygon_area(before.quad), 1e-9))
    return _measured(after, blur_px=float(before.attributes["blur_px"] * growth))


def _what_moving_did(before: LabelledObject, after: LabelledObject) -> frozenset[Reason]:
    if not before.characters:
        return frozenset()
    ask: set[Reason] = set()
    if (_heights(after) < _heights(before) - 1e-6).any():
        ask.add("small")
    if any(
        new.visible < old.visible
        for old, new in zip(before.characters, after.characters, strict=True)
    ):
        ask.add("hidden")
    return frozenset(ask)
