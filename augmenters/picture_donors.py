"""Pictures from a user's folder, to cut from and to mix with."""

from __future__ import annotations

import struct
import warnings
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from seedbed.augmenters.picture import Image
from seedbed.errors import InputError

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")

MAX_PIXELS = 50_000_000
"""A larger picture is refused before it is decoded: it would fill a worker's memory."""

LONGEST_SIDE_PX = 1024
"""Donors are kept no larger than this, so that the cache holds at most 100 MB."""

CACHED_PICTURES = 32


@lru_cache(maxsize=16)
def donor_names(folder: str) -> tuple[str, ...]:
    """The pictures in a folder and its sub-folders, as relative paths, sorted.

    Raises `InputError` where the folder is missing or holds none.
    """
    root = Path(folder)
    if not root.is_dir():
        raise InputError(f"the donor folder {folder} does not exist: correct `donors`.")
    found = sorted(
        path.relative_to(root).as_posix()
        for path in root.rglob("*")
        if path.suffix.lower() in SUFFIXES and path.is_file()
    )
    if not found:
        raise InputError(
            f"the donor folder {folder} holds no picture ({', '.join(SUFFIXES)}): correct `donors`."
        )
    return tuple(found)


@lru_cache(maxsize=CACHED_PICTURES)
def donor_picture(folder: str, name: str) -> Image:
    """One picture of a donor folder, RGB, at most `LONGEST_SIDE_PX` a side.

    Raises `InputError` for one that cannot be read or is too large.
    """
    path = Path(folder) / name
    _check(path)
    bgr = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
    if bgr is None:
        raise InputError(f"{path} cannot be read as a picture: remove it from the donor folder.")
    scale = LONGEST_SIDE_PX / max(bgr.shape[:2])
    if scale < 1:
        small = (max(1, round(bgr.shape[1] * scale)), max(1, round(bgr.shape[0] * scale)))
        bgr = cv2.resize(bgr, small, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def _check(path: Path) -> None:
    """Raise `InputError` for what has no picture's header, or that of too large a picture."""
    import PIL.Image

    try:
        with warnings.catch_warnings():
            # Pillow warns of large pictures, which are refused below by a limit of ours.
            warnings.simplefilter("ignore", PIL.Image.DecompressionBombWarning)
            with PIL.Image.open(path) as picture:
                width, height = picture.size
    except PIL.Image.DecompressionBombError as error:
        raise InputError(f"{path} is too large to open: shrink it or remove it.") from error
    except (OSError, SyntaxError, ValueError, struct.error) as error:
        raise InputError(f"{path} cannot be read as a picture: remove it or mend it.") from error
    if width * height > MAX_PIXELS:
        raise InputError(
            f"{path} has {width}x{height} pixels, over the limit of {MAX_PIXELS}: "
            f"shrink it or remove it."
        )


def check_donors(folder: str) -> None:
    """Open the header of every picture in a folder.

    Raises `InputError` for a folder without pictures, and for a file that is broken or has
    more than `MAX_PIXELS`.
    """
    for name in donor_names(folder):
        _check(Path(folder) / name)


def donor_class(name: str) -> str:
    """The class of a donor: the name of the folder it lies in, or nothing at the top."""
    return name.split("/")[0] if "/" in name else ""
