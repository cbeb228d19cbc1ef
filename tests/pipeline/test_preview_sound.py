"""The sheet of clips: size, word lines where the words are, and playable WAVs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from seedbed.errors import SeedbedError
from seedbed.preview_sound import (
    MEL_BANDS,
    PX_PER_SECOND,
    clip_tile,
    log_mel,
    write_sound_sheet,
)
from seedbed.sample import Clip, Picture, TimedSpan


def tone(hertz: float, seconds: float = 1.0) -> Clip:
    time = np.arange(round(16000 * seconds)) / 16000
    return Clip(
        sound=(0.3 * np.sin(2 * np.pi * hertz * time)).astype(np.float32),
        sample_rate=16000,
        label="a/b",
        transcript="tone",
        words=(TimedSpan(text="tone", start=0.25, end=0.75),),
        keyword_span=(0.25, 0.75),
    )


def test_the_sheet_and_its_wavs_are_written(tmp_path: Path) -> None:
    out = tmp_path / "sheet.png"
    written = write_sound_sheet([tone(440), tone(880, 0.5)], ["train 0", "test 1"], out)
    assert [path.name for path in written] == [
        "sheet.png",
        "sheet-000-a-b.wav",
        "sheet-001-a-b.wav",
    ]
    sound, rate = soundfile.read(written[2])
    assert rate == 16000
    assert len(sound) == 8000
    with Image.open(out) as sheet:
        assert sheet.width > 1.4 * PX_PER_SECOND


def test_there_is_a_name_for_each_clip(tmp_path: Path) -> None:
    clips, captions = [tone(440), tone(880)], ["0", "1"]
    written = write_sound_sheet(clips, captions, tmp_path / "a.png", ["low", "x" * 50])
    assert [path.name for path in written[1:]] == ["a-000-low.wav", f"a-001-{'x' * 40}.wav"]
    for names in (["low"], ["low", "high", "higher"]):
        with pytest.raises(ValueError, match="zip"):
            write_sound_sheet(clips, captions, tmp_path / "b.png", names)


def test_word_lines_stand_at_their_times() -> None:
    tile = clip_tile(tone(440), "x").astype(int)
    yellow = (np.abs(tile - (255, 210, 60)).sum(axis=-1) < 10).sum(axis=0)
    assert list(np.flatnonzero(yellow > 100)) == [PX_PER_SECOND // 4, 3 * PX_PER_SECOND // 4]


def test_a_tone_is_loudest_in_its_mel_band() -> None:
    mel = log_mel(tone(1000).sound, 16000)
    assert mel.shape[0] == MEL_BANDS
    assert mel.max() == 0.0
    # 1000 Hz is 1000 mel of 2840 at 8 kHz: a little over a third of the bands.
    assert int(np.argmax(mel.mean(axis=1))) == pytest.approx(MEL_BANDS * 1000 / 2840, abs=1.5)


def test_pictures_are_refused_and_silence_is_drawn(tmp_path: Path) -> None:
    picture = Picture(image=np.zeros((2, 2, 3), dtype=np.uint8))
    with pytest.raises(SeedbedError, match="is a Picture, not a clip"):
        write_sound_sheet([picture], ["0"], tmp_path / "x.png")
    silent = Clip(sound=np.zeros(1600, dtype=np.float32), sample_rate=16000)
    assert clip_tile(silent, "x").shape[2] == 3
