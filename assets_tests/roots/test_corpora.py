"""Sources in several corpora as those of one text, against loops."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets_tests.roots.tables import nearest_row, prediction_row, rows, source_row, split_row
from factroots_dagster.errors import InputError
from factroots_dagster.facts.schema import MLAMA_SPLIT
from factroots_dagster.neurons.schema import NEAREST_LANGUAGE
from factroots_dagster.probing.schema import PREDICTIONS
from factroots_dagster.roots.corpora import WINDOW_COLUMNS, describe_corpora, pool_corpora
from factroots_dagster.roots.types import categorize_facts
from factroots_dagster.tracing.schema import FACT_SOURCES

CORPORA = ("wikipedia", "web", "books")


def pool_by_loops(table: list[dict[str, Any]], corpora: tuple[str, ...]) -> list[tuple[Any, ...]]:
    keys = dict.fromkeys((row["uuid"], row["matcher"]) for row in table if row["corpus"] in corpora)
    pooled = []
    for uuid, matcher in keys:
        own = [row for row in table if (row["uuid"], row["matcher"]) == (uuid, matcher)]
        own = [row for row in own if row["corpus"] in corpora]
        passages = [passage for row in own for passage in row["evidence"]]
        passages.sort(key=lambda passage: -passage["stated_probability"])
        unstated = 1.0
        for row in own:
            unstated *= 1 - row["stated_probability"]
        sentences = [passage["sentence"] for passage in passages]
        pooled.append((uuid, matcher, sum(row["windows"] for row in own), round(1 - unstated, 9), sentences))
    return pooled


@given(st.data())
def test_windows_are_added_and_evidence_is_joined(data: st.DataObject) -> None:
    present = data.draw(st.lists(st.sampled_from(CORPORA), min_size=1, unique=True))
    table = [
        source_row(
            *(uuid, "qaa", data.draw(st.integers(0, 3)), matcher, f"{uuid} {matcher} {corpus}", corpus),
            stated=data.draw(st.sampled_from([0.1, 0.5, 0.75])),
        )
        for uuid in data.draw(st.lists(st.sampled_from("abcd"), min_size=1, unique=True))
        for corpus in present
        for matcher in ("chunk", "article")
    ]
    chosen = tuple(data.draw(st.lists(st.sampled_from(present), min_size=1, unique=True)))
    pooled = pool_corpora(rows(FACT_SOURCES, table), chosen).to_pylist()
    found = [
        (
            *(row["uuid"], row["matcher"], row["windows"], round(row["stated_probability"], 9)),
            [passage["sentence"] for passage in row["evidence"]],
        )
        for row in pooled
    ]
    assert found == pool_by_loops(table, chosen)
    windows = pool_corpora(rows(FACT_SOURCES, table).select(WINDOW_COLUMNS), chosen).to_pylist()
    assert windows == [{name: row[name] for name in WINDOW_COLUMNS if name != "corpus"} for row in pooled]
    assert pool_corpora(rows(FACT_SOURCES, table)).column_names == [
        name for name in FACT_SOURCES.names if name != "corpus"
    ]


def test_a_language_without_any_of_the_corpora_is_refused() -> None:
    table = rows(FACT_SOURCES, [source_row("u", "qaa", 1), source_row("u", "qab", 1, corpus="web")])
    assert pool_corpora(table, ["wikipedia", "web"]).num_rows == 2
    with pytest.raises(InputError, match=r"fact_sources of qaa has no corpus .*web; it has wikipedia, web"):
        pool_corpora(table, ["web"])


@pytest.mark.parametrize(
    ("corpora", "type_", "windows", "reason"),
    [
        (None, "independent", 3, "3 chunks of this language in wikipedia, web hold both"),
        (["web"], "independent", 3, "3 chunks of this language in web hold both"),
        (["wikipedia"], "transferred", 0, "No chunk of this Wikipedia holds subject and object"),
    ],
)
def test_sources_count_in_the_corpora_of_the_checkpoint(
    corpora: list[str] | None, type_: str, windows: int, reason: str
) -> None:
    sources = [source_row("u", "qaa", 0), source_row("u", "qaa", 3, corpus="web")]
    types = categorize_facts(
        rows(MLAMA_SPLIT, [split_row("u", "qaa")]),
        rows(PREDICTIONS, [prediction_row("u", "qaa", True)]),
        rows(FACT_SOURCES, sources),
        rows(NEAREST_LANGUAGE, [nearest_row("other", "qab", 1.0)]),
        corpora=corpora,
    ).types.to_pylist()
    assert [(row["type"], row["windows"]) for row in types] == [(type_, windows)]
    assert types[0]["reason"].startswith(reason)


def test_wikipedia_alone_is_called_this_wikipedia() -> None:
    assert describe_corpora(["wikipedia"]) == "this Wikipedia"
    assert describe_corpora(["web", "wikipedia"]) == "this language in web, wikipedia"
