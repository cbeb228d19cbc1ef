"""Scores of predictions on labelled files: plates located and read, digits heard.

Shares are of all labelled plates, or clips, in percent; a file without a row counts as one in
which nothing was found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from seedbed.trainers.quads import box_iou

LOCATED_IOU = 0.5
"""A plate is located where a prediction's box overlaps its own by so much."""

READING_IOU = 0.3
"""The surest prediction that overlaps by so much is the plate's reading."""

DIGIT_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

Row = Mapping[str, Any]
Scores = dict[str, float]


def plain(text: str) -> str:
    """Letters and digits alone, in capitals."""
    return "".join(letter for letter in text.upper() if letter.isalnum())


def fold(text: str) -> str:
    """`plain`, with O and Q as 0 and I as 1.

    Plates print these alike and labels of photographs confuse them.
    """
    return plain(text).replace("O", "0").replace("Q", "0").replace("I", "1")


def plate_counts(labels: Iterable[Row], predictions: Iterable[Row]) -> Counter[str]:
    """Labelled `plates`, and how many are `located`, `top1`, `top1_fold` and `read_fold`.

    Labels are rows `{"image", "plates": [{"box", "text"}]}` and predictions rows `{"image",
    "plates": [{"box", "text", "score"}]}`, matched by the file's own name. `top1` asks the
    picture's surest prediction for the label's text; `read_fold` asks the surest one that
    overlaps the label by `READING_IOU`, folded.
    """
    found_in = {PurePath(row["image"]).name: row["plates"] for row in predictions}
    counts: Counter[str] = Counter(plates=0, located=0, top1=0, top1_fold=0, read_fold=0)
    for row in labels:
        found = found_in.get(PurePath(row["image"]).name, [])
        surest = _surest(found)
        for plate in row["plates"]:
            reading = plate_reading(plate, found)
            best = max((box_iou(plate["box"], one["box"]) for one in found), default=0.0)
            counts["plates"] += 1
            counts["located"] += best >= LOCATED_IOU
            if surest is not None:
                counts["top1"] += plain(surest["text"]) == plain(plate["text"])
                counts["top1_fold"] += fold(surest["text"]) == fold(plate["text"])
            if reading is not None:
                counts["read_fold"] += fold(reading["text"]) == fold(plate["text"])
    return counts


def plate_reading(plate: Row, found: Sequence[Row]) -> Row | None:
    """The surest of the predictions `found` that overlaps a labelled plate by `READING_IOU`."""
    # The closest come first: of two that are equally sure, the closer one is asked.
    overlaps = sorted(
        ((box_iou(plate["box"], one["box"]), one) for one in found), key=lambda pair: -pair[0]
    )
    return _surest([one for overlap, one in overlaps if overlap >= READING_IOU])


def _surest(found: Sequence[Row]) -> Row | None:
    return max(found, key=lambda one: float(one.get("score", 0.0)), default=None)


def plate_scores(counts: Mapping[str, int]) -> Scores:
    """`plate_counts` as percentages of `plates`, which stays a number of plates."""
    return {
        name: count if name == "plates" else _percent(count, counts["plates"])
        for name, count in counts.items()
    }


def digit(label: str) -> str:
    """`"Seven"` or `"7"` as `"7"`; any other label as it is, in lower case."""
    label = label.strip().lower()
    return str(DIGIT_WORDS.index(label)) if label in DIGIT_WORDS else label


def digit_scores(labels: Sequence[Row], predictions: Iterable[Row]) -> Scores:
    """The percentage of clips that were heard right: `all`, and by speaker; and `clips`.

    Labels are rows `{"audio", "label", "speaker"}` and predictions rows `{"audio", "label"}`,
    matched by the file's own name; a digit may be a figure or an English word.
    """
    heard = {PurePath(row["audio"]).name: digit(row["label"]) for row in predictions}
    right: Counter[str] = Counter()
    count: Counter[str] = Counter()
    for row in labels:
        is_right = heard.get(PurePath(row["audio"]).name) == digit(str(row["label"]))
        for group in ("all", *([row["speaker"]] if row.get("speaker") else [])):
            count[group] += 1
            right[group] += is_right
    shares = {group: _percent(right[group], count[group]) for group in sorted(count)}
    return {"clips": count["all"], **shares}


def _percent(part: int, whole: int) -> float:
    return round(100 * part / max(whole, 1), 2)
