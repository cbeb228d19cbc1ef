"""How well a trained network does: metrics with intervals, slices, and the worst cases.

Intervals are percentile bootstraps (Efron 1979): outcomes are drawn again with replacement,
so that they hold for items like these, not for another seed of the training.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np

from seedbed.errors import InputError
from seedbed.sample import Picture
from seedbed.shards import write_whole
from seedbed.streams import stream
from seedbed.trainers.draw import Image, contact_sheet, draw_plates
from seedbed.trainers.feature_maps import SeenItem, seen_items
from seedbed.trainers.fit import all_outcomes
from seedbed.trainers.measures import letter_edits
from seedbed.trainers.predict import PlateReader
from seedbed.trainers.quads import box_iou, side_lengths
from seedbed.trainers.runs import Trained
from seedbed.trainers.scores import LOCATED_IOU, READING_IOU, fold
from seedbed.trainers.sharpness import plate_sharpness
from seedbed.trainers.sources import Source, check_kind, held_items
from seedbed.trainers.task import Outcome

ROUNDS = 400
"""Bootstrap samples: the ends of a 95% interval are then good to about a tenth of its width."""

WHOLE_SET_ROUNDS = 100
"""The same for metrics of a whole set, which are slower: their ends are good to about a fifth."""

LEAST_SLICE = 5
"""Items below which a slice is left out of the table."""

UNLABELLED = "?"
"""The group of the items that do not say which they are of."""

WORST = 24

SEEN = 2
"""Items whose feature maps are kept."""

O = TypeVar("O")  # noqa: E741 - an outcome, or several of one item

Metrics = Callable[[Sequence[Outcome]], dict[str, float]]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation found.

    `intervals` are 95% intervals of the metrics; `slices` hold the
    metrics of each group with its size: `slices["layout"]["de"] == {"items": 12, ...}`.
    `confusion` counts items by their own class (rows) and the one given to them (columns), in the
    order of `classes`; both are empty for tasks without classes. `seen` are a few items with the
    feature maps that the network makes of them.

    A slice's groups have `LEAST_SLICE` items or more; one in which all items are alike, or only
    those without a label are so many, is left out.
    """

    task: str
    items: int
    metrics: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    slices: Mapping[str, Mapping[str, Mapping[str, float]]]
    worst: Sequence[Outcome] = field(default=(), repr=False)
    seen: Sequence[SeenItem] = field(default=(), repr=False)
    classes: tuple[str, ...] = ()
    confusion: Sequence[Sequence[int]] = ()

    def classes_met(self) -> list[int]:
        """The numbers of the classes that some item has or was given: the others' rows and
        columns of `confusion` are empty.
        """
        table = np.array(self.confusion).reshape(len(self.classes), len(self.classes))
        return [int(n) for n in np.flatnonzero(table.sum(axis=0) + table.sum(axis=1))]

    def values(self) -> dict[str, Any]:
        """JSON-ready, without the pictures of the worst cases."""
        values = {
            "task": self.task,
            "items": self.items,
            "metrics": dict(self.metrics),
            "intervals_95": {name: list(ends) for name, ends in self.intervals.items()},
            "slices": {key: dict(groups) for key, groups in self.slices.items()},
            "worst": [
                {"name": one.name, "error": one.error, "caption": one.caption} for one in self.worst
            ],
        }
        if self.classes:
            values["classes"] = list(self.classes)
            values["confusion"] = [list(row) for row in self.confusion]
        return values


def bootstrap(
    outcomes: Sequence[O],
    metrics: Callable[[Sequence[O]], dict[str, float]],
    seed: int,
    rounds: int = ROUNDS,
) -> dict[str, tuple[float, float]]:
    """The 2.5th and 97.5th percentile of each metric over resampled outcomes."""
    rng = stream(seed, "bootstrap")
    drawn: dict[str, list[float]] = defaultdict(list)
    for _ in range(rounds):
        picked = rng.integers(len(outcomes), size=len(outcomes))
        for name, value in metrics([outcomes[i] for i in picked.tolist()]).items():
            drawn[name].append(value)
    return {
        name: (float(np.percentile(values, 2.5)), float(np.percentile(values, 97.5)))
        for name, values in drawn.items()
    }


def summarise(
    task: str,
    outcomes: Sequence[Outcome],
    metrics: Metrics,
    whole_set: Mapping[str, float],
    seed: int = 0,
) -> Evaluation:
    """Metrics, intervals, slices and worst cases of outcomes. Raises `InputError` for none."""
    if not outcomes:
        raise InputError("there is nothing to evaluate: no item has the labels that are needed.")
    groups: dict[str, dict[str, list[Outcome]]] = defaultdict(lambda: defaultdict(list))
    for outcome in outcomes:
        for key, group in outcome.slices.items():
            groups[key][group].append(outcome)
    told = {
        key: {
            group: members
            for group, members in sorted(inner.items())
            if len(members) >= LEAST_SLICE
        }
        for key, inner in groups.items()
    }
    slices = {
        key: {
            group: {"items": len(members), **metrics(members)} for group, members in inner.items()
        }
        for key, inner in told.items()
        # A group of all items says what the whole does, and one of those without a label little.
        if len(groups[key]) > 1 and set(inner) - {UNLABELLED}
    }
    worst = sorted(outcomes, key=lambda one: -one.error)[:WORST]
    return Evaluation(
        task,
        len(outcomes),
        {**metrics(outcomes), **whole_set},
        bootstrap(outcomes, metrics, seed),
        slices,
        worst,
    )


def evaluate(
    trained: Trained,
    source: Source,
    where: str,
    limit: int | None = None,
    on_progress: Progress | None = None,
) -> Evaluation:
    """Evaluate one network on the samples of a source, at most `limit` of them.

    Raises `InputError` where they lack the labels that the task needs.
    """
    task = trained.task
    items = list(held_items(task, source, where, limit=limit))
    if not items:
        raise InputError(f"the task {task.name!r} needs {task.needs}, and {where} has none.")
    outcomes = all_outcomes(task, trained.network, items, on_progress)
    found = summarise(task.name, outcomes, task.metrics, task.whole_set_metrics(outcomes))
    slower = bootstrap(outcomes, task.whole_set_metrics, seed=0, rounds=WHOLE_SET_ROUNDS)
    return replace(
        found,
        intervals={**found.intervals, **slower},
        classes=task.classes,
        confusion=task.confusion(outcomes).tolist(),
        seen=seen_items(trained, items[:SEEN]),
    )


def evaluate_plates(
    reader: PlateReader,
    source: Source,
    where: str,
    limit: int | None = None,
    on_progress: Progress | None = None,
) -> Evaluation:
    """Evaluate locating and reading together, picture by picture.

    A plate is located where a prediction's box overlaps its own with an IoU of 0.5; it is
    read where the surest prediction with an IoU of 0.3 or more has its text, folded.
    """
    check_kind(reader.locate_task, source, where)
    count = min(len(source) or (limit or 0), limit or 2**62)
    outcomes = []
    for index in range(count):
        sample = source.sample(index)
        if isinstance(sample, Picture):
            outcomes.append(_plates_outcome(reader, sample, source.name(index)))
        if on_progress is not None:
            on_progress(index + 1, count)
    return summarise("plates", outcomes, plates_metrics, {})


def _plates_outcome(reader: PlateReader, sample: Picture, name: str) -> Outcome:
    found = reader(sample.image)
    boxes = [(_box(plate.quad), plate) for plate in found]
    values: Counter[str] = Counter(pictures=1)
    captions, slices = [], {}
    legible = [one for one in sample.objects if one.category == "plate" and one.legible]
    for labelled in legible:
        overlaps = [(box_iou(labelled.bbox, box), plate) for box, plate in boxes]
        located = any(overlap >= LOCATED_IOU for overlap, _ in overlaps)
        near = [plate for overlap, plate in overlaps if overlap >= READING_IOU]
        text = labelled.text_plain or labelled.text
        reading = max(near, key=lambda one: one.score).text if near else ""
        values["plates"] += 1
        values["located"] += located
        values["read"] += fold(reading) == fold(text)
        values["edits"] += letter_edits(fold(reading), fold(text))
        values["letters"] += len(fold(text))
        captions.append(f"{text}: {reading or ('unread' if located else 'not found')}")
        slices = {
            "region": labelled.region or UNLABELLED,
            "layout": labelled.layout or UNLABELLED,
            "width": _width_name(side_lengths(labelled.quad)[0]),
            "sharpness": plate_sharpness(sample.image, labelled.quad),
        }
    return Outcome(
        name=name,
        error=float(values["edits"] + 10 * (values["plates"] - values["located"])),
        values=dict(values),
        slices=slices,
        caption=f"{name} {'; '.join(captions)}",
        picture=_focus(
            draw_plates(
                sample.image,
                [(plate.quad, plate.text) for plate in found],
                [one.quad for one in legible],
            ),
            [one.bbox for one in legible],
        ),
    )


def plates_metrics(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """`located` and `read`, shares of the labelled plates, and `cer`, edits per letter."""
    sums: Counter[str] = Counter()
    for outcome in outcomes:
        sums.update(outcome.values)
    plates, letters = max(sums["plates"], 1), max(sums["letters"], 1)
    return {
        "located": sums["located"] / plates,
        "read": sums["read"] / plates,
        "cer": sums["edits"] / letters,
    }


def worst_sheet(evaluation: Evaluation) -> Image | None:
    """The worst cases with their captions on one sheet, or None where they have no pictures."""
    shown = [one for one in evaluation.worst if one.picture is not None]
    if not shown:
        return None
    pictures = [one.picture for one in shown if one.picture is not None]
    wide = np.median([picture.shape[1] / picture.shape[0] for picture in pictures])
    cell = (320, 96) if wide > 2.2 else (320, 240)
    return contact_sheet(pictures, [one.caption for one in shown], 4, cell)


def write_picture(image: Image, path: Path) -> None:
    """Write an RGB picture, as PNG or JPEG by its name's end. Raises `InputError`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    done, coded = cv2.imencode(path.suffix or ".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    if not done:
        raise InputError(f"cannot write {path}: its name must end in .png or .jpg.")
    write_whole(path, coded.tobytes())


def _focus(image: Image, boxes: Sequence[tuple[float, float, float, float]]) -> Image:
    """The part of a picture around its plates, so that a sheet shows them large enough."""
    if not boxes:
        return image
    corners = np.array([[x, y, x + w, y + h] for x, y, w, h in boxes])
    reach = max(2.0 * float((corners[:, 2] - corners[:, 0]).max()), 80.0)
    left, top = np.maximum(corners[:, :2].min(axis=0) - reach, 0).astype(int)
    right, bottom = (corners[:, 2:].max(axis=0) + reach).astype(int)
    return image[top:bottom, left:right]


def _box(quad: Any) -> tuple[float, float, float, float]:
    (left, top), (right, bottom) = quad.min(axis=0), quad.max(axis=0)
    return (float(left), float(top), float(right - left), float(bottom - top))


def _width_name(width_px: float) -> str:
    for edge in (24, 48, 96, 192):
        if width_px < edge:
            return f"under {edge} px"
    return "192 px and more"
