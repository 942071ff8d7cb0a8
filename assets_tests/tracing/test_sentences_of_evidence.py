"""Evidence's sentences and best passages, read from files of articles and mentions; without Spark."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from assets_tests.spark.parts import run_part
from factroots_dagster.corpora.schema import WIKIPEDIA_ARTICLES
from factroots_dagster.tracing.best_passages import BEST_PASSAGES
from factroots_dagster.tracing.candidates import best_passages, build_fact_table
from factroots_dagster.tracing.forms import entities_of_split
from factroots_dagster.tracing.matchers import MATCHERS
from factroots_dagster.tracing.passage_texts import SENTENCES, read_sentences
from factroots_dagster.tracing.passages import MATCHER_NUMBERS
from factroots_dagster.tracing.schema import ENTITY_MENTIONS
from factroots_dagster.tracing.stored_mentions import encode_strings, read_whole_pages


def article(page: int, text: str, **more: Any) -> dict[str, Any]:
    row = {"page_id": page, "revision_id": page + 100, "title": f"T{page}", "text": text, "wikitext_bytes": 1}
    return row | {"list_lines": [], "names": [], "words": 0} | more


def sentences_of(
    folder: Path, groups: list[list[dict[str, Any]]], sentences: list[tuple[int, int, int]]
) -> tuple[list[tuple[Any, ...]], int]:
    """Sentences given as (page, start, end) of one file with these row groups.

    Returns rows (row, title, revision_id, sentence), and the number of pages that were needed.
    """
    path = folder / "part-00000-000.parquet"
    with pq.ParquetWriter(path, WIKIPEDIA_ARTICLES) as writer:
        for group in groups:
            writer.write_table(pa.Table.from_pylist(group, WIKIPEDIA_ARTICLES))
    page_id, start, end = np.array(sentences, dtype=np.int64).reshape(-1, 3).T
    passages = {"page_id": page_id, "sentence_start": start, "sentence_end": end, "length": end - start}
    # Both sides are the first character.
    passages |= {"subject_start": start, "subject_end": start + 1, "object_start": start}
    passages |= {"object_end": start + 1}
    passages["row"] = np.arange(len(sentences)) * 10
    (table,), outcome = run_part(read_sentences(0, [path], [passages]))
    assert table.schema == SENTENCES
    rows = table.select(["row", "title", "revision_id", "sentence"]).to_pylist()
    return [tuple(row.values()) for row in rows], outcome["pages"]


def test_sentences_are_read_whatever_their_order(tmp_path: Path) -> None:
    groups = [
        [article(7, "One. Two. \nThree."), article(3, "Four."), article(9, "Unwanted.")],
        [article(5, "", redirect_to="T7"), article(4, "Five. Six.")],
    ]
    sentences = [(4, 6, 10), (7, 0, 5), (7, 5, 11), (3, 0, 5), (4, 0, 6), (5, 0, 0), (8, 0, 4)]
    rows, pages = sentences_of(tmp_path, groups, sentences)
    assert sorted(rows) == [
        (0, "T4", 104, "Six."),
        (10, "T7", 107, "One."),
        (20, "T7", 107, "Two."),
        (30, "T3", 103, "Four."),
        (40, "T4", 104, "Five."),
    ]
    assert pages == 3


def test_a_page_that_a_dump_holds_twice_is_read_once(tmp_path: Path) -> None:
    rows, _ = sentences_of(tmp_path, [[article(7, "First.")], [article(7, "Second.")]], [(7, 0, 6)])
    assert rows == [(0, "T7", 107, "First.")]


def test_a_long_sentence_is_cut(tmp_path: Path) -> None:
    text = "".join(str(number % 10) for number in range(2500))
    sentences = [(7, 0, 2500), (7, 300, 1300), (7, 300, 1301), (7, 300, 1299), (7, 1400, 1450)]
    rows, _ = sentences_of(tmp_path, [[article(7, text)]], sentences)
    expected = [text[:1000], text[300:1300], text[300:1300], text[300:1299], text[1400:1450]]
    assert [sentence for *_, sentence in sorted(rows)] == expected


def test_no_sentence_is_read_where_there_is_no_passage(tmp_path: Path) -> None:
    rows, pages = sentences_of(tmp_path, [[article(7, "One.")]], [])
    assert rows == [] and pages == 0


def mentions_on(page: int) -> list[dict[str, Any]]:
    mention = {"kind": "label", "sentence": 0, "chunk": 0, "sentence_start": 0, "sentence_end": 20}
    return [
        mention | {"entity_uri": uri, "label": label, "page_id": page, "start": start, "end": start + 3}
        for uri, label, start in (("Q1", "Ada", 0), ("Q2", "Oslo", 8))
    ]


def test_the_best_passages_of_a_file_are_those_of_all_its_row_groups(tmp_path: Path) -> None:
    split = pa.Table.from_pylist(
        [{"subject_uri": "Q1", "subject": "Ada", "object_uri": "Q2", "object": "Oslo"}]
    )
    entities = entities_of_split(split)
    path = tmp_path / "part-00000-000.parquet"
    with pq.ParquetWriter(path, ENTITY_MENTIONS) as writer:
        for page_ids in ([1, 2], [3]):
            rows = [row for page in page_ids for row in mentions_on(page)]
            writer.write_table(pa.Table.from_pylist(rows, ENTITY_MENTIONS))
    articles = tmp_path / "articles.parquet"
    weights = [article(1, "") | {"weight": 1}, article(2, "") | {"weight": 5}, article(3, "")]
    pq.write_table(pa.Table.from_pylist(weights, WIKIPEDIA_ARTICLES), articles)
    facts, encoded = build_fact_table(split, entities), encode_strings(entities)
    documents, corpora = [(articles, "web")], ("wikipedia", "web")
    arguments = (encoded, facts, tuple(MATCHERS), documents, corpora, {})
    (table,), outcome = run_part(best_passages(0, [path], *arguments))
    assert table.schema == BEST_PASSAGES and outcome == {"pages": 3}
    sentence = [row for row in table.to_pylist() if row["matcher"] == MATCHER_NUMBERS["sentence"]]
    assert [row["page_id"] for row in sentence] == [1, 2, 3]
    # The second page counts five times; the fact 0 of the second corpus has the number 1.
    assert [(row["windows"], row["fact"]) for row in sentence] == [(7, 1), (0, 1), (0, 1)]


@given(st.lists(st.integers(0, 4), max_size=8), st.integers(1, 9), st.integers(1, 9))
def test_no_block_of_mentions_ends_within_a_page(counts: list[int], group: int, rows: int) -> None:
    ids = [page for page, count in enumerate(counts) for _ in range(count)]
    mentions = [mentions_on(page)[row % 2] for row, page in enumerate(ids)]
    table = pa.Table.from_pylist(mentions, ENTITY_MENTIONS)
    with TemporaryDirectory() as folder:
        path = Path(folder, "mentions.parquet")
        pq.write_table(table, path, row_group_size=group)
        blocks = [*read_whole_pages(path, rows)]
    assert [row for block in blocks for row in block.to_pylist()] == mentions
    pages = [set(block["page_id"].to_pylist()) for block in blocks]
    assert all(pages) and sum(map(len, pages)) == len(set(ids))
