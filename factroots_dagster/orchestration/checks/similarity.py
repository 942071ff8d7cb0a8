"""Suite of `neuron_similarity`: its main table may be large, so violations are counted in a stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.neurons.schema import NEURON_SIMILARITY
from factroots_dagster.neurons.statistics import BY_PAIR, MEAN_BASELINES
from factroots_dagster.orchestration.checks import expect, side_tables
from factroots_dagster.orchestration.checks.suite import suite_of
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store

if TYPE_CHECKING:
    import pandas as pd

NAMES = tuple(statistic.name for statistic in BY_PAIR)
RULES = {
    "unsorted": "rows are in the order of pair, statistic, relation and fact, and none is repeated",
    "pair_order": "the first language of a pair comes before the second",
    "value_range": "values and null means are within the bounds of their statistic",
    "untested": "only tested statistics have p-values",
    "p_range": "p and q are probabilities, and p is not 0",
    "q_below_p": "q is never smaller than p",
}
"""Rules whose violations are counted, and what each says."""

BATCH_ROWS = 1 << 16

_KEY = ["language_a", "language_b", "statistic"]
_NOISE = 1e-4  # rounding of cosines
# By statistic; the last is for names that are not in the registry.
_LOW = np.array([-np.inf if s.bounds[0] is None else s.bounds[0] - _NOISE for s in BY_PAIR] + [-np.inf])
_HIGH = np.array([np.inf if s.bounds[1] is None else s.bounds[1] + _NOISE for s in BY_PAIR] + [np.inf])
_TESTED = np.array([statistic.tested for statistic in BY_PAIR] + [False])


def similarity_frame(store: Store, checkpoint: str, *, batch_rows: int = BATCH_ROWS) -> pd.DataFrame:
    """A row per language pair and statistic: number of facts, violations of each rule, and `complete`.

    complete: whether the pair has the same number of facts by every statistic.
    """
    previous: pa.Table | None = None
    counts = _counted(NEURON_SIMILARITY.empty_table(), {})
    for batch in store.version("neuron_similarity", checkpoint).read_batches(batch_rows):
        counts = _summed(pa.concat_tables([counts, _counted(batch, _violations(batch, previous))]))
        previous = batch.slice(batch.num_rows - 1)
    frame: pd.DataFrame = counts.to_pandas()
    by_pair = frame.groupby(["language_a", "language_b"])["facts"]
    frame["complete"] = (by_pair.transform("nunique") == 1) & (by_pair.transform("size") == len(NAMES))
    return frame.assign(**side_tables.stability(store, checkpoint))


@suite_of(similarity_frame)
def similarity_suite(settings: Settings, checkpoint: str) -> Sequence[Any]:
    return [
        *expect.rows(1, severity="warning"),
        *expect.among("statistic", NAMES),
        *expect.true(complete="a pair of languages has equally many facts by every statistic"),
        *expect.zero(**RULES),
        *expect.zero(
            stability_repeated="stability has one row per aspect, statistic, language and k",
            stability_range="overlaps, correlations and counts of stability are possible values",
            stability_aspects="every aspect of stability is a known one",
        ),
    ]


def _violations(batch: pa.Table, previous: pa.Table | None) -> dict[str, npt.NDArray[np.bool_]]:
    """For each of RULES, which rows of a batch violate it. previous: the last row of the batch before."""
    index = pc.fill_null(pc.index_in(batch["statistic"], value_set=pa.array(NAMES)), -1).to_numpy()
    low, high = _LOW[index], _HIGH[index]
    columns = [batch[name] for name in ("value", *(f"{baseline}_mean" for baseline in MEAN_BASELINES))]
    values = [pc.fill_null(column, np.nan).to_numpy() for column in columns]
    p, q = (pc.fill_null(batch[name], np.nan).to_numpy() for name in ("p_value", "q_value"))
    return {
        "unsorted": ~_follows(batch, previous),
        "pair_order": pc.greater_equal(batch["language_a"], batch["language_b"]).to_numpy(),
        "value_range": np.any([(value < low) | (value > high) for value in values], axis=0),
        "untested": ~_TESTED[index] & ~(np.isnan(p) & np.isnan(q)),
        "p_range": (p <= 0) | (p > 1) | (q < 0) | (q > 1),
        "q_below_p": q < p,
    }


def _follows(batch: pa.Table, previous: pa.Table | None) -> npt.NDArray[np.bool_]:
    """Whether each row comes after the one before it by pair, statistic, relation and uuid."""
    order = ["language_a", "language_b", "statistic", "relation", "uuid"]
    keys = batch.select(order)
    keys = pa.concat_tables([keys.slice(0, 1) if previous is None else previous.select(order), keys])
    number = pc.fill_null(pc.index_in(keys["statistic"], value_set=pa.array(NAMES)), -1)
    keys = keys.set_column(2, "statistic", number).combine_chunks()
    before, after = keys.slice(0, batch.num_rows), keys.slice(1)
    follows = np.zeros(batch.num_rows, bool)
    for name in reversed(order):
        smaller = pc.less(before[name], after[name]).to_numpy()
        follows = smaller | (pc.equal(before[name], after[name]).to_numpy() & follows)
    if previous is None:
        follows[0] = True
    return follows


def _counted(batch: pa.Table, violations: Mapping[str, npt.NDArray[np.bool_]]) -> pa.Table:
    """Key of every row, 1 as its number of facts, and 1 for each rule that it violates."""
    counts = {"facts": np.ones(batch.num_rows, np.int64)}
    for rule in RULES if batch.num_rows else ():
        counts[rule] = violations[rule].astype(np.int64)
    return pa.table(
        {name: batch[name] for name in _KEY}
        | {name: pa.array(counts.get(name, ()), pa.int64()) for name in ("facts", *RULES)}
    )


def _summed(counts: pa.Table) -> pa.Table:
    """The counts by key."""
    names = ["facts", *RULES]
    sums = counts.group_by(_KEY, use_threads=False).aggregate([(name, "sum") for name in names])
    return sums.select([*_KEY, *(f"{name}_sum" for name in names)]).rename_columns([*_KEY, *names])
