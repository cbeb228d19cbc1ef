"""Runs the benchmarks that are named, or all of them: `python -m benchmarks scenes`."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from pathlib import Path


def main() -> None:
    """Run `main()` of each named module of this folder."""
    here = Path(__file__).parent
    known = [m.name for m in pkgutil.iter_modules([str(here)]) if not m.name.startswith("_")]
    wanted = sys.argv[1:] or [name for name in known if name != "timing"]
    for name in wanted:
        if name not in known:
            sys.exit(f"there is no benchmark {name!r} (known: {', '.join(known)})")
        print(f"\n== {name}")
        importlib.import_module(f"benchmarks.{name}").main()


if __name__ == "__main__":
    main()
