"""How often each label stands in a dataset: whether its classes are balanced, split by split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from seedbed.dataset import Dataset, unreadable_shard
from seedbed.errors import SeedbedError
from seedbed.sample import NAMELESS
from seedbed.shards import shard_name
from seedbed.store import Store

LABEL_COLUMNS = {"image": "objects.list.element.category", "audio": "label"}
"""Where a Parquet shard holds its labels, by the column of its media, which are not read."""

MOST_LISTED = 12
"""Labels that are all told; of more, the most frequent and the rarest."""

ENDS_LISTED = 4


@dataclass(frozen=True)
class Balance:
    """How often each label stands in each split, the most frequent first.

    Where that could not be counted, `counts` is None and `reason` says why, in a sentence.
    """

    counts: Mapping[str, Mapping[str, int]] | None
    reason: str = ""

    def rows(self) -> list[tuple[str, str]]:
        """As a table's rows: `balance_rows`, or why there are none."""
        if self.counts is None:
            return [("labels", f"not counted: {self.reason}")]
        return balance_rows(self.counts)


def count_labels(dataset: Dataset, split: str) -> Counter[str]:
    """How many clips or objects of a split have each label, "" where they have none.

    Raises `SeedbedError` naming a shard that cannot be read, or has other columns.
    """
    found: Counter[str] = Counter()
    for shard in dataset.samples(split).shards:
        try:
            with pq.ParquetFile(dataset.store.open(shard_name(shard.name))) as file:
                names = file.schema_arrow.names
                columns = [LABEL_COLUMNS[name] for name in names if name in LABEL_COLUMNS]
                for batch in file.iter_batches(columns=columns):
                    if batch.num_columns != 1:
                        reason = f"its columns {', '.join(names)} are not those of a dataset"
                        raise unreadable_shard(dataset.store, shard.name, reason)
                    for counted in pc.value_counts(_leaves(batch.column(0))).to_pylist():
                        found[counted["values"]] += counted["counts"]
        except (OSError, pa.ArrowException) as error:
            reason = str(error) or type(error).__name__
            raise unreadable_shard(dataset.store, shard.name, reason) from error
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
    ranked = _ranked(whole)
    told = [f"{label or NAMELESS} {count:,}" for label, count in ranked.items()]
    if len(told) > MOST_LISTED:
        text = f"{len(told):,}: {', '.join(told[:ENDS_LISTED])} … {', '.join(told[-ENDS_LISTED:])}"
    else:
        text = ", ".join(told)
    lacking = []
    for split, found in counts.items():
        absent = [label or NAMELESS for label in ranked if not found.get(label)]
        if absent and any(found.values()):
            more = f" and {len(absent) - ENDS_LISTED:,} more" if len(absent) > ENDS_LISTED else ""
            lacking.append(f"{split} has no {', '.join(absent[:ENDS_LISTED])}{more}")
    return [("labels", text), *([("lacking", "; ".join(lacking))] if lacking else [])]


def label_balance(place: Dataset | Store) -> Balance:
    """`count_labels` of every split of a dataset, opened or where it lies, or why not.

    A damaged shard is told and not raised: whoever shows the balance has more to show.
    """
    try:
        dataset = place if isinstance(place, Dataset) else Dataset.open(place)
        return Balance({split: _ranked(count_labels(dataset, split)) for split in dataset.splits})
    except SeedbedError as error:
        return Balance(None, str(error))


def _ranked(counts: Mapping[str, int]) -> dict[str, int]:
    """The most frequent first, and by name where two are as frequent."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
