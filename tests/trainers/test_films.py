"""Films: read from folders and files, and told apart by what no single frame tells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from seedbed.errors import InputError
from seedbed.sample import Picture
from seedbed.streams import stream
from seedbed.trainers.class_folders import open_class_folders
from seedbed.trainers.classify import Classify
from seedbed.trainers.config import parse_config
from seedbed.trainers.evaluate import evaluate
from seedbed.trainers.export import TOLERANCE, export_int8, export_onnx
from seedbed.trainers.films import Film, evenly, open_film
from seedbed.trainers.fit import fit
from seedbed.trainers.runs import load_trained
from seedbed.trainers.sources import held_items, open_source
from seedbed.trainers.task import make_task

SIDE, FRAMES, STEP = 16, 8, 2


pytestmark = pytest.mark.usefixtures("one_thread")


def moving_bar(start: int, way: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A bar that moves 2 px a frame to the right (1) or the left (-1), around the edge."""
    film = np.zeros((FRAMES, SIDE, SIDE, 3), np.uint8)
    for time in range(FRAMES):
        for x in range(3):
            film[time, :, (start + way * STEP * time + x) % SIDE] = 255
    return film


def write_frames(folder: Path, film: np.ndarray[Any, Any]) -> None:
    folder.mkdir(parents=True)
    for time, frame in enumerate(film):
        cv2.imwrite(str(folder / f"{time:03}.png"), frame)


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of classes of folders of frames: every start in both ways, two in `test`."""
    root = tmp_path_factory.mktemp("films")
    for name, way in (("left", -1), ("right", 1)):
        for start in range(SIDE):
            split = "test" if start % 5 == 0 else "train"
            write_frames(root / split / name / f"from-{start:02}", moving_bar(start, way))
    return root


def classifier(**settings: Any) -> Classify:
    task = make_task(
        "classify",
        {
            "classes": ["left", "right"],
            "width": SIDE,
            "height": SIDE,
            "margin": 0,
            "frames": 4,
            "zoom": [1.0, 1.0],
            "augmenters": [],
            "arch": "F8@3x1x5 > R > F12@3x1x5 > R > gap",
            **settings,
        },
    )
    assert isinstance(task, Classify)
    return task


def test_frames_are_spread_evenly() -> None:
    assert evenly(8, 4) == [1, 3, 5, 7]
    assert evenly(8, 8) == list(range(8))
    assert evenly(9, 3) == [1, 4, 7]
    assert evenly(2, 4) == [0, 0, 1, 1]


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".tiff", ""])
def test_films_are_read_from_files_and_folders(tmp_path: Path, suffix: str) -> None:
    (tmp_path / "way").mkdir()
    film = moving_bar(0, 1)
    path = tmp_path / "way" / f"film{suffix}"
    if suffix:
        frames = [Image.fromarray(frame) for frame in film]
        options = {"lossless": True} if suffix == ".webp" else {}
        frames[0].save(path, save_all=True, append_images=frames[1:], **options)
    else:
        write_frames(path, film)
    opened = open_film(path)
    assert opened is not None and opened.count == FRAMES
    assert np.array_equal(opened.frames([6, 1]), film[[6, 1]])
    sample = open_class_folders(tmp_path, "all").sample(0)
    assert isinstance(sample, Film)
    assert sample.objects[0].category == "way"
    assert np.array_equal(sample.image, film[4])


def test_a_file_of_one_frame_is_a_picture(tmp_path: Path) -> None:
    for name in ("a.gif", "b.tiff"):
        (tmp_path / "way").mkdir(exist_ok=True)
        Image.fromarray(moving_bar(2, 1)[0]).save(tmp_path / "way" / name)
    write_frames(tmp_path / "way" / "c", moving_bar(2, 1)[:1])
    source = open_class_folders(tmp_path, "all")
    for index in range(3):
        sample = source.sample(index)
        assert type(sample) is Picture
        assert np.array_equal(sample.image, moving_bar(2, 1)[0])


def test_what_does_not_fit_is_said(tmp_path: Path) -> None:
    sample = Picture(image=np.zeros((4, 4, 3), np.uint8), objects=())
    write_frames(tmp_path / "left" / "a", moving_bar(0, -1))
    film = open_class_folders(tmp_path, "all").sample(0)
    assert isinstance(film, Film)
    with pytest.raises(InputError, match="x is a film of 8 frames: set `frames`"):
        classifier(frames=1, arch="F4@3x3 > gap").items(film, "x")
    with pytest.raises(InputError, match="x is a picture, but the setting `frames`"):
        classifier().items(Picture(image=sample.image, objects=film.objects), "x")
    with pytest.raises(InputError, match="a backbone sees single pictures"):
        classifier(backbone="efficientnet-lite0")
    cv2.imwrite(str(tmp_path / "left" / "a" / "003.png"), np.zeros((9, 9, 3), np.uint8))
    with pytest.raises(InputError, match=r"of one size, but 003\.png is 9x9 and 001\.png 16x16"):
        classifier().items(film, "x")
    (tmp_path / "left" / "b.gif").write_bytes(b"GIF89a")
    with pytest.raises(InputError, match=r"film .*b\.gif cannot be read"):
        open_class_folders(tmp_path, "all").sample(1)


def test_frames_are_varied_alike(films: Path) -> None:
    augmenters = [{"name": "gaussian-noise", "probability": 1.0}]
    task = classifier(augmenters=augmenters, frames=2, zoom=[0.8, 1.2], flip=True)
    (item,) = task.items(open_source(str(films), "train", 0).sample(0), "x")
    still = item.image[:1].repeat(2, axis=0)
    example = task.example(type(item)("x", still, item.box, 0), np.random.default_rng(3))
    assert example["inputs"].shape == (2, SIDE, SIDE, 3)
    assert np.array_equal(example["inputs"][0], example["inputs"][1])
    assert not np.array_equal(example["inputs"][0], still[0])


def test_learns_a_direction_that_no_frame_tells(films: Path) -> None:
    task = classifier()
    source = open_source(str(films), "train", 0)
    items = list(held_items(task, source, "films"))
    network = task.network(0)
    assert network(torch.zeros(2, 4, SIDE, SIDE, 3)).shape == (2, 2)
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01)
    for step in range(120):
        draw = stream(0, step)
        chosen = [items[int(draw.integers(len(items)))] for _ in range(12)]
        batch = task.collate([task.example(item, draw) for item in chosen])
        optimiser.zero_grad()
        task.loss(network(batch["inputs"]), batch)["loss"].backward()
        optimiser.step()
    held_out = list(held_items(task, open_source(str(films), "test", 0), "films"))
    assert len(held_out) == 8
    assert task.metrics(task.outcomes(network.eval(), held_out))["accuracy"] == 1.0
    # The same frames the other way around are the other class.
    turned = [type(one)(one.name, one.image[::-1], one.box, 1 - one.target) for one in held_out]
    outcomes = task.outcomes(network, turned)
    assert task.metrics(outcomes)["accuracy"] == 1.0
    assert outcomes[0].picture is not None
    assert outcomes[0].picture.shape == (SIDE, 3 * SIDE, 3)


def test_a_run_on_films_from_training_to_export(
    films: Path, tmp_path: Path, fit_values: dict[str, Any]
) -> None:
    # The default line, made for films.
    settings = classifier().settings.model_dump(mode="json")
    del settings["arch"]
    values = {"task": "classify", "settings": settings, "data": str(films)}
    values |= {"validation_split": "test", "fit": {**fit_values, "steps": 2, "validate_every": 2}}
    fit(parse_config(values), tmp_path / "run")
    trained = load_trained(tmp_path / "run")
    filters = [one for one in trained.network.parameters() if one.dim() == 5]
    assert len(filters) == 4
    assert filters[1].is_contiguous(memory_format=torch.channels_last_3d)
    source = open_source(str(films), "test", 0)
    assert evaluate(trained, source, "films").items == 8
    assert export_onnx(trained, tmp_path / "x.onnx").difference <= TOLERANCE
    items = list(held_items(trained.task, source, "films"))
    found = export_int8(trained, tmp_path / "x.onnx", tmp_path / "x.int8.onnx", items, {})
    assert found.measured_on == 6
