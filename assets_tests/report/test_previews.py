"""The pictures of the assets in Dagster."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa

from assets_tests.report.small_world import SmallWorld
from assets_tests.roots.tables import rows
from factroots_dagster.neurons.schema import SIMILARITY_PAIRS
from factroots_dagster.report import previews
from factroots_dagster.settings import MLAMA_LANGUAGES


def test_pictures_are_small_and_the_same_every_time(world: SmallWorld, types: pa.Table) -> None:
    scores = world.tables["probing_scores"]
    score = scores.to_pylist()[0]
    many = rows(scores.schema, [score | {"language": language} for language in MLAMA_LANGUAGES])
    pairs = [
        {"language_a": a, "language_b": b, "value": 0.1}
        for a in MLAMA_LANGUAGES
        for b in MLAMA_LANGUAGES
        if a < b
    ]
    counts = pa.table({"language": list(MLAMA_LANGUAGES) * 3, "uuid": ["u"] * 159, "rows": [5] * 159})
    active = pa.table({"neurons": [[1, 2, 3], [2, 3], [3]]})
    pages = {"pages": 10, "articles": 8, "redirects": 2, "words": 10**9, "entities": None, "damaged_pages": 0}
    pictures: list[Callable[[], bytes]] = [
        lambda: previews.draw_scores(many),
        lambda: previews.draw_types(types),
        lambda: previews.draw_coverage(counts),
        lambda: previews.draw_release(counts),
        lambda: previews.draw_relations(world.splits["qaa"]),
        lambda: previews.draw_relations(world.splits["qaa"].slice(0, 0)),
        lambda: previews.draw_predictions(world.predictions["qaa"]),
        lambda: previews.draw_sources(world.sources["qaa"]),
        lambda: previews.draw_volume(pa.Table.from_pylist([pages])),
        lambda: previews.draw_counts({"pages": 0, "snapshot": "latest"}, "count"),
        lambda: previews.draw_active_neurons(active),
        lambda: previews.draw_interventions(world.tables["intervention_summary"]),
        lambda: previews.draw_untrained_twins(world.tables["untrained_twins"]),
        lambda: previews.draw_planted_truth(world.tables["planted_truth"]),
        lambda: previews.draw_checkpoint(world.tables["checkpoint"]),
        lambda: previews.draw_language_pairs(pa.Table.from_pylist(pairs), "value", "mean Jaccard"),
        lambda: previews.draw_language_pairs(world.tables["language_clusters"], "corrected", "overlap"),
        lambda: previews.draw_language_pairs(SIMILARITY_PAIRS.empty_table(), "value", "mean Jaccard"),
        lambda: previews.draw_training_loss(pa.table({"step": [1, 2], "loss": [8.0, 3.0]})),
    ]
    for draw in pictures:
        picture = draw()
        assert picture.startswith(b"\x89PNG") and 1_000 < len(picture) <= 100_000
        assert picture == draw()
