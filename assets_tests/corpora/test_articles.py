"""From dump to articles: counts against independent ones, damage contained, the same rows every time."""

from __future__ import annotations

import bz2
import hashlib
import json
import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from assets_tests.corpora.cleaning import clean
from assets_tests.corpora.dumps import dump_xml, page_xml, write_dump
from assets_tests.files import table_digests
from assets_tests.spark.parts import failing, logged
from factroots_dagster.corpora.schema import WIKIPEDIA_ARTICLES
from factroots_dagster.corpora.wikipedia.articles import PAGE_SECONDS, divide_dump, write_articles
from factroots_dagster.corpora.wikipedia.dump import acquire_dump
from factroots_dagster.corpora.wikipedia.namespaces import Namespaces
from factroots_dagster.corpora.wikipedia.redirects import find_redirect
from factroots_dagster.errors import InputError
from factroots_dagster.spark.written import write_parts
from factroots_dagster.tracing.mentions import write_mentions
from factroots_dagster.tracing.schema import WIKIPEDIA_VOLUME
from factroots_dagster.tracing.volume import measure_volume

ALESUND = "'''Ålesund''' is een [[stad]] in {{x}}Noorwegen.\n* Oslo"
PAGES = [
    page_xml(3, "Ålesund", ALESUND),
    page_xml(1, "null", "Nul."),
    page_xml(2, "Aalesund", "#REDIRECT [[Ålesund#Kust]]", redirect="Ålesund"),
    page_xml(4, "Overleg", "Tekst.", namespace=1),
    page_xml(5, "Leeg", ""),
    page_xml(2**40, "日本", "東京は[[日本]]の首都。"),
]


def convert(spark, folder: Path, xml: str, **options: object):  # type: ignore[no-untyped-def]
    """Counts, rows and problems of a dump of `xml`."""
    source, target = folder / "source", folder / "articles"
    source.mkdir()
    target.mkdir()
    write_dump(source, xml)
    counts = write_articles(spark, acquire_dump("nl", str(source), "latest", folder), target, **options)
    rows = ds.dataset(target).to_table().to_pylist()
    problems = pq.read_table(target / "_problems.parquet").to_pylist()
    return counts, rows, problems


def test_a_complete_dump_becomes_articles_counts_and_no_problems(spark, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    counts, rows, problems = convert(spark, tmp_path, dump_xml(PAGES))
    assert counts == {
        "pages": 6,
        "articles": 4,
        "redirects": 1,
        "damaged_pages": 0,
        "lost_bytes": 0,
        "unfinished_pages": 0,
        "wikitext_bytes": sum(row["wikitext_bytes"] for row in rows if row["redirect_to"] is None),
        "characters": sum(len(row["text"]) for row in rows),
        "words": 7 + 1 + len("東京は日本の首都"),
    }
    assert not problems
    assert [(row["page_id"], row["title"], row["redirect_to"], row["text"]) for row in rows] == [
        (3, "Ålesund", None, "Ålesund is een stad in Noorwegen.\nOslo"),
        (1, "null", None, "Nul."),
        (2, "Aalesund", "Ålesund", ""),
        (5, "Leeg", None, ""),
        (2**40, "日本", None, "東京は日本の首都。"),
    ]
    assert rows[0]["revision_id"] == 1003
    assert rows[0]["wikitext_bytes"] == len(ALESUND.encode())
    assert (rows[0]["list_lines"], rows[0]["names"], rows[0]["words"]) == ([1], ["Ålesund"], 7)
    assert (rows[2]["redirect_fragment"], rows[0]["redirect_fragment"]) == ("Kust", None)
    folder = tmp_path / "articles"
    assert sorted(path.name for path in folder.iterdir()) == [
        "_anchors.parquet",
        "_counts.parquet",
        "_problems.parquet",
        "part-00000-000.parquet",
    ]
    for path in folder.iterdir():
        assert all(not field.metadata for field in pq.read_schema(path)), "descriptions are not stored"
    assert ds.dataset(folder).schema == WIKIPEDIA_ARTICLES
    fact = {"language": "nl", "subject_uri": "Q1", "subject": "Ålesund", "object_uri": "Q2", "object": "日本"}
    mentions = tmp_path / "mentions"
    mentions.mkdir()
    write_mentions(spark, folder, pa.Table.from_pylist([fact, fact | {"subject": "Bergen"}]), mentions)
    table = measure_volume(acquire_dump("nl", str(tmp_path / "source"), "latest", tmp_path), folder, mentions)
    assert table.schema == WIKIPEDIA_VOLUME
    texts = [row["text"] for row in rows]
    expected = {"pages": 6, "articles": 4, "redirects": 1, "snapshot": "20240101", "damaged_pages": 0}
    expected |= {
        "characters": sum(map(len, texts)),
        "words": 7 + 1 + len("東京は日本の首都"),
        "language": "nl",
        "entities": 2,
        "indexed_pages": None,
    }
    assert expected.items() <= table.to_pylist()[0].items()


def test_pages_of_an_old_export_are_read_by_their_titles_and_texts(spark, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """Schemas before 0.6 have no namespace, and those before 0.4 no tag of redirects."""
    pages = [
        page_xml(1, "Utrecht", "'''{{PAGENAME}}''' is een stad."),
        page_xml(2, "Overleg:Utrecht", "Praat."),
        page_xml(3, "Bestand:A.jpg", "Plaat."),
        page_xml(4, "CSI: Miami", "Een serie."),
        page_xml(5, "Trajectum", "#DOORVERWIJZING [[utrecht#Naam|x]]"),
        page_xml(6, "Talk:Utrecht", "Praat."),
        page_xml(7, "Hekje", "#WEITERLEITUNG [[Utrecht]] is geen Nederlands."),
    ]
    xml = dump_xml(pages).replace("    <ns>0</ns>\n", "").replace(">Talk<", ">Overleg<")
    counts, rows, problems = convert(spark, tmp_path, xml)
    assert (counts["pages"], counts["articles"], counts["redirects"], problems) == (7, 3, 1, [])
    assert [(row["title"], row["redirect_to"], row["redirect_fragment"], row["text"]) for row in rows] == [
        ("Utrecht", None, None, "Utrecht is een stad."),
        ("CSI: Miami", None, None, "Een serie."),
        ("Trajectum", "Utrecht", "Naam", ""),
        ("Hekje", None, None, "WEITERLEITUNG Utrecht is geen Nederlands."),
    ]
    assert rows[0]["names"] == ["Utrecht"]


@pytest.mark.parametrize(
    ("language", "wikitext", "target"),
    [
        ("en", "#REDIRECT [[Leeds]]", "Leeds"),
        ("en", "\n #redirect: [[:leeds_city#A|b]] {{x}}", "Leeds city"),
        ("en", "#REDIRECT[[Leeds]]", "Leeds"),
        ("de", "#WEITERLEITUNG [[Köln]]", "Köln"),
        ("uk", "#перенаправлення [[Київ]]", "Київ"),
        ("tr", "#YÖNLENDİRME [[Ankara]]", "Ankara"),
        ("tr", "#yönlendirme [[Ankara]]", "Ankara"),
        ("ja", "＃転送 [[東京]]", "東京"),
        ("fa", "#تغییر_مسیر [[تهران]]", "تهران"),
        ("zh-yue", "#重定向 [[香港]]", "香港"),
        ("be", "#перанакіраваньне [[Мінск]]", "Мінск"),
        ("en", "#WEITERLEITUNG [[Köln]]", None),
        ("en", "# [[Leeds]] is first.", None),
        ("en", "Leeds #REDIRECT [[Leeds]]", None),
        ("en", "#REDIRECT Leeds", None),
        ("en", "#REDIRECT [[#A]]", None),
        ("en", "", None),
    ],
)
def test_a_redirect_is_known_by_its_text(language: str, wikitext: str, target: str | None) -> None:
    assert find_redirect(wikitext, language) == target


def test_lists_can_be_left_out(spark, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    _, rows, _ = convert(spark, tmp_path, dump_xml(PAGES), lists=False)
    assert rows[0]["text"] == "Ålesund is een stad in Noorwegen." and rows[0]["list_lines"] == []


def test_a_path_may_contain_glob_characters(spark, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    folder = tmp_path / "a [b] {c,d} *"
    folder.mkdir()
    counts, _, _ = convert(spark, folder, dump_xml(PAGES))
    assert counts["articles"] == 4


DAMAGE = {
    "control character": (lambda xml: xml.replace("Nul.", "Nul\x01."), {1}),
    "raw ampersand": (lambda xml: xml.replace("Nul.", "a & b"), {1}),
    "undeclared entity": (lambda xml: xml.replace("Nul.", "&bomb;"), {1}),
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
def test_damage_costs_only_the_page_that_has_it(spark, tmp_path: Path, name: str) -> None:  # type: ignore[no-untyped-def]
    damage, lost = DAMAGE[name]
    xml = damage(dump_xml(PAGES))
    counts, rows, problems = convert(spark, tmp_path, xml)
    missing = lost | ({2**40} if name == "cut between pages" else set())
    assert {row["page_id"] for row in rows} == {1, 2, 3, 5, 2**40} - missing
    assert counts["damaged_pages"] == len(lost) == len(problems)
    assert {problem["page_id"] for problem in problems} == lost
    assert counts["lost_bytes"] == sum(problem["bytes"] for problem in problems)
    assert (counts["lost_bytes"] > 100) == bool(lost)
    if lost == {1}:
        assert problems[0]["title"] in ("null", None) and problems[0]["problem"]


def test_a_page_that_takes_too_long_is_listed_as_unfinished(spark, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    slow = page_xml(7, "Traag", "{{a|" * 1_000_000 + "}}" * 1_000_000)  # takes seconds
    counts, rows, problems = convert(spark, tmp_path, dump_xml([*PAGES, slow]), page_seconds=0.5)
    assert problems == [
        {"page_id": 7, "title": "Traag", "problem": "unfinished after 0.5 s", "bytes": problems[0]["bytes"]}
    ]
    assert counts["unfinished_pages"] == 1 and counts["articles"] == 4
    assert {row["page_id"] for row in rows} == {1, 2, 3, 5, 2**40}


def test_a_dump_without_a_complete_page_is_refused(spark, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match="no complete page"):
        convert(spark, tmp_path, dump_xml([]))


@pytest.mark.parametrize("damage", ["a block in the middle", "cut off"])
def test_damaged_compression_keeps_every_complete_page(spark, tmp_path: Path, damage: str) -> None:  # type: ignore[no-untyped-def]
    source, target = tmp_path / "source", tmp_path / "articles"
    source.mkdir()
    target.mkdir()
    rows = [page_xml(n, f"T{n}", hashlib.sha512(str(n).encode()).hexdigest() * 400) for n in range(1, 60)]
    data = bz2.compress(dump_xml(rows).encode(), 1)
    half = len(data) // 2
    damaged = data[:half] + b"\0" * 200 + data[half + 200 :] if damage != "cut off" else data[:half]
    (source / "nlwiki-20240101-pages-articles.xml.bz2").write_bytes(damaged)
    counts = write_articles(spark, acquire_dump("nl", str(source), "latest", tmp_path), target)
    ids = ds.dataset(target).to_table()["page_id"].to_pylist()
    lost = sorted(set(range(1, 60)) - set(ids))
    assert ids == sorted(ids) and lost == list(range(lost[0], lost[-1] + 1))
    assert (lost[-1] == 59) == (damage == "cut off") and 1 <= len(lost) < 50
    assert counts["articles"] == len(ids) and counts["lost_bytes"] > 0
    problems = pq.read_table(target / "_problems.parquet").to_pylist()
    assert any("a corrupt bzip2 block" in problem["problem"] for problem in problems)


@pytest.mark.parametrize("compression", ["gz", "bz2"])
def test_a_stream_that_is_too_large_for_one_part_is_refused(tmp_path: Path, compression: str) -> None:
    dump = acquire_dump("nl", str(write_dump(tmp_path, dump_xml(PAGES)).parent), "latest", tmp_path)
    row = dump.to_pylist()[0] | {"bytes": 9 * 2**30, "compression": compression}
    options = {"lists": True, "page_seconds": PAGE_SECONDS, "min_range_bytes": 2**20}
    dump = pa.Table.from_pylist([row], dump.schema)
    if compression == "bz2":  # which is read in pieces
        assert len(divide_dump(dump, tmp_path, **options).sizes) == 48
        return
    with pytest.raises(InputError, match=r"more than 8.6 GB in one compressed stream") as error:
        divide_dump(dump, tmp_path, **options)
    assert ".bz2" in error.value.remedy


def test_a_killed_run_is_resumed_with_the_jobs_that_are_missing(spark, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    texts = [f"[[T{n}|t]] " + hashlib.sha512(str(n).encode()).hexdigest() * 40 for n in range(1, 400)]
    rows = [page_xml(n, f"T{n}", text) for n, text in enumerate(texts, 1)]
    for name in ("source", "undisturbed", "killed", "log"):
        (tmp_path / name).mkdir()
    xml = dump_xml(rows).replace("T7<", "T7\x01<")  # a problem in the first job, too
    write_dump(tmp_path / "source", xml, "nlwiki-20240101-pages-articles.xml")
    dump = acquire_dump("nl", str(tmp_path / "source"), "latest", tmp_path)
    killed = tmp_path / "killed"

    def run(folder: Path) -> list[str]:
        """Lines of progress."""
        lines: list[str] = []
        write_articles(spark, dump, folder, min_range_bytes=5000, progress=lines.append)
        return lines

    run(tmp_path / "undisturbed")
    # As a kill leaves it: some jobs finished, one half way, no counts.
    parts = divide_dump(dump, killed, lists=True, page_seconds=PAGE_SECONDS, min_range_bytes=5000)
    assert len(parts.sizes) > 6

    def end() -> None:
        raise ZeroDivisionError

    function = partial(logged, function=parts.function, folder=tmp_path / "log")
    function = partial(failing, function=function, wrong=3, error=end)
    with pytest.raises(Exception, match="ZeroDivisionError"):
        write_parts(spark, replace(parts, function=function), killed, job_bytes=1)
    (killed / "_anchors-00003.arrow").write_bytes(b"half")
    assert {path.name[0] for path in (tmp_path / "log").iterdir()} == set("0123")
    finished = sorted(killed.glob("part-*.parquet"))
    assert [path.name for path in finished] == [f"part-0000{number}-000.parquet" for number in range(3)]
    stamps = [path.stat().st_mtime_ns for path in finished]
    lines = run(killed)
    assert lines[0] == f"nl: articles: 3 of {len(parts.sizes)} parts were finished by an earlier run"
    assert table_digests(killed) == table_digests(tmp_path / "undisturbed")
    assert pq.read_metadata(killed / "_problems.parquet").num_rows == 1
    assert pq.read_metadata(killed / "_anchors.parquet").num_rows == 398
    assert stamps == [path.stat().st_mtime_ns for path in finished]


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
    namespaces = Namespaces.for_wiki(
        "el", [(namespace["key"], namespace["name"]) for namespace in dump["namespaces"][0].as_py()]
    )
    expected_rows = {}
    for page in map(ElementTree.fromstring, re.findall(r"<page>.*?</page>", xml, re.DOTALL)):
        if page.findtext("ns") == "0":
            redirect = page.find("redirect")
            text = page.findtext("revision/text") or ""
            expected_rows[int(page.findtext("id") or 0)] = (
                int(page.findtext("revision/id") or 0),
                page.findtext("title"),
                None if redirect is None else redirect.get("title"),
                "" if redirect is not None else clean(text, namespaces),
                len(text.encode()),
            )
    names = ["revision_id", "title", "redirect_to", "text", "wikitext_bytes"]
    rows = ds.dataset(tmp_path).to_table().to_pylist()
    assert {row["page_id"]: tuple(row[name] for name in names) for row in rows} == expected_rows
