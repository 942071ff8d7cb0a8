"""summary.json: the report's numbers for programs."""

from __future__ import annotations

import json
from typing import Any

from factroots_dagster.report.inputs import ReportInputs

SCORE_COLUMNS = (
    "n", "full_match", "full_match_low", "full_match_high", "partial_match", "typed_p1", "majority",
)  # fmt: skip


def summarize(inputs: ReportInputs) -> dict[str, Any]:
    """P@1 by language, counts by type, luck, absence and agreement with planted truth, ready for JSON.

    Keys: `checkpoint`; `p_at_1` (language to SCORE_COLUMNS, and `overall`); `types` (language to type to
    count, "*" for all); `predicted`, `facts`; `luck`; `absence` (language to matcher to rate); `mantel`;
    `planted_agreement` and `published_p_at_1`, which may be None.
    """
    total = inputs.counts["*"]
    luck = inputs.luck[-1]
    absence: dict[str, dict[str, float]] = {}
    for row in inputs.absence.to_pylist():
        absence.setdefault(row["language"], {})[row["matcher"]] = row["rate"]
    p_at_1 = {
        row["language"]: {key: row.get(key) for key in SCORE_COLUMNS} for row in inputs.scores_by_language
    }
    return {
        "checkpoint": inputs.checkpoint,
        "p_at_1": p_at_1 | {"overall": inputs.p_at_1.get("*")},
        "types": inputs.counts,
        "predicted": sum(total.values()) - total["not_predicted"],
        "facts": sum(total.values()),
        "luck": {key: luck[key] for key in ("rate", "transferred", "expected_lucky", "transferred_net")},
        "absence": absence,
        "mantel": {row["variable"]: row for row in inputs.rows("mantel")},
        "planted_agreement": inputs.agreement,
        "published_p_at_1": inputs.published.p_at_1 if inputs.published else None,
    }


def to_json(value: dict[str, Any]) -> str:
    """Indented JSON with sorted keys and letters of all scripts unescaped; raises ValueError for NaN."""
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True, allow_nan=False) + "\n"
