"""Tables of the yardstick. Imports pyarrow only: the asset definitions load this module."""

from __future__ import annotations

import pyarrow as pa

from factroots_dagster.tables import column

SHARED, INDEPENDENT, TRANSFERRED, EASY = "shared", "independent", "transferred", "easy"
LUCK, UNSTABLE, NOT_PREDICTED = "luck", "unstable", "not_predicted"
CAUSAL_TYPES = (SHARED, INDEPENDENT, TRANSFERRED, EASY, LUCK)
"""Causal types that a method can be right about, in the order in which they are shown."""
UNDECIDED = (UNSTABLE, NOT_PREDICTED)

RETRAINED_ANSWERS = pa.schema(
    [
        column("uuid", pa.string(), "identifier of the fact", nullable=False),
        column("language", pa.string(), "language code", nullable=False),
        column("relation", pa.string(), "Wikidata property of the fact, such as P19", nullable=False),
        column(
            "stated_in",
            pa.list_(pa.string()),
            "languages whose articles state the fact in the complete world",
            nullable=False,
        ),
        column(
            "left_out_in",
            pa.list_(pa.string()),
            "languages whose statements of the fact this training did without",
            nullable=False,
        ),
        column(
            "full_match", pa.bool_(), "whether the retrained model predicts the fact here", nullable=False
        ),
    ]
)
"""One row per fact and language: the answers of one retrained model."""

COUNTERFACTUAL_TRUTH = pa.schema(
    [
        column("uuid", pa.string(), "identifier of the fact", nullable=False),
        column("language", pa.string(), "language code", nullable=False),
        column("relation", pa.string(), "Wikidata property of the fact, such as P19", nullable=False),
        column(
            "causal_type",
            pa.string(),
            f"what the fact was known from: {', '.join(CAUSAL_TYPES + UNDECIDED)}",
            nullable=False,
        ),
        column("stated", pa.bool_(), "whether the language's articles state the fact", nullable=False),
        column(
            "replicates",
            pa.int64(),
            "trainings that left out statements, but none of this fact",
            nullable=False,
        ),
        column("replicates_known", pa.int64(), "how many of them predict the fact here", nullable=False),
        column(
            "own_tests",
            pa.int64(),
            "trainings without this language's statements, but with another language's",
            nullable=False,
        ),
        column("own_known", pa.int64(), "how many of them predict the fact here", nullable=False),
        column("bare_tests", pa.int64(), "trainings in which no language states the fact", nullable=False),
        column("bare_known", pa.int64(), "how many of them predict the fact here", nullable=False),
        column(
            "needed_languages",
            pa.list_(pa.string()),
            "languages without whose statements, all others in place, the fact is lost here",
            nullable=False,
        ),
    ]
)
"""One row per fact and language."""
