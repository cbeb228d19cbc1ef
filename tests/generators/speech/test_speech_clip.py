"""Speech clips: labels, times, levels, splits, and bad output refused."""

from __future__ import annotations

import hashlib
import json
import logging
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from pydantic import PrivateAttr, ValidationError

from seedbed.builder import build
from seedbed.component import MAX_TRIES
from seedbed.errors import InputError, SeedbedError
from seedbed.generators.speech import engines
from seedbed.generators.speech.casting import speaker_place
from seedbed.generators.speech.engines.base import (
    EngineFailure,
    Prosody,
    Utterance,
    speech_bounds,
)
from seedbed.generators.speech.engines.espeak import EspeakEngine
from seedbed.generators.speech_clip import SpeechClip, at_level, fast_length, tilted
from seedbed.recipe import load_recipe, parse_recipe
from seedbed.recipe_schema import recipe_schema
from seedbed.sample import Clip

DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


def generator(**changes: Any) -> SpeechClip:
    values: dict[str, Any] = {
        "phrases": "digits",
        "languages": ["en"],
        "engines": {"espeak": 1.0},
        "accent_share": 0.2,
    }
    return SpeechClip(**{**values, **changes})


@pytest.fixture(scope="module")
def clips() -> list[Clip]:
    made = generator()
    made.prepare()
    return list(made.samples(seed=4, count=60))


def digest(clip: Clip) -> str:
    return hashlib.sha256(clip.sound.tobytes()).hexdigest()


def test_a_clip_carries_everything(clips: list[Clip]) -> None:
    for clip in clips:
        assert clip.sound.dtype == np.float32
        assert clip.sound.ndim == 1
        assert clip.sample_rate == 16000
        assert clip.transcript == clip.transcript_normalised == clip.label
        assert clip.label in DIGITS
        assert clip.engine == "espeak"
        assert clip.language.startswith("en")
        assert 1e-3 < np.abs(clip.sound).max() <= 0.99 + 1e-6
        assert {"rate", "pitch_semitones", "pitch_range", "volume", "speaker", "sex"} <= set(
            clip.attributes
        )
    assert {clip.label for clip in clips} == set(DIGITS)
    assert len({clip.attributes["speaker"] for clip in clips}) > 40
    assert any(clip.attributes["accent"] for clip in clips)


def test_times_lie_in_the_clip_and_on_the_sound() -> None:
    # Untilted: a soft first fricative would fall under the energy threshold.
    plain = generator(tilt_db_per_octave=(0.0, 0.0), vocal_tract_share=0.0)
    for clip in plain.samples(seed=4, count=60):
        (word,) = clip.words
        assert word.text == clip.label
        assert clip.keyword_span == (word.start, word.end)
        bounds = speech_bounds(clip.sound, clip.sample_rate)
        assert bounds is not None
        # Within 20 ms of the onset of the energy, stops included: their closure is trimmed.
        assert abs(word.start - bounds[0] / clip.sample_rate) <= 0.020, clip.voice
        assert word.end <= len(clip.sound) / clip.sample_rate
        assert clip.phonemes[0].start == pytest.approx(word.start, abs=0.03)
        assert all(a.end <= b.start + 1e-9 for a, b in pairwise(clip.phonemes))


def test_the_silence_around_is_as_drawn(clips: list[Clip]) -> None:
    for clip in clips:
        lead = round(clip.attributes["leading_silence_s"] * clip.sample_rate)
        assert not clip.sound[:lead].any()
        assert clip.sound[lead : lead + 400].any()


def test_levels_are_reached_or_the_peak_is(clips: list[Clip]) -> None:
    for clip in clips:
        speech = clip.sound[np.flatnonzero(clip.sound)[0] : np.flatnonzero(clip.sound)[-1]]
        reached = 20 * np.log10(np.sqrt(np.mean(speech**2)))
        assert reached == pytest.approx(clip.attributes["level_dbfs"], abs=0.2)


def test_the_same_alone_in_another_order_and_replayed(clips: list[Clip]) -> None:
    made = generator()
    assert digest(made.sample(4, 17)) == digest(clips[17])
    for index in (41, 3, 58, 20):
        again = made.sample(4, index)
        assert digest(again) == digest(clips[index])
        assert again.words == clips[index].words
    replayed = made.replay(json.loads(json.dumps(clips[9].params)))
    assert digest(replayed) == digest(clips[9])
    assert replayed.phonemes == clips[9].phonemes


def test_the_same_in_another_process() -> None:
    made = generator(engines={"espeak": 1.0, "pyttsx3": 0.3}, unsteady_share=0.3)
    script = (
        "import hashlib, json\n"
        "from seedbed.generators import SpeechClip\n"
        "made = SpeechClip(phrases='digits', languages=['en'], accent_share=0.2,"
        " engines={'espeak': 1.0, 'pyttsx3': 0.3}, unsteady_share=0.3)\n"
        "print(json.dumps([hashlib.sha256(made.sample(8, i).sound.tobytes()).hexdigest()"
        " for i in range(11, -1, -1)]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True
    )
    here = [digest(made.sample(8, index)) for index in range(12)]
    assert json.loads(done.stdout) == here[::-1]


def test_a_dataset_has_the_same_bytes_with_one_and_three_workers(tmp_path: Path) -> None:
    generator = {"name": "speech", "phrases": "digits", "languages": ["en"], "unsteady_share": 0.3}
    recipe = parse_recipe(
        {
            "name": "few",
            "seed": 5,
            "generator": {**generator, "engines": {"espeak": 0.8, "pyttsx3": 0.2}},
            "splits": {"train": 9},
            "shard_size": 3,
        }
    )
    one = build(recipe, tmp_path / "one", executor="serial")
    three = build(recipe, tmp_path / "three", executor="processes", workers=3)
    assert three.progress.made_shards == 3
    assert one.info == three.info
    for path in (tmp_path / "one").rglob("*.parquet"):
        other = tmp_path / "three" / path.relative_to(tmp_path / "one")
        assert path.read_bytes() == other.read_bytes()


def test_splits_share_no_speaker() -> None:
    train, test = (
        {
            clip.attributes["speaker"]
            for clip in generator(speaker_share=share, sexes=["female"]).samples(1, 40)
        }
        for share in ((0.0, 0.8), (0.8, 1.0))
    )
    assert train
    assert test
    assert not train & test


def test_keywords_in_carriers_have_their_own_span() -> None:
    made = generator(phrases="digits-among-words", accent_share=0.0)
    spans = 0
    for clip in made.samples(2, 40):
        if clip.attributes["kind"] == "keyword" and len(clip.words) > 1:
            assert clip.keyword_span is not None
            first, last = clip.keyword_span
            inside = [w.text for w in clip.words if first <= w.start and w.end <= last]
            assert inside
            assert last - first < len(clip.sound) / clip.sample_rate * 0.9
            spans += 1
    assert spans > 0


def test_negatives_silence_noise_and_babble() -> None:
    made = generator(phrases="negatives", accent_share=0.0)
    kinds: dict[str, Clip] = {}
    for clip in made.samples(3, 80):
        kinds.setdefault(clip.attributes["kind"], clip)
    assert {"silence", "noise", "babble", "negative"} <= set(kinds)
    for kind in ("silence", "noise", "babble"):
        assert kinds[kind].words == ()
        assert kinds[kind].keyword_span is None
        assert kinds[kind].transcript == ""
    assert np.abs(kinds["silence"].sound).max() < 0.02
    assert kinds["babble"].attributes["talkers"] >= 2
    assert digest(made.replay(kinds["noise"].params)) == digest(kinds["noise"])


class Broken(EspeakEngine):
    """Says what the test tells it to."""

    mode: str = "silent"
    _said: int = PrivateAttr(default=0)
    _first: str = PrivateAttr(default="")

    def speak(self, text: str, voice: str, prosody: Prosody) -> Utterance:
        said = super().speak(text, voice, prosody)
        sound = said.sound
        self._said += 1
        self._first = self._first or voice
        if self.mode == "silent" or (self.mode == "silent first" and self._said <= 2):
            sound = sound * 0
        elif self.mode == "empty":
            sound = sound[:0]
        elif self.mode == "clipped":
            sound = np.sign(sound).astype(np.float32)
        elif self.mode == "not_finite":
            sound = sound * np.float32(np.nan)
        elif self.mode == "impossible_length":
            sound = sound[800:1000]
        elif self.mode == "deaf" or (self.mode == "others deaf" and voice != self._first):
            return super().speak(text, voice, Prosody())
        return Utterance(sound=sound, sample_rate=said.sample_rate)


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(engines.ENGINES, "broken", f"{__name__}:Broken")
    monkeypatch.setattr(engines, "import_module", lambda name: sys.modules[__name__])


@pytest.mark.usefixtures("broken")
@pytest.mark.parametrize("mode", ["silent", "empty", "clipped", "not_finite", "impossible_length"])
def test_bad_output_is_logged_counted_and_drawn_again_a_bounded_number_of_times(
    mode: str, caplog: pytest.LogCaptureFixture
) -> None:
    made = generator(engines={"broken": {"mode": mode}})
    with (
        caplog.at_level(logging.WARNING, logger="seedbed.speech"),
        pytest.raises(SeedbedError, match=f"speech_{mode} "),
    ):
        made.sample(0)
    assert len(caplog.records) == MAX_TRIES
    message = caplog.records[0].getMessage()
    assert mode in message
    assert any(repr(digit) in message for digit in DIGITS)
    assert "gmw/" in message


@pytest.mark.usefixtures("broken")
def test_an_engine_that_ignores_the_rate_is_found_before_the_build() -> None:
    with pytest.raises(EngineFailure, match="ignores the rate"):
        generator(engines={"broken": {"mode": "deaf"}}).prepare()


@pytest.mark.usefixtures("broken")
def test_a_voice_among_good_ones_that_ignores_the_rate_is_found_when_a_build_tries_them() -> None:
    made = generator(engines={"broken": {"mode": "others deaf"}})
    made.prepare()
    with pytest.raises(EngineFailure, match="ignores the rate"):
        made.try_out()


def test_a_voice_that_does_not_exist_is_named() -> None:
    sentence = r"voices: 'gmw/en-bob' fits no voice of espeak, did you mean 'gmw/en"
    with pytest.raises(InputError, match=sentence):
        generator(engines=["espeak"], voices=["gmw/en-bob", "gmw/en-US"]).prepare()


def test_unspeakable_phrases_are_refused_before_the_build() -> None:
    with pytest.raises(InputError, match="семь"):
        generator(phrases=["семь"], languages=[]).prepare()
    with pytest.raises(InputError, match="no voice of espeak speaks"):
        generator(voices=["roa/*"]).prepare()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rate": (2.0, 1.0)}, "rate must be"),
        ({"pitch_semitones": (-40.0, 1.0)}, "pitch_semitones must be"),
        ({"speaker_share": (0.5, 0.5)}, "speaker_share must be a slice"),
        ({"engines": {"espeek": 1}}, "did you mean 'espeak'"),
        ({"engines": {"espeak": {"wieght": 1}}}, "wieght"),
        ({"engines": {"espeak": 0}}, "at least one weight"),
        ({"accents": ("xx",)}, "accents: 'xx' is not known"),
        ({"sample_rates": 8000}, "sample_rates"),
    ],
)
def test_bad_recipes_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        generator(**changes)


def test_engines_may_be_a_name_a_list_or_weights() -> None:
    assert list(generator(engines="espeak").engines) == ["espeak"]
    assert list(generator(engines=["espeak", "pyttsx3"]).engines) == ["espeak", "pyttsx3"]
    assert generator(engines={"flite": {"weight": 2, "program": "f"}}).engines["flite"].weight == 2
    assert list(SpeechClip(phrases="digits").engines) == ["pyttsx3"]


def test_a_recipe_may_hold_a_phrase_file_in_place(tmp_path: Path) -> None:
    recipe = tmp_path / "words.yaml"
    recipe.write_text(
        "name: words\nseed: 1\ngenerator:\n  name: speech\n  engines: espeak\n"
        "  phrases: {classes: {on: [on], no: 'no, {never|not now}'}}\nsplits: {train: 8}\n"
    )
    made = load_recipe(recipe).default_generator()
    clips = list(made.samples(seed=1, count=8))
    assert {clip.label for clip in clips} == {"on", "no"}
    assert {clip.transcript for clip in clips} <= {"on", "no, never", "no, not now"}
    with pytest.raises(InputError, match="unknown key 'clases': did you mean 'classes'"):
        generator(phrases={"clases": {"on": "on"}}).prepare()


def test_a_bad_phrase_is_named_with_the_recipe_that_holds_it(tmp_path: Path) -> None:
    recipe = tmp_path / "words.yaml"
    recipe.write_text(
        "name: words\nseed: 1\ngenerator:\n  name: speech\n  engines: espeak\n"
        "  phrases: {classes: {on: 'on {rom}'}}\nsplits: {train: 8}\n"
    )
    with pytest.raises(InputError) as refusal:
        build(load_recipe(recipe), tmp_path / "out", executor="serial")
    start = "recipe words.yaml: phrases: classes.on: phrase 'on {rom}' (en-us): there is no slot"
    assert str(refusal.value).startswith(start)


def test_what_cannot_be_spoken_is_refused_before_what_sounds_like_nothing() -> None:
    phrases = {
        "classes": {"stop": "stop", "beetle": "жук"},
        "negatives": {
            "share": 0.5,
            "word_list": ["zebra"],
            "near": {"within": 0.01, "rhymes": False},
        },
    }
    with pytest.raises(InputError, match=r"classes.beetle: phrase 'жук' .*no letter of 'en-us'"):
        generator(phrases=phrases).prepare()
    phrases["classes"] = {"stop": "stop"}
    with pytest.raises(InputError, match=r"negatives.near.within 0.01 leaves no word"):
        generator(phrases=phrases).prepare()


def test_the_example_in_the_readme_runs(capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    blocks = [block.split("```")[0] for block in page.split("```python\n")[1:]]
    (example,) = [block for block in blocks if "import SpeechClip" in block]
    made: dict[str, Any] = {}
    exec(example, made)  # the page's own lines
    clip = made["clip"]
    assert clip.label in ("stop", "go")
    assert clip.sound.dtype == np.float32
    printed = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert " ".join(row[0] for row in printed) == clip.transcript
    assert 0 <= float(printed[0][1]) < float(printed[-1][2]) <= len(clip.sound) / clip.sample_rate


def test_notes_name_engines_that_promise_nothing() -> None:
    unsure = generator(engines={"espeak": 1, "command": {"arguments": ["x", "{out}"]}})
    (note,) = unsure.notes()
    assert "command" in note
    assert generator().notes() == ()


def test_the_level_is_exact_and_bounded_by_the_peak() -> None:
    sound = np.array([0.1, -0.1, 0.1, -0.1], dtype=np.float32)
    level, louder = at_level(sound, -20.0 + 6.0206)
    assert level == pytest.approx(-13.98, abs=0.01)
    assert louder == pytest.approx(2 * sound, abs=1e-5)
    level, limited = at_level(sound, 20.0)
    assert np.abs(limited).max() == pytest.approx(0.99)
    assert level == pytest.approx(20 * np.log10(0.99), abs=1e-5)


def test_the_tilt_is_as_many_decibels_an_octave() -> None:
    time = np.arange(16000) / 16000
    for hertz, expected in ((500, 1.0), (1000, 0.5), (2000, 0.25)):
        tone = (0.1 * np.sin(2 * np.pi * hertz * time)).astype(np.float32)
        ratio = np.std(tilted(tone, 16000, -6.0206)[2000:14000]) / np.std(tone[2000:14000])
        assert ratio == pytest.approx(expected, rel=0.02)
    assert tilted(tone, 16000, 0.0) is tone


def test_fast_lengths_are_few_and_close() -> None:
    lengths = {fast_length(count) for count in range(4000, 40000)}
    assert len(lengths) < 20
    assert all(count <= fast_length(count) <= 1.34 * count + 256 for count in range(1, 40000, 37))


def test_optional_engines_are_left_out_and_said_so(caplog: pytest.LogCaptureFixture) -> None:
    missing = {"espeak": 0.5, "flite": {"weight": 0.5, "program": "no-such-program-here"}}
    made = generator(engines=missing, optional_engines=["flite"])
    with caplog.at_level(logging.WARNING, logger="seedbed.speech"):
        made.prepare()
    (note,) = made.notes()
    assert note.startswith("Engine flite was left out: ")
    assert note in caplog.text
    assert made.file_digests() == {"engine flite": "left out"}
    assert made.depends_on() == ("espeakng-loader",)
    assert {clip.engine for clip in made.samples(seed=1, count=10)} == {"espeak"}


def test_engines_that_are_not_optional_must_be_there() -> None:
    flite = {"flite": {"weight": 0.5, "program": "no-such-program-here"}}
    with pytest.raises(InputError, match="engine 'flite' cannot be used here"):
        generator(engines={"espeak": 0.5, **flite}).prepare()
    with pytest.raises(InputError, match="no engine is left: Engine flite was left out"):
        generator(engines=flite, optional_engines=["flite"]).prepare()
    with pytest.raises(ValidationError, match="'piper' is not among the engines"):
        generator(optional_engines=["piper"])


GERMAN = {"weight": 0.5, "arguments": [sys.executable], "language": "de"}
"""An engine that is here, with one German voice."""


def test_an_engine_that_speaks_none_of_the_languages_is_refused(
    caplog: pytest.LogCaptureFixture,
) -> None:
    both = {"espeak": 0.5, "command": GERMAN}
    with pytest.raises(InputError) as refusal:
        generator(engines=both, languages=["en", "sk"]).prepare()
    assert str(refusal.value) == (
        "engine 'command' has no voice for en-us, en-gb or sk under this recipe: leave it out of "
        "`engines`, name it in `optional_engines`, or widen `languages`, `voices`, `sexes` or "
        "`dialects`."
    )
    generator(engines={**both, "command": {**GERMAN, "weight": 0.0}}).prepare()
    optional = generator(engines=both, optional_engines=["command"])
    with caplog.at_level(logging.WARNING, logger="seedbed.speech"):
        optional.prepare()
    (note,) = optional.notes()
    assert note == "Engine command was left out: it has no voice for en-us or en-gb."
    assert note in caplog.text


def test_an_engine_that_speaks_some_languages_says_which() -> None:
    made = generator(engines={"espeak": 0.5, "command": GERMAN}, languages=["de", "sk"])
    made.prepare()
    some, drawing = made.notes()
    assert some == "Engine command speaks de; it has no voice for sk."
    assert drawing.startswith("Engine command draws numbers of its own")
    assert {talk for talk, _ in made._looked_up().casts} == {"espeak", "command"}


def test_an_engine_whose_voice_is_in_another_split_is_no_mistake() -> None:
    place = speaker_place(f"command:{sys.executable}:default")
    share = (0.0, 0.5) if place >= 0.5 else (0.5, 1.0)
    engines = {"espeak": 0.5, "command": GERMAN}
    made = generator(engines=engines, languages=["de"], speaker_share=share)
    made.prepare()
    (note,) = made.notes()
    assert note == (
        f"Engine command has no voice for de between {share[0]:g} and {share[1]:g} of all "
        "speakers (`speaker_share`)."
    )


def test_the_documented_engines_are_engines() -> None:
    text = (Path(__file__).parents[3] / "docs" / "speech.md").read_text(encoding="utf-8")
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.S)]
    documented = {name for block in blocks for name in generator(**block).engines}
    assert documented == set(engines.ENGINES)


def test_the_schema_describes_every_key_and_every_engines_options() -> None:
    properties = recipe_schema()["$defs"]["generators:speech"]["properties"]
    bare = [key for key, value in properties.items() if not value.get("description")]
    assert bare == ["name"]
    table, name, names = properties["engines"]["anyOf"]
    assert list(table["properties"]) == list(engines.ENGINES)
    assert table["additionalProperties"] is False
    assert name["enum"] == names["items"]["enum"]
    assert "command" not in name["enum"], "it must be told what to run"
    for engine, use in table["properties"].items():
        options = use["anyOf"][1] if "anyOf" in use else use
        own = engines.engine_class(engine).model_fields
        assert list(options["properties"]) == ["weight", *own], engine
        assert all(value["description"] for value in options["properties"].values()), engine
        assert options["additionalProperties"] is False
    piper = table["properties"]["piper"]["anyOf"][1]["properties"]
    assert [kind["type"] for kind in piper["noise_scale"]["anyOf"]] == ["array", "number"]


def test_the_users_phrase_files_have_digests(tmp_path: Path) -> None:
    words, phrases = tmp_path / "words.txt", tmp_path / "mine.yaml"
    words.write_text("apple\npear\n")
    phrases.write_text(
        "classes: {stop: stop}\n"
        f"negatives: {{share: 0.5, words: {{weight: 1}}, word_list: '{words}'}}\n"
    )
    first = generator(phrases=str(phrases)).file_digests()
    assert set(first) == {f"phrases {phrases}", f"phrases {words}"}
    words.write_text("apple\nplum\n")
    second = generator(phrases=str(phrases)).file_digests()
    assert [first[key] == second[key] for key in sorted(first)] == [True, False]
    assert generator(phrases="digits").file_digests() == {}
    assert generator(phrases="digits-among-words").file_digests() == {}


def test_an_accent_gives_phoneme_engines_other_phonemes_and_keeps_their_voice() -> None:
    """The voice of an IPA engine stays; espeak's is the accent's own."""
    drawn = generator(accent_share=1.0, accents=["us-south"])
    drawn.prepare()
    talks = [drawn.draw(np.random.default_rng(n)).talks[0] for n in range(5)]
    assert {talk.prosody.accent for talk in talks} == {"us-south"}
    assert {talk.voice.partition("+")[0] for talk in talks} == {"gmw/en-US"}


def test_phonemes_and_ssml_are_spoken_and_timed() -> None:
    ssml = '<speak>one <break time="300ms"/>two</speak>'
    made = generator(
        phrases={
            "classes": {
                "seven": {"phonemes": "s'Ev@n", "written": "Seven"},
                "both": {"ssml": ssml, "written": "one, two"},
            }
        },
        accent_share=1.0,
        emphasis={"strong": 1.0},
    )
    made.prepare()
    clips = {clip.label: clip for clip in made.samples(seed=3, count=12)}
    seven, both = clips["seven"], clips["both"]
    assert seven.transcript == "Seven"
    assert [word.text for word in seven.words] == ["Seven"]
    assert seven.keyword_span == (seven.words[0].start, seven.words[0].end)
    assert [p.text.strip("\u02c8") for p in seven.phonemes] == ["s", "\u025b", "v", "\u0259", "n"]
    assert (seven.attributes["accent"], seven.attributes["emphasis"]) == ("", "none")
    assert [word.text for word in both.words] == ["one", "two"]
    assert both.words[1].start - both.words[0].end > 0.2
    assert digest(made.replay(both.params)) == digest(both)


def test_engines_that_take_no_markup_are_refused_before_the_build() -> None:
    phrases = {"classes": {"seven": {"phonemes": "s'Ev@n", "written": "seven"}}}
    with pytest.raises(InputError, match="is phonemes, which engine 'pyttsx3' does not take"):
        generator(phrases=phrases, engines=["espeak", "pyttsx3"]).prepare()


def test_tilt_and_warp_move_no_label() -> None:
    """Word times of the default recipe: by energy, with the drawn tilt taken back.

    A tilt of -6 dB an octave puts a soft first fricative ("three") under the energy threshold,
    so that the sound as it is seems to begin up to 0.1 s late; the label does not move.
    """
    made = generator()
    for clip in made.samples(seed=4, count=60):
        (word,) = clip.words
        level = tilted(clip.sound, clip.sample_rate, -clip.attributes["tilt_db_per_octave"])
        bounds = speech_bounds(level, clip.sample_rate)
        assert bounds is not None
        assert abs(word.start - bounds[0] / clip.sample_rate) <= 0.020, clip.voice
        (talk,) = clip.params["talks"]
        plain = {**talk, "tilt_db_per_octave": 0.0, "vocal_tract": 1.0}
        unchanged = made.replay({**clip.params, "talks": [plain]})
        assert unchanged.words == clip.words
        assert unchanged.phonemes == clip.phonemes


@pytest.mark.usefixtures("broken")
def test_a_clip_counts_what_was_drawn_again() -> None:
    made = generator(engines={"broken": {"mode": "silent first"}})
    clip = made.sample(0)
    assert clip.counts == {"redrawn:speech_silent": 2}
    assert np.abs(clip.sound).max() > 1e-3
