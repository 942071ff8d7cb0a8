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

from assets_tests.tracing.brute_force import mentions_by_brute_force, split_of
from factroots_dagster.corpora.schema import WIKIPEDIA_ARTICLES
from factroots_dagster.errors import InputError
from factroots_dagster.text.sentences.boundaries import sentence_starts
from factroots_dagster.text.tokens import character_classes, token_starts
from factroots_dagster.tracing.forms import EntityForms, entities_of_split, form_search, language_of_split
from factroots_dagster.tracing.mentions import ArticleBatch, find_mentions, write_mentions
from factroots_dagster.tracing.schema import ENTITY_MENTIONS


def mentions_of(
    pages: dict[int, str], split: pa.Table, aliases: dict[str, list[str]] | None = None
) -> list[dict]:
    """ENTITY_MENTIONS of texts by page id, as rows."""
    forms = EntityForms.build(entities_of_split(split), language_of_split(split), aliases or {})
    texts = list(pages.values())
    batch = ArticleBatch(np.array(list(pages)), texts, [[] for _ in texts])
    return find_mentions(batch, forms, None).to_pylist()


FACTS = [
    ("f1", "Q60", "New York City", "Q30", "United States"),
    ("f2", "Q60", "New York", "Q2", "York"),
    ("f3", "Q3", "York", "Q4", "City"),
    ("f4", "Q5", "ab", "Q6", "a"),
    ("f5", "Q7", "東京", "Q8", "京"),
]


PIECES = ["New York City", "York", "New", " ", "City", "ab", "a", "b", "東京", "京", ".", "s", "\n"]


@given(st.lists(st.lists(st.sampled_from(PIECES)), min_size=1, max_size=4))
@settings(max_examples=200, deadline=None)
def test_mentions_may_overlap_but_cut_no_word(pages: list[list[str]]) -> None:
    """Pages are searched together, but no mention crosses them, and positions count from the page's start."""
    texts = {number * 10: "".join(pieces).strip("\n") for number, pieces in enumerate(pages)}
    split = split_of(FACTS)
    entities = {(fact[side], fact[side + 1]) for fact in FACTS for side in (1, 3)}
    rows = mentions_of(texts, split)
    for number, text in texts.items():
        on_page = [row for row in rows if row["page_id"] == number]
        spans = {(row["entity_uri"], row["label"], row["start"], row["end"]) for row in on_page}
        assert spans == mentions_by_brute_force(text, entities)
        edges = [*sentence_starts(text, "en").tolist(), len(text)]
        tokens = token_starts(character_classes(text))
        for row in on_page:
            assert row["kind"] == "label"
            assert edges[row["sentence"]] == row["sentence_start"] <= row["start"] < row["sentence_end"]
            assert edges[row["sentence"] + 1] == row["sentence_end"]
            assert row["chunk"] == (int(tokens[: row["start"] + 1].sum()) - 1) // 512


def test_a_chunk_ends_after_512_tokens_of_its_page() -> None:
    text = "Oslo " + "x " * 510 + "Oslo Oslo."
    rows = mentions_of({1: text, 2: text}, split_of([("f1", "Q1", "Oslo", "Q2", "Norway")]))
    assert [(row["page_id"], row["chunk"]) for row in rows] == [
        (1, 0),
        (1, 0),
        (1, 1),
        (2, 0),
        (2, 0),
        (2, 1),
    ]


def test_aliases_are_mentions_of_their_own_kind() -> None:
    split = split_of([("f1", "Q1", "Oslo", "Q2", "Norway")])
    rows = mentions_of({1: "Kristiania, now Oslo. Kristianias."}, split, {"Oslo": ["Kristiania"]})
    assert [(row["entity_uri"], row["label"], row["kind"], row["start"]) for row in rows] == [
        ("Q1", "Oslo", "alias", 0),
        ("Q1", "Oslo", "label", 16),
    ]


def test_suffixed_labels_are_mentions_of_their_own_kind() -> None:
    """Where the language inflects by suffix; compounds and other languages stay out."""
    split = [("f1", "Q1", "Budapest", "Q2", "Európa")]
    text = "Budapesten, Európában, Budapest. Budapestországxyz."
    rows = mentions_of({1: text}, split_of(split, "hu"))
    assert [(row["label"], row["kind"], text[row["start"] : row["end"]]) for row in rows] == [
        ("Budapest", "suffix", "Budapesten"),
        ("Európa", "suffix", "Európában"),
        ("Budapest", "label", "Budapest"),
    ]
    assert [row["kind"] for row in mentions_of({1: text}, split_of(split, "en"))] == ["label"]


def test_offsets_point_into_the_stored_text() -> None:
    """In text that is not in normal form a mention spans all characters that the label was matched with."""
    text = "Sa\u0303o\u00a0Pau\u00adlo e\u200b Sa\u0303o Paulo."
    rows = mentions_of({9: text}, split_of([("f1", "Q1", "São Paulo", "Q2", "Brasil")], "pt"))
    assert [text[row["start"] : row["end"]] for row in rows] == [
        "Sa\u0303o\u00a0Pau\u00adlo",
        "Sa\u0303o Paulo",
    ]


def test_labels_match_chinese_in_either_script() -> None:
    rows = mentions_of({1: "臺灣是島。台湾是岛。"}, split_of([("f1", "Q1", "台湾", "Q2", "島")], "zh"))
    assert [(row["label"], row["start"]) for row in rows] == [("台湾", 0), ("島", 3), ("台湾", 5), ("島", 8)]


@pytest.mark.parametrize(
    ("language", "label", "text", "starts"),
    [
        ("en", "novella", "Novella is a genre. A novella. The Novella.", [0, 22]),
        ("en", "novella", "Genres\nNovella\n«Novella» and (Novella)", [7, 16]),
        ("en", "iPhone", "IPhone and iPhone. An IPhone.", [0, 11]),
        ("en", "ab", "AB. Ab.", [4]),
        ("tr", "ilçe", "İlçe. Ilçe.", [0]),
        ("de", "ßa", "SSa. SSA.", []),
        ("hu", "regény", "Regényben. A Regényben.", [0]),
        ("ka", "რომანი", "რომანი.", [0]),
    ],
)
def test_a_small_first_letter_may_be_a_capital_where_a_sentence_begins(
    language: str, label: str, text: str, starts: list[int]
) -> None:
    rows = mentions_of({1: text}, split_of([("f1", "Q1", label, "Q2", "xyz")], language))
    assert [row["start"] for row in rows] == starts
    assert {row["kind"] for row in rows} <= {"label", "suffix"}


def test_a_label_of_several_entities_is_a_mention_of_each() -> None:
    split = split_of([("f1", "Q1", "York", "Q2", "York"), ("f2", "Q1", "York", "Q3", "x")])
    rows = mentions_of({1: "York."}, split)
    assert [(row["entity_uri"], row["start"], row["end"]) for row in rows] == [("Q1", 0, 4), ("Q2", 0, 4)]


def test_facts_of_two_languages_or_of_none_are_refused() -> None:
    split = pa.concat_tables([split_of(FACTS), split_of(FACTS, "de")])
    with pytest.raises(InputError, match=r"the facts are in de, en, .*one language at a time"):
        language_of_split(split)
    with pytest.raises(InputError, match="the facts are in no language"):
        language_of_split(split.slice(0, 0))


def test_mentions_in_real_text_are_those_of_brute_force(spark, tmp_path: Path, greek) -> None:  # type: ignore[no-untyped-def]
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
    positions = [
        (order[row["page_id"]], row["start"], row["end"], row["entity_uri"], row["label"]) for row in rows
    ]
    assert positions == sorted(set(positions))
    entities = {
        (row[f"{side}_uri"], row[side]) for row in split.to_pylist() for side in ("subject", "object")
    }
    by_page: dict[int, list[dict]] = {}
    for row in rows:
        by_page.setdefault(row["page_id"], []).append(row)
    for article in articles.to_pylist():
        text = article["text"]
        on_page = by_page.get(article["page_id"], [])
        spans = {(row["entity_uri"], row["label"], row["start"], row["end"]) for row in on_page}
        assert spans == mentions_by_brute_force(text, entities, "el")
        edges = [*sentence_starts(text, "el").tolist(), len(text)]
        tokens = token_starts(character_classes(text))
        for row in on_page:
            mention = text[row["start"] : row["end"]]
            assert mention[1:] == row["label"][1:] and mention[0] in (
                row["label"][0],
                row["label"][0].title(),
            )
            assert edges[row["sentence"]] == row["sentence_start"] <= row["start"] < row["sentence_end"]
            assert edges[row["sentence"] + 1] == row["sentence_end"]
            assert row["chunk"] == (int(tokens[: row["start"] + 1].sum()) - 1) // 512


def test_the_search_for_the_same_forms_is_built_once() -> None:
    forms = ("a", "b c")
    assert form_search(forms) is form_search(tuple(list(forms)))
    assert form_search(("a",)) is not form_search(forms)
    assert mentions_of({1: "x", 2: ""}, split_of(FACTS)) == []
