"""All methods in one world against its counterfactual truth: the rows of the yardstick."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from factroots_dagster.yardstick.methods import METHODS, judge_ours
from factroots_dagster.yardstick.metrics import Metric, measure
from factroots_dagster.yardstick.schema import INDEPENDENT, SHARED
from factroots_dagster.yardstick.study import CELL, Study, keep_fewer_facts

if TYPE_CHECKING:
    import pandas as pd

FACTS_PER_CELL = (38, 18, 9, 4)
"""Predicted facts per language and relation at which the power of our method is measured."""

Row = dict[str, Any]
"""method, metric, value, low, high."""


def score_world(study: Study, truth: pa.Table, say: Callable[[str], None]) -> list[Row]:
    """Every method's metrics in one world, and the power of ours with fewer facts.

    truth: COUNTERFACTUAL_TRUTH of the study's world. say: prints a line of progress. Where a method is
    repeated (random weights are drawn twice) a value is the mean, and its interval spans those of all.
    """
    decided = _with_truth(study, truth)
    rows: list[Row] = []
    for name, repetitions in METHODS.items():
        say(f"  judging by {name}")
        measured = [measure(decided.join(judge(study))) for judge in repetitions]
        for of_metric in zip(*measured, strict=True):
            rows.append({"method": name, **_pooled(of_metric)._asdict()})
    for metric in _power(study, decided):
        rows.append({"method": "ours", **metric._asdict()})
    return rows


def _with_truth(study: Study, truth: pa.Table) -> pd.DataFrame:
    """Everything that is known of the predicted cells but a method's judgement."""
    table = truth.select([*CELL, "causal_type", "stated"]).to_pandas().set_index(CELL)
    anywhere = table["stated"].groupby(level="uuid").transform("any")
    cells = study.cells()[["relation", "source"]].join(table)
    return cells.assign(
        stated_anywhere=anywhere, linked=count_linked(study.labels()["subject"], cells["stated"])
    )


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
    return Metric(
        metrics[0].metric,
        float(np.mean([metric.value for metric in metrics])),
        min(metric.low for metric in metrics),
        max(metric.high for metric in metrics),
    )


def _power(study: Study, decided: pd.DataFrame) -> Iterator[Metric]:
    """Share of the causally shared, and of the independent, that ours calls shared with fewer facts."""
    from factroots_dagster.stats.intervals import wilson

    for facts in FACTS_PER_CELL:
        fewer = keep_fewer_facts(study, facts)
        alike = judge_ours(fewer)["alike"]
        for kind, name in ((SHARED, "called_shared"), (INDEPENDENT, "false_shared")):
            cells = decided[(decided["causal_type"] == kind) & decided["source"]].index
            cells = cells.intersection(alike.index)
            called = int(alike[cells].sum())
            low, high = wilson(called, len(cells))
            share = called / len(cells) if len(cells) else np.nan
            yield Metric(
                f"{name}_at_{facts}", share, np.nan if low is None else low, np.nan if high is None else high
            )
