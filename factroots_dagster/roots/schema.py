"""Tables of the report part. pyarrow only: the asset definitions import this module."""

from __future__ import annotations

import pyarrow as pa

TYPES = ("shared", "independent", "transferred", "naming_cue", "shared_tokens", "not_predicted")
PREDICTED_TYPES = TYPES[:-1]
"""Types of a predicted fact, in the order in which every table and figure shows them."""

RULES = (
    "too_long", "not_asked", "no_full_match", "object_in_subject", "shared_wordpiece",
    "name_cue", "relation_cue", "no_source", "above_null", "below_null", "no_null", "no_partner",
)  # fmt: skip
"""What decided a type: see report.types."""

FACT_TYPES = pa.schema(
    [
        pa.field("uuid", pa.string(), nullable=False),
        pa.field("language", pa.string(), nullable=False),
        pa.field("relation", pa.string(), nullable=False),
        pa.field("type", pa.string(), nullable=False),  # one of TYPES
        pa.field("reason", pa.string(), nullable=False),  # a sentence for people
        pa.field("rule", pa.string(), nullable=False),  # one of RULES
        pa.field("source_present", pa.bool_(), nullable=False),
        pa.field("windows", pa.int64(), nullable=False),  # of the matcher that hold subject and object
        pa.field("matcher", pa.string(), nullable=False),
        pa.field("easy", pa.string()),  # shared_tokens | naming_cue | null; predicted or not
        pa.field("easy_rule", pa.string(), nullable=False),  # of naming cues: name | relation | none
        pa.field("cue", pa.string()),  # what gives the object away: part of the name, or the relation
        pa.field("cue_facts", pa.int64()),  # other subjects of the relation with this part in their name
        pa.field("cue_hits", pa.int64()),  # how many of these have the object
        pa.field("cue_p", pa.float64()),  # one-sided hypergeometric, times the number of parts
        pa.field("single_language", pa.bool_(), nullable=False),  # predicted, and no pair to compare it in
        pa.field("nearest_language", pa.string()),
        pa.field("statistic", pa.string(), nullable=False),  # of the next columns: see neurons.nearest
        pa.field("k", pa.int64()),  # neurons of a set; null for statistics that have none
        pa.field("similarity", pa.float64()),  # the statistic, over all other languages
        pa.field("threshold", pa.float64()),  # 95th percentile of the same-object null
        pa.field("p_value", pa.float64()),
        pa.field("q_value", pa.float64()),
    ]
)
"""One row per row of predictions."""

VARIANTS = pa.schema(
    [
        pa.field("uuid", pa.string(), nullable=False),
        pa.field("language", pa.string(), nullable=False),
        pa.field("relation", pa.string(), nullable=False),
        pa.field("matcher", pa.string(), nullable=False),
        pa.field("source_present", pa.bool_(), nullable=False),
        pa.field("statistic", pa.string()),  # null without a source: nothing is compared then
        pa.field("k", pa.int64()),
        pa.field("easy_rule", pa.string()),  # null with a source: nothing needs explaining then
        pa.field("type", pa.string(), nullable=False),
        pa.field("nearest_language", pa.string()),
        pa.field("similarity", pa.float64()),
        pa.field("threshold", pa.float64()),
        pa.field("p_value", pa.float64()),
        pa.field("q_value", pa.float64()),
    ]
)
"""Predicted facts only: for each matcher a row for every statistic, or without a source every easy rule."""

SENSITIVITY = pa.schema(
    [
        pa.field("language", pa.string(), nullable=False),  # "*": all languages
        pa.field("axis", pa.string(), nullable=False),  # matcher | statistic | k | alpha | easy_rule
        pa.field("setting", pa.string(), nullable=False),
        pa.field("is_default", pa.bool_(), nullable=False),
        pa.field("type", pa.string(), nullable=False),  # one of PREDICTED_TYPES
        pa.field("facts", pa.int64(), nullable=False),
        pa.field("share", pa.float64()),  # of the language's predicted facts; null without any
    ]
)
"""How the counts move when one setting leaves its default; k is that of the paper's Jaccard."""

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
