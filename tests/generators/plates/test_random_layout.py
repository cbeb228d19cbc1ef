import pytest

from seedbed.generators.plates.glyphs import default_typefaces
from seedbed.generators.plates.random_layout import COLOURS, FONTS, random_layout


def test_a_seed_draws_the_same_layout_again():
    assert random_layout(5) == random_layout(5)
    assert random_layout(5) != random_layout(6)


def test_layouts_differ_in_size_colour_grammar_and_font():
    layouts = [random_layout(seed) for seed in range(200)]
    assert len({layout.size_mm for layout in layouts}) > 150
    assert len({layout.variants[0].ground for layout in layouts}) >= 10
    assert len({next(iter(layout.patterns)) for layout in layouts}) > 80
    assert {next(iter(layout.fonts)) for layout in layouts} == set(FONTS)
    assert {len(layout.lines) for layout in layouts} == {1, 2}
    assert {layout.region for layout in layouts} == {"xx"}


@pytest.mark.parametrize("name", FONTS)
def test_its_fonts_exist_and_have_every_character(name: str):
    typeface = default_typefaces().get(name)
    assert all(typeface.supports(c) for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")


def level(colour: str) -> int:
    """The green channel, which greys and near greys share."""
    return int(colour[3:5], 16)


def test_a_fifth_of_them_are_two_close_greys_dark_or_light():
    variants = [random_layout(seed).variants[0] for seed in range(300)]
    listed = {ground for (ground, _), _ in COLOURS}
    close = [v for v in variants if v.ground[0] not in listed]
    # 60 of 300, within three standard deviations.
    assert abs(len(close) - 60) < 21
    steps = [level(v.ground[0]) - level(v.ink[0]) for v in close]
    assert all(25 < abs(step) < 160 for step in steps)
    assert min(steps) < 0 < max(steps)
    assert any(level(v.ground[0]) < 100 and level(v.ink[0]) < 100 for v in close)


def test_cells_gaps_and_strokes_cover_narrow_and_wide_ones():
    cells = [random_layout(seed).characters for seed in range(300)]
    widths = [c.letter_width_mm / c.height_mm for c in cells]
    gaps = [c.gap_mm / c.letter_width_mm for c in cells]
    strokes = [c.stroke_mm / c.height_mm for c in cells]
    assert min(widths) < 0.36 and max(widths) > 0.75
    assert min(gaps) < 0.1 and max(gaps) > 0.45
    assert min(strokes) < 0.1 and max(strokes) > 0.19


def test_letters_and_digits_stand_at_every_place():
    patterns = [next(iter(random_layout(seed).patterns)) for seed in range(300)]
    plain = ["".join(c for c in p if c in "A9") for p in patterns if "|" not in p]
    for place in range(7):
        here = [text[place] for text in plain if len(text) > place]
        assert 0.3 < here.count("A") / len(here) < 0.7
