"""Temporary folders that go when their process does, however it ends.

A process that ends by itself removes its folders. One that is killed cannot, so each folder
holds a file that its owner keeps locked: the next seedbed process to make or remove such a
folder also removes those whose lock nobody holds. (Where there are no such locks, on
Windows, a killed process's folder stays for the system to clean.)
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from multiprocessing.util import Finalize
from pathlib import Path

if os.name == "posix":
    import fcntl

PREFIX = "seedbed-speech-"
LOCK = "owner.lock"


class PrivateFolder:
    """A temporary folder of this process: `path` exists until `remove` or the process's end."""

    def __init__(self) -> None:
        sweep()
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX))
        self._lock = os.open(self.path / "new.lock", os.O_CREAT | os.O_RDWR, 0o600)
        if os.name == "posix":
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        # Seen by `sweep` only under its final name, that is, locked.
        (self.path / "new.lock").rename(self.path / LOCK)
        # Unlike `atexit`, this runs in multiprocessing's children, too, and not in a fork.
        self._finalizer = Finalize(self, _remove, (self.path, self._lock), exitpriority=10)

    def remove(self) -> None:
        """Remove the folder now; again does nothing."""
        self._finalizer()


def _remove(path: Path, lock: int) -> None:
    shutil.rmtree(path, ignore_errors=True)
    with suppress(OSError):
        os.close(lock)
    sweep()


def sweep() -> None:
    """Remove the folders of processes that were killed."""
    if os.name != "posix":
        return
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            lock = os.open(path / LOCK, os.O_RDWR)
        except OSError:
            # Not yet locked, already gone, or another user's.
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            continue
        else:
            shutil.rmtree(path, ignore_errors=True)
        finally:
            os.close(lock)
