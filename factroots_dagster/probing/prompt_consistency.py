"""How consistently a model answers one fact asked in several ways, and how far P@1 depends on the wording.

Consistency is the share of pairs of prompts whose answers are the same (Elazar et al., TACL 9:1012, 2021); an
answer is the best of the relation's candidates. A model that always gives the same object is perfectly
consistent, so beside each fact stand the other facts of its relation: the share of pairs that agree where the
second prompt asks one of these. What a fact's consistency exceeds it by depends on what is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from factroots_dagster.probing.schema import PROMPT_CONSISTENCY
from factroots_dagster.stats.intervals import mean_interval
from factroots_dagster.tables import none_if_nan

Floats = NDArray[np.float64]

ALL = "*"


@dataclass(frozen=True)
class _Relation:
    """What the templates of a relation give.

    consistency, other_facts: NaN where not compared, [facts]. known: whether some template has a full match,
    [facts]. full_match: P@1 of each template, NaN if not asked, [prompts].
    """

    name: str
    consistency: Floats
    other_facts: Floats
    known: NDArray[np.bool_]
    full_match: Floats


def measure_prompt_consistency(languages: Iterable[pa.Table]) -> pa.Table:
    """PROMPT_CONSISTENCY from PROMPT_ANSWERS of each language."""
    rows: list[dict[str, Any]] = []
    for table in languages:
        relations = list(_read_relations(table))
        language = table["language"][0].as_py()
        rows += [_summarize(language, ALL, relations)]
        rows += [_summarize(language, relation.name, [relation]) for relation in relations]
    return pa.Table.from_pylist(rows, schema=PROMPT_CONSISTENCY)


def _read_relations(table: pa.Table) -> Iterator[_Relation]:
    import pandas as pd

    for name, rows in table.to_pandas().groupby("relation", sort=True):
        cells = rows.assign(code=pd.factorize(rows["answer"])[0]).set_index(["uuid", "prompt"])
        numbers = cells["code"].unstack("prompt", fill_value=-1).to_numpy(np.int64)
        right = cells["full_match"].astype(float).unstack("prompt").to_numpy()
        consistency, other_facts = _compare_prompts(numbers)
        yield _Relation(str(name), consistency, other_facts, (right == 1).any(axis=1), _means(right))


def _compare_prompts(answers: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """The share of pairs of prompts that agree, on the fact and with another fact by the second, [facts].

    answers: number of the best candidate, -1 without one, [facts, prompts].
    """
    facts = len(answers)
    same, others, pairs = np.zeros(facts), np.zeros(facts), np.zeros(facts)
    for one, other in combinations(range(answers.shape[1]), 2):
        asked = (answers[:, one] >= 0) & (answers[:, other] >= 0)
        first, second = answers[asked, one], answers[asked, other]
        alike = first == second
        # Either prompt may be the one that asks the other fact.
        elsewhere = (_count_in(first, second) + _count_in(second, first)) / 2 - alike
        same[asked] += alike
        others[asked] += elsewhere / (len(first) - 1) if len(first) > 1 else np.nan
        pairs[asked] += 1
    with np.errstate(invalid="ignore"):
        return same / pairs, others / pairs


def _count_in(values: NDArray[np.int64], among: NDArray[np.int64]) -> Floats:
    """How often each value occurs among others."""
    counts = np.bincount(among, minlength=int(max(values.max(initial=0), among.max(initial=0))) + 1)
    return counts[values].astype(np.float64)


def _means(right: Floats) -> Floats:
    """The share of right answers by each prompt, [prompts]; NaN where none was asked."""
    asked = np.isfinite(right)
    with np.errstate(invalid="ignore"):
        shares: Floats = np.where(asked, right, 0).sum(axis=0) / asked.sum(axis=0)
    return shares


def _summarize(language: str, name: str, relations: list[_Relation]) -> dict[str, Any]:
    """A row of PROMPT_CONSISTENCY over relations, each of which counts by its facts."""
    sizes = np.array([len(relation.known) for relation in relations], np.float64)
    consistency, other_facts, known = (
        np.concatenate([getattr(relation, field) for relation in relations])
        for field in ("consistency", "other_facts", "known")
    )
    compared = np.isfinite(consistency)
    beyond = (consistency - other_facts)[np.isfinite(consistency - other_facts)]
    low, high = mean_interval(beyond, np.arange(len(beyond)))
    shares = np.array([_spread(relation.full_match) for relation in relations])
    spread = {column: _weighted(values, sizes) for column, values in zip(_SPREAD, shares.T, strict=True)}
    return {
        "language": language,
        "relation": name,
        "prompts": max(len(relation.full_match) for relation in relations),
        "facts": int(sizes.sum()),
        **spread,
        "compared": int(compared.sum()),
        "consistency": _mean(consistency[compared]),
        "other_facts": _mean(other_facts[np.isfinite(other_facts)]),
        "beyond": _mean(beyond),
        "beyond_low": low,
        "beyond_high": high,
        "known": int((compared & known).sum()),
        "consistency_known": _mean(consistency[compared & known]),
    }


_SPREAD = ("full_match", *(f"full_match_{name}" for name in ("mean", "spread", "lowest", "highest")))


def _spread(shares: Floats) -> list[float]:
    """The values of _SPREAD from P@1 of each prompt; NaN if not asked."""
    asked = shares[np.isfinite(shares)]
    if not len(asked):
        return [np.nan] * len(_SPREAD)
    deviation = float(asked.std(ddof=1)) if len(asked) > 1 else np.nan
    return [float(shares[0]), float(asked.mean()), deviation, float(asked.min()), float(asked.max())]


def _weighted(values: Floats, sizes: Floats) -> float | None:
    known = np.isfinite(values)
    return float(np.average(values[known], weights=sizes[known])) if known.any() else None


def _mean(values: Floats) -> float | None:
    return none_if_nan(float(values.mean())) if len(values) else None
