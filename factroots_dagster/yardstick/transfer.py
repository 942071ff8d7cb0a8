"""Our method, and its placebos: whether a fact would be known without its own source (`roots.transfer`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from factroots_dagster.models.checkpoint import LoadedModel
from factroots_dagster.probing.name_access import measure_name_access
from factroots_dagster.roots.transfer import (
    Cells,
    Correction,
    FittedTransfer,
    collect_cells,
    estimate_transfer,
    fit_transfer,
    sourced_facts,
)
from factroots_dagster.roots.verdict_shares import share_verdicts
from factroots_dagster.roots.verdicts import find_predicted, judge_facts
from factroots_dagster.yardstick.study import CELL, Study

if TYPE_CHECKING:
    import pandas as pd


STATED_BY_STRINGS = Correction(0.1, 0.5)
"""The correction for facts with a source, fitted to the same worlds as that of our method."""


def fit_by_model(study: Study, model: LoadedModel) -> tuple[Cells, FittedTransfer]:
    """What the product fits, over the cells of the study. model: the study's, or its untrained twin."""
    sourced = sourced_facts(study.types)
    access = measure_name_access(model, study.splits, study.predictions, sourced, seed=study.world.seed)
    cells = collect_cells(study.predictions, sourced)
    return cells, estimate_transfer(cells, access)


def transfer_by_model(study: Study, model: LoadedModel) -> pd.DataFrame:
    """`tabulate_transfer` of what `fit_by_model` gives."""
    return tabulate_transfer(*fit_by_model(study, model))


def expected_share(
    study: Study, verdict: str, cells: Cells, fitted: FittedTransfer
) -> tuple[float, float, float]:
    """The expected share of a verdict among all predicted facts and its interval, as the product gives it.

    cells, fitted: of `fit_by_model`.
    """
    facts = find_predicted(study.types, cells, {})
    shares = share_verdicts(judge_facts(facts, fitted.estimate(), fitted.estimate()), facts, fitted)
    (row,) = (row for row in shares.to_pylist() if row["language"] == "*" and row["verdict"] == verdict)
    value, low, high = (np.nan if row[name] is None else row[name] for name in ("expected", "low", "high"))
    return value, low, high


def transfer_by_strings(study: Study) -> pd.DataFrame:
    """The same without a model: fitted to how many partners write the subject alike, and the object."""
    sourced = sourced_facts(study.types)
    cells = collect_cells(study.predictions, sourced)
    labels = {
        (row["uuid"], language): (row["subject"], row["object"])
        for language, split in study.splits.items()
        for row in split.select(["uuid", "subject", "object"]).to_pylist()
    }
    partners: dict[str, list[str]] = {}
    for (uuid, language), has_source, known in zip(cells.keys, cells.sourced, cells.known, strict=True):
        if has_source and known:
            partners.setdefault(uuid, []).append(language)
    features = np.full((len(cells.keys), 3), np.nan)
    for index, (uuid, language) in enumerate(cells.keys):
        others = [labels[uuid, other] for other in partners.get(uuid, ()) if other != language]
        if others:
            alike = np.array([[a == b for a, b in zip(labels[uuid, language], other, strict=True)]
                              for other in others])  # fmt: skip
            features[index] = [len(others), *alike.sum(axis=0)]
    return tabulate_transfer(cells, fit_transfer(cells, features, STATED_BY_STRINGS))


def tabulate_transfer(cells: Cells, fitted: FittedTransfer) -> pd.DataFrame:
    """Columns from_others and guess of Transfer, and expected, of every fact and language.

    expected: P(known) without the own source.
    """
    import pandas as pd

    transfer = fitted.estimate()
    columns: dict[str, npt.NDArray[np.float64]] = {
        **transfer._asdict(),
        "expected": transfer.without_own_source(),
    }
    return pd.DataFrame(columns, index=pd.MultiIndex.from_tuples(cells.keys, names=CELL))
