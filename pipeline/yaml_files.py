"""YAML as people expect it: version 1.2's plain scalars, and no key given twice.

PyYAML follows YAML 1.1, where `no` is false (and Norway is lost), `4:2:0` is the number
14520, `1e-3` is a string and a repeated key silently wins. Scalars here follow the core
schema of YAML 1.2 (https://yaml.org/spec/1.2.2/, section 10.3.2).
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from seedbed.errors import InputError

_SCALARS: tuple[tuple[str, str, str], ...] = (
    ("tag:yaml.org,2002:null", r"^(?:~|null|Null|NULL|)$", "~nN\0"),
    ("tag:yaml.org,2002:bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("tag:yaml.org,2002:int", r"^[-+]?(?:[0-9]+)$", "-+0123456789"),
    (
        "tag:yaml.org,2002:float",
        r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$|^[-+]?\.inf$|^\.nan$",
        "-+.0123456789",
    ),
)


class _Repeated(yaml.MarkedYAMLError):
    """A key stands twice in one mapping."""


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key is not None and key in seen:
                raise _Repeated(
                    problem=f"the key {key!r} is given twice", problem_mark=key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


class _Dumper(yaml.SafeDumper):
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _construct_integer(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    return int(loader.construct_scalar(node))


def _construct_float(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> float:
    return float(loader.construct_scalar(node).replace(".inf", "inf").replace(".nan", "nan"))


for _tag, _pattern, _first in _SCALARS:
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(
            _tag, re.compile(_pattern), ["" if letter == "\0" else letter for letter in _first]
        )
_Loader.add_constructor("tag:yaml.org,2002:int", _construct_integer)
_Loader.add_constructor("tag:yaml.org,2002:float", _construct_float)


def parse_yaml(text: str, where: str) -> Any:
    """The values in `text`. Raises `InputError` that starts with `where` and has the line."""
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        syntax = isinstance(error, yaml.parser.ParserError | yaml.scanner.ScannerError)
        cure = " (is the indentation right?)" if syntax else ""
        raise InputError(f"{where}: {line}{error.problem}{cure}.") from error
    except yaml.YAMLError as error:
        raise InputError(
            f"{where}: not readable as YAML: {' '.join(str(error).split())}."
        ) from error


def read_yaml(path: Path, where: str) -> Any:
    """The values in a YAML file. Raises `InputError` where it cannot be read or parsed."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{where}: not UTF-8 text (byte {error.start} is not).") from error
    except OSError as error:
        raise InputError(f"{where}: cannot be read: {error.strerror}.") from error
    return parse_yaml(text, where)


def dump_yaml(values: Any) -> str:
    """`values` as YAML that `parse_yaml` reads back as they were, keys in the given order."""
    return yaml.dump(
        values, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100, indent=2
    )


def put_value(values: dict[str, Any], key: str, value: Any, where: str) -> None:
    """Set the value at a dotted key (`fit.steps`), making the groups that lead to it.

    Raises `InputError` that starts with `where` if a part of the key holds a plain value.
    """
    *groups, last = key.split(".")
    for group in groups:
        inner = values.setdefault(group, {})
        if not isinstance(inner, dict):
            raise InputError(f"{where} {key}: {group!r} is not a group of keys.")
        values = inner
    values[last] = value
