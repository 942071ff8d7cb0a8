"""Arrow schemas of the Wikipedia tables. Nothing else, and no import but pyarrow."""

from __future__ import annotations

import pyarrow as pa

WIKIPEDIA_DUMP = pa.schema(
    [
        ("language", pa.string()),
        ("file", pa.string()),
        ("path", pa.string()),
        ("snapshot", pa.string()),
        ("bytes", pa.int64()),
        ("sha1", pa.string()),
        ("compression", pa.string()),
        ("sitename", pa.string()),
        ("namespaces", pa.list_(pa.struct([("key", pa.int64()), ("name", pa.string())]))),
    ]
)
"""One row per file of a dump (one file, or its numbered parts)."""

WIKIPEDIA_ARTICLES = pa.schema(
    [
        ("page_id", pa.int64()),
        ("revision_id", pa.int64()),
        ("title", pa.string()),
        ("redirect_to", pa.string()),
        ("text", pa.string()),
        ("wikitext_bytes", pa.int64()),
    ]
)
"""Pages of namespace 0. Articles have no `redirect_to`; redirects have an empty `text`."""

WIKIPEDIA_PROBLEMS = pa.schema(
    [
        ("page_id", pa.int64()),
        ("title", pa.string()),
        ("problem", pa.string()),
        ("bytes", pa.int64()),
    ]
)
"""Pages that are not in the articles: damaged ones (with the bytes of XML lost) and unfinished ones."""

WIKIPEDIA_COUNTS = pa.schema(
    [
        ("pages", pa.int64()),
        ("articles", pa.int64()),
        ("redirects", pa.int64()),
        ("damaged_pages", pa.int64()),
        ("lost_bytes", pa.int64()),
        ("unfinished_pages", pa.int64()),
    ]
)
"""One row: what one reading of a dump came to. `pages` counts complete pages of every namespace."""

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
        ("damaged_pages", pa.int64()),
        ("lost_bytes", pa.int64()),
        ("unfinished_pages", pa.int64()),
    ]
)
"""One row per language. Bytes, characters and words are those of articles, not of redirects."""

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
    ]
)
"""One row per (entity, label) and place. Offsets are code points into the article's `text`, end
exclusive; `sentence` and `chunk` are those of the mention's first character, counted from 0 in the page."""
