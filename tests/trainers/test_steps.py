"""Each way to make a step of a batch, beside the loop that one would write by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from plate_settings import READ
from safetensors.torch import load_file
from torch import Tensor, nn

from seedbed.trainers import fit as fit_module
from seedbed.trainers.config import parse_config
from seedbed.trainers.fit import fit
from seedbed.trainers.read import Read

pytestmark = pytest.mark.usefixtures("one_thread")

RATE = 0.1


class MeanColour(Read):
    """A line through plates' mean colours and the lengths of their texts; it notes its batches."""

    seen: list[dict[str, Tensor]] = []  # noqa: RUF012 - of the run in hand

    def example(self, item: Any, rng: np.random.Generator) -> Any:
        """The colour, and the length over 10."""
        return {
            "inputs": item.patch.mean(axis=(0, 1)).astype(np.float32) / 255,
            "targets": np.array([len(item.text) / 10 + rng.normal()], dtype=np.float32),
        }

    def network(self, seed: int) -> nn.Module:
        """Begins with known weights."""
        return started()

    def loss(self, outputs: Tensor, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Squared errors, averaged over the batch."""
        self.seen.append({name: value.clone() for name, value in batch.items()})
        return {"loss": (outputs - batch["targets"]).square().mean()}

    def outcomes(self, network: nn.Module, items: Any) -> list[Any]:
        """None: nothing is validated here."""
        return []


def started() -> nn.Linear:
    line = nn.Linear(3, 1)
    with torch.no_grad():
        line.weight.copy_(torch.tensor([[0.3, -0.2, 0.1]]))
        line.bias.fill_(-1.0)
    return line


def by_hand(
    batches: list[dict[str, Tensor]], together: int, clip: float | None, ema: float
) -> dict[str, Tensor]:
    """Weights after plain gradient descent, so many batches a step taken as one."""
    line, average = started(), started()
    for step, first in enumerate(range(0, len(batches), together)):
        part = batches[first : first + together]
        inputs, targets = (torch.cat([one[name] for one in part]) for name in ("inputs", "targets"))
        gradients = torch.autograd.grad(
            (line(inputs) - targets).square().mean(), list(line.parameters())
        )
        norm = float(torch.cat([gradient.flatten() for gradient in gradients]).norm())
        share = 1.0 if clip is None else min(1.0, clip / norm)
        keep = min(ema, (1 + step) / (10 + step))
        with torch.no_grad():
            for weight, mean, gradient in zip(
                line.parameters(), average.parameters(), gradients, strict=True
            ):
                weight -= RATE * share * gradient
                mean.copy_(keep * mean + (1 - keep) * weight)
    return dict((average if ema else line).state_dict())


@pytest.mark.parametrize(
    ("changes", "sizes", "together"),
    [
        ({"batch": 1}, [1] * 4, 1),
        ({"batch": 3}, [3] * 4, 1),
        ({"batch": 2, "accumulate": 3}, [2] * 12, 3),
        # All plates in every step, five at a time: the last part of each is smaller.
        ({"batch": "full", "chunk": 5}, None, None),
        ({"batch": 3, "clip_norm": 0.05}, [3] * 4, 1),
        ({"batch": 3, "ema": 0.2}, [3] * 4, 1),
        ({"batch": 3, "ema": 0.999}, [3] * 4, 1),
    ],
)
def test_a_step_is_that_of_a_loop_by_hand(
    plates: Path,
    tmp_path: Path,
    fit_values: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, Any],
    sizes: list[int] | None,
    together: int | None,
) -> None:
    values = {
        **fit_values, "steps": 4, "validate_every": 100, "clip_norm": None, "ema": 0.0,
        "precision": "32", "accelerator": "cpu",
        "optimiser": {
            "name": "sgd", "learning_rate": RATE, "schedule": "constant", "warmup_steps": 0,
            "weight_decay": 0.0,
        },
        **changes,
    }  # fmt: skip
    chosen = parse_config({"task": "read", "settings": READ, "data": str(plates), "fit": values})
    task = MeanColour(Read.settings_type.model_validate(chosen.settings))
    monkeypatch.setattr(fit_module, "make_task", lambda *_: task)
    monkeypatch.setattr(fit_module, "_validation_items", lambda *_: ([], []))
    monkeypatch.setattr(task, "seen", [])
    fit(chosen, tmp_path / "run")
    made = [len(batch["inputs"]) for batch in task.seen]
    if sizes is None:
        together = len(made) // 4
        count = sum(made[:together])
        assert made == [*[5] * (count // 5), *([count % 5] if count % 5 else [])] * 4
        # Each step sees every plate once.
        for step in range(4):
            part = task.seen[step * together : (step + 1) * together]
            colours = {tuple(row.tolist()) for batch in part for row in batch["inputs"]}
            assert len(colours) == count
    else:
        assert made == sizes
    assert together is not None
    wanted = by_hand(task.seen, together, values["clip_norm"], values["ema"])
    last = load_file(tmp_path / "run" / "last.safetensors")
    for name, value in wanted.items():
        torch.testing.assert_close(last[name], value, rtol=0, atol=1e-6)
