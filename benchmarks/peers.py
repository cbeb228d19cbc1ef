"""Other generators' speed, in an interpreter of their own: they need older packages than seedbed.

`PEER_PYTHON=/path/to/python python -m benchmarks scenes` runs this file under that Python:
TextRecognitionDataGenerator as it is (`pip install trdg 'pillow<10'`), and SynthTIGER with a
plain template over its own components (`pip install synthtiger 'pillow<10' 'numpy<2'`).
Arguments: the peer's name, how many pictures, a folder with fonts, a seed. Prints one JSON line.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path


def trdg(count: int, fonts: str, seed: int) -> None:
    """Lines of text over noise backgrounds, blurred at random."""
    from trdg.generators import GeneratorFromStrings

    strings = [f"AB {seed % 10}{number:03d} CD" for number in range(count)]
    paths = [str(path) for path in sorted(Path(fonts).glob("*.ttf"))]
    for _ in GeneratorFromStrings(strings, count=count, fonts=paths, blur=1, random_blur=True):
        pass


def synthtiger(count: int, fonts: str, seed: int) -> None:
    """One line of text each: coloured, styled, warped, laid on a colour, degraded."""
    import numpy as np
    from synthtiger import components, layers

    np.random.seed(seed)  # noqa: NPY002 - SynthTIGER draws from the global state
    with tempfile.TemporaryDirectory() as folder:
        corpus_path = Path(folder, "corpus.txt")
        corpus_path.write_text("\n".join(f"AB{number:04d}CD" for number in range(1000)))
        corpus = components.BaseCorpus(paths=[str(corpus_path)], weights=[1])
        # SynthTIGER reads which characters a font has from a text file beside it.
        for path in Path(fonts).glob("*.ttf"):
            Path(folder, path.name).symlink_to(path.resolve())
            Path(folder, f"{path.stem}.txt").write_text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
        font = components.BaseFont(paths=[folder], weights=[1], size=[40, 60], bold=0.5)
        colour = components.RGB(rgb=[[0, 255]] * 3)
        style = components.Switch(
            components.Selector(
                [components.TextBorder(), components.TextShadow(), components.TextExtrusion()]
            ),
            prob=0.3,
        )
        transform = components.Switch(
            components.Selector([components.Perspective(), components.Rotate(), components.Skew()]),
            prob=0.8,
        )
        degrade = components.Iterator(
            [
                components.Switch(components.AdditiveGaussianNoise(scale=[4, 8]), prob=0.5),
                components.Switch(components.GaussianBlur(sigma=[0, 2]), prob=0.5),
                components.Switch(components.JpegCompression(), prob=0.5),
            ]
        )
        for _ in range(count):
            text = corpus.data(corpus.sample())
            chars = layers.Group(
                [layers.TextLayer(char, **font.sample({"text": char})) for char in text]
            )
            components.FlowLayout().apply(chars)
            components.RGB(rgb=[[0, 100]] * 3).apply([*chars])
            style.apply([*chars])
            transform.apply([chars, *chars])
            merged = chars.merge()
            ground = layers.RectLayer(merged.size, colour.data(colour.sample()))
            ground.topleft = merged.topleft
            picture = (merged + ground).merge()
            degrade.apply([picture])
            picture.output()


if __name__ == "__main__":
    name, wanted, font_folder, number = sys.argv[1:5]
    peer = {"trdg": trdg, "synthtiger": synthtiger}[name]
    peer(2, font_folder, 0)
    started = time.perf_counter()
    peer(int(wanted), font_folder, int(number))
    print(json.dumps({"per_second": int(wanted) / (time.perf_counter() - started)}))
