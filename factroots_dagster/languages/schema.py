"""Tables of the analysis part. pyarrow only: the asset definitions import this module."""

from __future__ import annotations

import pyarrow as pa

PAIRS_NOTE = (
    "Pairs that share a language are not independent: n languages make n (n - 1) / 2 pairs, but only n "
    "observations. Do not test or fit over the rows as if they were independent; Mantel's p-values permute "
    "whole languages. Distance, script and shared subwords go together, so a correlation with one is not its "
    "effect alone."
)
_NOTE = {"note": PAIRS_NOTE}

LANGUAGE_CLUSTERS = pa.schema(
    [
        pa.field("language_a", pa.string(), nullable=False),  # language_a < language_b
        pa.field("language_b", pa.string(), nullable=False),
        pa.field("shared_facts", pa.int64(), nullable=False),  # facts that both languages were asked
        pa.field("jaccard", pa.float64()),  # of the correctly predicted among them; null: none is
        pa.field("expected_jaccard", pa.float64()),  # by chance, both languages' counts kept
        pa.field("corrected", pa.float64()),  # (jaccard - expected) / (1 - expected)
        pa.field("distance_km", pa.float64()),  # great circle; null without coordinates
        pa.field("same_script", pa.bool_()),  # null where a script is unknown
        pa.field("subword_overlap", pa.float64()),  # Jaccard of the token ids of all object labels
    ],
    metadata=_NOTE,
)
"""One row per pair of languages; the note in its metadata is stored with the table."""

CLUSTER_MEMBERS = pa.schema(
    [
        pa.field("language", pa.string(), nullable=False),
        pa.field("cluster", pa.int64(), nullable=False),  # 0.. in the order of the medoids' codes
        pa.field("medoid", pa.bool_(), nullable=False),
        pa.field("silhouette", pa.float64()),  # null where it is not defined: fewer than two clusters
    ]
)
"""One row per language."""

MANTEL = pa.schema(
    [
        pa.field("variable", pa.string(), nullable=False),  # distance_km | same_script | subword_overlap
        pa.field("pairs", pa.int64(), nullable=False),
        pa.field("correlation", pa.float64()),  # Pearson, with the corrected similarity; null: undefined
        pa.field("p_value", pa.float64()),  # two-sided, by permutation of languages
    ],
    metadata=_NOTE,
)
"""One row per variable that shared knowledge may go with; with the same note."""
