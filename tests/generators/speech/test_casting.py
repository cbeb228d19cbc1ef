"""Voices by language, filter and share of speakers."""

from __future__ import annotations

import numpy as np
import pytest

from seedbed.errors import Rejected
from seedbed.generators.speech.casting import (
    Cast,
    Casting,
    cast_voices,
    in_share,
    speaker_place,
)
from seedbed.generators.speech.engines.base import Voice
from seedbed.streams import stream


def casting(**changes: object) -> Casting:
    values: dict[str, object] = {
        "voices": ("*",),
        "exclude_voices": (),
        "sexes": (),
        "inhuman": False,
        "dialects": {},
        "speaker_share": (0.0, 1.0),
        "procedural_share": 0.0,
        "procedural_speakers": 1000,
    }
    return Casting(**{**values, **changes})  # type: ignore[arg-type]


VOICES = [
    Voice(id="us", language="en-us", sex="male", speaker="espeak:plain"),
    Voice(id="us+f1", language="en-us", sex="female", speaker="espeak:f1"),
    Voice(id="us+robosoft", language="en-us", sex="male", speaker="espeak:robosoft"),
    Voice(id="gb+f1", language="en-gb", sex="female", speaker="espeak:f1"),
    Voice(id="de+f1", language="de", sex="female", speaker="espeak:f1"),
]
BASES = [VOICES[0]]


def drawn(cast: Cast | None, count: int = 300) -> list[str]:
    assert cast is not None
    return [cast.draw(stream(0, index)).id for index in range(count)]


def test_any_dialect_speaks_the_language_and_robots_do_not() -> None:
    assert set(drawn(cast_voices(VOICES, [], "en-us", casting()))) == {"us", "us+f1", "gb+f1"}
    assert set(drawn(cast_voices(VOICES, [], "en", casting(inhuman=True)))) == {
        "us", "us+f1", "us+robosoft", "gb+f1",
    }  # fmt: skip
    assert cast_voices(VOICES, [], "fr", casting()) is None


def test_filters_by_id_sex_and_dialect() -> None:
    assert set(drawn(cast_voices(VOICES, [], "en", casting(sexes=("female",))))) == {
        "us+f1", "gb+f1",
    }  # fmt: skip
    assert set(drawn(cast_voices(VOICES, [], "en", casting(exclude_voices=("us*",))))) == {"gb+f1"}
    assert set(drawn(cast_voices(VOICES, [], "en", casting(voices=("us",))))) == {"us"}
    weighted = drawn(
        cast_voices(VOICES, [], "en", casting(dialects={"en-us": 3, "en-gb": 1})), 2000
    )
    # A quarter of 2,000, four standard deviations of 19 either way.
    assert 420 <= sum(name == "gb+f1" for name in weighted) <= 580
    assert set(drawn(cast_voices(VOICES, [], "en", casting(dialects={"en-gb": 1})))) == {"gb+f1"}
    assert set(drawn(cast_voices(VOICES, [], "de", casting(dialects={"en-gb": 1})))) == {"de+f1"}


def test_slices_of_speakers_share_nobody() -> None:
    shares = [(0.0, 0.7), (0.7, 0.85), (0.85, 1.0)]
    seen = [
        set(
            drawn(
                cast_voices(VOICES, BASES, "en", casting(speaker_share=share, procedural_share=1.0))
            )
        )
        for share in shares
    ]
    assert all(len(names) > 50 for names in seen)
    assert not (seen[0] & seen[1] or seen[0] & seen[2] or seen[1] & seen[2])
    for names, share in zip(seen, shares, strict=True):
        assert all(in_share(f"espeak:{name.partition('+')[2]}", share) for name in names)


def test_a_speaker_has_one_place_in_every_language_and_population() -> None:
    assert speaker_place("espeak:f1") == speaker_place("espeak:f1")
    places = np.array([speaker_place(f"espeak:#{number}") for number in range(4000)])
    # Uniform: a tenth of them in each tenth, 400 of them, within 4 * 19.
    counts, _ = np.histogram(places, bins=10, range=(0.0, 1.0))
    assert counts.min() > 320
    assert counts.max() < 480


def test_procedural_speakers_obey_the_sexes() -> None:
    cast = cast_voices(VOICES, BASES, "en", casting(sexes=("female",), procedural_share=1.0))
    assert cast is not None
    speakers = [cast.draw(stream(1, index)) for index in range(50)]
    assert {voice.sex for voice in speakers if "#" in voice.id} == {"female"}


def test_an_impossible_slice_is_rejected_not_searched_for_ever() -> None:
    cast = cast_voices(
        [], BASES, "en", casting(speaker_share=(0.5, 0.5 + 1e-9), procedural_share=1.0)
    )
    assert cast is not None
    with pytest.raises(Rejected) as rejection:
        cast.draw(stream(0))
    assert rejection.value.reason == "speaker_share"
