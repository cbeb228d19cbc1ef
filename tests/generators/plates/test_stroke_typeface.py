from __future__ import annotations

import numpy as np
import pytest

from seedbed.errors import InputError
from seedbed.generators.plates.stroke_typeface import (
    StrokeTypeface,
    parse_stroke,
    stroke_typefaces,
)

CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
DIGITS = "0123456789"


def preset(name: str) -> StrokeTypeface:
    return next(face for face in stroke_typefaces() if face.name == f"stroke:{name}")


def test_notation_is_points_with_radii() -> None:
    stroke = parse_stroke("0,0,o .5,1 z")
    assert stroke.closed
    assert [tuple(vertex) for vertex in stroke.vertices] == [(0.0, 0.0, "o"), (0.5, 1.0, "0")]


@pytest.mark.parametrize("text", ["", "z", "0", "0,0,0,0", "0,a", "0,0,q"])
def test_notation_that_is_no_point_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="point"):
        parse_stroke(text)


def test_every_preset_has_capitals_digits_and_umlauts() -> None:
    for face in stroke_typefaces():
        for char in CAPITALS + DIGITS + "ÄÖÜÅØ-· ":
            assert face.supports(char), (face.name, char)
        assert not face.supports("a")


@pytest.mark.parametrize("ratio", [0.12, 0.16, 0.2])
@pytest.mark.parametrize("name", ["din1451", "us-round"])
def test_stem_is_the_stroke_ratio_of_the_height(name: str, ratio: float) -> None:
    mask = preset(name).glyph("I" if name == "din1451" else "T", 60, 100, ratio)
    stem = mask[50].astype(float).sum() / 255
    assert stem == pytest.approx(100 * ratio, abs=0.6)


def test_characters_fill_their_height_and_stay_in_their_cell() -> None:
    for face in stroke_typefaces():
        for char in CAPITALS + DIGITS:
            mask = face.glyph(char, 30, 50, 0.14)
            assert mask.shape == (50, 30)
            assert mask[0].max() > 100, (face.name, char)
            assert mask[-1].max() > 100, (face.name, char)


def test_wide_letters_fill_the_cell_and_narrow_ones_are_centred() -> None:
    face = preset("din1451")
    h_columns = np.flatnonzero(face.glyph("H", 40, 60, 0.14).any(axis=0))
    assert (h_columns[0], h_columns[-1]) == (0, 39)
    i_columns = np.flatnonzero(face.glyph("I", 40, 60, 0.14).any(axis=0))
    assert i_columns[-1] - i_columns[0] + 1 == pytest.approx(0.14 * 60, abs=1.1)
    assert (i_columns[0] + i_columns[-1]) / 2 == pytest.approx(19.5, abs=1)


def test_squeezing_keeps_the_stroke() -> None:
    face = preset("din1451")
    for width in (30, 60):
        row = face.glyph("H", width, 100, 0.14)[25].astype(float).sum() / 255
        assert row == pytest.approx(2 * 14, abs=1.5)


def test_presets_differ_where_plates_do() -> None:
    # A plain bar against a 1 with flag and foot.
    bar = preset("brazil").glyph("1", 40, 60, 0.15)
    foot = preset("us").glyph("1", 40, 60, 0.15)
    assert np.count_nonzero(bar.any(axis=0)) < np.count_nonzero(foot.any(axis=0))
    # The DIN 4 is open above its short stem, the American one closed.
    assert preset("din1451").glyph("4", 60, 100, 0.12)[5, 45] == 0
    assert preset("us").glyph("4", 60, 100, 0.12)[5, 45] > 0


def test_butt_ends_are_square_and_round_ends_are_not() -> None:
    butt = preset("us").glyph("H", 60, 100, 0.14)
    round_ended = preset("us-round").glyph("H", 60, 100, 0.14)
    assert butt[0, 0] == 255
    assert round_ended[0, 0] < 60


def test_marked_capitals_have_their_letter_and_two_dots() -> None:
    mask = preset("din1451").glyph("Ü", 40, 80, 0.14)
    dots = mask[6] > 127
    assert np.count_nonzero(np.diff(dots.astype(int)) == 1) + int(dots[0]) == 2
    assert not mask[17].any()


def test_text_is_set_proportionally() -> None:
    face = preset("us")
    assert face.text("II", 20).shape[0] == 20
    assert face.text("II", 20).shape[1] < face.text("HH", 20).shape[1]
    assert face.text("", 20).shape[0] == 20


def test_spurs_tell_brazils_b_and_d_from_8_and_0():
    spurred, round_die = preset("brazil"), preset("brazil-round")
    for char in "BD":
        # At mid height the stem of a spurred letter stands in from where its bars begin.
        with_spur = spurred.glyph(char, 40, 60, 0.15)
        without = round_die.glyph(char, 40, 60, 0.15)
        ends = [int(np.argmax(with_spur[row] > 127)) for row in (4, 20)]
        assert ends[1] - ends[0] >= 3
        assert abs(int(np.argmax(without[4] > 127)) - int(np.argmax(without[20] > 127))) <= 2
