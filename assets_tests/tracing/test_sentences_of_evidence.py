"""The sentences that evidence shows, read back from files of articles, without Spark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from factroots_dagster.corpora.schema import WIKIPEDIA_ARTICLES
from factroots_dagster.tracing.matchers import MATCHERS
from factroots_dagster.tracing.schema import ENTITY_MENTIONS
from factroots_dagster.tracing.sources import LONGEST_SENTENCE, find_windows, numbered, read_sentences


def article(page: int, text: str, **more: Any) -> dict[str, Any]:
    row = {"page_id": page, "revision_id": page + 100, "title": f"T{page}", "text": text, "wikitext_bytes": 1}
    return row | {"list_lines": [], "names": [], "words": 0} | more


def read(folder: Path, groups: list[list[dict[str, Any]]], places: list[tuple[int, int, int]]) -> Any:
    """Rows (row, title, revision_id, sentence) at (page, start, end), and the figures that were told."""
    path = folder / "part-00000-000.parquet"
    with pq.ParquetWriter(path, WIKIPEDIA_ARTICLES) as writer:
        for group in groups:
            writer.write_table(pa.Table.from_pylist(group, WIKIPEDIA_ARTICLES))
    columns = np.array(places, dtype=np.int64).reshape(-1, 3).T
    wanted = dict(zip(("page_id", "sentence_start", "sentence_end"), columns, strict=True))
    wanted["row"] = np.arange(len(places)) * 10
    told: list[dict[str, Any]] = []
    figures = read_sentences(0, told.append, [path], folder, [wanted])
    rows = pq.read_table(folder / "_sentences-00000.parquet").to_pylist()
    return [tuple(row.values()) for row in rows], [*told, figures], path.stat().st_size


def test_sentences_of_pages_in_any_order_of_places(tmp_path: Path) -> None:
    groups = [
        [article(7, "One. Two. \nThree."), article(3, "Four."), article(9, "Unwanted.")],
        [article(5, "", redirect_to="T7"), article(4, "Five. Six.")],
    ]
    places = [(4, 6, 10), (7, 0, 5), (7, 5, 11), (3, 0, 5), (4, 0, 6), (5, 0, 0), (8, 0, 4)]
    rows, told, size = read(tmp_path, groups, places)
    assert sorted(rows) == [
        (0, "T4", 104, "Six."),
        (10, "T7", 107, "One."),
        (20, "T7", 107, "Two."),
        (30, "T3", 103, "Four."),
        (40, "T4", 104, "Five."),
    ]
    assert [figure["pages"] for figure in told] == [2, 3, 3]
    assert [figure["done_bytes"] for figure in told] == [size // 2, size, size]


def test_a_page_that_a_dump_holds_twice_is_read_once(tmp_path: Path) -> None:
    rows, _, _ = read(tmp_path, [[article(7, "First.")], [article(7, "Second.")]], [(7, 0, 6)])
    assert rows == [(0, "T7", 107, "First.")]


def test_what_is_too_long_for_a_sentence_is_cut(tmp_path: Path) -> None:
    assert LONGEST_SENTENCE == 1000
    text = "".join(str(number % 10) for number in range(2500))
    places = [(7, 0, 2500), (7, 300, 1300), (7, 300, 1301), (7, 300, 1299), (7, 1400, 1450)]
    rows, _, _ = read(tmp_path, [[article(7, text)]], places)
    expected = [text[:1000], text[300:1300], text[300:1300], text[300:1299], text[1400:1450]]
    assert [sentence for *_, sentence in sorted(rows)] == expected


def test_no_place_and_no_article(tmp_path: Path) -> None:
    rows, told, size = read(tmp_path, [[article(7, "One.")]], [])
    assert rows == [] and told[-1] == {"pages": 0, "done_bytes": size}


def test_windows_of_a_file_of_mentions_tell_how_far_they_are(tmp_path: Path) -> None:
    split = pa.Table.from_pylist(
        [{"subject_uri": "Q1", "subject": "Ada", "object_uri": "Q2", "object": "Oslo"}]
    )
    entities, facts = numbered(split)
    path = tmp_path / "part-00000-000.parquet"
    place = {"kind": "label", "sentence": 0, "chunk": 0, "sentence_start": 0, "sentence_end": 20}
    with pq.ParquetWriter(path, ENTITY_MENTIONS) as writer:
        for page_ids in ([1, 2], [3]):
            rows = [
                place | {"entity_uri": uri, "label": label, "page_id": page, "start": start, "end": start + 3}
                for page in page_ids
                for uri, label, start in (("Q1", "Ada", 0), ("Q2", "Oslo", 8))
            ]
            writer.write_table(pa.Table.from_pylist(rows, ENTITY_MENTIONS))
    told: list[dict[str, Any]] = []
    told.append(find_windows(0, told.append, [path], tmp_path, entities, facts, MATCHERS))
    size = path.stat().st_size
    assert told == [
        {"pages": 2, "done_bytes": size // 2},
        {"pages": 3, "done_bytes": size},
        {"pages": 3, "done_bytes": size},
    ]
    table = pq.read_table(tmp_path / "_windows-00000.parquet")
    sentence = [row for row in table.to_pylist() if row["matcher"] == MATCHERS.index("sentence")]
    assert [row["page_id"] for row in sentence] == [1, 2, 3]
    assert [row["windows"] for row in sentence] == [3, 0, 0]
