"""Hears every sound of a folder and writes one JSON row a file.

`{"audio": "b/two.wav", "label": "two", "score": 0.98}`: the path below the folder, what was
heard ("" for none of the keywords), and its probability.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from seedbed.errors import InputError
from seedbed.shards import write_whole
from seedbed.trainers.listen import Listen
from seedbed.trainers.runs import load_trained
from seedbed.trainers.sounds import Sound, read_sound, sound_files
from seedbed.trainers.transcribe import Transcribe

READ_TOGETHER = 32
"""Sounds that are in memory at once."""


def predict_speech(
    listen: str | Path,
    audio: Path,
    out: Path,
    on_progress: Callable[[int, int], None] | None = None,
    device: str = "cpu",
) -> int:
    """Hear the sounds under the folder `audio` with the run `listen`; rows go to `out`.

    Returns how many files there were; `out` is written whole or not at all. Raises `InputError`
    for a run of another task, a folder without sounds, or a sound that cannot be read.
    """
    trained = load_trained(listen, Listen.name, device)
    if not isinstance(trained.task, Listen):
        raise InputError("the run's task is not seedbed's own listen.")
    task, network = trained.task, trained.network

    def rows(sounds: list[tuple[Sound, int]]) -> list[dict[str, object]]:
        heard = task.hear(network, sounds)
        return [{"label": one.label, "score": round(one.score, 4)} for one in heard]

    return _write_rows(audio, out, rows, on_progress)


def predict_transcripts(
    transcribe: str | Path,
    audio: Path,
    out: Path,
    on_progress: Callable[[int, int], None] | None = None,
    device: str = "cpu",
) -> int:
    """Write down the sounds under the folder `audio` with the run `transcribe`, as above.

    A row is `{"audio": "b/two.wav", "text": "two", "score": 0.9}`.
    """
    trained = load_trained(transcribe, Transcribe.name, device)
    if not isinstance(trained.task, Transcribe):
        raise InputError("the run's task is not seedbed's own transcribe.")
    task, network = trained.task, trained.network

    def rows(sounds: list[tuple[Sound, int]]) -> list[dict[str, object]]:
        written = task.write(network, sounds)
        return [{"text": one.text, "score": round(one.score, 4)} for one in written]

    return _write_rows(audio, out, rows, on_progress)


def _write_rows(
    audio: Path,
    out: Path,
    rows_of: Callable[[list[tuple[Sound, int]]], list[dict[str, object]]],
    on_progress: Callable[[int, int], None] | None,
) -> int:
    paths = sound_files(audio)
    rows: list[dict[str, object]] = []
    for start in range(0, len(paths), READ_TOGETHER):
        part = paths[start : start + READ_TOGETHER]
        found = rows_of([read_sound(path) for path in part])
        for path, row in zip(part, found, strict=True):
            rows.append({"audio": path.relative_to(audio).as_posix(), **row})
        if on_progress is not None:
            on_progress(len(rows), len(paths))
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    try:
        write_whole(out, text.encode())
    except OSError as error:
        raise InputError(f"cannot write {out}: {error.strerror or error}.") from error
    return len(rows)
