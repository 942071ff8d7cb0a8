"""Tables of the yardstick. Imports pyarrow only: the asset definitions load this module."""

from __future__ import annotations

import pyarrow as pa

from factroots_dagster.tables import FACT_KEY, boolean, column, float64, int64, string, table

SHARED, INDEPENDENT, TRANSFERRED, EASY = "shared", "independent", "transferred", "easy"
LUCK, UNSTABLE, NOT_PREDICTED = "luck", "unstable", "not_predicted"
CAUSAL_TYPES = (SHARED, INDEPENDENT, TRANSFERRED, EASY, LUCK)
"""Causal types that a method can be right about, in the order in which they are shown."""
UNDECIDED = (UNSTABLE, NOT_PREDICTED)

RETRAINED_ANSWERS = table(
    *FACT_KEY,
    column(
        "stated_in",
        pa.list_(pa.string()),
        "languages whose articles state the fact in the complete world",
    ),
    column(
        "left_out_in",
        pa.list_(pa.string()),
        "languages whose statements of the fact this training did without",
    ),
    boolean("full_match", "whether the retrained model predicts the fact here"),
    nullable=(),
)
"""One row per fact and language: the answers of one retrained model."""

COUNTERFACTUAL_TRUTH = table(
    *FACT_KEY,
    string("causal_type", f"what the fact was known from: one of {', '.join(CAUSAL_TYPES + UNDECIDED)}"),
    boolean("stated", "whether the language's articles state the fact"),
    int64("replicates", "trainings that left out statements, but none of this fact"),
    int64("replicates_known", "how many of them predict the fact here"),
    int64("own_tests", "trainings without this language's statements, but with another language's"),
    int64("own_known", "how many of them predict the fact here"),
    int64("bare_tests", "trainings in which no language states the fact"),
    int64("bare_known", "how many of them predict the fact here"),
    column(
        "needed_languages",
        pa.list_(pa.string()),
        "languages without whose statements, all others in place, the fact is lost here",
    ),
    nullable=(),
)
"""One row per fact and language."""

YARDSTICK = table(
    string("preset", "preset of the world: demo, mbert_like, disjoint or easy"),
    int64("seed", "seed of the world"),
    string("method", "who judges: ours, its placebo random_weights, or a rival; truth: the truth itself"),
    string("metric", "what is measured; docs/yardstick.md lists them"),
    float64("value", "the measurement; null where there is nothing to measure"),
    float64("low", "lower end of its 95% interval over facts"),
    float64("high", "upper end of its 95% interval over facts"),
    string("versions", "versions of this package, Python, numpy, torch and transformers"),
    nullable=("value", "low", "high"),
)
"""One row per world, method and metric."""
