"""What a task may learn from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from seedbed.builder import build
from seedbed.errors import InputError
from seedbed.recipe import parse_recipe
from seedbed.trainers.classify import Classify, ClassifySettings
from seedbed.trainers.locate import Locate, LocateSettings
from seedbed.trainers.read import Read, ReadSettings
from seedbed.trainers.sources import StreamSource, check_quads, open_source
from seedbed.trainers.task import Task

LOOSE = {"name": "elastic-distortion", "quads": "loose"}


@pytest.mark.parametrize("task", [Locate(LocateSettings()), Read(ReadSettings())])
def test_quads_that_were_bent_are_not_learned_from(
    task: Task[Any, Any], dots_values: dict[str, Any], tmp_path: Path
) -> None:
    splits = {"train": 2, "val": {"count": 1, "augmenters": []}}
    recipe = parse_recipe({**dots_values, "augmenters": [LOOSE], "splits": splits})
    sentence = (
        f"^the task '{task.name}' learns from quads, but elastic-distortion in the recipe of "
        "dots bends them out of place: make it again with `quads: exact`.$"
    )
    with pytest.raises(InputError, match=sentence):
        check_quads(task, StreamSource(recipe, "train"), "dots")
    check_quads(task, StreamSource(recipe, "val"), "dots")
    build(recipe, tmp_path / "dots", workers=1, executor="serial")
    with pytest.raises(InputError, match=sentence):
        check_quads(task, open_source(str(tmp_path / "dots"), "train", 0), "dots")
    # Boxes and classes stay true.
    classify = Classify(ClassifySettings(classes=("dot", "line")))
    check_quads(classify, StreamSource(recipe, "train"), "dots")
