"""Clips as WAV files in a folder a class, with a NeMo manifest a split.

    train/yes/train-00000000.wav
    train_manifest.json     {"audio_filepath": "train/yes/...", "duration": 0.9, "text": ...}

The folders are those of Speech Commands (Warden, 2018), which torchvision-like readers of
folders take as classes; the manifest is one JSON object a line, as NeMo's speech
recognition ("Preparing custom ASR data") and speech classification read it, paths relative
to the manifest. WAV bytes are copied as they are; FLAC is unpacked into WAV of the same
sample type, so that every sample value stays what it was.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from seedbed.errors import InputError, SeedbedError
from seedbed.formats.format import Format, Source, json_text, media_of, path_inside, safe_name
from seedbed.schema import Row

MANIFEST_SUFFIX = "_manifest.json"

KEPT = ("id", "label", "sample_rate", "language", "voice", "engine", "transcript")
"""What a manifest line keeps under a row's own keys, beside NeMo's."""


class WavFolders(Format):
    """WAV files in a folder for each label, and a NeMo manifest for each split."""

    sample_type: ClassVar[str] = "clip"

    def write(self, source: Source, folder: Path) -> None:
        """As `Format.write`."""
        for split in source.splits:
            name = safe_name(split)
            (folder / name).mkdir()
            with (folder / f"{name}{MANIFEST_SUFFIX}").open("w", encoding="utf-8") as manifest:
                for row in source.rows(split):
                    file_name, media = media_of(row)
                    path = folder / name / safe_name(row["label"]) / file_name
                    path.parent.mkdir(exist_ok=True)
                    path.with_suffix(".wav").write_bytes(as_wav(media, row["id"]))
                    line = {
                        "audio_filepath": path.with_suffix(".wav").relative_to(folder).as_posix(),
                        "duration": row["duration"],
                        "text": row["transcript_normalised"] or row["transcript"],
                        **{key: row[key] for key in KEPT},
                    }
                    manifest.write(json_text(line) + "\n")

    def read(self, folder: Path) -> Iterator[Row]:
        """As `Format.read`; word times and drawn parameters are not kept by the format."""
        manifests = sorted(folder.glob(f"*{MANIFEST_SUFFIX}"))
        if not manifests:
            raise InputError(f"{folder} holds no *{MANIFEST_SUFFIX}.")
        for manifest in manifests:
            split = manifest.name.removesuffix(MANIFEST_SUFFIX)
            with manifest.open(encoding="utf-8") as lines:
                for index, line in enumerate(lines):
                    try:
                        yield _row(folder, split, index, json.loads(line))
                    except (ValueError, KeyError, TypeError) as error:
                        raise InputError(
                            f"{manifest}: line {index + 1} is no line of a manifest: {error!r}."
                        ) from error


def as_wav(media: bytes, name: str) -> bytes:
    """WAV bytes as they are, any other sound unpacked without changing a sample value.

    `name` is the sample's, for messages. Raises `SeedbedError` for bytes that are no sound.
    """
    import soundfile

    if media[:4] == b"RIFF" and media[8:12] == b"WAVE":
        return media
    try:
        with soundfile.SoundFile(io.BytesIO(media)) as sound:
            subtype = sound.subtype
            if subtype not in soundfile.available_subtypes("WAV"):
                # FLAC's signed 8 bits: WAV has no such type, and 16 bits hold them exactly.
                subtype = "PCM_16"
            sample_rate = sound.samplerate
            values = sound.read(dtype="int32")
    except soundfile.LibsndfileError as error:
        raise SeedbedError(f"sample {name} cannot be read as sound: {error}") from error
    buffer = io.BytesIO()
    soundfile.write(buffer, values, sample_rate, format="WAV", subtype=subtype)
    return buffer.getvalue()


def _row(folder: Path, split: str, index: int, line: dict[str, Any]) -> Row:
    path = path_inside(folder, line["audio_filepath"])
    media = path.read_bytes()
    import soundfile

    with soundfile.SoundFile(io.BytesIO(media)) as sound:
        sample_rate, duration = sound.samplerate, len(sound) / sound.samplerate
    kept = {key: line.get(key, "") for key in ("label", "language", "engine", "voice")}
    return {
        "id": line.get("id", path.stem),
        "split": split,
        "index": index,
        "audio": {"bytes": media, "path": path.name},
        "sample_rate": sample_rate,
        "duration": round(duration, 6),
        "transcript": line.get("transcript", line.get("text", "")),
        "transcript_normalised": line.get("text", ""),
        **kept,
        "phonemes": [],
        "words": [],
        "keyword_span": None,
        "attributes": "{}",
        "params": "{}",
        "counts": "{}",
    }
