"""The small types everything stands on: streams, geometry, components, registry, errors."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import seedbed_dots

import seedbed
from seedbed import registry, streams
from seedbed.component import dump_params, load_params
from seedbed.errors import InputError, MissingExtra
from seedbed.geometry import (
    apply_homography,
    bounding_box,
    clip_to_frame,
    pixel_centred,
    polygon_area,
    rectangle,
)


def test_streams_depend_on_every_part_of_their_path() -> None:
    paths = [(0, "a", 1), (1, "a", 1), (0, "b", 1), (0, "a", 2), (0, "a", "1"), (0, "a"), (0, "a1")]
    assert len({streams.derive_seed(seed, *path) for seed, *path in paths}) == len(paths)
    first, again = streams.stream(0, "a", 1), streams.stream(0, "a", 1)
    assert first.random(5).tolist() == again.random(5).tolist()
    for seed in (-1, streams.MAX_SEED + 1):
        with pytest.raises(ValueError, match="seed must be between 0"):
            streams.stream(seed)


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1, 2**32, 2**64, 2**127 + 12345, 2**128 - 1])
def test_streams_start_where_numpy_starts_them(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "derive_seed", lambda *path: seed)
    assert streams.stream(0, "a").bit_generator.state == np.random.PCG64(seed).state


def test_choices_keep_their_type_and_weight() -> None:
    rng = streams.stream(0)
    drawn = [streams.choose_weighted(rng, {"a": 3, "b": 1, "never": 0}) for _ in range(4000)]
    assert 2900 < drawn.count("a") < 3100
    assert "never" not in drawn
    assert {type(streams.choose(rng, [1, 2])) for _ in range(9)} == {int}
    logs = [streams.log_uniform(rng, (1, 100)) for _ in range(4000)]
    assert 1900 < sum(value < 10 for value in logs) < 2100
    assert (min(logs) >= 1, max(logs) <= 100) == (True, True)


def test_a_quad_is_clipped_to_the_frame() -> None:
    square = rectangle(-2, 3, 4, 4)
    inside = clip_to_frame(square, 10, 5)
    assert bounding_box(inside) == (0, 3, 2, 2)
    assert polygon_area(inside) == 4
    assert len(clip_to_frame(rectangle(20, 20, 3, 3), 10, 5)) == 0
    np.testing.assert_array_equal(
        clip_to_frame(rectangle(1, 1, 2, 2), 10, 5), rectangle(1, 1, 2, 2)
    )


def test_homographies_move_points() -> None:
    shift = np.array([[1.0, 0, 5], [0, 1, -2], [0, 0, 1]])
    np.testing.assert_allclose(apply_homography(shift, np.array([[1.0, 2]])), [[6, 0]])
    # Twice the size: the centre of the first pixel, (0.5, 0.5), goes to (1, 1), half a
    # pixel past the centre that cv2 calls (0, 0).
    double = np.diag([2.0, 2.0, 1.0])
    np.testing.assert_allclose(
        apply_homography(pixel_centred(double), np.array([[0.0, 0.0]])), [[0.5, 0.5]]
    )


def test_parameters_survive_json_exactly() -> None:
    params = seedbed_dots.BeepParams(0.1 + 0.2)
    assert load_params(seedbed_dots.BeepParams, dump_params(params)) == params


def test_a_generator_alone_is_a_sequence_of_samples() -> None:
    dots = seedbed_dots.Dots(width=40)
    samples = list(dots.samples(seed=0, count=3, start=1))
    data = dots.dataset(length=4, seed=0)
    assert len(data) == 4
    np.testing.assert_array_equal(data[1].image, samples[0].image)
    np.testing.assert_array_equal(dots(seed=0).image, data[0].image)
    assert data[0].image.shape == (24, 40, 3)
    with pytest.raises(IndexError):
        data[4]


def test_unknown_names_have_their_nearest() -> None:
    with pytest.raises(InputError, match="no generator named 'plate_scene', did you mean 'plate-"):
        registry.resolve("generators", "plate_scene")
    with pytest.raises(ValueError, match="group must be one of"):
        registry.names("things")


def test_a_missing_extra_gives_its_install_line_and_travels() -> None:
    error = MissingExtra("torch", "train", "training")
    sentence = "training needs torch, which is not installed: run `pip install 'seedbed[train]'`."
    assert str(error) == sentence
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.exit_code) == (sentence, 2)


def test_the_public_names_are_there() -> None:
    for name in seedbed.__all__:
        assert getattr(seedbed, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        seedbed.nothing  # noqa: B018


def test_a_task_without_torch_names_the_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(entry: object) -> object:
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr("importlib.metadata.EntryPoint.load", load)
    with pytest.raises(MissingExtra, match=r"pip install 'seedbed\[train\]'"):
        registry.resolve("tasks", "locate")
