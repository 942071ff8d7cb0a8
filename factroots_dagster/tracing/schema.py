"""Arrow schema of the source table. Nothing else, and no import but pyarrow."""

from __future__ import annotations

import pyarrow as pa

EVIDENCE = pa.struct(
    [
        ("page_id", pa.int64()),
        ("title", pa.string()),
        ("revision_id", pa.int64()),
        ("subject_start", pa.int64()),
        ("subject_end", pa.int64()),
        ("object_start", pa.int64()),
        ("object_end", pa.int64()),
        ("sentence", pa.string()),
    ]
)
"""One place where subject and object stand together; starts are code points into the page's text."""

FACT_SOURCES = pa.schema(
    [
        ("uuid", pa.string()),
        ("language", pa.string()),
        ("relation", pa.string()),
        ("matcher", pa.string()),
        ("windows", pa.int64()),
        ("unknown_pieces", pa.bool_()),
        ("evidence", pa.list_(EVIDENCE)),
    ]
)
"""A row for every fact and matcher (`sentence`, `chunk`, `article`), with `windows` = 0 where none."""

WIKIPEDIA_VOLUME = pa.schema(
    [
        ("language", pa.string()),
        ("snapshot", pa.string()),
        ("pages", pa.int64()),
        ("articles", pa.int64()),
        ("redirects", pa.int64()),
        ("wikitext_bytes", pa.int64()),
        ("characters", pa.int64()),
        ("words", pa.int64()),
        ("entities", pa.int64()),
        ("indexed_pages", pa.int64()),
        ("damaged_pages", pa.int64()),
        ("lost_bytes", pa.int64()),
        ("unfinished_pages", pa.int64()),
    ]
)
"""One row per language. Bytes, characters and words are those of articles, not of redirects; `entities` are
the distinct subjects and objects that the articles mention by their labels, `indexed_pages` how many pages
the dump's index lists (null without one)."""

ENTITY_MENTIONS = pa.schema(
    [
        ("entity_uri", pa.string()),
        ("label", pa.string()),
        ("page_id", pa.int64()),
        ("start", pa.int64()),
        ("end", pa.int64()),
        ("sentence", pa.int64()),
        ("chunk", pa.int64()),
        ("sentence_start", pa.int64()),
        ("sentence_end", pa.int64()),
        ("kind", pa.string()),
    ]
)
"""One row per (entity, label), place and kind: `label` (the label itself), `alias` (another name of the
entity's article), `suffix` (the label inflected), `wordpiece` (the label's wordpieces; `chunk` counts
chunks of 512 wordpieces). Offsets are code points into the article's `text`, end exclusive; `sentence` and
`chunk` are those of the mention's first character, counted from 0 in the page."""

MENTION_ALIASES = pa.schema([("label", pa.string()), ("alias", pa.string())])
"""Side table `_aliases`: other names of the labels' articles, which are looked for as well."""

MENTION_PIECES = pa.schema([("label", pa.string()), ("unknown_pieces", pa.bool_())])
"""Side table `_pieces`: whether a label holds a wordpiece that the tokenizer does not know."""
