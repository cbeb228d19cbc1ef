"""Engines that are programs: argument lists, texts that look like options, time limits."""

from __future__ import annotations

import json
import shutil
import stat
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from seedbed.builder import build
from seedbed.errors import InputError, MissingExtra
from seedbed.generators.speech.engines import build_engine, engine_class
from seedbed.generators.speech.engines.base import Engine, EngineFailure, Prosody
from seedbed.generators.speech.engines.command import CommandEngine
from seedbed.generators.speech.engines.festival import FestivalEngine
from seedbed.generators.speech.engines.flite import FliteEngine, parse_phones
from seedbed.generators.speech.engines.piper import (
    PiperEngine,
    read_config,
    stray_draws,
    with_noise_input,
)
from seedbed.generators.speech_clip import SpeechClip
from seedbed.recipe import parse_recipe

RECORDER = f"""#!{sys.executable}
import json, sys, struct, wave
arguments = sys.argv[1:]
if arguments == ["-lv"]:
    print("Voices available: kal awb_time kal16 awb rms slt")
    sys.exit()
if "--batch" in arguments:
    print("(kal_diphone cmu_us_slt_cg my_own_voice)")
    sys.exit()
heard = sys.stdin.read()
if "--fail" in arguments:
    sys.exit("the synthesiser is out of breath")
if "--hang" in arguments:
    import time
    time.sleep(30)
target = arguments[arguments.index("-o") + 1] if "-o" in arguments else "/dev/stdout"
target = next((a.partition("=")[2] for a in arguments if a.startswith("--wav=")), target)
with open(r"LOG", "w") as log:
    json.dump([arguments, heard], log)
rate = 8000
wanted = [a for a in arguments if "duration_stretch=" in a or "Duration_Stretch" in a]
stretch = float(wanted[0].rstrip(")").replace("=", " ").split()[-1]) if wanted else 1.0
count = int(4000 * stretch)
frames = struct.pack("<%dh" % count, *[8000 if i // 20 % 2 else -8000 for i in range(count)])
import io
body = io.BytesIO()
with wave.open(body, "wb") as file:
    file.setnchannels(1); file.setsampwidth(2); file.setframerate(rate)
    file.writeframes(frames)
if "-psdur" in arguments:
    print("pau:0.100 s:0.200 eh:0.350 pau:0.500")
if target == "/dev/stdout":
    sys.stdout.buffer.write(body.getvalue())
else:
    open(target, "wb").write(body.getvalue())
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "speaks it"
    path.write_text(RECORDER.replace("LOG", str(tmp_path / "log.json")))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def heard(program: Path) -> tuple[list[str], str]:
    arguments, stdin = json.loads((program.parent / "log.json").read_text())
    return arguments, stdin


NASTY = "-o /tmp/x; $(touch y) {voice} --"


def test_command_passes_a_text_as_one_argument(program: Path) -> None:
    engine = build_engine(
        "command", {"arguments": [str(program), "-o", "{out}", "--voice={voice}", "--", "{text}"]}
    )
    said = engine.speak(NASTY, "default", Prosody())
    arguments, stdin = heard(program)
    assert arguments[2:] == ["--voice=default", "--", NASTY]
    assert stdin == ""
    assert said.sample_rate == 8000
    assert len(said.sound) == 4000
    assert said.sound.dtype == np.float32


def test_command_passes_a_text_on_stdin_and_reads_stdout(program: Path) -> None:
    engine = build_engine("command", {"arguments": [str(program), "--rate={rate}"]})
    said = engine.speak(NASTY, "default", Prosody(rate=1.25))
    arguments, stdin = heard(program)
    assert stdin == NASTY
    assert arguments == ["--rate=1.25"]
    assert len(said.sound) == 4000
    assert said.requested == {"rate": 1.25}
    assert said.realised == {}, "nobody knows what the program made of it"


def test_command_fills_the_file_name_inside_an_argument(program: Path) -> None:
    engine = build_engine("command", {"arguments": [str(program), "--wav={out}"]})
    said = engine.speak("{out}", "default", Prosody())
    (argument,), stdin = heard(program)
    assert argument.startswith("--wav=")
    assert argument.endswith(".wav")
    assert "{" not in argument
    assert stdin == "{out}", "braces in a text stay braces"
    assert len(said.sound) == 4000


@pytest.mark.parametrize("argument", ["{text}", "{text}.", "{text}{voice}"])
def test_command_refuses_a_text_that_could_be_an_option(program: Path, argument: str) -> None:
    with pytest.raises(InputError, match="would be taken for an option"):
        build_engine("command", {"arguments": [str(program), argument]})


def test_command_takes_a_text_that_an_option_asks_for(program: Path) -> None:
    allowed = build_engine(
        "command",
        {"arguments": [str(program), "-t", "{text}"], "text_option": "takes next argument"},
    )
    allowed.speak("-dash", "default", Prosody())
    assert heard(program)[0] == ["-t", "-dash"]
    with pytest.raises(InputError, match="may not be a placeholder"):
        build_engine("command", {"arguments": ["{text}"]})


def test_command_names_failures(program: Path, tmp_path: Path) -> None:
    failing = build_engine("command", {"arguments": [str(program), "--fail"]})
    with pytest.raises(EngineFailure, match="out of breath"):
        failing.speak("one", "default", Prosody())
    slow = build_engine("command", {"arguments": [str(program), "--hang"], "timeout_s": 0.5})
    with pytest.raises(EngineFailure, match=r"longer than 0\.5 s"):
        slow.speak("one", "default", Prosody())
    missing = build_engine("command", {"arguments": [str(tmp_path / "nothing")]})
    assert "was not found" in missing.available()
    with pytest.raises(EngineFailure, match="was not found"):
        missing.speak("one", "default", Prosody())
    silent = build_engine("command", {"arguments": [sys.executable, "-c", "print('no sound')"]})
    with pytest.raises(EngineFailure, match="no sound file"):
        silent.speak("one", "default", Prosody())
    fileless = build_engine("command", {"arguments": [sys.executable, "-c", "pass", "{out}"]})
    with pytest.raises(EngineFailure, match="wrote no file"):
        fileless.speak("one", "default", Prosody())


def test_command_voices_and_controls_follow_the_recipe(program: Path) -> None:
    engine = build_engine(
        "command",
        {
            "arguments": [str(program), "{voice}"],
            "voice_names": ["ann", "bob"],
            "sexes": ["female"],
            "language": "de-AT",
        },
    )
    ann, bob = engine.voices()
    assert (ann.id, ann.sex, ann.language, ann.controls) == ("ann", "female", "de-at", frozenset())
    assert bob.sex == ""
    with pytest.raises(InputError, match="did you mean 'bob'"):
        engine.speak("one", "bop", Prosody())
    assert not CommandEngine.deterministic


def test_flite_arguments_voices_and_phones(program: Path) -> None:
    engine = build_engine("flite", {"program": str(program)})
    assert [(v.id, v.sex) for v in engine.voices()] == [
        ("awb", "male"), ("kal16", "male"), ("rms", "male"), ("slt", "female"),
    ]  # fmt: skip
    rms = next(v for v in engine.voices() if v.id == "rms")
    assert "pitch" not in rms.controls, "rms ignores it"
    said = engine.speak("-minus", "slt", Prosody(rate=0.5, pitch_semitones=12.0))
    arguments, _ = heard(program)
    assert arguments[arguments.index("-t") + 1] == "-minus"
    assert "duration_stretch=2.0000" in arguments
    assert "int_f0_target_mean=340" in arguments
    assert len(said.sound) == 8000
    assert [(p.text, p.start, p.end) for p in said.phonemes] == [
        ("s", 0.1, 0.2),
        ("eh", 0.2, 0.35),
    ]
    assert (said.words[0].text, said.words[0].start, said.words[0].end) == ("-minus", 0.1, 0.35)
    assert said.requested == pytest.approx({"rate": 0.5, "pitch_semitones": 12.0})
    assert said.realised == {}
    with pytest.raises(InputError, match="flite has no voice 'salt', did you mean 'slt'"):
        engine.speak("one", "salt", Prosody())
    engine.check()


def test_flite_phone_lines() -> None:
    assert parse_phones("no numbers here\n") == ()
    assert [p.text for p in parse_phones("pau:0.2 t:0.3 uw:0.5 \n")] == ["t", "uw"]


def test_festival_takes_the_text_on_stdin(program: Path) -> None:
    engine = build_engine("festival", {"program": str(program), "lister": str(program)})
    assert [(v.id, v.language, v.sex) for v in engine.voices()] == [
        ("cmu_us_slt_cg", "en-us", "female"),
        ("kal_diphone", "en-us", "male"),
        ("my_own_voice", "en", ""),
    ]
    said = engine.speak(NASTY, "kal_diphone", Prosody(rate=2.0))
    arguments, stdin = heard(program)
    assert stdin == NASTY
    assert arguments[2:] == [
        "-eval", "(voice_kal_diphone)", "-eval", "(Parameter.set 'Duration_Stretch 0.5000)",
    ]  # fmt: skip
    assert len(said.sound) == 2000
    with pytest.raises(InputError, match="festival has no voice"):
        engine.speak("one", "kal) (system 'x'", Prosody())


@pytest.mark.parametrize("name", ["flite", "festival"])
def test_missing_programs_name_their_install_line(name: str) -> None:
    options = {"program": "no-such-program-here"}
    assert f"apt-get install {name}" in build_engine(name, options).available()


@pytest.mark.parametrize("name", ["piper", "hibari"])
def test_missing_packages_name_their_install_line(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = sys.modules[engine_class(name).__module__]
    monkeypatch.setattr(module, "find_spec", lambda package: None)
    assert f"pip install 'seedbed[{name}]'" in build_engine(name).available()


def test_piper_voices_are_read_from_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for stem, speakers in (("en_US-joe-medium", {}), ("de_DE-two-low", {"ann": 0, "bob": 1})):
        (tmp_path / f"{stem}.onnx").write_bytes(b"")
        config = {
            "espeak": {"voice": "en-us"},
            "language": {"code": stem.partition("-")[0]},
            "num_speakers": max(1, len(speakers)),
            "speaker_id_map": speakers,
        }
        (tmp_path / f"{stem}.onnx.json").write_text(json.dumps(config))
    engine = build_engine("piper", {"voices_folder": str(tmp_path)})
    assert [(v.id, v.language) for v in engine.voices()] == [
        ("de_DE-two-low#ann", "de-de"),
        ("de_DE-two-low#bob", "de-de"),
        ("en_US-joe-medium", "en-us"),
    ]
    with pytest.raises(InputError, match="did you mean 'de_DE-two-low#bob'"):
        engine.speak("eins", "de_DE-two-low#bop", Prosody())
    (tmp_path / "broken.onnx").write_bytes(b"")
    with pytest.raises(InputError, match=r"broken\.onnx\.json cannot be read"):
        read_config(tmp_path / "broken.onnx")
    with pytest.raises(InputError, match="is not a folder"):
        build_engine("piper", {"voices_folder": str(tmp_path / "none")}).voices()
    monkeypatch.setitem(sys.modules, "piper", None)
    with pytest.raises(MissingExtra, match="piper-tts"):
        engine.speak("one", "en_US-joe-medium", Prosody())


def test_pipers_noise_comes_from_outside_its_network(tmp_path: Path) -> None:
    """A stand-in that draws noise like its input, here (1, 2, 3), and adds it.

    With the draw made an input, the output is that input's first two channels and three frames.
    """
    onnx = pytest.importorskip("onnx")
    import onnxruntime

    helper, types = onnx.helper, onnx.TensorProto
    graph = helper.make_graph(
        [
            helper.make_node("RandomNormalLike", ["x"], ["noise"], dtype=types.FLOAT),
            helper.make_node("Add", ["x", "noise"], ["y"]),
        ],
        "voice",
        [helper.make_tensor_value_info("x", types.FLOAT, [1, "c", "n"])],
        [helper.make_tensor_value_info("y", types.FLOAT, [1, "c", "n"])],
    )
    opset = [helper.make_opsetid("", 15)]
    path = tmp_path / "voice.onnx"
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), str(path))
    content, name = with_noise_input(path)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    noise = np.arange(20, dtype=np.float32).reshape(1, 4, 5)
    (said,) = session.run(None, {"x": np.zeros((1, 2, 3), np.float32), name: noise})
    np.testing.assert_array_equal(said, noise[:, :2, :3])
    assert with_noise_input(path)[1] == "seedbed_noise"


@pytest.mark.parametrize("scale", [-0.1, 2.5, [0.8, 0.2], "loud", [0.5]])
def test_pipers_scales_are_ranges_within_0_to_2(scale: object) -> None:
    with pytest.raises(InputError, match="within 0 to 2"):
        build_engine("piper", {"noise_scale": scale})


def network_with(path: Path, *nodes: Any) -> Path:
    """A network of these nodes between x and y, both (1, 2, 3), saved to `path`."""
    onnx = pytest.importorskip("onnx")
    helper, types = onnx.helper, onnx.TensorProto
    graph = helper.make_graph(
        list(nodes),
        "voice",
        [helper.make_tensor_value_info("x", types.FLOAT, [1, 2, 3])],
        [helper.make_tensor_value_info("y", types.FLOAT, [1, 2, 3])],
    )
    onnx.save(helper.make_model(graph), str(path))
    return path


def test_pipers_promise_rests_on_what_the_network_holds(tmp_path: Path) -> None:
    """Only plain draws in the outermost graph are known; each other one ends the promise."""
    onnx = pytest.importorskip("onnx")
    make = onnx.helper.make_node
    inner = onnx.helper.make_graph(
        [make("RandomNormalLike", ["x"], ["z"])],
        "inner",
        [],
        [onnx.helper.make_tensor_value_info("z", onnx.TensorProto.FLOAT, [1, 2, 3])],
    )
    told = {
        name: stray_draws(network_with(tmp_path / f"{name}.onnx", *nodes))
        for name, nodes in {
            "plain": [make("RandomNormalLike", ["x"], ["y"])],
            "none": [make("Identity", ["x"], ["y"])],
            "moved": [make("RandomNormalLike", ["x"], ["y"], mean=1.0)],
            "uniform": [make("RandomUniformLike", ["x"], ["y"])],
            "hidden": [make("If", ["on"], ["y"], then_branch=inner, else_branch=inner)],
        }.items()
    }
    assert told["plain"] == told["none"] == ""
    assert told["moved"] == "draws numbers with RandomNormalLike that no seed reaches"
    assert told["uniform"] == "draws numbers with RandomUniformLike that no seed reaches"
    assert told["hidden"] == told["moved"]
    (tmp_path / "broken.onnx").write_bytes(b"no network")
    assert stray_draws(tmp_path / "broken.onnx").startswith("cannot be looked into (")


def test_the_manifest_says_that_a_piper_voice_promises_nothing(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    drawing = onnx.helper.make_node("RandomUniformLike", ["x"], ["y"])
    network_with(tmp_path / "mine.onnx", drawing)
    config = {"espeak": {"voice": "en-us"}, "language": {"code": "en_US"}}
    (tmp_path / "mine.onnx.json").write_text(json.dumps(config))
    keys = {"weight": 0.5, "voices_folder": str(tmp_path)}
    made = SpeechClip(phrases=["one"], engines={"espeak": 0.5, "piper": keys})
    assert made.notes() == (
        "Engine piper: voice mine draws numbers with RandomUniformLike that no seed reaches: "
        "its clips are not promised to be the same every time.",
    )
    assert stray_draws(tmp_path / "mine.onnx") == stray_draws(tmp_path / "mine.onnx")


def test_a_manifest_says_which_engine_promises_nothing(program: Path, tmp_path: Path) -> None:
    command = {"arguments": [str(program)], "weight": 0.5}
    recipe = parse_recipe(
        {
            "name": "few",
            "seed": 3,
            "generator": {"name": "speech", "phrases": ["one"], "engines": {"command": command}},
            "splits": {"train": 2},
        }
    )
    built = build(recipe, tmp_path / "few", executor="serial")
    (note,) = built.info["notes"]
    assert note.startswith("Engine command draws numbers of its own")
    assert note in (tmp_path / "few" / "README.md").read_text(encoding="utf-8")


def real_engines() -> list[Engine]:
    """Optional engines that this machine has: each must do what the built-in ones do."""
    candidates: list[Engine] = [FliteEngine(), FestivalEngine(), PiperEngine()]
    candidates.append(build_engine("hibari"))
    if shutil.which("flite"):
        arguments = ["flite", "-voice", "rms", "-t", "{text}", "-o", "{out}"]
        options = {"arguments": arguments, "text_option": "takes next argument"}
        candidates.append(build_engine("command", options))
    return [engine for engine in candidates if not engine.available()]


def test_engines_of_this_machine_keep_their_word(tmp_path: Path) -> None:
    for engine in real_engines():
        engine.check(engine.voices())
        voice = engine.voices()[0]
        first = engine.speak("-seven", voice.id, Prosody(rate=1.1, seed=5))
        again = engine.speak("-seven", voice.id, Prosody(rate=1.1, seed=5))
        assert np.array_equal(first.sound, again.sound), engine.name
        assert first.seconds > 0.2
        soundfile.write(tmp_path / f"{engine.name}.wav", first.sound, first.sample_rate)


def test_programs_and_voices_of_the_users_own_have_digests(program: Path, tmp_path: Path) -> None:
    speaking = {
        "command": {"arguments": [str(program)]},
        "flite": {"program": str(program)},
        "festival": {"program": str(program), "lister": "no-such-program-here"},
    }
    before = {name: build_engine(name, keys).file_digests() for name, keys in speaking.items()}
    assert {key for found in before.values() for key in found} == {
        f"engine {name}: program {program}" for name in speaking
    }
    program.write_text(program.read_text() + "# a newer release\n")
    for name, keys in speaking.items():
        (digest,), (changed,) = (
            found.values() for found in (before[name], build_engine(name, keys).file_digests())
        )
        assert digest != changed

    voices = tmp_path / "voices"
    voices.mkdir()
    (voices / "ann.onnx").write_bytes(b"a network")
    (voices / "ann.onnx.json").write_text("{}")
    (voices / "README").write_text("not a voice")
    keys = {"voices_folder": str(voices)}
    first = build_engine("piper", keys).file_digests()
    assert list(first) == [f"engine piper: voices {voices}"]
    (voices / "README").write_text("changed")
    assert build_engine("piper", keys).file_digests() == first
    (voices / "ann.onnx").write_bytes(b"a network, trained on")
    assert build_engine("piper", keys).file_digests() != first
    assert build_engine("piper").file_digests() == {}


def test_a_recipe_has_the_digests_of_the_engines_it_uses(program: Path) -> None:
    command = {"arguments": [str(program)], "weight": 1.0}
    made = SpeechClip(phrases="digits", engines={"espeak": 1.0, "command": command})
    assert list(made.file_digests()) == [f"engine command: program {program}"]
    unused = SpeechClip(
        phrases="digits", engines={"espeak": 1.0, "command": {**command, "weight": 0}}
    )
    assert unused.file_digests() == {}
