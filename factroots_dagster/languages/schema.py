"""Columns of the tables about languages. Schemas only: the asset definitions import this module."""

from __future__ import annotations

import pyarrow as pa

from factroots_dagster.tables import column

PAIRS_NOTE = (
    "Pairs that share a language are not independent: n languages make n (n - 1) / 2 pairs, but only n "
    "observations. Do not test or fit over the rows as if they were independent; Mantel's p-values permute "
    "whole languages. Distance, script and shared subwords go together, so a correlation with one is not "
    "its effect alone."
)
"""Stored in the metadata of tables with a row per pair of languages."""

_NOTE = {"note": PAIRS_NOTE}

LANGUAGE_CLUSTERS = pa.schema(
    [
        column(
            "language_a",
            pa.string(),
            "Code of the first language of the pair, alphabetically before the second",
            nullable=False,
        ),
        column("language_b", pa.string(), "Code of the second language of the pair", nullable=False),
        column(
            "shared_facts", pa.int64(), "Number of facts that were asked in both languages", nullable=False
        ),
        column(
            "jaccard",
            pa.float64(),
            "Jaccard index of the two sets of correctly predicted facts; null where both are empty",
        ),
        column(
            "expected_jaccard",
            pa.float64(),
            "Jaccard index expected by chance of two languages with these numbers of correct facts; null "
            "where both have none",
        ),
        column(
            "corrected",
            pa.float64(),
            "(jaccard - expected_jaccard) / (1 - expected_jaccard): 0 at chance, 1 for the same facts; "
            "null where it is not defined",
        ),
        column(
            "distance_km",
            pa.float64(),
            "Great-circle distance in kilometres; null where a language has no place",
        ),
        column(
            "same_script",
            pa.bool_(),
            "Whether both languages are written in the same script; null where a script is unknown",
        ),
        column(
            "subword_overlap",
            pa.float64(),
            "Jaccard index of the token ids of all object labels; null where there are none",
        ),
    ],
    metadata=_NOTE,
)
"""One row per pair of languages."""

CLUSTER_MEMBERS = pa.schema(
    [
        column("language", pa.string(), "Code of the language", nullable=False),
        column(
            "cluster",
            pa.int64(),
            "Number of the cluster, from 0 in the alphabetical order of the medoids",
            nullable=False,
        ),
        column("medoid", pa.bool_(), "Whether the language is the medoid of its cluster", nullable=False),
        column(
            "silhouette",
            pa.float64(),
            "Silhouette of the language, from -1 to 1; null for fewer than three languages",
        ),
    ]
)
"""One row per language."""

MANTEL = pa.schema(
    [
        column(
            "variable",
            pa.string(),
            "What the similarity is correlated with: distance_km, same_script or subword_overlap",
            nullable=False,
        ),
        column("pairs", pa.int64(), "Number of language pairs that have both values", nullable=False),
        column(
            "correlation",
            pa.float64(),
            "Pearson correlation with the corrected similarity; null for fewer than four languages or a "
            "constant variable",
        ),
        column(
            "p_value",
            pa.float64(),
            "Two-sided p-value by permutation of whole languages; null where there is no correlation",
        ),
    ],
    metadata=_NOTE,
)
"""One row per variable that shared knowledge may be correlated with."""
