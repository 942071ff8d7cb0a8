"""The picture of a materialization, one function per asset: `(store, *parts)` to a PNG.

What is drawn, and how, is `report.previews`; here is which of an asset's columns are read for it.
"""

from __future__ import annotations

from factroots_dagster.store.store import Store

# report.previews imports matplotlib, which is not needed to load the definitions.


def release(store: Store) -> bytes:
    from factroots_dagster.report.previews import draw_release

    return draw_release(store.read("mlama_release"))


def dump(store: Store, language: str) -> bytes:
    from factroots_dagster.report.previews import draw_bars

    table = store.read("wikipedia_dump", language)
    sizes = dict(zip(table["file"].to_pylist(), table["bytes"].to_pylist(), strict=True))
    return draw_bars(sizes, "bytes")


def checkpoint(store: Store, key: str) -> bytes:
    from factroots_dagster.report.previews import draw_checkpoint

    return draw_checkpoint(store.read("checkpoint", key))


def split(store: Store, language: str) -> bytes:
    from factroots_dagster.report.previews import draw_relations

    return draw_relations(store.read("mlama_split", language, columns=["relation"]))


def coverage(store: Store) -> bytes:
    from factroots_dagster.report.previews import draw_coverage

    return draw_coverage(store.read("fact_coverage"))


def articles(store: Store, language: str) -> bytes:
    from factroots_dagster.report.previews import draw_counts

    counts = store.read_side("counts", "wikipedia_articles", language).to_pylist()[0]
    return draw_counts(counts, "number (logarithmic)")


def volume(store: Store, language: str) -> bytes:
    from factroots_dagster.report.previews import draw_volume

    return draw_volume(store.read("wikipedia_volume", language))


def mentions(store: Store, language: str) -> bytes:
    from factroots_dagster.report.previews import draw_counts

    counts = {
        "mentions": store.partition_info("entity_mentions", language).rows,
        "aliases": store.read_side("aliases", "entity_mentions", language).num_rows,
    }
    return draw_counts(counts, "count (logarithmic)")


def sources(store: Store, language: str) -> bytes:
    from factroots_dagster.report.previews import draw_sources

    return draw_sources(store.read("fact_sources", language, columns=["matcher", "windows"]))


def training(store: Store) -> bytes:
    from factroots_dagster.report.previews import draw_training_loss

    return draw_training_loss(store.read("sandbox_training"))


def planted(store: Store) -> bytes:
    from factroots_dagster.report.previews import draw_planted_truth

    return draw_planted_truth(store.read("planted_truth"))


def predictions(store: Store, key: str, language: str) -> bytes:
    from factroots_dagster.report.previews import draw_predictions

    return draw_predictions(store.read("predictions", key, language))


def activations(store: Store, key: str, language: str) -> bytes:
    from factroots_dagster.report.previews import draw_relations

    return draw_relations(store.read("neuron_activations", key, language, columns=["relation"]))


def scores(store: Store, key: str) -> bytes:
    from factroots_dagster.report.previews import draw_scores

    return draw_scores(store.read("probing_scores", key))


def clusters(store: Store, key: str) -> bytes:
    from factroots_dagster.report.previews import draw_language_pairs

    return draw_language_pairs(
        store.read("language_clusters", key), "corrected", "Jaccard corrected for chance"
    )


def active_neurons(store: Store, key: str, language: str) -> bytes:
    from factroots_dagster.report.previews import draw_active_neurons

    return draw_active_neurons(store.read("active_neurons", key, language))


def similarity(store: Store, key: str) -> bytes:
    from factroots_dagster.neurons.statistics import pair_means
    from factroots_dagster.report.previews import draw_language_pairs

    pairs = store.read_side("pairs", "neuron_similarity", key)
    return draw_language_pairs(pair_means(pairs, "jaccard"), "value", "mean Jaccard")


def interventions(store: Store, key: str) -> bytes:
    from factroots_dagster.report.previews import draw_interventions

    return draw_interventions(store.read_side("summary", "neuron_interventions", key))


def types(store: Store, key: str) -> bytes:
    from factroots_dagster.report.previews import draw_types

    return draw_types(store.read("fact_types", key), store.read_side("sensitivity", "fact_types", key))


def comparison(store: Store) -> bytes:
    from factroots_dagster.report.previews import draw_comparison

    table = store.read("checkpoint_comparison")
    checkpoints = dict.fromkeys(table["checkpoint"].to_pylist())
    sensitivity = {key: store.read_side("sensitivity", "fact_types", key) for key in checkpoints}
    return draw_comparison(table, sensitivity)
