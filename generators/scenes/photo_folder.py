"""Photographs from folders as backgrounds: listed once, cropped at random, decoded sparingly.

A picture that cannot be read, or that is larger than the pixel limit, is passed over and
counted, and the next candidate is taken. Which one that is depends on the drawn parameters and
on the folder's files only, never on what this process decoded before.
"""

from __future__ import annotations

import struct
import threading
import warnings
import zlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from seedbed.errors import InputError, SeedbedError
from seedbed.file_digests import files_digest
from seedbed.streams import chance, uniform

Rgb = NDArray[np.uint8]

SUFFIXES: Final = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
DEFAULT_PIXEL_LIMIT: Final = 60_000_000
"""60 megapixels: Pillow decodes to 4 bytes a pixel, and a worker is to stay under 400 MiB."""
CACHE_BYTES: Final = 96 * 2**20
CANDIDATES: Final = 3
_KEPT_SCALE: Final = 1.6
"""Pictures are kept at most this much larger than the frame: zooms beyond it are rare."""
_MAX_ASPECT: Final = 4.0
"""Panoramas are cut to this aspect before they are kept, so that none fills the cache."""

_BROKEN: Final = (
    OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, IndexError, KeyError,
    TypeError, RuntimeError, MemoryError, Image.DecompressionBombError, cv2.error,
)  # fmt: skip
"""What Pillow's decoders are known to raise for files that are not what they claim to be."""


@dataclass(frozen=True)
class PhotoParams:
    """Which photograph and which part of it.

    `candidates` are "FOLDER:PATH" (the folder's number, and the path below it) in order of
    preference. `zoom` is 1 for the largest crop that fills the frame; `centre` places the crop
    as shares of what room it leaves; `flip` mirrors it.
    """

    candidates: tuple[str, ...]
    zoom: float
    centre: tuple[float, float]
    flip: bool


class UnreadablePicture(SeedbedError):
    """One picture cannot be used; the message is a sentence that names it and says why."""


class PictureCache:
    """Decoded pictures, the least lately used dropped first to stay under `limit_bytes`."""

    def __init__(self, limit_bytes: int = CACHE_BYTES) -> None:
        self.limit_bytes = limit_bytes
        self.used_bytes = 0
        self._pictures: OrderedDict[tuple[str, int, int, int], Rgb | str] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, path: Path, width: int, height: int, pixel_limit: int) -> Rgb:
        """The picture at `path`, shrunk for a frame of that size; decoded where not kept.

        Raises `UnreadablePicture`; the reason is kept too, so that a broken file is read once.
        """
        key = (str(path), width, height, pixel_limit)
        with self._lock:
            kept = self._pictures.get(key)
            if kept is not None:
                self._pictures.move_to_end(key)
        if kept is None:
            try:
                kept = decode(path, width, height, pixel_limit)
                kept.setflags(write=False)
            except UnreadablePicture as error:
                kept = str(error)
            self._keep(key, kept)
        if isinstance(kept, str):
            raise UnreadablePicture(kept)
        return kept

    def _keep(self, key: tuple[str, int, int, int], picture: Rgb | str) -> None:
        size = _size_of(picture)
        with self._lock:
            if size > self.limit_bytes or key in self._pictures:
                return
            while self.used_bytes + size > self.limit_bytes:
                _, dropped = self._pictures.popitem(last=False)
                self.used_bytes -= _size_of(dropped)
            self._pictures[key] = picture
            self.used_bytes += size


def _size_of(picture: Rgb | str) -> int:
    # 1 KiB stands for a key, a sentence and their objects.
    return 1024 if isinstance(picture, str) else picture.nbytes + 1024


_CACHE: Final = PictureCache()
"""Shared by all folders of a process. It only saves time: no result depends on it."""

_BOMB_LOCK: Final = threading.RLock()


@contextmanager
def _own_pixel_limit() -> Iterator[None]:
    """Switch off Pillow's own limit, which warns and raises at sizes of its choosing.

    Warnings about odd metadata are silenced too: a picture either decodes or is counted.
    """
    with _BOMB_LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kept = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = kept


def decode(path: Path, width: int, height: int, pixel_limit: int = DEFAULT_PIXEL_LIMIT) -> Rgb:
    """Read a photograph for a frame of `width` x `height`: uint8 RGB, upright, shrunk.

    Heeds the EXIF orientation; lays transparent pictures over mid grey; maps 16-bit and
    floating-point greys to 8 bits. The result is no more than 1.6 times larger than what
    covers the frame. Raises `UnreadablePicture`, for pictures over `pixel_limit` before
    decoding anything.
    """
    try:
        with _own_pixel_limit(), Image.open(path) as opened:
            if opened.width * opened.height > pixel_limit:
                raise UnreadablePicture(
                    f"{path} is {opened.width}x{opened.height} pixels, more than the limit of "
                    f"{pixel_limit:,} (background_pixel_limit): shrink it or take it out."
                )
            full_width = opened.width
            cover = _KEPT_SCALE * max(width / opened.width, height / opened.height)
            if opened.format == "JPEG" and cover < 0.5:
                # JPEG decodes straight to a half, quarter or eighth, several times faster.
                opened.draft("RGB", (int(opened.width * cover), int(opened.height * cover)))
            small: Image.Image = opened
            spare = int(opened.width / max(cover * full_width, 1.0))
            if spare >= 2 and opened.mode in ("L", "RGB", "CMYK"):
                # Averaging whole blocks first keeps only one full-size copy in memory.
                small = opened.reduce(spare)
                small.info = {**opened.info, "exif": opened.getexif().tobytes()}
            pixels = _to_rgb(ImageOps.exif_transpose(small))
    except _BROKEN as error:
        raise UnreadablePicture(
            f"{path} cannot be read as a picture ({error}): replace or remove it."
        ) from error
    return _shrink(_cut_panorama(pixels), width, height)


def _to_rgb(picture: Image.Image) -> Rgb:
    if picture.mode.startswith("I") or picture.mode == "F":
        levels = np.asarray(picture, dtype=np.float64)
        if picture.mode == "F":
            top = 1.0 if np.nanmax(levels) <= 1.0 else 255.0
            grey = np.nan_to_num(levels) * 255.0 / top
        else:
            grey = levels / 257.0
        return np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[..., None], 3, axis=2)
    if picture.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        under = Image.new("RGBA", layer.size, (128, 128, 128, 255))
        return np.array(Image.alpha_composite(under, layer).convert("RGB"))
    return np.array(picture.convert("RGB"))


def _cut_panorama(pixels: Rgb) -> Rgb:
    height, width = pixels.shape[:2]
    if width > _MAX_ASPECT * height:
        cut = int(width - _MAX_ASPECT * height) // 2
        return pixels[:, cut : width - cut]
    if height > _MAX_ASPECT * width:
        cut = int(height - _MAX_ASPECT * width) // 2
        return pixels[cut : height - cut]
    return pixels


def _shrink(pixels: Rgb, width: int, height: int) -> Rgb:
    scale = _KEPT_SCALE * max(width / pixels.shape[1], height / pixels.shape[0])
    if scale >= 1:
        return np.ascontiguousarray(pixels)
    size = (max(round(pixels.shape[1] * scale), 1), max(round(pixels.shape[0] * scale), 1))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


class PhotoFolders:
    """The photographs of any number of folders, subfolders included, in one fixed order.

    `only` limits the listing to certain file names. Listing happens here: raises
    `InputError` where a folder is missing, is no folder or holds no photograph.
    """

    def __init__(
        self,
        paths: Iterable[str | Path],
        pixel_limit: int = DEFAULT_PIXEL_LIMIT,
        only: frozenset[str] | None = None,
    ) -> None:
        self.paths = tuple(Path(path) for path in paths)
        self.pixel_limit = pixel_limit
        names = [
            f"{number}:{name}"
            for number, folder in enumerate(self.paths)
            for name in _listing(folder, only)
        ]
        self.names: tuple[str, ...] = tuple(names)
        self._places = {name: place for place, name in enumerate(self.names)}

    def __len__(self) -> int:
        return len(self.names)

    def path_of(self, name: str) -> Path:
        """The file that "FOLDER:PATH" stands for. Raises `InputError` for an unknown folder."""
        number, _, below = name.partition(":")
        if not number.isdigit() or int(number) >= len(self.paths):
            raise InputError(
                f"the stored background {name!r} belongs to a folder this recipe does not list: "
                f"replay with the recipe that made the dataset."
            )
        return self.paths[int(number)] / below

    def digest(self) -> str:
        """Twelve hex digits that change with the pictures' names, sizes and bytes.

        Of files over 256 KiB only pieces are read: see `seedbed.file_digests`. Raises
        `InputError` for a file that cannot be read.
        """
        digest = blake2b(digest_size=6, person=b"seedbed")
        for number, folder in enumerate(self.paths):
            own = (name.partition(":") for name in self.names)
            below = [path for place, _, path in own if place == str(number)]
            digest.update(files_digest(folder, below).encode())
        return digest.hexdigest()

    def for_share(self, share: tuple[float, float]) -> PhotoFolders:
        """The photographs from `share[0]` to `share[1]` of all, in the order of a hash.

        The hash is of a file's path below its folder. Shares that do not overlap, such as
        (0, 0.8) and (0.8, 1), have no file in common. Raises `InputError` where nothing is left.
        """
        low, high = (round(bound * len(self.names)) for bound in share)
        ordered = sorted(self.names, key=lambda one: (_hash(one.partition(":")[2]), one))
        if not 0 <= low < high <= len(ordered):
            raise InputError(
                f"the share {share[0]:g} to {share[1]:g} of the {len(self.names)} photographs in "
                f"{self._listed()} is empty: add photographs, or widen the share."
            )
        part = object.__new__(PhotoFolders)
        part.paths, part.pixel_limit = self.paths, self.pixel_limit
        part.names = tuple(sorted(ordered[low:high]))
        part._places = {one: place for place, one in enumerate(part.names)}
        return part

    def for_split(self, name: str, shares: Mapping[str, float]) -> PhotoFolders:
        """The part that split `name` may use, where `shares` gives each split its size.

        Shares are in any scale and are laid end to end in the mapping's order. Raises
        `InputError` where the split has no share, or too small a one to hold a photograph.
        """
        total = sum(shares.values())
        if total <= 0 or name not in shares:
            raise InputError(
                f"split {name!r} has no share of the background folders "
                f"(shares: {', '.join(shares) or 'none'}): give it one above 0."
            )
        before = 0.0
        for split, share in shares.items():
            if split == name:
                break
            before += share
        return self.for_share((before / total, (before + shares[name]) / total))

    def check(self) -> None:
        """Make sure that at least one photograph can be decoded.

        Raises `InputError` with the first reason where none can.
        """
        first = ""
        for name in self.names:
            try:
                decode(self.path_of(name), 64, 48, self.pixel_limit)
            except UnreadablePicture as error:
                first = first or str(error)
            else:
                return
        raise InputError(f"no photograph in {self._listed()} can be used; the first: {first}")

    def draw(self, rng: np.random.Generator) -> PhotoParams:
        """Choose photographs and a crop; the pictures themselves are not opened."""
        count = len(self.names)
        chosen = rng.integers(0, count, CANDIDATES).tolist()
        return PhotoParams(
            candidates=tuple(self.names[place] for place in chosen),
            zoom=float(1.0 + 0.9 * rng.beta(1.0, 2.5)),
            centre=(uniform(rng, (0, 1)), uniform(rng, (0, 1))),
            flip=chance(rng, 0.5),
        )

    def render(self, params: PhotoParams, width: int, height: int) -> tuple[Rgb, tuple[str, ...]]:
        """The crop, uint8 RGB (height, width, 3), and the photographs that were passed over.

        Where no candidate decodes, the files after the last one follow in listing order.
        Raises `SeedbedError` where none is left.
        """
        passed: dict[str, str] = {}
        for name in self._in_order(params.candidates):
            if name in passed:
                continue
            try:
                pixels = _CACHE.get(self.path_of(name), width, height, self.pixel_limit)
            except UnreadablePicture as error:
                passed[name] = str(error)
                continue
            over = tuple(str(self.path_of(one)) for one in passed)
            return _cropped(pixels, params, width, height), over
        raise SeedbedError(
            f"no photograph is left in {self._listed()}: {len(passed)} cannot be used; "
            f"the first: {next(iter(passed.values()), 'none was drawn')}"
        )

    def _in_order(self, candidates: Sequence[str]) -> Iterator[str]:
        yield from candidates
        start = self._places.get(candidates[-1], -1) + 1 if candidates else 0
        for step in range(len(self.names)):
            yield self.names[(start + step) % len(self.names)]

    def _listed(self) -> str:
        return ", ".join(str(path) for path in self.paths)


def _listing(folder: Path, only: frozenset[str] | None) -> list[str]:
    if not folder.exists():
        raise InputError(f"background folder {folder} does not exist: create it or correct it.")
    if not folder.is_dir():
        raise InputError(f"background folder {folder} is a file: name the folder that holds it.")
    names = [
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES
        and (only is None or path.name in only)
        and path.is_file()
    ]
    if not names:
        raise InputError(
            f"background folder {folder} holds no photograph: put some in "
            f"({', '.join(suffix[1:] for suffix in SUFFIXES)})."
        )
    return sorted(names)


def _hash(name: str) -> bytes:
    return blake2b(name.encode(), digest_size=8, person=b"seedbed").digest()


def _cropped(pixels: Rgb, params: PhotoParams, width: int, height: int) -> Rgb:
    rows, columns = pixels.shape[:2]
    fit = min(columns / width, rows / height) / params.zoom
    wide = min(max(round(width * fit), 1), columns)
    high = min(max(round(height * fit), 1), rows)
    left = round(params.centre[0] * (columns - wide))
    top = round(params.centre[1] * (rows - high))
    piece = pixels[top : top + high, left : left + wide]
    how = cv2.INTER_AREA if wide > 1.5 * width else cv2.INTER_LINEAR
    resized = cv2.resize(piece, (width, height), interpolation=how)
    if params.flip:
        resized = cv2.flip(resized, 1)
    return np.asarray(resized, dtype=np.uint8)
