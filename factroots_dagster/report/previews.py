"""One small PNG per main asset, for the asset's page in Dagster: bytes only, no files, at most 100 kB."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from matplotlib.figure import Figure

from factroots_dagster.report.figures import comparison, knowledge, neurons, roots
from factroots_dagster.report.figures.style import (
    ACCENT,
    GRID,
    INK,
    bars_height,
    canvas,
    language_rows,
    percent_axis,
    png,
)
from factroots_dagster.roots.counts import type_bands, type_counts
from factroots_dagster.stats.pair_matrix import pair_matrix

MAX_BYTES = 100_000


def scores_picture(scores: pa.Table) -> bytes:
    """P@1 by language with intervals and baselines. scores: PROBING_SCORES."""
    rows = scores.filter(pc.and_(pc.equal(scores["relation"], "*"), pc.not_equal(scores["language"], "*")))
    ordered = sorted(rows.to_pylist(), key=lambda row: (-(row["full_match"] or 0.0), row["language"]))
    return _small(knowledge.p_at_1_by_language(ordered))


def types_picture(types: pa.Table, sensitivity: pa.Table | None = None) -> bytes:
    """Predicted facts of each language by type. types: FACT_TYPES; the bands are those of SENSITIVITY."""
    counts: dict[str, dict[str, int]] = {}
    for row in type_counts(types).to_pylist():
        counts.setdefault(row["language"], {})[row["type"]] = row["facts"]
    languages = sorted(counts.keys() - {"*"})
    return _small(roots.types_by_language(counts, [*languages, "*"], type_bands(sensitivity)))


def coverage_picture(coverage: pa.Table) -> bytes:
    """Facts of each language. coverage: FACT_COVERAGE."""
    counted = coverage.group_by("language").aggregate([("uuid", "count")]).to_pylist()
    return bars_picture({row["language"]: row["uuid_count"] for row in counted}, "facts")


def similarity_picture(table: pa.Table, column: str = "jaccard", label: str = "mean Jaccard") -> bytes:
    """A value for each pair of languages, e.g. of SIMILARITY_PAIRS or LANGUAGE_CLUSTERS ("corrected")."""
    languages = sorted({*table["language_a"].to_pylist(), *table["language_b"].to_pylist()})
    matrix = pair_matrix(table, column, languages) if languages else np.full((1, 1), np.nan)
    return _small(knowledge.heat_map(matrix, languages or ["–"], label))


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


def release_picture(release: pa.Table) -> bytes:
    """Rows of each language. release: MLAMA_RELEASE."""
    return bars_picture(_sums(release, "language", "rows"), "rows")


def relations_picture(table: pa.Table, label: str = "facts") -> bytes:
    """Facts of each relation. table: any with a column relation, such as MLAMA_SPLIT."""
    counted = table.group_by("relation").aggregate([("relation", "count")]).to_pylist()
    return bars_picture({row["relation"]: row["relation_count"] for row in counted}, label)


def predictions_picture(predictions: pa.Table) -> bytes:
    """P@1 of each relation in one language. predictions: PREDICTIONS."""
    asked = predictions.filter(pc.is_valid(predictions["full_match"]))
    scored = pa.table({"relation": asked["relation"], "right": pc.cast(asked["full_match"], pa.float64())})
    means = scored.group_by("relation").aggregate([("right", "mean")]).to_pylist()
    return bars_picture({row["relation"]: row["right_mean"] for row in means}, "P@1", share=True)


def sources_picture(sources: pa.Table) -> bytes:
    """Facts that have a source, by matcher. sources: FACT_SOURCES with matcher and windows."""
    found = pa.table(
        {"matcher": sources["matcher"], "found": pc.cast(pc.greater(sources["windows"], 0), pa.float64())}
    )
    means = found.group_by("matcher").aggregate([("found", "mean")]).to_pylist()
    values = {row["matcher"]: row["found_mean"] for row in means}
    return bars_picture(values, "facts with a source", share=True)


def volume_picture(volume: pa.Table) -> bytes:
    """Pages of one Wikipedia, and the words and entities in them, as counts. volume: WIKIPEDIA_VOLUME."""
    row = volume.to_pylist()[0]
    names = ("pages", "articles", "redirects", "words", "entities", "damaged_pages")
    return counts_picture({name: row[name] or 0 for name in names}, "count (logarithmic)")


def counts_picture(counts: Mapping[str, Any], label: str) -> bytes:
    """Numbers of very different sizes; what is not a number is left out."""
    kept = {k: float(v) for k, v in counts.items() if isinstance(v, int | float)}
    return bars_picture({name.replace("_", " "): value for name, value in kept.items()}, label, log=True)


def neurons_picture(active: pa.Table) -> bytes:
    """The neurons that are among the top of most facts, in one language. active: ACTIVE_NEURONS."""
    top = pc.value_counts(pc.list_flatten(active["neurons"])).to_pylist()
    first = sorted(top, key=lambda row: (-row["counts"], row["values"]))[:20]
    values = {f"neuron {row['values']}": row["counts"] for row in first}
    return bars_picture(values, f"facts, of {active.num_rows:,}, that activate the neuron most")


def interventions_picture(summary: pa.Table) -> bytes:
    """Effects of all directions together. summary: INTERVENTION_SUMMARY."""
    rows = [row for row in summary.to_pylist() if row["language_found"] == "*"]
    return _small(neurons.intervention_effects(rows))


def planted_picture(truth: pa.Table) -> bytes:
    """How many facts are planted as what, over all languages. truth: PLANTED_TRUTH."""
    counted = truth.group_by("kind").aggregate([("uuid", "count")]).to_pylist()
    return bars_picture({row["kind"]: row["uuid_count"] for row in counted}, "facts, in all languages")


def comparison_picture(table: pa.Table, sensitivity: Mapping[str, pa.Table]) -> bytes:
    """P@1 and types over the checkpoints. table: CHECKPOINT_COMPARISON; sensitivity: by checkpoint."""
    bands = {key: type_bands(one) for key, one in sensitivity.items()}
    return _small(comparison.checkpoints_overall(table.to_pylist(), bands))


def checkpoint_picture(checkpoint: pa.Table) -> bytes:
    """What a checkpoint is, in a few words. checkpoint: CHECKPOINT, one row."""
    row = checkpoint.to_pylist()[0]
    lines = (
        f"{row['architecture']} ({row['family']})",
        f"{row['layers']} layers of {row['neurons']:,} neurons: {row['layers'] * row['neurons']:,}",
        f"{row['parameters']:,} parameters",
        f"{row['vocabulary']:,} tokens in the vocabulary, {row['max_length']:,} in the context",
        f"trained on: {row['corpus']}",
    )
    with canvas(6.5, 1.9) as (figure, axes):
        axes.axis("off")
        for number, line in enumerate(lines):
            size = 13 if number == 0 else 11
            axes.text(0, 1 - number / len(lines), line, fontsize=size, va="top", color=INK, parse_math=False)
    return _small(figure)


def bars_picture(values: Mapping[str, float], label: str, *, share: bool = False, log: bool = False) -> bytes:
    """One bar per name, longest first, its number beside it; `share`: in percent."""
    ordered = sorted(values.items(), key=lambda item: (-item[1], item[0]))
    with canvas(7, bars_height(len(ordered))) as (figure, axes):
        axes.barh(range(len(ordered)), [value for _, value in ordered], color=ACCENT, height=0.7)
        for row, (_, value) in enumerate(ordered):
            shown = f" {100 * value:.1f}%" if share else f" {value:,.0f}"
            axes.text(value, row, shown, va="center", fontsize=8)
        language_rows(axes, [name for name, _ in ordered])
        axes.grid(axis="x", color=GRID)
        axes.tick_params(length=0)
        axes.margins(x=0.14)
        if log and any(value > 0 for value in values.values()):
            axes.set_xscale("symlog")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        if share:
            percent_axis(axes, limit=1.15)
        axes.set_xlabel(label)
    return _small(figure)


def _sums(table: pa.Table, key: str, value: str) -> dict[str, float]:
    rows = table.group_by(key).aggregate([(value, "sum")]).to_pylist()
    return {row[key]: row[f"{value}_sum"] or 0 for row in rows}


def _small(figure: Figure) -> bytes:
    """PNG at the highest of a few resolutions that stays within MAX_BYTES."""
    for dpi in (96, 72, 54, 40):
        image = png(figure, dpi=dpi)
        if len(image) <= MAX_BYTES:
            break
    return image
