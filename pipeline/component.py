"""The two kinds of component a recipe is made of: generators and augmenters.

Both draw first and act afterwards. `draw` takes every random decision and returns a
frozen dataclass; `render` and `apply` are deterministic, so that stored parameters are
enough to make the same sample again. A component is a frozen pydantic model: its fields
are its recipe keys, checked when it is built.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from seedbed.errors import InputError, Rejected, SeedbedError
from seedbed.sample import Sample
from seedbed.streams import chance, stream

S = TypeVar("S", bound=Sample)
P = TypeVar("P")

MAX_TRIES = 20
"""Draws of one sample, the first included, before its generator is declared unable to make it."""


_ADAPTERS: dict[type[Any], TypeAdapter[Any]] = {}
"""One adapter a parameter class: building one costs milliseconds."""


def _adapter(params_type: type[Any]) -> TypeAdapter[Any]:
    if params_type not in _ADAPTERS:
        _ADAPTERS[params_type] = TypeAdapter(params_type)
    return _ADAPTERS[params_type]


def dump_params(params: Any) -> Any:
    """A drawn dataclass as JSON-ready values; floats survive the round trip exactly."""
    return _adapter(type(params)).dump_python(params, mode="json")


def load_params(params_type: type[P], values: Any) -> P:
    """The dataclass that `dump_params` wrote. Raises pydantic's `ValidationError`."""
    loaded: P = _adapter(params_type).validate_json(json.dumps(values))
    return loaded


class Component(BaseModel):
    """A named part of a recipe whose fields are its recipe keys."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False
    )

    def prepare(self) -> None:
        """Check what can be known before a build (fonts, folders, voices) and warm caches.

        Called once before planning, and once in each worker. Raises `InputError`.
        """

    def try_out(self) -> None:
        """Check what takes seconds, such as whether each voice does as it is told.

        Called once a build, after `prepare`, in the process that leads it: previews, streams and
        workers do without. Raises `SeedbedError`.
        """

    def depends_on(self) -> tuple[str, ...]:
        """Names of installed packages whose version decides a sample's bytes.

        Their versions are recorded, "absent" for one that is not there, and a build is not
        continued with others. numpy, opencv, pillow and seedbed are recorded anyway.
        """
        return ()

    def file_digests(self) -> Mapping[str, str]:
        """What the user's own files hold that decide a sample's bytes: a digest by name.

        Digests are recorded and compared as versions are, so that a build whose layouts,
        fonts, photographs, phrases or sounds were changed is not continued. Raises `InputError`.
        """
        return {}

    def notes(self) -> tuple[str, ...]:
        """Sentences for the dataset's manifest and card, such as a promise not kept."""
        return ()


class Generator(Component, ABC, Generic[P, S]):
    """Draws the parameters of one sample and renders it, labels included."""

    params_type: ClassVar[type[Any]]
    sample_type: ClassVar[type[Sample]]

    @abstractmethod
    def draw(self, rng: np.random.Generator) -> P:
        """Decide everything about one sample. May raise `Rejected` to be asked again."""

    @abstractmethod
    def render(self, params: P) -> S:
        """Make the sample `params` describes: no randomness but seeds stored in `params`."""

    def sample(self, seed: int, index: int = 0, split: str = "train") -> S:
        """The sample at (seed, split, index), alone and without augmenters.

        Draws again where a draw is `Rejected`, `MAX_TRIES` times in all; each rejection is
        counted in the sample's `counts` as `redrawn:REASON`. Raises `SeedbedError` with
        the reasons where every try was rejected.
        """
        reasons: dict[str, int] = {}
        for attempt in range(MAX_TRIES):
            rng = stream(seed, split, index, "generator", attempt)
            try:
                params = self.draw(rng)
                sample = self.render(params)
            except Rejected as rejection:
                key = f"redrawn:{rejection.reason}"
                reasons[key] = reasons.get(key, 0) + 1
                continue
            counts = {**sample.counts, **reasons}
            return replace(sample, params=dump_params(params), counts=counts)
        listed = ", ".join(f"{key.removeprefix('redrawn:')} {n}x" for key, n in reasons.items())
        raise SeedbedError(
            f"{type(self).__name__} could not make sample {index} of split {split!r} with seed "
            f"{seed}: {MAX_TRIES} draws were rejected "
            f"({listed}); widen the ranges in the recipe."
        )

    def replay(self, params: Any) -> S:
        """Render again from parameters as `dump_params` wrote them."""
        return self.render(load_params(self.params_type, params))

    def picture_size(self) -> tuple[int, int] | None:
        """(height, width) in pixels of every picture it makes; None where that is not fixed."""
        return None

    def sound_rate(self) -> int | None:
        """Hertz of every clip it makes, its field `sample_rate`; None where it has none."""
        rate = getattr(self, "sample_rate", None)
        return rate if isinstance(rate, int) else None

    def layout_sheet(self) -> NDArray[np.uint8]:
        """All the layouts this generator knows on one RGB picture, for `seedbed preview`.

        Raises `InputError` here: a generator that has layouts overrides it.
        """
        raise InputError(f"{type(self).__name__} has no layouts to show.")

    def __call__(self, seed: int) -> S:
        """The first sample under `seed`."""
        return self.sample(seed)

    def samples(self, seed: int, count: int, start: int = 0, split: str = "train") -> Iterator[S]:
        """The samples `start` to `start + count` of a split, one after the other."""
        for index in range(start, start + count):
            yield self.sample(seed, index, split)

    def dataset(self, length: int, seed: int, split: str = "train") -> GeneratorDataset[P, S]:
        """A map-style dataset: `torch.utils.data.DataLoader` takes it as it is."""
        return GeneratorDataset(self, length, seed, split)


@dataclass(frozen=True)
class GeneratorDataset(Generic[P, S]):
    """`length` samples of a generator by index, for `torch.utils.data.DataLoader`.

    It needs no torch itself, and any worker may ask for any index in any order.
    """

    generator: Generator[P, S]
    length: int
    seed: int
    split: str = "train"

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> S:
        if not 0 <= index < self.length:
            raise IndexError(f"index must be between 0 and {self.length - 1}, got {index}")
        return self.generator.sample(self.seed, index, self.split)


class Augmenter(Component, ABC, Generic[P, S]):
    """Changes a sample the way a camera, a room or a channel would, and keeps labels true."""

    params_type: ClassVar[type[Any]]
    sample_type: ClassVar[type[Sample]]

    keeps_size: ClassVar[bool] = False
    """Whether a picture always has the same height and width afterwards."""
    keeps_rate: ClassVar[bool] = False
    """Whether a clip always has the same sample rate afterwards."""

    probability: float = Field(default=1.0, ge=0.0, le=1.0)

    def check_size(self, height: int, width: int) -> None:
        """Check, before a build, that it can change pictures of that size in pixels.

        Asked only where the size is known: the generator's is fixed, and no augmenter before
        this one changes it. Raises `InputError`, with both sizes.
        """

    def check_rate(self, sample_rate: int) -> None:
        """Check, before a build, that it can change clips of that rate in hertz.

        Asked only where the rate is known: the generator's is fixed, and no augmenter before
        this one changes it. Raises `InputError`, naming the file and both rates.
        """

    @abstractmethod
    def draw(self, sample: S, rng: np.random.Generator) -> P:
        """Decide how to change `sample`, which is read for its size and labels only."""

    @abstractmethod
    def apply(self, sample: S, params: P) -> S:
        """The changed sample, labels included; `sample` itself stays as it was."""

    def __call__(self, sample: S, rng: np.random.Generator) -> S:
        """Draw and apply, with the recipe's probability."""
        return self.augment(sample, rng)[0]

    def augment(self, sample: S, rng: np.random.Generator) -> tuple[S, Any]:
        """As `__call__`, and what was drawn, JSON-ready, or None where it was left out."""
        if not chance(rng, self.probability):
            return sample, None
        params = self.draw(sample, rng)
        return self.apply(sample, params), dump_params(params)

    def replay(self, sample: S, params: Any) -> S:
        """Apply what `augment` returned, None included, to the same sample again."""
        if params is None:
            return sample
        return self.apply(sample, load_params(self.params_type, params))
