"""seedbed's generators, and anyone's: classes are found by name through the entry points.

`from seedbed.generators import X` resolves X lazily, so that importing this package stays cheap.
"""

from __future__ import annotations

from typing import Any

from seedbed.registry import resolve_class


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(name)
    return resolve_class("generators", name)
