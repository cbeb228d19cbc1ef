from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seedbed import lock
from seedbed.builder import Progress, build
from seedbed.errors import SeedbedError
from seedbed.lock import STALE_SECONDS, Holder, Lock
from seedbed.recipe import parse_recipe
from seedbed.store import LocalStore, Store, as_store


@pytest.fixture(params=["folder", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A place whose kernel locks, and one where the file itself is the lock."""
    if request.param == "folder":
        yield LocalStore(tmp_path)
        return
    import fsspec

    yield as_store(f"memory://lock-{tmp_path.name}")
    fsspec.filesystem("memory").rm("/", recursive=True)


def locks(store: Store) -> list[str]:
    return sorted(store.names("", [".lock"]))


def test_the_second_is_told_who_is_in_there(store: Store) -> None:
    with Lock(store), pytest.raises(SeedbedError) as caught:
        Lock(store).__enter__()
    assert f"{store} is being built already (process {os.getpid()} on " in str(caught.value)
    assert f"on {socket.gethostname()}, since 20" in str(caught.value)
    assert locks(store) == []
    with Lock(store):
        assert locks(store) == [".lock"]
        with pytest.raises(SeedbedError, match="is being built already"):
            Lock(store).check()
    Lock(store).check()


def test_parts_run_beside_each_other_but_not_beside_the_whole(store: Store) -> None:
    with Lock(store, (1, 3)), Lock(store, (2, 3)):
        assert locks(store) == [".lock-1-of-3", ".lock-2-of-3"]
        for other in (None, (1, 3)):
            with pytest.raises(SeedbedError, match="is being built already"):
                Lock(store, other).check()
            with pytest.raises(SeedbedError, match="is being built already"):
                Lock(store, other).__enter__()
        assert locks(store) == [".lock-1-of-3", ".lock-2-of-3"]
    with Lock(store), pytest.raises(SeedbedError, match="is being built already"):
        Lock(store, (1, 3)).__enter__()
    assert locks(store) == []


def _dead_pid() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    return ended.pid


def test_a_lock_left_behind_is_nobody_s(store: Store) -> None:
    me = Holder.me()
    left = [
        replace(me, pid=_dead_pid()).written(),
        # The number was given to another process since: ours, which began at another time.
        replace(me, process_start="1").written(),
        replace(me, host="elsewhere", renewed=me.renewed - 2 * STALE_SECONDS).written(),
        b"{cut short",
    ]
    for content in left:
        store.write(".lock", content)
        store.write(".lock-1-of-2", content)
        Lock(store).check()
        with Lock(store):
            assert json.loads(store.read(".lock"))["pid"] == os.getpid()
        assert locks(store) == []


def test_another_machine_s_lock_counts_while_it_is_renewed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(handle: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    # As on a network drive that knows no flock.
    monkeypatch.setattr(fcntl, "flock", unsupported)
    monkeypatch.setattr(lock, "RENEW_SECONDS", 0.05)
    store = LocalStore(tmp_path)
    store.write(".lock", replace(Holder.me(), host="elsewhere", pid=1).written())
    with pytest.raises(SeedbedError, match=r"process 1 on elsewhere, since 20.* within 10 minutes"):
        Lock(store).__enter__()
    store.delete(".lock")
    with Lock(store):
        first = json.loads(store.read(".lock"))["renewed"]
        waiting = threading.Event()
        for _ in range(100):
            if json.loads(store.read(".lock"))["renewed"] > first:
                break
            waiting.wait(0.05)
        assert json.loads(store.read(".lock"))["renewed"] > first


def test_a_forked_child_does_not_keep_the_lock(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    held = Lock(store).__enter__()
    (reader, writer), (began, begins) = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writer)
        os.write(begins, b"!")
        os.read(reader, 1)
        os._exit(0)
    os.read(began, 1)
    handle = held._handle
    assert handle is not None
    os.close(handle)
    held._handle = None
    lock._held.discard(handle)
    # As after a kill: the file is there, its lock is not, though the child still runs.
    with Lock(store):
        pass
    os.close(writer)
    os.waitpid(child, 0)
    for end in (reader, began, begins):
        os.close(end)


def test_two_builds_at_once(dots_values: dict[str, Any], tmp_path: Path) -> None:
    """The second is refused while the first is at work, and the first is not disturbed."""
    recipe = parse_recipe(dots_values)
    refused: list[str] = []

    def try_too(progress: Progress) -> None:
        if progress.made_shards == 2:
            with pytest.raises(SeedbedError) as caught:
                build(recipe, tmp_path / "d", executor="serial")
            refused.append(str(caught.value))

    built = build(recipe, tmp_path / "d", executor="serial", on_progress=try_too)
    assert "is being built already" in refused[0]
    assert built.progress.made_shards == 7
    again = build(recipe, tmp_path / "e", executor="serial")
    assert again.info == built.info
