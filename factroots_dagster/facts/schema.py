"""Arrow schemas of the tables of facts. Imports nothing heavy: the asset definitions import this module."""

from __future__ import annotations

import pyarrow as pa

from factroots_dagster.tables import column

MLAMA_RELEASE = pa.schema(
    [
        column("language", pa.string(), "Language code, as the release's folder is named", nullable=False),
        column(
            "relation",
            pa.string(),
            "Relation, as its file is named: a Wikidata property such as P36, or a name like place_of_birth",
            nullable=False,
        ),
        column(
            "file",
            pa.string(),
            "Path in the release, <language>/<relation>.jsonl; null: a template without a file",
        ),
        column("rows", pa.int64(), "Lines of the file that are not blank; 0 without a file", nullable=False),
        column("bytes", pa.int64(), "Size of the file, in bytes; 0 without a file", nullable=False),
        column("sha256", pa.string(), "SHA-256 of the file, hexadecimal; null without a file"),
        column(
            "template",
            pa.string(),
            "Cloze template with the slots [X] and [Y]; null: a file without a template",
        ),
    ]
)
"""Inventory of a release: one row per language and relation that has a template or a file, sorted by both."""

MLAMA_SPLIT = pa.schema(
    [
        column("uuid", pa.string(), "The fact's id, the same in all languages", nullable=False),
        column("language", pa.string(), "Language code, as the release's folder is named", nullable=False),
        column("relation", pa.string(), "Relation, such as P36", nullable=False),
        column(
            "template",
            pa.string(),
            "Cloze template of the relation in this language, with one slot [X] for the subject and one slot "
            "[Y] for the object",
            nullable=False,
        ),
        column("subject", pa.string(), "Label of the subject as the release has it", nullable=False),
        column(
            "object",
            pa.string(),
            "Label of the object, the correct answer, as the release has it",
            nullable=False,
        ),
        column("subject_uri", pa.string(), "Wikidata or Freebase id of the subject", nullable=False),
        column("object_uri", pa.string(), "Wikidata or Freebase id of the object", nullable=False),
        column(
            "candidate_set",
            pa.string(),
            "Name of the set of objects among which the answer is ranked, <language>/<relation>",
            nullable=False,
        ),
        column(
            "object_in_subject",
            pa.bool_(),
            "Whether the object's label is a substring of the subject's, both in lower case",
            nullable=False,
        ),
        column("line", pa.int64(), "Line in the file <language>/<relation>.jsonl, from 1", nullable=False),
    ]
)
"""One language of a fact set: one row per fact, sorted by relation and line."""

FACT_COVERAGE = pa.schema(
    [
        column("uuid", pa.string(), "The fact's id, the same in all languages", nullable=False),
        column("language", pa.string(), "Language code", nullable=False),
        column("relation", pa.string(), "Relation, such as P36", nullable=False),
        column("languages", pa.int64(), "Number of languages that have the fact", nullable=False),
        column(
            "answers",
            pa.int64(),
            "Number of distinct correct objects of the same prompt (language, relation, subject label)",
            nullable=False,
        ),
        column("multi_answer", pa.bool_(), "Whether the prompt has several correct objects", nullable=False),
        column(
            "object_in_subject",
            pa.bool_(),
            "Whether the object's label is a substring of the subject's, both in lower case",
            nullable=False,
        ),
        column(
            "candidates",
            pa.int64(),
            "Number of distinct objects of the relation in this language",
            nullable=False,
        ),
        column(
            "majority_object",
            pa.string(),
            "Most frequent object of the relation in this language; of equally frequent ones the first in "
            "code point order",
            nullable=False,
        ),
        column(
            "majority_correct",
            pa.bool_(),
            "Whether the most frequent object is the fact's: the baseline that always gives it is right",
            nullable=False,
        ),
    ]
)
"""One row per fact and language, in the order of the languages' facts."""
