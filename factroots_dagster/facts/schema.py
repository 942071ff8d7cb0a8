"""Arrow schemas of the tables of facts. Imports nothing heavy: the asset definitions import this module."""

from __future__ import annotations

from factroots_dagster.tables import FACT_KEY, LANGUAGE, RELATION, boolean, int64, string, table

MLAMA_RELEASE = table(
    LANGUAGE,
    RELATION,
    string("file", "Path in the release, <language>/<relation>.jsonl; null: a template without a file"),
    int64("rows", "Lines of the file that are not blank; 0 without a file"),
    int64("bytes", "Size of the file, in bytes; 0 without a file"),
    string("sha256", "SHA-256 of the file, hexadecimal; null without a file"),
    string("template", "Cloze template with the slots [X] and [Y]; null: a file without a template"),
    nullable=("file", "sha256", "template"),
)
"""Inventory of a release: one row per language and relation that has a template or a file, sorted by both."""

_OBJECT_IN_SUBJECT = boolean(
    "object_in_subject", "Whether the object's label is a substring of the subject's, both in lower case"
)

MLAMA_SPLIT = table(
    *FACT_KEY,
    string(
        "template",
        "The relation's cloze template in this language: one slot [X] (subject) and one [Y] (object)",
    ),
    string("subject", "Label of the subject as the release has it"),
    string("object", "Label of the object, the correct answer, as the release has it"),
    string("subject_uri", "Wikidata or Freebase id of the subject"),
    string("object_uri", "Wikidata or Freebase id of the object"),
    string("candidate_set", "Name of the objects among which the answer is ranked, <language>/<relation>"),
    _OBJECT_IN_SUBJECT,
    int64("line", "Line in the file <language>/<relation>.jsonl, from 1"),
    nullable=(),
)
"""One language of a fact set: one row per fact, sorted by relation and line."""

FURTHER_TEMPLATES = table(
    LANGUAGE,
    RELATION,
    int64(
        "prompt", "Number among the relation's templates, from 2 in the order of the release; 1: the split's"
    ),
    string("template", "The cloze template, as in the split"),
    nullable=(),
)
"""One row per language, relation and further template; there is no table where no relation has one."""

QUESTION_TEMPLATES = table(
    LANGUAGE,
    RELATION,
    string("template", "The relation's template in the form of a question, with the slots [X] and [Y]"),
    nullable=(),
)
"""One row per language and relation for which the fact set has a question; there is no table without any."""

MLAMA_OBJECTS = table(
    LANGUAGE,
    RELATION,
    string("object", "Label of an object of the relation in the release"),
    int64("facts", "Facts of the release in this language that have the object"),
    nullable=(),
)
"""All objects of one language where only a sample of its facts is asked: answers are ranked among them."""

FACT_COVERAGE = table(
    *FACT_KEY,
    int64("languages", "Number of languages that have the fact"),
    int64("answers", "Distinct correct objects of the same prompt (language, relation, subject label)"),
    boolean("multi_answer", "Whether the prompt has several correct objects"),
    _OBJECT_IN_SUBJECT,
    int64("candidates", "Number of distinct objects of the relation in this language"),
    string(
        "majority_object",
        "Most frequent object of the relation in this language; of several the first in code point order",
    ),
    boolean(
        "majority_correct", "Whether the fact's object is that: the baseline that always gives it is right"
    ),
    nullable=(),
)
"""One row per fact and language, in the order of the languages' facts."""
