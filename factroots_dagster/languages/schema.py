"""Columns of the tables about languages. Schemas only: the asset definitions import this module."""

from __future__ import annotations

from factroots_dagster.tables import LANGUAGE, LANGUAGE_PAIR, boolean, float64, int64, string, table

PAIRS_NOTE = (
    "Pairs that share a language are not independent: n languages make n (n - 1) / 2 pairs, but only n "
    "observations. Do not test or fit over the rows as if they were independent; Mantel's p-values permute "
    "whole languages. Distance, script and shared subwords go together, so a correlation with one is not "
    "its effect alone."
)
"""Stored in the metadata of tables with a row per pair of languages."""

LANGUAGE_CLUSTERS = table(
    *LANGUAGE_PAIR,
    int64("shared_facts", "Number of facts that were asked in both languages"),
    float64("jaccard", "Jaccard index of the sets of correctly predicted facts; null where both are empty"),
    float64(
        "expected_jaccard",
        "The index expected by chance with these numbers of correct facts; null where both are 0",
    ),
    float64(
        "corrected",
        "(jaccard - expected_jaccard) / (1 - expected_jaccard): 0 at chance, 1 for the same facts; null "
        "where it is not defined",
    ),
    float64("distance_km", "Great-circle distance in kilometres; null where a language has no place"),
    boolean("same_script", "Whether both languages have the same script; null where a script is unknown"),
    float64("subword_overlap", "Jaccard index of the token ids of all object labels; null without any"),
    nullable=("jaccard", "expected_jaccard", "corrected", "distance_km", "same_script", "subword_overlap"),
    note=PAIRS_NOTE,
)
"""One row per pair of languages."""

CLUSTER_MEMBERS = table(
    LANGUAGE,
    int64("cluster", "Number of the cluster, from 0 in the alphabetical order of the medoids"),
    boolean("medoid", "Whether the language is the medoid of its cluster"),
    float64("silhouette", "Silhouette of the language, from -1 to 1; null for fewer than three languages"),
    nullable=("silhouette",),
)
"""One row per language."""

MANTEL = table(
    string("variable", "What the similarity is correlated with: distance_km, same_script or subword_overlap"),
    int64("pairs", "Number of language pairs that have both values"),
    float64(
        "correlation",
        "Pearson correlation with the corrected similarity; null for fewer than four languages or a "
        "constant variable",
    ),
    float64("p_value", "Two-sided p-value by permutation of whole languages; null without a correlation"),
    nullable=("correlation", "p_value"),
    note=PAIRS_NOTE,
)
"""One row per variable that shared knowledge may be correlated with."""
