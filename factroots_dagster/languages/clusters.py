"""In which languages a model knows the same facts, beyond what chance would give."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from zlib import crc32

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.languages.geography import MLAMA_PLACES, Place, distance_km
from factroots_dagster.languages.schema import CLUSTER_MEMBERS, LANGUAGE_CLUSTERS, MANTEL
from factroots_dagster.stats.expected_jaccard import expected_jaccard
from factroots_dagster.stats.mantel import mantel
from factroots_dagster.stats.medoids import best_clusters
from factroots_dagster.stats.pair_matrix import pair_matrix

VARIABLES = ("distance_km", "same_script", "subword_overlap")
"""Columns of LANGUAGE_CLUSTERS that the similarity is correlated with."""


def language_clusters(
    predictions: Mapping[str, pa.Table],
    *,
    places: Mapping[str, Place] = MLAMA_PLACES,
    seed: int = 0,
    max_k: int = 10,
    permutations: int = 9999,
) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Similarity of languages by the facts that both predict, their clusters, and its correlates.

    For two languages only the facts that were asked in both are compared. Languages with high P@1 overlap by
    chance alone; `expected_jaccard` is the mean Jaccard index of random sets of as many facts
    (`stats.expected_jaccard`), and `corrected` is (J - E) / (1 - E), the correction for chance of Hubert and
    Arabie (1985): 0 at chance, 1 for the same facts. It does not account for facts easy in every language,
    so it measures common knowledge, whatever its reason.

    Clusters: k-medoids on 1 - corrected (1 where it is undefined), k by silhouette.
    Mantel: correlation of `corrected` with each variable over the languages that have it. Pairs that share
    a language are not independent, so neither their number nor the p-value of an ordinary correlation says
    how certain it is; the schemas' metadata say so (`schema.PAIRS_NOTE`).

    predictions: language to PREDICTIONS; the columns uuid, full_match and object_ids are used. places:
    language to coordinates and script; languages without a place have null distances. seed: seeds the
    permutations, of which each Mantel test has `permutations`. max_k: largest number of clusters tried.

    Returns LANGUAGE_CLUSTERS (sorted by pair), CLUSTER_MEMBERS (by language), MANTEL (one row per variable).
    """
    languages = sorted(predictions)
    asked, right = _fact_matrices([predictions[language] for language in languages])
    token_ids = {
        language: np.unique(table["object_ids"].combine_chunks().flatten().to_numpy(zero_copy_only=False))
        for language, table in predictions.items()
    }
    rows = []
    for (i, a), (j, b) in combinations(enumerate(languages), 2):
        both = asked[i] & asked[j]
        jaccard, expected, corrected = _overlap(right[i, both], right[j, both])
        have_places = a in places and b in places
        union = len(np.union1d(token_ids[a], token_ids[b]))
        common = len(np.intersect1d(token_ids[a], token_ids[b]))
        rows.append(
            {
                "language_a": a,
                "language_b": b,
                "shared_facts": int(both.sum()),
                "jaccard": jaccard,
                "expected_jaccard": expected,
                "corrected": corrected,
                "distance_km": distance_km(places[a], places[b]) if have_places else None,
                "same_script": places[a].script == places[b].script if have_places else None,
                "subword_overlap": common / union if union else None,
            }
        )
    pairs = pa.Table.from_pylist(rows, schema=LANGUAGE_CLUSTERS)
    return pairs, _members(languages, pairs, max_k), _mantel(languages, pairs, seed, permutations)


def _fact_matrices(predictions: list[pa.Table]) -> tuple[np.ndarray, np.ndarray]:
    """[languages, facts]: which facts were asked in a language, and which of them it predicts correctly."""
    # Those without a match could not be asked.
    answers = [table.filter(pc.is_valid(table["full_match"])) for table in predictions]
    uuids = pa.chunked_array([table["uuid"].combine_chunks() for table in answers], pa.string()).unique()
    asked = np.zeros((len(answers), len(uuids)), dtype=bool)
    right = np.zeros_like(asked)
    for row, table in enumerate(answers):
        facts = pc.index_in(table["uuid"], uuids).to_numpy()
        asked[row, facts] = True
        right[row, facts] = table["full_match"].to_numpy()
    return asked, right


def _overlap(a: np.ndarray, b: np.ndarray) -> tuple[float | None, float | None, float | None]:
    """Jaccard index of two sets of facts, given as booleans [facts]; expected; and corrected for chance."""
    union = int((a | b).sum())
    jaccard = float((a & b).sum() / union) if union else None
    expected = expected_jaccard(len(a), int(a.sum()), int(b.sum()))
    if jaccard is None or expected is None or expected >= 1:
        return jaccard, expected, None
    return jaccard, expected, (jaccard - expected) / (1 - expected)


def _members(languages: list[str], pairs: pa.Table, max_k: int) -> pa.Table:
    if not languages:
        return CLUSTER_MEMBERS.empty_table()
    distance = 1 - np.nan_to_num(pair_matrix(pairs, "corrected", languages), nan=0.0)
    np.fill_diagonal(distance, 0.0)
    medoids, labels, silhouettes = best_clusters(distance, max_k)
    return pa.table(
        {
            "language": languages,
            "cluster": labels,
            "medoid": [i in medoids for i in range(len(languages))],
            "silhouette": [None] * len(languages) if silhouettes is None else silhouettes,
        },
        schema=CLUSTER_MEMBERS,
    )


def _mantel(languages: list[str], pairs: pa.Table, seed: int, permutations: int) -> pa.Table:
    rows = []
    for variable in VARIABLES:
        values = pair_matrix(pairs, variable, languages)
        known = [i for i in range(len(languages)) if not np.isnan(np.delete(values[i], i)).all()]
        values = values[np.ix_(known, known)]
        similarity = pair_matrix(pairs, "corrected", [languages[i] for i in known])
        rng = np.random.default_rng([seed, crc32(variable.encode())])
        correlation, p_value = mantel(similarity, values, rng, permutations=permutations)
        count = int((~np.isnan(similarity[np.triu_indices(len(known), 1)])).sum())
        rows.append({"variable": variable, "pairs": count, "correlation": correlation, "p_value": p_value})
    return pa.Table.from_pylist(rows, schema=MANTEL)
