"""Files that ship under `data/` and are called by name, beside files of a user's own."""

from __future__ import annotations

from pathlib import Path

from seedbed.errors import InputError
from seedbed.registry import nearest
from seedbed.resources import data_path

SUFFIXES = (".yaml", ".yml")


def file_names(folder: str) -> list[str]:
    """The names of the files in a folder of `data/`."""
    return sorted(path.stem for path in data_path(folder).glob("*.yaml"))


def named_file(source: str | Path, folder: str, kind: str) -> Path:
    """The path that `source` is, or of the file of that name in a folder of `data/`.

    `kind` is what messages call it, such as `recipe`. Raises `InputError` for an unknown name.
    """
    path, names = Path(source), file_names(folder)
    if str(source) in names:
        return data_path(folder, f"{source}.yaml")
    if path.suffix not in SUFFIXES and not path.is_file():
        raise InputError(
            f"there is no {kind} named {str(source)!r}{nearest(str(source), names)} "
            f"(known: {', '.join(names) or 'none'}; for a file of your own give its path, "
            f"ending in .yaml)."
        )
    return path
