"""The loop: Lightning runs it, with devices, precision, accumulation, clipping and resuming.

What is ours is what has to be exact. Examples are numbered: batch b of a run holds positions
b * size and on, each with a stream of its own, and torch's generator is seeded anew at every
step. So a run that was killed and resumed ends with the weights of one that was not.
"""

from __future__ import annotations

import copy
import json
import os
import re
import shutil
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import TensorBoardLogger
from torch import Tensor, nn
from torch.utils.data import DataLoader, Sampler

from seedbed.errors import InputError, SeedbedError
from seedbed.shards import write_whole
from seedbed.streams import derive_seed
from seedbed.trainers.config import FitSettings, TrainingConfig, as_json, load_config
from seedbed.trainers.device_examples import DrawnBatch, MadeOn, Painter, hold_on_device
from seedbed.trainers.examples import (
    DrawnExamples,
    Examples,
    FullPasses,
    Joined,
    Mixed,
    Positions,
    prepare_worker,
)
from seedbed.trainers.noise_scale import NoiseScale
from seedbed.trainers.optimisers import make_optimiser
from seedbed.trainers.regularise import (
    Regulariser,
    matching_layers,
    near_zero_activations,
    near_zero_weights,
)
from seedbed.trainers.run_log import MetricsTable, ProgressLine, is_helper
from seedbed.trainers.runs import channels_last, save_weights
from seedbed.trainers.sources import (
    HeldPool,
    Pool,
    check_kind,
    check_quads,
    held_items,
    make_pool,
    open_source,
)
from seedbed.trainers.task import Batch, Outcome, Task, make_task

VALIDATE_TOGETHER = 64
"""Items that a task is given at once in validation."""

LEARNT = ("state.ckpt", "best.safetensors", "last.safetensors")
"""Files of a run's folder that hold what it has learnt."""

RECORDS_LOOKED_AT = 16
"""Of a batch, when the share of activations that are near zero is measured."""

_EXPECTED_WARNINGS = (
    # Examples are made while the network trains; more workers would only take its cores.
    r".*does not have many workers.*",
    r".*number of training batches.*",
    r".*was configured so 1 will be used|.*GPU available but not used.*",
    r".*isinstance\(treespec, LeafSpec\).*",
    r".*`lr_scheduler\.step\(\)` before `optimizer\.step\(\)`.*",
    r".*tensorboardX.*",
    r".*Checkpoint directory .* exists and is not empty.*",
    r".*in eval mode at the start of training.*",
    r".*persistent_workers=True.*",
    # What torch.compile imports says so of itself.
    r".*torch\.jit\.script_method.*",
)

_NO_MEMORY = (
    "not enough memory",
    "can't allocate memory",
    # CUDA's own, where no tensor was asked for: pinning, a library's workspace.
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    # NumPy's, which torch cannot raise again as it is when a data worker met it.
    "MemoryError",
)
"""What an error says, other than by its kind, where memory is short."""


class _Loader(DataLoader[Any]):
    """Lightning takes a loader with a state for one that can go on, which `Positions` does."""

    running: Any = None

    def __iter__(self) -> Any:
        self.running = super().__iter__()
        return self.running

    def close(self) -> None:
        """End the workers, which would otherwise be waited for when Python ends."""
        if self.running is not None and self.num_workers:
            self.running._shutdown_workers()

    def state_dict(self) -> dict[str, Any]:
        """Empty: the number of the step says it all."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Nothing: the sampler was told where to start."""


@dataclass(frozen=True)
class RunLength:
    """How many steps a run has, of how many batches of which size."""

    steps: int
    accumulate: int
    size: int
    items: int
    full: bool


def run_length(fit: FitSettings, count: int, ranks: int, where: str) -> RunLength:
    """The length of a run over `count` items (0: endless). Raises `InputError`."""
    if fit.batch == "full":
        if not count:
            raise InputError(
                f"batch: full needs a dataset of a known size that fits in fit.memory_mib, which "
                f"{where} is not: give a number."
            )
        if ranks > 1:
            raise InputError("batch: full runs on one device: set fit.devices to 1.")
        size, accumulate = min(fit.chunk, count), -(-count // fit.chunk)
        a_step = count
    else:
        size, accumulate = fit.batch, fit.accumulate
        a_step = size * accumulate * ranks
    if fit.steps is not None:
        steps = fit.steps
    else:
        if not count:
            raise InputError(f"{where} is an endless stream: give fit.steps, not fit.epochs.")
        steps = max(1, round((fit.epochs or 1.0) * count / a_step))
    return RunLength(steps, accumulate, size, count, fit.batch == "full")


class Learner(lightning.LightningModule):
    """A task's network under Lightning, with the average of its weights beside it."""

    def __init__(self, task: Task[Any, Any], config: TrainingConfig, length: RunLength) -> None:
        super().__init__()
        self.task = task
        self.config = config
        self.length = length
        self.network = task.network(derive_seed(config.seed, "network") % 2**63)
        self.average: nn.Module | None = None
        if config.fit.ema:
            self.average = copy.deepcopy(self.network).requires_grad_(False).eval()
        self.regulariser: Regulariser | None = None
        if config.fit.regularise:
            self.regulariser = Regulariser(self.network, config.fit.regularise)
        self.noise = NoiseScale() if config.fit.noise_every else None
        self.latest: dict[str, Tensor] = {}
        self.records = torch.empty(0)
        self.painter: Painter | None = None

    def transfer_batch_to_device(
        self, batch: Any, device: torch.device, dataloader_idx: int
    ) -> Any:
        """The batch on the device: copied, or made there."""
        if self.painter is not None and isinstance(batch, DrawnBatch):
            return self.painter(batch)
        return super().transfer_batch_to_device(batch, device, dataloader_idx)

    def scored(self) -> nn.Module:
        """The network that is validated and kept: the average, where there is one."""
        return self.network if self.average is None else self.average

    def configure_optimizers(self) -> Any:
        """The optimiser with its schedule, a share of the rate at each step."""
        settings = self.config.fit.optimiser
        groups = getattr(self.network, "parameter_groups", None)
        parameters = groups() if callable(groups) else self.network.parameters()
        optimiser = make_optimiser(settings, parameters, fused=self.config.fit.precision != "16")
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimiser, lambda step: settings.share_at(step, self.length.steps)
        )
        return {
            "optimizer": optimiser,
            "lr_scheduler": {"scheduler": schedule, "interval": "step", "frequency": 1},
        }

    def configure_gradient_clipping(
        self, optimizer: Any, gradient_clip_val: Any = None, gradient_clip_algorithm: Any = None
    ) -> None:
        """Clip the norm of all gradients together."""
        # Lightning refuses to where an optimiser is fused, for the sake of fp16's scaled
        # gradients, which those optimisers never see here.
        if gradient_clip_val is not None:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), gradient_clip_val)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """The task's losses of a batch, in float32 whatever the network computes in."""
        inputs = batch["inputs"]
        outputs = self.network(inputs)
        # CTC and the focal loss add up thousands of small numbers, which bf16 would lose.
        with torch.autocast(inputs.device.type, enabled=False):
            if isinstance(outputs, Tensor):
                outputs = outputs.float()
            return self.task.loss(outputs, batch)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """The loss of one batch. Raises `SeedbedError` where it is no number."""
        step, fit = self.global_step, self.config.fit
        if self.noise is not None and step % fit.noise_every == 0:
            self._seed(batch_idx)
            self.noise.measure(self.network, self.losses, batch)
            if self.regulariser is not None:
                self.regulariser.penalty()
        # A step depends on its number alone, never on what ran before it.
        self._seed(batch_idx)
        losses = self.losses(batch)
        if self.regulariser is not None:
            losses["penalty"] = self.regulariser.penalty()
            self.records = batch["inputs"][:RECORDS_LOOKED_AT]
            losses["loss"] = losses["loss"] + losses["penalty"]
        loss = losses["loss"]
        self.latest = {name: value.detach() for name, value in losses.items()}
        # Asking a GPU for one number makes it wait, so it is asked less often.
        if loss.device.type == "cpu" or step % fit.log_every == 0:
            self.check_loss(step)
        if self.length.full:
            # Lightning divides by the number of chunks; the last one may be smaller.
            loss = loss * (len(batch["inputs"]) * self.length.accumulate / self.length.items)
        return loss

    def check_loss(self, step: int) -> None:
        """Raise `SeedbedError` where the latest loss is no number."""
        loss = self.latest.get("loss")
        if loss is not None and not torch.isfinite(loss):
            raise SeedbedError(
                f"the loss became {float(loss)} at step {step}: lower "
                f"fit.optimiser.learning_rate, lengthen fit.optimiser.warmup_steps or lower "
                f"fit.clip_norm."
            )

    def _seed(self, batch_idx: int) -> None:
        seed = derive_seed(self.config.seed, "step", batch_idx, self.global_rank)
        torch.manual_seed(seed % 2**63)

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """Step, then move the average towards the new weights."""
        super().optimizer_step(*args, **kwargs)
        if self.average is None:
            return
        # A short memory at first: the average of the first steps is of no use later.
        step = self.global_step
        keep = min(self.config.fit.ema, (1 + step) / (10 + step))
        with torch.no_grad():
            own = self.network.state_dict()
            averaged = self.average.state_dict()
            floats = [name for name, value in averaged.items() if value.is_floating_point()]
            torch._foreach_lerp_(
                [averaged[name] for name in floats], [own[name] for name in floats], 1 - keep
            )
            for name in averaged.keys() - set(floats):
                averaged[name].copy_(own[name])

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Leave out what going on does not need."""
        # The one thing that is no tensor and no number, and is not needed to go on.
        checkpoint.pop("hyper_parameters", None)


class Watch(Callback):
    """Validates, keeps the best and the last weights, and writes what is needed to go on."""

    def __init__(
        self,
        run: Path,
        task: Task[Any, Any],
        config: TrainingConfig,
        items: list[Any],
        on_validated: Callable[[int, dict[str, float]], None],
    ) -> None:
        self.run = run
        self.task = task
        self.config = config
        self.items = items
        self.on_validated = on_validated
        self.best: float | None = None
        self.best_step = 0
        self.misses = 0
        self.done_step = -1

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run has to know of the validations before."""
        return {
            "best": self.best,
            "best_step": self.best_step,
            "misses": self.misses,
            "goal": self.task.goal[0],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up what `state_dict` gave; a best score of another metric is none."""
        # Earlier versions did not say which it was: locate's was recall.
        before = "recall" if self.task.name == "locate" else self.task.goal[0]
        if state.get("goal", before) != self.task.goal[0]:
            return
        self.best, self.best_step = state["best"], state["best_step"]
        self.misses = state["misses"]

    def on_train_batch_end(self, trainer: Any, learner: Any, *_: Any) -> None:
        """After each optimiser step: validate, judge, write."""
        step = trainer.global_step
        if step == self.done_step or trainer.fit_loop._should_accumulate():
            return
        self.done_step = step
        fit = self.config.fit
        last = step >= learner.length.steps
        validates = bool(self.items) and (step % fit.validate_every == 0 or last)
        if validates or step % fit.checkpoint_every == 0 or last:
            # What is written is what a resumed run goes on from.
            learner.check_loss(step)
        if validates:
            if trainer.is_global_zero:
                self._validate(learner, step)
            trainer.strategy.barrier()
            self.misses = trainer.strategy.broadcast(self.misses)
            if fit.patience is not None and self.misses >= fit.patience:
                trainer.should_stop = True
        if step % fit.checkpoint_every == 0 or last or trainer.should_stop:
            if trainer.is_global_zero:
                state = learner.scored().state_dict()
                save_weights(self.run / "last.safetensors", self.task, state, {"step": step})
            trainer.save_checkpoint(self.run / "state.ckpt")

    def _validate(self, learner: Any, step: int) -> None:
        metrics = validate(self.task, learner.scored(), self.items)
        if learner.regulariser is not None:
            metrics.update(_near_zero(learner, self.config))
        self.on_validated(step, metrics)
        name, more_is_better = self.task.goal
        score = metrics.get(name, float("nan"))
        better = self.best is None or (score > self.best if more_is_better else score < self.best)
        if better and not np.isnan(score):
            self.best, self.best_step, self.misses = score, step, 0
            info = {"step": step, "validation": metrics}
            state = learner.scored().state_dict()
            save_weights(self.run / "best.safetensors", self.task, state, info)
        else:
            self.misses += 1


def _near_zero(learner: Learner, config: TrainingConfig) -> dict[str, float]:
    """Shares of numbers near zero: of all, and of the layers that a penalty names."""
    network = learner.network
    found: dict[str, float] = {}
    measured = {
        "weights": near_zero_weights(network),
        "activations": near_zero_activations(network, learner.records),
    }
    for on, shares in measured.items():
        if "all" in shares:
            found[f"near_zero_{on}"] = shares["all"]
    for penalty in config.fit.regularise:
        shares = measured[penalty.on]
        for pattern in () if penalty.layers == "all" else penalty.layers:
            for layer in matching_layers(network, pattern):
                for name, share in shares.items():
                    if name == layer or name.startswith(f"{layer}."):
                        found[f"near_zero_{penalty.on}/{name}"] = share
    return found


def validate(task: Task[Any, Any], network: nn.Module, items: list[Any]) -> dict[str, float]:
    """The task's quick metrics over items, and the slower ones where its goal is one of them.

    The network is left in the mode it was in.
    """
    outcomes = all_outcomes(task, network, items)
    metrics = dict(task.metrics(outcomes))
    if task.goal[0] not in metrics:
        metrics = {**metrics, **task.whole_set_metrics(outcomes)}
    return metrics


def all_outcomes(
    task: Task[Any, Any],
    network: nn.Module,
    items: list[Any],
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Outcome]:
    """The outcome of every item, in order, a part of them at a time."""
    was_training = network.training
    network.eval()
    outcomes: list[Outcome] = []
    try:
        for start in range(0, len(items), VALIDATE_TOGETHER):
            outcomes += task.outcomes(network, items[start : start + VALIDATE_TOGETHER])
            if on_progress is not None:
                on_progress(len(outcomes), len(items))
    finally:
        network.train(was_training)
    return outcomes


@dataclass(frozen=True)
class FitResult:
    """Where a run lies, how many steps it made, and its best validation score."""

    run: Path
    steps: int
    best_step: int
    best: float | None
    already_complete: bool


def fit(
    config: TrainingConfig,
    run: Path,
    say: Callable[[str], None] = lambda line: None,
    live: bool = False,
) -> FitResult:
    """Train as `config` says, into the folder `run`; go on where it stopped if it did.

    `say` gets plain lines; `live` shows a moving line on a terminal instead of some of them.
    Raises `InputError` where the folder belongs to another configuration or the data cannot
    teach the task, and `SeedbedError` for a loss that is no number or memory that is short.
    """
    task = make_task(config.task, config.settings)
    _ranks(config.fit)
    if is_helper():
        say, live = _nothing, False
    _open_run(config, run)
    state = run / "state.ckpt"
    done = _steps_done(state)
    with _in_sentences(config), _quiet():
        return _fit(config, task, run, done, say, live)


def _fit(
    config: TrainingConfig,
    task: Task[Any, Any],
    run: Path,
    done: int,
    say: Callable[[str], None],
    live: bool,
) -> FitResult:
    settings = config.fit
    where = ", ".join(config.data)
    pool, described = _training_pool(task, config, say)
    items, validation = _validation_items(task, config, say)
    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    table = MetricsTable(run / "metrics.csv", done)
    loggers: list[Any] = [table]
    if settings.tensorboard:
        loggers.append(_tensorboard(run, done))

    def validated(step: int, metrics: dict[str, float]) -> None:
        values = {f"validation/{name}": value for name, value in metrics.items()}
        for logger in loggers:
            logger.log_metrics(values, step)
        shown = ", ".join(f"{name} {value:.4g}" for name, value in list(metrics.items())[:3])
        say(f"step {step}: {shown}")

    ranks = _ranks(settings)
    length = run_length(settings, pool.count, ranks, where)
    if not is_helper():
        _note_data(run, {"data": described, "validation": validation})
    # A run that was killed after its last step has no result yet: it is taken up once more.
    if (run / "result.json").is_file():
        result = json.loads((run / "result.json").read_text(encoding="utf-8"))
        return FitResult(run, done, result["best_step"], result["best"], True)
    learner = Learner(task, config, length)
    trainer_options: dict[str, Any] = {
        "accelerator": settings.accelerator,
        "devices": ranks,
        "precision": _precision(settings, learner.network),
    }
    if settings.compile:
        _need_compiler()
        learner.network.compile()
    channels_last(learner)
    watch = Watch(run, task, config, items, validated)
    progress = ProgressLine(task.name, length.steps, settings.log_every, say, live)
    trainer = lightning.Trainer(
        max_steps=length.steps,
        max_epochs=1,
        accumulate_grad_batches=length.accumulate,
        gradient_clip_val=settings.clip_norm,
        limit_val_batches=0,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        num_sanity_val_steps=0,
        log_every_n_steps=settings.log_every,
        default_root_dir=run,
        logger=loggers,
        # Watched first: validating and writing is no waiting for data.
        callbacks=[watch, progress],
        **trainer_options,
    )
    start = done * length.accumulate
    sampler: Sampler[list[int]]
    if length.full:
        sampler = FullPasses(length.steps, length.items, length.size, start)
    else:
        sampler = Positions(
            length.steps * length.accumulate, length.size, start, trainer.global_rank, ranks
        )
    seed = derive_seed(config.seed, "data") % 2**63
    count = length.steps * length.accumulate * length.size * ranks
    device = trainer.strategy.root_device
    painter, why = hold_on_device(task, pool, settings, device, _made_on(run, done))
    learner.painter = painter
    _note_made_on(run, "cpu" if painter is None else "device", why)
    if device.type == "cuda" or painter is not None:
        say(f"examples are made on {'CPU cores' if painter is None else 'the device'}: {why}")
    examples: Examples | DrawnExamples
    if painter is None:
        examples = Examples(task, pool, seed, count)
    else:
        examples = DrawnExamples(painter.examples, pool, seed, count)
    loader = _Loader(
        examples,
        batch_sampler=sampler,
        collate_fn=task.collate if painter is None else DrawnBatch,
        num_workers=settings.workers,
        worker_init_fn=prepare_worker,
        pin_memory=device.type == "cuda" and painter is None,
        prefetch_factor=4 if settings.workers else None,
        # A forked child inherits locks of OpenCV's and torch's threads that nobody will open.
        multiprocessing_context="spawn" if settings.workers else None,
    )
    state = run / "state.ckpt"
    if done:
        say(f"resumed at step {done}/{length.steps}")
    try:
        trainer.fit(learner, loader, ckpt_path=str(state) if done else None, weights_only=True)
    finally:
        loader.close()
    if trainer.interrupted:
        raise KeyboardInterrupt
    result = {"steps": trainer.global_step, "best_step": watch.best_step, "best": watch.best}
    if trainer.is_global_zero:
        write_whole(run / "result.json", as_json(result).encode())
    return FitResult(run, trainer.global_step, watch.best_step, watch.best, False)


def _training_pool(
    task: Task[Any, Any], config: TrainingConfig, say: Callable[[str], None]
) -> tuple[Pool[Any], list[dict[str, Any]]]:
    pools, described = [], []
    for number, where in enumerate(config.data):
        source = open_source(where, config.split, derive_seed(config.seed, "stream") % 2**63)
        check_quads(task, source, where)
        described.append(source.described)
        seed = derive_seed(config.seed, "pool", number) % 2**63
        memory = config.fit.memory_mib / len(config.data)
        started = time.monotonic()
        pools.append(make_pool(task, source, seed, where, memory))
        if len(source):
            held = (
                "in memory"
                if isinstance(pools[-1], HeldPool)
                else "read again each time, which is slow: a fit.memory_mib over "
                f"{config.fit.memory_mib:g} would hold them"
            )
            seconds = time.monotonic() - started
            say(f"{where}: {pools[-1].count:,} items {held} ({seconds:.0f} s)")
    if config.fit.batch == "full":
        for where, pool in zip(config.data, pools, strict=True):
            if not isinstance(pool, HeldPool):
                raise InputError(
                    f"batch: full needs items that are held in memory, which those of {where} are "
                    f"not: raise fit.memory_mib ({config.fit.memory_mib:g}) where it is no stream, "
                    f"or give fit.batch a number."
                )
        return (pools[0] if len(pools) == 1 else Joined(pools)), described
    mixed = pools[0] if len(pools) == 1 else Mixed(pools, config.seed)
    return mixed, described


def _validation_items(
    task: Task[Any, Any], config: TrainingConfig, say: Callable[[str], None]
) -> tuple[list[Any], list[dict[str, Any]]]:
    items: list[Any] = []
    described = []
    wheres = config.validation or config.data
    each = max(1, config.fit.validate_on // len(wheres))
    for where in wheres:
        source = open_source(
            where, config.validation_split, derive_seed(config.seed, "stream") % 2**63
        )
        check_kind(task, source, where)
        check_quads(task, source, where)
        described.append(source.described)
        items += held_items(task, source, where, limit=each)
    say(f"validation: {len(items):,} items of {', '.join(wheres)}")
    return items, described


def _open_run(config: TrainingConfig, run: Path) -> None:
    """Make the run's folder, or check that it belongs to this configuration."""
    path = run / "config.yaml"
    if path.is_file():
        if load_config(str(path)) == config:
            return
        if any((run / name).is_file() for name in LEARNT):
            raise InputError(
                f"{run} holds a run with another configuration (see its config.yaml): give "
                f"another --run, or delete it."
            )
        # Nothing was learnt there: a mistake in the configuration ended it, and is mended now.
        (run / "data.json").unlink(missing_ok=True)
    elif run.is_dir() and any(run.iterdir()):
        raise InputError(f"{run} is not empty and is no run: give another --run.")
    run.mkdir(parents=True, exist_ok=True)
    write_whole(path, config.text().encode())


def _note_data(run: Path, described: dict[str, Any]) -> None:
    """Write what a run learns from, once. Raises `InputError` where it was something else."""
    path = run / "data.json"
    if not path.is_file():
        write_whole(path, as_json(described).encode())
        return
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
        changed = _changed(before, json.loads(as_json(described)))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} cannot be read ({error}): delete it if the data are as they were."
        ) from error
    if changed:
        raise InputError(
            f"{run} learnt from other data than there are now ({changed} has changed, see its "
            f"data.json): bring the data back, give another --run, or delete it."
        )


def _made_on(run: Path, done: int) -> MadeOn | None:
    """Where a run that goes on has made its examples; None for one that begins."""
    if not done:
        return None
    path = run / "data.json"
    noted = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    made_on: MadeOn = noted.get("examples", [{"made_on": "cpu"}])[0]["made_on"]
    return made_on


def _note_made_on(run: Path, made_on: MadeOn, why: str) -> None:
    """Write where a run makes its examples, and why there, beside what it learns from."""
    path = run / "data.json"
    if is_helper() or not path.is_file():
        return
    noted = json.loads(path.read_text(encoding="utf-8"))
    noted["examples"] = [{"made_on": made_on, "because": why}]
    write_whole(path, as_json(noted).encode())


def _changed(before: dict[str, Any], now: dict[str, Any]) -> str:
    """The first source and its key that differ; "" for none. A key that one lacks is no change."""
    for part in ("data", "validation"):
        if len(before[part]) != len(now[part]):
            return part
        for old, new in zip(before[part], now[part], strict=True):
            for key in old.keys() & new.keys():
                if old[key] != new[key]:
                    where = next(iter(new.values()))
                    return f"the {key} of {where}, split {new.get('split', part)},"
    return ""


def _steps_done(state: Path) -> int:
    if not state.is_file():
        return 0
    try:
        values = torch.load(state, map_location="cpu", weights_only=True, mmap=True)
        return int(values["global_step"])
    except (RuntimeError, LookupError, TypeError, OSError, ValueError, EOFError) as error:
        raise SeedbedError(
            f"{state} cannot be read ({error}): delete it to start the run again."
        ) from error
    except UnpicklingError as error:
        # torch's own words tell how to run what is in there.
        raise SeedbedError(
            f"{state} holds more than numbers, and is not loaded: delete it to start the run again."
        ) from error


def _tensorboard(run: Path, done: int) -> TensorBoardLogger:
    """TensorBoard's log; what a killed run wrote after its last checkpoint is purged."""
    later: dict[str, Any] = {"purge_step": done + 1} if done else {}
    return TensorBoardLogger(run, name="", version="tensorboard", **later)


def _ranks(settings: FitSettings) -> int:
    """Devices that train side by side; on a CPU, processes, where their number is given.

    Raises `InputError` for a GPU where there is none, and for more of them than there are.
    """
    there = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if settings.accelerator == "gpu" and not there:
        raise InputError(
            "fit.accelerator is gpu, and torch finds no GPU here: set it to auto or cpu."
        )
    asked = 0 if settings.devices == "auto" else settings.devices
    if settings.accelerator != "cpu" and there and asked > there:
        raise InputError(
            f"fit.devices is {asked}, and there are {there} GPUs: give {there} at most, or auto."
        )
    if settings.accelerator == "cpu" or not torch.cuda.is_available():
        return 1 if settings.devices == "auto" else settings.devices
    return torch.cuda.device_count() if settings.devices == "auto" else settings.devices


def _precision(settings: FitSettings, network: nn.Module) -> Any:
    gpu = settings.accelerator != "cpu" and torch.cuda.is_available()
    chosen = settings.precision
    if chosen == "auto":
        # On a CPU, torch 2.13's filters over time give NaN in bf16 now and then: 14 of 234 short
        # runs on the same films, and none of 267 in 32 bits.
        over_time = any(weight.dim() == 5 for weight in network.parameters())
        pays = torch.cuda.is_bf16_supported() if gpu else _cpu_computes_bf16() and not over_time
        chosen = "bf16" if pays else "32"
    return {"32": "32-true", "bf16": "bf16-mixed", "16": "16-mixed"}[chosen]


def _nothing(line: str) -> None:
    """Says a line to nobody."""


def _need_compiler() -> None:
    """Raise `InputError` where torch.compile would find no compiler."""
    compiler = os.environ.get("CXX", "g++")
    if shutil.which(compiler) is None:
        raise InputError(
            f"fit.compile needs a C++ compiler, and there is no {compiler}: install one "
            f"(apt-get install g++), or set fit.compile to false."
        )


def _cpu_computes_bf16() -> bool:
    """Whether the processor multiplies bf16 itself: elsewhere it is emulated, and slower."""
    if not hasattr(torch.cpu, "get_capabilities"):
        return False  # an older torch cannot tell
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


@contextmanager
def _in_sentences(config: TrainingConfig) -> Iterator[None]:
    """Memory that is short, and what went wrong in a data worker, as one sentence."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise _out_of_memory(config) from error
    except SeedbedError as error:
        sentence = _from_worker(str(error))
        if sentence is None:
            raise
        raise type(error)(sentence) from None
    except RuntimeError as error:
        text = str(error)
        sentence = _from_worker(text)
        if sentence is not None:
            raise SeedbedError(sentence) from None
        if "DataLoader worker" in text and ("exited unexpectedly" in text or "killed" in text):
            raise SeedbedError(
                f"a process that makes examples was ended from outside, most likely because "
                f"memory was short: lower fit.memory_mib ({config.fit.memory_mib:g}) or "
                f"fit.batch, or set fit.workers to 0."
            ) from error
        if any(words in text for words in _NO_MEMORY):
            raise _out_of_memory(config) from error
        raise


def _from_worker(text: str) -> str | None:
    """The sentence of an error that torch carried out of a data worker with its traceback."""
    if not text.startswith("Caught ") or "DataLoader worker" not in text.splitlines()[0]:
        return None
    found = re.findall(r"^seedbed\.errors\.\w+: (.*?)\Z", text, re.MULTILINE | re.DOTALL)
    return str(found[-1]).strip() if found else None


def _out_of_memory(config: TrainingConfig) -> SeedbedError:
    fit = config.fit
    instead = ""
    if fit.data_on == "device" or (fit.data_on == "auto" and torch.cuda.is_available()):
        instead = "; or set fit.data_on to cpu, which keeps items off the device"
    if fit.batch == "full":
        return SeedbedError(
            f"out of memory with fit.chunk {fit.chunk}: halve it; batch: full adds up the "
            f"gradients of chunks{instead}."
        )
    return SeedbedError(
        f"out of memory with fit.batch {fit.batch}: halve it and double fit.accumulate, "
        f"which gives about the same gradient{instead}."
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Lightning's advice that does not hold here off the screen."""
    import logging

    names = ("lightning.pytorch", "lightning.fabric", "lightning.pytorch.utilities.rank_zero")
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            for pattern in _EXPECTED_WARNINGS:
                warnings.filterwarnings("ignore", pattern)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
