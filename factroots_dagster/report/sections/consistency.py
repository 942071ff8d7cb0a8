"""How consistently languages answer, beside what explains it without the facts."""

from __future__ import annotations

from typing import Any

import numpy as np

from factroots_dagster.report.inputs import ReportInputs
from factroots_dagster.report.sections.model import Section, Table, decimal
from factroots_dagster.report.sections.untrained import NAMES_LABELS, compare_with_twins

COLUMNS = {
    "rankc": "RankC",
    "same_object": "same object",
    "other_object": "other object",
    "popularity": "popularity",
    "beyond_same_object": "beyond same object",
    "beyond_other_object": "beyond other object",
}
"""Columns of LANGUAGE_CONSISTENCY that are shown, and their headings."""


def build_section(inputs: ReportInputs) -> Section | None:
    pairs = [row for row in inputs.rows("language_consistency") if row["rankc"] is not None]
    if not pairs:
        return None
    by_language = {
        language: [row for row in pairs if language in (row["language_a"], row["language_b"])]
        for language in inputs.languages
    }
    rows = [["all pairs", *_means(pairs)]]
    rows += [[inputs.language_label(code), *_means(own)] for code, own in by_language.items() if own]
    text, tables, data = compare_with_twins(inputs, "consistency", _twin_rows(), _TWIN_SENTENCES)
    return Section(
        id="consistency",
        title="Languages that answer alike",
        finding=f"The answers of two languages have a RankC of {decimal(_mean(pairs, 'rankc'))} on average, "
        f"{decimal(_mean(pairs, 'beyond_other_object'))} more than those to facts with other objects",
        text=text,
        method=[
            "RankC (Qi, Fernández and Bisazza 2023) says how alike two languages rank the candidates of the "
            "same fact, right or wrong: 1 for equal rankings, with most weight on the first. Two languages "
            "that prefer the same objects whatever is asked also reach a high RankC.",
            "So each fact of one language is also compared with other facts in the other language: of the "
            "same object and another subject, and of another object. Only what is beyond these is about the "
            "fact; where both languages are right, facts of the same object share the first candidate, so "
            "that little remains beyond them. Popularity compares either language with the ranking of the "
            "objects by their number of facts.",
            "Languages that write names alike answer alike even in a model that has learnt nothing, since "
            "the same name is the same question: only what exceeds the same model with random weights was "
            "learnt.",
        ],
        tables=[
            Table(["language", *COLUMNS.values()], rows, "Means over a language’s pairs with all others."),
            *tables,
        ],
        asset="language_consistency",
        data={"language_consistency": inputs.tables["language_consistency"], **data},
    )


_TWIN_SENTENCES = {
    ("rankc", "all"): "RankC",
    ("rankc_beyond_other_object", "all"): "RankC beyond other objects",
    ("rankc_beyond_other_object", "different"): "The same for facts whose names are written differently",
}


def _twin_rows() -> dict[tuple[str, str], str]:
    """What is shown of the untrained twins, with labels."""
    measures = {
        "rankc": "RankC",
        "rankc_beyond_same_object": "beyond same object",
        "rankc_beyond_other_object": "beyond other object",
    }
    groups = {"all": "all facts", **NAMES_LABELS}
    return {
        (measure, names): f"{name}, {label}"
        for measure, name in measures.items()
        for names, label in groups.items()
    }


def _mean(pairs: list[dict[str, Any]], name: str) -> float | None:
    """The mean of a column over pairs of languages; None without any value."""
    known = [row[name] for row in pairs if row[name] is not None]
    return float(np.mean(known)) if known else None


def _means(pairs: list[dict[str, Any]]) -> list[str]:
    """The shown columns as means over pairs of languages."""
    return [decimal(_mean(pairs, name)) for name in COLUMNS]
