"""A small picture of each main asset for its page in Dagster.

Every `draw_...` function takes tables and returns a PNG of at most MAX_BYTES; no file is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from matplotlib.figure import Figure

from factroots_dagster.report.asking import describe_asking
from factroots_dagster.report.figures.colours import ACCENT, INK
from factroots_dagster.report.figures.comparison import plot_checkpoints
from factroots_dagster.report.figures.knowledge import plot_heat_map, plot_p_at_1_by_language
from factroots_dagster.report.figures.neurons import plot_differences, plot_intervention_effects
from factroots_dagster.report.figures.roots import plot_types_by_language
from factroots_dagster.report.figures.style import bars_height, canvas, label_rows, percent_axis, render_png
from factroots_dagster.report.inputs import rank_languages
from factroots_dagster.roots.counts import count_ranges, counts_by_language
from factroots_dagster.stats.pair_matrix import pair_matrix

MAX_BYTES = 100_000


def draw_scores(scores: pa.Table) -> bytes:
    """P@1 by language with intervals and baselines. scores: PROBING_SCORES."""
    return _small_png(plot_p_at_1_by_language(rank_languages(scores)))


def draw_types(types: pa.Table, sensitivity: pa.Table | None = None) -> bytes:
    """Predicted facts of each language by type, with ranges. types: FACT_TYPES; sensitivity: SENSITIVITY."""
    counts = counts_by_language(types)
    languages = [*sorted(counts.keys() - {"*"}), "*"]
    return _small_png(plot_types_by_language(counts, languages, count_ranges(sensitivity)))


def draw_coverage(coverage: pa.Table) -> bytes:
    """Number of facts of each language. coverage: FACT_COVERAGE."""
    return draw_bars(Counter(coverage["language"].to_pylist()), "facts")


def draw_language_pairs(pairs: pa.Table, column: str, label: str) -> bytes:
    """A value for each pair of languages.

    pairs: columns language_a, language_b and `column`, a row per pair. label: what the values are.
    """
    languages = sorted({*pairs["language_a"].to_pylist(), *pairs["language_b"].to_pylist()})
    matrix = pair_matrix(pairs, column, languages) if languages else np.full((1, 1), np.nan)
    return _small_png(plot_heat_map(matrix, languages or ["–"], label))


def draw_training_loss(losses: pa.Table) -> bytes:
    """Training loss by step. losses: columns step and loss."""
    with canvas(6.5, 3.2) as (figure, axes):
        axes.plot(losses["step"].to_pylist(), losses["loss"].to_pylist(), color=ACCENT, lw=1.8)
        axes.grid()
        axes.set_ylim(bottom=0)
        axes.set(xlabel="training step", ylabel="loss")
    return _small_png(figure)


def draw_release(release: pa.Table) -> bytes:
    """Number of rows of each language. release: MLAMA_RELEASE."""
    sums = release.group_by("language").aggregate([("rows", "sum")]).to_pylist()
    return draw_bars({row["language"]: row["rows_sum"] or 0 for row in sums}, "rows")


def draw_relations(table: pa.Table, label: str = "facts") -> bytes:
    """Number of rows of each relation. table: any with a column relation, such as MLAMA_SPLIT."""
    return draw_bars(Counter(table["relation"].to_pylist()), label)


def draw_predictions(predictions: pa.Table) -> bytes:
    """P@1 of each relation in one language. predictions: PREDICTIONS."""
    asked = predictions.filter(pc.is_valid(predictions["full_match"]))
    return draw_bars(_shares(asked["relation"], asked["full_match"]), "P@1", share=True)


def draw_sources(sources: pa.Table) -> bytes:
    """Share of facts that have a source, by matcher. sources: columns matcher and windows of FACT_SOURCES."""
    shares = _shares(sources["matcher"], pc.greater(sources["windows"], 0))
    return draw_bars(shares, "facts with a source", share=True)


def _shares(names: pa.ChunkedArray, holds: pa.ChunkedArray) -> dict[str, float]:
    """The share of the rows with each name in which `holds` is true."""
    means = pa.table({"name": names, "holds": holds}).group_by("name").aggregate([("holds", "mean")])
    return dict(zip(means["name"].to_pylist(), means["holds_mean"].to_pylist(), strict=True))


def draw_volume(volume: pa.Table) -> bytes:
    """Counts of pages, words and entities of one Wikipedia. volume: WIKIPEDIA_VOLUME, one row."""
    row = volume.to_pylist()[0]
    names = ("pages", "articles", "redirects", "words", "entities", "damaged_pages")
    return draw_counts({name: row[name] or 0 for name in names}, "count (logarithmic)")


def draw_counts(counts: Mapping[str, Any], label: str) -> bytes:
    """Numbers of very different sizes; values that are not numbers are left out."""
    numbers = {name: value for name, value in counts.items() if isinstance(value, int | float)}
    return draw_bars({name.replace("_", " "): value for name, value in numbers.items()}, label, log=True)


def draw_active_neurons(active: pa.Table) -> bytes:
    """The neurons that are among the top neurons of most facts. active: ACTIVE_NEURONS of one language."""
    counts = pc.value_counts(pc.list_flatten(active["neurons"])).to_pylist()
    most_active = sorted(counts, key=lambda row: (-row["counts"], row["values"]))[:20]
    values = {f"neuron {row['values']}": row["counts"] for row in most_active}
    return draw_bars(values, f"facts, of {active.num_rows:,}, with the neuron among their most active")


def draw_interventions(summary: pa.Table) -> bytes:
    """Effects over all pairs of languages together. summary: INTERVENTION_SUMMARY."""
    rows = [row for row in summary.to_pylist() if row["language_found"] == "*"]
    return _small_png(plot_intervention_effects(rows))


def draw_untrained_twins(table: pa.Table) -> bytes:
    """What the checkpoint exceeds its untrained twins by, over all facts. table: UNTRAINED_TWINS."""
    rows = [row for row in table.to_pylist() if row["language_a"] == "*" and row["names"] == "all"]
    return _small_png(plot_differences([row for row in rows if row["figure"] != "layers"]))


def draw_planted_truth(truth: pa.Table) -> bytes:
    """Number of facts of each planted kind, over all languages. truth: PLANTED_TRUTH."""
    return draw_bars(Counter(truth["kind"].to_pylist()), "facts, in all languages")


def draw_comparison(comparison: pa.Table, sensitivity: Mapping[str, pa.Table]) -> bytes:
    """P@1 and types over the checkpoints. comparison: CHECKPOINT_COMPARISON; sensitivity: by checkpoint."""
    ranges = {checkpoint: count_ranges(table) for checkpoint, table in sensitivity.items()}
    return _small_png(plot_checkpoints(comparison.to_pylist(), ranges))


def draw_checkpoint(checkpoint: pa.Table) -> bytes:
    """A checkpoint's architecture and size in a few lines. checkpoint: CHECKPOINT, one row."""
    row = checkpoint.to_pylist()[0]
    lines = (
        f"{row['architecture']} ({row['family']})",
        f"{row['layers']} layers of {row['neurons']:,} neurons: {row['layers'] * row['neurons']:,}",
        f"{row['parameters']:,} parameters",
        f"{row['vocabulary']:,} tokens in the vocabulary, {row['max_length']:,} in the context",
        f"trained on: {row['corpus']}",
        f"asked: {describe_asking(row)}",
    )
    with canvas(6.5, 2.2) as (figure, axes):
        axes.axis("off")
        for number, line in enumerate(lines):
            y, size = 1 - number / len(lines), 13 if number == 0 else 11
            axes.text(0, y, line, fontsize=size, va="top", color=INK, parse_math=False)
    return _small_png(figure)


def draw_bars(values: Mapping[str, float], label: str, *, share: bool = False, log: bool = False) -> bytes:
    """A bar per name, longest first, with its number beside it.

    label: what the values are. share: whether they are shares, shown in percent. log: logarithmic axis.
    """
    ordered = sorted(values.items(), key=lambda item: (-item[1], item[0]))
    with canvas(7, bars_height(len(ordered))) as (figure, axes):
        axes.barh(range(len(ordered)), [value for _, value in ordered], color=ACCENT, height=0.7)
        for row, (_, value) in enumerate(ordered):
            text = f" {100 * value:.1f}%" if share else f" {value:,.0f}"
            axes.text(value, row, text, va="center", fontsize=8)
        label_rows(axes, [name for name, _ in ordered])
        axes.grid(axis="x")
        axes.margins(x=0.14)
        if log and any(value > 0 for value in values.values()):
            axes.set_xscale("symlog")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        if share:
            percent_axis(axes, limit=1.15)
        axes.set_xlabel(label)
    return _small_png(figure)


def _small_png(figure: Figure) -> bytes:
    """A PNG at the highest of a few resolutions that stays within MAX_BYTES."""
    for dpi in (96, 72, 54, 40):
        image = render_png(figure, dpi=dpi)
        if len(image) <= MAX_BYTES:
            break
    return image
