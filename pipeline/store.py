"""Where a dataset lies: a local folder, or anything fsspec reaches (`s3://`, `gs://`, …).

Names inside a store use slashes: `shards/train-000000.parquet`. Whatever is written appears
whole or not at all: a local file is written beside its name, fsynced and renamed; an object
is spooled on the worker's own disk and uploaded, in parts where it is large, and an upload
that was not finished is no object. Credentials come from the environment, as each library
reads them, and are no part of an address: nothing here could write them anywhere.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import cached_property, partial
from pathlib import Path
from secrets import token_hex
from typing import IO, Any, TypeVar

from seedbed.errors import InputError, MissingExtra

T = TypeVar("T")

TEMPORARY_PREFIX = "."
"""Unfinished files start with a dot, which Arrow, Spark and shells leave out of listings."""

PART_BYTES = 16 * 2**20
"""One part of a multipart upload; S3 takes 5 MiB to 5 GiB, and 10,000 parts at most:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html"""

SPOOL_BYTES = 64 * 2**20
"""An object up to this size waits for its upload in memory, a larger one on disk."""

RETRIES = 7
FIRST_WAIT_SECONDS = 0.2

NO_LINK = {errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS}
"""What says that a file cannot be linked there, and has to be written or copied."""

_TRANSIENT_ERRNO = {
    errno.EAGAIN,
    errno.EBUSY,
    errno.ECONNABORTED,
    errno.ECONNREFUSED,
    errno.ECONNRESET,
    errno.EHOSTUNREACH,
    errno.EIO,
    errno.ENETDOWN,
    errno.ENETUNREACH,
    errno.EPIPE,
    errno.ETIMEDOUT,
}

_TRANSIENT_STATUS = {408, 429, 500, 502, 503, 504}
"""HTTP's own words for "try again": RFC 9110 and, for 429, RFC 6585."""

_TRANSIENT_CLASSES = {"HTTPClientError", "ClientConnectionError", "ClientPayloadError"}
"""Of botocore and aiohttp, which are not imported for it: a class above an error's is enough."""

_EXTRAS = {
    "s3": ("s3fs", "s3"),
    "s3a": ("s3fs", "s3"),
    "gs": ("gcsfs", "gcs"),
    "gcs": ("gcsfs", "gcs"),
}
"""The package and the extra that open a protocol; both are their fsspec libraries' names."""

_URL = re.compile(r"^([a-z][a-z0-9+.-]*)://(.*)$", re.DOTALL)


class Store(ABC):
    """A dataset's place. It pickles, and opens its connections anew in each process.

    Every method raises `OSError` where the place cannot be read or written, and
    `FileNotFoundError` for a name that is not there.
    """

    address: str

    def __str__(self) -> str:
        return self.address

    def path(self, name: str) -> str:
        """The full address of a name, for messages."""
        return f"{self.address}/{name}"

    @property
    @abstractmethod
    def shared(self) -> bool:
        """Whether another process that opens the same address sees the same files."""

    @abstractmethod
    def prepare(self) -> None:
        """Make the place itself where it is missing."""

    @abstractmethod
    def size(self, name: str) -> int | None:
        """Bytes in a file, or None where there is none."""

    @abstractmethod
    def read(self, name: str) -> bytes:
        """A whole file."""

    @abstractmethod
    def write(self, name: str, content: bytes) -> None:
        """Write a whole file, replacing what is there."""

    @abstractmethod
    def create(self, name: str, content: bytes) -> bool:
        """Write a file only where there is none; False where there is one already."""

    @abstractmethod
    def writing(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """A file to write front to back, committed when the block ends without an error."""

    @abstractmethod
    def open(self, name: str) -> Any:
        """What `pyarrow.parquet.ParquetFile` takes to read a file here and there."""

    @abstractmethod
    def blocks(self, name: str) -> Iterator[bytes]:
        """A file's content, a few megabytes at a time."""

    @abstractmethod
    def names(self, folder: str, prefixes: Iterable[str] | None = None) -> Iterator[str]:
        """The names of the finished files in a folder, in no order.

        Names that start with a dot are left out, unless a prefix starts with one.
        `prefixes` cover all names that are wanted; a store that lists by prefix asks for
        one after the other and so never holds all names.
        """

    @abstractmethod
    def delete(self, name: str) -> None:
        """Delete a file, or nothing where there is none."""

    @abstractmethod
    def empty(self) -> bool:
        """Whether there is nothing here but names that start with a dot, and empty folders."""

    @abstractmethod
    def clean(self, mine: Callable[[str], bool] = lambda name: True) -> None:
        """Delete what killed writers left of the files whose final names are `mine`."""


class LocalStore(Store):
    """A folder on this machine, or one that machines share."""

    shared = True

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address = str(folder)

    def path(self, name: str) -> str:
        """As `Store.path`."""
        return str(self.folder / name)

    def prepare(self) -> None:
        """As `Store.prepare`."""
        for place in (self.folder, self.folder / "shards", self.folder / "marks"):
            place.mkdir(parents=True, exist_ok=True)

    def size(self, name: str) -> int | None:
        """As `Store.size`."""
        try:
            return (self.folder / name).stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            return None

    def read(self, name: str) -> bytes:
        """As `Store.read`."""
        return (self.folder / name).read_bytes()

    def write(self, name: str, content: bytes) -> None:
        """As `Store.write`."""
        with self.writing(name) as file:
            file.write(content)

    def create(self, name: str, content: bytes) -> bool:
        """As `Store.create`."""
        final = self.folder / name
        temporary = _temporary(final)
        try:
            temporary.write_bytes(content)
            # A link appears with all its content, and never in the place of another file.
            os.link(temporary, final)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in NO_LINK:
                raise
            return _create_unlinked(final, content)
        finally:
            temporary.unlink(missing_ok=True)
        return True

    def writing(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """As `Store.writing`; whole even after a power cut."""
        return writing_whole(self.folder / name)

    def open(self, name: str) -> Any:
        """As `Store.open`."""
        return self.folder / name

    def blocks(self, name: str) -> Iterator[bytes]:
        """As `Store.blocks`."""
        with (self.folder / name).open("rb") as file:
            while block := file.read(2**22):
                yield block

    def names(self, folder: str, prefixes: Iterable[str] | None = None) -> Iterator[str]:
        """As `Store.names`."""
        try:
            entries = os.scandir(self.folder / folder)
        except (FileNotFoundError, NotADirectoryError):
            return
        with entries:
            hidden = tuple(one for one in prefixes or () if one.startswith(TEMPORARY_PREFIX))
            for entry in entries:
                name = entry.name
                if name.startswith(hidden) if hidden else not name.startswith(TEMPORARY_PREFIX):
                    yield name

    def delete(self, name: str) -> None:
        """As `Store.delete`."""
        (self.folder / name).unlink(missing_ok=True)

    def empty(self) -> bool:
        """As `Store.empty`."""
        return all(
            name in ("shards", "marks") and not any((self.folder / name).iterdir())
            for name in self.names("")
        )

    def clean(self, mine: Callable[[str], bool] = lambda name: True) -> None:
        """As `Store.clean`."""
        for place in (self.folder, self.folder / "shards", self.folder / "marks"):
            for left in place.glob(f"{TEMPORARY_PREFIX}*.tmp"):
                final = left.name.removeprefix(TEMPORARY_PREFIX).rsplit(".", 2)[0]
                if mine(final):
                    left.unlink(missing_ok=True)


class RemoteStore(Store):
    """Objects under an address that fsspec knows, `s3://bucket/prefix` above all.

    Errors that pass by themselves (a refused connection, "slow down") are tried again
    `RETRIES` times, each wait twice the last.
    """

    def __init__(self, protocol: str, address: str) -> None:
        self.protocol = protocol
        self.address = address.rstrip("/")

    def __getstate__(self) -> dict[str, Any]:
        return {"protocol": self.protocol, "address": self.address}

    @property
    def shared(self) -> bool:
        """As `Store.shared`: fsspec's memory lives in one process."""
        return self.protocol != "memory"

    @cached_property
    def _opened(self) -> tuple[Any, str]:
        package, extra = _EXTRAS.get(self.protocol, ("fsspec", "s3"))
        try:
            import fsspec

            fs, root = fsspec.core.url_to_fs(self.address, use_listings_cache=False)
        except ImportError as error:
            if self.protocol in _EXTRAS or error.name == "fsspec":
                raise MissingExtra(package, extra, f"a dataset in {self.address}") from error
            raise InputError(f"{self.address} cannot be opened: {error}") from error
        except ValueError as error:
            raise InputError(f"{self.address} cannot be opened: {error}") from error
        return fs, str(root).rstrip("/")

    def _at(self, name: str) -> str:
        return f"{self._opened[1]}/{name}" if name else self._opened[1]

    def prepare(self) -> None:
        """As `Store.prepare`: prefixes need not be made, only the library to be there."""
        self._opened  # noqa: B018

    def size(self, name: str) -> int | None:
        """As `Store.size`."""
        fs = self._opened[0]
        try:
            found = _patiently(lambda: fs.info(self._at(name)))
        except FileNotFoundError:
            return None
        return None if found["type"] == "directory" else int(found["size"])

    def read(self, name: str) -> bytes:
        """As `Store.read`."""
        fs = self._opened[0]
        content: bytes = _patiently(lambda: fs.cat_file(self._at(name)))
        return content

    def write(self, name: str, content: bytes) -> None:
        """As `Store.write`."""
        fs = self._opened[0]
        _patiently(lambda: fs.pipe_file(self._at(name), content))

    def create(self, name: str, content: bytes) -> bool:
        """As `Store.create`; S3 keeps two writers apart by `If-None-Match`."""
        fs = self._opened[0]
        try:
            _patiently(lambda: fs.pipe_file(self._at(name), content, mode="create"))
        except FileExistsError:
            return False
        return True

    @contextmanager
    def writing(self, name: str) -> Iterator[IO[bytes]]:
        """As `Store.writing`."""
        with tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES) as spool:
            yield spool
            size = spool.tell()
            if size <= PART_BYTES:
                spool.seek(0)
                self.write(name, spool.read())
            else:
                _patiently(lambda: self._upload(spool, name))

    def _upload(self, spool: Any, name: str) -> None:
        """Once through the spool, a part at a time; an error leaves no object and no parts."""
        spool.seek(0)
        target = self._opened[0].open(self._at(name), "wb", block_size=PART_BYTES)
        try:
            shutil.copyfileobj(spool, target, PART_BYTES)
            target.close()
        except BaseException:
            # Its destructor would else finish what is given up here, cut short, should the
            # store refuse to have it discarded. What a store then keeps, its own rule clears.
            with suppress(AttributeError):
                target.closed = True
            with suppress(Exception):
                target.discard()
            raise

    def open(self, name: str) -> Any:
        """As `Store.open`."""
        fs = self._opened[0]
        return _patiently(lambda: fs.open(self._at(name), "rb"))

    def blocks(self, name: str) -> Iterator[bytes]:
        """As `Store.blocks`."""
        fs, size = self._opened[0], self.size(name)
        if size is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), self.path(name))
        for start in range(0, size, PART_BYTES):
            end = min(start + PART_BYTES, size)
            yield _patiently(partial(fs.cat_file, self._at(name), start=start, end=end))

    def names(self, folder: str, prefixes: Iterable[str] | None = None) -> Iterator[str]:
        """As `Store.names`."""
        fs = self._opened[0]
        for prefix in prefixes if prefixes is not None else ("",):
            found = _patiently(partial(fs.find, self._at(folder), prefix=prefix))
            for path in found:
                name = str(path).rpartition("/")[2]
                hidden = name.startswith(TEMPORARY_PREFIX) and not prefix
                if name.startswith(prefix) and not hidden:
                    yield name

    def delete(self, name: str) -> None:
        """As `Store.delete`."""
        fs = self._opened[0]
        with suppress(FileNotFoundError):
            _patiently(lambda: fs.rm_file(self._at(name)))

    def empty(self) -> bool:
        """As `Store.empty`."""
        fs = self._opened[0]
        try:
            found = _patiently(lambda: fs.ls(self._at(""), detail=False))
        except FileNotFoundError:
            return True
        last = [str(path).rstrip("/").rpartition("/")[2] for path in found]
        return all(name.startswith(TEMPORARY_PREFIX) for name in last)

    def clean(self, mine: Callable[[str], bool] = lambda name: True) -> None:
        """As `Store.clean`: an unfinished upload is no object, so there is nothing to delete."""


def as_store(place: str | Path | Store) -> Store:
    """The store at a path or an address such as `s3://bucket/dataset`.

    Raises `InputError` for an address that holds credentials, which a log would show.
    """
    if isinstance(place, Store):
        return place
    if isinstance(place, Path):
        return LocalStore(place)
    found = _URL.match(place)
    if found is None:
        return LocalStore(Path(place))
    protocol, rest = found.groups()
    if protocol in ("file", "local"):
        return LocalStore(Path(rest))
    if "@" in rest.partition("/")[0] or "?" in rest:
        raise InputError(
            f"an address must hold no credentials or options ({protocol}://…): give them in the "
            f"environment, for S3 AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_ENDPOINT_URL."
        )
    if not rest.strip("/"):
        raise InputError(f"{place} names no place for a dataset: add a bucket and a prefix to it.")
    return RemoteStore(protocol, place)


def is_transient(error: BaseException) -> bool:
    """Whether an error of a store may pass by itself."""
    if isinstance(error, FileNotFoundError | FileExistsError | PermissionError):
        return False
    if isinstance(error, ConnectionError | TimeoutError):
        return True
    if isinstance(error, OSError) and error.errno in _TRANSIENT_ERRNO:
        return True
    if any(cls.__name__ in _TRANSIENT_CLASSES for cls in type(error).__mro__):
        return True
    status = getattr(error, "status", getattr(error, "code", None))
    return str(status).isdigit() and int(str(status)) in _TRANSIENT_STATUS


def _patiently(operation: Callable[[], T]) -> T:
    """`operation`'s result, tried again while its errors are transient.

    Whatever a store's library raises in the end comes out as an `OSError`.
    """
    for attempt in range(RETRIES + 1):
        try:
            return operation()
        except FileNotFoundError:
            raise
        except Exception as error:
            if attempt == RETRIES or not is_transient(error):
                if isinstance(error, OSError):
                    raise
                reason = " ".join(str(error).split()) or type(error).__name__
                raise OSError(errno.EIO, reason) from error
            time.sleep(FIRST_WAIT_SECONDS * 2**attempt)
    raise AssertionError("the last attempt returns or raises")


def _temporary(path: Path) -> Path:
    """A name beside `path` that no other writer has: containers share process numbers.

    What follows the final name is one word and `tmp`, by which `LocalStore.clean` finds it.
    """
    return path.with_name(f"{TEMPORARY_PREFIX}{path.name}.{os.getpid()}-{token_hex(4)}.tmp")


def _create_unlinked(path: Path, content: bytes) -> bool:
    try:
        with path.open("xb") as file:
            file.write(content)
    except FileExistsError:
        return False
    return True


@contextmanager
def writing_whole(path: Path) -> Iterator[IO[bytes]]:
    """A file to write, which is there whole or not at all, even after a power cut."""
    temporary = _temporary(path)
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    sync_folder(path.parent)


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file so that it is there whole or not at all, even after a power cut."""
    with writing_whole(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def sync_folder(folder: Path) -> None:
    """Make renames in a folder durable; Windows has no such call and needs none."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
