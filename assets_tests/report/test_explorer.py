"""What the page holds of the facts: packed, within its budget, and the same as the tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets_tests.report.synthetic import fact_tables
from factroots_dagster.report import explorer as module
from factroots_dagster.report.explorer import Explorer, FactTables, chosen_facts, explorer
from factroots_dagster.report.lazy_tables import OnDemand
from factroots_dagster.report.packing import encoded, packed, unpacked

LANGUAGES = ("de", "en", "fr", "sq")
BLOCKS = ("facts-", "evidence-", "others-")


@pytest.fixture(scope="module")
def tables() -> FactTables:
    return fact_tables(LANGUAGES, rows=2000, facts=2800)


def opened(found: Explorer) -> dict[str, Any]:
    """The blocks as the browser reads them: indices into strings are sums of differences."""
    blocks = {name: unpacked(block) for name, block in found.blocks.items()}
    for block in blocks.values():
        for name in ("template", "prediction", "reason", "title", "sentence"):
            if "strings" in block and name in block:
                last, values = 0, []
                for step in block[name]:
                    last = last if step is None else last + step
                    values.append(None if step is None else block["strings"][last])
                block[name] = values
    return blocks


def rows_of(found: Explorer) -> dict[tuple[str, str], dict[str, Any]]:
    """(uuid, language) to what the page shows."""
    blocks = opened(found)
    index = blocks["facts-index"]
    lines = [line.split("\t") for line in index["entities"].split("\n")]
    shown = {}
    for number in range(sum(name.startswith("facts-") for name in blocks) - 1):
        shard = blocks[f"facts-{number}"]
        for cell, (fact, language) in enumerate(zip(shard["fact"], shard["language"], strict=True)):
            fact += number * index["shard"]
            row = {name: shard[name][cell] for name in ("template", "prediction", "reason", "windows")}
            row["type"] = index["types"][shard["type"][cell]]
            row["subject"] = lines[index["subject"][fact]][shard["subject"][cell]]
            row["object"] = lines[index["object"][fact]][shard["object"][cell]]
            row["relation"] = index["relations"][index["relation"][fact]]
            for name in ("evidence", "others"):
                if cell in (block := blocks.get(f"{name}-{number}", {})).get("cell", ()):
                    at = block["cell"].index(cell)
                    row["evidence"] = (name, block["title"][at], block["revision"][at], block["sentence"][at])
            shown[index["uuids"][fact], index["languages"][language][0]] = row
    return shown


def test_the_page_holds_what_the_tables_say(tables: FactTables) -> None:
    found = explorer(tables, LANGUAGES, {"en": "English"})
    assert found is not None
    shown = rows_of(found)
    expected = set(chosen_facts(tables.types).to_pylist())
    types = {(r["uuid"], r["language"]): r for r in tables.types.to_pylist() if r["uuid"] in expected}
    assert shown.keys() == types.keys() and found.cells == len(types)
    assert found.facts == found.predicted_facts == len(expected)
    assert found.all_facts == len(set(tables.types["uuid"].to_pylist()))
    for language in LANGUAGES:
        splits = {r["uuid"]: r for r in tables.splits[language].to_pylist()}
        said = {r["uuid"]: r for r in tables.predictions[language].to_pylist()}
        sources = {r["uuid"]: r["evidence"] for r in tables.sources[language].to_pylist()}
        for uuid in expected & splits.keys():
            row, kind = shown[uuid, language], types[uuid, language]
            for name in ("type", "reason", "windows", "relation"):
                assert row[name] == kind[name]
            for name in ("subject", "object", "template"):
                assert row[name] == splits[uuid][name]
            assert row["prediction"] == tables.decode(said[uuid]["predicted_ids"])[0]
            if place := sources[uuid]:
                where = "others" if kind["type"] == "not_predicted" else "evidence"
                best = place[0]
                assert row["evidence"] == (where, best["title"], best["revision_id"], best["sentence"])
            else:
                assert "evidence" not in row
    assert found.sentences == sum("evidence" in row for row in shown.values())
    assert found.sentences_left_out == 0


def test_similarities_are_those_of_the_pairs(tables: FactTables) -> None:
    found = explorer(tables, LANGUAGES, {})
    assert found is not None
    known = {
        (r["uuid"], frozenset((r["language_a"], r["language_b"]))): r["cosine"]
        for r in tables.similarity.to_pylist()
    }
    kinds = {(r["uuid"], r["language"]): r["type"] for r in tables.types.to_pylist()}
    blocks = opened(found)
    seen = 0
    for number in range(found.facts // module.SHARD_FACTS + 1):
        for fact, values in enumerate(blocks[f"facts-{number}"]["similar"], number * module.SHARD_FACTS):
            uuid = blocks["facts-index"]["uuids"][fact]
            own = [x for x in LANGUAGES if kinds.get((uuid, x), "not_predicted") != "not_predicted"]
            pairs = [(a, b) for i, a in enumerate(own) for b in own[i + 1 :]]
            assert values == [round(100 * known[uuid, frozenset(pair)]) for pair in pairs]
            seen += len(pairs)
    assert seen == len(known)


def test_the_budget_is_kept_and_what_is_left_out_is_counted(tables: FactTables) -> None:
    whole = explorer(tables, LANGUAGES, {})
    assert whole is not None
    sizes = {kind: sum(len(b) for n, b in whole.blocks.items() if n.startswith(kind)) for kind in BLOCKS}
    for budget in (whole.characters, sizes["facts-"] + sizes["evidence-"], sizes["facts-"], 1):
        found = explorer(tables, LANGUAGES, {}, budget=budget)
        assert found is not None
        assert found.characters <= budget or found.facts == module.SHARD_FACTS
        assert found.sentences + found.sentences_left_out <= whole.sentences
        if budget < whole.characters:
            assert found.sentences < whole.sentences
        if budget == sizes["facts-"] + sizes["evidence-"]:
            assert found.facts == whole.facts  # predicted facts' sentences go before the others'
            assert not any(name.startswith("others-") for name in found.blocks)
    assert found is not None and found.facts == module.SHARD_FACTS < whole.facts
    part, full = rows_of(found), rows_of(whole)
    assert part and all(row.items() <= full[key].items() for key, row in part.items())


def test_facts_known_in_most_languages_come_first(tables: FactTables) -> None:
    counts: dict[str, int] = {}
    for row in tables.types.to_pylist():
        counts[row["uuid"]] = counts.get(row["uuid"], 0) + (row["type"] != "not_predicted")
    order = [counts[uuid] for uuid in chosen_facts(tables.types).to_pylist()]
    assert order == sorted(order, reverse=True) and order[-1] == 1


def test_no_facts_no_explorer(tables: FactTables) -> None:
    none = tables.types.filter(pc.equal(tables.types["type"], "not_predicted"))
    assert explorer(FactTables(**(vars(tables) | {"types": none})), LANGUAGES, {}) is None


def test_long_sentences_are_cut_and_english_names_come_first(tables: FactTables) -> None:
    def longer(language: str) -> pa.Table:
        table = tables.sources[language]
        evidence = [
            [place | {"sentence": "é" * 399 + ("x" if i % 2 else "xyz")} for place in places]
            for i, places in enumerate(table["evidence"].to_pylist())
        ]
        column = pa.array(evidence, table.schema.field("evidence").type)
        return table.set_column(table.schema.get_field_index("evidence"), "evidence", column)

    sources: Mapping[str, pa.Table] = OnDemand(LANGUAGES, longer)
    found = explorer(FactTables(**(vars(tables) | {"sources": sources})), LANGUAGES, {})
    assert found is not None
    sentences = {row["evidence"][3] for row in rows_of(found).values() if "evidence" in row}
    assert sentences == {"é" * 399 + "x", "é" * 399 + "…"}
    index = opened(found)["facts-index"]
    english = {r["uuid"]: r["subject"] for r in tables.splits["en"].to_pylist()}
    for uuid, entity in zip(index["uuids"], index["subject"], strict=True):
        if uuid in english:
            assert index["entities"].split("\n")[entity].split("\t")[0] == english[uuid]


@given(
    st.recursive(
        st.none() | st.integers() | st.text(st.characters(codec="utf-8")),
        lambda inner: st.lists(inner),
        max_leaves=20,
    )
)
def test_packing_is_text_without_markup_and_comes_back(value: Any) -> None:
    text = packed(value)
    assert text == packed(value) and not set(text) & set("<>&\"'")
    assert unpacked(text) == value


def test_what_no_browser_can_read() -> None:
    with pytest.raises(ValueError):
        packed([float("nan")])
    assert unpacked(packed("half a letter: \ud800")) == "half a letter: ?"


@given(st.lists(st.tuples(st.none() | st.text("ab"), st.none() | st.text("ab"))))
def test_encoded_columns_come_back(pairs: list[tuple[str | None, str | None]]) -> None:
    columns = [pa.array([pair[i] for pair in pairs], pa.string()) for i in (0, 1)]
    strings, steps = encoded(columns)
    assert len(set(strings)) == len(strings)
    for column, differences in zip(columns, steps, strict=True):
        last, values = 0, []
        for step in differences:
            last = last if step is None else last + step
            values.append(None if step is None else strings[last])
        assert values == column.to_pylist()
