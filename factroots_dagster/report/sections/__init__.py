"""The report's sections: each function turns tables into words, figures and tables, or None."""

from __future__ import annotations

from collections.abc import Callable

from factroots_dagster.report.inputs import ReportInputs
from factroots_dagster.report.sections import knowledge, neurons, planted, roots
from factroots_dagster.report.sections.model import Section

MAKERS: tuple[Callable[[ReportInputs], Section | None], ...] = (
    roots.answer,
    knowledge.probing,
    knowledge.volume,
    knowledge.masks,
    knowledge.clusters,
    roots.absence,
    roots.easy,
    neurons.neurons,
    neurons.stability,
    neurons.layers,
    neurons.interventions,
    roots.sensitivity,
    roots.examples,
    planted.planted,
    planted.planted_seeds,
)
"""In reading order. A new section is one function and one line here."""


def sections(inputs: ReportInputs) -> list[Section]:
    """All sections that the given tables allow."""
    return [section for make in MAKERS if (section := make(inputs)) is not None]
