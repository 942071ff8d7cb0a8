"""How much an answer depends on how the question is worded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from factroots_dagster.report.inputs import ReportInputs
from factroots_dagster.report.sections.model import Section, Table, bounds, decimal, percent, signed

COLUMNS = (
    "language", "facts", "P@1", "lowest to highest", "spread", "same answer", "placebo",
    "beyond", "same, facts known",
)  # fmt: skip


def build_section(inputs: ReportInputs) -> Section | None:
    table = inputs.tables.get("prompt_consistency")
    by_language = {
        row["language"]: row for row in inputs.rows("prompt_consistency") if row["relation"] == "*"
    }
    rows = [by_language[language] for language in inputs.languages if language in by_language]
    if table is None or not rows:
        return None
    return Section(
        id="prompts",
        title="The same fact asked in other words",
        method=[
            f"Some relations have several templates, up to {max(row['prompts'] for row in rows)}, and their "
            "facts are asked by each. P@1 elsewhere on this page is that of the first one; here the lowest "
            "and the highest take each relation’s worst and best template, and the spread is the standard "
            "deviation over templates.",
            "The same answer: the share of pairs of templates whose best candidates are the same (Elazar et "
            "al. 2021), of all facts, and of those that some template answers right. A model that always "
            "says the same object is perfectly consistent. So the placebo asks another fact of the relation "
            "by the second template: only what is beyond it depends on the fact.",
        ],
        text=[],
        finding=_answer(rows).rstrip("."),
        tables=[Table(COLUMNS, [[inputs.language_label(row["language"]), *_cells(row)] for row in rows])],
        asset="probing_scores",
        data={"prompt_consistency": table},
    )


def _answer(rows: list[dict[str, Any]]) -> str:
    """What the table says, in words."""
    tested = [row for row in rows if row["beyond_low"] is not None]
    if not tested:
        return "There are no rankings of candidates, or too few facts, to compare answers."
    above = [row for row in tested if row["beyond_low"] > 0]
    said = f"Answers depend on the fact beyond the placebo in {len(above)} of {len(tested)} languages"
    if not above:
        said += ": what looks consistent is the same answer to every question"
    return f"{said} (95% intervals over facts)."


def _cells(row: Mapping[str, Any]) -> list[str]:
    return [
        f"{row['facts']:,}",
        percent(row["full_match"]),
        bounds(row["full_match_lowest"], row["full_match_highest"]),
        percent(row["full_match_spread"]),
        decimal(row["consistency"]),
        decimal(row["other_facts"]),
        signed(row["beyond"], row["beyond_low"], row["beyond_high"]),
        decimal(row["consistency_known"]),
    ]
