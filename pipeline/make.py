"""Makes the samples of a recipe: generator, then augmenters, then the media's encoding.

A sample depends on (recipe, seed, split, index) and on nothing else. Every part has its
own stream: the generator's is `(split, index, "generator", attempt)`; an augmenter's is
`(split, index, "augmenter", name, n)` with n counting augmenters of that name, so that
putting another one before it moves nothing; the encoding's is `(split, index, "encoding")`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from seedbed.component import Augmenter, Component, Generator
from seedbed.encode import Encoding, encode, encoding_params
from seedbed.errors import SeedbedError
from seedbed.recipe import Recipe
from seedbed.sample import Sample
from seedbed.schema import Row, row_of
from seedbed.streams import stream

C = TypeVar("C", bound=Component)


@dataclass(frozen=True)
class _Line:
    """The components of one split."""

    generator: Generator[Any, Any]
    augmenters: tuple[tuple[str, int, Augmenter[Any, Any]], ...]

    def check_sizes(self) -> None:
        """Let augmenters check the size of the pictures they get, as far as it is known."""
        size = self.generator.picture_size()
        if size is None:
            return
        for _, _, augmenter in self.augmenters:
            if augmenter.probability == 0:
                continue
            augmenter.check_size(*size)
            if not augmenter.keeps_size:
                return

    def check_rates(self) -> None:
        """Let augmenters check the sample rate of the clips they get, as far as it is known."""
        rate = self.generator.sound_rate()
        if rate is None:
            return
        for _, _, augmenter in self.augmenters:
            if augmenter.probability == 0:
                continue
            augmenter.check_rate(rate)
            if not augmenter.keeps_rate:
                return


class Maker:
    """Makes, encodes and replays the samples of a recipe under one seed.

    Components are built once, when the maker is; `prepare` warms them. Raises `InputError`
    where the recipe has no seed.
    """

    def __init__(self, recipe: Recipe) -> None:
        if recipe.seed is None:
            raise SeedbedError(f"recipe {recipe.name}: has no seed: use `recipe.seeded(...)`.")
        self.recipe = recipe
        self.seed = recipe.seed
        self.encoding: Encoding = recipe.encoding_for()
        self._lines: dict[str, _Line] = {}
        self._components: list[Component] = []
        for split in recipe.splits:
            seen: Counter[str] = Counter()
            augmenters = []
            for name, augmenter in recipe.augmenters_for(split):
                augmenters.append((name, seen[name], self._shared(augmenter)))
                seen[name] += 1
            generator = self._shared(recipe.generator_for(split))
            self._lines[split] = _Line(generator, tuple(augmenters))

    def _shared(self, component: C) -> C:
        """The component made first among equals: splits share its caches."""
        for known in self._components:
            if known == component:
                return known
        self._components.append(component)
        return component

    def prepare(self) -> None:
        """Let every component check its files, sizes and rates, and warm its caches.

        Raises `InputError`, which names the recipe.
        """
        with self.recipe.named_in_errors():
            for line in self._lines.values():
                line.check_sizes()
                line.check_rates()
        self._each(lambda component: component.prepare(), "prepared")

    def try_out(self) -> None:
        """Let every component check what takes seconds. Raises `SeedbedError` as `prepare` does."""
        self._each(lambda component: component.try_out(), "tried out")

    def _each(self, check: Callable[[Component], None], done: str) -> None:
        for component in self._components:
            try:
                with self.recipe.named_in_errors():
                    check(component)
            except SeedbedError:
                raise
            except Exception as error:
                raise SeedbedError(
                    f"{type(component).__name__} could not be {done}: "
                    f"{type(error).__name__}: {error}"
                ) from error

    def make(self, split: str, index: int) -> Sample:
        """The sample at (split, index), augmented.

        Its `params` hold what was drawn: `generator`, `augmenters` (a list, None for one
        left out) and `encoding`. Raises `SeedbedError` naming generator, index and seed
        where the generator or an augmenter fails.
        """
        line = self._lines[split]
        with self._named(split, index):
            sample: Sample = line.generator.sample(self.seed, index, split)
            drawn: dict[str, Any] = {"generator": sample.params, "augmenters": []}
            for name, nth, augmenter in line.augmenters:
                rng = stream(self.seed, split, index, "augmenter", name, nth)
                sample, params = augmenter.augment(sample, rng)
                drawn["augmenters"].append(params)
        encoding = self.encoding.draw(stream(self.seed, split, index, "encoding"))
        drawn["encoding"] = encoding_params(encoding)
        made: Sample = replace(sample, params=drawn)
        return made

    def encode(self, sample: Sample, split: str, index: int) -> Row:
        """A made sample as one row of a dataset, media bytes included."""
        with self._named(split, index):
            media, suffix = encode(sample, sample.params["encoding"])
            return row_of(sample, split, index, media, suffix)

    def row(self, split: str, index: int) -> Row:
        """The row at (split, index)."""
        return self.encode(self.make(split, index), split, index)

    def replay(self, split: str, params: Mapping[str, Any]) -> Sample:
        """Render again from the `params` of a made sample; only `counts` of redraws differ."""
        line = self._lines[split]
        sample = line.generator.replay(params["generator"])
        for (_, _, augmenter), drawn in zip(line.augmenters, params["augmenters"], strict=True):
            sample = augmenter.replay(sample, drawn)
        replayed: Sample = replace(sample, params=dict(params))
        return replayed

    @contextmanager
    def _named(self, split: str, index: int) -> Iterator[None]:
        """Let any failure say which generator, sample and seed it came from, or which recipe."""
        try:
            with self.recipe.named_in_errors():
                yield
        except SeedbedError:
            raise
        except Exception as error:
            raise SeedbedError(
                f"generator {self.recipe.generator.name!r} failed at sample {index} of split "
                f"{split!r} with seed {self.seed}: {type(error).__name__}: {error}"
            ) from error
