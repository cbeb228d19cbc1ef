from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.t2CharStringPen import T2CharStringPen
from fontTools.ttLib import TTFont

from seedbed.errors import InputError
from seedbed.generators.plates.fonts import (
    FAMILIES,
    FontTypeface,
    _family_files,
    _stem_ratio,
    folder_typefaces,
    installed_typefaces,
)

FACES = {face.name: face for face in installed_typefaces()}


def stem_px(face: FontTypeface, ratio: float) -> float:
    return float(face.glyph("I", 60, 100, ratio)[50].astype(float).sum() / 255)


def test_every_family_comes_whole_and_by_weight() -> None:
    assert {f"font:{family}" for family in FAMILIES} <= set(FACES)
    assert "font:barlow-condensed:600" in FACES
    assert "font:overpass:700" in FACES


@pytest.mark.parametrize("family", ["barlow-condensed", "overpass"])
def test_heavier_weights_have_wider_stems(family: str) -> None:
    light = stem_px(FACES[f"font:{family}:300"], 0.15)
    heavy = stem_px(FACES[f"font:{family}:800"], 0.15)
    assert heavy > 1.5 * light


@pytest.mark.parametrize("family", ["barlow-condensed", "roboto-condensed"])
def test_a_family_picks_the_weight_nearest_to_the_stroke(family: str) -> None:
    face = FACES[f"font:{family}"]
    assert stem_px(face, 0.22) > 1.3 * stem_px(face, 0.1)


def test_letters_fill_the_height_and_stay_in_the_cell() -> None:
    for name, face in FACES.items():
        for char in "AHQ7ÖW":
            mask = face.glyph(char, 24, 40, 0.15)
            assert mask.shape == (40, 24), name
            assert mask[0].max() > 25, (name, char)
            assert mask[-1].max() > 25, (name, char)


def test_narrow_letters_are_centred() -> None:
    columns = np.flatnonzero((FACES["font:overpass"].glyph("I", 40, 60, 0.15) > 60).any(axis=0))
    assert (columns[0] + columns[-1]) / 2 == pytest.approx(19.5, abs=1)
    assert columns[-1] - columns[0] < 14


def test_a_hyphen_keeps_its_place() -> None:
    rows = np.flatnonzero(FACES["font:overpass"].glyph("-", 30, 60, 0.15).any(axis=1))
    assert 20 < rows[0] <= rows[-1] < 45


def test_a_missing_character_is_known_to_be_missing() -> None:
    face = FACES["font:fjalla-one"]
    assert face.supports("A")
    assert face.supports(" ")
    assert not face.supports("字")


def test_text_spans_capital_height_or_descenders() -> None:
    face = FACES["font:roboto-slab"]
    assert face.text("TEXAS", 20).shape[0] == 20
    # A line of low letters still leaves room up to the capitals' height.
    low = face.text("xx", 40)
    assert not low[:8].any()
    assert low[-2:].any()


def test_a_folder_of_fonts_is_read(tmp_path: Path) -> None:
    shutil.copy(FACES["font:share-tech"].files[0].path, tmp_path / "Mine.ttf")
    (face,) = folder_typefaces(tmp_path)
    assert face.name == "file:Mine"
    assert face.glyph("B", 20, 30, 0.15).max() == 255


def write_otf(source: Path, path: Path, chars: str) -> None:
    """`chars` of a TrueType font again, as an OpenType font with cubic (CFF) outlines."""
    font = TTFont(source)
    names = {ord(char): font.getBestCmap()[ord(char)] for char in chars}
    order = [".notdef", *names.values()]
    widths = {name: font["hmtx"][name] for name in order}
    outlines = {}
    for name in order:
        pen = T2CharStringPen(widths[name][0], font.getGlyphSet())
        font.getGlyphSet()[name].draw(pen)
        outlines[name] = pen.getCharString()
    made = FontBuilder(font["head"].unitsPerEm, isTTF=False)
    made.setupGlyphOrder(order)
    made.setupCharacterMap(names)
    made.setupCFF(path.stem, {}, outlines, {})
    made.setupHorizontalMetrics(widths)
    made.setupHorizontalHeader(ascent=font["hhea"].ascent, descent=font["hhea"].descent)
    made.setupNameTable({"familyName": path.stem, "styleName": "Regular"})
    made.setupOS2()
    made.setupPost()
    made.save(path)


def test_otf_and_woff2_files_are_drawn_like_the_ttf_they_came_from(tmp_path: Path) -> None:
    source = Path(FACES["font:share-tech"].files[0].path)
    shutil.copy(source, tmp_path / "a.ttf")
    write_otf(source, tmp_path / "b.otf", "AB8HNOD0")
    packed = TTFont(source)
    packed.flavor = "woff2"
    packed.save(tmp_path / "c.woff2")
    ttf, otf, woff2 = folder_typefaces(tmp_path)
    assert [face.name for face in (ttf, otf, woff2)] == ["file:a", "file:b", "file:c"]
    for char in "AB8":
        drawn = ttf.glyph(char, 30, 60, 0.15).astype(int)
        assert drawn.max() == 255
        assert np.array_equal(woff2.glyph(char, 30, 60, 0.15), drawn)
        # The outlines are the same; an edge may lie a fraction of a pixel off, as CFF is hinted
        # otherwise. Letters that are alike, such as 8 and B, differ by 20 and more.
        assert np.abs(otf.glyph(char, 30, 60, 0.15) - drawn).mean() < 3
    assert woff2.supports("Q")
    assert not otf.supports("Q")


def test_bad_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        folder_typefaces(tmp_path / "none")
    with pytest.raises(InputError, match="holds no font"):
        folder_typefaces(tmp_path)
    (tmp_path / "broken.ttf").write_bytes(b"not a font")
    with pytest.raises(InputError, match=r"broken\.ttf"):
        folder_typefaces(tmp_path)


def test_stems_grow_with_the_weight() -> None:
    ratios = [_stem_ratio(file) for file in _family_files("barlow-condensed")]
    assert ratios == sorted(ratios)
    assert 0.05 < ratios[0] < 0.1
    assert 0.15 < ratios[-1] < 0.3
