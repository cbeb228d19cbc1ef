"""Builds that are killed, interrupted, starved of disk or robbed of their folder.

`SEEDBED_KILL_ROUNDS` says how many kills are tried: a few by default, 20 in `make soak`.
"""

from __future__ import annotations

import errno
import multiprocessing
import os
import random
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import pytest

from seedbed import store as store_module
from seedbed.builder import Progress, build
from seedbed.dataset import Dataset
from seedbed.errors import SeedbedError
from seedbed.recipe import Recipe, parse_recipe
from seedbed.verify import verify

ROUNDS = int(os.environ.get("SEEDBED_KILL_ROUNDS", "3"))

SAMPLES = 120

# A server that has everything imported forks each build: so a kill meets the build, not imports.
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["cv2", "seedbed.builder", "seedbed_trouble"])


def recipe(seconds: float = 0.04) -> Recipe:
    """120 samples in 31 shards."""
    return parse_recipe(
        {
            "name": "t",
            "seed": 7,
            "generator": {"name": "seedbed_trouble:Troubled", "seconds": seconds},
            "splits": {"train": SAMPLES, "val": 3},
            "shard_size": 4,
        }
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a build that nothing disturbed."""
    out = tmp_path_factory.mktemp("whole") / "d"
    build(recipe(), out, executor="serial")
    return contents(out)


def build_in_a_group(out: str) -> None:
    """What a process of its own group does, as one that a shell started."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        build(recipe(), out, workers=2, executor="processes", start_method="fork")
    except KeyboardInterrupt:
        os._exit(130)


def started(out: Path) -> Any:
    process = SERVER.Process(target=build_in_a_group, args=(str(out),))
    process.start()
    deadline = time.monotonic() + 30
    while not out.exists() and process.is_alive() and time.monotonic() < deadline:
        time.sleep(0.001)
    return process


def check_what_is_there(out: Path) -> None:
    """Whatever a reader sees after a kill is whole."""
    if not (out / "recipe.yaml").exists():
        return
    for problem in verify(out).problems:
        assert problem.text.endswith("run its build again."), problem.text


def test_killed_at_any_moment_and_run_again(whole: dict[str, bytes], tmp_path: Path) -> None:
    process = started(tmp_path / "timed")
    began = time.monotonic()
    process.join()
    seconds = time.monotonic() - began
    assert contents(tmp_path / "timed") == whole
    moments = random.Random(ROUNDS)
    cut_short = 0
    for number in range(ROUNDS):
        out = tmp_path / str(number)
        process = started(out)
        time.sleep(moments.uniform(0, seconds))
        # One that has just finished is no harm: what is asked is asked all the same.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.join()
        cut_short += not (out / "dataset.json").exists()
        check_what_is_there(out)
        build(recipe(), out, executor="serial")
        assert contents(out) == whole
    assert cut_short > 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_or_ended_and_run_again(
    whole: dict[str, bytes], tmp_path: Path, number: signal.Signals
) -> None:
    out = tmp_path / "d"
    process = started(out)
    while process.is_alive() and len(list(out.glob("marks/train-*.json"))) < 4:
        time.sleep(0.002)
    os.killpg(process.pid, number)
    process.join()
    assert process.exitcode == (130 if number == signal.SIGINT else -number)
    assert not (out / "dataset.json").exists()
    if number == signal.SIGINT:
        assert list(out.rglob(".*")) == []
    check_what_is_there(out)
    again = build(recipe(), out, executor="serial")
    assert again.progress.resumed_shards >= 4
    assert contents(out) == whole


def test_one_worker_killed_from_outside(whole: dict[str, bytes], tmp_path: Path) -> None:
    known: list[int] = []

    def kill_one(progress: Progress) -> None:
        if progress.made_shards == 3 and not known:
            victim = multiprocessing.active_children()[0]
            known.append(victim.pid or 0)
            os.kill(victim.pid or 0, signal.SIGKILL)

    built = build(recipe(), tmp_path / "d", workers=2, start_method="fork", on_progress=kill_one)
    assert built.progress.redone == 1
    assert "was killed by SIGKILL" in built.progress.last_loss
    assert contents(tmp_path / "d") == whole


@contextmanager
def mounted(folder: Path, kibibytes: int) -> Iterator[Callable[[int], None]]:
    """A tmpfs of that size in `folder`, and what gives it another size. Needs root."""

    def mount(*options: str) -> None:
        subprocess.run(["mount", *options, str(folder)], check=True, capture_output=True)

    mount("-t", "tmpfs", "-o", f"size={kibibytes}k", "seedbed-test")
    try:
        yield lambda size: mount("-o", f"remount,size={size}k")
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def limited(folder: Path, kibibytes: int) -> Iterator[Callable[[int], None]]:
    """As `mounted` without root: writers into `folder` are stopped by the size of all in it."""
    room = [kibibytes * 1024]
    writing = store_module.writing_whole

    class Stopped:
        def __init__(self, file: IO[bytes]) -> None:
            self.file = file

        def write(self, block: Any) -> int:
            used = 0
            for path in folder.rglob("*"):
                # The other worker renames its files meanwhile.
                with suppress(FileNotFoundError):
                    used += path.stat().st_size
            if used + memoryview(block).nbytes > room[0]:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            written = self.file.write(block)
            self.file.flush()
            return written

        def __getattr__(self, name: str) -> Any:
            return getattr(self.file, name)

    @contextmanager
    def stopped(path: Path) -> Iterator[Any]:
        with writing(path) as file:
            yield Stopped(file)

    def resize(size: int) -> None:
        room[0] = size * 1024

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store_module, "writing_whole", stopped)
        yield resize


def mounting_allowed() -> bool:
    """Whether this process may mount a tmpfs, asked where it leaves nothing behind."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        return False
    allowed = subprocess.run(
        ["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"],
        check=False,
        capture_output=True,
    )
    return allowed.returncode == 0


def small_disks() -> list[Callable[[Path, int], AbstractContextManager[Callable[[int], None]]]]:
    """A limited writer everywhere; a real tmpfs besides where mounting is allowed."""
    return [limited, mounted] if mounting_allowed() else [limited]


@pytest.mark.parametrize("small_disk", small_disks())
def test_a_disk_that_fills_up(
    whole: dict[str, bytes],
    tmp_path: Path,
    small_disk: Callable[[Path, int], AbstractContextManager[Callable[[int], None]]],
) -> None:
    with small_disk(tmp_path, 260) as resize:
        out = tmp_path / "d"
        with pytest.raises(SeedbedError) as caught:
            build(recipe(), out, workers=2, executor="processes", start_method="fork")
        assert "No space left on device; finished shards are kept" in str(caught.value)
        assert list(out.rglob(".*")) == []
        done = len(list(out.glob("marks/*.json")))
        assert 2 <= done < 31
        check_what_is_there(out)
        resize(4096)
        again = build(recipe(), out, workers=2, executor="processes", start_method="fork")
        assert again.progress.resumed_shards == done
        assert contents(out) == whole


@contextmanager
def protected_mount(folder: Path) -> Iterator[Callable[[bool], None]]:
    """A tmpfs in `folder`, and what makes it read-only and writable again. Needs root."""
    with mounted(folder, 4096):

        def protect(on: bool) -> None:
            how = f"remount,{'ro' if on else 'rw'},size=4096k"
            subprocess.run(["mount", "-o", how, str(folder)], check=True, capture_output=True)

        yield protect


@contextmanager
def protected_calls(folder: Path) -> Iterator[Callable[[bool], None]]:
    """As `protected_mount` without root: what opens, makes and links files is refused."""
    on = [False]

    def refused(call: Callable[..., Any]) -> Callable[..., Any]:
        def refuse(path: Any, *arguments: Any, **options: Any) -> Any:
            writes = call is not os_open or (arguments and arguments[0] & (os.O_RDWR | os.O_CREAT))
            if on[0] and writes and str(path).startswith(str(folder)):
                raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
            return call(path, *arguments, **options)

        return refuse

    def protect(value: bool) -> None:
        on[0] = value

    os_open = os.open
    writing = store_module.writing_whole

    @contextmanager
    def stopped(path: Path) -> Iterator[Any]:
        if on[0]:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        with writing(path) as file:
            yield file

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store_module, "writing_whole", stopped)
        for name in ("open", "mkdir", "unlink", "link"):
            patch.setattr(os, name, refused(getattr(os, name)))
        yield protect


@pytest.mark.parametrize(
    "protected", [protected_calls, protected_mount] if mounting_allowed() else [protected_calls]
)
def test_a_read_only_folder(
    whole: dict[str, bytes],
    tmp_path: Path,
    protected: Callable[[Path], AbstractContextManager[Callable[[bool], None]]],
) -> None:
    out = tmp_path / "d"
    with protected(tmp_path) as protect:
        protect(True)
        told = f"cannot write to {out}: Read-only file system; finished shards are kept: put it"
        with pytest.raises(SeedbedError, match=re.escape(told)):
            build(recipe(), out, executor="serial")
        assert not out.exists()
        protect(False)
    # The lock's own file stays open in `out`, and a mount with such a one is kept as it is.
    (out / "shards").mkdir(parents=True)
    with protected(out / "shards") as protect:
        told = f"cannot write shard train-000003 to {out}: Read-only file system; finished shards"
        for _ in range(2):
            with pytest.raises(SeedbedError, match=re.escape(told)):
                build(
                    recipe(),
                    out,
                    executor="serial",
                    on_progress=lambda progress: protect(
                        progress.made_shards + progress.resumed_shards == 3
                    ),
                )
            assert len(list(out.glob("marks/*.json"))) == 3
        protect(False)
        assert build(recipe(), out, executor="serial").progress.resumed_shards == 3
        assert contents(out) == whole


@pytest.mark.parametrize("executor", ["serial", "processes"])
def test_a_folder_that_is_removed_mid_way(
    whole: dict[str, bytes], tmp_path: Path, executor: str
) -> None:
    out = tmp_path / "d"

    def remove(progress: Progress) -> None:
        if progress.made_shards == 3:
            # The workers write into it meanwhile, so that it takes more than one go.
            while out.exists():
                shutil.rmtree(out, ignore_errors=True)

    with pytest.raises(SeedbedError, match=r"cannot write .*: No such file or directory; fin"):
        build(recipe(), out, executor=executor, workers=2, start_method="fork", on_progress=remove)
    assert not out.exists()
    build(recipe(), out, executor="serial")
    assert contents(out) == whole
    assert len(Dataset.open(out)) == SAMPLES + 3
