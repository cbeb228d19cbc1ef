"""Builds on a cluster of two workers that is started as README says, by Ray's own command."""

from __future__ import annotations

import os
import pickle
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import ray
import seedbed_trouble

from seedbed.builder import Progress, build
from seedbed.errors import MissingExtra, SeedbedError
from seedbed.executors import Hands, Limits, make_executor
from seedbed.executors.ray import RayExecutor, make_shard
from seedbed.job import Failure, Job
from seedbed.plan import Plan
from seedbed.recipe import Recipe, parse_recipe
from seedbed.shards import Mark
from seedbed.store import LocalStore
from seedbed.yaml_files import dump_yaml

PLUGINS = Path(seedbed_trouble.__file__).parent
AT = 5
MEMORY = " (the machine may have run out of memory)"


def readme_line(beginning: str) -> list[str]:
    """The words of the first line of README that begins so, its comment left out."""
    text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if line.startswith(beginning))
    return shlex.split(line, comments=True)


def free_port() -> str:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return str(one.getsockname()[1])


@contextmanager
def cluster() -> Iterator[None]:
    """Two workers on this machine; the environment leads `auto` to them, and to no others.

    `ray stop` would end every cluster of this machine, so this one runs as a child.
    """
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory(prefix="seedbed-") as folder:
        # Sockets have short names: no test's own folder is short enough.
        patch.setenv("RAY_TMPDIR", folder)
        patch.setenv("PYTHONPATH", str(PLUGINS))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.delenv("RAY_ADDRESS", raising=False)
        words = readme_line("ray start --head")
        words += ["--num-cpus", "2", "--port", "0", "--include-dashboard", "false", "--block"]
        words += ["--ray-client-server-port", free_port()]
        with (Path(folder) / "said").open("wb") as said:
            head = subprocess.Popen(
                [Path(sys.executable).with_name(words[0]), *words[1:]],
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
        try:
            wait_for(Path(folder) / "ray" / "ray_current_cluster", head)
            ray.init(address="auto", log_to_driver=False)
            yield
        finally:
            ray.shutdown()
            head.terminate()
            with suppress(subprocess.TimeoutExpired):
                head.wait(30)
            with suppress(ProcessLookupError):
                os.killpg(head.pid, signal.SIGKILL)
            head.wait()


def wait_for(file: Path, head: subprocess.Popen[bytes]) -> None:
    """Until `head` says where its cluster is."""
    deadline = time.monotonic() + 120
    while not (file.exists() and file.read_text()):
        assert head.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)


def troubled(trouble: str, flag: Path) -> Recipe:
    token = seedbed_trouble.Troubled().sample(7, AT).params["token"]
    generator = {"name": "seedbed_trouble:Troubled", "at": token, "flag": str(flag)}
    return parse_recipe(
        {
            "name": "t",
            "seed": 7,
            "generator": {**generator, "trouble": trouble},
            "splits": {"train": 10, "val": 3},
            "shard_size": 4,
        }
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_cluster_gives_the_bytes_of_serial_though_workers_are_killed(tmp_path: Path) -> None:
    """One cluster for all of it, since starting one takes longer than what is asked of it."""
    with cluster():
        for trouble, sentence in (
            ("kill_parent", "a Ray worker was lost (WorkerCrashedError) while making samples 4 to"),
            ("kill", f"a worker process was killed by SIGKILL{MEMORY} while making sample {AT} of"),
        ):
            folder = tmp_path / trouble
            folder.mkdir()
            recipe = troubled(trouble, folder / "flag")
            told: list[str] = []

            def keep(progress: Progress, told: list[str] = told) -> None:
                if progress.redone > len(told):
                    told.append(progress.last_loss)

            built = build(recipe, folder / "ray", executor="ray", workers=2, on_progress=keep)
            assert built.progress.made_shards == 4
            # Ray may give a shard to the dying worker before it knows, which is then lost, too.
            assert any(text.startswith(sentence) for text in told), told
            build(recipe, folder / "serial", executor="serial")
            assert contents(folder / "ray") == contents(folder / "serial")
        join_by_command(recipe, tmp_path)
        assert contents(tmp_path / "d") == contents(tmp_path / "kill" / "serial")
        assert ray.is_initialized()


def join_by_command(recipe: Recipe, folder: Path) -> None:
    """As a user joins a cluster that runs already, by README's line with another recipe."""
    (folder / "t.yaml").write_text(dump_yaml(recipe.values()))
    other = {"plates": "t.yaml", "/shared/plates": "d"}
    words = readme_line("seedbed build plates --out /shared/plates --executor ray")
    assert words[-2:] == ["--ray-address", "auto"]
    done = subprocess.run(
        [Path(sys.executable).with_name(words[0]), *(other.get(word, word) for word in words[1:])],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr


def given(job: Job) -> tuple[tuple[str, ...], str, bytes]:
    return (), str(Path.cwd()), pickle.dumps((job, Limits()))


def test_a_machine_with_other_versions_is_refused(tmp_path: Path) -> None:
    recipe = troubled("none", tmp_path / "flag")
    job = Job(recipe, LocalStore(tmp_path), {"numpy": "0.1", "seedbed": "0.1.0"})
    (result,) = make_shard(given(job), Plan(recipe.counts, 4)[0])
    assert isinstance(result, Failure)
    assert "has other versions or files, which may give other samples: numpy " in result.message
    assert "there, 0.1 here. Give all machines the same." in result.message


def test_a_folder_that_is_not_shared_is_told(tmp_path: Path) -> None:
    job = Job(troubled("none", tmp_path / "flag"), LocalStore(tmp_path), {})
    executor = make_executor("ray", job, Hands())
    assert isinstance(executor, RayExecutor)
    mark = Mark("train", 0, 0, 4, 99, "", "", 7, "", {}, {})
    with pytest.raises(SeedbedError, match="give --out a folder that all machines share, or a"):
        executor._check_seen(mark)


def test_no_cluster_and_no_ray_are_sentences(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = troubled("none", tmp_path / "flag")

    def refuse(**options: Any) -> None:
        raise ConnectionError("nobody there")

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", refuse)
    with pytest.raises(SeedbedError, match=r"no Ray cluster answers at 192\.0\.2\.1:6379: nobody"):
        build(recipe, tmp_path / "d", ray_address="192.0.2.1:6379")
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtra, match=r"pip install 'seedbed\[ray\]'"):
        build(recipe, tmp_path / "d", executor="ray")
    assert not (tmp_path / "d").exists()
