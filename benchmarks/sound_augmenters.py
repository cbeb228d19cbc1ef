"""Milliseconds of each sound augmenter for one second of 16 kHz, and of the sound presets.

The floor is what every clip costs anyway: encoding it as FLAC. Rooms are timed against
image sources without our tail, up to the order at which they last as long.

Last comes the recipe `digits` with `room`: what a clip takes once it is spoken, that is its
augmenters and its FLAC, and the three dearest augmenters.
"""

from __future__ import annotations

from time import process_time
from typing import Any

import numpy as np

from benchmarks.timing import Stages, rates
from seedbed import registry
from seedbed.augmenters.room_reverberation import RoomReverberation
from seedbed.augmenters.sound_room import IMAGE_ORDER, SPEED_OF_SOUND_M_S, room_response
from seedbed.encode import EncodingParams, encode_sound
from seedbed.generators.speech_clip import SpeechClip
from seedbed.presets import load_preset
from seedbed.recipe import load_recipe
from seedbed.sample import Clip
from seedbed.streams import stream

RATE = 16000
CLIPS = 40
PRESETS = ("clean", "room", "telephone", "far-field")
ROOMS = 12
FILLING_ROUNDS = 8
DIGITS = 100
DIGITS_GOAL = 200
"""Clips a second of processor time that augmenters and FLAC should reach."""


def one_second_clips() -> list[Clip]:
    """Spoken digits, padded or cut to a second."""
    spoken = SpeechClip(phrases="digits:en-us", engines={"espeak": {}}, sample_rate=RATE)
    clips = []
    for clip in spoken.samples(seed=1, count=CLIPS):
        sound = np.resize(np.pad(clip.sound, (0, max(0, RATE - len(clip.sound)))), RATE)
        timed = all(word.end <= 1.0 for word in clip.words)
        clips.append(
            Clip(
                sound=np.ascontiguousarray(sound, dtype=np.float32),
                sample_rate=RATE,
                transcript=clip.transcript,
                words=clip.words if timed else (),
            )
        )
    return clips


def flac(clips: list[Clip]) -> Any:
    """A side for `rates`: encode every clip."""

    def run(number: int) -> int:
        for clip in clips:
            encode_sound(clip.sound, RATE, EncodingParams("flac"))
        return len(clips)

    return run


def augmented(clips: list[Clip], entries: list[dict[str, Any]]) -> Any:
    """A side for `rates`: put every clip through augmenters as a recipe writes them."""
    augmenters = []
    for entry in entries:
        fields = {key: value for key, value in entry.items() if key != "name"}
        augmenters.append((entry["name"], registry.resolve("augmenters", entry["name"])(**fields)))

    def run(number: int) -> int:
        for index, clip in enumerate(clips):
            for name, augmenter in augmenters:
                clip = augmenter(clip, stream(number, name, index))
        return len(clips)

    for _, augmenter in augmenters:
        augmenter.prepare()
    # A build of thousands of clips meets full banks of rooms and voices.
    for number in range(FILLING_ROUNDS):
        run(1000 + number)
    return run


def names() -> list[str]:
    """The sound augmenters that need no files."""
    found = []
    for name, place in registry.declared("augmenters").items():
        cls = registry.resolve("augmenters", name)
        needed = any(field.is_required() for field in cls.model_fields.values())
        if place.startswith("seedbed.") and cls.sample_type is Clip and not needed:
            found.append(name)
    return found


def rooms() -> dict[str, Any]:
    """Our rooms, and pyroomacoustics' images until the room is silent."""
    import pyroomacoustics

    bank = RoomReverberation()

    def hybrid(number: int) -> int:
        room_response.cache_clear()
        for one in range(ROOMS):
            room_response(bank.room(one), RATE)
        return ROOMS

    def images_alone(number: int) -> int:
        for one in range(ROOMS):
            room = bank.room(one)
            order = int(room.t60_s * SPEED_OF_SOUND_M_S / min(room.size_m)) + 1
            box = pyroomacoustics.ShoeBox(
                np.array(room.size_m),
                fs=RATE,
                materials=pyroomacoustics.Material(room.absorption),
                max_order=max(order, IMAGE_ORDER),
                air_absorption=False,
            )
            box.add_source(np.array(room.source_m))
            box.add_microphone(np.array(room.microphone_m))
            box.compute_rir()
        return ROOMS

    return {"rooms: images and tail": hybrid, "rooms: images alone": images_alone}


def digits() -> None:
    """Print clips a second of the recipe `digits` after speaking, and its dearest augmenters."""
    recipe = load_recipe("digits").seeded(1)
    generator = recipe.generator_for("train")
    generator.prepare()
    spoken = list(generator.samples(seed=1, count=DIGITS, split="train"))
    augmenters = recipe.augmenters_for("train")
    for _, augmenter in augmenters:
        augmenter.prepare()

    def finish(number: int) -> int:
        for index, clip in enumerate(spoken):
            for name, augmenter in augmenters:
                clip = augmenter(clip, stream(number, name, index))
            encode_sound(clip.sound, clip.sample_rate, EncodingParams("flac"))
        return len(spoken)

    # As in `augmented`: a build of thousands of clips meets a full bank of rooms.
    for number in range(FILLING_ROUNDS):
        finish(1000 + number)
    rate = rates({"digits": finish}, clock=process_time)["digits"]
    seconds = sum(len(clip.sound) / clip.sample_rate for clip in spoken) / len(spoken)
    print(
        f"  digits, room and FLAC    {1000 / rate:7.2f} ms {rate:9.0f} /s   "
        f"goal {DIGITS_GOAL} /s; clips of {seconds:.2f} s"
    )
    watched = Stages(process_time)
    with watched.watching([(type(one), "augment", name) for name, one in augmenters]):
        finish(0)
    dearest = sorted(watched.seconds.items(), key=lambda one: -one[1])[:3]
    listed = ", ".join(f"{name} {1000 * spent / DIGITS:.2f}" for name, spent in dearest)
    print(f"  dearest: {listed} ms")


def main() -> None:
    """Print milliseconds a clip, clips a second and ratios, the dearest first; then `digits`."""
    clips = one_second_clips()
    sides = {"FLAC alone": flac(clips)}
    sides |= {name: augmented(clips, [{"name": name}]) for name in names()}
    measured = rates(sides, clock=process_time)
    for preset in PRESETS:
        # Alone, as in a build: the bank of rooms has places for one recipe's, not for all.
        measured |= rates(
            {f"preset {preset}": augmented(clips, load_preset(preset))}, clock=process_time
        )
    floor = measured["FLAC alone"]
    for name, rate in sorted(measured.items(), key=lambda one: one[1]):
        print(f"  {name:24} {1000 / rate:7.2f} ms {rate:9.0f} /s   {floor / rate:6.1f}x FLAC")
    made = rates(rooms(), rounds=3, clock=process_time)
    for name, rate in made.items():
        ratio = made["rooms: images and tail"] / rate
        print(f"  {name:24} {1000 / rate:7.2f} ms   ours are {ratio:.1f}x as fast")
    digits()


if __name__ == "__main__":
    main()
