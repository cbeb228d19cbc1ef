"""Short films as folders of frames, or as GIF, WebP and TIFF files with several frames.

A film is opened once for its length and read again for the frames that a task wants, so that a
long one costs no memory. A folder's frames are its pictures, sorted by name, all of one size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seedbed.errors import InputError
from seedbed.sample import Picture
from seedbed.trainers.pictures import PICTURE_SUFFIXES, read_picture

Frames = NDArray[np.uint8]
"""(time, height, width, 3) RGB."""

FILM_SUFFIXES = (".gif", ".webp", ".tif", ".tiff")
"""Files that may hold several frames; with one frame they are pictures."""


@dataclass(frozen=True)
class FilmFile:
    """A folder of frames or a file of several, and how many there are."""

    path: Path
    count: int

    def frames(self, numbers: Sequence[int]) -> Frames:
        """The frames of these numbers, in order. Raises `InputError` for unreadable ones."""
        if self.path.is_dir():
            return self._of_pictures(numbers)
        from PIL import Image

        frames = []
        try:
            with Image.open(self.path) as file:
                for number in numbers:
                    file.seek(number)
                    frames.append(np.asarray(file.convert("RGB"), dtype=np.uint8))
        except (OSError, EOFError, ValueError, SyntaxError) as error:
            raise InputError(f"film {self.path} cannot be read: {error}") from error
        return np.stack(frames)

    def _of_pictures(self, numbers: Sequence[int]) -> Frames:
        files = frame_files(self.path)
        frames: list[NDArray[np.uint8]] = []
        for number in numbers:
            frame = read_picture(files[number])
            if frames and frame.shape != frames[0].shape:
                sizes = [f"{one.shape[1]}x{one.shape[0]}" for one in (frame, frames[0])]
                raise InputError(
                    f"film {self.path}: its frames must be of one size, but {files[number].name} "
                    f"is {sizes[0]} and {files[numbers[0]].name} {sizes[1]}."
                )
            frames.append(frame)
        return np.stack(frames)


@dataclass(frozen=True, kw_only=True)
class Film(Picture):
    """A film of two frames or more; `image` is its middle one."""

    film: FilmFile


def frame_files(folder: Path) -> list[Path]:
    """The pictures of a folder, sorted by name."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in PICTURE_SUFFIXES and path.is_file()
    )


def open_film(path: Path) -> FilmFile | None:
    """The film at a path, or None where it is a picture, or a folder of fewer than two.

    Raises `InputError` for a file that cannot be read.
    """
    if path.is_dir():
        count = len(frame_files(path))
    elif path.suffix.lower() in FILM_SUFFIXES:
        from PIL import Image

        try:
            with Image.open(path) as file:
                count = int(getattr(file, "n_frames", 1))
        except (OSError, EOFError, ValueError, SyntaxError) as error:
            raise InputError(f"film {path} cannot be read: {error}") from error
    else:
        return None
    return FilmFile(path, count) if count > 1 else None


def read_still(path: Path) -> NDArray[np.uint8]:
    """A picture file of any kind, or a folder's only frame, as uint8 RGB. Raises `InputError`."""
    if path.is_dir():
        return read_picture(frame_files(path)[0])
    if path.suffix.lower() in FILM_SUFFIXES:
        still: NDArray[np.uint8] = FilmFile(path, 1).frames([0])[0]
        return still
    return read_picture(path)


def evenly(count: int, wanted: int) -> list[int]:
    """The numbers of `wanted` frames of `count`, each from the middle of its share of the time.

    Of 8 frames, 4 are 1, 3, 5 and 7; a film with fewer frames repeats some.
    """
    return [int((number + 0.5) * count / wanted) for number in range(wanted)]
