"""How often each label stands in a dataset: whether its classes are balanced, split by split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from seedbed.dataset import Dataset
from seedbed.errors import SeedbedError
from seedbed.shards import shard_name

LABEL_COLUMNS = {"image": "objects.list.element.category", "audio": "label"}
"""Where a Parquet shard holds its labels, by the column of its media, which are not read."""

MOST_LISTED = 12
"""Labels that are all told; of more, the most frequent and the rarest."""

ENDS_LISTED = 4

NO_LABEL = "(no label)"


def count_labels(dataset: Dataset, split: str) -> Counter[str]:
    """How many clips or objects of a split have each label, "" where they have none.

    Raises `SeedbedError` naming a shard that cannot be read.
    """
    found: Counter[str] = Counter()
    for shard in dataset.samples(split).shards:
        name = shard_name(shard.name)
        try:
            with pq.ParquetFile(dataset.store.open(name)) as file:
                (column,) = (
                    LABEL_COLUMNS[name] for name in file.schema_arrow.names if name in LABEL_COLUMNS
                )
                for batch in file.iter_batches(columns=[column]):
                    for counted in pc.value_counts(_leaves(batch.column(0))).to_pylist():
                        found[counted["values"]] += counted["counts"]
        except (OSError, pa.ArrowException) as error:
            path = dataset.store.path(name)
            raise SeedbedError(f"shard {path} cannot be read: {error}") from error
    return found


def _leaves(values: pa.Array) -> pa.Array:
    """The texts of a column of texts, or of lists of structs of one text."""
    while pa.types.is_list(values.type) or pa.types.is_struct(values.type):
        values = values.flatten()
        if isinstance(values, list):
            values = values[0]
    return values


def balance_rows(counts: Mapping[str, Mapping[str, int]]) -> list[tuple[str, str]]:
    """The balance of labels counted by split, as a table's rows; none where all are alike.

    The first row counts the whole dataset, the second names what a split lacks.
    """
    whole: Counter[str] = Counter()
    for found in counts.values():
        whole.update(found)
    if len(whole) < 2:
        return []
    ranked = sorted(whole.items(), key=lambda item: (-item[1], item[0]))
    told = [f"{label or NO_LABEL} {count:,}" for label, count in ranked]
    if len(told) > MOST_LISTED:
        text = f"{len(told):,}: {', '.join(told[:ENDS_LISTED])} … {', '.join(told[-ENDS_LISTED:])}"
    else:
        text = ", ".join(told)
    lacking = []
    for split, found in counts.items():
        absent = [label or NO_LABEL for label, _ in ranked if not found.get(label)]
        if absent and any(found.values()):
            more = f" and {len(absent) - ENDS_LISTED:,} more" if len(absent) > ENDS_LISTED else ""
            lacking.append(f"{split} has no {', '.join(absent[:ENDS_LISTED])}{more}")
    return [("labels", text), *([("lacking", "; ".join(lacking))] if lacking else [])]


def label_balance(dataset: Dataset) -> dict[str, dict[str, int]]:
    """`count_labels` of every split, the most frequent label first, JSON-ready."""
    found: dict[str, dict[str, int]] = {}
    for split in dataset.splits:
        counted: Any = sorted(
            count_labels(dataset, split).items(), key=lambda item: (-item[1], item[0])
        )
        found[split] = dict(counted)
    return found
