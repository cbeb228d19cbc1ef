"""Carries out a campaign: builds, trains side by side, evaluates, and scores on real files.

    OUT/
      data/NAME/              the datasets
      configs/NAME.yaml       each run's configuration, as given to `seedbed train`
      runs/NAME/              the runs, with their reports
      logs/NAME.log           all that a training said
      predictions/*.jsonl     what was found in the real files, a row a file
      predictions/*.png       plates that were not read as labelled, as they were cut for reading
      steps.json              what is done, and how long it took
      scores.json, scores.md  the scores

What is done is not done again: datasets and runs go on where they stopped, and a score is kept
as long as weights and labels are the same.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import torch
from rich.console import Console

from seedbed.builder import build
from seedbed.dataset import Dataset
from seedbed.display import showing_progress
from seedbed.errors import WITH_MAKE, InputError
from seedbed.executors import default_workers
from seedbed.preview import write_picture
from seedbed.sample import Clip, Picture
from seedbed.shards import write_whole
from seedbed.trainers.campaign import TEST, Campaign, ScorePlan
from seedbed.trainers.config import TrainingConfig, as_json, load_config
from seedbed.trainers.evaluate import Evaluation, evaluate, evaluate_plates
from seedbed.trainers.listen import Listen
from seedbed.trainers.mistakes import plate_mistakes
from seedbed.trainers.pictures import PictureLabels
from seedbed.trainers.predict import PlateReader, ReadPlate
from seedbed.trainers.read import Read
from seedbed.trainers.report import write_report
from seedbed.trainers.runs import Trained, load_trained
from seedbed.trainers.scores import digit_scores, plate_counts, plate_scores
from seedbed.trainers.side_by_side import Job, run_side_by_side
from seedbed.trainers.sounds import SoundLabels, read_sound
from seedbed.trainers.sources import open_source

PLATES, DIGITS = "plates", "digits"
"""Folders of real files: each holds lists of labels (.jsonl) beside or above its files."""

MEGAPIXEL = 1_000_000
TIMED_PICTURES = 7
TIMED_CLIPS = 25

Progress = Callable[[int, int], None]


class Listener(Protocol):
    """Shows how a campaign goes."""

    console: Console

    def say(self, line: str) -> None:
        """A line that stays."""

    def training(self, name: str, line: str) -> None:
        """A line that the training `name` wrote."""

    def progress(self, what: str) -> Progress | None:
        """Shows how far a step is."""


@dataclass
class Ledger:
    """The steps that are done, each with what it depended on, its seconds and its result."""

    path: Path
    listener: Listener
    again: bool = False
    steps: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.path.is_file():
            try:
                self.steps = json.loads(self.path.read_text(encoding="utf-8"))
            except ValueError as error:
                raise InputError(f"{self.path} cannot be read ({error}): delete it.") from error

    def step(self, name: str, key: str, work: Callable[[], Any], files: Sequence[Path] = ()) -> Any:
        """The result of `work`, JSON-ready; of an earlier time where `key` was the same."""
        known = self.steps.get(name)
        if (
            known is not None
            and known["key"] == key
            and all(path.is_file() for path in files)
            and not self.again
        ):
            self.listener.say(f"{name}: already done")
            return known["result"]
        began = time.monotonic()
        result = work()
        self.note(name, time.monotonic() - began, key, result)
        return result

    def note(self, name: str, seconds: float, key: str = "", result: Any = None) -> None:
        """Write down a step that was done."""
        self.steps[name] = {"seconds": round(seconds, 2), "key": key, "result": result}
        write_whole(self.path, as_json(self.steps).encode())
        self.listener.say(f"{name}: {seconds:,.0f} s")


def prove(
    campaign: Campaign,
    out: Path,
    listener: Listener,
    real: Path | None = None,
    workers: int | None = None,
    again: bool = False,
) -> dict[str, Any]:
    """Carry out `campaign` in the folder `out`; its scores, as in `scores.json`.

    `real` holds real files, such as `plates/eu.jsonl` and `digits/digits.jsonl` beside theirs;
    `workers` are the processes at a time, by default one a core; `again` scores anew. Raises
    `InputError` before anything is begun where something is missing.
    """
    if campaign.needs_real and real is None:
        raise InputError(
            f"the campaign {campaign.name} scores on real files: give their folder with --real."
        )
    labels = real_labels(real, campaign, listener) if real is not None else {}
    workers = workers or default_workers()
    ledger = Ledger(out / "steps.json", listener, again)
    folders = {name: out / "data" / name for name in campaign.datasets}
    for name, folder in folders.items():
        _build(campaign, name, folder, workers, ledger)
    runs = {name: out / "runs" / name for name in campaign.runs}
    _train(campaign, folders, runs, out, workers, ledger)
    evaluated = {
        name: _evaluated(campaign, name, folders, run, ledger) for name, run in runs.items()
    }
    scores = {
        name: _scored(name, plan, campaign, folders, runs, labels, out, ledger)
        for name, plan in campaign.scores.items()
    }
    seconds = {name: step["seconds"] for name, step in ledger.steps.items()}
    values = {
        "campaign": campaign.name,
        "seed": campaign.seed,
        "runs": evaluated,
        "scores": scores,
        "seconds": seconds,
    }
    write_whole(out / "scores.json", as_json(values).encode())
    return values


def real_labels(real: Path, campaign: Campaign, listener: Listener) -> dict[str, dict[str, Path]]:
    """The lists of labels under `real` that the campaign can use, by kind and name.

    Raises `InputError` where there is no folder, or none of the kinds.
    """
    if not real.is_dir():
        raise InputError(f"--real {real}: there is no such folder.")
    wanted = {DIGITS if plan.listen else PLATES for plan in campaign.scores.values()}
    found = {
        kind: {path.stem: path for path in sorted((real / kind).glob("*.jsonl"))}
        for kind in sorted(wanted)
    }
    if wanted and not any(found.values()):
        places = " and ".join(f"{kind}/*.jsonl" for kind in sorted(wanted))
        raise InputError(f"--real {real}: it holds no labels; they are looked for in {places}.")
    for kind, lists in found.items():
        if not lists:
            listener.say(f"real {kind}: no {kind}/*.jsonl there, so they are not scored")
    return found


def _build(campaign: Campaign, name: str, folder: Path, workers: int, ledger: Ledger) -> None:
    with showing_progress(ledger.listener.console, name) as show:
        built = build(campaign.recipe_of(name), folder, workers=workers, on_progress=show)
    if built.already_complete:
        ledger.listener.say(f"build {name}: already done")
    else:
        ledger.note(f"build {name}", built.seconds)


def _train(
    campaign: Campaign,
    folders: Mapping[str, Path],
    runs: Mapping[str, Path],
    out: Path,
    workers: int,
    ledger: Ledger,
) -> None:
    """Train the runs that are not complete, as many at a time as there are workers."""
    jobs = []
    for name, run in runs.items():
        config = campaign.config_of(name, folders)
        if _is_complete(config, run, [folders[dataset] for dataset in campaign.runs[name].data]):
            ledger.listener.say(f"train {name}: already done")
            continue
        path = out / "configs" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, config.text().encode())
        command = [sys.executable, "-m", "seedbed.cli", "train", str(path), "--run", str(run)]
        jobs.append(Job(name, [*command, "--no-report"], out / "logs" / f"{name}.log"))
    if not jobs:
        return
    # Two runs on a core each learn more in a minute than one after the other on two.
    at_once = min(workers, len(jobs))
    threads = {"OMP_NUM_THREADS": str(max(1, workers // at_once))}
    jobs = [Job(job.name, job.command, job.log, threads) for job in jobs]
    run_side_by_side(
        jobs,
        at_once,
        ledger.listener.training,
        lambda name, seconds: ledger.note(f"train {name}", seconds),
    )


def _is_complete(config: TrainingConfig, run: Path, folders: Sequence[Path]) -> bool:
    """Whether a run is done. Raises `InputError` for one of other settings or other data."""
    if not (run / "config.yaml").is_file():
        return False
    if load_config(str(run / "config.yaml")) != config:
        raise InputError(
            f"{run} was trained by another configuration than the campaign's: delete it, or give "
            f"another --out."
        )
    if not (run / "result.json").is_file():
        return False
    learnt = json.loads((run / "data.json").read_text(encoding="utf-8"))["data"]
    hashes = [Dataset.open(folder).info["hash"] for folder in folders]
    if [source["hash"] for source in learnt] != hashes:
        raise InputError(
            f"{run} was trained on other data than lies in {folders[0].parent} now: delete it, or "
            f"give another --out{WITH_MAKE}."
        )
    return True


def _evaluated(
    campaign: Campaign, name: str, folders: Mapping[str, Path], run: Path, ledger: Ledger
) -> dict[str, Any]:
    """A run's metrics on the held-out split of each of its datasets, and its size."""
    trained = load_trained(run)
    datasets = {dataset: folders[dataset] for dataset in campaign.runs[name].data}
    hashes = [Dataset.open(folder).info["hash"] for folder in datasets.values()]
    key = _key(_file_hash(trained.path), *hashes, campaign.test_on)

    def work() -> dict[str, Any]:
        found = {
            dataset: evaluate(
                trained,
                open_source(str(folder), TEST, 0),
                dataset,
                campaign.test_on,
                ledger.listener.progress(f"evaluate {name} on {dataset}"),
            )
            for dataset, folder in datasets.items()
        }
        write_report(run, {f"{dataset} {TEST}": one for dataset, one in found.items()})
        return {dataset: _told(one) for dataset, one in found.items()}

    evaluations = ledger.step(f"evaluate {name}", key, work, [run / "report.html"])
    return {
        "task": trained.task.name,
        "goal": trained.task.goal[0],
        "megabytes": round(trained.path.stat().st_size / 1e6, 3),
        "held_out": evaluations,
    }


def _told(evaluation: Evaluation) -> dict[str, Any]:
    values = evaluation.values()
    return {key: values[key] for key in ("items", "metrics", "intervals_95")}


def _scored(
    name: str,
    plan: ScorePlan,
    campaign: Campaign,
    folders: Mapping[str, Path],
    runs: Mapping[str, Path],
    labels: Mapping[str, Mapping[str, Path]],
    out: Path,
    ledger: Ledger,
) -> dict[str, Any]:
    """The scores of runs that are used together: held out, real, and their speed."""
    first = campaign.runs[plan.runs[0]].data[0]
    source = open_source(str(folders[first]), TEST, 0)
    weights = _key(*(_file_hash(load_trained(runs[used]).path) for used in plan.runs))
    listener, scored = ledger.listener, dict[str, Any]()
    if plan.listen:
        trained = load_trained(runs[plan.listen], Listen.name)
        clips = [source.sample(index) for index in range(min(TIMED_CLIPS, len(source)))]
        scored["milliseconds_a_clip"] = ledger.step(
            f"time {name}", weights, lambda: round(1000 * seconds_a_clip(trained, clips), 2)
        )
    elif plan.locate:
        reader = PlateReader(runs[plan.locate], runs[plan.read])
        scored["held_out"] = ledger.step(
            f"evaluate {name} together",
            _key(weights, Dataset.open(folders[first]).info["hash"], campaign.test_on),
            lambda: _told(
                evaluate_plates(
                    reader, source, first, campaign.test_on, listener.progress(f"evaluate {name}")
                )
            ),
        )
        pictures = [source.sample(index) for index in range(min(TIMED_PICTURES, len(source)))]
        scored["seconds_a_picture"] = ledger.step(
            f"time {name}", weights, lambda: round(seconds_a_picture(reader, pictures), 4)
        )
    real: dict[str, Any] = {}
    for group, path in labels.get(DIGITS if plan.listen else PLATES, {}).items():
        rows = out / "predictions" / f"{name}-{group}.jsonl"
        show = listener.progress(f"predict {name} on {group}")

        def work(path: Path = path, rows: Path = rows, show: Progress | None = show) -> Any:
            if plan.listen:
                return score_digits(trained, path, rows, show)
            if plan.locate:
                return score_plates(reader, path, rows, show)
            return score_readings(load_trained(runs[plan.read], Read.name), path, rows, show)

        key = _key(weights, _file_hash(path))
        files = [rows] if plan.listen else [rows, rows.with_suffix(".png")]
        real[group] = ledger.step(f"score {name} on real {group}", key, work, files)
    if real:
        if not plan.listen:
            total = sum((Counter(counts) for counts in real.values()), Counter[str]())
            real = {group: plate_scores(counts) for group, counts in real.items()}
            real["all"] = plate_scores({key: total[key] for key in PLATE_SCORES})
        scored["real"] = real
    return scored


PLATE_SCORES = ("plates", "located", "top1", "top1_fold", "read_fold")


def score_plates(
    reader: PlateReader, labels: Path, out: Path, on_progress: Progress | None = None
) -> dict[str, int]:
    """Find and read the plates of all pictures in a list; rows go to `out`, their counts back.

    Rows are those of `seedbed predict plates`, with the pictures' names as in the list. What was
    not read as labelled goes to a sheet beside them, `out` with `.png` at its end.
    """
    return _score_pictures(lambda picture: reader(picture.image), labels, out, on_progress)


def score_readings(
    trained: Trained, labels: Path, out: Path, on_progress: Progress | None = None
) -> dict[str, int]:
    """`score_plates` for a reader alone, which is shown the labelled places."""
    task: Any = trained.task

    def read(picture: Picture) -> list[ReadPlate]:
        quads = [labelled.quad for labelled in picture.objects]
        readings = task.read(trained.network, [picture.image] * len(quads), quads)
        return [
            ReadPlate(quad, reading.text, reading.score, 1.0)
            for quad, reading in zip(quads, readings, strict=True)
        ]

    return _score_pictures(read, labels, out, on_progress)


def _score_pictures(
    read: Callable[[Picture], list[ReadPlate]],
    labels: Path,
    out: Path,
    on_progress: Progress | None,
) -> dict[str, int]:
    listed = PictureLabels.read(labels)
    rows = []
    for index in range(len(listed)):
        plates = read(listed.sample(index))
        rows.append({"image": listed.name(index), "plates": [plate.row() for plate in plates]})
        if on_progress is not None:
            on_progress(index + 1, len(listed))
    _write_rows(out, rows)
    write_picture(plate_mistakes(listed, rows)[0], out.with_suffix(".png"))
    return dict(plate_counts(listed.rows, rows))


def score_digits(
    trained: Trained, labels: Path, out: Path, on_progress: Progress | None = None
) -> dict[str, float]:
    """Hear all clips in a list; rows go to `out`, the percentages that were right come back."""
    listed = SoundLabels.read(labels)
    rows = []
    task: Any = trained.task
    for index in range(len(listed)):
        # A clip is less work than waking a second thread.
        with _one_thread():
            heard = task.hear(trained.network, [read_sound(listed.file(index))])[0]
        row = {"label": heard.label, "score": round(heard.score, 4)}
        rows.append({"audio": listed.name(index), **row})
        if on_progress is not None:
            on_progress(index + 1, len(listed))
    _write_rows(out, rows)
    return digit_scores(listed.rows, rows)


def _write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    write_whole(path, text.encode())


def seconds_a_picture(reader: PlateReader, samples: Sequence[Any]) -> float:
    """The median of the processor's seconds for a picture of 1 MP, on one core."""
    pictures = []
    for sample in samples:
        if isinstance(sample, Picture):
            height, width = sample.image.shape[:2]
            scale = (MEGAPIXEL / (height * width)) ** 0.5
            size = round(width * scale), round(height * scale)
            pictures.append(np.asarray(cv2.resize(sample.image, size), dtype=np.uint8))
    return _seconds([lambda picture=picture: reader(picture) for picture in pictures])  # type: ignore[misc]


def seconds_a_clip(trained: Trained, samples: Sequence[Any]) -> float:
    """The median of the processor's seconds for one clip, on one core."""
    hear: Any = trained.task
    clips = [(one.sound, one.sample_rate) for one in samples if isinstance(one, Clip)]
    return _seconds([lambda clip=clip: hear.hear(trained.network, [clip]) for clip in clips])  # type: ignore[misc]


def _seconds(calls: Sequence[Callable[[], Any]]) -> float:
    """The median of what calls take, each the better of two times."""
    with _one_thread():
        times = []
        for call in calls:
            both = []
            for _ in range(2):
                began = time.process_time()
                call()
                both.append(time.process_time() - began)
            times.append(min(both))
    return float(np.median(times))


@contextmanager
def _one_thread() -> Any:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _file_hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _key(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
