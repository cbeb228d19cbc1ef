"""Scenes that need no files: streets, car parks, walls, garages, drives, lanes and clutter.

`draw_procedural` decides what kind of place it is, its colours, its camera and its light;
`render_procedural` puts it together from `seedbed.generators.scenes.scenery`. Places of
single leaves, windows and cracks follow from the stored `detail_seed`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from seedbed.generators.scenes import scenery
from seedbed.generators.scenes.film import dim
from seedbed.generators.scenes.light import Light
from seedbed.generators.scenes.scenery import Stage, mix, shade
from seedbed.generators.scenes.scratch import scratch
from seedbed.generators.scenes.texture import Colour, TileName, add_texture, crop
from seedbed.generators.scenes.words import draw_word
from seedbed.streams import chance, choose, choose_weighted, fork_seed, uniform

Kind = Literal[
    "street", "parking", "wall", "garage", "drive", "lane", "shop", "asphalt", "surface", "clutter"
]
"""What a scene shows. `asphalt` looks down on the ground, `surface` is one wall and no more."""
Sky = Literal["clear", "cloud", "overcast", "dusk"]
Marking = Literal["none", "lane", "bays", "edge", "hatch"]
Backdrop = Literal["facades", "trees", "hedge", "fence", "skyline", "wall", "cars"]

KIND_WEIGHTS: Final[dict[Kind, float]] = {
    "street": 20,
    "parking": 20,
    "wall": 14,
    "garage": 8,
    "drive": 8,
    "lane": 6,
    "shop": 6,
    "asphalt": 12,
    "surface": 4,
    "clutter": 4,
}

_FULL_DETAIL_WIDTH: Final = 640
"""Scenes are painted at most this wide and enlarged: no lens resolves more behind a subject."""


@dataclass(frozen=True)
class ProceduralParams:
    """One procedural scene; rows are shares of the frame's height.

    `horizon_y` is where the ground plane vanishes (it may lie outside 0 to 1) and
    `ground_y` where the ground meets what stands up (1 or more: no ground is seen).
    `focal` is the focal length in frame widths, `camera_m` the camera's height above the
    ground in metres. `detail` is the share of full resolution the scene is painted at.
    """

    kind: Kind
    horizon_y: float
    ground_y: float
    focal: float
    camera_m: float
    yaw_deg: float
    sky: Sky
    sky_top: Colour
    sky_low: Colour
    cloud: float
    ground: TileName
    ground_colour: Colour
    grit: float
    stains: float
    shadow: float
    marking: Marking
    marking_colour: Colour
    marking_wear: float
    kerb: bool
    backdrop: tuple[Backdrop, ...]
    wall: TileName
    wall_colour: Colour
    leaves: Colour
    words: tuple[str, ...]
    haze: float
    detail: float
    detail_seed: int


_WALL_COLOURS: Final[dict[str, tuple[Colour, ...]]] = {
    "brick": ((142, 88, 70), (122, 70, 56), (164, 118, 88), (150, 132, 112), (104, 84, 76)),
    "plaster": (
        (206, 200, 186), (196, 178, 146), (176, 172, 166), (158, 164, 168), (190, 152, 116),
        (82, 116, 158), (150, 166, 140), (206, 190, 120), (170, 120, 108), (226, 224, 218),
    ),
    "concrete": ((158, 156, 150), (136, 134, 128), (176, 172, 162), (120, 118, 116)),
    "cladding": ((150, 156, 160), (96, 106, 114), (178, 176, 168), (70, 88, 112), (120, 60, 52)),
    "planks": ((124, 92, 64), (150, 122, 92), (104, 96, 88), (88, 66, 48), (164, 150, 130)),
}  # fmt: skip
_GROUND_COLOURS: Final[dict[str, tuple[Colour, ...]]] = {
    "asphalt": ((104, 104, 104), (88, 90, 94), (124, 122, 118), (142, 140, 134), (72, 73, 77)),
    "concrete": ((158, 154, 146), (142, 138, 130), (172, 166, 154), (128, 126, 122)),
    "gravel": ((142, 134, 120), (128, 122, 114), (156, 142, 120), (110, 98, 84)),
    "grass": ((88, 102, 58), (100, 108, 66), (78, 92, 54), (122, 118, 76)),
    "pavers": ((136, 130, 122), (146, 122, 106), (122, 122, 122), (154, 146, 134)),
}
_LEAVES: Final[tuple[Colour, ...]] = (
    (78, 96, 52), (92, 104, 58), (64, 84, 50), (104, 110, 66), (58, 72, 46), (106, 100, 62),
    (86, 92, 60),
)  # fmt: skip
_GROUNDS: Final[dict[Kind, dict[TileName, float]]] = {
    "street": {"asphalt": 8, "concrete": 1.5, "pavers": 0.5},
    "parking": {"asphalt": 7, "concrete": 2, "gravel": 1, "pavers": 1},
    "wall": {"asphalt": 4, "concrete": 2, "pavers": 2, "gravel": 1, "grass": 1},
    "garage": {"concrete": 1},
    "drive": {"concrete": 2, "asphalt": 2, "pavers": 2, "gravel": 1},
    "lane": {"gravel": 2, "grass": 2, "asphalt": 1},
    "shop": {"pavers": 2, "asphalt": 2, "concrete": 1},
    "asphalt": {"asphalt": 7, "concrete": 2, "gravel": 0.7, "pavers": 1, "grass": 0.3},
    "surface": {"asphalt": 1},
    "clutter": {"asphalt": 1},
}
_BACKDROPS: Final[dict[str, tuple[tuple[Backdrop, ...], ...]]] = {
    "street": (
        ("facades",), ("trees",), ("skyline", "trees"), ("trees", "facades"), ("hedge",),
        ("skyline", "fence"), ("facades", "cars"), ("trees", "cars"), ("wall", "trees"),
    ),
    "parking": (
        ("cars",), ("trees", "cars"), ("hedge", "cars"), ("skyline", "trees", "cars"), ("hedge",),
        ("fence",), ("facades", "cars"), ("wall", "cars"), ("trees", "fence"), ("skyline",),
    ),
    "wall": (("wall",), ("trees", "wall"), ("fence",), ("hedge",), ("trees", "fence")),
    "drive": (("facades",), ("hedge", "facades"), ("facades", "fence")),
    "lane": (("trees",), ("hedge",), ("trees", "fence"), ("trees", "hedge")),
    "shop": (("facades",),),
    "asphalt": (("hedge",), ("wall",), ("trees",), ("cars",)),
    "garage": ((),),
    "surface": ((),),
    "clutter": ((),),
}  # fmt: skip


def _vary(rng: np.random.Generator, colour: Colour, brightness: float, tint: float) -> Colour:
    """`colour` made up to `brightness` brighter or darker, each channel moved by `tint` levels."""
    factor = uniform(rng, (1 - brightness, 1 + brightness))
    red, green, blue = (
        min(max(int(c * factor + move), 0), 255)
        for c, move in zip(colour, rng.normal(0, tint, 3).tolist(), strict=True)
    )
    return (red, green, blue)


def _draw_sky(rng: np.random.Generator) -> tuple[Sky, Colour, Colour, float]:
    weather: Sky = choose(rng, ("clear", "cloud", "overcast", "dusk"), (3, 4, 4, 1))
    if weather == "clear":
        return (
            weather,
            _vary(rng, (96, 138, 190), 0.15, 6),
            _vary(rng, (190, 206, 220), 0.1, 4),
            0.0,
        )
    if weather == "cloud":
        cloud = uniform(rng, (0.2, 0.75))
        return (
            weather,
            _vary(rng, (104, 140, 184), 0.15, 6),
            _vary(rng, (198, 208, 216), 0.1, 4),
            cloud,
        )
    if weather == "overcast":
        cloud = uniform(rng, (0.5, 1.0))
        return (
            weather,
            _vary(rng, (176, 182, 190), 0.15, 3),
            _vary(rng, (222, 224, 226), 0.1, 2),
            cloud,
        )
    low = _vary(rng, (214, 164, 118), 0.12, 8)
    return weather, _vary(rng, (88, 100, 132), 0.2, 6), low, uniform(rng, (0.0, 0.6))


def _draw_rows(rng: np.random.Generator, kind: str) -> tuple[float, float, float]:
    """`horizon_y`, `ground_y` and the camera's height in metres for a kind of scene."""
    if kind == "asphalt":
        horizon = uniform(rng, (-1.3, -0.15))
        return horizon, max(uniform(rng, (-0.12, 0.2)), 0.0), uniform(rng, (1.6, 4.5))
    if kind in ("surface", "clutter"):
        return uniform(rng, (0.3, 0.6)), 1.0, uniform(rng, (0.6, 2.4))
    horizon = uniform(rng, (0.08, 0.48))
    reach = {
        "wall": (0.1, 0.42),
        "drive": (0.08, 0.25),
        "shop": (0.05, 0.2),
        "garage": (0.04, 0.16),
    }
    bounds = reach.get(kind, (0.02, 0.09))
    return horizon, horizon + uniform(rng, bounds), uniform(rng, (1.1, 2.2))


@dataclass(frozen=True)
class View:
    """The camera a scene has to agree with, because vehicles stand in it.

    As in `ProceduralParams`, and `foot_y` is the row where the farthest vehicle touches the
    ground, a share of the frame's height: what stands up begins above it. `covered` is the
    share of the frame that vehicles take: lenses that focus on them blur what is behind.
    """

    horizon_y: float
    focal: float
    camera_m: float
    foot_y: float
    covered: float = 0.0


HIGHEST_HORIZON, LOWEST_HORIZON = -1.4, 0.9
"""Shares of the height: beyond, the ground looks the same, and rows would run out."""


MOSTLY_COVERED = 0.55
"""The share of a frame from which on what is left beside vehicles is painted out of focus."""


def _kinds_for(view: View) -> dict[Kind, float]:
    """Which kinds of place a view can show.

    From far above there is only ground, and a wall alone leaves a vehicle nothing to stand on.
    """
    kinds: dict[Kind, float] = dict(KIND_WEIGHTS)
    if view.horizon_y < 0.02:
        kinds = {"asphalt": 12, "surface": 1, "clutter": 1}
    else:
        del kinds["asphalt"]
    if view.covered < MOSTLY_COVERED:
        del kinds["surface"]
    return kinds


def draw_procedural(
    rng: np.random.Generator, kind: Kind | None = None, view: View | None = None
) -> ProceduralParams:
    """Draw a scene, of the given `kind` or of any by `KIND_WEIGHTS` that suits a `view`."""
    drawn = choose_weighted(rng, KIND_WEIGHTS if view is None else _kinds_for(view))
    kind = drawn if kind is None else kind
    horizon_y, ground_y, camera_m = _draw_rows(rng, kind)
    focal = uniform(rng, (0.8, 2.0))
    # Half the size is painted and enlarged fastest.
    detail = 0.5 if chance(rng, 0.5) else uniform(rng, (0.5, 0.85))
    if view is not None:
        if view.covered > MOSTLY_COVERED:
            detail *= 0.6
        rise = ground_y - max(horizon_y, 0.0)
        horizon_y = min(max(view.horizon_y, HIGHEST_HORIZON), LOWEST_HORIZON)
        focal, camera_m = view.focal, view.camera_m
        if kind not in ("surface", "clutter"):
            ground_y = min(max(horizon_y, 0.0) + rise, max(view.foot_y - 0.01, horizon_y + 0.015))
            ground_y = min(max(ground_y, 0.0), 1.0)
    sky, sky_top, sky_low, cloud = _draw_sky(rng)
    ground = choose_weighted(rng, _GROUNDS[kind])
    materials: tuple[TileName, ...] = ("plaster", "brick", "concrete", "cladding", "planks")
    wall = choose(rng, materials, (5, 3.5, 2.5, 1, 0.6))
    markings: dict[Kind, dict[Marking, float]] = {
        "street": {"lane": 6, "edge": 3, "none": 3},
        "parking": {"bays": 8, "none": 2, "hatch": 1},
        "garage": {"bays": 7, "none": 2, "hatch": 1},
        "asphalt": {"none": 5, "lane": 2, "bays": 3, "edge": 1},
        "shop": {"none": 3, "edge": 2},
        "wall": {"none": 6, "bays": 3, "edge": 1},
    }
    marking = choose_weighted(rng, markings.get(kind, {"none": 1}))
    if ground in ("grass", "gravel"):
        marking = "none"
    paint: Colour = choose(rng, ((222, 222, 216), (214, 168, 44), (90, 110, 150)), (6, 4, 0.3))
    bright = sky in ("clear", "cloud")
    return ProceduralParams(
        kind=kind,
        horizon_y=horizon_y,
        ground_y=ground_y,
        focal=focal,
        camera_m=camera_m,
        yaw_deg=float(rng.normal(0, 16)) if chance(rng, 0.75) else uniform(rng, (60, 120)),
        sky=sky,
        sky_top=sky_top,
        sky_low=sky_low,
        cloud=cloud,
        ground=ground,
        ground_colour=_vary(rng, choose(rng, _GROUND_COLOURS[ground]), 0.2, 2.2),
        grit=uniform(rng, (0.45, 1.15)),
        stains=uniform(rng, (0, 2)) if chance(rng, 0.6) else 0.0,
        shadow=uniform(rng, (0.4, 1.0)) if bright and chance(rng, 0.45) else 0.0,
        marking=marking,
        marking_colour=_vary(rng, paint, 0.12, 5),
        marking_wear=uniform(rng, (0, 0.9)),
        kerb=chance(rng, 0.55),
        backdrop=choose(rng, _BACKDROPS[kind]),
        wall=wall,
        wall_colour=_vary(rng, choose(rng, _WALL_COLOURS[wall]), 0.22, 5),
        leaves=_vary(rng, choose(rng, _LEAVES), 0.25, 5),
        words=tuple(draw_word(rng, "shops") for _ in range(3)),
        haze=uniform(rng, (0, 0.22)),
        detail=detail,
        detail_seed=fork_seed(rng),
    )


def render_procedural(
    params: ProceduralParams, width: int, height: int, light: Light | None = None
) -> NDArray[np.uint8]:
    """Paint the scene, uint8 RGB of shape (height, width, 3), in daylight or under `light`."""
    scale = params.detail * min(1.0, _FULL_DETAIL_WIDTH / width)
    inner_width, inner_height = max(round(width * scale), 16), max(round(height * scale), 16)
    whole = (inner_width, inner_height) == (width, height)
    inner = (inner_height, inner_width, 3)
    canvas = np.empty(inner, np.uint8) if whole else scratch("canvas", inner)
    canvas[:] = 0
    stage = Stage(
        canvas=canvas,
        rng=np.random.Generator(np.random.PCG64(params.detail_seed)),
        horizon_px=params.horizon_y * inner_height,
        ground_px=min(max(round(params.ground_y * inner_height), 0), inner_height),
        focal_px=params.focal * inner_width,
        camera_m=params.camera_m,
    )
    if params.kind == "clutter":
        scenery.clutter(stage)
    elif params.kind == "surface":
        _surface(stage, params)
    else:
        if params.kind == "garage":
            scenery.garage_interior(stage, params.ground_colour, params.marking_colour)
        else:
            _behind(stage, params)
        _below(stage, params)
    canvas = stage.canvas if light is None else dim(stage.canvas, light)
    if whole:
        return canvas
    picture = np.empty((height, width, 3), np.uint8)
    cv2.resize(canvas, (width, height), dst=picture, interpolation=cv2.INTER_LINEAR)
    return picture


def _surface(stage: Stage, params: ProceduralParams) -> None:
    """A wall, a hedge or cladding that fills the frame."""
    stage.ground_px = stage.height
    if params.kerb:
        scenery.fill(stage.canvas, shade(params.leaves, 0.4))
        scenery.treeline(stage, int(1.5 * stage.height), 2.2 * stage.height, params.leaves, 0.0)
        return
    area = scenery.wall(stage, 0, stage.width, 0, stage.height, params.wall, params.wall_colour)
    if params.shadow > 0:
        scenery.cast_shadow(stage, area, params.shadow)
    if stage.rng.random() < 0.3:
        scenery.graffiti(stage, area)


def _behind(stage: Stage, params: ProceduralParams) -> None:
    """Sky and everything that stands beyond the ground, the farthest first."""
    base, metre = stage.ground_px, stage.metre
    if base <= 1:
        return
    scenery.sky(stage, base, params.sky_top, params.sky_low, params.cloud)
    horizon = int(min(max(stage.horizon_px + 2, 0), base))
    # The strip between the horizon and the foot of what stands up is far ground.
    far = mix(shade(params.ground_colour, 0.85), params.leaves, stage.between(0.0, 0.8))
    scenery.fill(stage.canvas[horizon:base], far)
    for thing in params.backdrop:
        if thing == "skyline":
            scenery.skyline(stage, horizon, params.sky_low)
            if horizon > 0:
                hazy = mix(params.leaves, params.sky_low, 0.35)
                scenery.treeline(stage, base, stage.between(0.6, 2.5) * metre, hazy, 0.6)
        elif thing == "trees":
            high = stage.between(2.5, 9.0) * metre
            scenery.treeline(stage, base, high, params.leaves, 1.0)
            for _ in range(int(stage.between(0, 4))):
                tone = shade(params.leaves, stage.between(0.75, 1.2))
                x = stage.between(0, stage.width)
                scenery.tree(stage, x, base, stage.between(3.5, 10), tone)
        elif thing == "hedge":
            high = stage.between(0.9, 2.6) * metre
            if stage.rng.random() < 0.4:
                scenery.skyline(stage, horizon, params.sky_low)
            scenery.treeline(stage, base, high, params.leaves, 0.12)
        elif thing == "fence":
            _fence(stage)
        elif thing == "wall":
            _wall(stage, params)
        elif thing == "facades":
            _facades(stage, params)
        else:
            _cars(stage, params)
    for _ in range(int(stage.between(0, 2.6))):
        post = stage.between(2.5, 8)
        scenery.lamp_post(stage, stage.between(0, stage.width), base, post)
    if params.haze > 0.02:
        area = stage.canvas[:base]
        veil = params.haze * (1.0 if metre < 60 else 0.4)
        red, green, blue = params.sky_low
        kept = 1 - veil
        clearing = np.array(
            [[kept, 0, 0, veil * red], [0, kept, 0, veil * green], [0, 0, kept, veil * blue]]
        )
        cv2.transform(area, clearing, dst=area)


def _fence(stage: Stage) -> None:
    style = ("bars", "planks", "mesh", "bars")[int(stage.rng.integers(4))]
    colours: tuple[Colour, ...] = (
        (44, 46, 44), (150, 152, 150), (196, 196, 190), (58, 84, 62), (128, 98, 70),
    )  # fmt: skip
    colour = (
        _WALL_COLOURS["planks"][int(stage.rng.integers(5))]
        if style == "planks"
        else colours[int(stage.rng.integers(5))]
    )
    scenery.fence(stage, stage.ground_px, stage.between(0.9, 2.4), style, colour)


def _wall(stage: Stage, params: ProceduralParams) -> None:
    base = stage.ground_px
    top = int(base - stage.between(1.2, 6.0) * stage.metre)
    area = scenery.wall(stage, 0, stage.width, top, base, params.wall, params.wall_colour)
    if area.size == 0:
        return
    if stage.rng.random() < 0.2:
        scenery.graffiti(stage, area)
    if stage.rng.random() < 0.35:
        split = stage.between(0.2, 0.6) * stage.metre
        lower = shade(params.wall_colour, stage.between(0.5, 0.85))
        scenery.box(stage.canvas, 0, base - split, stage.width, base, lower)
    if top > 1:
        coping = shade(params.wall_colour, stage.between(0.6, 1.25))
        thick = max(0.08 * stage.metre, 1)
        scenery.box(stage.canvas, 0, top - thick, stage.width, top + 1, coping)
    if params.shadow > 0:
        scenery.cast_shadow(stage, area, 0.8 * params.shadow)


def _facades(stage: Stage, params: ProceduralParams) -> None:
    left = int(stage.between(-0.4, 0.0) * stage.width)
    first = True
    while left < stage.width:
        wide = int(max(stage.between(5, 18) * stage.metre, 0.12 * stage.width))
        material, colour = params.wall, params.wall_colour
        if not first:
            names: tuple[TileName, ...] = ("plaster", "brick", "plaster", "concrete")
            material = names[int(stage.rng.integers(4))]
            options = _WALL_COLOURS[material]
            colour = shade(options[int(stage.rng.integers(len(options)))], stage.between(0.7, 1.1))
        scenery.facade(stage, left, left + wide, stage.between(3.2, 13), material, colour)
        if params.kind == "shop" and (first or stage.rng.random() < 0.5):
            word = params.words[int(stage.rng.integers(len(params.words)))]
            scenery.shop_front(stage, left, left + wide, word)
        left += wide
        if stage.rng.random() < 0.25:
            left += int(stage.between(0.5, 5) * stage.metre)
        first = False


def _cars(stage: Stage, params: ProceduralParams) -> None:
    metre = stage.metre * stage.between(1.0, 1.25)
    base = stage.horizon_px + stage.camera_m * metre
    side = stage.rng.random() < 0.25
    step = (4.9 if side else 2.5) * metre
    x = stage.between(-1, 0.5) * step
    while x < stage.width + step:
        if stage.rng.random() < 0.72:
            scenery.parked_car(stage, x, min(base, stage.height), metre, side)
        x += step


def _below(stage: Stage, params: ProceduralParams) -> None:
    """The ground: colour, shadow, markings, kerbs, cracks and the texture over them all."""
    area = scenery.ground(stage, params.ground_colour)
    if area.shape[0] < 2:
        return
    colour = params.ground_colour
    hard = params.ground in ("asphalt", "concrete")
    if hard:
        for _ in range(int(stage.between(0, 3))):
            patch = shade(colour, stage.between(0.72, 1.18))
            x, z = stage.between(-6, 5), stage.between(1, 16)
            across, along = (x, x + stage.between(0.5, 3)), (z, z + stage.between(0.5, 8))
            scenery.strip(stage, area, across, along, params.yaw_deg, patch)
        scenery.cracks(stage, area, colour, int(stage.between(0, 9)), params.yaw_deg)
    if params.ground == "concrete" and stage.rng.random() < 0.6:
        _joints(stage, params, area)
    if params.marking != "none":
        painted = area.copy()
        _mark(stage, params, painted)
        cover = stage.between(0.55, 0.95)
        scenery.worn_paint(stage, area, painted, params.marking_wear, cover)
    side: float | None = None
    if params.kind in ("street", "asphalt", "parking") and params.kerb:
        side = _kerb(stage, params, area)
    elif params.kind == "lane":
        _verges(stage, params, area)
    elif params.kerb and params.kind != "garage":
        line = stage.canvas[stage.ground_px : stage.ground_px + max(int(0.12 * stage.metre), 1)]
        scenery.fill(line, shade(colour, stage.between(0.55, 1.35)))
    else:
        # What stands up shades the ground at its foot.
        line = stage.canvas[stage.ground_px : stage.ground_px + max(int(0.15 * stage.metre), 2)]
        add_texture(line, np.full(line.shape[:2], 108, np.uint8), 1.2)
    strength = {"gravel": 0.85, "grass": 0.9, "pavers": 0.45}.get(params.ground, 0.8)
    if params.shadow > 0:
        scenery.cast_shadow(stage, area, params.shadow)
    scenery.grit(stage, area, params.ground, strength * params.grit, params.stains)
    if params.ground == "grass":
        rough = crop("leaves", stage.width, area.shape[0], stage.place(), 0.3)
        add_texture(area, rough, 0.12)
    follows_road = params.kind == "street" and abs(params.yaw_deg) < 30
    if side is not None and follows_road and stage.rng.random() < 0.55:
        gap = math.copysign(stage.between(1.5, 6), side)
        scenery.side_buildings(stage, side + gap, params.yaw_deg, _WALL_COLOURS["plaster"])


def _joints(stage: Stage, params: ProceduralParams, area: NDArray[np.uint8]) -> None:
    dark = shade(params.ground_colour, stage.between(0.55, 0.8))
    size = stage.between(2.5, 6)
    offset = stage.between(0, size)
    for step in range(-4, 5):
        across = step * size + offset
        scenery.strip(stage, area, (across, across + 0.025), (-20, 60), params.yaw_deg, dark)
        along = (step + 4) * size + offset
        scenery.strip(stage, area, (-40, 40), (along, along + 0.03), params.yaw_deg, dark)


def _mark(stage: Stage, params: ProceduralParams, painted: NDArray[np.uint8]) -> None:
    """Draw the markings, metres: lines 0.1 to 0.15 wide, bays 2.3 to 2.7 by 4.8 to 5.5."""
    yaw, paint = params.yaw_deg, params.marking_colour
    wide = stage.between(0.09, 0.16)
    if params.marking == "lane":
        lane, shift = stage.between(2.8, 3.7), stage.between(-3, 3)
        dash, gap = stage.between(1.5, 4), stage.between(2, 8)
        for side in (-1, 0, 1, 2):
            across = (shift + side * lane, shift + side * lane + wide)
            if side in (-1, 2) or stage.rng.random() < 0.3:
                scenery.strip(stage, painted, across, (-40, 120), yaw, paint)
                if side == 0:
                    twin = (across[0] + 2.2 * wide, across[1] + 2.2 * wide)
                    scenery.strip(stage, painted, twin, (-40, 120), yaw, paint)
                continue
            start = -stage.between(20, 26)
            while start < 60:
                scenery.strip(stage, painted, across, (start, start + dash), yaw, paint)
                start += dash + gap
    elif params.marking == "edge":
        edge = stage.between(-5, 4)
        scenery.strip(stage, painted, (edge, edge + wide), (-40, 120), yaw, paint)
    elif params.marking == "bays":
        bay, deep = stage.between(2.3, 2.7), stage.between(4.8, 5.5)
        shift, start = stage.between(0, bay), stage.between(-2, 7)
        for side in range(-7, 8):
            across = (shift + side * bay, shift + side * bay + wide)
            scenery.strip(stage, painted, across, (start, start + deep), yaw, paint)
        if stage.rng.random() < 0.6:
            end = start if stage.rng.random() < 0.5 else start + deep
            scenery.strip(stage, painted, (-20, 20), (end, end + wide), yaw, paint)
    else:
        shift = stage.between(-4, 2)
        for step in range(14):
            along = step * 0.9
            scenery.on_area(
                stage,
                painted,
                (
                    (shift, along), (shift + 2.4, along + 1.6),
                    (shift + 2.4, along + 1.6 + 2 * wide), (shift, along + 2 * wide),
                ),
                yaw,
                paint,
            )  # fmt: skip
        for edge in (shift, shift + 2.4):
            scenery.strip(stage, painted, (edge, edge + wide), (0, 14), yaw, paint)


def _kerb(stage: Stage, params: ProceduralParams, area: NDArray[np.uint8]) -> float:
    """A kerb along the road and beyond it a pavement or grass; returns how far to the right."""
    side = -1.0 if stage.rng.random() < 0.5 else 1.0
    edge = side * stage.between(1.5, 5.0)
    yaw = params.yaw_deg
    stone = shade((168, 164, 156), stage.between(0.7, 1.15))
    if stage.rng.random() < 0.12:
        stone = (188, 160, 60)
    beyond = (
        shade((150, 144, 136), stage.between(0.75, 1.15))
        if stage.rng.random() < 0.5
        else shade(mix(params.leaves, (96, 104, 62), 0.5), stage.between(0.8, 1.15))
    )
    far = (edge, edge + 60 * side)
    scenery.strip(stage, area, (min(far), max(far)), (-60, 140), yaw, beyond)
    top = (edge, edge + 0.16 * side)
    scenery.strip(stage, area, (min(top), max(top)), (-60, 140), yaw, stone)
    face = (edge - 0.11 * side, edge)
    scenery.strip(stage, area, (min(face), max(face)), (-60, 140), yaw, shade(stone, 0.6))
    return edge


def _verges(stage: Stage, params: ProceduralParams, area: NDArray[np.uint8]) -> None:
    """Grass on both sides of a lane."""
    half = stage.between(1.4, 2.6)
    grass = shade(mix(params.leaves, (96, 104, 62), 0.5), stage.between(0.85, 1.2))
    for across in ((-60.0, -half), (half, 60.0)):
        scenery.strip(stage, area, across, (-60, 140), params.yaw_deg, grass)
