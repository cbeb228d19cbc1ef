"""A training configuration: which task, on what, and how the loop runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from seedbed.errors import InputError
from seedbed.named_files import file_names, named_file
from seedbed.streams import MAX_SEED
from seedbed.trainers.optimisers import OptimiserSettings
from seedbed.trainers.regularise import Penalty
from seedbed.trainers.task import make_task, sentences
from seedbed.yaml_files import dump_yaml, parse_yaml, put_value, read_yaml

_CONFIG = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False)


class FitSettings(BaseModel):
    """How the loop runs."""

    model_config = _CONFIG

    steps: int | None = Field(default=None, ge=1, description="optimiser steps; or give epochs")
    epochs: float | None = Field(default=None, gt=0, description="passes over the items")
    batch: int | Literal["full"] = Field(
        default=32, description="examples a step and device: 1, n, or full for all items"
    )
    chunk: int = Field(
        default=64, ge=1, description="examples at a time where batch is full: gradients add up"
    )
    accumulate: int = Field(default=1, ge=1, description="batches that make one step")
    optimiser: OptimiserSettings = OptimiserSettings()
    clip_norm: float | None = Field(default=5.0, gt=0, description="of all gradients together")
    ema: float = Field(
        default=0.998, ge=0, lt=1, description="decay of the averaged weights; 0 averages none"
    )
    validate_every: int = Field(default=250, ge=1, description="steps between validations")
    validate_on: int = Field(default=200, ge=1, description="samples of the validation split")
    patience: int | None = Field(
        default=None, ge=1, description="validations without a better score before the run stops"
    )
    checkpoint_every: int = Field(default=100, ge=1, description="steps between checkpoints")
    log_every: int = Field(default=20, ge=1, description="steps between rows of the metrics")
    regularise: tuple[Penalty, ...] = Field(
        default=(), description="penalties on weights or activations that are added to the loss"
    )
    noise_every: int = Field(
        default=0, ge=0, description="steps between measures of the gradient's noise; 0 for none"
    )
    accelerator: Literal["auto", "cpu", "gpu"] = "auto"
    devices: Annotated[int, Field(ge=1)] | Literal["auto"] = Field(
        default="auto", description="that train side by side, each a batch; on a CPU, processes"
    )
    precision: Literal["auto", "32", "bf16", "16"] = Field(
        default="auto",
        description="auto is bf16, mixed with 32, on a GPU or a CPU (AVX-512 bf16, AMX) that "
        "has it, else 32; filters over time stay in 32 on a CPU",
    )
    workers: int = Field(default=1, ge=0, description="processes that make examples")
    threads: int | None = Field(default=None, ge=1, description="of torch on the CPU")
    compile: bool = Field(default=False, description="run the network through torch.compile")
    memory_mib: float = Field(
        default=2048, gt=0, description="items are held in memory up to this size"
    )
    data_on: Literal["auto", "cpu", "device"] = Field(
        default="auto",
        description="where examples are made: by workers on CPU cores, or on the device that "
        "trains, where items are then held; auto is device on a GPU on which they fit",
    )
    device_memory_share: float = Field(
        default=0.5, gt=0, le=1, description="of a GPU's free memory, for items on the device"
    )
    tensorboard: bool = True

    @field_validator("batch")
    @classmethod
    def _positive(cls, batch: int | str) -> int | str:
        if isinstance(batch, int) and batch < 1:
            raise ValueError("must be at least 1, or full")
        return batch

    @model_validator(mode="after")
    def _length(self) -> FitSettings:
        if (self.steps is None) == (self.epochs is None):
            raise ValueError("give either steps or epochs")
        if self.batch == "full" and self.accumulate > 1:
            raise ValueError("accumulate has no meaning where batch is full")
        return self


class TrainingConfig(BaseModel):
    """What `seedbed train` reads from a YAML file, and keeps as resolved in the run's folder."""

    model_config = _CONFIG

    task: str
    settings: dict[str, Any] = Field(default_factory=dict, description="the task's own keys")
    data: tuple[str, ...] = Field(
        min_length=1, description="datasets, labels (.jsonl) or recipes; several are mixed"
    )
    split: str = "train"
    validation: tuple[str, ...] = Field(
        default=(), description="as data; by default the same ones, with validation_split"
    )
    validation_split: str = "val"
    seed: int = Field(default=0, ge=0, le=MAX_SEED)
    fit: FitSettings

    @field_validator("data", "validation", mode="before")
    @classmethod
    def _one_or_more(cls, given: Any) -> Any:
        return (given,) if isinstance(given, str) else given

    def resolved(self, where: str) -> TrainingConfig:
        """With every default of the task's settings filled in. Raises `InputError`."""
        task = make_task(self.task, self.settings, f"{where}: settings")
        return self.model_copy(update={"settings": task.settings.model_dump(mode="json")})

    def text(self) -> str:
        """As YAML that `load_config` reads back."""
        return dump_yaml(self.model_dump(mode="json"))


def config_names() -> list[str]:
    """The configurations that come with seedbed."""
    return file_names("training")


def load_config(
    source: str, data: tuple[str, ...] = (), overrides: Mapping[str, Any] | None = None
) -> TrainingConfig:
    """The configuration in a file, or the one of that name in `data/training/`.

    `data` replaces its data; `overrides` are values by dotted key (`fit.steps`). Raises
    `InputError`, one sentence, for anything that is wrong.
    """
    path = named_file(source, "training", "training configuration")
    where = f"configuration {path.name}"
    values = read_yaml(path, where)
    if not isinstance(values, dict):
        raise InputError(f"{where}: must hold keys such as task, data and fit.")
    if data:
        values["data"] = list(data)
    for key, value in (overrides or {}).items():
        put_value(values, key, value, "--set")
    fit = values.get("fit")
    # One of the two lengths given on the command line replaces the other in the file.
    if isinstance(fit, dict) and {"fit.steps", "fit.epochs"} & set(overrides or {}):
        for key in ("steps", "epochs"):
            if f"fit.{key}" not in (overrides or {}):
                fit.pop(key, None)
    return parse_config(values, where)


def parse_config(values: Mapping[str, Any], where: str = "configuration") -> TrainingConfig:
    """Check a configuration's values, its task's settings included. Raises `InputError`."""
    try:
        config = TrainingConfig.model_validate(dict(values))
    except ValidationError as error:
        raise InputError(f"{where}: {sentences(error)}") from error
    return config.resolved(where)


def parse_overrides(pairs: tuple[str, ...]) -> dict[str, Any]:
    """`("fit.steps=100",)` as values by dotted key, each value read as YAML."""
    overrides = {}
    for pair in pairs:
        key, separator, text = pair.partition("=")
        if not separator or not key:
            raise InputError(f"--set takes KEY=VALUE, such as fit.steps=500, got {pair!r}.")
        overrides[key.strip()] = parse_yaml(text, f"--set {key}")
    return overrides


def as_json(values: Any) -> str:
    """Indented JSON with a newline at its end."""
    return json.dumps(values, indent=2, ensure_ascii=False) + "\n"
