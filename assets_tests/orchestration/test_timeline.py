"""The timeline from the checkpoints that are registered and were asked."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from assets_tests.models.folders import checkpoint_folder
from assets_tests.orchestration.runs import materialize
from assets_tests.roots.tables import rows
from assets_tests.roots.timeline.answers import stored_tables
from factroots_dagster.facts.schema import MLAMA_SPLIT
from factroots_dagster.models.schema import CHECKPOINT
from factroots_dagster.probing.schema import PREDICTIONS
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store
from factroots_dagster.tracing.schema import FACT_SOURCES

WORDS = {
    "el": {"a": ".xx", "b": "..x", "c": "..."},
    "uk": {"a": "..x", "b": "..x", "c": ".x."},
}
"""By language, what three checkpoints know of each fact."""
WINDOWS = {"el": {"a": 3, "b": 1}, "uk": {"b": 2, "c": 1}}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A world with three checkpoints of one run, and one that names no step."""
    settings = Settings(
        world="mlama",
        data_root=tmp_path / "data",
        languages=tuple(WORDS),
        checkpoints=tmp_path / "checkpoints",
    )
    for name in ("step-900", "step-1800", "step-90", "final"):
        checkpoint_folder(tmp_path / "checkpoints" / name)
    return settings


def write(store: Store, schema: pa.Schema, table: pa.Table, asset: str, *parts: str) -> None:
    with store.write_partition(asset, *parts, code_version="1") as writer:
        writer.write(table, schema)


def ask(settings: Settings, names: tuple[str, ...]) -> Store:
    """Write what the timeline reads: the answers of these checkpoints, the third of WORDS being the last."""
    store = Store(settings.data_root, "mlama")
    for language, words in WORDS.items():
        split, predictions, sources = stored_tables(language, words, WINDOWS[language], steps=(0, 1, 2))
        write(store, MLAMA_SPLIT, split, "mlama_split", language)
        write(store, FACT_SOURCES, sources, "fact_sources", language)
        for number, name in enumerate(names):
            write(store, PREDICTIONS, predictions[number], "predictions", name, language)
    for name in names:
        model = {"checkpoint": name, "corpus": "wikipedia", "corpora": None}
        write(store, CHECKPOINT, rows(CHECKPOINT, [model]), "checkpoint", name)
    return store


def test_the_checkpoints_of_a_run_are_traced_in_the_order_of_their_steps(settings: Settings) -> None:
    store = ask(settings, ("step-90", "step-900", "step-1800"))
    materialize(settings, "knowledge_timeline")
    found = {
        (row["language"], row["uuid"]): (row["run"], row["first_known"], row["first_languages"], row["lag"])
        for row in store.read("knowledge_timeline").to_pylist()
    }
    assert found == {
        ("el", "a"): ("step-1800", 900, [], None),
        ("el", "b"): ("step-1800", 1800, [], None),
        ("el", "c"): ("step-1800", None, ["uk"], None),
        ("uk", "a"): ("step-1800", 1800, ["el"], 900),
        ("uk", "b"): ("step-1800", 1800, [], None),
        ("uk", "c"): ("step-1800", 900, [], None),
    }
    lags = store.read_side("lags", "knowledge_timeline").select(["uuid", "language", "lag"]).to_pylist()
    assert [tuple(row.values()) for row in lags] == [
        ("b", "el", 0),
        ("c", "el", None),
        ("a", "uk", 900),
        ("b", "uk", 0),
    ]
    languages = store.read_side("languages", "knowledge_timeline")
    assert languages["language"].to_pylist() == ["el", "uk", "*"]
    assert languages["learnt"].to_pylist() == [2, 3, 5]


def test_checkpoints_without_a_step_leave_the_table_empty(settings: Settings) -> None:
    store = ask(settings, ("final",))
    materialize(settings, "knowledge_timeline")
    assert store.read("knowledge_timeline").num_rows == 0


def test_without_predictions_it_says_what_to_run(settings: Settings) -> None:
    with pytest.raises(Exception, match=r"predictions/final/el has not been materialized"):
        materialize(settings, "knowledge_timeline")
