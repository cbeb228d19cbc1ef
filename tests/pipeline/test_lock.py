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
from seedbed.builder import build
from seedbed.errors import SeedbedError
from seedbed.lock import STALE_SECONDS, Holder, Lock
from seedbed.plan import Part
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


def test_a_lock_left_behind_is_nobody_s(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "SETTLE_SECONDS", 0.01)
    monkeypatch.setattr(lock, "READING_SECONDS", 0.01)
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


@pytest.fixture
def network_drive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalStore:
    """A folder whose kernel knows no flock: the file itself is the lock, as in a store."""

    def unsupported(handle: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", unsupported)
    return LocalStore(tmp_path)


def test_another_machine_s_lock_counts_while_it_is_renewed(
    network_drive: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = network_drive
    monkeypatch.setattr(lock, "RENEW_SECONDS", 0.05)
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


def test_a_lock_whose_answer_was_lost_is_one_s_own(
    network_drive: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was made, the connection broke, and the second try found it there."""
    create = LocalStore.create

    def tried_again(self: LocalStore, name: str, content: bytes) -> bool:
        create(self, name, content)
        return create(self, name, content)

    monkeypatch.setattr(LocalStore, "create", tried_again)
    with Lock(network_drive):
        with pytest.raises(SeedbedError, match=f"process {os.getpid()} on "):
            Lock(network_drive).__enter__()
        assert locks(network_drive) == [".lock"]
    assert locks(network_drive) == []


def test_only_the_lock_that_was_judged_is_deleted(
    network_drive: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one looks at a lock left behind, another takes it over, and keeps it."""
    other = replace(Holder.me(), pid=os.getppid(), process_start="", started="just now")
    left = replace(Holder.me(), pid=_dead_pid())
    alive = Holder.alive.fget  # type: ignore[attr-defined]

    def taken_meanwhile(holder: Holder) -> bool:
        if holder == left:
            network_drive.write(".lock", other.written())
        return bool(alive(holder))

    monkeypatch.setattr(Holder, "alive", property(taken_meanwhile))
    for act in (Lock(network_drive).check, Lock(network_drive, (1, 2)).__enter__):
        network_drive.write(".lock", left.written())
        with pytest.raises(SeedbedError, match=f"process {other.pid} on .*, since just now"):
            act()
        assert Holder.read(network_drive.read(".lock")) == other
    network_drive.write(".lock", left.written())
    with pytest.raises(SeedbedError, match="since just now"):
        Lock(network_drive).__enter__()
    assert locks(network_drive) == [".lock"]


def test_a_lock_lost_while_it_was_taken_over_is_not_held(
    network_drive: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another judged the same old file, and deletes what has come in its place."""
    other = replace(Holder.me(), token="another's")

    def meanwhile(seconds: float) -> None:
        network_drive.write(".lock", other.written())

    network_drive.write(".lock", replace(Holder.me(), pid=_dead_pid()).written())
    monkeypatch.setattr(lock.time, "sleep", meanwhile)
    with pytest.raises(SeedbedError, match="is being built already"):
        Lock(network_drive).__enter__()
    assert Holder.read(network_drive.read(".lock")) == other


def test_what_is_not_one_s_own_any_more_is_left_alone(network_drive: LocalStore) -> None:
    other = replace(Holder.me(), host="elsewhere")
    with Lock(network_drive):
        network_drive.write(".lock", other.written())
    assert Holder.read(network_drive.read(".lock")) == other


def test_a_renewal_on_its_way_does_not_bring_a_lock_back(
    network_drive: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, begun = LocalStore.write, threading.Event()

    def slow(self: LocalStore, name: str, content: bytes) -> None:
        begun.set()
        threading.Event().wait(0.2)
        write(self, name, content)

    monkeypatch.setattr(LocalStore, "write", slow)
    monkeypatch.setattr(lock, "RENEW_SECONDS", 0.001)
    with Lock(network_drive):
        assert begun.wait(10)
    threads = [thread.name for thread in threading.enumerate() if "_renew" in thread.name]
    assert (locks(network_drive), threads) == ([], [])


def test_a_leftover_that_others_look_at_is_tried_again(tmp_path: Path) -> None:
    """All jobs of an array find the same file, and each locks it for a moment."""
    store = LocalStore(tmp_path)
    store.write(".lock", replace(Holder.me(), pid=_dead_pid()).written())
    for take in (Lock(store, (1, 2)).check, Lock(store).__enter__):
        handle = lock._flock(tmp_path / ".lock")
        assert handle is not None
        looking = threading.Timer(0.15, os.close, [handle])
        looking.start()
        held = take()
        looking.join()
        if held is not None:
            held.__exit__()
        store.write(".lock", replace(Holder.me(), pid=_dead_pid()).written())
    handle = lock._flock(tmp_path / ".lock")
    assert handle is not None
    with pytest.raises(SeedbedError, match="is being built already"):
        Lock(store).check()
    os.close(handle)


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


BUILD_AND_WAIT = """
import json, sys
from seedbed.builder import build
from seedbed.plan import Part
from seedbed.recipe import parse_recipe

def wait(progress):
    if progress.made_shards == 2:
        print("two", flush=True)
        sys.stdin.readline()

build(parse_recipe(json.loads(sys.argv[1])), sys.argv[2], executor="serial", on_progress=wait)
"""


def test_two_builds_at_once(dots_values: dict[str, Any], tmp_path: Path) -> None:
    """The second is refused while the first is at work, and the first is not disturbed."""
    recipe, out = parse_recipe(dots_values), tmp_path / "d"
    first = subprocess.Popen(
        [sys.executable, "-c", BUILD_AND_WAIT, json.dumps(dots_values), str(out)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        assert first.stdout is not None
        assert first.stdout.readline() == "two\n"
        told = f"is being built already (process {first.pid} on {socket.gethostname()}, since 20"
        for part in (None, Part(1, 2)):
            with pytest.raises(SeedbedError) as caught:
                build(recipe, out, executor="serial", part=part)
            assert told in str(caught.value)
        assert len(list((out / "marks").iterdir())) == 2
        assert first.communicate("go on\n", timeout=60) == ("", None)
    finally:
        first.kill()
        first.wait()
    assert first.returncode == 0
    again = build(recipe, out, executor="serial")
    assert again.already_complete
    assert again.info == build(recipe, tmp_path / "e", executor="serial").info
