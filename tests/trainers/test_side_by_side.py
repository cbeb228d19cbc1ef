"""Children: how many run at a time, what they say, and that none is left."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from seedbed.errors import InputError, SeedbedError
from seedbed.trainers.side_by_side import Job, run_side_by_side

WAIT = "import sys, time; print('up', flush=True); time.sleep(60)"


def job(name: str, code: str, folder: Path, **environment: str) -> Job:
    return Job(name, [sys.executable, "-c", code], folder / f"{name}.log", environment)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_lines_are_said_and_kept(tmp_path):
    said: list[tuple[str, str]] = []
    done: list[str] = []
    code = "import os; print('one'); print(os.environ['WORD'])"
    jobs = [job(name, code, tmp_path, WORD=name) for name in ("a", "b", "c")]
    run_side_by_side(
        jobs, 2, lambda *line: said.append(line), lambda name, seconds: done.append(name)
    )
    assert sorted(said) == sorted((name, word) for name in "abc" for word in ("one", name))
    assert sorted(done) == ["a", "b", "c"]
    assert (tmp_path / "b.log").read_text() == "one\nb\n"


def test_so_many_at_a_time(tmp_path):
    code = (
        "import time; print(time.monotonic(), flush=True); time.sleep(.3); print(time.monotonic())"
    )
    times: dict[str, list[float]] = {}
    run_side_by_side(
        [job(name, code, tmp_path) for name in "abc"],
        2,
        lambda name, line: times.setdefault(name, []).append(float(line)),
        lambda name, seconds: None,
    )
    assert times["c"][0] > min(times["a"][1], times["b"][1])


@pytest.mark.parametrize(("code", "kind"), [(2, InputError), (1, SeedbedError)])
def test_the_sentence_of_a_failure_ends_the_others(tmp_path, code, kind):
    said: list[str] = []
    fails = f"import sys, time; time.sleep(.2); print('seedbed: no such thing.'); sys.exit({code})"
    began = time.monotonic()
    with pytest.raises(kind, match=r"^bad: no such thing\. All it said is in .*bad\.log\.$"):
        run_side_by_side(
            [job("good", f"import os; print(os.getpid(), flush=True); {WAIT}", tmp_path),
             job("bad", fails, tmp_path)],
            2,
            lambda name, line: said.append(line),
            lambda name, seconds: None,
        )  # fmt: skip
    assert time.monotonic() - began < 10
    assert not alive(int((tmp_path / "good.log").read_text().split()[0]))


def test_an_interruption_leaves_no_child(tmp_path):
    def interrupt(name: str, line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_side_by_side(
            [job("a", f"import os; print(os.getpid(), flush=True); {WAIT}", tmp_path)],
            1,
            interrupt,
            lambda name, seconds: None,
        )
    assert not alive(int((tmp_path / "a.log").read_text().split()[0]))
