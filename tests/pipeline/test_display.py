from __future__ import annotations

import io
from collections import Counter

from rich.console import Console

from seedbed import display
from seedbed.builder import Progress


def shown(*states: Progress, terminal: bool = False) -> str:
    text = io.StringIO()
    console = Console(file=text, force_terminal=terminal, width=100)
    with display.showing_progress(console, "dots") as show:
        for state in states:
            show(state)
    return text.getvalue()


def test_plain_lines_say_how_far_and_why() -> None:
    done = Progress(
        samples=1200,
        shards=6,
        made_samples=1200,
        made_shards=6,
        counts=Counter({"redrawn:too_small": 1234, "a": 3, "b": 2, "c": 1}),
    )
    lines = shown(Progress(samples=1200, shards=6), done).splitlines()
    assert lines[0] == "dots: 0/1,200 samples"
    assert lines[1].startswith("dots: 1,200/1,200 samples, ")
    assert lines[1].endswith("/s, 0s left (redrawn:too_small 1,234, a 3, b 2)")


def test_reasons_come_before_tallies() -> None:
    counts = {"plates": 900, "vehicles": 800, "dropped:hidden": 2, "illegible:small": 5}
    assert display._reasons(counts) == " (illegible:small 5, dropped:hidden 2, plates 900)"


def test_what_was_resumed_is_said() -> None:
    begun = Progress(samples=640, shards=64, resumed_samples=370, resumed_shards=37)
    assert shown(begun) == "dots: resumed 37/64 shards\n"


def test_a_terminal_gets_one_live_line() -> None:
    text = shown(Progress(samples=50, shards=5), terminal=True)
    assert "dots: 0/50 samples" in text


def test_durations_read_easily() -> None:
    assert [display._duration(s) for s in (0.4, 59, 61, 3599, 3660)] == [
        "0s",
        "59s",
        "1m01s",
        "59m59s",
        "1h01m",
    ]
