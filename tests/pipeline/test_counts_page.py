"""`docs/counts.md` explains what the code counts: all of it, and nothing else."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from pathlib import Path

from click.testing import CliRunner
from pydantic import BaseModel

from seedbed import registry
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


def texts(nodes: Iterable[ast.AST | None]) -> set[str]:
    """The texts that stand anywhere in some code."""
    found = {
        inner.value
        for node in nodes
        if node is not None
        for inner in ast.walk(node)
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str)
    }
    return found - {""}


def assigned_to(name: str, path: Path) -> set[str]:
    """The texts that a module assigns to a name."""
    values = [
        node.value
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Assign)
        and [getattr(one, "id", "") for one in node.targets] == [name]
    ]
    return texts(values)


def returned_by(name: str, path: Path) -> set[str]:
    """The texts that the functions of a name in a module return."""
    functions = [
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name == name
    ]
    assert functions, f"{path} has no {name}"
    returns = (node for function in functions for node in ast.walk(function))
    return texts(node.value for node in returns if isinstance(node, ast.Return))


def told(prefix: str) -> set[str]:
    """What the page explains of the counts that begin so, without that."""
    return {name.removeprefix(prefix) for name in EXPLAINED if name.startswith(prefix)}


def fields_of(room: str) -> set[str]:
    """The keys of all components of a room, and those below them, dotted, as recipes write them."""
    found: set[str] = set()
    for name in registry.names(room):
        found |= below(registry.resolve(room, name))
    return found


def below(model: type[BaseModel]) -> set[str]:
    found = set()
    for name, field in model.model_fields.items():
        found.add(name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found |= {f"{name}.{inner}" for inner in below(field.annotation)}
    return found


def test_what_counts_are_tuned_by_are_keys() -> None:
    rows = re.findall(r"^\| `.* \| (.*) \|$", PAGE, re.MULTILINE)
    named = {name.partition(":")[0] for row in rows for name in re.findall(r"`(.+?)`", row)}
    known = fields_of("generators") | fields_of("augmenters") | set(registry.names("augmenters"))
    assert len(named) >= 12
    assert named - known == set()


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
    speech = assigned_to("reason", ROOT / "generators" / "speech_clip.py")
    assert told("redrawn:speech_") == speech
    plates = returned_by("_illegible", ROOT / "generators" / "plate_scene.py")
    assert told("redrawn:illegible_") == plates
    reasons = assigned_to("Reason", ROOT / "augmenters" / "picture_labels.py")
    assert told("illegible:") == reasons >= plates
    assert f"at most {MAX_TRIES} times, {MAX_TRIES - 1} of them again" in PAGE


def test_help_points_to_the_page() -> None:
    assert "docs/counts.md" in CliRunner().invoke(app, ["build", "--help"]).output
    assert "docs/counts.md" in (ROOT / "README.md").read_text(encoding="utf-8")
