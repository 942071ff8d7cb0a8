"""The methods that are compared: ours, its placebo, and whatever would win if ours read the wrong thing.

A method says of every predicted cell how strongly it takes the fact for shared with another language
(`score`), whether it calls it so where there is a source (`alike`), what it calls it where there is none
(`unsourced_type`), whether it could tell at all (`tested`), and how probable it takes sharing to be
(`probability`, where it has one): the columns of a judgement, by (uuid, language). All know the same sources.
Those that have no opinion on facts without one say of them what the rules for easy facts say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import SequenceMatcher
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from factroots_dagster.models.untrained import with_random_weights
from factroots_dagster.neurons.statistics import EVIDENCE
from factroots_dagster.roots.evidence import ALPHA
from factroots_dagster.roots.sensitivity import PAPER_STATISTIC
from factroots_dagster.roots.verdicts import LEVEL
from factroots_dagster.yardstick.attribution import influence_of_others
from factroots_dagster.yardstick.neurons import compare_with_random_weights
from factroots_dagster.yardstick.schema import LUCK, TRANSFERRED
from factroots_dagster.yardstick.study import CELL, Study
from factroots_dagster.yardstick.transfer import transfer_by_model, transfer_by_strings

if TYPE_CHECKING:
    import pandas as pd

PAPER_ALPHA = 0.1
"""A level for the paper's statistic, which has none: at 0.05 it finds fewer shared facts and agrees less."""
WEIGHTS_SEEDS = (1, 2)


def judge_ours(study: Study) -> pd.DataFrame:
    """Our method: the probability that the fact would be known here without its own source."""
    return judge_by_transfer(study, transfer_by_model(study, study.model))


def judge_random_weights(study: Study, weights_seed: int) -> pd.DataFrame:
    """Its placebo: the same, asked of a model whose weights were drawn anew."""
    return judge_by_transfer(study, transfer_by_model(study, with_random_weights(study.model, weights_seed)))


def judge_fitted_strings(study: Study) -> pd.DataFrame:
    """No model: the same estimate, fitted to whether partners write subject and object alike."""
    return judge_by_transfer(study, transfer_by_strings(study))


def judge_by_transfer(study: Study, transfer: pd.DataFrame) -> pd.DataFrame:
    """A judgement by the probability of being known without the own source. transfer: column expected."""
    cells = study.cells()
    expected = transfer["expected"].reindex(cells.index)
    judgement = _judgement(study, expected, expected >= LEVEL, probability=expected, tested=expected.notna())
    lucky = (expected < LEVEL) & (cells["unsourced_type"] == TRANSFERRED)
    return judgement.assign(unsourced_type=cells["unsourced_type"].mask(lucky, LUCK))


def judge_evidence(study: Study) -> pd.DataFrame:
    """The method of the first release: evidence of whitened activations, at level ALPHA."""
    return _judge_by_evidence(study, study.nearest)


def judge_evidence_random_weights(study: Study, weights_seed: int) -> pd.DataFrame:
    """Its placebo: the activations of a model whose weights were drawn anew."""
    nearest = compare_with_random_weights(
        study.model, study.splits, study.predictions, weights_seed=weights_seed, seed=study.world.seed
    )
    return _judge_by_evidence(study, nearest)


def _judge_by_evidence(study: Study, nearest: pa.Table) -> pd.DataFrame:
    rows = nearest.to_pandas()
    rows = rows[rows["statistic"] == EVIDENCE].set_index(CELL).reindex(study.cells().index)
    return _judgement(
        study, rows["similarity"], rows["p_value"] <= ALPHA, probability=1 - np.exp(-rows["similarity"]),
        tested=rows["p_value"].notna(),
    )  # fmt: skip


def judge_paper(study: Study) -> pd.DataFrame:
    """The paper's Jaccard of the top k neurons (at the smallest k there is), at level PAPER_ALPHA."""
    rows = study.nearest.to_pandas()
    rows = rows[rows["statistic"] == PAPER_STATISTIC]
    rows = rows[rows["k"] == rows["k"].min()].set_index(CELL).reindex(study.cells().index)
    return _judgement(
        study, rows["similarity"], rows["p_value"] <= PAPER_ALPHA, tested=rows["p_value"].notna()
    )


def judge_strings(study: Study, columns: Sequence[str] = ("subject",)) -> pd.DataFrame:
    """No model: whether another language that predicts the fact writes these labels of it alike."""
    names = study.labels()[list(columns)].agg("\t".join, axis=1)
    equal = _over_partners(names, lambda own, other: float(own == other))
    return _judgement(study, equal, equal == 1)


def judge_string_similarity(study: Study) -> pd.DataFrame:
    """No model: the most similar spelling of the subject in another language that predicts the fact."""

    def ratio(own: str, other: str) -> float:
        return SequenceMatcher(None, own, other, autojunk=False).ratio()

    return _judgement(study, _over_partners(study.labels()["subject"], ratio))


def judge_partners(study: Study) -> pd.DataFrame:
    """The number of other languages that predict the fact."""
    uuids = study.cells().index.get_level_values("uuid").to_series(index=study.cells().index)
    return _judgement(study, uuids.groupby(level="uuid").transform("size") - 1.0)


def judge_logprob(study: Study) -> pd.DataFrame:
    """The log-probability of the object."""
    import pandas as pd

    columns = [*CELL, "object_logprob"]
    rows = pd.concat([table.select(columns).to_pandas() for table in study.predictions.values()])
    return _judgement(study, rows.set_index(CELL)["object_logprob"].reindex(study.cells().index))


def judge_attribution(study: Study) -> pd.DataFrame:
    """TracIn: the share of influence that other languages' statements have on the answer."""
    import pandas as pd

    shares = pd.Series(influence_of_others(study))
    return _judgement(study, shares.reindex(study.cells().index))


def _with_weights(judge: Callable[[Study, int], pd.DataFrame]) -> tuple[Callable[[Study], pd.DataFrame], ...]:
    return tuple(lambda study, seed=seed: judge(study, seed) for seed in WEIGHTS_SEEDS)


METHODS: dict[str, tuple[Callable[[Study], pd.DataFrame], ...]] = {
    "ours": (judge_ours,),
    "random_weights": _with_weights(judge_random_weights),
    "fitted_strings": (judge_fitted_strings,),
    "evidence": (judge_evidence,),
    "evidence_random_weights": _with_weights(judge_evidence_random_weights),
    "strings": (judge_strings,),
    "object_strings": (partial(judge_strings, columns=["object"]),),
    "string_pairs": (partial(judge_strings, columns=["subject", "object"]),),
    "string_similarity": (judge_string_similarity,),
    "partners": (judge_partners,),
    "logprob": (judge_logprob,),
    "paper": (judge_paper,),
    "attribution": (judge_attribution,),
}
"""Every method by name, with one function for each of its repetitions."""


def _over_partners(names: pd.Series, compare: Callable[[str, str], float]) -> pd.Series:
    """The largest value over the other languages that predict the fact; 0 where there is none."""
    values = {}
    for uuid, of_fact in names.groupby(level="uuid"):
        by_language = dict(zip(of_fact.index.get_level_values("language"), of_fact, strict=True))
        for language, own in by_language.items():
            others = (compare(own, other) for code, other in by_language.items() if code != language)
            values[uuid, language] = max(others, default=0.0)
    return names.index.to_series().map(values)


def _judgement(
    study: Study,
    score: pd.Series,
    alike: pd.Series | None = None,
    *,
    probability: pd.Series | None = None,
    tested: pd.Series | None = None,
) -> pd.DataFrame:
    """A judgement of all predicted cells; without `alike` the score has no threshold of its own."""
    import pandas as pd

    index = study.cells().index
    return pd.DataFrame(
        {
            "score": score.astype(float),
            "alike": pd.Series(pd.NA, index, dtype="boolean") if alike is None else alike.astype("boolean"),
            "unsourced_type": study.cells()["unsourced_type"],
            "tested": pd.Series(True, index) if tested is None else tested,
            "probability": np.nan if probability is None else probability.astype(float),
        },
        index=index,
    )
