"""Sources in several corpora: counted by corpus and weight, and the same whatever form the texts come in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from assets_tests.corpora.collections import SHAPED, Text, write_rows
from assets_tests.tracing.brute_force import split_of
from factroots_dagster.corpora.collection.choices import parse_corpora
from factroots_dagster.corpora.registry import acquire_files, write_all_documents
from factroots_dagster.corpora.schema import WIKIPEDIA_ARTICLES
from factroots_dagster.facts.mlama.split import read_split
from factroots_dagster.sandbox.dials import parse_dials
from factroots_dagster.sandbox.dump import dump_name, write_dump
from factroots_dagster.sandbox.release import write_release
from factroots_dagster.sandbox.world import generate
from factroots_dagster.tracing.matchers import IN_TEXT, WITH_ALIASES
from factroots_dagster.tracing.mentions import write_mentions
from factroots_dagster.tracing.sources import write_sources
from factroots_dagster.tracing.windows import MAX_EVIDENCE

FACTS = [
    ("f1", "Q1", "Lyon", "Q9", "France"),
    ("f2", "Q2", "Paris", "Q9", "France"),
    ("f3", "Q3", "Nice", "Q9", "Italy"),
]
DOCUMENTS = {
    "wikipedia": [("Lyon is in France.", 1), ("Paris.", 1), ("Paris lies in France.", 1)],
    "web": [("Lyon, France", 4), ("Lyon and Paris in France", 3), ("France", 9), ("Lyon, France!", 1)],
    "books": [("Nice", 2)],
}


def trace(spark: Any, folder: Path, articles: Path, split: pa.Table) -> pa.Table:
    for name in ("mentions", "sources"):
        (folder / name).mkdir(parents=True)
    write_mentions(spark, articles, split, folder / "mentions")
    return write_sources(spark, articles, folder / "mentions", split, folder / "sources")


def test_windows_are_counted_by_corpus_and_weight(spark, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    articles = tmp_path / "articles"
    articles.mkdir()
    numbers = iter(range(1, 100))
    part = 0
    for corpus, documents in DOCUMENTS.items():
        rows = [
            {"page_id": next(numbers), "title": text, "text": text, "corpus": corpus, "weight": weight}
            | {
                "list_lines": [],
                "names": [],
                "url": None if corpus == "wikipedia" else f"https://x/{text[:4]}",
            }
            for text, weight in documents
        ]
        for half in (rows[:2], rows[2:]):  # a corpus in several files
            if half:
                table = pa.Table.from_pylist(half, WIKIPEDIA_ARTICLES)
                pq.write_table(table, articles / f"part-{part:05d}-000.parquet")
                part += 1
    table = trace(spark, tmp_path, articles, split_of(FACTS)).to_pylist()
    matchers = list(dict.fromkeys(row["matcher"] for row in table))
    order = [(fact[0], corpus, matcher) for fact in FACTS for corpus in DOCUMENTS for matcher in matchers]
    assert [(row["uuid"], row["corpus"], row["matcher"]) for row in table] == order
    sides = {fact[0]: (fact[2], fact[4]) for fact in FACTS}
    for row in table:
        found = [
            (text, weight)
            for text, weight in DOCUMENTS[row["corpus"]]
            if all(side in text for side in sides[row["uuid"]]) and row["matcher"] in IN_TEXT
        ]
        assert row["windows"] == sum(weight for _, weight in found)
        shown = [passage["title"] for passage in row["evidence"]]
        assert len(shown) == min(3, len(found)) and set(shown) <= {text for text, _ in found}
        for passage in row["evidence"]:
            expected = None if row["corpus"] == "wikipedia" else f"https://x/{passage['title'][:4]}"
            assert passage["url"] == expected


@pytest.mark.parametrize("corpora", ["both", "alone"])
def test_a_dump_rewritten_as_fineweb2_gives_the_same_counts(  # type: ignore[no-untyped-def]
    spark, tmp_path: Path, corpora: str
) -> None:
    language, world = "qab", generate(3, parse_dials("easy"))
    for name in ("release", "dumps", "wikipedia", "articles"):
        (tmp_path / name).mkdir()
    write_release(world, tmp_path / "release")
    write_dump(world, language, tmp_path / "dumps" / dump_name(language))
    split = read_split(tmp_path / "release", language)

    def write(setting: str, folder: Path) -> None:
        files = (parse_corpora(setting), str(tmp_path / "dumps"), "latest", tmp_path, lambda: spark)
        write_all_documents(lambda: spark, acquire_files(language, *files), folder)

    write("wikipedia", tmp_path / "wikipedia")
    by_wikipedia = trace(spark, tmp_path / "1", tmp_path / "wikipedia", split)
    articles = ds.dataset(tmp_path / "wikipedia").to_table(filter=pc.field("redirect_to").is_null())
    row_of = SHAPED["fineweb2"].row
    rows = [
        dict(row_of(number, Text(f"<urn:uuid:{page}>", f"https://x/{page}", text)))
        | {"language": language, "language_script": "Latn"}
        for number, (page, text) in enumerate(
            zip(articles["page_id"].to_pylist(), articles["text"].to_pylist(), strict=True)
        )
    ]
    half = len(rows) // 2
    for number, part in enumerate((rows[:half], rows[half:])):
        write_rows(tmp_path / "web" / language / "train" / f"000_{number:05d}.parquet", part)
    web = f"web={tmp_path}/web/{{language_script}}/train/*.parquet shape=fineweb2"
    write(f"wikipedia, {web}" if corpora == "both" else web, tmp_path / "articles")
    table = trace(spark, tmp_path / "2", tmp_path / "articles", split)
    found = table.filter(pc.equal(table["corpus"], "web"))
    is_in_text = pc.is_in(found["matcher"], pa.array(IN_TEXT))
    # Documents of other corpora have no markup that would tell cells and lists.
    assert not any(found.filter(pc.invert(is_in_text))["windows"].to_pylist())
    found = found.filter(is_in_text)
    if corpora == "both":
        assert table.filter(pc.equal(table["corpus"], "wikipedia")).equals(by_wikipedia)
    by_wikipedia = by_wikipedia.filter(pc.is_in(by_wikipedia["matcher"], pa.array(IN_TEXT)))
    if corpora == "alone":  # aliases are redirects and bold names, which only Wikipedia has
        is_alias = pc.is_in(by_wikipedia["matcher"], pa.array(WITH_ALIASES))
        by_wikipedia, found = (each.filter(pc.invert(is_alias)) for each in (by_wikipedia, found))
    for name in ("uuid", "matcher", "windows"):
        assert found[name].to_pylist() == by_wikipedia[name].to_pylist()
    assert sum(by_wikipedia["windows"].to_pylist()) > 100
    # Web documents have no titles, so that other passages may be more probable: where all are shown, they are
    # the same.
    columns = (table["evidence"].to_pylist() for table in (found, by_wikipedia))
    compared = 0
    for windows, *both in zip(found["windows"].to_pylist(), *columns, strict=True):
        if windows <= MAX_EVIDENCE:
            places = [
                {
                    (one["url"] or f"https://x/{one['page_id']}", one["subject_start"], one["object_start"])
                    for one in evidence
                }
                for evidence in both
            ]
            assert places[0] == places[1]
            compared += windows
    assert compared > 100
