"""How P@1 and the types change from checkpoint to checkpoint."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise

import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.errors import InputError
from factroots_dagster.roots.counts import count_types
from factroots_dagster.roots.schema import CHANGED_FACTS, CHECKPOINT_COMPARISON


def compare_checkpoints(
    types: Mapping[str, pa.Table], scores: Mapping[str, pa.Table], order: Sequence[str]
) -> tuple[pa.Table, pa.Table]:
    """CHECKPOINT_COMPARISON, and CHANGED_FACTS between each checkpoint and the next.

    types: checkpoint to FACT_TYPES of all its languages. scores: checkpoint to PROBING_SCORES. order:
    checkpoints from first to last (training steps, or models in any order).
    Returns rows by checkpoint in order, language ("*" last) and type; and changed facts by checkpoint,
    language and uuid, of the facts that were asked of both checkpoints.
    Raises InputError where a checkpoint of `order` is not in `types` and `scores`.
    """
    for checkpoint in order:
        if checkpoint not in types or checkpoint not in scores:
            raise InputError(
                f"checkpoint {checkpoint} has no fact_types or probing_scores", "materialize them first"
            )
    rows = []
    for position, checkpoint in enumerate(order):
        counts = count_types(types[checkpoint]).to_pylist()
        totals: Counter[str] = Counter()
        for row in counts:
            totals[row["language"]] += row["facts"]
        p_at_1 = p_at_1_by_language(scores[checkpoint])
        rows += [
            {
                **row,
                "checkpoint": checkpoint,
                "order": position,
                "share": row["facts"] / totals[row["language"]] if totals[row["language"]] else 0.0,
                "full_match": p_at_1.get(row["language"]),
            }
            for row in counts
        ]
    comparison = pa.Table.from_pylist(rows, schema=CHECKPOINT_COMPARISON)
    changes = [_changed_facts(types, before, after) for before, after in pairwise(order)]
    return comparison, pa.concat_tables(changes) if changes else CHANGED_FACTS.empty_table()


def p_at_1_by_language(scores: pa.Table) -> dict[str, float]:
    """Language to P@1 over all its relations; "*" is P@1 over all rows of all languages (micro average).

    A causal model is asked for a full match in some relations only; a language's weight in "*" is the number
    of rows of these. Languages that were not asked for a full match are absent.

    scores: PROBING_SCORES.
    """
    p_at_1: dict[str, float] = {}
    weights: Counter[str] = Counter()
    for row in scores.select(["language", "relation", "n", "full_match"]).to_pylist():
        if row["full_match"] is None or row["language"] == "*":
            continue
        if row["relation"] == "*":
            p_at_1[row["language"]] = row["full_match"]
        else:
            weights[row["language"]] += row["n"]
    if total := sum(weights[language] for language in p_at_1):
        p_at_1["*"] = sum(weights[language] * value for language, value in p_at_1.items()) / total
    return p_at_1


def _changed_facts(types: Mapping[str, pa.Table], before: str, after: str) -> pa.Table:
    keys = ["language", "uuid"]
    old = types[before].select([*keys, "type"]).rename_columns([*keys, "type_from"])
    new = types[after].select([*keys, "type"]).rename_columns([*keys, "type_to"])
    both = old.join(new, keys, join_type="inner").sort_by([(key, "ascending") for key in keys])
    changed = both.filter(pc.not_equal(both["type_from"], both["type_to"]))
    columns = {name: changed[name] for name in changed.column_names}
    columns["checkpoint_from"] = pa.array([before] * changed.num_rows, pa.string())
    columns["checkpoint_to"] = pa.array([after] * changed.num_rows, pa.string())
    return pa.table({name: columns[name] for name in CHANGED_FACTS.names}, schema=CHANGED_FACTS)
