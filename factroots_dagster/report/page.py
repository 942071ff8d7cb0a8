"""Writes the report of a checkpoint: a self-contained HTML page, its figures, its numbers as CSV and JSON."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from factroots_dagster.report.explorer import Explorer, build_explorer
from factroots_dagster.report.explorer_sentences import LONGEST_SENTENCE
from factroots_dagster.report.figures.style import TYPE_COLOURS
from factroots_dagster.report.inputs import ReportInputs
from factroots_dagster.report.lineage import Origin
from factroots_dagster.report.page_files import write_figures_and_data, write_page
from factroots_dagster.report.sections import build_sections
from factroots_dagster.report.sections.model import Section
from factroots_dagster.report.summary import summarize, to_json


def write_report(folder: Path, inputs: ReportInputs, lineage: Sequence[Origin] = ()) -> dict[str, Any]:
    """Writes `index.html`, `summary.json`, `figures/*.svg` and `data/*.csv` into `folder`.

    The page needs no network: styles, figures, facts and the only script are embedded, and its content
    security policy forbids everything else. Labels come from data; they are escaped, and isolated by text
    direction, wherever they are shown.

    Args:
        folder: an existing, empty folder.
        inputs: what the report is made from.
        lineage: the assets behind the page, each after those it was made from.

    Returns:
        The content of summary.json.
    """
    sections = build_sections(inputs)
    figures = write_figures_and_data(folder, sections)
    summary = summarize(inputs)
    (folder / "summary.json").write_text(to_json(summary), "utf-8")
    explorer = build_explorer(inputs.facts, inputs.languages, inputs.language_names)
    write_page(folder, _render(inputs, sections, figures, explorer, lineage))
    return summary


def template_environment() -> Environment:
    """The templates; everything that is filled in is escaped."""
    return Environment(
        loader=PackageLoader("factroots_dagster.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _render(
    inputs: ReportInputs,
    sections: Sequence[Section],
    figures: Mapping[str, str],
    explorer: Explorer | None,
    lineage: Sequence[Origin],
) -> str:
    script = files(__package__).joinpath("templates/explorer.js").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    template = template_environment().get_template("report.html")
    return template.render(
        checkpoint=inputs.checkpoint,
        sections=sections,
        figures=figures,
        colours=TYPE_COLOURS,
        generated=inputs.generated,
        explorer=explorer,
        longest_sentence=LONGEST_SENTENCE,
        lineage=lineage,
        known_assets={origin.asset for origin in lineage},
        script=Markup(script),  # our own; the policy lets no other script run
        script_digest=digest if explorer else "",
    )
