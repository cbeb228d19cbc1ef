"""A generator that gets into trouble at one sample, once or always, for the tests of builds."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from seedbed.component import Generator
from seedbed.sample import Picture
from seedbed.streams import fork_seed

LEAK_BYTES = 50 * 2**20

_leaked: list[bytes] = []


@dataclass(frozen=True)
class TroubledParams:
    """A number that tells this sample from all others."""

    token: int


class Troubled(Generator[TroubledParams, Picture]):
    """Paints one grey; `trouble` comes at the sample whose token is `at`, or at all for -1.

    With `flag`, the path of a file that is not there, it comes once and never again; the
    file gets the number of the process.
    """

    params_type = TroubledParams
    sample_type = Picture

    at: int = -1
    flag: str = ""
    seconds: float = 0
    trouble: Literal["none", "raise", "die", "kill", "kill_parent", "hang", "leak"] = "none"

    def draw(self, rng: np.random.Generator) -> TroubledParams:
        return TroubledParams(fork_seed(rng))

    def render(self, params: TroubledParams) -> Picture:
        time.sleep(self.seconds)
        if self.trouble != "none" and self.at in (-1, params.token) and self._first_time():
            self._get_into_trouble()
        return Picture(image=np.full((8, 8, 3), params.token % 256, np.uint8))

    def _first_time(self) -> bool:
        if not self.flag:
            return True
        try:
            with Path(self.flag).open("x", encoding="ascii") as file:
                file.write(str(os.getpid()))
        except FileExistsError:
            return False
        return True

    def _get_into_trouble(self) -> None:
        if self.trouble == "raise":
            raise ValueError("out of paint")
        if self.trouble == "die":
            os._exit(3)
        if self.trouble == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.trouble == "kill_parent":
            os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(1)
        if self.trouble == "hang":
            time.sleep(3600)
        if self.trouble == "leak":
            _leaked.append(b"x" * LEAK_BYTES)
