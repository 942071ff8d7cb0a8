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
