"""Tasks: what a network learns, from which labels, and how well it does.

A task turns samples into items (a picture and its plates, one plate, one clip), an item
into a training example with a jitter of its own, and a network's output into outcomes that
can be counted. The loop in `seedbed.trainers.fit` knows nothing else about it, so a new
task is one class and one entry point in the group `seedbed.tasks`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeAlias, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError
from torch import Tensor, nn

from seedbed import registry
from seedbed.errors import InputError
from seedbed.sample import Sample
from seedbed.streams import derive_seed

if TYPE_CHECKING:
    from seedbed.trainers.device_examples import DeviceExamples

Batch: TypeAlias = dict[str, Tensor]
"""Tensors by name, the first axis counting examples; `inputs` is what the network takes."""
Example: TypeAlias = dict[str, NDArray[Any]]
"""One example of a batch, without the first axis."""

MOST_CELLS = 8192
"""The most of an input's multiples, along an axis that is left open, which an export promises."""

I = TypeVar("I")  # noqa: E741 - an item
C = TypeVar("C", bound="TaskSettings")


class TaskSettings(BaseModel):
    """A task's own keys in a training configuration; all that its network depends on."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False
    )


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one item: measures to add up, and what a person wants to see of it.

    `error` ranks outcomes, largest worst. `slices` says which groups the item belongs to
    (`{"layout": "de", "width": "16-32 px"}`). `picture` is uint8 RGB, `caption` one line.
    `details` holds what a task's whole-set metrics need.
    """

    name: str
    error: float
    values: Mapping[str, float]
    slices: Mapping[str, str] = field(default_factory=dict)
    caption: str = ""
    picture: NDArray[np.uint8] | None = None
    details: Any = None


class Task(ABC, Generic[C, I]):
    """What a network learns: items, examples, a network, a loss, outcomes and metrics.

    `goal` names the metric that picks the best checkpoint, and whether more of it is better.
    `needs` completes the sentence "the task needs ..." for a dataset without the labels.
    `needs_quads` says that it learns from quads, which must lie exactly.
    """

    name: ClassVar[str]
    settings_type: ClassVar[type[TaskSettings]]
    sample_type: ClassVar[type[Sample]]
    needs: ClassVar[str]
    needs_quads: ClassVar[bool] = False
    goal: ClassVar[tuple[str, bool]]

    def __init__(self, settings: C) -> None:
        self.settings = settings

    @abstractmethod
    def items(self, sample: Any, name: str) -> list[I]:
        """What one sample teaches; empty where it lacks the labels.

        `name` names the sample in messages and outcomes. Raises `InputError` for a label the
        task's settings cannot hold, such as a letter outside the alphabet.
        """

    @abstractmethod
    def example(self, item: I, rng: np.random.Generator) -> Example:
        """One training example, jittered by `rng`; every example has the same shapes."""

    def device_examples(self) -> DeviceExamples[I, Any]:
        """What makes the same examples on a device, whole batches at a time.

        Raises `InputError`, with a reason and without a cure, where that cannot be done: here.
        """
        raise InputError(f"the task {self.name!r} makes its examples on CPU cores only")

    @abstractmethod
    def network(self, seed: int) -> nn.Module:
        """A new network whose first weights depend on `seed` alone."""

    @abstractmethod
    def loss(self, outputs: Any, batch: Batch) -> dict[str, Tensor]:
        """Scalars by name: `loss` is minimised, the others are logged."""

    @abstractmethod
    def outcomes(self, network: nn.Module, items: Sequence[I]) -> list[Outcome]:
        """What `network`, in evaluation mode, makes of each item, in order."""

    @abstractmethod
    def metrics(self, outcomes: Sequence[Outcome]) -> dict[str, float]:
        """Metrics by name; cheap, for the bootstrap calls it hundreds of times."""

    def whole_set_metrics(self, outcomes: Sequence[Outcome]) -> dict[str, float]:
        """Metrics that are slower, and resampled less often; none here."""
        return {}

    @property
    def classes(self) -> tuple[str, ...]:
        """What `confusion` tells apart; nothing here."""
        return ()

    def confusion(self, outcomes: Sequence[Outcome]) -> NDArray[np.int64]:
        """Items by their class (rows) and the one given to them (columns), as in `classes`."""
        return np.zeros((len(self.classes), len(self.classes)), dtype=np.int64)

    def collate(self, examples: Sequence[Example]) -> Batch:
        """Examples stacked along a new first axis."""
        return {
            key: torch.from_numpy(np.stack([example[key] for example in examples]))
            for key in examples[0]
        }

    def example_input(self) -> Tensor:
        """An input of batch size 1, for export and for counting."""
        raise InputError(f"the task {self.name!r} has no export.")

    def free_axes(self) -> dict[int, int]:
        """Axes of the input whose size an exported network leaves open, and of what multiples."""
        return {}

    def processing(self) -> dict[str, Any]:
        """JSON-ready words and numbers: what is done before and after an exported network."""
        return {}


@contextmanager
def seeded_weights(seed: int) -> Iterator[None]:
    """Weights that are made inside depend on `seed` alone; torch's own generator stays put."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(seed, "weights") % 2**63)
        yield


def task_class(name: str) -> type[Task[Any, Any]]:
    """The task of that name. Raises `InputError` for an unknown one."""
    cls = registry.resolve("tasks", name)
    if not (isinstance(cls, type) and issubclass(cls, Task)):
        raise InputError(f"{name!r} is not a task: it must subclass seedbed.trainers.task.Task.")
    return cls


def make_task(
    name: str, settings: Mapping[str, Any] | None = None, where: str = "task"
) -> Task[Any, Any]:
    """The task of that name with the given settings.

    `where` starts the message of the `InputError` for settings that are wrong.
    """
    cls = task_class(name)
    try:
        return cls(cls.settings_type.model_validate(dict(settings or {})))
    except ValidationError as error:
        raise InputError(f"{where}: {sentences(error)}") from error


def sentences(error: ValidationError) -> str:
    """Pydantic's complaints as one line: `key is wrong, got value; ...`."""
    complaints = []
    for detail in error.errors(include_url=False, include_context=False):
        key = ".".join(str(part) for part in detail["loc"]) or "it"
        message = detail["msg"].removeprefix("Value error, ")
        got = "" if detail["type"] == "missing" else f", got {detail['input']!r}"[:120]
        complaints.append(f"{key}: {message[:1].lower()}{message[1:]}{got}")
    return "; ".join(complaints)
