"""All methods in one world against its counterfactual truth: the rows of the yardstick."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from factroots_dagster.yardstick.agreement import join_truths
from factroots_dagster.yardstick.methods import METHODS, judge_by_transfer
from factroots_dagster.yardstick.metrics import Metric, measure
from factroots_dagster.yardstick.schema import CAUSAL_TYPES, INDEPENDENT, SHARED
from factroots_dagster.yardstick.study import CELL, Study, keep_fewer_facts
from factroots_dagster.yardstick.transfer import expected_share, fit_by_model, tabulate_transfer

if TYPE_CHECKING:
    import pandas as pd

FACTS_PER_CELL = (38, 18, 9, 4)
"""Predicted facts per language and relation at which the power of our method is measured."""

Row = dict[str, Any]
"""method, metric, value, low, high."""


def score_world(study: Study, truths: Sequence[pa.Table], say: Callable[[str], None]) -> list[Row]:
    """Every method's metrics in one world, and the power of ours with fewer facts.

    truths: COUNTERFACTUAL_TRUTH of the study's world, of the training that the study looked at and perhaps of
    further ones, which are joined (see `agreement`). say: prints a line of progress. Where a method is
    repeated (random weights are drawn twice) a value is the mean and its interval spans those of all.
    """
    cells = with_truth(study, truths)
    rows: list[Row] = []
    for name, repetitions in METHODS.items():
        say(f"  judging by {name}")
        measured = [measure(cells.join(judge(study))) for judge in repetitions]
        rows += [{"method": name, **_pooled(metrics)._asdict()} for metrics in zip(*measured, strict=True)]
    return rows + [{"method": "ours", **metric._asdict()} for metric in _power(study, cells)]


def with_truth(study: Study, truths: Sequence[pa.Table]) -> pd.DataFrame:
    """Everything that is known of the predicted cells but a method's judgement."""
    tables = [truth_frame(truth) for truth in truths]
    stated = tables[0]["stated"]
    anywhere = stated.groupby(level="uuid").transform("any")
    cells = study.cells()[["relation", "source"]].join(join_truths(tables).assign(stated=stated))
    return cells.assign(
        stated_anywhere=anywhere, linked=count_linked(study.labels()["subject"], cells["stated"])
    )


def truth_frame(truth: pa.Table) -> pd.DataFrame:
    """Causal type and whether it is stated of every fact and language, by (uuid, language)."""
    frame: pd.DataFrame = truth.select([*CELL, "causal_type", "stated"]).to_pandas().set_index(CELL)
    return frame


def count_linked(subjects: pd.Series, stated: pd.Series) -> pd.Series:
    """How many other languages predict a cell's fact, state it, and write its subject alike.

    Between cells with the same number, above 0, neither names nor sources tell which fact languages have in
    common; without a language that states it a fact cannot survive, and that is to be seen without a model.

    subjects, stated: of the predicted cells, by (uuid, language).
    """
    alike = stated.astype(int).groupby([subjects.index.get_level_values("uuid"), subjects])
    linked: pd.Series = alike.transform("sum") - stated.astype(int)
    return linked


def _pooled(metrics: tuple[Metric, ...]) -> Metric:
    """The mean of one metric's known values, and an interval that spans theirs; NaN where none is known."""
    known = [metric for metric in metrics if np.isfinite(metric.value)] or [metrics[0]]
    return Metric(
        metrics[0].metric,
        float(np.mean([metric.value for metric in known])),
        float(np.min([metric.low for metric in known])),
        float(np.max([metric.high for metric in known])),
    )


def _power(study: Study, cells: pd.DataFrame) -> list[Metric]:
    """What ours finds of the causally shared with fewer facts, and the share it expects.

    `called_shared_at_n`, `false_shared_at_n`: share of the causally shared, and of the independent, that is
    called shared. `expected_shared_at_n`: of all predicted facts, `true_shared_at_n`: of those decided.
    """
    power: list[Metric] = []
    kinds, source = cells["causal_type"], cells["source"]
    for facts in FACTS_PER_CELL:
        fewer = keep_fewer_facts(study, facts)
        fit = fit_by_model(fewer, fewer.model)
        alike = judge_by_transfer(fewer, tabulate_transfer(*fit))["alike"]
        for kind, name in ((SHARED, "called_shared"), (INDEPENDENT, "false_shared")):
            of_kind = cells[(kinds == kind) & source].index.intersection(alike.index)
            power.append(_proportion(f"{name}_at_{facts}", alike[of_kind].to_numpy(bool)))
        decided = kinds[kinds.index.isin(alike.index) & kinds.isin(CAUSAL_TYPES)]
        power += [
            Metric(f"expected_shared_at_{facts}", *expected_share(fewer, SHARED, *fit)),
            _proportion(f"true_shared_at_{facts}", (decided == SHARED).to_numpy()),
        ]
    return power


def _proportion(metric: str, hits: npt.NDArray[np.bool_]) -> Metric:
    """A share with Wilson's interval; NaN without observations."""
    from factroots_dagster.stats.intervals import wilson

    if not len(hits):
        return Metric(metric, np.nan, np.nan, np.nan)
    return Metric(metric, float(hits.mean()), *wilson(int(hits.sum()), len(hits)))
