"""YAML that people write words in, read without surprises, and checked in plain sentences.

YAML 1.1 turns `no`, `on` and `yes` into truth values and `7:45` into the number 465: all of
them are words somebody wants to hear spoken. Here every plain scalar stays text but `true`,
`false`, `null` and decimal numbers, and a key written twice is refused.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from seedbed.errors import InputError

M = TypeVar("M", bound=BaseModel)


class _TextLoader(yaml.SafeLoader):
    """PyYAML's safe loader with fewer guesses about what a scalar means."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key_node, _ in node.value:
            key = str(key_node.value)
            if key in seen and key_node.tag != "tag:yaml.org,2002:merge":
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is written twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


# Without this the guesses of the loader above would be changed for every user of PyYAML.
_TextLoader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"true|false", "tf"),
    ("null", r"null|~|", "n~"),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?[0-9]*\.[0-9]+", "-+.0123456789"),
    ("merge", r"<<", "<"),
):
    _TextLoader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}",
        re.compile(f"^(?:{_pattern})$"),
        [*_first, ""] if _tag == "null" else list(_first),
    )


def read_text(path: Path) -> str:
    """The file's text (UTF-8). Raises `InputError` where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{path} does not exist: check the name.") from None
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} is not UTF-8 text (byte {error.start}): save it as UTF-8."
        ) from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None


def read_yaml(path: Path) -> Any:
    """The values in a YAML file, words kept as words. Raises `InputError` naming the line."""
    try:
        # The loader is a SafeLoader: it makes only plain values.
        return yaml.load(read_text(path), Loader=_TextLoader)
    except yaml.MarkedYAMLError as error:
        line = "" if error.problem_mark is None else f" line {error.problem_mark.line + 1}"
        raise InputError(f"{path.name}{line} is not YAML: {error.problem}.") from None
    except yaml.YAMLError as error:
        raise InputError(f"{path.name} is not YAML: {error}.") from None


def nearest(name: str, known: list[str]) -> str:
    """A half sentence: what `name` was probably meant to be, or what there is to choose from."""
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"choose from {', '.join(sorted(known))}."


class Checked(BaseModel):
    """A part of a file a person edits: frozen, and unknown keys are refused by name."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_keys(cls, values: Any) -> Any:
        if isinstance(values, Mapping):
            known = [field.alias or name for name, field in cls.model_fields.items()]
            for key in values:
                if key not in known:
                    raise ValueError(f"unknown key {str(key)!r}: {nearest(str(key), known)}")
        return values


def checked(model: type[M], values: Any, file: str) -> M:
    """`values` as `model`. Raises `InputError`: one sentence with file, key and value."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ").rstrip(".")
        where = f"{file}: {key}" if key else file
        if first["type"] == "value_error":
            raise InputError(f"{where}: {message}{'' if message.endswith('?') else '.'}") from None
        if first["type"] == "missing":
            raise InputError(f"{where} is missing: add it.") from None
        wanted = message[:1].lower() + message[1:]
        raise InputError(f"{where}: {wanted}, got {first['input']!r}.") from None
