"""A store with facts in three languages."""

from __future__ import annotations

from pathlib import Path

import pytest

from assets_tests.lookup.stores import evidence, fact, write_language
from factroots_dagster.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """German facts, of which u1 also exists in English (without sources) and in Ukrainian."""
    store = Store(tmp_path / "data", "mlama")
    text = "Paris ist die Hauptstadt von Frankreich."
    sources = {
        ("u1", "chunk"): [
            evidence(text, "Frankreich", "Paris"),
            evidence(text, "Frankreich", "Paris", revision_id=78),
        ],
        ("u1", "article"): [evidence(text, "Frankreich", "Paris", title="Zu weit")],
        ("u2", "sentence_with_aliases"): [evidence("Die Grande Nation ruht.", "Grande", "ruht")],
    }
    write_language(
        store,
        "de",
        [fact("u1", "Frankreich", "Paris"), fact("u2", "Straße", "Teer"), fact("u3", "Nirgends", "Nichts")],
        sources,
    )
    write_language(store, "en", [fact("u1", "France", "Paris")])
    write_language(
        store,
        "uk",
        [fact("u1", "Франція", "Париж")],
        {("u1", "sentence"): [evidence("Париж — у Франції.", "Франції", "Париж")]},
        articles=None,
    )
    return store
