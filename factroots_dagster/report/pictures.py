"""One small PNG per main asset, for the asset's page in Dagster: bytes only, no files, at most 100 kB."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from matplotlib.figure import Figure

from factroots_dagster.analysis.pairs import pair_matrix
from factroots_dagster.report import figures
from factroots_dagster.report.counts import type_counts
from factroots_dagster.report.drawing import ACCENT, GRID, bars_height, canvas, language_rows, png

MAX_BYTES = 100_000


def scores_picture(scores: pa.Table) -> bytes:
    """P@1 by language with intervals and baselines. scores: PROBING_SCORES."""
    rows = scores.filter(pc.and_(pc.equal(scores["relation"], "*"), pc.not_equal(scores["language"], "*")))
    ordered = sorted(rows.to_pylist(), key=lambda row: (-(row["full_match"] or 0.0), row["language"]))
    return _small(figures.p_at_1_by_language(ordered))


def types_picture(types: pa.Table) -> bytes:
    """Predicted facts of each language by type. types: FACT_TYPES."""
    counts: dict[str, dict[str, int]] = {}
    for row in type_counts(types).to_pylist():
        counts.setdefault(row["language"], {})[row["type"]] = row["facts"]
    languages = sorted(counts.keys() - {"*"})
    return _small(figures.types_by_language(counts, languages))


def coverage_picture(coverage: pa.Table) -> bytes:
    """Facts of each language. coverage: FACT_COVERAGE."""
    counted = coverage.group_by("language").aggregate([("uuid", "count")]).to_pylist()
    return bars_picture({row["language"]: row["uuid_count"] for row in counted}, "facts")


def similarity_picture(table: pa.Table, column: str = "jaccard", label: str = "mean Jaccard") -> bytes:
    """A value for each pair of languages, e.g. of SIMILARITY_PAIRS or LANGUAGE_CLUSTERS ("corrected")."""
    languages = sorted({*table["language_a"].to_pylist(), *table["language_b"].to_pylist()})
    matrix = pair_matrix(table, column, languages) if languages else np.full((1, 1), np.nan)
    return _small(figures.heat_map(matrix, languages or ["–"], label))


def loss_picture(losses: pa.Table) -> bytes:
    """Training loss over steps. losses: columns step and loss."""
    with canvas(6.5, 3.2) as (figure, axes):
        axes.plot(losses["step"].to_pylist(), losses["loss"].to_pylist(), color=ACCENT, lw=1.8)
        axes.grid(color=GRID)
        axes.tick_params(length=0)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("training step")
        axes.set_ylabel("loss")
    return _small(figure)


def bars_picture(values: Mapping[str, float], label: str) -> bytes:
    """One bar per language, longest first, its number beside it."""
    ordered = sorted(values.items(), key=lambda item: (-item[1], item[0]))
    with canvas(7, bars_height(len(ordered))) as (figure, axes):
        axes.barh(range(len(ordered)), [value for _, value in ordered], color=ACCENT, height=0.7)
        for row, (_, value) in enumerate(ordered):
            axes.text(value, row, f" {value:,.0f}", va="center", fontsize=8)
        language_rows(axes, [language for language, _ in ordered])
        axes.grid(axis="x", color=GRID)
        axes.tick_params(length=0)
        axes.margins(x=0.1)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.set_xlabel(label)
    return _small(figure)


def _small(figure: Figure) -> bytes:
    """PNG at the highest of a few resolutions that stays within MAX_BYTES."""
    for dpi in (96, 72, 54, 40):
        image = png(figure, dpi=dpi)
        if len(image) <= MAX_BYTES:
            break
    return image
