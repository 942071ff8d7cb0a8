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
        ("indexed_pages", pa.int64()),
        ("sitename", pa.string()),
        ("namespaces", pa.list_(pa.struct([("key", pa.int64()), ("name", pa.string())]))),
    ]
)
"""One row per file of a dump (one file, or its numbered parts); `indexed_pages` is how many pages the
file's multistream index lists, null without an index."""

WIKIPEDIA_ARTICLES = pa.schema(
    [
        ("page_id", pa.int64()),
        ("revision_id", pa.int64()),
        ("title", pa.string()),
        ("redirect_to", pa.string()),
        ("redirect_fragment", pa.string()),
        ("text", pa.string()),
        ("list_lines", pa.list_(pa.int32())),
        ("names", pa.list_(pa.string())),
        ("wikitext_bytes", pa.int64()),
        ("words", pa.int64()),
    ]
)
"""Pages of namespace 0. Articles have no `redirect_to`; redirects have an empty `text`, and a
`redirect_fragment` when they lead to a section. `list_lines` numbers the lines of `text` that are list
items, from 0; `names` are the bold names of the first paragraph."""

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
        ("wikitext_bytes", pa.int64()),
        ("characters", pa.int64()),
        ("words", pa.int64()),
    ]
)
"""One row: what one reading of a dump came to. `pages` counts complete pages of every namespace; bytes of
wikitext, characters and words are those of articles, not of redirects."""
