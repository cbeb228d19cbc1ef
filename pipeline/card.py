"""The dataset's card: a README that people read, and whose header Hugging Face reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from seedbed.recipe import Recipe
from seedbed.yaml_files import dump_yaml

_SIZES = (("n<1K", 10**3), ("1K<n<10K", 10**4), ("10K<n<100K", 10**5), ("100K<n<1M", 10**6))
"""https://huggingface.co/docs/hub/datasets-cards: the names a card may give its size."""

_COLUMNS = {
    "picture": (
        ("image", "the picture, JPEG or PNG"),
        ("width, height", "its size in pixels"),
        (
            "objects",
            "what is labelled: `category`, `bbox` [x, y, width, height], `quad` (4 corners "
            "clockwise from the text's top left), `polygon` (x and y in turn, inside the frame), "
            "`text`, `text_plain` (without separators), `layout`, `region`, `line_count`, "
            "`occlusion` (0 to 1), `legible`, `illegible_reason`, `attributes` (JSON) and "
            "`characters` (`text`, `quad`, `bbox`, `visible` 0 to 1)",
        ),
    ),
    "clip": (
        ("audio", "the sound, FLAC or WAV, mono"),
        ("sample_rate, duration", "in hertz and seconds"),
        ("transcript, transcript_normalised", "what is said, as written and as spoken"),
        ("label", "the keyword class, empty where there is none"),
        ("language, engine, voice", "who speaks"),
        ("phonemes, words", "`text`, `start` and `end` in seconds"),
        ("keyword_span", "when the keyword sounds, [start, end] in seconds, or null"),
        ("attributes", "prosody as realised, or as requested where an engine does not tell (JSON)"),
    ),
}


def loading_lines(folder: str, splits: Iterable[str]) -> dict[str, str]:
    """The exact lines that load a dataset in PyTorch, Hugging Face `datasets` and pandas."""
    splits = list(splits)
    files = ", ".join(f'"{split}": "{folder}/shards/{split}-*.parquet"' for split in splits)
    split = splits[0]
    return {
        "PyTorch": (
            "from seedbed import Dataset\n"
            "from torch.utils.data import DataLoader\n"
            f'samples = Dataset.open("{folder}").samples("{split}")\n'
            "loader = DataLoader(samples, batch_size=None, shuffle=True, num_workers=2)"
        ),
        "Hugging Face datasets": (
            "from datasets import load_dataset\n"
            f'data = load_dataset("parquet", data_files={{{files}}})'
        ),
        "pandas": (
            "import pandas\n"
            f'table = pandas.read_parquet("{folder}/shards", '
            f'filters=[("split", "==", "{split}")])'
        ),
    }


def card_text(recipe: Recipe, info: Mapping[str, Any]) -> str:
    """`README.md` of a dataset, from its recipe and the values of its `dataset.json`."""
    size = next((name for name, limit in _SIZES if info["samples"] < limit), "n>1M")
    header = {
        "pretty_name": recipe.name,
        "tags": ["synthetic", "seedbed"],
        "size_categories": [size],
        "configs": [
            {
                "config_name": "default",
                # Hugging Face keeps what it has read by this configuration, not by the files:
                # without the hash, a folder that was built anew would show its old samples.
                "description": f"dataset hash {info['hash']}",
                "data_files": [
                    {"split": split, "path": f"shards/{split}-*.parquet"}
                    for split in info["splits"]
                ],
            }
        ],
    }
    thing = {"picture": "pictures", "clip": "clips"}[info["sample_type"]]
    parts = [
        f"---\n{dump_yaml(header)}---\n\n# {recipe.name}\n",
        recipe.description.strip(),
        f"{info['samples']:,} synthetic {thing} grown by seedbed {info['versions']['seedbed']} "
        f"with the generator `{info['generator']}` from seed {info['seed']}.",
        "| split | samples |\n|---|---|\n"
        + "\n".join(f"| {split} | {count:,} |" for split, count in info["splits"].items()),
        "## Load it",
        *(
            f"{tool}:\n\n```python\n{lines}\n```"
            for tool, lines in loading_lines("PATH", info["splits"]).items()
        ),
        "## Columns",
        "| column | holds |\n|---|---|\n| id, split, index | which sample this is |\n"
        + "\n".join(f"| {name} | {text} |" for name, text in _COLUMNS[info["sample_type"]])
        + "\n| params | every value that was drawn for the sample (JSON) |"
        + "\n| counts | what was dropped or drawn again, by reason (JSON) |",
        "Coordinates are pixels, the first pixel's centre at (0.5, 0.5). `seedbed replay PATH "
        "INDEX` renders any sample again from its parameters.",
        *(["## Notes", *(f"- {note}" for note in info["notes"])] if info["notes"] else []),
        "## Made by",
        f"Dataset hash `{info['hash']}`, recipe hash `{info['recipe_hash']}`, "
        + ", ".join(f"{name} {version}" for name, version in info["versions"].items())
        + ". The whole recipe is in `recipe.yaml`.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"
