"""A campaign: what to build, what to train on it and what to score, in one YAML file.

    datasets:
      scenes: {recipe: plates, n: 1500}
      near: {recipe: plates-near, n: {train: 6000, val: 300, test: 300}}
    runs:
      locate: {config: locate, data: [scenes], set: {fit.steps: 700}}
      read: {config: read, data: [near, scenes], set: {fit.steps: 900}}
    scores:
      plates: {locate: locate, read: read}

Recipes and configurations are names, or paths relative to the file. How it is carried out is
in `seedbed.trainers.prove`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from seedbed.errors import InputError
from seedbed.named_files import file_names, named_file
from seedbed.recipe import Recipe, load_recipe
from seedbed.registry import nearest
from seedbed.streams import MAX_SEED, derive_seed
from seedbed.trainers.config import TrainingConfig, load_config
from seedbed.trainers.task import sentences
from seedbed.yaml_files import read_yaml

_MODEL = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

TEST = "test"
"""The split that is held out: no run learns from it, and it chooses no checkpoint."""

SEED_RANGE = 2**32
"""Seeds of datasets stay below it, so that a person can type one."""


class DatasetPlan(BaseModel):
    """A recipe, how many samples of it, and values of its own by dotted key."""

    model_config = _MODEL

    recipe: str
    n: int | dict[str, int] | None = Field(
        default=None, description="samples in all, or by split; by default the recipe's own"
    )
    overrides: dict[str, Any] = Field(default_factory=dict, alias="set")

    @field_validator("n")
    @classmethod
    def _some(cls, n: int | dict[str, int] | None) -> int | dict[str, int] | None:
        counts = n.values() if isinstance(n, dict) else () if n is None else (n,)
        if any(count < 1 for count in counts):
            raise ValueError("must be at least 1")
        return n


class RunPlan(BaseModel):
    """A training configuration, the datasets it learns from, and values by dotted key."""

    model_config = _MODEL

    config: str
    data: tuple[str, ...] = Field(min_length=1)
    overrides: dict[str, Any] = Field(default_factory=dict, alias="set")


class ScorePlan(BaseModel):
    """Runs that are used together: a locator and a reader, or a listener.

    A reader without a locator reads what the labels' own boxes cut out.
    """

    model_config = _MODEL

    locate: str = ""
    read: str = ""
    listen: str = ""

    @model_validator(mode="after")
    def _one_kind(self) -> ScorePlan:
        if (bool(self.locate), bool(self.read), bool(self.listen)) not in (
            (True, True, False),
            (False, True, False),
            (False, False, True),
        ):
            raise ValueError("give locate and read, read alone, or listen")
        return self

    @property
    def runs(self) -> tuple[str, ...]:
        """The names of its runs."""
        return tuple(name for name in (self.locate, self.read, self.listen) if name)


class Campaign(BaseModel):
    """What `seedbed prove` carries out; `load_campaign` reads one."""

    model_config = _MODEL

    name: str = ""
    description: str = ""
    seed: int = Field(default=0, ge=0, le=MAX_SEED)
    needs_real: bool = Field(
        default=False, description="it makes no sense without real files to score on"
    )
    datasets: dict[str, DatasetPlan] = Field(min_length=1)
    runs: dict[str, RunPlan] = Field(min_length=1)
    scores: dict[str, ScorePlan] = Field(default_factory=dict)
    test_on: int = Field(
        default=400, ge=1, description="held-out samples that each run is evaluated on"
    )
    folder: Path = Field(default=Path(), description="what its paths are relative to", exclude=True)

    @field_validator("datasets", "runs", "scores")
    @classmethod
    def _plain_names(cls, named: dict[str, Any]) -> dict[str, Any]:
        for name in named:
            if not name.replace("-", "").replace("_", "").isalnum():
                raise ValueError(f"names are letters, digits, - and _, not {name!r}")
        return named

    def check(self) -> None:
        """Raise `InputError` for a name that stands for nothing or anything wrong behind one."""
        for name, run in self.runs.items():
            for dataset in run.data:
                self._known(f"runs.{name}.data", "dataset", dataset, list(self.datasets))
        for name, score in self.scores.items():
            for used in score.runs:
                self._known(f"scores.{name}", "run", used, list(self.runs))
        for dataset in self.datasets:
            splits = self.recipe_of(dataset).splits
            if TEST not in splits:
                raise InputError(
                    f"campaign {self.name}: datasets.{dataset}: its recipe needs a split "
                    f"{TEST!r} to score on (it has: {', '.join(splits)})."
                )
        folders = {dataset: Path(dataset) for dataset in self.datasets}
        tasks = {name: self.config_of(name, folders).task for name in self.runs}
        for name, score in self.scores.items():
            for task, used in (
                ("locate", score.locate),
                ("read", score.read),
                ("listen", score.listen),
            ):
                if used and tasks[used] != task:
                    raise InputError(
                        f"campaign {self.name}: scores.{name}.{task}: the run {used!r} is of the "
                        f"task {tasks[used]!r}."
                    )

    def _known(self, where: str, kind: str, name: str, known: list[str]) -> None:
        if name not in known:
            raise InputError(
                f"campaign {self.name}: {where}: there is no {kind} {name!r}{nearest(name, known)} "
                f"(known: {', '.join(known)})."
            )

    def recipe_of(self, dataset: str) -> Recipe:
        """The recipe of a dataset, with its counts, its changes and a seed of its own.

        Raises `InputError`.
        """
        plan = self.datasets[dataset]
        try:
            recipe = load_recipe(self._located(plan.recipe), plan.overrides)
        except InputError as error:
            raise InputError(f"campaign {self.name}: datasets.{dataset}: {error}") from error
        if isinstance(plan.n, int):
            recipe = recipe.scaled(plan.n)
        elif plan.n is not None:
            unknown = sorted(plan.n.keys() - recipe.splits.keys())
            if unknown:
                raise InputError(
                    f"campaign {self.name}: datasets.{dataset}.n: the recipe has no split "
                    f"{unknown[0]!r} (it has: {', '.join(recipe.splits)})."
                )
            splits = {
                name: split.model_copy(update={"count": plan.n.get(name, split.count)})
                for name, split in recipe.splits.items()
            }
            recipe = recipe.model_copy(update={"splits": splits})
        # Two recipes with one seed would draw the same texts on the same plates.
        return recipe.seeded(derive_seed(self.seed, "dataset", dataset) % SEED_RANGE)

    def config_of(self, run: str, folders: Mapping[str, Path]) -> TrainingConfig:
        """The configuration of a run on datasets that lie in `folders`. Raises `InputError`."""
        plan = self.runs[run]
        data = tuple(str(folders[dataset]) for dataset in plan.data)
        try:
            return load_config(
                self._located(plan.config), data, {"seed": self.seed, **plan.overrides}
            )
        except InputError as error:
            raise InputError(f"campaign {self.name}: runs.{run}: {error}") from error

    def _located(self, given: str) -> str:
        """A name as it is; a relative path as one from the campaign's own folder."""
        return str(self.folder / given) if given.endswith((".yaml", ".yml")) else given


def campaign_names() -> list[str]:
    """The campaigns that come with seedbed."""
    return file_names("proof")


def load_campaign(source: str, seed: int | None = None) -> Campaign:
    """The campaign in a file, or the one of that name in `data/proof/`; `seed` replaces its own.

    Every recipe and configuration it names is read, too. Raises `InputError`, one sentence, for
    anything that is wrong.
    """
    path = named_file(source, "proof", "campaign")
    where = f"campaign {path.name}"
    values = read_yaml(path, where)
    if not isinstance(values, dict):
        raise InputError(f"{where}: must hold keys such as datasets, runs and scores.")
    values = {"name": path.stem, **values, "folder": path.parent}
    if seed is not None:
        values["seed"] = seed
    try:
        campaign = Campaign.model_validate(values)
    except ValidationError as error:
        raise InputError(f"{where}: {sentences(error)}.") from error
    campaign.check()
    return campaign
