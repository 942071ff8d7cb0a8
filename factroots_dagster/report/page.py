"""Writes the report of a checkpoint: a self-contained HTML page, its figures, its numbers as CSV and JSON."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pc_csv
from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from factroots_dagster.report.asking import describe_asking
from factroots_dagster.report.explorer import build_explorer
from factroots_dagster.report.explorer_sentences import LONGEST_SENTENCE
from factroots_dagster.report.figures.colours import TYPE_COLOURS
from factroots_dagster.report.figures.style import place_notes, render_svg
from factroots_dagster.report.inputs import ReportInputs
from factroots_dagster.report.lineage import Origin
from factroots_dagster.report.sections import build_sections
from factroots_dagster.report.sections.glance import build_glance
from factroots_dagster.report.sections.model import Section
from factroots_dagster.report.sections.reading import describe_reading, describe_training
from factroots_dagster.roots.verdicts import UNDETERMINED
from factroots_dagster.tables import escape_formulas

EXPLORER_SCRIPT = tuple(
    f"explorer/{name}.js"
    for name in (
        "blocks", "elements", "folding", "search", "filters", "list", "evidence", "fact", "main"
    )
)  # fmt: skip
"""Files in `templates`, each after those whose functions it uses."""
PAGE_SCRIPT = ("tables.js", "figures.js")
"""What tables and figures do in every page."""

SCORE_COLUMNS = (
    "n", "not_asked", "full_match", "full_match_low", "full_match_high", "partial_match", "typed_p1",
    "majority",
)  # fmt: skip


def write_report(
    folder: Path,
    inputs: ReportInputs,
    lineage: Sequence[Origin] = (),
    *,
    asked_facts: str | None = None,
    comparison: str | None = None,
) -> dict[str, Any]:
    """Writes `index.html`, `summary.json`, `figures/*.svg` and `data/*.csv` into `folder`.

    The page needs no network: styles, figures, facts and the only script are embedded, and its content
    security policy forbids everything else. Labels come from data; they are escaped, and isolated by text
    direction, wherever they are shown.

    folder: an existing, empty folder. lineage: the assets behind the page, each after those it was made from.
    asked_facts: see `asking.describe_facts`. comparison: the address of the page that compares checkpoints,
    relative to this one; None without a link to it.
    Returns the content of summary.json. Raises ValueError for NaN, which JSON cannot express.
    """
    sections = build_sections(inputs)
    figures = write_figures_and_data(folder, sections)
    summary = summarize(inputs)
    text = json.dumps(summary, ensure_ascii=False, indent=1, sort_keys=True, allow_nan=False)
    (folder / "summary.json").write_text(text + "\n", "utf-8")
    explorer = build_explorer(inputs.facts, inputs.languages, inputs.language_names)
    scripts = [read_script(PAGE_SCRIPT), *([read_script(EXPLORER_SCRIPT)] if explorer else [])]
    page = load_template("report.html").render(
        checkpoint=inputs.checkpoint,
        asking=describe_asking(inputs.checkpoint),
        asked_facts=asked_facts,
        glance=build_glance(inputs),
        reading=describe_reading(inputs),
        trained_on=describe_training(inputs),
        comparison=comparison,
        sections=sections,
        figures=figures,
        colours=TYPE_COLOURS,
        generated=inputs.generated,
        explorer=explorer,
        longest_sentence=LONGEST_SENTENCE,
        lineage=lineage,
        known_assets={origin.asset for origin in lineage},
        scripts=scripts,
    )
    write_page(folder, page)
    return summary


@dataclass(frozen=True)
class Script:
    """A script of ours in a page, and its SHA-256 in base64, by which the page's policy lets it run."""

    text: Markup
    digest: str


def read_script(names: Iterable[str]) -> Script:
    """Files of `templates` as one script, whose names are its own."""
    folder = files(__package__).joinpath("templates")
    parts = [folder.joinpath(name).read_text("utf-8") for name in names]
    text = '"use strict";\n(() => {\n' + "\n".join(parts) + "})();\n"
    return Script(Markup(text), base64.b64encode(hashlib.sha256(text.encode()).digest()).decode())


def summarize(inputs: ReportInputs) -> dict[str, Any]:
    """P@1, counts by type, expected shares, absence and agreement with planted truth, ready for JSON.

    Keys: `checkpoint`; `p_at_1` (language to SCORE_COLUMNS, and `overall`); `types` (language to type to
    count, "*" for all); `expected_shares` (language to verdict to expected, low, high; "*" for all, empty
    without verdicts); `predicted`, `facts`; `absence` (language to matcher to rate); `mantel`;
    `planted_agreement` and `published_p_at_1`, which may be None.
    """
    total = inputs.counts["*"]
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
        "expected_shares": {
            language: {
                name: {end: row[end] for end in ("expected", "low", "high")}
                for name, row in rows.items()
                if name != UNDETERMINED
            }
            for language, rows in inputs.verdict_shares.items()
        },
        "absence": absence,
        "mantel": {row["variable"]: row for row in inputs.rows("mantel")},
        "planted_agreement": inputs.agreement,
        "published_p_at_1": inputs.published.p_at_1 if inputs.published else None,
    }


def load_template(name: str) -> Template:
    """A template that escapes everything that is filled in."""
    environment = Environment(
        loader=PackageLoader("factroots_dagster.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)


@dataclass(frozen=True)
class EmbeddedFigure:
    """A figure in a page.

    Attributes:
        source: its image as a data URI.
        notes: what its places say, as [left, top, right, bottom, text] in thousandths of width and height.
    """

    source: str
    notes: list[list[int | str]]


def write_figures_and_data(folder: Path, sections: Iterable[Section]) -> dict[str, EmbeddedFigure]:
    """Writes `figures/*.svg` and `data/*.csv` into `folder`; returns each figure by name."""
    (folder / "figures").mkdir()
    (folder / "data").mkdir()
    embedded = {}
    for section in sections:
        for figure in section.figures:
            image = render_svg(figure.plot)
            (folder / "figures" / f"{figure.name}.svg").write_bytes(image)
            source = "data:image/svg+xml;base64," + base64.b64encode(image).decode()
            notes: list[list[int | str]] = []
            for note in place_notes(figure.plot):
                left, bottom, right, top = (round(1000 * end) for end in note.box)
                notes.append([left, 1000 - top, right, 1000 - bottom, note.text])
            embedded[figure.name] = EmbeddedFigure(source, notes)
        for name, table in section.data.items():
            flat = [field.name for field in table.schema if not pa.types.is_nested(field.type)]
            pc_csv.write_csv(escape_formulas(table.select(flat)), folder / "data" / f"{name}.csv")
    return embedded


def write_page(folder: Path, page: str) -> None:
    """Writes `index.html` into `folder` and flushes it to disk; a lone surrogate becomes a question mark."""
    with (folder / "index.html").open("w", encoding="utf-8", errors="replace") as file:
        file.write(page)
        file.flush()
        os.fsync(file.fileno())
