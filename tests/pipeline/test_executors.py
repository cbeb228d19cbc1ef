from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import seedbed_trouble

from seedbed.builder import Progress, build
from seedbed.dataset import Dataset
from seedbed.errors import InputError, SeedbedError
from seedbed.executors import (
    LEAST_MEMORY_MIB,
    RETRIES,
    SAMPLE_SECONDS,
    Limits,
    processes,
    resident_mib,
)
from seedbed.recipe import Recipe, parse_recipe
from seedbed.yaml_files import dump_yaml

AT = 5
SEED = 7


def troubled(trouble: str = "none", shard_size: int = 4, **fields: Any) -> Recipe:
    """12 samples, by default in 3 shards."""
    generator = {"name": "seedbed_trouble:Troubled", "trouble": trouble, **fields}
    splits = {"train": 12}
    values = {"name": "t", "seed": SEED, "generator": generator, "splits": splits}
    return parse_recipe({**values, "shard_size": shard_size})


def token(index: int) -> int:
    return int(seedbed_trouble.Troubled().sample(SEED, index).params["token"])


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob(".*")]


def build_with_losses(recipe: Recipe, out: Path, **options: Any) -> tuple[str, list[str]]:
    """The dataset's hash and what was said of lost workers."""
    told: list[str] = []

    def keep(progress: Progress) -> None:
        if progress.redone > len(told):
            told.append(progress.last_loss)

    built = build(recipe, out, start_method="fork", on_progress=keep, **options)
    assert leftovers(out) == []
    return str(built.info["hash"]), told


@pytest.mark.parametrize(
    ("trouble", "limits", "sentence"),
    [
        ("kill", Limits(), "was killed by SIGKILL (the machine may have run out of memory)"),
        ("die", Limits(), "ended with 3"),
        ("hang", Limits(sample_seconds=0.3), "was stuck for more than 0.3 s"),
    ],
)
def test_a_lost_worker_s_shard_is_made_again(
    trouble: str, limits: Limits, sentence: str, tmp_path: Path
) -> None:
    flag = tmp_path / "happened"
    recipe = troubled(trouble, at=token(AT), flag=str(flag))
    made, told = build_with_losses(recipe, tmp_path / "d", workers=2, limits=limits)
    assert flag.exists()
    assert told == [
        f"a worker process {sentence} while making sample {AT} of split 'train' with generator "
        f"'seedbed_trouble:Troubled' and seed {SEED}"
    ]
    rows = Dataset.open(tmp_path / "d").samples("train")
    assert [int(sample.image[0, 0, 0]) for sample in rows] == pytest.approx(
        [token(index) % 256 for index in range(12)], abs=2
    )
    # The flag is a part of the recipe, and the trouble over: the same recipe built serially.
    assert made == build(recipe, tmp_path / "serial", executor="serial").info["hash"]


@pytest.mark.parametrize(
    ("trouble", "limits", "sentence", "cure"),
    [
        ("kill", Limits(), "was killed by SIGKILL", "with fewer --workers if need be"),
        ("die", Limits(), "ended with 3", "once the generator does not end its process"),
        (
            "hang",
            Limits(sample_seconds=0.2),
            "was stuck for more than 0.2 s",
            "with a longer --sample-timeout if the sample is only slow",
        ),
    ],
)
def test_a_worker_lost_every_time_ends_the_build(
    trouble: str, limits: Limits, sentence: str, cure: str, tmp_path: Path
) -> None:
    recipe = troubled(trouble, at=token(AT))
    with pytest.raises(SeedbedError) as caught:
        build(recipe, tmp_path / "d", workers=2, start_method="fork", limits=limits)
    text = str(caught.value)
    assert f"a worker process {sentence}" in text
    assert f"making sample {AT} of split 'train' with generator" in text
    assert f"and seed {SEED}, {RETRIES + 1} times in all; finished shards are kept" in text
    assert text.endswith(f"to go on, {cure}.")
    assert leftovers(tmp_path / "d") == []
    marks = {path.name for path in (tmp_path / "d" / "marks").iterdir()}
    assert "train-000001.json" not in marks


def test_a_leaking_worker_is_stopped_at_its_limit(tmp_path: Path) -> None:
    here = resident_mib()
    assert here is not None
    limit = here + 120
    with pytest.raises(SeedbedError) as caught:
        build(
            troubled("leak", shard_size=12),
            tmp_path / "d",
            workers=1,
            start_method="fork",
            limits=Limits(memory_mib=limit),
        )
    text = str(caught.value)
    assert f"MiB of memory, more than the {limit:,} it may, while making sample" in text
    assert "if the generator never gives memory back, with a smaller shard_size" in text
    assert leftovers(tmp_path / "d") == []


def test_a_leak_that_fits_a_shard_is_survived(tmp_path: Path) -> None:
    here = resident_mib()
    assert here is not None
    # Four samples of 50 MiB fit, eight do not: each shard but the first needs a fresh worker.
    limits = Limits(memory_mib=here + 320)
    _, told = build_with_losses(troubled("leak"), tmp_path / "d", workers=1, limits=limits)
    assert len(told) >= 1
    assert all("MiB of memory, more than the" in text for text in told)
    assert Dataset.open(tmp_path / "d").finished


def test_a_generator_that_raises_is_no_lost_worker(tmp_path: Path) -> None:
    for name, at in (("once", token(AT)), ("always", -1)):
        recipe = troubled("raise", at=at)
        with pytest.raises(SeedbedError) as caught:
            build(recipe, tmp_path / name, workers=2, start_method="fork")
        text = str(caught.value)
        assert "generator 'seedbed_trouble:Troubled' failed at sample" in text
        assert f"with seed {SEED}: ValueError: out of paint" in text
        assert leftovers(tmp_path / name) == []
    assert f"failed at sample {AT} of" in _message(troubled("raise", at=token(AT)), tmp_path / "s")


def _message(recipe: Recipe, out: Path) -> str:
    with pytest.raises(SeedbedError) as caught:
        build(recipe, out, executor="serial")
    return str(caught.value)


def test_limits_have_defaults_and_need_a_watcher(tmp_path: Path) -> None:
    seconds, mebibytes = Limits().for_workers(10_000)
    assert (seconds, mebibytes) == (SAMPLE_SECONDS, LEAST_MEMORY_MIB)
    assert Limits(5.0, 300).for_workers(2) == (5.0, 300)
    with pytest.raises(InputError, match="the serial executor cannot watch itself"):
        build(troubled(), tmp_path / "d", executor="serial", limits=Limits(sample_seconds=1))
    built = build(
        troubled(), tmp_path / "d", workers=1, start_method="fork", limits=Limits(sample_seconds=9)
    )
    assert built.progress.made_shards == 3


def test_a_worker_that_hangs_ends_with_its_parent_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "PARENT_CHECK_SECONDS", 0.05)
    monkeypatch.setattr(processes, "ALONE_SECONDS", 0.1)
    flag = tmp_path / "hanging"
    recipe = troubled("hang", at=token(AT), flag=str(flag))
    options = {"executor": "processes", "workers": 1, "start_method": "fork"}
    parent = multiprocessing.get_context("fork").Process(
        target=build, args=(recipe, tmp_path / "d"), kwargs=options
    )
    parent.start()
    deadline = time.monotonic() + 20
    while not (flag.exists() and flag.read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)
    worker = int(flag.read_text())
    os.kill(parent.pid or 0, signal.SIGKILL)
    parent.join()
    while alive(worker) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(worker)


def alive(pid: int) -> bool:
    """Whether a process runs; one that waits for somebody to ask how it ended does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_workers_end_with_their_parent(tmp_path: Path) -> None:
    """A parent that is killed at sample 5 by its worker leaves no worker that goes on."""
    recipe = troubled("kill_parent", at=token(AT))
    path = tmp_path / "t.yaml"
    path.write_text(dump_yaml(recipe.values()))
    plugins = Path(seedbed_trouble.__file__).parent
    options = ["--executor", "processes", "--workers", "1", "--start-method", "fork"]
    done = subprocess.run(
        [sys.executable, "-m", "seedbed.cli", "build", path, "--out", tmp_path / "d", *options],
        env=os.environ | {"PYTHONPATH": str(plugins)},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == -9
    # The worker sleeps a second more, sees at its next sample that it is alone, and goes.
    deadline = time.monotonic() + 20
    while leftovers(tmp_path / "d") != [".lock"] and time.monotonic() < deadline:
        time.sleep(0.1)
    assert leftovers(tmp_path / "d") == [".lock"]
    marks = [path.name for path in (tmp_path / "d" / "marks").iterdir()]
    assert marks == ["train-000000.json"]


def test_forked_workers_do_not_wait_for_threads_that_opencv_had_started(tmp_path):
    # In a process of its own: where this fails, it never ends.
    code = (
        "import sys, cv2, numpy\n"
        "cv2.setNumThreads(2)\n"
        "cv2.GaussianBlur(numpy.zeros((2000, 2000, 3), numpy.uint8), (31, 31), 3)\n"
        "from seedbed.builder import build\n"
        "from seedbed.recipe import load_recipe\n"
        "built = build(load_recipe(sys.argv[1]), sys.argv[2], workers=2, start_method='fork')\n"
        "print(built.info['samples'])\n"
    )
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        "{name: t, seed: 1, generator: {name: plate-scene, width: 96, height: 64}, "
        "splits: {train: 4}}"
    )
    command = [sys.executable, "-c", code, str(recipe), str(tmp_path / "d")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert ended.stdout.split() == ["4"], ended.stderr
