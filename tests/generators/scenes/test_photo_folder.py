from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seedbed.component import dump_params, load_params
from seedbed.errors import InputError, SeedbedError
from seedbed.generators.scenes.photo_folder import (
    PhotoFolders,
    PhotoParams,
    PictureCache,
    UnreadablePicture,
    decode,
)
from seedbed.streams import stream


def flat(path: Path, colour: tuple[int, ...], mode: str = "RGB", size: tuple[int, int] = (64, 48)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour if len(colour) > 1 else colour[0]).save(path)
    return path


def huge_png(path: Path, side: int = 30_000) -> Path:
    """A PNG that declares side x side pixels in its header and holds next to none."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 100))
        + chunk(b"IEND", b"")
    )
    return path


def params_for(*names: str) -> PhotoParams:
    return PhotoParams(tuple(names), zoom=1.0, centre=(0.5, 0.5), flip=False)


@pytest.mark.parametrize(
    ("name", "mode", "colour", "expected"),
    [
        ("a.jpg", "RGB", (200, 100, 50), (200, 100, 50)),
        ("a.png", "L", (90,), (90, 90, 90)),
        ("a.webp", "RGB", (200, 100, 50), (200, 100, 50)),
        ("a.bmp", "RGB", (1, 2, 3), (1, 2, 3)),
        ("a.tiff", "RGB", (9, 8, 7), (9, 8, 7)),
        ("a.png", "1", (1,), (255, 255, 255)),
        ("a.png", "RGBA", (255, 0, 0, 0), (128, 128, 128)),
        ("a.png", "LA", (255, 255), (255, 255, 255)),
        ("a.tif", "CMYK", (0, 0, 0, 255), (0, 0, 0)),
        ("a.png", "I;16", (257 * 77,), (77, 77, 77)),
        ("a.tif", "F", (0.5,), (127, 127, 127)),
    ],
)
def test_every_mode_becomes_rgb(tmp_path, name, mode, colour, expected):
    pixels = decode(flat(tmp_path / name, colour, mode), 64, 48)
    assert pixels.shape == (48, 64, 3)
    assert pixels.dtype == np.uint8
    assert np.abs(pixels.astype(int) - expected).max() <= 4


def test_palette_with_a_transparent_colour_lies_over_grey(tmp_path):
    picture = Image.new("P", (8, 8), 0)
    picture.putpalette([255, 0, 0] + [0, 0, 255] * 255)
    picture.save(tmp_path / "p.png", transparency=0)
    assert decode(tmp_path / "p.png", 8, 8)[0, 0].tolist() == [128, 128, 128]


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize("size", [1, 20])
def test_exif_orientation_turns_the_picture_upright(tmp_path, size, suffix):
    picture = Image.new("RGB", (40 * size, 20 * size), (255, 255, 255))
    exif = Image.Exif()
    exif[274] = 6  # Shown upright after a quarter turn clockwise.
    picture.save(tmp_path / f"turned.{suffix}", exif=exif)
    height, width = decode(tmp_path / f"turned.{suffix}", 20, 40).shape[:2]
    assert height == 2 * width


@pytest.mark.parametrize("name", ["big.jpg", "big.png"])
def test_large_pictures_are_kept_at_most_1_6_times_the_frame(tmp_path, name):
    pixels = decode(flat(tmp_path / name, (10, 20, 30), size=(4000, 3000)), 100, 75)
    assert pixels.shape == (120, 160, 3)


def test_listing_is_recursive_sorted_and_ignores_other_files(tmp_path):
    for name in ("b.jpg", "sub/a.PNG", "a.jpg"):
        flat(tmp_path / name, (1, 2, 3))
    (tmp_path / "notes.txt").write_text("no picture")
    assert PhotoFolders([tmp_path]).names == ("0:a.jpg", "0:b.jpg", "0:sub/a.PNG")


def test_missing_empty_and_file_folders_are_named(tmp_path):
    with pytest.raises(InputError, match=r"nowhere does not exist"):
        PhotoFolders([tmp_path / "nowhere"])
    with pytest.raises(InputError, match=rf"{tmp_path.name} holds no photograph"):
        PhotoFolders([tmp_path])
    with pytest.raises(InputError, match=r"x\.jpg is a file"):
        PhotoFolders([flat(tmp_path / "x.jpg", (0, 0, 0))])


def test_unreadable_pictures_are_passed_over_and_counted(tmp_path):
    whole = flat(tmp_path / "c.jpg", (0, 200, 0))
    (tmp_path / "a.jpg").write_bytes(b"not a picture")
    (tmp_path / "b.jpg").write_bytes(whole.read_bytes()[:300])
    photos = PhotoFolders([tmp_path])
    photos.check()
    picture, passed = photos.render(params_for("0:a.jpg", "0:b.jpg", "0:c.jpg"), 32, 24)
    assert passed == (str(tmp_path / "a.jpg"), str(tmp_path / "b.jpg"))
    assert abs(int(picture[12, 16, 1]) - 200) <= 4
    again, passed_again = photos.render(params_for("0:a.jpg"), 32, 24)
    assert passed_again == passed
    assert np.array_equal(picture, again)


def test_an_error_when_no_picture_is_left(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"not a picture")
    photos = PhotoFolders([tmp_path])
    with pytest.raises(InputError, match=r"no photograph in .* can be used; the first: .*a\.jpg"):
        photos.check()
    with pytest.raises(SeedbedError, match=r"no photograph is left"):
        photos.render(photos.draw(stream(0)), 32, 24)


def test_a_huge_png_is_refused_by_its_header(tmp_path):
    path = huge_png(tmp_path / "huge.png")
    with pytest.raises(UnreadablePicture, match=r"huge\.png is 30000x30000 .*60,000,000"):
        decode(path, 640, 480)
    flat(tmp_path / "ok.png", (5, 6, 7))
    picture, passed = PhotoFolders([tmp_path]).render(params_for("0:huge.png"), 8, 6)
    assert passed == (str(tmp_path / "huge.png"),)
    assert picture[0, 0].tolist() == [5, 6, 7]
    assert Image.MAX_IMAGE_PIXELS is not None


def test_splits_share_no_file_and_cover_all(tmp_path):
    for number in range(20):
        flat(tmp_path / f"{number}.png", (number, 0, 0), size=(4, 4))
    photos = PhotoFolders([tmp_path])
    shares = {"train": 8, "val": 1, "test": 1}
    parts = [photos.for_split(split, shares) for split in shares]
    assert [len(part) for part in parts] == [16, 2, 2]
    assert sorted(name for part in parts for name in part.names) == sorted(photos.names)
    assert set(photos.for_share((0.0, 0.8)).names) == set(parts[0].names)
    with pytest.raises(InputError, match=r"'dev' has no share"):
        photos.for_split("dev", shares)
    with pytest.raises(InputError, match=r"0\.5 to 0\.51 of the 20 photographs"):
        photos.for_share((0.5, 0.51))


def test_crop_follows_the_parameters(tmp_path):
    # Left half black, right half white, twice as wide as the frame.
    wide = np.zeros((20, 80, 3), np.uint8)
    wide[:, 40:] = 255
    Image.fromarray(wide).save(tmp_path / "w.png")
    photos = PhotoFolders([tmp_path])

    def mean(centre: float, flip: bool) -> float:
        params = PhotoParams(("0:w.png",), zoom=1.0, centre=(centre, 0.0), flip=flip)
        return float(photos.render(params, 40, 20)[0].mean())

    assert mean(0.0, False) == 0.0
    assert mean(1.0, True) == 255.0
    middle = photos.render(PhotoParams(("0:w.png",), 1.0, (0.5, 0.0), True), 40, 20)[0]
    assert middle[0, 0, 0] == 255
    assert middle[0, -1, 0] == 0


def test_params_survive_json_and_draw_needs_no_decoding(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"not a picture")
    params = PhotoFolders([tmp_path]).draw(stream(3))
    assert load_params(PhotoParams, dump_params(params)) == params


def test_cache_stays_within_its_bytes_and_changes_nothing(tmp_path):
    paths = [flat(tmp_path / f"{n}.png", (n, n, n), size=(100, 100)) for n in range(5)]
    cache = PictureCache(limit_bytes=70_000)  # Two pictures of 30,000 bytes.
    for path in paths * 2:
        assert np.array_equal(cache.get(path, 100, 100, 10**6), decode(path, 100, 100))
        assert cache.used_bytes <= 70_000
    with pytest.raises(ValueError, match="read-only"):
        cache.get(paths[0], 100, 100, 10**6)[0, 0] = 1


def test_the_digest_changes_with_a_picture_replaced_at_the_same_size(tmp_path):
    for name in ("a.bmp", "sub/b.bmp"):
        flat(tmp_path / name, (1, 2, 3))
    first = PhotoFolders([tmp_path]).digest()
    assert PhotoFolders([tmp_path]).digest() == first
    path = tmp_path / "sub" / "b.bmp"
    size = path.stat().st_size
    flat(path, (1, 2, 4))
    assert path.stat().st_size == size
    assert PhotoFolders([tmp_path]).digest() != first
