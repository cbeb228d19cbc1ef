"""`docs/counts.md` explains what the code counts: all of it, and nothing else."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from click.testing import CliRunner

from seedbed.cli import app
from seedbed.component import MAX_TRIES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "counts.md").read_text(encoding="utf-8")
EXPLAINED = {
    name
    for row in re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE)
    for name in re.findall(r"`(.+?)`", row)
}


def written(node: ast.expr) -> str:
    """A text as the code writes it, each value put into it as `*`; "" for anything else."""
    if isinstance(node, ast.JoinedStr):
        return "".join(
            part.value if isinstance(part, ast.Constant) else "*" for part in node.values
        )
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def counted_in(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
            if node.func.id in ("counted", "_count") and len(node.args) > 1:
                found.add(written(node.args[1]))
            elif node.func.id == "Rejected":
                found.add(f"redrawn:{written(node.args[0])}")
        if isinstance(node, ast.Subscript) and getattr(node.value, "id", "") == "counts":
            found.add(written(node.slice))
        if isinstance(node, ast.DictComp) and re.match(r"\w+:", written(node.key)):
            found.add(written(node.key))
    return found


def test_every_count_is_explained_and_every_one_explained_is_counted() -> None:
    paths = [path for room in ("generators", "augmenters") for path in (ROOT / room).rglob("*.py")]
    code = {key for path in paths for key in counted_in(path)} - {"", "*"}
    patterns = {key: re.compile(re.escape(key).replace(r"\*", r"\w+")) for key in code}
    assert len(code) >= 16
    assert [key for key in code if not any(map(patterns[key].fullmatch, EXPLAINED))] == []
    assert [
        name for name in EXPLAINED if not any(one.fullmatch(name) for one in patterns.values())
    ] == []


def test_reasons_are_those_of_the_code() -> None:
    source = (ROOT / "generators" / "speech_clip.py").read_text(encoding="utf-8")
    speech = set(re.findall(r'reason = "(\w+)"', source))
    told = {name.removeprefix("redrawn:speech_") for name in EXPLAINED if "speech_" in name}
    assert told == speech
    scene = (ROOT / "generators" / "plate_scene.py").read_text(encoding="utf-8")
    body = scene[scene.index("def _illegible(") : scene.index("def _flat_size_mm(")]
    plates = set(re.findall(r'return "(\w+)"', body))
    assert plates == {
        name.removeprefix("redrawn:illegible_") for name in EXPLAINED if "redrawn:ill" in name
    }
    labels = (ROOT / "augmenters" / "picture_labels.py").read_text(encoding="utf-8")
    reasons = set(re.findall(r'"(\w+)"', re.findall(r"^Reason = .*$", labels, re.MULTILINE)[0]))
    assert reasons == {
        name.removeprefix("illegible:") for name in EXPLAINED if name.startswith("illegible:")
    }
    assert f"at most {MAX_TRIES} times" in PAGE


def test_help_points_to_the_page() -> None:
    assert "docs/counts.md" in CliRunner().invoke(app, ["build", "--help"]).output
    assert "docs/counts.md" in (ROOT / "README.md").read_text(encoding="utf-8")
