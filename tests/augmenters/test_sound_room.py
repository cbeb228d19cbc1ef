"""Rooms and impulse responses: decay, direct sound, the bank, a user's own files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from augmenter_sounds import RATE, two_words
from numpy.typing import NDArray

from seedbed.augmenters import ImpulseResponse, RoomReverberation
from seedbed.augmenters.sound import power_of, speech_mask
from seedbed.augmenters.sound_room import PRE_FRAMES, Room, room_response
from seedbed.builder import build
from seedbed.errors import InputError
from seedbed.recipe import parse_recipe
from seedbed.sample import Clip
from seedbed.streams import stream

ROOM = Room((6.0, 4.0, 2.8), (1.5, 1.2, 1.4), (4.0, 2.6, 1.1), 0.5, 1.0, 1.0, 11)


def decay_seconds(response: NDArray[np.float32]) -> float:
    """T60 from -5 to -25 dB of the energy still to come (ISO 3382, Schroeder's integral)."""
    energy = np.cumsum((response.astype(np.float64) ** 2)[::-1])[::-1]
    level = 10 * np.log10(energy / energy[0] + 1e-12)
    return float(3 * (np.argmax(level < -25) - np.argmax(level < -5)) / RATE)


@pytest.mark.parametrize("t60_s", [0.25, 0.5, 0.9])
def test_a_room_rings_as_long_as_it_says(t60_s: float) -> None:
    room = replace(ROOM, t60_s=t60_s)
    assert decay_seconds(room_response(room, RATE)) == pytest.approx(t60_s, rel=0.2)


def test_the_walls_take_what_eyring_says() -> None:
    # 67.2 m3 and 104 m2: 0.161 * 67.2 / (-104 * ln(1 - a)) = 0.5 gives a = 0.188.
    assert ROOM.absorption == pytest.approx(0.188, abs=0.001)


def test_the_direct_sound_stands_at_its_frame_and_echoes_follow_geometry() -> None:
    response = room_response(replace(ROOM, t60_s=0.3), 48000)
    assert int(np.argmax(np.abs(response))) == pytest.approx(PRE_FRAMES, abs=1)
    # The floor's echo: the source mirrored to -1.4 m, against 2.88 m for the direct sound.
    direct = np.linalg.norm([2.5, 1.4, 0.3])
    mirrored = np.linalg.norm([2.5, 1.4, 2.5])
    echo = PRE_FRAMES + round((mirrored - direct) / 343 * 48000)
    window = np.abs(response[echo - 2 : echo + 3])
    around = np.abs(response[echo - 40 : echo - 8])
    assert window.max() > 3 * around.max()


def test_highs_die_before_the_bass() -> None:
    coloured = room_response(replace(ROOM, bass_ratio=1.3, treble_ratio=0.5), RATE)
    late = np.abs(np.fft.rfft(coloured[4000:8000])) ** 2
    early = np.abs(np.fft.rfft(coloured[:4000])) ** 2
    bass, treble = slice(25, 75), slice(1000, 1900)
    fall = 10 * np.log10(
        [early[bass].sum() / late[bass].sum(), early[treble].sum() / late[treble].sum()]
    )
    # A quarter of a second: 23 dB at 0.65 s of reverberation, 60 dB at 0.25 s.
    assert fall[1] > fall[0] + 15


def test_the_tail_carries_on_where_the_images_stop() -> None:
    import pyroomacoustics

    box = pyroomacoustics.ShoeBox(
        np.array(ROOM.size_m),
        fs=RATE,
        materials=pyroomacoustics.Material(ROOM.absorption),
        max_order=34,
        air_absorption=False,
    )
    box.add_source(np.array(ROOM.source_m))
    box.add_microphone(np.array(ROOM.microphone_m))
    box.compute_rir()
    onset = round(ROOM.distance_m / 343 * RATE)
    whole = np.asarray(box.rir[0][0])[onset:]
    ours = room_response(ROOM, RATE)
    # Level over 50 ms before and after the join at 90 ms, against images up to order 34.
    for start_ms in (0, 20, 50, 95, 120):
        part = slice(PRE_FRAMES + 16 * start_ms, PRE_FRAMES + 16 * (start_ms + 50))
        ratio = 10 * np.log10((ours[part] ** 2).sum() / (whole[part] ** 2).sum())
        assert abs(ratio) < 2.0


def test_a_room_of_the_bank_depends_on_its_number_and_seed_alone() -> None:
    bank = RoomReverberation(bank_seed=4)
    rooms = [bank.room(number) for number in range(6)]
    assert len(set(rooms)) == 6
    assert RoomReverberation(bank_seed=4, bank_size=9).room(5) == rooms[5]
    assert RoomReverberation(bank_seed=5).room(5) != rooms[5]
    first = room_response(rooms[5], RATE).tobytes()
    room_response.cache_clear()
    room_response(rooms[2], RATE)
    assert room_response(rooms[5], RATE).tobytes() == first


def test_everybody_stays_off_the_walls_and_as_far_apart_as_drawn() -> None:
    bank = RoomReverberation(distance_m=(0.5, 1.5))
    for number in range(60):
        room = bank.room(number)
        for place in (room.source_m, room.microphone_m):
            assert all(0.3 <= x <= size - 0.3 for x, size in zip(place, room.size_m, strict=True))
        assert 0.5 <= room.distance_m <= 1.5


def test_a_room_too_small_for_the_distance_uses_what_it_has() -> None:
    tiny = RoomReverberation(
        length_m=(1.5, 1.5), width_m=(1.5, 1.5), height_m=(1.8, 1.8), distance_m=(10, 10)
    )
    assert 0 < tiny.room(0).distance_m < 2.0


def test_level_stays_and_the_tail_is_kept_on_demand() -> None:
    clip = two_words()
    augmenter = RoomReverberation(t60_s=(0.4, 0.4))
    heard = augmenter(clip, stream(1))
    mask = speech_mask(clip)
    assert power_of(heard.sound[mask]) == pytest.approx(power_of(clip.sound[mask]), rel=1e-3)
    assert len(heard.sound) == RATE
    longer = RoomReverberation(t60_s=(0.4, 0.4), keep_tail=True)(clip, stream(1))
    assert len(longer.sound) > RATE + 0.39 * RATE
    assert longer.words == clip.words


@pytest.fixture
def responses(tmp_path: Path) -> Path:
    echo = np.zeros(4800, np.float32)
    echo[[100, 2500]] = 0.8, 0.4
    soundfile.write(tmp_path / "echo.wav", echo, 48000, subtype="FLOAT")
    return tmp_path


def test_a_response_is_resampled_and_its_direct_sound_does_not_move(responses: Path) -> None:
    augmenter = ImpulseResponse(folder=responses)
    augmenter.prepare()
    click = np.zeros(8000, np.float32)
    click[4000] = 0.5
    heard = augmenter(Clip(sound=click, sample_rate=RATE), stream(1))
    strongest = np.argsort(np.abs(heard.sound))[::-1]
    assert int(strongest[0]) == 4000
    # 2400 frames of 48 kHz later are 800 of 16 kHz.
    assert np.abs(heard.sound[4790:4811]).argmax() == 10
    assert abs(heard.sound[4800] / heard.sound[4000]) == pytest.approx(0.5, rel=0.05)


def test_responses_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    slow = tmp_path / "slow"
    slow.mkdir()
    soundfile.write(slow / "car.wav", np.ones(100, np.float32) * 0.1, 8000)
    with pytest.raises(InputError, match=r"car\.wav: has 8000 Hz, but 16000 Hz or more"):
        ImpulseResponse(folder=slow).prepare()
    with pytest.raises(InputError, match=r"car\.wav: has 8000 Hz, but 16000 Hz or more"):
        ImpulseResponse(folder=slow, lowest_rate_hz=8000)(two_words(), stream(1))
    for name, sound, complaint in (
        ("empty", np.zeros(0, np.float32), "is empty"),
        ("silent", np.zeros(500, np.float32), "is silent"),
        ("music", np.full(13 * RATE, 0.1, np.float32), "lasts 13.0 s"),
        ("nan", np.full(50, np.inf, np.float32), "must be finite"),
    ):
        folder = tmp_path / name
        folder.mkdir()
        soundfile.write(folder / f"{name}.wav", sound, RATE, subtype="FLOAT")
        with pytest.raises(InputError, match=complaint):
            ImpulseResponse(folder=folder).prepare()


def test_a_response_of_too_low_a_rate_for_the_clips_is_refused_before_anything_is_written(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "rooms"
    folder.mkdir()
    click = np.zeros(800, np.float32)
    click[10] = 0.9
    soundfile.write(folder / "hall.wav", click, 16000)
    speech = {"name": "speech", "phrases": "digits", "engines": {"espeak": {}}}
    values = {
        "name": "halls",
        "seed": 1,
        "generator": {**speech, "sample_rate": 22050},
        "augmenters": [{"name": "gain"}, {"name": "impulse-response", "folder": str(folder)}],
        "splits": {"train": 2},
    }
    sentence = r"^recipe halls: impulse response .*hall\.wav: has 16000 Hz, but 22050 Hz or more"
    with pytest.raises(InputError, match=sentence):
        build(parse_recipe(values), tmp_path / "out", executor="serial")
    written = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert written == []
    low = {**values, "generator": {**speech, "sample_rate": 16000}}
    ImpulseResponse(folder=folder).check_rate(16000)
    assert parse_recipe(low).generator_for("train").sound_rate() == 16000
