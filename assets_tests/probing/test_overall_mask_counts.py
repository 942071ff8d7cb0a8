"""P@1 by object length over all languages together."""

from __future__ import annotations

import pyarrow as pa

from assets_tests.roots.tables import prediction_row, rows
from factroots_dagster.probing.schema import MASK_COUNTS, PREDICTIONS
from factroots_dagster.probing.scores import mask_counts, overall_mask_counts


def predictions(*languages: str) -> list[pa.Table]:
    """Objects of one to three tokens, of which the languages predict different ones; by language."""
    return [
        rows(
            PREDICTIONS,
            [
                prediction_row(f"u{i}", language, (i + seed) % 3 == 0, object_ids=[7] * (1 + i % 3))
                for i in range(17 + seed)
            ],
        )
        for seed, language in enumerate(languages)
    ]


def test_languages_are_counted_together_as_if_they_were_one() -> None:
    overall = overall_mask_counts(mask_counts(predictions("qaa", "qab", "qac")))
    assert overall.schema.equals(MASK_COUNTS)
    assert overall.to_pylist() == mask_counts(predictions("*", "*", "*")).to_pylist()


def test_without_rows_there_are_no_counts() -> None:
    assert overall_mask_counts(MASK_COUNTS.empty_table()).num_rows == 0
