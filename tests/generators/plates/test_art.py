import pytest

from seedbed.generators.plates.art import art_variant
from seedbed.generators.plates.layout import load_layout

SIZE_MM = (304.8, 152.4)


def luma(colour: str) -> float:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return 0.299 * red + 0.587 * green + 0.114 * blue


def test_a_number_draws_the_same_design_again_and_another_number_another():
    designs = [art_variant(number, SIZE_MM, "{state}", "{name}") for number in range(30)]
    assert designs[7] == art_variant(7, SIZE_MM, "{state}", "{name}")
    assert len({str(design["marks"]) for design in designs}) == 30


@pytest.mark.parametrize("number", range(60))
def test_characters_stand_out_from_the_ground_and_the_silhouettes(number: int):
    design = art_variant(number, SIZE_MM, "{state}", "{name}")
    inks = [luma(ink) for ink in design["ink"]]
    for ink in inks:
        assert abs(luma(design["ground"]) - ink) > 60
    # Light characters stand on dark pictures and dark ones on light pictures.
    assert max(inks) < 75 or min(inks) > 180
    assert design["marks"][0]["kind"] == "gradient"
    assert design["marks"][-1]["kind"] == "text"


def test_the_designs_join_the_layouts_own_variants():
    layout = load_layout("us-generic")
    assert layout.art is not None
    drawn = [variant for variant in layout.variants if variant.name.startswith("art-")]
    assert len(drawn) == layout.art.designs
    assert sum(variant.weight for variant in drawn) == pytest.approx(layout.art.weight)
    assert len(layout.variants) > layout.art.designs
