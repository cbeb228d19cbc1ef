from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from seedbed.errors import InputError
from seedbed.generators.plates.glyphs import (
    MaskCache,
    TypefaceSet,
    default_typefaces,
    render_text,
)


def test_names_cover_both_sources() -> None:
    names = default_typefaces().names()
    for name in ("din1451", "din1451-narrow", "fe", "mandatory", "brazil", "us", "us-narrow"):
        assert f"stroke:{name}" in names
    assert "font:fjalla-one" in names
    assert list(names) == sorted(names)


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'stroke:din1451'"):
        default_typefaces().get("stroke:din1541")
    with pytest.raises(InputError, match="choose from font:"):
        default_typefaces().get("%%%%")


def test_check_names_font_and_character() -> None:
    typefaces = default_typefaces()
    typefaces.check(["stroke:us", "font:overpass:600"], "ABC-123")
    with pytest.raises(InputError, match=r"font stroke:us has no character 'ß'"):
        typefaces.check(["font:overpass:600", "stroke:us"], "Aß")


def test_drawing_a_missing_character_is_refused() -> None:
    with pytest.raises(InputError, match="'q'"):
        default_typefaces().get("stroke:us").glyph("q", 10, 20, 0.1)
    with pytest.raises(InputError, match="'字'"):
        render_text("A字", 12, "font:overpass")


def test_empty_cells_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1x1"):
        default_typefaces().get("stroke:us").glyph("A", 0, 20, 0.1)


def test_glyphs_are_kept_and_read_only() -> None:
    face = default_typefaces().get("stroke:fe")
    mask = face.glyph("R", 21, 43, 0.15)
    assert mask is face.glyph("R", 21, 43, 0.15)
    assert mask is not face.glyph("R", 21, 43, 0.16)
    with pytest.raises(ValueError, match="read-only"):
        mask[0, 0] = 1


def test_text_has_the_height_asked_for() -> None:
    mask = render_text("Show-Me State", 17, "font:yellowtail")
    assert mask.shape[0] == 17
    assert mask.shape[1] > 3 * 17


def test_the_cache_is_bounded_by_bytes() -> None:
    cache = MaskCache(max_bytes=5000)
    for key in range(20):
        cache.get(key, lambda: np.zeros((10, 100), np.uint8))
        assert cache.size_bytes <= 5000
    made: list[int] = []

    def make() -> np.ndarray:
        made.append(1)
        return np.zeros((10, 100), np.uint8)

    cache.get(19, make)
    assert made == []
    cache.get(0, make)
    assert made == [1]
    # One too large for the whole cache is drawn and not kept.
    assert cache.get("big", lambda: np.zeros((100, 100), np.uint8)).shape == (100, 100)
    assert cache.size_bytes <= 5000


def test_what_was_used_last_stays_longest() -> None:
    cache = MaskCache(max_bytes=3 * 1400)
    for key in "abc":
        cache.get(key, lambda: np.zeros((10, 100), np.uint8))
    assert cache.kept("a") is not None
    cache.get("d", lambda: np.zeros((10, 100), np.uint8))
    assert cache.kept("a") is not None
    assert cache.kept("b") is None


def test_with_folder_leaves_the_first_set_alone(tmp_path: Path) -> None:
    source = default_typefaces().get("font:share-tech")._typeface
    (tmp_path / "Own.ttf").write_bytes(Path(source.files[0].path).read_bytes())
    joined = default_typefaces().with_folder(tmp_path)
    assert isinstance(joined, TypefaceSet)
    assert joined.get("file:Own").glyph("A", 20, 30, 0.15).any()
    assert "file:Own" not in default_typefaces().names()
