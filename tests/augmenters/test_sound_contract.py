"""What every sound augmenter keeps to: records, replays, spares its input, takes arrays."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from augmented_dataset import Augmented, loaded_by_two_workers
from augmenter_sounds import RATE, burst, two_words
from pydantic import ValidationError

from seedbed import registry
from seedbed.augmenters import ColouredNoise, Gain, TimeStretch
from seedbed.component import Augmenter
from seedbed.errors import InputError
from seedbed.recipe import parse_recipe
from seedbed.resources import data_path
from seedbed.sample import Clip
from seedbed.streams import stream

FIELDS: dict[str, dict[str, Any]] = {
    "background-noise": {"folder": "FOLDER"},
    "impulse-response": {"folder": "FOLDER"},
    "babble": {"generator": "augmenter_sounds:Beeps", "speech": {}},
}

SOUND_PRESETS = ("clean", "far-field", "room", "telephone")


def sound_names() -> list[str]:
    return [
        name
        for name in registry.names("augmenters")
        if registry.declared("augmenters")[name].startswith("seedbed.")
        and registry.resolve("augmenters", name).sample_type is Clip
        and name != "audiomentations-transform"
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sounds")
    soundfile.write(folder / "low.wav", burst(0.4, 300.0), RATE)
    soundfile.write(folder / "stereo.flac", np.stack([burst(0.3), burst(0.3)], axis=1), RATE)
    return folder


def build(name: str, folder: Path) -> Augmenter[Any, Clip]:
    fields = {
        key: str(folder) if value == "FOLDER" else value
        for key, value in FIELDS.get(name, {}).items()
    }
    made: Augmenter[Any, Clip] = registry.resolve("augmenters", name)(**fields)
    return made


def test_all_of_them_are_declared() -> None:
    assert len(sound_names()) == 24


@pytest.mark.parametrize("name", sound_names())
def test_it_records_what_it_drew_and_replays_to_the_same_bytes(name: str, folder: Path) -> None:
    augmenter = build(name, folder)
    augmenter.prepare()
    clip = two_words()
    before = clip.sound.copy()
    changed, params = augmenter.augment(clip, stream(1, name))
    assert np.array_equal(clip.sound, before), "the input was changed"
    stored = json.loads(json.dumps(params))
    again = build(name, folder).replay(two_words(), stored)
    assert again.sound.tobytes() == changed.sound.tobytes()
    assert (again.words, again.phonemes, again.keyword_span) == (
        changed.words,
        changed.phonemes,
        changed.keyword_span,
    )
    assert again.counts == changed.counts
    assert changed.sound.dtype == np.float32
    assert changed.sound.ndim == 1
    assert np.abs(changed.sound).max() <= 1.0
    assert changed.sample_rate == RATE
    assert changed.transcript == "one two"


@pytest.mark.parametrize("name", sound_names())
def test_it_takes_silence_and_a_rate_of_8000(name: str, folder: Path) -> None:
    fields = {"lowest_rate_hz": 8000} if name == "impulse-response" else {}
    augmenter = build(name, folder).model_copy(update=fields)
    silence = Clip(sound=np.zeros(4000, dtype=np.float32), sample_rate=8000)
    changed = augmenter(silence, stream(2, name))
    assert np.isfinite(changed.sound).all()
    assert changed.sample_rate == 8000


@pytest.mark.parametrize("name", sound_names())
def test_it_takes_bare_arrays_and_spans(name: str, folder: Path) -> None:
    augmenter = build(name, folder)
    clip = two_words()
    result = augmenter.augment_sound(clip.sound, RATE, stream(3, name), [(0.2, 0.35), (0.6, 0.7)])  # type: ignore[attr-defined]
    assert result.spans.shape == (2, 2)
    assert (result.spans >= 0).all()
    assert (result.spans <= len(result.sound) / RATE + 1e-9).all()
    same = augmenter(clip, stream(3, name))
    assert np.array_equal(same.sound, result.sound)


def test_probability_nought_leaves_the_clip_and_replays_so() -> None:
    clip = two_words()
    augmenter = Gain(probability=0.0)
    changed, params = augmenter.augment(clip, stream(1))
    assert changed is clip
    assert params is None
    assert augmenter.replay(clip, None) is clip


def test_no_global_state_is_drawn_from_or_set() -> None:
    np.random.seed(5)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # type: ignore[index,union-attr]  # noqa: NPY002
    for name in ("coloured-noise", "clicks", "room-reverberation", "codec"):
        registry.resolve("augmenters", name)()(two_words(), stream(1, name))
    assert np.array_equal(np.random.get_state()[1], before)  # type: ignore[index]  # noqa: NPY002


@pytest.mark.parametrize(
    ("sound", "complaint"),
    [
        (np.array([0.0, np.nan, 0.1], dtype=np.float32), "finite, got nan at frame 1"),
        (np.array([0.0, np.inf], dtype=np.float32), "finite, got inf at frame 1"),
        (np.zeros(0, dtype=np.float32), "must not be empty"),
        (np.zeros((2, 100), dtype=np.float32), "must be mono"),
        (np.zeros(100, dtype=np.int16), "got int16: divide 16-bit sound by 32768"),
    ],
)
def test_sounds_that_cannot_be_used_are_refused(sound: Any, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        Gain().augment_sound(sound, RATE, stream(1))
    with pytest.raises(InputError, match=complaint):
        Gain(gain_db=(3, 3)).apply(
            Clip(sound=sound, sample_rate=RATE), Gain().draw(two_words(), stream(1))
        )


def test_spans_outside_the_sound_are_refused() -> None:
    with pytest.raises(InputError, match=r"span 1 must lie inside the sound of 1.000 s"):
        Gain().augment_sound(two_words().sound, RATE, stream(1), [(0.0, 0.5), (0.9, 1.1)])


@pytest.mark.parametrize(
    ("augmenter", "fields"),
    [
        (ColouredNoise, {"snr_db": (30, 5)}),
        (ColouredNoise, {"snr_db": (-30, 5)}),
        (ColouredNoise, {"exponent": (0, 3)}),
        (ColouredNoise, {"snr_db": (5, float("nan"))}),
        (TimeStretch, {"stretch": (0.0, 1.0)}),
        (Gain, {"gain": (0, 1)}),
        (Gain, {"probability": 1.5}),
    ],
)
def test_fields_out_of_range_reversed_or_unknown_are_refused(
    augmenter: Any, fields: dict[str, Any]
) -> None:
    with pytest.raises(ValidationError):
        augmenter(**fields)


def recipe_values(augmenters: Any) -> dict[str, Any]:
    return {
        "name": "beeps",
        "seed": 1,
        "generator": {"name": "augmenter_sounds:Beeps"},
        "augmenters": augmenters,
        "splits": {"train": 2},
    }


def test_a_recipe_says_which_key_is_wrong() -> None:
    values = recipe_values([{"name": "coloured-noise", "snr_db": [30, 5]}])
    with pytest.raises(InputError, match=r"augmenters\[0\]\.snr_db .*from low to high within -20"):
        parse_recipe(values)


def test_a_recipe_cannot_name_spec_augment() -> None:
    with pytest.raises(InputError, match="'spec-augment' is not usable"):
        parse_recipe(recipe_values([{"name": "spec-augment"}]))


@pytest.mark.parametrize("preset", SOUND_PRESETS)
def test_presets_are_complete_and_change_clips(preset: str) -> None:
    assert data_path("augment", f"{preset}.yaml").is_file()
    override = {"babble": False} if preset == "far-field" else {}
    recipe = parse_recipe(recipe_values([{"preset": preset, "override": override}]))
    clip = two_words()
    for name, augmenter in recipe.augmenters_for("train"):
        clip = augmenter(clip, stream(4, preset, name))
    assert not np.array_equal(clip.sound[: RATE // 2], two_words().sound[: RATE // 2])
    assert len(clip.words) == 2


def test_too_loud_is_turned_down_and_not_clipped() -> None:
    clip = two_words()
    louder = Gain(gain_db=(20, 20))(clip, stream(1))
    # Peak 0.5 can only become 0.99: the sound's shape stays.
    assert np.abs(louder.sound).max() == pytest.approx(0.99, abs=1e-4)
    assert np.allclose(louder.sound, clip.sound * (0.99 / np.abs(clip.sound).max()), atol=1e-5)


# Torch says so on a machine of one core.
@pytest.mark.filterwarnings("ignore:This DataLoader will create")
def test_a_torch_dataset_can_wrap_one() -> None:
    wrapped = Augmented([two_words(), replace(two_words(), label="x")] * 2, TimeStretch())
    fetched = loaded_by_two_workers(wrapped)
    assert [clip.label for clip in fetched] == ["two", "x", "two", "x"]
    for index, clip in enumerate(fetched):
        assert np.array_equal(clip.sound, wrapped[index].sound)
        assert clip.words == wrapped[index].words
    # Every index has a stream of its own, so the same clip comes back otherwise.
    assert fetched[0].words != fetched[2].words


def test_names_are_found_without_loading_scipy() -> None:
    script = (
        "import sys; from seedbed.augmenters import RoomReverberation, Codec, Babble; "
        "print(sorted({'scipy', 'soxr', 'soundfile', 'pyroomacoustics'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
