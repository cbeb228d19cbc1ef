"""Timers for benchmarks: interleaved rounds, so that a machine's drift hits all sides alike."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from types import ModuleType
from typing import Any


def rates(
    sides: dict[str, Callable[[int], int]],
    rounds: int = 5,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, float]:
    """Items a second of each side: the median over `rounds` rounds of all sides in turn.

    A side is called with the round's number and returns how many items it made. With
    `time.process_time` as the `clock`, what other programs take hardly counts.
    """
    measured: dict[str, list[float]] = defaultdict(list)
    for number in range(rounds):
        for name, side in sides.items():
            started = clock()
            items = side(number)
            measured[name].append(items / (clock() - started))
    return {name: median(values) for name, values in measured.items()}


class Stages:
    """Adds up the seconds spent in functions that are wrapped where they are looked up.

    `clock` is as for `rates`.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._clock = clock
        self._nested = 0.0

    def _timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            outer, self._nested = self._nested, 0.0
            started = self._clock()
            try:
                return function(*args, **kwargs)
            finally:
                spent = self._clock() - started
                self.seconds[name] += spent - self._nested
                self._nested = outer + spent

        return wrapper

    @contextmanager
    def watching(self, targets: list[tuple[ModuleType | type, str, str]]) -> Iterator[None]:
        """Wrap `(where, attribute, stage)` for the time of the block; own time only is counted."""
        kept = [(where, name, getattr(where, name)) for where, name, _ in targets]
        for where, name, stage in targets:
            setattr(where, name, self._timed(stage, getattr(where, name)))
        try:
            yield
        finally:
            for where, name, function in kept:
                setattr(where, name, function)
