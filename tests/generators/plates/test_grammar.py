import re

import pytest

from seedbed.errors import InputError
from seedbed.generators.plates.grammar import draw_pattern_text, draw_registration
from seedbed.generators.plates.layout import PlateLayout, load_layout
from seedbed.streams import stream

FORMS = {
    "sk-1997": r"[A-Z]{2}-\d{3}[A-Z]{2}",
    "sk-2023": r"[A-Z]{2}-\d{3}[A-Z]{2}",
    "de": r"[A-ZÄÖÜ]{1,3} [A-Z]{1,2} [1-9]\d{0,3}[EH]?",
    "fr": r"[A-HJ-NP-TV-Z]{2}-\d{3}-[A-HJ-NP-TV-Z]{2}",
    "it": r"[A-HJ-NPR-TV-Z]{2} \d{3}[A-HJ-NPR-TV-Z]{2}",
    "br-old": r"[A-Z]{3}-\d{4}",
    "br-mercosul": r"[A-Z]{3}\d[A-Z]\d{2}",
    "gb-rear-two-line": r"[A-Z]{2}\d{2} [A-Z]{3}|[A-Z]\d{1,3} [A-Z]{3}|[A-Z]{3} \d{1,3}[A-Z]",
    "us-tx": r"[A-Z]{3}-\d{4}|[A-Z]{2}\d-[A-Z]\d{3}|[A-Z]{3}-\d{3}",
    "us-wa": r"[A-Z]{3}\d{4}|\d{3} [A-Z]{3}",
    "us-al": r"\d{2}[A-Z]\d{3}[A-Z]|\d[A-Z]{2}\d{4}|\d{2}[A-Z]{2}\d{3}|\d[A-Z]\d{4}[A-Z]"
    r"|\d{4}[A-Z]{2}\d",
    "us-ga": r"[A-Z]{3} \d{4}|\d{3} [A-Z]{3}",
    "us-id": r"\d[A-Z] \d{5}|[A-Z] \d{6}|\d[A-Z] [A-Z]\d{4}",
    "us-md": r"\d[A-Z]{2} ?\d{4}",
    "us-mi": r"[A-Z]{3} \d{4}|\d[A-Z]{2} [A-Z]\d{2}|[A-Z]{4} \d{2}",
    "us-nj": r"[A-Z]\d{2}-[A-Z]{3}|[A-Z]{3}-\d{2}[A-Z]|[A-Z]{2}-\d{3}[A-Z]",
    "us-nv": r"\d{3}-[A-Z]{3}|\d{2}[A-Z]-\d{3}|[A-Z]{3}-\d{3}",
    "us-oh": r"[A-Z]{3} \d{4}",
    "us-or": r"\d{3} [A-Z]{3}|[A-Z]{3} \d{3}",
    "us-pa": r"[A-Z]{3}-\d{4}",
    "us-tn": r"[A-Z]\d{2}-\d{2}[A-Z]|\d{3}-[A-Z]{3}|[A-Z]{3}-\d{3}|\d[A-Z]\d-\d{2}[A-Z]",
    "us-ut": r"[A-Z]\d{2} \d[A-Z]{2}|\d{3} \d[A-Z]{2}|\d[A-Z]\d \d[A-Z]{2}|\d{3} [A-Z]{3}",
}
MAIN_VARIANT = {"fr": "since 2009", "es": "private"}


def strict(layout_id: str) -> PlateLayout:
    return load_layout(layout_id).model_copy(update={"free_rate": 0.0, "vanity": None})


@pytest.mark.parametrize("layout_id", sorted(FORMS))
def test_texts_have_the_countrys_form(layout_id: str):
    layout = strict(layout_id)
    variant = layout.variant(MAIN_VARIANT.get(layout_id, layout.variants[0].name))
    for index in range(100):
        drawn = draw_registration(layout, stream(0, index), variant)
        text = " ".join(drawn.lines)
        assert re.fullmatch(FORMS[layout_id], text), text
        assert drawn.plain == re.sub("[^A-Z0-9ÄÖÜ]", "", text)
        assert drawn.variant == variant.name


def test_spanish_letters_are_consonants():
    layout = strict("es")
    for index in range(100):
        drawn = draw_registration(layout, stream(0, index), layout.variant("private"))
        assert re.fullmatch(r"\d{4} [BCDFGHJKLMNPRSTVWXYZ]{3}", drawn.lines[0])


def test_czech_regions_are_those_of_the_decree():
    layout = strict("cz")
    for index in range(100):
        drawn = draw_registration(layout, stream(0, index), layout.variant("band"))
        assert re.fullmatch(r"\d[ABCEHJKLMPSTUZ][\dA-Z] \d{4}", drawn.lines[0])


def test_forbidden_words_never_come():
    layout = strict("fr").model_copy(update={"letters": "ST"})
    texts = {draw_registration(layout, stream(0, index)).plain for index in range(200)}
    assert texts
    assert not any("SS" in text for text in texts)


def test_a_grammar_that_forbids_everything_is_an_error():
    layout = strict("es").model_copy(update={"forbidden": tuple("0123456789")})
    with pytest.raises(InputError, match="forbidden"):
        draw_registration(layout, stream(0))
    layout = strict("es").model_copy(update={"most_characters": 6})
    with pytest.raises(InputError, match="most_characters = 6 leave no text"):
        draw_registration(layout, stream(0), layout.variant("private"))


@pytest.mark.parametrize(
    ("layout_id", "most"),
    [("de", 8), ("de-two-line", 8), ("de-two-line-small", 8), ("at", 7)],
)
def test_no_mark_is_longer_than_its_country_allows(layout_id: str, most: int):
    layout = load_layout(layout_id)
    lengths = [len(draw_registration(layout, stream(0, index)).plain) for index in range(2000)]
    # The longest that may be does come: longer ones are drawn again, not cut.
    assert max(lengths) == most


def test_vanity_and_free_texts_come_at_their_rates():
    layout = strict("us-ca").model_copy(update={"vanity": load_layout("us-ca").vanity})
    assert layout.vanity is not None
    vanity = layout.vanity.model_copy(update={"rate": 1.0, "patterns": {"{word}": 1.0}})
    always = layout.model_copy(update={"vanity": vanity})
    words = set(layout.words["word"][0])
    assert all(draw_registration(always, stream(0, i)).plain in words for i in range(50))

    free = strict("br-mercosul").model_copy(update={"letters": "A", "free_rate": 1.0})
    letters = "".join(draw_registration(free, stream(0, i)).plain[:3] for i in range(200))
    assert len(set(letters)) == 26


def test_tokens_keep_what_the_printed_line_loses():
    drawn = draw_registration(strict("us-mo"), stream(0, 1))
    (tokens,) = drawn.tokens
    assert "<tab>" in tokens
    assert "".join(" " if len(token) > 1 else token for token in tokens) == drawn.lines[0]


def test_the_strip_of_brazil_names_state_and_city():
    text = draw_pattern_text(load_layout("br-old"), "{city}", stream(0))
    assert re.fullmatch(r"[A-Z]{2}-[A-Z' ]+", text)


def test_the_same_stream_draws_the_same_text():
    layout = load_layout("de")
    assert draw_registration(layout, stream(3, 4)) == draw_registration(layout, stream(3, 4))


def test_seals_at_the_end_of_a_line_leave_no_blank():
    layout = strict("de-two-line")
    for index in range(20):
        assert "  " not in " ".join(draw_registration(layout, stream(0, index)).lines)


def test_british_marks_may_end_in_z_but_no_memory_tag_does():
    layout = strict("gb-rear")
    marks = [draw_registration(layout, stream(0, index)).lines[0] for index in range(400)]
    current = [mark for mark in marks if re.fullmatch(r"[A-Z]{2}\d{2} [A-Z]{3}", mark)]
    assert any("Z" in mark[-3:] for mark in current)
    assert not any(set(mark[:2]) & set("IQZ") or set(mark[-3:]) & set("IQ") for mark in current)
