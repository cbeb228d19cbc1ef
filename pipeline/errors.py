"""The errors a user can meet: each is one sentence that names the cause and the cure.

Exit codes follow from the class (see `seedbed.cli`): bad input is 2, a failure while
working is 1. Anything else that escapes is a bug in seedbed.
"""

from __future__ import annotations

WITH_MAKE = " (OUT= with make)"
"""Behind the option --out in messages that whoever types `make dataset` may meet, too."""


class SeedbedError(Exception):
    """Something went wrong while working; the message is a sentence for the user."""

    exit_code = 1


class InputError(SeedbedError):
    """What the user gave (recipe, layout, font, folder, option) cannot be used."""

    exit_code = 2


class Rejected(Exception):
    """Raised by a generator when one draw cannot become a good sample; it is drawn again.

    `reason` is a short stable key, such as `"too_small"`: rejections are counted by it.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class MissingExtra(SeedbedError):
    """An optional dependency is not installed; the message holds the exact install line."""

    exit_code = 2

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs {package}, which is not installed: "
            f"run `pip install 'seedbed[{extra}]'`."
        )

    def __reduce__(self) -> tuple[type[Exception], tuple[str]]:
        """Pickled as its sentence, so that it survives the way back from a worker."""
        return (InputError, (str(self),))
