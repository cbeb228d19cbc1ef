"""Penalties and what they leave, on networks small enough to add up by hand."""

from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from seedbed.errors import InputError
from seedbed.trainers.conv import Network, build
from seedbed.trainers.regularise import (
    Penalty,
    Regulariser,
    chosen_features,
    matching_layers,
    near_zero_activations,
    near_zero_weights,
)
from seedbed.trainers.task import make_task


def filled(line: str, shape: tuple[int, ...], **weights: Tensor) -> Network:
    """A network whose named layers have these weights, biases 1."""
    network = build(line, shape, "channels_last", seed=0)
    for name, values in weights.items():
        layer = network.layers.get_submodule(name)
        with torch.no_grad():
            layer.weight.copy_(values)
            layer.bias.fill_(1.0)
    return network


FIRST = torch.tensor([[1.0, -2.0], [0.0, 3.0]])
SECOND = torch.tensor([[4.0, -0.5]])


def two_layers() -> Network:
    return filled("FC2 > R > FC1", (2,), fc1=FIRST, fc2=SECOND)


@pytest.mark.parametrize(
    ("penalty", "expected"),
    [
        # |1| + |-2| + |3| and |4| + |-0.5|; biases do not count.
        (Penalty(l1=0.1), 0.1 * (6.0 + 4.5)),
        (Penalty(l2=0.1), 0.1 * (14.0 + 16.25)),
        (Penalty(l1=0.1, l2=0.01), 0.1 * 10.5 + 0.01 * 30.25),
        (Penalty(l1=1.0, layers=("fc2",)), 4.5),
        (Penalty(l2=1.0, layers=("fc1",)), 14.0),
    ],
)
def test_penalties_on_weights(penalty: Penalty, expected: float) -> None:
    regulariser = Regulariser(two_layers(), [penalty])
    assert regulariser.penalty().item() == pytest.approx(expected)


def test_the_pull_of_l1_is_the_same_for_all_and_that_of_l2_grows() -> None:
    network = two_layers()
    Regulariser(network, [Penalty(l1=0.5)]).penalty().backward()
    assert network.layers.fc1.weight.grad.tolist() == [[0.5, -0.5], [0.0, 0.5]]
    network.zero_grad()
    Regulariser(network, [Penalty(l2=0.5)]).penalty().backward()
    assert network.layers.fc1.weight.grad.tolist() == [[1.0, -2.0], [0.0, 3.0]]


def test_penalties_on_activations() -> None:
    network = two_layers()
    records = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    # fc1 gives (2, 1) and (-1, 4); R makes (2, 1) and (0, 4) of them.
    with Regulariser(network, [Penalty(on="activations", l1=1.0)]) as regulariser:
        network(records)
        assert regulariser.penalty().item() == pytest.approx((3 + 4) / 2)
        # Nothing is counted twice.
        assert regulariser.penalty().item() == 0.0
        network.eval()
        network(records)
        assert regulariser.penalty().item() == 0.0
    network.train()
    network(records)
    assert regulariser.penalty().item() == 0.0
    named = Penalty(on="activations", l2=1.0, layers=("fc1",))
    with Regulariser(network, [named, Penalty(l1=1.0)]) as regulariser:
        network(records)
        assert regulariser.penalty().item() == pytest.approx((5 + 17) / 2 + 10.5)


def test_a_block_stands_for_all_inside() -> None:
    network = build("[ F2@3 > R > F2@3 ]+ > F2@1", (9, 2), "channels_last", seed=0)
    inside = sum(
        weight.abs().sum().item()
        for name, weight in network.named_parameters()
        if "block1" in name and name.endswith("weight")
    )
    regulariser = Regulariser(network, [Penalty(l1=1.0, layers=("block1",))])
    assert regulariser.penalty().item() == pytest.approx(inside, rel=1e-5)


def test_norms_are_left_alone() -> None:
    network = build("BN", (4,), "channels_last", seed=0)
    assert Regulariser(network, [Penalty(l1=1.0)]).penalty().item() == 0.0
    with pytest.raises(InputError, match="'norm1' has no weights"):
        Regulariser(network, [Penalty(l1=1.0, layers=("norm1",))])


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        # As the trace prints them, and without what says nothing.
        ("conv1", ["features.layers.conv1"]),
        ("block1.body.conv1", ["features.layers.block1.body.conv1"]),
        ("block1.conv1", ["features.layers.block1.body.conv1"]),
        # From the task's own part on, whole parts, and whole names as before.
        ("features.conv1", ["features.layers.conv1"]),
        ("features", ["features"]),
        ("features.block1", ["features.layers.block1"]),
        ("features.layers.conv1", ["features.layers.conv1"]),
        ("head", ["head"]),
        # Letters between two dots.
        ("conv*", ["features.layers.conv1", "features.layers.conv2"]),
        ("features.conv?", ["features.layers.conv1", "features.layers.conv2"]),
        ("*.conv1", ["features.layers.conv1", "features.layers.block1.body.conv1"]),
        ("act*", ["features.layers.act1"]),
    ],
)
def test_names_of_a_tasks_layers(pattern: str, names: list[str]) -> None:
    settings = {"classes": ["a", "b"], "arch": "F4@2x2 > R > [ F4@3x3 ]+ > F6@3x3 > gap"}
    network = make_task("classify", settings).network(0)
    assert list(matching_layers(network, pattern)) == names


def test_penalties_by_a_pattern_are_added_once() -> None:
    network = two_layers()
    everything = Regulariser(network, [Penalty(l1=1.0, layers=("fc*", "fc1", "*"))])
    assert everything.penalty().item() == pytest.approx(10.5)
    records = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    with Regulariser(network, [Penalty(on="activations", l1=1.0, layers=("act*",))]) as regulariser:
        network(records)
        assert regulariser.penalty().item() == pytest.approx((3 + 4) / 2)
    with pytest.raises(InputError, match=r"'zz'\. There are: fc1, act1, fc2; `seedbed arch`"):
        Regulariser(network, [Penalty(l1=1.0, layers=("zz",))])


def test_mistakes_are_said() -> None:
    network = two_layers()
    with pytest.raises(InputError, match="no layer 'fc3', did you mean"):
        Regulariser(network, [Penalty(l1=1.0, layers=("fc3",))])
    with pytest.raises(InputError, match="no activation function"):
        Regulariser(nn.Sequential(nn.Linear(2, 2)), [Penalty(on="activations", l1=1.0)])
    with pytest.raises(ValidationError, match="l1 or l2 must be above 0"):
        Penalty()
    with pytest.raises(ValidationError):
        Penalty(l1=-1.0)


def test_shares_near_zero() -> None:
    network = two_layers()
    assert near_zero_weights(network) == pytest.approx({"fc1": 0.25, "fc2": 0.0, "all": 1 / 6})
    assert near_zero_weights(network, 0.6)["fc2"] == 0.5
    records = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    network.train()
    # (2, 1) and (0, 4) behind R.
    assert near_zero_activations(network, records) == {"act1": 0.25, "all": 0.25}
    assert network.training
    assert near_zero_activations(nn.Sequential(nn.Linear(2, 2)), records) == {}


def test_l1_finds_the_features_that_matter() -> None:
    """y = 3 a - 2 c: of five features two are left, the stronger first."""
    generator = torch.Generator().manual_seed(0)
    records = torch.randn((256, 5), generator=generator)
    target = 3 * records[:, :1] - 2 * records[:, 2:3]
    network = build("FC1", (5,), "channels_last", seed=1)
    regulariser = Regulariser(network, [Penalty(l1=0.1)])
    optimiser = torch.optim.SGD(network.parameters(), lr=0.01)
    for step in range(600):
        optimiser.param_groups[0]["lr"] = 0.05 * (1 - step / 600)
        optimiser.zero_grad()
        loss = nn.functional.mse_loss(network(records), target) + regulariser.penalty()
        loss.backward()
        optimiser.step()
    features = chosen_features(network, "fc1", ["a", "b", "c", "d", "e"], threshold=0.01)
    assert [feature.name for feature in features] == ["a", "c"]
    # The lasso's answer is smaller than the truth by l1 / 2 over the features' variance, about 1.
    assert features[0].strength == pytest.approx(2.95, abs=0.05)
    assert near_zero_weights(network, 0.01)["fc1"] == pytest.approx(3 / 5)


def test_features_behind_a_flatten_are_places_in_the_picture() -> None:
    network = build("flatten > drop0.1 > FC2", (2, 3, 4), "channels_last", seed=0)
    weight = network.layers.fc1.weight
    with torch.no_grad():
        weight.zero_()
        # Flattened as (channel, row, column): channel 3, row 1, column 2.
        weight[1, 3 * 6 + 1 * 3 + 2] = -2.0
    (feature,) = chosen_features(network, "fc1")
    assert (feature.name, feature.strength) == ("(1,2,3)", 2.0)


@pytest.mark.parametrize(
    ("arch", "layer", "inputs"),
    [
        ("P2 > flatten > FC2", "features.layers.fc1", 16 * 3),
        # The task's own layer behind the line.
        ("P2 > flatten", "head", 16 * 3),
        ("P2 > flatten > FC6", "head", 6),
    ],
)
def test_places_are_named_in_the_networks_of_tasks_too(arch: str, layer: str, inputs: int) -> None:
    settings = {"classes": ["a", "b"], "width": 8, "height": 8, "arch": arch}
    network = make_task("classify", settings).network(0)
    weight = network.get_submodule(layer).weight
    with torch.no_grad():
        weight.zero_()
        weight[0, 5] = weight[1, 5] = 1.0
    assert weight.shape[1] == inputs
    (feature,) = chosen_features(network, layer)
    # Of a picture of 4 x 4 places the fifth after the first is the second of row 1.
    assert feature.name == ("input 5" if inputs == 6 else "(1,1,0)")


def test_channels_that_filters_listen_to() -> None:
    network = build("F2@3x3", (5, 5, 3), "channels_last", seed=0)
    with torch.no_grad():
        network.layers.conv1.weight[:, 1] = 0.0
    assert {feature.name for feature in chosen_features(network, "conv1")} == {
        "channel 0",
        "channel 2",
    }
    with pytest.raises(InputError, match="did you mean 'conv1'"):
        chosen_features(network, "conv2")
    with pytest.raises(InputError, match="3 inputs, but 2 names"):
        chosen_features(network, "conv1", ["red", "green"])
    with pytest.raises(InputError, match="no fully connected layer"):
        chosen_features(build("R", (3,), "channels_last", seed=0), "act1")
