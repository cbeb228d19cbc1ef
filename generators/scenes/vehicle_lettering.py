"""Block letters as pen strokes, for the names, numbers and slogans written on vehicles.

They are drawn by us on a grid four units wide and six high with the baseline at 0, and
serve marks of a few pixels, where a font's outlines would be lost. Plates use real fonts.
"""

from __future__ import annotations

import numpy as np

from seedbed.streams import choose

Stroke = tuple[tuple[float, float], ...]

ADVANCE = 5.6
"""Grid units from one letter's left edge to the next one's."""

CAP_HEIGHT = 6.0
"""Grid units of a capital's height."""

STROKES: dict[str, tuple[Stroke, ...]] = {
    "A": (((0, 0), (2, 6), (4, 0)), ((0.8, 2.2), (3.2, 2.2))),
    "B": (((0, 0), (0, 6), (3, 6), (3.7, 4.6), (3, 3.2), (0, 3.2)),
          ((3, 3.2), (4, 1.6), (3, 0), (0, 0))),
    "C": (((4, 5), (3, 6), (1, 6), (0, 5), (0, 1), (1, 0), (3, 0), (4, 1)),),
    "D": (((0, 0), (0, 6), (2.6, 6), (4, 4.5), (4, 1.5), (2.6, 0), (0, 0)),),
    "E": (((4, 6), (0, 6), (0, 0), (4, 0)), ((0, 3.2), (3.2, 3.2))),
    "F": (((4, 6), (0, 6), (0, 0)), ((0, 3.2), (3.2, 3.2))),
    "G": (((4, 5), (3, 6), (1, 6), (0, 5), (0, 1), (1, 0), (3, 0), (4, 1), (4, 3), (2.4, 3)),),
    "H": (((0, 0), (0, 6)), ((4, 0), (4, 6)), ((0, 3.1), (4, 3.1))),
    "I": (((2, 0), (2, 6)),),
    "J": (((3.6, 6), (3.6, 1), (2.6, 0), (1, 0), (0, 1)),),
    "K": (((0, 0), (0, 6)), ((4, 6), (0, 2.4)), ((1.5, 3.6), (4, 0))),
    "L": (((0, 6), (0, 0), (3.8, 0)),),
    "M": (((0, 0), (0, 6), (2, 2.4), (4, 6), (4, 0)),),
    "N": (((0, 0), (0, 6), (4, 0), (4, 6)),),
    "O": (((1, 0), (0, 1), (0, 5), (1, 6), (3, 6), (4, 5), (4, 1), (3, 0), (1, 0)),),
    "P": (((0, 0), (0, 6), (3, 6), (4, 5), (4, 3.8), (3, 2.8), (0, 2.8)),),
    "R": (((0, 0), (0, 6), (3, 6), (4, 5), (4, 3.8), (3, 2.8), (0, 2.8)), ((2, 2.8), (4, 0))),
    "S": (((4, 5), (3, 6), (1, 6), (0, 5), (0, 4),
           (1, 3.2), (3, 2.9), (4, 2), (4, 1), (3, 0), (1, 0), (0, 1)),),
    "T": (((0, 6), (4, 6)), ((2, 6), (2, 0))),
    "U": (((0, 6), (0, 1), (1, 0), (3, 0), (4, 1), (4, 6)),),
    "V": (((0, 6), (2, 0), (4, 6)),),
    "W": (((0, 6), (1, 0), (2, 4), (3, 0), (4, 6)),),
    "X": (((0, 0), (4, 6)), ((0, 6), (4, 0))),
    "Y": (((0, 6), (2, 3), (4, 6)), ((2, 3), (2, 0))),
    "Z": (((0, 6), (4, 6), (0, 0), (4, 0)),),
    "0": (((1, 0), (0, 1.4), (0, 4.6), (1, 6), (3, 6), (4, 4.6), (4, 1.4), (3, 0), (1, 0)),),
    "1": (((0.8, 4.6), (2.2, 6), (2.2, 0)),),
    "2": (((0, 4.8), (1, 6), (3, 6), (4, 4.8), (3.6, 3.4), (0, 0), (4, 0)),),
    "3": (((0, 5.2), (1, 6), (3, 6), (3.8, 4.7), (2.8, 3.3),
           (4, 1.6), (3, 0), (1, 0), (0, 1)),),
    "4": (((3, 0), (3, 6), (0, 1.8), (4, 1.8)),),
    "5": (((3.8, 6), (0.4, 6), (0.2, 3.4), (3, 3.6), (4, 2), (3, 0), (1, 0), (0, 0.8)),),
    "6": (((3.6, 5.6), (2, 6), (0, 3), (0, 1), (1, 0), (3, 0),
           (4, 1), (4, 2.4), (3, 3.4), (0.4, 3)),),
    "7": (((0, 6), (4, 6), (1.4, 0)),),
    "8": (((1, 3.2), (0.2, 4.6), (1, 6), (3, 6), (3.8, 4.6),
           (3, 3.2), (1, 3.2), (0, 1.6), (1, 0), (3, 0), (4, 1.6), (3, 3.2)),),
    "9": (((0.4, 0.4), (2, 0), (4, 3), (4, 5), (3, 6), (1, 6), (0, 5), (0, 3.6),
           (1, 2.6), (3.6, 3)),),
    "-": (((0.6, 3), (3.4, 3)),),
    ".": (((1.8, 0), (2.2, 0)),),
    " ": (),
}  # fmt: skip
"""Each character's pen strokes, in grid units."""

_SYLLABLES = (
    "RA", "LO", "VEN", "TI", "COR", "SA", "MI", "DU", "NOR",
    "TEL", "KA", "PRI", "MO", "ZE", "FI", "GAL",
    "BE", "TRAN", "PO", "LUX", "VI", "TA", "RO", "SEN", "ECO", "AL", "CE", "JU",
)  # fmt: skip
_TRIMS = (
    "GL", "GLS", "TDI", "1.4", "1.6", "2.0", "1.9 D", "16V", "4X4", "V6", "SE", "LX", "HDI", "TSI",
    "GT", "4WD", "HYBRID", "FLEX", "1.0", "SPORT", "XLT", "DCI", "E", "320", "206", "C3", "A4",
)  # fmt: skip


def line_width_mm(text: str, height_mm: float) -> float:
    """How wide `text` is at a capital height, in millimetres."""
    return (len(text) * ADVANCE - (ADVANCE - 4.0)) * height_mm / CAP_HEIGHT


def made_up_name(rng: np.random.Generator) -> str:
    """A pronounceable name of two or three syllables, capitals only."""
    return "".join(choose(rng, _SYLLABLES) for _ in range(int(rng.integers(2, 4))))


def trim_mark(rng: np.random.Generator) -> str:
    """A short trim or engine mark such as those on boot lids."""
    return choose(rng, _TRIMS)


def number_like(rng: np.random.Generator) -> str:
    """A phone, fleet or unit number: characters that look like a plate's but are none."""
    style = int(rng.integers(4))
    digits = "".join(str(int(d)) for d in rng.integers(0, 10, size=9))
    if style == 0:
        return f"{digits[:3]}-{digits[3:7]}"
    if style == 1:
        return f"{digits[:3]} {digits[3:6]} {digits[6:9]}"
    if style == 2:
        return digits[: int(rng.integers(2, 6))]
    return choose(rng, "ABCDEFGHKLMNPRSTVWXZ") + digits[: int(rng.integers(2, 5))]
