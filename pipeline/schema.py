"""The columns of a dataset: samples as Parquet rows and back, and what a row's hash covers.

Media bytes stand in a `{bytes, path}` struct and the file's metadata holds the feature
schema of Hugging Face `datasets`, so that its Parquet reader gives decoded pictures and
sounds. Labels are nested columns; what has no fixed shape (parameters, attributes, counts)
is JSON text. Coordinates are rounded to 0.001 pixels and times to a microsecond: far below
what any label means, and a third of the size.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from seedbed.encode import decode_picture, decode_sound
from seedbed.errors import SeedbedError
from seedbed.geometry import Bbox
from seedbed.sample import Character, Clip, LabelledObject, Picture, Sample, TimedSpan

Row: TypeAlias = dict[str, Any]

PIXEL_DECIMALS = 3
SECOND_DECIMALS = 6

HASH_MODULUS = 2**256
"""Sample hashes are added up modulo this: see `row_hash`."""

_NUMBERS = pa.list_(pa.float64())
_MEDIA = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
_CHARACTER = pa.struct(
    [("text", pa.string()), ("quad", _NUMBERS), ("bbox", _NUMBERS), ("visible", pa.float64())]
)
_OBJECT = pa.struct(
    [
        ("category", pa.string()),
        ("bbox", _NUMBERS),
        ("quad", _NUMBERS),
        ("polygon", _NUMBERS),
        ("text", pa.string()),
        ("text_plain", pa.string()),
        ("layout", pa.string()),
        ("region", pa.string()),
        ("line_count", pa.int32()),
        ("occlusion", pa.float64()),
        ("legible", pa.bool_()),
        ("illegible_reason", pa.string()),
        ("attributes", pa.string()),
        ("characters", pa.list_(_CHARACTER)),
    ]
)
_SPAN = pa.struct([("text", pa.string()), ("start", pa.float64()), ("end", pa.float64())])
_HEAD = [("id", pa.string()), ("split", pa.string()), ("index", pa.int64())]
_TAIL = [("params", pa.string()), ("counts", pa.string())]

_FIELDS: dict[str, list[tuple[str, Any]]] = {
    "picture": [
        *_HEAD,
        ("image", _MEDIA),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("objects", pa.list_(_OBJECT)),
        *_TAIL,
    ],
    "clip": [
        *_HEAD,
        ("audio", _MEDIA),
        ("sample_rate", pa.int32()),
        ("duration", pa.float64()),
        ("transcript", pa.string()),
        ("transcript_normalised", pa.string()),
        ("label", pa.string()),
        ("language", pa.string()),
        ("engine", pa.string()),
        ("voice", pa.string()),
        ("phonemes", pa.list_(_SPAN)),
        ("words", pa.list_(_SPAN)),
        ("keyword_span", _NUMBERS),
        ("attributes", pa.string()),
        *_TAIL,
    ],
}

MEDIA_COLUMNS = {"picture": "image", "clip": "audio"}
_FEATURES = {"image": {"_type": "Image"}, "audio": {"_type": "Audio"}}


def arrow_schema(sample_type: str) -> pa.Schema:
    """The schema of a shard of `"picture"` or `"clip"` rows, `datasets` features included."""
    fields = _FIELDS[sample_type]
    features = {name: _FEATURES.get(name) or _feature(kind) for name, kind in fields}
    metadata = json.dumps({"info": {"features": features}}, separators=(",", ":"))
    return pa.schema(fields, metadata={"huggingface": metadata})


def _feature(kind: pa.DataType) -> Any:
    """A type in the JSON of `datasets.Features`; lists in the form that every version reads."""
    if pa.types.is_list(kind):
        return [_feature(kind.value_type)]
    if pa.types.is_struct(kind):
        return {kind.field(i).name: _feature(kind.field(i).type) for i in range(kind.num_fields)}
    dtype = "float64" if pa.types.is_float64(kind) else str(kind)
    return {"dtype": dtype, "_type": "Value"}


def sample_id(split: str, index: int) -> str:
    """A sample's name, unique in its dataset and safe as a file name: `train-00000012`."""
    return f"{split}-{index:08d}"


def row_of(sample: Sample, split: str, index: int, media: bytes, suffix: str) -> Row:
    """A sample and its encoded media as a row, keys in the schema's order.

    Raises `SeedbedError` for parameters, attributes or counts that JSON cannot hold.
    """
    name = sample_id(split, index)
    head = {"id": name, "split": split, "index": index}
    try:
        tail = {"params": _json(sample.params), "counts": _json(sample.counts)}
        stored = {"bytes": media, "path": f"{name}.{suffix}"}
        if isinstance(sample, Picture):
            return {**head, "image": stored, **_picture_labels(sample), **tail}
        if isinstance(sample, Clip):
            return {**head, "audio": stored, **_clip_labels(sample), **tail}
    except (TypeError, ValueError) as error:
        raise SeedbedError(f"sample {name} cannot be stored: {error}") from error
    raise SeedbedError(f"sample {name} is neither a Picture nor a Clip.")


def _json(values: Mapping[str, Any]) -> str:
    return json.dumps(values, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _picture_labels(sample: Picture) -> Row:
    height, width = sample.image.shape[:2]
    return {
        "width": width,
        "height": height,
        "objects": [_object_row(labelled) for labelled in sample.objects],
    }


def _object_row(labelled: LabelledObject) -> Row:
    characters = labelled.characters
    quads = _pixels([character.quad for character in characters])
    boxes = _pixels([character.bbox for character in characters])
    return {
        "category": labelled.category,
        "bbox": _pixels([labelled.bbox])[0],
        "quad": _pixels([labelled.quad])[0],
        "polygon": _pixels([labelled.polygon])[0],
        "text": labelled.text,
        "text_plain": labelled.text_plain,
        "layout": labelled.layout,
        "region": labelled.region,
        "line_count": labelled.line_count,
        "occlusion": round(float(labelled.occlusion), 6),
        "legible": bool(labelled.legible),
        "illegible_reason": labelled.illegible_reason,
        "attributes": _json(labelled.attributes),
        "characters": [
            {
                "text": character.text,
                "quad": quad,
                "bbox": box,
                "visible": round(float(character.visible), 6),
            }
            for character, quad, box in zip(characters, quads, boxes, strict=True)
        ],
    }


def _pixels(shapes: list[Any]) -> list[list[float]]:
    """Each of `shapes` (all of one shape) flat and rounded; -0.0 becomes 0.0."""
    if not shapes:
        return []
    flat = np.asarray(shapes, np.float64).reshape(len(shapes), -1)
    if not np.isfinite(flat).all():
        raise ValueError("a coordinate is not a finite number")
    rounded: list[list[float]] = (np.round(flat, PIXEL_DECIMALS) + 0.0).tolist()
    return rounded


def _clip_labels(sample: Clip) -> Row:
    span = sample.keyword_span
    return {
        "sample_rate": sample.sample_rate,
        "duration": round(len(sample.sound) / sample.sample_rate, SECOND_DECIMALS),
        "transcript": sample.transcript,
        "transcript_normalised": sample.transcript_normalised,
        "label": sample.label,
        "language": sample.language,
        "engine": sample.engine,
        "voice": sample.voice,
        "phonemes": _span_rows(sample.phonemes),
        "words": _span_rows(sample.words),
        "keyword_span": None if span is None else [_seconds(moment) for moment in span],
        "attributes": _json(sample.attributes),
    }


def _seconds(moment: float) -> float:
    return round(float(moment), SECOND_DECIMALS)


def _span_rows(spans: Iterable[TimedSpan]) -> list[Row]:
    return [
        {"text": span.text, "start": _seconds(span.start), "end": _seconds(span.end)}
        for span in spans
    ]


def row_hash(row: Row) -> int:
    """The sha256 of a row, media, labels, parameters and counts, as an integer.

    A dataset's hash is the sum of these modulo 2^256, in hex: a sum does not depend on
    the order or on how samples are cut into shards, can be added to when samples are, and
    says when any one byte of any sample differs. It is a checksum and no signature: who
    can choose the samples can make two sums meet.
    """
    column = "image" if "image" in row else "audio"
    labels = {key: value for key, value in row.items() if key != column}
    text = json.dumps(labels, sort_keys=True, separators=(",", ":"), allow_nan=False)
    digest = hashlib.sha256(text.encode())
    digest.update(b"\0" + row[column]["path"].encode() + b"\0")
    digest.update(row[column]["bytes"])
    return int.from_bytes(digest.digest(), "big")


def hash_text(total: int) -> str:
    """A sum of row hashes as 64 hex digits."""
    return f"{total % HASH_MODULUS:064x}"


def sample_of(row: Row) -> Sample:
    """A row's sample, media decoded. Raises `SeedbedError` where that cannot be."""
    try:
        return _picture_of(row) if "image" in row else _clip_of(row)
    except SeedbedError as error:
        raise SeedbedError(f"sample {row['id']}: {error}") from error


def _picture_of(row: Row) -> Picture:
    return Picture(
        image=decode_picture(row["image"]["bytes"]),
        objects=tuple(_object_of(labelled) for labelled in row["objects"]),
        params=json.loads(row["params"]),
        counts=json.loads(row["counts"]),
    )


def _object_of(row: Row) -> LabelledObject:
    return LabelledObject(
        **{
            **row,
            "bbox": _bbox_of(row["bbox"]),
            "quad": np.array(row["quad"]).reshape(-1, 2),
            "polygon": np.array(row["polygon"]).reshape(-1, 2),
            "attributes": json.loads(row["attributes"]),
            "characters": tuple(
                Character(
                    text=character["text"],
                    quad=np.array(character["quad"]).reshape(-1, 2),
                    bbox=_bbox_of(character["bbox"]),
                    visible=character["visible"],
                )
                for character in row["characters"]
            ),
        }
    )


def _bbox_of(numbers: list[float]) -> Bbox:
    x, y, width, height = numbers
    return (x, y, width, height)


def _clip_of(row: Row) -> Clip:
    sound, sample_rate = decode_sound(row["audio"]["bytes"])
    span = row["keyword_span"]
    plain = ("transcript", "transcript_normalised", "label", "language", "engine", "voice")
    return Clip(
        sound=sound,
        sample_rate=sample_rate,
        phonemes=tuple(TimedSpan(**span) for span in row["phonemes"]),
        words=tuple(TimedSpan(**span) for span in row["words"]),
        keyword_span=None if span is None else (span[0], span[1]),
        attributes=json.loads(row["attributes"]),
        params=json.loads(row["params"]),
        counts=json.loads(row["counts"]),
        **{key: row[key] for key in plain},
    )
