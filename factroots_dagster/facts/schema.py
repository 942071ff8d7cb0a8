"""Tables of the mLAMA part. pyarrow only: the asset definitions import this module."""

from __future__ import annotations

import pyarrow as pa

MLAMA_RELEASE = pa.schema(
    [
        pa.field("language", pa.string(), nullable=False),
        pa.field("relation", pa.string(), nullable=False),
        pa.field("file", pa.string()),  # <language>/<relation>.jsonl; null: a template without a file
        pa.field("rows", pa.int64(), nullable=False),
        pa.field("bytes", pa.int64(), nullable=False),
        pa.field("sha256", pa.string()),
        pa.field("template", pa.string()),  # null: a file without a template
    ]
)
"""Inventory of a release: one row per template or file, sorted by language and relation."""

MLAMA_SPLIT = pa.schema(
    [
        pa.field("uuid", pa.string(), nullable=False),
        pa.field("language", pa.string(), nullable=False),
        pa.field("relation", pa.string(), nullable=False),
        pa.field("template", pa.string(), nullable=False),  # one [X], one [Y]
        pa.field("subject", pa.string(), nullable=False),  # raw labels, never normalised
        pa.field("object", pa.string(), nullable=False),
        pa.field("subject_uri", pa.string(), nullable=False),
        pa.field("object_uri", pa.string(), nullable=False),
        pa.field("candidate_set", pa.string(), nullable=False),  # <language>/<relation>
        pa.field("object_in_subject", pa.bool_(), nullable=False),  # lower-cased, as a substring
        pa.field("line", pa.int64(), nullable=False),  # 1-based line of <language>/<relation>.jsonl
    ]
)
"""One language of mLAMA: one row per fact, sorted by relation and line."""

FACT_COVERAGE = pa.schema(
    [
        pa.field("uuid", pa.string(), nullable=False),
        pa.field("language", pa.string(), nullable=False),
        pa.field("relation", pa.string(), nullable=False),
        pa.field("languages", pa.int64(), nullable=False),  # in how many languages the fact exists
        pa.field("answers", pa.int64(), nullable=False),  # distinct gold objects of the same prompt
        pa.field("multi_answer", pa.bool_(), nullable=False),
        pa.field("object_in_subject", pa.bool_(), nullable=False),
        pa.field("candidates", pa.int64(), nullable=False),  # distinct objects of (language, relation)
        pa.field("majority_object", pa.string(), nullable=False),
        pa.field("majority_correct", pa.bool_(), nullable=False),
    ]
)
"""One row per fact and language: what any P@1 has to be read against."""
