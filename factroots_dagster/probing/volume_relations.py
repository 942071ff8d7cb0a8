"""The correlation of the languages' P@1 with the size of their Wikipedias."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy import stats

from factroots_dagster.probing.schema import VOLUME_RELATIONS

MEASURES = ("pages", "articles", "wikitext_bytes", "words")


def volume_relations(scores: pa.Table, volume: pa.Table) -> pa.Table:
    """VOLUME_RELATIONS: P@1 of the languages against the size of their Wikipedias.

    scores: PROBING_SCORES; volume: WIKIPEDIA_VOLUME, one row per language. The languages that are in both and
    have a P@1 are used; a correlation is null with fewer than three of them, or where either side does not
    vary. A single language can dominate the correlation (English is ten times the median), so its range with
    one language left out is reported beside it.
    """
    p1 = {
        row["language"]: row["full_match"]
        for row in scores.select(["language", "relation", "full_match"]).to_pylist()
        if row["relation"] == "*" and row["full_match"] is not None
    }
    sizes = {row["language"]: row for row in volume.to_pylist()}
    languages = sorted(p1.keys() & sizes.keys())
    y = np.array([p1[language] for language in languages])
    rows = []
    for measure in MEASURES:
        x = np.array([float(sizes[language][measure]) for language in languages])
        pearson, pearson_p = _correlate(stats.pearsonr, x, y)
        spearman, spearman_p = _correlate(stats.spearmanr, x, y)
        without = {
            language: _correlate(stats.pearsonr, np.delete(x, index), np.delete(y, index))[0]
            for index, language in enumerate(languages)
        }
        known = {language: r for language, r in without.items() if r is not None}
        changes = {} if pearson is None else {name: abs(r - pearson) for name, r in known.items()}
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
                "most_influential": max(changes, key=changes.__getitem__, default=None),
            }
        )
    return pa.Table.from_pylist(rows, schema=VOLUME_RELATIONS)


def _correlate(
    correlation: Any, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]
) -> tuple[float | None, float | None]:
    """Coefficient and p-value by a function of scipy.stats; None for too few or constant values."""
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None, None
    result = correlation(x, y)
    return float(result.statistic), float(result.pvalue)
