from dataclasses import replace

import numpy as np
import pytest

from seedbed.component import dump_params, load_params
from seedbed.errors import InputError
from seedbed.generators.plates import face as face_module
from seedbed.generators.plates.face import (
    FaceParams,
    StickerDraw,
    _specimen,
    default_weights,
    draw_face,
    layout_sheet,
    plate_size_mm,
    quantised_scale,
    render_face,
    rounded_rectangle,
    sticker_box,
)
from seedbed.generators.plates.glyphs import default_typefaces
from seedbed.generators.plates.layout import layout_ids, load_layout
from seedbed.streams import stream


def drawn(layout: str, seed: int = 0) -> FaceParams:
    return draw_face([layout], None, stream(seed), None)


@pytest.mark.parametrize("layout_id", [*layout_ids(), "random"])
@pytest.mark.parametrize("px_per_mm", [0.06, 0.5])
def test_every_layout_renders_within_its_outline(layout_id: str, px_per_mm: float):
    params = drawn(layout_id, 1)
    face = render_face(params, px_per_mm, default_typefaces())
    width_mm, height_mm = plate_size_mm(params)
    height, width = face.alpha.shape
    assert face.rgb.shape == (height, width, 3)
    assert face.relief.shape == face.ink.shape == (height, width)
    assert px_per_mm <= face.px_per_mm <= px_per_mm * 1.1201
    assert width == round(width_mm * face.px_per_mm)
    assert height == round(height_mm * face.px_per_mm)
    assert face.text_plain == "".join(character.text for character in face.characters)
    for character in face.characters:
        assert (character.quad_mm >= -1e-6).all()
        assert (character.quad_mm <= np.array([width_mm, height_mm]) + 1e-6).all()


def test_parameters_round_trip_and_render_the_same_bytes():
    params = draw_face(["random", "br-old", "de"], None, stream(2), None)
    again = load_params(FaceParams, dump_params(params))
    assert again == params
    first = render_face(params, 0.4, default_typefaces())
    second = render_face(again, 0.4, default_typefaces())
    assert np.array_equal(first.rgb, second.rgb)
    assert np.array_equal(first.relief, second.relief)


def test_a_face_does_not_depend_on_what_was_rendered_before(monkeypatch: pytest.MonkeyPatch):
    params = drawn("us-mo", 3)
    warm = render_face(params, 0.3, default_typefaces())
    monkeypatch.setattr(face_module, "_CACHE", face_module._ByteCache(0))
    for px_per_mm in (1.5, 0.3):
        cold = render_face(params, px_per_mm, default_typefaces())
    assert np.array_equal(warm.rgb, cold.rgb)


def test_what_a_caller_paints_on_a_face_stays_off_the_next_one():
    params = drawn("sk-2006")
    first = render_face(params, 0.8, default_typefaces())
    before = first.rgb.copy()
    first.rgb[:], first.alpha[:], first.relief[:] = 0, 0, 0
    second = render_face(params, 0.8, default_typefaces())
    assert np.array_equal(second.rgb, before)
    assert second.alpha.max() == 255


@pytest.mark.parametrize("px_per_mm", [0.1, 0.45, 1.0, 2.5])
def test_ink_lies_in_the_cells_it_is_labelled_with(px_per_mm: float):
    params = replace(drawn("br-mercosul", 4), typeface="stroke:din1451")
    face = render_face(params, px_per_mm, default_typefaces())
    scale = np.array(face.ink.shape[::-1]) / np.array(plate_size_mm(params))
    left_over = face.ink.astype(int).copy()
    for character in face.characters:
        low = np.floor(character.quad_mm[0] * scale + 1e-6).astype(int)
        high = np.ceil(character.quad_mm[2] * scale - 1e-6).astype(int)
        cell = left_over[low[1] : high[1], low[0] : high[0]]
        assert cell.max() > 100
        # The character fills the height of its cell: ink at its first and last full row.
        assert cell[1:-1].max(axis=1)[[0, -1]].min() > 60
        cell[:] = 0
    assert left_over.max() == 0


def test_characters_come_in_reading_order_with_their_lines():
    face = render_face(drawn("in-two-line"), 0.5, default_typefaces())
    assert face.line_count == 2
    assert [c.line for c in face.characters] == sorted(c.line for c in face.characters)
    for line in (0, 1):
        lefts = [c.quad_mm[0, 0] for c in face.characters if c.line == line]
        assert lefts == sorted(lefts)
    assert face.text.replace(" ", "") == face.text_plain


def test_cells_have_the_layouts_measures():
    params = replace(drawn("sk-1997"), width_scale=1.0, gap_scale=1.0, offset_mm=(0.0, 0.0))
    face = render_face(params, 3.0, default_typefaces())
    layout = load_layout("sk-1997")
    for character in face.characters:
        size = character.quad_mm[2] - character.quad_mm[0]
        assert size[1] == pytest.approx(76, abs=0.4)
        assert size[0] == pytest.approx(layout.cell_width_mm(character.text, 0), abs=0.4)
        assert character.quad_mm[0, 1] == pytest.approx(17, abs=0.4)


def test_embossing_is_high_on_characters_and_rim_and_low_on_the_ground():
    params = replace(drawn("sk-2006"), typeface="stroke:din1451")
    face = render_face(params, 2.0, default_typefaces())
    assert face.relief[face.ink == 255].mean() > 200
    assert face.relief[220 // 2, round(3.25 * 2)] > 200
    assert face.relief[(100 * 2), 260 * 2] == 0
    flat = render_face(drawn("gb-front"), 2.0, default_typefaces())
    assert not flat.relief.any()


def test_the_outline_has_round_corners():
    face = render_face(drawn("us-ca"), 1.0, default_typefaces())
    assert face.alpha[0, 0] == 0
    assert face.alpha[0, face.alpha.shape[1] // 2] == 255
    assert face.alpha[-1, face.alpha.shape[1] // 2] == 255
    # Each corner of a 12 mm radius lacks (1 - pi/4) * 144 = 30.9 square millimetres.
    width_mm, height_mm = plate_size_mm(drawn("us-ca"))
    share = face.alpha.mean() / 255
    assert share == pytest.approx(1 - 4 * 30.9 / (width_mm * height_mm), abs=0.002)


def test_the_ink_has_its_colour_and_the_ground_its_own():
    params = replace(
        drawn("br-mercosul", 4),
        typeface="stroke:mandatory",
        ink=(200, 10, 20),
        ink_wear=0.0,
        rubbed=0.0,
        gains=(1.0, 1.0, 1.0),
    )
    face = render_face(params, 2.0, default_typefaces())
    assert np.abs(face.rgb[face.ink == 255].astype(int) - (200, 10, 20)).max() <= 1
    ground = [int(params.ground[i : i + 2], 16) for i in (1, 3, 5)]
    assert np.abs(face.rgb[2 * 120, 2 * 200].astype(int) - ground).max() <= 2


def test_the_european_band_is_blue():
    params = replace(drawn("eu-generic"), gains=(1.0, 1.0, 1.0))
    face = render_face(params, 1.0, default_typefaces())
    height, width = face.alpha.shape
    red, green, blue = face.rgb[round(60 / 110 * height), round(8 / 520 * width)]
    assert (red, green, blue) == pytest.approx((0x00, 0x33, 0x99), abs=2)


def test_typefaces_restrict_the_layouts_own():
    names = {draw_face(["de"], None, stream(i), ["stroke:fe", "x"]).typeface for i in range(20)}
    assert names == {"stroke:fe"}
    names = {draw_face(["de"], None, stream(i), ["file:mine"]).typeface for i in range(20)}
    assert names == {"file:mine"}


def test_weights_choose_the_layouts():
    rng = stream(0)
    picked = [draw_face(["cz", "pl"], [0.0, 1.0], rng, None).layout for _ in range(20)]
    assert set(picked) == {"pl"}
    weights = default_weights(["cz", "pl", "random"])
    assert weights[2] / sum(weights) == pytest.approx(0.15)
    assert default_weights(["random"]) == (1.0,)


def test_scales_climb_a_ladder():
    assert quantised_scale(0.01) == 0.05
    assert quantised_scale(9.0) == 3.0
    assert quantised_scale(0.05) == 0.05
    assert quantised_scale(0.051) == pytest.approx(0.056)


def test_a_lacking_character_names_font_and_character():
    params = drawn("cz", 5)
    registration = replace(params.registration, tokens=(("\u4eac",),))
    with pytest.raises(InputError, match="stroke:fe has no character"):
        render_face(
            replace(params, typeface="stroke:fe", registration=registration),
            0.5,
            default_typefaces(),
        )


def test_marks_of_another_file_are_refused():
    with pytest.raises(InputError, match="fewer marks"):
        render_face(replace(drawn("us-mo"), marks=()), 0.5, default_typefaces())


def test_kept_pieces_stay_within_their_bound():
    kept = face_module._ByteCache(100)
    for key in range(10):
        assert kept.get(key, lambda key=key: (key, 30)) == key
    assert len(kept._kept) == 3
    assert kept.get(9, lambda: (-1, 30)) == 9


def test_a_rounded_rectangle_runs_clockwise_within_its_box():
    points = rounded_rectangle((10, 20, 30, 40), 5)
    assert points.min(axis=0) == pytest.approx([10, 20])
    assert points.max(axis=0) == pytest.approx([40, 60])
    x, y = points.T
    assert (x * np.roll(y, -1) - y * np.roll(x, -1)).sum() > 0


def test_the_sheet_shows_every_layout():
    sheet = layout_sheet(px_per_mm=0.2, columns=6)
    rows = -(-(len(layout_ids()) + 3) // 6)
    assert sheet.dtype == np.uint8
    assert sheet.shape[0] > rows * 22
    assert sheet.shape[1] >= 6 * 104


def test_the_sheet_shows_no_text_that_an_owner_chose():
    for index, name in enumerate(layout_ids()):
        layout = load_layout(name)
        vanity = set(layout.words["word"][0]) if layout.vanity and "word" in layout.words else set()
        assert not any(_specimen(name, seed, index).registration.plain in vanity for seed in (0, 1))


def ink_in_the_middle_of_a_dash(ink_wear: float, rubbed: float) -> tuple[list[int], list[int]]:
    """The colours at the centre and just inside the edge of the square dot of br-old."""
    params = replace(
        drawn("br-old", 1),
        typeface="stroke:brazil",
        stroke_scale=1.0,
        ground="#c8c8c8",
        ink=(40, 40, 40),
        ink_wear=ink_wear,
        rubbed=rubbed,
        gains=(1.0, 1.0, 1.0),
        gap_scale=1.0,
        offset_mm=(0.0, 0.0),
    )
    face = render_face(params, 3.0, default_typefaces())
    scale = face.rgb.shape[1] / 400
    # Three letters stand left of the dot: it begins half a separator after the third.
    right = face.characters[2].quad_mm[1, 0]
    x, y = (right + 16) * scale, (48 + 63 / 2) * scale
    edge = x - (9.5 / 2 - 0.9) * scale
    return face.rgb[round(y), round(x)].tolist(), face.rgb[round(y), round(edge)].tolist()


def test_worn_ink_pales_towards_the_ground_and_rubbed_strokes_keep_their_edges():
    assert ink_in_the_middle_of_a_dash(0.0, 0.0) == ([40] * 3, [40] * 3)
    # Half the way from 40 to 200 is 120; half of what is left of that is 160.
    assert ink_in_the_middle_of_a_dash(0.5, 0.0) == ([120] * 3, [120] * 3)
    assert ink_in_the_middle_of_a_dash(0.5, 0.5) == ([160] * 3, [120] * 3)


def test_wear_of_the_ink_comes_at_the_layouts_rates():
    count = 400
    plates = [draw_face(["br-old"], None, stream(8, i), None) for i in range(count)]
    paled = [p.ink_wear for p in plates if p.ink_wear]
    rubbed = [p.rubbed for p in plates if p.rubbed]
    # 35 and 15 in a hundred, within three standard deviations.
    assert abs(len(paled) - 140) < 29 and abs(len(rubbed) - 60) < 22
    assert min(paled) >= 0.1 and max(paled) <= 0.5
    assert min(rubbed) >= 0.25 and max(rubbed) <= 0.8
    assert {round(p.stroke_scale, 2) for p in plates} == {0.8, 0.9, 1.0, 1.1, 1.2}


def test_some_states_print_some_of_their_plates_flat():
    plates = [drawn("us-generic", i) for i in range(300)]
    flat = [plate for plate in plates if not plate.embossed]
    # 35 in 100, within three standard deviations.
    assert abs(len(flat) - 105) < 25
    assert not any(plate.rubbed for plate in flat)
    assert not render_face(flat[0], 0.5, default_typefaces()).relief.any()
    raised = next(plate for plate in plates if plate.embossed)
    assert render_face(raised, 0.5, default_typefaces()).relief.max() == 255


def test_cells_differ_by_their_spreads_and_stay_on_their_line():
    plates = [drawn("us-generic", i) for i in range(100)]
    assert {round(plate.height_scale, 2) for plate in plates} == {0.9, 0.95, 1.0, 1.05, 1.1}
    assert {round(plate.width_scale, 2) for plate in plates} == {0.86, 0.93, 1.0, 1.07, 1.14}
    tall = replace(plates[0], height_scale=1.1, offset_mm=(0.0, 0.0))
    face = render_face(tall, 3.0, default_typefaces())
    top, foot = face.characters[0].quad_mm[0, 1], face.characters[0].quad_mm[3, 1]
    # 68 mm high cells from 43 mm grow by 3.4 mm up and down.
    assert (top, foot) == (pytest.approx(39.6, abs=0.4), pytest.approx(114.4, abs=0.4))


def test_flat_plates_have_no_raised_strokes_to_rub():
    assert not any(drawn("gb-rear", i).rubbed for i in range(100))


def test_stray_stickers_keep_off_the_characters_and_on_the_plate():
    sticker = StickerDraw(True, False, True, (8.0, 40.0), 3.0, 0.5, False, "#c0363c", None)
    # The text ends at 480 of 520 mm: the sticker begins 3 mm on and stands amid its height.
    box = sticker_box(sticker, (520.0, 110.0), (60.0, 17.0, 480.0, 93.0))
    assert box == pytest.approx((483.0, 35.0, 8.0, 40.0))
    # 17 mm above the characters less 2 at the edge.
    near_corner = replace(sticker, beside=False, at_left=True, along=0.0, size_mm=(20.0, 24.0))
    box = sticker_box(near_corner, (520.0, 110.0), (60.0, 17.0, 480.0, 93.0))
    assert box == pytest.approx((2.0, 2.0, 20.0, 15.0))
    assert sticker_box(sticker, (520.0, 110.0), (8.0, 17.0, 515.0, 93.0)) is None


def test_stray_stickers_are_rare_and_show_their_colour():
    many = [draw_face(["cz", "br-old", "us-ca"], None, stream(8, i), None) for i in range(1500)]
    stuck = [params for params in many if params.sticker is not None]
    assert len(stuck) / len(many) == pytest.approx(0.035, abs=0.015)
    plain = replace(many[0], sticker=None, gains=(1.0, 1.0, 1.0))
    sticker = StickerDraw(False, True, False, (20.0, 12.0), 3.0, 0.2, False, "#c0363c", None)
    before = render_face(plain, 1.0, default_typefaces()).rgb
    after = render_face(replace(plain, sticker=sticker), 1.0, default_typefaces()).rgb
    changed = np.abs(after.astype(int) - before).max(axis=2) > 20
    assert 40 < changed.sum() < 400
    assert (after[changed].mean(axis=0)[0] - after[changed].mean(axis=0)[1]) > 60
