"""The list of voices and their samples."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import soundfile
from click.testing import CliRunner

from seedbed.errors import InputError
from seedbed.generators.speech import voices
from seedbed.generators.speech.casting import is_dialect
from seedbed.generators.speech.engines import ENGINES
from seedbed.generators.speech.engines.base import Voice
from seedbed.generators.speech.voices import EngineReport, check_language, list_voices, say
from seedbed.voices_command import voices_command


def test_every_engine_is_reported_usable_or_with_a_reason() -> None:
    reports = {report.engine: report for report in list_voices()}
    assert set(reports) == set(ENGINES)
    assert reports["espeak"].missing == ""
    assert reports["espeak"].variants > 90
    assert reports["espeak"].procedural
    assert not reports["command"].deterministic
    assert "arguments" in reports["command"].missing
    for report in reports.values():
        assert report.missing or report.voices


def test_language_and_pattern_narrow_the_list() -> None:
    (report,) = list_voices(["espeak"], language="en", pattern="*US*")
    assert [voice.id for voice in report.voices] == ["gmw/en-US", "gmw/en-US-nyc"]
    with pytest.raises(InputError, match="did you mean 'espeak'"):
        list_voices(["espeek"])


def test_say_writes_a_wav_for_each_voice(tmp_path: Path) -> None:
    written = list(say("seven", tmp_path / "new", ["espeak"], pattern="gmw/en-US*"))
    assert [path.name for path in written] == [
        "espeak-gmw-en-US.wav",
        "espeak-gmw-en-US-nyc.wav",
    ]
    sound, rate = soundfile.read(written[0])
    assert rate == 22050
    assert len(sound) > 4000
    with pytest.raises(InputError, match="no voice matching 'nobody'"):
        list(say("seven", tmp_path, ["espeak"], pattern="nobody"))
    with pytest.raises(InputError, match="text is empty"):
        list(say(" ", tmp_path))


def spoken_by(monkeypatch: pytest.MonkeyPatch, **tags: list[str]) -> None:
    """Let engines have one voice for each of these language tags, and nothing else."""

    def report(name: str, language: str, pattern: str) -> EngineReport:
        found = [tag for tag in tags[name] if not language or is_dialect(tag, language)]
        found = [tag for tag in found if pattern == "*" or tag == pattern]
        return EngineReport(
            engine=name,
            missing="",
            deterministic=True,
            procedural=False,
            voices=tuple(
                Voice(id=tag, language=tag, sex="female", speaker=tag, controls=frozenset())
                for tag in found
            ),
        )

    monkeypatch.setattr(voices, "ENGINES", tags)
    monkeypatch.setattr(voices, "_report", report)


def test_a_language_that_no_engine_has_is_refused_with_those_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = [f"{letter}{letter}" for letter in "abcdefghijklmnop"]
    spoken_by(monkeypatch, espeak=[*many, "en-us", "en-gb"], piper=["sk", "en-us"])
    sentence = (
        "no voice of espeak, piper speaks 'xq': they speak en, sk, aa, bb, cc, dd, ee, ff, gg, "
        "hh, ii, jj and 6 more (`seedbed voices --all` lists all); give --language such a tag, or "
        "install an engine or a voice that speaks it (docs/speech.md, Engines)."
    )
    with pytest.raises(InputError) as refusal:
        list(say("seven", tmp_path, language="xq"))
    assert str(refusal.value) == sentence
    for more in ([], ["--json"]):
        done = CliRunner().invoke(voices_command, ["--language", "xq", *more])
        assert (str(done.exception), done.output) == (sentence, "")
    with pytest.raises(InputError, match="'en-uk'; of 'en' there is en-gb, en-us: give --language"):
        check_language("en-uk")
    # Of a dialect there is a voice; that its id fits no pattern is another matter.
    check_language("EN")
    done = CliRunner().invoke(voices_command, ["--language", "en", "--voice", "x*"])
    assert "no such voice: espeak, piper" in done.output


def test_where_no_engine_speaks_no_language_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    spoken_by(monkeypatch, espeak=[])
    check_language("xq")
    done = CliRunner().invoke(voices_command, ["--language", "xq", "--json"])
    assert [report["voices"] for report in json.loads(done.output)] == [[]]


def test_the_command_prints_text_and_json(tmp_path: Path) -> None:
    runner = CliRunner()
    text = runner.invoke(voices_command, ["--engine", "espeak", "--language", "pt"]).output
    assert text.splitlines() == [
        "espeak: 2 voices, each with 104 variants (ID+NAME), and made-up speakers (ID+#NUMBER)",
        "  controls: accent emphasis pauses phoneme_times pitch pitch_range rate unsteady volume "
        "word_times",
        "  ID         LANGUAGE  SEX",
        "  roa/pt     pt        male",
        "  roa/pt-BR  pt-br     male",
        "",
        "in all: 2 voices",
    ]
    options = ["--engine", "espeak", "--language", "de", "--json"]
    (report,) = json.loads(runner.invoke(voices_command, options).output)
    assert [voice["id"] for voice in report["voices"]] == ["gmw/de"]
    options = ["--engine", "espeak", "--voice", "gmw/en", "--say", "hi", "--out", str(tmp_path)]
    assert runner.invoke(voices_command, options).output.strip().endswith("espeak-gmw-en.wav")
    alone = runner.invoke(voices_command, ["--say", "hi"])
    assert alone.exit_code == 2
    assert "belong together" in alone.output


def test_long_lists_are_cut_unless_all_is_asked_for() -> None:
    def lines(*options: str) -> list[str]:
        return (
            CliRunner().invoke(voices_command, ["--engine", "espeak", *options]).output.split("\n")
        )

    count = int(lines()[0].split()[1])
    cut, whole = lines(), lines("--all")
    assert f"  and {count - 11} more: narrow with --language, or see --all" in cut
    assert len(cut) == 3 + 12 + 3
    assert len(whole) == 3 + count + 3
    languages = [line.split()[1] for line in whole[3:-3]]
    assert languages == sorted(languages)
    assert lines("--voice", "tlh") == ["no such voice: espeak", "in all: 0 voices", ""]


def test_controls_that_only_some_have_stand_beside_them(monkeypatch: pytest.MonkeyPatch) -> None:
    some = [
        Voice(id="b-10", language="en", controls=frozenset(("rate",))),
        Voice(id="b-9", language="en", sex="female", controls=frozenset(("rate", "pitch"))),
    ]
    report = voices.EngineReport(
        engine="two", missing="", deterministic=False, procedural=False, voices=tuple(some)
    )
    monkeypatch.setattr(voices, "list_voices", lambda *asked: [report])
    assert CliRunner().invoke(voices_command).output.splitlines() == [
        "two: 2 voices, not the same every time",
        "  controls: rate",
        "  ID    LANGUAGE  SEX     ALSO",
        "  b-9   en        female  pitch",
        "  b-10  en",
        "",
        "in all: 2 voices",
    ]


def test_a_missing_engine_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    (report,) = voices.list_voices(["flite"])
    assert "apt-get install flite" in report.missing
    assert report.voices == ()
