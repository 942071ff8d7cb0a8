"""Rows and small tables of the kinds that the types are decided from."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from factroots_dagster.probing.schema import PROBING_SCORES
from factroots_dagster.roots.schema import FACT_TYPES
from factroots_dagster.roots.types import DEFAULT_MATCHER


def rows(schema: pa.Schema, values: list[dict[str, Any]]) -> pa.Table:
    """A table of `schema`; columns that a row leaves out are null."""
    return pa.table(
        {f.name: pa.array([v.get(f.name) for v in values], f.type) for f in schema}, schema=schema
    )


def split_row(uuid: str, language: str, **changes: Any) -> dict[str, Any]:
    """A row of MLAMA_SPLIT: Ada, capital, Oslo."""
    row = {
        "uuid": uuid,
        "language": language,
        "relation": "P36",
        "template": "[X] capital [Y] .",
        "subject": "Ada",
        "object": "Oslo",
        "subject_uri": "Q1",
        "object_uri": "Q2",
        "candidate_set": f"{language}/P36",
        "object_in_subject": False,
        "line": 1,
    }
    return row | changes


def prediction_row(uuid: str, language: str, right: bool = True, **changes: Any) -> dict[str, Any]:
    """A row of PREDICTIONS whose object is the single token 7."""
    row = {
        "uuid": uuid,
        "language": language,
        "relation": "P36",
        "object_ids": [7],
        "predicted_ids": [[7]],
        "full_match": right,
        "partial_match": right,
        "matched_mask_count": int(right),
        "object_logprob": -1.0,
        "typed_rank": 1,
        "candidates": 5,
        "prior_logprob": -2.0,
        "too_long": False,
    }
    return row | changes


def source_row(
    uuid: str,
    language: str,
    windows: int,
    matcher: str = DEFAULT_MATCHER,
    sentence: str = "s",
    corpus: str = "wikipedia",
    url: str | None = None,
    stated: float = 0.5,
) -> dict[str, Any]:
    """A row of FACT_SOURCES, with one piece of evidence if there is a window at all.

    stated: the probability of the evidence. url: of the document; None: it is a revision of a Wikipedia.
    """
    evidence = {
        "page_id": 1,
        "title": "T",
        "revision_id": None if url else 2,
        "subject_start": 0,
        "object_start": 3,
        "sentence": sentence,
        "url": url,
        "stated_probability": stated,
    }
    return {
        "uuid": uuid,
        "language": language,
        "relation": "P36",
        "corpus": corpus,
        "matcher": matcher,
        "windows": windows,
        "stated_probability": stated if windows else 0.0,
        "evidence": [evidence] if windows else [],
    }


def nearest_row(uuid: str, language: str, similarity: float | None, **changes: Any) -> dict[str, Any]:
    """A row of NEAREST_LANGUAGE; by default evidence that is above the null's 95th percentile from 5 on."""
    above = similarity is not None and similarity > 5
    row = {
        "uuid": uuid,
        "language": language,
        "relation": "P36",
        "statistic": "evidence",
        "partners": 2,
        "nearest_language": None if similarity is None else "qac",
        "similarity": similarity,
        "null_q90": 3.0,
        "null_q95": 5.0,
        "pairings": 300,
        "p_value": None if similarity is None else 0.01 if above else 0.2,
        "q_value": None if similarity is None else 0.03 if above else 0.4,
    }
    return row | changes


def fact_types_table(*facts: tuple[str, str, str, bool, str | None]) -> pa.Table:
    """FACT_TYPES of facts (uuid, language, type, source present, easy)."""
    return rows(
        FACT_TYPES,
        [
            {
                "uuid": uuid,
                "language": language,
                "relation": "P36",
                "type": type_,
                "reason": "",
                "source_present": present,
                "windows": int(present),
                "matcher": DEFAULT_MATCHER,
                "easy": easy,
                "single_language": False,
                "statistic": "cosine",
            }
            for uuid, language, type_, present, easy in facts
        ],
    )


def scores_table(**p_at_1: float) -> pa.Table:
    """PROBING_SCORES of languages with ten rows in one relation."""
    return rows(
        PROBING_SCORES,
        [
            {"language": language, "relation": relation, "n": 10, "full_match": value}
            for language, value in p_at_1.items()
            for relation in ("*", "P1")
        ],
    )
