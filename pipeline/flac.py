"""FLAC in memory, by the libsndfile that the package soundfile carries.

`soundfile.SoundFile` does the same through twenty small calls in Python, which for a spoken
word cost an eighth of the encoding: here the library's functions are called directly, with one
set of callbacks for the whole process.
"""

from __future__ import annotations

from functools import cache
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed.errors import SeedbedError

WRITE, FLAC_16_BITS, SET_COMPRESSION_LEVEL = 0x20, 0x170002, 0x1301
"""`SFM_WRITE`, `SF_FORMAT_FLAC | SF_FORMAT_PCM_16` and `SFC_SET_COMPRESSION_LEVEL` of libsndfile's
`sndfile.h`."""


class _FlacWriter:
    """libsndfile with a buffer to write to; one caller at a time."""

    def __init__(self, compression: float) -> None:
        import soundfile

        self._library, ffi = soundfile._snd, soundfile._ffi
        self._ffi = ffi
        self._lock = Lock()
        self._content = bytearray()
        self._place = 0

        def length(_: Any) -> int:
            return len(self._content)

        def tell(_: Any) -> int:
            return self._place

        def seek(offset: int, whence: int, _: Any) -> int:
            self._place = offset + (0, self._place, len(self._content))[whence]
            return self._place

        def write(source: Any, count: int, _: Any) -> int:
            self._content[self._place : self._place + count] = ffi.buffer(source, count)
            self._place += count
            return count

        def read(target: Any, count: int, _: Any) -> int:
            found = self._content[self._place : self._place + count]
            ffi.buffer(target, len(found))[:] = found
            self._place += len(found)
            return len(found)

        self._callbacks = {
            name: ffi.callback(f"sf_vio_{kind}", function)
            for name, kind, function in (
                ("get_filelen", "get_filelen", length),
                ("seek", "seek", seek),
                ("read", "read", read),
                ("write", "write", write),
                ("tell", "tell", tell),
            )
        }
        self._virtual = ffi.new("SF_VIRTUAL_IO*", self._callbacks)
        self._level = ffi.new("double*", compression)

    def encode(self, samples: NDArray[np.int16], sample_rate: int) -> bytes:
        ffi, library = self._ffi, self._library
        with self._lock:
            self._content, self._place = bytearray(), 0
            facts = ffi.new("SF_INFO*")
            facts.samplerate, facts.channels, facts.format = sample_rate, 1, FLAC_16_BITS
            file = library.sf_open_virtual(self._virtual, WRITE, facts, ffi.NULL)
            if file == ffi.NULL:
                reason = ffi.string(library.sf_strerror(ffi.NULL)).decode()
                raise SeedbedError(f"libsndfile cannot write FLAC at {sample_rate} Hz: {reason}")
            library.sf_command(file, SET_COMPRESSION_LEVEL, self._level, 8)
            written = library.sf_writef_short(
                file, ffi.from_buffer("short[]", samples), len(samples)
            )
            library.sf_close(file)
            if written != len(samples):
                raise SeedbedError(
                    f"libsndfile wrote {written} of {len(samples)} samples of a FLAC."
                )
            return bytes(self._content)


@cache
def _writer(compression: float) -> _FlacWriter:
    return _FlacWriter(compression)


def encode_flac(samples: NDArray[np.int16], sample_rate: int, compression: float) -> bytes:
    """Mono samples of shape (frames,), contiguous, as FLAC bytes; `compression` from 0 to 1.

    Raises `SeedbedError` for a sample rate that FLAC does not know.
    """
    return _writer(compression).encode(samples, sample_rate)
