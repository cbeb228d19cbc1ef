"""Recipes: which generator, which augmenters, how many samples, which splits, which seed.

A recipe is a YAML file. Everything in it is checked before anything is made, and every
mistake is one sentence with the file, the dotted key and the value. A component's own
keys are the fields of its class, found through the registry. Relative paths inside a
recipe (folders of photographs, fonts) are relative to the folder seedbed is run in.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, field_validator
from pydantic_core import ErrorDetails

from seedbed import registry
from seedbed.component import Augmenter, Component, Generator
from seedbed.encode import Encoding, encoding_model
from seedbed.errors import InputError
from seedbed.named_files import file_names, named_file
from seedbed.presets import expand_presets
from seedbed.sample import Clip, Picture, Sample
from seedbed.streams import MAX_SEED
from seedbed.yaml_files import put_value, read_yaml

_CONFIG = ConfigDict(frozen=True, extra="forbid", strict=True)

SAMPLE_TYPES: dict[type[Sample], str] = {Picture: "picture", Clip: "clip"}
"""What a generator may make, and what the manifest calls it."""


class ComponentSpec(BaseModel):
    """A component's name and, as extra keys, its fields."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str = Field(description="an entry point's name, or package.module:Class")

    @property
    def fields(self) -> dict[str, Any]:
        """The component's own keys."""
        return dict(self.__pydantic_extra__ or {})


class Split(BaseModel):
    """One split: how many samples, and what differs from the recipe's own components."""

    model_config = _CONFIG

    count: int = Field(ge=1, description="how many samples")
    generator: dict[str, Any] = Field(
        default_factory=dict, description="generator keys that differ in this split"
    )
    augmenters: list[ComponentSpec] | None = Field(
        default=None, description="used instead of the recipe's augmenters"
    )


class Recipe(BaseModel):
    """A checked recipe; `load_recipe` and `parse_recipe` make one.

    Component fields are held with every default filled in, so that a recipe says all
    that its samples depend on.
    """

    model_config = _CONFIG

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="names the dataset")
    description: str = Field(default="", description="one paragraph for the dataset's card")
    seed: int | None = Field(
        default=None, ge=0, le=MAX_SEED, description="drawn and recorded where absent"
    )
    generator: ComponentSpec
    augmenters: list[ComponentSpec] = Field(default_factory=list)
    splits: dict[str, Split] = Field(min_length=1)
    encoding: dict[str, Any] = Field(default_factory=dict)
    shard_size: int = Field(default=250, ge=1, le=100_000, description="samples in one file")
    _where: str = PrivateAttr(default="")

    def __eq__(self, other: object) -> bool:
        """Recipes are equal by their values, wherever they were read."""
        return isinstance(other, Recipe) and self.values() == other.values()

    @property
    def where(self) -> str:
        """How messages begin: the file it was read from, or its name where there is none."""
        return self._where or f"recipe {self.name}"

    @contextmanager
    def named_in_errors(self) -> Iterator[None]:
        """Let an `InputError` say which recipe's fields it is about."""
        try:
            yield
        except InputError as error:
            if str(error).startswith(self.where):
                raise
            raise InputError(f"{self.where}: {error}") from error

    @field_validator("splits", mode="before")
    @classmethod
    def _counts_alone(cls, splits: Any) -> Any:
        if not isinstance(splits, Mapping):
            return splits
        return {
            name: {"count": split} if isinstance(split, int | float | str) else split
            for name, split in splits.items()
        }

    @field_validator("splits")
    @classmethod
    def _names(cls, splits: dict[str, Split]) -> dict[str, Split]:
        for name in splits:
            if not (name.isascii() and name.isidentifier()):
                raise ValueError(f"split names are letters, digits and underscores, not {name!r}")
        return splits

    @property
    def counts(self) -> dict[str, int]:
        """Samples by split."""
        return {name: split.count for name, split in self.splits.items()}

    @property
    def sample_type(self) -> type[Sample]:
        """`Picture` or `Clip`: what the generator makes."""
        made: type[Sample] = _component_class("generators", self.generator.name).sample_type
        return made

    @property
    def kind(self) -> str:
        """`"picture"` or `"clip"`: `sample_type` as the manifest calls it."""
        return kind_of(self.sample_type)

    def default_generator(self) -> Generator[Any, Any]:
        """The generator without any split's overrides."""
        return make_generator(self.generator.name, self.generator.fields)

    def generator_for(self, split: str) -> Generator[Any, Any]:
        """The generator of a split, its overrides applied."""
        values = {**self.generator.fields, **self.splits[split].generator}
        return make_generator(self.generator.name, values)

    def augmenters_for(self, split: str) -> list[tuple[str, Augmenter[Any, Any]]]:
        """The (name, augmenter) pairs of a split, in the order they act."""
        own = self.splits[split].augmenters
        return [
            (spec.name, _component_class("augmenters", spec.name).model_validate(spec.fields))
            for spec in (self.augmenters if own is None else own)
        ]

    def encoding_for(self) -> Encoding:
        """The encoding model of the generator's sample type."""
        return encoding_model(self.sample_type).model_validate(self.encoding)

    def components(self) -> Iterator[Component]:
        """Every component of every split once: where two splits share one, only its first."""
        seen: list[Component] = []
        for split in self.splits:
            for component in (
                self.generator_for(split),
                *(augmenter for _, augmenter in self.augmenters_for(split)),
            ):
                if component not in seen:
                    seen.append(component)
                    yield component

    def values(self) -> dict[str, Any]:
        """JSON-ready values that `parse_recipe` reads back as this recipe."""
        values = self.model_dump(mode="json", exclude_none=False)
        for name, split in self.splits.items():
            kept = {key: value for key, value in values["splits"][name].items() if value}
            if split.augmenters is not None:
                kept["augmenters"] = values["splits"][name]["augmenters"]
            values["splits"][name] = kept
        return values

    def recipe_hash(self) -> str:
        """A sha256 (hex) over everything but the seed that samples depend on.

        Counts and the shard size are left out: sample 7 of a split is the same however
        many follow it, and so a dataset can be extended.
        """
        values = self.values()
        overrides = {
            name: {key: value for key, value in split.items() if key != "count"}
            for name, split in values["splits"].items()
        }
        key = {
            "generator": values["generator"],
            "augmenters": values["augmenters"],
            "encoding": values["encoding"],
            "splits": {name: split for name, split in overrides.items() if split},
        }
        return hashlib.sha256(canonical_json(key).encode()).hexdigest()

    def scaled(self, count: int) -> Recipe:
        """This recipe with `count` samples in all, shared out as before: see `shared_out`."""
        counts = shared_out(self.counts, count)
        splits = {
            name: split.model_copy(update={"count": counts[name]})
            for name, split in self.splits.items()
        }
        return self.model_copy(update={"splits": splits})

    def seeded(self, seed: int) -> Recipe:
        """This recipe with another seed."""
        return self.model_copy(update={"seed": seed})


def shared_out(counts: Mapping[str, int], count: int) -> dict[str, int]:
    """`count` in all, split by split in proportion to `counts`, and at least 1 a split.

    Shares are rounded by largest remainder, so that they add up to `count` where it is at least
    the number of splits.
    """
    total = sum(counts.values())
    exact = {name: count * own / total for name, own in counts.items()}
    shares = {name: max(1, int(share)) for name, share in exact.items()}
    by_remainder = sorted(exact, key=lambda name: shares[name] - exact[name])
    for name in by_remainder[: max(0, count - sum(shares.values()))]:
        shares[name] += 1
    while sum(shares.values()) > max(count, len(shares)):
        shares[max(shares, key=lambda name: shares[name])] -= 1
    return shares


def kind_of(sample_type: type[Sample]) -> str:
    """`"picture"` or `"clip"`, subclasses included. Raises `ValueError` for anything else."""
    for known, kind in SAMPLE_TYPES.items():
        if issubclass(sample_type, known):
            return kind
    raise ValueError(f"{sample_type.__name__} is neither a Picture nor a Clip")


def canonical_json(values: Any) -> str:
    """JSON with sorted keys and no spaces: equal values give equal text."""
    return json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False)


def recipe_names() -> list[str]:
    """The recipes that come with seedbed."""
    return file_names("recipes")


def load_recipe(path_or_name: str | Path, overrides: Mapping[str, Any] | None = None) -> Recipe:
    """The recipe in a file, or the one of that name in `data/recipes/`.

    `overrides` are values by dotted key (`generator.layouts`). Raises `InputError` for a
    recipe that is missing, unreadable or wrong anywhere.
    """
    path = named_file(path_or_name, "recipes", "recipe")
    where = f"recipe {path.name}"
    if path.is_dir():
        raise InputError(f"{where}: {path} is a folder, not a recipe file.")
    values = read_yaml(path, where)
    if isinstance(values, dict):
        for key, value in (overrides or {}).items():
            put_value(values, key, value, where)
    return parse_recipe(values, where)


NOWHERE = "recipe"
"""How messages begin about a recipe that no file holds."""


def parse_recipe(values: Any, where: str = NOWHERE) -> Recipe:
    """Check a recipe's values, its components' fields included.

    `where` starts every message. Raises `InputError`, one sentence a mistake.
    """
    if not isinstance(values, Mapping):
        raise InputError(f"{where}: must hold keys such as name, generator and splits.")

    def check(key: str, name: str, fields: Mapping[str, Any]) -> None:
        _resolved(where, (key,), "augmenters", ComponentSpec(**{**fields, "name": name}))

    values = expand_presets(values, where, check)
    try:
        recipe = Recipe.model_validate(values)
    except ValidationError as error:
        raise _as_input_error(where, (), error, Recipe, values) from error
    generator = _resolved(where, ("generator",), "generators", recipe.generator)
    sample_type = _component_class("generators", generator.name).sample_type
    augmenters = _resolved_all(where, ("augmenters",), recipe.augmenters, sample_type, generator)
    splits = {}
    for name, split in recipe.splits.items():
        key = ("splits", name)
        merged = ComponentSpec(**{**generator.fields, **split.generator, "name": generator.name})
        if "name" in split.generator:
            raise InputError(f"{where}: splits.{name}.generator.name cannot differ between splits.")
        overrides = _resolved(where, (*key, "generator"), "generators", merged).fields
        own = split.augmenters
        if own is not None:
            own = _resolved_all(where, (*key, "augmenters"), own, sample_type, generator)
        kept = {field: overrides[field] for field in split.generator}
        splits[name] = split.model_copy(update={"generator": kept, "augmenters": own})
    model = encoding_model(sample_type)
    try:
        encoding = model.model_validate(recipe.encoding).model_dump(mode="json")
    except ValidationError as error:
        raise _as_input_error(where, ("encoding",), error, model, recipe.encoding) from error
    checked = recipe.model_copy(
        update={
            "generator": generator,
            "augmenters": augmenters,
            "splits": splits,
            "encoding": encoding,
        }
    )
    checked._where = where if where != NOWHERE else ""
    return checked


def make_generator(name: str, fields: Mapping[str, Any] | None = None) -> Generator[Any, Any]:
    """The generator of that name with the given fields.

    Raises `InputError` for an unknown name and pydantic's `ValidationError` for wrong fields.
    """
    generator: Generator[Any, Any] = _component_class("generators", name).model_validate(
        dict(fields or {})
    )
    return generator


def _component_class(group: str, name: str) -> Any:
    cls = registry.resolve(group, name)
    kind = {"generators": Generator, "augmenters": Augmenter}[group]
    if not (isinstance(cls, type) and issubclass(cls, kind)):
        raise InputError(
            f"{name!r} is not a {kind.__name__}: it must subclass seedbed.component's."
        )
    sample_type = getattr(cls, "sample_type", object)
    if not issubclass(sample_type, tuple(SAMPLE_TYPES)) or "name" in cls.model_fields:
        raise InputError(
            f"{name!r} is not usable: its class must set sample_type to Picture or Clip, and have "
            f"no field called name."
        )
    return cls


def _resolved(
    where: str, key: tuple[str | int, ...], group: str, spec: ComponentSpec
) -> ComponentSpec:
    """`spec` with every field checked and every default filled in."""
    try:
        cls = _component_class(group, spec.name)
    except InputError as error:
        raise InputError(f"{where}: {_dotted((*key, 'name'))}: {error}") from error
    try:
        component = cls.model_validate(spec.fields)
    except ValidationError as error:
        raise _as_input_error(where, key, error, cls, spec.fields) from error
    return ComponentSpec(**{**component.model_dump(mode="json"), "name": spec.name})


def _resolved_all(
    where: str,
    key: tuple[str | int, ...],
    specs: Sequence[ComponentSpec],
    sample_type: type[Sample],
    generator: ComponentSpec,
) -> list[ComponentSpec]:
    resolved = []
    for position, spec in enumerate(specs):
        own_key = (*key, position)
        resolved.append(_resolved(where, own_key, "augmenters", spec))
        wanted = _component_class("augmenters", spec.name).sample_type
        if not issubclass(sample_type, wanted):
            raise InputError(
                f"{where}: {_dotted(own_key)}: {spec.name!r} changes a {wanted.__name__}, but "
                f"the generator {generator.name!r} makes a {sample_type.__name__}."
            )
    return resolved


def _dotted(key: Sequence[str | int]) -> str:
    text = ""
    for part in key:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _as_input_error(
    where: str,
    key: tuple[str | int, ...],
    error: ValidationError,
    model: type[BaseModel],
    values: Any,
) -> InputError:
    """One sentence a wrong key; the alternatives of a union are joined by "or"."""
    complaints: dict[str, list[str]] = {}
    got: dict[str, str] = {}
    for detail in error.errors(include_url=False):
        path = _path_in(values, detail["loc"], detail["type"] in ("extra_forbidden", "missing"))
        dotted = _dotted((*key, *path)) or "it"
        complaint, shown = _complaint(detail, model, path)
        if complaint not in complaints.setdefault(dotted, []):
            complaints[dotted].append(complaint)
        got[dotted] = shown
    suggested = " ".join(text for found in complaints.values() for text in found)
    lines = [
        f"{where}: {dotted} {' or '.join(found)}{got[dotted]}"
        for dotted, found in complaints.items()
        if not _follows(dotted, found, complaints, suggested)
    ]
    return InputError("\n".join(lines))


def _follows(dotted: str, found: list[str], keys: Iterable[str], suggested: str) -> bool:
    """Whether a complaint only follows from another: a list is too short because its items
    were wrong, a key is missing because it was misspelt."""
    inside = any(key.startswith((f"{dotted}.", f"{dotted}[")) for key in keys)
    misspelt = f"did you mean {dotted.rpartition('.')[2]!r}?" in suggested
    return inside or (misspelt and found == [_MISSING])


def _path_in(
    values: Any, location: tuple[str | int, ...], names_a_key: bool
) -> tuple[str | int, ...]:
    """`location` without the names pydantic adds for the members of a union."""
    path: list[str | int] = []
    for step, part in enumerate(location):
        last = step == len(location) - 1
        in_mapping = isinstance(values, Mapping) and part in values
        in_list = isinstance(values, list | tuple) and isinstance(part, int) and part < len(values)
        if in_mapping or in_list:
            values = values[part]
        elif not (names_a_key and last):
            continue
        path.append(part)
    return tuple(path)


_MISSING = "is missing: add it"

_BOUNDS = {
    "greater_than": ("gt", ">"),
    "greater_than_equal": ("ge", ">="),
    "less_than": ("lt", "<"),
    "less_than_equal": ("le", "<="),
}


def _complaint(
    detail: ErrorDetails, model: type[BaseModel], path: tuple[str | int, ...]
) -> tuple[str, str]:
    """What is wrong, and `, got VALUE` where a value was given."""
    kind, context = detail["type"], detail.get("ctx", {})
    shown = f", got {_shown(detail['input'])}"
    if kind == "extra_forbidden":
        known = sorted(_known_keys(model, path[:-1]))
        near = registry.nearest(str(path[-1]), known)
        return f"is not a known key{near}{'' if near else ' (known: ' + ', '.join(known) + ')'}", ""
    if kind == "missing":
        return _MISSING, ""
    if kind in _BOUNDS:
        bound, sign = _BOUNDS[kind]
        limit = context[bound]
        whole = isinstance(limit, float) and limit.is_integer()
        return f"must be {sign} {int(limit) if whole else limit}", shown
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return "must hold keys and values", shown
    if kind == "value_error":
        text = str(context["error"])
        return f"is refused: {text}", "" if len(path) == 0 else shown
    message = detail["msg"]
    for start, instead in (
        ("Input should be a valid tuple", "must be a list"),
        ("Input should be a valid list", "must be a list"),
        ("Input should be", "must be"),
        ("Input should have", "must have"),
        ("String should", "must"),
        ("List should", "must"),
        ("Tuple should", "must"),
        ("Dictionary should", "must"),
    ):
        message = message.replace(start, instead)
    return message, shown


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _known_keys(model: type[BaseModel], path: tuple[str | int, ...]) -> set[str]:
    """The keys of the model that `path` leads to inside `model`."""
    for part in path:
        if isinstance(part, int) or part not in model.model_fields:
            continue
        inner = _inner_model(model.model_fields[part].annotation)
        if inner is not None:
            model = inner
    return set(model.model_fields) | ({"name"} if issubclass(model, Component) else set())


def _inner_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _inner_model(argument)
        if found is not None:
            return found
    return None
