"""How many of the sources that a matcher finds are expected to be none."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from factroots_dagster.tables import zip_columns
from factroots_dagster.tracing.matchers import MATCHERS
from factroots_dagster.tracing.mismatches import PERMUTATIONS
from factroots_dagster.tracing.passages import Columns
from factroots_dagster.tracing.schema import SOURCE_ERRORS

Meetings = Mapping[tuple[int, str, str], float]
"""Number of the corpus, relation and matcher to a number of pairs."""


def count_meetings(
    passages: Columns, chosen: NDArray[np.bool_], pairs: pa.Table, corpora: int
) -> dict[tuple[int, str, str], int]:
    """How many of some pairs meet at all, by corpus, relation and matcher.

    passages: PASSAGE_COLUMNS; `fact` is the number of the pair times `corpora`, plus that of the corpus.
    chosen: those of the pairs that are counted. pairs: PAIR_COLUMNS.
    """
    keys = np.unique(passages["fact"][chosen] * len(MATCHERS) + passages["matcher"][chosen])
    names, relation = np.unique(
        pairs["relation"].to_numpy(zero_copy_only=False).astype(str), return_inverse=True
    )
    fact, matcher = keys // len(MATCHERS), keys % len(MATCHERS)
    cells = np.stack([fact % corpora, relation[fact // corpora], matcher])
    cells, counts = np.unique(cells, axis=1, return_counts=True)
    matchers = list(MATCHERS)
    return {
        (corpus, str(names[relation]), matchers[matcher]): count
        for (corpus, relation, matcher), count in zip(cells.T.tolist(), counts.tolist(), strict=True)
    }


def tabulate_errors(sources: pa.Table, chance: Meetings) -> pa.Table:
    """SOURCE_ERRORS. sources: FACT_SOURCES of one language. chance: how many mismatched pairs meet."""
    keys = ["language", "relation", "corpus", "matcher"]
    found = sources.append_column("found", pc.cast(pc.greater(sources["windows"], 0), pa.int64()))
    groups = found.group_by(keys, use_threads=False).aggregate(
        [("uuid", "count"), ("found", "sum"), ("stated_probability", "sum")]
    )
    corpora = sources["corpus"].unique().to_pylist()
    rows = []
    for *key, facts, hits, stated in zip_columns(
        groups, *keys, "uuid_count", "found_sum", "stated_probability_sum"
    ):
        row = dict(zip(keys, key, strict=True))
        meetings = chance.get((corpora.index(row["corpus"]), row["relation"], row["matcher"]), 0)
        rows.append(
            row
            | {"facts": facts, "found": hits, "chance": meetings / PERMUTATIONS, "stated": stated}
            | {"false_source_rate": 1 - stated / hits if hits else None}
        )
    return pa.Table.from_pylist(rows, SOURCE_ERRORS).sort_by([(key, "ascending") for key in keys])
