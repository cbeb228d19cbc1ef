from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image
from seedbed_command import DOTS, check_bad_input, run

from seedbed.cli import app
from seedbed.errors import InputError

PLUGINS = Path(__file__).parents[1] / "plugins"


def in_a_process(arguments: Sequence[object], **environment: str) -> subprocess.Popen[str]:
    path = os.pathsep.join([str(PLUGINS), *environment.pop("path", "").split(os.pathsep)])
    return subprocess.Popen(
        [sys.executable, "-m", "seedbed.cli", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=os.environ | {"PYTHONPATH": path} | environment,
    )


def test_help_imports_nothing_heavy() -> None:
    heavy = ("numpy", "cv2", "pyarrow", "pydantic", "rich", "torch", "scipy", "albumentations")
    code = (
        "import sys, seedbed.cli\n"
        "try: seedbed.cli.main(['--help'])\n"
        f"finally: print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    assert "Shell completion:" in done.stdout


@pytest.mark.parametrize("command", ["list recipes", "schema", "--help"])
def test_a_reader_that_leaves_ends_a_command_quietly(command: str) -> None:
    """`head` has gone before the first line: click prints one text, rich the other, by itself."""
    process = in_a_process(command.split())
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    with process.stderr as errors:
        assert errors.read() == ""
    assert process.wait() == 128 + signal.SIGPIPE == 141


def test_build_info_and_replay(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "d"
    code, text, err = run(capsys, "build", recipe, "--out", out, "--workers", 1, "--n", 20)
    assert code == 0, err
    assert "dots: 20/20 samples" in err
    for line in (
        "samples  20 (train 15, val 5)",
        "seed     7",
        f'samples = Dataset.open("{out}").samples("train")',
        f'"val": "{out}/shards/val-*.parquet"',
        f'table = pandas.read_parquet("{out}/shards", filters=[("split", "==", "train")])',
    ):
        assert line in text
    code, text, err = run(capsys, "build", recipe, "--out", out, "--n", 20, "--json")
    built = json.loads(text)
    assert (code, built["samples"], built["path"]) == (0, 20, str(out))
    code, text, _ = run(capsys, "build", recipe, "--out", out, "--n", 20)
    assert (code, "already complete, nothing to do" in text) == (0, True)
    code, text, _ = run(capsys, "info", out, "--json")
    assert (code, json.loads(text)["hash"]) == (0, built["hash"])
    code, text, _ = run(capsys, "info", out)
    assert (code, built["hash"] in text) == (0, True)
    code, text, _ = run(capsys, "replay", out, 4, "--split", "val", "--out", tmp_path / "a.jpg")
    assert (code, text) == (0, "sample 4 of split 'val': same bytes, same labels\n")
    with Image.open(tmp_path / "a.jpg") as picture:
        assert picture.size == (32, 24)
    code, _, err = run(capsys, "replay", out, 15)
    assert code == 2
    assert "has no sample 15 in split 'train'" in err


def test_replay_finds_a_changed_sample(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from seedbed.dataset import Dataset
    from seedbed.plan import Plan
    from seedbed.shards import write_shard
    from seedbed.store import LocalStore

    out = tmp_path / "d"
    assert run(capsys, "build", recipe, "--out", out, "--workers", 1)[0] == 0
    shard = Plan({"train": 8}, 8)[0]
    rows = [Dataset.open(out).samples("train").row(i) for i in range(8)]
    rows[3]["objects"][0]["text"] = "forged"
    write_shard(LocalStore(out), shard, rows, "picture", 7, "", {})
    code, _, err = run(capsys, "replay", out, 3)
    assert code == 1
    assert err == (
        f"seedbed: sample 3 of split 'train' in {out} is not what its parameters render here: "
        f"objects differ (other package versions?).\n"
    )
    code, text, _ = run(capsys, "replay", out, 3, "--json")
    assert (code, json.loads(text)["equal"], json.loads(text)["differs"]) == (1, False, ["objects"])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["bild"], "No such command 'bild'"),
        (["build"], "Missing argument 'RECIPE'"),
        (["build", "RECIPE"], "Missing option '--out'"),
        (["build", "RECIPE", "--out", "d", "--n", "0"], "0 is not in the range x>=1"),
        (["build", "RECIPE", "--out", "d", "--seed", "-1"], "--seed must be between 0 and 9223"),
        (["build", "RECIPE", "--out", "d", "--executor", "rya"], "no executor named 'rya'"),
        (["build", "RECIPE", "--out", "RECIPE"], "is a file: give --out a folder"),
        (["build", "palte-crops", "--out", "d"], "did you mean 'plate-crops'"),
        (["preview"], "name a recipe or a dataset to preview"),
        (["preview", "RECIPE", "--layouts"], "Dots has no layouts to show"),
        (["preview", "RECIPE", "--n", "2", "--out", "RECIPE/a.png"], "cannot write"),
        (["info", "nowhere"], "nowhere is no dataset"),
        (["replay", "nowhere", "0"], "nowhere is no dataset"),
        (["list", "things"], "'things' is not one of"),
    ],
)
def test_bad_input_is_exit_code_2(
    arguments: list[str],
    sentence: str,
    recipe: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    check_bad_input(capsys, tmp_path, arguments, recipe, sentence)


def test_tracebacks_only_when_asked_for(
    write_recipe: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_recipe(DOTS.replace("TROUBLE", "raise"))
    arguments = ["build", path, "--out", tmp_path / "d", "--workers", "1"]
    code, _, err = run(capsys, *arguments)
    assert (code, "Traceback" in err) == (1, False)
    assert "ValueError: x is a multiple of four" in err
    code, _, err = run(capsys, *arguments, "--debug")
    assert (code, "Traceback" in err, 'raise ValueError("x is' in err) == (1, True, True)
    assert run(capsys, "--debug", *arguments)[2].count("Traceback") >= 1


def test_what_is_unforeseen_is_no_traceback_either(tmp_path: Path) -> None:
    code = (
        "import seedbed.cli as cli, click\n"
        "@cli.app.command()\n"
        "def bug(): raise RuntimeError('oh')\n"
        "import sys\n"
        "cli.main(sys.argv[1:])\n"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code, "bug", *more], capture_output=True, text=True, check=False
        )
        for more in ([], ["--debug"])
    ]
    assert [done.returncode for done in runs] == [1, 1]
    assert runs[0].stderr.startswith("seedbed: failed unexpectedly: RuntimeError: oh\n")
    assert "Traceback" not in runs[0].stderr
    assert "Traceback" in runs[1].stderr


def test_ctrl_c_keeps_finished_shards(
    write_recipe: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = write_recipe(DOTS.replace("TROUBLE", "slow")), tmp_path / "d"
    arguments = ["build", path, "--out", out, "--workers", 2]
    with in_a_process(arguments) as process:
        deadline = time.monotonic() + 30
        while not list(out.glob("marks/*.json")) and time.monotonic() < deadline:
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert f"seedbed: interrupted; finished shards are kept in {out}: run the same command" in err
    assert "Traceback" not in err
    assert list(out.glob("marks/*.json"))
    assert [left for left in out.rglob("*") if left.name.endswith(".tmp")] == []


def test_preview_of_a_recipe_and_a_dataset(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sheet = tmp_path / "looks" / "sheet.png"
    code, text, err = run(capsys, "preview", recipe, "--n", 5, "--out", sheet)
    assert (code, text) == (0, f"{sheet}\n"), err
    first = sheet.read_bytes()
    with Image.open(sheet) as picture:
        # Five cells of 96 x 72, three times the dots' size, with gaps and captions.
        assert picture.width > 2 * 96
        assert picture.height > 2 * 72
    run(capsys, "preview", recipe, "--n", 5, "--out", sheet, "--seed", 0)
    assert sheet.read_bytes() != first
    out = tmp_path / "d"
    assert run(capsys, "build", recipe, "--out", out, "--workers", 1)[0] == 0
    assert run(capsys, "preview", out, "--n", 5, "--out", sheet)[0] == 0
    assert len(sheet.read_bytes()) > 1000


def test_schema_knows_every_key_of_known_components(capsys: pytest.CaptureFixture[str]) -> None:
    code, text, _ = run(capsys, "schema")
    schema = json.loads(text)
    assert code == 0
    assert schema["properties"]["seed"]["description"] == "drawn and recorded where absent"
    assert schema["additionalProperties"] is False
    choices = schema["$defs"]["generators"]["anyOf"]
    for name in [choice["$ref"] for choice in choices if "$ref" in choice]:
        own = schema["$defs"][name.removeprefix("#/$defs/")]
        assert own["properties"]["name"]["const"] in name
        assert own["additionalProperties"] is False
    text_of_refs = json.dumps(schema)
    for name in schema["$defs"]:
        assert f'"#/$defs/{name}"' in text_of_refs


def test_list_names_recipes_and_components(capsys: pytest.CaptureFixture[str]) -> None:
    code, text, _ = run(capsys, "list", "--json")
    assert code == 0
    found = json.loads(text)
    assert "plate-scene" in [entry["name"] for entry in found["generators"]]
    assert "plates" in [entry["name"] for entry in found["recipes"]]
    assert run(capsys, "list", "generators")[1].startswith("generators")


def test_completion_offers_recipes(capsys: pytest.CaptureFixture[str]) -> None:
    environment = {
        "_SEEDBED_COMPLETE": "bash_complete",
        "COMP_WORDS": "seedbed build plate-c",
        "COMP_CWORD": "2",
    }
    with in_a_process([], **environment) as process:
        out, _ = process.communicate(timeout=30)
    assert "plain,plate-crops" in out.splitlines()


def test_commands_that_live_elsewhere_are_listed_and_run() -> None:
    listed = CliRunner().invoke(app, ["--help"])
    assert "voices" in listed.output
    traced = CliRunner().invoke(app, ["arch", "F10@3x3", "--input", "28,28,1"])
    assert "(28,28,1) (x) (3,3,1,10) = (28,28,10)" in traced.output


def test_a_command_that_lives_elsewhere_shows_its_own_help() -> None:
    shown = CliRunner().invoke(app, ["voices", "--help"])
    assert "--say" in shown.output
    assert "--debug" in shown.output


def test_augmenters_are_shown_of_a_recipe_only(tmp_path: Path) -> None:
    shown = CliRunner().invoke(app, ["preview", str(tmp_path), "--augmenters"])
    assert isinstance(shown.exception, InputError)
    assert "name the recipe" in str(shown.exception)
