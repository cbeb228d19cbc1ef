import pytest

from seedbed.generators.plates.glyphs import default_typefaces
from seedbed.generators.plates.random_layout import FONTS, random_layout


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
