"""Which languages a model knows the same facts in, beyond what chance would give."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from zlib import crc32

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from factroots_dagster.languages.geography import MLAMA_PLACES, Place, distance_km
from factroots_dagster.languages.schema import CLUSTER_MEMBERS, LANGUAGE_CLUSTERS, MANTEL
from factroots_dagster.stats.mantel import mantel
from factroots_dagster.stats.medoids import best_clusters
from factroots_dagster.stats.pair_matrix import pair_matrix

VARIABLES = ("distance_km", "same_script", "subword_overlap")


def language_clusters(
    predictions: Mapping[str, pa.Table],
    *,
    places: Mapping[str, Place] = MLAMA_PLACES,
    seed: int = 0,
    max_k: int = 10,
    permutations: int = 9999,
) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Similarity of languages by the facts predicted in both, their clusters, and what goes with it.

    For two languages only the facts that both were asked are compared. Languages with high P@1 overlap by
    chance alone; `expected_jaccard` is the exact mean of Jaccard when each language keeps its number
    of correct facts and they fall independently (the overlap is then hypergeometric: Chung et al.,
    BMC Bioinformatics 20, 2019), and `corrected` is (J - E) / (1 - E), the correction for chance of
    Hubert and Arabie (1985): 0 at chance, 1 for the same facts. It does not know that some facts are
    easy in every language, so it measures common knowledge, whatever its reason.

    Clusters: k-medoids on 1 - corrected (1 where it is undefined), k by silhouette.
    Mantel: correlation of `corrected` with each variable over the languages that have it. Pairs that share
    a language are not independent, so neither their number nor the p-value of an ordinary correlation says
    how sure it is; a note in the schemas (`analysis.schema.PAIRS_NOTE`) goes with the tables.

    Args:
        predictions: language to PREDICTIONS table; columns uuid, full_match, object_ids are used.
        places: coordinates and script by language; languages without a place have null distances.
        seed: of the permutations.
        max_k: largest number of clusters tried.
        permutations: of each Mantel test.

    Returns:
        LANGUAGE_CLUSTERS (sorted by pair), CLUSTER_MEMBERS (by language), MANTEL (one row per variable).
    """
    languages = sorted(predictions)
    held, right = _facts(predictions, languages)
    pieces = {language: _token_ids(predictions[language]) for language in languages}
    rows = []
    for (i, a), (j, b) in combinations(enumerate(languages), 2):
        both = held[i] & held[j]
        shared, jaccard, expected = _overlap(right[i, both], right[j, both])
        placed = a in places and b in places
        union = len(np.union1d(pieces[a], pieces[b]))
        rows.append(
            {
                "language_a": a,
                "language_b": b,
                "shared_facts": shared,
                "jaccard": jaccard,
                "expected_jaccard": expected,
                "corrected": _corrected(jaccard, expected),
                "distance_km": distance_km(places[a], places[b]) if placed else None,
                "same_script": places[a].script == places[b].script if placed else None,
                "subword_overlap": len(np.intersect1d(pieces[a], pieces[b])) / union if union else None,
            }
        )
    pairs = pa.Table.from_pylist(rows, schema=LANGUAGE_CLUSTERS)
    return pairs, _members(languages, pairs, max_k), _mantel(languages, pairs, seed, permutations)


def expected_jaccard(facts: int, first: int, second: int) -> float | None:
    """Mean Jaccard of random sets of `first` and `second` out of `facts`; None when both are empty."""
    if first + second == 0:
        return None
    from scipy.special import gammaln

    low, high = max(0, first + second - facts), min(first, second)
    mean = first * second / facts
    spread = 12 * np.sqrt(mean + 1)  # the variance is below the mean; what lies beyond is below 1e-30
    overlap = np.arange(max(low, int(mean - spread)), min(high, int(mean + spread) + 1) + 1)

    def log_binomial(n: float, k: NDArray[np.int64] | float) -> NDArray[np.float64]:
        value: NDArray[np.float64] = gammaln(n + 1) - gammaln(np.add(k, 1)) - gammaln(np.subtract(n + 1, k))
        return value

    log_chance = log_binomial(first, overlap) + log_binomial(facts - first, second - overlap)
    chance = np.exp(log_chance - log_binomial(facts, second))
    return float((chance * overlap / (first + second - overlap)).sum() / chance.sum())


def _facts(predictions: Mapping[str, pa.Table], languages: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """[languages, facts]: which facts a language was asked, and which of them it predicts correctly."""
    known: dict[str, int] = {}
    cells = []
    for language in languages:
        table = predictions[language]
        table = table.filter(pc.is_valid(table["full_match"]))  # the others could not be asked
        at = np.array(
            [known.setdefault(uuid, len(known)) for uuid in table["uuid"].to_pylist()], dtype=np.int64
        )
        cells.append((at, table["full_match"].to_numpy().astype(bool)))
    held = np.zeros((len(languages), len(known)), dtype=bool)
    right = np.zeros_like(held)
    for row, (at, matches) in enumerate(cells):
        held[row, at] = True
        right[row, at] = matches
    return held, right


def _token_ids(table: pa.Table) -> np.ndarray:
    return np.unique(table["object_ids"].combine_chunks().flatten().to_numpy(zero_copy_only=False))


def _overlap(a: np.ndarray, b: np.ndarray) -> tuple[int, float | None, float | None]:
    union = int((a | b).sum())
    jaccard = float((a & b).sum() / union) if union else None
    return len(a), jaccard, expected_jaccard(len(a), int(a.sum()), int(b.sum()))


def _corrected(jaccard: float | None, expected: float | None) -> float | None:
    if jaccard is None or expected is None:
        return None
    return (jaccard - expected) / (1 - expected) if expected < 1 else None


def _members(languages: list[str], pairs: pa.Table, max_k: int) -> pa.Table:
    if not languages:
        return CLUSTER_MEMBERS.empty_table()
    distance = 1 - np.nan_to_num(pair_matrix(pairs, "corrected", languages), nan=0.0)
    np.fill_diagonal(distance, 0.0)
    medoids, labels, widths = best_clusters(distance, max_k)
    return pa.table(
        {
            "language": languages,
            "cluster": labels,
            "medoid": [i in medoids for i in range(len(languages))],
            "silhouette": widths if widths is not None else [None] * len(languages),
        },
        schema=CLUSTER_MEMBERS,
    )


def _mantel(languages: list[str], pairs: pa.Table, seed: int, permutations: int) -> pa.Table:
    rows = []
    for variable in VARIABLES:
        values = pair_matrix(pairs, variable, languages)
        has = [i for i in range(len(languages)) if not np.isnan(np.delete(values[i], i)).all()]
        kept = [languages[i] for i in has]
        similarity = pair_matrix(pairs, "corrected", kept)
        rng = np.random.default_rng([seed, crc32(variable.encode())])
        correlation, p_value = mantel(similarity, values[np.ix_(has, has)], rng, permutations=permutations)
        used = int((~np.isnan(similarity[np.triu_indices(len(kept), 1)])).sum())
        rows.append({"variable": variable, "pairs": used, "correlation": correlation, "p_value": p_value})
    return pa.Table.from_pylist(rows, schema=MANTEL)
