"""What networks end in: one of some classes, or a letter at each step."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from seedbed.errors import InputError
from seedbed.trainers.conv import build
from seedbed.trainers.conv.network import Network
from seedbed.trainers.task import Batch


def class_head(features: Network, classes: int, task: str) -> nn.Linear:
    """The last layer onto so many classes. Raises `InputError` where `features` end in no vector.

    `task` starts the message.
    """
    if len(features.output_shape) != 1:
        raise InputError(
            f"{task}: the setting `arch` must end in a vector, not in the shape "
            f"{features.output_shape}: add gap or flatten at its end."
        )
    return nn.Linear(features.output_shape[0], classes)


def class_losses(outputs: Tensor, batch: Batch, smoothing: float) -> dict[str, Tensor]:
    """Cross-entropy of logits (batch, classes), and the share of `targets` that were right."""
    targets = batch["targets"]
    return {
        "loss": functional.cross_entropy(outputs.float(), targets, label_smoothing=smoothing),
        "accuracy": (outputs.argmax(dim=1) == targets).float().mean(),
    }


class LetterNetwork(nn.Module):
    """Features with steps, a recurrent top where one is asked for, and logits at each step."""

    def __init__(
        self, features: Network, shape: tuple[int, int], sequence: str, classes: int, seed: int
    ) -> None:
        """`shape` is the (steps, channels) that the features become, `sequence` an arch line."""
        super().__init__()
        self.features = features
        self.sequence: Network | None = None
        if sequence:
            self.sequence = build(sequence, shape, "channels_last", seed=seed + 1)
            shape = self.sequence.output_shape[0], self.sequence.output_shape[1]
        self.steps = shape[0]
        self.head = nn.Linear(shape[1], classes)

    def letters(self, x: torch.Tensor) -> Tensor:
        """Logits (batch, steps, classes) of features of shape (batch, steps, channels)."""
        if self.sequence is not None:
            x = self.sequence(x)
        logits: Tensor = self.head(x)
        return logits
