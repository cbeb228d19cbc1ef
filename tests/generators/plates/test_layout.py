import itertools
import time
from pathlib import Path

import pytest

from seedbed.errors import InputError
from seedbed.generators.plates.glyphs import default_typefaces
from seedbed.generators.plates.layout import (
    REGIONS,
    allowed_share,
    layout_ids,
    load_layout,
    parse_pattern,
    resolve_layouts,
)

REQUIRED = """
sk-1997 sk-2004 sk-2006 sk-2023 cz de de-two-line pl at gb-front gb-rear gb-rear-two-line fr es
it nl no eu-generic br-old br-mercosul us-mo us-ca us-tx us-la us-fl us-ny us-wa us-generic
us-oh us-mi us-pa us-ga us-nc us-sc us-va us-nj us-ma us-co us-or us-nv us-ut us-ks us-ok us-ar
us-tn us-ky us-al us-ms us-wi us-mn us-ia us-md us-ct us-nm us-id us-hi in in-two-line
"""

SOUND = """
title = "A plate for a test"
region = "xx"
source = "made up for a test"
relief = "flat"
size_mm = [400, 100]
lines = [{ top_mm = 20, area_mm = [10, 390] }]
fonts = { "stroke:din1451" = 1 }
variants = [{ name = "only", ground = "#ffffff", ink = "#000000" }]
[characters]
height_mm = 60
letter_width_mm = 40
digit_width_mm = 30
stroke_mm = 8
gap_mm = 5
"""
VANITY = '[vanity]\nrate = 0.1\npatterns = { "{word}" = 1 }\n[sets.word]\nwords = ["AUTO"]\n'
PATTERN = '[patterns]\n"AA-99" = 1\n'


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(folder: Path, text: str) -> str:
    path = write(folder, text)
    with pytest.raises(InputError) as error:
        load_layout(path)
    message = str(error.value)
    assert str(path) in message
    assert "\n" not in message
    return message


def test_every_required_layout_ships():
    assert set(REQUIRED.split()) <= set(layout_ids())


@pytest.mark.parametrize("layout_id", layout_ids())
def test_a_shipped_layout_is_sound(layout_id: str):
    layout = load_layout(layout_id)
    assert layout.id == layout_id
    assert layout.layout_region == layout.region
    assert layout.region in REGIONS
    typefaces = default_typefaces()
    for name in layout.fonts:
        for character in layout.letters + layout.digits:
            assert typefaces.get(name).supports(character)


def test_the_german_plate_has_the_measures_of_its_regulation():
    layout = load_layout("de")
    assert layout.size_mm == (520, 110)
    assert layout.characters.height_mm == 75
    assert layout.cell_width_mm("A", 0) == 47.5
    assert layout.cell_width_mm("7", 0) == 44.5
    # 47.5 + 8 + 47.5 for two letters, 22 for the gap, 44.5 + 8 + 44.5 for two digits.
    assert layout.text_width_mm(["A", "B", "<gap>", "1", "2"], 0) == pytest.approx(222)


def test_a_users_own_file_is_loaded_by_its_path(tmp_path: Path):
    path = write(tmp_path, SOUND + PATTERN)
    layout = load_layout(path)
    assert layout.id == str(path)
    assert resolve_layouts([str(path), "cz", str(path)]) == [str(path), "cz"]


def test_selectors_name_regions_and_all():
    assert resolve_layouts(["in"]) == ["in", "in-two-line"]
    assert resolve_layouts(["br", "random"]) == [
        "br-mercosul",
        "br-mercosul-motorcycle",
        "br-old",
        "br-old-motorcycle",
        "random",
    ]
    assert resolve_layouts(["all"]) == layout_ids()
    with pytest.raises(InputError, match="did you mean 'sk-1997'"):
        resolve_layouts(["sk1997"])
    with pytest.raises(InputError, match="at least one"):
        resolve_layouts([])


def test_a_pattern_is_read_into_tokens():
    assert parse_pattern("A9-{x}|<s>") == (
        (("letter", ""), ("digit", ""), ("separator", "dash"), ("set", "x")),
        (("separator", "s"),),
    )
    with pytest.raises(ValueError, match="'B' means nothing"):
        parse_pattern("AB")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("relif = 1\n" + SOUND + PATTERN, ("relif", "did you mean 'relief'")),
        (SOUND.replace("gap_mm", "gab_mm") + PATTERN, ("characters.gab_mm", "gap_mm")),
        (
            SOUND + PATTERN + '[[marks]]\nkind = "rect"\nbox = [0, 0, 5, 5]\ncolor = "#000000"\n',
            ("marks.0.color", "did you mean 'colour'"),
        ),
        (SOUND.replace('"#ffffff"', '"white"') + PATTERN, ("variants.0.ground", "white")),
        (SOUND.replace("[400, 100]", "[400, -1]") + PATTERN, ("size_mm", "-1")),
        (SOUND.replace("top_mm = 20", "top_mm = 50") + PATTERN, ("lines.0.top_mm", "50")),
        (SOUND.replace("[10, 390]", "[10, 490]") + PATTERN, ("lines.0.area_mm", "490")),
        (SOUND.replace("stroke_mm = 8", "stroke_mm = 31") + PATTERN, ("stroke_mm", "31")),
        (SOUND + '[patterns]\n"AA-99x" = 1\n', ("patterns", "'x' means nothing")),
        (SOUND + '[patterns]\n"{town}99" = 1\n', ("patterns", "no set 'town'")),
        (SOUND + '[patterns]\n"AA<dach>99" = 1\n', ("patterns", "did you mean 'dash'")),
        (SOUND + '[patterns]\n"AA|99" = 1\n', ("patterns", "has 2 lines but the plate has 1")),
        (SOUND + '[patterns]\n"AAAAAAAAAAAAAA" = 1\n', ("patterns", "but lines.0.area_mm has 380")),
        (SOUND + '[patterns]\n"-" = 1\n', ("patterns", "holds no character")),
        (SOUND + PATTERN + '[sets.a]\nwords = ["X"]\ndigits = [1, 2]\n', ("sets.a", "exactly one")),
        (SOUND + PATTERN + "[sets.a]\ndigits = [3, 2]\n", ("sets.a.digits", "(3, 2)")),
        (SOUND + PATTERN + '[sets.a]\nlist = "nowhere"\n', ("sets.a.list", "nowhere")),
        (
            SOUND + PATTERN + '[sets.a]\nwords = ["RK"]\nweights = { RX = 1 }\n',
            ("sets.a.weights", "did you mean 'RK'"),
        ),
        (
            SOUND + PATTERN + '[[marks]]\nkind = "emblem"\nname = "eu-star"\nbox = [0, 0, 9, 9]\n',
            ("marks.0.name", "did you mean 'eu-stars'"),
        ),
        (SOUND, ("patterns is missing",)),
        ('id = "x"\n' + SOUND + PATTERN, ("id is not a key",)),
        ("title = ", ("not valid TOML",)),
    ],
)
def test_a_bad_file_is_one_sentence(tmp_path: Path, text: str, parts: tuple[str, ...]):
    message = refusal(tmp_path, text)
    for part in parts:
        assert part in message


def test_files_that_cannot_be_read_are_refused(tmp_path: Path):
    with pytest.raises(InputError, match="cannot be read"):
        load_layout(tmp_path / "absent.toml")
    (tmp_path / "latin.toml").write_bytes(b'title = "\xe9"')
    with pytest.raises(InputError, match="UTF-8"):
        load_layout(tmp_path / "latin.toml")
    (tmp_path / "huge.toml").write_bytes(b"#" * 1_000_001)
    with pytest.raises(InputError, match="larger than"):
        load_layout(tmp_path / "huge.toml")


def test_an_unknown_id_names_the_nearest():
    with pytest.raises(InputError, match="did you mean 'gb-rear'"):
        load_layout("gb-reer")


def test_a_list_beside_the_users_file_is_read_with_its_weights(tmp_path: Path):
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "towns.txt").write_text("# towns\nXA\nXB\t3\n", encoding="utf-8")
    path = write(tmp_path, SOUND + '[patterns]\n"{t}" = 1\n[sets.t]\nlist = "towns"\n')
    assert load_layout(path).words["t"] == (("XA", "XB"), (1.0, 3.0))


def test_the_share_of_texts_without_a_forbidden_word_is_exact(tmp_path: Path):
    alphabet = 'letters = "AB"\ndigits = "01"\nforbidden = ["AA", "B0"]\n'
    text = alphabet + SOUND + PATTERN + "[sets.n]\ndigits = [1, 2]\n"
    layout = load_layout(write(tmp_path, text))
    assert allowed_share(layout, "AA") == pytest.approx(3 / 4)
    # Of AB, BA, BB before a 0 or a 1, AB0 and BB0 are forbidden as well: 4 of 8 are left.
    # A separator does not part a word.
    assert allowed_share(layout, "AA-9") == pytest.approx(4 / 8)
    # A number of one or two digits never begins with 0.
    assert allowed_share(layout, "A{n}") == pytest.approx(1.0)
    # With all letters only AA of 26 x 26 is forbidden.
    assert allowed_share(layout, "AA", free=True) == pytest.approx(1 - 1 / 676)


def test_the_share_of_texts_that_are_short_enough_is_exact(tmp_path: Path):
    text = "most_characters = 4\n" + SOUND + PATTERN + "[sets.n]\ndigits = [1, 4]\n"
    layout = load_layout(write(tmp_path, text))
    assert allowed_share(layout, "AA-99") == pytest.approx(1.0)
    # One or two digits of one to four, each length equally likely.
    assert allowed_share(layout, "AA-{n}") == pytest.approx(2 / 4)
    both = layout.model_copy(update={"forbidden": ("A",)})
    assert allowed_share(both, "AA-{n}") == pytest.approx((25 / 26) ** 2 * 2 / 4)


@pytest.mark.parametrize(
    ("pattern", "extra", "left"),
    [
        ("AA-99", "", "no text"),
        ("AA-{w}", '[sets.w]\nwords = ["7", "700"]\nweights = { 7 = 1, 700 = 30 }', "only 3.23%"),
    ],
)
def test_a_pattern_longer_than_a_text_may_be_is_refused_when_the_file_is_read(
    tmp_path: Path, pattern: str, extra: str, left: str
):
    patterns = f'[patterns]\n"{pattern}" = 1\n'
    message = refusal(tmp_path, "most_characters = 3\n" + SOUND + patterns + extra)
    assert f"most_characters = 3 leaves {left}" in message and f"patterns '{pattern}'" in message


@pytest.mark.parametrize(
    ("forbidden", "key", "extra"),
    [
        (list("0123456789"), "patterns 'AA-99'", ""),
        (["AUTO"], "vanity.patterns '{word}'", VANITY),
        (list("ABCDEFGHIJKLMNOPQRSTUVWXY"), "patterns 'AA-99'", ""),
    ],
)
def test_words_that_leave_no_text_are_refused_when_the_file_is_read(
    tmp_path: Path, forbidden: list[str], key: str, extra: str
):
    message = refusal(tmp_path, f"forbidden = {forbidden}\n" + SOUND + PATTERN + extra)
    assert key in message and "forbidden" in message


def test_many_forbidden_words_are_weighed_in_a_moment(tmp_path: Path):
    words = ["".join(p) for p in itertools.islice(itertools.permutations("ABCDEFGH", 4), 500)]
    began = time.process_time()
    load_layout(write(tmp_path, f"forbidden = {words}\n" + SOUND + '[patterns]\n"AAAA99" = 1\n'))
    assert time.process_time() - began < 2


def test_long_german_marks_are_set_in_the_narrow_face():
    layout = load_layout("de")
    long, short = [*"GER", "<seals>", *"AB123"], [*"G", "<seals>", *"AB12"]
    assert layout.is_narrow(long) and not layout.is_narrow(short)
    assert layout.cell_width_mm("A", 0, narrow=True) == pytest.approx(40.5)
    assert layout.cell_width_mm("7", 0, narrow=True) == pytest.approx(38.5)
    # Five letters, three digits, six gaps of 8 mm and the seals.
    assert layout.text_width_mm(long, 0) == pytest.approx(5 * 40.5 + 3 * 38.5 + 6 * 8 + 56)
