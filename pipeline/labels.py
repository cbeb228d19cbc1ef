"""Carries labels through a homography: what every geometric change of a picture does to them."""

from __future__ import annotations

from dataclasses import replace

from seedbed.geometry import (
    Homography,
    Points,
    apply_homography,
    bounding_box,
    clip_to_frame,
    polygon_area,
)
from seedbed.sample import Character, LabelledObject


def _share_inside(points: Points, width: float, height: float) -> float:
    """The share of a convex polygon's area inside a frame, 0 to 1."""
    area = polygon_area(points)
    return polygon_area(clip_to_frame(points, width, height)) / area if area > 0 else 0.0


def warp_character(
    character: Character, matrix: Homography, width: float, height: float
) -> Character:
    """`character` after its picture went through `matrix` into a frame of that size."""
    quad = apply_homography(matrix, character.quad)
    return replace(
        character,
        quad=quad,
        bbox=bounding_box(clip_to_frame(quad, width, height)),
        visible=round(character.visible * _share_inside(quad, width, height), 4),
    )


def warp_object(
    labelled: LabelledObject,
    matrix: Homography,
    width: float,
    height: float,
    min_visible: float = 0.1,
) -> LabelledObject | None:
    """`labelled` after its picture went through `matrix` into a frame of width x height pixels.

    `matrix` maps continuous pixels to continuous pixels and must keep the object before its
    horizon. Visibility falls by what the new frame cuts off; returns None where less than
    `min_visible` of the object is left in sight. The outline stays convex, as a plate's is.
    """
    polygon = clip_to_frame(apply_homography(matrix, labelled.polygon), width, height)
    before = polygon_area(apply_homography(matrix, labelled.polygon))
    kept = polygon_area(polygon) / before if before > 0 else 0.0
    seen = (1 - labelled.occlusion) * kept
    if len(polygon) < 3 or seen < min_visible:
        return None
    return replace(
        labelled,
        bbox=bounding_box(polygon),
        quad=apply_homography(matrix, labelled.quad),
        polygon=polygon,
        occlusion=round(1 - seen, 4),
        characters=tuple(warp_character(one, matrix, width, height) for one in labelled.characters),
    )
