"""Things that look like a number plate and are none: never labelled, always counted.

Road signs, street names, shop signs, stickers, telephone numbers on vans, taxi signs, house
numbers, posters, writing on walls, grilles, dealers' panels, empty rectangles, lamps; and
what cameras burn into the picture. None carries a registration in a plate's layout. A
detector that never met them takes anything bright, flat and lettered for a plate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from seedbed.generators.plates.glyphs import render_text
from seedbed.generators.scenes.blend import BlendParams, composite
from seedbed.generators.scenes.camera import Pose
from seedbed.generators.scenes.light import Light
from seedbed.generators.scenes.scenery import fill
from seedbed.generators.scenes.texture import Colour, add_texture, crop, ink
from seedbed.generators.scenes.words import draw_date, draw_pattern, draw_word
from seedbed.geometry import Points, apply_homography, rectangle
from seedbed.streams import chance, choose, choose_weighted, fork_seed, uniform

Kind = Literal[
    "road_sign", "street_name", "shop_sign", "bumper_sticker", "phone", "taxi", "house_number",
    "poster", "wall_text", "grille", "blank", "dealer_panel", "bay_board", "fleet_number",
    "sticker", "lamp", "overlay",
]  # fmt: skip
Shape = Literal["rectangle", "round", "triangle", "octagon", "letters"]
Fill = Literal["plain", "slats", "lines", "picture", "band", "glow"]
Rgb: TypeAlias = NDArray[np.uint8]

KIND_WEIGHTS: Final[dict[Kind, float]] = {
    "road_sign": 3, "street_name": 3, "shop_sign": 2, "bumper_sticker": 2, "phone": 2, "taxi": 2,
    "house_number": 1.5, "poster": 1.5, "wall_text": 1, "grille": 1.5, "blank": 3,
    "dealer_panel": 3, "bay_board": 2, "fleet_number": 1.5, "sticker": 1.5, "lamp": 1,
}  # fmt: skip
_TYPEFACES: Final = (
    "font:barlow-condensed", "font:barlow-semi-condensed", "font:roboto-condensed",
    "font:saira-condensed", "font:overpass", "font:fjalla-one", "font:share-tech",
    "font:archivo-narrow",
)  # fmt: skip
_MAX_HEIGHT_PX: Final = 220
_MAX_WIDTH_PX: Final = 520
"""Painted size at most; nearer ones are enlarged, which shows as the softness of print."""

_RIM_PX: Final = 2
"""Room around burnt-in letters for their dark rim."""

_WHITE: Final[Colour] = (236, 236, 230)
_BLACK: Final[Colour] = (24, 24, 26)
_BLUE: Final[Colour] = (28, 66, 146)
_RED: Final[Colour] = (178, 28, 32)
_GREEN: Final[Colour] = (18, 100, 66)
_YELLOW: Final[Colour] = (238, 196, 40)
_SCHEMES: Final[tuple[tuple[Colour, Colour], ...]] = (
    (_WHITE, _BLACK), (_WHITE, _BLUE), (_WHITE, _RED), (_BLUE, _WHITE), (_GREEN, _WHITE),
    (_RED, _WHITE), (_YELLOW, _BLACK), (_BLACK, _WHITE), (_BLACK, _YELLOW), (_WHITE, _GREEN),
    ((120, 122, 124), _WHITE), ((206, 190, 160), (70, 50, 40)),
)  # fmt: skip
"""Face and ink."""


@dataclass(frozen=True)
class DecoyParams:
    """One look-alike, millimetres; its origin is its centre.

    `lines` are written on the face. `border_mm` is drawn in the ink's colour, `inset_mm` inside
    the edge. An `overlay` has no size: `place` is its top left and `text_share` its letters'
    height, shares of the frame's width and height.
    """

    kind: Kind
    shape: Shape
    fill: Fill
    width_mm: float
    height_mm: float
    lines: tuple[str, ...]
    typeface: str
    face: Colour
    ink: Colour
    edge: Colour
    corner_mm: float
    border_mm: float
    inset_mm: float
    text_share: float
    retro: float
    wear: float
    softness_px: float
    place: tuple[float, float]
    detail_seed: int


def draw_decoy(
    rng: np.random.Generator, overlay: bool = False, kind: Kind | None = None
) -> DecoyParams:
    """Draw a look-alike: of `kind`, or an overlay, or anything else by `KIND_WEIGHTS`."""
    drawn = choose_weighted(rng, KIND_WEIGHTS)
    if overlay:
        kind = "overlay"
    kind = drawn if kind is None else kind
    face, ink = choose(rng, _SCHEMES)
    height = 0.0
    width = 0.0
    shape: Shape = "rectangle"
    fill: Fill = "plain"
    lines: tuple[str, ...] = ()
    border, retro = 0.0, 0.0
    corner = uniform(rng, (0, 0.15)) if chance(rng, 0.7) else 0.0
    text_share = uniform(rng, (0.4, 0.75))
    if kind == "road_sign":
        shape = choose(rng, ("round", "triangle", "octagon", "rectangle"))
        width = height = uniform(rng, (420, 900))
        retro, text_share = uniform(rng, (0.5, 1)), uniform(rng, (0.3, 0.5))
        if shape == "octagon":
            lines, face, ink, text_share = ("STOP",), _RED, _WHITE, 0.33
        elif shape == "triangle":
            face, ink, lines = choose(rng, (_WHITE, _YELLOW)), _BLACK, (("!",), ())[rng.integers(2)]
        else:
            lines = (draw_word(rng, "signs"),)
            face, ink = choose(rng, ((_WHITE, _BLACK), (_BLUE, _WHITE), (_YELLOW, _BLACK)))
            height = height if shape == "round" else height * uniform(rng, (0.4, 1.3))
        border = 0.09 * width
    elif kind == "street_name":
        width, height = uniform(rng, (600, 1100)), uniform(rng, (150, 260))
        lines, border, retro = (draw_word(rng, "streets"),), uniform(rng, (0, 12)), 0.6
    elif kind == "shop_sign":
        width, height = uniform(rng, (1500, 4000)), uniform(rng, (350, 700))
        lines = (draw_word(rng, "shops"),)
    elif kind == "bumper_sticker":
        width, height = uniform(rng, (180, 380)), uniform(rng, (60, 110))
        lines = (draw_word(rng, "stickers"),)
    elif kind == "phone":
        width, height = uniform(rng, (500, 1500)), uniform(rng, (130, 420))
        lines = (draw_pattern(rng, "phone"),)
        if chance(rng, 0.6):
            lines = (draw_word(rng, "vans"), *lines)
        shape = "letters" if chance(rng, 0.5) else "rectangle"
    elif kind == "taxi":
        width, height = uniform(rng, (300, 620)), uniform(rng, (90, 160))
        lines, retro = (draw_pattern(rng, "taxi"),), 0.8
        face, ink = choose(rng, ((_YELLOW, _BLACK), (_WHITE, _BLACK), (_BLACK, _YELLOW)))
        corner = uniform(rng, (0.1, 0.4))
    elif kind == "house_number":
        width, height = uniform(rng, (120, 320)), uniform(rng, (110, 220))
        lines, border = (draw_pattern(rng, "house"),), uniform(rng, (0, 8))
        shape = "letters" if chance(rng, 0.25) else "rectangle"
    elif kind == "poster":
        width, height = uniform(rng, (400, 1200)), uniform(rng, (500, 1700))
        lines, fill = (draw_word(rng, "posters"),), "picture"
        text_share = uniform(rng, (0.1, 0.25))
    elif kind == "wall_text":
        width, height = uniform(rng, (600, 3000)), uniform(rng, (200, 800))
        lines, shape = (draw_word(rng, "walls"),), "letters"
        red, green, blue = (int(level) for level in rng.integers(10, 240, 3))
        ink = (red, green, blue)
    elif kind == "grille":
        width, height = uniform(rng, (350, 900)), uniform(rng, (80, 320))
        fill, face = "slats", choose(rng, ((20, 20, 22), (44, 46, 50), (150, 154, 158)))
        ink = choose(rng, ((74, 76, 80), (188, 192, 196), (12, 12, 14)))
    elif kind == "blank":
        width, height = choose(rng, ((520, 110), (305, 152), (400, 130), (340, 200), (280, 200)))
        width, height = width * uniform(rng, (0.9, 1.1)), height * uniform(rng, (0.9, 1.1))
        face = choose(rng, (_WHITE, (196, 198, 196), _YELLOW, _BLACK, (128, 130, 132)))
        ink = _BLACK if face != _BLACK else (150, 152, 154)
        border, retro = uniform(rng, (0, 8)), uniform(rng, (0, 0.6))
        fill = "band" if chance(rng, 0.35) else "plain"
        corner = uniform(rng, (0, 0.12))
    elif kind == "dealer_panel":
        width, height = choose(rng, ((520, 110), (520, 114), (305, 152), (400, 130)))
        face, ink = choose(rng, ((_WHITE, _BLACK), (_WHITE, _BLUE), (_BLUE, _WHITE), (_RED, _WHITE),
                                 (_BLACK, _WHITE), (_YELLOW, _BLACK)))  # fmt: skip
        lines, border = (draw_word(rng, "dealers"),), uniform(rng, (0, 5))
        if chance(rng, 0.3):
            lines = (*lines, draw_pattern(rng, "phone"))
        text_share = uniform(rng, (0.25, 0.6))
        corner = uniform(rng, (0, 0.12))
    elif kind == "bay_board":
        width, height = uniform(rng, (250, 600)), uniform(rng, (120, 320))
        word = draw_word(rng, "boards")
        lines = (draw_pattern(rng, "bay"),) if chance(rng, 0.5) else (word,)
        if chance(rng, 0.3):
            lines = (word, draw_pattern(rng, "bay"))
        border = uniform(rng, (0, 8))
    elif kind == "fleet_number":
        width, height = uniform(rng, (250, 900)), uniform(rng, (120, 300))
        lines = (draw_pattern(rng, "fleet"),)
        shape = "letters" if chance(rng, 0.6) else "rectangle"
    elif kind == "sticker":
        width, height = uniform(rng, (60, 300)), uniform(rng, (50, 200))
        face, fill = choose(rng, (_WHITE, (228, 222, 200), _YELLOW)), "lines"
        ink = choose(rng, (_BLACK, _BLUE, _RED))
    elif kind == "lamp":
        shape, fill = choose(rng, ("round", "rectangle")), "glow"
        width = uniform(rng, (90, 420))
        height = width if shape == "round" else width * uniform(rng, (0.25, 0.7))
        face = choose(rng, ((250, 250, 240), (250, 226, 170), (226, 60, 40), (240, 150, 40)))
        retro, corner = 2.0, uniform(rng, (0.1, 0.4))
    else:
        shape, retro = "letters", 0.0
        lines = (draw_pattern(rng, "camera") if chance(rng, 0.2) else draw_date(rng),)
        face = choose(rng, ((0, 0, 0), (40, 40, 44)))
        ink = choose(rng, ((250, 250, 250), (240, 240, 240), (250, 220, 60), (255, 140, 40)))
        text_share = uniform(rng, (0.02, 0.065))
    return DecoyParams(
        kind=kind,
        shape=shape,
        fill=fill,
        width_mm=float(width),
        height_mm=float(height),
        lines=tuple(lines),
        typeface=choose(rng, _TYPEFACES),
        face=_vary(rng, face),
        ink=_vary(rng, ink),
        edge=_RED if shape in ("round", "triangle") and face != _BLUE else ink,
        corner_mm=float(corner * min(width, height)),
        border_mm=border,
        inset_mm=uniform(rng, (0, 0.06)) * height,
        text_share=text_share,
        retro=retro,
        wear=uniform(rng, (0, 1)) ** 2,
        softness_px=uniform(rng, (0.4, 1.2)),
        # Captions keep to a corner, or now and then to the middle of an edge.
        place=(
            choose(rng, (uniform(rng, (0.003, 0.04)), 1.0, uniform(rng, (0.2, 0.6))), (4, 3, 1)),
            choose(rng, (uniform(rng, (0.003, 0.03)), uniform(rng, (0.9, 0.98)))),
        ),
        detail_seed=fork_seed(rng),
    )


def _vary(rng: np.random.Generator, colour: Colour) -> Colour:
    factor = uniform(rng, (0.82, 1.08))
    red, green, blue = (
        min(max(int(level * factor + move), 0), 255)
        for level, move in zip(colour, rng.normal(0, 3, 3).tolist(), strict=True)
    )
    return (red, green, blue)


def decoy_size_mm(params: DecoyParams) -> tuple[float, float]:
    """Width and height in millimetres; both 0 for an overlay."""
    return (params.width_mm, params.height_mm)


def paint_decoy(frame: Rgb, params: DecoyParams, pose: Pose | None, light: Light) -> Points:
    """Paint a look-alike into `frame`, uint8 RGB, in place; returns its outline, shape (n, 2).

    `pose` carries its centre into the picture; None for an overlay, which lies in the frame's
    own plane and takes no light. Raises `ValueError` where the two do not go together.
    """
    if (pose is None) != (params.kind == "overlay"):
        raise ValueError(f"a look-alike of kind {params.kind!r} was given pose {pose}")
    if pose is None:
        return _paint_overlay(frame, params)
    scale = min(
        1.1 * pose.px_per_mm(),
        _MAX_HEIGHT_PX / params.height_mm,
        _MAX_WIDTH_PX / params.width_mm,
    )
    scale = max(scale, 6 / params.height_mm)
    width, height = round(params.width_mm * scale), round(params.height_mm * scale)
    width, height = max(width, 6), max(height, 6)
    outline_px = _outline(params, width, height)
    to_mm = np.array(
        [
            [params.width_mm / width, 0, -params.width_mm / 2],
            [0, params.height_mm / height, -params.height_mm / 2],
            [0, 0, 1.0],
        ]
    )
    to_frame = pose.homography() @ to_mm
    outline = apply_homography(to_frame, outline_px)
    size = np.array([frame.shape[1], frame.shape[0]])
    if (outline.max(axis=0) < 0).any() or (outline.min(axis=0) > size).any():
        return outline
    rgb, alpha = _face(params, width, height, scale, outline_px)
    gains = np.array(light.diffuse_gain()) + params.retro * (0.15 + 0.5 * light.retro)
    if params.retro <= 0:
        gains = np.array(light.diffuse_gain())
    rgb = _lit(rgb, np.minimum(gains, 1.6))
    composite(frame, rgb, alpha, to_frame, BlendParams("feathered", params.softness_px, 0.0))
    return outline


def _lit(rgb: Rgb, gains: NDArray[np.float64]) -> Rgb:
    return np.asarray(cv2.transform(rgb, np.diag(gains)), dtype=np.uint8)


def _outline(params: DecoyParams, width: int, height: int) -> Points:
    """The look-alike's outline in pixels of its own picture, clockwise."""
    if params.shape == "round":
        angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        around = np.column_stack([np.cos(angles), np.sin(angles)])
        return np.asarray((1 + around) * np.array([width, height]) / 2)
    if params.shape == "octagon":
        angles = np.radians(22.5 + 45 * np.arange(8))
        around = np.column_stack([np.cos(angles), np.sin(angles)]) / np.cos(np.radians(22.5))
        return np.asarray((1 + around) * np.array([width, height]) / 2)
    if params.shape == "triangle":
        return np.array([[width / 2, 0.0], [width, height], [0.0, height]])
    return rectangle(0, 0, width, height)


def _polygon(area: NDArray[np.uint8], points: Points, colour: Colour | int) -> None:
    fixed = np.round((points - 0.5) * 16).astype(np.int32)
    cv2.fillPoly(area, [fixed], colour, cv2.LINE_AA, 4)


def _face(
    params: DecoyParams, width: int, height: int, scale: float, outline: Points
) -> tuple[Rgb, NDArray[np.uint8]]:
    """The face and its alpha, shapes (height, width, 3) and (height, width)."""
    rng = np.random.Generator(np.random.PCG64(params.detail_seed))
    rgb = np.empty((height, width, 3), np.uint8)
    fill(rgb, params.ink if params.shape == "letters" else params.face)
    if params.shape == "letters":
        alpha = np.zeros((height, width), np.uint8)
        _write(
            params, width, height, lambda rows, columns, mask: _stamp(alpha, rows, columns, mask)
        )
        return rgb, alpha
    alpha = np.zeros((height, width), np.uint8)
    corner = int(params.corner_mm * scale)
    if params.shape == "rectangle" and corner >= 1:
        _round_rectangle(alpha, corner)
    elif params.shape == "rectangle":
        alpha[:] = 255
    else:
        _polygon(alpha, outline, 255)
    _FILLS[params.fill](rgb, params, rng)
    border = params.border_mm * scale
    if border >= 0.4:
        _border(rgb, params, outline, max(border, 1.0), params.inset_mm * scale)

    def put(rows: slice, columns: slice, mask: NDArray[np.uint8]) -> None:
        ink(rgb[rows, columns], mask, params.ink)

    _write(params, width, height, put)
    # Print fades and dust settles: no real sign is one even colour.
    grime = crop("patches", width, height, (rng.random(), rng.random()), 0.6)
    add_texture(rgb, grime, 0.08 + 0.3 * params.wear)
    return rgb, alpha


def _stamp(alpha: NDArray[np.uint8], rows: slice, columns: slice, mask: NDArray[np.uint8]) -> None:
    place = alpha[rows, columns]
    cv2.max(place, mask, dst=place)


def _write(
    params: DecoyParams,
    width: int,
    height: int,
    put: Callable[[slice, slice, NDArray[np.uint8]], None],
) -> None:
    """Set the lines centred on a face of that size, shrunk where they would not fit."""
    count = len(params.lines)
    if count == 0:
        return
    line_height = height / count
    for number, line in enumerate(params.lines):
        share = 0.86 if params.shape == "letters" else params.text_share
        letters = max(round(line_height * share), 4)
        mask = render_text(line, letters, params.typeface)
        room = int((0.9 if params.shape in ("rectangle", "letters") else 0.72) * width)
        if mask.shape[1] > room:
            letters = max(round(letters * room / mask.shape[1]), 3)
            mask = np.asarray(
                cv2.resize(mask, (room, letters), interpolation=cv2.INTER_AREA), dtype=np.uint8
            )
        elif params.shape == "letters" or params.kind == "dealer_panel":
            stretch = min(room, int(mask.shape[1] * 1.4))
            mask = np.asarray(
                cv2.resize(mask, (stretch, letters), interpolation=cv2.INTER_LINEAR),
                dtype=np.uint8,
            )
        middle = line_height * (number + 0.5) + (0.12 * height if params.shape == "triangle" else 0)
        top = min(max(round(middle - letters / 2), 0), max(height - letters, 0))
        left = max(round((width - mask.shape[1]) / 2), 0)
        piece = mask[: height - top, : width - left]
        rows, columns = piece.shape
        put(slice(top, top + rows), slice(left, left + columns), np.ascontiguousarray(piece))


def _round_rectangle(alpha: NDArray[np.uint8], corner: int) -> None:
    height, width = alpha.shape
    corner = min(corner, height // 2 - 1, width // 2 - 1)
    alpha[corner : height - corner] = 255
    alpha[:, corner : width - corner] = 255
    for x in (corner, width - 1 - corner):
        for y in (corner, height - 1 - corner):
            cv2.circle(alpha, (x, y), corner, 255, -1, cv2.LINE_AA)


def _border(rgb: Rgb, params: DecoyParams, outline: Points, thick: float, inset: float) -> None:
    middle = outline.mean(axis=0)
    reach = np.abs(outline - middle).max()
    shift = (
        1 - (inset + thick / 2) / reach if params.shape == "rectangle" else 1 - thick / reach / 2
    )
    if params.shape == "rectangle":
        corners = outline + np.sign(middle - outline) * (inset + thick / 2)
    else:
        corners = middle + (outline - middle) * shift
    fixed = np.round((corners - 0.5) * 16).astype(np.int32)
    cv2.polylines(rgb, [fixed], True, params.edge, max(round(thick), 1), cv2.LINE_AA, 4)


def _plain(rgb: Rgb, params: DecoyParams, rng: np.random.Generator) -> None:
    """Leave the face as it is."""


def _slats(rgb: Rgb, params: DecoyParams, rng: np.random.Generator) -> None:
    """Horizontal or crossing bars, as of a radiator grille or a drain."""
    height, width = rgb.shape[:2]
    step = max(int(height / rng.integers(4, 11)), 2)
    for y in range(step // 2, height, step):
        rgb[y : y + max(step // 3, 1)] = params.ink
    if rng.random() < 0.4:
        for x in range(step, width, 2 * step):
            rgb[:, x : x + max(step // 4, 1)] = params.ink


def _lines(rgb: Rgb, params: DecoyParams, rng: np.random.Generator) -> None:
    """Rows of print too small to read."""
    height, width = rgb.shape[:2]
    step = max(height // int(rng.integers(4, 9)), 2)
    for y in range(step, height - step // 2, step):
        end = int(width * rng.uniform(0.4, 0.92))
        row = rgb[y : y + max(step // 2, 1), int(0.08 * width) : end]
        ticks = rng.random((1, max(row.shape[1] // 2, 1))).astype(np.float32)
        dense = cv2.resize(ticks, (row.shape[1], 1), interpolation=cv2.INTER_NEAREST)[0] > 0.4
        row[:, dense] = params.ink


def _picture(rgb: Rgb, params: DecoyParams, rng: np.random.Generator) -> None:
    """A blurred coloured picture inside a margin, as on a poster."""
    height, width = rgb.shape[:2]
    colours = rng.integers(20, 235, (4, 3, 3), dtype=np.uint8)
    top, margin = int(height * rng.choice([0.05, 0.5])), int(0.06 * width)
    area = rgb[top + margin : top + int(0.45 * height), margin : width - margin]
    if area.size:
        area[:] = cv2.resize(colours, (area.shape[1], area.shape[0]), interpolation=cv2.INTER_CUBIC)


def _band(rgb: Rgb, params: DecoyParams, rng: np.random.Generator) -> None:
    """A coloured band at one end or along the top, as plates and company signs have."""
    height, width = rgb.shape[:2]
    colour = (_BLUE, _BLUE, _RED, _GREEN, _BLACK)[int(rng.integers(5))]
    if rng.random() < 0.6:
        rgb[:, : max(int(0.085 * width), 1)] = colour
    else:
        rgb[: max(int(0.22 * height), 1)] = colour


def _glow(rgb: Rgb, params: DecoyParams, rng: np.random.Generator) -> None:
    """A lamp: bright in the middle, darker and ribbed towards the rim."""
    height, width = rgb.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    fall = np.clip(1.1 - 0.55 * (x * x + y * y) + 0.06 * np.sin(24 * x), 0.2, 1.0)
    rgb[:] = (rgb * fall[..., None]).astype(np.uint8)


_FILLS: Final[dict[str, Callable[[Rgb, DecoyParams, np.random.Generator], None]]] = {
    "plain": _plain,
    "slats": _slats,
    "lines": _lines,
    "picture": _picture,
    "band": _band,
    "glow": _glow,
}


def overlay_box(params: DecoyParams, width: int, height: int) -> tuple[float, float, float, float]:
    """Where an overlay lies in a frame of that size: x, y, width, height in pixels."""
    letters = max(round(params.text_share * height), 7)
    rows, columns = render_text(params.lines[0], letters, params.typeface).shape
    rows, columns = rows + 2 * _RIM_PX, columns + 2 * _RIM_PX
    left = max(min(round(params.place[0] * width), width - columns), 0)
    top = max(min(round(params.place[1] * height), height - rows), 0)
    return (left, top, min(columns, width), min(rows, height))


def _paint_overlay(frame: Rgb, params: DecoyParams) -> Points:
    """Burn text into the frame: letters with a dark rim, on a dark bar, or bare."""
    height, width = frame.shape[:2]
    left, top, across, down = (int(edge) for edge in overlay_box(params, width, height))
    mask = render_text(params.lines[0], max(round(params.text_share * height), 7), params.typeface)
    mask = np.ascontiguousarray(np.pad(mask, _RIM_PX)[:down, :across])
    area = frame[top : top + down, left : left + across]
    style = params.detail_seed % 6
    if style == 0:
        area[:] = params.face
    elif style < 4:
        rim = cv2.dilate(mask, np.ones((3, 3), np.uint8))
        cv2.subtract(area, cv2.cvtColor(rim, cv2.COLOR_GRAY2RGB), dst=area)
    ink(area, mask, params.ink)
    return rectangle(left, top, across, down)
