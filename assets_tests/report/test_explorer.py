"""What the page holds of the facts: packed, within its budget, and the same as the tables."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets_tests.report.synthetic import fact_tables
from factroots_dagster.report.explorer import (
    SHARD_FACTS,
    Explorer,
    FactTables,
    build_explorer,
    choose_facts,
)
from factroots_dagster.report.explorer_filters import collect_filters
from factroots_dagster.report.explorer_sentences import LONGEST_SENTENCE
from factroots_dagster.report.inputs import LazyTables
from factroots_dagster.report.packing import encode_strings, pack

LANGUAGES = ("de", "en", "fr", "sq")
STRING_COLUMNS = {"template", "prediction", "reason", "verdict_reason", "title", "sentence", "url"}
BLOCKS = ("facts-", "evidence-", "others-")


@pytest.fixture(scope="module")
def tables() -> FactTables:
    return fact_tables(LANGUAGES, asked=2000, facts=2800)


@pytest.fixture(scope="module")
def whole(tables: FactTables) -> Explorer:
    return built(tables)


def built(tables: FactTables, **options: Any) -> Explorer:
    explorer = build_explorer(tables, LANGUAGES, {"en": "English"}, **options)
    assert explorer is not None
    return explorer


def unpack(text: str) -> Any:
    """The value that `pack` was given."""
    return json.loads(gzip.decompress(base64.b64decode(text)))


def decode(strings: list[str], differences: Iterable[int | None]) -> list[str | None]:
    """A column of strings as the browser reads it: indices are sums of differences."""
    last, values = 0, []
    for difference in differences:
        last = last if difference is None else last + difference
        values.append(None if difference is None else strings[last])
    return values


def unpack_blocks(explorer: Explorer) -> dict[str, Any]:
    blocks = {name: unpack(block) for name, block in explorer.blocks.items()}
    for block in blocks.values():
        for column in {
            "template",
            "prediction",
            "reason",
            "verdict_reason",
            "title",
            "sentence",
            "url",
        } & block.keys():
            block[column] = decode(block["strings"], block[column])
    return blocks


def entries_of(explorer: Explorer) -> dict[tuple[str, str], dict[str, Any]]:
    """(uuid, language) to what the page shows."""
    blocks = unpack_blocks(explorer)
    index = blocks["facts-index"]
    names = [line.split("\t") for line in index["entities"].split("\n")]
    entries = {}
    for number in range(sum(name.startswith("facts-") for name in blocks) - 1):
        shard = blocks[f"facts-{number}"]
        for entry, (fact, language) in enumerate(zip(shard["fact"], shard["language"], strict=True)):
            fact += number * index["shard"]
            row = {name: shard[name][entry] for name in ("template", "prediction", "reason", "windows")}
            row["type"] = index["types"][shard["type"][entry]]
            row["subject"] = names[index["subject"][fact]][shard["subject"][entry]]
            row["object"] = names[index["object"][fact]][shard["object"][entry]]
            row["relation"] = index["relations"][index["relation"][fact]]
            for name in ("evidence", "others"):
                block = blocks.get(f"{name}-{number}", {"entry": []})
                if entry in block["entry"]:
                    i = block["entry"].index(entry)
                    columns = ("title", "revision", "sentence", "url")
                    row["evidence"] = (name, *(block[column][i] for column in columns))
            entries[index["uuids"][fact], index["languages"][language][0]] = row
    return entries


def test_the_page_holds_what_the_tables_say(tables: FactTables, whole: Explorer) -> None:
    entries = entries_of(whole)
    expected = set(choose_facts(tables.types).to_pylist())
    types = {(row["uuid"], row["language"]): row for row in tables.types.to_pylist()}
    types = {key: row for key, row in types.items() if key[0] in expected}
    assert entries.keys() == types.keys() and whole.entries == len(types)
    assert whole.facts == whole.predicted_facts == len(expected)
    assert whole.all_facts == len(set(tables.types["uuid"].to_pylist()))
    for language in LANGUAGES:
        split = {row["uuid"]: row for row in tables.splits[language].to_pylist()}
        predictions = {row["uuid"]: row for row in tables.predictions[language].to_pylist()}
        sources = {row["uuid"]: row["evidence"] for row in tables.sources[language].to_pylist()}
        for uuid in expected & split.keys():
            row, typed = entries[uuid, language], types[uuid, language]
            for name in ("type", "reason", "windows", "relation"):
                assert row[name] == typed[name]
            for name in ("subject", "object", "template"):
                assert row[name] == split[uuid][name]
            assert row["prediction"] == tables.decode(predictions[uuid]["predicted_ids"])[0]
            if sources[uuid]:
                block = "others" if typed["type"] == "not_predicted" else "evidence"
                best = sources[uuid][0]
                shown = (best[column] for column in ("title", "revision_id", "sentence", "url"))
                assert row["evidence"] == (block, *shown)
            else:
                assert "evidence" not in row
    assert whole.sentences == sum("evidence" in row for row in entries.values())
    assert whole.sentences_left_out == 0


def test_similarities_are_those_of_the_pairs(tables: FactTables, whole: Explorer) -> None:
    similarity = {
        (row["uuid"], frozenset((row["language_a"], row["language_b"]))): row["value"]
        for row in tables.similarity.to_pylist()
    }
    types = {(row["uuid"], row["language"]): row["type"] for row in tables.types.to_pylist()}
    blocks = unpack_blocks(whole)
    seen = 0
    for number in range(whole.facts // SHARD_FACTS + 1):
        for fact, values in enumerate(blocks[f"facts-{number}"]["similar"], number * SHARD_FACTS):
            uuid = blocks["facts-index"]["uuids"][fact]
            own = [x for x in LANGUAGES if types.get((uuid, x), "not_predicted") != "not_predicted"]
            pairs = [(a, b) for i, a in enumerate(own) for b in own[i + 1 :]]
            assert values == [round(100 * similarity[uuid, frozenset(pair)]) for pair in pairs]
            seen += len(pairs)
    assert seen == len(similarity)


def test_the_budget_is_kept_and_what_is_left_out_is_counted(tables: FactTables, whole: Explorer) -> None:
    def characters(explorer: Explorer) -> int:
        return sum(map(len, explorer.blocks.values()))

    sizes = {kind: sum(len(b) for n, b in whole.blocks.items() if n.startswith(kind)) for kind in BLOCKS}
    without_others = sizes["facts-"] + sizes["evidence-"]
    for budget in (characters(whole), without_others, sizes["facts-"], 1):
        part = built(tables, budget=budget)
        assert characters(part) <= budget or part.facts == SHARD_FACTS
        assert part.sentences + part.sentences_left_out <= whole.sentences
        if budget < characters(whole):
            assert part.sentences < whole.sentences
        if budget == without_others:
            assert part.facts == whole.facts  # sentences of predicted facts come before the others
            assert not any(name.startswith("others-") for name in part.blocks)
    assert part.facts == SHARD_FACTS < whole.facts
    shown, everything = entries_of(part), entries_of(whole)
    assert shown and all(row.items() <= everything[key].items() for key, row in shown.items())


def test_facts_predicted_in_most_languages_come_first(tables: FactTables) -> None:
    counts: dict[str, int] = {}
    for row in tables.types.to_pylist():
        counts[row["uuid"]] = counts.get(row["uuid"], 0) + (row["type"] != "not_predicted")
    order = [counts[uuid] for uuid in choose_facts(tables.types).to_pylist()]
    assert order == sorted(order, reverse=True) and order[-1] == 1


def test_without_a_predicted_fact_there_is_no_explorer(tables: FactTables) -> None:
    types = tables.types.filter(pc.equal(tables.types["type"], "not_predicted"))
    assert build_explorer(replace(tables, types=types), LANGUAGES, {}) is None


def test_long_sentences_are_cut(tables: FactTables) -> None:
    start = "é" * (LONGEST_SENTENCE - 1)

    def with_long_sentences(language: str) -> pa.Table:
        table = tables.sources[language]
        evidence = [
            [row | {"sentence": start + ("x" if i % 2 else "xyz")} for row in rows]
            for i, rows in enumerate(table["evidence"].to_pylist())
        ]
        column = pa.array(evidence, table.schema.field("evidence").type)
        return table.set_column(table.column_names.index("evidence"), "evidence", column)

    explorer = built(replace(tables, sources=LazyTables(LANGUAGES, with_long_sentences)))
    sentences = {row["evidence"][3] for row in entries_of(explorer).values() if "evidence" in row}
    assert sentences == {start + "x", start + "…"}


def test_english_names_come_first(tables: FactTables, whole: Explorer) -> None:
    index = unpack_blocks(whole)["facts-index"]
    lines = index["entities"].split("\n")
    english = {row["uuid"]: row["subject"] for row in tables.splits["en"].to_pylist()}
    for uuid, entity in zip(index["uuids"], index["subject"], strict=True):
        if uuid in english:
            assert lines[entity].split("\t")[0] == english[uuid]


@pytest.mark.parametrize(("facts", "corpora"), [(256, 9), (257, 0)])
def test_corpora_are_no_filter_where_a_byte_cannot_number_their_sets(facts: int, corpora: int) -> None:
    uuids = [f"{number:03}" for number in range(facts)]
    found = [
        {"uuid": uuid, "corpus": f"c{bit}"}
        for number, uuid in enumerate(uuids, 2)  # no two facts were found in the same corpora
        for bit in range(9)
        if number >> bit & 1
    ]
    columns = {"fact": range(facts), "language": [0] * facts, "type": ["shared"] * facts}
    columns |= {"verdict": ["shared"] * facts, "verdict_probability": [0.5] * facts}
    filters = collect_filters(
        pa.table({name: pa.array(column) for name, column in columns.items()}),
        pa.array(uuids),
        ["de"],
        {"de": pa.Table.from_pylist(found)},
    )
    assert len(filters.corpus_names) == corpora and len(filters.corpora) == (facts if corpora else 0)
    for number, own in enumerate(filters.corpora.tolist(), 2):
        assert filters.corpus_sets[own] == [bit for bit in range(9) if number >> bit & 1]


@given(
    st.recursive(
        st.none() | st.integers() | st.text(st.characters(codec="utf-8")),
        lambda inner: st.lists(inner),
        max_leaves=20,
    )
)
def test_packing_gives_text_without_markup_and_can_be_undone(value: Any) -> None:
    text = pack(value)
    assert text == pack(value) and not set(text) & set("<>&\"'")
    assert unpack(text) == value


def test_packing_refuses_nan_and_replaces_lone_surrogates() -> None:
    with pytest.raises(ValueError):
        pack([float("nan")])
    assert unpack(pack("half a letter: \ud800")) == "half a letter: ?"


@given(st.lists(st.tuples(st.none() | st.text("ab"), st.none() | st.text("ab"))))
def test_encoded_strings_can_be_decoded(pairs: list[tuple[str | None, str | None]]) -> None:
    columns = [pa.chunked_array([[pair[i] for pair in pairs]], pa.string()) for i in (0, 1)]
    strings, encoded = encode_strings(columns)
    assert len(set(strings)) == len(strings)
    for column, differences in zip(columns, encoded, strict=True):
        assert decode(strings, differences) == column.to_pylist()
