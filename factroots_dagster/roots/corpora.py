"""The sources of facts in the corpora that a model was trained on, as those of one text."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.errors import InputError

WIKIPEDIA = "wikipedia"
WINDOW_COLUMNS = ("uuid", "language", "relation", "corpus", "matcher", "windows")
"""Columns of FACT_SOURCES that are pooled where nobody looks at the evidence, which is most of the table."""


def pool_corpora(sources: pa.Table, corpora: Collection[str] | None = None) -> pa.Table:
    """FACT_SOURCES of some corpora together: a row per fact and matcher, without the column corpus.

    sources: FACT_SOURCES of one or more languages, or its WINDOW_COLUMNS. corpora: names of corpora; None
    for all. Windows are added; a fact is stated unless no corpus states it; evidence is in the order of its
    probability, of one corpus before that of another as in the table. Raises InputError when a language of
    the table has none of the corpora.
    """
    chosen = sources if corpora is None else _choose(sources, corpora)
    keys = ["uuid", "language", "relation", "matcher"]
    numbered = chosen.append_column("row", pa.array(np.arange(chosen.num_rows)))
    groups = numbered.group_by(keys, use_threads=False).aggregate([("windows", "sum"), ("row", "min")])
    if groups.num_rows == chosen.num_rows:
        return chosen.drop_columns("corpus")
    # Large tables are grouped in no particular order.
    groups = groups.sort_by("row_min").append_column("group", pa.array(np.arange(groups.num_rows)))
    group = (
        numbered.select([*keys, "row"]).join(groups.select([*keys, "group"]), keys).sort_by("row")["group"]
    )
    joined = {"windows": groups["windows_sum"]}
    if "stated_probability" in chosen.column_names:
        unstated = np.ones(groups.num_rows)
        np.multiply.at(unstated, group.to_numpy(), 1 - chosen["stated_probability"].to_numpy())
        joined["stated_probability"] = pa.array(1 - unstated)
    if "evidence" in chosen.column_names:
        joined["evidence"] = _join_lists(chosen["evidence"], group.to_numpy(), groups.num_rows)
    pooled = chosen.take(groups["row_min"]).drop_columns("corpus")
    for name, values in joined.items():
        pooled = pooled.set_column(pooled.schema.get_field_index(name), name, values)
    return pooled


def corpora_of(sources: pa.Table, corpora: Collection[str] | None = None) -> list[str]:
    """The corpora of FACT_SOURCES, or those of them that are among `corpora`, in the order of the table."""
    names = pc.unique(pc.fill_null(sources["corpus"], WIKIPEDIA)).to_pylist()
    return [name for name in names if corpora is None or name in corpora]


def describe_corpora(names: Collection[str]) -> str:
    """What a sentence calls the corpora of a language."""
    if set(names) <= {WIKIPEDIA}:
        return "this Wikipedia"
    return f"this language in {', '.join(names)}"


def _choose(sources: pa.Table, corpora: Collection[str]) -> pa.Table:
    is_chosen = pc.is_in(pc.fill_null(sources["corpus"], WIKIPEDIA), pa.array(sorted(corpora), pa.string()))
    chosen = sources.filter(is_chosen)
    lacking = set(pc.unique(sources["language"]).to_pylist()) - set(pc.unique(chosen["language"]).to_pylist())
    if lacking:
        present = ", ".join(corpora_of(sources))
        problem = f"fact_sources of {', '.join(sorted(lacking))} has no corpus that the checkpoint names: "
        remedy = (
            "add them to FACTROOTS_CORPORA, name others with: factroots checkpoints add --corpora, or leave "
        )
        raise InputError(
            problem + f"{', '.join(sorted(corpora))}; it has {present}", remedy + "the language out"
        )
    return chosen


def _join_lists(lists: pa.ChunkedArray, group: np.ndarray, groups: int) -> pa.Array:
    """The passages of each group's lists, the most probable first. group: of every list."""
    together = lists.combine_chunks()
    items = group[pc.list_parent_indices(together).to_numpy()]
    probability = pc.struct_field(together.flatten(), "stated_probability").to_numpy(zero_copy_only=False)
    order = np.lexsort((-probability, items))
    offsets = np.searchsorted(items[order], np.arange(groups + 1)).astype(np.int32)
    values = together.flatten().take(pa.array(order))
    return pa.ListArray.from_arrays(pa.array(offsets), values, type=together.type)
