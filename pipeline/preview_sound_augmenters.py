"""The sheet of a sound recipe's augmenters: a row each, mildest to strongest, WAVs beside.

As for pictures, draws are put in order by how much they change the clip, so a row shows the
whole range that the recipe allows, whatever the augmenter's fields are.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from seedbed.component import Augmenter
from seedbed.errors import InputError
from seedbed.make import Maker
from seedbed.preview_sound import COLUMNS, LONGEST_NAME, log_mel, write_sound_sheet
from seedbed.recipe import Recipe
from seedbed.sample import Clip, Sample
from seedbed.streams import stream

DRAWS = 24
"""Draws an augmenter gets on the sheet; evenly spaced ones among them are shown."""

CANDIDATES = 16
"""Samples among which the first with labelled words is shown."""

SILENT_POWER = 1e-10

AUDIBLE_DB = 60.0
"""What lies further below a clip's loudest cell is not heard, and not counted as changed."""


def sound_change(before: Clip, after: Clip) -> float:
    """How much a clip changed, in decibels: of its cells, of its level, for its length.

    Log-mel cells count with their mean difference over what both clips have, each against
    its loudest; a hundredth of the length more or less counts as a decibel.
    """
    first, second = (log_mel(one.sound, one.sample_rate) for one in (before, after))
    frames = min(first.shape[1], second.shape[1])
    heard = [np.maximum(one[:, :frames], -AUDIBLE_DB) for one in (first, second)]
    level_db = [10 * np.log10(np.mean(one.sound**2) + SILENT_POWER) for one in (before, after)]
    longer = abs(len(after.sound) / len(before.sound) - 1)
    cells_db = np.mean(np.abs(heard[0] - heard[1]))
    return float(cells_db + abs(level_db[0] - level_db[1]) + 100 * longer)


def sound_row(
    clip: Clip, name: str, augmenter: Augmenter[Any, Any], seed: int, columns: int = COLUMNS
) -> list[Clip]:
    """`columns` versions of `clip` by one augmenter, from the least changed to the most.

    Its probability is passed over: every version is augmented.
    """
    versions = []
    for number in range(max(DRAWS, columns)):
        params = augmenter.draw(clip, stream(seed, "preview", name, number))
        versions.append(augmenter.apply(clip, params))
    versions.sort(key=lambda version: sound_change(clip, version))
    places = np.linspace(0, len(versions) - 1, columns).round().astype(int)
    return [versions[place] for place in places]


def write_sound_augmenter_sheet(recipe: Recipe, out: Path) -> list[Path]:
    """Draw a row for each augmenter of a seeded recipe's first split, and write the WAVs beside.

    They are called `STEM-NUMBER-AUGMENTER-STRENGTH.wav`, 1 for the mildest strength. Returns the
    paths written. Raises `InputError` for a recipe without sound or augmenters.
    """
    if recipe.sample_type is not Clip:
        raise InputError(f"recipe {recipe.name} makes no sound: its augmenters have no such sheet.")
    split = next(iter(recipe.splits))
    augmenters = recipe.augmenters_for(split)
    if not augmenters:
        raise InputError("this recipe names no augmenters: add some under `augmenters`.")
    maker = Maker(recipe)
    maker.prepare()
    generator = recipe.generator_for(split)
    candidates = (generator.sample(maker.seed, index, split) for index in range(CANDIDATES))
    clip = next((one for one in candidates if one.words), None)
    if clip is None:
        clip = generator.sample(maker.seed, 0, split)
    versions: list[Sample] = []
    captions: list[str] = []
    names: list[str] = []
    for name, augmenter in augmenters:
        versions.extend(sound_row(clip, name, augmenter, maker.seed))
        captions.extend(f"{name} {number + 1}/{COLUMNS}" for number in range(COLUMNS))
        strengths = [f"-{number + 1}" for number in range(COLUMNS)]
        # Of a long name the end says most: `some_package.some_module:Augmenter`.
        names.extend(name[-(LONGEST_NAME - len(one)) :] + one for one in strengths)
    return write_sound_sheet(versions, captions, out, names)
