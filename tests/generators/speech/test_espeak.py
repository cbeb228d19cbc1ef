"""espeak-ng through ctypes: times, voices, speakers, and no trace between utterances."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import struct
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from seedbed.errors import InputError, SeedbedError
from seedbed.generators.speech.engines import build_engine, open_engine
from seedbed.generators.speech.engines import espeak_library as espeak_library_module
from seedbed.generators.speech.engines.base import (
    Engine,
    EngineFailure,
    Prosody,
    Utterance,
    speech_bounds,
    speech_seconds,
)
from seedbed.generators.speech.engines.espeak import (
    EspeakEngine,
    pitch_step,
    rate_wpm,
    speak_with_espeak,
    variant_text,
)
from seedbed.generators.speech.engines.espeak_library import (
    EVENT_PHONEME,
    LibraryFiles,
    PrivateData,
    RawEvent,
    dictionary_name,
    espeak_library,
    find_espeak,
    leaves_mark,
    without_words,
)
from seedbed.generators.speech.speaker import accent_facts, speaker_shape, steady_variant

US = "gmw/en-US"
DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


@pytest.fixture(scope="module")
def engine() -> EspeakEngine:
    found = open_engine("espeak")
    assert isinstance(found, EspeakEngine)
    return found


def digest(utterance: Utterance) -> str:
    return hashlib.sha256(utterance.sound.tobytes()).hexdigest()


def jobs() -> list[tuple[str, str, Prosody]]:
    """Texts through steady and unsteady, stock, procedural and accented voices."""
    found = []
    for index, voice in enumerate(
        (US, f"{US}+f3", f"{US}+klatt4", f"{US}+whisper", f"{US}+Reed", f"{US}+#3", "gmw/en+#4")
    ):
        unsteady = index % 2 == 1
        found.append(("seven", voice, Prosody(rate=0.8 + 0.1 * index, unsteady=unsteady)))
        found.append(("hello there", voice, Prosody(pitch_semitones=index - 3.0)))
    found.append(("nine", "gmw/de+#5", Prosody(accent="de")))
    found.append(("three", "zle/ru+#10623", Prosody(accent="ru")))
    found.append(("zero", "gmw/en-GB-scotland+#17327", Prosody()))
    found.append(("tres perros", "roa/es", Prosody()))
    found.append(("nine", f"{US}+f2", Prosody(emphasis="strong", unsteady=True)))
    return found


def speak_all(engine: Engine, chosen: list[tuple[str, str, Prosody]]) -> dict[str, str]:
    return {repr(job): digest(engine.speak(job[0], job[1], job[2])) for job in chosen}


def test_same_samples_in_another_order_and_alone(engine: EspeakEngine) -> None:
    chosen = jobs()
    forwards = speak_all(engine, chosen)
    backwards = speak_all(engine, chosen[::-1])
    assert forwards == backwards
    assert speak_all(engine, chosen[::2] + chosen[1::2]) == forwards
    espeak_library().reload()
    alone = chosen[5]
    assert forwards[repr(alone)] == speak_all(engine, [alone])[repr(alone)]


def test_same_samples_in_another_process(engine: EspeakEngine) -> None:
    script = (
        "import hashlib, json\n"
        "from seedbed.generators.speech.engines import open_engine\n"
        "from seedbed.generators.speech.engines.base import Prosody\n"
        "engine = open_engine('espeak')\n"
        f"jobs = [{', '.join(repr(job) for job in jobs()[::-1])}]\n"
        "print(json.dumps({repr(job): hashlib.sha256(engine.speak(*job).sound.tobytes())"
        ".hexdigest() for job in jobs}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert json.loads(done.stdout) == speak_all(engine, jobs())


def test_stock_variants_keep_a_state_that_steady_ones_lose(engine: EspeakEngine) -> None:
    # The library's own variant, spoken twice without a fresh load, differs: this is the trap.
    library = espeak_library()
    library.reload()
    library.set_voice(US, variant_text("m1", unsteady=True))
    assert library.synthesise("seven", 0)[0] != library.synthesise("seven", 0)[0]
    library.set_voice(US, variant_text("m1", unsteady=False))
    assert library.synthesise("seven", 0)[0] == library.synthesise("seven", 0)[0]
    # An echo, too, outlives its utterance, until the voice is set again.
    library.set_voice(US, variant_text("f3", unsteady=False))
    first = library.synthesise("seven", 0)[0]
    assert library.synthesise("seven", 0)[0] != first
    library.set_voice(US, variant_text("f3", unsteady=False))
    assert library.synthesise("seven", 0)[0] == first


def test_what_leaves_a_trace_is_said_by_a_copy_of_its_own(engine: EspeakEngine) -> None:
    engine.speak("seven", US, Prosody())
    library, handle = espeak_library(), espeak_library()._library
    other = espeak_library(stateless=False)
    assert other._library._name != library._library._name
    assert other.lock is library.lock
    for voice, prosody in ((US, Prosody(unsteady=True)), ("roa/es", Prosody())):
        before = other._library
        engine.speak("seven", voice, prosody)
        assert other._library is not before, "it is loaded afresh"
    engine.speak("nine", "gmw/de", Prosody(accent="de"))
    engine.speak("seven", US, Prosody())
    assert espeak_library() is library
    assert library._library is handle, "the other one never is"


def test_a_final_fricative_does_not_change_the_next_utterance(engine: EspeakEngine) -> None:
    # "five" leaves a mark that lengthens the start of "nine" by 64 samples.
    library = espeak_library()
    library.reload()
    library.set_voice(US, variant_text("#2648", unsteady=False))
    alone = library.synthesise("one", 0)[0]
    library.synthesise("five", 0)
    assert library.synthesise("one", 0)[0] != alone
    chosen = [
        (text, f"{US}+#{number}", Prosody(rate=1.2))
        for number in (2648, 3623, 8978, 8066)
        for text in ("nine", "one", "zero", "eight")
    ]
    expected = speak_all(engine, chosen)
    for job in chosen:
        engine.speak("five", f"{US}+#1699", Prosody())
        assert speak_all(engine, [job])[repr(job)] == expected[repr(job)]


def test_what_a_klatt_voice_or_markup_leaves_does_not_reach_the_next(engine: EspeakEngine) -> None:
    # Neither an emphasis nor a Klatt voice may be heard in what is said afterwards; only a last
    # sound with a recorded noise asks for the costly reset.
    chosen = [
        ("zero", f"{US}+#13273", Prosody(rate=0.62, emphasis="moderate")),
        ("queen free! sister!", f"{US}+#13718", Prosody(rate=1.6, emphasis="strong")),
        ("feel? fly? sign?", f"{US}+#11732", Prosody()),
    ]
    expected = {}
    for job in chosen:
        espeak_library().reload()
        expected |= speak_all(engine, [job])
    before = [
        ("four", f"{US}+#7642", Prosody(rate=0.56, emphasis="strong")),
        ("six", f"{US}+klatt2", Prosody()),
        ("red", US, Prosody()),
        ("seven", US, Prosody()),
    ]
    for first in before:
        for job in chosen:
            engine.speak(*first)
            assert speak_all(engine, [job])[repr(job)] == expected[repr(job)]


def test_which_last_sounds_leave_a_mark() -> None:
    def ended(*phonemes: str) -> bool:
        return leaves_mark([RawEvent(EVENT_PHONEME, 0, 0, 0, one) for one in phonemes])

    assert ended("f", "\u02c8a\u026a", "v")
    assert ended("ɹ", "d", "_:")
    assert not ended("s", "ɛ", "v", "ə", "n", "_:", "")
    assert not ended("θ", "ɹ", "\u02c8i\u02d0")
    assert ended()


def test_breath_does_not_follow_the_clock(engine: EspeakEngine) -> None:
    # The library seeds its noise with the second it was started in.
    def whisper() -> str:
        return digest(engine.speak("seven", f"{US}+whisper", Prosody(unsteady=True)))

    before = whisper()
    began = int(time.time())
    while int(time.time()) == began:
        time.sleep(0.01)
    assert whisper() == before


def test_a_forked_child_has_its_own_folder_and_says_the_same(engine: EspeakEngine) -> None:
    expected = digest(engine.speak("seven", f"{US}+#9", Prosody(unsteady=True)))
    script = (
        "import hashlib, multiprocessing\n"
        "from seedbed.generators.speech.engines import open_engine\n"
        "from seedbed.generators.speech.engines.base import Prosody\n"
        "from seedbed.generators.speech.engines.espeak_library import espeak_library\n"
        "def say(_):\n"
        "    sound = open_engine('espeak').speak('seven', 'gmw/en-US+#9',"
        " Prosody(unsteady=True)).sound\n"
        "    return (hashlib.sha256(sound.tobytes()).hexdigest(),"
        " str(espeak_library().private.path))\n"
        "here = say(0)\n"
        "with multiprocessing.get_context('fork').Pool(1) as pool:\n"
        "    there = pool.map(say, [0])[0]\n"
        "    pool.close(); pool.join()\n"
        "print(here[0], there[0], here[1], there[1])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    here, there, own_folder, child_folder = done.stdout.split()
    assert here == there == expected
    assert own_folder != child_folder
    assert not Path(own_folder).exists()
    assert not Path(child_folder).exists()


def test_word_times_begin_within_20_ms_of_the_sound(engine: EspeakEngine) -> None:
    # The first sound of these is not a stop, whose closure is silent by nature.
    for text in ("zero", "one", "five", "six", "seven", "nine"):
        said = engine.speak(text, f"{US}+m3", Prosody())
        bounds = speech_bounds(said.sound, said.sample_rate)
        assert bounds is not None
        (word,) = said.words
        assert word.text == text
        assert abs(word.start - bounds[0] / said.sample_rate) <= 0.020
        assert abs(word.end - bounds[1] / said.sample_rate) <= 0.060


def test_word_places_and_order_in_a_sentence(engine: EspeakEngine) -> None:
    text = "Say seven, it's 12,5 now!"
    for prosody in (Prosody(), Prosody(emphasis="strong", emphasis_span=(4, 9))):
        words = engine.speak(text, US, prosody).words
        assert [word.text for word in words] == ["Say", "seven", "it's", "12,5", "now"]
        assert all(text[w.char_start : w.char_end] == w.text for w in words)
        assert all(w.start < w.end for w in words)
        assert all(a.end <= b.start + 1e-9 for a, b in pairwise(words))


def test_phonemes_are_ipa_in_order(engine: EspeakEngine) -> None:
    said = engine.speak("seven", US, Prosody())
    assert [p.text.strip("\u02c8") for p in said.phonemes] == ["s", "ɛ", "v", "ə", "n"]
    assert all(a.end == b.start for a, b in pairwise(said.phonemes))
    assert said.phonemes[-1].end <= said.seconds


def test_markup_in_a_text_is_said_and_not_obeyed(engine: EspeakEngine) -> None:
    marked = engine.speak("a < b & c", US, Prosody(emphasis="moderate"))
    assert marked.seconds > 0.5


def test_rate_shortens_and_pitch_raises(engine: EspeakEngine) -> None:
    slow, fast = (speech_seconds(engine.speak("seven", US, Prosody(rate=r))) for r in (0.7, 1.4))
    assert slow > 1.3 * fast

    def fundamental_hz(semitones: float) -> float:
        # The strongest repeat of the vowel between 60 and 400 Hz, by autocorrelation.
        said = engine.speak("aah", US, Prosody(pitch_semitones=semitones, pitch_range=0.0))
        part = said.sound[len(said.sound) // 4 : len(said.sound) // 4 + 2205].astype(np.float64)
        repeats = np.correlate(part, part, "full")[len(part) - 1 :]
        shortest, longest = said.sample_rate // 400, said.sample_rate // 60
        return said.sample_rate / (shortest + int(np.argmax(repeats[shortest:longest])))

    assert fundamental_hz(6) / fundamental_hz(0) == pytest.approx(2**0.5, rel=0.1)


def test_pauses_lengthen_a_sentence(engine: EspeakEngine) -> None:
    plain, spread = (
        speech_seconds(engine.speak("one two three", US, Prosody(pause_ms=ms))) for ms in (0, 200)
    )
    # Two gaps of 200 ms.
    assert spread - plain == pytest.approx(0.4, abs=0.15)


def test_realised_values_are_in_steps_and_within_limits(engine: EspeakEngine) -> None:
    realised = engine.speak("one", US, Prosody(rate=9.0, pitch_semitones=-40.0)).realised
    assert realised["rate"] == pytest.approx(450 / 175)
    assert realised["pitch_semitones"] == pytest.approx(-12.0)
    assert rate_wpm(1.0) == 175
    assert pitch_step(0.0) == 50


def test_unknown_voice_variant_and_accent_are_refused(engine: EspeakEngine) -> None:
    with pytest.raises(InputError, match="did you mean 'gmw/en-US'"):
        engine.speak("one", "gmw/en-UZ", Prosody())
    with pytest.raises(InputError, match="no voice variant 'f33'"):
        engine.speak("one", f"{US}+f33", Prosody())
    with pytest.raises(InputError, match="there is no accent 'dee'"):
        engine.speak("one", "gmw/de", Prosody(accent="dee"))
    with pytest.raises(InputError, match="no speech engine named 'espeek', did you mean"):
        build_engine("espeek")
    with pytest.raises(InputError, match="speech engine espeak: ratee"):
        build_engine("espeak", {"ratee": 3})


def test_every_listed_voice_has_its_dictionary_and_fits_the_library(engine: EspeakEngine) -> None:
    base = engine.base_voices()
    ids = [voice.id for voice in base]
    assert {"gmw/en-US", "gmw/en", "gmw/de", "roa/fr"} <= set(ids)
    assert "gmq/fo" not in ids, "its dictionary is not shipped: it is silent"
    assert len(list(espeak_library().list_voices())) < 350
    assert len(engine.voices()) > 90 * len(base)
    assert next(v for v in engine.voices() if v.id == f"{US}+f3").sex == "female"


def test_every_accent_says_every_sound_of_the_digits(engine: EspeakEngine) -> None:
    # A phoneme the language lacks would end the word early.
    for accent, facts in accent_facts()["accents"].items():
        for digit in DIGITS:
            said = engine.speak(digit, facts["voice"], Prosody(accent=accent))
            own = engine.speak(digit, US, Prosody())
            assert len(said.phonemes) >= len(own.phonemes) - 1, (accent, digit)
            assert len(said.words) == 1
    german = engine.speak("three", "gmw/de", Prosody(accent="de"))
    assert german.phonemes[0].text == "s"


def test_speakers_differ_and_are_the_same_by_number() -> None:
    assert speaker_shape(7) == speaker_shape(7)
    texts = {speaker_shape(number).variant_text(unsteady=False) for number in range(500)}
    assert len(texts) == 500
    for number in range(200):
        shape = speaker_shape(number)
        low, high = shape.pitch_hz
        assert 55 <= low < high <= 440
        if shape.sex == "male":
            assert (low * high) ** 0.5 <= 166
        if shape.sex == "female":
            assert (low * high) ** 0.5 >= 154


def test_steady_variants_keep_everything_else() -> None:
    text = "language variant\nname x\npitch 80 110\nflutter 5\nbreath 1 2\nroughness 4\n"
    assert steady_variant(text) == (
        "language variant\nname x\npitch 80 110\nflutter 0\nroughness 0\n"
    )


def test_check_finds_an_engine_that_ignores_the_rate(engine: EspeakEngine) -> None:
    class Deaf(EspeakEngine):
        def speak(self, text: str, voice: str, prosody: Prosody) -> Utterance:
            return super().speak(text, voice, Prosody())

    engine.check()
    with pytest.raises(EngineFailure, match="ignores the rate"):
        Deaf().check()


def test_available_where_the_package_is() -> None:
    assert open_engine("espeak").available() == ""
    assert open_engine("espeak") is open_engine("espeak")
    assert os.getpid() == espeak_library().process_id


@pytest.mark.parametrize("unsteady", [False, True])
def test_a_private_folder_that_was_cleaned_away_is_made_again(unsteady: bool) -> None:
    prosody = Prosody(unsteady=unsteady)
    before = speak_with_espeak("seven", "gmw/en-US+#12", prosody)
    library = espeak_library(stateless=not unsteady)
    shutil.rmtree(library.private.path)
    after = speak_with_espeak("seven", "gmw/en-US+#12", prosody)
    assert np.array_equal(before.sound, after.sound)
    assert library.private.is_there()


def test_more_voices_than_espeak_takes_are_refused(tmp_path: Path) -> None:
    (tmp_path / "lang").mkdir()
    for number in range(348):
        (tmp_path / "lang" / f"v{number}").touch()
    assert PrivateData(tmp_path).folder().is_dir()
    (tmp_path / "lang" / "one-more").touch()
    with pytest.raises(SeedbedError, match="holds 349 voices, and espeak-ng falls silent from 350"):
        PrivateData(tmp_path).folder()


def test_the_systems_espeak_serves_where_the_package_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A copy of the package's own library stands for the system's.
    packaged = find_espeak()
    assert packaged is not None
    library = shutil.copyfile(packaged.library, tmp_path / "libespeak-ng.so.1")
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    monkeypatch.setenv("ESPEAK_DATA_PATH", str(packaged.data))
    monkeypatch.setattr(espeak_library_module, "find_library", lambda name: str(library))
    assert find_espeak.__wrapped__() == LibraryFiles(str(library), packaged.data)
    monkeypatch.setattr(espeak_library_module, "find_library", lambda name: None)
    assert find_espeak.__wrapped__() is None


def test_the_dictionary_of_a_voice() -> None:
    assert dictionary_name("name English (Caribbean)\nlanguage en-029\nlanguage en 10\n") == "en"
    assert dictionary_name("language zh-yue\ndictionary yue\n") == "yue"
    # What follows the rules' switches is not read.
    assert dictionary_name("language da\ndictrules 1\ndictionary xx\n") == "da"


def test_a_dictionary_without_words_keeps_its_rules() -> None:
    # Two lists, of one word of three bytes and of none; then the rules.
    whole = struct.pack("<ii", 2, 13) + b"\x03ab\0" + b"\0" + b"rules"
    assert without_words(whole) == struct.pack("<ii", 2, 10) + b"\0\0" + b"rules"


@pytest.mark.parametrize("accent", ["ru", "sv", "us", "gb"])
def test_an_accent_needs_no_words_of_its_dictionary(
    engine: EspeakEngine, accent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = accent_facts()["accents"]
    accent = accent if accent in facts else next(a for a in facts if facts[a].get("native"))
    chosen = [
        (
            word,
            f"{facts[accent]['voice']}+#{index}",
            Prosody(accent=accent, unsteady=index % 2 == 1),
        )
        for index, word in enumerate(("seven", "nine thousand", "well, three", "zero"))
    ]
    without = speak_all(engine, chosen)
    monkeypatch.setattr(PrivateData, "accents_folder", PrivateData.spoken_folder)
    assert speak_all(engine, chosen) == without
