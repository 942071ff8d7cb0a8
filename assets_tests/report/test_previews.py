"""The pictures on the assets' pages in Dagster."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa

from assets_tests.report.conftest import rows
from factroots_dagster.neurons.schema import SIMILARITY_PAIRS
from factroots_dagster.report import previews as shown


def test_pictures_are_small_and_the_same_every_time(world: dict[str, Any], types: pa.Table) -> None:
    from factroots_dagster.facts.mlama.languages import MLAMA_LANGUAGES

    score = world["scores"].to_pylist()[0]
    many = rows(world["scores"].schema, [score | {"language": x} for x in MLAMA_LANGUAGES])
    pairs = [
        {"language_a": a, "language_b": b, "facts": 1, "jaccard": 0.1}
        for a in MLAMA_LANGUAGES
        for b in MLAMA_LANGUAGES
        if a < b
    ]
    counts = pa.table({"language": list(MLAMA_LANGUAGES) * 3, "uuid": ["u"] * 159, "rows": [5] * 159})
    active = pa.table({"neurons": [[1, 2, 3], [2, 3], [3]]})
    pages = {"pages": 10, "articles": 8, "redirects": 2, "words": 10**9, "entities": None, "damaged_pages": 0}
    drawn: list[Callable[[], bytes]] = [
        lambda: shown.scores_picture(many),
        lambda: shown.types_picture(types),
        lambda: shown.coverage_picture(counts),
        lambda: shown.release_picture(counts),
        lambda: shown.relations_picture(world["splits"]["qaa"]),
        lambda: shown.relations_picture(world["splits"]["qaa"].slice(0, 0)),
        lambda: shown.predictions_picture(world["predictions"]["qaa"]),
        lambda: shown.sources_picture(world["sources"]["qaa"]),
        lambda: shown.volume_picture(pa.Table.from_pylist([pages])),
        lambda: shown.counts_picture({"pages": 0, "snapshot": "latest"}, "count"),
        lambda: shown.neurons_picture(active),
        lambda: shown.interventions_picture(world["intervention_summary"]),
        lambda: shown.planted_picture(world["truth"]),
        lambda: shown.checkpoint_picture(world["checkpoint"]),
        lambda: shown.similarity_picture(rows(SIMILARITY_PAIRS, pairs)),
        lambda: shown.similarity_picture(world["clusters"], "corrected", "overlap"),
        lambda: shown.similarity_picture(SIMILARITY_PAIRS.empty_table()),
        lambda: shown.loss_picture(pa.table({"step": [1, 2], "loss": [8.0, 3.0]})),
    ]
    for draw in drawn:
        picture = draw()
        assert picture.startswith(b"\x89PNG") and 1_000 < len(picture) <= 100_000
        assert picture == draw()
