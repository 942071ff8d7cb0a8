"""Mentions against a brute-force search of the same text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factroots_dagster.corpora.schema import WIKIPEDIA_ARTICLES
from factroots_dagster.errors import InputError
from factroots_dagster.text.sentences import sentence_starts
from factroots_dagster.text.tokens import character_classes, token_starts
from factroots_dagster.tracing.labels import Labels, form_search
from factroots_dagster.tracing.mentions import mentions_in, write_mentions
from factroots_dagster.tracing.schema import ENTITY_MENTIONS


def split_of(facts: list[tuple[str, str, str, str]], language: str = "en") -> pa.Table:
    """A split with only the columns that matching reads: (subject_uri, subject, object_uri, object)."""
    columns = list(zip(*facts, strict=True))
    names = ["subject_uri", "subject", "object_uri", "object"]
    return pa.table(
        {"language": [language] * len(facts), **dict(zip(names, map(list, columns), strict=True))}
    )


def brute_force(text: str, entities: set[tuple[str, str]]) -> set[tuple[str, str, int, int]]:
    """Every place of every label, one `str.find` after the other, word borders looked at one by one."""
    found = set()
    kinds = character_classes(text).tolist()
    for uri, label in entities:
        start = text.find(label)
        while start >= 0:
            end = start + len(label)
            before = start > 0 and kinds[start - 1] == 1 and kinds[start] == 1
            after = end < len(text) and kinds[end - 1] == 1 and kinds[end] == 1
            if not before and not after:
                found.add((uri, label, start, end))
            start = text.find(label, start + 1)
    return found


def rows_of(
    pages: dict[int, str], split: pa.Table, aliases: dict[str, list[str]] | None = None
) -> list[dict]:
    language, names = Labels.names(split)
    labels = Labels.of(names, language, aliases or {})
    texts = list(pages.values())
    return mentions_in(np.array(list(pages)), texts, [[] for _ in texts], labels, None).to_pylist()


FACTS = [
    ("Q60", "New York City", "Q30", "United States"),
    ("Q60", "New York", "Q2", "York"),
    ("Q3", "York", "Q4", "City"),
    ("Q5", "ab", "Q6", "a"),
    ("Q7", "東京", "Q8", "京"),
]


PIECES = ["New York City", "York", "New", " ", "City", "ab", "a", "b", "東京", "京", ".", "s", "\n"]


@given(st.lists(st.lists(st.sampled_from(PIECES)), min_size=1, max_size=4))
@settings(max_examples=200, deadline=None)
def test_all_overlapping_mentions_on_word_borders(pages: list[list[str]]) -> None:
    """Pages are searched together; nothing is found across them, and places count from each one's start."""
    texts = {number * 10: "".join(pieces).strip("\n") for number, pieces in enumerate(pages)}
    split = split_of(FACTS)
    entities = {(fact[side], fact[side + 1]) for fact in FACTS for side in (0, 2)}
    rows = rows_of(texts, split)
    for number, text in texts.items():
        here = [row for row in rows if row["page_id"] == number]
        assert {(row["entity_uri"], row["label"], row["start"], row["end"]) for row in here} == brute_force(
            text, entities
        )
        edges = [*sentence_starts(text, "en").tolist(), len(text)]
        tokens = token_starts(character_classes(text))
        for row in here:
            assert row["kind"] == "label"
            assert edges[row["sentence"]] == row["sentence_start"] <= row["start"] < row["sentence_end"]
            assert edges[row["sentence"] + 1] == row["sentence_end"]
            assert row["chunk"] == (int(tokens[: row["start"] + 1].sum()) - 1) // 512


def test_a_chunk_ends_after_512_tokens_of_its_page() -> None:
    text = "Oslo " + "x " * 510 + "Oslo Oslo."
    rows = rows_of({1: text, 2: text}, split_of([("Q1", "Oslo", "Q2", "Norway")]))
    assert [(row["page_id"], row["chunk"]) for row in rows] == [
        (1, 0),
        (1, 0),
        (1, 1),
        (2, 0),
        (2, 0),
        (2, 1),
    ]


def test_aliases_are_mentions_of_their_own_kind() -> None:
    split = split_of([("Q1", "Oslo", "Q2", "Norway")])
    rows = rows_of({1: "Kristiania, now Oslo. Kristianias."}, split, {"Oslo": ["Kristiania"]})
    assert [(row["entity_uri"], row["label"], row["kind"], row["start"]) for row in rows] == [
        ("Q1", "Oslo", "alias", 0),
        ("Q1", "Oslo", "label", 16),
    ]


def test_suffixed_labels_are_mentions_of_their_own_kind() -> None:
    """Where the language inflects by suffix; compounds and other languages stay out."""
    split = [("Q1", "Budapest", "Q2", "Európa")]
    text = "Budapesten, Európában, Budapest. Budapestországxyz."
    rows = rows_of({1: text}, split_of(split, "hu"))
    assert [(row["label"], row["kind"], text[row["start"] : row["end"]]) for row in rows] == [
        ("Budapest", "suffix", "Budapesten"),
        ("Európa", "suffix", "Európában"),
        ("Budapest", "label", "Budapest"),
    ]
    assert [row["kind"] for row in rows_of({1: text}, split_of(split, "en"))] == ["label"]


def test_offsets_point_into_the_stored_text() -> None:
    """Text that is not in normal form: the place covers all that the label was matched with."""
    text = "Sa\u0303o\u00a0Pau\u00adlo e\u200b Sa\u0303o Paulo."
    rows = rows_of({9: text}, split_of([("Q1", "São Paulo", "Q2", "Brasil")], "pt"))
    assert [text[row["start"] : row["end"]] for row in rows] == [
        "Sa\u0303o\u00a0Pau\u00adlo",
        "Sa\u0303o Paulo",
    ]


def test_chinese_in_either_script_is_found() -> None:
    rows = rows_of({1: "臺灣是島。台湾是岛。"}, split_of([("Q1", "台湾", "Q2", "島")], "zh"))
    assert [(row["label"], row["start"]) for row in rows] == [("台湾", 0), ("島", 3), ("台湾", 5), ("島", 8)]


def test_one_row_per_entity_of_a_label() -> None:
    rows = rows_of({1: "York."}, split_of([("Q1", "York", "Q2", "York"), ("Q1", "York", "Q3", "x")]))
    assert [(row["entity_uri"], row["start"], row["end"]) for row in rows] == [("Q1", 0, 4), ("Q2", 0, 4)]


def test_two_languages_at_a_time_are_refused() -> None:
    split = pa.concat_tables([split_of(FACTS), split_of(FACTS, "de")])
    with pytest.raises(InputError, match="one language at a time"):
        Labels.names(split)


def test_real_text_equals_brute_force(spark, tmp_path: Path, greek) -> None:  # type: ignore[no-untyped-def]
    """A hundred real articles and 1,500 real facts: every column of every mention."""
    articles = greek.articles.slice(0, 100)
    split = greek.split.slice(0, 1500)
    (tmp_path / "articles").mkdir()
    (tmp_path / "mentions").mkdir()
    pq.write_table(articles, tmp_path / "articles" / "part-00000-000.parquet")
    counts = write_mentions(spark, tmp_path / "articles", split, tmp_path / "mentions")
    table = ds.dataset(tmp_path / "mentions").to_table()
    assert table.schema == ENTITY_MENTIONS and table.num_rows == counts["mentions"] > 1000
    assert articles.schema == WIKIPEDIA_ARTICLES
    rows = table.filter(ds.field("kind") == "label").to_pylist()
    order = {page_id: number for number, page_id in enumerate(articles["page_id"].to_pylist())}
    places = [
        (order[row["page_id"]], row["start"], row["end"], row["entity_uri"], row["label"]) for row in rows
    ]
    assert places == sorted(set(places))
    entities = {
        (row[f"{side}_uri"], row[side]) for row in split.to_pylist() for side in ("subject", "object")
    }
    by_page: dict[int, list[dict]] = {}
    for row in rows:
        by_page.setdefault(row["page_id"], []).append(row)
    for article in articles.to_pylist():
        text = article["text"]
        found = by_page.get(article["page_id"], [])
        assert {(row["entity_uri"], row["label"], row["start"], row["end"]) for row in found} == brute_force(
            text, entities
        )
        edges = [*sentence_starts(text, "el").tolist(), len(text)]
        tokens = token_starts(character_classes(text))
        for row in found:
            assert text[row["start"] : row["end"]] == row["label"]
            assert edges[row["sentence"]] == row["sentence_start"] <= row["start"] < row["sentence_end"]
            assert edges[row["sentence"] + 1] == row["sentence_end"]
            assert row["chunk"] == (int(tokens[: row["start"] + 1].sum()) - 1) // 512


def test_the_search_is_made_once() -> None:
    forms = ["a", "b c"]
    assert form_search(forms) is form_search(list(forms))
    assert form_search(["a"]) is not form_search(forms)
    assert rows_of({1: "x", 2: ""}, split_of(FACTS)) == []
