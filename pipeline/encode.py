"""Media bytes: pictures as JPEG or PNG, sound as FLAC or WAV.

How a sample is encoded is drawn like everything else, from the sample's own `encoding`
stream, and stored with it, so that a replay gives the same bytes. Networks pick up on
compression: a real camera's quality and chroma subsampling vary, so ours do.
"""

from __future__ import annotations

import io
import struct
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from seedbed.errors import SeedbedError
from seedbed.flac import encode_flac
from seedbed.sample import Clip, Picture, Sample
from seedbed.streams import chance, choose

Subsampling: TypeAlias = Literal["4:2:0", "4:2:2", "4:4:4"]

_SAMPLING_FACTORS: dict[str, int] = {"4:2:0": 0x221111, "4:2:2": 0x211111, "4:4:4": 0x111111}
"""`cv2.IMWRITE_JPEG_SAMPLING_FACTOR_*`: horizontal and vertical factors of Y, Cb and Cr."""

PNG_COMPRESSION = 3
"""zlib level: 4 to 9 cost two to ten times as long for a few per cent of the size."""

FLAC_COMPRESSION = 0.0
"""Of libFLAC's levels, 0 to 1: its own default of 0.625 costs a fifth more time for 1.5 per cent
of the size."""

_CONFIG = ConfigDict(frozen=True, extra="forbid", validate_default=True)


@dataclass(frozen=True)
class EncodingParams:
    """What was drawn for one sample: `quality` and `subsampling` are used by JPEG alone."""

    format: str
    quality: int = 0
    subsampling: str = ""


class PictureEncoding(BaseModel):
    """How pictures are written: JPEG of drawn quality, PNG, or a share of each."""

    model_config = _CONFIG

    format: Literal["jpeg", "png"] = "jpeg"
    quality: tuple[int, int] = Field(default=(70, 95), description="lowest and highest, 1 to 100")
    subsampling: tuple[Subsampling, ...] = Field(default=("4:2:0", "4:4:4"), min_length=1)
    png_share: float = Field(
        default=0.0, ge=0.0, le=1.0, description="share written as PNG where format is jpeg"
    )

    @model_validator(mode="after")
    def _check_quality(self) -> PictureEncoding:
        low, high = self.quality
        if not 1 <= low <= high <= 100:
            raise ValueError("quality must be [lowest, highest] between 1 and 100")
        return self

    def draw(self, rng: np.random.Generator) -> EncodingParams:
        """Draw format, quality and subsampling of one picture."""
        low, high = self.quality
        quality = int(rng.integers(low, high + 1))
        subsampling = choose(rng, self.subsampling)
        if chance(rng, self.png_share) or self.format == "png":
            return EncodingParams("png")
        return EncodingParams("jpeg", quality, subsampling)


class SoundEncoding(BaseModel):
    """How clips are written: FLAC or WAV, both lossless at 16 bits."""

    model_config = _CONFIG

    format: Literal["flac", "wav"] = "flac"

    def draw(self, rng: np.random.Generator) -> EncodingParams:
        """The format: nothing is drawn for sound yet."""
        return EncodingParams(self.format)


Encoding: TypeAlias = PictureEncoding | SoundEncoding


def encoding_model(sample_type: type[Sample]) -> type[PictureEncoding] | type[SoundEncoding]:
    """The recipe model of `encoding` for generators of `sample_type`."""
    return SoundEncoding if issubclass(sample_type, Clip) else PictureEncoding


def encode_picture(image: NDArray[np.uint8], encoding: EncodingParams) -> bytes:
    """An RGB picture of shape (height, width, 3) as JPEG or PNG bytes.

    Raises `SeedbedError` where OpenCV cannot encode it.
    """
    import cv2

    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    if encoding.format == "png":
        suffix, options = ".png", [cv2.IMWRITE_PNG_COMPRESSION, PNG_COMPRESSION]
    else:
        suffix = ".jpg"
        options = [
            cv2.IMWRITE_JPEG_QUALITY,
            encoding.quality,
            cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
            _SAMPLING_FACTORS[encoding.subsampling],
        ]
    done, encoded = cv2.imencode(suffix, bgr, options)
    if not done:
        raise SeedbedError(f"OpenCV could not encode a picture of shape {image.shape} as {suffix}.")
    return encoded.tobytes()


def decode_picture(media: bytes) -> NDArray[np.uint8]:
    """RGB of shape (height, width, 3). Raises `SeedbedError` for bytes that are no picture."""
    import cv2

    bgr = cv2.imdecode(np.frombuffer(media, np.uint8), cv2.IMREAD_COLOR) if media else None
    if bgr is None:
        raise SeedbedError(f"{len(media)} bytes cannot be decoded as a picture.")
    rgb: NDArray[np.uint8] = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)
    return rgb


def encode_sound(sound: NDArray[np.float32], sample_rate: int, encoding: EncodingParams) -> bytes:
    """A mono sound of shape (frames,) as 16-bit FLAC or WAV bytes."""
    # libsndfile would turn floats into 16 bits itself, but takes as long for it as for all the
    # rest of a WAV, and rounds down there.
    scaled = np.asarray(sound, np.float32) * np.float32(1 << 15)
    np.rint(scaled, out=scaled)
    np.minimum(scaled, (1 << 15) - 1, out=scaled)
    np.maximum(scaled, -(1 << 15), out=scaled)
    whole = scaled.astype("<i2")
    if encoding.format == "wav":
        return wav_header(len(whole), sample_rate) + whole.tobytes()
    return encode_flac(whole.astype(np.int16, copy=False), sample_rate, FLAC_COMPRESSION)


def wav_header(frames: int, sample_rate: int) -> bytes:
    """The 44 bytes before the samples of a 16-bit mono WAV (Microsoft and IBM 1991, RIFF).

    libsndfile writes the same, and takes longer for it than for the samples.
    """
    count = 2 * frames
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", 36 + count, b"WAVE"),
        *(b"fmt ", 16, 1, 1, sample_rate, 2 * sample_rate, 2, 16),
        *(b"data", count),
    )


def decode_sound(media: bytes) -> tuple[NDArray[np.float32], int]:
    """Mono float32 of shape (frames,) and its sample rate.

    Raises `SeedbedError` for bytes that are no sound.
    """
    import soundfile

    try:
        sound, sample_rate = soundfile.read(io.BytesIO(media), dtype="float32")
    except soundfile.LibsndfileError as error:
        raise SeedbedError(f"{len(media)} bytes cannot be decoded as sound: {error}") from error
    return np.asarray(sound, np.float32), int(sample_rate)


def encode(sample: Sample, encoding: dict[str, Any]) -> tuple[bytes, str]:
    """A sample's media bytes and their file suffix, by an `EncodingParams` as a dict."""
    params = EncodingParams(**encoding)
    suffix = "jpg" if params.format == "jpeg" else params.format
    if isinstance(sample, Picture):
        return encode_picture(sample.image, params), suffix
    if isinstance(sample, Clip):
        return encode_sound(sample.sound, sample.sample_rate, params), suffix
    raise SeedbedError(f"{type(sample).__name__} is neither a Picture nor a Clip.")


def encoding_params(params: EncodingParams) -> dict[str, Any]:
    """`params` JSON-ready, as a sample stores them: what its format does not use is left out."""
    return {key: value for key, value in asdict(params).items() if value}
