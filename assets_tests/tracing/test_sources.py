"""Sources of facts against a brute-force search of the same text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from assets_tests.wikipedia.test_mentions import brute_force
from factroots_dagster.mlama.schema import MLAMA_SPLIT
from factroots_dagster.tracing import passages
from factroots_dagster.tracing.schema import FACT_SOURCES
from factroots_dagster.tracing.sources import write_sources
from factroots_dagster.wikipedia.mentions import write_mentions
from factroots_dagster.wikipedia.schema import WIKIPEDIA_ARTICLES
from factroots_dagster.wikipedia.sentences import sentence_starts
from factroots_dagster.wikipedia.tokens import character_classes, chunk_numbers

TEXTS = {
    1: "Lyon is in France. Paris is big. It is in France.\n" + "word " * 600 + "\nLyon again.",
    2: "France, a country, holds Lyon and Paris. France.",
    3: "Parisian France.",
    4: "Paris.\n" + "word " * 600 + "\nFrance.",
    5: "𝔘 Lyon, France.",
    6: "In France lies Lyon, they say.",
    7: "Lyon! France!",
}
FACTS = [
    ("f1", "Q1", "Lyon", "Q9", "France"),
    ("f2", "Q2", "Paris", "Q9", "France"),
    ("f3", "Q3", "Nice", "Q9", "France"),
    ("f4", "Q2", "Paris", "Q1", "Lyon"),
]


def split_of(facts: list[tuple[str, str, str, str, str]]) -> pa.Table:
    empty = {name: None for name in MLAMA_SPLIT.names}
    rows = [
        empty
        | {"uuid": uuid, "language": "en", "relation": "P17", "subject_uri": s_uri, "subject": s}
        | {"object_uri": o_uri, "object": o}
        for uuid, s_uri, s, o_uri, o in facts
    ]
    return pa.Table.from_pylist(rows, MLAMA_SPLIT)


def sources(spark, folder: Path, articles: pa.Table, split: pa.Table) -> pa.Table:  # type: ignore[no-untyped-def]
    for name in ("articles", "mentions", "sources"):
        (folder / name).mkdir()
    ds.write_dataset(articles, folder / "articles", format="parquet", basename_template="part-{i}.parquet")
    write_mentions(spark, folder / "articles", split, folder / "mentions")
    table = write_sources(spark, folder / "articles", folder / "mentions", split, folder / "sources")
    assert table.equals(pq.read_table(folder / "sources" / "data.parquet"))
    assert table.schema == FACT_SOURCES
    assert table["uuid"].to_pylist() == [uuid for uuid in split["uuid"].to_pylist() for _ in range(3)]
    assert table["matcher"].to_pylist() == ["sentence", "chunk", "article"] * split.num_rows
    return table


def searched(
    articles: list[dict], split: list[dict], language: str
) -> dict[tuple[str, str], tuple[int, list]]:
    """(uuid, matcher) to the number of windows and the three best passages, by loops over everything."""
    results: dict[tuple[str, str], list] = {}
    for article in articles:
        text = article["text"]
        edges = [*sentence_starts(text, language).tolist(), len(text)]
        chunks = chunk_numbers(character_classes(text))
        entities = {(fact[f"{side}_uri"], fact[side]) for fact in split for side in ("subject", "object")}
        places: dict[tuple[str, str], list[tuple[int, int, int]]] = {}
        for uri, label, start, _ in sorted(
            brute_force(text, {e for e in entities if e[1] in text}), key=lambda m: m[2]
        ):
            sentence = int(np.searchsorted(edges[:-1], start, side="right")) - 1
            places.setdefault((uri, label), []).append((start, sentence, int(chunks[start])))
        for fact in split:
            subjects = places.get((fact["subject_uri"], fact["subject"]), [])
            objects = places.get((fact["object_uri"], fact["object"]), [])
            if not subjects or not objects:
                continue

            def firsts(window, subjects=subjects, objects=objects) -> dict:  # type: ignore[no-untyped-def]
                first_s = {window(place): place for place in reversed(subjects)}
                first_o = {window(place): place for place in reversed(objects)}
                return {key: (first_s[key], first_o[key]) for key in first_s.keys() & first_o.keys()}

            within = firsts(lambda place: place[1])
            for matcher, window in {
                "sentence": lambda place: place[1],
                "chunk": lambda place: place[2],
                "article": lambda place: 0,
            }.items():
                for key, pair in firsts(window).items():
                    pairs = [pair, *(p for p in within.values() if window(p[0]) == window(p[1]) == key)]
                    best = min(
                        (
                            max(edges[s[1] + 1], edges[o[1] + 1]) - min(edges[s[1]], edges[o[1]]),
                            article["page_id"],
                            s[0],
                            o[0],
                            text[edges[o[1]] : edges[o[1] + 1]][:1000].rstrip(" \n"),
                        )
                        for s, o in pairs
                    )
                    results.setdefault((fact["uuid"], matcher), []).append(best)
    return {key: (len(found), sorted(found)[:3]) for key, found in results.items()}


def check(table: pa.Table, articles: pa.Table, split: pa.Table, language: str) -> int:
    """Compare with the loops; returns the number of facts found."""
    expected = searched(articles.to_pylist(), split.to_pylist(), language)
    titles = dict(zip(articles["page_id"].to_pylist(), articles["title"].to_pylist(), strict=True))
    texts = dict(zip(articles["page_id"].to_pylist(), articles["text"].to_pylist(), strict=True))
    facts = {fact["uuid"]: fact for fact in split.to_pylist()}
    for row in table.to_pylist():
        windows, best = expected.get((row["uuid"], row["matcher"]), (0, []))
        assert row["windows"] == windows
        evidence = row["evidence"]
        found = [(e["page_id"], e["subject_start"], e["object_start"], e["sentence"]) for e in evidence]
        assert found == [passage[1:] for passage in best]
        for e in evidence:
            fact, text = facts[row["uuid"]], texts[e["page_id"]]
            assert e["title"] == titles[e["page_id"]]
            assert text.startswith(fact["subject"], e["subject_start"])
            assert text.startswith(fact["object"], e["object_start"])
            assert e["sentence"] in text
    return len(expected)


def articles_of(texts: dict[int, str]) -> pa.Table:
    rows = [
        {"page_id": page, "revision_id": page + 100, "title": f"T{page}", "text": text, "wikitext_bytes": 1}
        for page, text in texts.items()
    ]
    rows.append(
        {"page_id": 99, "revision_id": 1, "title": "R", "redirect_to": "T1", "text": "", "wikitext_bytes": 1}
    )
    return pa.Table.from_pylist(rows, WIKIPEDIA_ARTICLES)


def test_windows_and_evidence_by_hand(spark, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    articles, split = articles_of(TEXTS), split_of(FACTS)
    table = sources(spark, tmp_path, articles, split)
    windows = dict(
        zip(
            zip(table["uuid"].to_pylist(), table["matcher"].to_pylist(), strict=True),
            table["windows"].to_pylist(),
            strict=True,
        )
    )
    assert [windows["f1", matcher] for matcher in ("sentence", "chunk", "article")] == [4, 5, 5]
    assert [windows["f2", matcher] for matcher in ("sentence", "chunk", "article")] == [1, 2, 3]
    assert [windows["f3", matcher] for matcher in ("sentence", "chunk", "article")] == [0, 0, 0]
    first = table.to_pylist()[0]
    assert [e["sentence"] for e in first["evidence"]] == [
        "𝔘 Lyon, France.",
        "Lyon is in France.",
        "In France lies Lyon, they say.",
    ]
    assert first["evidence"][0] == {
        "page_id": 5,
        "title": "T5",
        "revision_id": 105,
        "subject_start": 2,
        "object_start": 8,
        "sentence": "𝔘 Lyon, France.",
    }
    apart = table.to_pylist()[4]["evidence"][0]
    assert (apart["page_id"], apart["sentence"]) == (1, "Lyon is in France.")
    check(table, articles.slice(0, len(TEXTS)), split, "en")


def test_a_split_without_facts_and_articles_without_mentions(spark, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    table = sources(spark, tmp_path, articles_of({1: "Nothing."}), split_of(FACTS[:1]))
    assert table["windows"].to_pylist() == [0, 0, 0]
    assert table["evidence"].to_pylist() == [[], [], []]


def test_real_facts_equal_brute_force(spark, tmp_path: Path, greek) -> None:  # type: ignore[no-untyped-def]
    articles, split = greek.articles.slice(0, 150), greek.split.slice(2000, 2500)
    table = sources(spark, tmp_path, articles, split)
    assert check(table, articles, split, "el") > 200


def test_blocks_do_not_matter() -> None:
    """Pages that are cut by batches and blocks give what one block gives."""
    random = np.random.default_rng([0, 1])
    count = 3000
    columns = {name: random.integers(0, 6, count) for name in passages.PLACED}
    columns["page_id"] = np.sort(random.integers(0, 40, count))
    columns["start"] = random.permutation(count)
    order = np.lexsort((columns["start"], columns["page_id"]))
    columns = {name: values[order] for name, values in columns.items()}
    columns["sentence"] = columns["start"] // 20
    columns["chunk"] = columns["start"] // 200
    columns["sentence_start"], columns["sentence_end"] = (
        columns["sentence"] * 20,
        columns["sentence"] * 20 + 20,
    )
    facts = passages.FactTable.of(np.arange(6).repeat(2), random.integers(0, 6, 12), 6)
    batch = pa.RecordBatch.from_pydict({name: pa.array(columns[name]) for name in passages.PLACED})
    whole = pa.Table.from_batches(passages.passages_in_batches([batch], facts))
    pieces = [batch.slice(at, 7) for at in range(0, count, 7)]
    small, passages.BLOCK_ROWS = passages.BLOCK_ROWS, 50
    try:
        cut = pa.Table.from_batches(passages.passages_in_batches(pieces, facts))
    finally:
        passages.BLOCK_ROWS = small
    order_by = [(name, "ascending") for name in passages.PASSAGES.names]
    assert whole.num_rows > 100
    assert cut.sort_by(order_by).equals(whole.sort_by(order_by))
