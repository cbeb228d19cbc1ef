"""Typefaces by name and their characters as cached masks: what plate layouts draw text with.

`stroke:*` is seedbed's own stroke typeface (`seedbed.generators.plates.stroke_typeface`),
`font:FAMILY` and `font:FAMILY:WEIGHT` are installed open-licensed fonts, and `file:STEM`
a font from a user's folder (`seedbed.generators.plates.fonts`).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from seedbed.errors import InputError
from seedbed.generators.plates.fonts import Mask, folder_typefaces, installed_typefaces
from seedbed.generators.plates.stroke_typeface import stroke_typefaces

CACHE_BYTES = 32 * 2**20
"""Bound of the masks kept in each process: about 20,000 small characters."""
_MASK_OVERHEAD_BYTES = 400


class Typeface(Protocol):
    """Draws single characters into cells, and runs of text."""

    @property
    def name(self) -> str:
        """The name layouts and recipes use, such as `stroke:din1451`."""

    def supports(self, char: str) -> bool:
        """Whether `char` can be drawn."""

    def glyph(self, char: str, width_px: int, height_px: int, stroke_ratio: float) -> Mask:
        """`char` as a mask of shape (height_px, width_px).

        The cap height fills `height_px`. Narrow characters (I, 1) stay narrow and
        centred, wide ones are squeezed. `stroke_ratio` is stroke width over character
        height; fonts pick their nearest weight.
        """

    def text(self, text: str, height_px: int) -> Mask:
        """`text` set proportionally as a mask of shape (height_px, w)."""


class MaskCache:
    """Masks by key up to a number of bytes; the least recently used go first."""

    def __init__(self, max_bytes: int) -> None:
        self._masks: dict[Hashable, Mask] = {}
        self._bytes = 0
        self._max_bytes = max_bytes

    @property
    def size_bytes(self) -> int:
        """What the kept masks weigh, with an allowance for the objects that hold them."""
        return self._bytes

    def kept(self, key: Hashable) -> Mask | None:
        """The mask kept under `key`, or None."""
        mask = self._masks.pop(key, None)
        if mask is not None:
            self._masks[key] = mask
        return mask

    def get(self, key: Hashable, make: Callable[[], Mask]) -> Mask:
        """The mask kept under `key`, or else the one `make` returns; it is read-only."""
        mask = self.kept(key)
        if mask is not None:
            return mask
        mask = make()
        if not mask.flags.c_contiguous or mask.base is not None:
            mask = mask.copy()
        mask.flags.writeable = False
        weight = mask.nbytes + _MASK_OVERHEAD_BYTES
        if weight > self._max_bytes:
            return mask
        while self._bytes + weight > self._max_bytes:
            oldest = self._masks.pop(next(iter(self._masks)))
            self._bytes -= oldest.nbytes + _MASK_OVERHEAD_BYTES
        self._masks[key] = mask
        self._bytes += weight
        return mask


_CACHE = MaskCache(CACHE_BYTES)


class CachedTypeface:
    """A typeface whose masks are kept in this process's bounded cache, read-only."""

    def __init__(self, typeface: Typeface) -> None:
        self._typeface = typeface
        self._cached = _CACHE.kept
        self._supported: set[str] = set()  # never more than the typeface has

    @property
    def name(self) -> str:
        """The name layouts and recipes use."""
        return self._typeface.name

    def supports(self, char: str) -> bool:
        """Whether `char` can be drawn."""
        return self._typeface.supports(char)

    def glyph(self, char: str, width_px: int, height_px: int, stroke_ratio: float) -> Mask:
        """See `Typeface.glyph`; the mask is shared and must not be written to.

        Raises `InputError` where the typeface lacks `char`, `ValueError` on an empty cell.
        """
        key = (self._typeface, char, width_px, height_px, stroke_ratio)
        mask = self._cached(key)
        if mask is not None:
            return mask
        if width_px < 1 or height_px < 1:
            raise ValueError(f"a glyph's cell must be at least 1x1, got {width_px}x{height_px}")
        self._require(char)
        draw = self._typeface.glyph
        return _CACHE.get(key, lambda: draw(char, width_px, height_px, stroke_ratio))

    def text(self, text: str, height_px: int) -> Mask:
        """See `Typeface.text`; the mask is shared and must not be written to.

        Raises `InputError` where a character is lacking, `ValueError` on a height below 1.
        """
        key = (self._typeface, text, height_px)
        mask = self._cached(key)
        if mask is not None:
            return mask
        if height_px < 1:
            raise ValueError(f"text must be at least 1 px high, got {height_px}")
        for char in text:
            self._require(char)
        return _CACHE.get(key, lambda: self._typeface.text(text, height_px))

    def _require(self, char: str) -> None:
        if char in self._supported:
            return
        if self._typeface.supports(char):
            self._supported.add(char)
        else:
            raise InputError(
                f"font {self.name} has no character {char!r}: choose another font for this text."
            )


class TypefaceSet:
    """The typefaces a run may use, by name; it never changes once made."""

    def __init__(self, typefaces: Iterable[Typeface]) -> None:
        self._typefaces: dict[str, CachedTypeface] = {
            typeface.name: CachedTypeface(typeface) for typeface in typefaces
        }

    def names(self) -> tuple[str, ...]:
        """Every name, sorted."""
        return tuple(sorted(self._typefaces))

    def get(self, name: str) -> CachedTypeface:
        """The typeface called `name`. Raises `InputError` with the nearest match."""
        typeface = self._typefaces.get(name)
        if typeface is None:
            near = get_close_matches(name, self._typefaces, n=1, cutoff=0.4)
            hint = f"did you mean {near[0]!r}?" if near else f"choose from {self._kinds()}."
            raise InputError(f"there is no font named {name!r}: {hint}")
        return typeface

    def _kinds(self) -> str:
        return ", ".join(name for name in self.names() if name.count(":") < 2)

    def with_folder(self, folder: str | Path) -> TypefaceSet:
        """This set and the user's fonts in `folder` as `file:STEM`.

        Raises `InputError` where the folder is missing, holds no font or a broken one.
        """
        joined = TypefaceSet(())
        joined._typefaces.update(self._typefaces)
        for typeface in folder_typefaces(Path(folder)):
            joined._typefaces[typeface.name] = CachedTypeface(typeface)
        return joined

    def check(self, names: Iterable[str], characters: Iterable[str]) -> None:
        """Make sure that each named typeface has every character, before a build starts.

        Raises `InputError` naming the first font and character that do not fit.
        """
        wanted = sorted(set(characters))
        for name in names:
            typeface = self.get(name)
            for char in wanted:
                typeface._require(char)


@lru_cache(maxsize=1)
def default_typefaces() -> TypefaceSet:
    """The stroke presets and the installed fonts: made once in a process, never changed.

    Raises `InputError` where a font package is missing.
    """
    return TypefaceSet((*stroke_typefaces(), *installed_typefaces()))


def render_text(
    text: str, height_px: int, typeface: str, typefaces: TypefaceSet | None = None
) -> NDArray[np.uint8]:
    """`text` set proportionally in the typeface called so: a mask of shape (height_px, w).

    The rows span the ink, and at least baseline to cap height, so a line without
    descenders has capitals `height_px` high. `typefaces` is the default set if None.
    Raises `InputError` where the font is unknown or lacks a character.
    """
    return (typefaces or default_typefaces()).get(typeface).text(text, height_px)
