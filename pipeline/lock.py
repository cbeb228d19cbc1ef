"""Keeps two builds out of one dataset, and tells the one that has to wait who is in there.

In a folder the lock is the kernel's (`flock`), which ends with its process, however that
ends: a file left behind by a kill is nobody's. Where there is no such lock (object stores,
some network drives) the file itself is the lock: it is made only where there is none, and
counts as left behind when its process is dead, or, on another machine, when it was not
renewed for `STALE_SECONDS`. Every lock taken has a token of its own, by which a process
knows its own file whatever answer got lost, and deletes no other.

A build of part K of N holds a lock of its own, so that parts run beside each other but
not beside a build of the whole.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import socket
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from seedbed.errors import WITH_MAKE, SeedbedError
from seedbed.store import LocalStore, Store

LOCK_PREFIX = ".lock"

STALE_SECONDS = 600.0
RENEW_SECONDS = 60.0

PATIENCE_SECONDS = 1.0
"""How long a file that nobody living holds may be locked: others look at it, too."""

READING_SECONDS = 0.2
"""After how long a lock file that nobody can read is one that was cut short."""

SETTLE_SECONDS = 0.5
"""After taking over a lock file, how long one that judged the old one too may be at it."""

_UNSUPPORTED = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}

_held: set[int] = set()
"""Files that this process keeps locked, for a forked child to let go."""


@dataclass(frozen=True)
class Holder:
    """Who holds a lock: enough to find the process, and to know whether it still lives."""

    host: str
    pid: int
    started: str
    process_start: str
    renewed: float
    token: str = ""

    @classmethod
    def me(cls) -> Holder:
        """This process, now, with a token that no other lock has."""
        now = time.time()
        started = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        process_start = _process_start(os.getpid())
        return cls(
            socket.gethostname(), os.getpid(), started, process_start, now, secrets.token_hex(8)
        )

    @classmethod
    def read(cls, content: bytes) -> Holder | None:
        """The holder a lock file names; None for one whose writer was cut short."""
        try:
            return cls(**json.loads(content))
        except (ValueError, TypeError):
            return None

    def written(self) -> bytes:
        """What `read` reads."""
        return json.dumps(asdict(self)).encode()

    @property
    def here(self) -> bool:
        """Whether the process is one of this machine's."""
        return self.host == socket.gethostname()

    @property
    def alive(self) -> bool:
        """Whether the process still runs, as far as that can be told from here."""
        if not self.here:
            return time.time() - self.renewed < STALE_SECONDS
        if not _runs(self.pid):
            return False
        return self.process_start in ("", _process_start(self.pid))


def _runs(pid: int) -> bool:
    if os.name == "nt":
        # Signal 0 would end the process there; a lock left behind has to be deleted by hand.
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _process_start(pid: int) -> str:
    """When a process began, in the kernel's ticks ("" where that is not told): field 22 of
    `/proc/PID/stat`, proc_pid_stat(5). A number may be used again; this goes with it."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return text.rpartition(")")[2].split()[19]


class Lock:
    """Held inside its `with` block, by one build of a dataset or of one part of it."""

    def __init__(self, store: Store, part: tuple[int, int] | None = None) -> None:
        self.store = store
        self.part = part
        self.name = LOCK_PREFIX if part is None else f"{LOCK_PREFIX}-{part[0]}-of-{part[1]}"
        self._handle: int | None = None
        self._me: Holder | None = None
        self._left = threading.Event()
        self._renewing: threading.Thread | None = None

    def check(self) -> None:
        """Raise `SeedbedError` where another process holds this lock or one against it."""
        for name in self.store.names("", [LOCK_PREFIX]):
            against = self.part is None or name in (self.name, LOCK_PREFIX)
            if against:
                self._clear(name)

    def __enter__(self) -> Self:
        """Take the lock. Raises `SeedbedError` naming the process that has it, `OSError`."""
        self._acquire()
        try:
            for name in self.store.names("", [LOCK_PREFIX]):
                if name != self.name and (self.part is None or name == LOCK_PREFIX):
                    self._clear(name)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Let the lock go; nothing of it stays behind."""
        if self._handle is not None:
            assert isinstance(self.store, LocalStore)
            (self.store.folder / self.name).unlink(missing_ok=True)
            _held.discard(self._handle)
            os.close(self._handle)
            self._handle = None
        if self._me is not None:
            me, self._me = self._me, None
            self._left.set()
            if self._renewing is not None:
                # A renewal that is on its way would else bring the file back.
                self._renewing.join()
                self._renewing = None
            holder = self._holder(self.name)
            if holder is not None and holder.token == me.token:
                self.store.delete(self.name)

    def _acquire(self) -> None:
        me = Holder.me()
        if isinstance(self.store, LocalStore):
            with suppress(_NoKernelLock):
                handle = self._locked(self.name)
                os.ftruncate(handle, 0)
                os.pwrite(handle, me.written(), 0)
                self._handle = handle
                _held.add(handle)
                return
        took_over = False
        while not self._created(me):
            took_over = self._clear(self.name) or took_over
            if took_over and self._created(me):
                # One that judged the same file may delete ours: only the last to come stays.
                time.sleep(SETTLE_SECONDS)
                holder = self._holder(self.name)
                if holder is not None and holder.token == me.token:
                    break
        self._me = me
        self._left = threading.Event()
        self._renewing = threading.Thread(target=self._renew, args=(me, self._left), daemon=True)
        self._renewing.start()

    def _created(self, me: Holder) -> bool:
        """Whether the lock file is ours, also where the answer to making it was lost."""
        if self.store.create(self.name, me.written()):
            return True
        holder = self._holder(self.name)
        return holder is not None and holder.token == me.token

    def _renew(self, me: Holder, left: threading.Event) -> None:
        while not left.wait(RENEW_SECONDS):
            try:
                holder = self._holder(self.name)
                if holder is not None and holder.token != me.token:
                    # Taken over while this machine slept: it is another's now.
                    return
                self.store.write(self.name, replace(me, renewed=time.time()).written())
            except OSError:
                # Said by the build itself, whose next shard cannot be written either.
                continue

    def _locked(self, name: str) -> int:
        """The locked file of that name. Raises `SeedbedError`, `_NoKernelLock`, `OSError`.

        One that nobody living holds is locked for a moment while others look at it, too.
        """
        assert isinstance(self.store, LocalStore)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (handle := _flock(self.store.folder / name)) is None:
            holder = self._holder(name)
            if (holder is not None and holder.here and holder.alive) or time.monotonic() > deadline:
                raise self._refusal(holder)
            time.sleep(0.02)
        return handle

    def _clear(self, name: str) -> bool:
        """Delete a lock that was left behind; raise `SeedbedError` for one that is held.

        False where there was none any more.
        """
        if isinstance(self.store, LocalStore):
            with suppress(_NoKernelLock):
                handle = self._locked(name)
                (self.store.folder / name).unlink(missing_ok=True)
                os.close(handle)
                return True
        while (judged := self._content(name)) is not None:
            holder = Holder.read(judged)
            if holder is None:
                # Cut short, or not whole yet where files cannot be made at one stroke.
                time.sleep(READING_SECONDS)
            elif holder.alive:
                raise self._refusal(holder)
            # What was not judged is another's, which came in between.
            if self._content(name) == judged:
                self.store.delete(name)
                return True
        return False

    def _content(self, name: str) -> bytes | None:
        try:
            return self.store.read(name)
        except FileNotFoundError:
            return None

    def _holder(self, name: str) -> Holder | None:
        content = self._content(name)
        return None if content is None else Holder.read(content)

    def _refusal(self, holder: Holder | None) -> SeedbedError:
        who, cure = "another process", ""
        if holder is not None:
            who = f"process {holder.pid} on {holder.host}, since {holder.started}"
            if not holder.here:
                minutes = STALE_SECONDS / 60
                cure = f" (if it was killed, its lock lapses within {minutes:g} minutes)"
        return SeedbedError(
            f"{self.store} is being built already ({who}): wait for it, stop it{cure}, or give "
            f"--out another folder{WITH_MAKE}."
        )


class _NoKernelLock(Exception):
    """The kernel locks no files there: Windows, and some network drives."""


def _flock(path: Path) -> int | None:
    """The locked file, or None where another holds it. Raises `_NoKernelLock`, `OSError`."""
    if os.name == "nt":
        raise _NoKernelLock
    import fcntl

    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(handle)
            if error.errno in _UNSUPPORTED:
                raise _NoKernelLock from error
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                return None
            raise
        try:
            # The one before us may have deleted the file between our opening and locking it.
            if path.stat().st_ino == os.fstat(handle).st_ino:
                return handle
        except FileNotFoundError:
            pass
        os.close(handle)


def _let_go() -> None:
    """A forked worker keeps no lock: it must end with its parent."""
    while _held:
        os.close(_held.pop())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)
