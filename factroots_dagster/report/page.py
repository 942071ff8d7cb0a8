"""Writes the report: one self-contained HTML page, its figures, its numbers as CSV and JSON."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import pyarrow as pa
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from factroots_dagster.report.examples import example_facts
from factroots_dagster.report.explorer import Explorer, FactTables, explorer
from factroots_dagster.report.figures.style import TYPE_COLOURS
from factroots_dagster.report.inputs import ReportInputs
from factroots_dagster.report.lineage import Origin
from factroots_dagster.report.page_files import write_figures_and_data
from factroots_dagster.report.reference import published_results
from factroots_dagster.report.sections import sections
from factroots_dagster.report.sections.model import Section
from factroots_dagster.report.summary import summary, to_json
from factroots_dagster.roots.counts import source_absence


def write_report(
    folder: Path,
    *,
    checkpoint: pa.Table,
    scores: pa.Table,
    mask_counts: pa.Table,
    volume_relations: pa.Table,
    clusters: pa.Table,
    members: pa.Table,
    mantel: pa.Table,
    types: pa.Table,
    similarity_pairs: pa.Table,
    splits: Mapping[str, pa.Table],
    sources: Mapping[str, pa.Table],
    volume: pa.Table | None = None,
    stability: pa.Table | None = None,
    intervention_summary: pa.Table | None = None,
    layer_profile: pa.Table | None = None,
    sensitivity: pa.Table | None = None,
    planted: Mapping[str, Any] | None = None,
    planted_scores: Mapping[str, Any] | None = None,
    language_names: Mapping[str, str] | None = None,
    facts: FactTables | None = None,
    lineage: Sequence[Origin] = (),
) -> dict[str, Any]:
    """Writes `index.html`, `summary.json`, `figures/*.svg` and `data/*.csv` into `folder`.

    The page needs nothing but itself: styles, figures, facts and the one script are inside, and its content
    security policy forbids all else. Labels come from data and are escaped and isolated by direction
    wherever they are shown.

    Args:
        folder: existing, empty folder.
        checkpoint: CHECKPOINT, one row.
        scores, mask_counts, volume_relations: PROBING_SCORES, MASK_COUNTS, VOLUME_RELATIONS.
        clusters, members, mantel: LANGUAGE_CLUSTERS, CLUSTER_MEMBERS, MANTEL.
        types, sensitivity: FACT_TYPES of all languages, TYPE_SENSITIVITY.
        similarity_pairs: SIMILARITY_PAIRS.
        splits, sources: language to MLAMA_SPLIT and FACT_SOURCES; may load each when it is asked for.
        volume: WIKIPEDIA_VOLUME of all languages.
        stability, intervention_summary, layer_profile: NEURON_STABILITY, INTERVENTION_SUMMARY, LAYER_PROFILE.
        planted: result of `planted_agreement`, in generated worlds.
        planted_scores: result of `planted_scores`, in generated worlds.
        language_names: names to stand beside the codes.
        facts: what the fact explorer shows; None leaves it out.
        lineage: the assets behind the page, each after those it was made from.

    Returns:
        What summary.json holds.
    """
    about = checkpoint.to_pylist()[0]
    inputs = ReportInputs(
        checkpoint=about,
        scores=scores,
        mask_counts=mask_counts,
        volume_relations=volume_relations,
        volume=volume,
        clusters=clusters,
        members=members,
        mantel=mantel,
        types=types,
        absence=source_absence(types, _tables(sources)),
        pairs=similarity_pairs,
        stability=stability,
        intervention_summary=intervention_summary,
        layer_profile=layer_profile,
        sensitivity=sensitivity,
        examples=example_facts(types, splits, _tables(sources)),
        planted=planted,
        planted_scores=planted_scores,
        published=published_results(about["source"]),
        names=language_names or {},
    )
    parts = sections(inputs)
    embedded = write_figures_and_data(folder, parts)
    found = summary(inputs)
    (folder / "summary.json").write_text(to_json(found), "utf-8")
    lookup = explorer(facts, inputs.languages, inputs.names) if facts is not None else None
    page = render(inputs, parts, embedded, lookup, lineage)
    with (folder / "index.html").open("w", encoding="utf-8", errors="replace") as out:
        out.write(page)
        out.flush()
        os.fsync(out.fileno())
    return found


def environment() -> Environment:
    """The templates: everything that is filled in is escaped."""
    return Environment(
        loader=PackageLoader("factroots_dagster.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(
    inputs: ReportInputs,
    parts: Sequence[Section],
    embedded: Mapping[str, str],
    lookup: Explorer | None,
    lineage: Sequence[Origin],
) -> str:
    """The page. Everything from the data passes through the template's escaping."""
    script = files(__package__).joinpath("templates/explorer.js").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        environment()
        .get_template("report.html")
        .render(
            checkpoint=inputs.checkpoint,
            sections=parts,
            figures=embedded,
            colours=TYPE_COLOURS,
            generated=inputs.planted is not None,
            lookup=lookup,
            lineage=lineage,
            known_assets={origin.asset for origin in lineage},
            script=Markup(script),  # our own; the policy lets no other run
            script_digest=digest if lookup else "",
        )
    )


def _tables(sources: Mapping[str, pa.Table]) -> Iterable[pa.Table]:
    """Tables one by one: a mapping may load each only when it is asked for."""
    return (sources[language] for language in sorted(sources))
