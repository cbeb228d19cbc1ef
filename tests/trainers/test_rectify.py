from __future__ import annotations

import cv2
import numpy as np

from seedbed.geometry import rectangle
from seedbed.trainers.rectify import grown_quad, rectify, rescaled


def test_an_upright_cut_of_the_same_size_is_a_copy():
    image = np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    cut = rectify(image, rectangle(10, 5, 30, 20), 30, 20)
    np.testing.assert_array_equal(cut, image[5:25, 10:40])


def test_the_quad_turns_upright():
    image = np.zeros((40, 40, 3), dtype=np.uint8)
    image[10:20, 10:20] = 200
    # The text's top left is the square's top right: a quarter turn.
    quad = np.roll(rectangle(10, 10, 20, 20), -1, axis=0)
    cut = rectify(image, quad, 20, 20)
    assert cut[15, 4].tolist() == [200] * 3
    assert cut[4, 4].tolist() == [0] * 3


def test_a_large_plate_is_averaged_not_sampled():
    image = np.zeros((200, 400, 3), dtype=np.uint8)
    image[:, ::2] = 200
    cut = rectify(image, rectangle(0, 0, 400, 200), 40, 20)
    assert abs(int(cut[10, 20, 0]) - 100) < 12


def test_margins_are_shares_of_the_quad():
    grown = grown_quad(rectangle(10, 10, 100, 20), 0.1, 0.5)
    np.testing.assert_allclose(grown, rectangle(0, 0, 120, 40), atol=1e-4)


def test_rescaling_averages_below_its_threshold():
    image = np.zeros((8, 12, 3), dtype=np.uint8)
    image[::2] = 200
    # Halves: each pixel is the mean of four.
    assert (rescaled(image, 0.5, averaged_below=0.7) == 100).all()
    assert rescaled(image, 0.5, averaged_below=0.7).shape == (4, 6, 3)
    between = rescaled(image, 0.8, averaged_below=0.7)
    np.testing.assert_array_equal(between, cv2.resize(image, (10, 6)))
    averaged = rescaled(image, 0.8, averaged_below=1.0)
    np.testing.assert_array_equal(
        averaged, cv2.resize(image, (10, 6), interpolation=cv2.INTER_AREA)
    )
    assert not np.array_equal(between, averaged)
    # A scale that moves no pixel leaves the picture itself.
    assert rescaled(image, 0.99, averaged_below=1.0) is image
    assert rescaled(image, 0.01, averaged_below=1.0).shape == (1, 1, 3)
