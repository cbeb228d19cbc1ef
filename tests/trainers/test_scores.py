"""Scores against rows whose answers a reader can count."""

from __future__ import annotations

from seedbed.trainers.scores import (
    digit,
    digit_scores,
    fold,
    plain,
    plate_counts,
    plate_scores,
)

BOX = [100, 100, 100, 50]


def predicted(text: str, score: float, shift: float = 0.0) -> dict[str, object]:
    return {"box": [100 + shift, 100, 100, 50], "text": text, "score": score}


def counted(*plates: dict[str, object], label: str = "AB012") -> dict[str, int]:
    labels = [{"image": "eu/a.jpg", "plates": [{"box": BOX, "text": label}]}]
    return dict(plate_counts(labels, [{"image": "a.jpg", "plates": list(plates)}]))


def test_texts_are_compared_without_separators_and_folded():
    assert plain("ab-0 1·Q") == "AB01Q"
    assert fold("oQ-i 1") == "0011"


def test_a_plate_is_located_at_half_and_read_at_three_tenths():
    # Boxes of 100 shifted by s share (100 - s) of (100 + s): 0.51 at 32, 0.33 at 50, 0.29 at 55.
    assert counted(predicted("AB012", 0.9, 32)) == {
        "plates": 1, "located": 1, "top1": 1, "top1_fold": 1, "read_fold": 1,
    }  # fmt: skip
    near = counted(predicted("AB012", 0.9, 50))
    assert (near["located"], near["read_fold"]) == (0, 1)
    far = counted(predicted("AB012", 0.9, 55))
    assert (far["located"], far["top1"], far["read_fold"]) == (0, 1, 0)


def test_folding_and_the_surest_prediction():
    folded = counted(predicted("AB0I2", 0.9))
    assert (folded["top1"], folded["top1_fold"], folded["read_fold"]) == (0, 1, 1)
    # The picture's surest is another plate: only the reading of the near one is right.
    other = counted(predicted("XYZ", 0.99, 500), predicted("AB012", 0.5))
    assert (other["top1"], other["top1_fold"], other["read_fold"], other["located"]) == (0, 0, 1, 1)
    # Of two that are equally sure the closer one is the reading.
    equal = counted(predicted("WRONG", 0.5, 40), predicted("AB012", 0.5, 10))
    assert equal["read_fold"] == 1


def test_pictures_without_a_row_count_as_empty():
    labels = [{"image": f"{name}.jpg", "plates": [{"box": BOX, "text": "AB012"}]} for name in "abc"]
    rows = [
        {"image": "x/a.jpg", "plates": [predicted("AB012", 0.9)]},
        {"image": "b.jpg", "plates": []},
    ]
    scores = plate_scores(plate_counts(labels, rows))
    assert scores == {
        "plates": 3, "located": 33.33, "top1": 33.33, "top1_fold": 33.33, "read_fold": 33.33,
    }  # fmt: skip


def test_digits_are_figures_or_words_and_counted_by_speaker():
    assert (digit(" Seven "), digit("7"), digit("other")) == ("7", "7", "other")
    labels = [
        {"audio": "wav/1.wav", "label": "1", "speaker": "ann"},
        {"audio": "wav/2.wav", "label": "2", "speaker": "ann"},
        {"audio": "wav/3.wav", "label": "3", "speaker": "bob"},
        {"audio": "wav/4.wav", "label": "4", "speaker": "bob"},
    ]
    rows = [
        {"audio": "1.wav", "label": "one"},
        {"audio": "2.wav", "label": "2"},
        {"audio": "3.wav", "label": "two"},
    ]
    assert digit_scores(labels, rows) == {"clips": 4, "all": 50.0, "ann": 100.0, "bob": 0.0}
