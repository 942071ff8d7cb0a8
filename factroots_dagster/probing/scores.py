"""Scores of predictions, with the baselines they must be read against, and what they go along with.

Statistics only: no model, no prompt.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy import stats

from factroots_dagster.analysis.intervals import wilson
from factroots_dagster.errors import InputError
from factroots_dagster.probing.schema import MASK_COUNTS, PROBING_SCORES, VOLUME_RELATIONS

SMALL = 30  # cells with fewer rows are flagged
MEASURES = ("pages", "articles", "wikitext_bytes", "words")
_COLUMNS = (
    "uuid",
    "language",
    "relation",
    "full_match",
    "partial_match",
    "any_answer_match",
    "typed_rank",
    "candidates",
    "prior_rank",
    "too_long",
)


def probing_scores(predictions: Iterable[pa.Table], coverage: pa.Table) -> pa.Table:
    """PROBING_SCORES of one checkpoint: every (language, relation), and relation "*" for each language.

    predictions: PREDICTIONS, any number of tables. coverage: FACT_COVERAGE with a row for each of their rows
    (its majority_correct gives the majority baseline). A row that was left out (too_long) or has no rank
    counts as wrong. Raises InputError when coverage lacks a fact.
    """
    majority_of = {
        (language, uuid): correct
        for language, uuid, correct in zip(
            *(coverage.column(name).to_pylist() for name in ("language", "uuid", "majority_correct")),
            strict=True,
        )
    }
    rows: list[dict[str, Any]] = []
    for table in predictions:
        columns = {name: np.array(table.column(name).to_pylist()) for name in _COLUMNS}
        keys = list(zip(columns["language"].tolist(), columns["uuid"].tolist(), strict=True))
        missing = next((key for key in keys if key not in majority_of), None)
        if missing is not None:
            raise InputError(
                f"fact {missing[1]} of language {missing[0]} has a prediction and no row in fact_coverage; "
                "materialize mlama_split and fact_coverage, then predictions again"
            )
        columns["majority"] = np.array([bool(majority_of[key]) for key in keys])
        for language in sorted(set(columns["language"].tolist())):
            spoken = columns["language"] == language
            relations = sorted(set(columns["relation"][spoken].tolist()))
            cells = [_cell(columns, spoken & (columns["relation"] == name)) for name in relations]
            whole = _cell(columns, spoken)
            whole["macro_full_match"] = float(np.mean([cell["full_match"] for cell in cells]))
            for relation, cell in zip(["*", *relations], [whole, *cells], strict=True):
                rows.append({"language": language, "relation": relation, **cell})
    rows.sort(key=lambda row: (row["language"], row["relation"]))
    return pa.Table.from_pylist(rows, schema=PROBING_SCORES)


def _cell(columns: dict[str, npt.NDArray[Any]], chosen: npt.NDArray[np.bool_]) -> dict[str, Any]:
    n = int(chosen.sum())
    right = int(columns["full_match"][chosen].sum())
    low, high = wilson(right, n)
    rank, prior = (_ranks(columns[name][chosen]) for name in ("typed_rank", "prior_rank"))
    return {
        "n": n,
        "full_match": right / n,
        "full_match_low": low,
        "full_match_high": high,
        "partial_match": float(columns["partial_match"][chosen].mean()),
        "typed_p1": float((rank == 1).mean()),
        "mrr": float((1 / rank).mean()),
        "multi_answer": float(columns["any_answer_match"][chosen].mean()),
        "majority": float(columns["majority"][chosen].mean()),
        "uniform": float((1 / columns["candidates"][chosen]).mean()),
        "prior_typed_p1": None if np.isinf(prior).all() else float((prior == 1).mean()),
        "too_long": int(columns["too_long"][chosen].sum()),
        "small": n < SMALL,
    }


def _ranks(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Ranks as floats; no rank is an infinitely bad one."""
    return np.array([np.inf if value is None or np.isnan(value) else value for value in values], np.float64)


def mask_counts(predictions: Iterable[pa.Table]) -> pa.Table:
    """MASK_COUNTS: P@1 by the number of tokens of the object, for each language."""
    counts: dict[tuple[str, int], list[int]] = {}
    for table in predictions:
        lengths = table.column("object_ids").combine_chunks().value_lengths().to_pylist()
        for language, tokens, right in zip(
            table.column("language").to_pylist(), lengths, table.column("full_match").to_pylist(), strict=True
        ):
            cell = counts.setdefault((language, tokens), [0, 0])
            cell[0] += 1
            cell[1] += right
    rows = []
    for (language, tokens), (n, right) in sorted(counts.items()):
        low, high = wilson(right, n)
        rows.append(
            {
                "language": language,
                "object_tokens": tokens,
                "n": n,
                "full_match": right / n,
                "low": low,
                "high": high,
            }
        )
    return pa.Table.from_pylist(rows, schema=MASK_COUNTS)


def volume_relations(scores: pa.Table, volume: pa.Table) -> pa.Table:
    """VOLUME_RELATIONS: P@1 of the languages against the size of their Wikipedias.

    scores: PROBING_SCORES; volume: WIKIPEDIA_VOLUME, one row per language. Languages in both are used; a
    correlation is null with fewer than three, or where either side does not vary. One language can make the
    correlation (English is ten times the median), so its range with one left out stands beside it.
    """
    p1 = {
        row["language"]: row["full_match"]
        for row in scores.select(["language", "relation", "full_match"]).to_pylist()
        if row["relation"] == "*"
    }
    sizes = {row["language"]: row for row in volume.to_pylist()}
    languages = sorted(p1.keys() & sizes.keys())
    y = np.array([p1[language] for language in languages])
    rows = []
    for measure in MEASURES:
        x = np.array([float(sizes[language][measure]) for language in languages])
        pearson, pearson_p = _correlation(stats.pearsonr, x, y)
        spearman, spearman_p = _correlation(stats.spearmanr, x, y)
        without = {
            language: _correlation(stats.pearsonr, np.delete(x, index), np.delete(y, index))[0]
            for index, language in enumerate(languages)
        }
        known = {language: r for language, r in without.items() if r is not None}
        furthest = (
            max(sorted(known), key=lambda name: abs(known[name] - pearson))
            if known and pearson is not None
            else None
        )
        rows.append(
            {
                "measure": measure,
                "languages": len(languages),
                "pearson": pearson,
                "pearson_p": pearson_p,
                "spearman": spearman,
                "spearman_p": spearman_p,
                "pearson_without_low": min(known.values(), default=None),
                "pearson_without_high": max(known.values(), default=None),
                "most_influential": furthest,
            }
        )
    return pa.Table.from_pylist(rows, schema=VOLUME_RELATIONS)


def _correlation(
    of: Any, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]
) -> tuple[float | None, float | None]:
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None, None
    result = of(x, y)
    return float(result.statistic), float(result.pvalue)
