"""Trains as `python ddp_witness.py CONFIG RUN` and notes what each rank saw and ended with."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from seedbed.trainers import fit as fit_module
from seedbed.trainers.config import load_config


def digest(array: Any) -> str:
    """A short hash of an array's bytes."""
    return hashlib.sha256(array.contiguous().numpy().tobytes()).hexdigest()[:12]


class Witness(fit_module.Learner):
    """A learner that keeps the hashes of its examples, and of its last weights."""

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        """Note the batch."""
        with (Path(sys.argv[2]).parent / f"rank{self.global_rank}.jsonl").open("a") as file:
            file.write(json.dumps([digest(one) for one in batch["inputs"]]) + "\n")
        return super().training_step(batch, batch_idx)

    def on_train_end(self) -> None:
        """Note the weights."""
        weights = {name: digest(value) for name, value in self.network.state_dict().items()}
        path = Path(sys.argv[2]).parent / f"weights{self.global_rank}.json"
        path.write_text(json.dumps(weights))


if __name__ == "__main__":
    fit_module.Learner = Witness  # type: ignore[misc]
    fit_module.fit(load_config(sys.argv[1]), Path(sys.argv[2]))
