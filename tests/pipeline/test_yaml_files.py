from __future__ import annotations

from pathlib import Path

import pytest

from seedbed.errors import InputError
from seedbed.yaml_files import dump_yaml, parse_yaml, read_yaml


def test_plain_scalars_mean_what_they_look_like() -> None:
    values = parse_yaml("[no, 4:2:0, 1e-3, -3, 012, yes, true, ~, 2024-01-01, '5']", "r")
    assert values == ["no", "4:2:0", 0.001, -3, 12, "yes", True, None, "2024-01-01", "5"]


def test_what_is_dumped_reads_back_the_same() -> None:
    values = {
        "texts": [
            "no",
            "1e-3",
            "null",
            "",
            "5",
            "~",
            "true",
            "a: b",
            "Ümlaut",
            "4:2:0",
            "=",
            "- x",
        ],
        "numbers": [0, -3, 0.1, 1e-3, 1e22, 1.0, 2**63 - 1],
        "others": [None, True, False, [], {}],
    }
    assert parse_yaml(dump_yaml(values), "r") == values


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: 1\nb: 2\na: 3", "recipe r.yaml: line 3, column 1: the key 'a' is given twice."),
        ("a:\n  b: 1\n  b: 2", "recipe r.yaml: line 3, column 3: the key 'b' is given twice."),
        ("a: b: c", "recipe r.yaml: line 1, column 5: mapping values are not allowed here"),
        ("a: 1\n\tb: 2", "recipe r.yaml: line 2, column 1: found character '\\t'"),
        ("a: !!python/object/apply:os.system [x]", "could not determine a constructor"),
    ],
)
def test_mistakes_have_their_line(text: str, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_yaml(text, "recipe r.yaml")
    assert sentence in str(caught.value)


def test_files_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_bytes(b"a: \xff\xfe")
    with pytest.raises(InputError, match="not UTF-8 text"):
        read_yaml(path, "recipe r.yaml")
    with pytest.raises(InputError, match=r"recipe x\.yaml: cannot be read: No such file"):
        read_yaml(tmp_path / "x.yaml", "recipe x.yaml")
