"""Tables of the report part. pyarrow only: the asset definitions import this module."""

from __future__ import annotations

import pyarrow as pa

TYPES = ("shared", "independent", "transferred", "naming_cue", "shared_tokens", "not_predicted")
PREDICTED_TYPES = TYPES[:-1]
"""Types of a predicted fact, in the order in which every table and figure shows them."""

FACT_TYPES = pa.schema(
    [
        pa.field("uuid", pa.string(), nullable=False),
        pa.field("language", pa.string(), nullable=False),
        pa.field("relation", pa.string(), nullable=False),
        pa.field("type", pa.string(), nullable=False),  # one of TYPES
        pa.field("reason", pa.string(), nullable=False),  # a sentence for people
        pa.field("source_present", pa.bool_(), nullable=False),
        pa.field("windows", pa.int64(), nullable=False),  # of the matcher that hold subject and object
        pa.field("matcher", pa.string(), nullable=False),
        pa.field("easy", pa.string()),  # shared_tokens | naming_cue | null; predicted or not
        pa.field("single_language", pa.bool_(), nullable=False),  # predicted, and no pair to compare it in
        pa.field("nearest_language", pa.string()),
        pa.field("statistic", pa.string(), nullable=False),  # of the next two columns
        pa.field("similarity", pa.float64()),  # to the nearest language
        pa.field("threshold", pa.float64()),  # 90th percentile of the same-object null of that pair
        pa.field("p_value", pa.float64()),  # of that pair
        pa.field("q_value", pa.float64()),
    ]
)
"""One row per row of predictions."""

CHECKPOINT_COMPARISON = pa.schema(
    [
        pa.field("checkpoint", pa.string(), nullable=False),
        pa.field("order", pa.int64(), nullable=False),
        pa.field("language", pa.string(), nullable=False),  # "*": all languages
        pa.field("type", pa.string(), nullable=False),
        pa.field("facts", pa.int64(), nullable=False),
        pa.field("share", pa.float64(), nullable=False),  # of the language's rows
        pa.field("full_match", pa.float64()),  # P@1 of the language
    ]
)
"""One row per checkpoint, language and type."""

CHANGED_FACTS = pa.schema(
    [
        pa.field("uuid", pa.string(), nullable=False),
        pa.field("language", pa.string(), nullable=False),
        pa.field("checkpoint_from", pa.string(), nullable=False),
        pa.field("checkpoint_to", pa.string(), nullable=False),
        pa.field("type_from", pa.string(), nullable=False),
        pa.field("type_to", pa.string(), nullable=False),
    ]
)
"""Facts whose type differs between one checkpoint and the next in order."""
