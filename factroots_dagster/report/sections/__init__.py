"""The report's sections, one per file: each turns the report's inputs into text, figures and tables.

To add a section, write a file with a function `build_section(inputs)`, which returns None when its tables are
absent, and add the function to SECTIONS. A section about a table that the report does not read yet also needs
an entry in `inputs.STORED_TABLES`.
"""

from __future__ import annotations

from collections.abc import Callable

from factroots_dagster.report.inputs import ReportInputs
from factroots_dagster.report.sections import (
    absence,
    clusters,
    consistency,
    easy,
    examples,
    interventions,
    layers,
    object_length,
    planted,
    probing,
    prompts,
    sensitivity,
    similarity,
    stability,
    types_overview,
    verdicts,
    volume,
    yardstick,
)
from factroots_dagster.report.sections.model import Section

SECTIONS: tuple[Callable[[ReportInputs], Section | None], ...] = (
    verdicts.build_section,
    types_overview.build_section,
    probing.build_section,
    prompts.build_section,
    volume.build_section,
    object_length.build_section,
    clusters.build_section,
    consistency.build_section,
    absence.build_section,
    easy.build_section,
    similarity.build_section,
    stability.build_section,
    layers.build_section,
    interventions.build_section,
    sensitivity.build_section,
    examples.build_section,
    planted.build_section,
    yardstick.build_section,
)
"""In reading order."""


def build_sections(inputs: ReportInputs) -> list[Section]:
    """All sections whose tables are present."""
    sections = (build(inputs) for build in SECTIONS)
    return [section for section in sections if section is not None]
