"""Noises: their colour, their level under the speech, and where they come from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from augmenter_sounds import RATE, burst, db, two_words
from numpy.typing import NDArray

from seedbed.augmenters import (
    Babble,
    BackgroundNoise,
    Clicks,
    ColouredNoise,
    Gain,
    Hum,
    ImpulseResponse,
    Quantisation,
)
from seedbed.augmenters.babble import BabbleParams, BabbleVoice, _voice
from seedbed.augmenters.sound import power_of, speech_mask
from seedbed.augmenters.sound_noise import coloured_noise, read_window, sound_files
from seedbed.errors import InputError
from seedbed.sample import Clip
from seedbed.streams import stream


def slope_db_per_octave(noise: NDArray[np.float32]) -> float:
    """A line through the power in octaves from 125 to 4000 Hz, per hertz."""
    power = np.abs(np.fft.rfft(noise)) ** 2
    hertz = np.fft.rfftfreq(len(noise), 1 / RATE)
    centres = 125 * 2.0 ** np.arange(6)
    levels = [db(power[(hertz > c / 2**0.5) & (hertz < c * 2**0.5)].mean()) for c in centres]
    return float(np.polyfit(np.arange(6), levels, 1)[0])


@pytest.mark.parametrize(("exponent", "slope"), [(0.0, 0.0), (1.0, -3.01), (2.0, -6.02)])
def test_white_is_level_pink_falls_by_3_and_brown_by_6_db_an_octave(
    exponent: float, slope: float
) -> None:
    noise = coloured_noise(30 * RATE, RATE, exponent, seed=7)
    assert slope_db_per_octave(noise) == pytest.approx(slope, abs=0.3)
    assert np.mean(power_of(noise)) == pytest.approx(1.0, rel=0.25)


def added(clip: Clip, noisy: Clip) -> NDArray[np.float32]:
    return noisy.sound - clip.sound


@pytest.mark.parametrize("snr_db", [-3.0, 10.0, 25.0])
def test_the_ratio_holds_over_the_speech_and_not_over_the_silence(snr_db: float) -> None:
    clip = replace(two_words(), sound=two_words().sound * np.float32(0.2))
    noisy = ColouredNoise(snr_db=(snr_db, snr_db))(clip, stream(1))
    mask = speech_mask(clip)
    # The words last 0.25 s of the second.
    assert mask.sum() == 4000
    ratio = db(power_of(clip.sound[mask]) / power_of(added(clip, noisy)[mask]))
    assert ratio == pytest.approx(snr_db, abs=0.05)
    longer = replace(clip, sound=np.concatenate([clip.sound, np.zeros(3 * RATE, np.float32)]))
    noisy = ColouredNoise(snr_db=(snr_db, snr_db))(longer, stream(1))
    assert db(power_of(clip.sound[mask]) / power_of(added(longer, noisy)[:RATE][mask])) == (
        pytest.approx(snr_db, abs=0.05)
    )


def test_what_nobody_understands_is_labelled_and_counted() -> None:
    drowned = ColouredNoise(snr_db=(-10, -10))(two_words(), stream(1))
    assert drowned.attributes["intelligible"] is False
    assert drowned.counts == {"unintelligible:noise": 1}
    assert ColouredNoise(snr_db=(0, 0))(two_words(), stream(1)).counts == {}


def test_silence_gets_noise_as_under_usual_speech() -> None:
    silence = Clip(sound=np.zeros(RATE, np.float32), sample_rate=RATE)
    noisy = ColouredNoise(snr_db=(20, 20))(silence, stream(1))
    # -26 dBFS, the usual level of speech, less 20.
    assert db(power_of(noisy.sound)) == pytest.approx(-46, abs=0.1)
    assert noisy.counts == {}


def test_hum_is_the_mains_and_its_harmonics() -> None:
    silence = Clip(sound=np.zeros(2 * RATE, np.float32), sample_rate=RATE)
    hum = Hum(mains_hz=(50,), snr_db=(10, 10))(silence, stream(1))
    spectrum = np.abs(np.fft.rfft(hum.sound))
    near = sum(
        (spectrum[round(2 * 50 * n) - 3 : round(2 * 50 * n) + 4] ** 2).sum() for n in range(1, 9)
    )
    assert near > 0.95 * (spectrum**2).sum()


def test_clicks_are_short_and_few() -> None:
    silence = Clip(sound=np.zeros(4 * RATE, np.float32), sample_rate=RATE)
    clicked = Clicks(per_second=(5, 5), level_db=(10, 10))(silence, stream(1))
    # About 20 clicks of at most 12 ms each.
    assert 0 < np.mean(clicked.sound != 0) < 30 * 0.012 / 4
    assert np.abs(clicked.sound).max() > 0.05


@pytest.fixture
def noises(tmp_path: Path) -> Path:
    (tmp_path / "street").mkdir()
    soundfile.write(tmp_path / "street" / "tone.wav", burst(0.5, 440.0, 44100), 44100)
    return tmp_path


def test_a_folder_of_noises_is_resampled_repeated_and_levelled(noises: Path) -> None:
    augmenter = BackgroundNoise(folder=noises, snr_db=(6, 6))
    augmenter.prepare()
    noisy, params = augmenter.augment(two_words(), stream(1))
    assert params["file"] == "street/tone.wav"
    noise = added(two_words(), noisy)
    # 440 Hz at 44,100 Hz is 440 Hz at 16,000 Hz, all through the second.
    assert np.argmax(np.abs(np.fft.rfft(noise))) == pytest.approx(440, abs=2)
    assert power_of(noise[-2000:]) == pytest.approx(power_of(noise), rel=0.1)


def test_a_folder_of_sounds_has_a_digest_that_its_files_change(noises: Path) -> None:
    def digests(augmenter: BackgroundNoise | ImpulseResponse) -> dict[str, str]:
        sound_files.cache_clear()
        return augmenter.file_digests()

    first = digests(BackgroundNoise(folder=noises))
    assert list(first) == [f"sounds {noises}"]
    assert digests(ImpulseResponse(folder=noises)) == first
    tone = noises / "street" / "tone.wav"
    content = bytearray(tone.read_bytes())
    content[len(content) // 2] ^= 1
    tone.write_bytes(content)
    changed = digests(BackgroundNoise(folder=noises))
    tone.rename(noises / "tone.wav")
    moved = digests(BackgroundNoise(folder=noises))
    assert len({*first.values(), *changed.values(), *moved.values()}) == 3


def test_a_window_is_the_part_of_the_file_it_says(tmp_path: Path) -> None:
    ramp = np.linspace(0, 0.9, 16001, dtype=np.float32)
    soundfile.write(tmp_path / "ramp.wav", ramp, RATE, subtype="FLOAT")
    window = read_window(tmp_path / "ramp.wav", 0.5, 1000, RATE)
    # Starts half way through what is left over: frame 7500 of 16001.
    assert window[0] == pytest.approx(0.9 * 7500 / 16000, abs=1e-4)
    assert len(window) == 1000


def test_folders_and_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such folder"):
        BackgroundNoise(folder=tmp_path / "none").prepare()
    (tmp_path / "notes.txt").write_text("no sound")
    with pytest.raises(InputError, match="holds no sound file"):
        BackgroundNoise(folder=tmp_path).prepare()
    other = tmp_path / "broken"
    other.mkdir()
    (other / "bad.wav").write_bytes(b"RIFFnonsense")
    with pytest.raises(InputError, match=r"bad\.wav: cannot be read"):
        BackgroundNoise(folder=other).prepare()
    soundfile.write(other / "bad.wav", np.zeros(0, np.float32), RATE)
    with pytest.raises(InputError, match=r"bad\.wav: is empty"):
        BackgroundNoise(folder=other).prepare()


def test_a_file_with_numbers_that_are_not_finite_is_refused(tmp_path: Path) -> None:
    sound = np.full(2000, np.nan, np.float32)
    soundfile.write(tmp_path / "nan.wav", sound, RATE, subtype="FLOAT")
    with pytest.raises(InputError, match=r"nan\.wav: a sound must be finite"):
        BackgroundNoise(folder=tmp_path)(two_words(), stream(1))


BEEPS = "augmenter_sounds:Beeps"


def test_babble_is_made_of_other_generated_speech() -> None:
    augmenter = Babble(generator=BEEPS, speech={}, bank_size=8, bank_seed=3, snr_db=(5, 5))
    augmenter.prepare()
    clip = two_words()
    params = BabbleParams(5.0, (BabbleVoice(0, 0.0, 0.0), BabbleVoice(1, 0.5, -6.0)))
    noise = added(clip, augmenter.apply(clip, params))
    mask = speech_mask(clip)
    assert db(power_of(clip.sound[mask]) / power_of(noise[mask])) == pytest.approx(5, abs=0.05)
    voices = [_voice(BEEPS, "{}", 3, number)[0] for number in (0, 1)]
    spectrum = np.abs(np.fft.rfft(noise))
    for voice in voices:
        hertz = 2 * int(np.argmax(np.abs(np.fft.rfft(voice))))
        assert spectrum[hertz - 4 : hertz + 5].max() > 0.2 * spectrum.max()


def test_a_voice_of_the_bank_is_never_silent_and_the_same_in_any_order() -> None:
    first = [_voice(BEEPS, "{}", 9, number)[0] for number in range(5)]
    _voice.cache_clear()
    second = [_voice(BEEPS, "{}", 9, number)[0] for number in (4, 2, 0, 3, 1)]
    for sound in first:
        assert power_of(sound) > 0.001
    assert np.array_equal(first[4], second[0])
    assert np.array_equal(first[1], second[4])


def test_babble_depends_on_what_its_generator_does(tmp_path: Path) -> None:
    phrases = tmp_path / "mine.txt"
    phrases.write_text("good morning\n")
    augmenter = Babble(speech={"phrases": str(phrases), "engines": {"espeak": 1.0}})
    assert augmenter.depends_on() == ("espeakng-loader",)
    assert list(augmenter.file_digests()) == [f"phrases {phrases}"]


def test_babble_names_what_its_generator_refuses() -> None:
    with pytest.raises(InputError, match="no generator named 'spech'"):
        Babble(generator="spech").prepare()
    with pytest.raises(InputError, match=r"speech\.louder"):
        Babble(generator=BEEPS, speech={"louder": 1}).prepare()
    with pytest.raises(InputError, match="does not make clips"):
        Babble(generator="seedbed_dots:Dots", speech={}).prepare()
    with pytest.raises(ValueError, match="sample_rate is the clip's own"):
        Babble(speech={"sample_rate": 8000})


def test_every_noise_is_measured_over_the_clean_speech_and_the_sum_is_judged() -> None:
    clean = replace(two_words(), sound=two_words().sound * np.float32(0.05))
    mask = speech_mask(clean)
    clip = clean
    for number in range(3):
        before = clip
        clip = ColouredNoise(snr_db=(-3, -3), exponent=(0, 0))(clip, stream(number))
        ratio = db(power_of(clean.sound[mask]) / power_of((clip.sound - before.sound)[mask]))
        # A gain between noises changes nothing, as it changes speech and noise alike.
        assert ratio == pytest.approx(-3, abs=0.01)
        clip = Gain(gain_db=(6, 6))(Gain(gain_db=(-6, -6))(clip, stream(1)), stream(1))
        # n noises of 3 dB over the speech are 10 log10(n) more.
        assert clip.attributes["snr_db"] == pytest.approx(-3 - db(number + 1), abs=0.01)
        assert clip.attributes.get("intelligible", True) is (number == 0)
    assert clip.counts == {"unintelligible:noise": 1}


def test_a_clip_without_times_is_held_against_its_clean_speech_too() -> None:
    sound = two_words().sound * np.float32(0.1)
    whole = replace(two_words(), sound=sound, words=(), phonemes=(), keyword_span=None)
    clip = ColouredNoise(snr_db=(0, 0), exponent=(0, 0))(whole, stream(1))
    quieter = Gain(gain_db=(-10, -10))(clip, stream(1))
    noisy = ColouredNoise(snr_db=(0, 0), exponent=(0, 0))(quieter, stream(2))
    speech = power_of(sound[speech_mask(two_words())]) / 10
    assert db(speech / power_of(noisy.sound - quieter.sound)) == pytest.approx(0, abs=0.3)


def test_hum_clicks_and_few_steps_are_judged_at_their_worst_and_not_at_their_mildest() -> None:
    quiet = replace(two_words(), sound=two_words().sound * np.float32(0.02))
    loud_click = quiet.sound.copy()
    loud_click[100] = 0.9
    for worst, mild, clip, reason in (
        (Hum(snr_db=(-20, -20)), Hum(snr_db=(40, 40)), quiet, "noise"),
        (Clicks(per_second=(100, 100), level_db=(30, 30)), Clicks(), quiet, "noise"),
        (
            Quantisation(bits=(3, 3)),
            Quantisation(bits=(12, 12)),
            replace(quiet, sound=loud_click),
            "quantisation",
        ),
    ):  # fmt: skip
        lost = worst(clip, stream(3))
        assert lost.attributes["intelligible"] is False
        assert lost.counts == {f"unintelligible:{reason}": 1}
        assert mild(clip, stream(3)).counts == {}
    # Speech that fills its range is understood at three bits.
    assert Quantisation(bits=(3, 3))(two_words(), stream(3)).counts == {}


def test_a_single_click_hides_little_however_loud() -> None:
    quiet = replace(two_words(), sound=two_words().sound * np.float32(0.02))
    params = Clicks(per_second=(1, 1)).draw(quiet, stream(1))
    one = Clicks().apply(quiet, replace(params, count=1, level_db=30.0))
    assert one.counts == {}
