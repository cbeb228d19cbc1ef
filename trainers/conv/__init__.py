"""The conv core: a network described in one line, traced without torch and built with it.

`notation` reads the line, `plan` works out every shape, `trace` counts and advises,
`network` builds the torch module; only `network` imports torch, and only once it is used:

    from seedbed.trainers.conv import build, trace
    print(trace("F32@3x3 > R > gap > FC10", (28, 28, 1)).text())
    network = build("F32@3x3 > R > gap > FC10", (28, 28, 1), "channels_last", seed=0)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seedbed.trainers.conv.notation import Arch, ends_in_softmax, parse
from seedbed.trainers.conv.plan import Layout
from seedbed.trainers.conv.trace import Trace, trace

if TYPE_CHECKING:
    from seedbed.trainers.conv.network import Network, build, initialise

__all__ = [
    "Arch",
    "Layout",
    "Network",
    "Trace",
    "build",
    "ends_in_softmax",
    "initialise",
    "parse",
    "trace",
]


def __getattr__(name: str) -> Any:
    """What needs torch is loaded when it is asked for."""
    if name in ("Network", "build", "initialise"):
        from seedbed.trainers.conv import network

        return getattr(network, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
