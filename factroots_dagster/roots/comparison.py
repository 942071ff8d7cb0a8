"""How P@1 and the types move from checkpoint to checkpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.errors import InputError
from factroots_dagster.roots.counts import type_counts
from factroots_dagster.roots.schema import CHANGED_FACTS, CHECKPOINT_COMPARISON


def checkpoint_comparison(
    types: Mapping[str, pa.Table], scores: Mapping[str, pa.Table], order: Sequence[str]
) -> tuple[pa.Table, pa.Table]:
    """CHECKPOINT_COMPARISON, and CHANGED_FACTS between each checkpoint and the next.

    Args:
        types: checkpoint to FACT_TYPES of all its languages.
        scores: checkpoint to PROBING_SCORES.
        order: checkpoints from first to last (training steps, or any order of models). Every one
            must be in `types` and `scores`.

    Returns:
        Rows by checkpoint in order, language ("*" last) and type; changed facts by checkpoint, language
        and uuid. Only facts that both checkpoints were asked are compared.

    Raises:
        InputError: a checkpoint of `order` has no tables.
    """
    for checkpoint in order:
        if checkpoint not in types or checkpoint not in scores:
            raise InputError(
                f"checkpoint {checkpoint} has no fact_types or probing_scores yet; materialize them"
            )
    rows = []
    for position, checkpoint in enumerate(order):
        counts = type_counts(types[checkpoint]).to_pylist()
        sizes: dict[str, int] = {}
        for row in counts:
            sizes[row["language"]] = sizes.get(row["language"], 0) + row["facts"]
        p_at_1 = overall_p1(scores[checkpoint])
        rows += [
            {
                "checkpoint": checkpoint,
                "order": position,
                "language": row["language"],
                "type": row["type"],
                "facts": row["facts"],
                "share": row["facts"] / sizes[row["language"]] if sizes[row["language"]] else 0.0,
                "full_match": p_at_1.get(row["language"]),
            }
            for row in counts
        ]
    changed = [_changed(types, a, b) for a, b in pairwise(order)]
    table = pa.Table.from_pylist(rows, schema=CHECKPOINT_COMPARISON)
    return table, pa.concat_tables(changed) if changed else CHANGED_FACTS.empty_table()


def overall_p1(scores: pa.Table) -> dict[str, float]:
    """Language to P@1 over all its relations; "*": over all rows of all languages that were asked (micro).

    A decoder is asked for a full match in some relations only, so a language weighs by the rows of these.
    """
    rows = scores.select(["language", "relation", "n", "full_match"]).to_pylist()
    found: dict[str, float] = {}
    asked: dict[str, int] = {}
    for row in rows:
        if row["full_match"] is None or row["language"] == "*":
            continue
        if row["relation"] == "*":
            found[row["language"]] = row["full_match"]
        else:
            asked[row["language"]] = asked.get(row["language"], 0) + row["n"]
    if total := sum(asked.get(language, 0) for language in found):
        found["*"] = sum(asked.get(language, 0) * value for language, value in found.items()) / total
    return found


def _changed(types: Mapping[str, pa.Table], before: str, after: str) -> pa.Table:
    keys = ["language", "uuid"]
    old = types[before].select([*keys, "type"]).rename_columns([*keys, "type_from"])
    new = types[after].select([*keys, "type"]).rename_columns([*keys, "type_to"])
    both = old.join(new, keys, join_type="inner").sort_by([(key, "ascending") for key in keys])
    moved = both.filter(pc.not_equal(both["type_from"], both["type_to"]))
    columns = {name: moved[name] for name in moved.column_names}
    columns["checkpoint_from"] = pa.array([before] * moved.num_rows, pa.string())
    columns["checkpoint_to"] = pa.array([after] * moved.num_rows, pa.string())
    return pa.table({name: columns[name] for name in CHANGED_FACTS.names}, schema=CHANGED_FACTS)
