"""What lies behind vehicles and plates: procedural scenes, the user's photographs, or both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from seedbed.errors import InputError
from seedbed.generators.scenes import texture
from seedbed.generators.scenes.film import dim
from seedbed.generators.scenes.light import Light
from seedbed.generators.scenes.photo_folder import (
    DEFAULT_PIXEL_LIMIT,
    PhotoFolders,
    PhotoParams,
)
from seedbed.generators.scenes.procedural import (
    ProceduralParams,
    View,
    draw_procedural,
    render_procedural,
)
from seedbed.registry import nearest
from seedbed.streams import choose

PROCEDURAL: Final = "procedural"
PACKAGE_PREFIX: Final = "package:"

_PACKAGE_PHOTOGRAPHS: Final[Mapping[str, tuple[str, str, frozenset[str]]]] = {
    "scikit-image": (
        "skimage",
        "data",
        frozenset({"brick.png", "grass.png", "gravel.png", "coffee.png", "chelsea.png",
                   "rocket.jpg", "camera.png"}),
    ),
}  # fmt: skip
"""Module, folder and files of packages whose photographs are CC0 or public domain.

Licences as stated by the package itself: see `data/LICENCES.md`.
"""


@dataclass(frozen=True)
class BackgroundParams:
    """One background: a procedural scene or a crop of a photograph.

    `source` is the entry of the recipe it came from. `horizon_y` and `ground_y` are shares
    of the frame's height: where the ground plane vanishes, and where the ground meets what
    stands up; None where unknown, as in photographs.
    """

    source: str
    procedural: ProceduralParams | None = None
    photo: PhotoParams | None = None
    horizon_y: float | None = None
    ground_y: float | None = None


class Backgrounds:
    """Draws and renders backgrounds from `sources`, each with a weight.

    A source is "procedural", "package:NAME" (photographs an installed package carries) or a
    folder of photographs; `weights` are 1 where not given. `share` is the part of each
    source's photographs to use, so that splits need not have any in common. Raises
    `InputError` where a folder is missing or empty, or a package is unknown or not installed.
    """

    def __init__(
        self,
        sources: Sequence[str | Path] = (PROCEDURAL,),
        weights: Sequence[float] | None = None,
        pixel_limit: int = DEFAULT_PIXEL_LIMIT,
        share: tuple[float, float] = (0.0, 1.0),
    ) -> None:
        if not sources:
            raise InputError(
                "backgrounds is empty: list 'procedural' or a folder with photographs."
            )
        self.sources = tuple(str(source) for source in sources)
        self.weights = (1.0,) * len(self.sources) if weights is None else tuple(weights)
        if len(self.weights) != len(self.sources):
            raise InputError(
                f"there are {len(self.sources)} backgrounds and {len(self.weights)} weights: "
                f"give one weight for each background."
            )
        if min(self.weights) < 0 or sum(self.weights) <= 0:
            raise InputError(
                f"background weights must be 0 or more and one of them above 0, got "
                f"{', '.join(f'{weight:g}' for weight in self.weights)}."
            )
        self._photos: dict[str, PhotoFolders] = {}
        self._digests: dict[str, str] = {}
        for source in self.sources:
            if source == PROCEDURAL:
                continue
            photographs = _photographs(source, pixel_limit)
            self._photos[source] = photographs.for_share(share)
            if not source.startswith(PACKAGE_PREFIX):
                self._digests[f"photographs {source}"] = photographs.digest()

    def check(self) -> None:
        """Make sure every folder has a photograph that decodes. Raises `InputError`."""
        for photos in self._photos.values():
            photos.check()

    def digests(self) -> dict[str, str]:
        """A digest of what each folder of the user's holds, by the folder's name."""
        return dict(self._digests)

    def warm(self) -> None:
        """Build the texture tiles now, where procedural scenes may be asked for."""
        if PROCEDURAL in self.sources:
            texture.warm()

    def draw(self, rng: np.random.Generator, view: View | None = None) -> BackgroundParams:
        """Choose a source by weight and draw a background from it.

        A procedural scene is seen by the camera of `view` where one is given; photographs
        keep their own.
        """
        source = choose(rng, self.sources, self.weights)
        if source == PROCEDURAL:
            scene = draw_procedural(rng, view=view)
            return BackgroundParams(
                source=source,
                procedural=scene,
                horizon_y=scene.horizon_y,
                ground_y=scene.ground_y,
            )
        return BackgroundParams(source=source, photo=self._photos[source].draw(rng))

    def render(
        self, params: BackgroundParams, width: int, height: int, light: Light | None = None
    ) -> tuple[NDArray[np.uint8], dict[str, int]]:
        """The background, uint8 RGB (height, width, 3), and events by reason.

        It looks as under `light`, or as in daylight where none is given.

        `background_unreadable:PATH` counts how often a photograph was passed over. Raises
        `SeedbedError` where none is left, and `InputError` where `params` name a source that
        is not listed here.
        """
        if params.procedural is not None:
            return render_procedural(params.procedural, width, height, light), {}
        photos = self._photos.get(params.source)
        if params.photo is None or photos is None:
            raise InputError(
                f"the stored background comes from {params.source!r}, which is not among "
                f"{', '.join(self.sources)}: replay with the recipe that made the dataset."
            )
        picture, passed = photos.render(params.photo, width, height)
        if light is not None:
            picture = dim(picture, light)
        return picture, {f"background_unreadable:{path}": 1 for path in passed}


def _photographs(source: str, pixel_limit: int) -> PhotoFolders:
    if not source.startswith(PACKAGE_PREFIX):
        return PhotoFolders([source], pixel_limit)
    package = source.removeprefix(PACKAGE_PREFIX)
    if package not in _PACKAGE_PHOTOGRAPHS:
        known = list(_PACKAGE_PHOTOGRAPHS)
        raise InputError(
            f"no photographs are known in a package named {package!r}{nearest(package, known)} "
            f"(known: {', '.join(known)})."
        )
    module, folder, files = _PACKAGE_PHOTOGRAPHS[package]
    found = find_spec(module)
    if found is None or not found.submodule_search_locations:
        raise InputError(
            f"the background {source!r} needs {package}, which is not installed: "
            f"run `pip install {package}`."
        )
    return PhotoFolders([Path(found.submodule_search_locations[0]) / folder], pixel_limit, files)
