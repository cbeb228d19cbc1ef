from __future__ import annotations

import pytest
import torch
from torch import nn

from seedbed.trainers.noise_scale import NoiseScale, noise_estimates
from seedbed.trainers.optimisers import OptimiserSettings, make_optimiser


@pytest.mark.parametrize(
    "name", ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw"]
)
def test_each_optimiser_goes_downhill(name):
    torch.manual_seed(0)
    layer = nn.Linear(3, 1)
    optimiser = make_optimiser(OptimiserSettings(name=name), layer.parameters())
    inputs, wanted = torch.randn(32, 3), torch.randn(32, 1)
    first = None
    for _ in range(60):
        loss = (layer(inputs) - wanted).square().mean()
        first = first or float(loss.detach())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert float(loss.detach()) < first


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("sgd", lambda w: torch.optim.SGD(w, lr=0.1)),
        ("momentum", lambda w: torch.optim.SGD(w, lr=0.1, momentum=0.9)),
        ("nesterov", lambda w: torch.optim.SGD(w, lr=0.1, momentum=0.9, nesterov=True)),
        ("adagrad", lambda w: torch.optim.Adagrad(w, lr=0.1)),
        ("rmsprop", lambda w: torch.optim.RMSprop(w, lr=0.1)),
        ("adam", lambda w: torch.optim.Adam(w, lr=0.1, betas=(0.9, 0.99))),
        ("adamw", lambda w: torch.optim.AdamW(w, lr=0.1, betas=(0.9, 0.99), weight_decay=0)),
    ],
)
def test_each_optimiser_is_torchs_of_that_name(name, theirs):
    settings = OptimiserSettings(name=name, learning_rate=0.1, weight_decay=0)
    one, other = (nn.Parameter(torch.tensor([[1.0, -2.0]])) for _ in range(2))
    for weight, optimiser in ((one, make_optimiser(settings, [one])), (other, theirs([other]))):
        for step in range(5):
            optimiser.zero_grad()
            (weight - step).square().sum().backward()
            optimiser.step()
    torch.testing.assert_close(one, other)


def test_groups_learn_at_their_share_of_the_rate():
    head, stage = nn.Linear(2, 2), nn.Linear(2, 2)
    groups = [
        {"params": list(head.parameters()), "rate_share": 1.0},
        {"params": list(stage.parameters()), "rate_share": 0.25},
    ]
    settings = OptimiserSettings(name="sgd", learning_rate=0.4, weight_decay=0.0)
    optimiser = make_optimiser(settings, groups)
    (head.weight.sum() + head.bias.sum() + stage.weight.sum() + stage.bias.sum()).backward()
    layers = (head, stage)
    before = [layer.weight.detach().clone() for layer in layers]
    optimiser.step()
    after = [layer.weight.detach() for layer in layers]
    moved = [float((old - new).mean()) for old, new in zip(before, after, strict=True)]
    assert moved == pytest.approx([0.4, 0.1])


def test_norms_and_biases_do_not_decay():
    layer = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    optimiser = make_optimiser(OptimiserSettings(weight_decay=0.5), layer.parameters())
    decays = {len(group["params"]): group["weight_decay"] for group in optimiser.param_groups}
    assert decays == {1: 0.5, 3: 0.0}


def test_schedules_by_hand():
    cosine = OptimiserSettings(warmup_steps=10, last_share=0.0)
    assert cosine.share_at(0, 110) == pytest.approx(0.1)
    assert cosine.share_at(9, 110) == 1.0
    assert cosine.share_at(60, 110) == pytest.approx(0.5)
    assert cosine.share_at(110, 110) == pytest.approx(0.0)
    # A run of thousands of steps warms up as it is told, a short one for a tenth of its steps.
    usual = OptimiserSettings(schedule="constant")
    assert [usual.share_at(n, 2000) for n in (0, 49, 99, 100)] == pytest.approx([0.01, 0.5, 1, 1])
    assert usual.share_at(49, 500) == pytest.approx(0.5)
    assert [usual.share_at(n, 100) for n in (0, 4, 9, 10)] == pytest.approx([0.1, 0.5, 1, 1])
    assert usual.share_at(0, 3) == 1.0
    steps = OptimiserSettings(schedule="steps", warmup_steps=0)
    assert [steps.share_at(n, 100) for n in (0, 59, 60, 85)] == pytest.approx([1, 1, 0.1, 0.01])
    linear = OptimiserSettings(schedule="linear", warmup_steps=0, last_share=0.2)
    assert linear.share_at(50, 100) == pytest.approx(0.6)


def test_noise_estimates_invert_the_expectation():
    # With |G|^2 = 4 and a trace of 12, a batch of n has a mean squared norm of 4 + 12 / n.
    squared, trace = noise_estimates(4 + 12 / 8, 4 + 12 / 16, 8, 16)
    assert (squared, trace) == pytest.approx((4.0, 12.0))


def test_noise_scale_of_a_mean_is_its_variance_over_its_square():
    # loss = (w - x)^2 / 2: the gradient of one example is w - x, with variance 9 and mean 2.
    class Mean(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(()))

    network, noise = Mean(), NoiseScale()
    generator = torch.Generator().manual_seed(0)
    for _ in range(30):
        batch = {"inputs": -2 + 3 * torch.randn(4096, generator=generator)}
        noise.measure(
            network,
            lambda b: {"loss": ((network.weight - b["inputs"]) ** 2 / 2).mean()},
            batch,
        )
    assert noise.value() == pytest.approx(9 / 4, rel=0.5)
    assert network.weight.grad is None
