"""The list of voices and their samples."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import soundfile
from click.testing import CliRunner

from seedbed.errors import InputError
from seedbed.generators.speech import voices
from seedbed.generators.speech.engines import ENGINES
from seedbed.generators.speech.voices import list_voices, say
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


def test_the_command_prints_text_and_json(tmp_path: Path) -> None:
    runner = CliRunner()
    text = runner.invoke(voices_command, ["--engine", "espeak", "--language", "pt"]).output
    assert "espeak: 2 voices, each with" in text
    assert "roa/pt-BR" in text
    assert "pitch_range" in text
    options = ["--engine", "espeak", "--language", "de", "--json"]
    (report,) = json.loads(runner.invoke(voices_command, options).output)
    assert [voice["id"] for voice in report["voices"]] == ["gmw/de"]
    options = ["--engine", "espeak", "--voice", "gmw/en", "--say", "hi", "--out", str(tmp_path)]
    assert runner.invoke(voices_command, options).output.strip().endswith("espeak-gmw-en.wav")
    alone = runner.invoke(voices_command, ["--say", "hi"])
    assert alone.exit_code == 2
    assert "belong together" in alone.output


def test_a_missing_engine_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    (report,) = voices.list_voices(["flite"])
    assert "apt-get install flite" in report.missing
    assert report.voices == ()
