"""Facts in infoboxes, tables, lists, headings, quotations and leads, from wikitext to evidence."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from assets_tests.corpora.dumps import dump_xml, page_xml, write_dump
from assets_tests.tracing.brute_force import candidate_pairs, is_nested, mentions_by_brute_force, split_of
from factroots_dagster.corpora.schema import WIKIPEDIA_ARTICLES
from factroots_dagster.corpora.wikipedia.articles import write_articles
from factroots_dagster.corpora.wikipedia.dump import acquire_dump
from factroots_dagster.facts.mlama.split import read_split
from factroots_dagster.roots.markup import BY_PAGE
from factroots_dagster.sandbox.dials import parse_dials
from factroots_dagster.sandbox.dump import dump_name
from factroots_dagster.sandbox.dump import write_dump as write_world_dump
from factroots_dagster.sandbox.release import write_release
from factroots_dagster.sandbox.statements import HIDDEN
from factroots_dagster.sandbox.world import generate
from factroots_dagster.tracing.matchers import CELLS, MATCHERS
from factroots_dagster.tracing.mentions import write_mentions
from factroots_dagster.tracing.sources import write_sources

FACTS = [
    ("f1", "Q1", "Mercury", "Q10", "Oslo"),
    ("f2", "Q2", "Ada", "Q11", "Paris"),
    ("f3", "Q3", "Bob", "Q12", "Nice"),
    ("f4", "Q4", "Cai", "Q13", "Rome"),
    ("f5", "Q5", "Dee", "Q14", "Lyon"),
    ("f6", "Q6", "Eve", "Q15", "Riga"),
    ("f7", "Q7", "Fay", "Q16", "film"),
    ("f8", "Q8", "Gus", "Q17", "Bern"),
]
PAGES = {
    "Mercury (planet)": "{{Infobox\n| seat = [[Oslo]]\n| map = Oslo.jpg\n}}\n'''Mercury''' is big.",
    "Ada": "A person.\n{|\n! Name !! Town\n|-\n| x || 2\n|-\n| y || [[Paris]]\n|}",
    "Towns": '{|\n|-\n| rowspan="2" | Bob || Metz\n|-\n| [[Nice]]\n|}\n* Bob visited Nice.\n* Dee, Lyon',
    "Cai": "A lead.\n== In [[Rome]] ==\nText.\n* Rome",
    "Dee": "'''Dee''' was born.\n\nShe lived in Lyon. Dee left Lyon.\n* Lyon\n== Later ==\nIn Lyon again.",
    "Eve": "A.\n{{Quote|Words\nof Riga}}\n<blockquote>Riga, said Eve.</blockquote>",
    "Fay": "{{Infobox\n| film = x\n| kind = Film\n}}\nA.",
    "Others": "{{Infobox\n| Gus = [[Bern]]\n}}\n{{Infobox\n| Bern = Gus\n}}\nA.",
}


def trace_pages(spark: Any, folder: Path, lists: bool = True) -> dict[tuple[str, str], dict[str, Any]]:
    """Rows of FACT_SOURCES by fact and matcher."""
    pages = [page_xml(number, title, text) for number, (title, text) in enumerate(PAGES.items(), 1)]
    pages.append(page_xml(90, "Mercury", "", redirect="Mercury (planet)"))
    write_dump(folder, dump_xml(pages, "en"), "enwiki-20240101-pages-articles.xml.bz2")
    articles, mentions, sources = (folder / name for name in ("articles", "mentions", "sources"))
    for each in (articles, mentions, sources):
        each.mkdir()
    write_articles(spark, acquire_dump("en", str(folder), "latest", folder), articles, lists=lists)
    split = split_of(FACTS, "en")
    write_mentions(spark, articles, split, mentions)
    table = write_sources(spark, articles, mentions, split, sources)
    assert sorted(path.name for path in sources.iterdir()) == ["_errors.parquet", "data.parquet"]
    return {(row["uuid"], row["matcher"]): row for row in table.to_pylist()}


def found_by_page(rows: dict[tuple[str, str], dict[str, Any]]) -> dict[tuple[str, str], list[str]]:
    """The evidence's sentences of the facts that these matchers find."""
    return {
        key: [passage["sentence"] for passage in row["evidence"]]
        for key, row in rows.items()
        if key[1] in BY_PAGE and row["windows"]
    }


def test_what_stands_outside_sentences_is_found_by_a_matcher_of_its_own(spark: Any, tmp_path: Path) -> None:
    rows = trace_pages(spark, tmp_path)
    assert found_by_page(rows) == {
        # The article is known by the redirect; the file's name is no value.
        ("f1", "infobox"): ["Mercury (planet): seat: Oslo"],
        ("f2", "table"): ["Ada: y | Paris"],
        # The cell with Bob extends over two rows.
        ("f3", "table"): ["Nice | Bob"],
        ("f3", "list"): ["Bob visited Nice."],
        ("f4", "heading"): ["Cai: In Rome"],
        ("f4", "list"): ["Cai: Rome"],
        ("f5", "list"): ["Dee: Lyon", "Dee, Lyon"],
        ("f5", "by_title"): ["Dee: She lived in Lyon."],
        ("f6", "quotation"): ["Riga, said Eve.", "Eve: Words, of Riga"],
        # A capital begins the value; a parameter's name is not an object.
        ("f7", "infobox"): ["Fay: kind: Film"],
        ("f8", "infobox"): ["Gus: Bern"],
    }
    assert [rows["f2", name]["windows"] for name in MATCHERS if (("f2", name)) in rows].count(1) == 1


def test_positions_are_those_of_the_article_or_null(spark: Any, tmp_path: Path) -> None:
    rows = trace_pages(spark, tmp_path)
    (cell,) = rows["f1", "infobox"]["evidence"]
    assert [cell[name] for name in ("subject_start", "subject_end", "object_start", "object_end")] == [
        None
    ] * 4
    assert (cell["page_id"], cell["title"], cell["revision_id"]) == (1, "Mercury (planet)", 1001)
    (lead,) = rows["f5", "by_title"]["evidence"]
    assert (lead["subject_start"], lead["object_start"], lead["object_end"]) == (None, 27, 31)
    (item,) = rows["f3", "list"]["evidence"]
    assert (item["subject_start"], item["object_start"]) == (0, 12)


def test_without_lists_in_the_text_headings_and_leads_stay_where_they_are(spark: Any, tmp_path: Path) -> None:
    found = found_by_page(trace_pages(spark, tmp_path, lists=False))
    assert not any(matcher == "list" for _, matcher in found)
    assert found["f4", "heading"] == ["Cai: In Rome"]
    assert found["f5", "by_title"] == ["Dee: She lived in Lyon."]


def cells_by_loops(
    articles: list[dict[str, Any]],
    facts: list[dict[str, Any]],
    names: dict[str, list[str]],
    titles: dict[str, str],
) -> Counter[tuple[str, str]]:
    """The number of cells that hold each fact, by its uuid and the cells' kind, by loops over everything.

    names: label to its aliases. titles: label to its article's title.
    """
    counts: Counter[tuple[str, str]] = Counter()
    for article in articles:
        for cell in article["cells"]:
            text = cell["text"]
            spelled = {(label, name) for label, own in names.items() for name in own if name in text}
            found: dict[str, list[tuple[tuple[int, int], bool]]] = {}
            for label, name, start, end in mentions_by_brute_force(text, spelled, "el"):
                found.setdefault(label, []).append(((start, end), name == label))
            for fact in facts:
                subjects, objects = (found.get(fact[side], []) for side in ("subject", "object"))
                own = [
                    [span for span, is_label in one if not is_nested(span, is_label, other)]
                    for one, other in ((subjects, objects), (objects, subjects))
                ]
                if not subjects and titles.get(fact["subject"]) == article["title"]:
                    starts = [min(own[1])[0]] if own[1] else []
                else:
                    starts = [pair[1][0] for pair in candidate_pairs(*own, lambda span: span)]
                if any(start >= cell["value_start"] for start in starts):
                    counts[fact["uuid"], cell["kind"]] += 1
    return counts


def test_facts_in_cells_of_real_pages_are_those_of_loops(spark: Any, tmp_path: Path, greek: Any) -> None:
    articles, split = greek.articles.slice(0, 150), greek.split.slice(2000, 2500)
    for name in ("articles", "mentions", "sources"):
        (tmp_path / name).mkdir()
    pq.write_table(articles, tmp_path / "articles" / "part-00000-000.parquet")
    write_mentions(spark, tmp_path / "articles", split, tmp_path / "mentions")
    table = write_sources(spark, tmp_path / "articles", tmp_path / "mentions", split, tmp_path / "sources")
    facts = [
        fact for fact in split.to_pylist() if fact["subject"][0].isupper() and fact["object"][0].isupper()
    ]
    names = {fact[side]: [fact[side]] for fact in facts for side in ("subject", "object")}
    for row in pq.read_table(tmp_path / "mentions" / "_aliases.parquet").to_pylist():
        names.get(row["label"], []).append(row["alias"])
    label_articles = pq.read_table(tmp_path / "mentions" / "_articles.parquet").to_pylist()
    titles = {row["label"]: row["title"] for row in label_articles}
    expected = cells_by_loops(articles.to_pylist(), facts, names, titles)
    found = Counter(
        {
            (row["uuid"], row["matcher"]): row["windows"]
            for row in table.to_pylist()
            if row["matcher"] in CELLS and row["windows"]
        }
    )
    compared = {fact["uuid"] for fact in facts}
    assert Counter({key: count for key, count in found.items() if key[0] in compared}) == expected
    assert len(expected) > 30


def test_what_a_generated_world_hides_is_found_where_it_stands(spark: Any, tmp_path: Path) -> None:
    language, world = "de", generate(3, parse_dials("demo", "hidden_statements=0.9"))
    for name in ("release", "articles", "mentions", "sources"):
        (tmp_path / name).mkdir()
    write_release(world, tmp_path / "release")
    write_world_dump(world, language, tmp_path / dump_name(language))
    split = read_split(tmp_path / "release", language)
    write_articles(spark, acquire_dump(language, str(tmp_path), "latest", tmp_path), tmp_path / "articles")
    write_mentions(spark, tmp_path / "articles", split, tmp_path / "mentions")
    table = write_sources(spark, tmp_path / "articles", tmp_path / "mentions", split, tmp_path / "sources")
    found = {(row["uuid"], row["matcher"]) for row in table.to_pylist() if row["windows"]}
    asked = set(split["uuid"].to_pylist())
    cells = world.plan.cells[language]
    for place in HIDDEN:
        hidden = {uuid for uuid, cell in cells.items() if cell.stated_how == place} & asked
        assert len(hidden) > 10 and all((uuid, place) in found for uuid in hidden)
        # A list item is text, too.
        in_text = sum((uuid, "chunk_with_forms") in found for uuid in hidden)
        assert in_text == (len(hidden) if place == "list" else 0)


def test_identifiers_of_documents_of_other_corpora_are_no_titles(spark: Any, tmp_path: Path) -> None:
    for name in ("articles", "mentions", "sources"):
        (tmp_path / name).mkdir()
    row = {"title": "Ada", "text": "Born in Paris.", "list_lines": [], "names": [], "words": 3, "weight": 1}
    for number, corpus in enumerate(("wikipedia", "web")):
        table = pa.Table.from_pylist([row | {"page_id": number, "corpus": corpus}], WIKIPEDIA_ARTICLES)
        pq.write_table(table, tmp_path / "articles" / f"part-{number:05d}-000.parquet")
    split = split_of(FACTS[1:2], "en")
    write_mentions(spark, tmp_path / "articles", split, tmp_path / "mentions")
    table = write_sources(spark, tmp_path / "articles", tmp_path / "mentions", split, tmp_path / "sources")
    found = [(each["corpus"], each["matcher"]) for each in table.to_pylist() if each["windows"]]
    assert found == [("wikipedia", "by_title")]
