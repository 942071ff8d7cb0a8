"""Violations of the rules of `neuron_similarity`, counted on planted activations and on broken copies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from assets_tests.neurons.planted import World
from factroots_dagster.neurons.schema import NEURON_SIMILARITY, NEURON_STABILITY
from factroots_dagster.neurons.similarity import compare_languages
from factroots_dagster.neurons.statistics import BY_PAIR
from factroots_dagster.orchestration.checks.similarity import RULES, similarity_frame
from factroots_dagster.store.store import Store

Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> list[pa.Table]:
    """NEURON_SIMILARITY, a table per language pair."""
    world = World(tmp_path_factory.mktemp("planted"))
    return list(compare_languages(world.active, world.folders, world.splits, seed=0).fact_tables())


def store_of(folder: Path, tables: list[pa.Table]) -> Store:
    store = Store(folder, "planted")
    with store.write_partition("neuron_similarity", "tiny", code_version="1") as writer:
        with writer.stream(NEURON_SIMILARITY) as append:
            for table in tables:
                append(table)
        writer.write(NEURON_STABILITY.empty_table(), NEURON_STABILITY, side="stability")
    return store


@pytest.mark.parametrize("batch_rows", [1, 7, 100, 1 << 16])
def test_a_sound_table_violates_no_rule_whatever_the_batches(
    tmp_path: Path, tables: list[pa.Table], batch_rows: int
) -> None:
    frame = similarity_frame(store_of(tmp_path, tables), "tiny", batch_rows=batch_rows)
    assert len(frame) == len(tables) * len(BY_PAIR)
    assert frame["facts"].sum() == sum(len(table) for table in tables)
    assert not frame[list(RULES)].to_numpy().any()
    assert frame["complete"].all()


def first(condition: Callable[[dict[str, Any]], bool], **values: object) -> Callable[[Rows], None]:
    """Change the first row for which the condition holds."""
    return lambda rows: next(row for row in rows if condition(row)).update(values)


def of(statistic: str) -> Callable[[dict[str, Any]], bool]:
    return lambda row: row["statistic"] == statistic


def has_p_value(row: dict[str, Any]) -> bool:
    return row["p_value"] is not None


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("unsorted", lambda rows: rows.append(rows[0])),
        ("unsorted", lambda rows: rows.insert(0, rows[0])),
        ("unsorted", lambda rows: rows.reverse()),
        ("complete", lambda rows: rows.pop(0)),
        ("pair_order", first(of("cosine"), language_b="qaa")),
        ("value_range", first(of("signed_jaccard"), value=-0.1)),
        ("value_range", first(of("cosine"), value=-1.1)),
        ("value_range", first(of("jaccard"), same_object_mean=1.1)),
        ("value_range", first(of("jaccard"), mismatched_mean=1.1)),
        ("value_range", first(of("jaccard"), random_mean=1.1)),
        ("untested", first(of("cosine_z"), p_value=0.5)),
        ("p_range", first(has_p_value, p_value=0.0)),
        ("p_range", first(has_p_value, q_value=1.1)),
        ("q_below_p", first(has_p_value, q_value=0.0)),
    ],
)
@pytest.mark.parametrize("batch_rows", [1, 1 << 16])
def test_broken_rows_are_counted(
    tmp_path: Path, tables: list[pa.Table], batch_rows: int, rule: str, change: Callable[[Rows], object]
) -> None:
    rows = pa.concat_tables(tables).to_pylist()
    change(rows)
    store = store_of(tmp_path, [pa.Table.from_pylist(rows, schema=NEURON_SIMILARITY)])
    frame = similarity_frame(store, "tiny", batch_rows=batch_rows)
    assert (~frame["complete"] if rule == "complete" else frame[rule] > 0).any()


def test_a_table_without_rows_has_no_groups(tmp_path: Path) -> None:
    frame = similarity_frame(store_of(tmp_path, [NEURON_SIMILARITY.empty_table()]), "tiny")
    assert len(frame) == 0
    assert {"statistic", "complete", "stability_range", *RULES} <= set(frame.columns)
