"""Splits and comparisons that several tests of probing use."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa


def with_changed_row(split: pa.Table, **changes: object) -> pa.Table:
    """The first row of the split with changes, and after it all rows of its relation unchanged."""
    rows = split.to_pylist()
    rows = [row for row in rows if row["relation"] == rows[0]["relation"]]
    return pa.Table.from_pylist([{**rows[0], "uuid": "changed", **changes}, *rows], schema=split.schema)


def table_of(rows: Sequence[tuple[str, str, str]]) -> pa.Table:
    """The columns of a split that prompts are made from. rows: (template, subject, object)."""
    return pa.table(dict(zip(("template", "subject", "object"), zip(*rows, strict=True), strict=True)))


def assert_same_predictions(one: pa.Table, other: pa.Table) -> None:
    """The same answers and ranks, and log-probabilities that are equal up to rounding."""
    for name in (
        "uuid",
        "predicted_ids",
        "full_match",
        "matched_mask_count",
        "typed_rank",
        "prior_rank",
        "too_long",
    ):
        assert one.column(name).equals(other.column(name)), name
    for name in ("object_logprob", "prior_logprob"):
        values = (np.array(table.column(name).to_pylist(), float) for table in (one, other))
        np.testing.assert_allclose(*values, atol=1e-4)
