"""Neural engines with their real voices: what each clip may depend on, and what it may not."""

from __future__ import annotations

import multiprocessing
from typing import Any

import pytest

from seedbed.generators.speech import engines
from seedbed.generators.speech.engines import open_engine
from seedbed.generators.speech.engines.base import Prosody, speech_seconds
from seedbed.generators.speech.engines.piper import PiperEngine, stray_draws
from seedbed.generators.speech_clip import SpeechClip
from seedbed.sample import Clip

NOISE = {"noise_scale": [0.4, 0.8], "noise_w_scale": [0.4, 0.8]}
USES: dict[str, dict[str, Any]] = {
    "piper": {"piper": {}},
    "piper with noise": {"piper": NOISE},
    "hibari": {"hibari": {}},
}
INDICES = range(4)


def generator(name: str) -> SpeechClip:
    phrases = ["seven", "nine o'clock, please"]
    return SpeechClip(phrases=phrases, engines=USES[name], accent_share=0.5)


def sounds(clips: list[Clip]) -> list[bytes]:
    return [clip.sound.tobytes() for clip in clips]


@pytest.fixture(scope="module")
def elsewhere() -> dict[str, list[bytes]]:
    """What a spawned process says, last clip first."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return {
            name: sounds(
                pool.starmap(SpeechClip.sample, [(generator(name), 4, i) for i in INDICES[::-1]])
            )[::-1]
            for name in USES
        }


@pytest.mark.parametrize("name", USES)
def test_same_bytes_alone_in_another_order_and_in_another_process(
    name: str, elsewhere: dict[str, list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = generator(name)
    forwards = [made.sample(4, index) for index in INDICES]
    assert len({clip.transcript for clip in forwards}) == 2
    assert {bool(clip.attributes["accent"]) for clip in forwards} == {True, False}
    assert sounds([made.sample(4, index) for index in INDICES[::-1]]) == sounds(forwards[::-1])
    assert elsewhere[name] == sounds(forwards)
    monkeypatch.setattr(engines, "_opened", {})
    assert sounds([generator(name).sample(4, 2)]) == sounds(forwards[2:3])


@pytest.mark.parametrize("name", USES)
def test_the_seed_is_heard_where_numbers_are_drawn(name: str) -> None:
    ((engine_name, options),) = USES[name].items()
    engine = open_engine(engine_name, options)
    voice = engine.voices()[0].id
    first, again, other = (
        engine.speak("seven", voice, Prosody(seed=seed)).sound.tobytes() for seed in (5, 5, 6)
    )
    assert first == again
    assert (first == other) == (name == "piper")


def test_they_promise_it_and_nothing_else_is_in_the_way() -> None:
    (network,) = PiperEngine().folder().glob("*.onnx")
    assert stray_draws(network) == ""
    assert not any(generator(name).notes() for name in USES)
    command = {"command": {"arguments": ["cat"]}}
    (note,) = SpeechClip(phrases=["one"], engines={**USES["piper"], **command}).notes()
    assert note.startswith("Engine command draws numbers of its own")


@pytest.mark.parametrize("name", ["piper", "hibari"])
def test_what_is_asked_is_labelled_as_asked(name: str) -> None:
    """Both networks stretch a text by less than they are told: 1.56 would be all of it."""
    engine = open_engine(name, {})
    voice = engine.voices()[0].id
    slow, fast = (engine.speak("1234", voice, Prosody(rate=rate)) for rate in (0.8, 1.25))
    assert (slow.requested["rate"], fast.requested["rate"]) == (0.8, 1.25)
    assert "rate" not in slow.realised
    assert 1.15 < speech_seconds(slow) / speech_seconds(fast) < 1.56
    clip = SpeechClip(phrases=["one"], engines={name: {}}, rate=(0.7, 0.7)).sample(1)
    assert clip.attributes["requested_rate"] == pytest.approx(0.7)
    assert "rate" not in clip.attributes
