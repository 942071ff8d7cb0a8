"""The probability that a window states its fact: on generated worlds with known truth, and in small cases."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import roc_auc_score

from factroots_dagster.corpora.collection.choices import parse_corpora
from factroots_dagster.corpora.registry import acquire_files, write_all_documents
from factroots_dagster.facts.mlama.split import read_split
from factroots_dagster.sandbox.dials import parse_dials
from factroots_dagster.sandbox.dump import dump_name, write_dump
from factroots_dagster.sandbox.release import write_release
from factroots_dagster.sandbox.world import generate
from factroots_dagster.tracing.mentions import write_mentions
from factroots_dagster.tracing.schema import SOURCE_ERRORS
from factroots_dagster.tracing.sources import write_sources
from factroots_dagster.tracing.statements import (
    FEATURES,
    Windows,
    combine_probabilities,
    describe_windows,
    estimate_probabilities,
    load_coefficients,
)


def trace_world(
    spark: Any, folder: Path, language: str, dials: str
) -> tuple[pa.Table, pa.Table, dict[str, Any]]:
    """FACT_SOURCES and SOURCE_ERRORS of one language of a small world, and the planted truth by uuid."""
    for name in ("release", "dumps", "articles", "mentions", "sources"):
        (folder / name).mkdir()
    world = generate(5, parse_dials("demo", dials))
    write_release(world, folder / "release")
    write_dump(world, language, folder / "dumps" / dump_name(language))
    files = (parse_corpora("wikipedia"), str(folder / "dumps"), "latest", folder, lambda: spark)
    write_all_documents(lambda: spark, acquire_files(language, *files), folder / "articles")
    split = read_split(folder / "release", language)
    write_mentions(spark, folder / "articles", split, folder / "mentions")
    table = write_sources(spark, folder / "articles", folder / "mentions", split, folder / "sources")
    return table, pq.read_table(folder / "sources" / "_errors.parquet"), world.truth[language]


def test_planted_statements_are_told_from_names_that_only_meet(spark, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """Most unstated facts have a sentence that names both sides."""
    table, _, truth = trace_world(spark, tmp_path, "ru", "chance_cooccurrence=0.6,facts_per_relation=25")
    random = np.random.default_rng(0)
    for matcher in ("sentence", "chunk_with_forms"):
        rows = [row for row in table.to_pylist() if row["matcher"] == matcher and row["windows"]]
        states = np.array([truth[row["uuid"]].stated for row in rows])
        probability = [row["stated_probability"] for row in rows]
        placebos = [roc_auc_score(random.permutation(states), probability) for _ in range(20)]
        assert states.sum() > 20 and (~states).sum() > 20
        assert roc_auc_score(states, probability) > 0.9 > max(placebos)


def test_in_a_world_where_names_meet_to_state_facts_sources_are_right(spark, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    table, errors, truth = trace_world(spark, tmp_path, "de", "facts_per_relation=25")
    assert errors.schema == SOURCE_ERRORS
    for matcher in ("sentence", "chunk_with_forms"):
        found = [row for row in table.to_pylist() if row["matcher"] == matcher and row["windows"]]
        own = [row for row in errors.to_pylist() if row["matcher"] == matcher]
        states = np.mean([truth[row["uuid"]].stated for row in found])
        assert sum(row["found"] for row in own) == len(found) > 30
        assert sum(row["facts"] for row in own) == len(truth)
        assert sum(row["chance"] for row in own) < 0.2 * len(found)
        stated = sum(row["stated"] for row in own)
        assert stated == pytest.approx(sum(row["stated_probability"] for row in found))
        assert stated / len(found) == pytest.approx(states, abs=0.1)


def windows_of(count: int, **columns: Any) -> Windows:
    """Windows in a sentence, all alike but for these columns."""
    numbers, yes, zeros = np.arange(count), np.ones(count, bool), np.zeros(count)
    none = zeros.astype(np.int64)
    plain = Windows(
        pair=numbers, relation=none, relations=("P36",), is_fact=yes, closeness=none, distance=none + 30,
        length=none + 100, cues=zeros, template=zeros, marks=zeros, lines=none, bare=~yes,
        subject_title=~yes, object_title=~yes,
    )  # fmt: skip
    return replace(plain, **columns)


def test_the_words_of_the_template_and_a_near_side_make_a_statement_more_probable() -> None:
    coefficients = load_coefficients()
    with_words = estimate_probabilities(windows_of(2, template=np.array([0.0, 0.9])), coefficients)
    assert with_words[1] > 2 * with_words[0]
    apart = windows_of(
        2, closeness=np.array([0, 2]), distance=np.array([10, 5000]), length=np.array([90, 5200])
    )
    near, far = estimate_probabilities(apart, coefficients)
    assert near > 2 * far


def test_relations_whose_facts_meet_no_more_than_by_chance_are_stated_least() -> None:
    relation = np.repeat([0, 1], 100)
    is_fact = np.concatenate([np.arange(100) < 80, np.arange(100) < 34])
    windows = windows_of(200, relation=relation, relations=("Q1", "Q2"), is_fact=is_fact)
    probability = estimate_probabilities(windows, load_coefficients())
    assert probability[:100].min() > probability[100:].max()


def test_no_windows_have_no_probabilities() -> None:
    nothing = windows_of(0, relations=())
    assert describe_windows(nothing).shape == (0, len(FEATURES))
    assert estimate_probabilities(nothing, load_coefficients()).shape == (0,)


def test_a_fact_is_stated_unless_no_window_states_it() -> None:
    combined = combine_probabilities(np.array([0.5, 0.5, 0.2]), np.array([0, 0, 2]), 4)
    np.testing.assert_allclose(combined, [0.75, 0, 0.2, 0])
