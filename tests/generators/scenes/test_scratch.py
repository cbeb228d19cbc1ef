"""Kept rooms have the shape asked for, are the same again, and stay small."""

from __future__ import annotations

import threading

import numpy as np

from seedbed.generators.scenes.scratch import KEPT_BYTES, scratch


def test_the_same_name_gives_the_same_room() -> None:
    first = scratch("test", (4, 6))
    first[:] = 7
    again = scratch("test", (3, 2, 3))
    assert again.shape == (3, 2, 3)
    assert again.dtype == np.uint8
    assert np.shares_memory(first, again)
    assert not np.shares_memory(first, scratch("other test", (4, 6)))


def test_large_rooms_are_not_kept() -> None:
    shape = (KEPT_BYTES + 1,)
    assert not np.shares_memory(scratch("large test", shape), scratch("large test", shape))


def test_threads_have_rooms_of_their_own() -> None:
    own = scratch("test", (4, 4))
    others: list[np.ndarray] = []
    thread = threading.Thread(target=lambda: others.append(scratch("test", (4, 4))))
    thread.start()
    thread.join()
    assert not np.shares_memory(own, others[0])
