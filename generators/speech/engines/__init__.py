"""The text-to-speech engines, each found by name and imported when it is first asked for."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from pydantic import ValidationError

from seedbed.errors import InputError
from seedbed.generators.speech.engines.base import Engine
from seedbed.registry import nearest

ENGINES = {
    "command": "seedbed.generators.speech.engines.command:CommandEngine",
    "espeak": "seedbed.generators.speech.engines.espeak:EspeakEngine",
    "festival": "seedbed.generators.speech.engines.festival:FestivalEngine",
    "flite": "seedbed.generators.speech.engines.flite:FliteEngine",
    "hibari": "seedbed.generators.speech.engines.hibari:HibariEngine",
    "kokoro": "seedbed.generators.speech.engines.kokoro:KokoroEngine",
    "piper": "seedbed.generators.speech.engines.piper:PiperEngine",
    "pyttsx3": "seedbed.generators.speech.engines.pyttsx3:Pyttsx3Engine",
}
"""Engine names and where their classes are, as `module:class`."""

_opened: dict[tuple[int, str, str], Engine] = {}
"""Engines of this process. A forked child opens its own: see `open_engine`."""


def engine_class(name: str) -> type[Engine]:
    """The class of an engine by its recipe name. Raises `InputError` for an unknown one."""
    if name not in ENGINES:
        raise InputError(
            f"there is no speech engine named {name!r}{nearest(name, list(ENGINES))} "
            f"(known: {', '.join(ENGINES)})"
        )
    module, _, class_name = ENGINES[name].partition(":")
    found: type[Engine] = getattr(import_module(module), class_name)
    return found


def build_engine(name: str, options: Mapping[str, Any] | None = None) -> Engine:
    """A new engine with its options checked, nothing started yet.

    Raises `InputError` for an unknown engine or option and for a value out of range.
    """
    kind = engine_class(name)
    try:
        return kind.model_validate(dict(options or {}))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "options"
        hint = nearest(key, list(kind.model_fields)) if first["type"] == "extra_forbidden" else ""
        raise InputError(f"speech engine {name}: {key}: {first['msg']}{hint}") from error


def open_engine(name: str, options: Mapping[str, Any] | None = None) -> Engine:
    """The engine of this process with these options: the same one for every caller.

    Engines hold libraries, sessions and child processes, so there is one a process and
    never one inherited through a fork: the process id is part of the key.
    """
    key = (os.getpid(), name, json.dumps(options or {}, sort_keys=True, default=str))
    if key not in _opened:
        _opened[key] = build_engine(name, options)
    return _opened[key]
