"""The optimiser's choices: which one, at what rate, along which schedule.

References: Nesterov 1983 and Sutskever and others 2013 (momentum), Duchi and others 2011
(Adagrad), Tieleman and Hinton 2012 (RMSprop), Kingma and Ba 2015 (Adam), Loshchilov and
Hutter 2019 (AdamW), Goyal and others 2017 (warm-up), Loshchilov and Hutter 2017 (cosine).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Literal, TypeAlias

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn
from torch.optim import Optimizer

OptimiserName: TypeAlias = Literal[
    "sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw"
]
ScheduleName: TypeAlias = Literal["constant", "linear", "cosine", "steps"]

USUAL_RATES: dict[OptimiserName, float] = {
    "sgd": 0.1,
    "momentum": 0.03,
    "nesterov": 0.03,
    "adagrad": 0.02,
    "rmsprop": 0.001,
    "adam": 0.002,
    "adamw": 0.002,
}
"""Learning rates that suit the small networks here, where none is given."""

LONGEST_WARMUP = 0.2
"""The share of a run that warming up may take; else it takes `SHORT_WARMUP` of it."""

SHORT_WARMUP = 0.1


class OptimiserSettings(BaseModel):
    """Which optimiser, and how its rate changes over a run."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    name: OptimiserName = "adamw"
    learning_rate: float | None = Field(default=None, gt=0, description="the highest one")
    momentum: float = Field(default=0.9, ge=0, lt=1, description="for momentum and nesterov")
    betas: tuple[float, float] = Field(default=(0.9, 0.99), description="for adam and adamw")
    weight_decay: float = Field(
        default=0.01, ge=0, description="on weights with two axes or more: not on norms and biases"
    )
    schedule: ScheduleName = "cosine"
    warmup_steps: int = Field(
        default=100,
        ge=0,
        description="steps from zero to the full rate; in runs under five times as long, a tenth "
        "of their steps",
    )
    last_share: float = Field(
        default=0.01, ge=0, le=1, description="of the rate, at the end of linear and cosine"
    )
    drop_at: tuple[float, ...] = Field(
        default=(0.6, 0.85), description="for steps: shares of the run after which the rate drops"
    )
    drop_to: float = Field(default=0.1, gt=0, le=1, description="for steps: times this each time")

    @property
    def rate(self) -> float:
        """The highest learning rate."""
        return self.learning_rate or USUAL_RATES[self.name]

    def share_at(self, step: int, steps: int) -> float:
        """The share of the highest rate at a step (from 0) of a run of `steps`."""
        warmup = self.warmup_steps
        if warmup > LONGEST_WARMUP * steps:
            warmup = min(warmup, round(SHORT_WARMUP * steps))
        if step < warmup:
            return (step + 1) / warmup
        rest = max(steps - warmup, 1)
        way = min((step - warmup) / rest, 1.0)
        if self.schedule == "linear":
            return 1.0 - (1.0 - self.last_share) * way
        if self.schedule == "cosine":
            low = self.last_share
            return low + (1.0 - low) * (1.0 + math.cos(math.pi * way)) / 2
        if self.schedule == "steps":
            return self.drop_to ** sum(step >= share * steps for share in self.drop_at)
        return 1.0


def make_optimiser(
    settings: OptimiserSettings,
    parameters: Iterable[nn.Parameter] | Iterable[dict[str, Any]],
    fused: bool = True,
) -> Optimizer:
    """The optimiser over parameters, or over groups with `params` and a `rate_share` of their own.

    Weights with fewer than two axes (norms, biases) get no weight decay. `fused` kernels update
    all weights in one pass; they cannot be used where gradients are scaled and clipped.
    """
    groups: list[dict[str, Any]] = []
    for given in _as_groups(parameters):
        share = float(given.get("rate_share", 1.0))
        for decayed in (True, False):
            own = [p for p in given["params"] if p.requires_grad and (p.ndim >= 2) == decayed]
            if own:
                decay = settings.weight_decay if decayed else 0.0
                groups.append({"params": own, "weight_decay": decay, "lr": settings.rate * share})
    rate = settings.rate
    match settings.name:
        case "sgd":
            return torch.optim.SGD(groups, lr=rate, fused=fused)
        case "momentum":
            return torch.optim.SGD(groups, lr=rate, momentum=settings.momentum, fused=fused)
        case "nesterov":
            return torch.optim.SGD(
                groups, lr=rate, momentum=settings.momentum, nesterov=True, fused=fused
            )
        case "adagrad":
            return torch.optim.Adagrad(groups, lr=rate)
        case "rmsprop":
            return torch.optim.RMSprop(groups, lr=rate)
        case "adam":
            return torch.optim.Adam(groups, lr=rate, betas=settings.betas, fused=fused)
        case "adamw":
            return torch.optim.AdamW(groups, lr=rate, betas=settings.betas, fused=fused)


def _as_groups(
    parameters: Iterable[nn.Parameter] | Iterable[dict[str, Any]],
) -> list[dict[str, Any]]:
    given: list[Any] = list(parameters)
    if given and isinstance(given[0], dict):
        return given
    return [{"params": given}]
