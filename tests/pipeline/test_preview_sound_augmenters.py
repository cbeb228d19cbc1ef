"""The sheet of sound augmenters: a row each, from the mildest to the strongest."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import soundfile
from augmenter_sounds import two_words
from PIL import Image

from seedbed.augmenters import ColouredNoise, Gain, SilencePadding
from seedbed.errors import InputError
from seedbed.preview_sound_augmenters import sound_change, sound_row, write_sound_augmenter_sheet
from seedbed.recipe import Recipe, parse_recipe
from seedbed.streams import stream


def beeps(augmenters: list[dict[str, Any]]) -> Recipe:
    return parse_recipe(
        {
            "name": "beeps",
            "seed": 1,
            "generator": {"name": "augmenter_sounds:Beeps"},
            "augmenters": augmenters,
            "splits": {"train": 2},
        }
    )


def test_a_gain_counts_with_its_decibels_and_a_length_with_its_hundredths() -> None:
    clip = two_words()
    assert sound_change(clip, clip) == 0.0
    quieter = Gain(gain_db=(-10, -10))(clip, stream(1))
    assert sound_change(clip, quieter) == pytest.approx(10, abs=0.1)
    padding = SilencePadding(leading_s=(0, 0), trailing_s=(0.5, 0.5))
    # Half as long again is 50, and two thirds of the power are 1.8 dB.
    assert sound_change(clip, padding(clip, stream(1))) == pytest.approx(51.8, abs=1)
    noisy = ColouredNoise(snr_db=(0, 0))(clip, stream(1))
    assert sound_change(clip, noisy) > 20


def test_a_row_runs_from_the_least_changed_to_the_most() -> None:
    row = sound_row(two_words(), "pad", SilencePadding(probability=0.0), seed=1)
    lengths = [len(clip.sound) for clip in row]
    assert len(row) == 4
    assert lengths == sorted(lengths)
    assert lengths[0] < lengths[-1]


def test_the_sheet_and_four_wavs_a_row_are_written(tmp_path: Path) -> None:
    recipe = beeps([{"name": "gain"}, {"name": "coloured-noise"}])
    written = write_sound_augmenter_sheet(recipe, tmp_path / "sheet.png")
    assert len(written) == 1 + 8
    assert np.asarray(Image.open(written[0])).ndim == 3
    names = [f"sheet-{n:03}-gain-{n + 1}.wav" for n in range(4)]
    names += [f"sheet-{n + 4:03}-coloured-noise-{n + 1}.wav" for n in range(4)]
    assert [path.name for path in written[1:]] == names
    for path in written[1:]:
        assert soundfile.info(str(path)).frames == 8000


def test_a_third_partys_augmenter_gives_names_that_files_may_have(tmp_path: Path) -> None:
    recipe = beeps([{"name": "seedbed.augmenters:Gain"}])
    written = write_sound_augmenter_sheet(recipe, tmp_path / "sheet.png")
    assert written[1].name == "sheet-000-seedbed-augmenters-Gain-1.wav"


def test_of_a_long_name_the_strength_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = f"a_package_with_{'a_very_' * 6}long_name"
    module = ModuleType(package)
    monkeypatch.setattr(module, "Gain", Gain, raising=False)
    monkeypatch.setitem(sys.modules, package, module)
    recipe = beeps([{"name": f"{package}:Gain"}])
    written = write_sound_augmenter_sheet(recipe, tmp_path / "sheet.png")
    for number, path in enumerate(written[1:], start=1):
        assert path.stem.endswith(f"long-name-Gain-{number}")
        assert len(path.stem) == len("sheet-000-") + 40


def test_a_recipe_without_augmenters_or_sound_is_refused(
    tmp_path: Path, dots_values: dict[str, Any]
) -> None:
    with pytest.raises(InputError, match="names no augmenters"):
        write_sound_augmenter_sheet(beeps([]), tmp_path / "sheet.png")
    with pytest.raises(InputError, match="makes no sound"):
        write_sound_augmenter_sheet(parse_recipe(dots_values), tmp_path / "sheet.png")
