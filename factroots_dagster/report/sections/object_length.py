"""P@1 by the number of tokens of the object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from factroots_dagster.probing.scores import overall_mask_counts
from factroots_dagster.report.figures.knowledge import plot_mask_counts
from factroots_dagster.report.inputs import ReportInputs
from factroots_dagster.report.sections.model import (
    Figure,
    Section,
    Table,
    count_words,
    interval,
    join_words,
    percent,
)


def build_section(inputs: ReportInputs) -> Section | None:
    rows = inputs.rows("mask_counts")
    if not rows:
        return None
    total = overall_mask_counts(inputs.tables["mask_counts"]).to_pylist()
    shares = join_words([f"{_tokens(row)} {percent(row['full_match'])}" for row in total])
    figure = Figure(
        "mask_counts",
        plot_mask_counts([*rows, *total]),
        "P@1 by number of tokens of the object; grey lines are single languages.",
        "mask_counts",
        f"A line over the number of tokens of the object, all languages together: {shares}.",
    )
    cells = [
        [f"{row['object_tokens']}", f"{row['n']:,}", interval(row["full_match"], row["low"], row["high"])]
        for row in total
    ]
    return Section(
        id="masks",
        title="Long answers",
        text=[],
        finding=f"{percent(total[0]['full_match'])} of objects of {_tokens(total[0])} are answered"
        + (f", {percent(total[-1]['full_match'])} of those of {_tokens(total[-1])}" if total[1:] else ""),
        method=[
            "The tokenizer splits some objects into several tokens, and all of these must be right at once. "
            "Languages whose words are split more often start with a handicap that has nothing to do with "
            "knowledge."
        ],
        figures=[figure],
        tables=[Table(["tokens", "facts", "P@1"], cells)],
        asset="probing_scores",
        data={"mask_counts": inputs.tables["mask_counts"]},
    )


def _tokens(row: Mapping[str, Any]) -> str:
    return count_words(row["object_tokens"], "token")
