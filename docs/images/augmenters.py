"""Draws `augmenters.jpg`, one plate under nine augmenters: `python docs/images/augmenters.py`.

The strength of each is fixed so that it can be seen at this size; presets are milder.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from PIL import Image

from seedbed import registry
from seedbed.generators import PlateScene
from seedbed.preview import picture_sheet
from seedbed.preview_augmenters import closer
from seedbed.streams import stream

SHOWN = {
    "rescale": {"scale": (0.35, 0.35)},
    "translate": {"x": (0.12, 0.12), "y": (0.1, 0.1), "fill": "grey"},
    "rotate": {"angle_deg": (9, 9), "fill": "grey"},
    "scale": {"factor": (1.3, 1.3)},
    "lens-distortion": {"k": (0.3, 0.3)},
    "invert-colours": {},
    "motion-blur": {"length_px": (9, 9), "angle_deg": (0, 0)},
    "iso-noise": {"photons": (250, 250), "colour_levels": (4, 4)},
    "occluder": {"kinds": ("leaves",), "size": (0.12, 0.12), "on_object_rate": 1.0},
}
"""The augmenters from left to right, then down: name and fields."""

LAYOUTS = ["sk-2023"]
COLUMNS = 5
SEED = 26
WIDTH_PX = 1600


def main() -> None:
    """Write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("augmenters.jpg"))
    parser.add_argument("--seed", type=int, default=SEED, help="which plate")
    arguments = parser.parse_args()
    scene = PlateScene(layouts=LAYOUTS, plate_width_px=(90, 110), yaw_deg=(-15, 15))
    plate = closer(scene(arguments.seed))
    pictures = [plate]
    for name, fields in SHOWN.items():
        augmenter = registry.resolve("augmenters", name)(**fields)
        pictures.append(augmenter(plate, stream(arguments.seed, name)))
    sheet = picture_sheet(pictures, ["as generated", *SHOWN], COLUMNS)
    picture = Image.fromarray(sheet)
    picture.thumbnail((WIDTH_PX, WIDTH_PX))
    picture.save(arguments.out, quality=88)


if __name__ == "__main__":
    main()
