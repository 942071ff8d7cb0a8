"""A few facts of every type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from factroots_dagster.report.figures.style import TYPE_NAMES
from factroots_dagster.report.inputs import ReportInputs
from factroots_dagster.report.sections.model import Section, Table


def build_section(inputs: ReportInputs) -> Section | None:
    if not inputs.examples:
        return None
    columns = ["type", "language", "prompt", "answer", "why this type", "source in this language"]
    cells = [
        [
            TYPE_NAMES[fact["type"]],
            inputs.language_label(fact["language"]),
            fact["prompt"],
            fact["object"],
            fact["reason"],
            _source(fact["evidence"]),
        ]
        for fact in inputs.examples
    ]
    return Section(
        id="examples",
        title="Example facts",
        text=["The first facts of each type, in the order of their identifiers; none was picked by hand."],
        tables=[Table(columns, cells, prose=True)],
        asset="fact_types",
    )


def _source(evidence: Mapping[str, Any] | None) -> str:
    if not evidence:
        return "no source found"
    # U+2068 and U+2069 isolate the text direction of each label within the cell.
    return (
        f"“\u2068{evidence['sentence']}\u2069” — \u2068{evidence['title']}\u2069, "
        f"revision {evidence['revision_id']}"
    )
