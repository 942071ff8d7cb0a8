"""From dump to articles: counts against independent ones, damage contained, the same bytes every time."""

from __future__ import annotations

import bz2
import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from assets_tests.wikipedia.conftest import dump_xml, page_xml, write_dump
from factroots_dagster.errors import InputError
from factroots_dagster.wikipedia.articles import write_articles
from factroots_dagster.wikipedia.dump import acquire_dump
from factroots_dagster.wikipedia.namespaces import Namespaces
from factroots_dagster.wikipedia.schema import WIKIPEDIA_ARTICLES, WIKIPEDIA_VOLUME
from factroots_dagster.wikipedia.volume import volume
from factroots_dagster.wikipedia.wikitext import clean

PAGES = [
    page_xml(3, "Ålesund", "'''Ålesund''' is een [[stad]] in {{x}}Noorwegen."),
    page_xml(1, "null", "Nul."),
    page_xml(2, "Aalesund", "#REDIRECT [[Ålesund]]", redirect="Ålesund"),
    page_xml(4, "Overleg", "Tekst.", namespace=1),
    page_xml(5, "Leeg", ""),
    page_xml(2**40, "日本", "東京は[[日本]]の首都。"),
]


def articles(
    spark, folder: Path, xml: str | bytes, name: str = "nlwiki-20240101-pages-articles.xml.bz2", **how
):  # type: ignore[no-untyped-def]
    """Counts, rows and problems that come of a dump."""
    source, target = folder / "source", folder / "articles"
    source.mkdir()
    target.mkdir()
    write_dump(source, xml, name)
    counts = write_articles(spark, acquire_dump("nl", str(source), "latest", folder), target, **how)
    rows = ds.dataset(target).to_table().to_pylist()
    problems = pq.read_table(target / "_problems.parquet").to_pylist()
    return counts, rows, problems


def test_a_whole_dump(spark, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    counts, rows, problems = articles(spark, tmp_path, dump_xml(PAGES))
    assert counts == {
        "pages": 6,
        "articles": 4,
        "redirects": 1,
        "damaged_pages": 0,
        "lost_bytes": 0,
        "unfinished_pages": 0,
    }
    assert not problems
    assert [(row["page_id"], row["title"], row["redirect_to"], row["text"]) for row in rows] == [
        (1, "null", None, "Nul."),
        (2, "Aalesund", "Ålesund", ""),
        (3, "Ålesund", None, "Ålesund is een stad in Noorwegen."),
        (5, "Leeg", None, ""),
        (2**40, "日本", None, "東京は日本の首都。"),
    ]
    assert rows[2]["revision_id"] == 1003
    assert rows[2]["wikitext_bytes"] == len("'''Ålesund''' is een [[stad]] in {{x}}Noorwegen.".encode())
    folder = tmp_path / "articles"
    assert sorted(path.name for path in folder.iterdir()) == [
        "_counts.parquet",
        "_problems.parquet",
        "part-00000.parquet",
    ]
    assert ds.dataset(folder).schema == WIKIPEDIA_ARTICLES
    table = volume(spark, acquire_dump("nl", str(tmp_path / "source"), "latest", tmp_path), folder)
    assert table.schema == WIKIPEDIA_VOLUME
    texts = [row["text"] for row in rows]
    expected = {"pages": 6, "articles": 4, "redirects": 1, "snapshot": "20240101", "damaged_pages": 0}
    expected |= {
        "characters": sum(map(len, texts)),
        "words": 6 + 1 + len("東京は日本の首都"),
        "language": "nl",
    }
    assert expected.items() <= table.to_pylist()[0].items()


def test_a_path_with_characters_that_mean_patterns(spark, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    folder = tmp_path / "a [b] {c,d} *"
    folder.mkdir()
    counts, _, _ = articles(spark, folder, dump_xml(PAGES))
    assert counts["articles"] == 4


DAMAGE = {
    "control character": (lambda xml: xml.replace("Nul.", "Nul\x01."), {1}),
    "raw ampersand": (lambda xml: xml.replace("Nul.", "a & b"), {1}),
    "entity of one's own": (lambda xml: xml.replace("Nul.", "&bomb;"), {1}),
    "page without its end": (
        lambda xml: re.sub(r"Nul\..*?</page>", "Nu", xml, count=1, flags=re.DOTALL),
        {1},
    ),
    "page without its beginning": (lambda xml: xml.replace("<page>\n    <title>null", "<title>null"), {1}),
    "unclosed tag": (lambda xml: xml.replace("<title>null</title>", "<title>null"), {1}),
    "cut in the last page": (lambda xml: xml[: xml.index("首都") + 1], {2**40}),
    "cut between pages": (lambda xml: xml[: xml.index("  <page>\n    <title>日本")], set()),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_stays_in_its_page(spark, tmp_path: Path, name: str) -> None:  # type: ignore[no-untyped-def]
    damage, lost = DAMAGE[name]
    xml = damage(dump_xml(PAGES))
    counts, rows, problems = articles(spark, tmp_path, xml)
    gone = lost | ({2**40} if name == "cut between pages" else set())
    assert {row["page_id"] for row in rows} == {1, 2, 3, 5, 2**40} - gone
    assert counts["damaged_pages"] == len(lost) == len(problems)
    assert {problem["page_id"] for problem in problems} == lost
    assert counts["lost_bytes"] == sum(problem["bytes"] for problem in problems)
    assert (counts["lost_bytes"] > 100) == bool(lost)
    if lost == {1}:
        assert problems[0]["title"] in ("null", None) and problems[0]["problem"]


def test_a_page_that_takes_too_long_is_listed(spark, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    slow = page_xml(7, "Traag", "[[a:b|" * 150_000)
    counts, rows, problems = articles(spark, tmp_path, dump_xml([*PAGES, slow]), page_seconds=0.01)
    assert problems == [
        {"page_id": 7, "title": "Traag", "problem": "unfinished after 0.01 s", "bytes": problems[0]["bytes"]}
    ]
    assert counts["unfinished_pages"] == 1 and counts["articles"] == 4
    assert {row["page_id"] for row in rows} == {1, 2, 3, 5, 2**40}


def test_what_is_no_dump_at_all(spark, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match="no complete page"):
        articles(spark, tmp_path, dump_xml([]))


@pytest.mark.parametrize("damage", ["a block in the middle", "cut off"])
def test_damaged_compression_keeps_the_pages_before_it(spark, tmp_path: Path, damage: str) -> None:  # type: ignore[no-untyped-def]
    source, target = tmp_path / "source", tmp_path / "articles"
    source.mkdir()
    target.mkdir()
    pages = [page_xml(n, f"T{n}", hashlib.sha512(str(n).encode()).hexdigest() * 400) for n in range(1, 60)]
    data = bz2.compress(dump_xml(pages).encode(), 1)
    half = len(data) // 2
    torn = data[:half] + b"\0" * 200 + data[half + 200 :] if damage != "cut off" else data[:half]
    (source / "nlwiki-20240101-pages-articles.xml.bz2").write_bytes(torn)
    counts = write_articles(spark, acquire_dump("nl", str(source), "latest", tmp_path), target)
    ids = ds.dataset(target).to_table()["page_id"].to_pylist()
    assert ids == list(range(1, len(ids) + 1)) and 10 < len(ids) < 50
    assert counts["articles"] == len(ids) and counts["lost_bytes"] > 0
    problems = pq.read_table(target / "_problems.parquet").to_pylist()
    assert any("compressed data damaged" in problem["problem"] for problem in problems)
    assert sorted(path.name for path in target.iterdir()) == [
        "_counts.parquet",
        "_problems.parquet",
        "part-00000.parquet",
    ]


LANGUAGES = ["bn", "el", "en", "hy", "uk"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_real_dumps_give_the_known_counts(spark, tmp_path: Path, real_data: Path, language: str) -> None:  # type: ignore[no-untyped-def]
    known = json.loads((real_data / "counts.json").read_text())
    dump = acquire_dump(language, str(real_data / "wikipedia"), "latest", tmp_path)
    expected = known[dump["file"][0].as_py()]
    counts = write_articles(spark, dump, tmp_path)
    assert counts["pages"] == expected["complete_pages"]
    assert counts["articles"] == expected["articles"]
    assert counts["redirects"] == expected["redirects_in_namespace_0"]
    assert counts["damaged_pages"] == (0 if language == "en" else 1)
    assert (counts["lost_bytes"] > 0) == (language != "en")
    if language != "el":
        return
    # Every row against another XML parser.
    xml = bz2.decompress(Path(dump["path"][0].as_py()).read_bytes()).decode()
    namespaces = Namespaces.of(
        "el", [(space["key"], space["name"]) for space in dump["namespaces"][0].as_py()]
    )
    wanted = {}
    for page in map(ElementTree.fromstring, re.findall(r"<page>.*?</page>", xml, re.DOTALL)):
        if page.findtext("ns") == "0":
            redirect = page.find("redirect")
            text = page.findtext("revision/text") or ""
            wanted[int(page.findtext("id") or 0)] = (
                int(page.findtext("revision/id") or 0),
                page.findtext("title"),
                None if redirect is None else redirect.get("title"),
                "" if redirect is not None else clean(text, namespaces),
                len(text.encode()),
            )
    rows = ds.dataset(tmp_path).to_table().to_pylist()
    assert {row.pop("page_id"): tuple(row.values()) for row in rows} == wanted


BYTES_OF_A_RUN = """
import sys, hashlib
from pathlib import Path
import pyarrow as pa
from factroots_dagster.wikipedia import articles
from factroots_dagster.wikipedia.dump import acquire_dump
from factroots_dagster.wikipedia.mentions import write_mentions
from factroots_dagster.wikipedia.session import spark_session
source, target, master = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
spark = spark_session(master)
articles.COMPRESSED_BYTES_PER_FILE = 100_000
names = {name: target / name for name in ("articles", "mentions")}
for folder in names.values():
    folder.mkdir(parents=True)
articles.write_articles(spark, acquire_dump("nl", str(source), "latest", target), names["articles"])
fact = {"language": "nl", "subject_uri": "Q1", "subject": "kaas", "object_uri": "Q2", "object": "wijn en"}
split = pa.Table.from_pylist([fact])
write_mentions(spark, names["articles"], split, names["mentions"])
for path in sorted(target.rglob("*")):
    if path.is_file():
        print(path.relative_to(target), hashlib.sha256(path.read_bytes()).hexdigest())
"""


def test_the_same_bytes_whatever_the_number_of_cores(tmp_path: Path) -> None:
    """Two fresh processes, one core and two, several files and tasks."""
    words = ["kaas", "en", "wijn", "en", "brood", "in", "de", "grote", "stad", "land", "van"]
    pages = [
        page_xml(
            n,
            f"T{n}",
            " ".join(words[int(c, 16) % len(words)] for c in hashlib.sha512(str(n).encode()).hexdigest() * 8),
        )
        for n in range(1, 1500)
    ]
    write_dump(tmp_path, dump_xml(pages))
    told = []
    for master in ("local[1]", "local[2]"):
        command = [sys.executable, "-c", BYTES_OF_A_RUN, str(tmp_path), str(tmp_path / master), master]
        environment = os.environ | {"FACTROOTS_SPARK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1"}
        told.append(
            subprocess.run(
                command, env=environment, capture_output=True, text=True, check=True, timeout=300
            ).stdout
        )
    assert told[0] == told[1]
    assert told[0].count("articles/part-") > 2 and told[0].count("mentions/part-") > 2
