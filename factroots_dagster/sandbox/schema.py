"""Schemas of the sandbox's tables. Only pyarrow schemas belong here."""

from __future__ import annotations

import pyarrow as pa

KINDS = ("shared", "independent", "transferred", "unlinked", "unknown", "easy_token", "easy_name")
STATED_HOW = ("sentence", "pronoun", "next_sentence")

LOSS_LOG = pa.schema(
    [
        pa.field("step", pa.int64(), nullable=False),
        pa.field("loss", pa.float64(), nullable=False),  # mean cross-entropy (nats) since the row before
        pa.field("learning_rate", pa.float64(), nullable=False),
    ]
)
"""The course of a training, one row every few steps."""

PLANTED_TRUTH = pa.schema(
    [
        pa.field("uuid", pa.string(), nullable=False),
        pa.field("language", pa.string(), nullable=False),
        pa.field("relation", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),  # of this fact in this language, one of KINDS
        pa.field("stated", pa.bool_(), nullable=False),  # the language's articles state it
        pa.field("linked_source", pa.string()),  # another language, lexically linked, that states it
        pa.field("fact_kind", pa.string(), nullable=False),  # how the fact as a whole was planted
        pa.field("stated_how", pa.string()),  # one of STATED_HOW; null where not stated
        pa.field("mentioned", pa.bool_(), nullable=False),  # the articles name the subject
        pa.field("distractor", pa.bool_(), nullable=False),  # a sentence names both and does not state it
    ]
)
