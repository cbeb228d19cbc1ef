from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby, product

import numpy as np
import pytest
import torch

from seedbed.errors import InputError
from seedbed.sample import Clip
from seedbed.streams import stream
from seedbed.trainers.ctc_beam import PhraseTree, beam_search, text_log_prob
from seedbed.trainers.task import Outcome, make_task
from seedbed.trainers.transcribe import Transcribe, TranscribeSettings

TRANSCRIBE = "seedbed.trainers.transcribe:Transcribe"
PITCHES = {"a": 300.0, "b": 900.0, "c": 2200.0}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Networks this small only wait for further threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def collapsed(path: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(one for one, _ in groupby(path) if one != 0)


def by_brute_force(log_probs: np.ndarray) -> dict[tuple[int, ...], float]:
    """Every path through the lattice, added up by the text it gives."""
    steps, classes = log_probs.shape
    found: dict[tuple[int, ...], float] = {}
    for path in product(range(classes), repeat=steps):
        probability = float(np.exp(log_probs[np.arange(steps), list(path)].sum()))
        found[collapsed(path)] = found.get(collapsed(path), 0.0) + probability
    return found


@pytest.mark.parametrize("seed", range(5))
def test_beam_search_finds_what_all_paths_together_say(seed: int) -> None:
    probabilities = np.random.default_rng(seed).dirichlet([0.7] * 3, size=6)
    log_probs = np.log(probabilities)
    exact = by_brute_force(log_probs)
    found = beam_search(log_probs, width=1000)
    assert sum(np.exp(score) for _, score in found) == pytest.approx(1.0)
    for text, score in found:
        assert np.exp(score) == pytest.approx(exact[text])
        assert np.exp(text_log_prob(log_probs, text)) == pytest.approx(exact[text])
    best = max(exact, key=lambda text: exact[text])
    assert found[0][0] == best
    assert beam_search(log_probs, width=12)[0][0] == best


def test_the_best_text_is_not_that_of_the_best_path() -> None:
    # Blank, blank is the best path (0.36), but the paths a-, -a and aa make 0.64 for "a".
    log_probs = np.log(np.array([[0.6, 0.4], [0.6, 0.4]]))
    assert beam_search(log_probs, 4)[0] == ((1,), pytest.approx(np.log(0.64)))


def test_only_a_listed_phrase_comes_out() -> None:
    log_probs = np.log(np.random.default_rng(1).dirichlet([0.5] * 4, size=5))
    exact = by_brute_force(log_probs)
    listed = [(1, 1), (2, 3), (3,), (2, 2, 1)]
    found = beam_search(log_probs, 2, PhraseTree(listed))
    assert found[0][0] == max(listed, key=lambda text: exact[text])
    assert {text for text, _ in found} <= set(listed)
    # Seven steps would be needed for four equal letters.
    assert beam_search(log_probs, 2, PhraseTree([(1, 1, 1, 1)])) == []


def beeps(text: str, rng: np.random.Generator) -> Clip:
    """Each letter a tone of a tenth of a second, silence between them."""
    moments = np.arange(800) / 8000
    silence = np.zeros(240, dtype=np.float32)
    parts = [silence]
    for letter in text:
        hertz = PITCHES[letter] * rng.uniform(0.95, 1.05)
        parts += [np.sin(2 * np.pi * hertz * moments).astype(np.float32) * 0.3, silence]
    return Clip(sound=np.concatenate(parts), sample_rate=8000, transcript=text.upper())


def small(**settings: object) -> Transcribe:
    task = make_task(
        TRANSCRIBE,
        {
            "alphabet": "abc",
            "seconds": 0.8,
            "spectrogram": {"sample_rate": 8000, "mels": 16},
            "arch": "F8@3x3/2x1 > R > P1x4 > rows > F24@3 > R",
            "augmenters": [],
            **settings,
        },
    )
    assert isinstance(task, Transcribe)
    return task


def test_learns_to_write_down_beeps() -> None:
    task = small()
    rng = np.random.default_rng(0)
    texts = ["".join(rng.choice(list("abc"), rng.integers(1, 6))) for _ in range(40)]
    items = [item for text in texts for item in task.items(beeps(text, rng), text)]
    assert [item.text for item in items] == texts
    network = task.network(0)
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01)
    for step in range(120):
        draw = stream(0, "step", step)
        chosen = [items[int(draw.integers(len(items)))] for _ in range(8)]
        batch = task.collate([task.example(item, draw) for item in chosen])
        optimiser.zero_grad()
        losses = task.loss(network(batch["inputs"]), batch)
        assert losses["too_long"] == 0
        losses["loss"].backward()
        optimiser.step()
    network.eval()
    metrics = task.metrics(task.outcomes(network, items[:20]))
    assert metrics["cer"] < 0.05
    # Longer than any clip it has learnt from.
    clip = beeps("cabbacab", rng)
    assert task.write(network, [(clip.sound, 8000)])[0].text == "cabbacab"
    listed = small(beam=4, phrases=["acca", "cab", "bb"])
    assert listed.write(network, [(beeps("cab", rng).sound, 8000)])[0].text == "cab"
    assert listed.write(network, [(beeps("abc", rng).sound, 8000)])[0].text in ("acca", "cab", "bb")


def test_error_rates_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    task = Transcribe(TranscribeSettings())
    said = ["the cat sat", "one two", "seven"]
    written = ["the cat sat down", "won two", ""]
    items = [
        item
        for text in said
        for item in task.items(
            Clip(sound=np.ones(1600, dtype=np.float32), sample_rate=16000, transcript=text), text
        )
    ]

    def answers(self: object, network: object, clips: object) -> list[object]:
        from seedbed.trainers.transcribe import Transcript

        return [Transcript(text, 1.0) for text in written]

    monkeypatch.setattr(Transcribe, "write", answers)
    outcomes: list[Outcome] = task.outcomes(torch.nn.Identity(), items)
    metrics = task.metrics(outcomes)
    # Words: 1 too many of 3, 1 wrong of 2, 1 missing of 1.
    assert metrics["wer"] == pytest.approx(3 / 6)
    # Letters: " down" is 5 too many of 11; "one" becomes "won" by a w put in and the e left
    # out, 2 of 7; "seven" is 5 missing of 5.
    assert metrics["cer"] == pytest.approx(12 / 23)
    assert metrics["exact"] == 0.0


def test_what_cannot_be_learnt_is_said() -> None:
    task = small()
    rng = np.random.default_rng(0)
    assert task.items(Clip(sound=np.zeros(9, dtype=np.float32), sample_rate=8000), "x") == []
    spoken = beeps("abc", rng)
    wrong = Clip(sound=spoken.sound, sample_rate=8000, transcript="day 7")
    with pytest.raises(InputError, match="the alphabet lacks ' 7dy'"):
        task.items(wrong, "x")
    long = task.items(beeps("abcabcabc", rng), "clip 4")[0]
    with pytest.raises(InputError, match=r"clip 4 lasts 1\.2 s, longer than the setting `seconds`"):
        task.example(long, stream(0, "x"))
    with pytest.raises(InputError, match="phrases need a beam"):
        small(phrases=["ab"])
    with pytest.raises(InputError, match="'d', which the alphabet lacks"):
        small(phrases=["bad"], beam=4)
    with pytest.raises(InputError, match="must end in a sequence"):
        small(arch="F4@3x3").network(0)


def test_the_usual_network_is_small() -> None:
    task = Transcribe(TranscribeSettings(sequence="GRU32 both"))
    network = task.network(0)
    assert sum(weight.numel() for weight in network.parameters()) * 4 < 8e6
    assert network(task.example_input()).shape == (1, 200, 29)
