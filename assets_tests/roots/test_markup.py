"""Sources outside running text: for whom they count, and how many facts stand there."""

from __future__ import annotations

from typing import Any

import pytest

from assets_tests.roots.tables import fact_types_table, prediction_row, rows, source_row, split_row
from factroots_dagster.facts.schema import MLAMA_SPLIT
from factroots_dagster.neurons.schema import NEAREST_LANGUAGE
from factroots_dagster.probing.schema import PREDICTIONS
from factroots_dagster.roots.counts import count_absent_sources
from factroots_dagster.roots.markup import BY_PAGE, MARKUP, measure_markup, pool_sources, reads_markup
from factroots_dagster.roots.types import DEFAULT_MATCHER, TypingResult, categorize_facts
from factroots_dagster.tracing.schema import FACT_SOURCES


@pytest.mark.parametrize(
    ("corpora", "trained_on", "reads"),
    [
        (["wikipedia"], "commoncrawl", False),
        (["web"], "unknown", True),
        (["wikipedia", "web"], "wikipedia", True),
        (None, "wikipedia", False),
        (None, "sandbox", False),
        (None, "unknown", False),
        (None, None, False),
        (None, "commoncrawl", True),
    ],
)
def test_models_trained_on_the_web_have_read_markup(
    corpora: list[str] | None, trained_on: str | None, reads: bool
) -> None:
    assert reads_markup(corpora, trained_on) is reads


def sources_of(windows: dict[str, int], corpus: str = "wikipedia") -> list[dict[str, Any]]:
    return [
        source_row("u", "qaa", count, matcher, sentence=matcher, corpus=corpus)
        for matcher, count in ({DEFAULT_MATCHER: 0, "article": 1} | windows).items()
    ]


def categorize(windows: dict[str, int], **options: Any) -> TypingResult:
    return categorize_facts(
        rows(MLAMA_SPLIT, [split_row("u", "qaa")]),
        rows(PREDICTIONS, [prediction_row("u", "qaa")]),
        rows(FACT_SOURCES, sources_of(windows)),
        rows(NEAREST_LANGUAGE, []),
        **options,
    )


@pytest.mark.parametrize("matcher", MARKUP)
def test_a_fact_that_stands_only_there_is_sourced_for_those_who_read_it(matcher: str) -> None:
    (without,) = categorize({matcher: 2, "by_title": 1}).types.to_pylist()
    assert (without["type"], without["source_present"], without["windows"]) == ("transferred", False, 0)
    assert without["reason"].startswith("No chunk of this Wikipedia holds subject and object, and")
    (row,) = categorize({matcher: 2, "by_title": 1}, with_markup=True).types.to_pylist()
    assert (row["type"], row["source_present"], row["windows"]) == ("independent", True, 2)
    assert row["matcher"] == DEFAULT_MATCHER and matcher.removesuffix("ation") in row["reason"]


def test_reasons_tell_where_a_fact_was_found() -> None:
    def reason(windows: dict[str, int]) -> str:
        return str(categorize(windows, with_markup=True).types["reason"][0]).partition(";")[0]

    assert reason({DEFAULT_MATCHER: 2, "infobox": 1, "table": 3}) == (
        "2 chunks and 1 infobox parameter and 3 table rows of this Wikipedia hold both"
    )
    assert reason({"list": 1}) == "1 list item of this Wikipedia holds both"
    assert reason({"by_title": 1}).startswith(
        "No chunk or infobox parameter or table row or list item or heading or block quotation of this "
        "Wikipedia holds subject and object, and"
    )


def test_no_matcher_on_what_is_no_text_is_a_setting_of_the_types() -> None:
    for with_markup in (False, True):
        variants = categorize(dict.fromkeys(BY_PAGE, 1), with_markup=with_markup).variants
        present = zip(variants["matcher"].to_pylist(), variants["source_present"].to_pylist(), strict=True)
        assert set(present) == {(DEFAULT_MATCHER, with_markup), ("article", True)}


def test_windows_and_evidence_are_added_within_the_chosen_corpora() -> None:
    web = sources_of({DEFAULT_MATCHER: 5, "infobox": 0}, "web")
    table = rows(FACT_SOURCES, [*sources_of({"infobox": 2, "list": 1, "by_title": 9}), *web])
    for corpora, windows, shown in (
        (None, 8, [DEFAULT_MATCHER, "infobox", "list"]),
        (["wikipedia"], 3, ["infobox", "list"]),
        (["web"], 5, [DEFAULT_MATCHER]),
    ):
        pooled = {row["matcher"]: row for row in pool_sources(table, corpora, with_markup=True).to_pylist()}
        assert pooled[DEFAULT_MATCHER]["windows"] == windows
        assert [passage["sentence"] for passage in pooled[DEFAULT_MATCHER]["evidence"]] == shown
        assert pooled["infobox"]["windows"] == (0 if corpora == ["web"] else 2)


@pytest.mark.parametrize("counted", [False, True])
def test_shares_are_of_predicted_facts_and_tell_what_stands_nowhere_else(counted: bool) -> None:
    types = fact_types_table(
        ("a", "qaa", "shared", True, None),
        ("b", "qaa", "independent" if counted else "transferred", counted, None),
        ("c", "qaa", "transferred", False, None),
        ("d", "qaa", "not_predicted", False, None),
    )
    found = {
        "a": {DEFAULT_MATCHER: 1, "infobox": 2},
        "b": {"infobox": 1},
        "c": {"by_title": 1},
        "d": {"infobox": 1},
    }
    in_text = {uuid: {DEFAULT_MATCHER: 0, "infobox": 0, "by_title": 0} | own for uuid, own in found.items()}
    sources = rows(
        FACT_SOURCES,
        [source_row(uuid, "qaa", n, matcher) for uuid, own in in_text.items() for matcher, n in own.items()],
    )
    windows = [
        own.get(DEFAULT_MATCHER, 0) + (own.get("infobox", 0) if counted else 0) for own in found.values()
    ]
    position = types.schema.get_field_index("windows")
    types = types.set_column(position, types.schema.field(position), [windows])
    pooled = pool_sources(sources, with_markup=counted)
    measured = measure_markup(types, [pooled], counted=counted).to_pylist()
    assert [(row["matcher"], row["predicted"], row["found"], row["only_here"]) for row in measured] == [
        ("infobox", 3, 2, 1),
        ("by_title", 3, 1, 1),
    ]
    assert measured[0]["share"] == pytest.approx(2 / 3)
    absence = count_absent_sources(types, [pooled]).to_pylist()
    assert [(row["matcher"], row["absent"]) for row in absence] == [(DEFAULT_MATCHER, 1 if counted else 2)]
