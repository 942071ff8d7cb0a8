"""The picture of a materialization: which of an asset's columns are read for it. How is `report.previews`.

Apart from the catalog, because drawing imports matplotlib, which is not needed to load the definitions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import pyarrow as pa

from factroots_dagster.neurons.statistics import pair_means
from factroots_dagster.orchestration import metrics
from factroots_dagster.report import previews as draw
from factroots_dagster.roots.corpora import WINDOW_COLUMNS, pool_corpora
from factroots_dagster.roots.verdict_shares import expected_shares
from factroots_dagster.store.store import Store
from factroots_dagster.tables import zip_columns

MAX_BARS = 40
"""Files that are drawn one by one; of more, the corpora are drawn."""


def draw_preview(asset: str, store: Store, *parts: str) -> bytes | None:
    """A PNG of a partition; None for an asset without pictures."""
    if asset in _OF_MAIN_TABLE:
        return _OF_MAIN_TABLE[asset](store.read(asset, *parts))
    return _OF_MORE[asset](store, *parts) if asset in _OF_MORE else None


def _dump(store: Store, language: str) -> bytes:
    table = store.read("wikipedia_dump", language)
    name = "file" if table.num_rows <= MAX_BARS else "corpus"
    sizes = table.group_by(name).aggregate([("bytes", "sum")])
    return draw.draw_bars(dict(zip_columns(sizes, name, "bytes_sum")), "bytes")


def _articles(store: Store, language: str) -> bytes:
    counts = store.read_side("counts", "wikipedia_articles", language).to_pylist()[0]
    return draw.draw_counts(counts, "number (logarithmic)")


def _mentions(store: Store, language: str) -> bytes:
    counts = {
        "mentions": store.version("entity_mentions", language).rows,
        "aliases": store.read_side("aliases", "entity_mentions", language).num_rows,
    }
    return draw.draw_counts(counts, "count (logarithmic)")


def _sources(store: Store, language: str) -> bytes:
    return draw.draw_sources(pool_corpora(store.read("fact_sources", language, columns=WINDOW_COLUMNS)))


def _relations(asset: str, store: Store, *parts: str) -> bytes:
    return draw.draw_relations(store.read(asset, *parts, columns=["relation"]))


def _clusters(pairs: pa.Table) -> bytes:
    return draw.draw_language_pairs(pairs, "corrected", "Jaccard corrected for chance")


def _consistency(pairs: pa.Table) -> bytes:
    return draw.draw_language_pairs(pairs, "beyond_other_object", "RankC beyond other objects")


def _similarity(store: Store, key: str) -> bytes:
    pairs = store.read_side("pairs", "neuron_similarity", key)
    return draw.draw_language_pairs(pair_means(pairs, "jaccard"), "value", "mean Jaccard")


def _interventions(store: Store, key: str) -> bytes:
    return draw.draw_interventions(store.read_side("summary", "neuron_interventions", key))


def _types(store: Store, key: str) -> bytes:
    return draw.draw_types(store.read("fact_types", key), store.read_side("sensitivity", "fact_types", key))


def _access(store: Store, key: str) -> bytes:
    likely = {name: float(value) for name, value in metrics.access(store, key).items() if value is not None}
    return draw.draw_bars(likely, "share of answers with at least half a chance", share=True)


def _timeline(store: Store) -> bytes:
    rows = store.read_side("languages", "knowledge_timeline").to_pylist()
    runs = {row["run"] for row in rows}
    shown = {
        row["language"] if len(runs) == 1 else row["run"]: row["learnt"] / row["facts"]
        for row in rows
        if row["facts"] and (len(runs) == 1 or row["language"] == "*")
    }
    return draw.draw_bars(shown, "share of facts that some checkpoint knows", share=True)


def _verdicts(store: Store, key: str) -> bytes:
    expected, untrained = expected_shares(store.read_side("shares", "fact_verdicts", key))
    if untrained is not None:
        expected["shared, untrained"] = untrained
    return draw.draw_bars(expected, "expected share of the predicted facts", share=True)


def _comparison(store: Store) -> bytes:
    table = store.read("checkpoint_comparison")
    checkpoints = dict.fromkeys(table["checkpoint"].to_pylist())
    sensitivity = {key: store.read_side("sensitivity", "fact_types", key) for key in checkpoints}
    return draw.draw_comparison(table, sensitivity)


_OF_MAIN_TABLE: Mapping[str, Callable[[pa.Table], bytes]] = {
    "mlama_release": draw.draw_release,
    "checkpoint": draw.draw_checkpoint,
    "fact_coverage": draw.draw_coverage,
    "wikipedia_volume": draw.draw_volume,
    "sandbox_training": draw.draw_training_loss,
    "planted_truth": draw.draw_planted_truth,
    "predictions": draw.draw_predictions,
    "probing_scores": draw.draw_scores,
    "language_clusters": _clusters,
    "language_consistency": _consistency,
    "active_neurons": draw.draw_active_neurons,
    "untrained_twins": draw.draw_untrained_twins,
}
"""How a picture is drawn from the whole main table."""
_OF_MORE: Mapping[str, Callable[..., bytes]] = {
    "wikipedia_dump": _dump,
    "mlama_split": partial(_relations, "mlama_split"),
    "neuron_activations": partial(_relations, "neuron_activations"),
    "wikipedia_articles": _articles,
    "entity_mentions": _mentions,
    "fact_sources": _sources,
    "neuron_similarity": _similarity,
    "neuron_interventions": _interventions,
    "name_access": _access,
    "fact_types": _types,
    "fact_verdicts": _verdicts,
    "categorization_report": _types,
    "checkpoint_comparison": _comparison,
    "knowledge_timeline": _timeline,
}
"""How it is drawn from the store, given a partition's folder names."""
