"""How noisy the gradient is: what a larger batch would gain.

McCandlish and others 2018, "An empirical model of large-batch training": with G the true
gradient and S the trace of one example's covariance, the simple noise scale S / |G|^2 is
about the batch size up to which doubling the batch halves the steps. Both are estimated from
the gradients of a batch and of its halves (their appendix A.1), and averaged over steps.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from seedbed.trainers.task import Batch

KEEP = 0.9
"""Share of the running averages that is kept at each measure."""


def noise_estimates(
    small: float, large: float, small_size: int, large_size: int
) -> tuple[float, float]:
    """`(|G|^2, S)` from the mean squared norms of the gradients of batches of two sizes."""
    squared = (large_size * large - small_size * small) / (large_size - small_size)
    trace = (small - large) / (1 / small_size - 1 / large_size)
    return squared, trace


class NoiseScale(nn.Module):
    """Running averages of |G|^2 and S; they are saved and resumed with the network."""

    squared: Tensor
    trace: Tensor
    measures: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("squared", torch.zeros((), dtype=torch.float64))
        self.register_buffer("trace", torch.zeros((), dtype=torch.float64))
        self.register_buffer("measures", torch.zeros((), dtype=torch.int64))

    def measure(
        self, network: nn.Module, losses: Callable[[Batch], dict[str, Tensor]], batch: Batch
    ) -> None:
        """Add the estimate of one batch, at the cost of one more step without an update.

        Running statistics of norms are put back as they were. A batch of one tells nothing.
        """
        size = len(batch["inputs"])
        if size < 2:
            return
        half = size // 2
        weights = [weight for weight in network.parameters() if weight.requires_grad]
        kept = {name: value.clone() for name, value in network.named_buffers()}
        halves = []
        for part in (slice(0, half), slice(half, 2 * half)):
            loss = losses({key: value[part] for key, value in batch.items()})["loss"]
            gradients = torch.autograd.grad(loss, weights, allow_unused=True)
            halves.append([g.detach() for g in gradients if g is not None])
        for name, value in network.named_buffers():
            value.copy_(kept[name])
        small = sum(float(g.double().square().sum()) for part in halves for g in part) / 2
        large = sum(
            float(((one + other) / 2).double().square().sum())
            for one, other in zip(*halves, strict=True)
        )
        squared, trace = noise_estimates(small, large, half, 2 * half)
        first = int(self.measures) == 0
        self.squared.lerp_(torch.as_tensor(squared).to(self.squared), 1.0 if first else 1 - KEEP)
        self.trace.lerp_(torch.as_tensor(trace).to(self.trace), 1.0 if first else 1 - KEEP)
        self.measures += 1

    def value(self) -> float | None:
        """The noise scale in examples, or None where there is no estimate yet."""
        if int(self.measures) == 0 or float(self.squared) <= 0:
            return None
        return max(0.0, float(self.trace) / float(self.squared))
