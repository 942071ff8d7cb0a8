"""Anchors of articles: which words links show for which title."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets_tests.corpora.dumps import dump_xml, page_xml, write_dump
from factroots_dagster.corpora.schema import WIKIPEDIA_ANCHORS
from factroots_dagster.corpora.wikipedia.anchors import (
    AnchorCounter,
    forget_anchors,
    is_held_out,
    keep_anchors,
    merge_anchors,
)
from factroots_dagster.corpora.wikipedia.articles import write_articles
from factroots_dagster.corpora.wikipedia.dump import acquire_dump
from factroots_dagster.corpora.wikipedia.namespaces import Namespaces

NAMESPACES = Namespaces.for_wiki("uk", [(6, "Файл"), (14, "Категорія")])
LEARNED, HELD_OUT = (
    next(page for page in itertools.count(1) if is_held_out(page) == held_out) for held_out in (False, True)
)

Anchors = dict[tuple[str, str], tuple[int, int]]


def anchors_of(folder: Path, pages: list[tuple[int, str]], **options: int) -> Anchors:
    """Links and held-out links by title and words, of all row groups together."""
    counter = AnchorCounter(NAMESPACES, **options)
    for page in pages:
        counter.add(*page)
    keep_anchors(counter.finish(), folder, 0)
    merge_anchors(folder)
    forget_anchors(folder)
    assert [path.name for path in folder.iterdir()] == ["_anchors.parquet"]
    table = pq.read_table(folder / "_anchors.parquet")
    assert table.schema == WIKIPEDIA_ANCHORS
    counts: Anchors = {}
    for row in table.to_pylist():
        links, held_out = counts.get((row["target"], row["words"]), (0, 0))
        counts[row["target"], row["words"]] = (links + row["links"], held_out + row["held_out_links"])
    (folder / "_anchors.parquet").unlink()
    return counts


@pytest.mark.parametrize(
    ("wikitext", "anchors"),
    [
        ("у [[Берлін|Берліні]]", [("Берлін", "Берліні")]),
        ("з [[Берлін]]у", [("Берлін", "Берліну")]),
        ("[[берлін]]", [("Берлін", "берлін")]),
        ("[[Нью-Йорк_(штат)|''Нью-Йорку'']].", [("Нью-Йорк (штат)", "Нью-Йорку")]),
        ("[[:Берлін|]]", [("Берлін", "Берлін")]),
        ("[[Війна|війни&nbsp;1812]]", [("Війна", "війни 1812")]),
        ("נולדה ב[[ישראל]]", [("ישראל", "בישראל")]),
        ("ו[[ירושלים|בירושלים]]", [("ירושלים", "ובירושלים")]),
        ("বাংলা [[ঢাকা]]র", [("ঢাকা", "ঢাকার")]),
        ("анти[[Берлін]]", []),  # a compound
        ("[[Берлін#Історія|історія]]", []),
        ("[[Файл:x.jpg|мініатюра|у [[Берлін]]і]]", [("Берлін", "Берліні")]),
        ("[[Категорія:Берлін]] [[en:Berlin]] [[категорія:Б|б]]", []),
        ("[[Зоряні війни: Епізод]]", [("Зоряні війни: Епізод", "Зоряні війни: Епізод")]),
        ("[[Берлін", []),
        ("[[]] [[|x]] [[ ]]", []),
        ("{|\n| [[Берлін]]\n! [[Рим]]\n|}\nу [[Київ|Києві]]", [("Київ", "Києві")]),
        ("{{Картка\n| місто = [[Київ]]\n}}", []),
        ("[[" + "а" * 300 + "]]", []),
        ("[[Берлін|<small>Берліні</small>]]", []),
        ("[[A]][[B]]", [("A", "A"), ("B", "B")]),
    ],
)  # fmt: skip
def test_words_of_a_link_reach_over_whole_words(
    tmp_path: Path, wikitext: str, anchors: list[tuple[str, str]]
) -> None:
    assert anchors_of(tmp_path, [(LEARNED, wikitext)]) == dict.fromkeys(anchors, (1, 0))


@given(
    st.lists(
        st.tuples(st.integers(1, 40), st.lists(st.sampled_from(["A", "B", "[[A]]", "[[A|B]]", "[[B]]"]))),
        max_size=20,
    )
)
@settings(max_examples=30, deadline=None)
def test_counts_are_those_of_a_plain_count(
    tmp_path_factory: pytest.TempPathFactory, pages: list[tuple[int, list[str]]]
) -> None:
    """However often a task writes what it has counted."""
    expected: Counter[tuple[str, str, bool]] = Counter()
    for page, words in pages:
        for link in re.findall(r"\[\[(\w)(?:\|(\w))?\]\]", " ".join(words)):
            expected[link[0], link[1] or link[0], is_held_out(page)] += 1
    texts = [(page, " ".join(words)) for page, words in pages]
    for max_distinct in (1, 2, 1000):
        counts = anchors_of(tmp_path_factory.mktemp("anchors"), texts, max_distinct=max_distinct)
        assert counts == {key[:2]: (expected[*key[:2], False], expected[*key[:2], True]) for key in expected}


def test_a_tenth_of_the_pages_is_held_out() -> None:
    assert 900 < sum(map(is_held_out, range(1, 10_001))) < 1100
    assert is_held_out(10**18 - 1) in (True, False)


def test_parts_are_merged_in_their_order(tmp_path: Path) -> None:
    for number in (1, 0):
        counter = AnchorCounter(NAMESPACES)
        counter.add(LEARNED, f"[[B{number}]] [[A{number}]]")
        keep_anchors(counter.finish(), tmp_path, number)
    merged = tmp_path / "_anchors.parquet"
    for _ in range(2):  # a run that was killed after merging merges again
        merge_anchors(tmp_path)
        assert pq.read_table(merged)["target"].to_pylist() == ["A0", "B0", "A1", "B1"]
    forget_anchors(tmp_path)
    assert [*tmp_path.iterdir()] == [merged]


def test_a_dump_leaves_its_anchors_beside_the_articles(spark, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    source, target = tmp_path / "source", tmp_path / "articles"
    source.mkdir()
    target.mkdir()
    pages = [
        page_xml(LEARNED, "Oslo", "In [[Oslo|Oslos]] haven [[Noorwegen]]."),
        page_xml(HELD_OUT, "Noorwegen", "[[Oslo]]s haven."),
        page_xml(5000, "Christiania", "#REDIRECT [[Oslo]]", redirect="Oslo"),
        page_xml(5001, "Overleg", "[[Bergen]]", namespace=1),
    ]
    write_dump(source, dump_xml(pages))
    write_articles(spark, acquire_dump("nl", str(source), "latest", tmp_path), target)
    rows = pq.read_table(target / "_anchors.parquet").to_pylist()
    assert [tuple(row.values()) for row in rows] == [
        ("Noorwegen", "Noorwegen", 1, 0),
        ("Oslo", "Oslos", 1, 1),
    ]
    assert not list(target.glob("_anchors-*"))
