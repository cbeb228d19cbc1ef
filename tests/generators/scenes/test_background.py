from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from seedbed.component import dump_params, load_params
from seedbed.errors import InputError
from seedbed.generators.scenes.background import BackgroundParams, Backgrounds
from seedbed.streams import stream


@pytest.fixture
def photos(tmp_path):
    for number in range(10):
        Image.new("RGB", (64, 48), (number * 20, 0, 0)).save(tmp_path / f"{number}.png")
    return tmp_path


def test_sources_are_drawn_by_weight(photos):
    backgrounds = Backgrounds(["procedural", photos], weights=[3, 1])
    backgrounds.check()
    drawn = [backgrounds.draw(stream(0, index)).source for index in range(400)]
    assert 0.68 < drawn.count("procedural") / 400 < 0.82


def test_procedural_knows_its_horizon_and_a_photograph_does_not(photos):
    scene = Backgrounds().draw(stream(1))
    assert scene.procedural is not None
    assert scene.horizon_y == scene.procedural.horizon_y
    photo = Backgrounds([photos]).draw(stream(1))
    assert photo.horizon_y is None
    assert photo.ground_y is None


def test_render_repeats_from_stored_parameters(photos):
    backgrounds = Backgrounds(["procedural", photos])
    for index in range(6):
        params = backgrounds.draw(stream(2, index))
        stored = load_params(BackgroundParams, dump_params(params))
        assert stored == params
        picture, counts = backgrounds.render(params, 80, 60)
        again, _ = Backgrounds(["procedural", photos]).render(stored, 80, 60)
        assert picture.shape == (60, 80, 3)
        assert picture.dtype == np.uint8
        assert counts == {}
        assert np.array_equal(picture, again)


def test_unreadable_photographs_are_counted(photos):
    for path in list(photos.iterdir())[:9]:
        path.write_bytes(b"broken")
    backgrounds = Backgrounds([photos])
    broken = {str(path) for path in photos.iterdir() if path.read_bytes() == b"broken"}
    named = set()
    for index in range(8):
        counts = backgrounds.render(backgrounds.draw(stream(3, index)), 16, 12)[1]
        named |= {key.removeprefix("background_unreadable:") for key in counts}
    assert named
    assert named <= broken


def test_shares_keep_photographs_apart(photos):
    first, second = (Backgrounds([photos], share=share) for share in ((0, 0.5), (0.5, 1)))

    def used(backgrounds: Backgrounds) -> set[str]:
        params = (backgrounds.draw(stream(4, index)).photo for index in range(60))
        return {name for photo in params if photo for name in photo.candidates}

    assert len(used(first)) == len(used(second)) == 5
    assert not used(first) & used(second)


def test_bad_sources_and_weights_are_refused(photos):
    with pytest.raises(InputError, match="list 'procedural' or a folder"):
        Backgrounds([])
    with pytest.raises(InputError, match="1 backgrounds and 2 weights"):
        Backgrounds([photos], weights=[1, 2])
    with pytest.raises(InputError, match="above 0, got 0"):
        Backgrounds([photos], weights=[0])
    with pytest.raises(InputError, match="did you mean 'scikit-image'"):
        Backgrounds(["package:scikit-imag"])
    with pytest.raises(InputError, match="gone does not exist"):
        Backgrounds([photos / "gone"])


def test_a_source_that_is_no_longer_listed_is_named(photos):
    params = Backgrounds([photos]).draw(stream(5))
    with pytest.raises(InputError, match="not among procedural"):
        Backgrounds().render(params, 16, 12)


def test_photographs_of_a_package_that_is_missing_name_the_install_line(monkeypatch):
    monkeypatch.setattr("seedbed.generators.scenes.background.find_spec", lambda module: None)
    with pytest.raises(InputError, match=r"'package:scikit-image'.*`pip install scikit-image`"):
        Backgrounds(["package:scikit-image"])
