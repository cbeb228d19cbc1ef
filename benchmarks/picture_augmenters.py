"""Milliseconds of each picture augmenter at 640x480, beside albumentations' own.

Then the scenes a second of `plates` with and without `camera-light`, and what each part of
the presets costs a picture, its probability counted in.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from seedbed import registry
from seedbed.augmenters.albumentations_bridge import library
from seedbed.generators.plate_scene import PlateScene
from seedbed.make import Maker
from seedbed.recipe import load_recipe
from seedbed.sample import Picture
from seedbed.streams import stream

PRESETS = ("camera-light", "camera-hard", "cctv-night", "dashcam", "phone")
REPEATS = 8
SCENES = 40


def cpu_rates(sides: dict[str, Callable[[int], int]], rounds: int = 5) -> dict[str, float]:
    """Items a second of this thread's own time: the best of `rounds`, all sides in turn.

    Wall time would count whatever else the machine is doing.
    """
    best = dict.fromkeys(sides, 0.0)
    for number in range(rounds):
        for name, side in sides.items():
            started = time.thread_time()
            items = side(number)
            best[name] = max(best[name], items / (time.thread_time() - started))
    return best


def counterparts() -> dict[str, Any]:
    """albumentations' transform of about the same strength, by our augmenter's name."""
    a = library()
    return {
        "rescale": a.Downscale((0.35, 0.9), p=1),
        "translate": a.Affine(translate_percent=(-0.1, 0.1), p=1),
        "rotate": a.Affine(rotate=(-8, 8), p=1),
        "scale": a.Affine(scale=(0.8, 1.25), p=1),
        "shear": a.Affine(shear=(-10, 10), p=1),
        "perspective": a.Perspective((0.01, 0.08), p=1),
        "lens-distortion": a.OpticalDistortion((-0.08, 0.15), p=1),
        "elastic-distortion": a.ElasticTransform(alpha=30, sigma=10, p=1),
        "grid-distortion": a.GridDistortion(p=1),
        "invert-colours": a.InvertImg(p=1),
        "grey": a.ToGray(p=1),
        "channel-shuffle": a.ChannelShuffle(p=1),
        "brightness": a.RandomBrightnessContrast((-0.2, 0.2), (0, 0), p=1),
        "contrast": a.RandomBrightnessContrast((0, 0), (-0.3, 0.3), p=1),
        "gamma": a.RandomGamma((75, 135), p=1),
        "colour-temperature": a.PlanckianJitter(p=1),
        "saturation": a.ColorJitter((1, 1), (1, 1), (0.6, 1.4), (0, 0), p=1),
        "posterise": a.Posterize((3, 6), p=1),
        "clahe": a.CLAHE((1, 4), p=1),
        "gaussian-blur": a.GaussianBlur(blur_limit=0, sigma_limit=(0.3, 2), p=1),
        "defocus-blur": a.Defocus((1, 3), p=1),
        "motion-blur": a.MotionBlur((3, 9), p=1),
        "zoom-blur": a.ZoomBlur((1.01, 1.05), (0.01, 0.01), p=1),
        "sharpen": a.UnsharpMask(blur_limit=0, sigma_limit=(0.6, 1.4), p=1),
        "gaussian-noise": a.GaussNoise((0.004, 0.04), p=1),
        "shot-noise": a.ShotNoise((0.05, 0.2), p=1),
        "iso-noise": a.ISONoise(p=1),
        "salt-and-pepper": a.SaltAndPepper((0.001, 0.01), p=1),
        "jpeg-compression": a.ImageCompression("jpeg", (30, 90), p=1),
        "webp-compression": a.ImageCompression("webp", (30, 90), p=1),
        "chromatic-aberration": a.ChromaticAberration(p=1),
        "rain": a.RandomRain(p=1),
        "snow": a.RandomSnow(p=1),
        "fog": a.RandomFog(p=1),
        "sun-flare": a.RandomSunFlare(p=1),
        "shadow": a.RandomShadow(p=1),
        "lens-dirt": a.Spatter(mode="mud", p=1),
        "coarse-dropout": a.CoarseDropout(p=1),
        "grid-dropout": a.GridDropout(p=1),
        "crop": a.RandomResizedCrop((480, 640), (0.6, 1.0), p=1),
    }


def _sample() -> Picture:
    """A scene with one plate, without its text, so that a mirror is allowed too."""
    scene = PlateScene(plate_counts=(0, 1))
    return scene.sample(seed=5)


def _picture_augmenters(donors: str) -> dict[str, Any]:
    made = {}
    for name in registry.names("augmenters"):
        cls = registry.resolve("augmenters", name)
        if cls.sample_type is Picture and name != "flip":
            fields: dict[str, Any] = {"donors": donors} if name in ("mixup", "cutmix") else {}
            if name == "albumentations-transform":
                fields = {"transform": "RandomToneCurve"}
            made[name] = cls(**fields)
    return made


def alone(sample: Picture) -> None:
    """Print each augmenter's milliseconds, labels included, and how albumentations compares."""
    others = counterparts()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "one").mkdir()
        cv2.imwrite(str(Path(folder) / "one" / "one.png"), sample.image)
        augmenters = _picture_augmenters(folder)
        results = []
        for name, augmenter in augmenters.items():
            sides: dict[str, Callable[[int], int]] = {"ours": _ours(name, augmenter, sample)}
            if name in others:
                sides["theirs"] = _theirs(others[name], sample.image)
            for side in sides.values():
                side(0)
            measured = cpu_rates(sides)
            results.append((1000 / measured["ours"], name, measured))
    for milliseconds, name, measured in sorted(results, reverse=True):
        beside = ""
        if "theirs" in measured:
            ratio = measured["ours"] / measured["theirs"]
            beside = f"albumentations {1000 / measured['theirs']:7.2f} ms   {ratio:5.1f}x"
        print(f"  {name:24} {milliseconds:7.2f} ms   {beside}")


def _ours(name: str, augmenter: Any, sample: Picture) -> Callable[[int], int]:
    def side(number: int) -> int:
        for index in range(REPEATS):
            augmenter(sample, stream(number, name, index))
        return REPEATS

    return side


def _theirs(transform: Any, image: np.ndarray) -> Callable[[int], int]:
    pipeline = library().Compose([transform])

    def side(number: int) -> int:
        pipeline.set_random_seed(number)
        for _ in range(REPEATS):
            pipeline(image=image)
        return REPEATS

    return side


def presets(sample: Picture) -> None:
    """Print what each preset costs a picture, and its three dearest parts."""
    from seedbed.presets import load_preset

    for preset in PRESETS:
        parts = [
            (one["name"], registry.resolve("augmenters", one["name"])(
                **{key: value for key, value in one.items() if key != "name"}
            ))
            for one in load_preset(preset)
        ]  # fmt: skip
        seconds = dict.fromkeys((name for name, _ in parts), 0.0)
        for index in range(SCENES * 3):
            made = sample
            for name, augmenter in parts:
                rng = stream(1, name, index)
                started = time.thread_time()
                made = augmenter(made, rng)
                seconds[name] += time.thread_time() - started
        each = {name: 1000 * spent / (SCENES * 3) for name, spent in seconds.items()}
        dearest = sorted(each.items(), key=lambda one: -one[1])[:3]
        listed = ", ".join(f"{name} {value:.2f}" for name, value in dearest)
        print(f"  {preset:14} {sum(each.values()):6.2f} ms   dearest: {listed}")


def whole() -> None:
    """Print scenes a second of the recipe `plates`, JPEG included, without and with a preset."""
    recipe = load_recipe("plates").seeded(1)
    bare = Maker(recipe.model_copy(update={"augmenters": []}))
    lit = Maker(_with_preset(recipe, "camera-light"))
    bare.prepare()
    lit.prepare()

    def build(maker: Maker) -> Callable[[int], int]:
        def side(number: int) -> int:
            for index in range(SCENES):
                maker.row("train", number * SCENES + index)
            return SCENES

        return side

    sides = {"plates": build(bare), "plates, camera-light": build(lit)}
    for side in sides.values():
        side(99)
    for name, rate in cpu_rates(sides).items():
        print(f"  {name:22} {rate:6.1f} scenes/s")


def _with_preset(recipe: Any, preset: str) -> Any:
    from seedbed.recipe import parse_recipe

    return parse_recipe({**recipe.values(), "augmenters": preset})


def main() -> None:
    """Print all three tables, on one core."""
    cv2.setNumThreads(1)
    sample = _sample()
    alone(sample)
    presets(sample)
    whole()


if __name__ == "__main__":
    main()
