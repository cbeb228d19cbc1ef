from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile

from seedbed.encode import (
    FLAC_COMPRESSION,
    EncodingParams,
    PictureEncoding,
    SoundEncoding,
    decode_picture,
    decode_sound,
    encode_picture,
    encode_sound,
)
from seedbed.errors import SeedbedError
from seedbed.flac import encode_flac
from seedbed.streams import stream


def test_png_keeps_every_pixel_and_the_order_of_colours() -> None:
    image = np.zeros((4, 6, 3), np.uint8)
    image[1, 2] = (250, 120, 10)
    media = encode_picture(image, EncodingParams("png"))
    assert media.startswith(b"\x89PNG")
    np.testing.assert_array_equal(decode_picture(media), image)


@pytest.mark.parametrize(
    ("subsampling", "factors"), [("4:2:0", 0x22), ("4:2:2", 0x21), ("4:4:4", 0x11)]
)
def test_jpeg_has_the_drawn_subsampling(subsampling: str, factors: int) -> None:
    image = np.full((32, 32, 3), (200, 40, 90), np.uint8)
    media = encode_picture(image, EncodingParams("jpeg", 90, subsampling))
    # ITU T.81, B.2.2: the frame header's first component is luma, its factors in byte 11.
    assert media[media.index(b"\xff\xc0") + 11] == factors
    np.testing.assert_allclose(decode_picture(media), image, atol=4)


def test_quality_and_format_are_drawn_in_their_ranges() -> None:
    encoding = PictureEncoding(quality=(70, 72), subsampling=("4:2:0",), png_share=0.5)
    drawn = [encoding.draw(stream(0, "encoding", index)) for index in range(200)]
    jpegs = [params for params in drawn if params.format == "jpeg"]
    assert {params.quality for params in jpegs} == {70, 71, 72}
    assert 70 < len(jpegs) < 130


@pytest.mark.parametrize("form", ["flac", "wav"])
def test_sound_keeps_16_bits(form: str) -> None:
    sound = (np.array([0, 1, -1, 16384, -32768, 32767]) / 32768).astype(np.float32)
    params = SoundEncoding.model_validate({"format": form}).draw(stream(0))
    decoded, sample_rate = decode_sound(encode_sound(sound, 16000, params))
    assert sample_rate == 16000
    np.testing.assert_array_equal(decoded, sound)


@pytest.mark.parametrize("form", ["flac", "wav"])
def test_sound_is_rounded_to_the_nearest_step_and_stops_at_full_scale(form: str) -> None:
    sound = np.array([0.4, 0.6, -0.6, -1.4, 40000, -40000], dtype=np.float32) / np.float32(32768)
    decoded, _ = decode_sound(encode_sound(sound, 8000, EncodingParams(form)))
    np.testing.assert_array_equal(decoded * 32768, [0, 1, -1, -1, 32767, -32768])


def test_bytes_that_are_no_media_are_refused() -> None:
    for media in (b"", b"no picture"):
        with pytest.raises(SeedbedError, match="cannot be decoded as a picture"):
            decode_picture(media)
    with pytest.raises(SeedbedError, match="cannot be decoded as sound"):
        decode_sound(b"no sound")


def test_wav_and_flac_are_what_libsndfile_writes() -> None:
    whole = np.array([0, 1, -1, 300, -32768, 32767], dtype=np.int16)
    sound = whole.astype(np.float32) / np.float32(32768)
    for form, level in (("wav", None), ("flac", FLAC_COMPRESSION)):
        expected = io.BytesIO()
        with soundfile.SoundFile(
            expected, "w", 16000, 1, "PCM_16", format=form.upper(), compression_level=level
        ) as file:
            file.write(whole)
        for _ in range(2):
            assert encode_sound(sound, 16000, EncodingParams(form)) == expected.getvalue()


def test_flac_of_an_impossible_rate_is_refused() -> None:
    with pytest.raises(SeedbedError, match="cannot write FLAC at 0 Hz"):
        encode_flac(np.zeros(4, np.int16), 0, 0.0)
