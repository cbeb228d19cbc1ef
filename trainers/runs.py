"""A run's folder, and the weights in it.

    runs/NAME/
      config.yaml        the configuration as resolved
      data.json          what it learnt from: datasets, hashes, seeds; where examples are made
      metrics.csv        step, name, value
      tensorboard/       the same for TensorBoard
      best.safetensors   weights with the best validation score
      last.safetensors   weights at the last checkpoint
      state.ckpt         all that going on needs: weights, optimiser, schedule
      result.json        steps, the best score and its step
      report.html        scores, worst cases, filters and curves

Weights are safetensors: numbers and a JSON header, nothing that runs when it is loaded.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from seedbed import __version__
from seedbed.errors import InputError
from seedbed.shards import write_whole
from seedbed.trainers.task import Task, make_task

CHECKPOINT_VERSION = 1


@dataclass(frozen=True)
class Trained:
    """A task with a network whose weights were loaded, in evaluation mode."""

    task: Task[Any, Any]
    network: nn.Module
    info: dict[str, Any]
    path: Path


def save_weights(
    path: Path, task: Task[Any, Any], state: dict[str, Tensor], info: dict[str, Any]
) -> None:
    """Write weights with all that is needed to build their network again, or not at all."""
    header = {
        "version": CHECKPOINT_VERSION,
        "seedbed": __version__,
        "task": task.name,
        "settings": task.settings.model_dump(mode="json"),
        "info": info,
    }
    tensors = {name: value.detach().cpu().contiguous().clone() for name, value in state.items()}
    write_whole(path, save(tensors, metadata={"seedbed": json.dumps(header)}))


def check_device(device: str) -> None:
    """Raise `InputError` for a device that torch does not know or does not find here."""
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(
            f"--device {device} is not to be had here ({str(error).splitlines()[0]}): give cpu."
        ) from error


def load_trained(where: str | Path, task_name: str | None = None, device: str = "cpu") -> Trained:
    """The network of a run's folder (its best weights) or of a `.safetensors` file, on `device`.

    Raises `InputError` where there is none, where it is damaged, where it was trained for
    another task than `task_name`, and for a device that is not there.
    """
    check_device(device)
    path = Path(where)
    if path.is_dir():
        best, last = path / "best.safetensors", path / "last.safetensors"
        path = best if best.is_file() else last
    if not path.is_file():
        raise InputError(
            f"{where} holds no trained network: give a run's folder or its best.safetensors."
        )
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads(file.metadata()["seedbed"])
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        name, settings = header["task"], header["settings"]
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} is not a checkpoint of seedbed: {error}") from error
    if header["version"] > CHECKPOINT_VERSION:
        raise InputError(f"{path} was written by a newer seedbed: upgrade to use it.")
    if task_name is not None and name != task_name:
        raise InputError(
            f"{path} was trained for the task {name!r}, but {task_name!r} is needed here: "
            f"give a run of that task."
        )
    task = make_task(name, settings, f"checkpoint {path}")
    network = task.network(0)
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        first = str(error).splitlines()[-1].strip()
        raise InputError(f"{path} does not fit the network it describes: {first}") from error
    network.eval().requires_grad_(False).to(device)
    channels_last(network)
    return Trained(task, network, header["info"], path)


def channels_last(network: nn.Module) -> None:
    """Keep a network's filters in the memory order that fast kernels want: channels last.

    Filters over two axes and over three have orders of their own, which `Module.to` does not tell
    apart.
    """
    orders = {4: torch.channels_last, 5: torch.channels_last_3d}
    for weight in network.parameters():
        if weight.dim() in orders:
            weight.data = weight.data.to(memory_format=orders[weight.dim()])
